"""The command line: migrating can be repeated, a database that is not guarded is not served, the doctor tells what is wrong."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from casework import migrations
from casework.kernel.keys import Keys
from casework.people import actions as people
from tests.support import cluster
from tests.support.world import World

PATIENCE = 600
"""Seconds after which what still runs hangs. Nothing is said by it of how long a command takes, beside whatever else is busy."""


class House:
    """A database of its own, as ``casework`` finds it by its environment: a server, not an embedded one."""

    def __init__(self, world: World, var: Path) -> None:
        self.world, self.var = world, var
        where = world.addresses
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")},
            "PYTHONPATH": "src",
            "CASEWORK_VAR": str(var),
            "CASEWORK_DATABASE_URL": where.staff,
            "CASEWORK_PUBLIC_DATABASE_URL": where.public,
            "CASEWORK_DOOR_DATABASE_URL": where.door,
            "CASEWORK_WORKER_DATABASE_URL": where.worker,
            "CASEWORK_MAIL_URL": str(var / "mail"),
        }

    def casework(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "casework", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command."""
        return subprocess.Popen(
            [sys.executable, "-m", "casework", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    cluster.template()
    name = f"casework_commands_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.urandom(3).hex()}"
    world = World("http://nowhere.invalid", cluster.clone(name), name)
    yield House(world, tmp_path)
    world.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, server: subprocess.Popen[str]) -> httpx.Response:
    """The first answer of a server that is starting."""
    while True:
        assert server.poll() is None, server.communicate()[0]
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health/live")
        except httpx.TransportError:
            signal.sigtimedwait([], 0.05)


def well(house: House) -> None:
    """What the doctor wants to find besides the database."""
    house.world.sql("SELECT work.beat('worker')")
    house.world.sql("DELETE FROM audit.queue")  # as a sealer leaves it
    for purpose in ("cursor", "secret", "seal"):
        assert Keys(house.var / "keys", purpose).keys


def test_a_healthy_house_passes_the_doctor(house: House) -> None:
    well(house)
    found = house.casework("doctor")
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.splitlines() == [
        *(
            f"{what}: ok"
            for what in (
                "database",
                "processing log",
                "keys",
                "worker",
                "disk",
                "messages",
                "clock",
                "threat level",
                "suspensions",
            )
        ),
        "warning: there is no active professional lead; two are needed to confirm threat levels and stand in for one another",
    ]


def test_the_doctor_wants_the_threat_levels_recorded_and_two_leads(house: House) -> None:
    well(house)
    team = house.world.team(nation="Northern Ireland")
    for lead in ("one", "two"):
        house.world.person(team, ("professional_lead",), name=lead)
    house.world.logged_sql(
        "UPDATE casework.threat_level SET state = 'struck', struck_at = now() WHERE kind = 'northern_ireland'"
    )
    found = house.casework("doctor")
    assert found.returncode == 1
    assert "no northern_ireland threat level is recorded" in found.stdout.replace("\n", " ")
    assert "no national threat level" not in found.stdout
    assert "warning" not in found.stdout


def test_the_doctor_tells_of_a_suspension_that_nobody_decided(house: House) -> None:
    well(house)
    for days, told in ((6, False), (8, True)):
        house.world.sql(
            "INSERT INTO access.suspension (person_id, reason, suspended_by, suspended_at)"
            " VALUES (gen_random_uuid(), 'A stolen laptop.', gen_random_uuid(), now() - make_interval(days => $1))",
            days,
        )
        found = house.casework("doctor")
        assert ("for more than seven days" in found.stdout.replace("\n", " ")) is told, found.stdout


def test_the_doctor_misses_a_policy(house: House) -> None:
    well(house)
    house.world.sql("DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP POLICY %I ON casework.case_note', policyname), ';')"
                    " FROM pg_policies WHERE tablename = 'case_note' AND cmd = 'SELECT'); END $$")  # fmt: skip
    found = house.casework("doctor")
    assert found.returncode == 1
    assert "table case_note has no policy for reading" in found.stdout


def test_the_doctor_finds_a_key_that_others_can_read(house: House) -> None:
    well(house)
    next((house.var / "keys").glob("cursor-*.key")).chmod(0o644)
    found = house.casework("doctor")
    assert found.returncode == 1
    assert "can be read by others (mode 0644" in found.stdout.replace("\n", "")


def test_the_doctor_notes_that_no_worker_lives(house: House) -> None:
    well(house)
    house.world.sql("DELETE FROM work.worker_beat")
    found = house.casework("doctor")
    assert found.returncode == 1
    assert "no worker lives" in found.stdout


@pytest.mark.parametrize(("environment", "said"), [("development", "is moved"), ("production", "that is ignored here")])
def test_the_doctor_tells_that_the_clock_is_moved(house: House, environment: str, said: str) -> None:
    well(house)
    house.world.sql("INSERT INTO access.setting VALUES ('clock_offset', '-86400 seconds')")
    house.environment["CASEWORK_ENVIRONMENT"] = environment
    found = house.casework("doctor")
    assert found.returncode == 1
    assert f"{said}" in found.stdout
    assert "1 day, 0:00:00 behind" in found.stdout
    assert found.stdout.count("WRONG") == 1


def test_the_clock_and_the_demonstration_are_refused_where_nothing_says_that_this_is_a_trial(house: House) -> None:
    for words in (("clock", "set", "P1D"), ("demo",)):
        refused = house.casework(*words)
        assert refused.returncode == 1
        assert "CASEWORK_ENVIRONMENT=development" in refused.stderr
    assert house.world.sql("SELECT FROM access.setting WHERE name = 'clock_offset'") == []
    assert house.world.sql("SELECT FROM casework.person") == []


def test_an_unguarded_table_is_not_served(house: House) -> None:
    house.world.sql("CREATE TABLE casework.planted (id uuid PRIMARY KEY)")
    server = house.start("serve", "--port", str(free_port()))
    said, _ = server.communicate(timeout=PATIENCE)
    assert server.returncode != 0
    assert "table planted has no scope" in said
    assert "table planted has no forced row security" in said


def test_the_api_serves_and_ends_when_it_is_told_to(house: House) -> None:
    port = free_port()
    server = house.start("serve", "--port", str(port))
    answer = answers(port, server)
    assert answer.json() == {"status": "live"}
    assert "server" not in answer.headers
    httpx.get(
        f"http://127.0.0.1:{port}/v1/cases/ada@police.example", headers={"Authorization": "Bearer ses_" + "x" * 43}
    )
    server.send_signal(signal.SIGTERM)
    said, _ = server.communicate(timeout=PATIENCE)
    assert '"route":"/health/live","status":200' in said
    assert answer.headers["x-request-id"] in said
    assert not re.search(r"ada|xxxx|127\.0\.0\.1:\d+ -", said)


def test_migrating_again_changes_nothing(house: House) -> None:
    # Not as `casework migrate` with a superuser's URL: that would give the run's own roles new passwords.
    def look() -> list[tuple[str, ...]]:
        rows = house.world.sql(
            "SELECT n.nspname, p.proname, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('access', 'audit', 'work')"
            " ORDER BY 1, 2, pg_get_function_identity_arguments(p.oid)"
        ) + house.world.sql(
            "SELECT schemaname, tablename, policyname, qual, with_check FROM pg_policies ORDER BY 1, 2, 3"
        )
        return [tuple(row.values()) for row in rows]

    before = look()
    script = "import sys; from casework import migrations; migrations.migrate(sys.argv[1])"
    url = cluster.url("casework_migrate", house.world.database)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script, url], env=house.environment, check=True, timeout=PATIENCE)
    assert look() == before


def test_the_first_two_administrators_are_made_here(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from casework.__main__ import app
    from casework.commands import people as commands

    monkeypatch.setattr(commands, "acting_url", lambda _: cluster.url("casework_migrate", house.world.database))
    team = house.world.team()
    words = ["people", "bootstrap", "--email", "ada@police.example", "--name", "Ada", "--force", team.force_code]
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    assert "Log in as ada@police.example with the password" in first.output
    assert CliRunner().invoke(app, [*words[:3], "bea@police.example", *words[4:]]).exit_code == 0
    assert CliRunner().invoke(app, [*words[:3], "eve@police.example", *words[4:]]).exit_code == 1


def test_an_auditor_is_made_here_for_a_trial_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from casework.__main__ import app
    from casework.commands import people as commands
    from casework.kernel.settings import Settings

    monkeypatch.setattr(commands, "acting_url", lambda _: cluster.url("casework_migrate", house.world.database))
    team = house.world.team()
    words = ["people", "bootstrap", "--name", "Ola", "--force", team.force_code, "--role"]

    def made(role: str, email: str, **stated: Any) -> tuple[int, str]:
        monkeypatch.setattr(commands, "settings", lambda: Settings(**stated))
        result = CliRunner().invoke(app, [*words, role, "--email", email])
        return result.exit_code, " ".join(result.output.split())

    server = {"environment": "production", "database_url": "postgresql://casework_api@db.example/casework"}
    code, told = made("auditor", "ola@police.example", **server)
    assert (code, "One administrator gives" in told or "one administrator gives" in told) == (1, True), told
    code, told = made("supervisor", "ola@police.example")
    assert (code, "administrator, auditor" in told) == (1, True), told
    held = "SELECT m.role, m.pending FROM access.membership m JOIN casework.person p ON p.id = m.principal_id WHERE p.email = $1"
    assert house.world.sql(held, "ola@police.example") == []

    code, told = made("auditor", "ola@police.example", environment="development")
    assert (code, "Log in as ola@police.example" in told, "second administrator" in told) == (0, True, False), told
    assert [tuple(row) for row in house.world.sql(held, "ola@police.example")] == [("auditor", False)]
    code, told = made("auditor", "una@police.example", environment="development")
    assert (code, "There is an auditor already" in told) == (1, True), told
    code, told = made("administrator", "ola@police.example", environment="development")
    assert (code, "has this e-mail address already" in told) == (1, True), told
    facts = "SELECT o.facts ->> 'role' AS role, e.principal_kind FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id WHERE o.kind = 'membership'"
    assert ("auditor", "system") in {tuple(row) for row in house.world.sql(facts)}


def test_a_newer_key_is_made_beside_the_older(house: House) -> None:
    keys = Keys(house.var / "keys", "cursor")
    seal = keys.seal(b"x")
    assert house.casework("keys", "rotate", "cursor").returncode == 0
    assert [name for name, _ in Keys(house.var / "keys", "cursor").keys] == ["0002", "0001"]
    assert Keys(house.var / "keys", "cursor").holds(seal, b"x")
    assert house.casework("keys", "rotate", "nonsense").returncode == 1


def test_the_contract_that_differs_is_told(house: House, tmp_path: Path) -> None:
    target = tmp_path / "openapi.json"
    assert house.casework("openapi", "--path", str(target)).returncode == 0
    # Each of the others in this process: the contract takes seconds to make, and a process anew as long again.
    from typer.testing import CliRunner

    from casework.__main__ import app

    words = ["openapi", "--check", "--path", str(target)]
    assert CliRunner().invoke(app, words).exit_code == 0
    target.write_text(target.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert CliRunner().invoke(app, words).exit_code == 1
    target.unlink()
    assert CliRunner().invoke(app, words).exit_code == 1


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    from alembic.script import ScriptDirectory

    assert migrations.head() == ScriptDirectory(str(migrations.scripts())).get_current_head()


def test_a_login_that_nobody_has_takes_as_long_as_a_wrong_password() -> None:
    assert not people._argon2.current_hasher.check_needs_rehash(people._NOBODY)


def test_files_are_brought_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from casework.__main__ import app
    from casework.commands import importing

    monkeypatch.setattr(importing, "acting_url", lambda _: cluster.url("casework_migrate", house.world.database))
    data = Path(migrations.__file__).parent / "data"
    postcodes = CliRunner().invoke(app, ["import", "postcodes", str(data / "nspl_nov2021_sample.csv")])
    assert (postcodes.exit_code, postcodes.output.endswith("postcodes are new or changed.\n")) == (0, True), (
        postcodes.output
    )
    report = house.var / "report.csv"
    words = ["import", "premises", str(data / "museums_uk.csv"), "--dry-run", "--make-teams", "--report", str(report)]
    premises = CliRunner().invoke(app, words)
    assert "(nothing was stored)" in premises.output, premises.output
    assert house.world.sql("SELECT FROM casework.premises") == []
    assert report.stat().st_size > 0
