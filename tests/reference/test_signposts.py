"""Where callers with another need are sent: every row, in Welsh too, with a force's own number before the national one."""

import json
import secrets
from typing import Any

import pytest

from casework.reference.localities import DATA
from casework.reference.models import URGENT, Need
from casework.reference.signposts import packaged
from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World

PACKAGED: list[dict[str, Any]] = json.loads((DATA / "signposts.json").read_text(encoding="utf-8"))
OWN = {
    "need": "prevent_activity",
    "title": "Prevent Team of the county",
    "who_for": "Schools and groups in the county.",
    "phone": "01632 960002",
    "explanation": "Ring the team to book a session.",
}


@pytest.fixture
def administrator(team: Team) -> Caller:
    return team.person("administrator")


def listed(caller: Caller, **params: str) -> dict[str, dict[str, Any]]:
    return {item["need"]: item for item in ok(caller.get("/v1/signposts", **params))["items"]}


def own_entry(administrator: Caller, team: Team, **facts: Any) -> dict[str, Any]:
    body = {**OWN, "force_code": team.force_code, **facts}
    made: dict[str, Any] = ok(administrator.post("/v1/signposts", body), 201)
    return made


@pytest.mark.parametrize("row", PACKAGED, ids=lambda row: row["need"])
def test_everybody_is_told_every_row(world: World, row: dict[str, Any]) -> None:
    item = listed(world.anybody())[row["need"]]
    assert item["how"] == {way: row["how"].get(way) for way in ("phone", "web", "hours", "other")}
    for member in ("title", "who_for", "explanation", "title_cy", "explanation_cy"):
        assert item[member] == row[member]
    assert item["force_code"] is None


def test_they_come_in_the_order_of_the_public_form(world: World) -> None:
    items = ok(world.anybody().get("/v1/signposts"))["items"]
    assert [item["need"] for item in items] == [row["need"] for row in PACKAGED] == list(Need)


def test_the_packaged_copy_says_the_same_as_the_tables(world: World) -> None:
    assert {need: packaged(need) for need in Need} == listed(world.anybody())


def test_staff_and_tools_are_told_too(team: Team) -> None:
    assert len(listed(team.person("adviser"))) == len(listed(team.tool())) == len(Need)


def test_a_force_s_own_entry_stands_where_the_force_serves(
    world: World, team: Team, other_team: Team, administrator: Caller
) -> None:
    own_entry(administrator, team)
    public = world.anybody()
    here = listed(public, postcode=team.postcode)
    assert here["prevent_activity"]["how"]["phone"] == "01632 960002"
    assert here["prevent_activity"]["force_code"] == team.force_code
    assert here["emergency"]["how"]["phone"] == "999"
    assert len(here) == len(Need)
    assert listed(public, postcode=other_team.postcode)["prevent_activity"]["force_code"] is None
    code = f"E{secrets.randbelow(10**8):08}"
    world.logged_sql(
        "INSERT INTO casework.local_authority (code, name, nation, force_code) VALUES ($1, $1, 'England', $2)",
        code,
        team.force_code,
    )
    by_authority = listed(public, local_authority_code=code)
    assert by_authority == here
    assert listed(public)["prevent_activity"]["force_code"] is None


def test_for_advice_one_rings_the_team_of_the_place(world: World, team: Team) -> None:
    public = world.anybody()
    how, national = (
        each["protective_security_advice"]["how"] for each in (listed(public, postcode=team.postcode), listed(public))
    )
    assert (how["phone"], how["hours"]) == ("+441632960001", "Monday to Friday, 8 to 4")
    assert f"ctsa@{team.force_code.lower()}.example" in how["other"]
    assert national["phone"] == "101"


@pytest.mark.parametrize("postcode", ["SW1A 1AA", "nowhere", "DE1"])
def test_a_postcode_that_nobody_knows_gets_the_national_entries(world: World, postcode: str) -> None:
    assert listed(world.anybody(), postcode=postcode) == listed(world.anybody())


def test_a_postcode_may_be_written_as_people_write_it(world: World, team: Team, administrator: Caller) -> None:
    own_entry(administrator, team)
    written = team.postcode.replace(" ", "").lower()
    assert listed(world.anybody(), postcode=written)["prevent_activity"]["force_code"] == team.force_code


def test_a_number_is_changed_without_a_release(world: World, team: Team, administrator: Caller) -> None:
    entry = own_entry(administrator, team)
    path = f"/v1/signposts/{entry['id']}"
    refused(administrator.patch(path, {"phone": "01632 960003"}), 428, "precondition-required")
    amended = administrator.patch(path, {"phone": "01632 960003", "title_cy": "Tîm Prevent"}, match=entry["version"])
    assert ok(amended)["title"] == OWN["title"]
    refused(administrator.patch(path, {"phone": "01632 960004"}, match=entry["version"]), 412, "precondition-failed")
    told = listed(world.anybody(), postcode=team.postcode)["prevent_activity"]
    assert (told["how"]["phone"], told["title_cy"]) == ("01632 960003", "Tîm Prevent")


def test_an_own_entry_taken_away_gives_the_national_one_back(world: World, team: Team, administrator: Caller) -> None:
    entry = own_entry(administrator, team)
    read = administrator.get(f"/v1/signposts/{entry['id']}")
    ok(administrator.patch(f"/v1/signposts/{entry['id']}", {"active": False}, match=read))
    assert listed(world.anybody(), postcode=team.postcode)["prevent_activity"]["force_code"] is None
    kept = ok(administrator.get("/v1/reference/signposts", force_code=team.force_code))["items"]
    assert [(row["id"], row["active"]) for row in kept] == [(entry["id"], False)]


def test_a_national_entry_always_stands(administrator: Caller) -> None:
    records = ok(administrator.get("/v1/reference/signposts"))["items"]
    national = next(row for row in records if row["need"] == "emergency")
    refusal = administrator.patch(f"/v1/signposts/{national['id']}", {"active": False}, match=national["version"])
    refused(refusal, 409, "national-signpost-stays")


@pytest.mark.parametrize("need", URGENT)
def test_the_urgent_needs_have_no_entry_of_a_force(team: Team, administrator: Caller, need: Need) -> None:
    body = {**OWN, "need": need, "force_code": team.force_code}
    refused(administrator.post("/v1/signposts", body), 422, "validation-failed")


def test_a_force_has_one_entry_for_a_need(team: Team, administrator: Caller) -> None:
    own_entry(administrator, team)
    body = {**OWN, "force_code": team.force_code}
    refused(administrator.post("/v1/signposts", body), 409, "already-exists")


@pytest.mark.parametrize(
    "wrong",
    [
        {"need": "weather"},
        {"force_code": "nobody"},
        {"web": "http://example.org"},
        {"phone": None},
        {"title": "\u0007"},
        {"colour": "blue"},
    ],
)
def test_what_no_caller_could_use_is_refused(team: Team, administrator: Caller, wrong: dict[str, Any]) -> None:
    response = administrator.post("/v1/signposts", {**OWN, "force_code": team.force_code, **wrong})
    assert response.status_code in (400, 422), response.text


def test_an_entry_keeps_a_way_to_be_reached(team: Team, administrator: Caller) -> None:
    entry = own_entry(administrator, team)
    refusal = administrator.patch(f"/v1/signposts/{entry['id']}", {"phone": None}, match=entry["version"])
    refused(refusal, 422, "validation-failed")


@pytest.mark.parametrize("role", ["adviser", "supervisor", "professional_lead", "national_reader"])
def test_only_administrators_manage_signposts(team: Team, role: str) -> None:
    body = {**OWN, "force_code": team.force_code}
    refused(team.person(role).post("/v1/signposts", body), 403, "forbidden")


def test_a_stranger_manages_nothing(world: World, team: Team) -> None:
    body = {**OWN, "force_code": team.force_code}
    refused(world.anybody().post("/v1/signposts", body), 401, "unauthenticated")


@pytest.mark.parametrize(
    "web", ["https://www.gov.uk@evil.example/", "https://www.police.uk:443@evil.example", "http://police.uk/"]
)
def test_an_address_says_whose_site_it_is(administrator: Caller, team: Team, web: str) -> None:
    entry = own_entry(administrator, team)
    told = refused(
        administrator.patch(f"/v1/signposts/{entry['id']}", {"web": web}, match=entry["version"]),
        422,
        "validation-failed",
    )
    assert [each["pointer"] for each in told["errors"]] == ["/web"]
    path = {"web": "https://www.police.uk/contact/@team"}
    ok(administrator.patch(f"/v1/signposts/{entry['id']}", path, match=entry["version"]))
