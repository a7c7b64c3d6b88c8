"""The indicative tier of Martyn's Law, from the recorded facts; never a determination."""

from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.world import Team

MUSEUM, HALL = "libraries_museums_and_galleries", "halls_and_conference_venues"
TABLE = [
    (None, MUSEUM, None, "unknown"),
    (0, MUSEUM, None, "none"),
    (199, MUSEUM, None, "none"),
    (200, MUSEUM, None, "standard"),
    (799, HALL, None, "standard"),
    (800, HALL, None, "enhanced"),
    (50_000, "sports_grounds", "stadia_and_arenas", "enhanced"),
    (199, None, None, "none"),
    (5000, None, None, "unknown"),
    (199, "places_of_worship", "places_of_worship", "none"),
    (200, "places_of_worship", "places_of_worship", "standard"),
    (2000, "places_of_worship", "places_of_worship", "standard"),
    (2000, "childcare", "education", "standard"),
    (2000, "primary_and_secondary_education", "education", "standard"),
    (2000, "further_education", "education", "standard"),
    (2000, "higher_education", "education", "enhanced"),
    # Exclusion is never derived from use or sector: both are Schedule 1 uses, and a shop in a station is a shop.
    (20_000, "bus_and_rail_stations", "transport", "enhanced"),
    (300, "bus_and_rail_stations", "transport", "standard"),
    (20_000, "aerodromes", None, "enhanced"),
    (1_200, "shops", "transport", "enhanced"),
]
EXCLUDED = {
    "schedule_2_exclusion": "railway",
    "exclusion_basis": "Instruction under the Railways Act 1993, seen on the day.",
    "excluded_on": "2026-03-02",
}


@pytest.fixture
def adviser(team: Team) -> Caller:
    return team.person("adviser")


def place(adviser: Caller, team: Team, **facts: Any) -> Any:
    made = {"team_id": team.id, "name": "Somewhere", "wholly_or_mainly": "yes", **facts}
    return ok(adviser.post("/v1/premises", made), 201)


def test_the_tier_follows_the_table(team: Team, adviser: Caller) -> None:
    told = []
    for people, use, sector, _ in TABLE:
        made = place(adviser, team, expected_peak_occupancy=people, schedule_1_use=use, sector=sector)
        told.append((people, use, sector, made["indicative_tier"]["tier"]))
    assert told == TABLE


def test_a_tier_says_what_it_rests_on_and_what_it_is_not(team: Team, adviser: Caller) -> None:
    facts = {
        "expected_peak_occupancy": 850,
        "occupancy_basis": "fixed_capacity",
        "occupancy_on": "2026-03-31",
        "schedule_1_use": HALL,
    }
    tier = place(adviser, team, **facts)["indicative_tier"]
    assert tier["basis"] == "800 people or more are expected at once (850, fixed capacity, 2026-03-31)."
    assert tier["rule_version"] == "2025-c10/2"
    assert (tier["in_force"], tier["in_force_from"]) == (False, None)
    assert "not a determination" in tier["note"]


@pytest.mark.parametrize("people", [None, 5, 20_000])
@pytest.mark.parametrize("use", ["bus_and_rail_stations", "shops", None])
def test_what_is_recorded_as_excluded_is_excluded_and_not_none(
    team: Team, adviser: Caller, people: int | None, use: str | None
) -> None:
    made = place(adviser, team, expected_peak_occupancy=people, schedule_1_use=use, **EXCLUDED)
    assert made["indicative_tier"]["tier"] == "excluded"
    lifted = {"schedule_2_exclusion": None, "expected_peak_occupancy": 900, "schedule_1_use": "shops"}
    amended = ok(adviser.patch(f"/v1/premises/{made['id']}", lifted, match=made["version"]))
    assert amended["indicative_tier"]["tier"] == "enhanced"


@pytest.mark.parametrize(
    ("mainly", "people", "tier"),
    [
        ("yes", 900, "enhanced"),
        ("no", 900, "none"),
        ("no", None, "none"),
        ("unknown", 900, "unknown"),
        ("unknown", 9, "none"),
    ],
)
def test_a_use_counts_where_the_place_is_wholly_or_mainly_for_it(
    team: Team, adviser: Caller, mainly: str, people: int | None, tier: str
) -> None:
    made = place(adviser, team, wholly_or_mainly=mainly, expected_peak_occupancy=people, schedule_1_use=HALL)
    assert made["indicative_tier"]["tier"] == tier


def test_nobody_has_said_so_unless_it_is_said(team: Team, adviser: Caller) -> None:
    facts = {"team_id": team.id, "name": "Mill", "expected_peak_occupancy": 900, "schedule_1_use": HALL}
    made = ok(adviser.post("/v1/premises", facts), 201)
    assert (made["wholly_or_mainly"], made["indicative_tier"]["tier"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"exclusion_basis": None}, "/exclusion_basis"),
        ({"excluded_on": None}, "/excluded_on"),
        ({"excluded_on": "2150-01-01"}, "/excluded_on"),
        ({"schedule_2_exclusion": "transport"}, "/schedule_2_exclusion"),
    ],
)
def test_an_exclusion_has_a_regime_a_basis_and_a_day(
    team: Team, adviser: Caller, wrong: dict[str, Any], pointer: str
) -> None:
    facts = {"team_id": team.id, "name": "Halt", **EXCLUDED, **wrong}
    told = refused(adviser.post("/v1/premises", facts), 422, "validation-failed")
    assert pointer in [each["pointer"] for each in told["errors"]]
    known = place(adviser, team)
    told = refused(
        adviser.patch(f"/v1/premises/{known['id']}", {**EXCLUDED, **wrong}, match=known["version"]),
        422,
        "validation-failed",
    )
    assert pointer in [each["pointer"] for each in told["errors"]]
