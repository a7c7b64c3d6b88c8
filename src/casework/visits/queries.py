"""Every statement about visits and findings."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Integer,
    Text,
    Uuid,
    all_,
    any_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by

from casework.access.actions import Action
from casework.cases.lifecycle import RUNNING
from casework.cases.models import Case
from casework.cases.queries import CASES, HEADLINE_SEEN
from casework.enquiries.queries import untold_here
from casework.kernel.statements import Statement, given, one_of, written
from casework.kernel.tables import NOW, Moment3, columns
from casework.kernel.views import render
from casework.premises.models import Premises, PremisesArea
from casework.reference.queries import ground_of_findings
from casework.visits.lifecycle import UPCOMING, VISIT, FindingState, VisitState
from casework.visits.models import Finding, FindingFacts, SiteVisit, VisitSupplement
from casework.visits.schemas import (
    FindingRow,
    FindingStated,
    FindingView,
    OwnVisitRow,
    OwnVisitView,
    SupplementRow,
    VisitRow,
    VisitView,
    VisitWithFindings,
)
from casework.work.amending import Amending, Rule
from casework.work.composing import (
    UUIDS,
    Listing,
    Reachable,
    Sort,
    create_under,
    guarded,
    read_one,
    show_one,
)
from casework.work.unit import Guarded

visit, finding, supplement, of_case, place, area = map(
    columns, (SiteVisit, Finding, VisitSupplement, Case, Premises, PremisesArea)
)
VISITS = Reachable(SiteVisit, "site_visit", case="case_id", visit="id")
FINDINGS = Reachable(Finding, "finding", case="case_id", visit="visit_id")
SUPPLEMENTS = Reachable(VisitSupplement, "visit_supplement", case="case_id", visit="visit_id")

# --- findings as they go out ---

_OF_FINDING = {
    "risk": func.json_build_object(
        literal_column("'likelihood'"),
        finding.likelihood,
        literal_column("'impact'"),
        finding.impact,
        literal_column("'score'"),
        finding.likelihood * finding.impact,
    ),
    "recorder": func.access.name_of(finding.recorded_by),
}
_finding = render(
    FindingView,
    Finding,
    **_OF_FINDING,
    allowed_actions=func.access.allowed_actions(
        literal_column("'finding'"),
        case(
            (finding.frozen, literal_column(f"'{FindingState.FROZEN}'")),
            else_=literal_column(f"'{FindingState.RECORDED}'"),
        ),
        finding.case_id,
        finding.team_id,
        finding.restricted,
        finding.visit_id,
    ),
)
FINDING_BY_ID = read_one(FINDINGS, _finding)
FINDING_SHOWN = show_one(FINDINGS, _finding)
FINDING_LIST = Listing(
    FINDINGS,
    render(FindingRow, Finding, **_OF_FINDING),
    filters={
        "case_id": lambda: finding.case_id == given("case_id", Uuid()),
        "visit_id": lambda: finding.visit_id == given("visit_id", Uuid()),
        "area_id": lambda: finding.area_id == given("area_id", Uuid()),
        "phase": lambda: finding.phase == given("phase", Text()),
        "methodology": lambda: finding.methodology == given("methodology", Text()),
        "min_risk": lambda: finding.likelihood * finding.impact >= given("min_risk", Integer()),
    },
    sorts={"recorded_at": Sort(finding.recorded_at, Moment3())},
)

# --- visits as they go out ---


def _reach(function: str) -> Any:
    called = getattr(func.access, function)(literal_column(f"'{Action.FINDING_READ}'"))
    return cast(select(called).scalar_subquery(), UUIDS)


_OF_ROW = {
    "case_reference": select(of_case.reference).where(of_case.id == visit.case_id).scalar_subquery(),
    "premises": select(place.name).where(place.id == visit.premises_id).scalar_subquery(),
    "adviser": func.access.name_of(visit.adviser_id),
}
_OF_VISIT = {
    **_OF_ROW,
    # That nobody could be met is logged once the visit has begun (access/sql/visiting.sql).
    "allowed_actions": literal_column("""(
        SELECT coalesce(json_agg(o.word ORDER BY o.place), '[]'::json)
        FROM json_array_elements_text(access.allowed_actions('visit', casework.site_visit.state, casework.site_visit.case_id,
            casework.site_visit.team_id, casework.site_visit.restricted, casework.site_visit.id)) WITH ORDINALITY o (word, place)
        WHERE o.word <> 'visit.no_access' OR casework.site_visit.starts_at <= casework.now() + interval '5 minutes')"""),
    "logger": func.access.name_of(visit.logged_by),
    "attended_by_names": literal_column(
        "(SELECT coalesce(json_agg(access.name_of(w.id) ORDER BY w.place), '[]'::json)"
        " FROM unnest(casework.site_visit.attended_by) WITH ORDINALITY AS w (id, place))"
    ),
}
_SUPPLEMENT = render(SupplementRow, VisitSupplement, recorder=func.access.name_of(supplement.recorded_by))
SUPPLEMENT_SHOWN = show_one(SUPPLEMENTS, _SUPPLEMENT)
_supplements = func.coalesce(
    select(func.json_agg(aggregate_order_by(_SUPPLEMENT, supplement.visit_version)))
    .where(supplement.visit_id == visit.id)
    .scalar_subquery(),
    literal_column("'[]'::json"),
)
_found = func.coalesce(
    select(
        func.json_agg(aggregate_order_by(render(FindingRow, Finding, **_OF_FINDING), finding.recorded_at, finding.id))
    )
    .where(finding.visit_id == visit.id)
    .scalar_subquery(),
    literal_column("'[]'::json"),
)
# Row security would only hide the findings, and an empty list would read as "none found": so the field is left out.
_visit = case(
    (
        VISITS.within(_reach("read_teams"), _reach("cases"), _reach("answering_teams")),
        render(VisitWithFindings, SiteVisit, **_OF_VISIT, findings=_found, supplements=_supplements),
    ),
    else_=render(VisitView, SiteVisit, **_OF_VISIT),
)
VISIT_BY_ID = read_one(VISITS, _visit)
VISIT_SHOWN = show_one(VISITS, _visit)

_FILTERS = {
    "state": lambda: visit.state == given("state", Text()),
    "starting_from": lambda: visit.starts_at >= given("starting_from", Moment3()),
    "starting_before": lambda: visit.starts_at < given("starting_before", Moment3()),
}
_SORTS = {"starts_at": Sort(visit.starts_at, Moment3())}
VISIT_LIST = Listing(
    VISITS,
    render(VisitRow, SiteVisit, **_OF_ROW),
    filters={
        **_FILTERS,
        "case_id": lambda: visit.case_id == given("case_id", Uuid()),
        "adviser_id": lambda: visit.adviser_id == given("adviser_id", Uuid()),
        "mine": lambda: visit.adviser_id == select(func.access.current_principal()).scalar_subquery(),
        "premises_id": lambda: visit.premises_id == given("premises_id", Uuid()),
    },
    sorts=_SORTS,
)

# --- the business, on connections that see only some columns ---

_name = func.access.name_of(visit.adviser_id)
# Who was not told that it is cancelled reads it as before, and answers it as before.
_own_state = case(
    (~untold_here(visit.untold, Action.VISIT_READ), visit.state),
    (visit.confirmed_at.is_not(None), literal_column(f"'{VisitState.CONFIRMED}'")),
    else_=literal_column(f"'{VisitState.PROPOSED}'"),
)
_own = render(
    OwnVisitView,
    SiteVisit,
    state=_own_state,
    adviser=_name,
    allowed_actions=func.access.own_actions(literal_column("'visit'"), _own_state),
)
OWN_VISIT_BY_ID = read_one(VISITS, _own, reach=lambda reached: visit.case_id == any_(reached.cases))
OWN_VISIT_SHOWN = show_one(VISITS, _own)
OWN_VISIT_LIST = Listing(
    VISITS,
    render(OwnVisitRow, SiteVisit, state=_own_state, adviser=_name),
    filters=_FILTERS | {"state": lambda: _own_state == given("state", Text())},
    sorts=_SORTS,
    outside=True,
)

# --- proposing ---

# Locked until the visit stands, so that closing the case and proposing a visit wait for each other.
CASE_TO_VISIT = Statement(
    select(of_case.adviser_id, of_case.premises_id)
    .where(of_case.id == given("case_id", Uuid()), CASES.reached(), one_of(of_case.state, RUNNING))
    .with_for_update(key_share=True)
)
# Two visits of one adviser at a time: without it, a simultaneous pair could end as a deadlock instead of a refusal.
DIARY = written(
    "SELECT pg_advisory_xact_lock(hashtextextended('diary ' || CAST(:adviser_id AS uuid), 0))", adviser_id=Uuid()
)
# Whoever of these is nobody who may be sent to the case: an adviser of its team, or of a team that contributes.
STRANGER = written(
    """
    SELECT p.id FROM unnest(CAST(:people AS uuid[])) WITH ORDINALITY AS p (id, place)
    WHERE NOT access.may_visit(p.id, :case_id) ORDER BY p.place LIMIT 1""",
    people=UUIDS,
    case_id=Uuid(),
)
# The same of a visit that was made: whoever of these cannot have been there when it began.
UNKNOWN = written(
    """
    SELECT p.id FROM unnest(CAST(:people AS uuid[])) WITH ORDINALITY AS p (id, place)
    WHERE NOT access.may_have_visited(p.id, :case_id, :began) ORDER BY p.place LIMIT 1""",
    people=UUIDS,
    case_id=Uuid(),
    began=Moment3(),
)
# A place that a share opens is seen from other cases too, and belongs to none of them: the case's team keeps the place of a visit.
PREMISES_SEEN = Statement(
    select(place.id).where(
        place.id == given("premises_id", Uuid()),
        place.team_id == select(of_case.team_id).where(of_case.id == given("case_id", Uuid())).scalar_subquery(),
    )
)
VISIT_KNOWN = Statement(select(visit.case_id.label("parent")).where(visit.id == given("id", Uuid())))
PROPOSE = create_under(
    CASES,
    "case_id",
    VISITS,
    VISIT_SHOWN,
    {
        "kind": Text(),
        "starts_at": Moment3(),
        "ends_at": Moment3(),
        "zone": Text(),
        "adviser_id": Uuid(),
        "premises_id": Uuid(),
        "place_note": Text(),
    },
    states=[state.value for state in RUNNING],
    headline=HEADLINE_SEEN,
    repeated=["id"],
)
# Made already: no time of anybody's diary is taken, so that any conflict is the id's.
LOG_UNPLANNED = create_under(
    CASES,
    "case_id",
    VISITS,
    VISIT_SHOWN,
    {
        "state": literal_column(f"'{VisitState.COMPLETED}'"),
        "kind": Text(),
        "starts_at": Moment3(),
        "ends_at": Moment3(),
        "zone": Text(),
        "adviser_id": Uuid(),
        "premises_id": Uuid(),
        "place_note": Text(),
        "arrived_at": Moment3(),
        "left_at": Moment3(),
        "time_reason": Text(),
        "logged_by": Uuid(),
        "attended_by": UUIDS,
        "attendance": JSONB(none_as_null=True),
        "notes": Text(),
    },
    states=[state.value for state in RUNNING],
    headline=HEADLINE_SEEN,
    repeated=["id"],
)
MAY_LOG = written("SELECT access.may_log(:case_id, :adviser_id) AS may", case_id=Uuid(), adviser_id=Uuid())

# --- moving on ---

_visit_now = select(
    visit.id,
    visit.case_id,
    visit.team_id,
    visit.premises_id,
    visit.adviser_id,
    visit.starts_at,
    visit.ends_at,
    func.coalesce(VISITS.reached(), literal_column("false")).label("within"),
).where(visit.id == given("id", Uuid()))
VISIT_NOW = Statement(_visit_now)
# Findings stand under the levels of the moment of arrival. A visit that is being logged has none yet: it is stated.
VISIT_TO_FIND_IN = Statement(
    _visit_now.add_columns(*ground_of_findings(visit.premises_id, visit.team_id, visit.arrived_at))
)


def _marks() -> Any:
    """What is not plausible about the times stated: asked before, so that the refusal can say why a reason is wanted."""
    people = func.array_prepend(visit.adviser_id, given("attended_by", UUIDS))
    # The times of one that was logged without an appointment are those at which it was made, as it was logged.
    planned = literal_column("'without_appointment'") != all_(visit.time_marks)
    return func.access.time_marks(
        visit.id,
        visit.case_id,
        visit.premises_id,
        people,
        visit.zone,
        case((planned, visit.starts_at)),
        case((planned, visit.ends_at)),
        visit.confirmed_at.is_not(None),
        given("arrived_at", Moment3()),
        given("left_at", Moment3()),
        type_=ARRAY(Text),
    ).label("marks")


VISIT_TO_LOG = Statement(
    _visit_now.add_columns(
        *ground_of_findings(visit.premises_id, visit.team_id, given("arrived_at", Moment3())), _marks()
    )
)


def _move(action: Action, **changes: Any) -> Any:
    return guarded(VISITS, action=action, lifecycle=VISIT, changes=changes, returning=(visit.case_id,))


def _moved(fields: frozenset[str]) -> dict[str, Any]:
    """A new time is one that nobody has confirmed or declined yet."""
    if "starts_at" not in fields:
        return {}
    moved = or_(visit.starts_at != given("starts_at", Moment3()), visit.ends_at != given("ends_at", Moment3()))
    answer = ("confirmed_at", "confirmed_by", "declined_at", "declined_note")
    return {
        "state": case((moved, literal_column(f"'{VisitState.PROPOSED}'")), else_=visit.state),
        **{name: case((moved, null()), else_=getattr(visit, name)) for name in answer},
    }


AMENDING = Amending(VISITS, VISIT_SHOWN, rule=Rule(VISIT, Action.VISIT_AMEND), derived=_moved)
_CONFIRMED = {
    "state": literal_column(f"'{VisitState.CONFIRMED}'"),
    "confirmed_at": NOW,
    "confirmed_by": given("by", Text()),
    "declined_at": null(),
    "declined_note": null(),
}
_DECLINED = {
    "state": literal_column(f"'{VisitState.PROPOSED}'"),
    "declined_at": NOW,
    "declined_note": given("note", Text()),
}
CONFIRM, DECLINE = _move(Action.VISIT_CONFIRM, **_CONFIRMED), _move(Action.VISIT_CONFIRM, **_DECLINED)


def _answered(changes: dict[str, Any]) -> Guarded:
    """What the business answers, judged by what it reads: what was cancelled without its being told stays so."""
    states = VISIT.sources(Action.VISIT_CONFIRM)
    kept = {"state": case((visit.state == literal_column("'cancelled'"), visit.state), else_=changes["state"])}
    common = guarded(VISITS, changes=changes | kept, guards=(one_of(_own_state, states),), returning=(visit.case_id,))
    within = func.coalesce(VISITS.reached(), literal_column("false")).label("within")
    found = select(visit.version, _own_state.label("state"), within).where(visit.id == given("id", Uuid()))
    return Guarded(common.change, Statement(found), states)


OWN_CONFIRM, OWN_DECLINE = _answered(_CONFIRMED), _answered(_DECLINED)
COMPLETE = _move(
    Action.VISIT_COMPLETE,
    arrived_at=given("arrived_at", Moment3()),
    left_at=given("left_at", Moment3()),
    time_reason=given("time_reason", Text()),
    attended_by=given("attended_by", UUIDS),
    logged_by=given("logged_by", Uuid()),
    attendance=given("attendance", JSONB(none_as_null=True)),
    notes=given("notes", Text()),
)
NO_ACCESS = _move(Action.VISIT_NO_ACCESS, reason_code=given("reason_code", Text()))
CANCEL = _move(
    Action.VISIT_CANCEL,
    reason_code=given("reason_code", Text()),
    untold=func.access.untold(visit.case_id, given("quiet", Boolean()), given("tell", Boolean())),
)

UPCOMING_OF_CASE = Statement(
    select(
        visit.id,
        visit.starts_at,
        visit.adviser_id,
        visit.adviser_left_at,
        func.access.name_of(visit.adviser_id).label("adviser"),
    )
    .where(visit.case_id == given("case_id", Uuid()), one_of(visit.state, UPCOMING))
    .order_by(visit.starts_at)
)

# Whose visit it is, where the case changes hands. The new time is nobody's: what was confirmed stays so.
HAND_VISIT = Statement(
    update(visit)
    .where(visit.id == given("id", Uuid()), visit.case_id == given("case_id", Uuid()), one_of(visit.state, UPCOMING))
    .values(adviser_id=given("adviser_id", Uuid()), version=visit.version + 1)
    .returning(visit.id)
)

# --- supplements ---

SUPPLEMENT_KNOWN = Statement(
    select(supplement.visit_id.label("parent"), supplement.changes, supplement.reason).where(
        supplement.id == given("id", Uuid())
    )
)
# The visit shows its supplements, so each makes another version of it; and two of them wait for each other here.
SUPPLEMENTED = guarded(
    VISITS,
    action=Action.VISIT_SUPPLEMENT,
    lifecycle=VISIT,
    changes={},
    matched=False,
    returning=(
        visit.case_id,
        visit.premises_id,
        visit.adviser_id,
        visit.arrived_at,
        visit.left_at,
        visit.attended_by,
        visit.attendance,
        visit.notes,
    ),
)
EARLIER_CHANGES = Statement(
    select(supplement.changes)
    .where(supplement.visit_id == given("visit_id", Uuid()))
    .order_by(supplement.visit_version)
)
CORRECTED_MARKS = Statement(select(_marks()).where(visit.id == given("visit_id", Uuid())))
SUPPLEMENT = create_under(
    VISITS,
    "visit_id",
    SUPPLEMENTS,
    SUPPLEMENT_SHOWN,
    {
        "changes": JSONB(),
        "visit_version": visit.version,
        "reason": Text(),
        "time_marks": ARRAY(Text),
        "recorded_by": given("me", Uuid()),
    },
    carries={"case_id": visit.case_id, "team_id": visit.team_id, "restricted": visit.restricted},
    states=[VisitState.COMPLETED.value],
)

# --- recording findings ---

FINDING_KNOWN = Statement(select(finding.visit_id.label("parent")).where(finding.id == given("id", Uuid())))
FINDING_NOW = Statement(
    select(
        finding.id,
        finding.case_id,
        *(getattr(finding, name) for name in FindingFacts.model_fields),
        visit.premises_id,
        func.coalesce(FINDINGS.reached(), literal_column("false")).label("within"),
    )
    .select_from(Finding)
    .join(SiteVisit, visit.id == finding.visit_id)
    .where(finding.id == given("id", Uuid()))
)
AREA_SEEN = Statement(
    select(func.casework.ended(area.ended_at).label("ended")).where(
        area.id == given("area_id", Uuid()), area.premises_id == given("premises_id", Uuid())
    )
)
RECORD = create_under(
    VISITS,
    "visit_id",
    FINDINGS,
    show_one(FINDINGS, render(FindingStated, Finding)),
    {
        "area_id": Uuid(),
        "area": Text(),
        "phase": Text(),
        "methodology": Text(),
        "existing_control": Text(),
        "gap": Text(),
        "likelihood": Integer(),
        "impact": Integer(),
        "threat_level": Text(),
        "northern_ireland_threat_level": Text(),
        "recorded_by": given("me", Uuid()),
    },
    carries={"case_id": visit.case_id, "team_id": visit.team_id, "restricted": visit.restricted},
    states=[VisitState.COMPLETED.value],
)
AMENDING_FINDING = Amending(FINDINGS, FINDING_SHOWN)
HOLD_ADVICE = written("SELECT casework.hold_advice_citing(:finding_ids)", finding_ids=UUIDS)
