"""The offset itself: who may write it, where it counts, and what tells that it is set."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from casework.__main__ import app
from casework.commands import clock
from casework.kernel.settings import Settings
from tests.support import cluster
from tests.support.callers import Caller, ok
from tests.support.server import serving
from tests.support.story import allocated_case
from tests.support.trial import Trial
from tests.support.world import World

LOGIN_ROLES = ("casework_api", "casework_public", "casework_door", "casework_worker")
YEARS = timedelta(days=3000)


# --- who may write it ---


@pytest.mark.parametrize("role", LOGIN_ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO access.setting VALUES ('clock_offset', '1 day')",
        "UPDATE access.setting SET value = '1 day' WHERE name = 'clock_offset'",
        "DELETE FROM access.setting WHERE name = 'clock_offset'",
        "MERGE INTO access.setting s USING (SELECT 1) x ON false WHEN NOT MATCHED THEN INSERT VALUES ('clock_offset', '1')",
        "TRUNCATE access.setting",
        "COPY access.setting FROM PROGRAM 'true'",
    ],
    ids=lambda statement: statement.split()[0],
)
def test_no_login_role_may_write_it(trial: Trial, role: str, statement: str) -> None:
    trial.turn(timedelta(hours=1))

    async def attempt(connection: asyncpg.Connection) -> None:
        await connection.execute("SET casework.environment = 'development'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)

    trial.run_as(role, attempt)
    assert _stored(trial) == ["3600.000000 seconds"]


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_no_function_that_a_login_role_may_call_names_it_but_to_read(trial: Trial, role: str) -> None:
    written = trial.sql(
        "SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('access', 'audit', 'work', 'casework', 'jobs')"
        " AND pg_get_functiondef(p.oid) ~* '(insert\\s+into|update|delete\\s+from|merge\\s+into|truncate)\\s+access\\.setting'"
        " AND p.prokind = 'f' AND has_function_privilege($1, p.oid, 'EXECUTE')",
        role,
    )
    assert written == []


def _stored(world: World) -> list[str]:
    return [row["value"] for row in world.sql("SELECT value FROM access.setting WHERE name = 'clock_offset'")]


# --- where it counts ---


@pytest.fixture
def left_behind(world: World) -> Iterator[World]:
    """The database of a production service, with an offset that somebody left there."""
    world.sql("INSERT INTO access.setting VALUES ('clock_offset', '3000 days')")
    yield world
    world.sql("DELETE FROM access.setting WHERE name = 'clock_offset'")


def _seen_by(world: World, adviser: Caller, team: Any) -> set[int]:
    """The years that the database and Python take it to be, as a case tells."""
    case = allocated_case(team, adviser)
    held = ok(adviser.post(f"/v1/cases/{case['id']}/hold", {"reason_code": "awaiting_business"}, match=case["version"]))
    return {int(told[:4]) for told in (held["opened_at"], held["amended_at"], held["held_on"])}


def test_production_ignores_an_offset_that_is_there(left_behind: World) -> None:
    team = left_behind.team()
    now = datetime.now(UTC)
    assert _seen_by(left_behind, team.person("adviser"), team) <= {now.year, (now + timedelta(days=1)).year}


def test_production_ignores_it_though_the_server_says_it_is_a_trial(
    left_behind: World, test_settings: Settings
) -> None:
    setting = f"ALTER DATABASE {left_behind.database} SET casework.environment = 'development'"
    left_behind.sql(setting)
    try:
        with serving(test_settings, left_behind.addresses) as base_url:
            other = World(base_url, left_behind.addresses, left_behind.database)
            team = other.team()
            now = datetime.now(UTC)
            assert _seen_by(other, team.person("adviser"), team) <= {now.year, (now + timedelta(days=1)).year}
            other.close()
    finally:
        left_behind.sql(f"ALTER DATABASE {left_behind.database} RESET casework.environment")


def test_a_trial_honours_it_in_the_database_and_in_python(trial: Trial) -> None:
    team = trial.team()
    adviser = team.person("adviser")
    trial.turn(YEARS)
    then = datetime.now(UTC) + YEARS
    assert _seen_by(trial, adviser, team) <= {then.year, (then + timedelta(days=1)).year}


def test_every_stamp_of_the_field_and_no_other_follows_it(world: World) -> None:
    rows = world.sql(
        "SELECT n.nspname AS schema, c.relname || '.' || a.attname AS name, pg_get_expr(d.adbin, d.adrelid) AS filled"
        " FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
        " WHERE n.nspname IN ('casework', 'access', 'audit', 'work', 'jobs') AND pg_get_expr(d.adbin, d.adrelid) ~ 'now\\('"
    )
    of_the_field = [row for row in rows if row["schema"] == "casework"]
    assert len(of_the_field) > 20
    assert [row["name"] for row in of_the_field if "casework.now()" not in row["filled"]] == []
    assert [row["name"] for row in rows if row["schema"] != "casework" and "casework.now()" in row["filled"]] == []


# --- the command ---


@pytest.fixture
def command(trial: Trial, test_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``casework clock`` on the trial's database, as an environment has it."""

    def run(*words: str, environment: str = "development") -> Any:
        where = trial.addresses
        settings = test_settings.model_copy(update={"environment": environment})
        monkeypatch.setattr(clock, "settings", lambda: settings)
        monkeypatch.setattr("casework.kernel.database.addresses", lambda _: where)
        monkeypatch.setattr(clock, "migrate_url", lambda _: cluster.url("casework_migrate", trial.database))
        return CliRunner().invoke(app, ["clock", *words])

    return run


@pytest.mark.parametrize(
    ("said", "stored", "told"),
    [
        ("P90D", "7776000.000000 seconds", "90 days, 0:00:00 ahead"),
        ("-P40D", "-3456000.000000 seconds", "40 days, 0:00:00 behind"),
        ("PT12H30M", "45000.000000 seconds", "12:30:00 ahead"),
    ],
)
def test_the_command_moves_it_and_puts_it_back(trial: Trial, command: Any, said: str, stored: str, told: str) -> None:
    done = command("set", said)
    assert (done.exit_code, told in done.output) == (0, True), done.output
    assert _stored(trial) == [stored]
    assert told in command("show").output
    assert "the real time" in command("reset").output
    assert _stored(trial) == []


@pytest.mark.parametrize(
    "said", ["soon", "90", "P11Y", "-P4000D", "", "P1D; DROP TABLE access.setting", "NaN", "infinity"]
)
def test_the_command_refuses_what_is_no_offset(trial: Trial, command: Any, said: str) -> None:
    command("set", "P1D")
    assert command("set", said).exit_code == 1
    assert _stored(trial) == ["86400.000000 seconds"]


def test_production_is_never_moved_and_can_be_put_right(trial: Trial, command: Any) -> None:
    refused = command("set", "P1D", environment="production")
    assert refused.exit_code == 1
    assert _stored(trial) == []
    trial.turn(timedelta(days=1))
    assert "ignored here" in command("show", environment="production").output
    assert "the real time" in command("reset", environment="production").output
    assert _stored(trial) == []
