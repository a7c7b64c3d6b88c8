"""Every statement about organisations."""

from sqlalchemy import Boolean, Text, Uuid, any_, case, cast, func, literal_column, null, select
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from casework.kernel.folding import has_word
from casework.kernel.statements import Statement, given, written
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
        "q": lambda: has_word(directory.sort_key, "q"),
        "company_number": lambda: directory.company_number == given("company_number", Text()),
        "team_id": lambda: directory.team_id == given("team_id", Uuid()),
        "sector": lambda: directory.sector == given("sector", Text()),
    },
    sorts={"name": Sort(directory.sort_key, Text())},
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

# What is identical is looked for among the organisations of every team, what is alike among those of one's own.
_COLUMNS = "d.id, d.team_id, t.name AS team, d.name, d.company_number, d.sector, d.town"
_FROM = "casework.organisation_directory d JOIN casework.team t ON t.id = d.team_id"
CANDIDATES = written(
    f"""
    (SELECT {_COLUMNS} FROM {_FROM} WHERE d.company_number = :company_number ORDER BY d.id LIMIT 50)
    UNION
    (SELECT {_COLUMNS} FROM {_FROM} WHERE d.name_key = casework.name_key(:name) ORDER BY d.id LIMIT 50)
    UNION
    (SELECT {_COLUMNS} FROM {_FROM}
     WHERE d.team_id = ANY (:teams) AND EXISTS (SELECT FROM unnest(:words) w WHERE strpos(d.name_key, w) > 0)
     ORDER BY (SELECT count(*) FROM unnest(:words) w WHERE strpos(d.name_key, w) > 0) DESC, d.id LIMIT 200)""",  # noqa: S608 — constants of this file
    company_number=Text(),
    name=Text(),
    words=ARRAY(Text),
    teams=UUIDS,
)
"""At most 300 organisations for ``matching.judge``; ``words`` are folded."""
CONSULTED = written(
    "SELECT audit.consulted(NULL, 'organisation', :ids, array_fill(NULL::uuid, ARRAY[cardinality(:ids)]))", ids=UUIDS
)
