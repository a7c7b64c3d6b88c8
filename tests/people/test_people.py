"""Who may make people known, change them, and see what of them."""

import random
import uuid
from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.names import IN_ORDER
from tests.support.world import Team, World

OTHERS = (
    "adviser",
    "reviewer",
    "coordinator",
    "supervisor",
    "information_manager",
    "auditor",
    "national_reader",
    "professional_lead",
)
COLLEAGUE = {"id", "name", "team_id", "team", "competences", "suspended"}


def facts(team: Team, **more: Any) -> dict[str, Any]:
    return {"name": "Jo Marsh", "email": f"{uuid.uuid4().hex}@police.example", "team_id": team.id, **more}


def add(administrator: Caller, team: Team, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = ok(administrator.post("/v1/people", facts(team, **more)), 201)
    return made


def test_an_administrator_makes_a_person_known_who_then_may_do_nothing(world: World, team: Team) -> None:
    person = add(team.person("administrator"), team, competences=["pal", "events"])
    assert (person["roles"], person["active"], person["competences"]) == ([], True, ["pal", "events"])
    refused(world.log_in(person["id"]).get("/v1/cases"), 403, "forbidden")


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_manages_people(team: Team, role: str) -> None:
    caller, person = team.person(role), team.person("adviser")
    path = f"/v1/people/{person.person_id}"
    refused(caller.post("/v1/people", facts(team)), 403, "forbidden")
    refused(caller.patch(path, {"active": False}, match=1), 403, "forbidden")
    refused(caller.get(f"{path}/roles"), 403, "forbidden")
    refused(caller.post(f"{path}/roles", {"role": "adviser", "team_id": team.id}), 403, "forbidden")
    refused(caller.request("PUT", f"{path}/password", json={"password": "twelve or more"}), 403, "forbidden")
    refused(caller.post("/v1/teams", {"name": "Mine", "force_code": team.force_code}), 403, "forbidden")


def test_the_same_id_with_the_same_facts_is_the_same_person(team: Team) -> None:
    administrator, body = (
        team.person("administrator"),
        facts(team, id="0190b2c4-0000-7000-8000-" + uuid.uuid4().hex[:12]),
    )
    assert ok(administrator.post("/v1/people", body), 201) == ok(administrator.post("/v1/people", body), 201)
    refused(administrator.post("/v1/people", {**body, "name": "Other"}), 409, "already-exists")


def test_an_email_address_belongs_to_one_person_in_whatever_letters(team: Team) -> None:
    administrator = team.person("administrator")
    person = add(administrator, team)
    refused(administrator.post("/v1/people", facts(team, email=person["email"].upper())), 409, "already-exists")


def test_competences_and_teams_are_words_that_exist(team: Team) -> None:
    administrator = team.person("administrator")
    unknown = refused(
        administrator.post("/v1/people", facts(team, competences=["pal", "magic"])), 422, "validation-failed"
    )
    assert unknown["errors"][0]["pointer"] == "/competences/1"
    elsewhere = refused(
        administrator.post("/v1/people", facts(team, team_id=str(uuid.uuid4()))), 422, "validation-failed"
    )
    assert elsewhere["errors"][0]["pointer"] == "/team_id"


def test_whoever_is_made_inactive_is_out_on_the_next_request_and_not_let_in_again_by_an_old_token(team: Team) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser")
    path = f"/v1/people/{adviser.person_id}"
    ok(adviser.get("/v1/cases"))
    left = administrator.patch(path, {"active": False}, match=administrator.get(path))
    assert ok(left)["active"] is False
    refused(adviser.get("/v1/cases"), 401, "unauthenticated")
    ok(administrator.patch(path, {"active": True}, match=left))
    refused(adviser.get("/v1/cases"), 401, "unauthenticated")


def test_an_amendment_changes_what_it_states_and_needs_the_version(team: Team) -> None:
    administrator = team.person("administrator")
    person = add(administrator, team, competences=["pal"])
    path = f"/v1/people/{person['id']}"
    refused(administrator.patch(path, {"name": "Jo Field"}), 428, "precondition-required")
    amended = ok(administrator.patch(path, {"competences": ["hss"]}, match=person["version"]))
    assert (amended["name"], amended["competences"]) == ("Jo Marsh", ["hss"])
    refused(administrator.patch(path, {"name": "Jo Field"}, match=person["version"]), 412, "precondition-failed")
    refused(administrator.patch(path, {"name": None}, match=amended["version"]), 422, "validation-failed")


def test_nobody_amends_themselves_or_sets_their_own_password(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    path = f"/v1/people/{administrator.person_id}"
    refused(administrator.patch(path, {"name": "Boss"}, match=1), 403, "never-oneself")
    refused(administrator.request("PUT", f"{path}/password", json={"password": "twelve or more"}), 403, "never-oneself")
    assert not world.sql("SELECT 1 FROM access.credential WHERE principal_id = $1", administrator.person_id)


def test_a_password_set_by_an_administrator_opens_a_session_and_ends_those_before(world: World, team: Team) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser")
    path = f"/v1/people/{adviser.person_id}/password"
    refused(administrator.request("PUT", path, json={"password": "eleven char"}), 422, "validation-failed")
    ok(adviser.get("/v1/me"))
    key = {"Idempotency-Key": str(uuid.uuid4())}
    login = ok(administrator.request("PUT", path, json={"password": "twelve or more"}, headers=key))["login"]
    refused(adviser.get("/v1/me"), 401, "unauthenticated")
    opening = {"login": login, "password": "twelve or more"}
    ok(world.anybody().request("POST", "/v1/sessions", json=opening), 201)
    # Not even a fingerprint of the request is kept, from which a password could be guessed.
    assert not world.sql("SELECT 1 FROM work.idempotency_key WHERE caller = $1", f"staff:{administrator.person_id}")


def test_the_login_follows_the_address(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    person = add(administrator, team)
    path = f"/v1/people/{person['id']}"
    ok(administrator.request("PUT", f"{path}/password", json={"password": "twelve or more"}))
    moved = f"{uuid.uuid4().hex}@police.example"
    ok(administrator.patch(path, {"email": moved}, match=person["version"]))
    opening = {"login": moved, "password": "twelve or more"}
    ok(world.anybody().request("POST", "/v1/sessions", json=opening), 201)


# --- who sees whom, and what of them ---


@pytest.mark.parametrize("role", [role for role in OTHERS if role != "national_reader"])
def test_colleagues_see_name_team_and_competences_and_never_an_email_address(team: Team, role: str) -> None:
    caller, colleague = team.person(role), team.person("adviser", name="Ann Abel")
    shown = ok(caller.get(f"/v1/people/{colleague.person_id}"))
    assert shown.keys() == COLLEAGUE
    listed = caller.get("/v1/people", team_id=team.id)
    assert {frozenset(row) for row in ok(listed)["items"]} == {frozenset(COLLEAGUE)}
    # Whether they are locked out is told to whoever may lock them out.
    assert {row["suspended"] for row in ok(listed)["items"]} == ({False} if role == "supervisor" else {None})
    assert shown["suspended"] is (False if role == "supervisor" else None)
    assert "@" not in listed.text


def test_whoever_manages_people_sees_the_whole_entry(team: Team) -> None:
    adviser = team.person("adviser")
    shown = ok(team.person("administrator").get(f"/v1/people/{adviser.person_id}"))
    assert "@" in shown["email"]
    assert [role["role"] for role in shown["roles"]] == ["adviser"]


def test_a_national_reader_finds_nobody(team: Team) -> None:
    refused(team.person("national_reader").get("/v1/people"), 403, "forbidden")


def test_an_adviser_finds_their_team_and_a_supervisor_everybody(team: Team, other_team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    stranger = other_team.person("adviser")
    refused(adviser.get(f"/v1/people/{stranger.person_id}"), 404, "not-found")
    assert ok(adviser.get("/v1/people", team_id=other_team.id))["items"] == []
    assert ok(supervisor.get(f"/v1/people/{stranger.person_id}"))["id"] == stranger.person_id
    assert {row["team_id"] for row in ok(adviser.get("/v1/people"))["items"]} == {team.id}


def test_colleagues_are_found_by_name_competence_and_part(team: Team) -> None:
    caller = team.person("coordinator", name="Zoe", competences=())
    ann = team.person("adviser", name="Ann_Abel", competences=("hss",)).person_id
    ada = team.person("supervisor", name="Annabel Hart", competences=("pal", "cni")).person_id

    def found(**filters: Any) -> list[str]:
        return [row["id"] for row in ok(caller.get("/v1/people", **filters))["items"]]

    assert found(q="ann") == [ann, ada]
    assert found(q="ANN_") == [ann]
    assert found(q="%") == []
    assert found(competence="cni") == [ada]
    assert found(role="adviser") == [ann]
    assert found(role="adviser", competence="cni") == []
    assert found(sort="-name") == [caller.person_id, ada, ann]
    refused(caller.get("/v1/people", role="public"), 422, "validation-failed")
    refused(caller.get("/v1/people", email="x@police.example"), 400, "unknown-parameter")


def test_a_list_is_paged_to_its_end(team: Team) -> None:
    caller = team.person("adviser")
    everybody = {team.person("adviser").person_id for _ in range(4)} | {caller.person_id}
    seen, cursor = [], None
    while True:
        page = ok(caller.get("/v1/people", limit=2, **({"cursor": cursor} if cursor else {})))
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 5
    assert set(seen) == everybody


def test_who_has_left_is_found_by_those_who_manage_people_only(world: World, team: Team) -> None:
    left = team.person("adviser")
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1", left.person_id)
    supervisor, administrator = team.person("supervisor"), team.person("administrator")
    assert left.person_id not in {row["id"] for row in ok(supervisor.get("/v1/people", team_id=team.id))["items"]}
    assert ok(supervisor.get("/v1/people", team_id=team.id, active="false"))["items"] == []
    found = ok(administrator.get("/v1/people", team_id=team.id, active="false"))["items"]
    assert [row["id"] for row in found] == [left.person_id]


@pytest.mark.parametrize("typed", ["kowalska", "Marie", "łódź", "lodz", "O’Neill", "oneill", "ana maria", "MARIA lodz"])
def test_a_colleague_is_found_by_any_word_of_the_name(team: Team, typed: str) -> None:
    caller = team.person("coordinator", name="Zoe")
    for name in ("Anä-Maria Łódź Kowalska", "Marie O'Neill"):
        team.person("adviser", name=name)
    found = [row["name"] for row in ok(caller.get("/v1/people", q=typed))["items"]]
    assert found == (["Marie O'Neill"] if "neill" in typed.lower() or typed == "Marie" else ["Anä-Maria Łódź Kowalska"])
    assert ok(caller.get("/v1/people", q="arie"))["items"] == []


def test_people_teams_and_tools_stand_as_a_reader_expects(world: World) -> None:
    team = world.team()
    caller = team.person("administrator", name="zzz")
    for name in random.sample(IN_ORDER, len(IN_ORDER)):
        team.person("adviser", name=name)
        of = {"name": name, "team_id": team.id}
        ok(caller.post("/v1/api-clients", {**of, "scopes": ["cases.read"]}), 201)
        ok(caller.post("/v1/teams", {"name": name, "force_code": team.force_code}), 201)
    for path, filters in (
        ("/v1/people", {"team_id": team.id}),
        ("/v1/api-clients", {"team_id": team.id}),
        ("/v1/teams", {"force_code": team.force_code}),
    ):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = ok(caller.get(path, sort="-name", limit=4, **filters, **cursor))
            seen += [row["name"] for row in page["items"] if row["name"] in IN_ORDER]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == [*reversed(IN_ORDER)], path
