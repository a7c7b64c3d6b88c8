"""Every statement about cases."""

from sqlalchemy import Boolean, Date, Text, Uuid, func, literal_column, or_, select, update

from casework.access.actions import Action
from casework.cases.lifecycle import CASE
from casework.cases.models import Allocation, Case, CaseHeadline, CaseNote
from casework.cases.schemas import CaseNoteView, CaseRow, CaseView
from casework.kernel.statements import Statement, given, one_of
from casework.kernel.tables import NOW, Moment3, columns
from casework.kernel.views import render
from casework.people.models import Team
from casework.premises.models import Premises
from casework.work.composing import Listing, Reachable, Sort, create, create_under, guarded, read_one, show_one

case, headline, allocation, note, team, place = map(columns, (Case, CaseHeadline, Allocation, CaseNote, Team, Premises))
CASES = Reachable(Case, "case_file", case="id")
HEADLINES = Reachable(CaseHeadline, "case_headline", open=True)
NOTES = Reachable(CaseNote, "case_note", case="case_id")

_premises = select(place.name).where(place.id == case.premises_id).scalar_subquery()
_case = render(
    CaseView,
    Case,
    team=select(team.name).where(team.id == case.team_id).scalar_subquery(),
    premises=_premises,
    adviser=func.access.name_of(case.adviser_id),
    allowed_actions=func.access.allowed_actions(
        literal_column("'case'"), case.state, case.id, case.team_id, case.restricted
    ),
)
CASE_BY_ID = read_one(CASES, _case)
CASE_SHOWN = show_one(CASES, _case)
HEADLINE_BY_ID = read_one(HEADLINES, func.to_json(headline.id), version=literal_column("NULL"))
HEADLINE_SEEN = Statement(select(headline.id).where(headline.id == given("id", Uuid())))

CASE_LIST = Listing(
    CASES,
    render(CaseRow, Case, premises=_premises, adviser=func.access.name_of(case.adviser_id)),
    filters={
        "state": lambda: case.state == given("state", Text()),
        "open": lambda: or_(~given("open", Boolean()), case.state != literal_column("'closed'")),
        "adviser_id": lambda: case.adviser_id == given("adviser_id", Uuid()),
        "premises_id": lambda: case.premises_id == given("premises_id", Uuid()),
        "strand": lambda: case.strand == given("strand", Text()),
        "due_before": lambda: case.due_on < given("due_before", Date()),
    },
    sorts={"opened_at": Sort(case.opened_at, Moment3()), "reference": Sort(case.reference, Text())},
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
        "next_review_on": Date(),
        "premises_id": Uuid(),
        "organisation_id": Uuid(),
    },
)

_note = render(CaseNoteView, CaseNote, author=func.access.name_of(note.author_id))
NOTE_SHOWN = show_one(NOTES, _note)
NOTE = create_under(
    CASES, "case_id", NOTES, NOTE_SHOWN, {"author_id": given("me", Uuid()), "body": Text()}, headline=HEADLINE_SEEN
)

ALLOCATE = guarded(
    CASES,
    action=Action.CASE_ALLOCATE,
    lifecycle=CASE,
    headline=HEADLINE_SEEN,
    changes={"adviser_id": given("adviser_id", Uuid()), "amended_at": NOW},
)
END_ALLOCATION = Statement(
    update(allocation)
    .where(allocation.case_id == given("case_id", Uuid()), allocation.ended_at.is_(None))
    .values(ended_at=NOW)
    .returning(allocation.id)
)
GIVE = create_under(
    CASES,
    "case_id",
    Reachable(Allocation, "allocation", case="case_id"),
    CASE_SHOWN,
    {"adviser_id": Uuid(), "allocated_by": given("me", Uuid())},
)

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
