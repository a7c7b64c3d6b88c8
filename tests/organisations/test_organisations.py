"""Organisations: in full for the team that keeps them, a directory for everybody else."""

from uuid import uuid4

from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World

WITHHELD = {"address", "postcode", "phone", "email", "note", "version"}


def organisation(caller: Caller, team: Team, **facts):
    made = ok(caller.post("/v1/organisations", {"team_id": team.id, "name": "Derby Theatre Trust", **facts}), 201)
    made.pop("likely_duplicates")  # tests/organisations/test_duplicates.py
    return made


def test_the_keeping_team_reads_it_in_full(team: Team) -> None:
    adviser = team.person("adviser")
    made = organisation(
        adviser, team, company_number="445790", sector="retail", phone="020 7946 0018", note="Ring first"
    )
    assert (made["company_number"], made["phone"]) == ("00445790", "+442079460018")
    read = adviser.get(f"/v1/organisations/{made['id']}")
    assert ok(read) == made
    assert made["extent"] == "full"
    assert read.headers["ETag"] == '"1"'
    assert made["allowed_actions"] == ["organisation.write"]
    assert ok(team.person("information_manager").get(f"/v1/organisations/{made['id']}"))["allowed_actions"] == []


def test_another_team_sees_the_directory_facts_and_nothing_of_the_rest(team: Team, other_team: Team) -> None:
    made = organisation(team.person("adviser"), team, town="Derby", note="Ring first", email="desk@example.org")
    read = other_team.person("adviser").get(f"/v1/organisations/{made['id']}")
    seen = ok(read)
    assert seen["extent"] == "directory"
    assert (seen["name"], seen["town"], seen["allowed_actions"]) == ("Derby Theatre Trust", "Derby", [])
    assert not WITHHELD & seen.keys()
    assert "ETag" not in read.headers


def test_a_tool_sees_its_own_team_only(team: Team, other_team: Team) -> None:
    name = f"Tooled {uuid4().hex}"
    made = organisation(team.person("adviser"), team, name=name)
    assert ok(team.tool("organisations.read").get(f"/v1/organisations/{made['id']}"))["extent"] == "full"
    foreign = other_team.tool("organisations.read")
    refused(foreign.get(f"/v1/organisations/{made['id']}"), 404, "not-found")
    assert ok(foreign.get("/v1/organisations", q=name))["items"] == []
    refused(team.tool().get(f"/v1/organisations/{made['id']}"), 403, "forbidden")


def test_the_directory_is_everybodys(team: Team, other_team: Team) -> None:
    tag = uuid4().hex
    adviser = team.person("adviser")
    first = organisation(adviser, team, name=f"{tag} B", company_number="SC123456", sector="retail")
    second = organisation(other_team.person("adviser"), other_team, name=f"{tag} A")
    stranger = other_team.person("reviewer")
    listed = ok(stranger.get("/v1/organisations", q=tag.upper()))["items"]
    assert [each["id"] for each in listed] == [second["id"], first["id"]]
    assert not WITHHELD & listed[0].keys()
    for wanted in (
        {"team_id": team.id},
        {"company_number": "sc 123456", "team_id": team.id},
        {"sector": "retail", "q": tag},
    ):
        assert [each["id"] for each in ok(stranger.get("/v1/organisations", **wanted))["items"]] == [first["id"]]
    page = ok(stranger.get("/v1/organisations", q=tag, limit=1, sort="-name"))
    assert [each["id"] for each in page["items"]] == [first["id"]]
    rest = ok(stranger.get("/v1/organisations", q=tag, limit=1, sort="-name", cursor=page["next_cursor"]))
    assert ([each["id"] for each in rest["items"]], rest["next_cursor"]) == ([second["id"]], None)


def test_wildcards_are_taken_as_they_are_written(team: Team) -> None:
    adviser, tag = team.person("adviser"), uuid4().hex
    for name in ("100% Cotton", "100 Cotton", "a_b", "axb", "a\\b"):
        organisation(adviser, team, name=f"{tag} {name}")

    def found(q: str) -> list[str]:
        items = ok(adviser.get("/v1/organisations", q=f"{tag} {q}"))["items"]
        return [each["name"].removeprefix(f"{tag} ") for each in items]

    assert found("100%") == ["100% Cotton"]
    assert found("a_") == ["a_b"]
    assert found("a\\") == ["a\\b"]
    assert found("%") == []


def test_only_the_keeping_team_amends_it(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    made = organisation(adviser, team, note="Ring first")
    path = f"/v1/organisations/{made['id']}"
    refused(adviser.patch(path, {"note": None}), 428, "precondition-required")
    refused(other_team.person("adviser").patch(path, {"name": "Ours now"}, match=1), 403, "forbidden")
    refused(team.person("reviewer").patch(path, {"name": "Ours now"}, match=1), 403, "forbidden")
    refused(adviser.patch(f"/v1/organisations/{uuid4()}", {"name": "X"}, match=1), 404, "not-found")
    changed = adviser.patch(path, {"note": None, "town": "Derby"}, match=1)
    assert (ok(changed)["note"], ok(changed)["town"], ok(changed)["name"]) == (None, "Derby", made["name"])
    refused(adviser.patch(path, {"town": "Leeds"}, match=1), 412, "precondition-failed")
    ok(adviser.patch(path, {"town": "Leeds"}, match=changed))
    assert ok(other_team.person("adviser").get(path))["town"] == "Leeds"


def test_a_patch_is_read_strictly(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/organisations/{organisation(adviser, team)['id']}"
    for wrong in ({"name": None}, {"nmae": "X"}, {"team_id": team.id}, {"sector": "pubs"}, {"company_number": "!"}):
        problem = refused(adviser.patch(path, wrong, match=1), 422, "validation-failed")
        name = next(iter(wrong))
        # What is no field of ours is not repeated: it is told by the object that has no such field.
        assert problem["errors"][0]["pointer"] == f"/{name}"


def test_a_patch_that_states_nothing_changes_nothing(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    made = organisation(adviser, team)
    path = f"/v1/organisations/{made['id']}"
    answer = adviser.patch(path, {}, match=1)
    assert ok(answer) == made
    assert answer.headers["ETag"] == '"1"'
    refused(adviser.patch(path, {}, match=7), 412, "precondition-failed")
    refused(adviser.patch(f"/v1/organisations/{uuid4()}", {}, match=1), 404, "not-found")
    told = world.sql(
        "SELECT operation FROM audit.event_object WHERE object_id = $1 AND kind = 'organisation' ORDER BY position",
        made["id"],
    )
    assert [row["operation"] for row in told] == ["collection", "consultation"]


def test_a_team_beyond_reach_is_as_absent(team: Team, other_team: Team) -> None:
    body = {"team_id": other_team.id, "name": "Not mine to keep"}
    refused(team.person("adviser").post("/v1/organisations", body), 404, "not-found")
    refused(team.person("reviewer").post("/v1/organisations", body), 403, "forbidden")


def test_the_clients_own_id_makes_a_repeat_a_success(team: Team, other_team: Team) -> None:
    adviser, own = team.person("adviser"), str(uuid4())
    made = organisation(adviser, team, id=own, name="Twice Ltd")
    assert made["id"] == own
    assert organisation(adviser, team, id=own, name="Twice Ltd") == made
    other = {"team_id": team.id, "id": own, "name": "Other"}
    refused(adviser.post("/v1/organisations", other), 409, "already-exists")
    foreign = {"team_id": other_team.id, "id": own, "name": "Twice Ltd"}
    refused(other_team.person("adviser").post("/v1/organisations", foreign), 409, "already-exists")


def test_a_list_is_one_entry_in_the_log(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    organisation(adviser, team)
    ok(adviser.get("/v1/organisations", team_id=team.id))
    told = world.sql(
        "SELECT count(DISTINCT e.id) AS events, count(o.*) AS objects FROM audit.event e"
        " LEFT JOIN audit.event_object o ON o.event_id = e.id WHERE e.principal_id = $1 AND e.action = 'organisation.read'",
        adviser.person_id,
    )[0]
    assert (told["events"], told["objects"]) == (1, 1)
