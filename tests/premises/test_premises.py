"""Places: taken in, found, amended, closed; their areas, parties and aliases."""

from uuid import uuid4

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import moment
from tests.support.world import Team, World


def place(caller: Caller, team: Team, **facts):
    return ok(caller.post("/v1/premises", {"team_id": team.id, "name": "Corn Exchange", **facts}), 201)


def operations(world: World, record: str) -> list[str]:
    rows = world.sql("SELECT operation FROM audit.event_object WHERE object_id = $1 ORDER BY position", record)
    return [row["operation"] for row in rows]


def test_the_team_reads_a_place_and_another_force_does_not(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team, sector="retail", latitude=52.1, longitude="-0.866629")
    read = team.person("reviewer").get(f"/v1/premises/{made['id']}")
    assert (ok(read)["latitude"], ok(read)["longitude"]) == ("52.100000", "-0.866629")
    assert (ok(read)["areas"], ok(read)["parties"], ok(read)["aliases"]) == ([], [], [])
    assert ok(read)["allowed_actions"] == []
    assert made["allowed_actions"] == ["premises.write"]
    refused(other_team.person("adviser").get(f"/v1/premises/{made['id']}"), 404, "not-found")
    refused(team.person("auditor").get(f"/v1/premises/{made['id']}"), 403, "forbidden")
    assert ok(team.tool("premises.read").get(f"/v1/premises/{made['id']}"))["id"] == made["id"]


def test_a_team_beyond_reach_is_as_absent(team: Team, other_team: Team) -> None:
    refused(team.person("adviser").post("/v1/premises", {"team_id": other_team.id, "name": "X"}), 404, "not-found")
    refused(team.person("reviewer").post("/v1/premises", {"team_id": team.id, "name": "X"}), 403, "forbidden")


def test_the_force_is_that_of_the_postcode_else_of_the_local_authority(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    # The test's authorities have their force's code.
    both = place(adviser, team, postcode=team.postcode, local_authority_code=other_team.force_code)
    assert both["force_code"] == team.force_code
    assert place(adviser, team, local_authority_code=other_team.force_code)["force_code"] == other_team.force_code
    assert place(adviser, team)["force_code"] is None
    path = f"/v1/premises/{both['id']}"
    moved = ok(adviser.patch(path, {"postcode": other_team.postcode}, match=1))
    assert moved["force_code"] == other_team.force_code
    railway = ok(adviser.patch(path, {"force_code": "BTP"}, match=2))
    assert railway["force"] == "British Transport Police"
    assert ok(adviser.patch(path, {"postcode": team.postcode}, match=3))["force_code"] == "BTP"
    assert ok(adviser.patch(path, {"force_code": None}, match=4))["force_code"] == team.force_code


def test_words_are_those_of_the_reference(team: Team) -> None:
    adviser = team.person("adviser")
    for wrong in (
        {"sector": "pubs"},
        {"schedule_1_use": "museum"},
        {"occupancy_basis": "guess"},
        {"local_authority_code": "E99"},
        {"force_code": "E99"},
        {"expected_peak_occupancy": "350"},
        {"expected_peak_occupancy": -1},
        {"latitude": 91},
        {"priority": 1},
        {"postcode": "NN1"},
        {"occupancy_on": "2026-02-30"},
    ):
        body = {"team_id": team.id, "name": "Corn Exchange", **wrong}
        problem = refused(adviser.post("/v1/premises", body), 422, "validation-failed")
        assert problem["errors"][0]["pointer"] == f"/{next(iter(wrong))}"


def test_a_priority_needs_its_reason(team: Team) -> None:
    adviser = team.person("adviser")
    body = {"team_id": team.id, "name": "London Bridge", "priority": True}
    problem = refused(adviser.post("/v1/premises", body), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/priority_reason"
    made = place(adviser, team)
    path = f"/v1/premises/{made['id']}"
    refused(adviser.patch(path, {"priority": True}, match=1), 422, "validation-failed")
    reason = {"priority": True, "priority_reason": "Crowds on the pavement; the criteria know buildings only."}
    assert ok(adviser.patch(path, reason, match=1))["priority"] is True
    refused(adviser.patch(path, {"priority_reason": None}, match=2), 422, "validation-failed")


def test_a_patch_touches_what_it_states(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team, town="Bedford", address="St Paul's Square")
    path = f"/v1/premises/{made['id']}"
    refused(adviser.patch(path, {"town": None}), 428, "precondition-required")
    answer = adviser.patch(path, {"town": None}, match=1)
    assert (ok(answer)["town"], ok(answer)["address"]) == (None, "St Paul's Square")
    assert answer.headers["ETag"] == '"2"'
    refused(adviser.patch(path, {"town": "Bedford"}, match=1), 412, "precondition-failed")
    refused(adviser.patch(path, {"name": None}, match=2), 422, "validation-failed")
    refused(adviser.patch(path, {"nmae": "X"}, match=2), 422, "validation-failed")
    refused(other_team.person("adviser").patch(path, {"town": "X"}, match=2), 404, "not-found")
    refused(team.person("reviewer").patch(path, {"town": "X"}, match=2), 403, "forbidden")


def test_a_patch_that_states_nothing_changes_nothing(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team)
    path = f"/v1/premises/{made['id']}"
    answer = adviser.patch(path, {}, match=1)
    assert ok(answer)["version"] == 1
    assert answer.headers["ETag"] == '"1"'
    refused(adviser.patch(path, {}, match=2), 412, "precondition-failed")
    assert operations(world, made["id"]) == ["collection", "consultation"]


def test_a_place_is_closed_and_opened_again(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/premises/{place(adviser, team)['id']}"
    problem = refused(adviser.patch(path, {"closed_on": "2026"}, match=1), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/closed_on"
    for wrong in ("last year", "20266", "2026-13-01"):
        refused(adviser.patch(path, {"state": "closed", "closed_on": wrong}, match=1), 422, "validation-failed")
    refused(adviser.patch(path, {"state": "merged"}, match=1), 422, "validation-failed")
    closed = ok(adviser.patch(path, {"state": "closed", "closed_on": "2026-09-30"}, match=1))
    assert (closed["state"], closed["closed_on"], closed["allowed_actions"]) == (
        "closed",
        "2026-09-30",
        ["premises.write"],
    )
    opened = ok(adviser.patch(path, {"state": "open"}, match=2))
    assert (opened["state"], opened["closed_on"]) == ("open", None)


def test_areas(team: Team, other_team: Team, world: World) -> None:
    adviser = team.person("adviser")
    made, elsewhere = place(adviser, team), place(adviser, team, name="Elsewhere")
    areas = f"/v1/premises/{made['id']}/areas"
    area = ok(adviser.post(areas, {"name": "Foyer"}), 201)
    refused(adviser.patch(f"{areas}/{area['id']}", {"name": "Main foyer"}), 428, "precondition-required")
    amended = ok(adviser.patch(f"{areas}/{area['id']}", {"name": "Main foyer", "description": "By the doors"}, match=1))
    assert ok(adviser.get(f"/v1/premises/{made['id']}"))["areas"] == [amended]
    assert ok(adviser.patch(f"{areas}/{area['id']}", {}, match=2)) == amended
    assert operations(world, area["id"]) == ["collection", "alteration", "consultation"]
    other = f"/v1/premises/{elsewhere['id']}/areas/{area['id']}"
    refused(adviser.patch(other, {"name": "X"}, match=2), 404, "not-found")
    stranger = other_team.person("adviser")
    refused(stranger.post(areas, {"name": "X"}), 404, "not-found")
    refused(stranger.patch(f"{areas}/{area['id']}", {"name": "X"}, match=2), 404, "not-found")
    refused(team.person("reviewer").post(areas, {"name": "X"}), 403, "forbidden")


def test_parties_end_and_are_kept(team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team)
    parties = f"/v1/premises/{made['id']}/parties"
    firm = ok(adviser.post("/v1/organisations", {"team_id": team.id, "name": "Peak Guarding"}), 201)
    contractor = {"role": "security_contractor", "name": "Peak Guarding", "organisation_id": firm["id"]}
    party = ok(adviser.post(parties, contractor), 201)
    refused(adviser.post(parties, {"role": "caterer", "name": "X"}), 422, "validation-failed")
    refused(
        adviser.post(parties, {"role": "owner", "name": "X", "organisation_id": str(uuid4())}), 422, "validation-failed"
    )
    ended_at = moment(days=-1)
    ended = ok(adviser.patch(f"{parties}/{party['id']}", {"ended_at": ended_at}, match=1))
    assert ended["ended_at"] == ended_at
    assert ok(adviser.get(f"/v1/premises/{made['id']}"))["parties"] == [ended]
    assert ok(adviser.patch(f"{parties}/{party['id']}", {"ended_at": None}, match=2))["ended_at"] is None
    refused(adviser.patch(f"{parties}/{party['id']}", {"role": None}, match=3), 422, "validation-failed")


def test_a_merged_place_takes_nothing_more(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    made, kept = place(adviser, team), place(adviser, team, name="The one kept")
    world.logged_sql(
        "UPDATE casework.premises SET state = 'merged', merged_into = $2 WHERE id = $1", made["id"], kept["id"]
    )
    refused(adviser.patch(f"/v1/premises/{made['id']}", {"town": "X"}, match=1), 409, "state-conflict")
    refused(adviser.post(f"/v1/premises/{made['id']}/areas", {"name": "X"}), 409, "state-conflict")
    assert ok(adviser.get(f"/v1/premises/{made['id']}"))["allowed_actions"] == []


def test_places_are_listed_by_what_is_known_of_them(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    hall = place(adviser, team, name="Market Hall", sector="retail", postcode=team.postcode)
    arena = place(adviser, team, name="Arena", priority=True, priority_reason="Capacity")
    ok(adviser.patch(f"/v1/premises/{arena['id']}", {"state": "closed"}, match=1))
    place(other_team.person("adviser"), other_team, name="Market Hall")

    def found(**wanted) -> list[str]:
        return [each["name"] for each in ok(adviser.get("/v1/premises", **wanted))["items"]]

    assert found() == ["Arena", "Market Hall"]
    assert found(sort="-created_at") == ["Arena", "Market Hall"]
    assert found(sort="created_at") == ["Market Hall", "Arena"]
    assert found(q="hALL") == ["Market Hall"]
    assert found(postcode=hall["postcode"].replace(" ", "").lower()) == ["Market Hall"]
    assert found(force_code=team.force_code) == ["Market Hall"]
    assert found(state="closed") == ["Arena"]
    assert found(sector="retail", priority="false") == ["Market Hall"]
    assert found(priority="true") == ["Arena"]
    page = ok(adviser.get("/v1/premises", limit=1))
    assert [each["name"] for each in ok(adviser.get("/v1/premises", limit=1, cursor=page["next_cursor"]))["items"]] == [
        "Market Hall"
    ]
    refused(adviser.get("/v1/premises", town="Derby"), 400, "unknown-parameter")


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
def test_wildcards_are_taken_as_they_are_written(team: Team, sign: str) -> None:
    adviser = team.person("adviser")
    place(adviser, team, name=f"Studio {sign} One")
    place(adviser, team, name="Studio Two")
    assert [each["name"] for each in ok(adviser.get("/v1/premises", q=sign))["items"]] == [f"Studio {sign} One"]


def test_the_clients_own_id_makes_a_repeat_a_success(team: Team) -> None:
    adviser, own = team.person("adviser"), str(uuid4())
    made = place(adviser, team, id=own, latitude=52.1, longitude=-1)
    assert place(adviser, team, id=own, latitude=52.1, longitude=-1)["version"] == made["version"]
    other = {"team_id": team.id, "id": own, "name": "Other"}
    refused(adviser.post("/v1/premises", other), 409, "already-exists")
