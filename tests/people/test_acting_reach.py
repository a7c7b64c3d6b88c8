"""What a tool is to do for people who agreed to it reaches nothing yet: with the scope, with the header, with both."""

import re
import uuid

import pytest

from tests.support import contract
from tests.support.authority import ACTING_SCOPES, acting
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, completed_visit, finding, issued_advice
from tests.support.world import Team, World


def asked() -> dict[str, tuple[str, str]]:
    """Every operation whose action a tool has by acting alone: its method and path."""
    return {
        stated["operationId"]: (method.upper(), path)
        for path, item in contract.document()["paths"].items()
        for method, stated in item.items()
        if stated.get("x-action") in acting()
    }


@pytest.fixture(scope="module")
def home(world: World) -> tuple[Team, Caller, dict[str, str]]:
    """A team with an adviser and one of each record that these operations are about."""
    team = world.team()
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())
    issued = issued_advice(team, adviser, case)
    place = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Old Mill", "postcode": team.postcode}), 201)
    ids = {"case_id": case["id"], "visit_id": visit["id"], "finding_id": visit["findings"][0]["id"], "advice_id": issued["id"]}  # fmt: skip
    ids |= {"recommendation_id": issued["recommendations"][0]["id"], "premises_id": place["id"]}
    return team, adviser, ids


@pytest.mark.parametrize("operation", sorted(asked()))
def test_what_is_held_by_acting_alone_is_forbidden(home: tuple[Team, Caller, dict[str, str]], operation: str) -> None:
    team, adviser, ids = home
    method, path = asked()[operation]
    for name, id_ in ids.items():
        path = path.replace("{" + name + "}", id_)
    path = re.sub(r"\{\w+\}", lambda _: str(uuid.uuid4()), path)
    tool = team.tool(*ACTING_SCOPES, "cases.read", "visits.read")
    for named in ({}, {"X-Acting-For": adviser.person_id or ""}):
        headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"', **named}
        answer = tool.request(method, path, headers=headers, **({"json": {}} if method in ("POST", "PATCH") else {}))
        refused(answer, 403, "forbidden")


def test_nothing_is_offered_and_nothing_is_held(home: tuple[Team, Caller, dict[str, str]]) -> None:
    team, _, ids = home
    tool = team.tool(*ACTING_SCOPES, "cases.read", "visits.read")
    assert not {*ok(tool.get(f"/v1/cases/{ids['case_id']}"))["allowed_actions"]} & acting()
    assert not {*ok(tool.get(f"/v1/visits/{ids['visit_id']}"))["allowed_actions"]} & acting()
    assert "acting" not in {held["reach"] for held in ok(tool.get("/v1/me"))["actions"]}
    why = ok(team.person("supervisor").get("/v1/access/explanation", person=tool.person_id, record=ids["finding_id"]))
    assert (why["verdict"], [each["code"] for each in why["reasons"]]) == ("no", ["role-has-no-reach"])


@pytest.mark.parametrize("scope", sorted(ACTING_SCOPES))
def test_a_scope_that_opens_nothing_is_not_given(team: Team, scope: str) -> None:
    administrator = team.person("administrator")
    facts = {"name": "Duty board", "team_id": team.id, "scopes": [scope]}
    told = refused(administrator.post("/v1/api-clients", facts), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/scopes/0"
    made = ok(administrator.post("/v1/api-clients", {**facts, "scopes": ["cases.read"]}), 201)
    refused(administrator.patch(f"/v1/api-clients/{made['id']}", {"scopes": [scope]}, match=made["version"]), 422, "validation-failed")  # fmt: skip


def test_it_is_the_word_that_reaches_nothing(world: World, home: tuple[Team, Caller, dict[str, str]]) -> None:
    """The control: with the same row reaching by team, the same tool reads the same finding."""
    team, _, ids = home
    tool, path = team.tool(*ACTING_SCOPES), f"/v1/findings/{ids['finding_id']}"
    change = "UPDATE access.policy SET reach = $1 WHERE role = 'service' AND action = 'finding.read'"
    world.sql(change, "team")
    try:
        ok(tool.get(path))
        refused(team.tool().get(path), 403, "forbidden")
    finally:
        world.sql(change, "acting")
    refused(tool.get(path), 403, "forbidden")
