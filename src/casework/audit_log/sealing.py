"""The sealer: takes what waits into a batch, and signs its head. The worker runs it every second."""

import logging
from datetime import UTC, datetime

from casework.audit_log import notes
from casework.audit_log.hashing import HeadFacts, root_of
from casework.kernel.keys import Signer
from casework.kernel.statements import Connection

log = logging.getLogger("casework.audit_log")

AT_MOST = 5_000
"""Events of one batch."""


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970; the stored moments have no finer parts."""
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


async def seal(connection: Connection, signer: Signer, *, at_most: int = AT_MOST) -> HeadFacts | None:
    """Seal one batch within the caller's transaction; ``None`` when nothing waits, or another worker is at it."""
    row = await connection.fetchrow("SELECT * FROM audit.seal_next($1)", at_most)
    if not row["count"]:
        return None
    at = milliseconds(row["sealed_at"])
    head = HeadFacts(row["batch"], row["count"], row["total"], root_of(row["leaves"]), row["previous"], at)
    await connection.execute(
        "SELECT audit.seal_done($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        head.batch,
        head.count,
        head.total,
        head.root,
        head.previous,
        datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000),
        head.hash,
        notes.key_id(signer.public[0]),
        signer.sign(notes.body(head).encode()),
    )
    return head


def tell(head: HeadFacts, signer: Signer) -> None:
    """Put the checkpoint of a committed head into the log stream, where no administrator of the database reaches it."""
    note = notes.signed(head, notes.key_id(signer.public[0]), signer.sign(notes.body(head).encode()))
    log.info("sealed", extra={"batch": head.batch, "count": head.count, "total": head.total, "checkpoint": note})
