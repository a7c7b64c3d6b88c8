"""Issuing, correcting and withdrawing advice."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.callers import ok, refused
from tests.support.story import (
    allocated_case,
    approved_advice,
    completed_visit,
    drafted_advice,
    finding,
    issued_advice,
    issuing,
    moment,
    recommendation,
)
from tests.support.world import Team, World

SOON = issuing()


def test_issuing_freezes_follows_up_and_says_so(team: Team) -> None:
    adviser = team.person("adviser", name="Ada")
    case = allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding())["findings"][0]
    said = {"given_to": "Duty manager", "given_at": moment(hours=-1), "advice": "Shut the side doors."}
    ok(adviser.post(f"/v1/cases/{case['id']}/interim-advice", said), 201)
    issued = issued_advice(team, adviser, case, recommendation(finding_ids=[cited["id"]]))
    assert (issued["state"], issued["issuer"], issued["follow_up_on"]) == ("issued", "Ada", SOON["follow_up_on"])
    assert issued["issued_threat_level"] == issued["drafted_threat_level"]
    assert issued["current_advice_id"] == issued["id"]
    assert [each["advice"] for each in issued["interim_advice"]] == ["Shut the side doors."]
    assert [(each["id"], each["frozen"]) for each in issued["findings"]] == [(cited["id"], True)]
    followed = ok(adviser.get(f"/v1/cases/{case['id']}"))
    assert (followed["state"], followed["next_review_on"]) == ("follow_up", SOON["follow_up_on"])
    actions = [line["action"] for line in ok(adviser.get(f"/v1/cases/{case['id']}/timeline"))["items"]]
    assert {"advice.draft", "advice.submit", "advice.review", "advice.issue"} <= set(actions)
    found = ok(adviser.get(f"/v1/findings/{cited['id']}"))
    amended = adviser.patch(f"/v1/findings/{cited['id']}", {"impact": 1}, match=found["version"])
    assert amended.status_code == 409, amended.text


def test_only_approved_advice_is_issued_with_a_date_to_come(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    draft = drafted_advice(adviser, case)
    path = f"/v1/advice/{draft['id']}/issue"
    refused(adviser.post(path, SOON, match=draft["version"]), 409, "state-conflict")
    approved = approved_advice(team, adviser, case, draft=draft)
    for wrong in ({}, {"follow_up_on": moment()[:10]}, {"follow_up_on": moment(days=-1)[:10]}):
        told = refused(adviser.post(path, wrong, match=approved["version"]), 422, "validation-failed")
        assert told["errors"][0]["pointer"] == "/follow_up_on"
    refused(team.person("adviser").post(path, SOON, match=approved["version"]), 403, "forbidden")
    refused(team.person("coordinator").post(path, SOON, match=approved["version"]), 403, "forbidden")
    refused(adviser.post(path, SOON, match=approved["version"] - 1), 412, "precondition-failed")
    ok(team.person("supervisor").post(path, SOON, match=approved["version"]))


def test_nothing_is_issued_on_a_case_on_hold(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    approved = approved_advice(team, adviser, case)
    now = ok(adviser.get(f"/v1/cases/{case['id']}"))
    ok(adviser.post(f"/v1/cases/{case['id']}/hold", {"reason_code": "awaiting_business"}, match=now["version"]))
    refused(
        adviser.post(f"/v1/advice/{approved['id']}/issue", SOON, match=approved["version"]), 409, "case-not-running"
    )


@pytest.fixture
def changed_level(world: World) -> Iterator[Any]:
    """A change of the national threat level, undone afterwards."""
    made = []

    def change(level: str) -> None:
        made.append(
            world.logged_sql(
                "INSERT INTO casework.threat_level (kind, level, since) VALUES ('national', $1, now()) RETURNING id",
                level,
            )[0]["id"]
        )

    yield change
    world.logged_sql("DELETE FROM casework.threat_level WHERE id = ANY ($1)", made)


def test_a_threat_level_that_changed_is_confirmed_by_the_issuer(team: Team, changed_level: Any) -> None:
    adviser = team.person("adviser")
    approved = approved_advice(team, adviser, allocated_case(team, adviser))
    changed_level("critical")
    path = f"/v1/advice/{approved['id']}/issue"
    told = refused(adviser.post(path, SOON, match=approved["version"]), 409, "threat-level-changed")
    assert "in confirm_threat_level." in told["detail"]
    assert (told["drafted"], told["current"]) == (approved["drafted_threat_level"], "critical")
    wrong = {**SOON, "confirm_threat_level": approved["drafted_threat_level"]}
    refused(adviser.post(path, wrong, match=approved["version"]), 409, "threat-level-changed")
    issued = ok(adviser.post(path, {**SOON, "confirm_threat_level": "critical"}, match=approved["version"]))
    assert issued["issued_threat_level"] == "critical"


def test_a_correction_supersedes_when_it_is_issued_and_not_before(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding())["findings"][0]["id"]
    one, two = recommendation(action="One", finding_ids=[cited]), recommendation(action="Two")
    first = issued_advice(team, adviser, case, one, two)
    done, open_ = first["recommendations"]
    ok(
        adviser.post(
            f"/v1/recommendations/{done['id']}/verifications",
            {"state": "verified", "evidence": "Seen in place on the evening walk."},
        ),
        201,
    )
    path = f"/v1/advice/{first['id']}/versions"
    refused(adviser.post(path, {}), 422, "validation-failed")
    refused(team.person("supervisor").post(path, {"correction_reason": "Gate"}), 403, "forbidden")
    second = ok(adviser.post(path, {"correction_reason": "The north gate, not the south gate."}), 201)
    assert (second["reference"], second["number"], second["state"]) == (first["reference"], 2, "draft")
    assert [each["action"] for each in second["recommendations"]] == ["One", "Two"]
    assert [each["finding_ids"] for each in second["recommendations"]] == [[cited], []]
    assert {each["verification"] for each in second["recommendations"]} == {"not_started"}
    refused(adviser.post(path, {"correction_reason": "Again"}), 409, "working-version-exists")
    assert ok(adviser.get(f"/v1/advice/{first['id']}"))["state"] == "issued"
    issued = issued_advice(team, adviser, case, draft=second)
    past = ok(adviser.get(f"/v1/advice/{first['id']}"))
    assert (past["state"], past["current_advice_id"]) == ("superseded", issued["id"])
    assert past["ended_at"]
    tracks = {each["id"]: each["verification"] for each in past["recommendations"]}
    assert tracks == {done["id"]: "verified", open_["id"]: "superseded"}
    told = refused(adviser.post(path, {"correction_reason": "Again"}), 409, "state-conflict")
    assert told["state"] == "superseded"
    third = ok(adviser.post(f"/v1/advice/{issued['id']}/versions", {"correction_reason": "Again"}), 201)
    assert third["number"] == 3


# What a correction is made of anew, and does not take from the version that it corrects: its own writing, review and issue.
ANEW = {
    "advice": {
        *("id", "number", "state", "author_id", "correction_reason", "version", "created_at"),
        *("reviewer_id", "approved_by", "return_reason", "content_sha256", "approved_sha256", "issued_sha256"),
        *("drafted_threat_level", "drafted_northern_ireland_threat_level"),  # of the day on which it is begun
        *("issued_threat_level", "issued_northern_ireland_threat_level", "issued_under", "issued_at", "issued_by"),
        *("follow_up_on", "ended_at", "withdrawal_reason"),
    },
    # The business answers to what is issued, and it is verified then.
    "recommendation": {"id", "advice_id", "answer", "verification", "version", "created_at"},
    "recommendation_finding": {"id", "recommendation_id"},
}


def test_a_correction_takes_every_fact_along_that_its_tables_have(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding())["findings"][0]["id"]
    facts = {"responsible_party": "Estates", "target_on": moment(90)[:10], "guidance": "https://www.npsa.gov.uk/doors"}
    band = world.sql("SELECT code FROM casework.lookup WHERE kind = 'cost_bands' ORDER BY position LIMIT 1")[0]["code"]
    whole = recommendation(finding_ids=[cited], cost_band=band, **facts)
    draft = drafted_advice(adviser, case, whole)
    path = f"/v1/advice/{draft['id']}"
    draft = ok(adviser.patch(path, {"introduction": "After the fair."}, match=adviser.get(path)))
    first = issued_advice(team, adviser, case, draft=draft)
    second = ok(adviser.post(f"{path}/versions", {"correction_reason": "The gate."}), 201)
    by = {
        "advice": "t.id = $1",
        "recommendation": "t.advice_id = $1",
        "recommendation_finding": "t.recommendation_id IN (SELECT id FROM casework.recommendation WHERE advice_id = $1)",
    }
    for table, anew in ANEW.items():
        before, after = (
            [dict(row) for row in world.sql(f"SELECT * FROM casework.{table} t WHERE {by[table]}", version["id"])]
            for version in (first, second)
        )
        assert (len(before), len(after)) == (1, 1), table
        assert anew <= before[0].keys()
        # Every column has something to lose, one of tomorrow as well: give it above, or say why it is made anew.
        assert [name for name in before[0].keys() - anew if before[0][name] is None] == [], table
        taken = before[0].keys() - anew
        assert {name: after[0][name] for name in taken} == {name: before[0][name] for name in taken}, table


def test_a_draft_is_not_corrected_but_amended(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    draft = drafted_advice(adviser, allocated_case(team, adviser))
    path, body = f"/v1/advice/{draft['id']}/versions", {"correction_reason": "No"}
    refused(adviser.post(path, body), 409, "state-conflict")
    refused(other_team.person("adviser").post(path, body), 404, "not-found")


def test_a_supervisor_withdraws_and_it_stays_readable(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{issued['id']}"
    refused(adviser.post(f"{path}/withdrawal", {"reason": "Wrong"}, match=issued["version"]), 403, "forbidden")
    refused(supervisor.post(f"{path}/withdrawal", {}, match=issued["version"]), 422, "validation-failed")
    withdrawn = ok(supervisor.post(f"{path}/withdrawal", {"reason": "Wrong building."}, match=issued["version"]))
    assert (withdrawn["state"], withdrawn["withdrawal_reason"]) == ("withdrawn", "Wrong building.")
    assert ok(adviser.get(path))["state"] == "withdrawn"
    refused(
        supervisor.post(f"{path}/withdrawal", {"reason": "Twice"}, match=withdrawn["version"]), 409, "state-conflict"
    )
