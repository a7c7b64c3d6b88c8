"""The indicative tier of Martyn's Law, from the recorded facts; never a determination."""

from tests.support.callers import ok
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
    (20_000, "bus_and_rail_stations", "transport", "none"),
    (20_000, "aerodromes", None, "none"),
    (20_000, "shops", "transport", "none"),
]


def test_the_tier_follows_the_table(team: Team) -> None:
    adviser = team.person("adviser")
    told = []
    for people, use, sector, _ in TABLE:
        facts = {"expected_peak_occupancy": people, "schedule_1_use": use, "sector": sector}
        made = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Somewhere", **facts}), 201)
        told.append((people, use, sector, made["indicative_tier"]["tier"]))
    assert told == TABLE


def test_a_tier_says_what_it_rests_on_and_what_it_is_not(team: Team) -> None:
    facts = {
        "expected_peak_occupancy": 850,
        "occupancy_basis": "fixed_capacity",
        "occupancy_on": "2026-03-31",
        "schedule_1_use": HALL,
    }
    made = ok(team.person("adviser").post("/v1/premises", {"team_id": team.id, "name": "Guildhall", **facts}), 201)
    tier = made["indicative_tier"]
    assert tier["basis"] == "800 people or more are expected at once (850, fixed capacity, 2026-03-31)."
    assert tier["rule_version"] == "2025-c10/1"
    assert "not a determination" in tier["note"]
