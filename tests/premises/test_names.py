"""Places are found by any spelling of their names, aliases too, and listed as a reader expects."""

import random

import pytest

from tests.enquiries.building import asked
from tests.support.callers import Caller, ok, refused
from tests.support.names import IN_ORDER, SAME_NAMES
from tests.support.story import moment
from tests.support.world import Team, World


def place(caller: Caller, team: Team, name: str, **facts):
    return ok(caller.post("/v1/premises", {"team_id": team.id, "name": name, **facts}), 201)


def found(caller: Caller, **wanted) -> list[str]:
    return [each["name"] for each in ok(caller.get("/v1/premises", **wanted))["items"]]


@pytest.mark.parametrize(("stored", "typed"), SAME_NAMES)
def test_a_place_is_found_however_its_name_is_typed(team: Team, stored: str, typed: str) -> None:
    adviser = team.person("adviser")
    place(adviser, team, "Elsewhere")
    made = place(adviser, team, stored)
    assert found(adviser, q=typed) == [made["name"]]
    assert found(adviser, q=stored) == [made["name"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café Rouge", "Cafe Rouge"),
        ("Château Derby", "Chateau Derby"),
        ("Ångström House", "Angstrom House"),
        ("Tŷ Newydd", "Ty Newydd"),
        ("St Mary’s Church", "St. Marys Church"),
        ("Ma\u00adson House", "Mason House"),
    ],
)
def test_a_second_spelling_is_told_of_the_first(team: Team, one: str, other: str) -> None:
    adviser = team.person("adviser")
    for first, second in ((one, other), (other, one)):
        made = place(adviser, team, f"{first} {team.mark}")
        likely = place(adviser, team, f"{second} {team.mark}")["likely_duplicates"]
        assert (made["id"], 60, ["name"]) in [(each["id"], each["score"], each["matched_on"]) for each in likely]


def test_an_alias_is_looked_into_as_well(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team, "Abington Park Museum")
    place(adviser, team, "Corn Exchange")
    path = f"/v1/premises/{made['id']}/aliases"
    for name in ("Yr Hen Dŷ", "The Old Manor House", "Old Manor"):
        ok(adviser.post(path, {"name": name}), 201)
    assert found(adviser, q="hen dy") == ["Abington Park Museum"]
    assert found(adviser, q="old manor") == ["Abington Park Museum"]  # once, though two aliases hold it
    assert found(adviser, q="o") == ["Abington Park Museum", "Corn Exchange"]
    assert found(other_team.person("adviser"), q="hen dy") == []


def test_what_is_looked_for_holds_something_to_find(team: Team) -> None:
    adviser = team.person("adviser")
    for nothing in ("'", "\u00ad", " - ", "’"):
        for path in ("/v1/premises", "/v1/organisations", "/v1/people"):
            problem = refused(adviser.get(path, q=nothing), 422, "validation-failed")
            assert problem["errors"][0]["parameter"] == "q"


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_names_stand_as_a_reader_expects_page_by_page(team: Team, limit: int) -> None:
    adviser = team.person("adviser")
    for name in random.sample(IN_ORDER, len(IN_ORDER)):
        place(adviser, team, name)
    for sort, wanted in (("name", [*IN_ORDER]), ("-name", [*reversed(IN_ORDER)])):
        seen, cursor = [], None
        while True:
            page = ok(adviser.get("/v1/premises", sort=sort, limit=limit, **({"cursor": cursor} if cursor else {})))
            seen += [each["name"] for each in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert seen == wanted


@pytest.mark.parametrize("letter", ["W", "Ŵ", "王", "한", "𝒲", "👍", '"'])
def test_the_longest_names_are_paged_through(team: Team, letter: str) -> None:
    """A cursor carries where a name stands, whatever it is written in."""
    adviser = team.person("adviser")
    made = [place(adviser, team, letter * 199 + end)["id"] for end in "ab"]
    first = ok(adviser.get("/v1/premises", limit=1))
    second = ok(adviser.get("/v1/premises", limit=1, cursor=first["next_cursor"]))
    assert [page["items"][0]["id"] for page in (first, second)] == made


def test_names_are_read_in_order_from_their_index(world: World, team: Team) -> None:
    """The order of the list is that of an index, by the collation of both."""
    rows = world.sql(
        "SELECT i.indexdef FROM pg_indexes i WHERE i.indexname IN"
        " ('premises_team_id_sort_key_idx', 'person_team_id_sort_key_idx', 'organisation_directory_sort_key_idx')"
    )
    assert [row["indexdef"].endswith("sort_key, id)") for row in rows] == [True] * 3


def test_a_place_of_the_same_uprn_comes_first_and_goes_in(team: Team, other_team: Team, world: World) -> None:
    adviser = team.person("adviser")
    known = place(adviser, team, "Intu", uprn="100023336956")
    place(adviser, team, "Derbion", postcode="DE1 2PL")
    place(other_team.person("adviser"), other_team, "Foreign", uprn="100023336956")
    made = place(adviser, team, "Derbion", postcode="DE1 2PL", uprn="0100023336956"[1:])
    likely = made["likely_duplicates"]
    assert [(each["name"], each["score"], each["matched_on"]) for each in likely] == [
        ("Intu", 100, ["uprn"]),
        ("Derbion", 100, ["name", "postcode"]),
    ]
    assert likely[0]["uprn"] == made["uprn"] == known["uprn"]
    matches = ok(adviser.get("/v1/premises-matches", uprn="100023336956"))["items"]
    assert {each["id"] for each in matches} == {known["id"], made["id"]}
    assert {(each["score"], *each["matched_on"]) for each in matches} == {(100, "uprn")}
    both = ok(adviser.get("/v1/premises-matches", uprn="100023336956", name="Intu"))["items"]
    assert both[0]["matched_on"] == ["uprn", "name"]
    assert found(adviser, uprn="100023336956") == ["Derbion", "Intu"]
    assert found(adviser, uprn="1") == []
    assert place(adviser, team, "Unknown")["likely_duplicates"] == []
    told = world.sql(
        "SELECT o.object_id FROM audit.event e JOIN audit.event_object o ON o.event_id = e.id"
        " WHERE e.principal_id = $1 AND o.operation = 'consultation' AND o.object_id = $2",
        adviser.person_id,
        known["id"],
    )
    assert len(told) >= 3


def test_a_merged_place_of_the_same_uprn_is_none(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    kept, gone = place(adviser, team, "Kept"), place(adviser, team, "Gone", uprn="42")
    merged = "UPDATE casework.premises SET state = 'merged', merged_into = $2 WHERE id = $1"
    world.logged_sql(merged, gone["id"], kept["id"])
    assert place(adviser, team, "New", uprn="42")["likely_duplicates"] == []


def test_an_enquiry_is_told_of_places_by_any_spelling(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    made = place(adviser, team, "Église Saint-Jean")
    alias = ok(adviser.post(f"/v1/premises/{made['id']}/aliases", {"name": "St John’s Church"}), 201)

    def likely(site: str) -> list[tuple[str, list[str]]]:
        told = asked(world, team, site_name=site).read()["likely_premises"]
        return [(each["id"], each["reasons"]) for each in told]

    assert likely("Eglise Saint Jean") == [(made["id"], ["name"])]
    assert likely("St. Johns Church") == [(made["id"], ["alias"])]
    path = f"/v1/premises/{made['id']}/aliases/{alias['id']}"
    ok(adviser.patch(path, {"ended_at": moment(days=-1)}, match=1))
    assert likely("St Johns Church") == []
