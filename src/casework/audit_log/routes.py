"""HTTP for audit_log."""

from fastapi import APIRouter, Response

from casework.access.actions import Action
from casework.audit_log import queries
from casework.audit_log.schemas import LogPage
from casework.work.doorway import AtDoor, Cursor, DoorRoute, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["audit_log"], route_class=DoorRoute)


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
