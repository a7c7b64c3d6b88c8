"""The verbs of visits and findings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from casework.cases.actions import begin_work
from casework.cases.lifecycle import Handed
from casework.cases.problems import VisitsUndecided
from casework.kernel.columns import resolve_local, write_moment
from casework.kernel.problems import AlreadyExists, Forbidden, NotFound, ValidationFailed
from casework.kernel.statements import Statement
from casework.reference.actions import levels_for_findings, require_reason, require_word
from casework.visits import queries
from casework.visits.lifecycle import Decision
from casework.visits.problems import SAID, VisitsUpcoming, reason_wanted
from casework.visits.schemas import (
    FindingAmendment,
    FindingRecording,
    VisitAmendment,
    VisitCancelling,
    VisitCompletion,
    VisitConfirmation,
    VisitEnding,
    VisitProposing,
    VisitSupplementing,
)
from casework.work.amending import amend as carry_out
from casework.work.messages import Notice, notify, untold
from casework.work.times import require_ahead, require_behind
from casework.work.unit import Answer, Guarded, Work

ZONE = "Europe/London"
LONGEST = timedelta(hours=12)
YEARS_AHEAD = 2
"""How far ahead a visit is proposed."""
BACK = timedelta(days=90)
"""How long ago a visit may have been made that was never proposed."""
PLANNED = ("starts_at", "ends_at")
MADE_NEEDS = ("arrived_at", "left_at", "time_reason")
MADE = (*MADE_NEEDS, "attended_by", "attendance", "notes")


async def propose(work: Work, case_id: UUID, proposing: VisitProposing) -> Answer:
    """Propose a visit: by the case's adviser at the case's premises unless stated. Or log one that was made without that."""
    if proposing.without_appointment:
        return await _log_unplanned(work, case_id, proposing)
    _require_fields(proposing, PLANNED, MADE, "is stated of a visit that was made without an appointment")
    assert proposing.starts_at is not None
    assert proposing.ends_at is not None
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
        await _require_advisers(work, case_id, {"/adviser_id": adviser_id})
        if premises_id != case["premises_id"]:
            await _require_place(work, case_id, premises_id)
        await work.row(queries.DIARY, adviser_id=adviser_id)
    visit_id = await work.create(
        queries.PROPOSE, facts, case_id=case_id, adviser_id=adviser_id, premises_id=premises_id, zone=ZONE
    )
    if not repeated:
        await begin_work(work, case_id)
        work.say(case_id, subject=("visit", visit_id))
        notify(work, Notice.VISIT, case_id=case_id)
    return await work.show(queries.VISIT_SHOWN, visit_id, location=f"/v1/visits/{visit_id}")


async def _log_unplanned(work: Work, case_id: UUID, made: VisitProposing) -> Answer:
    """Log a visit that was made without an appointment: proposed and completed in one step."""
    _require_fields(made, (*MADE_NEEDS, "adviser_id"), PLANNED, "is stated of a visit to come")
    assert made.arrived_at is not None
    assert made.left_at is not None
    assert made.adviser_id is not None
    repeated = await _repeated(work, queries.VISIT_KNOWN, made.id, case_id)
    case = await work.row(queries.CASE_TO_VISIT, case_id=case_id)
    premises_id = made.premises_id
    if case is not None:  # else the creation says why not
        premises_id = premises_id or case["premises_id"]
        may = await work.obtain(queries.MAY_LOG, case_id=case_id, adviser_id=made.adviser_id)
        if not may["may"]:
            raise Forbidden("A visit is logged by an adviser of the case, or by whoever made it.")
        if not repeated:
            _require_made(work, made.arrived_at, made.left_at)
            if made.arrived_at < work.clock.now() - BACK:
                raise _invalid("/arrived_at", "too-long-ago", f"Such a visit is logged within {BACK.days} days.")
        await _require_there(work, case_id, {"/adviser_id": made.adviser_id}, made.arrived_at)
        await _require_company(work, case_id, made.adviser_id, made.attended_by, made.arrived_at)
        if premises_id != case["premises_id"]:
            await _require_place(work, case_id, premises_id)
    visit_id = await work.create(
        queries.LOG_UNPLANNED,
        made,
        starts_at=made.arrived_at,
        ends_at=min(made.left_at, made.arrived_at + LONGEST),
        case_id=case_id,
        premises_id=premises_id,
        zone=ZONE,
        logged_by=work.caller.person,
    )
    if not repeated:
        await begin_work(work, case_id)
        work.say(case_id, subject=("visit", visit_id), reason=made.time_reason, facts={"without_appointment": "true"})
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
        await _require_advisers(work, visit["case_id"], {"/adviser_id": adviser_id})
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
        move = queries.OWN_CONFIRM if by_business else queries.CONFIRM
        row = await work.advance(move, id=visit_id, by="business" if by_business else "staff")
    else:
        row = await work.advance(
            queries.OWN_DECLINE if by_business else queries.DECLINE, id=visit_id, note=confirmation.note
        )
    work.say(
        row["case_id"],
        subject=("visit", visit_id),
        reason=confirmation.note,
        facts={"decision": confirmation.decision.value},
    )
    return await work.show(queries.OWN_VISIT_SHOWN if by_business else queries.VISIT_SHOWN, visit_id)


async def complete(work: Work, visit_id: UUID, completion: VisitCompletion) -> Answer:
    """Log a visit as made, with who took part and everything that was found, or nothing of it.

    Nothing that happened is refused. What is not plausible about its times is marked, and takes a reason.
    """
    made = completion.model_dump(exclude={"findings"})
    visit = await _reached(work, queries.VISIT_TO_LOG, visit_id, **made)
    _require_made(work, completion.arrived_at, completion.left_at)
    await _require_company(work, visit["case_id"], visit["adviser_id"], completion.attended_by, completion.arrived_at)
    if completion.time_reason is None and set(visit["marks"]) & SAID.keys():
        raise reason_wanted(visit["marks"])
    row = await work.advance(queries.COMPLETE, id=visit_id, **made, logged_by=work.caller.person)
    await _record(work, visit, {f"/findings/{number}": each for number, each in enumerate(completion.findings)})
    work.say(row["case_id"], subject=("visit", visit_id), reason=completion.time_reason)
    return await work.show(queries.VISIT_SHOWN, visit_id)


async def supplement(work: Work, visit_id: UUID, supplementing: VisitSupplementing) -> Answer:
    """Say something else of a completed visit than what was logged. Both stay, with who said so, when and why."""
    stated = supplementing.model_dump(exclude={"id", "reason"}, exclude_none=True)
    if not stated:
        raise _invalid("", "empty", "State what is to be said of the visit: a field besides the reason.")
    said = {name: _as_kept(value) for name, value in stated.items()}
    await _reached(work, queries.VISIT_NOW, visit_id)
    known = await work.row(queries.SUPPLEMENT_KNOWN, id=supplementing.id) if supplementing.id is not None else None
    if known is not None and supplementing.id is not None:
        if known["parent"] != visit_id or known["reason"] != supplementing.reason or _newest([known]) != said:
            raise AlreadyExists("Something else has this id. Choose another, or send what it was made with.")
        return await work.show(queries.SUPPLEMENT_SHOWN, supplementing.id)
    visit = await work.advance(queries.SUPPLEMENTED, id=visit_id)
    before = {name: _as_kept(visit[name]) for name in ("arrived_at", "left_at", "attended_by", "notes")}
    before["attendance"] = _decoded(visit["attendance"])
    before |= _newest(await work.rows(queries.EARLIER_CHANGES, visit_id=visit_id))
    for name, value in said.items():
        if value == before[name]:
            raise _invalid(f"/{name}", "nothing-new", "This is what is said of the visit already.")
    changes = [{"field": name, "old": before[name], "new": value} for name, value in said.items()]
    times = {name: stated.get(name) or datetime.fromisoformat(before[name]) for name in ("arrived_at", "left_at")}
    there = stated["attended_by"] if "attended_by" in stated else [UUID(each) for each in before["attended_by"]]
    _require_made(work, **times)
    if "attended_by" in stated:
        known = before["attended_by"]
        await _require_company(work, visit["case_id"], visit["adviser_id"], there, times["arrived_at"], known)
    marks = await work.obtain(queries.CORRECTED_MARKS, visit_id=visit_id, attended_by=there, **dict[str, Any](times))
    made = await work.create(
        queries.SUPPLEMENT, supplementing, visit_id=visit_id, changes=changes, time_marks=marks["marks"]
    )
    fields = ", ".join(said)
    work.say(visit["case_id"], subject=("visit", visit_id), reason=supplementing.reason, facts={"fields": fields})
    await work.react({"case_id": visit["case_id"]})
    return await work.show(queries.SUPPLEMENT_SHOWN, made)


async def log_no_access(work: Work, visit_id: UUID, ending: VisitEnding) -> Answer:
    """Log a visit that could not be made."""
    return await _end(work, visit_id, ending, queries.NO_ACCESS, "reason_no_access")


async def cancel(work: Work, visit_id: UUID, ending: VisitCancelling) -> Answer:
    """Cancel a visit to come."""
    tell = ending.tell_business
    quiet = untold(ending.reason_code, tell_business=tell)
    answer = await _end(work, visit_id, ending, queries.CANCEL, "reason_cancel_visit", quiet=quiet, tell=tell)
    visit = await work.obtain(queries.VISIT_NOW, id=visit_id)
    if not quiet:
        notify(work, Notice.VISIT_CANCELLED, case_id=visit["case_id"], tell_business=tell)
    return answer


async def _end(work: Work, visit_id: UUID, ending: VisitEnding, move: Guarded, words: str, **values: bool) -> Answer:
    await _reached(work, queries.VISIT_NOW, visit_id)
    await require_reason(work, words, ending.reason_code, ending.note)
    row = await work.advance(move, id=visit_id, reason_code=ending.reason_code, **values)
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
    if any(value != finding[name] for name, value in stated.items()):  # by its line, somebody has contributed
        work.say(finding["case_id"], subject=("finding", finding_id))
        await work.react(finding)
    return answer


async def refuse_upcoming(work: Work, row: Mapping[str, Any]) -> None:
    """What closing a case asks of its visits: that none is still to come. Raises ``VisitsUpcoming``."""
    upcoming = await work.rows(queries.UPCOMING_OF_CASE, case_id=row["case_id"])
    if upcoming:
        raise VisitsUpcoming("Complete or cancel the visits to come first.", visits=_told(upcoming))


async def hand_on(work: Work, row: Mapping[str, Any]) -> None:
    """What handing a case over does to its visits to come: each is moved to the new adviser, or left, as it is said.

    It must be said of those of the former adviser, and of those in nobody's hands: theirs who left, or whose force had the case before.
    """
    case_id, adviser_id = row["case_id"], row["adviser_id"]
    coming = {visit["id"]: visit for visit in await work.rows(queries.UPCOMING_OF_CASE, case_id=case_id)}
    said: dict[UUID, tuple[str, Handed]] = {}
    for place, each in enumerate(row["visits"]):
        if each.visit_id not in coming or each.visit_id in said:
            message = "Name each visit to come of this case once."
            raise _invalid(f"/visits/{place}/visit_id", "unknown", message)
        said[each.visit_id] = f"/visits/{place}/then", each.then
    former = row["former"] if row["former"] != adviser_id else None
    undecided = [
        each
        for id_, each in coming.items()
        if id_ not in said and (each["adviser_id"] == former or each["adviser_left_at"] is not None)
    ]
    if undecided:
        raise VisitsUndecided(visits=_told(undecided))
    left = {at: coming[id_]["adviser_id"] for id_, (at, then) in said.items() if then is Handed.LEAVE}
    await _require_advisers(work, case_id, left, "Whoever was to make it is no adviser of the case any more: move it.")
    moved = [id_ for id_, (_, then) in said.items() if then is Handed.MOVE]
    if moved:
        await work.row(queries.DIARY, adviser_id=adviser_id)
    for id_ in moved:
        await work.obtain(queries.HAND_VISIT, id=id_, case_id=case_id, adviser_id=adviser_id)
    # Left to somebody who is an adviser of the case (again), it is theirs again.
    for id_, visit in coming.items():
        if visit["adviser_left_at"] is not None and id_ in said and id_ not in moved:
            await work.obtain(queries.HAND_VISIT, id=id_, case_id=case_id, adviser_id=visit["adviser_id"])
    for id_, (_, then) in said.items():
        work.say(case_id, subject=("visit", id_), facts={"visit": then.value})
    if moved:
        notify(work, Notice.VISIT, case_id=case_id)


def _told(visits: Iterable[Record]) -> list[dict[str, str]]:
    return [{"id": str(visit["id"]), "starts_at": write_moment(visit["starts_at"])} for visit in visits]


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


ADVISERS = "Name an adviser of the case's team, or of a team that the case is shared with to contribute."


async def _require_advisers(
    work: Work, case_id: UUID, named: Mapping[str, UUID | None], message: str = ADVISERS
) -> None:
    """Each of these, by the pointer that names them, is somebody who may be sent to the case."""
    people = list(named.values())
    stranger = await work.row(queries.STRANGER, people=people, case_id=case_id) if people else None
    _refuse_stranger(stranger, named, message)


async def _require_there(work: Work, case_id: UUID, named: Mapping[str, UUID], began: datetime) -> None:
    """Each of these can have been at a visit that was made: somebody who has left since as well."""
    people = list(named.values())
    stranger = await work.row(queries.UNKNOWN, people=people, case_id=case_id, began=began) if people else None
    _refuse_stranger(stranger, named, ADVISERS)


def _refuse_stranger(stranger: Record | None, named: Mapping[str, UUID | None], message: str) -> None:
    if stranger is not None:
        at = next(pointer for pointer, person in named.items() if person == stranger["id"])
        raise _invalid(at, "not-an-adviser-here", message)


async def _require_company(
    work: Work, case_id: UUID, adviser_id: UUID, company: Sequence[UUID], began: datetime, known: Sequence[str] = ()
) -> None:
    """Who was there beside the visit's adviser: advisers too, each named once. Who is ``known`` to have been is not asked about."""
    for place, person in enumerate(company):
        if person == adviser_id or person in company[:place]:
            message = "Name each colleague once; the visit's adviser was there by that."
            raise _invalid(f"/attended_by/{place}", "duplicate", message)
    named = {f"/attended_by/{place}": person for place, person in enumerate(company) if str(person) not in known}
    await _require_there(work, case_id, named, began)


async def _require_place(work: Work, case_id: UUID, premises_id: UUID | None) -> None:
    if await work.row(queries.PREMISES_SEEN, case_id=case_id, premises_id=premises_id) is None:
        raise _invalid("/premises_id", "unknown", "There is no such place.")


def _require_fields(stated: VisitProposing, needed: Sequence[str], out_of_place: Sequence[str], why: str) -> None:
    """Of the two kinds of visit that this takes, each has its own fields."""
    errors = [
        {"pointer": f"/{name}", "code": "missing", "message": "State this as well."}
        for name in needed
        if getattr(stated, name) is None
    ] + [
        {"pointer": f"/{name}", "code": "out-of-place", "message": f"This {why}."}
        for name in out_of_place
        if getattr(stated, name)
    ]
    if errors:
        raise ValidationFailed(errors=errors)


def _require_made(work: Work, arrived_at: datetime, left_at: datetime) -> None:
    if left_at <= arrived_at:
        raise _invalid("/left_at", "order", "The visit ended after it began.")
    require_behind(work, "/left_at", left_at, "A visit is logged when it is over.")


def _as_kept(value: Any) -> Any:
    """A value of a visit as the changes of a supplement keep it."""
    if isinstance(value, datetime):
        return write_moment(value)
    return [str(each) if isinstance(each, UUID) else each for each in value] if isinstance(value, list) else value


def _newest(supplements: Iterable[Record]) -> dict[str, Any]:
    """What supplements say of each field, the last of them last."""
    changes = [change for each in supplements for change in _decoded(each["changes"])]
    return {change["field"]: change["new"] for change in changes}


def _decoded(changes: Any) -> Any:
    return json.loads(changes) if isinstance(changes, str) else changes


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
