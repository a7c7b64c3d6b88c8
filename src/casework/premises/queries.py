"""Every statement about premises."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    Integer,
    Numeric,
    Text,
    Uuid,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from casework.access.actions import Action
from casework.kernel.folding import holds
from casework.kernel.statements import given, written
from casework.kernel.tables import Moment3, columns
from casework.kernel.views import listed, render
from casework.people.models import Team
from casework.premises.lifecycle import PREMISES, USED
from casework.premises.models import Premises, PremisesAlias, PremisesArea, PremisesParty
from casework.premises.schemas import (
    PremisesAliasView,
    PremisesAreaView,
    PremisesPartyView,
    PremisesRow,
    PremisesView,
)
from casework.premises.tiers import indicative_tier
from casework.reference.models import LocalAuthority, PoliceForce, Postcode
from casework.work.amending import Amending, Rule
from casework.work.composing import UUIDS, Listing, Reachable, Sort, create, create_under, read_one, show_one

place, area, party, alias = map(columns, (Premises, PremisesArea, PremisesParty, PremisesAlias))
team, force, authority, postcode = map(columns, (Team, PoliceForce, LocalAuthority, Postcode))
PLACES = Reachable(Premises, "premises", place="id")
AREAS = Reachable(PremisesArea, "premises_area")
PARTIES = Reachable(PremisesParty, "premises_party")
ALIASES = Reachable(PremisesAlias, "premises_alias")

_area = render(PremisesAreaView, PremisesArea)
_party = render(PremisesPartyView, PremisesParty)
_alias = render(PremisesAliasView, PremisesAlias)


def _of_place(body: Any, child: Any) -> Any:
    rows = select(body).where(child.premises_id == place.id).order_by(child.created_at, child.id)
    return listed(rows.correlate(Premises))


_place = render(
    PremisesView,
    Premises,
    team=select(team.name).where(team.id == place.team_id).scalar_subquery(),
    force=select(force.name).where(force.code == place.force_code).scalar_subquery(),
    indicative_tier=indicative_tier(place),
    areas=_of_place(_area, area),
    parties=_of_place(_party, party),
    aliases=_of_place(_alias, alias),
    allowed_actions=func.access.allowed_actions(
        literal_column("'premises'"), place.state, literal_column("NULL::uuid"), place.team_id, literal_column("false")
    ),
)
PREMISES_BY_ID = read_one(PLACES, _place)
PREMISES_SHOWN = show_one(PLACES, _place)


def codes_of(code: Any) -> Any:
    """Every code, of today or former, of the authority that has or had this one."""
    today = authority.__table__.alias("today")
    its = select(func.coalesce(today.c.replaced_by, today.c.code)).where(today.c.code == code).scalar_subquery()
    return select(authority.code).where(func.coalesce(authority.replaced_by, authority.code) == its)


def _also_called(name: str) -> Any:
    """The places with an alias that holds the text sought."""
    return select(alias.premises_id).where(~func.casework.ended(alias.ended_at), holds(alias.sort_key, name))


PREMISES_LIST = Listing(
    PLACES,
    render(PremisesRow, Premises),
    filters={
        "q": lambda: or_(holds(place.sort_key, "q"), place.id.in_(_also_called("q"))),
        "uprn": lambda: place.uprn == given("uprn", Text()),
        "postcode": lambda: place.postcode == given("postcode", Text()),
        "force_code": lambda: place.force_code == given("force_code", Text()),
        "local_authority_code": lambda: place.local_authority_code.in_(codes_of(given("local_authority_code", Text()))),
        "state": lambda: place.state == given("state", Text()),
        "sector": lambda: place.sector == given("sector", Text()),
        "priority": lambda: place.priority == given("priority", Boolean()),
    },
    sorts={"name": Sort(place.sort_key, Text()), "created_at": Sort(place.created_at, Moment3())},
)


def force_at(of_postcode: Any, of_authority: Any) -> Any:
    """The force of a location: by the full postcode, else by its local authority, else by the one stated."""
    at_postcode = postcode.postcode == of_postcode
    return func.coalesce(
        select(postcode.force_code).where(at_postcode).scalar_subquery(),
        select(authority.force_code)
        .join_from(Postcode, LocalAuthority, authority.code == postcode.local_authority_code)
        .where(at_postcode)
        .scalar_subquery(),
        select(authority.force_code).where(authority.code == of_authority).scalar_subquery(),
    )


def _derived(fields: frozenset[str]) -> Mapping[str, Any]:
    """A force that is stated stays; otherwise it follows the location, unless it is one that has no area."""
    if not fields & {"force_code", "postcode", "local_authority_code"}:
        return {}
    found = force_at(
        *(
            given(name, Text()) if name in fields else getattr(place, name)
            for name in ("postcode", "local_authority_code")
        )
    )
    if "force_code" in fields:
        return {"force_code": func.coalesce(given("force_code", Text()), found)}
    without_area = exists().where(force.code == place.force_code, ~force.has_area).correlate(Premises)
    return {"force_code": case((without_area, place.force_code), else_=found)}


_text = (
    "name",
    "address",
    "town",
    "postcode",
    "uprn",
    "local_authority_code",
    "sector",
    "schedule_1_use",
    "wholly_or_mainly",
    "schedule_2_exclusion",
    "exclusion_basis",
)
CREATE = create(
    PLACES,
    PREMISES_SHOWN,
    {
        "team_id": Uuid(),
        **dict.fromkeys((*_text, "occupancy_basis", "priority_reason"), Text()),
        **dict.fromkeys(("latitude", "longitude"), Numeric(9, 6)),
        "expected_peak_occupancy": Integer(),
        **dict.fromkeys(("occupancy_on", "excluded_on"), Date()),
        "priority": Boolean(),
        "force_code": func.coalesce(
            given("force_code", Text()), force_at(given("postcode", Text()), given("local_authority_code", Text()))
        ),
    },
)
AMEND = Amending(PLACES, PREMISES_SHOWN, rule=Rule(PREMISES, Action.PREMISES_WRITE), derived=_derived)

AREA_SHOWN = show_one(AREAS, _area)
PARTY_SHOWN = show_one(PARTIES, _party)
ALIAS_SHOWN = show_one(ALIASES, _alias)


def _under(source: Reachable, shown: Any, columns_: Mapping[str, Any]) -> Any:
    return create_under(
        PLACES, "premises_id", source, shown, columns_, carries={"team_id": place.team_id}, states=list(USED)
    )


def _amending(source: Reachable, shown: Any) -> Amending:
    child = source.table
    return Amending(
        source,
        shown,
        where=and_(child.id == given("id", Uuid()), child.premises_id == given("premises_id", Uuid())),
    )


ADD_AREA = _under(AREAS, AREA_SHOWN, {"name": Text(), "description": Text()})
ADD_PARTY = _under(
    PARTIES,
    PARTY_SHOWN,
    {
        "role": Text(),
        "name": Text(),
        "organisation_id": Uuid(),
        "phone": Text(),
        "phone_extension": Text(),
        "relay": Boolean(),
        "email": Text(),
    },
)
ADD_ALIAS = _under(ALIASES, ALIAS_SHOWN, {"name": Text(), "postcode": Text()})
AMEND_AREA = _amending(AREAS, AREA_SHOWN)
AMEND_PARTY = _amending(PARTIES, PARTY_SHOWN)
AMEND_ALIAS = _amending(ALIASES, ALIAS_SHOWN)

AUTHORITY_KNOWN = written(
    "SELECT coalesce(a.replaced_by, a.code) AS code FROM casework.local_authority a WHERE a.code = :code", code=Text()
)
"""The code of today for one of today or a former one."""
FORCE_KNOWN = written("SELECT code FROM casework.police_force WHERE code = :code", code=Text())

_LIKE = """({0}.postcode = :postcode OR {0}.name_key = casework.name_key(:name)
       OR EXISTS (SELECT FROM unnest(:words) w WHERE strpos({0}.name_key, w) > 0))"""
_RANK = """({0}.postcode = :postcode) IS TRUE, ({0}.name_key = casework.name_key(:name)) IS TRUE,
       (SELECT count(*) FROM unnest(:words) w WHERE strpos({0}.name_key, w) > 0)"""
MATCHES = written(
    f"""
    SELECT p.id, p.team_id, p.name, p.address, p.town, coalesce(f.postcode, p.postcode) AS postcode, p.uprn, p.state, f.alias
    FROM (
        (SELECT p.id AS id, p.postcode, NULL::text AS alias, {_RANK.format("p")} AS shared
         FROM casework.premises p WHERE p.team_id = ANY (:teams) AND {_LIKE.format("p")}
         ORDER BY 4 DESC, 5 DESC, 6 DESC LIMIT 200)
        UNION ALL
        (SELECT a.premises_id, a.postcode, a.name, {_RANK.format("a")}
         FROM casework.premises_alias a
         WHERE a.team_id = ANY (:teams) AND NOT casework.ended(a.ended_at) AND {_LIKE.format("a")}
         ORDER BY 4 DESC, 5 DESC, 6 DESC LIMIT 200)
        ORDER BY 4 DESC, 5 DESC, 6 DESC LIMIT 200) f
    JOIN casework.premises p ON p.id = f.id AND p.state <> 'merged'
    UNION ALL
    (SELECT p.id, p.team_id, p.name, p.address, p.town, p.postcode, p.uprn, p.state, NULL
     FROM casework.premises p
     WHERE p.team_id = ANY (:teams) AND p.uprn = :uprn AND p.state <> 'merged' ORDER BY p.created_at, p.id LIMIT 200)""",  # noqa: S608 — constants of this file
    name=Text(),
    postcode=Text(),
    uprn=Text(),
    words=ARRAY(Text),
    teams=UUIDS,
)
"""At most 400 candidates within reach for ``matching.judge``: by postcode, by name, by alias, by UPRN; ``words`` are folded."""
CONSULTED = written(
    "SELECT audit.consulted(NULL, 'premises', :ids, array_fill(NULL::uuid, ARRAY[cardinality(:ids)]))", ids=UUIDS
)
