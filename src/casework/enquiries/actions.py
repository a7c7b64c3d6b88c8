"""The verbs of an enquiry, from the business's question to its end."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from casework.access.codes import code_seals
from casework.access.tokens import CONFIRMATION, TRACKING, hash_token
from casework.enquiries import queries
from casework.enquiries.lifecycle import ENDED, Channel, EnquiryState, PassingState
from casework.enquiries.problems import (
    AwaitingVerification,
    CodeExpired,
    CodeWrong,
    ContactNotVerified,
    NoEmail,
    NoTeam,
    OwnContact,
)
from casework.enquiries.schemas import (
    CodeEntry,
    CodeSent,
    ContactReplacement,
    ContactUnverification,
    ContactVerification,
    DuplicateMarking,
    EnquiryHandOver,
    EnquiryRefusal,
    EnquiryReopening,
    EnquirySignposting,
    EnquirySubmission,
    EnquiryTransferring,
    EnquiryTriage,
    ForceView,
    MessageAdding,
    Received,
    TeamContact,
    TokenReissued,
    TransferDeciding,
)
from casework.kernel.columns import write_moment
from casework.kernel.keys import Keys
from casework.kernel.languages import Language
from casework.kernel.problems import (
    AlreadyExists,
    NotFound,
    Problem,
    StateConflict,
    TooManyRequests,
    Unauthenticated,
    ValidationFailed,
)
from casework.kernel.references import new_reference
from casework.kernel.settings import Settings
from casework.kernel.statements import Statement
from casework.notices.actions import shown_with
from casework.notices.schemas import NoticeText
from casework.reference.actions import advisers_of, require_reason, require_word, working_day_after
from casework.reference.working_days import add_working_days
from casework.work.messages import AdviserNotice, Notice, TeamNotice, notify, notify_adviser, notify_team, untold
from casework.work.times import require_behind
from casework.work.unit import Answer, Guarded, Work, uuid7

ANSWERED_WITHIN = 5
"""Working days until a business is told what happens next (a decision)."""
_TRIES = 5
_TOKEN = "tracking_token"  # noqa: S105 — the label it is derived by, not the token
_REQUEST, _CONFIRMATION = "request", "confirmation"


# --- intake ---


async def submit(work: Work, submission: EnquirySubmission, language: Language = "en") -> Answer:
    """Receive a request for protective security advice, for the intake team of the force where the site lies."""
    channel = _channel(work, submission.channel)
    await require_word(work, "sectors", submission.sector, "/sector")
    today = work.clock.today()
    place = await _place_of(work, submission, today)
    respond_by = add_working_days(today, ANSWERED_WITHIN, place["nation"], frozenset(place["closed"]))
    notice = await shown_with(work, submission.notice_id, place["force_code"], language)
    # Where strangers see an id, it must not tell when it was made.
    enquiry_id = submission.id or uuid4()
    staff = work.caller.kind in ("staff", "client")
    reference = await _insert(
        work,
        queries.SUBMIT_FOR_CALLER if staff else queries.SUBMIT,
        **submission.model_dump(exclude={"id", "need", "contact", "channel", "local_authority_code", "notice_id"}),
        local_authority_code=place["local_authority_code"],
        id=enquiry_id,
        team_id=place["team_id"],
        force_code=place["force_code"],
        channel=channel.value,
        submitted_by=work.caller.principal if staff else None,
        respond_by=respond_by,
        notice_id=notice["id"],
    )
    contact_id = uuid7()
    contact = submission.contact.model_dump()
    await work.row(queries.NAME_CONTACT, id=contact_id, enquiry_id=enquiry_id, team_id=place["team_id"], **contact)
    token, secret = _new_token(work)
    work.owe(queries.ISSUE_TRACKING, hash_token(token), enquiry_id, contact_id)
    work.owe(queries.ACKNOWLEDGE, enquiry_id)
    received = Received(
        outcome="received",
        id=enquiry_id,
        reference=reference,
        tracking_token=token,
        expected_wait=f"You hear from us within {ANSWERED_WITHIN} working days.",
        respond_by=respond_by,
        force=ForceView(code=place["force_code"], name=place["force"]),
        team=TeamContact(
            name=place["team"], **{name: place[name] for name in TeamContact.model_fields.keys() - {"name"}}
        ),
        privacy_notice=NoticeText.model_validate_json(notice["body"]),
    )
    return Answer(
        received.model_dump_json(), version=1, location=f"/v1/enquiries/{enquiry_id}", secrets={_TOKEN: secret}
    )


def _channel(work: Work, stated: Channel | None) -> Channel:
    if work.caller.kind == "staff":
        return stated or Channel.PHONE
    own = Channel.TOOL if work.caller.kind == "client" else Channel.WEB
    if stated not in (None, own):
        raise ValidationFailed(
            errors=[{"pointer": "/channel", "code": "enum", "message": "Leave it out.", "allowed": [own.value]}]
        )
    return own


async def _place_of(work: Work, submission: EnquirySubmission, today: date) -> asyncpg.Record:
    place = await work.row(
        queries.PLACE,
        postcode=submission.postcode,
        local_authority_code=submission.local_authority_code,
        today=today,
    )
    if place is None:
        told = "Give the site's full postcode, or the code of its local authority from /v1/reference/local_authorities."
        stated = [name for name in ("postcode", "local_authority_code") if getattr(submission, name) is not None]
        raise ValidationFailed(
            "No police force was found for the site.",
            errors=[
                {"pointer": f"/{name}", "code": "no-police-force", "message": told} for name in stated or ["postcode"]
            ],
        )
    if place["team_id"] is None:
        raise NoTeam(
            f"{place['force']} takes no enquiries here yet.",
            force={"code": place["force_code"], "name": place["force"]},
            signpost=await advisers_of(work, place["force_code"], place["force"]),
        )
    return place


async def _insert(work: Work, statement: Statement, **values: Any) -> str:
    """Insert the enquiry under a random reference; one that is taken is drawn again. Returns the reference."""
    for _ in range(_TRIES):
        reference = new_reference("ENQ")
        if await work.changes(statement, reference=reference, **values):
            return reference
    raise AlreadyExists("Something else has this id. Choose another.")


def _new_token(work: Work) -> tuple[str, str]:
    secret = work.secret(_TOKEN)
    return TRACKING + secret, secret


# --- the conversation ---


async def add_message(work: Work, enquiry_id: UUID, adding: MessageAdding) -> Answer:
    """Add a message, from whichever side the caller is on."""
    creation = queries.ADD_MESSAGE if work.caller.kind == "staff" else queries.ADD_OWN_MESSAGE
    message_id = await work.create(creation, adding, enquiry_id=enquiry_id, enquiry=work.caller.enquiry)
    await _say_of_case(work, enquiry_id, ("enquiry_message", message_id))
    if work.caller.kind == "staff":
        notify(work, Notice.MESSAGE, enquiry_id=enquiry_id)
    return await work.show(queries.MESSAGE_ADDED, message_id)


async def _say_of_case(work: Work, enquiry_id: UUID, subject: tuple[str, UUID]) -> None:
    row = await work.obtain(queries.CASE_OF, id=enquiry_id)
    if row["case_id"] is not None:
        work.say(row["case_id"], subject=subject)


# --- moves ---


async def _move(
    work: Work,
    guarded: Guarded,
    enquiry_id: UUID,
    *,
    reason_code: str | None = None,
    reason: str | None = None,
    **values: Any,
) -> asyncpg.Record:
    """Advance the enquiry, and tell the case it belongs to, if it belongs to one."""
    row = await work.advance(guarded, id=enquiry_id, reason_code=reason_code, reason=reason, **values)
    if row["case_id"] is not None:
        work.say(row["case_id"], subject=("enquiry", enquiry_id), reason_code=reason_code, reason=reason)
    return row


async def _end(
    work: Work,
    guarded: Guarded,
    enquiry_id: UUID,
    why: EnquiryRefusal | EnquirySignposting,
    notice: Notice,
    **values: Any,
) -> Answer:
    """End an enquiry at the desk, and write to the business, or leave it to read what it read before."""
    values |= {"tell_business": why.tell_business, "note": why.note}
    silent = untold(why.reason_code, tell_business=why.tell_business)
    row = await _move(work, guarded, enquiry_id, reason_code=why.reason_code, reason=why.note, untold=silent, **values)
    if row["shown_stage"] is None:
        notify(work, notice, enquiry_id=enquiry_id, tell_business=why.tell_business)
    return await work.show(queries.STANDING, enquiry_id)


async def triage(work: Work, enquiry_id: UUID, found: EnquiryTriage) -> Answer:
    """Match the premises of an enquiry and say which competence it needs."""
    await require_word(work, "competences", found.strand, "/strand")
    await _move(work, queries.TRIAGE, enquiry_id, **found.model_dump())
    return await work.show(queries.STANDING, enquiry_id)


async def signpost(work: Work, enquiry_id: UUID, to: EnquirySignposting) -> Answer:
    """Close an enquiry by pointing to another service."""
    await require_reason(work, "reason_signpost", to.reason_code, to.note)
    return await _end(work, queries.SIGNPOST, enquiry_id, to, Notice.SIGNPOSTED, signposted_to=to.signposted_to)


async def refuse(work: Work, enquiry_id: UUID, refusal: EnquiryRefusal) -> Answer:
    """Refuse an enquiry."""
    await require_reason(work, "reason_refuse", refusal.reason_code, refusal.note)
    return await _end(work, queries.REFUSE, enquiry_id, refusal, Notice.REFUSED)


async def reopen(work: Work, enquiry_id: UUID, reopening: EnquiryReopening) -> Answer:
    """Take back a refusal, signposting or withdrawal: the enquiry is received anew, and the business is told."""
    home = await work.row(queries.TEAM_OF, id=enquiry_id)
    today = work.clock.today()
    respond_by = await working_day_after(work, home["team_id"], today, ANSWERED_WITHIN) if home is not None else None
    before = await work.row(queries.WAS_UNTOLD, id=enquiry_id)
    await _move(work, queries.REOPEN, enquiry_id, reason=reopening.reason, respond_by=respond_by)
    if before is not None and not before["untold"]:  # who was told of no end is told of no beginning
        notify(work, Notice.REOPENED, enquiry_id=enquiry_id)
    return await work.show(queries.STANDING, enquiry_id)


async def withdraw(work: Work, enquiry_id: UUID) -> Answer:
    """Withdraw an enquiry, for the business or by it."""
    if work.caller.kind == "staff":
        await _move(work, queries.WITHDRAW, enquiry_id)
        return await work.show(queries.STANDING, enquiry_id)
    before = await work.row(queries.WAS_UNTOLD, id=enquiry_id)
    if before is not None and before["untold"]:
        await work.advance(queries.WITHDRAW_UNTOLD, id=enquiry_id, enquiry=work.caller.enquiry)
        return await work.show(queries.TRACKED_SHOWN, enquiry_id)
    await _move(work, queries.WITHDRAW_OWN, enquiry_id, enquiry=work.caller.enquiry)
    return await work.show(queries.TRACKED_SHOWN, enquiry_id)


async def mark_duplicate(work: Work, enquiry_id: UUID, marking: DuplicateMarking) -> Answer:
    """Mark an enquiry as a repeat of another; of one that is a repeat itself, as a repeat of the first. Its own follow it."""
    original = await work.row(queries.ORIGINAL, id=marking.duplicate_of)
    if original is not None and original["state"] == EnquiryState.DUPLICATE:
        original = await work.row(queries.ORIGINAL, id=original["duplicate_of"])
    if original is None or original["id"] == enquiry_id or original["state"] == EnquiryState.DUPLICATE:
        raise _no_original("no-original", "Name another enquiry of your team that is not a duplicate of this one.")
    if original["state"] in ENDED:
        raise _no_original("ended", "That enquiry has ended. Reopen it first, or answer this one by itself.")
    await _move(work, queries.MARK_DUPLICATE, enquiry_id, duplicate_of=original["id"])
    return await work.show(queries.STANDING, enquiry_id)


def _no_original(code: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": "/duplicate_of", "code": code, "message": message}])


async def unmark_duplicate(work: Work, enquiry_id: UUID) -> Answer:
    """Take the marking back: the enquiry is triaged again."""
    await _move(work, queries.UNMARK_DUPLICATE, enquiry_id)
    return await work.show(queries.STANDING, enquiry_id)


async def hand_over(work: Work, enquiry_id: UUID, handing: EnquiryHandOver) -> Answer:
    """Record that intelligence or an emergency was passed on, and take its text out of the enquiry."""
    require_behind(work, "/at", handing.at, "Say when it was passed on; it may not be to come.")
    await _move(work, queries.HAND_OVER, enquiry_id, to=handing.to, at=handing.at, site=handing.site_name)
    await work.rows(queries.CLEAR_CONTACTS, id=enquiry_id)
    await work.rows(queries.CLEAR_TRANSFERS, id=enquiry_id, site=handing.site_name)
    removed = await work.rows(queries.REMOVE_MESSAGES, id=enquiry_id, messages=handing.messages)
    if len(removed) != len(set(handing.messages)):
        told = "Name messages of this enquiry."
        raise ValidationFailed(errors=[{"pointer": "/messages", "code": "no-message", "message": told}])
    return await work.show(queries.STANDING, enquiry_id)


# --- the contact ---


async def verify_contact(work: Work, enquiry_id: UUID, verification: ContactVerification) -> Answer:
    """Record how the contact was verified; from the next request on the token opens more than the status."""
    await require_word(work, "verification_methods", verification.method, "/method")
    said = verification.exception_reason
    await _move(work, queries.TOUCH_FOR_VERIFICATION, enquiry_id, reason_code=verification.method, reason=said)
    bar = await work.row(queries.VERIFICATION_BAR, id=enquiry_id, excepted=said is not None)
    if bar is not None and bar["why"] is not None:
        raise OwnContact(BARRED[bar["why"]], why=bar["why"])
    await work.obtain(queries.VERIFY, id=enquiry_id, **verification.model_dump())
    notify_adviser(work, AdviserNotice.CONTACT_VERIFIED, enquiry_id)
    return await work.show(queries.STANDING, enquiry_id)


async def unverify_contact(work: Work, enquiry_id: UUID, unverification: ContactUnverification) -> Answer:
    """Take the verification back; from the next request on the token opens the status only."""
    await _move(work, queries.TOUCH_FOR_UNVERIFICATION, enquiry_id, reason=unverification.reason)
    not_verified = StateConflict("The contact is not verified.")
    await work.obtain(queries.UNVERIFY, not_verified, id=enquiry_id, reason=unverification.reason)
    notify_adviser(work, AdviserNotice.CONTACT_UNVERIFIED, enquiry_id)
    return await work.show(queries.STANDING, enquiry_id)


async def replace_contact(work: Work, enquiry_id: UUID, replacement: ContactReplacement) -> Answer:
    """Name another contact. The one before is out at once; the new one is verified first, then given a token."""
    row = await work.advance(queries.TOUCH_FOR_REPLACEMENT, id=enquiry_id)
    former = await work.obtain(queries.END_CONTACT, id=enquiry_id, reason=replacement.reason)
    contact = replacement.model_dump(exclude={"reason", "tell_business"})
    contact |= {"id": uuid7(), "enquiry_id": enquiry_id, "team_id": row["team_id"], "restricted": row["restricted"]}
    await work.row(queries.NAME_NEXT_CONTACT, **contact)
    if row["case_id"] is not None:
        work.say(row["case_id"], subject=("enquiry", enquiry_id), reason=replacement.reason)
        notify_adviser(work, AdviserNotice.CONTACT_REPLACED, enquiry_id)
    tell = replacement.tell_business
    notify(work, Notice.CONTACT_NAMED, enquiry_id=enquiry_id, tell_business=tell)
    notify(work, Notice.CONTACT_ENDED, enquiry_id=enquiry_id, contact_id=former["id"], tell_business=tell)
    return await work.show(queries.STANDING, enquiry_id)


async def open_case(work: Work, enquiry_id: UUID) -> Answer:
    """Open to an enquiry the case that it joined, with all that was there before."""
    try:
        await _move(work, queries.OPEN_CASE, enquiry_id)
    except StateConflict:
        raise StateConflict(
            "Nothing of a case is kept from this enquiry: it joined none, or the case is open to it.",
            state="open",
            possible_from=["withheld"],
        ) from None
    notify_adviser(work, AdviserNotice.CASE_OPENED, enquiry_id)
    return await work.show(queries.STANDING, enquiry_id)


async def ask_code(work: Work, settings: Settings, network: bytes) -> Answer:
    """Send a one-time code to the contact of this tracking token, for the device that asks. One too many is committed: it is told to staff."""
    _require_enquirer(work)
    if settings.mail is None:
        raise NoEmail("This service sends no e-mail. Ring the team: they tell you by telephone what you ask.")
    request = work.secret(_REQUEST)
    asked = await work.obtain(
        queries.ASK_CODE, request=hash_token(request), network=network, an_hour=settings.codes_per_hour
    )
    if asked["verdict"] == "too_many":
        waiting = {"Retry-After": str(asked["wait"])}
        return Answer("", refusal=TooManyRequests("Too many codes were asked for.", headers=waiting))
    if asked["verdict"] != "sent":
        raise _REFUSED[asked["verdict"]]()
    sent = CodeSent(outcome="sent", request=request, valid_minutes=CODE_MINUTES, tries=CODE_TRIES)
    return Answer(sent.model_dump_json(), secrets={_REQUEST: request})


async def enter_code(work: Work, entry: CodeEntry, settings: Settings) -> Answer:
    """Enter the code of a request. A wrong one is committed too: the try must count."""
    _require_enquirer(work)
    # Read anew, so that a key that was rotated a moment ago is known: the worker knows it already.
    keys = Keys(settings.keys, "secret")
    assert work.caller.principal is not None
    seals = code_seals(keys, work.caller.principal, entry.code)
    secret = work.secret(_CONFIRMATION)
    confirmation = CONFIRMATION + secret
    found = await work.obtain(
        queries.ENTER_CODE,
        request=hash_token(entry.request),
        seals=seals,
        given=hash_token(confirmation),
        hours=settings.confirmed_hours,
        idle=settings.confirmed_idle_minutes,
    )
    if found["verdict"] == "wrong":
        left = found["tries"]
        return Answer(
            "", refusal=CodeWrong(f"{left} tries are left." if left else "Ask for a new one.", tries_left=left)
        )
    if found["verdict"] != "confirmed":
        raise _REFUSED[found["verdict"]]()
    accepted = {
        "second_step": "confirmed",
        "confirmation": confirmation,
        "confirmed_until": write_moment(found["until"]),
    }
    return Answer(json.dumps(accepted), secrets={_CONFIRMATION: secret})


BARRED: Mapping[str, str] = {
    "submitted": "You submitted this enquiry. A colleague verifies its contact.",
    "replaced": "You named this contact. A colleague verifies it.",
    "token": "You were shown the token of this contact. A colleague verifies it.",
    "opened": "You opened a case to this enquiry. A colleague verifies its contact.",
    "own_address": "This is your own address.",
    "colleague": "This is the address of a member of staff. A supervisor may verify it, and says why in exception_reason.",
    "force_address": "This is an address of a police force. A supervisor may verify it, and says why in exception_reason.",
}
"""What ``access.verification_bar`` answers, in words."""
CODE_MINUTES, CODE_TRIES = 10, 5
"""As ``access/sql/second_step.sql`` has them."""
_REFUSED: Mapping[str, type[Problem]] = {
    "awaiting_verification": AwaitingVerification,
    "no_email": NoEmail,
    "expired": CodeExpired,
}


def _require_enquirer(work: Work) -> None:
    """The second step is for whoever holds a tracking token; staff have no enquiry of their own."""
    if work.caller.kind == "public":
        raise Unauthenticated
    if work.caller.enquiry is None:
        raise NotFound


async def reissue_token(work: Work, enquiry_id: UUID) -> Answer:
    """Give a verified contact a new tracking token. The one before ends."""
    await _move(work, queries.REISSUE, enquiry_id)
    contact = await work.obtain(queries.CURRENT_CONTACT, id=enquiry_id)
    if contact["verified_at"] is None:
        raise ContactNotVerified
    token, secret = _new_token(work)
    work.owe(queries.ISSUE_TRACKING, hash_token(token), enquiry_id, contact["id"])
    notify_adviser(work, AdviserNotice.LINK_GIVEN, enquiry_id)
    reissued = TokenReissued(id=enquiry_id, reference=contact["reference"], tracking_token=token)
    return Answer(reissued.model_dump_json(), secrets={_TOKEN: secret})


# --- to another force ---


async def transfer(work: Work, enquiry_id: UUID, transferring: EnquiryTransferring) -> Answer:
    """Offer an enquiry to the intake team of another force."""
    enquiry = await work.advance(queries.TO_TRANSFER, id=enquiry_id)
    told = "Name the intake team of another force: GET /v1/teams lists them."
    nowhere = ValidationFailed(errors=[{"pointer": "/to_team_id", "code": "no-intake-team", "message": told}])
    to_team = transferring.to_team_id
    await work.obtain(queries.INTAKE_ELSEWHERE, nowhere, to_team_id=to_team, force_code=enquiry["force_code"])
    offer_id = uuid7()
    await work.row(
        queries.OFFER,
        id=offer_id,
        enquiry_id=enquiry_id,
        team_id=enquiry["team_id"],
        restricted=enquiry["restricted"],
        reference=enquiry["reference"],
        site_name=enquiry["site_name"],
        from_team_id=enquiry["team_id"],
        to_team_id=to_team,
        state_before=enquiry["state"],
        note=transferring.note,
        offered_by=work.caller.person,
    )
    await _move(work, queries.TRANSFER, enquiry_id)
    notify_team(work, to_team, TeamNotice.ENQUIRY_OFFERED, enquiry_id=enquiry_id)
    return await work.show(queries.TRANSFER_SHOWN, offer_id, location=f"/v1/enquiry-transfers/{offer_id}")


async def settle(work: Work, transfer_id: UUID, outcome: PassingState, deciding: TransferDeciding) -> Answer:
    """Accept or return an offer, or take one's own back. The enquiry goes where that leads, in one step."""
    judged = queries.TO_WITHDRAW if outcome is PassingState.WITHDRAWN else queries.TO_RECEIVE
    offer = await work.advance(judged, id=transfer_id)
    answer_by = await working_day_after(work, offer["to_team_id"], work.clock.today(), ANSWERED_WITHIN)
    settled = await work.obtain(
        queries.SETTLE,
        id=transfer_id,
        seen=offer["version"],
        outcome=outcome.value,
        note=deciding.note,
        answer_by=answer_by,
    )
    if not settled["settled"]:
        raise StateConflict("Somebody else has just decided about this offer.")
    if outcome is PassingState.ACCEPTED:
        notify(work, Notice.PASSED, enquiry_id=offer["enquiry_id"])
    return await work.show(queries.TRANSFER_SHOWN, transfer_id)
