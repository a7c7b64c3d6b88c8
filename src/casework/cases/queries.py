"""Every statement about cases."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    cast,
    column,
    func,
    literal_column,
    null,
    or_,
    select,
    table,
    update,
)
from sqlalchemy import case as when
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from casework.access.actions import Action
from casework.cases.lifecycle import CASE, WAITING, Audience
from casework.cases.models import Case, CaseEvent, CaseHeadline, CaseNote, Collaborator
from casework.cases.schemas import (
    CaseColleague,
    CaseEventView,
    CaseHeadlineView,
    CaseNoteView,
    CaseOutlineView,
    CaseRow,
    CaseView,
)
from casework.kernel.problems import Forbidden, UnknownParameter
from casework.kernel.statements import Statement, given, one_of, written
from casework.kernel.tables import NOW, TODAY, Moment3, columns
from casework.kernel.views import render
from casework.people.models import Team
from casework.premises.models import Premises
from casework.work.amending import Amending, Rule
from casework.work.composing import (
    CTX,
    Beyond,
    Listing,
    Outline,
    Reachable,
    Sort,
    create,
    create_under,
    guarded,
    read_one,
    show_one,
)
from casework.work.unit import Guarded

case, headline, note, event, helper = map(columns, (Case, CaseHeadline, CaseNote, CaseEvent, Collaborator))
team, place = map(columns, (Team, Premises))
CASES = Reachable(Case, "case_file", case="id", held=True)
# Whether a headline is seen at all is row security's to say, whichever action is asked for.
NOTES = Reachable(CaseNote, "case_note", case="case_id")
EVENTS = Reachable(CaseEvent, "case_event", case="case_id")


def _within(source: Reachable, reading: Action) -> ColumnElement[bool]:
    """Whether the caller's reach of another read takes in this row."""
    return source.within(
        *(
            cast(select(reach(literal_column(f"'{reading}'"))).scalar_subquery(), ARRAY(Uuid))
            for reach in (func.access.read_teams, func.access.cases, func.access.answering_teams)
        )
    )


COLLABORATORS = Reachable(Collaborator, "collaborator", case="case_id")

_premises = select(place.name).where(place.id == case.premises_id).scalar_subquery()
_colleagues = (
    select(
        func.coalesce(
            func.json_agg(
                aggregate_order_by(
                    render(CaseColleague, Collaborator, name=func.access.name_of(helper.person_id)), helper.id
                )
            ),
            literal_column("'[]'::json"),
        )
    )
    .where(helper.case_id == case.id, helper.ended_at.is_(None))
    .scalar_subquery()
)


def _case(allowed_actions: Any) -> Any:
    return render(
        CaseView,
        Case,
        team=select(team.name).where(team.id == case.team_id).scalar_subquery(),
        premises=_premises,
        adviser=func.access.name_of(case.adviser_id),
        collaborators=_colleagues,
        allowed_actions=allowed_actions,
    )


# What is taken is a case that nobody has, or whose adviser has left, of a competence of one's own: as TAKE judges it.
_offered = _case(
    literal_column("""(
    SELECT coalesce(json_agg(o.word ORDER BY o.word), '[]'::json) FROM (
        SELECT json_array_elements_text(access.allowed_actions('case', casework.case_file.state, casework.case_file.id,
            casework.case_file.team_id, casework.case_file.restricted)) AS word
        UNION SELECT json_array_elements_text(CASE WHEN casework.case_file.adviser_left_at IS NULL THEN '[]'::json
            ELSE access.allowed_actions('left_case', casework.case_file.state, casework.case_file.id,
                casework.case_file.team_id, casework.case_file.restricted) END)) o
    WHERE o.word <> 'case.take' OR (casework.case_file.adviser_id IS NULL OR casework.case_file.adviser_left_at IS NOT NULL)
        AND NOT casework.case_file.restricted AND casework.case_file.strand = ANY (
            (SELECT p.competences FROM casework.person p WHERE p.id = (SELECT access.current_principal()))::text[]))""")
)
CASE_BY_ID = read_one(CASES, _offered)
CASE_SHOWN = show_one(CASES, _offered)
# As its former adviser leaves it: a restricted case is out of their sight then.
CASE_LEFT = show_one(CASES, _case(literal_column("'[]'::json")))
OUTLINE = table(
    "case_outline", column("id", Uuid()), column("team_id", Uuid()), column("reference", Text()), column("state", Text()),
    schema="casework",
)  # fmt: skip
"""What everybody who sees a headline sees of it, an auditor too."""
outline = OUTLINE.c
HEADLINE_SEEN = Statement(select(outline.id).where(outline.id == given("id", Uuid())))

DUE = func.coalesce(case.due_on, literal_column("'infinity'::date"))
"""When a case is due, as the index has it: those without a date come last."""

CASE_LIST = Listing(
    CASES,
    render(CaseRow, Case, premises=_premises, adviser=func.access.name_of(case.adviser_id)),
    filters={
        "state": lambda: case.state == given("state", Text()),
        "open": lambda: case.state != literal_column("'closed'"),
        "closed": lambda: case.state == literal_column("'closed'"),
        "adviser_id": lambda: case.adviser_id == given("adviser_id", Uuid()),
        "mine": lambda: case.adviser_id == CTX.principal,
        "others": lambda: case.adviser_id.is_distinct_from(CTX.principal),
        "unallocated": lambda: or_(case.adviser_id.is_(None), case.adviser_left_at.is_not(None)),
        "given": lambda: and_(case.adviser_id.is_not(None), case.adviser_left_at.is_(None)),
        "premises_id": lambda: case.premises_id == given("premises_id", Uuid()),
        "strand": lambda: case.strand == given("strand", Text()),
        "reference": lambda: case.reference == given("reference", Text()),
        "due_before": lambda: given("due_before", Date()) > DUE,
    },
    sorts={
        "opened_at": Sort(case.opened_at, Moment3()),
        "due_on": Sort(DUE, Date()),
        "reference": Sort(case.reference, Text()),
    },
)
HEADLINE_LIST = Listing(
    Reachable(CaseHeadline, "case_headline", about="id"),
    render(
        CaseHeadlineView,
        CaseHeadline,
        team=select(team.name).where(team.id == headline.team_id).scalar_subquery(),
        adviser=func.access.name_of(headline.adviser_id),
    ),
    filters={
        "state": lambda: headline.state == given("state", Text()),
        "open": lambda: headline.state != literal_column("'closed'"),
        "closed": lambda: headline.state == literal_column("'closed'"),
        "team_id": lambda: headline.team_id == given("in_team", Uuid()),
        "adviser_id": lambda: headline.adviser_id == given("adviser_id", Uuid()),
        "reference": lambda: headline.reference == given("reference", Text()),
    },
    sorts={"opened_at": Sort(headline.opened_at, Moment3())},
    outline=Outline(
        OUTLINE,
        render(CaseOutlineView, outline, team=select(team.name).where(team.id == outline.team_id).scalar_subquery()),
        filters={
            "state": lambda: outline.state == given("state", Text()),
            "open": lambda: outline.state != literal_column("'closed'"),
            "closed": lambda: outline.state == literal_column("'closed'"),
            "team_id": lambda: outline.team_id == given("in_team", Uuid()),
            "reference": lambda: outline.reference == given("reference", Text()),
        },
        full=func.access.headline_teams(),
    ),
    beyond={
        "adviser_id": Beyond(
            lambda: func.cardinality(select(func.access.headline_teams()).scalar_subquery()) == literal_column("0"),
            lambda: UnknownParameter(
                "You see the reference, the state and the team of a case: filter by those.",
                possible=["open", "reference", "state", "team_id"],
            ),
        )
    },
)
_reads_casework = and_(func.access.of_staff(), _within(CASES, Action.ADVICE_READ))
"""Whether the caller reads what was found and advised in a case, as the policies of ``access/rls.py`` ask it (``casework``)."""
_reads_it = select(case.id).where(case.id == given("case_id", Uuid()), _reads_casework).correlate(None).exists()
NOTE_LIST = Listing(
    NOTES,
    render(CaseNoteView, CaseNote, author=func.access.name_of(note.author_id)),
    filters={
        "case_id": lambda: note.case_id == given("case_id", Uuid()),
        "audience": lambda: note.audience == given("audience", Text()),
    },
    sorts={"created_at": Sort(note.created_at, Moment3())},
    beyond={
        "audience": Beyond(
            lambda: and_(given("audience", Text()) == literal_column(f"'{Audience.CASEWORK}'"), ~_reads_it),
            lambda: Forbidden("You read the notes for the desk here: send `audience` as `desk`, or leave it out."),
        )
    },
)
# Row security tells nobody the lines of what they may not read: findings, advice, supplements. That a visit was made is told to
# whoever reads the case; why its times are unusual stands with what was found there, and is told to whoever reads that.
_of_visit_made = one_of(event.action, (Action.VISIT_COMPLETE.value, Action.VISIT_PROPOSE.value))
TIMELINE = Listing(
    EVENTS,
    render(
        CaseEventView,
        CaseEvent,
        reason=when((or_(~_of_visit_made, _within(EVENTS, Action.FINDING_READ)), event.reason)),
        person=func.access.name_of(event.person_id),
        subject=when((event.subject_kind == literal_column("'person'"), func.access.name_of(event.subject_id))),
    ),
    filters={"case_id": lambda: event.case_id == given("case_id", Uuid())},
    sorts={"at": Sort(event.at, Moment3())},
)

OPEN = create(
    CASES,
    CASE_SHOWN,
    {
        "team_id": Uuid(),
        "reference": Text(),
        "kind": Text(),
        "title": Text(),
        "summary": Text(),
        "strand": Text(),
        "sensitive": Boolean(),
        "handling": Text(),
        "due_on": Date(),
        "due_counted_from": Date(),
        "next_review_on": Date(),
        "premises_id": Uuid(),
        "organisation_id": Uuid(),
    },
)
JOINABLE = Statement(
    select(case.id, case.restricted).where(
        case.id == given("id", Uuid()),
        CASES.reached(),
        case.team_id == given("team_id", Uuid()),
        case.state != literal_column("'closed'"),
    )
)
BEFORE = Statement(
    select(case.due_on, case.next_review_on, case.strand, case.team_id, case.adviser_id).where(
        case.id == given("id", Uuid())
    )
)
TOLD = Statement(select(event.id).where(event.case_id == given("case_id", Uuid())).limit(literal_column("1")))


def _amended(fields: frozenset[str]) -> dict[str, Any]:
    """A deadline that somebody states was not counted."""
    return {"amended_at": NOW, **({"due_counted_from": null()} if "due_on" in fields else {})}


AMENDING = Amending(CASES, CASE_SHOWN, rule=Rule(CASE, Action.CASE_AMEND), headline=HEADLINE_SEEN, derived=_amended)

NOTE_SHOWN = show_one(NOTES, render(CaseNoteView, CaseNote, author=func.access.name_of(note.author_id)))
READS_CASEWORK = Statement(
    select(_reads_casework.label("reads")).where(case.id == given("case_id", Uuid()), CASES.reached())
)
NOTE = create_under(
    CASES,
    "case_id",
    NOTES,
    NOTE_SHOWN,
    {
        "author_id": given("me", Uuid()),
        "audience": func.coalesce(
            given("audience", Text()),
            when((_reads_casework, literal_column("'casework'")), else_=literal_column("'desk'")),
        ),
        "body": Text(),
    },
    headline=HEADLINE_SEEN,
)


def moved(action: Action, changes: Mapping[str, Any]) -> Guarded:
    """The change that an action makes of a case, with all its guards."""
    return guarded(CASES, action=action, lifecycle=CASE, headline=HEADLINE_SEEN, changes={"amended_at": NOW, **changes})


def judged(action: Action) -> Guarded:
    """The guards of an action alone, and the case held until the end: what else may refuse comes after them."""
    held = select(
        case.id, case.team_id, case.strand, case.adviser_id, case.restricted, case.due_on, case.held_on
    ).where(
        case.id == given("id", Uuid()),
        CASES.reached(),
        one_of(case.state, CASE.sources(action)),
        case.version == any_(given("versions", ARRAY(Integer))),
    )
    return replace(moved(action, {}), change=Statement(held.with_for_update()))


MOVES: Mapping[Action, Guarded] = {
    action: moved(action, changes)
    for action, changes in {
        Action.CASE_ALLOCATE: {
            "adviser_id": given("adviser_id", Uuid()),
            "state": when((one_of(case.state, WAITING), literal_column("'allocated'")), else_=case.state),
        },
        Action.CASE_HAND_OVER: {"adviser_id": given("adviser_id", Uuid())},
        Action.CASE_COLLABORATE: {},
        Action.CASE_UNCOLLABORATE: {},
        Action.CASE_HOLD: {
            "held_from": case.state,
            "held_on": given("today", Date()),
            "reason_code": given("reason_code", Text()),
        },
        Action.CASE_RESUME: {
            "state": case.held_from,
            "held_from": null(),
            "held_on": null(),
            "reason_code": null(),
            "due_on": given("due_on", Date()),
        },
        Action.CASE_CLOSE: {
            "closed_at": NOW,
            "reason_code": given("reason_code", Text()),
            "next_review_on": func.coalesce(given("next_review_on", Date()), case.next_review_on),
        },
        Action.CASE_REOPEN: {
            "closed_at": null(),
            "reason_code": null(),
            "due_on": given("due_on", Date()),
            "due_counted_from": TODAY,
        },
        Action.CASE_RESTRICT: {"restricted": literal_column("true")},
        Action.CASE_UNRESTRICT: {"restricted": literal_column("false")},
    }.items()
}
JUDGED: Mapping[Action, Guarded] = {action: judged(action) for action in MOVES}

# The one that is due first; SKIP LOCKED lets two colleagues who ask at the same moment take different ones.
TAKE = written(
    """
    UPDATE casework.case_file SET adviser_id = :me, state = CASE WHEN state IN ('open', 'reopened') THEN 'allocated' ELSE state END, version = version + 1,
           amended_at = date_trunc('milliseconds', casework.now())
    WHERE id = (
        SELECT c.id FROM casework.case_file c
        WHERE c.team_id = ANY (:teams) AND NOT c.restricted
          -- One whose adviser has left is taken as it stands, unless it is on hold.
          AND (c.state IN ('open', 'reopened') AND c.adviser_id IS NULL
               OR c.state IN ('open', 'reopened', 'allocated', 'active', 'follow_up') AND c.adviser_left_at IS NOT NULL)
          AND c.strand = ANY ((SELECT p.competences FROM casework.person p WHERE p.id = :me)::text[])
        ORDER BY coalesce(c.due_on, 'infinity'::date), c.opened_at, c.id
        LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id""",
    me=Uuid(),
    teams=ARRAY(Uuid),
)
COMPETENCES = written("SELECT p.competences FROM casework.person p WHERE p.id = :me", me=Uuid())
ASSIGNEE = written(
    "SELECT adviser, competences FROM access.assignable(:person_id, :team_id)",
    person_id=Uuid(),
    team_id=Uuid(),
)
SUITABLE = written(
    """
    SELECT p.id::text AS person_id, p.name FROM casework.person p
    WHERE p.active AND :strand = ANY (p.competences) AND access.is_adviser(p.id, :team_id) ORDER BY p.sort_key, p.id LIMIT 20""",
    strand=Text(),
    team_id=Uuid(),
)
# One statement: who hands a case over loses it with the end of the old allocation, and must still be allowed the new one.
PASS_ON = written(
    """
    WITH ended AS (
        UPDATE casework.allocation SET ended_at = date_trunc('milliseconds', casework.now())
        WHERE case_id = :case_id AND ended_at IS NULL RETURNING id)
    INSERT INTO casework.allocation (case_id, team_id, restricted, adviser_id, allocated_by)
    SELECT c.id, c.team_id, c.restricted, :adviser_id, :me
    FROM casework.case_file c, (SELECT count(*) FROM ended) e WHERE c.id = :case_id""",
    case_id=Uuid(),
    adviser_id=Uuid(),
    me=Uuid(),
)
ADD_COLLABORATOR = create_under(
    CASES,
    "case_id",
    COLLABORATORS,
    show_one(COLLABORATORS, render(CaseColleague, Collaborator, name=func.access.name_of(helper.person_id))),
    {"person_id": Uuid(), "added_by": given("me", Uuid())},
    repeated=("id",),
)
END_COLLABORATOR = Statement(
    update(helper)
    .where(
        helper.case_id == given("case_id", Uuid()),
        helper.person_id == given("person_id", Uuid()),
        helper.ended_at.is_(None),
    )
    .values(ended_at=NOW)
    .returning(helper.id)
)
ANNOUNCE_RESTRICTION = written("SELECT access.announce_restriction(:id)", id=Uuid())

BEGIN_WORK = Statement(
    update(case)
    .where(
        case.id == given("case_id", Uuid()),
        CASES.reached(),
        one_of(case.state, ("allocated", "reopened")),
        case.adviser_id.is_not(None),
    )
    .values(state="active", version=case.version + 1, amended_at=NOW)
    .returning(case.id)
)
FOLLOW_UP = Statement(
    update(case)
    .where(
        case.id == given("case_id", Uuid()), CASES.reached(), one_of(case.state, ("allocated", "active", "reopened"))
    )
    .values(state="follow_up", next_review_on=given("next_review_on", Date()), version=case.version + 1, amended_at=NOW)
    .returning(case.id)
)
