"""The verbs of visits and findings."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from casework.cases.actions import begin_work
from casework.kernel.columns import resolve_local, write_moment
from casework.kernel.problems import AlreadyExists, Forbidden, NotFound, ValidationFailed
from casework.kernel.statements import Statement
from casework.reference.actions import levels_for_findings, require_reason, require_word
from casework.visits import queries
from casework.visits.lifecycle import Decision
from casework.visits.problems import VisitsUpcoming
from casework.visits.schemas import (
    FindingAmendment,
    FindingRecording,
    VisitAmendment,
    VisitCompletion,
    VisitConfirmation,
    VisitEnding,
    VisitProposing,
)
from casework.work.amending import amend as carry_out
from casework.work.messages import Notice, notify
from casework.work.times import require_ahead
from casework.work.unit import Answer, Guarded, Work

ZONE = "Europe/London"
LONGEST = timedelta(hours=12)
YEARS_AHEAD = 2
"""How far ahead a visit is proposed."""


async def propose(work: Work, case_id: UUID, proposing: VisitProposing) -> Answer:
    """Propose a visit: by the case's adviser at the case's premises unless stated."""
    period = _period(proposing.starts_at, proposing.ends_at, proposing.zone)
    facts = proposing.model_copy(update=period)
    repeated = await _repeated(work, queries.VISIT_KNOWN, proposing.id, case_id)
    if not repeated:
        _require_to_come(work, period)
    case = await work.row(queries.CASE_TO_VISIT, case_id=case_id)
    adviser_id, premises_id = proposing.adviser_id, proposing.premises_id
    if case is not None:  # else the creation says why not
        adviser_id = adviser_id or case["adviser_id"]
        premises_id = premises_id or case["premises_id"]
        if adviser_id is None:
            raise _invalid("/adviser_id", "required", "The case has no adviser yet: say who is to go.")
        if adviser_id != case["adviser_id"]:
            await _require_adviser(work, case_id, adviser_id)
        if premises_id != case["premises_id"]:
            await _require(
                work, queries.PREMISES_SEEN, "/premises_id", "There is no such place.", premises_id=premises_id
            )
        await work.row(queries.DIARY, adviser_id=adviser_id)
    visit_id = await work.create(
        queries.PROPOSE, facts, case_id=case_id, adviser_id=adviser_id, premises_id=premises_id, zone=ZONE
    )
    if not repeated:
        await begin_work(work, case_id)
        work.say(case_id, subject=("visit", visit_id))
        notify(work, Notice.VISIT, case_id=case_id)
    return await work.show(queries.VISIT_SHOWN, visit_id, location=f"/v1/visits/{visit_id}")


async def amend(work: Work, visit_id: UUID, amendment: VisitAmendment) -> Answer:
    """Move a visit to come, or change who goes or where to meet. A confirmed visit that moves is proposed again."""
    visit = await _reached(work, queries.VISIT_NOW, visit_id)
    stated = amendment.model_dump(exclude_unset=True, exclude={"zone"})
    if stated.keys() & {"starts_at", "ends_at"}:
        times = {name: stated.get(name, visit[name]) for name in ("starts_at", "ends_at")}
        stated |= _period(times["starts_at"], times["ends_at"], amendment.zone)
        moved = {name: stated[name] for name in times if stated[name] != visit[name]}
        _require_to_come(work, moved)
    adviser_id = stated.get("adviser_id", visit["adviser_id"])
    if adviser_id != visit["adviser_id"]:
        await _require_adviser(work, visit["case_id"], adviser_id)
    await work.row(queries.DIARY, adviser_id=adviser_id)
    changes = VisitAmendment.model_construct(set(stated), **stated)
    answer = await carry_out(work, queries.AMENDING, visit_id, changes)
    if stated:
        work.say(visit["case_id"], subject=("visit", visit_id))
        notify(work, Notice.VISIT, case_id=visit["case_id"])
    return answer


async def confirm(work: Work, visit_id: UUID, confirmation: VisitConfirmation) -> Answer:
    """Take down the answer to a proposed time, given by the business itself or to staff."""
    by_business = work.caller.kind == "enquirer"
    if confirmation.decision is Decision.CONFIRM:
        row = await work.advance(queries.CONFIRM, id=visit_id, by="business" if by_business else "staff")
    else:
        row = await work.advance(queries.DECLINE, id=visit_id, note=confirmation.note)
    work.say(
        row["case_id"],
        subject=("visit", visit_id),
        reason=confirmation.note,
        facts={"decision": confirmation.decision.value},
    )
    return await work.show(queries.OWN_VISIT_SHOWN if by_business else queries.VISIT_SHOWN, visit_id)


async def complete(work: Work, visit_id: UUID, completion: VisitCompletion) -> Answer:
    """Log a visit as made, with who took part and everything that was found, or nothing of it."""
    visit = await _reached(work, queries.VISIT_TO_FIND_IN, visit_id, arrived_at=completion.arrived_at)
    if completion.left_at < completion.arrived_at:
        raise _invalid("/left_at", "order", "The visit cannot end before it began.")
    if completion.left_at > work.clock.now():
        raise _invalid("/left_at", "future", "A visit is logged when it is over.")
    row = await work.advance(
        queries.COMPLETE, id=visit_id, **completion.model_dump(include={"arrived_at", "left_at", "attendance", "notes"})
    )
    await _record(work, visit, {f"/findings/{number}": each for number, each in enumerate(completion.findings)})
    work.say(row["case_id"], subject=("visit", visit_id))
    return await work.show(queries.VISIT_SHOWN, visit_id)


async def log_no_access(work: Work, visit_id: UUID, ending: VisitEnding) -> Answer:
    """Log a visit that could not be made."""
    return await _end(work, visit_id, ending, queries.NO_ACCESS, "reason_no_access")


async def cancel(work: Work, visit_id: UUID, ending: VisitEnding) -> Answer:
    """Cancel a visit to come."""
    answer = await _end(work, visit_id, ending, queries.CANCEL, "reason_cancel_visit")
    visit = await work.obtain(queries.VISIT_NOW, id=visit_id)
    notify(work, Notice.VISIT, case_id=visit["case_id"])
    return answer


async def _end(work: Work, visit_id: UUID, ending: VisitEnding, move: Guarded, words: str) -> Answer:
    await _reached(work, queries.VISIT_NOW, visit_id)
    await require_reason(work, words, ending.reason_code, ending.note)
    row = await work.advance(move, id=visit_id, reason_code=ending.reason_code)
    work.say(row["case_id"], subject=("visit", visit_id), reason_code=ending.reason_code, reason=ending.note)
    return await work.show(queries.VISIT_SHOWN, visit_id)


async def record_finding(work: Work, visit_id: UUID, recording: FindingRecording) -> Answer:
    """Record a finding of a completed visit."""
    visit = await _reached(work, queries.VISIT_TO_FIND_IN, visit_id)
    repeated = await _repeated(work, queries.FINDING_KNOWN, recording.id, visit_id)
    (finding_id,) = await _record(work, visit, {"": recording})
    if not repeated:
        work.say(visit["case_id"], subject=("finding", finding_id))
    return await work.show(queries.FINDING_SHOWN, finding_id, location=f"/v1/findings/{finding_id}")


async def amend_finding(work: Work, finding_id: UUID, amendment: FindingAmendment) -> Answer:
    """Amend a finding, as long as no issued advice cites it. Advice in review or approved goes back to its author."""
    finding = await _reached(work, queries.FINDING_NOW, finding_id)
    stated = amendment.model_dump(exclude_unset=True)
    await require_word(work, "attack_methodologies", stated.get("methodology"), "/methodology")
    if stated.get("area_id") != finding["area_id"]:
        await _require_area(work, finding["premises_id"], stated.get("area_id"))
    await work.row(queries.HOLD_ADVICE, finding_ids=[finding_id])
    answer = await carry_out(work, queries.AMENDING_FINDING, finding_id, amendment)
    if amendment.model_fields_set:
        work.say(finding["case_id"], subject=("finding", finding_id))
        await work.react(finding)
    return answer


async def refuse_upcoming(work: Work, row: Mapping[str, Any]) -> None:
    """What closing a case asks of its visits: that none is still to come. Raises ``VisitsUpcoming``."""
    upcoming = await work.rows(queries.UPCOMING_OF_CASE, case_id=row["case_id"])
    if upcoming:
        raise VisitsUpcoming(
            "Complete or cancel the visits to come first.",
            visits=[{"id": str(visit["id"]), "starts_at": write_moment(visit["starts_at"])} for visit in upcoming],
        )


async def _record(work: Work, visit: Mapping[str, Any], recordings: Mapping[str, FindingRecording]) -> list[UUID]:
    """Record findings, each by the pointer of its facts; what they have in common is asked for once."""
    if not recordings:
        return []
    for at, recording in recordings.items():
        if not await _repeated(work, queries.FINDING_KNOWN, recording.id, visit["id"]):
            await _require_area(work, visit["premises_id"], recording.area_id, at)
    named = {f"{at}/methodology": recording.methodology for at, recording in recordings.items()}
    levels = levels_for_findings(visit, named)
    return [
        await work.create(queries.RECORD, recording, visit_id=visit["id"], **levels)
        for recording in recordings.values()
    ]


async def _require_area(work: Work, premises_id: UUID | None, area_id: UUID | None, at: str = "") -> None:
    if area_id is None:
        return
    seen = await work.row(queries.AREA_SEEN, area_id=area_id, premises_id=premises_id)
    if seen is None:
        raise _invalid(f"{at}/area_id", "unknown", "The premises visited have no such area.")
    if seen["ended"]:
        raise _invalid(
            f"{at}/area_id", "ended", "This area has ended: name another, or none and the area in your words."
        )


async def _require_adviser(work: Work, case_id: UUID, adviser_id: UUID) -> None:
    await _require(
        work,
        queries.ADVISER,
        "/adviser_id",
        "Name an adviser of the case's team, or yourself.",
        adviser_id=adviser_id,
        case_id=case_id,
    )


async def _require(work: Work, statement: Statement, pointer: str, message: str, **values: Any) -> None:
    if await work.row(statement, **values) is None:
        raise _invalid(pointer, "unknown", message)


async def _repeated(work: Work, known: Statement, id_: UUID | None, parent: UUID) -> bool:
    """Whether the client's id stands already under this parent; under another one it is not free."""
    row = await work.row(known, id=id_) if id_ is not None else None
    if row is not None and row["parent"] != parent:
        raise AlreadyExists("Something else has this id. Choose another.")
    return row is not None


async def _reached(work: Work, now: Statement, id_: UUID, **values: Any) -> dict[str, Any]:
    """The record as it stands, for what must be judged before it is advanced."""
    row = await work.obtain(now, NotFound(), id=id_, **values)
    if not row["within"]:
        raise Forbidden("You may read this record, but this action of yours does not reach it.")
    return dict(row)


def _period(starts_at: datetime, ends_at: datetime, zone: str | None) -> dict[str, datetime]:
    """Both ends as moments; raises where a time on the wall lacks its zone, does not exist or occurs twice."""
    period = {"starts_at": _moment("/starts_at", starts_at, zone), "ends_at": _moment("/ends_at", ends_at, zone)}
    lasts = period["ends_at"] - period["starts_at"]
    if lasts <= timedelta():
        raise _invalid("/ends_at", "order", "The end must be after the start.")
    if lasts > LONGEST:
        raise _invalid("/ends_at", "too-long", "A visit lasts twelve hours at most; propose one for each day.")
    return period


def _require_to_come(work: Work, period: Mapping[str, datetime]) -> None:
    for name, at in period.items():
        require_ahead(work, f"/{name}", at, "Give a time that is still to come.", years=YEARS_AHEAD)


def _moment(pointer: str, time: datetime, zone: str | None) -> datetime:
    if time.utcoffset() is None and zone is None:
        raise _invalid(pointer, "naive-date-time", "Give the UTC offset, or the zone of the site with the local time.")
    return resolve_local(time, zone or ZONE).astimezone(UTC)


def _invalid(pointer: str, code: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": pointer, "code": code, "message": message}])
