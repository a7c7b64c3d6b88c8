"""Premises in bulk: every row is told of, nothing goes in twice, and what staff changed stands."""

import asyncio
import csv
import os
from pathlib import Path

import pytest

from casework.premises.importing import import_premises
from casework.premises.report import Outcome, Report, ReportFile, Result
from casework.reference.localities import DATA
from tests.support import cluster
from tests.support.callers import ok
from tests.support.world import Team, World

MUSEUMS = DATA / "museums_uk.csv"


def imported(world: World, rows, **options) -> Report:
    url = cluster.url("casework_migrate", world.database)
    return asyncio.run(import_premises(url, rows, **options))


def museum(ref: str, **cells: str) -> dict[str, str]:
    row = {
        "museum_id": ref,
        "museum_name": f"Museum {ref}",
        "address_line_1": "1 High Street",
        "address_line_2": "",
        "city": "Derby",
        "postcode": "",
        "latitude": "52.922530",
        "longitude": "-1.474619",
        "admin_area_full": "England/East Midlands (English Region)/Derby (English UA)",
        "year_closed_low": "na",
    }
    return row | cells


def stored(world: World, ref: str):
    (row,) = world.sql("SELECT * FROM casework.premises WHERE source = 'mapping-museums' AND source_ref = $1", ref)
    return row


@pytest.fixture
def ref(team: Team) -> str:
    """A reference of this test alone."""
    return f"test.{team.force_code}"


@pytest.fixture(scope="module")
def alone() -> World:
    """A database of its own, without a server: real forces get teams here, which other tests need not meet."""
    cluster.template()
    database = f"casework_import_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    return World("", cluster.clone(database), database)


def test_the_real_museums_go_in_once(alone: World) -> None:
    world = alone
    before = world.sql("SELECT count(*) FROM audit.event")[0][0]
    rehearsed = imported(world, MUSEUMS, dry_run=True, make_teams=True)
    assert rehearsed.counts == {Outcome.CREATED: 4141}
    assert all(result.premises_id is None for result in rehearsed.results)
    nothing = world.sql(
        "SELECT count(*) FROM casework.premises WHERE source = 'mapping-museums' AND source_ref !~ '^test'"
    )
    assert (nothing[0][0], world.sql("SELECT count(*) FROM audit.event")[0][0]) == (0, before)

    told: list[int] = []
    first = imported(world, MUSEUMS, make_teams=True, progress=told.append)
    assert first.counts == {Outcome.CREATED: 4141}
    assert told == [1000, 1000, 1000, 1000, 141]
    assert [result.line for result in first.results] == sorted(result.line for result in first.results)
    again = imported(world, MUSEUMS, make_teams=True)
    assert again.counts == {Outcome.UNCHANGED: 4141}

    kept = world.sql(
        "SELECT count(*) AS all, count(*) FILTER (WHERE p.state = 'closed') AS closed, count(DISTINCT p.force_code) AS forces,"
        " bool_and(t.force_code = p.force_code AND t.intake) AS at_home FROM casework.premises p"
        " JOIN casework.team t ON t.id = p.team_id WHERE p.source_ref !~ '^test'"
    )[0]
    assert (kept["all"], kept["closed"], kept["at_home"]) == (4141, 834, True)
    assert kept["forces"] >= 44
    woodland = stored(world, "mm.aim.1230")
    assert (woodland["state"], woodland["closed_on"]) == ("closed", "2007")
    logged = world.sql(
        "SELECT count(*) FROM audit.event e JOIN audit.event_object o ON o.event_id = e.id AND o.kind = 'premises'"
        " JOIN casework.premises p ON p.id = o.object_id AND p.source_ref !~ '^test'"
        " WHERE e.principal_kind = 'system' AND e.action = 'premises.import' AND o.operation = 'collection'"
    )
    assert logged[0][0] == 4141


def test_broken_rows_are_refused_with_their_line_and_the_rest_goes_in(alone: World, tmp_path: Path) -> None:
    world, ref = alone, "test"
    broken = {
        2: {},
        3: {"postcode": "ZZ1 1ZZ"},
        4: {"museum_name": ""},
        5: {"museum_name": "x" * 201},
        6: {"latitude": "north"},
        7: {"longitude": "181"},
        8: {"year_closed_low": "long ago"},
        9: {"admin_area_full": "Ruritania/Strelsau", "postcode": ""},
        10: {"museum_id": "=1+1"},
        11: {"museum_id": f"{ref}.2"},
        12: {"museum_name": "Bell\x07 Museum"},
        13: {"latitude": "NaN"},
        14: {},
    }
    file = tmp_path / "museums.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        sheet = csv.DictWriter(out, museum("").keys())
        sheet.writeheader()
        sheet.writerows(museum(f"{ref}.{number}") | cells for number, cells in broken.items())
        out.write(f"{ref}.15,too short\n")
    told: list[Result] = []
    counts = imported(world, file, make_teams=True, batch=4, tell=told.extend).counts
    assert counts == {Outcome.CREATED: 2, Outcome.REFUSED: 12}
    assert {result.line for result in told if result.outcome is Outcome.CREATED} == {2, 14}
    reasons = {result.line: result.reason for result in told if result.outcome is Outcome.REFUSED}
    assert reasons.keys() == {*range(3, 14), 15}
    assert reasons[3] == "postcode: Give a full United Kingdom postcode, such as SW1A 1AA"
    assert reasons[9] == "Neither its postcode nor its local authority tells its police force"
    assert reasons[11] == "museum_id: The reference stands in the file before"
    assert reasons[15] == "address_line_1: The row ends before it, with 2 of 10 cells"
    assert "latitude" in reasons[6]
    assert "north" not in str(reasons)

    with ReportFile(tmp_path / "report.csv") as tell:
        tell(told)
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as told:
        lines = list(csv.DictReader(told))
    assert [int(row["line"]) for row in lines] == list(range(2, 16))
    assert lines[0]["premises_id"] == str(stored(world, f"{ref}.2")["id"])


def test_what_is_plain_text_goes_in_as_it_is(alone: World) -> None:
    """Signs that a file or the way into the database could take for its own."""
    told = {
        "test.signs.1": museum("test.signs.1", museum_name=r"Back\slash \N \. Hall", city="\\"),
        "test.signs.2": museum(
            "test.signs.2", museum_name='Quote "and, comma" – Amgueddfa’r Môr', latitude="-0.0000001"
        ),
    }
    assert imported(alone, told.values(), make_teams=True).counts == {Outcome.CREATED: 2}
    for ref, row in told.items():
        kept = stored(alone, ref)
        assert (kept["name"], kept["town"]) == (row["museum_name"], row["city"])
    assert str(stored(alone, "test.signs.2")["latitude"]) == "0.000000"
    assert imported(alone, told.values()).counts == {Outcome.UNCHANGED: 2}


def test_the_log_names_the_same_fields_of_many_rows_as_of_few(alone: World) -> None:
    few = museum("test.log.0", address_line_1="", year_closed_low="2007")
    many = [museum(f"test.log.{n}", address_line_1="", year_closed_low="2007") for n in range(1, 121)]
    imported(alone, [few], make_teams=True)
    imported(alone, many)
    logged = alone.sql(
        "SELECT o.fields, o.facts, o.kind, o.case_id, count(*) FROM audit.event_object o"
        " JOIN casework.premises p ON p.id = o.object_id AND p.source_ref ~ '^test.log' GROUP BY 1, 2, 3, 4"
    )
    assert [row["count"] for row in logged] == [121]
    assert logged[0]["facts"] == '{"state": "closed"}'
    assert "address" not in logged[0]["fields"]
    assert {"id", "name", "closed_on", "source_facts", "version"} <= set(logged[0]["fields"])


def test_a_file_without_its_columns_is_refused_as_a_whole(world: World, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("name,postcode\nX,Y\n", encoding="utf-8")
    with pytest.raises(ValueError, match="museum_id"):
        imported(world, tmp_path / "other.csv")
    with pytest.raises(ValueError, match="there is no source"):
        imported(world, [], source="guesses")


def test_a_postcode_that_is_loaded_tells_the_force(world: World, team: Team, ref: str) -> None:
    report = imported(world, [museum(ref, postcode=team.postcode)])
    assert [result.outcome for result in report.results] == [Outcome.CREATED]
    row = stored(world, ref)
    assert (row["force_code"], str(row["team_id"]), row["local_authority_code"]) == (
        team.force_code,
        team.id,
        "E06000015",
    )
    assert ok(team.person("adviser").get(f"/v1/premises/{row['id']}"))["source_ref"] == ref


def test_a_force_without_a_team_is_refused_unless_teams_are_made(world: World, ref: str) -> None:
    homeless = world.team(intake=False)
    rows = [museum(ref, postcode=homeless.postcode)]
    (refusal,) = imported(world, rows).results
    assert refusal.reason == f"The police force {homeless.force_code} has no intake team"
    assert imported(world, rows, make_teams=True).counts == {Outcome.CREATED: 1}
    made = world.sql("SELECT name FROM casework.team WHERE force_code = $1 AND intake", homeless.force_code)
    assert [row["name"] for row in made] == [f"CTSA team, Force {homeless.force_code}"]


def test_the_source_changes_what_staff_have_not(world: World, team: Team, ref: str) -> None:
    adviser = team.person("adviser")
    ours = {"postcode": team.postcode}
    imported(world, [museum(ref, **ours)])
    path = f"/v1/premises/{stored(world, ref)['id']}"
    ok(adviser.patch(path, {"name": "Ours", "expected_peak_occupancy": 350}, match=1))
    assert imported(world, [museum(ref, **ours)]).counts == {Outcome.UNCHANGED: 1}

    news = museum(ref, **ours, museum_name="Theirs", city="Belper", year_closed_low="2024")
    (result,) = imported(world, [news], dry_run=True).results
    assert (result.outcome, result.reason) == (Outcome.UPDATED, "Kept, because staff have changed it: name")
    assert ok(adviser.get(path))["version"] == 2
    imported(world, [news])
    seen = ok(adviser.get(path))
    assert (seen["name"], seen["town"], seen["state"], seen["closed_on"]) == ("Ours", "Belper", "closed", "2024")
    assert (seen["version"], seen["expected_peak_occupancy"]) == (3, 350)
    assert imported(world, [news]).counts == {Outcome.UNCHANGED: 1}


def test_what_staff_said_of_a_closing_stands(world: World, team: Team, ref: str) -> None:
    adviser = team.person("adviser")
    imported(world, [museum(ref, postcode=team.postcode, year_closed_low="2007")])
    path = f"/v1/premises/{stored(world, ref)['id']}"
    ok(adviser.patch(path, {"closed_on": "2008-01-31"}, match=1))
    imported(world, [museum(ref, postcode=team.postcode)])
    seen = ok(adviser.get(path))
    assert (seen["state"], seen["closed_on"]) == ("closed", "2008-01-31")
