"""Teams and forces: one intake team for each force, and what a team publishes."""

import secrets
from typing import Any

from tests.support.callers import ok, refused
from tests.support.world import Team, World


def new_force(administrator: Any) -> str:
    code = "X" + secrets.token_hex(6).upper()
    ok(administrator.post("/v1/forces", {"code": code, "name": f"Force {code}", "nation": "England"}), 201)
    return code


def test_the_first_team_of_a_force_is_its_intake_team(team: Team) -> None:
    administrator = team.person("administrator")
    code = new_force(administrator)
    first = ok(administrator.post("/v1/teams", {"name": "First", "force_code": code}), 201)
    second = ok(administrator.post("/v1/teams", {"name": "Second", "force_code": code}), 201)
    assert (first["intake"], second["intake"]) == (True, False)
    assert [row["name"] for row in ok(administrator.get("/v1/teams", force_code=code))["items"]] == ["First", "Second"]


def test_a_new_intake_team_takes_over_and_a_force_is_never_without(team: Team) -> None:
    administrator = team.person("administrator")
    code = new_force(administrator)
    first = ok(administrator.post("/v1/teams", {"name": "First", "force_code": code}), 201)
    refused(
        administrator.patch(f"/v1/teams/{first['id']}", {"intake": False}, match=first["version"]), 409, "intake-needed"
    )
    second = ok(administrator.post("/v1/teams", {"name": "Second", "force_code": code, "intake": True}), 201)
    now = administrator.get(f"/v1/teams/{first['id']}")
    assert (second["intake"], ok(now)["intake"]) == (True, False)
    ok(administrator.patch(f"/v1/teams/{first['id']}", {"intake": True}, match=now))
    intake = ok(administrator.get("/v1/teams", force_code=code, intake="true"))["items"]
    assert [row["id"] for row in intake] == [first["id"]]


def test_what_a_team_publishes_is_amended_and_taken_away(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    path = f"/v1/teams/{team.id}"
    read = administrator.get(path)
    changed = administrator.patch(path, {"phone": "01632 960077", "hours": None}, match=read)
    assert (ok(changed)["phone"], ok(changed)["hours"]) == ("+441632960077", None)
    assert ok(world.anybody().get(path))["phone"] == "+441632960077"
    refused(administrator.patch(path, {"hours": "Always"}, match=read), 412, "precondition-failed")


def test_teams_belong_to_a_force_that_exists(team: Team) -> None:
    problem = refused(
        team.person("administrator").post("/v1/teams", {"name": "Lost", "force_code": "NOWHERE"}),
        422,
        "validation-failed",
    )
    assert problem["errors"][0]["pointer"] == "/force_code"


def test_a_force_is_added_once(team: Team) -> None:
    administrator = team.person("administrator")
    body = {"code": "X" + secrets.token_hex(6).upper(), "name": "Docks Police", "nation": "Wales"}
    made = ok(administrator.post("/v1/forces", body), 201)
    assert made == {**body, "has_area": False}
    assert ok(administrator.post("/v1/forces", body), 201) == made
    refused(administrator.post("/v1/forces", {**body, "name": "Other"}), 409, "already-exists")
    refused(administrator.post("/v1/forces", {**body, "code": team.force_code}), 409, "already-exists")
    refused(team.person("supervisor").post("/v1/forces", body), 403, "forbidden")
