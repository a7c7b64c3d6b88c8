"""The worker seals what is logged, tells the log stream, and can do nothing else with the log."""

import asyncio
import io
import json
import logging
from pathlib import Path

import asyncpg
import pytest

from casework import worker
from casework.audit_log import notes
from casework.kernel.database import open_pool
from casework.kernel.keys import SEAL, Keys, Signer, signed_by
from casework.kernel.logging import configure
from tests.security.sealed import Sealed
from tests.support.callers import ok
from tests.support.story import open_case
from tests.support.world import Team, World


@pytest.fixture(scope="module")
def sealed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    return Sealed(world, tmp_path_factory.mktemp("seal"))


def test_what_is_logged_is_sealed_once(world: World, team: Team, sealed: Sealed) -> None:
    response = team.person("adviser").get("/v1/cases")
    ok(response)
    assert sealed.seal() >= 1
    (event,) = world.sql(
        "SELECT id FROM audit.event WHERE request_id = $1::text::uuid", response.headers["X-Request-ID"]
    )
    assert len(world.sql("SELECT FROM audit.seal WHERE event_id = $1", event["id"])) == 1
    assert world.sql("SELECT FROM audit.queue WHERE event_id = $1", event["id"]) == []


def test_what_has_not_committed_waits(world: World, sealed: Sealed) -> None:
    async def go(connection: asyncpg.Connection) -> int:
        async with connection.transaction():
            event = await connection.fetchval("SELECT access.begin_system('person.manage', 'tests')")
            await asyncio.to_thread(sealed.seal)
        return event

    event = world.run_as("casework_worker", go)
    assert world.sql("SELECT FROM audit.seal WHERE event_id = $1", event) == []
    sealed.seal()
    assert len(world.sql("SELECT FROM audit.seal WHERE event_id = $1", event)) == 1


def test_one_sealer_at_a_time(world: World, team: Team, sealed: Sealed) -> None:
    sealed.seal()
    open_case(team.person("adviser"), team)

    async def go(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            row = await connection.fetchrow("SELECT * FROM audit.seal_next(1)")
            assert row["count"] == 1
            assert await asyncio.to_thread(sealed.seal) == 0
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        world.run_as("casework_worker", go)
    assert sealed.seal() == 1, "what a dead sealer took is taken again"


def test_a_backlog_is_sealed_in_batches_in_order(world: World, team: Team, sealed: Sealed) -> None:
    sealed.seal()
    adviser = team.person("adviser")
    for _ in range(6):
        ok(adviser.get("/v1/cases"))
    assert sealed.seal(at_most=2) >= 3
    batches = [row["batch"] for row in world.sql("SELECT batch FROM audit.seal ORDER BY event_id")]
    assert batches == sorted(batches)


def test_nothing_is_written_beneath_what_is_sealed(world: World, team: Team, sealed: Sealed) -> None:
    """A refusal that comes after the seal has an event of its own."""
    adviser = team.person("adviser")
    response = adviser.get("/v1/cases")
    (row,) = world.sql(
        "SELECT e.id, e.request_id, s.token_hash FROM audit.event e JOIN access.session s ON s.id = e.session_id"
        " WHERE e.request_id = $1::text::uuid",
        response.headers["X-Request-ID"],
    )
    sealed.seal()

    async def refuse(connection: asyncpg.Connection) -> None:
        await connection.execute(
            "SELECT access.refuse($1, 'case.read', $2, 'not-found', NULL, $3, NULL)",
            row["token_hash"],
            row["request_id"],
            row["id"],
        )

    world.run_as("casework_api", refuse)
    assert world.sql("SELECT FROM audit.event_object WHERE event_id = $1 AND operation = 'refusal'", row["id"]) == []
    assert len(world.sql("SELECT FROM audit.event WHERE request_id = $1", row["request_id"])) == 2


@pytest.mark.parametrize("table", ["event", "event_object", "queue", "seal", "head", "recovery"])
@pytest.mark.parametrize("verb", ["SELECT * FROM {}", "DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"])
def test_the_worker_has_no_right_to_the_logs_tables(world: World, table: str, verb: str) -> None:
    async def go(connection: asyncpg.Connection) -> None:
        await connection.execute(verb.format(f"audit.{table}"))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.run_as("casework_worker", go)


def test_a_head_that_does_not_follow_is_refused(world: World) -> None:
    async def go(connection: asyncpg.Connection) -> None:
        await connection.execute(
            "SELECT audit.seal_done(99999, 0, 0, $1, $1, now(), $1, 'x', $2)", bytes(32), bytes(64)
        )

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.run_as("casework_worker", go)


@pytest.mark.parametrize("role", ["casework_api", "casework_public", "casework_door"])
@pytest.mark.parametrize("call", ["audit.seal_next(1)", "audit.make_partitions(1)"])
def test_the_service_itself_cannot_seal(world: World, role: str, call: str) -> None:
    async def go(connection: asyncpg.Connection) -> None:
        await connection.execute(f"SELECT * FROM {call}")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.run_as(role, go)


def test_each_checkpoint_goes_to_the_log_stream_as_one_line(world: World, team: Team, tmp_path: Path) -> None:
    open_case(team.person("adviser"), team)
    stream, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    signer = Signer(Keys(tmp_path, SEAL))

    async def go() -> None:
        pool = await open_pool(world.addresses.worker, 1, "worker", "production")
        try:
            await worker.seal_once(pool, signer)
        finally:
            await pool.close()

    try:
        configure("INFO", stream)
        asyncio.run(go())
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    (line,) = (json.loads(each) for each in stream.getvalue().splitlines() if '"checkpoint"' in each)
    (note,) = notes.kept(line["checkpoint"])
    assert (note.batch, note.hash) == tuple(
        world.sql("SELECT batch, hash FROM audit.head ORDER BY batch DESC LIMIT 1")[0]
    )
    assert signed_by(signer.public[0], note.signature, note.text.encode())


def test_an_auditor_takes_the_checkpoint_and_pages_through_the_heads(world: World, team: Team, sealed: Sealed) -> None:
    auditor = team.person("auditor")
    sealed.seal()
    open_case(team.person("adviser"), team)
    sealed.seal()
    newest = ok(auditor.get("/v1/audit/checkpoint"))
    (note,) = notes.kept(newest["checkpoint"])
    assert (note.batch, note.total, note.hash.hex()) == (newest["batch"], newest["total"], newest["hash"])
    assert (note.text, note.key_id) == (sealed.anchors[-1].text, sealed.anchors[-1].key_id)
    assert signed_by(sealed.public[note.key_id], note.signature, note.text.encode())
    first = ok(auditor.get("/v1/audit/heads", limit=1))
    assert first["items"] == [newest]
    second = ok(auditor.get("/v1/audit/heads", limit=1, cursor=first["next_cursor"]))
    assert second["items"][0]["hash"] == newest["previous"]


def test_keys_are_rotated_and_old_seals_stay_good(world: World, team: Team, tmp_path: Path) -> None:
    keys = Keys(tmp_path, SEAL)
    old = Signer(keys).public[0]
    keys.rotate()
    both = Signer(Keys(tmp_path, SEAL)).public
    assert both[1] == old
    assert both[0] != old
    assert notes.public_keys("\n".join(map(notes.verifier_key, both))) == {notes.key_id(key): key for key in both}


def test_the_api_does_not_load_the_library_of_the_seals() -> None:
    import subprocess
    import sys

    code = "import sys, casework.app; casework.app.routers(); print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
