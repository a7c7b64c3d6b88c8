"""The verbs of premises, and the question which known place is meant."""

import json
from typing import Any
from uuid import UUID

from casework.kernel.folding import telling
from casework.kernel.problems import ValidationFailed
from casework.premises import matching, problems, queries  # noqa: F401 — problems registers the words of constraints
from casework.premises.lifecycle import PremisesUse
from casework.premises.schemas import (
    PremisesAliasAdding,
    PremisesAliasAmendment,
    PremisesAmendment,
    PremisesAreaAdding,
    PremisesAreaAmendment,
    PremisesCreation,
    PremisesPartyAdding,
    PremisesPartyAmendment,
)
from casework.reference.actions import require_word
from casework.work.amending import amend
from casework.work.times import require_behind
from casework.work.unit import Answer, Work

SHOWN_MATCHES = 20
EXCLUDED = "Give the day on which the exclusion was established; it may not be to come."
COUNTED = "Give the day on which the occupancy was established; it may not be to come."


async def create_premises(work: Work, creation: PremisesCreation) -> Answer:
    """Take a place into the keeping of a team; tell which places within reach are likely the same."""
    await _require_known(work, creation)
    require_behind(work, "/occupancy_on", creation.occupancy_on, COUNTED)
    require_behind(work, "/excluded_on", creation.excluded_on, EXCLUDED)
    premises_id = await work.create(queries.CREATE, creation)
    shown = await work.show(queries.PREMISES_SHOWN, premises_id, location=f"/v1/premises/{premises_id}")
    likely = [
        each
        for each in await _judged(work, creation.name, creation.postcode, creation.uprn)
        if each["id"] != premises_id and matching.is_likely_duplicate(each, creation.postcode)
    ]
    body = json.loads(shown.body) | {"likely_duplicates": await _told(work, likely)}
    return Answer(json.dumps(body), shown.version, shown.location)


async def amend_premises(work: Work, premises_id: UUID, amendment: PremisesAmendment) -> Answer:
    """Amend the facts of a place, close it or open it again."""
    stated: Any = amendment
    await _require_known(work, stated)
    require_behind(work, "/occupancy_on", stated.occupancy_on, COUNTED)
    require_behind(work, "/excluded_on", stated.excluded_on, EXCLUDED)
    opens = "state" in stated.model_fields_set and stated.state is PremisesUse.OPEN
    also = {"closed_on": None} if opens and "closed_on" not in stated.model_fields_set else None
    return await amend(work, queries.AMEND, premises_id, amendment, also=also)


async def add_area(work: Work, premises_id: UUID, adding: PremisesAreaAdding) -> Answer:
    """Add an area to a place."""
    return await work.show(queries.AREA_SHOWN, await work.create(queries.ADD_AREA, adding, premises_id=premises_id))


async def amend_area(work: Work, premises_id: UUID, area_id: UUID, amendment: PremisesAreaAmendment) -> Answer:
    """Amend an area of a place."""
    return await amend(work, queries.AMEND_AREA, area_id, amendment, premises_id=premises_id)


async def add_party(work: Work, premises_id: UUID, adding: PremisesPartyAdding) -> Answer:
    """Add a party to a place."""
    await require_word(work, "party_roles", adding.role, "/role")
    return await work.show(queries.PARTY_SHOWN, await work.create(queries.ADD_PARTY, adding, premises_id=premises_id))


async def amend_party(work: Work, premises_id: UUID, party_id: UUID, amendment: PremisesPartyAmendment) -> Answer:
    """Amend a party to a place, or end it."""
    stated: Any = amendment
    await require_word(work, "party_roles", stated.role, "/role")
    return await amend(work, queries.AMEND_PARTY, party_id, amendment, premises_id=premises_id)


async def add_alias(work: Work, premises_id: UUID, adding: PremisesAliasAdding) -> Answer:
    """Add another name or address to a place."""
    return await work.show(queries.ALIAS_SHOWN, await work.create(queries.ADD_ALIAS, adding, premises_id=premises_id))


async def amend_alias(work: Work, premises_id: UUID, alias_id: UUID, amendment: PremisesAliasAmendment) -> Answer:
    """Amend another name or address of a place, or end it."""
    return await amend(work, queries.AMEND_ALIAS, alias_id, amendment, premises_id=premises_id)


async def match(work: Work, name: str | None, postcode: str | None, uprn: str | None) -> list[dict[str, Any]]:
    """The places within reach that may be meant, the likeliest first, as ``PremisesMatch`` has them; told to the log."""
    return await _told(work, await _judged(work, name, postcode, uprn))


async def show_matches(work: Work, name: str | None, postcode: str | None, uprn: str | None) -> Answer:
    """The same as an answer of its own."""
    if name is None and postcode is None and uprn is None:
        message = "Give a name, a postcode, a UPRN, or several of them."
        raise ValidationFailed(message, errors=[{"parameter": "name", "code": "missing", "message": message}])
    return Answer(json.dumps({"items": await match(work, name, postcode, uprn)}))


async def _judged(work: Work, name: str | None, postcode: str | None, uprn: str | None) -> list[dict[str, Any]]:
    words = telling(name) if name is not None else []
    rows = await work.rows(queries.MATCHES, name=name, postcode=postcode, uprn=uprn, words=words)
    best: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        judged = {**row, **matching.judge(name, postcode, uprn, dict(row))}
        known = best.get(row["id"])
        if matching.is_match(judged) and (known is None or known["score"] < judged["score"]):
            best[row["id"]] = judged
    return sorted(best.values(), key=matching.rank)


async def _told(work: Work, judged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = judged[:SHOWN_MATCHES]
    if shown:
        await work.row(queries.CONSULTED, ids=[each["id"] for each in shown])
    return [
        {**each, "id": str(each["id"]), "team_id": str(each["team_id"]), "matched_on": [*map(str, each["matched_on"])]}
        for each in shown
    ]


async def _require_known(work: Work, facts: Any) -> None:
    await require_word(work, "sectors", facts.sector, "/sector")
    await require_word(work, "schedule_1_uses", facts.schedule_1_use, "/schedule_1_use")
    await require_word(work, "schedule_2_exclusions", facts.schedule_2_exclusion, "/schedule_2_exclusion")
    await require_word(work, "occupancy_bases", facts.occupancy_basis, "/occupancy_basis")
    for name, known in (("local_authority_code", queries.AUTHORITY_KNOWN), ("force_code", queries.FORCE_KNOWN)):
        if name not in facts.model_fields_set or (code := getattr(facts, name)) is None:
            continue
        found = await work.row(known, code=code)
        if found is None:
            raise ValidationFailed(
                errors=[
                    {"pointer": f"/{name}", "code": "unknown", "message": "There is no such code; see the reference."}
                ]
            )
        setattr(facts, name, found["code"])  # a former code is kept as that of today
