"""HTTP for cases."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.cases import actions, queries
from casework.cases.lifecycle import CaseState
from casework.cases.schemas import CaseAllocation, CaseNoteAdding, CaseNoteView, CaseOpening, CasePage, CaseView
from casework.work.doorway import AtDoor, Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["cases"])


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


@router.get("/cases", **operation(Action.CASE_READ, "List cases", CasePage, suffix="list"))
async def list_cases(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?(opened_at|reference)$")] = "-opened_at",
    state: CaseState | None = None,
) -> Response:
    """The cases that the caller may read, newest first unless sorted otherwise."""
    return await door.page(queries.CASE_LIST, limit=limit, cursor=cursor, sort=sort, filters={"state": state})


@router.get("/cases/{case_id}", **operation(Action.CASE_READ, "Read a case", CaseView))
async def read_case(door: AtDoor, case_id: Id) -> Response:
    """A case in full, with what the caller may do with it now."""
    return await door.one(queries.CASE_BY_ID, hidden=queries.HEADLINE_BY_ID, id=case_id)


@router.post(
    "/cases/{case_id}/allocation",
    **operation(
        Action.CASE_ALLOCATE,
        "Allocate a case",
        CaseView,
        moves=True,
        example={"adviser_id": "0190b2c4-0000-7000-8000-000000000002"},
    ),
)
async def allocate(door: AtDoor, case_id: Id, allocation: CaseAllocation) -> Response:
    """Give an open case to an adviser of the team; re-allocating is the same again."""
    return await door.write(lambda work: actions.allocate(work, case_id, allocation))


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
    """Notes are append only, and the business never sees them."""
    return await door.write(lambda work: actions.add_note(work, case_id, note), status=201)
