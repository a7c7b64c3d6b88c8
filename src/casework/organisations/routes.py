"""HTTP for organisations."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.kernel.columns import CompanyNumber, Word
from casework.kernel.folding import Sought
from casework.kernel.inputs import Uuid
from casework.organisations import actions, queries
from casework.organisations.schemas import (
    AnyOrganisationView,
    OrganisationAmendment,
    OrganisationCreated,
    OrganisationCreation,
    OrganisationPage,
    OrganisationView,
)
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["organisations"], route_class=DoorRoute)


@router.post(
    "/organisations",
    **operation(
        Action.ORGANISATION_WRITE,
        "Add an organisation",
        OrganisationCreated,
        suffix="create",
        status=201,
        creates=True,
        example={
            "team_id": "0190b2c4-0000-7000-8000-000000000001",
            "name": "Derby Theatre Trust",
            "company_number": "00445790",
            "sector": "cinemas_and_theatres",
            "town": "Derby",
        },
    ),
)
async def create_organisation(door: AtDoor, creation: OrganisationCreation) -> Response:
    """Take an organisation into a team's keeping. Name, company number, sector and town become directory facts. Likely
    duplicates are told in the answer, those of other teams too; they never stand in the way."""
    return await door.write(lambda work: actions.create_organisation(work, creation), status=201)


@router.get(
    "/organisations",
    **operation(Action.ORGANISATION_READ, "Search the directory of organisations", OrganisationPage, suffix="list"),
)
async def list_organisations(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?name$")] = "name",
    q: Annotated[
        Sought | None,
        Query(description="How any word of the name begins; capitals, accents and apostrophes do not count."),
    ] = None,
    company_number: Annotated[CompanyNumber | None, Query(description="The Companies House number.")] = None,
    team_id: Annotated[Uuid | None, Query(description="The team that keeps it.")] = None,
    sector: Annotated[Word | None, Query(description="A crowded-places sector.")] = None,
) -> Response:
    """The organisations of every team, by their directory facts."""
    filters = {"q": q, "company_number": company_number, "team_id": team_id, "sector": sector}
    return await door.page(queries.ORGANISATION_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get(
    "/organisations/{organisation_id}",
    **operation(Action.ORGANISATION_READ, "Read an organisation", AnyOrganisationView),
)
async def read_organisation(door: AtDoor, organisation_id: Id) -> Response:
    """In full for the team that keeps it, with an ETag; for others its directory facts, and nothing of the rest."""
    return await door.one(queries.ORGANISATION_BY_ID, id=organisation_id)


@router.patch(
    "/organisations/{organisation_id}",
    **operation(
        Action.ORGANISATION_WRITE,
        "Amend an organisation",
        OrganisationView,
        suffix="amend",
        amends=True,
        example={"phone": "+441632960018", "note": None},
    ),
)
async def amend_organisation(door: AtDoor, organisation_id: Id, amendment: OrganisationAmendment) -> Response:
    """A merge patch: absent fields stay as they are, null empties a field."""
    return await door.write(lambda work: actions.amend_organisation(work, organisation_id, amendment))
