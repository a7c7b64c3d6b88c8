"""What comes in and goes out about offers to review."""

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from casework.kernel.inputs import Input, amendment
from casework.kernel.views import Page, View
from casework.review_offers.models import ReviewOfferFacts


class ReviewOffering(ReviewOfferFacts, Input):
    """For which strands a reviewer offers to review for other forces, and until when."""


class ReviewOfferEnding(Input):
    """Nothing needs to be stated."""


class ReviewerOffering(View):
    """A reviewer who may be asked by other forces: name, force and competences only."""

    person_id: UUID
    person: str
    force_code: str
    force: str
    strands: list[str]
    until: date


class ReviewOfferView(View):
    """An offer as the reviewer and the supervisors of the team see it."""

    id: UUID
    person_id: UUID
    person: str
    team_id: UUID
    strands: list[str]
    until: date
    offered_by: str
    offered_at: datetime
    ended_at: datetime | None
    ended_because: str | None
    """taken_back, expired, no_longer_reviewer (role ended, locked out or gone) or no_longer_competent"""
    version: int


class ReviewerPage(Page):
    """Reviewers of other forces, one page."""

    items: list[ReviewerOffering]
    next_cursor: str | None


class ReviewOfferPage(Page):
    """Offers, one page."""

    items: list[ReviewOfferView]
    next_cursor: str | None


if TYPE_CHECKING:
    ReviewOfferAmendment = Input
else:
    ReviewOfferAmendment = amendment("ReviewOfferAmendment", ReviewOfferFacts)
