"""The verbs of offers to review: made, amended and taken back by the reviewer, or by a supervisor of the team."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from asyncpg import Record

from casework.kernel.inputs import Input
from casework.kernel.problems import AlreadyExists, Forbidden, StateConflict, ValidationFailed
from casework.review_offers import queries
from casework.review_offers.problems import NoReviewer
from casework.review_offers.schemas import ReviewOffering
from casework.work.amending import amend as amend_record
from casework.work.times import require_ahead
from casework.work.unit import Answer, Work

YEARS = 2
"""For how long a reviewer offers at most."""


async def _place(work: Work, person_id: UUID) -> Record:
    place = await work.obtain(queries.PLACE, person_id=person_id)
    if not place["within"]:
        raise Forbidden("This is the reviewer's own to say, or a supervisor's of their team.")
    return place


def _judge(work: Work, place: Record, stated: Mapping[str, Any]) -> None:
    until: date | None = stated.get("until")
    if until is not None and until != place["until"]:
        require_ahead(work, "/until", until, "Give a day that is still to come.", years=YEARS)
    strands: Sequence[str] = stated.get("strands", ())
    told = {"code": "not-held", "message": "Offer competences that the reviewer has, each once."}
    wrong = [n for n, each in enumerate(strands) if each not in place["competences"] or each in strands[:n]]
    if wrong:
        raise ValidationFailed(errors=[{"pointer": f"/strands/{n}", **told} for n in wrong])


async def offer(work: Work, person_id: UUID, offering: ReviewOffering) -> Answer:
    """Let other forces find a reviewer. One offer stands at a time."""
    place = await _place(work, person_id)
    if place["team_id"] is None:
        raise NoReviewer
    if place["standing"] is not None:
        if place["until"] >= work.clock.today():
            raise AlreadyExists("An offer of this person stands: amend it.")
        await work.row(queries.EXPIRE, id=place["standing"])
    _judge(work, place, offering.model_dump())
    made = await work.create(queries.OFFER, offering, person_id=person_id, team_id=place["team_id"])
    return await work.show(queries.OFFER_SHOWN, made)


async def amend(work: Work, person_id: UUID, amendment: Input) -> Answer:
    """Change the strands or the last day of the offer that stands."""
    place = await _place(work, person_id)
    _judge(work, place, amendment.model_dump(exclude_unset=True))
    return await amend_record(work, queries.AMEND, _standing(place), amendment)


async def end(work: Work, person_id: UUID) -> Answer:
    """Take the offer back. What the reviewer has been asked already stays theirs until it is decided."""
    offer_id = _standing(await _place(work, person_id))
    await work.advance(queries.END, id=offer_id)
    return await work.show(queries.OFFER_SHOWN, offer_id)


def _standing(place: Record) -> UUID:
    offer_id: UUID | None = place["standing"]
    if offer_id is None:
        raise StateConflict("No offer of this person stands.", state="ended", possible_from=["offered"])
    return offer_id
