"""Organisations are found by a word inside their names, listed as a reader expects, and told of when they are there already."""

import random
from uuid import uuid4

import pytest

from tests.support.callers import Caller, ok
from tests.support.names import IN_ORDER, SAME_NAMES
from tests.support.world import Team, World


def organisation(caller: Caller, team: Team, name: str, **facts):
    return ok(caller.post("/v1/organisations", {"team_id": team.id, "name": name, **facts}), 201)


def found(caller: Caller, team: Team, **wanted) -> list[str]:
    return [each["name"] for each in ok(caller.get("/v1/organisations", team_id=team.id, **wanted))["items"]]


def likely(made) -> list[tuple[str, int, list[str]]]:
    return [(each["id"], each["score"], each["matched_on"]) for each in made["likely_duplicates"]]


@pytest.mark.parametrize(("stored", "typed"), SAME_NAMES)
def test_an_organisation_is_found_however_its_name_is_typed(team: Team, stored: str, typed: str) -> None:
    adviser = team.person("adviser")
    made = organisation(adviser, team, stored)
    organisation(adviser, team, "Elsewhere")
    assert found(adviser, team, q=typed) == [made["name"]]


def test_any_word_of_the_name_finds_it(team: Team) -> None:
    adviser = team.person("adviser")
    made = organisation(adviser, team, "Costa (Derby) – Théâtre-Royal, Peak/Dale")["name"]
    for word in ("costa", "derby", "theatre", "royal", "theatre royal", "dale", "PEAK"):
        assert found(adviser, team, q=word) == [made], word
    for part in ("osta", "heatre", "erby"):
        assert found(adviser, team, q=part) == [], part


def test_names_stand_as_a_reader_expects(team: Team) -> None:
    adviser = team.person("adviser")
    for name in random.sample(IN_ORDER, len(IN_ORDER)):
        organisation(adviser, team, name)
    assert found(adviser, team) == [*IN_ORDER]
    assert found(adviser, team, sort="-name") == [*reversed(IN_ORDER)]
    page = ok(adviser.get("/v1/organisations", team_id=team.id, limit=3))
    rest = found(adviser, team, cursor=page["next_cursor"], limit=3)
    assert rest == [*IN_ORDER[3:6]]


def test_the_same_company_comes_first_and_goes_in(team: Team, other_team: Team, world: World) -> None:
    number, name = f"{uuid4().int % 89_999_999 + 10_000_000}", f"Derby Theatre {uuid4().hex}"
    abroad = organisation(other_team.person("adviser"), other_team, f"Other {uuid4().hex}", company_number=number)
    adviser = team.person("adviser")
    alike = organisation(adviser, team, f"{name} Ltd", town="Derby")
    made = organisation(adviser, team, f"{name} Limited", company_number=number, town="DERBY")
    assert likely(made) == [(abroad["id"], 100, ["company_number"]), (alike["id"], 100, ["name", "town"])]
    # As far as the directory goes, and no further.
    assert set(made["likely_duplicates"][0]) == {
        "id", "team_id", "team", "name", "company_number", "sector", "town", "score", "matched_on",
    }  # fmt: skip
    both = organisation(adviser, team, name, company_number=number)
    assert [each[2] for each in likely(both)] == [["company_number", "name"], ["company_number"], ["name"]]
    told = world.sql(
        "SELECT DISTINCT o.object_id FROM audit.event e JOIN audit.event_object o ON o.event_id = e.id"
        " WHERE e.principal_id = $1 AND o.operation = 'consultation'",
        adviser.person_id,
    )
    assert {str(row["object_id"]) for row in told} == {abroad["id"], alike["id"], made["id"]}


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"name": "Café Rouge"}, {"name": "CAFE ROUGE LTD"}, True),
        ({"name": "Château Derby plc"}, {"name": "Chateau, Derby"}, True),
        ({"name": "St Mary’s Trust"}, {"name": "St. Marys Trust"}, True),
        ({"name": "Derby Theatre Trust"}, {"name": "Derby Theater Trust"}, True),
        ({"name": "Corn Exchange", "town": "Bedford"}, {"name": "Corn Exchange", "town": "Cambridge"}, False),
        ({"name": "Corn Exchange", "town": "Bedford"}, {"name": "Corn Exchange"}, True),
        ({"name": "Corn Exchange", "company_number": "1"}, {"name": "Corn Exchange", "company_number": "2"}, False),
        ({"name": "Corn Exchange", "company_number": "3"}, {"name": "Corn Exchange"}, True),
        ({"name": "Derby Theatre Trust"}, {"name": "Derby Cathedral"}, False),
    ],
)
def test_names_alike_are_told_unless_something_tells_them_apart(team: Team, one, other, told: bool) -> None:
    adviser = team.person("adviser")
    first, second = organisation(adviser, team, **one), organisation(adviser, team, **other)
    assert (first["id"] in [each[0] for each in likely(second)]) is told


def test_a_repeat_is_told_the_same_and_never_of_itself(team: Team) -> None:
    adviser = team.person("adviser")
    facts = {"id": str(uuid4()), "company_number": f"{uuid4().int % 89_999_999 + 10_000_000}"}
    made = organisation(adviser, team, "Twice Ltd", **facts)
    again = organisation(adviser, team, "Twice Ltd", **facts)
    assert made["id"] not in [each[0] for each in likely(made) + likely(again)]
