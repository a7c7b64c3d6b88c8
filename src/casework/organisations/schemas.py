"""What comes in and goes out about organisations, derived from their facts."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import Field

from casework.access.actions import Action
from casework.kernel.inputs import Input, Uuid, amendment
from casework.kernel.views import Page, View
from casework.organisations.lifecycle import OrganisationMatchedOn
from casework.organisations.models import OrganisationFacts


class OrganisationCreation(OrganisationFacts, Input):
    """An organisation to be kept by a team."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    team_id: Uuid


if TYPE_CHECKING:
    OrganisationAmendment = Input
else:
    OrganisationAmendment = amendment("OrganisationAmendment", OrganisationFacts)


class OrganisationView(View):
    """An organisation in full, as the team that keeps it sees it."""

    extent: Literal["full"]
    id: UUID
    team_id: UUID
    team: str
    name: str
    company_number: str | None
    sector: str | None
    address: str | None
    town: str | None
    postcode: str | None
    phone: str | None
    phone_extension: str | None
    relay: bool
    email: str | None
    note: str | None
    created_at: datetime
    version: int
    allowed_actions: list[Action]


class OrganisationDirectoryView(View):
    """The directory facts of an organisation: all that other teams see. What else is known of it is withheld."""

    extent: Literal["directory"]
    id: UUID
    team_id: UUID
    team: str
    name: str
    company_number: str | None
    sector: str | None
    town: str | None
    allowed_actions: list[Action]


AnyOrganisationView = Annotated[OrganisationView | OrganisationDirectoryView, Field(discriminator="extent")]
"""An organisation as far as the caller may see it; ``extent`` says how far."""


class OrganisationRow(View):
    """An organisation in the directory."""

    id: UUID
    team_id: UUID
    team: str
    name: str
    company_number: str | None
    sector: str | None
    town: str | None


class OrganisationMatch(OrganisationRow):
    """An organisation of the directory that may be the same. The score (0 to 100) says no more than the reasons beside it."""

    score: int
    matched_on: list[OrganisationMatchedOn]


class OrganisationCreated(OrganisationView):
    """A new organisation, and those of the directory that are likely the same one: a warning, never a refusal."""

    likely_duplicates: list[OrganisationMatch]


class OrganisationPage(Page):
    """Organisations, one page."""

    items: list[OrganisationRow]
    next_cursor: str | None
