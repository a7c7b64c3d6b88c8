"""Upkeep of what requests leave behind, which the worker runs every ten minutes, and the sending of messages."""

import logging
from uuid import UUID

from casework.access.codes import code_for, code_seals
from casework.work.jobs import Job
from casework.work.letters import BUSINESS, compose
from casework.work.messages import SEND
from casework.work.post import post, write

log = logging.getLogger("casework.work")

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


async def send(job: Job, **_ids: str) -> None:
    """Write and send the letters of a job. Safe to repeat: each is marked when it has left, and keeps its Message-ID.

    Who is still to be written to is read anew each time, so a contact who was replaced meanwhile is told nothing.
    """
    workshop = job.workshop
    way = post(workshop.settings)
    if way is None:
        log.warning("messages are off, so one was not sent: set CASEWORK_MAIL_URL")
        return
    for letter in await workshop.pool.fetch("SELECT * FROM work.letters($1)", job.id):
        code = await _armed(job, letter["code_id"], letter["contact_id"]) if letter["kind"] == "code" else None
        if letter["kind"] == "code" and code is None:
            continue
        subject, text = compose(dict(letter), page=workshop.settings.tracking_page, code=code)
        key = f"{job.id}.{letter['step'].partition(':')[2]}"
        await way.send(
            write(
                workshop.settings,
                key=key,
                to=letter["recipient"],
                reply_to=letter["mailbox"],
                subject=subject,
                text=text,
                team=letter["team"] if letter["kind"] in BUSINESS else None,
            )
        )
        await workshop.pool.fetchval("SELECT work.first_time($1, $2)", job.id, letter["step"])


async def _armed(job: Job, code_id: UUID, contact_id: UUID) -> str | None:
    """The code, once it can be entered; ``None`` where another was asked for meanwhile, or it was used."""
    keys = job.workshop.keys("secret")
    code = code_for(keys, UUID(str(code_id)))
    seal = code_seals(keys, UUID(str(contact_id)), code)[0]
    return code if await job.workshop.pool.fetchval("SELECT access.arm_code($1, $2)", job.id, seal) else None


TASKS = {"work.tidy": tidy, SEND: send}
PERIODIC = {"work.tidy": "*/10 * * * *"}
"""Tasks that nobody causes, and when they run (cron, UTC). Several workers agree on one run."""
