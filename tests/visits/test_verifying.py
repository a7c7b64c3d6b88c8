"""What was carried out is verified by a visit made since the business was told, or by evidence of a sentence and more."""

from typing import Any

import httpx
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    completed_visit,
    issued_advice,
    just_now,
    moment,
    proposed_visit,
    recommendation,
    visit_just_made,
)
from tests.support.world import Team

SEEN = "Saw the bollards raised on the evening of the market."


def verified(caller: Caller, line: dict[str, Any], **facts: Any) -> httpx.Response:
    return caller.post(f"/v1/recommendations/{line['id']}/verifications", {"state": "verified", **facts})


def pointer(response: httpx.Response) -> tuple[str, str]:
    (error,) = refused(response, 422, "validation-failed")["errors"]
    return error["pointer"], error["code"]


@pytest.mark.parametrize("state", ["verified", "in_progress", "claimed"])
def test_the_visit_that_found_it_does_not_show_that_it_was_done(team: Team, state: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    initial = completed_visit(adviser, case)
    line = issued_advice(team, adviser, case)["recommendations"][0]
    assert pointer(verified(adviser, line, state=state, visit_id=initial["id"])) == ("/visit_id", "before-issue")
    # Nor does evidence beside it make it one.
    assert pointer(verified(adviser, line, state=state, visit_id=initial["id"], evidence=SEEN))[0] == "/visit_id"
    later = visit_just_made(adviser, case)
    ok(verified(adviser, line, state=state, visit_id=later["id"]), 201)


def test_a_correction_does_not_make_the_line_new(team: Team) -> None:
    """The business was told by the first version that held the line; a line that the correction added, by that."""
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    first = issued_advice(team, adviser, case)
    between = visit_just_made(adviser, case)
    draft = ok(adviser.post(f"/v1/advice/{first['id']}/versions", {"correction_reason": "A gate was left out."}), 201)
    added = recommendation(action=f"Lock the gate. {adviser.mark}")
    ok(adviser.post(f"/v1/advice/{draft['id']}/recommendations", added), 201)
    draft = ok(adviser.get(f"/v1/advice/{draft['id']}"))
    old, new = issued_advice(team, adviser, case, draft=draft)["recommendations"]
    assert old["line_id"] == first["recommendations"][0]["line_id"]
    ok(verified(adviser, old, visit_id=between["id"]), 201)
    assert pointer(verified(adviser, new, visit_id=between["id"])) == ("/visit_id", "before-issue")


def test_what_a_supplement_says_of_the_time_counts(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    line = issued_advice(team, adviser, case)["recommendations"][0]
    visit = proposed_visit(adviser, case)
    mistyped = {"arrived_at": "2025-01-01T10:00:00Z", "left_at": "2025-01-01T11:00:00Z", "time_reason": "Taken over."}
    visit = ok(adviser.post(f"/v1/visits/{visit['id']}/completion", mistyped, match=visit["version"]))
    assert pointer(verified(adviser, line, visit_id=visit["id"]))[0] == "/visit_id"
    said = {"arrived_at": just_now(1), "left_at": just_now(5), "reason": "The year was mistyped."}
    ok(adviser.post(f"/v1/visits/{visit['id']}/supplements", said), 201)
    ok(verified(adviser, line, visit_id=visit["id"]), 201)


@pytest.mark.parametrize("evidence", ["Seen.", "ok", "x" * 400, "Photo of the new posts."])
def test_evidence_is_a_sentence_and_more(team: Team, evidence: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    line = issued_advice(team, adviser, case)["recommendations"][0]
    assert pointer(verified(adviser, line, evidence=evidence)) == ("/evidence", "too-short")
    assert ok(verified(adviser, line, evidence=SEEN), 201)["evidence"] == SEEN
    # Beside a visit that shows it, a word is enough.
    ok(verified(adviser, line, evidence=evidence, visit_id=visit_just_made(adviser, case)["id"]), 201)


def test_what_does_not_apply_says_why(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    line = issued_advice(team, adviser, case)["recommendations"][0]
    assert pointer(verified(adviser, line, state="not_applicable")) == ("/reason", "missing")
    assert pointer(verified(adviser, line, state="not_applicable", evidence=SEEN)) == ("/reason", "missing")
    assert pointer(verified(adviser, line, evidence=SEEN, reason="Bricked up.")) == ("/reason", "out-of-place")
    assert ok(adviser.get(f"/v1/recommendations/{line['id']}"))["verification"] == "not_started"
    told = ok(verified(adviser, line, state="not_applicable", reason="The door was bricked up."), 201)
    assert told["reason"] == "The door was bricked up."
    assert ok(adviser.get(f"/v1/recommendations/{line['id']}"))["verification"] == "not_applicable"


def test_nor_does_a_visit_of_last_week_entered_afterwards(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    line = issued_advice(team, adviser, case)["recommendations"][0]
    made = {"arrived_at": moment(-7), "left_at": moment(-7, 1), "time_reason": "We passed by."}
    body = {"without_appointment": True, "adviser_id": adviser.person_id, **made}
    visit = ok(adviser.post(f"/v1/cases/{case['id']}/visits", body), 201)
    assert pointer(verified(adviser, line, visit_id=visit["id"])) == ("/visit_id", "before-issue")
