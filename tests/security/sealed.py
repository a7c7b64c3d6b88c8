"""A log that is sealed, to be tampered with: tampering and verifying happen in one transaction that is rolled back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg

from casework.audit_log import notes, sealing
from casework.audit_log.verifying import Report, Verifier
from casework.kernel.keys import SEAL, Keys, Signer
from tests.support import cluster
from tests.support.world import World

Tamper = Callable[[Any], Awaitable[Any]]


class Sealed:
    """The log of a test's own database, the key that seals it, and the checkpoints that were kept of it."""

    def __init__(self, world: World, keys: Path) -> None:
        self.world = world
        self.signer = Signer(Keys(keys, SEAL))
        self.public = {notes.key_id(each): each for each in self.signer.public}
        self.anchors: list[notes.Note] = []

    def seal(self, *, at_most: int = 5_000) -> int:
        """Seal what waits, as the worker's login role; keep the checkpoints. Says how many batches were made."""

        async def go(connection: asyncpg.Connection) -> int:
            made = 0
            while True:
                async with connection.transaction():
                    head = await sealing.seal(connection, self.signer, at_most=at_most)
                if head is None:
                    return made
                made += 1
                key = notes.key_id(self.signer.public[0])
                text = notes.signed(head, key, self.signer.sign(notes.body(head).encode()))
                self.anchors += notes.kept(text)

        return self.world.run_as("casework_worker", go)

    def verified(self, tamper: Tamper | None = None, *, anchored: bool = True, start: int = 1) -> Report:
        """What the verifier finds, after a superuser did something that nothing is left of afterwards."""

        async def go() -> Report:
            connection = await asyncpg.connect(cluster.superuser_url(self.world.database))
            trial = connection.transaction()
            await trial.start()
            try:
                if tamper is not None:
                    await tamper(connection)
                return await Verifier(
                    connection, self.public, anchors=self.anchors if anchored else [], start=start
                ).run()
            finally:
                await trial.rollback()
                await connection.close()

        return asyncio.run(go())


def words(report: Report) -> str:
    """What was found, in words."""
    return "\n".join(map(str, report.breaks + report.doubts))
