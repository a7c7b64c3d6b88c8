"""Vocabularies, forces, local authorities and bank holidays: read by everybody, kept by administrators."""

import json
import re
import secrets
from datetime import UTC, date, datetime
from typing import Any

import pytest

from casework import migrations
from casework.reference.localities import DATA
from casework.reference.working_days import NATIONS
from tests.support import cluster
from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World

LOOKUPS: dict[str, list[dict[str, Any]]] = json.loads((DATA / "lookups.json").read_text(encoding="utf-8"))


@pytest.fixture
def administrator(team: Team) -> Caller:
    return team.person("administrator")


@pytest.fixture
def word(administrator: Caller) -> dict[str, Any]:
    """A word of its own, so that tests do not meet."""
    body = {"code": f"test_{secrets.token_hex(6)}", "label": "Something else", "position": 90}
    made: dict[str, Any] = ok(administrator.post("/v1/reference/reason_hold", body), 201)
    return made


def words(caller: Caller, kind: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(caller.get(f"/v1/reference/{kind}"))["items"]
    return items


@pytest.mark.parametrize("kind", LOOKUPS)
def test_everybody_reads_the_words_in_their_order(world: World, kind: str) -> None:
    packaged = [(row["code"], row["label"], row.get("parent"), row["position"]) for row in LOOKUPS[kind]]
    known = {row["code"] for row in LOOKUPS[kind]}
    read = [row for row in words(world.anybody(), kind) if row["code"] in known]
    assert [(row["code"], row["label"], row["parent"], row["position"]) for row in read] == packaged
    assert all(row["kind"] == kind for row in read)


def test_the_kinds_are_listed(world: World) -> None:
    kinds = {row["kind"]: row["entries"] for row in ok(world.anybody().get("/v1/reference"))["items"]}
    assert kinds.keys() == {*LOOKUPS, "forces", "local_authorities", "signposts"}
    assert kinds["sectors"] >= len(LOOKUPS["sectors"]) == 12  # other tests add words of their own
    for kind in kinds:
        assert ok(world.anybody().get(f"/v1/reference/{kind}"))["items"]


@pytest.mark.parametrize("kind", ["dragons", "Sectors", "sectors%20", "a" * 61])
def test_an_unknown_kind_is_not_found(world: World, administrator: Caller, kind: str) -> None:
    refused(world.anybody().get(f"/v1/reference/{kind}"), 404, "not-found")
    refused(administrator.post(f"/v1/reference/{kind}", {"code": "green", "label": "Green"}), 404, "not-found")


def test_forces_are_listed_with_those_that_have_no_area(world: World) -> None:
    forces = {row["code"]: row for row in ok(world.anybody().get("/v1/reference/forces"))["items"]}
    assert forces["E23000018"]["name"] == "Derbyshire"
    # Other tests add forces of their own to this database, so each packaged one is asked after by its code.
    assert not any(forces[code]["has_area"] for code in ("BTP", "CNC", "MDP"))
    assert all(row["has_area"] for code, row in forces.items() if re.fullmatch(r"[EWSN]\d{8}", code))
    scottish = ok(world.anybody().get("/v1/reference/forces", nation="Scotland"))["items"]
    assert "S23000009" in {row["code"] for row in scottish}
    assert {row["nation"] for row in scottish} == {"Scotland"}


def test_local_authorities_are_listed_with_their_force(world: World) -> None:
    public = world.anybody()
    authorities = {row["code"]: row for row in ok(public.get("/v1/reference/local_authorities"))["items"]}
    assert authorities["E09000001"]["force_code"] == "E23000034"
    of_psni = ok(public.get("/v1/reference/local_authorities", force_code="N99999999"))["items"]
    assert len(of_psni) == 11


def test_an_administrator_adds_a_word(administrator: Caller, word: dict[str, Any]) -> None:
    assert word in words(administrator, "reason_hold")
    assert (word["active"], word["parent"], word["version"]) == (True, None, 1)
    assert ok(administrator.get(f"/v1/reference/reason_hold/{word['code']}")) == word


def test_a_code_is_given_once(administrator: Caller, word: dict[str, Any]) -> None:
    body = {"code": word["code"], "label": "Other"}
    refused(administrator.post("/v1/reference/reason_hold", body), 409, "already-exists")


def test_a_word_is_retired_and_not_lost(administrator: Caller, word: dict[str, Any]) -> None:
    path = f"/v1/reference/reason_hold/{word['code']}"
    retired = ok(administrator.patch(path, {"active": False, "label": "Retired"}, match=word["version"]))
    assert (retired["active"], retired["label"], retired["position"]) == (False, "Retired", 90)
    assert retired in words(administrator, "reason_hold")
    refused(administrator.patch(path, {"active": True}, match=word["version"]), 412, "precondition-failed")
    refused(administrator.patch(path, {"active": True}), 428, "precondition-required")


def test_a_parent_is_another_word_of_the_kind(administrator: Caller, word: dict[str, Any]) -> None:
    path = f"/v1/reference/reason_hold/{word['code']}"
    for parent in ("dragons", word["code"]):
        refused(administrator.patch(path, {"parent": parent}, match=1), 422, "validation-failed")
    wider = LOOKUPS["reason_hold"][0]["code"]
    assert ok(administrator.patch(path, {"parent": wider}, match=1))["parent"] == wider


@pytest.mark.parametrize(
    "wrong",
    [{"code": "Two Words"}, {"label": " "}, {"label": None}, {"position": -1}, {"active": "yes"}, {"kind": "x"}],
)
def test_a_word_that_is_none_is_refused(administrator: Caller, wrong: dict[str, Any]) -> None:
    body = {"code": "fine", "label": "Fine", **wrong}
    refused(administrator.post("/v1/reference/reason_hold", body), 422, "validation-failed")


def test_an_unknown_word_is_not_found(administrator: Caller) -> None:
    refused(administrator.get("/v1/reference/sectors/dragons"), 404, "not-found")
    refused(administrator.patch("/v1/reference/sectors/dragons", {"label": "X"}, match=1), 404, "not-found")


@pytest.mark.parametrize("role", ["adviser", "supervisor", "professional_lead"])
def test_only_administrators_manage_words(team: Team, role: str) -> None:
    person = team.person(role)
    refused(person.post("/v1/reference/sectors", {"code": "x", "label": "X"}), 403, "forbidden")
    refused(person.patch("/v1/reference/sectors/retail", {"label": "X"}, match=1), 403, "forbidden")


def test_a_change_is_in_the_processing_log(world: World, administrator: Caller, word: dict[str, Any]) -> None:
    path = f"/v1/reference/reason_hold/{word['code']}"
    ok(administrator.patch(path, {"label": "Renamed"}, match=word["version"]))
    logged = world.sql(
        "SELECT operation, fields FROM audit.event_object WHERE object_id = $1 ORDER BY event_id", word["id"]
    )
    assert [row["operation"] for row in logged] == ["collection", "alteration"]
    assert logged[1]["fields"] == ["label", "version"]


# --- bank holidays ---


def test_bank_holidays_are_there_for_the_years_ahead(world: World) -> None:
    year = datetime.now(UTC).year
    for nation in NATIONS:
        for each in range(year - 1, year + 4):
            items = ok(world.anybody().get("/v1/bank-holidays", nation=nation, year=each))["items"]
            assert len(items) >= 8
            assert f"{each}-12-25" in {row["day"] for row in items} or date(each, 12, 25).weekday() > 4


def test_a_bank_holiday_is_proclaimed_and_withdrawn(world: World, administrator: Caller) -> None:
    body = {"nation": "Wales", "day": "2051-03-01", "name": "Saint David's Day"}
    made = administrator.post("/v1/bank-holidays", body)
    added = ok(made, 201)
    assert (added.pop("deadlines"), added.pop("recounted")) == ([], False)  # what it touches, only who adds it is told
    listed = ok(world.anybody().get("/v1/bank-holidays", nation="Wales", year=2051))["items"]
    assert [each for each in listed if each["day"] == body["day"]] == [added]  # other tests proclaim days of their own
    refused(administrator.post("/v1/bank-holidays", body), 409, "already-exists")
    path = f"/v1/bank-holidays/{added['id']}"
    assert ok(administrator.patch(path, {"active": False}, match=made))["active"] is False
    assert ok(world.anybody().get(path))["version"] == 2


def test_only_administrators_manage_bank_holidays(team: Team) -> None:
    body = {"nation": "Wales", "day": "2051-03-02", "name": "Not a day"}
    refused(team.person("supervisor").post("/v1/bank-holidays", body), 403, "forbidden")


# --- loading ---


def test_migrating_again_leaves_what_an_administrator_changed(
    world: World, administrator: Caller, word: dict[str, Any]
) -> None:
    path = "/v1/reference/sectors/transport"
    before = administrator.get(path)
    ok(administrator.patch(path, {"label": "Transport hubs"}, match=before))
    counted = _counts(world)
    migrations.migrate(cluster.url("casework_migrate", world.database))
    assert _counts(world) == counted
    after = administrator.get(path)
    assert ok(after)["label"] == "Transport hubs"
    assert word in words(administrator, "reason_hold")
    ok(administrator.patch(path, {"label": ok(before)["label"]}, match=after))


def _counts(world: World) -> list[int]:
    tables = ("police_force", "local_authority", "lookup", "signpost", "threat_level", "bank_holiday")
    return [world.sql(f"SELECT count(*) FROM casework.{table}")[0][0] for table in tables]
