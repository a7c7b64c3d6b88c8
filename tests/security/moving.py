"""What a well-behaved client knows before it changes something: the version of the record, as it is stored now."""

from tests.security.operations import Operation
from tests.security.stage import Stage

TABLES = {
    "case_id": "casework.case_file", "enquiry_id": "casework.enquiry", "visit_id": "casework.site_visit",
    "finding_id": "casework.finding", "advice_id": "casework.advice", "recommendation_id": "casework.recommendation",
    "premises_id": "casework.premises", "area_id": "casework.premises_area", "party_id": "casework.premises_party",
    "organisation_id": "casework.organisation", "person_id": "casework.person", "team_id": "casework.team",
    "client_id": "casework.api_client",
}  # fmt: skip
MADE = {
    "case.open": "case_id", "enquiry.accept": "case_id", "visit.propose": "visit_id", "finding.record": "finding_id",
    "advice.draft": "advice_id", "advice.draft-recommendation": "recommendation_id", "premises.write-create": "premises_id",
    "premises.write-add-area": "area_id", "premises.write-add-party": "party_id", "organisation.write-create": "organisation_id",
}  # fmt: skip
"""Operations whose client chooses the id of what is made, and what that is."""


def version(stage: Stage, operation: Operation, ids: dict[str, str]) -> str:
    """The If-Match that a change of this record wants; of the last noun of the path that has a version."""
    if not operation.matched:
        return '"1"'
    for noun in reversed(operation.nouns):
        if noun in TABLES and not (noun == "person_id" and operation.nouns[0] == "case_id"):
            found = stage.world.sql(f"SELECT version FROM {TABLES[noun]} WHERE id = $1::text::uuid", ids[noun])
            return f'"{found[0][0]}"' if found else '"1"'
    return '"1"'
