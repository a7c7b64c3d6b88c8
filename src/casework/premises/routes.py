"""HTTP for premises."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.kernel.columns import Line, Postcode, Uprn, Word
from casework.kernel.folding import Sought
from casework.kernel.inputs import Flag
from casework.premises import actions, queries
from casework.premises.lifecycle import PremisesState
from casework.premises.schemas import (
    PremisesAliasAdding,
    PremisesAliasAmendment,
    PremisesAliasView,
    PremisesAmendment,
    PremisesAreaAdding,
    PremisesAreaAmendment,
    PremisesAreaView,
    PremisesCreated,
    PremisesCreation,
    PremisesMatches,
    PremisesPage,
    PremisesPartyAdding,
    PremisesPartyAmendment,
    PremisesPartyView,
    PremisesView,
)
from casework.reference.models import AreaCode
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["premises"], route_class=DoorRoute)


@router.post(
    "/premises",
    **operation(
        Action.PREMISES_WRITE,
        "Add premises",
        PremisesCreated,
        suffix="create",
        status=201,
        creates=True,
        example={
            "team_id": "0190b2c4-0000-7000-8000-000000000001",
            "name": "Abington Park Museum",
            "town": "Northampton",
            "postcode": "NN1 5LW",
            "sector": "visitor_attractions",
            "schedule_1_use": "libraries_museums_and_galleries",
            "expected_peak_occupancy": 350,
            "occupancy_basis": "fixed_capacity",
            "occupancy_on": "2026-03-31",
        },
    ),
)
async def create_premises(door: AtDoor, creation: PremisesCreation) -> Response:
    """Take a place into a team's keeping. Likely duplicates are told in the answer; they never stand in the way."""
    return await door.write(lambda work: actions.create_premises(work, creation), status=201)


@router.get("/premises", **operation(Action.PREMISES_READ, "List premises", PremisesPage, suffix="list"))
async def list_premises(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?(name|created_at)$")] = "name",
    q: Annotated[
        Sought | None,
        Query(description="What the name or an alias holds; capitals, accents and apostrophes do not count."),
    ] = None,
    postcode: Annotated[Postcode | None, Query(description="The full postcode.")] = None,
    uprn: Annotated[Uprn | None, Query(description="The Unique Property Reference Number.")] = None,
    force_code: Annotated[AreaCode | None, Query(description="The police force (ONS code).")] = None,
    local_authority_code: Annotated[
        AreaCode | None, Query(description="The local authority (ONS code), by its code of today or a former one.")
    ] = None,
    state: PremisesState | None = None,
    sector: Annotated[Word | None, Query(description="A crowded-places sector.")] = None,
    priority: Flag | None = None,
) -> Response:
    """The places that the caller may read, by name unless sorted otherwise."""
    filters = {
        "q": q,
        "postcode": postcode,
        "uprn": uprn,
        "force_code": force_code,
        "local_authority_code": local_authority_code,
        "state": state,
        "sector": sector,
        "priority": priority,
    }
    return await door.page(queries.PREMISES_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get(
    "/premises-matches",
    **operation(Action.PREMISES_READ, "Find the premises that may be meant", PremisesMatches, suffix="matches"),
)
async def list_matches(
    door: AtDoor,
    name: Annotated[Line | None, Query(description="What the place is called; aliases are looked at too.")] = None,
    postcode: Annotated[Postcode | None, Query(description="The full postcode.")] = None,
    uprn: Annotated[Uprn | None, Query(description="The Unique Property Reference Number.")] = None,
) -> Response:
    """Known places within reach that may be the one meant, the likeliest first, each with the reasons behind its score."""
    return await door.write(lambda work: actions.show_matches(work, name, postcode, uprn))


@router.get("/premises/{premises_id}", **operation(Action.PREMISES_READ, "Read premises", PremisesView))
async def read_premises(door: AtDoor, premises_id: Id) -> Response:
    """A place with its areas, parties and aliases, and the tier its recorded facts point to (never a determination)."""
    return await door.one(queries.PREMISES_BY_ID, id=premises_id)


@router.patch(
    "/premises/{premises_id}",
    **operation(
        Action.PREMISES_WRITE,
        "Amend, close or reopen premises",
        PremisesView,
        suffix="amend",
        amends=True,
        example={"state": "closed", "closed_on": "2026-09-30"},
    ),
)
async def amend_premises(door: AtDoor, premises_id: Id, amendment: PremisesAmendment) -> Response:
    """A merge patch: absent fields stay as they are, null empties a field. A priority needs its reason."""
    return await door.write(lambda work: actions.amend_premises(work, premises_id, amendment))


@router.post(
    "/premises/{premises_id}/areas",
    **operation(
        Action.PREMISES_WRITE,
        "Add an area",
        PremisesAreaView,
        suffix="add-area",
        status=201,
        creates=True,
        example={"name": "Foyer", "description": "Ground floor, where the queue forms before doors open."},
    ),
)
async def add_area(door: AtDoor, premises_id: Id, adding: PremisesAreaAdding) -> Response:
    """A part of a place to which findings refer."""
    return await door.write(lambda work: actions.add_area(work, premises_id, adding), status=201)


@router.patch(
    "/premises/{premises_id}/areas/{area_id}",
    **operation(
        Action.PREMISES_WRITE,
        "Amend or end an area",
        PremisesAreaView,
        suffix="amend-area",
        amends=True,
        example={"name": "Main foyer"},
    ),
)
async def amend_area(door: AtDoor, premises_id: Id, area_id: Id, amendment: PremisesAreaAmendment) -> Response:
    """A merge patch of an area; If-Match takes the area's own version. One that has ended is kept for what was found there,
    and takes nothing new; `ended_at` null takes the end back."""
    return await door.write(lambda work: actions.amend_area(work, premises_id, area_id, amendment))


@router.post(
    "/premises/{premises_id}/parties",
    **operation(
        Action.PREMISES_WRITE,
        "Add a party",
        PremisesPartyView,
        suffix="add-party",
        status=201,
        creates=True,
        example={"role": "security_contractor", "name": "Door supervision by Peak Guarding", "phone": "+441632960018"},
    ),
)
async def add_party(door: AtDoor, premises_id: Id, adding: PremisesPartyAdding) -> Response:
    """Who owns, runs, guards or answers for a place."""
    return await door.write(lambda work: actions.add_party(work, premises_id, adding), status=201)


@router.patch(
    "/premises/{premises_id}/parties/{party_id}",
    **operation(
        Action.PREMISES_WRITE,
        "Amend or end a party",
        PremisesPartyView,
        suffix="amend-party",
        amends=True,
        example={"ended_at": "2026-09-30T17:00:00Z"},
    ),
)
async def amend_party(door: AtDoor, premises_id: Id, party_id: Id, amendment: PremisesPartyAmendment) -> Response:
    """A merge patch of a party. One that has ended is kept; `ended_at` null takes the end back."""
    return await door.write(lambda work: actions.amend_party(work, premises_id, party_id, amendment))


@router.post(
    "/premises/{premises_id}/aliases",
    **operation(
        Action.PREMISES_WRITE,
        "Add an alias",
        PremisesAliasView,
        suffix="add-alias",
        status=201,
        creates=True,
        example={"name": "The Old Manor House", "postcode": "NN1 5LW"},
    ),
)
async def add_alias(door: AtDoor, premises_id: Id, adding: PremisesAliasAdding) -> Response:
    """Another name or address by which a place is known; matching looks there too."""
    return await door.write(lambda work: actions.add_alias(work, premises_id, adding), status=201)


@router.patch(
    "/premises/{premises_id}/aliases/{alias_id}",
    **operation(
        Action.PREMISES_WRITE,
        "Amend or end an alias",
        PremisesAliasView,
        suffix="amend-alias",
        amends=True,
        example={"ended_at": "2026-09-30T17:00:00Z"},
    ),
)
async def amend_alias(door: AtDoor, premises_id: Id, alias_id: Id, amendment: PremisesAliasAmendment) -> Response:
    """A merge patch of an alias. One that has ended is kept and matches no more; `ended_at` null takes the end back."""
    return await door.write(lambda work: actions.amend_alias(work, premises_id, alias_id, amendment))
