"""The worker: runs the jobs that transactions left behind. Imported by its own process only; the API has no use for it."""

import asyncio
import importlib
import importlib.util
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import procrastinate
from procrastinate import retry, types
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as QueuedJob

from casework import reactions
from casework.audit_log import sealing
from casework.audit_log.hashing import HeadFacts
from casework.kernel.database import addresses, open_pool, refuse_old
from casework.kernel.keys import SEAL, Keys, Signer
from casework.kernel.logging import configure
from casework.kernel.problems import Problem
from casework.kernel.settings import Settings, settings
from casework.work.jobs import Job, Task, Workshop

log = logging.getLogger("casework.worker")

QUEUE = "casework"
ROOMS = (
    "work",
    "audit_log",
    "advice",
    "visits",
    "circle",
    "cases",
    "enquiries",
    "premises",
    "organisations",
    "people",
    "reference",
)
"""Where tasks may be: each ``tasks.py`` there names them in ``TASKS``, and in ``PERIODIC`` those that run by the clock."""


@dataclass(frozen=True)
class Rhythm:
    """How often the worker does what, in seconds. A job whose worker died is retaken within ``stalled`` + ``sweep``."""

    beat: float = 10
    alive: float = 5
    stalled: float = 20
    sweep: float = 5
    poll: float = 5
    seal: float = 1
    drain: float = 20
    """How long a stopping worker waits for its jobs."""


class Patience(retry.BaseRetryStrategy):
    """Try again for about two days, ever more slowly; a refusal is no fault, and is final."""

    tries = 16

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> retry.RetryDecision | None:
        """Whether and when the job is tried again."""
        if isinstance(exception, Problem) and exception.status < 500:
            return None
        if job.attempts + 1 >= self.tries:
            return None
        wait: types.TimeDeltaParams = {"seconds": min(2 ** (job.attempts + 1), 6 * 3600)}
        return retry.RetryDecision(retry_in=wait)


def collected(kind: str = "TASKS") -> dict[str, Any]:
    """What the ``tasks.py`` of every slice names under that word. Two slices may not use one name."""
    found: dict[str, Any] = {}
    for room in ROOMS:
        if importlib.util.find_spec(f"casework.{room}.tasks") is None:
            continue
        for name, what in getattr(importlib.import_module(f"casework.{room}.tasks"), kind, {}).items():
            if name in found:
                raise ValueError(f"two tasks are called {name}")
            found[name] = what
    return found


def queue(url: str) -> procrastinate.App:
    """The job queue as its library knows it. It lives in the schema ``jobs``."""
    options = {"options": "-c search_path=jobs,pg_catalog", "application_name": "casework-queue"}
    connector = procrastinate.PsycopgConnector(conninfo=url, kwargs=options, min_size=1, max_size=4)
    return procrastinate.App(connector=connector)


async def work(
    given: Settings,
    url: str,
    *,
    tasks: Mapping[str, Task] | None = None,
    rhythm: Rhythm = Rhythm(),
    wait: bool = True,
    signals: bool = True,
) -> None:
    """Run jobs until told to stop; with ``wait=False`` until none is left. ``url`` is casework_worker's."""
    pool = await open_pool(url, 4, "worker", given.environment)
    app = queue(url)
    try:
        async with pool.acquire() as connection:
            refuse_old(int(await connection.fetchval("SELECT current_setting('server_version_num')")))
        workshop = Workshop(pool, given, lambda purpose: Keys(given.keys, purpose), reactions.REACTIONS)
        _register(app, collected() if tasks is None else tasks, workshop)
        async with app.open_async():
            await sweep(app, rhythm)
            log.info("the worker is ready")
            side = [
                asyncio.create_task(_beat(pool, rhythm)),
                asyncio.create_task(_sweep_again(app, rhythm)),
                asyncio.create_task(_seal_again(pool, Signer(Keys(given.keys, SEAL)), rhythm)),
            ]
            try:
                await app.run_worker_async(
                    queues=[QUEUE],
                    name=_name(),
                    concurrency=4,
                    wait=wait,
                    install_signal_handlers=signals,
                    fetch_job_polling_interval=rhythm.poll,
                    update_heartbeat_interval=rhythm.alive,
                    stalled_worker_timeout=rhythm.stalled,
                    shutdown_graceful_timeout=rhythm.drain,
                )
            finally:
                for task in side:
                    task.cancel()
                await asyncio.gather(*side, return_exceptions=True)
    finally:
        await pool.close()


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _register(app: procrastinate.App, tasks: Mapping[str, Task], workshop: Workshop) -> None:
    clock = collected("PERIODIC")
    for name, function in tasks.items():
        _register_one(app, name, function, workshop, clock.get(name))


def _register_one(app: procrastinate.App, name: str, function: Task, workshop: Workshop, cron: str | None) -> None:
    async def run(context: Any, /, *, timestamp: int | None = None, **ids: Any) -> None:  # noqa: ARG001 — of the clock
        await function(Job(context.job.id, name, workshop), **ids)

    task: Any = app.task(name=name, queue=QUEUE, pass_context=True, retry=Patience(), queueing_lock=cron and name)(run)
    if cron is not None:
        app.periodic(cron=cron)(task)


async def sweep(app: procrastinate.App, rhythm: Rhythm) -> int:
    """Give the jobs of dead workers back to the queue; says how many."""
    manager = app.job_manager
    retaken = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=rhythm.stalled):
        # Another worker that sweeps at the same moment may have been quicker: then it is no longer "doing".
        with suppress(ConnectorException):
            await manager.retry_job(job)
            retaken += 1
            log.warning("job %s (%s) was left by a dead worker and is taken up again", job.id, job.task_name)
    await manager.prune_stalled_workers(rhythm.stalled)
    return retaken


async def _sweep_again(app: procrastinate.App, rhythm: Rhythm) -> None:
    while True:
        await asyncio.sleep(rhythm.sweep)
        try:
            await sweep(app, rhythm)
        except Exception as error:  # a lost connection heals; a worker without its sweep would not
            log.error("the sweep failed: %s", type(error).__qualname__)


async def _beat(pool: asyncpg.Pool, rhythm: Rhythm) -> None:
    name = _name()
    while True:
        try:
            await pool.execute("SELECT work.beat($1)", name)
        except Exception as error:
            log.error("the heartbeat failed: %s", type(error).__qualname__)
        await asyncio.sleep(rhythm.beat)


async def _seal_again(pool: asyncpg.Pool, signer: Signer, rhythm: Rhythm) -> None:
    while True:
        try:
            while (sealed := await seal_once(pool, signer)) is not None and sealed.count == sealing.AT_MOST:
                pass
        except (
            Exception
        ) as error:  # what is not sealed now is sealed next time; /health and doctor tell when it is late
            log.error("sealing failed: %s", type(error).__qualname__)
        await asyncio.sleep(rhythm.seal)


async def seal_once(pool: asyncpg.Pool, signer: Signer) -> HeadFacts | None:
    """Seal one batch of the processing log; its checkpoint goes to the log stream once it is committed."""
    async with pool.acquire() as connection, connection.transaction():
        head = await sealing.seal(connection, signer)
    if head is not None:
        sealing.tell(head, signer)
    return head


def main() -> None:
    """The worker's own process, as the environment says: ``python -m casework.worker``."""
    given = settings()
    configure(given.log_level)
    asyncio.run(work(given, addresses(given).worker))


if __name__ == "__main__":
    main()
