"""A tool that acts for a person: both must be allowed, what is reached is what both reach, and the log names both."""

import uuid
from typing import Any

import httpx
import pytest

from tests.enquiries.building import asking
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, enquirer_of, open_case
from tests.support.world import Team, World

SCOPES = ("cases.read", "visits.read", "enquiries.read", "enquiries.submit", "premises.read")


def acting(tool: Caller, person: Caller | str, path: str, **params: Any) -> httpx.Response:
    """A read by the tool for this person."""
    named = person if isinstance(person, str) else person.person_id
    return tool.request("GET", path, params=params or None, headers={"X-Acting-For": str(named)})


def listed(answer: httpx.Response) -> set[str]:
    return {row["id"] for row in ok(answer)["items"]}


def events(world: World, answer: httpx.Response) -> list[tuple[str, str, str | None]]:
    """What the log tells of a request: whose it was, for whom, and how it was decided."""
    rows = world.sql(
        "SELECT principal_id::text, acting_for::text, decision FROM audit.event WHERE request_id = $1 ORDER BY id",
        uuid.UUID(answer.headers["X-Request-ID"]),
    )
    return [tuple(row) for row in rows]


def test_what_both_reach_is_reached(team: Team, other_team: Team) -> None:
    adviser, tool = team.person("adviser"), team.tool(*SCOPES)
    here, there = open_case(adviser, team), open_case(other_team.person("adviser"), other_team)
    assert listed(acting(tool, adviser, "/v1/cases")) == {here["id"]}
    ok(acting(tool, adviser, f"/v1/cases/{here['id']}"))
    refused(acting(tool, adviser, f"/v1/cases/{there['id']}"), 404, "not-found")


def test_nothing_is_lent_to_a_person_of_another_team(world: World, team: Team, other_team: Team) -> None:
    tool, stranger = team.tool(*SCOPES), other_team.person("adviser", "supervisor")
    here, there = open_case(team.person("adviser"), team), open_case(stranger, other_team)
    assert listed(acting(tool, stranger, "/v1/cases")) == set()
    absent = acting(tool, stranger, f"/v1/cases/{uuid.uuid4()}")
    for case in (here, there):
        hidden = acting(tool, stranger, f"/v1/cases/{case['id']}")
        refused(hidden, 404, "not-found")
        assert without_request_id(hidden) == without_request_id(absent)


def without_request_id(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_of_a_person_with_roles_in_two_teams_the_tool_s_team_counts(world: World, team: Team, other_team: Team) -> None:
    person = team.person("adviser")
    world.give_role(str(person.person_id), "supervisor", other_team)
    here, there = open_case(person, team), open_case(other_team.person("adviser"), other_team)
    assert {row["id"] for row in ok(person.get("/v1/cases"))["items"]} == {here["id"], there["id"]}
    assert listed(acting(team.tool(*SCOPES), person, "/v1/cases")) == {here["id"]}
    assert listed(acting(other_team.tool(*SCOPES), person, "/v1/cases")) == {there["id"]}


def test_a_person_who_reaches_single_cases_only_lends_those(team: Team) -> None:
    """A reviewer reaches what they are asked to review: nothing yet, though the tool reaches the team."""
    open_case(team.person("adviser"), team)
    tool, reviewer = team.tool(*SCOPES), team.person("reviewer")
    assert listed(tool.get("/v1/cases")) != set()
    assert listed(acting(tool, reviewer, "/v1/cases")) == set()


def test_a_restricted_case_is_never_reached(team: Team) -> None:
    adviser, supervisor, tool = team.person("adviser"), team.person("supervisor"), team.tool(*SCOPES)
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(acting(tool, adviser, path))
    ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=case["version"]))
    for person in (adviser, supervisor):
        ok(person.get(path))
        assert acting(tool, person, path).status_code in (403, 404)
        assert listed(acting(tool, person, "/v1/cases")) == set()


@pytest.mark.parametrize("role", ["administrator", None])
def test_who_may_not_do_it_lends_nothing(team: Team, role: str | None) -> None:
    person = team.person(*([role] if role else []))
    refused(acting(team.tool(*SCOPES), person, "/v1/cases"), 403, "forbidden")


def test_a_tool_without_the_scope_borrows_nothing(team: Team) -> None:
    adviser = team.person("adviser")
    refused(acting(team.tool("visits.read"), adviser, "/v1/cases"), 403, "forbidden")
    refused(acting(team.tool(*SCOPES), adviser, "/v1/people"), 403, "forbidden")


def test_who_is_inactive_is_answered_as_who_is_not_there(world: World, team: Team) -> None:
    tool, person = team.tool(*SCOPES), team.person("adviser")
    ok(acting(tool, person, "/v1/cases"))
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1", person.person_id)
    inactive, absent = acting(tool, person, "/v1/cases"), acting(tool, str(uuid.uuid4()), "/v1/cases")
    refused(inactive, 403, "forbidden")
    assert (without_request_id(inactive), inactive.status_code) == (without_request_id(absent), absent.status_code)


def test_a_role_that_ended_or_waits_lends_nothing(world: World, team: Team) -> None:
    tool, person = team.tool(*SCOPES), team.person("adviser")
    world.sql("UPDATE access.membership SET pending = true WHERE principal_id = $1", uuid.UUID(str(person.person_id)))
    refused(acting(tool, person, "/v1/cases"), 403, "forbidden")
    world.sql(
        "UPDATE access.membership SET pending = false, ended_at = now() WHERE principal_id = $1",
        uuid.UUID(str(person.person_id)),
    )
    refused(acting(tool, person, "/v1/cases"), 403, "forbidden")


def test_a_tool_is_not_a_person_to_act_for(team: Team) -> None:
    refused(acting(team.tool(*SCOPES), team.tool(*SCOPES), "/v1/cases"), 403, "forbidden")


def test_nobody_but_a_tool_acts_for_another(world: World, team: Team) -> None:
    adviser, person = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    enquirer = enquirer_of(world, team, case)
    for caller, path in (
        (adviser, "/v1/cases"),
        (adviser, f"/v1/cases/{case['id']}"),
        (adviser, "/v1/me"),
        (enquirer, "/v1/me"),
        (world.anybody(), "/v1/signposts"),
    ):
        ok(caller.get(path))
        answer = acting(caller, person, path)
        refused(answer, 403, "forbidden")
        assert [told for _, _, told in events(world, answer)] == ["forbidden"]
        assert all(named is None for _, named, _ in events(world, answer))


@pytest.mark.parametrize(
    "named", ["me", "", "0190b2c40000700080000000000000002", "{0190b2c4-0000-7000-8000-000000000002}", "' OR 1=1"]
)
def test_a_name_that_is_no_id_is_told_so(team: Team, named: str) -> None:
    document = refused(acting(team.tool(*SCOPES), named, "/v1/cases"), 422, "validation-failed")
    assert document["errors"][0]["parameter"] == "X-Acting-For"


def test_the_log_names_both(world: World, team: Team, other_team: Team) -> None:
    tool, adviser = team.tool(*SCOPES), team.person("adviser")
    case = open_case(adviser, team)
    both = (tool.person_id, adviser.person_id)
    assert events(world, acting(tool, adviser, f"/v1/cases/{case['id']}")) == [(*both, "allow")]
    missed = acting(tool, adviser, f"/v1/cases/{uuid.uuid4()}")
    refused(missed, 404, "not-found")
    assert [each[:2] for each in events(world, missed)] == [both]
    refusal = acting(tool, team.person("administrator"), "/v1/cases")
    assert [each[2] for each in events(world, refusal)] == ["forbidden"]
    absent = str(uuid.uuid4())
    assert events(world, acting(tool, absent, "/v1/cases")) == [(tool.person_id, None, "forbidden")]


def test_a_refused_write_names_both(world: World, team: Team) -> None:
    tool, adviser = team.tool(*SCOPES), team.person("adviser")
    headers = {"X-Acting-For": str(adviser.person_id)}
    key = str(uuid.uuid4())
    tool.post("/v1/enquiries", asking(team), key=key, headers=headers)
    answer = tool.post("/v1/enquiries", asking(team, site_name="Another"), key=key, headers=headers)
    refused(answer, 422, "idempotency-key-reused")
    told = events(world, answer)
    assert told[-1] == (tool.person_id, adviser.person_id, "refused:idempotency-key-reused")


def test_a_key_used_for_one_person_answers_nothing_for_another(world: World, team: Team) -> None:
    tool, first, second = team.tool(*SCOPES), team.person("adviser"), team.person("adviser")
    key, body = str(uuid.uuid4()), asking(team)

    def submit(person: Caller | None) -> httpx.Response:
        headers = {"X-Acting-For": str(person.person_id)} if person else {}
        return tool.post("/v1/enquiries", body, key=key, headers=headers)

    made = submit(first)
    assert made.status_code in (200, 201), made.text
    assert submit(first).headers["Idempotency-Replayed"] == "true"
    for person in (second, None):
        refused(submit(person), 422, "idempotency-key-reused")
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1", first.person_id)
    refused(submit(first), 403, "forbidden")


def test_a_cursor_is_its_person_s(team: Team) -> None:
    tool, first, second = team.tool(*SCOPES), team.person("adviser"), team.person("adviser")
    for _ in range(2):
        open_case(first, team)
    cursor = ok(acting(tool, first, "/v1/cases", limit=1))["next_cursor"]
    assert len(listed(acting(tool, first, "/v1/cases", limit=1, cursor=cursor))) == 1
    for answer in (
        acting(tool, second, "/v1/cases", limit=1, cursor=cursor),
        tool.get("/v1/cases", limit=1, cursor=cursor),
    ):
        refused(answer, 400, "invalid-cursor")


def test_what_is_offered_is_what_both_may_do(team: Team) -> None:
    tool, adviser = team.tool(*SCOPES), team.person("adviser")
    case = open_case(adviser, team)
    alone = set(ok(tool.get(f"/v1/cases/{case['id']}"))["allowed_actions"])
    assert set(ok(acting(tool, adviser, f"/v1/cases/{case['id']}"))["allowed_actions"]) <= alone
