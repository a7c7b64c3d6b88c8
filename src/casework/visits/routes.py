"""HTTP for visits and findings."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.kernel.columns import Moment, Word
from casework.kernel.inputs import DIGITS, Flag, Uuid
from casework.kernel.problems import (
    LocalTimeAmbiguous,
    LocalTimeDoesNotExist,
    StateConflict,
    UnknownParameter,
)
from casework.visits import actions, queries
from casework.visits.lifecycle import Phase, VisitState
from casework.visits.problems import AdviserUnavailable, VisitNotBegun
from casework.visits.schemas import (
    FindingAmendment,
    FindingPage,
    FindingRecording,
    FindingView,
    SupplementRow,
    VisitAmendment,
    VisitCancelling,
    VisitCompletion,
    VisitConfirmation,
    VisitEnding,
    VisitProposing,
    VisitSeen,
    VisitSeenByStaff,
    VisitsSeen,
    VisitSupplementing,
)
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["visits"], route_class=DoorRoute)
TIMES = (LocalTimeDoesNotExist, LocalTimeAmbiguous, AdviserUnavailable)
FINDING: dict[str, Any] = {
    "area": "Main foyer",
    "phase": "egress",
    "methodology": "vaw",
    "existing_control": "Removable posts, left down after deliveries.",
    "gap": "The crowd leaves onto the service road while it is open to vehicles.",
    "likelihood": 2,
    "impact": 4,
}


@router.post(
    "/cases/{case_id}/visits",
    **operation(
        Action.VISIT_PROPOSE,
        "Propose a site visit",
        VisitSeenByStaff,
        status=201,
        creates=True,
        problems=(StateConflict, *TIMES),
        example={
            "kind": "survey",
            "starts_at": "2026-12-01T10:00",
            "ends_at": "2026-12-01T12:30",
            "zone": "Europe/London",
            "place_note": "Ask for the duty manager at the stage door.",
        },
    ),
)
async def propose(door: AtDoor, case_id: Id, proposing: VisitProposing) -> Response:
    """The first visit makes an allocated case active. An adviser is never in two places at once.

    With `without_appointment`, a visit of the last 90 days that nobody proposed is logged as made: by an adviser of the case,
    or by whoever made it. Its findings are recorded one by one.
    """
    return await door.write(lambda work: actions.propose(work, case_id, proposing), status=201)


@router.get("/visits", **operation(Action.VISIT_READ, "List visits", VisitsSeen, suffix="list"))
async def list_visits(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?starts_at$")] = "starts_at",
    state: VisitState | None = None,
    starting_from: Annotated[Moment | None, Query(alias="from", description="Visits that start then or later.")] = None,
    starting_before: Annotated[Moment | None, Query(alias="to", description="Visits that start before then.")] = None,
    case_id: Uuid | None = None,
    adviser_id: Uuid | None = None,
    premises_id: Uuid | None = None,
    mine: Annotated[Flag | None, Query(description="Only those that you make.")] = None,
) -> Response:
    """The visits that the caller may read, earliest first. A business sees its own, and may only filter by state and time."""
    filters = {"state": state, "starting_from": starting_from, "starting_before": starting_before}
    of_staff = {"case_id": case_id, "adviser_id": adviser_id, "premises_id": premises_id, "mine": mine or None}
    if not door.outside:
        return await door.page(queries.VISIT_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters | of_staff)
    if any(value is not None for value in of_staff.values()):
        raise UnknownParameter(
            "Your own visits can be filtered by state, from and to.", possible=["state", "from", "to"]
        )
    return await door.page(queries.OWN_VISIT_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get("/visits/{visit_id}", **operation(Action.VISIT_READ, "Read a visit", VisitSeen))
async def read_visit(door: AtDoor, visit_id: Id) -> Response:
    """A visit with its findings, for those who may read them; without that field for others. The business sees its own part."""
    return await door.one(queries.OWN_VISIT_BY_ID if door.outside else queries.VISIT_BY_ID, id=visit_id)


@router.patch(
    "/visits/{visit_id}",
    **operation(
        Action.VISIT_AMEND,
        "Amend or move a visit",
        VisitSeenByStaff,
        amends=True,
        problems=TIMES,
        example={"starts_at": "2026-12-02T10:00:00Z", "ends_at": "2026-12-02T12:30:00Z"},
    ),
)
async def amend(door: AtDoor, visit_id: Id, amendment: VisitAmendment) -> Response:
    """A new time makes a confirmed or declined visit proposed again; a new adviser or meeting note does not."""
    return await door.write(lambda work: actions.amend(work, visit_id, amendment))


@router.post(
    "/visits/{visit_id}/confirmation",
    **operation(
        Action.VISIT_CONFIRM,
        "Confirm or decline a proposed visit",
        VisitSeen,
        moves=True,
        example={"decision": "decline", "note": "We are closed that day."},
    ),
)
async def confirm(door: AtDoor, visit_id: Id, confirmation: VisitConfirmation) -> Response:
    """By the business with its own token, or by staff who were told. A declined visit stays proposed until it is moved or cancelled."""
    return await door.write(lambda work: actions.confirm(work, visit_id, confirmation))


@router.post(
    "/visits/{visit_id}/completion",
    **operation(
        Action.VISIT_COMPLETE,
        "Log a visit as made",
        VisitSeenByStaff,
        moves=True,
        example={
            "arrived_at": "2026-12-01T10:05:00Z",
            "left_at": "2026-12-01T12:20:00Z",
            "attendance": [{"name": "Jo Field", "role": "duty manager"}],
            "findings": [FINDING],
        },
    ),
)
async def complete(door: AtDoor, visit_id: Id, completion: VisitCompletion) -> Response:
    """The visit, who took part and all its findings are stored together, or nothing is.

    By an adviser of the case, or by the visit's own. Whatever happened is taken; times that are not plausible (`time_marks`)
    need a `time_reason`, and are shown to whoever reviews the advice.
    """
    return await door.write(lambda work: actions.complete(work, visit_id, completion))


@router.post(
    "/visits/{visit_id}/supplements",
    **operation(
        Action.VISIT_SUPPLEMENT,
        "Supplement a completed visit",
        SupplementRow,
        status=201,
        creates=True,
        problems=(StateConflict,),
        example={"notes": "The gate was locked when we came back at six.", "reason": "Left out when it was logged."},
    ),
)
async def supplement(door: AtDoor, visit_id: Id, supplementing: VisitSupplementing) -> Response:
    """Add to a completed visit, or correct it. What was logged stays; what is said instead stands beside it, with why."""
    return await door.write(lambda work: actions.supplement(work, visit_id, supplementing), status=201)


@router.post(
    "/visits/{visit_id}/no-access",
    **operation(
        Action.VISIT_NO_ACCESS,
        "Log a visit that could not be made",
        VisitSeenByStaff,
        moves=True,
        problems=(VisitNotBegun,),
        example={"reason_code": "nobody_there"},
    ),
)
async def log_no_access(door: AtDoor, visit_id: Id, ending: VisitEnding) -> Response:
    """`reason_code` is a word of the look-up `reason_no_access`. Only once the visit has begun."""
    return await door.write(lambda work: actions.log_no_access(work, visit_id, ending))


@router.post(
    "/visits/{visit_id}/cancellation",
    **operation(
        Action.VISIT_CANCEL,
        "Cancel a visit",
        VisitSeenByStaff,
        moves=True,
        example={"reason_code": "asked_by_business"},
    ),
)
async def cancel(door: AtDoor, visit_id: Id, ending: VisitCancelling) -> Response:
    """`reason_code` is a word of the look-up `reason_cancel_visit`."""
    return await door.write(lambda work: actions.cancel(work, visit_id, ending))


@router.post(
    "/visits/{visit_id}/findings",
    **operation(
        Action.FINDING_RECORD,
        "Record a finding",
        FindingView,
        status=201,
        creates=True,
        problems=(StateConflict,),
        example=FINDING,
    ),
)
async def record_finding(door: AtDoor, visit_id: Id, recording: FindingRecording) -> Response:
    """A further finding of a completed visit, stamped with the threat level in force."""
    return await door.write(lambda work: actions.record_finding(work, visit_id, recording), status=201)


@router.get("/findings", **operation(Action.FINDING_READ, "List findings", FindingPage, suffix="list"))
async def list_findings(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?recorded_at$")] = "-recorded_at",
    case_id: Uuid | None = None,
    visit_id: Uuid | None = None,
    area_id: Uuid | None = None,
    phase: Phase | None = None,
    methodology: Word | None = None,
    min_risk: Annotated[
        Annotated[int, Query(ge=1, le=16), DIGITS] | None,
        Query(description="The least product of likelihood and impact."),
    ] = None,
) -> Response:
    """The findings that the caller may read, newest first."""
    filters = {
        "case_id": case_id,
        "visit_id": visit_id,
        "area_id": area_id,
        "phase": phase,
        "methodology": methodology,
        "min_risk": min_risk,
    }
    return await door.page(queries.FINDING_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get("/findings/{finding_id}", **operation(Action.FINDING_READ, "Read a finding", FindingView))
async def read_finding(door: AtDoor, finding_id: Id) -> Response:
    """A finding with the control that is there, the gap, and the risk behind its score."""
    return await door.one(queries.FINDING_BY_ID, id=finding_id)


@router.patch(
    "/findings/{finding_id}",
    **operation(
        Action.FINDING_RECORD,
        "Amend a finding",
        FindingView,
        suffix="amend",
        amends=True,
        example={"likelihood": 3},
    ),
)
async def amend_finding(door: AtDoor, finding_id: Id, amendment: FindingAmendment) -> Response:
    """Not possible once advice that cites it is issued. Advice in review or approved goes back to its author when what it cites changes;
    the answer's warnings name it."""
    return await door.write(lambda work: actions.amend_finding(work, finding_id, amendment))
