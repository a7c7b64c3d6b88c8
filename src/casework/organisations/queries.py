"""Every statement about organisations."""

from sqlalchemy import Boolean, Text, Uuid, any_, case, cast, func, literal_column, null, select
from sqlalchemy.dialects.postgresql import JSON

from casework.kernel.statements import Statement, given
from casework.kernel.tables import columns
from casework.kernel.views import render
from casework.organisations.models import Organisation, OrganisationDirectory
from casework.organisations.schemas import OrganisationDirectoryView, OrganisationRow, OrganisationView
from casework.people.models import Team
from casework.work.amending import Amending
from casework.work.composing import UUIDS, Listing, Reachable, Sort, create, read_one, show_one

organisation, directory, team = map(columns, (Organisation, OrganisationDirectory, Team))
ORGANISATIONS = Reachable(Organisation, "organisation")
DIRECTORY = Reachable(OrganisationDirectory, "organisation")
# Row security lets everybody who reaches every team read all of it in one order, and a tool only its own team's.
WHOLE_DIRECTORY = Reachable(OrganisationDirectory, "organisation", open=True)


def _rendered(view: type, table: type, extent: str) -> object:
    of = columns(table)
    return render(
        view,
        table,
        extent=literal_column(f"'{extent}'"),
        team=select(team.name).where(team.id == of.team_id).scalar_subquery(),
        allowed_actions=func.access.allowed_actions(
            literal_column("'organisation'"),
            cast(null(), Text),
            cast(null(), Uuid),
            of.team_id,
            literal_column("false"),
        ),
    )


_full = _rendered(OrganisationView, Organisation, "full")
_facts = _rendered(OrganisationDirectoryView, OrganisationDirectory, "directory")
# Whether a caller sees more than the directory is decided by row security: for others there is no row of `organisation`.
ORGANISATION_BY_ID = read_one(
    DIRECTORY,
    cast(case((organisation.id.is_not(None), cast(_full, Text)), else_=cast(_facts, Text)), JSON),
    version=organisation.version,
    joined=lambda query: query.select_from(OrganisationDirectory).outerjoin(
        Organisation, organisation.id == directory.id
    ),
)
ORGANISATION_SHOWN = show_one(ORGANISATIONS, _full)
ORGANISATION_LIST = Listing(
    WHOLE_DIRECTORY,
    render(
        OrganisationRow,
        OrganisationDirectory,
        team=select(team.name).where(team.id == directory.team_id).scalar_subquery(),
    ),
    filters={
        # A function, not LIKE: there is no wildcard to be escaped.
        "q": lambda: func.starts_with(func.lower(directory.name), func.lower(given("q", Text()))),
        "company_number": lambda: directory.company_number == given("company_number", Text()),
        "team_id": lambda: directory.team_id == given("team_id", Uuid()),
        "sector": lambda: directory.sector == given("sector", Text()),
    },
    sorts={"name": Sort(directory.name, Text())},
)
CREATE = create(
    ORGANISATIONS,
    ORGANISATION_SHOWN,
    {
        "team_id": Uuid(),
        "relay": Boolean(),
        **dict.fromkeys(
            (
                "name",
                "company_number",
                "sector",
                "address",
                "town",
                "postcode",
                "phone",
                "phone_extension",
                "email",
                "note",
            ),
            Text(),
        ),
    },
)
# Another team's organisation can be read, so to amend it is forbidden; its row itself is out of sight.
AMEND = Amending(
    ORGANISATIONS,
    ORGANISATION_SHOWN,
    diagnosis=Statement(
        select(
            func.coalesce(organisation.version, 0).label("version"),
            cast(null(), Text).label("state"),
            (directory.team_id == any_(given("teams", UUIDS))).label("within"),
        )
        .select_from(OrganisationDirectory)
        .outerjoin(Organisation, organisation.id == directory.id)
        .where(directory.id == given("id", Uuid()))
    ),
)
