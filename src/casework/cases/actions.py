"""The verbs of a case."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from casework.cases import queries
from casework.cases.lifecycle import Audience, CaseKind
from casework.cases.problems import AlreadyInvolved, CompetenceMissing, NothingToTake
from casework.cases.schemas import (
    CaseAllocation,
    CaseAmendment,
    CaseClosing,
    CaseCollaboration,
    CaseHandingOver,
    CaseHolding,
    CaseNoteAdding,
    CaseOpening,
    CaseReopening,
    CaseRestricting,
    CaseResuming,
    CaseUnrestricting,
    EnquiryAcceptance,
)
from casework.enquiries import queries as enquiries
from casework.kernel.problems import Forbidden, StateConflict, ValidationFailed
from casework.reference.actions import require_reason, require_word, working_day_after, working_days_since
from casework.work.amending import amend
from casework.work.messages import AdviserNotice, Notice, notify, notify_adviser
from casework.work.times import require_ahead, require_near
from casework.work.unit import Answer, Work, given_fields

WORKING_DAYS = 20
"""A case is due so many working days after it is opened, unless it says otherwise."""


def _require_meant(work: Work, name: str, day: date | None) -> None:
    """A deadline may be over when it is written down: a case that comes from elsewhere can be late already. A look back
    at the place is still to come."""
    if name == "due_on":
        require_near(work, "/due_on", day)
    else:
        require_ahead(work, f"/{name}", day, "Give a day that is still to come.")


async def _judged(work: Work, case_id: UUID) -> Any:
    """The case, once reach, version and state allow the current action; nobody else moves it until the end."""
    return await work.advance(queries.JUDGED[work.action], id=case_id)


async def _assignable(work: Work, team_id: UUID, person_id: UUID, pointer: str) -> list[str]:
    """The competences of an adviser of the case's team; anybody else is refused."""
    found = await work.obtain(queries.ASSIGNEE, person_id=person_id, team_id=team_id)
    if not found["adviser"]:
        message = "Name an adviser of the case's team: GET /v1/people lists them."
        raise ValidationFailed(errors=[{"pointer": pointer, "code": "not-an-adviser-here", "message": message}])
    competences: list[str] = found["competences"]
    return competences


async def _competent(work: Work, case: Any, adviser_id: UUID) -> None:
    """Refuse an adviser who is not of the team, or lacks the competence of the case's strand."""
    await _assignable(work, case["team_id"], adviser_id, "/adviser_id")
    await _require_competence(work, case["strand"], case["team_id"], adviser_id)


async def _require_competence(work: Work, strand: str, team_id: UUID, adviser_id: UUID) -> None:
    """Refuse an adviser who lacks the competence of a strand; colleagues who hold it are named."""
    found = await work.obtain(queries.ASSIGNEE, person_id=adviser_id, team_id=team_id)
    if strand not in found["competences"]:
        suitable = await work.rows(queries.SUITABLE, strand=strand, team_id=team_id)
        raise CompetenceMissing(
            f"The case needs the competence {strand}.",
            competence=strand,
            suitable=[dict(colleague) for colleague in suitable],
        )


async def open_case(work: Work, opening: CaseOpening) -> Answer:
    """Open a case without an enquiry. Its deadline is set unless one is stated (or stated to be none)."""
    await require_word(work, "competences", opening.strand, "/strand")
    due_on, counted_from = opening.due_on, None
    if "due_on" not in opening.model_fields_set:
        counted_from = work.clock.today()
        due_on = await working_day_after(work, opening.team_id, counted_from, WORKING_DAYS)
    case_id = await work.create(queries.OPEN, opening, reference="CASE", due_on=due_on, due_counted_from=counted_from)
    if await work.row(queries.TOLD, case_id=case_id) is None:  # a repeat is not judged by the day on which it comes
        for name in ("due_on", "next_review_on"):
            _require_meant(work, name, getattr(opening, name))
        work.say(case_id)
    return await work.show(queries.CASE_SHOWN, case_id, location=f"/v1/cases/{case_id}")


async def accept_enquiry(work: Work, enquiry_id: UUID, acceptance: EnquiryAcceptance) -> Answer:
    """Accept an enquiry into a case of its own, or into one that is open already."""
    enquiry = await work.advance(enquiries.TO_ACCEPT, id=enquiry_id)
    case_id = acceptance.case_id or await _case_of(work, enquiry, acceptance)
    not_joinable = ValidationFailed(
        errors=[
            {"pointer": "/case_id", "code": "no-case", "message": "Name a case of the same team that is not closed."}
        ]
    )
    case = await work.obtain(queries.JOINABLE, not_joinable, id=case_id, team_id=enquiry["team_id"])
    await work.advance(enquiries.ACCEPT, id=enquiry_id, case_id=case_id, restricted=case["restricted"])
    work.say(case_id, subject=("enquiry", enquiry_id), facts={"reference": enquiry["reference"]})
    if acceptance.case_id is not None:
        notify_adviser(work, AdviserNotice.ENQUIRY_JOINED, enquiry_id)
    answer = await work.show(queries.CASE_SHOWN, case_id, location=f"/v1/cases/{case_id}")
    return replace(answer, status=200 if acceptance.case_id else 201)


async def _case_of(work: Work, enquiry: Any, acceptance: EnquiryAcceptance) -> UUID:
    await require_word(work, "competences", acceptance.strand, "/strand")
    opening = CaseOpening(
        id=acceptance.id,
        team_id=enquiry["team_id"],
        kind=CaseKind.ENQUIRY,
        title=acceptance.title or enquiry["site_name"],
        strand=acceptance.strand or enquiry["strand"] or "pal",
        premises_id=enquiry["premises_id"],
        organisation_id=enquiry["organisation_id"],
    )
    today = work.clock.today()
    due_on = await working_day_after(work, opening.team_id, today, WORKING_DAYS)
    return await work.create(queries.OPEN, opening, reference="CASE", due_on=due_on, due_counted_from=today)


async def amend_case(work: Work, case_id: UUID, amendment: CaseAmendment) -> Answer:
    """Amend the facts of a case. A patch that states nothing changes nothing."""
    stated = given_fields(amendment)
    dates = {name: stated[name] for name in ("due_on", "next_review_on") if stated.get(name) is not None}
    before = await work.row(queries.BEFORE, id=case_id) if dates or "strand" in stated else None
    answer = await amend(work, queries.AMENDING, case_id, amendment)
    await require_word(work, "competences", stated.get("strand"), "/strand")
    strand = stated.get("strand")
    if before is not None and before["adviser_id"] is not None and strand not in (None, before["strand"]):
        await _require_competence(work, strand, before["team_id"], before["adviser_id"])
    for name, day in dates.items():
        if before is not None and before[name] != day:
            _require_meant(work, name, day)
    if stated:
        work.say(case_id, facts={"fields": ", ".join(sorted(stated))})
    return answer


async def take(work: Work) -> Answer:
    """Take the unallocated case that is due first and needs a competence of the taker's."""
    taken = await work.row(queries.TAKE)
    if taken is None:
        mine = await work.row(queries.COMPETENCES)
        raise NothingToTake(competences=mine["competences"] if mine else [])
    case_id: UUID = taken["id"]
    assert work.caller.person is not None
    work.say(case_id, subject=("person", work.caller.person))
    await work.row(queries.PASS_ON, case_id=case_id, adviser_id=work.caller.person)
    return await work.show(queries.CASE_SHOWN, case_id, location=f"/v1/cases/{case_id}")


async def allocate(work: Work, case_id: UUID, allocation: CaseAllocation) -> Answer:
    """Give a case to an adviser who holds its competence; one that is being worked on stays where it stands."""
    case = await _judged(work, case_id)
    await _competent(work, case, allocation.adviser_id)
    await _hand_visits(work, case, allocation)
    await work.advance(queries.MOVES[work.action], id=case_id, adviser_id=allocation.adviser_id)
    work.say(case_id, subject=("person", allocation.adviser_id))
    await work.row(queries.PASS_ON, case_id=case_id, adviser_id=allocation.adviser_id)
    return await work.show(queries.CASE_SHOWN, case_id)


async def _hand_visits(work: Work, case: Any, handing: CaseAllocation | CaseHandingOver) -> None:
    """Before the case is handed on, for whoever hands it on may be out of its circle then (``casework.reactions``)."""
    await work.react(
        {
            "case_id": case["id"],
            "former": case["adviser_id"],
            "adviser_id": handing.adviser_id,
            "visits": handing.visits,
        }
    )


async def hand_over(work: Work, case_id: UUID, handing: CaseHandingOver) -> Answer:
    """Hand a case to a colleague. A restricted one is out of the former adviser's sight with that."""
    case = await _judged(work, case_id)
    await require_reason(work, "reason_hand_over", handing.reason_code, handing.note)
    if handing.adviser_id == case["adviser_id"]:
        raise AlreadyInvolved("This person is the case's adviser already.")
    await _competent(work, case, handing.adviser_id)
    await _hand_visits(work, case, handing)
    await work.advance(queries.MOVES[work.action], id=case_id, adviser_id=handing.adviser_id)
    work.say(case_id, subject=("person", handing.adviser_id), reason_code=handing.reason_code, reason=handing.note)
    left = await work.obtain(queries.CASE_LEFT, id=case_id)
    await work.row(queries.PASS_ON, case_id=case_id, adviser_id=handing.adviser_id)
    shown = await work.row(queries.CASE_SHOWN, id=case_id) or left
    return Answer(shown["body"], shown["version"])


async def collaborate(work: Work, case_id: UUID, collaboration: CaseCollaboration) -> Answer:
    """Add an adviser of the team who works along."""
    case = await _judged(work, case_id)
    person_id = collaboration.person_id
    await _assignable(work, case["team_id"], person_id, "/person_id")
    if person_id == case["adviser_id"]:
        raise AlreadyInvolved("This person is the case's adviser.")
    await work.advance(queries.MOVES[work.action], id=case_id)
    await work.create(queries.ADD_COLLABORATOR, collaboration, case_id=case_id)
    work.say(case_id, subject=("person", person_id))
    return await work.show(queries.CASE_SHOWN, case_id)


async def uncollaborate(work: Work, case_id: UUID, person_id: UUID) -> Answer:
    """End somebody's working along; 404 when they don't."""
    await _judged(work, case_id)
    await work.obtain(queries.END_COLLABORATOR, case_id=case_id, person_id=person_id)
    await work.advance(queries.MOVES[work.action], id=case_id)
    work.say(case_id, subject=("person", person_id))
    return await work.show(queries.CASE_SHOWN, case_id)


async def hold(work: Work, case_id: UUID, holding: CaseHolding) -> Answer:
    """Put a case on hold; its deadline rests."""
    await _judged(work, case_id)
    await require_reason(work, "reason_hold", holding.reason_code, holding.note)
    await work.advance(
        queries.MOVES[work.action], id=case_id, today=work.clock.today(), reason_code=holding.reason_code
    )
    work.say(case_id, reason_code=holding.reason_code, reason=holding.note)
    return await work.show(queries.CASE_SHOWN, case_id)


async def resume(work: Work, case_id: UUID, resuming: CaseResuming) -> Answer:
    """Take a case off hold, to where it stood; its deadline moves by the working days it rested."""
    case = await _judged(work, case_id)
    due_on = case["due_on"]
    if due_on is not None:
        rested = await working_days_since(work, case["team_id"], case["held_on"])
        if rested:
            due_on = await working_day_after(work, case["team_id"], due_on, rested)
    await work.advance(queries.MOVES[work.action], id=case_id, due_on=due_on)
    work.say(case_id, reason=resuming.note)
    return await work.show(queries.CASE_SHOWN, case_id)


async def close(work: Work, case_id: UUID, closing: CaseClosing) -> Answer:
    """Close a case, once its visits and recommendations allow it (``casework.reactions``)."""
    await _judged(work, case_id)
    await require_reason(work, "reason_close", closing.reason_code, closing.note)
    for place, each in enumerate(closing.open_recommendations):
        at = f"/open_recommendations/{place}"
        await require_reason(work, "reason_open_recommendation", each.reason_code, each.note, at)
    _require_meant(work, "next_review_on", closing.next_review_on)
    await work.react({"case_id": case_id, "closing": closing, "roles": work.caller.roles})
    read = enquiries.READ_AS_IT_IS if closing.tell_business else enquiries.READ_AS_BEFORE
    await work.rows(read, case_id=case_id)
    await work.advance(
        queries.MOVES[work.action],
        id=case_id,
        reason_code=closing.reason_code,
        next_review_on=closing.next_review_on,
    )
    work.say(case_id, reason_code=closing.reason_code, reason=closing.note)
    notify(work, Notice.CLOSED, case_id=case_id, tell_business=closing.tell_business)
    return await work.show(queries.CASE_SHOWN, case_id)


async def reopen(work: Work, case_id: UUID, reopening: CaseReopening) -> Answer:
    """Reopen a closed case, with a new deadline; its adviser keeps it."""
    case = await _judged(work, case_id)
    due_on = await working_day_after(work, case["team_id"], work.clock.today(), WORKING_DAYS)
    await work.advance(queries.MOVES[work.action], id=case_id, due_on=due_on)
    work.say(case_id, reason=reopening.note)
    return await work.show(queries.CASE_SHOWN, case_id)


async def restrict(work: Work, case_id: UUID, restricting: CaseRestricting) -> Answer:
    """Leave only the headline to the rest of the team; everything beneath the case follows it."""
    case = await _judged(work, case_id)
    if case["restricted"]:
        raise StateConflict("The case is restricted already.")
    await require_reason(work, "reason_restrict", restricting.reason_code, restricting.note)
    await work.row(queries.ANNOUNCE_RESTRICTION, id=case_id)
    await work.advance(queries.MOVES[work.action], id=case_id)
    work.say(case_id, reason_code=restricting.reason_code, reason=restricting.note)
    return await work.show(queries.CASE_SHOWN, case_id)


async def unrestrict(work: Work, case_id: UUID, unrestricting: CaseUnrestricting) -> Answer:
    """Let the whole team see the case again."""
    case = await _judged(work, case_id)
    if not case["restricted"]:
        raise StateConflict("The case is not restricted.")
    await work.advance(queries.MOVES[work.action], id=case_id)
    work.say(case_id, reason=unrestricting.note)
    return await work.show(queries.CASE_SHOWN, case_id)


async def add_note(work: Work, case_id: UUID, note: CaseNoteAdding) -> Answer:
    """Add an internal note. Nobody writes for readers to whom they do not belong."""
    if note.audience is Audience.CASEWORK:
        row = await work.row(queries.READS_CASEWORK, case_id=case_id)
        if row is not None and not row["reads"]:
            raise Forbidden("You write notes for the desk here: send `audience` as `desk`, or leave it out.")
    note_id = await work.create(queries.NOTE, note, case_id=case_id)
    return await work.show(queries.NOTE_SHOWN, note_id)


async def begin_work(work: Work, case_id: UUID) -> None:
    """What a first visit or draft causes: an allocated case becomes active. Nothing happens to one that is active already."""
    await work.row(queries.BEGIN_WORK, case_id=case_id)


async def follow_up(work: Work, case_id: UUID, next_review_on: date) -> None:
    """What issuing advice causes: the case waits for the answers and the follow-up visit."""
    await work.row(queries.FOLLOW_UP, case_id=case_id, next_review_on=next_review_on)
