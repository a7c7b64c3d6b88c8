"""HTTP for offers to review."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.kernel.columns import Word
from casework.kernel.inputs import Uuid
from casework.kernel.problems import AlreadyExists, StateConflict
from casework.reference.models import AreaCode
from casework.review_offers import actions, queries
from casework.review_offers.problems import NoReviewer
from casework.review_offers.schemas import (
    ReviewerPage,
    ReviewOfferAmendment,
    ReviewOfferEnding,
    ReviewOffering,
    ReviewOfferPage,
    ReviewOfferView,
)
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["review_offers"], route_class=DoorRoute)
ByEnd = Annotated[str, Query(pattern="^-?until$", description="The order: `until`, or `-until` backwards.")]


@router.post(
    "/people/{person_id}/review-offer",
    **operation(
        Action.PERSON_OFFER_REVIEW,
        "Offer to review for other forces",
        ReviewOfferView,
        status=201,
        creates=True,
        problems=(NoReviewer, AlreadyExists),
        example={"strands": ["pal"], "until": "2027-06-30"},
    ),
)
async def offer(door: AtDoor, person_id: Id, offering: ReviewOffering) -> Response:
    """The reviewer, or a supervisor of the team for them. Whoever asks for a review finds name, force and strands, and nothing else."""
    return await door.write(lambda work: actions.offer(work, person_id, offering), status=201)


@router.patch(
    "/people/{person_id}/review-offer",
    **operation(
        Action.PERSON_OFFER_REVIEW,
        "Amend an offer to review",
        ReviewOfferView,
        suffix="amend",
        amends=True,
        problems=(StateConflict,),
        example={"until": "2027-09-30"},
    ),
)
async def amend(door: AtDoor, person_id: Id, amendment: ReviewOfferAmendment) -> Response:
    """Other strands, or another last day, of the offer that stands."""
    return await door.write(lambda work: actions.amend(work, person_id, amendment))


@router.post(
    "/people/{person_id}/review-offer/ending",
    **operation(
        Action.PERSON_OFFER_REVIEW,
        "Take an offer to review back",
        ReviewOfferView,
        suffix="end",
        moves=True,
        problems=(StateConflict,),
        example={},
    ),
)
async def end(door: AtDoor, person_id: Id, _: ReviewOfferEnding) -> Response:
    """At once. It ends by itself after its last day, with the role, and when the reviewer is locked out or leaves."""
    return await door.write(lambda work: actions.end(work, person_id))


@router.get(
    "/review-offers",
    **operation(Action.ADVICE_ASSIGN_REVIEWER, "Find reviewers of other forces", ReviewerPage, suffix="find"),
)
async def list_reviewers(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: ByEnd = "-until",
    strand: Annotated[Word | None, Query(description="Who offers this competence.")] = None,
    force_code: AreaCode | None = None,
) -> Response:
    """Who offers to review for other forces just now, for whoever may ask for a review."""
    filters = {"strand": strand, "force_code": force_code}
    return await door.page(queries.REVIEWERS, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get(
    "/review-offers/own",
    **operation(Action.PERSON_OFFER_REVIEW, "List one's own offers to review", ReviewOfferPage, suffix="own"),
)
async def list_own(
    door: AtDoor, limit: Limit = 25, cursor: Cursor = None, sort: ByEnd = "-until", person_id: Uuid | None = None
) -> Response:
    """A reviewer's own, a supervisor's those of the team: what stands, and what has ended."""
    return await door.page(queries.OWN, limit=limit, cursor=cursor, sort=sort, filters={"person_id": person_id})
