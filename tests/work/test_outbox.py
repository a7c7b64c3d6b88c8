"""What a transaction leaves to be done is done once it has committed, once, and as whoever caused it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from casework.access.actions import Action
from casework.access.tokens import hash_token
from casework.kernel.problems import Forbidden
from casework.kernel.settings import Settings
from casework.work.jobs import Job
from casework.work.tasks import tidy
from casework.work.unit import BEGUN_AS, Caller, Work
from casework.worker import Rhythm, collected, work
from tests.support import cluster
from tests.support.world import World

USUAL = Rhythm()
HANGS = """
import asyncio, sys
from casework.access.actions import Action
from casework.kernel.settings import Settings
from casework.worker import work

async def hang(job):
    async def effect(work):
        work.owe("work.beat('effect')")
    await job.once(Action.SIGNPOST_LIST, effect)
    print("done", flush=True)
    await asyncio.sleep(3600)

asyncio.run(work(Settings(), sys.argv[1], tasks={"test.hang": hang}))
"""


@pytest.fixture(scope="module")
def store() -> Iterator[World]:
    """A database of this module's own, without a server: a worker takes every job there is."""
    cluster.template()
    name = f"casework_outbox_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    world = World("http://nowhere.invalid", cluster.clone(name), name)
    yield world
    world.close()


@pytest.fixture(autouse=True)
def empty(store: World) -> None:
    store.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")


async def enqueue(
    store: World,
    token: str | None,
    task: str,
    *,
    lock: str | None = None,
    commit: bool = True,
    times: int = 1,
    **ids: str,
) -> None:
    """As a request of the caller's would, through the same function and role."""
    connection = await asyncpg.connect(store.addresses.staff)
    try:
        transaction = connection.transaction()
        await transaction.start()
        hash_ = hash_token(token) if token else None
        action = Action.CASE_READ if token else Action.SIGNPOST_LIST
        row = await connection.fetchrow(
            f"SELECT {BEGUN_AS} FROM access.begin($1, $2, NULL, gen_random_uuid(), NULL) b", hash_, action.value
        )
        caller = Caller.of(row)
        for _ in range(times):
            writing = Work(connection, caller, action)
            writing.enqueue(task, ids, lock=lock)
            await writing.settle()
        await (transaction.commit() if commit else transaction.rollback())
    finally:
        await connection.close()


def run(store: World, tasks: dict[str, Any], rhythm: Rhythm = USUAL) -> None:
    """Work until no job is left."""
    asyncio.run(work(Settings(), store.addresses.worker, tasks=tasks, wait=False, signals=False, rhythm=rhythm))


def jobs(store: World) -> list[tuple[str, str]]:
    found = store.sql("SELECT task_name, status::text FROM jobs.procrastinate_jobs ORDER BY id")
    return [(row["task_name"], row["status"]) for row in found]


def test_what_a_rolled_back_transaction_left_is_never_done(store: World) -> None:
    asyncio.run(enqueue(store, None, "test.note", commit=False, id="1"))
    assert jobs(store) == []


def test_what_a_committed_transaction_left_is_done_once(store: World) -> None:
    done: list[str] = []

    async def note(_: Job, id: str) -> None:
        done.append(id)

    asyncio.run(enqueue(store, None, "test.note", id="1"))
    asyncio.run(enqueue(store, None, "test.note", id="2"))
    assert done == []
    run(store, {"test.note": note})
    run(store, {"test.note": note})
    assert sorted(done) == ["1", "2"]
    assert {status for _, status in jobs(store)} == {"succeeded"}


def test_a_lock_that_is_held_does_not_abort_the_business(store: World) -> None:
    asyncio.run(enqueue(store, None, "test.note", lock="one", times=3, id="1"))
    assert jobs(store) == [("test.note", "todo")]


def test_a_commit_wakes_a_worker_that_sleeps(store: World) -> None:
    async def scene() -> None:
        done = asyncio.Event()

        async def note(_: Job) -> None:
            done.set()

        sleepy = Rhythm(poll=3600)
        running = asyncio.create_task(
            work(Settings(), store.addresses.worker, tasks={"test.wake": note}, signals=False, rhythm=sleepy)
        )
        try:
            while not store_listens():  # noqa: ASYNC110 — of another process
                await asyncio.sleep(0.02)
            await enqueue(store, None, "test.wake")
            async with asyncio.timeout(30):
                await done.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def store_listens() -> bool:
        return bool(
            _in_thread(
                store, "SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = $1", store.database
            )
        )

    asyncio.run(scene())


def _in_thread(store: World, statement: str, *values: Any) -> list[asyncpg.Record]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as one:
        return one.submit(store.sql, statement, *values).result()


def test_a_job_acts_with_the_authority_of_whoever_caused_it(store: World) -> None:
    adviser = store.team().person("adviser")
    seen: list[Caller] = []

    async def act(job: Job) -> None:
        async def effect(work: Work) -> None:
            seen.append(work.caller)

        await job.once(Action.CASE_READ, effect)

    asyncio.run(enqueue(store, adviser.token, "test.act"))
    run(store, {"test.act": act})
    assert [(str(caller.principal), caller.kind) for caller in seen] == [(adviser.person_id, "staff")]
    logged = store.sql("SELECT principal_id, client FROM audit.event WHERE client = 'worker' ORDER BY id DESC LIMIT 1")[
        0
    ]
    assert (str(logged["principal_id"]), logged["client"]) == (adviser.person_id, "worker")


def test_a_role_that_has_ended_ends_its_jobs(store: World) -> None:
    adviser = store.team().person("adviser")
    refused: list[Exception] = []

    async def act(job: Job) -> None:
        async def effect(_: Work) -> None:
            raise AssertionError

        try:
            await job.once(Action.CASE_READ, effect)
        except Forbidden as error:
            refused.append(error)
            raise

    asyncio.run(enqueue(store, adviser.token, "test.act"))
    store.logged_sql(
        "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1::text::uuid", adviser.person_id
    )
    run(store, {"test.act": act})
    assert len(refused) == 1
    assert jobs(store) == [("test.act", "failed")]


def test_a_session_of_a_job_is_over_with_its_transaction(store: World) -> None:
    adviser = store.team().person("adviser")

    async def act(job: Job) -> None:
        async def effect(_: Work) -> None:
            pass

        await job.once(Action.CASE_READ, effect)

    asyncio.run(enqueue(store, adviser.token, "test.act"))
    run(store, {"test.act": act})
    alive = store.sql("SELECT FROM access.session WHERE client = 'worker' AND expires_at > now()")
    assert alive == []


def test_what_the_public_causes_is_done_by_the_system(store: World) -> None:
    seen: list[str] = []

    async def act(job: Job) -> None:
        async def effect(work: Work) -> None:
            seen.append(work.caller.kind)

        await job.once(Action.SIGNPOST_LIST, effect)

    asyncio.run(enqueue(store, None, "test.act"))
    run(store, {"test.act": act})
    assert seen == ["system"]


def test_a_failure_is_tried_again_later(store: World) -> None:
    async def fail(_: Job) -> None:
        raise OSError

    asyncio.run(enqueue(store, None, "test.fail"))
    run(store, {"test.fail": fail})
    row = store.sql(
        "SELECT status::text, attempts, scheduled_at > now() - interval '1 minute' AS later FROM jobs.procrastinate_jobs"
    )[0]
    assert (row["status"], row["attempts"], row["later"]) == ("todo", 1, True)


def test_a_job_whose_worker_was_killed_is_taken_up_again_and_its_effect_is_not_repeated(store: World) -> None:
    asyncio.run(enqueue(store, None, "test.hang"))
    worker = subprocess.Popen(
        [sys.executable, "-c", HANGS, store.addresses.worker],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"done\n"
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert jobs(store) == [("test.hang", "doing")]
    first: list[bool] = []

    async def again(job: Job) -> None:
        async def effect(_: Work) -> None:
            raise AssertionError

        first.append(await job.once(Action.SIGNPOST_LIST, effect))

    run(store, {"test.hang": again}, Rhythm(stalled=0))
    assert first == [False]
    assert jobs(store) == [("test.hang", "succeeded")]


def test_the_worker_cannot_say_who_caused_a_job(store: World) -> None:
    async def tries() -> None:
        connection = await asyncpg.connect(store.addresses.worker)
        try:
            for statement in (
                "UPDATE jobs.cause SET event_id = 1",
                "DELETE FROM jobs.effect",
                "SELECT * FROM access.session",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(tries())


def test_keys_are_kept_for_72_hours(store: World) -> None:
    for hours in (71, 73):
        store.sql(
            "INSERT INTO work.idempotency_key (caller, key_hash, fingerprint, created_at)"
            " VALUES ('public:', sha256($1::text::bytea), '', now() - make_interval(hours => $2))",
            json.dumps(hours),
            hours,
        )
    asyncio.run(enqueue(store, None, "work.tidy"))
    run(store, {"work.tidy": tidy})
    kept = store.sql(
        "SELECT extract(hour FROM now() - created_at) + 24 * extract(day FROM now() - created_at) AS age FROM work.idempotency_key"
    )
    assert [int(row["age"]) for row in kept] == [71]


def test_every_clock_names_a_task() -> None:
    assert collected("PERIODIC").keys() <= collected().keys()


def test_the_api_does_not_load_what_only_the_worker_needs() -> None:
    script = "import sys, casework.app; print([m for m in ('procrastinate', 'psycopg', 'alembic', 'typer') if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    assert found.stdout.strip() == "[]"
