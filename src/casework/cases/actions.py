"""The verbs of a case."""

from datetime import date
from uuid import UUID

from casework.cases import queries
from casework.cases.schemas import CaseAllocation, CaseNoteAdding, CaseOpening
from casework.kernel.references import new_reference
from casework.work.unit import Answer, Work


async def open_case(work: Work, opening: CaseOpening) -> Answer:
    """Open a case without an enquiry."""
    case_id = await work.create(queries.OPEN, opening, reference=new_reference("CASE"))
    return await work.show(queries.CASE_SHOWN, case_id, location=f"/v1/cases/{case_id}")


async def allocate(work: Work, case_id: UUID, allocation: CaseAllocation) -> Answer:
    """Give a case to an adviser."""
    await work.advance(queries.ALLOCATE, id=case_id, adviser_id=allocation.adviser_id)
    await work.row(queries.END_ALLOCATION, case_id=case_id)
    await work.create(queries.GIVE, allocation, case_id=case_id)
    await work.say(case_id, subject=("person", allocation.adviser_id))
    return await work.show(queries.CASE_SHOWN, case_id)


async def add_note(work: Work, case_id: UUID, note: CaseNoteAdding) -> Answer:
    """Add an internal note."""
    note_id = await work.create(queries.NOTE, note, case_id=case_id)
    return await work.show(queries.NOTE_SHOWN, note_id)


async def begin_work(work: Work, case_id: UUID) -> None:
    """What a first visit or draft causes: an allocated case becomes active. Nothing happens to one that is active already."""
    await work.row(queries.BEGIN_WORK, case_id=case_id)


async def follow_up(work: Work, case_id: UUID, next_review_on: date) -> None:
    """What issuing advice causes: the case waits for the answers and the follow-up visit."""
    await work.row(queries.FOLLOW_UP, case_id=case_id, next_review_on=next_review_on)
