"""The words of the messages that go out, in English, and in Welsh first where the force serves Wales."""

from collections.abc import Mapping
from typing import Any

_NEWS_EN = "There is news about your enquiry {reference}. To read it, open {page} with your tracking token."
_NEWS_CY = "Mae newyddion am eich ymholiad {reference}. I'w darllen, agorwch {page} gyda'ch tocyn olrhain."
_NEWS = {
    "en": ("News about your enquiry {reference}", _NEWS_EN),
    "cy": ("Newyddion am eich ymholiad {reference}", _NEWS_CY),
}
_ABOUT: Mapping[str, tuple[str, str]] = {
    "en": (
        "This message is about your enquiry {reference}: {about}.",
        "To check that it is genuine, ring 101, ask for {team} and give that reference; do not rely on a number in a message.",
    ),
    "cy": (
        "Mae'r neges hon am eich ymholiad {reference}: {about}.",
        "I wirio ei bod yn ddilys, ffoniwch 101, gofynnwch am {team} a rhowch y cyfeirnod hwnnw; peidiwch â dibynnu ar rif mewn neges.",
    ),
}
"""The first line of each letter to a business."""
ABOUT: Mapping[str, Mapping[str, str]] = {
    "received": {"en": "it has arrived", "cy": "mae wedi cyrraedd"},
    "code": {"en": "a code was asked for", "cy": "gofynnwyd am god"},
    "advice_withdrawn": {
        "en": "advice that we gave you is withdrawn",
        "cy": "mae cyngor a roddwyd gennym i chi wedi'i dynnu'n ôl",
    },
    "refused": {"en": "we cannot help with it", "cy": "ni allwn helpu gydag ef"},
    "signposted": {"en": "another service can help", "cy": "gall gwasanaeth arall helpu"},
    "closed": {"en": "our work on it has ended", "cy": "mae ein gwaith arno wedi dod i ben"},
    "contact_named": {"en": "you were named as its contact", "cy": "cawsoch eich enwi fel y cyswllt ar ei gyfer"},
    "contact_ended": {
        "en": "somebody else is its contact now",
        "cy": "rhywun arall yw'r cyswllt ar ei gyfer bellach",
    },
    "visit_cancelled": {"en": "a visit is cancelled", "cy": "mae ymweliad wedi'i ganslo"},
}
_SOME_NEWS = {"en": "there is news", "cy": "mae newyddion"}
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
    "advice_withdrawn": {
        "en": (
            "Advice under {reference} is withdrawn",
            "Please do not act on it any further before you have spoken to us. To see which advice it is, open {page} "
            "with your tracking token.",
        ),
        "cy": (
            "Cyngor o dan {reference} wedi'i dynnu'n ôl",
            "Peidiwch â gweithredu arno ymhellach cyn siarad â ni. I weld pa gyngor ydyw, agorwch {page} gyda'ch tocyn olrhain.",
        ),
    },
    "refused": {
        "en": (
            "We cannot help with your enquiry {reference}",
            "If you think that is wrong, ring us. To read where it stands, open {page} with your tracking token.",
        ),
        "cy": (
            "Ni allwn helpu gyda'ch ymholiad {reference}",
            "Os credwch fod hynny'n anghywir, ffoniwch ni. I ddarllen ei hynt, agorwch {page} gyda'ch tocyn olrhain.",
        ),
    },
    "signposted": {
        "en": (
            "Another service can help with your enquiry {reference}",
            "To read which one, open {page} with your tracking token. You may also ring us.",
        ),
        "cy": (
            "Gall gwasanaeth arall helpu gyda'ch ymholiad {reference}",
            "I ddarllen pa un, agorwch {page} gyda'ch tocyn olrhain. Gallwch ein ffonio ni hefyd.",
        ),
    },
    "closed": {
        "en": (
            "Our work on your enquiry {reference} has ended",
            "You may ask for advice again at any time. What was advised stays at {page} for 90 days; you need your tracking token.",
        ),
        "cy": (
            "Mae ein gwaith ar eich ymholiad {reference} wedi dod i ben",
            "Gallwch ofyn am gyngor eto unrhyw bryd. Bydd y cyngor ar gael ar {page} am 90 diwrnod; bydd angen eich tocyn olrhain.",
        ),
    },
    "contact_named": {
        "en": (
            "You are the contact for enquiry {reference}",
            "We ring you to check that it is you before we share anything. If you know of no such enquiry, please tell us.",
        ),
        "cy": (
            "Chi yw'r cyswllt ar gyfer ymholiad {reference}",
            "Byddwn yn eich ffonio i wirio mai chi ydyw cyn rhannu dim. Os nad ydych yn gwybod am ymholiad o'r fath, rhowch wybod i ni.",
        ),
    },
    "contact_ended": {
        "en": (
            "You are no longer the contact for enquiry {reference}",
            "Your tracking token has ended. If you did not expect this, ring us.",
        ),
        "cy": (
            "Nid chi yw'r cyswllt ar gyfer ymholiad {reference} mwyach",
            "Mae eich tocyn olrhain wedi dod i ben. Os nad oeddech yn disgwyl hyn, ffoniwch ni.",
        ),
    },
    "visit_cancelled": {
        "en": (
            "A visit under {reference} is cancelled",
            "To see which one, open {page} with your tracking token. If we come another time, you hear from us.",
        ),
        "cy": (
            "Mae ymweliad o dan {reference} wedi'i ganslo",
            "I weld pa un, agorwch {page} gyda'ch tocyn olrhain. Os byddwn yn dod ar adeg arall, byddwch yn clywed gennym.",
        ),
    },
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
    "reviewer_left": (
        "Somebody else is to review advice of {reference}",
        "Whoever was asked to review advice of {reference} reviews no more. Ask somebody else.",
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
        "A member of staff of {reference} was locked out at once. The list of people marks them for administrators and for supervisors of "
        "their team, and GET /v1/people/{{id}}/suspension says by whom and why. For auditors the processing log says who, by whom and when "
        "(action person.suspend). "
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
SPOKEN: Mapping[str, tuple[str, str]] = {
    "business_spoke": (
        "The business of {reference} has written",
        "The business of {reference} has written a message, after all had ended. It was told that a colleague is, and whom to ring. "
        "Answer it, or ring them; nothing reopens by itself.",
    ),
    "business_spoke_untold": (
        "The business of {reference} has written",
        "The business of {reference} has written a message, after all had ended. It was not told of the end, nor that a colleague hears "
        "of the message: its page reads as before. Give nothing of the end away. Nothing reopens by itself.",
    ),
    "business_spoke_joined": (
        "The business of {reference} has written",
        "The business of {reference} has written a message. {reference} was joined with another enquiry about the same matter, "
        "so look at that one as well before you answer. The business was told nothing else.",
    ),
    "business_answered": (
        "The business of {reference} has answered",
        "The business of {reference} has answered what was advised, after its case was closed. The timeline of the case says to which "
        "recommendation. Nothing reopens by itself.",
    ),
}
"""What the database tells, where a message comes in."""
STAFF: Mapping[str, tuple[str, str]] = {**TEAM, **SPOKEN, **OVERSEERS, **ADVISER, **AUTHORS, **PERSON}
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
        about = ABOUT.get(kind, _SOME_NEWS)[language]
        first = " ".join(_ABOUT[language]).format(about=about, team=letter["team"], **facts)
        parts.append("\n\n".join([first, text.format(page=page or _PAGE[language], **facts), _EMERGENCY[language]]))
    ways = "\n".join(str(letter[way]) for way in ("phone", "mailbox", "hours") if letter[way])
    signed = _SIGNED[languages[0]].format(team=letter["team"], ways=ways)
    return " / ".join(subjects), "\n\n--\n\n".join(parts) + f"\n\n{signed}\n"
