"""The reason `other` says nothing by itself: at every door it needs its note, and the error is the same."""

import json
from typing import Any

import pytest

from tests.support import contract
from tests.support.callers import ok, refused
from tests.support.story import allocated_case, enquirer_of, issued_advice, proposed_visit
from tests.support.world import Team, World

DOORS = {
    "enquiry.signpost", "enquiry.refuse", "case.hold", "case.close", "case.hand_over", "case.restrict", "case.transfer",
    "visit.no_access", "visit.cancel", "recommendation.respond",
}  # fmt: skip


def test_every_door_that_takes_a_reason_takes_its_note() -> None:
    found = set()
    for item in contract.document()["paths"].values():
        for stated in item.values():
            schema = json.dumps(stated.get("requestBody", {}).get("content", {}))
            name = schema.rpartition("/schemas/")[2].split('"')[0]
            fields = contract.document()["components"]["schemas"].get(name, {}).get("properties", {})
            if "reason_code" in fields:
                found.add(stated["operationId"])
                assert "note" in fields, name
    assert found == DOORS


def unsaid(answer: Any, at: str = "") -> None:
    told = refused(answer, 422, "validation-failed")
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [(f"{at}/note", "missing")]


@pytest.mark.parametrize("by", ["adviser", "business"])
def test_who_declines_for_another_reason_says_which(world: World, team: Team, by: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    (line,) = issued_advice(team, adviser, case)["recommendations"]
    who = adviser if by == "adviser" else enquirer_of(world, team, case)
    path, body = f"/v1/recommendations/{line['id']}/responses", {"answer": "declined", "reason_code": "other"}
    unsaid(who.post(path, body))
    ok(who.post(path, {**body, "note": "The lease ends in May."}), 201)


def test_who_leaves_one_open_for_another_reason_says_which(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    (line,) = issued_advice(team, adviser, case)["recommendations"]
    now = ok(adviser.get(f"/v1/cases/{case['id']}"))
    left = {"recommendation_id": line["id"], "reason_code": "other"}
    body = {"reason_code": "advice_completed", "open_recommendations": [left]}
    path = f"/v1/cases/{case['id']}/closure"
    unsaid(adviser.post(path, body, match=now["version"]), "/open_recommendations/0")
    ok(adviser.post(path, {**body, "open_recommendations": [{**left, "note": "A sale."}]}, match=now["version"]))
    (kept,) = ok(adviser.get(f"/v1/recommendations/{line['id']}"))["open_reasons"]
    assert (kept["reason_code"], kept["note"]) == ("other", "A sale.")


@pytest.mark.parametrize("noun", ["no-access", "cancellation"])
def test_who_ends_a_visit_for_another_reason_says_which(team: Team, noun: str) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    unsaid(adviser.post(f"/v1/visits/{visit['id']}/{noun}", {"reason_code": "other"}, match=visit["version"]))
