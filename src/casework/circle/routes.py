"""HTTP for shares, emergency access and transfers."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.circle import actions, queries
from casework.circle.lifecycle import Direction, TransferState
from casework.circle.problems import AlreadyOffered, AlreadyShared, NoEmergencyAccessNeeded
from casework.circle.schemas import (
    CaseShareEnding,
    CaseSharePage,
    CaseShareView,
    CaseSharing,
    CaseTransferAcceptance,
    CaseTransferPage,
    CaseTransferReturn,
    CaseTransferring,
    CaseTransferView,
    CaseTransferWithdrawing,
    EmergencyAccessPage,
    EmergencyAccessView,
    EmergencyOpening,
)
from casework.kernel.problems import StateConflict
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["circle"], route_class=DoorRoute)
SOME_TEAM = "0190b2c4-0000-7000-8000-000000000001"


@router.post(
    "/cases/{case_id}/shares",
    **operation(
        Action.CASE_SHARE,
        "Share a case with another force",
        CaseShareView,
        status=201,
        creates=True,
        problems=(AlreadyShared, StateConflict),
        example={
            "to_team_id": SOME_TEAM,
            "mode": "read",
            "purpose_code": "casework",
            "until": "2027-03-31T17:00:00Z",
            "note": "The tour goes on to their stadium.",
        },
    ),
)
async def share(door: AtDoor, case_id: Id, sharing: CaseSharing) -> Response:
    """To read, or to contribute: notes, visits and findings. Advisers and supervisors there reach it, until the date at most."""
    return await door.write(lambda work: actions.share(work, case_id, sharing), status=201)


@router.get(
    "/cases/{case_id}/shares",
    **operation(Action.CASE_READ, "List the shares of a case", CaseSharePage, suffix="shares"),
)
async def list_shares(
    door: AtDoor,
    case_id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?shared_at$")] = "-shared_at",
) -> Response:
    """With whom the case is and was shared, and what became of it."""
    return await door.page(
        queries.SHARE_LIST, limit=limit, cursor=cursor, sort=sort, filters={"case_id": case_id}, under=case_id
    )


@router.post(
    "/cases/{case_id}/shares/{share_id}/ending",
    **operation(
        Action.CASE_UNSHARE,
        "End a share",
        CaseShareView,
        creates=True,
        problems=(StateConflict,),
        example={},
    ),
)
async def unshare(door: AtDoor, case_id: Id, share_id: Id, _: CaseShareEnding) -> Response:
    """At once: the next request of the other team finds no case. Visits to which their advisers are still sent are marked
    (`adviser_left_at`), and the answer warns of each (`visit-left`)."""
    return await door.write(lambda work: actions.unshare(work, case_id, share_id))


@router.post(
    "/emergency-access",
    **operation(
        Action.CASE_BREAK_GLASS,
        "Open a case of another team in an emergency",
        EmergencyAccessView,
        status=201,
        creates=True,
        problems=(NoEmergencyAccessNeeded,),
        example={
            "reference": "CASE-7K3M-Q9XT",
            "purpose_code": "emergency",
            "reason": "Attack under way at the site; the owning team cannot be reached.",
        },
    ),
)
async def open_in_emergency(door: AtDoor, opening: EmergencyOpening) -> Response:
    """By its reference, for 24 hours, to read only; restricted ones too. The owning team is told at once. Three in 24 hours."""
    return await door.write(lambda work: actions.open_in_emergency(work, opening), status=201)


@router.get(
    "/emergency-access",
    **operation(Action.CASE_ACCESS_LOG, "List emergency access", EmergencyAccessPage, suffix="emergencies"),
)
async def list_emergencies(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?opened_at$")] = "-opened_at",
) -> Response:
    """Which cases of the caller's teams were opened in an emergency, by whom and why."""
    return await door.page(queries.EMERGENCIES_OF_TEAM, limit=limit, cursor=cursor, sort=sort)


@router.get(
    "/cases/{case_id}/emergency-access",
    **operation(
        Action.CASE_READ, "List the emergency access to a case", EmergencyAccessPage, suffix="emergency-access"
    ),
)
async def list_emergencies_of_case(
    door: AtDoor,
    case_id: Id,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?opened_at$")] = "-opened_at",
) -> Response:
    """Who opened this case in an emergency, when and why."""
    return await door.page(
        queries.EMERGENCIES_OF_CASE, limit=limit, cursor=cursor, sort=sort, filters={"case_id": case_id}, under=case_id
    )


@router.post(
    "/cases/{case_id}/transfer",
    **operation(
        Action.CASE_TRANSFER,
        "Offer a case to another force",
        CaseTransferView,
        status=201,
        creates=True,
        problems=(AlreadyOffered, StateConflict),
        example={"to_team_id": SOME_TEAM, "reason_code": "site_in_other_force"},
    ),
)
async def offer(door: AtDoor, case_id: Id, offering: CaseTransferring) -> Response:
    """The other team sees the reference, title, strand and note, and accepts or returns it. Until then nothing moves."""
    return await door.write(lambda work: actions.offer(work, case_id, offering), status=201)


@router.get(
    "/case-transfers",
    **operation(Action.CASE_RECEIVE, "List transfers", CaseTransferPage, suffix="list"),
)
async def list_transfers(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?offered_at$")] = "-offered_at",
    direction: Annotated[
        Direction, Query(description="Offered to the caller's teams, or by them.")
    ] = Direction.RECEIVED,
    state: TransferState | None = None,
) -> Response:
    """The offers that came in or went out. Of a case that has gone, its former team keeps this line and nothing else."""
    listing = queries.RECEIVED if direction is Direction.RECEIVED else queries.MADE
    return await door.page(listing, limit=limit, cursor=cursor, sort=sort, filters={"state": state})


@router.post(
    "/case-transfers/{transfer_id}/withdrawal",
    **operation(
        Action.CASE_TRANSFER,
        "Withdraw an offer",
        CaseTransferView,
        suffix="withdrawal",
        moves=True,
        example={},
    ),
)
async def withdraw(door: AtDoor, transfer_id: Id, _: CaseTransferWithdrawing) -> Response:
    """As long as the other team has not decided."""
    return await door.write(lambda work: actions.withdraw(work, transfer_id))


@router.post(
    "/case-transfers/{transfer_id}/acceptance",
    **operation(
        Action.CASE_RECEIVE,
        "Take a case over",
        CaseTransferView,
        suffix="acceptance",
        moves=True,
        example={"note": "We know the site."},
    ),
)
async def accept(door: AtDoor, transfer_id: Id, acceptance: CaseTransferAcceptance) -> Response:
    """The case is open and without an adviser then. Its place is the one named, the team's own of that UPRN, or a copy."""
    return await door.write(lambda work: actions.accept(work, transfer_id, acceptance))


@router.post(
    "/case-transfers/{transfer_id}/return",
    **operation(
        Action.CASE_RECEIVE,
        "Return an offer",
        CaseTransferView,
        suffix="return",
        moves=True,
        example={"note": "The site lies in your area by the new boundary."},
    ),
)
async def give_back(door: AtDoor, transfer_id: Id, returning: CaseTransferReturn) -> Response:
    """The case stays where it is, and its team is told why."""
    return await door.write(lambda work: actions.give_back(work, transfer_id, returning))
