"""The words of the messages that go out, in English, and in Welsh first where the force serves Wales."""

from collections.abc import Mapping
from typing import Any

_NEWS_EN = "There is news about your enquiry {reference}. To read it, open {page} with your tracking token."
_NEWS_CY = "Mae newyddion am eich ymholiad {reference}. I'w darllen, agorwch {page} gyda'ch tocyn olrhain."
_NEWS = {
    "en": ("News about your enquiry {reference}", _NEWS_EN),
    "cy": ("Newyddion am eich ymholiad {reference}", _NEWS_CY),
}
BUSINESS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "received": {
        "en": (
            "We have received your enquiry {reference}",
            "We have received an enquiry in your name. Its reference is {reference}.\n\n"
            "To see where it stands, open {page} with the tracking token that was shown when it was sent. "
            "If you sent no enquiry, please tell us.",
        ),
        "cy": (
            "Rydym wedi derbyn eich ymholiad {reference}",
            "Rydym wedi derbyn ymholiad yn eich enw. Y cyfeirnod yw {reference}.\n\n"
            "I weld ei hynt, agorwch {page} gyda'r tocyn olrhain a ddangoswyd pan gafodd ei anfon. "
            "Os na anfonoch chi ymholiad, rhowch wybod i ni.",
        ),
    },
    "code": {
        "en": (
            "Your code for enquiry {reference}",
            "Your code is {code}. Enter it within 10 minutes at {page}. It works once.\n\n"
            "We never ask for this code by telephone. If you did not ask for it, please tell us.",
        ),
        "cy": (
            "Eich cod ar gyfer ymholiad {reference}",
            "Eich cod yw {code}. Rhowch ef o fewn 10 munud ar {page}. Mae'n gweithio unwaith.\n\n"
            "Nid ydym byth yn gofyn am y cod hwn dros y ffôn. Os na ofynnoch amdano, rhowch wybod i ni.",
        ),
    },
    "message": _NEWS,
    "visit": _NEWS,
    "advice": _NEWS,
    "passed": _NEWS,
    "reopened": _NEWS,
}
TEAM: Mapping[str, tuple[str, str]] = {
    "emergency_access": (
        "Emergency access to {reference}",
        "A supervisor of another team has opened {reference} in an emergency, for 24 hours at most. "
        "Its access log says who, when and why.",
    ),
    "case_offered": (
        "{reference} is offered to you",
        "Another force offers {reference} to your team. Accept it or return it.",
    ),
    "enquiry_offered": (
        "{reference} is offered to you",
        "Another force passes the enquiry {reference} to your team. Accept it or return it.",
    ),
    "codes_used_up": (
        "Many codes were asked for enquiry {reference}",
        "Whoever holds the tracking token of {reference} has asked for more one-time codes than are sent in a day. "
        "Its link may be in other hands. Ring the contact on a number that you know; a new tracking token ends the old one.",
    ),
}
PERSON: Mapping[str, tuple[str, str]] = {
    "advice_returned": (
        "Advice of {reference} is with its author again",
        "What advice of {reference} says has changed while it was in review or approved, so it went back to its author. "
        "It is reviewed again before it is issued.",
    ),
    "reviewer_needed": (
        "Somebody else is to review advice of {reference}",
        "Whoever was asked to review advice of {reference} has contributed to it meanwhile, and so is asked no longer. "
        "Ask somebody else.",
    ),
    "advice_taken_back": (
        "You need not review advice of {reference} now",
        "The advice of {reference} that you were asked to review was taken back before you decided. "
        "If you are to review it later, it stands in your list again.",
    ),
}
AUTHORS: Mapping[str, tuple[str, str]] = {
    "threat_level_raised": (
        "The threat level was raised",
        "A threat level was raised. Advice of yours that is not issued yet was written under the one before: {reference}.\n\n"
        "See whether it still holds; issuing it asks you to confirm the level of the day.",
    ),
}
"""What is told to members of staff, each in a letter of their own."""
OVERSEERS: Mapping[str, tuple[str, str]] = {
    "person_suspended": (
        "Somebody of {reference} was locked out",
        "A member of staff of {reference} was locked out at once. The list of people says who, and their entry by whom and why. "
        "Somebody else lifts it, or makes it final, within seven days.",
    ),
}
_LOOK = " Its timeline says who and why. If you did not expect it, look into it now."
ADVISER: Mapping[str, tuple[str, str]] = {
    "contact_verified": (
        "The contact of {reference} was verified",
        "Somebody recorded that the contact of {reference}, an enquiry of your case, was verified. "
        "With a one-time code they see the visits and the advice." + _LOOK,
    ),
    "contact_unverified": (
        "The contact of {reference} is no longer verified",
        "Somebody took back the verification of the contact of {reference}, an enquiry of your case." + _LOOK,
    ),
    "contact_replaced": (
        "{reference} has another contact",
        "Somebody named another contact for {reference}, an enquiry of your case. The one before is out." + _LOOK,
    ),
    "link_given": (
        "{reference} has a new tracking token",
        "Somebody was shown a new tracking token of {reference}, an enquiry of your case. The one before has ended."
        + _LOOK,
    ),
    "enquiry_joined": (
        "{reference} was joined to your case",
        "Somebody joined the enquiry {reference} to your case. Its contact sees nothing of the case until you "
        "or a supervisor open it to them, unless a supervisor joined it." + _LOOK,
    ),
    "case_opened": (
        "Your case was opened to {reference}",
        "A supervisor opened your case to the contact of {reference}. Once verified, and with a one-time code, "
        "they see its visits and its advice." + _LOOK,
    ),
}
STAFF: Mapping[str, tuple[str, str]] = {**TEAM, **OVERSEERS, **ADVISER, **AUTHORS, **PERSON}
"""What is told to staff, in English, unsigned."""
_SIGNED = {"en": "{team}\n{ways}", "cy": "{team}\n{ways}"}
_PAGE = {"en": "the page where the enquiry was made", "cy": "y dudalen lle gwnaed yr ymholiad"}
_EMERGENCY = {
    "en": "In an emergency dial 999. Do not answer with anything sensitive: e-mail is not secure.",
    "cy": "Mewn argyfwng ffoniwch 999. Peidiwch ag ateb â dim byd sensitif: nid yw e-bost yn ddiogel.",
}


def compose(letter: Mapping[str, Any], *, page: str | None, code: str | None = None) -> tuple[str, str]:
    """Subject and text of one letter, as ``work.letters`` names it."""
    kind, facts = letter["kind"], {"reference": letter["reference"], "code": code}
    if kind in STAFF:
        subject, text = STAFF[kind]
        return subject.format(**facts), text.format(**facts) + "\n"
    languages = ("cy", "en") if letter["nation"] == "Wales" else ("en",)
    parts, subjects = [], []
    for language in languages:
        subject, text = BUSINESS[kind][language]
        subjects.append(subject.format(**facts))
        parts.append(text.format(page=page or _PAGE[language], **facts) + "\n\n" + _EMERGENCY[language])
    ways = "\n".join(str(letter[way]) for way in ("phone", "mailbox", "hours") if letter[way])
    signed = _SIGNED[languages[0]].format(team=letter["team"], ways=ways)
    return " / ".join(subjects), "\n\n--\n\n".join(parts) + f"\n\n{signed}\n"
