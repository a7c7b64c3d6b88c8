"""Every statement about advice: versions, reviews, and what was advised by voice."""

from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy import case as sql_case
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import aliased

from casework.access.actions import Action
from casework.advice.lifecycle import ADVICE, DELIVERY, DRAFTED, PUBLISHED, SETTLED, WORKING, AdviceState, ReturnReason
from casework.advice.models import (
    Advice,
    AdviceDelivery,
    AdviceFacts,
    BusinessResponse,
    InterimAdvice,
    OpenReason,
    QualityReview,
    Recommendation,
    RecommendationFacts,
    RecommendationFinding,
    Verification,
)
from casework.advice.schemas import (
    AdviceRecommendation,
    AdviceRow,
    AdviceView,
    CitedFinding,
    DeliveryView,
    InterimView,
    OpenReasonView,
    OwnAdvice,
    OwnAdviceRow,
    OwnInterim,
    OwnRecommendation,
    OwnRecommendationView,
    OwnResponse,
    OwnVerification,
    RecommendationRow,
    RecommendationView,
    ResponseView,
    ReviewView,
    StruckLevel,
    TeamContact,
    VerificationView,
)
from casework.cases.lifecycle import RUNNING
from casework.cases.models import Case
from casework.cases.queries import CASES, HEADLINE_SEEN
from casework.enquiries.models import Contact
from casework.enquiries.queries import untold_here
from casework.kernel.statements import Statement, given, one_of, written
from casework.kernel.tables import NOW, TODAY, Moment3, columns
from casework.kernel.views import moment, render
from casework.people.models import Team
from casework.reference.models import ThreatLevel
from casework.visits.models import Finding, SiteVisit
from casework.work.composing import UUIDS, Listing, Reachable, Sort, create_under, guarded, read_one, show_one
from casework.work.unit import Creation, Guarded

advice, recommendation, citation, review, interim = map(
    columns, (Advice, Recommendation, RecommendationFinding, QualityReview, InterimAdvice)
)
response, verification, open_reason = map(columns, (BusinessResponse, Verification, OpenReason))
case, finding, team, visit, level = map(columns, (Case, Finding, Team, SiteVisit, ThreatLevel))
delivery, contact = map(columns, (AdviceDelivery, Contact))
current: Any = aliased(Advice, name="current_version")
ALL_ADVICE = Reachable(Advice, "advice", case="case_id")
REGISTER = Reachable(Recommendation, "recommendation", case="case_id")
RESPONSES = Reachable(BusinessResponse, "business_response", case="case_id")
VERIFICATIONS = Reachable(Verification, "verification", case="case_id")
REVIEWS = Reachable(QualityReview, "quality_review", case="case_id")
INTERIM = Reachable(InterimAdvice, "interim_advice", case="case_id")
ME = select(func.access.current_principal()).scalar_subquery()
CARRIES = {"case_id": advice.case_id, "team_id": advice.team_id, "restricted": advice.restricted}


def gathered(item: Any, *order: Any, where: Any, of: type) -> Any:
    """The JSON array of the records beneath a record of ``of``; empty, never null."""
    listed = func.coalesce(func.json_agg(aggregate_order_by(item, *order)), literal_column("'[]'::json"))
    return select(listed).where(where).correlate(of).scalar_subquery()


def current_of(reference: Any, of: type) -> Any:
    """The version of a reference that stands issued."""
    standing = current.state == literal_column("'issued'")
    return select(current.id).where(current.reference == reference, standing).correlate(of).scalar_subquery()


def cited_by(of: type) -> Any:
    """The ids of the findings that a recommendation cites."""
    ids = func.coalesce(
        func.json_agg(aggregate_order_by(citation.finding_id, citation.finding_id)), literal_column("'[]'")
    )
    return select(ids).where(citation.recommendation_id == recommendation.id).correlate(of).scalar_subquery()


# What the lifecycle and the matrix offer, less what a rule takes away: nobody reviews what they helped to write or were not asked to.
_OFFERED: Any = literal_column("""(
    SELECT coalesce(json_agg(o.word ORDER BY o.word), '[]') FROM (
        SELECT json_array_elements_text(access.allowed_actions('advice', casework.advice.state, casework.advice.case_id,
            casework.advice.team_id, casework.advice.restricted)) AS word
        UNION SELECT json_array_elements_text(access.allowed_actions('correction', casework.advice.state,
            casework.advice.case_id, casework.advice.team_id, casework.advice.restricted))
        UNION SELECT json_array_elements_text(CASE WHEN EXISTS (
                SELECT FROM casework.advice_delivery d
                WHERE d.advice_id = casework.advice.id AND d.deliver_by IS NOT NULL AND d.delivered_at IS NULL)
            THEN access.allowed_actions('delivery', casework.advice.state, casework.advice.case_id,
                casework.advice.team_id, casework.advice.restricted) ELSE '[]'::json END)) o
    WHERE o.word <> 'advice.review' OR casework.advice.author_id <> (SELECT access.current_principal())
        AND NOT EXISTS (SELECT FROM casework.advice_contributor k
                        WHERE k.advice_id = casework.advice.id AND k.person_id = (SELECT access.current_principal()))
        AND (casework.advice.reviewer_id = (SELECT access.current_principal())
             OR casework.advice.team_id = ANY ((SELECT access.read_teams('advice.review'))::uuid[])))""")
_of_advice = recommendation.advice_id == advice.id
_cited_here = finding.id.in_(
    select(citation.finding_id)
    .where(citation.recommendation_id == recommendation.id, _of_advice)
    .correlate(Finding, Advice)
)


def _of_the_visit(column: Any) -> Any:
    """What the reviewer is to know of the visit at which a finding was made."""
    return select(column).where(visit.id == finding.visit_id).correlate(Finding).scalar_subquery()


def _hex(hash_: Any) -> Any:
    return func.encode(hash_, literal_column("'hex'"))


_review = render(
    ReviewView,
    QualityReview,
    reviewer=func.access.name_of(review.reviewer_id),
    content_sha256=_hex(review.content_sha256),
)
# What this version carries, or would carry if it were issued now.
_carried = or_(
    interim.carried_into == advice.id,
    and_(
        interim.carried_into.is_(None),
        interim.case_id == advice.case_id,
        one_of(advice.state, [state.value for state in WORKING]),
    ),
)
_interim = render(InterimView, InterimAdvice, giver=func.access.name_of(interim.given_by))
_struck = gathered(
    render(StruckLevel, ThreatLevel),
    level.since,
    where=(level.id == any_(advice.issued_under)) & (level.state == literal_column("'struck'")),
    of=Advice,
)
_pending = (
    delivery.deliver_by.is_not(None) & delivery.delivered_at.is_(None) & (advice.state == literal_column("'issued'"))
)
_delivery = render(
    DeliveryView,
    AdviceDelivery,
    state=sql_case(
        (delivery.contact_id.is_not(None), literal_column("'reached'")),
        (delivery.delivered_at.is_not(None), literal_column("'done'")),
        (_pending, literal_column("'pending'")),
        else_=literal_column("'void'"),
    ),
    how=func.coalesce(delivery.deliver_by, literal_column("'tracking'")),
    contact=select(contact.name).where(contact.id == delivery.contact_id).correlate(AdviceDelivery).scalar_subquery(),
    recorder=func.access.name_of(delivery.recorded_by),
)
_advice = render(
    AdviceView,
    Advice,
    struck_threat_levels=_struck,
    author=func.access.name_of(advice.author_id),
    reviewer=func.access.name_of(advice.reviewer_id),
    approver=func.access.name_of(advice.approved_by),
    issuer=func.access.name_of(advice.issued_by),
    content_sha256=_hex(advice.content_sha256),
    current_advice_id=current_of(advice.reference, Advice),
    recommendations=gathered(
        render(AdviceRecommendation, Recommendation, finding_ids=cited_by(Recommendation)),
        recommendation.position,
        where=_of_advice,
        of=Advice,
    ),
    findings=gathered(
        render(
            CitedFinding,
            Finding,
            visit_time_marks=func.to_json(_of_the_visit(visit.time_marks)),
            visit_time_reason=_of_the_visit(visit.time_reason),
        ),
        finding.recorded_at,
        finding.id,
        where=_cited_here,
        of=Advice,
    ),
    delivery=gathered(_delivery, delivery.created_at, delivery.id, where=delivery.advice_id == advice.id, of=Advice),
    reviews=gathered(_review, review.decided_at, review.id, where=review.advice_id == advice.id, of=Advice),
    interim_advice=gathered(_interim, interim.given_at, interim.id, where=_carried, of=Advice),
    allowed_actions=_OFFERED,
)
ADVICE_BY_ID = read_one(ALL_ADVICE, _advice)
ADVICE_SHOWN = show_one(ALL_ADVICE, _advice)
_awaiting = (advice.reviewer_id == ME) & (advice.state == literal_column("'in_review'"))
ADVICE_LIST = Listing(
    ALL_ADVICE,
    render(
        AdviceRow,
        Advice,
        author=func.access.name_of(advice.author_id),
        reviewer=func.access.name_of(advice.reviewer_id),
    ),
    filters={
        "case_id": lambda: advice.case_id == given("case_id", Uuid()),
        "state": lambda: advice.state == given("state", Text()),
        "author_id": lambda: advice.author_id == given("author_id", Uuid()),
        "reviewer_id": lambda: advice.reviewer_id == given("reviewer_id", Uuid()),
        "delivery": lambda: (
            (given("delivery", Text()) == literal_column("'pending'"))
            & select(delivery.id).where(delivery.advice_id == advice.id, _pending).correlate(Advice).exists()
        ),
        "awaiting_my_review": lambda: or_(~given("awaiting_my_review", Boolean()), _awaiting),
    },
    sorts={"created_at": Sort(advice.created_at, Moment3())},
)

# The business: its own columns, its own rows, no names but the team's. Of a withdrawal that it was not told of it reads nothing: the
# version stands for it, until it reads that the next one was issued.
_published = one_of(advice.state, [state.value for state in PUBLISHED])


def _stands(version: Any) -> Any:
    return or_(version.state == literal_column("'issued'"), untold_here(version.untold, Action.ADVICE_READ))


def _own_current(of: type) -> Any:
    """The version of a reference that the business reads as issued."""
    last = current.number.desc()
    standing = select(current.id).where(current.reference == advice.reference, _stands(current)).order_by(last)
    return standing.limit(literal_column("1")).correlate(of).scalar_subquery()


_next_issued = (
    select(func.min(current.issued_at))
    .where(current.reference == advice.reference, current.number > advice.number)
    .correlate(Advice)
    .scalar_subquery()
)
_hidden = untold_here(advice.untold, Action.ADVICE_READ)
_own_state = sql_case(
    (~_hidden, advice.state),
    (_next_issued.is_not(None), literal_column(f"'{AdviceState.SUPERSEDED}'")),
    else_=literal_column(f"'{AdviceState.ISSUED}'"),
)
_own = render(
    OwnAdvice,
    Advice,
    state=_own_state,
    ended_at=moment(sql_case((_hidden, _next_issued), else_=advice.ended_at)),
    withdrawal_reason=func.access.told_reason(advice.id),
    struck_threat_levels=_struck,
    current_advice_id=_own_current(Advice),
    team=select(render(TeamContact, Team)).where(team.id == advice.team_id).scalar_subquery(),
    recommendations=gathered(
        render(OwnRecommendation, Recommendation), recommendation.position, where=_of_advice, of=Advice
    ),
    interim_advice=gathered(
        render(OwnInterim, InterimAdvice),
        interim.given_at,
        interim.id,
        where=interim.carried_into == advice.id,
        of=Advice,
    ),
)
OWN_ADVICE_BY_ID = read_one(ALL_ADVICE, _own, reach=lambda ctx: (advice.case_id == any_(ctx.cases)) & _published)
OWN_ADVICE_LIST = Listing(
    ALL_ADVICE,
    render(OwnAdviceRow, Advice, state=_own_state),
    filters={
        "case_id": lambda: advice.case_id == given("case_id", Uuid()),
        "state": lambda: _own_state == given("state", Text()),
    },
    sorts={"created_at": Sort(advice.issued_at, Moment3())},
    where=_published,
    outside=True,
)

SITE_OF_CASE = Statement(select(case.team_id, case.premises_id).where(case.id == given("case_id", Uuid())))
_standing = (
    select(
        advice.author_id,
        advice.reviewer_id,
        advice.case_id,
        advice.team_id,
        case.premises_id,
        case.strand,
        case.state.label("case_state"),
    )
    .join(case, case.id == advice.case_id)
    .where(advice.id == given("id", Uuid()))
)
STANDING = Statement(_standing)
_matched = advice.version == any_(given("versions", ARRAY(Integer)))
ASKED = Statement(
    _standing.add_columns(
        and_(
            func.coalesce(ALL_ADVICE.reached(), literal_column("false")),
            one_of(advice.state, ADVICE.sources(Action.ADVICE_ASSIGN_REVIEWER)),
            _matched,
        ).label("askable")
    )
)
CONTRIBUTED = written(
    """
    SELECT k.what, k.subject_id FROM casework.advice_contributor k WHERE k.advice_id = :id AND k.person_id = :person
    ORDER BY k.what, k.subject_id""",
    id=Uuid(),
    person=Uuid(),
)
COULD_REVIEW = written("SELECT r.id, r.name, r.waiting, r.force FROM casework.could_review(:id) r", id=Uuid())
# Advice that this very transaction has taken back, as far as whoever caused it may read it.
RETURNED_HERE = written(
    """
    SELECT a.reference, a.number FROM casework.case_event e JOIN casework.advice a ON a.id = e.subject_id
    WHERE e.case_id = :case_id AND e.reason_code = 'content_changed' AND e.xmin = pg_current_xact_id()::xid
    ORDER BY a.reference, a.number""",
    case_id=Uuid(),
)

DRAFT = create_under(
    CASES,
    "case_id",
    ALL_ADVICE,
    ADVICE_SHOWN,
    {
        "author_id": given("me", Uuid()),
        "reference": Text(),
        "title": Text(),
        "introduction": Text(),
        "drafted_threat_level": Text(),
        "drafted_northern_ireland_threat_level": Text(),
    },
    states=[state.value for state in RUNNING],
    headline=HEADLINE_SEEN,
)


def _correction() -> Creation:
    """The next version of issued advice: text and scope come from the version that it corrects."""
    values = {
        "id": given("id", Uuid()),
        **CARRIES,
        "reference": advice.reference,
        "number": advice.number + literal_column("1"),
        "author_id": given("me", Uuid()),
        **{name: getattr(advice, name) for name in AdviceFacts.model_fields},
        "correction_reason": given("correction_reason", Text()),
        "drafted_threat_level": given("drafted_threat_level", Text()),
        "drafted_northern_ireland_threat_level": given("drafted_northern_ireland_threat_level", Text()),
    }
    states = [AdviceState.ISSUED.value]
    corrected = advice.id == given("corrects", Uuid())
    source = select(*(value.label(name) for name, value in values.items())).where(
        corrected, ALL_ADVICE.reached(), one_of(advice.state, states)
    )
    made = (
        upsert(Advice)
        .from_select(list(values), source)
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(advice.id)
    )
    within = func.coalesce(ALL_ADVICE.reached(), literal_column("false")).label("within")
    why = select(advice.version, advice.state, within).where(advice.id == given("id", Uuid()))
    return Creation(Statement(made), ADVICE_SHOWN, Guarded(Statement(made), Statement(why), states), "corrects")


CORRECT = _correction()
_copied = ("line_id", *RecommendationFacts.model_fields)
COPY_RECOMMENDATIONS = Statement(
    insert(Recommendation)
    .from_select(
        ["advice_id", "case_id", "team_id", "restricted", "position", *_copied],
        select(
            given("id", Uuid()),
            recommendation.case_id,
            recommendation.team_id,
            recommendation.restricted,
            # Advice that was issued with a gap keeps it; what is drafted from it has none.
            func.row_number().over(order_by=recommendation.position),
            *(getattr(recommendation, name) for name in _copied),
        ).where(recommendation.advice_id == given("corrects", Uuid())),
    )
    .returning(recommendation.id)
)
_original: Any = aliased(Recommendation, name="original")
COPY_CITATIONS = Statement(
    insert(RecommendationFinding)
    .from_select(
        ["recommendation_id", "finding_id", "case_id", "team_id", "restricted"],
        select(recommendation.id, citation.finding_id, citation.case_id, citation.team_id, citation.restricted)
        .join(_original, _original.line_id == recommendation.line_id)
        .join(citation, citation.recommendation_id == _original.id)
        .where(
            recommendation.advice_id == given("id", Uuid()),
            _original.advice_id == given("corrects", Uuid()),
        ),
    )
    .returning(citation.finding_id)
)

AMENDED = {"title": Text(), "introduction": Text()}


@cache
def amend(fields: frozenset[str]) -> Guarded:
    """The merge patch of a draft, for the fields that are stated."""
    return guarded(
        ALL_ADVICE,
        action=Action.ADVICE_DRAFT,
        lifecycle=ADVICE,
        changes={name: given(name, AMENDED[name]) for name in sorted(fields)},
    )


# A recommendation is part of its advice: changing one makes another version of the draft, and waits for whoever submits it.
TOUCH = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_DRAFT,
    lifecycle=ADVICE,
    changes={},
    matched=False,
    returning=(advice.case_id,),
)
# Everybody who changes recommendations of a draft takes its advice first: two who move several of them never cross.
HOLD = Statement(
    select(advice.id)
    .where(
        advice.id == select(recommendation.advice_id).where(recommendation.id == given("id", Uuid())).scalar_subquery()
    )
    .with_for_update(key_share=True)
)
ASSIGN = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_ASSIGN_REVIEWER,
    lifecycle=ADVICE,
    changes={"reviewer_id": given("reviewer_id", Uuid())},
)
MAY_REVIEW = Statement(
    select(literal_column("m.part"), literal_column("m.competent")).select_from(
        func.access.may_review(given("person", Uuid()), given("team_id", Uuid()), given("competence", Text()))
        .table_valued("part", "competent")
        .alias("m")
    )
)
SUBMIT = guarded(ALL_ADVICE, action=Action.ADVICE_SUBMIT, lifecycle=ADVICE, changes={})
RECOMMENDED = Statement(
    select(recommendation.id).where(recommendation.advice_id == given("id", Uuid())).limit(literal_column("1"))
)
TARGETS = Statement(
    select(recommendation.id, recommendation.position, recommendation.target_on)
    .where(recommendation.advice_id == given("id", Uuid()))
    .order_by(recommendation.position)
)
"""The lines of a version in their order, with the days by which they are to be carried out."""
TARGET = Statement(select(recommendation.target_on).where(recommendation.id == given("id", Uuid())))

REVIEW_SHOWN = show_one(REVIEWS, _review)
REVIEW = create_under(
    ALL_ADVICE,
    "advice_id",
    REVIEWS,
    REVIEW_SHOWN,
    {
        "reviewer_id": given("me", Uuid()),
        "decision": Text(),
        "comment": Text(),
        "content_sha256": func.decode(given("content_sha256", Text()), literal_column("'hex'")),
    },
    carries=CARRIES,
    states=ADVICE.sources(Action.ADVICE_REVIEW),
)
TAKE_BACK = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_TAKE_BACK,
    lifecycle=ADVICE,
    changes={"return_reason": literal_column(f"'{ReturnReason.TAKEN_BACK}'")},
    returning=(advice.case_id, advice.reviewer_id),
)
# A grant is for a case, but the asking was for this version of advice; a supervisor reviews without being asked.
_DECIDER = ALL_ADVICE.reached() & or_(
    advice.reviewer_id == given("me", Uuid()), advice.team_id == any_(given("teams", UUIDS))
)
DECIDE = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_REVIEW,
    lifecycle=ADVICE,
    changes={"state": given("state", Text()), "approved_by": given("approved_by", Uuid())},
    guards=(advice.author_id != given("me", Uuid()),),
    reach=_DECIDER,
)
REVIEWED = Statement(
    _standing.add_columns(
        _hex(advice.content_sha256).label("content_sha256"),
        func.coalesce(_DECIDER, literal_column("false")).label("within"),
        and_(advice.state == literal_column("'in_review'"), _matched).label("decidable"),
    )
)
"""Where advice stands for whoever is to decide it, and whether it is to be decided, at the version they read: else that is said first."""

ISSUE = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_ISSUE,
    lifecycle=ADVICE,
    changes={
        "issued_threat_level": given("national", Text()),
        "issued_northern_ireland_threat_level": given("northern_ireland", Text()),
        "issued_under": given("entries", UUIDS),
        "follow_up_on": given("follow_up_on", Date()),
        "issued_by": given("me", Uuid()),
        "issued_at": NOW,
    },
    returning=(
        advice.case_id,
        advice.reference,
        advice.drafted_threat_level,
        advice.drafted_northern_ireland_threat_level,
    ),
)
REACHED = written(
    """
    INSERT INTO casework.advice_delivery (advice_id, case_id, team_id, restricted, contact_id)
    SELECT a.id, a.case_id, a.team_id, a.restricted, r.contact_id FROM casework.advice a CROSS JOIN casework.advice_readers(a.case_id) AS r (contact_id)
    WHERE a.id = :id RETURNING id""",
    id=Uuid(),
)
"""Whom a version reaches as it is issued."""
PLAN_DELIVERY = written(
    """
    INSERT INTO casework.advice_delivery (advice_id, case_id, team_id, restricted, deliver_by, due_on)
    SELECT a.id, a.case_id, a.team_id, a.restricted, :deliver_by, :due_on FROM casework.advice a WHERE a.id = :id RETURNING id""",
    id=Uuid(),
    deliver_by=Text(),
    due_on=Date(),
)
TOUCH_ISSUED = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_ISSUE,
    lifecycle=DELIVERY,
    changes={},
    returning=(advice.case_id, advice.issued_at),
)
DELIVERED = Statement(
    update(AdviceDelivery)
    .where(delivery.advice_id == given("id", Uuid()), delivery.deliver_by.is_not(None), delivery.delivered_at.is_(None))
    .values(
        delivered_by=given("delivered_by", Text()),
        delivered_to=given("delivered_to", Text()),
        delivered_at=given("delivered_at", Moment3()),
        recorded_by=given("me", Uuid()),
        recorded_at=NOW,
    )
    .returning(delivery.id)
)
FREEZE = Statement(
    update(Finding)
    .where(
        ~finding.frozen,
        finding.id.in_(
            select(citation.finding_id)
            .join(recommendation, recommendation.id == citation.recommendation_id)
            .where(recommendation.advice_id == given("id", Uuid()))
        ),
    )
    .values(frozen=literal_column("true"), version=finding.version + 1)
    .returning(finding.id)
)
SUPERSEDE = Statement(
    update(Advice)
    .where(
        advice.reference == given("reference", Text()),
        advice.id != given("id", Uuid()),
        advice.state == literal_column("'issued'"),
    )
    .values(state=literal_column("'superseded'"), ended_at=NOW, version=advice.version + 1)
    .returning(advice.id)
)
SETTLE_SUPERSEDED = Statement(
    update(Recommendation)
    .where(
        recommendation.advice_id == given("superseded", Uuid()),
        ~one_of(recommendation.verification, [state.value for state in SETTLED]),
    )
    .values(verification=literal_column("'superseded'"), version=recommendation.version + 1)
    .returning(recommendation.id)
)
CARRY = Statement(
    update(InterimAdvice)
    .where(interim.case_id == given("case_id", Uuid()), interim.carried_into.is_(None))
    .values(carried_into=given("id", Uuid()))
    .returning(interim.id)
)
WITHDRAW = guarded(
    ALL_ADVICE,
    action=Action.ADVICE_WITHDRAW,
    lifecycle=ADVICE,
    changes={
        "withdrawal_reason": given("reason", Text()),
        "ended_at": NOW,
        "untold": func.access.untold(advice.case_id, literal_column("false"), given("tell", Boolean())),
    },
    returning=(advice.case_id,),
)

INTERIM_SHOWN = show_one(INTERIM, _interim)
RECORD_INTERIM = create_under(
    CASES,
    "case_id",
    INTERIM,
    INTERIM_SHOWN,
    {"given_by": given("me", Uuid()), "given_to": Text(), "given_at": Moment3(), "advice": Text()},
    states=[state.value for state in RUNNING],
    headline=HEADLINE_SEEN,
)
INTERIM_LIST = Listing(
    INTERIM,
    _interim,
    filters={"case_id": lambda: interim.case_id == given("case_id", Uuid())},
    sorts={"given_at": Sort(interim.given_at, Moment3())},
)

UNFINISHED = Statement(
    select(advice.id, advice.title, advice.state)
    .where(
        advice.case_id == given("case_id", Uuid()),
        one_of(advice.state, ("draft", "in_review", "approved")),
    )
    .order_by(advice.created_at, advice.id)
)

# Recommendations. The register of all of them is the action plan.
_number = {"reference": advice.reference, "number": advice.number, "advice_state": advice.state}


def _of_version(column: Any) -> Any:
    return select(column).where(advice.id == recommendation.advice_id).correlate(Recommendation).scalar_subquery()


def _of_recommendation(item: Any, *order: Any, child: Any) -> Any:
    return gathered(item, *order, where=child.recommendation_id == recommendation.id, of=Recommendation)


_told = {name: _of_version(column) for name, column in _number.items()}
_own_told = _told | {"advice_state": _of_version(_own_state)}
_settled = one_of(recommendation.verification, [state.value for state in SETTLED])
_open = and_(_told["advice_state"] == literal_column("'issued'"), ~_settled)
_own_open = and_(_own_told["advice_state"] == literal_column("'issued'"), ~_settled)
_response = render(ResponseView, BusinessResponse, person=func.access.name_of(response.person_id))
_verification = render(VerificationView, Verification, verifier=func.access.name_of(verification.verified_by))
_recommendation = render(
    RecommendationView,
    Recommendation,
    **_told,
    finding_ids=cited_by(Recommendation),
    current_advice_id=_of_version(current_of(advice.reference, Advice)),
    responses=_of_recommendation(_response, response.responded_at, response.id, child=response),
    verifications=_of_recommendation(_verification, verification.verified_at, verification.id, child=verification),
    open_reasons=_of_recommendation(
        render(OpenReasonView, OpenReason), open_reason.stated_at, open_reason.id, child=open_reason
    ),
    allowed_actions=func.access.allowed_actions(
        literal_column("'recommendation'"),
        _told["advice_state"],
        recommendation.case_id,
        recommendation.team_id,
        recommendation.restricted,
    ),
)
RECOMMENDATION_BY_ID = read_one(REGISTER, _recommendation)
RECOMMENDATION_SHOWN = show_one(REGISTER, _recommendation)
OWN_RECOMMENDATION_BY_ID = read_one(
    REGISTER,
    render(
        OwnRecommendationView,
        Recommendation,
        **_own_told,
        current_advice_id=_of_version(_own_current(Advice)),
        responses=_of_recommendation(
            render(OwnResponse, BusinessResponse), response.responded_at, response.id, child=response
        ),
        verifications=_of_recommendation(
            render(OwnVerification, Verification), verification.verified_at, verification.id, child=verification
        ),
        allowed_actions=func.access.own_actions(literal_column("'recommendation'"), _own_told["advice_state"]),
    ),
    reach=lambda ctx: recommendation.case_id == any_(ctx.cases),
)


def _register(*, outside: bool) -> Listing:
    """The register, for staff or for the business: the same rows as far as each may see them."""
    told, open_ = (_own_told, _own_open) if outside else (_told, _open)
    return Listing(
        REGISTER,
        render(RecommendationRow, Recommendation, **told),
        filters={
            "case_id": lambda: recommendation.case_id == given("case_id", Uuid()),
            "advice_id": lambda: recommendation.advice_id == given("advice_id", Uuid()),
            "priority": lambda: recommendation.priority == given("priority", Text()),
            "answer": lambda: recommendation.answer == given("answer", Text()),
            "verification": lambda: recommendation.verification == given("verification", Text()),
            "open": lambda: open_ == given("open", Boolean()),
            "overdue": lambda: (
                and_(open_, func.coalesce(recommendation.target_on < TODAY, literal_column("false")))
                == given("overdue", Boolean())
            ),
        },
        sorts={"created_at": Sort(recommendation.created_at, Moment3())},
        outside=outside,
    )


RECOMMENDATION_LIST = _register(outside=False)
OWN_RECOMMENDATION_LIST = _register(outside=True)

CONTENT = {
    "action": Text(),
    "principle": Text(),
    "domain": Text(),
    "priority": Text(),
    "responsible_party": Text(),
    "target_on": Date(),
    "cost_band": Text(),
    "guidance": Text(),
}
_last: Any = aliased(Recommendation, name="last")
ADD = create_under(
    ALL_ADVICE,
    "advice_id",
    REGISTER,
    RECOMMENDATION_SHOWN,
    {
        **CONTENT,
        "line_id": given("id", Uuid()),
        "position": select(func.coalesce(func.max(_last.position), literal_column("0")) + literal_column("1"))
        .where(_last.advice_id == advice.id)
        .correlate(Advice)
        .scalar_subquery(),
    },
    carries=CARRIES,
    states=[state.value for state in DRAFTED],
    repeated=("id",),
)


@cache
def amend_recommendation(fields: frozenset[str]) -> Guarded:
    """The merge patch of a recommendation, for the fields that are stated; its advice must be a draft."""
    states = [state.value for state in DRAFTED]
    common = guarded(
        REGISTER,
        changes={name: given(name, CONTENT[name]) for name in sorted(fields)},
        guards=(one_of(_told["advice_state"], states),),
        returning=(recommendation.advice_id,),
    )
    within = func.coalesce(REGISTER.reached(), literal_column("false")).label("within")
    diagnosis = select(recommendation.version, _told["advice_state"].label("state"), within).where(
        recommendation.id == given("id", Uuid())
    )
    return Guarded(common.change, Statement(diagnosis), states)


UNCITE = Statement(
    delete(RecommendationFinding)
    .where(citation.recommendation_id == given("id", Uuid()))
    .returning(citation.finding_id)
)
CITED = Statement(select(citation.finding_id).where(citation.recommendation_id == given("id", Uuid())))
CITE = Statement(
    insert(RecommendationFinding)
    .from_select(
        ["recommendation_id", "finding_id", "case_id", "team_id", "restricted"],
        select(recommendation.id, finding.id, recommendation.case_id, recommendation.team_id, recommendation.restricted)
        .join(finding, finding.case_id == recommendation.case_id)
        .where(recommendation.id == given("id", Uuid()), finding.id == any_(given("finding_ids", UUIDS))),
    )
    .returning(citation.finding_id)
)
REMOVE = Statement(
    delete(Recommendation)
    .where(recommendation.id == given("id", Uuid()))
    .returning(recommendation.advice_id, recommendation.position)
)
CLOSE_UP = Statement(
    update(Recommendation)
    .where(recommendation.advice_id == given("id", Uuid()), recommendation.position > given("removed", Integer()))
    .values(position=recommendation.position - 1, version=recommendation.version + 1)
    .returning(recommendation.id)
)
NUMBERED = Statement(select(recommendation.id).where(recommendation.advice_id == given("id", Uuid())))
REORDER = written(
    """
    UPDATE casework.recommendation r SET position = o.place, version = r.version + 1
    FROM unnest(:ids) WITH ORDINALITY AS o (id, place)
    WHERE r.id = o.id AND r.advice_id = :id AND r.position <> o.place RETURNING r.id""",
    ids=UUIDS,
    id=Uuid(),
)


def _place(state: Any, current_id: Any) -> Statement:
    """What became of the advice of a recommendation, for whoever answers it or verifies it."""
    found = (state.label("state"), _of_version(current_id).label("current_advice_id"))
    return Statement(select(recommendation.case_id, *found).where(recommendation.id == given("id", Uuid())))


PLACE = _place(_told["advice_state"], current_of(advice.reference, Advice))
OWN_PLACE = _place(_own_told["advice_state"], _own_current(Advice))
_scope = {
    "case_id": recommendation.case_id,
    "team_id": recommendation.team_id,
    "restricted": recommendation.restricted,
}
RESPONSE_SHOWN = show_one(RESPONSES, _response)
OWN_RESPONSE_SHOWN = show_one(RESPONSES, render(OwnResponse, BusinessResponse))
_answer = {"answer": Text(), "reason_code": Text(), "note": Text(), "person_id": Uuid()}
RESPOND = create_under(REGISTER, "recommendation_id", RESPONSES, RESPONSE_SHOWN, _answer, carries=_scope)
OWN_RESPOND = create_under(REGISTER, "recommendation_id", RESPONSES, OWN_RESPONSE_SHOWN, _answer, carries=_scope)
ANSWERED = Statement(
    update(Recommendation)
    .where(recommendation.id == given("id", Uuid()))
    .values(answer=given("answer", Text()), version=recommendation.version + 1)
    .returning(recommendation.id)
)

VERIFICATION_SHOWN = show_one(VERIFICATIONS, _verification)
VERIFY = create_under(
    REGISTER,
    "recommendation_id",
    VERIFICATIONS,
    VERIFICATION_SHOWN,
    {"state": Text(), "visit_id": Uuid(), "evidence": Text(), "reason": Text(), "verified_by": given("me", Uuid())},
    carries=_scope,
)
VERIFIED = Statement(
    update(Recommendation)
    .where(recommendation.id == given("id", Uuid()))
    .values(verification=given("state", Text()), version=recommendation.version + 1)
    .returning(recommendation.id)
)
# When the business was first told of the recommendation, in whichever version.
FIRST_ISSUED = written(
    """
    SELECT min(a.issued_at) AS at FROM casework.recommendation named
    JOIN casework.recommendation r ON r.line_id = named.line_id AND r.case_id = named.case_id
    JOIN casework.advice a ON a.id = r.advice_id
    WHERE named.id = :id""",
    id=Uuid(),
)
# As the last supplement has it, if one says something else than what was logged.
_arrived_instead: Any = literal_column("""(
    SELECT (c.change ->> 'new')::timestamptz FROM casework.visit_supplement s, jsonb_array_elements(s.changes) AS c (change)
    WHERE s.visit_id = casework.site_visit.id AND c.change ->> 'field' = 'arrived_at' ORDER BY s.visit_version DESC LIMIT 1)""")
COMPLETED_VISIT = Statement(
    select(func.coalesce(_arrived_instead, visit.arrived_at).label("arrived_at")).where(
        visit.id == given("visit_id", Uuid()),
        visit.case_id == given("case_id", Uuid()),
        visit.state == literal_column("'completed'"),
    )
)

OPEN_OF_CASE = Statement(
    select(
        recommendation.id,
        recommendation.action,
        recommendation.priority,
        recommendation.team_id,
    )
    .where(recommendation.case_id == given("case_id", Uuid()), _open)
    .order_by(recommendation.created_at, recommendation.id)
)
STATE_REASON = Statement(
    insert(OpenReason)
    .from_select(
        ["recommendation_id", "case_id", "team_id", "restricted", "reason_code", "note", "stated_by"],
        select(
            recommendation.id,
            *_scope.values(),
            given("reason_code", Text()),
            given("note", Text()),
            given("me", Uuid()),
        ).where(recommendation.id == given("recommendation_id", Uuid())),
    )
    .returning(open_reason.id)
)
