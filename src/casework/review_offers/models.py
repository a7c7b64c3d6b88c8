"""Offers to review for other forces."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field as Limits
from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from casework.kernel.columns import LocalDate, code
from casework.kernel.tables import identity, moment, plain, version

SCHEMA = {"schema": "casework"}


class ReviewOfferFacts(SQLModel):
    """What a reviewer offers: to review advice of these strands for other forces, up to and with a day."""

    strands: Annotated[list[Annotated[str, code(40)]], Limits(min_length=1, max_length=20)]
    """Competences that the reviewer has."""
    until: LocalDate


class ReviewOffer(SQLModel, table=True):
    """A reviewer's offer to other forces. It ends with its last day, with the role, or when its person is locked out or leaves."""

    __tablename__ = "review_offer"
    __table_args__ = (
        CheckConstraint("cardinality(strands) > 0 OR ended_at IS NOT NULL", name="strands"),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended"),
        CheckConstraint(
            "ended_because IN ('taken_back', 'expired', 'no_longer_reviewer', 'no_longer_competent')", name="because"
        ),
        Index("review_offer_standing_key", "person_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("review_offer_until_idx", "until", "id"),
        SCHEMA,
    )

    id: UUID = identity()
    person_id: UUID = Field(foreign_key="casework.person.id")
    team_id: UUID = Field(foreign_key="casework.team.id")
    """The team in which the person reviews."""
    strands: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    until: date
    offered_by: UUID = Field(foreign_key="casework.person.id")
    offered_at: datetime = moment(now=True)
    ended_at: datetime | None = moment()
    ended_because: str | None = plain(nullable=True)
    version: int = version()
