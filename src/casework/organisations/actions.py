"""The verbs of an organisation."""

import json
from typing import Any
from uuid import UUID

from casework.organisations import (
    matching,
    problems,  # noqa: F401 — problems registers the words of constraints
    queries,
)
from casework.organisations.schemas import OrganisationAmendment, OrganisationCreation
from casework.reference.actions import require_word
from casework.work.amending import amend
from casework.work.unit import Answer, Work

SHOWN_DUPLICATES = 20


async def create_organisation(work: Work, creation: OrganisationCreation) -> Answer:
    """Take an organisation into the keeping of a team; tell which ones of the directory are likely the same."""
    await require_word(work, "sectors", creation.sector, "/sector")
    made = await work.create(queries.CREATE, creation)
    shown = await work.show(queries.ORGANISATION_SHOWN, made, location=f"/v1/organisations/{made}")
    body = json.loads(shown.body) | {"likely_duplicates": await _likely_duplicates(work, creation, made)}
    return Answer(json.dumps(body), shown.version, shown.location)


async def _likely_duplicates(work: Work, creation: OrganisationCreation, made: UUID) -> list[dict[str, Any]]:
    rows = await work.rows(
        queries.CANDIDATES,
        company_number=creation.company_number,
        name=creation.name,
        words=matching.words(creation.name),
    )
    judged = [{**row, **matching.judge(creation, dict(row))} for row in rows if row["id"] != made]
    likely = sorted(
        (each for each in judged if matching.is_likely_duplicate(creation, each)),
        key=matching.rank,
    )[:SHOWN_DUPLICATES]
    if likely:
        await work.row(queries.CONSULTED, ids=[each["id"] for each in likely])
    return [
        {**each, "id": str(each["id"]), "team_id": str(each["team_id"]), "matched_on": [*map(str, each["matched_on"])]}
        for each in likely
    ]


async def amend_organisation(work: Work, organisation_id: UUID, amendment: OrganisationAmendment) -> Answer:
    """Amend the facts of an organisation."""
    stated: Any = amendment
    await require_word(work, "sectors", stated.sector, "/sector")
    return await amend(work, queries.AMEND, organisation_id, amendment)
