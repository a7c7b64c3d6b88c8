"""Every statement about offers to review."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Date, Text, Uuid, any_, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from casework.kernel.statements import given, written
from casework.kernel.tables import NOW, TODAY, columns
from casework.kernel.views import render
from casework.people.models import Team
from casework.reference.models import PoliceForce
from casework.review_offers.models import ReviewOffer
from casework.review_offers.schemas import ReviewerOffering, ReviewOfferView
from casework.work.amending import Amending
from casework.work.composing import CTX, Listing, Reachable, Sort, create, guarded, show_one

offer, team, force = map(columns, (ReviewOffer, Team, PoliceForce))


@dataclass(frozen=True)
class _Mine(Reachable):
    """One's own offer, or those of the teams."""

    def shape(self, teams: Any, answering: Any, reaches: Callable[[Any], Any]) -> ColumnElement[bool]:
        return or_(super().shape(teams, answering, reaches), offer.person_id == func.access.current_principal())


OFFERS = _Mine(ReviewOffer, "review_offer")
EVERYBODYS = Reachable(ReviewOffer, "review_offer", open=True)
_standing = offer.ended_at.is_(None) & (offer.until >= TODAY)
_name: Any = func.access.name_of(offer.person_id)
_offer = render(ReviewOfferView, ReviewOffer, person=_name, offered_by=func.access.name_of(offer.offered_by))
OFFER_SHOWN = show_one(OFFERS, _offer)

PLACE = written(
    """
    SELECT r.team_id, r.within, p.competences, o.id AS standing, o.until
    FROM casework.person p CROSS JOIN LATERAL access.review_place(p.id) r
    LEFT JOIN casework.review_offer o ON o.person_id = p.id AND o.ended_at IS NULL
    WHERE p.id = :person_id""",
    person_id=Uuid(),
)
"""Where somebody reviews, whether their offers are the caller's to make, and the offer that stands."""
OFFER = create(
    OFFERS,
    OFFER_SHOWN,
    {
        "person_id": Uuid(),
        "team_id": Uuid(),
        "strands": ARRAY(Text),
        "until": Date(),
        "offered_by": given("me", Uuid()),
    },
)
EXPIRE = written(
    "UPDATE casework.review_offer SET ended_at = date_trunc('milliseconds', casework.now()), ended_because = 'expired',"
    " version = version + 1 WHERE id = :id RETURNING id",
    id=Uuid(),
)
AMEND = Amending(OFFERS, OFFER_SHOWN)
END = guarded(
    OFFERS,
    changes={"ended_at": NOW, "ended_because": literal_column("'taken_back'")},
    guards=[offer.ended_at.is_(None)],
)

_in_team = offer.team_id == team.id
REVIEWERS = Listing(
    EVERYBODYS,
    render(
        ReviewerOffering,
        ReviewOffer,
        person=_name,
        force_code=select(team.force_code).where(_in_team).correlate(ReviewOffer).scalar_subquery(),
        force=select(force.name)
        .join(Team, team.force_code == force.code)
        .where(_in_team)
        .correlate(ReviewOffer)
        .scalar_subquery(),
    ),
    where=_standing,
    filters={
        "strand": lambda: given("strand", Text()) == any_(offer.strands),
        "force_code": lambda: offer.team_id.in_(select(team.id).where(team.force_code == given("force_code", Text()))),
    },
    sorts={"until": Sort(offer.until, Date())},
)
OWN = Listing(
    EVERYBODYS,
    _offer,
    where=or_(offer.team_id == any_(CTX.teams), offer.person_id == CTX.principal),
    filters={"person_id": lambda: offer.person_id == given("person_id", Uuid())},
    sorts={"until": Sort(offer.until, Date())},
)
