"""Every statement about reference data."""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    column,
    extract,
    func,
    literal_column,
    null,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import distinct_on

from casework.access.actions import Action
from casework.kernel.statements import Statement, given, written
from casework.kernel.tables import MOMENT, NOW, Moment3, columns
from casework.kernel.views import listed, render
from casework.reference.lifecycle import THREAT_LEVEL
from casework.reference.models import (
    BankHoliday,
    LocalAuthority,
    Lookup,
    Need,
    PoliceForce,
    Postcode,
    Signpost,
    ThreatLevel,
)
from casework.reference.schemas import (
    BankHolidayView,
    ForceView,
    LocalAuthorityView,
    SignpostHow,
    SignpostRecord,
    SignpostView,
    ThreatLevelView,
    WordView,
)
from casework.work.composing import (
    BEGIN,
    BEGINNING,
    CTX,
    Reachable,
    begin,
    create,
    guarded,
    parameter,
    read_one,
    show_one,
)

force, authority, postcode, word, signpost, threat, holiday = map(
    columns, (PoliceForce, LocalAuthority, Postcode, Lookup, Signpost, ThreatLevel, BankHoliday)
)
SIGNPOSTS = Reachable(Signpost, "signpost", open=True)
LOOKUPS = Reachable(Lookup, "lookup", open=True)
THREAT_LEVELS = Reachable(ThreatLevel, "threat_level", open=True)
BANK_HOLIDAYS = Reachable(BankHoliday, "bank_holiday", open=True)
MOST: Any = literal_column("2000")
"""No list here is paged: none grows with the work, and this bounds them all."""


def _answer(body: ColumnElement[Any]) -> Statement:
    """One JSON document for whoever is allowed to ask. No record of a person is in it, so the log needs no ids."""
    return Statement(
        select(
            CTX.decision,
            case((CTX.decision == "allow", body)).label("body"),
            cast(null(), Integer).label("version"),
        ).select_from(begin())
    )


def _list(rows: Select[Any]) -> Statement:
    return _answer(func.json_build_object(literal_column("'items'"), listed(rows.limit(MOST))))


def _if_given(column: Any, name: str) -> ColumnElement[bool]:
    """A filter over a table so small that one plan does for with and without it."""
    wanted = parameter(name, Text())
    return or_(wanted.is_(None), column == wanted)


# --- what other slices ask ---

WORDS = written("SELECT code FROM casework.lookup WHERE kind = :kind AND active ORDER BY position", kind=Text())

NATION_OF_FORCE = written("SELECT f.nation FROM casework.police_force f WHERE f.code = :force_code", force_code=Text())
LEVELS_OF_FINDING = ("threat_level", "northern_ireland_threat_level")
LEVELS_NOW = written(
    "SELECT nation, threat_level, northern_ireland_threat_level, entries"
    " FROM casework.levels_of_site(:site, :team_id, (SELECT casework.now()))",
    site=Uuid(),
    team_id=Uuid(),
)


def ground_of_findings(site: Any, team: Any, at: Any) -> list[Any]:
    """What findings are told against, as columns beside others: the levels a site stood ``at`` that moment, and ``words``."""
    under = func.casework.levels_of_site(site, team, at).table_valued(
        column("nation", Text),
        column("threat_level", Text),
        column("northern_ireland_threat_level", Text),
        name="under",
    )
    words = "ARRAY(SELECT w.code FROM casework.lookup w WHERE w.kind = 'attack_methodologies' AND w.active ORDER BY w.position)"
    levels = [select(under.c[name]).scalar_subquery().label(name) for name in LEVELS_OF_FINDING]
    return [*levels, literal_column(words).label("words")]


CALENDAR_OF_TEAM = written(
    """
    SELECT f.nation, ARRAY(SELECT b.day FROM casework.bank_holiday b
                           WHERE b.nation = f.nation AND b.day > :start AND b.active) AS closed
    FROM casework.team t JOIN casework.police_force f ON f.code = t.force_code WHERE t.id = :team_id""",
    team_id=Uuid(),
    start=Date(),
)

# --- signposts ---

_by_authority = select(authority.force_code).where(
    authority.code
    == func.coalesce(
        select(postcode.local_authority_code)
        .where(postcode.postcode == parameter("postcode", Text()))
        .scalar_subquery(),
        parameter("local_authority_code", Text()),
    )
)
# By the full postcode, else by the local authority, as an enquiry is.
_force_here = func.coalesce(
    select(postcode.force_code).where(postcode.postcode == parameter("postcode", Text())).scalar_subquery(),
    _by_authority.scalar_subquery(),
)
# The team that takes enquiries there; people's own slice stands above this one.
_team = table(
    "team", *(column(name) for name in ("force_code", "intake", "phone", "mailbox", "hours")), schema="casework"
)


def _of_team(name: str) -> Any:
    return select(_team.c[name]).where(_team.c.force_code == _force_here, _team.c.intake).limit(1).scalar_subquery()


_standing = (
    # A force's own entry goes before the national one.
    select(Signpost)
    .ext(distinct_on(signpost.need))
    .where(signpost.active, or_(signpost.force_code.is_(None), signpost.force_code == _force_here))
    .order_by(signpost.need, signpost.force_code.asc().nulls_last())
    .subquery("s")
)
# Whom to ring for advice is the team there, unless the force says otherwise.
_ours = and_(
    _standing.c.need == literal_column(f"'{Need.PROTECTIVE_SECURITY_ADVICE.value}'"), _standing.c.force_code.is_(None)
)


def _ours_first(name: str, of_team: Any) -> Any:
    return func.coalesce(case((_ours, of_team)), _standing.c[name])


_how = render(
    SignpostHow,
    _standing.c,
    phone=_ours_first("phone", cast(_of_team("phone"), Text)),
    hours=_ours_first("hours", cast(_of_team("hours"), Text)),
    other=_ours_first(
        "other",
        literal_column("'Send an enquiry here, or write to '", Text()) + cast(_of_team("mailbox"), Text) + ".",
    ),
)
_signpost = render(SignpostView, _standing.c, how=_how)
SIGNPOST_LIST = _list(select(_signpost).order_by(_standing.c.position, _standing.c.need))
SIGNPOSTED = Statement(
    select(
        cast(
            func.json_build_object(
                literal_column("'outcome'"),
                literal_column("'signposted'"),
                literal_column("'signpost'"),
                _signpost,
                literal_column("'warnings'"),
                literal_column("'[]'::json"),
            ),
            Text,
        ).label("body")
    ).where(_standing.c.need == given("need", Text()))
)
"""The answer to an enquiry whose ``need`` is another service's work. It begins nothing: nothing of such a call is stored."""
OWN_ENTRY = Statement(
    select(cast(render(SignpostView, Signpost, how=render(SignpostHow, Signpost)), Text).label("body")).where(
        signpost.need == given("need", Text()), signpost.force_code == given("force_code", Text()), signpost.active
    )
)
"""A force's own entry for a need."""

_record = render(SignpostRecord, Signpost)
SIGNPOST_RECORDS = _list(
    select(_record)
    .where(_if_given(signpost.force_code, "force_code"))
    .order_by(signpost.position, signpost.force_code.asc().nulls_first())
)
SIGNPOST_BY_ID = read_one(SIGNPOSTS, _record)
SIGNPOST_SHOWN = show_one(SIGNPOSTS, _record)
_TEXTS = ("title", "who_for", "phone", "web", "hours", "other", "explanation", "title_cy", "explanation_cy")
_national = Signpost.__table__.alias("national")  # type: ignore[attr-defined]
ADD_SIGNPOST = create(
    SIGNPOSTS,
    SIGNPOST_SHOWN,
    {
        "need": Text(),
        "force_code": Text(),
        "position": select(_national.c.position)
        .where(_national.c.need == given("need", Text()), _national.c.force_code.is_(None))
        .scalar_subquery(),
        **{name: Text() for name in _TEXTS},
        "active": Boolean(),
    },
)
SIGNPOST_NOW = Statement(
    select(signpost.need, *(getattr(signpost, name) for name in (*_TEXTS, "active"))).where(
        signpost.id == given("id", Uuid())
    )
)
AMEND_SIGNPOST = guarded(
    SIGNPOSTS, changes={**{name: given(name, Text()) for name in _TEXTS}, "active": given("active", Boolean())}
)

# --- vocabularies ---

KINDS = written(
    f"""
    SELECT ctx.decision, NULL::int AS version, CASE WHEN ctx.decision = 'allow' THEN json_build_object('items', (
        SELECT json_agg(json_build_object('kind', k.kind, 'entries', k.entries) ORDER BY k.kind)
        FROM (SELECT l.kind, count(*) AS entries FROM casework.lookup l GROUP BY l.kind
              UNION ALL SELECT 'forces', count(*) FROM casework.police_force
              UNION ALL SELECT 'local_authorities', count(*) FROM casework.local_authority WHERE replaced_by IS NULL
              UNION ALL SELECT 'signposts', count(*) FROM casework.signpost) k)) END AS body
    FROM {BEGIN}""",  # noqa: S608 — constants of the code
    **BEGINNING,
)
_word = render(WordView, Lookup)
_words = select(_word).where(word.kind == given("kind", Text())).order_by(word.position, word.code).limit(MOST)
WORD_LIST = _answer(
    # Without a word there is no such kind: no body, hence 404.
    case(
        (
            select(word.id).where(word.kind == given("kind", Text())).exists(),
            func.json_build_object(literal_column("'items'"), listed(_words)),
        )
    )
)
_this_word = and_(word.kind == given("kind", Text()), word.code == given("code", Text()))
WORD_BY_CODE = read_one(LOOKUPS, _word, where=_this_word)
WORD_SHOWN = show_one(LOOKUPS, _word)
KIND_SEEN = Statement(select(word.kind).where(word.kind == given("kind", Text())).limit(literal_column("1")))
_STATED = {"label": Text(), "parent": Text(), "position": Integer(), "active": Boolean()}
ADD_WORD = create(LOOKUPS, WORD_SHOWN, {"kind": Text(), "code": Text(), **_STATED})
WORD_NOW = Statement(select(*(getattr(word, name) for name in _STATED)).where(_this_word))
AMEND_WORD = guarded(LOOKUPS, changes={name: given(name, type_) for name, type_ in _STATED.items()}, where=_this_word)

FORCE_LIST = _list(
    select(render(ForceView, PoliceForce)).where(_if_given(force.nation, "nation")).order_by(force.sort_key, force.code)
)
AUTHORITY_LIST = _list(
    select(render(LocalAuthorityView, LocalAuthority))
    .where(
        authority.replaced_by.is_(None),
        _if_given(authority.nation, "nation"),
        _if_given(authority.force_code, "force_code"),
    )
    .order_by(authority.sort_key, authority.code)
)

# --- threat levels ---

_level = render(ThreatLevelView, ThreatLevel, current=threat.id == func.casework.level_holding(threat.kind, MOMENT))
THREAT_LEVEL_LIST = _list(select(_level).order_by(threat.since.desc(), threat.recorded_at.desc(), threat.id.desc()))
THREAT_LEVEL_BY_ID = read_one(THREAT_LEVELS, _level)
THREAT_LEVEL_SHOWN = show_one(THREAT_LEVELS, _level)
# One at a time: which is the newest, and what holds, is judged before it is written.
HOLD_LEVELS = written("SELECT pg_advisory_xact_lock(hashtextextended('threat level', 0))")
STANDING_LEVELS = written(
    """
    SELECT n.id AS newest, n.since AS newest_since,
           (SELECT l.level FROM casework.threat_level l WHERE l.id = casework.level_holding(:kind, :at)) AS level
    FROM (SELECT 1) one LEFT JOIN LATERAL (
        SELECT l.id, l.since FROM casework.threat_level l WHERE l.kind = :kind AND l.state <> 'struck'
        ORDER BY l.since DESC, l.recorded_at DESC, l.id DESC LIMIT 1) n ON true""",
    kind=Text(),
    at=Moment3(),
)
LEVEL_KNOWN = Statement(select(threat.id).where(threat.id == given("id", Uuid())))
SET_THREAT_LEVEL = create(
    THREAT_LEVELS,
    THREAT_LEVEL_SHOWN,
    {
        "kind": Text(),
        "level": Text(),
        "source_url": Text(),
        "since": func.coalesce(given("since", Moment3()), NOW),
        "state": Text(),
        "set_by": given("me", Uuid()),
    },
)
CONFIRM_THREAT_LEVEL = guarded(
    THREAT_LEVELS,
    action=Action.THREAT_LEVEL_SET,
    lifecycle=THREAT_LEVEL,
    changes={"confirmed_by": given("me", Uuid())},
)
STRIKE_THREAT_LEVEL = guarded(
    THREAT_LEVELS,
    action=Action.THREAT_LEVEL_STRIKE,
    lifecycle=THREAT_LEVEL,
    changes={"struck_by": given("me", Uuid()), "struck_at": NOW, "struck_reason": given("reason", Text())},
    returning=(threat.kind,),
)
# What holds of each kind now, to tell a raise by.
LEVELS_HOLDING = written(
    """
    SELECT k.kind, l.id, l.level, casework.gravity(l.level) AS gravity
    FROM unnest(ARRAY['national', 'northern_ireland']) k (kind)
    JOIN casework.threat_level l ON l.id = casework.level_holding(k.kind, (SELECT casework.now()))"""
)

# --- bank holidays ---

_holiday = render(BankHolidayView, BankHoliday)
_year = parameter("year", Integer())
HOLIDAY_LIST = _list(
    select(_holiday)
    .where(_if_given(holiday.nation, "nation"), or_(_year.is_(None), extract("year", holiday.day) == _year))
    .order_by(holiday.day, holiday.nation)
)
HOLIDAY_BY_ID = read_one(BANK_HOLIDAYS, _holiday)
HOLIDAY_SHOWN = show_one(BANK_HOLIDAYS, _holiday)
ADD_HOLIDAY = create(
    BANK_HOLIDAYS, HOLIDAY_SHOWN, {"nation": Text(), "day": Date(), "name": Text(), "active": Boolean()}
)
TOUCHED = written(
    "SELECT team_id, team, enquiries, cases FROM access.deadlines_across(:id, :recount)", id=Uuid(), recount=Boolean()
)
HOLIDAY_NOW = Statement(select(holiday.name, holiday.active).where(holiday.id == given("id", Uuid())))
HOLIDAY_KNOWN = Statement(select(holiday.recounted_at).where(holiday.id == given("id", Uuid())))
AMEND_HOLIDAY = guarded(BANK_HOLIDAYS, changes={"name": given("name", Text()), "active": given("active", Boolean())})
