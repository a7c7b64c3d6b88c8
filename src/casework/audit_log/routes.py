"""HTTP for audit_log."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from casework.access.actions import Action
from casework.audit_log import queries
from casework.audit_log.schemas import Decided, HeadPage, HeadSeen, LogEntry, LogPage
from casework.kernel.columns import Moment
from casework.kernel.inputs import DIGITS, Uuid
from casework.kernel.problems import ValidationFailed
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.naming import RecordReference, faults
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["audit_log"], route_class=DoorRoute)

WINDOW = timedelta(days=31)
"""How far back is looked unless asked for otherwise, and how far at once without a person or record to look for."""


@router.get(
    "/cases/{case_id}/access-log", **operation(Action.CASE_ACCESS_LOG, "Read who saw or changed a case", LogPage)
)
async def read_case_log(door: AtDoor, case_id: Id, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Who, when, in which part, why and what, newest first; refusals too. Reading it is logged on the case as well."""
    return await door.page(
        queries.CASE_LOG,
        limit=limit,
        cursor=cursor,
        sort=f"-event:{case_id}",
        under=case_id,
        id=case_id,
    )


@router.get(
    "/access-log",
    **operation(
        Action.CASE_ACCESS_LOG, "Find who saw or changed a case, by reference or place", LogPage, suffix="find"
    ),
)
async def find_case_log(
    door: AtDoor,
    limit: Limit = 50,
    cursor: Cursor = None,
    reference: RecordReference | None = None,
    premises_id: Annotated[Uuid | None, Query(description="The cases at these premises.")] = None,
) -> Response:
    """For whoever has a reference in hand (the case's own, or that of its enquiry or advice), or a place: the log of each such case that the reader may see the log of; nothing where there is none. Reading it is logged on those cases."""
    if wrong := faults({"reference": reference, "premises_id": premises_id}):
        await door.refuse(ValidationFailed(errors=wrong))
    asked: dict[str, Any] = {"reference": reference, "premises": premises_id}
    return await door.page(queries.CASE_LOGS, limit=limit, cursor=cursor, sort="-event", filters=asked, **asked)


@router.get("/audit-events", **operation(Action.AUDIT_READ, "Read the processing log", LogPage, suffix="list"))
async def list_events(
    door: AtDoor,
    limit: Limit = 50,
    cursor: Cursor = None,
    person_id: Annotated[Uuid | None, Query(description="By this person or tool, or by a tool for them.")] = None,
    record_id: Annotated[Uuid | None, Query(description="About this case, or any other record by its id.")] = None,
    reference: RecordReference | None = None,
    premises_id: Annotated[
        Uuid | None, Query(description="About these premises, what belongs to them, and the cases and enquiries there.")
    ] = None,
    action: Annotated[Action | None, Query(description="The action's word.")] = None,
    decision: Decided | None = None,
    purpose: Annotated[str | None, Query(pattern="^[a-z_]{1,60}$", description="A purpose code.")] = None,
    since: Annotated[
        Moment | None, Query(alias="from", description="Then or later; 31 days before `to` unless given.")
    ] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before then; now unless given.")] = None,
) -> Response:
    """The log, newest first. An information manager sees what is about the team's records and what the team's people did.

    At most 31 days at once unless a person or a record is named (one of `record_id`, `reference`, `premises_id`): nothing else
    is quick to find among many months.
    """
    named = {"record_id": record_id, "reference": reference, "premises_id": premises_id}
    wrong = faults(named, needed=False)
    last = until or datetime.now(UTC) + timedelta(minutes=1)
    first = since or last - WINDOW
    if last - first > WINDOW and person_id is None and not any(named.values()):
        message = "Ask for 31 days at most, or name a person or a record."
        wrong.append({"parameter": "from", "code": "window", "message": message})
    if wrong:
        await door.refuse(ValidationFailed(errors=wrong))
    asked = {
        "person": person_id,
        "record": record_id,
        "reference": reference,
        "premises": premises_id,
        "wanted": action,
        "decided": decision,
        "why": purpose,
    }
    values: dict[str, Any] = asked | {"since": first, "until": last}
    return await door.page(
        queries.EVENTS,
        limit=limit,
        cursor=cursor,
        sort="-event",
        filters=asked | {"since": since, "until": until},
        **values,
    )


@router.get("/audit-events/{event}", **operation(Action.AUDIT_READ, "Read one entry of the processing log", LogEntry))
async def read_event(
    door: AtDoor, event: Annotated[int, Path(ge=1, le=2**53 - 1, description="The entry's number."), DIGITS]
) -> Response:
    """One request, with the records beneath it. The number stands in the access log and in the service's own log lines."""
    return await door.one(queries.EVENT, number=str(event))


@router.get(
    "/audit/checkpoint", **operation(Action.AUDIT_VERIFY, "Take the newest checkpoint", HeadSeen, suffix="checkpoint")
)
async def read_checkpoint(door: AtDoor) -> Response:
    """The newest sealed head with its signed note. Keep the note outside: it shows later that nothing sealed was changed or cut."""
    return await door.one(queries.NEWEST_HEAD)


@router.get("/audit/heads", **operation(Action.AUDIT_VERIFY, "List the sealed heads", HeadPage, suffix="heads"))
async def list_heads(door: AtDoor, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Every sealed batch, newest first, each with its checkpoint."""
    return await door.page(queries.HEADS, limit=limit, cursor=cursor, sort="-batch")
