"""Which known place is meant: likely duplicates are warned of and never blocked, and a score comes with its reasons."""

from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World

ABINGTON = (
    "The Museum Of Leathercraft",
    "Abington Museum",
    "Museum Of The Northamptonshire Regiment",
    "Northamptonshire Yeomanry Section Of Borough Combined Services Museum",
)


def place(caller: Caller, team: Team, name: str, **facts):
    return ok(caller.post("/v1/premises", {"team_id": team.id, "name": name, **facts}), 201)


def likely(made) -> list[str]:
    return [each["name"] for each in made["likely_duplicates"]]


def matches(caller: Caller, **wanted):
    return ok(caller.get("/v1/premises-matches", **wanted))["items"]


def test_four_museums_at_one_postcode_are_four_places(team: Team) -> None:
    adviser = team.person("adviser")
    for name in ABINGTON:
        assert likely(place(adviser, team, name, postcode="NN1 5LW")) == []
    found = matches(adviser, postcode="nn15lw")
    assert {each["name"] for each in found} == set(ABINGTON)
    assert {(each["score"], *each["matched_on"]) for each in found} == {(40, "postcode")}


def test_near_identical_names_are_warned_of_and_go_in(team: Team) -> None:
    adviser = team.person("adviser")
    first = place(adviser, team, "Maritime Museum, Lancaster", postcode="LA1 1RB")
    second = place(adviser, team, "The Lancaster Maritime Museum", postcode="LA1 1RB")
    assert likely(second) == ["Maritime Museum, Lancaster"]
    assert second["likely_duplicates"][0]["matched_on"] == ["name", "postcode"]
    assert second["likely_duplicates"][0]["score"] == 100
    assert second["id"] != first["id"]
    assert likely(place(adviser, team, "Lancaster Maritime Musuem", postcode="LA1 1RB")) != []
    assert likely(place(adviser, team, "Lancaster City Museum", postcode="LA1 1HT")) == []


def test_one_name_in_two_towns_is_two_places(team: Team) -> None:
    adviser = team.person("adviser")
    place(adviser, team, "Corn Exchange", postcode="MK40 1SL", town="Bedford")
    assert likely(place(adviser, team, "Corn Exchange", postcode="CB2 3QB", town="Cambridge")) == []
    assert likely(place(adviser, team, "corn-exchange")) == ["Corn Exchange", "Corn Exchange"]
    found = matches(adviser, name="Corn Exchange", postcode="MK40 1SS")
    assert [(each["town"], each["score"], each["matched_on"]) for each in found] == [
        ("Bedford", 80, ["name", "nearby"]),
        ("Cambridge", 60, ["name"]),
        (None, 60, ["name"]),
    ]


def test_aliases_are_looked_at_too(team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team, "Abington Park Museum", postcode="NN1 5LW")
    alias = {"name": "The Old Manor House", "postcode": "NN1 5LX"}
    ok(adviser.post(f"/v1/premises/{made['id']}/aliases", alias), 201)
    (found,) = matches(adviser, name="old manor house", postcode="NN1 5LX")
    assert (found["id"], found["alias"], found["score"]) == (made["id"], "The Old Manor House", 100)
    assert found["matched_on"] == ["alias", "postcode"]
    assert [each["name"] for each in ok(adviser.get(f"/v1/premises/{made['id']}"))["aliases"]] == [alias["name"]]


def test_only_what_is_within_reach_is_matched(team: Team, other_team: Team) -> None:
    place(other_team.person("adviser"), other_team, "Corn Exchange", postcode="MK40 1SL")
    adviser = team.person("adviser")
    assert matches(adviser, name="Corn Exchange", postcode="MK40 1SL") == []
    assert likely(place(adviser, team, "Corn Exchange", postcode="MK40 1SL")) == []
    refused(team.person("auditor").get("/v1/premises-matches", name="X"), 403, "forbidden")


def test_something_must_be_asked_for(team: Team) -> None:
    adviser = team.person("adviser")
    refused(adviser.get("/v1/premises-matches"), 422, "validation-failed")
    refused(adviser.get("/v1/premises-matches", postcode="NN1"), 422, "validation-failed")
    assert matches(adviser, name="% _ \\") == []


def test_what_a_match_shows_is_in_the_log(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team, "Corn Exchange")
    matches(adviser, name="Corn Exchange")
    told = world.sql(
        "SELECT o.object_id FROM audit.event e JOIN audit.event_object o ON o.event_id = e.id"
        " WHERE e.principal_id = $1 AND e.action = 'premises.read' AND o.operation = 'consultation'",
        adviser.person_id,
    )
    assert [str(row["object_id"]) for row in told] == [made["id"]]
