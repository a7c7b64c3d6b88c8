"""Issuing says whom advice reaches; what nobody can read by a link stays pending until somebody records that it was delivered."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, approved_advice, enquirer_of, issued_advice, issuing, moment
from tests.support.world import Team, World

FOLLOWED = {"follow_up_on": moment(days=30)[:10]}


def done(**facts: Any) -> dict[str, Any]:
    """That it was handed over just now."""
    return {"delivered_to": "Duty manager", "delivered_at": moment(), "delivered_by": "in_person", **facts}


def pending(by: Caller, case: dict[str, Any]) -> list[str]:
    """The versions of a case whose delivery is pending."""
    return [each["id"] for each in ok(by.get("/v1/advice", delivery="pending", case_id=case["id"]))["items"]]


def test_without_a_verified_contact_a_delivery_is_planned_and_recorded_once(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    approved = approved_advice(team, adviser, case)
    path = f"/v1/advice/{approved['id']}"
    told = refused(adviser.post(f"{path}/issue", FOLLOWED, match=approved["version"]), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/deliver_by"
    assert ok(adviser.get(path))["state"] == "approved"
    day = moment(days=5)[:10]
    plan = {**FOLLOWED, "deliver_by": "in_person", "deliver_on": day}
    issued = ok(adviser.post(f"{path}/issue", plan, match=approved["version"]))
    (planned,) = issued["delivery"]
    assert (planned["state"], planned["how"], planned["due_on"], planned["contact_id"]) == (
        "pending",
        "in_person",
        day,
        None,
    )
    assert pending(adviser, case) == [approved["id"]]
    assert "advice.issue" in issued["allowed_actions"]
    delivered = ok(adviser.post(f"{path}/delivery", done(), match=issued["version"]))
    (record,) = delivered["delivery"]
    assert (record["state"], record["delivered_to"], record["delivered_by"]) == ("done", "Duty manager", "in_person")
    assert record["recorded_by"] == adviser.person_id
    assert pending(adviser, case) == []
    assert "advice.issue" not in delivered["allowed_actions"]
    again = adviser.post(f"{path}/delivery", done(), match=delivered["version"])
    refused(again, 409, "no-delivery-pending")
    assert ok(adviser.get(path))["delivery"] == [record]


def test_whom_it_reaches_by_the_link_is_answered_to_staff_alone(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    business = enquirer_of(world, team, case)
    approved = approved_advice(team, adviser, case)
    path = f"/v1/advice/{approved['id']}"
    issued = ok(adviser.post(f"{path}/issue", FOLLOWED, match=approved["version"]))
    (reached,) = issued["delivery"]
    contact = world.sql("SELECT id, name FROM casework.contact WHERE id = $1::text::uuid", reached["contact_id"])[0]
    assert (reached["state"], reached["how"], reached["contact"]) == ("reached", "tracking", contact["name"])
    refused(adviser.post(f"{path}/delivery", done(), match=issued["version"]), 409, "no-delivery-pending")
    assert pending(adviser, case) == []
    assert "delivery" not in ok(business.get(path))
    refused(business.get("/v1/advice", delivery="pending"), 400, "unknown-parameter")


@pytest.mark.parametrize(
    "kept",
    [
        "UPDATE casework.enquiry SET case_withheld = true WHERE case_id = $1",
        "UPDATE access.session s SET revoked_at = now() FROM casework.contact c JOIN casework.enquiry e ON e.id = c.enquiry_id"
        " WHERE e.case_id = $1 AND s.principal_id = c.id",
        "UPDATE access.session s SET expires_at = now() - interval '1 second' FROM casework.contact c"
        " JOIN casework.enquiry e ON e.id = c.enquiry_id WHERE e.case_id = $1 AND s.principal_id = c.id",
    ],
    ids=["withheld", "revoked", "expired"],
)
def test_a_verified_contact_who_cannot_read_it_does_not_count(world: World, team: Team, kept: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    enquirer_of(world, team, case)
    world.logged_sql(kept, case["id"])
    approved = approved_advice(team, adviser, case)
    told = refused(
        adviser.post(f"/v1/advice/{approved['id']}/issue", FOLLOWED, match=approved["version"]),
        422,
        "validation-failed",
    )
    assert told["errors"][0]["pointer"] == "/deliver_by"


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"deliver_by": "post"}, "/deliver_on"),
        ({"deliver_on": moment(days=2)[:10]}, "/deliver_by"),
        ({"deliver_by": "later", "deliver_on": moment()[:10]}, "/deliver_on"),
        ({"deliver_by": "pigeon", "deliver_on": moment(days=2)[:10]}, "/deliver_by"),
    ],
)
def test_how_and_when_are_said_together(team: Team, said: dict[str, str], pointer: str) -> None:
    adviser = team.person("adviser")
    approved = approved_advice(team, adviser, allocated_case(team, adviser))
    answer = adviser.post(f"/v1/advice/{approved['id']}/issue", {**FOLLOWED, **said}, match=approved["version"])
    assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == pointer


def test_it_was_delivered_after_the_issue_and_only_those_who_issue_record_it(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{issued['id']}/delivery"
    for wrong in (moment(hours=-2), moment(hours=2)):
        told = refused(adviser.post(path, done(delivered_at=wrong), match=issued["version"]), 422, "validation-failed")
        assert told["errors"][0]["pointer"] == "/delivered_at"
    for somebody in ("adviser", "coordinator"):
        refused(team.person(somebody).post(path, done(), match=issued["version"]), 403, "forbidden")
    refused(other_team.person("supervisor").post(path, done(), match=issued["version"]), 404, "not-found")
    refused(adviser.post(path, done(), match=issued["version"] - 1), 412, "precondition-failed")
    ok(team.person("supervisor").post(path, done(), match=issued["version"]))


def test_of_a_version_that_no_longer_stands_nothing_is_pending(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    first = issued_advice(team, adviser, case)
    path = f"/v1/advice/{first['id']}"
    copy = ok(adviser.post(f"{path}/versions", {"correction_reason": "A wrong gate."}), 201)
    approved = approved_advice(team, adviser, case, draft=copy)
    second = ok(adviser.post(f"/v1/advice/{copy['id']}/issue", issuing(), match=approved["version"]))
    before = ok(adviser.get(path))
    assert [each["state"] for each in before["delivery"]] == ["void"]
    assert pending(adviser, case) == [second["id"]]
    refused(adviser.post(f"{path}/delivery", done(), match=before["version"]), 409, "state-conflict")
    supervisor, now = team.person("supervisor"), f"/v1/advice/{second['id']}"
    gone = ok(supervisor.post(f"{now}/withdrawal", {"reason": "Wrong building."}, match=second["version"]))
    assert [each["state"] for each in gone["delivery"]] == ["void"]
    assert pending(adviser, case) == []


def test_two_who_record_at_once_make_one_history(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{issued['id']}/delivery"
    with ThreadPoolExecutor(2) as both:
        answers = list(
            both.map(
                lambda by: by.post(path, done(delivered_to=by.name), match=issued["version"]), (adviser, supervisor)
            )
        )
    assert sorted(each.status_code for each in answers) == [200, 412]
    kept = world.sql("SELECT delivered_to FROM casework.advice_delivery WHERE advice_id = $1::text::uuid", issued["id"])
    (won,) = (each.json()["delivery"][0] for each in answers if each.status_code == 200)
    assert [each["delivered_to"] for each in kept] == [won["delivered_to"]]
    lines = world.sql(
        "SELECT FROM casework.case_event WHERE subject_id = $1::text::uuid AND facts ? 'delivered_by'", issued["id"]
    )
    assert len(lines) == 1


def test_what_was_recorded_is_not_recorded_otherwise(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    ok(adviser.post(f"/v1/advice/{issued['id']}/delivery", done(), match=issued["version"]))
    for change in ("SET delivered_to = 'Somebody else'", "SET deliver_by = 'in_person'"):
        with pytest.raises(Exception, match="recorded once"):
            world.logged_sql(f"UPDATE casework.advice_delivery {change} WHERE advice_id = $1", issued["id"])


def test_a_version_has_one_planned_delivery(world: World, team: Team) -> None:
    """Beneath every service: a second one would be pending for ever."""
    adviser = team.person("adviser")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    again = (
        "INSERT INTO casework.advice_delivery (advice_id, case_id, team_id, restricted, deliver_by, due_on)"
        " SELECT advice_id, case_id, team_id, restricted, deliver_by, due_on FROM casework.advice_delivery WHERE advice_id = $1"
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        world.logged_sql(again, issued["id"])
    assert len(ok(adviser.get(f"/v1/advice/{issued['id']}"))["delivery"]) == 1
