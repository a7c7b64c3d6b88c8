"""What a task is given: the job it works for, and a way to do its work once, as whoever caused it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from casework.access.actions import Action
from casework.kernel.clock import Clock
from casework.kernel.keys import Keys
from casework.kernel.problems import Forbidden, Unauthenticated
from casework.kernel.settings import Settings
from casework.work.unit import BEGUN_AS, Caller, Reaction, Work

Task = Callable[..., Awaitable[None]]
"""``async def task(job, **ids)``; safe to repeat. A slice's ``tasks.py`` names its own in ``TASKS``."""


@dataclass(frozen=True)
class Workshop:
    """What every job of one worker shares."""

    pool: asyncpg.Pool
    settings: Settings
    keys: Callable[[str], Keys]
    reactions: Mapping[Action, Sequence[Reaction]]


@dataclass(frozen=True)
class Job:
    """One run of one job. The same job may run again: after an error, and after its worker was killed."""

    id: int
    task: str
    workshop: Workshop

    async def once(self, action: Action, effect: Callable[[Work], Awaitable[Any]], *, step: str = "") -> bool:
        """Carry out the effect in one transaction, unless an earlier run of this job did; says whether it did now.

        It acts with the authority that the person or client who caused the job has *now*; without one (the public, an
        enquirer, upkeep) as the system. A job with several effects gives each a ``step`` of its own.
        """
        async with self.workshop.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT work.first_time($1, $2)", self.id, step):
                return False
            caller = await self._begin(connection, action)
            work = Work(connection, caller, action, reactions=self.workshop.reactions)
            await effect(work)
            await work.settle()
        return True

    async def _begin(self, connection: Any, action: Action) -> Caller:
        cause = await connection.fetchrow("SELECT * FROM work.session_for($1)", self.id)
        if cause["hash"] is None:
            await connection.execute("SELECT access.begin_system($1, $2)", action.value, f"job {self.task}")
            now = await connection.fetchval("SELECT casework.now()")
            return Caller("system", None, ("system",), (), None, clock=Clock(now))
        row = await connection.fetchrow(
            f"SELECT {BEGUN_AS} FROM access.begin($1, $2, NULL, gen_random_uuid(), $3, NULL, NULL, false) b",  # noqa: S608 — constants of the code
            cause["hash"],
            action.value,
            cause["acting"],
        )
        if row["decision"] == "unauthenticated":
            raise Unauthenticated("Whoever caused this job may not come in any more.")
        if row["decision"] != "allow":
            raise Forbidden("Whoever caused this job may not do this any more.")
        return Caller.of(row)
