"""HTTP for advice."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.advice import actions, problems, queries
from casework.advice.lifecycle import AdviceState, Answer, Priority, VerificationState
from casework.advice.schemas import (
    AdviceAmendment,
    AdviceCorrection,
    AdviceDrafting,
    AdviceIssuing,
    AdvicePage,
    AdviceSubmission,
    AdviceTakingBack,
    AdviceView,
    AdviceWithdrawing,
    DeliveryRecording,
    InterimPage,
    InterimRecording,
    InterimView,
    OwnAdvice,
    OwnAdvicePage,
    OwnRecommendationView,
    OwnResponse,
    RecommendationAmendment,
    RecommendationDrafting,
    RecommendationOrder,
    RecommendationPage,
    RecommendationView,
    Responding,
    ResponseView,
    ReviewerAsking,
    Reviewing,
    ReviewView,
    VerificationView,
    Verifying,
)
from casework.cases.problems import CompetenceMissing
from casework.kernel.inputs import Flag, Uuid
from casework.kernel.problems import StateConflict, UnknownParameter
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["advice"], route_class=DoorRoute)
SortByCreation = Annotated[str, Query(pattern="^-?created_at$")]
_RECOMMENDATION = {
    "action": "Fit a rising bollard at the service entrance.",
    "principle": "delay",
    "domain": "physical",
    "priority": "high",
    "responsible_party": "Estates manager",
    "target_on": "2027-03-31",
    "cost_band": "10000_to_100000",
    "guidance": "https://www.npsa.gov.uk/hostile-vehicle-mitigation",
    "finding_ids": ["0190b2c4-0000-7000-8000-000000000003"],
}


@router.post(
    "/cases/{case_id}/advice",
    **operation(
        Action.ADVICE_DRAFT,
        "Draft advice",
        AdviceView,
        status=201,
        creates=True,
        problems=(StateConflict,),
        example={"title": "Advice for the spring fair", "introduction": "After our visit in November."},
    ),
)
async def draft(door: AtDoor, case_id: Id, drafting: AdviceDrafting) -> Response:
    """The first version of a new reference. The threat level of the day is stamped on it."""
    return await door.write(lambda work: actions.draft(work, case_id, drafting), status=201)


@router.get("/advice", **operation(Action.ADVICE_READ, "List advice", AdvicePage | OwnAdvicePage, suffix="list"))
async def list_advice(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: SortByCreation = "-created_at",
    case_id: Uuid | None = None,
    state: AdviceState | None = None,
    author_id: Uuid | None = None,
    reviewer_id: Uuid | None = None,
    awaiting_my_review: Flag | None = None,
    delivery: Literal["pending"] | None = None,
) -> Response:
    """The versions of advice that the caller may read. A business reads what was issued to it, by the time of issue."""
    filters: dict[str, Any] = {"case_id": case_id, "state": state}
    inside: dict[str, Any] = {
        "author_id": author_id,
        "reviewer_id": reviewer_id,
        "awaiting_my_review": awaiting_my_review,
    }
    inside["delivery"] = delivery
    if door.outside and any(value is not None for value in inside.values()):
        raise UnknownParameter("A business filters by case_id and state.", possible=sorted(filters))
    listing = queries.OWN_ADVICE_LIST if door.outside else queries.ADVICE_LIST
    filters |= {} if door.outside else inside
    return await door.page(listing, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get("/advice/{advice_id}", **operation(Action.ADVICE_READ, "Read advice", AdviceView | OwnAdvice))
async def read_advice(door: AtDoor, advice_id: Id) -> Response:
    """A version of advice with its recommendations, and for staff the findings they cite and its reviews."""
    return await door.one(queries.OWN_ADVICE_BY_ID if door.outside else queries.ADVICE_BY_ID, id=advice_id)


@router.patch(
    "/advice/{advice_id}",
    **operation(
        Action.ADVICE_DRAFT,
        "Amend a draft",
        AdviceView,
        suffix="amend",
        amends=True,
        example={"title": "Advice for the spring fair on the market place"},
    ),
)
async def amend(door: AtDoor, advice_id: Id, amendment: AdviceAmendment) -> Response:
    """A JSON merge patch; only while the advice is a draft or was returned."""
    return await door.write(lambda work: actions.amend(work, advice_id, amendment))


@router.post(
    "/advice/{advice_id}/versions",
    **operation(
        Action.ADVICE_DRAFT,
        "Correct issued advice",
        AdviceView,
        suffix="correct",
        status=201,
        creates=True,
        problems=(StateConflict, problems.WorkingVersionExists, problems.CaseNotRunning),
        example={"correction_reason": "The north gate was taken for the south gate."},
    ),
)
async def correct(door: AtDoor, advice_id: Id, correction: AdviceCorrection) -> Response:
    """The next version of the same reference, begun as a copy. The issued one stands until the new one is issued."""
    return await door.write(lambda work: actions.correct(work, advice_id, correction), status=201)


@router.post(
    "/advice/{advice_id}/recommendations",
    **operation(
        Action.ADVICE_DRAFT,
        "Add a recommendation",
        RecommendationView,
        suffix="recommendation",
        status=201,
        creates=True,
        problems=(StateConflict,),
        example=_RECOMMENDATION,
    ),
)
async def recommend(door: AtDoor, advice_id: Id, drafting: RecommendationDrafting) -> Response:
    """It takes its place at the end, and cites findings of the same case."""
    return await door.write(lambda work: actions.recommend(work, advice_id, drafting), status=201)


@router.patch(
    "/recommendations/{recommendation_id}",
    **operation(
        Action.ADVICE_DRAFT,
        "Amend a recommendation",
        RecommendationView,
        suffix="amend-recommendation",
        amends=True,
        example={"priority": "critical"},
    ),
)
async def amend_recommendation(door: AtDoor, recommendation_id: Id, amendment: RecommendationAmendment) -> Response:
    """A JSON merge patch; `finding_ids` replaces what was cited. Only while the advice is a draft or was returned."""
    return await door.write(lambda work: actions.amend_recommendation(work, recommendation_id, amendment))


@router.delete(
    "/recommendations/{recommendation_id}",
    **operation(
        Action.ADVICE_DRAFT, "Take a recommendation out", AdviceView, suffix="remove-recommendation", amends=True
    ),
)
async def remove_recommendation(door: AtDoor, recommendation_id: Id) -> Response:
    """Only while the advice is a draft or was returned. Those after it close up. The answer is the advice as it stands then."""
    return await door.write(lambda work: actions.remove_recommendation(work, recommendation_id))


@router.post(
    "/advice/{advice_id}/recommendation-order",
    **operation(
        Action.ADVICE_DRAFT,
        "Reorder the recommendations",
        AdviceView,
        suffix="reorder",
        moves=True,
        example={
            "recommendation_ids": ["0190b2c4-0000-7000-8000-000000000006", "0190b2c4-0000-7000-8000-000000000005"]
        },
    ),
)
async def reorder(door: AtDoor, advice_id: Id, ordering: RecommendationOrder) -> Response:
    """All of them, each once, in the order wanted: they are numbered from one on without a gap, and keep their numbers once the
    advice is issued. Only while it is a draft or was returned; If-Match takes the version of the advice."""
    return await door.write(lambda work: actions.reorder(work, advice_id, ordering))


@router.post(
    "/advice/{advice_id}/reviewer",
    **operation(
        Action.ADVICE_ASSIGN_REVIEWER,
        "Ask somebody to review",
        AdviceView,
        moves=True,
        problems=(problems.OwnAdvice, problems.NotAReviewer, CompetenceMissing),
        example={"reviewer_id": "0190b2c4-0000-7000-8000-000000000002"},
    ),
)
async def ask_reviewer(door: AtDoor, advice_id: Id, asking: ReviewerAsking) -> Response:
    """A reviewer of this force or another, or a supervisor of the team, with the competence of the case; never a contributor. They read
    the case until they have decided; whoever contributes meanwhile is asked no longer."""
    return await door.write(lambda work: actions.ask_reviewer(work, advice_id, asking))


@router.post(
    "/advice/{advice_id}/submission",
    **operation(
        Action.ADVICE_SUBMIT,
        "Submit advice for review",
        AdviceView,
        moves=True,
        problems=(problems.NothingRecommended, problems.CaseNotRunning),
        example={},
    ),
)
async def submit(door: AtDoor, advice_id: Id, submission: AdviceSubmission) -> Response:
    """With one recommendation at least. The reviewer may be asked before or after. What it says now, with the interim advice that it
    would carry, is its content: `content_sha256` names it, and a change of it takes the advice back (`return_reason: content_changed`)."""
    return await door.write(lambda work: actions.submit(work, advice_id, submission))


@router.post(
    "/advice/{advice_id}/recall",
    **operation(
        Action.ADVICE_TAKE_BACK,
        "Take submitted advice back",
        AdviceView,
        moves=True,
        example={"reason": "One measure more is needed."},
    ),
)
async def take_back(door: AtDoor, advice_id: Id, taking: AdviceTakingBack) -> Response:
    """Before it is decided, by the case's adviser or a supervisor. Whoever was asked to review it is told, and reads it no more."""
    return await door.write(lambda work: actions.take_back(work, advice_id, taking))


@router.post(
    "/advice/{advice_id}/review",
    **operation(
        Action.ADVICE_REVIEW,
        "Return or approve advice",
        ReviewView,
        moves=True,
        problems=(problems.OwnAdvice, problems.ContentChanged, CompetenceMissing),
        example={
            "decision": "returned",
            "content_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "comment": "The second finding is not answered.",
        },
    ),
)
async def review(door: AtDoor, advice_id: Id, reviewing: Reviewing) -> Response:
    """By the reviewer who was asked, or a supervisor of the team; never by a contributor. `content_sha256` is sent back as the advice
    showed it: whoever has read another content than is there now has not reviewed it."""
    return await door.write(lambda work: actions.review(work, advice_id, reviewing))


@router.post(
    "/advice/{advice_id}/issue",
    **operation(
        Action.ADVICE_ISSUE,
        "Issue advice",
        AdviceView,
        moves=True,
        problems=(
            problems.NoThreatLevel,
            problems.ThreatLevelChanged,
            problems.ContentChanged,
            problems.CaseNotRunning,
        ),
        example={"follow_up_on": "2027-06-01", "deliver_by": "in_person", "deliver_on": "2027-03-05"},
    ),
)
async def issue(door: AtDoor, advice_id: Id, issuing: AdviceIssuing) -> Response:
    """Issued advice never changes, nor do the findings that it cites. The version before it is superseded, and what was to be
    delivered of that one is void. `delivery` answers whom it reached. Where no verified contact can read it by their link,
    `deliver_by` and `deliver_on` are required (422 at `/deliver_by`), and the delivery is pending until it is recorded."""
    return await door.write(lambda work: actions.issue(work, advice_id, issuing))


@router.post(
    "/advice/{advice_id}/delivery",
    **operation(
        Action.ADVICE_ISSUE,
        "Record a delivery",
        AdviceView,
        suffix="delivery",
        moves=True,
        problems=(problems.NoDeliveryPending,),
        example={
            "delivered_to": "Operations manager",
            "delivered_at": "2027-03-05T10:00:00Z",
            "delivered_by": "in_person",
        },
    ),
)
async def record_delivery(door: AtDoor, advice_id: Id, recording: DeliveryRecording) -> Response:
    """That a pending delivery is done: to whom, when (since the issue, and not to come) and how. Once, while the version stands issued.
    A contact who is verified later does not end what is pending: it is recorded. If-Match takes the version of the advice."""
    return await door.write(lambda work: actions.record_delivery(work, advice_id, recording))


@router.post(
    "/advice/{advice_id}/withdrawal",
    **operation(
        Action.ADVICE_WITHDRAW,
        "Withdraw issued advice",
        AdviceView,
        moves=True,
        example={"reason": "It was issued for the wrong building."},
    ),
)
async def withdraw(door: AtDoor, advice_id: Id, withdrawing: AdviceWithdrawing) -> Response:
    """It stays readable as withdrawn, for the business too, which is written to and reads the reason. An enquiry that was handed over
    goes on reading it as issued, unless `tell_business` says that it is told."""
    return await door.write(lambda work: actions.withdraw(work, advice_id, withdrawing))


@router.get(
    "/recommendations",
    **operation(Action.RECOMMENDATION_READ, "List recommendations", RecommendationPage, suffix="list"),
)
async def list_recommendations(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: SortByCreation = "-created_at",
    case_id: Uuid | None = None,
    advice_id: Uuid | None = None,
    priority: Priority | None = None,
    answer: Answer | None = None,
    verification: VerificationState | None = None,
    open: Flag | None = None,
    overdue: Flag | None = None,
) -> Response:
    """The register, or action plan. `open`: of advice that stands, and neither verified nor settled otherwise; `overdue`:
    open past its target date."""
    filters = {
        "case_id": case_id,
        "advice_id": advice_id,
        "priority": priority,
        "answer": answer,
        "verification": verification,
        "open": open,
        "overdue": overdue,
    }
    listing = queries.OWN_RECOMMENDATION_LIST if door.outside else queries.RECOMMENDATION_LIST
    return await door.page(listing, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get(
    "/recommendations/{recommendation_id}",
    **operation(Action.RECOMMENDATION_READ, "Read a recommendation", RecommendationView | OwnRecommendationView),
)
async def read_recommendation(door: AtDoor, recommendation_id: Id) -> Response:
    """A recommendation with its two tracks: what the business answered, and what was verified."""
    statement = queries.OWN_RECOMMENDATION_BY_ID if door.outside else queries.RECOMMENDATION_BY_ID
    return await door.one(statement, id=recommendation_id)


@router.post(
    "/recommendations/{recommendation_id}/responses",
    **operation(
        Action.RECOMMENDATION_RESPOND,
        "Answer a recommendation",
        ResponseView | OwnResponse,
        status=201,
        creates=True,
        problems=(StateConflict, problems.SupersededAdvice),
        example={"answer": "declined", "reason_code": "cost", "note": "Not before the next budget."},
    ),
)
async def respond(door: AtDoor, recommendation_id: Id, responding: Responding) -> Response:
    """By the business itself, or by staff on its behalf. Answers are append only; the last one counts."""
    return await door.write(lambda work: actions.respond(work, recommendation_id, responding), status=201)


@router.post(
    "/recommendations/{recommendation_id}/verifications",
    **operation(
        Action.RECOMMENDATION_VERIFY,
        "Verify a recommendation",
        VerificationView,
        status=201,
        creates=True,
        problems=(StateConflict, problems.SupersededAdvice),
        example={"state": "verified", "visit_id": "0190b2c4-0000-7000-8000-000000000004"},
    ),
)
async def verify(door: AtDoor, recommendation_id: Id, verifying: Verifying) -> Response:
    """How far it was carried out. *Verified* cites a visit made after the recommendation was first issued, or other evidence."""
    return await door.write(lambda work: actions.verify(work, recommendation_id, verifying), status=201)


@router.post(
    "/cases/{case_id}/interim-advice",
    **operation(
        Action.INTERIM_ADVICE_RECORD,
        "Record interim advice",
        InterimView,
        status=201,
        creates=True,
        problems=(StateConflict,),
        example={
            "given_to": "Duty manager",
            "given_at": "2026-11-22T08:30:00Z",
            "advice": "Keep the side doors shut until we have visited.",
        },
    ),
)
async def record_interim(door: AtDoor, case_id: Id, recording: InterimRecording) -> Response:
    """What was advised by voice or in urgency: to whom, when and what. The next issued version carries it; one that is in review or
    approved goes back to its author, and the answer's warnings name it."""
    return await door.write(lambda work: actions.record_interim(work, case_id, recording), status=201)


@router.get(
    "/cases/{case_id}/interim-advice",
    **operation(Action.ADVICE_READ, "List interim advice", InterimPage, suffix="interim"),
)
async def list_interim(
    door: AtDoor,
    case_id: Id,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?given_at$")] = "-given_at",
) -> Response:
    """What was advised on a case before a report, or between two."""
    return await door.page(
        queries.INTERIM_LIST,
        limit=limit,
        cursor=cursor,
        sort=sort,
        filters={"case_id": case_id},
        under=case_id,
    )
