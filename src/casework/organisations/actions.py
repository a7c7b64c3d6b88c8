"""The verbs of an organisation."""

from typing import Any
from uuid import UUID

from casework.organisations import problems, queries  # noqa: F401 — problems registers the words of constraints
from casework.organisations.schemas import OrganisationAmendment, OrganisationCreation
from casework.reference.actions import require_word
from casework.work.amending import amend
from casework.work.unit import Answer, Work


async def create_organisation(work: Work, creation: OrganisationCreation) -> Answer:
    """Take an organisation into the keeping of a team."""
    await require_word(work, "sectors", creation.sector, "/sector")
    organisation_id = await work.create(queries.CREATE, creation)
    return await work.show(queries.ORGANISATION_SHOWN, organisation_id, location=f"/v1/organisations/{organisation_id}")


async def amend_organisation(work: Work, organisation_id: UUID, amendment: OrganisationAmendment) -> Answer:
    """Amend the facts of an organisation."""
    stated: Any = amendment
    await require_word(work, "sectors", stated.sector, "/sector")
    return await amend(work, queries.AMEND, organisation_id, amendment)
