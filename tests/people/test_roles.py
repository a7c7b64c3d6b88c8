"""Giving, approving and ending roles: never to oneself, and the powerful ones by two."""

import uuid
from typing import Any

import httpx
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.world import Team


def give(administrator: Caller, person: Caller, role: str, team: Team) -> httpx.Response:
    return administrator.post(f"/v1/people/{person.person_id}/roles", {"role": role, "team_id": team.id})


def approve(administrator: Caller, person: Caller, role: dict[str, Any]) -> httpx.Response:
    return administrator.post(f"/v1/people/{person.person_id}/roles/{role['id']}/approval")


def end(administrator: Caller, person: Caller, role: dict[str, Any]) -> httpx.Response:
    return administrator.delete(f"/v1/people/{person.person_id}/roles/{role['id']}")


def test_a_role_counts_from_the_next_request_on_and_ends_so(team: Team) -> None:
    administrator, person = team.person("administrator"), team.person()
    refused(person.get("/v1/cases"), 403, "forbidden")
    role = ok(give(administrator, person, "adviser", team), 201)
    assert (role["state"], role["granted_by"], role["team_id"]) == ("active", administrator.person_id, team.id)
    ok(person.get("/v1/cases"))
    assert ok(end(administrator, person, role)) == {"items": []}
    refused(person.get("/v1/cases"), 403, "forbidden")
    refused(end(administrator, person, role), 404, "not-found")


@pytest.mark.parametrize("role", ["supervisor", "auditor"])
def test_nobody_gives_a_role_to_themselves_or_ends_their_own(team: Team, role: str) -> None:
    administrator = team.person("administrator")
    refused(give(administrator, administrator, role, team), 403, "never-oneself")
    own = ok(administrator.get(f"/v1/people/{administrator.person_id}/roles"))["items"]
    assert [each["role"] for each in own] == ["administrator"]
    refused(end(administrator, administrator, own[0]), 403, "never-oneself")


@pytest.mark.parametrize(("role", "path"), [("administrator", "/v1/api-clients"), ("auditor", "/v1/people")])
def test_administrator_and_auditor_have_no_power_until_a_second_administrator_approves(
    team: Team, role: str, path: str
) -> None:
    first, second, person = team.person("administrator"), team.person("administrator"), team.person()
    given = ok(give(first, person, role, team), 201)
    assert given["state"] == "pending"
    refused(person.get(path), 403, "forbidden")
    refused(approve(first, person, given), 403, "never-the-requester")
    refused(approve(person, person, given), 403, "forbidden")
    refused(person.get(path), 403, "forbidden")
    assert ok(approve(second, person, given))["state"] == "active"
    ok(person.get(path))
    refused(approve(second, person, given), 409, "state-conflict")


def test_an_administrator_does_not_approve_their_own_further_role(team: Team) -> None:
    first, second = team.person("administrator"), team.person("administrator")
    given = ok(give(first, second, "auditor", team), 201)
    refused(approve(second, second, given), 403, "never-oneself")
    refused(approve(team.person("supervisor"), second, given), 403, "forbidden")


def test_a_role_that_waits_can_be_refused(team: Team) -> None:
    first, second, person = team.person("administrator"), team.person("administrator"), team.person()
    given = ok(give(first, person, "auditor", team), 201)
    ok(end(second, person, given))
    refused(approve(second, person, given), 404, "not-found")


def test_a_role_is_held_once_in_a_team(team: Team, other_team: Team) -> None:
    administrator, person = team.person("administrator"), team.person("adviser")
    refused(give(administrator, person, "adviser", team), 409, "already-exists")
    ok(give(administrator, person, "adviser", other_team), 201)
    held = ok(administrator.get(f"/v1/people/{person.person_id}/roles"))["items"]
    assert {(each["role"], each["team_id"]) for each in held} == {("adviser", team.id), ("adviser", other_team.id)}


def test_a_role_of_one_person_is_not_reached_through_another(team: Team) -> None:
    first, second = team.person("administrator"), team.person("administrator")
    person, other = team.person(), team.person()
    given = ok(give(first, person, "auditor", team), 201)
    refused(approve(second, other, given), 404, "not-found")
    refused(end(second, other, given), 404, "not-found")


def test_only_parts_of_staff_in_teams_that_exist_are_given_to_people_that_exist(team: Team) -> None:
    administrator, person = team.person("administrator"), team.person()
    path = f"/v1/people/{person.person_id}/roles"
    for role in ("service", "public", "enquirer", "god"):
        refused(administrator.post(path, {"role": role, "team_id": team.id}), 422, "validation-failed")
    nowhere = {"role": "adviser", "team_id": str(uuid.uuid4())}
    refused(administrator.post(path, nowhere), 422, "validation-failed")
    body = {"role": "adviser", "team_id": team.id}
    refused(administrator.post(f"/v1/people/{uuid.uuid4()}/roles", body), 404, "not-found")
    refused(administrator.post(f"/v1/people/{team.tool().person_id}/roles", body), 404, "not-found")
