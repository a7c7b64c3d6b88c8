"""The verifier: computes everything anew from the raw rows, and believes nothing that the database says of itself.

It needs a connection that may read the log's tables, in one transaction that sees one moment, and public keys from outside.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from casework.audit_log import notes
from casework.audit_log.hashing import GENESIS, HeadFacts, digest_of, leaf_of, root_of, time_of
from casework.audit_log.rows import EVENTS, HEADS, OBJECTS, RECOVERIES, STRAYS, WAITING, body_bytes, header_bytes
from casework.audit_log.sealing import milliseconds
from casework.kernel.keys import signed_by
from casework.kernel.statements import Connection

TOGETHER = 10_000
"""Events looked at together: memory stays flat however long the log is."""
LATE = 3_600_000
"""Milliseconds by which an event may come after later ones were sealed: the longest transaction (an import)."""
DRIFT = 1_000
YOUNG = 60.0
"""Seconds an event may wait for its seal."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something that is not as it was sealed: what, in which batch, at which event."""

    what: str
    batch: int | None = None
    event: int | None = None

    def __str__(self) -> str:
        where = [f"batch {self.batch}" if self.batch is not None else "", f"event {self.event}" if self.event else ""]
        named = ", ".join(each for each in where if each)
        return f"{named}: {self.what}" if named else self.what


@dataclass
class Report:
    """What was found. ``breaks``: tampered. ``doubts``: what cannot be told, or is explained but gone."""

    breaks: list[Break] = field(default_factory=list)
    doubts: list[Break] = field(default_factory=list)
    events: int = 0
    heads: int = 0
    waiting: int = 0

    @property
    def code(self) -> int:
        """0 clean, 1 tampered, 2 cannot tell."""
        return 1 if self.breaks else 2 if self.doubts else 0


@dataclass(frozen=True, slots=True)
class _Recovery:
    last_batch: int
    last_hash: bytes
    lost_to: int
    operator: str


class Verifier:
    """One verification of a log, from the batch ``start`` on."""

    def __init__(
        self, connection: Connection, keys: Mapping[str, bytes], *, anchors: Sequence[notes.Note] = (), start: int = 1
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._anchors = anchors
        self._start = start
        self._recoveries: list[_Recovery] = []
        self._hashes: dict[int, bytes] = {}
        self._wanted = {note.batch for note in anchors}
        self._newest = 0
        self._newest_event = 0
        self.report = Report()

    async def run(self) -> Report:
        """Everything: chain, signatures, leaves, what is beside the chain, and what was kept outside."""
        await self._read_recoveries()
        previous: HeadFacts | None = None
        group: list[HeadFacts] = []
        async for row in self._connection.cursor(HEADS, self._start - 1, prefetch=1000):
            head = HeadFacts(
                row["batch"], row["count"], row["total"], row["root"], row["previous"], milliseconds(row["sealed_at"])
            )
            self._hashes_of(head, row["hash"])
            if head.batch >= self._start:
                self._judge_head(head, row, previous)
                group.append(head)
                if sum(each.count for each in group) >= TOGETHER:
                    await self._judge_events(group)
                    group = []
            previous = head
        if group:
            await self._judge_events(group)
        await self._judge_strays()
        self._judge_anchors()
        return self.report

    def _hashes_of(self, head: HeadFacts, stored: bytes) -> None:
        self._newest = max(self._newest, head.batch)
        if head.batch in self._wanted or any(head.batch == each.last_batch for each in self._recoveries):
            self._hashes[head.batch] = stored

    def _broken(self, what: str, batch: int | None = None, event: int | None = None) -> None:
        self.report.breaks.append(Break(what, batch, event))

    def _doubt(self, what: str, batch: int | None = None, event: int | None = None) -> None:
        self.report.doubts.append(Break(what, batch, event))

    async def _read_recoveries(self) -> None:
        for row in await self._connection.fetch(RECOVERIES):
            facts = notes.RecoveryFacts(
                milliseconds(row["at"]),
                row["last_batch"],
                row["last_hash"],
                row["lost_to"],
                row["operator"],
                row["reason"],
            )
            if not self._signed(row, facts.text):
                self._broken(
                    f"the recovery record that loses batches {facts.last_batch + 1} to {facts.lost_to} is not signed by us"
                )
                continue
            found = _Recovery(facts.last_batch, facts.last_hash, facts.lost_to, facts.operator)
            self._recoveries.append(found)
            told = f"a restore lost batches {found.last_batch + 1} to {found.lost_to}: {facts.operator} explained it as {facts.reason!r}"
            self._doubt(told)

    def _signed(self, row: Any, text: str) -> bool:
        public = self._keys.get(row["key_id"])
        return public is not None and signed_by(public, row["signature"], text.encode())

    def _judge_head(self, head: HeadFacts, row: Any, previous: HeadFacts | None) -> None:
        self.report.heads += 1
        before = (previous.batch, previous.total, previous.hash, previous.sealed_at) if previous else (0, 0, GENESIS, 0)
        if previous is None and self._start > 1:
            self._doubt("the batch before the first one looked at is not there", head.batch)
            before = (head.batch - 1, head.total - head.count, head.previous, 0)
        if head.batch != before[0] + 1 and not self._explained(before[0] + 1, head.batch - 1):
            self._broken(f"follows batch {before[0]}: those between are gone", head.batch)
        if head.previous != before[2]:
            self._broken("is not chained to the batch before it", head.batch)
        if head.total != before[1] + head.count:
            self._broken(f"says {head.total} events so far, it should be {before[1] + head.count}", head.batch)
        if head.sealed_at < before[3]:
            self._broken("is older than the batch before it", head.batch)
        if head.hash != row["hash"]:
            self._broken("its head is not what was hashed", head.batch)
        if row["key_id"] not in self._keys:
            self._broken(f"is signed by a key that is not ours ({row['key_id']})", head.batch)
        elif not self._signed(row, notes.body(head)):
            self._broken("the signature of its head is wrong", head.batch)

    def _explained(self, first: int, last: int) -> bool:
        return any(each.last_batch < first and last <= each.lost_to for each in self._recoveries)

    async def _judge_events(self, group: Sequence[HeadFacts]) -> None:
        first, last = group[0].batch, group[-1].batch
        by_batch: dict[int, list[Any]] = defaultdict(list)
        rows = await self._connection.fetch(EVENTS, first, last)
        for row in rows:
            by_batch[row["batch"]].append(row)
        beneath: dict[int, list[Any]] = defaultdict(list)
        for record in await self._connection.fetch(OBJECTS, [row["event_id"] for row in rows]):
            beneath[record[0]].append(record)
        for head in group:
            self._judge_batch(head, by_batch.pop(head.batch, []), beneath)
        for batch, left in by_batch.items():
            self._broken(f"{len(left)} seals belong to a batch that has no head", batch)

    def _judge_batch(self, head: HeadFacts, rows: Sequence[Any], beneath: Mapping[int, Sequence[Any]]) -> None:
        self.report.events += len(rows)
        places = [row["place"] for row in rows]
        if places != list(range(head.count)):
            gone = head.count - len(set(places))
            what = f"{gone} of its {head.count} seals are gone" if gone > 0 else "its seals are not in their places"
            self._broken(what, head.batch)
        for row in rows:
            self._judge_event(head, row, beneath.get(row["event_id"], ()))
        if root_of([row["leaf"] for row in rows]) != head.root:
            self._broken("its seals do not make the root that was signed", head.batch)
        self._newest_event = max([self._newest_event, *(row["event_id"] for row in rows)])

    def _judge_event(self, head: HeadFacts, row: Any, records: Sequence[Any]) -> None:
        event = row["event_id"]
        if row["id"] is None:
            self._broken("was sealed and is gone", head.batch, event)
            return
        if row["salt"] is None:
            self._broken("its salt is gone, and no disposal is on record", head.batch, event)
        elif digest_of(row["salt"], body_bytes(records)) != row["body_digest"]:
            self._broken("the records beneath it are not those that were sealed", head.batch, event)
        if leaf_of(header_bytes(row), row["body_digest"]) != row["leaf"]:
            self._broken(
                "it is not what was sealed: who, when, what, why or the decision was altered", head.batch, event
            )
        made = time_of(event)
        if abs(made - row["at_ms"]) > DRIFT:
            self._broken("its number and its time do not belong together", head.batch, event)
        if made > head.sealed_at + DRIFT:
            self._broken("is younger than its seal", head.batch, event)
        if self._newest_event and made < time_of(self._newest_event) - LATE:
            self._broken(
                "was put in later than it says: events an hour younger were sealed before it", head.batch, event
            )

    async def _judge_strays(self) -> None:
        """What is beside the chain: unsealed, unlogged, headless."""
        for what, statement in STRAYS.values():
            for row in await self._connection.fetch(statement, self._start):
                self._broken(what, row["batch"] if "batch" in row.keys() else None, row["event"])  # noqa: SIM118 — a Record
        row = await self._connection.fetchrow(WAITING)
        self.report.waiting = row["waiting"]
        if row["oldest"] is not None and row["oldest"] > YOUNG:
            self._doubt(
                f"{row['waiting']} events wait for their seal, the oldest for {row['oldest']:.0f} s: does a worker run?"
            )

    def _judge_anchors(self) -> None:
        for note in self._anchors:
            public = self._keys.get(note.key_id)
            if public is None or not signed_by(public, note.signature, note.text.encode()):
                self._doubt("the checkpoint that was kept of it is not signed by us", note.batch)
                continue
            if note.batch < self._start - 1:
                continue
            stored = self._hashes.get(note.batch)
            if stored == note.hash:
                continue
            if self._excused(note):
                continue  # told already, with the operator's words
            if stored is None:
                self._broken("anchored, and gone: the log was cut or restored from before it", note.batch)
            else:
                self._broken("is not the batch of which a checkpoint was kept: the log was written anew", note.batch)

    def _excused(self, note: notes.Note) -> bool:
        return any(
            each.last_batch < note.batch <= each.lost_to
            and self._hashes.get(each.last_batch, GENESIS) == each.last_hash
            for each in self._recoveries
        )
