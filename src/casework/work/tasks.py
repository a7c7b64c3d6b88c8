"""Upkeep of what requests leave behind. The worker runs it every ten minutes, whoever was or was not there before."""

from casework.work.jobs import Job

STEP = 5_000
"""Rows removed in one transaction, so that no lock is held for long."""


async def tidy(job: Job) -> None:
    """Remove idempotency keys after 72 hours, the horizon of everything that may still ask again, and old sessions; keep a year of the log's
    partitions ahead.
    """
    async with job.workshop.pool.acquire() as connection:
        await connection.fetchval("SELECT audit.make_partitions(12)")
        while await connection.fetchval("SELECT work.purge_keys(interval '72 hours', $1)", STEP) == STEP:
            pass
        while await connection.fetchval("SELECT work.purge_sessions(interval '90 days', $1)", STEP) == STEP:
            pass


TASKS = {"work.tidy": tidy}
PERIODIC = {"work.tidy": "*/10 * * * *"}
"""Tasks that nobody causes, and when they run (cron, UTC). Several workers agree on one run."""
