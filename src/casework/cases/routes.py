"""HTTP for cases."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.cases import actions, queries
from casework.cases.lifecycle import Audience, CaseState
from casework.cases.problems import AlreadyInvolved, CompetenceMissing, NothingToTake, VisitsUndecided
from casework.cases.schemas import (
    CaseAllocation,
    CaseAmendment,
    CaseClosing,
    CaseCollaboration,
    CaseEventPage,
    CaseHandingOver,
    CaseHeadlinePage,
    CaseHolding,
    CaseNoteAdding,
    CaseNotePage,
    CaseNoteView,
    CaseOpening,
    CasePage,
    CaseReference,
    CaseReopening,
    CaseRestricting,
    CaseResuming,
    CaseTaking,
    CaseUnrestricting,
    CaseView,
    EnquiryAcceptance,
)
from casework.kernel.columns import LocalDate, Word
from casework.kernel.inputs import Flag, Uuid
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["cases"], route_class=DoorRoute)
SOMEBODY = "0190b2c4-0000-7000-8000-000000000002"


def _either(wanted: bool | None, yes: str, no: str) -> dict[str, bool | None]:
    """The one of two filters that a truth value stands for."""
    return {yes: wanted or None, no: wanted is False or None}


@router.post(
    "/cases",
    **operation(
        Action.CASE_OPEN,
        "Open a case without an enquiry",
        CaseView,
        status=201,
        creates=True,
        example={
            "team_id": "0190b2c4-0000-7000-8000-000000000001",
            "title": "Spring fair on the market place",
            "kind": "event",
        },
    ),
)
async def open_case(door: AtDoor, opening: CaseOpening) -> Response:
    """Proactive work at a priority site, or an event. A business that asks comes in as an enquiry instead."""
    return await door.write(lambda work: actions.open_case(work, opening), status=201)


_accepting = operation(
    Action.ENQUIRY_ACCEPT,
    "Accept an enquiry into a case",
    CaseView,
    status=201,
    moves=True,
    example={"title": "Christmas market at the Market Hall"},
)
_accepting["responses"][200] = {"model": CaseView, "description": "The enquiry joined a case that is open already."}


@router.post("/enquiries/{enquiry_id}/acceptance", **_accepting)
async def accept_enquiry(door: AtDoor, enquiry_id: Id, acceptance: EnquiryAcceptance) -> Response:
    """Opens a case from what was asked and triaged (201), or joins the enquiry to an open case (200)."""
    return await door.write(lambda work: actions.accept_enquiry(work, enquiry_id, acceptance), status=201)


@router.get("/cases", **operation(Action.CASE_READ, "List cases", CasePage, suffix="list"))
async def list_cases(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?(opened_at|due_on|reference)$")] = "-opened_at",
    state: CaseState | None = None,
    open: Annotated[Flag | None, Query(description="Not closed yet.")] = None,
    mine: Annotated[Flag | None, Query(description="Allocated to the caller: the caller's own queue.")] = None,
    unallocated: Annotated[Flag | None, Query(description="Without an adviser, or with one who has left.")] = None,
    adviser_id: Uuid | None = None,
    premises_id: Uuid | None = None,
    strand: Word | None = None,
    due_before: LocalDate | None = None,
    reference: CaseReference | None = None,
) -> Response:
    """The cases that the caller may read, newest first unless sorted otherwise; those without a deadline are due last."""
    filters = {
        "state": state,
        **_either(open, "open", "closed"),
        **_either(mine, "mine", "others"),
        **_either(unallocated, "unallocated", "given"),
        "adviser_id": adviser_id,
        "premises_id": premises_id,
        "strand": strand,
        "due_before": due_before,
        "reference": reference,
    }
    return await door.page(queries.CASE_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get("/case-headlines", **operation(Action.CASE_READ_HEADLINE, "List headlines of cases", CaseHeadlinePage))
async def list_headlines(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?opened_at$")] = "-opened_at",
    state: CaseState | None = None,
    open: Annotated[Flag | None, Query(description="Not closed yet.")] = None,
    team_id: Uuid | None = None,
    adviser_id: Uuid | None = None,
    reference: CaseReference | None = None,
) -> Response:
    """That cases exist, restricted ones too, and who has them; national roles see those of every team.

    As auditor one sees reference, state and team only, last in the list, whatever its order; `adviser_id` finds none of these, and
    is refused (400) to whoever sees no others.
    """
    filters = {
        "state": state,
        **_either(open, "open", "closed"),
        "team_id": team_id,
        "adviser_id": adviser_id,
        "reference": reference,
    }
    return await door.page(
        queries.HEADLINE_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters, in_team=team_id
    )


@router.post(
    "/cases/taking",
    **operation(Action.CASE_TAKE, "Take the next case", CaseView, creates=True, problems=(NothingToTake,), example={}),
)
async def take(door: AtDoor, _: CaseTaking) -> Response:
    """The unallocated case of the caller's teams that is due first, among those whose competence the caller holds. A case whose
    adviser has left counts; its visits to come keep their mark until somebody is named for them."""
    return await door.write(actions.take)


@router.get("/cases/{case_id}", **operation(Action.CASE_READ, "Read a case", CaseView))
async def read_case(door: AtDoor, case_id: Id) -> Response:
    """A case in full, with what the caller may do with it now."""
    return await door.one(queries.CASE_BY_ID, case=case_id, id=case_id)


@router.patch(
    "/cases/{case_id}",
    **operation(
        Action.CASE_AMEND,
        "Amend the facts of a case",
        CaseView,
        amends=True,
        problems=(CompetenceMissing,),
        example={"title": "Spring fair, second week", "due_on": "2026-12-18"},
    ),
)
async def amend_case(door: AtDoor, case_id: Id, amendment: CaseAmendment) -> Response:
    """A merge patch: absent fields stay, null clears. An empty patch changes nothing."""
    return await door.write(lambda work: actions.amend_case(work, case_id, amendment))


@router.get(
    "/cases/{case_id}/timeline",
    **operation(Action.CASE_READ, "Read a case's timeline", CaseEventPage, suffix="timeline"),
)
async def read_timeline(
    door: AtDoor,
    case_id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?at$")] = "-at",
) -> Response:
    """What was done with a case, by whom and why. What concerns advice and findings shows to those who may read them."""
    return await door.page(
        queries.TIMELINE,
        limit=limit,
        cursor=cursor,
        sort=sort,
        filters={"case_id": case_id},
        under=case_id,
    )


@router.post(
    "/cases/{case_id}/allocation",
    **operation(
        Action.CASE_ALLOCATE,
        "Allocate a case",
        CaseView,
        moves=True,
        problems=(CompetenceMissing, VisitsUndecided),
        example={"adviser_id": SOMEBODY},
    ),
)
async def allocate(door: AtDoor, case_id: Id, allocation: CaseAllocation) -> Response:
    """Give a case to an adviser of the team; re-allocating is the same again, and leaves the state where it is.

    `visits` says of each visit to come of the former adviser, and of each with `adviser_left_at` (the case of a leaver, or one that came
    from another force), whether the new one makes it.
    """
    return await door.write(lambda work: actions.allocate(work, case_id, allocation))


@router.post(
    "/cases/{case_id}/hand-over",
    **operation(
        Action.CASE_HAND_OVER,
        "Hand a case to a colleague",
        CaseView,
        moves=True,
        problems=(CompetenceMissing, AlreadyInvolved, VisitsUndecided),
        example={"adviser_id": SOMEBODY, "reason_code": "other", "note": "On leave until March."},
    ),
)
async def hand_over(door: AtDoor, case_id: Id, handing: CaseHandingOver) -> Response:
    """To an adviser of the same team. Who hands a restricted case over sees no more than its headline from then on.

    `visits` says of each visit to come of the former adviser, and of each with `adviser_left_at`, whether the new one makes it (`move`)
    or they still do (`leave`).
    """
    return await door.write(lambda work: actions.hand_over(work, case_id, handing))


@router.post(
    "/cases/{case_id}/collaborators",
    **operation(
        Action.CASE_COLLABORATE,
        "Add a collaborator",
        CaseView,
        moves=True,
        problems=(AlreadyInvolved,),
        example={"person_id": SOMEBODY},
    ),
)
async def collaborate(door: AtDoor, case_id: Id, collaboration: CaseCollaboration) -> Response:
    """An adviser of the same team who works along."""
    return await door.write(lambda work: actions.collaborate(work, case_id, collaboration))


@router.delete(
    "/cases/{case_id}/collaborators/{person_id}",
    **operation(Action.CASE_UNCOLLABORATE, "Remove a collaborator", CaseView, moves=True),
)
async def uncollaborate(door: AtDoor, case_id: Id, person_id: Id) -> Response:
    """End somebody's working along; what they did stays theirs."""
    return await door.write(lambda work: actions.uncollaborate(work, case_id, person_id))


@router.post(
    "/cases/{case_id}/hold",
    **operation(
        Action.CASE_HOLD,
        "Put a case on hold",
        CaseView,
        moves=True,
        example={"reason_code": "awaiting_building_works"},
    ),
)
async def hold(door: AtDoor, case_id: Id, holding: CaseHolding) -> Response:
    """The deadline rests until the case is resumed."""
    return await door.write(lambda work: actions.hold(work, case_id, holding))


@router.post(
    "/cases/{case_id}/resumption",
    **operation(Action.CASE_RESUME, "Take a case off hold", CaseView, moves=True, example={}),
)
async def resume(door: AtDoor, case_id: Id, resuming: CaseResuming) -> Response:
    """Back to where it stood; the deadline moves by the working days that it rested."""
    return await door.write(lambda work: actions.resume(work, case_id, resuming))


@router.post(
    "/cases/{case_id}/closure",
    **operation(Action.CASE_CLOSE, "Close a case", CaseView, moves=True, example={"reason_code": "advice_completed"}),
)
async def close(door: AtDoor, case_id: Id, closing: CaseClosing) -> Response:
    """A case with upcoming visits does not close; recommendations that are still open need a reason each."""
    return await door.write(lambda work: actions.close(work, case_id, closing))


@router.post(
    "/cases/{case_id}/reopening",
    **operation(Action.CASE_REOPEN, "Reopen a closed case", CaseView, moves=True, example={}),
)
async def reopen(door: AtDoor, case_id: Id, reopening: CaseReopening) -> Response:
    """Its adviser keeps it, and it gets a new deadline."""
    return await door.write(lambda work: actions.reopen(work, case_id, reopening))


@router.post(
    "/cases/{case_id}/restriction",
    **operation(
        Action.CASE_RESTRICT,
        "Restrict a case",
        CaseView,
        moves=True,
        example={"reason_code": "live_operation"},
    ),
)
async def restrict(door: AtDoor, case_id: Id, restricting: CaseRestricting) -> Response:
    """Only those who work on it, supervisors and information managers see more than the headline from then on."""
    return await door.write(lambda work: actions.restrict(work, case_id, restricting))


@router.post(
    "/cases/{case_id}/unrestriction",
    **operation(
        Action.CASE_UNRESTRICT,
        "Lift the restriction of a case",
        CaseView,
        moves=True,
        example={"note": "The operation is over."},
    ),
)
async def unrestrict(door: AtDoor, case_id: Id, unrestricting: CaseUnrestricting) -> Response:
    """The whole team sees the case again."""
    return await door.write(lambda work: actions.unrestrict(work, case_id, unrestricting))


@router.post(
    "/cases/{case_id}/notes",
    **operation(
        Action.CASE_NOTE,
        "Add an internal note",
        CaseNoteView,
        status=201,
        creates=True,
        example={"body": "Rang the duty manager; she is back on Monday."},
    ),
)
async def add_note(door: AtDoor, case_id: Id, note: CaseNoteAdding) -> Response:
    """Notes are append only, and the business never sees them. Coordinators and tools write for the desk alone."""
    return await door.write(lambda work: actions.add_note(work, case_id, note), status=201)


@router.get("/cases/{case_id}/notes", **operation(Action.CASE_READ, "List notes", CaseNotePage, suffix="notes"))
async def list_notes(
    door: AtDoor,
    case_id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?created_at$")] = "-created_at",
    audience: Annotated[Audience | None, Query(description="Those for the desk, or those for casework.")] = None,
) -> Response:
    """The internal notes of a case that the caller may read, newest first unless sorted otherwise.

    Notes for casework are for those who read findings and advice of the case; to coordinators and tools they are not there, and
    asking for them is refused (403)."""
    return await door.page(
        queries.NOTE_LIST,
        limit=limit,
        cursor=cursor,
        sort=sort,
        filters={"case_id": case_id, "audience": audience},
        under=case_id,
    )
