"""The verbs that let somebody into a case beyond its team, and that give it away."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.circle import queries
from casework.circle.problems import NoEmergencyAccessNeeded
from casework.circle.schemas import (
    CaseSharing,
    CaseTransferAcceptance,
    CaseTransferReturn,
    CaseTransferring,
    EmergencyOpening,
)
from casework.kernel.problems import (
    Forbidden,
    NotFound,
    PreconditionFailed,
    StateConflict,
    TooManyRequests,
    ValidationFailed,
)
from casework.reference.actions import require_reason, require_word
from casework.work.messages import TeamNotice, notify_team
from casework.work.unit import Answer, Work

LONGEST_SHARE = timedelta(days=366)


def _invalid(pointer: str, code: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": pointer, "code": code, "message": message}])


async def _elsewhere(work: Work, case: Any, to_team_id: UUID) -> None:
    if await work.row(queries.ELSEWHERE, team_id=case["team_id"], to_team_id=to_team_id) is None:
        raise _invalid("/to_team_id", "not-elsewhere", "Name a team of another force: GET /v1/teams lists them.")


async def share(work: Work, case_id: UUID, sharing: CaseSharing) -> Answer:
    """Lend a case to a team of another force until a date; the advisers and supervisors there reach it, nobody else."""
    case = await work.advance(queries.TO_SHARE, id=case_id)
    known = sharing.id is not None and await work.row(queries.SHARE_KNOWN, id=sharing.id, case_id=case_id) is not None
    if not known:
        await require_word(work, "purposes", sharing.purpose_code, "/purpose_code")
        await _elsewhere(work, case, sharing.to_team_id)
        _check_end(work, sharing.until)
        if case["restricted"] and not sharing.includes_restricted:
            message = "The case is restricted: share it only if you mean that, with includes_restricted."
            raise _invalid("/includes_restricted", "restricted", message)
        await work.row(queries.END_OLD_SHARE, case_id=case_id, to_team_id=sharing.to_team_id)
    share_id = await work.create(queries.SHARE, sharing, case_id=case_id)
    if not known:
        facts = {"mode": sharing.mode.value}
        subject = ("team", sharing.to_team_id)
        work.say(case_id, subject=subject, reason_code=sharing.purpose_code, reason=sharing.note, facts=facts)
    return await work.show(queries.SHARE_SHOWN, share_id)


def _check_end(work: Work, until: datetime) -> None:
    now = work.clock.now()
    if until <= now:
        raise _invalid("/until", "past", "A share ends in the future.")
    if until > now + LONGEST_SHARE:
        raise _invalid("/until", "too-long", "A share lasts a year at most; share the case again when it is over.")


async def unshare(work: Work, case_id: UUID, share_id: UUID) -> Answer:
    """End a share; who reached the case through it reaches it no more."""
    await work.advance(queries.TO_UNSHARE, id=case_id)
    ended = await work.row(queries.END_SHARE, id=share_id, case_id=case_id)
    if ended is None:
        await work.obtain(queries.SHARE_KNOWN, id=share_id, case_id=case_id)
        raise StateConflict("This share has ended already.")
    work.say(case_id, subject=("team", ended["to_team_id"]))
    for visit in await work.rows(queries.VISITS_LEFT, case_id=case_id):
        told = f"Visit {visit['id']} was to be made by {visit['adviser']}, who came by this share: name another adviser, or cancel it."
        work.warn("", "visit-left", told)
    return await work.show(queries.SHARE_SHOWN, share_id)


async def open_in_emergency(work: Work, opening: EmergencyOpening) -> Answer:
    """Open a case of another team for 24 hours. Its team is told at once: by the timeline, the list, and a message."""
    await require_word(work, "purposes", opening.purpose_code, "/purpose_code")
    found = await work.obtain(queries.OPEN_IN_EMERGENCY, **opening.model_dump())
    if found["verdict"] == "limit":
        message = "You have opened three cases in an emergency within 24 hours. Ring the owning team."
        raise TooManyRequests(message, headers={"Retry-After": str(found["wait"])})
    if found["verdict"] == "absent":
        raise NotFound
    if found["verdict"] == "known":
        raise NoEmergencyAccessNeeded
    case_id = found["of_case"]
    notify_team(work, found["of_team"], TeamNotice.EMERGENCY_ACCESS, case_id=case_id)
    return await work.show(queries.EMERGENCY_SHOWN, found["opened"], location=f"/v1/cases/{case_id}")


async def offer(work: Work, case_id: UUID, offering: CaseTransferring) -> Answer:
    """Offer a case to a team of another force. Nothing moves until that team accepts."""
    case = await work.advance(queries.TO_TRANSFER, id=case_id)
    known = (
        offering.id is not None and await work.row(queries.TRANSFER_KNOWN, id=offering.id, case_id=case_id) is not None
    )
    if not known:
        await require_reason(work, "reason_transfer", offering.reason_code, offering.note)
        await _elsewhere(work, case, offering.to_team_id)
    transfer_id = await work.create(queries.OFFER, offering, case_id=case_id)
    if not known:
        subject, facts = ("team", offering.to_team_id), {"decision": "offered"}
        work.say(case_id, subject=subject, reason_code=offering.reason_code, reason=offering.note, facts=facts)
        notify_team(work, offering.to_team_id, TeamNotice.CASE_OFFERED, case_id=case_id)
    return await work.show(queries.TRANSFER_SHOWN, transfer_id)


async def withdraw(work: Work, transfer_id: UUID) -> Answer:
    """Take an offer back, as long as the other team has not decided."""
    row = await work.advance(queries.WITHDRAW, id=transfer_id)
    work.say(row["case_id"], subject=("case_transfer", transfer_id), facts={"decision": "withdrawn"})
    return await work.show(queries.TRANSFER_SHOWN, transfer_id)


async def accept(work: Work, transfer_id: UUID, acceptance: CaseTransferAcceptance) -> Answer:
    """Take a case over, with everything beneath it. Whoever read it elsewhere reads it no more."""
    return await _decide(work, transfer_id, True, acceptance.premises_id, acceptance.note)


async def give_back(work: Work, transfer_id: UUID, returning: CaseTransferReturn) -> Answer:
    """Return an offer: the case stays where it is."""
    return await _decide(work, transfer_id, False, None, returning.note)


async def _decide(work: Work, transfer_id: UUID, accepting: bool, premises_id: UUID | None, note: str | None) -> Answer:
    """The function judges and moves in one; here its verdict becomes an answer."""
    seen = await work.obtain(queries.OFFER_SEEN, id=transfer_id)
    if not seen["received"]:
        raise Forbidden("You may see this offer, but it is for the other team to decide.")
    row = await work.obtain(queries.DECIDE, id=transfer_id, accepting=accepting, premises_id=premises_id, note=note)
    verdict = row["verdict"]
    if verdict == "absent":
        raise NotFound
    if verdict == "stale":
        raise PreconditionFailed(headers={"ETag": f'"{row["current"]}"'})
    if verdict == "state":
        standing = row["standing"]
        raise StateConflict(f"This is not possible while it is {standing}.", state=standing, possible_from=["offered"])
    if verdict == "closed":
        raise StateConflict("The case has been closed since it was offered; return the offer.")
    if verdict == "premises":
        raise _invalid("/premises_id", "unknown", "Name a place that your team keeps, or none.")
    return await work.show(queries.TRANSFER_SHOWN, transfer_id)
