"""A restore to an earlier moment loses the log's end. Its operator signs for what is lost: explained, never clean."""

from collections.abc import Sequence
from datetime import datetime

from casework.audit_log import notes
from casework.audit_log.hashing import GENESIS
from casework.audit_log.notes import Note, RecoveryFacts
from casework.audit_log.sealing import milliseconds
from casework.kernel.keys import Signer
from casework.kernel.statements import Connection


async def recover(
    connection: Connection, signer: Signer, kept: Sequence[Note], operator: str, reason: str, at: datetime
) -> tuple[int, int] | None:
    """Write a signed record of the batches that are gone; returns the first and last of them, ``None`` when none is."""
    last_batch, last_hash, lost_to = 0, GENESIS, 0
    for note in kept:
        stored = await connection.fetchval("SELECT hash FROM audit.head WHERE batch = $1", note.batch)
        if stored == note.hash:
            last_batch, last_hash = note.batch, note.hash
        else:
            lost_to = note.batch
    if not lost_to:
        return None
    # What is left reaches to the newest head that nobody has sealed over since, if no checkpoint says otherwise.
    row = await connection.fetchrow(
        "SELECT batch, hash FROM audit.head WHERE batch > $1 AND batch < $2 ORDER BY batch DESC LIMIT 1",
        last_batch,
        min(note.batch for note in kept if note.batch > last_batch),
    )
    if row is not None:
        last_batch, last_hash = row["batch"], row["hash"]
    moment = at.replace(microsecond=at.microsecond // 1000 * 1000)
    facts = RecoveryFacts(milliseconds(moment), last_batch, last_hash, lost_to, operator, reason)
    await connection.execute(
        "INSERT INTO audit.recovery (at, last_batch, last_hash, lost_to, reason, operator, key_id, signature)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        moment,
        last_batch,
        last_hash,
        lost_to,
        reason,
        operator,
        notes.key_id(signer.public[0]),
        signer.sign(facts.text.encode()),
    )
    return last_batch + 1, lost_to
