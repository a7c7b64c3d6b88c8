"""The unit of work: one transaction on behalf of one caller. Actions do everything through it."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from casework.access.actions import Action
from casework.kernel.clock import Clock
from casework.kernel.doubts import InputWarning
from casework.kernel.problems import AlreadyExists, Forbidden, NotFound, PreconditionFailed, Problem, StateConflict
from casework.kernel.references import new_reference
from casework.kernel.statements import Call, Connection, Statement, called
from casework.work.replaying import WARNINGS

BEGUN_AS = "b.decision, b.kind, b.principal, b.roles, b.teams, b.enquiry, b.event, b.answering, casework.now() AS now"
"""What is asked of ``access.begin(…) AS b``, for ``Caller.of``."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as the database resolved it for this action."""

    kind: str
    """public, enquirer, staff, client or system"""
    principal: UUID | None
    roles: Sequence[str]
    teams: Sequence[UUID]
    enquiry: UUID | None
    answering: Sequence[UUID] = ()
    """The teams for whose restricted cases the caller answers."""
    clock: Clock = field(kw_only=True)
    """The clock of the field's rules (``casework.now()``), as it went when the transaction began."""

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Caller":
        """The caller whom ``access.begin`` found (``BEGUN_AS``)."""
        return cls(
            row["kind"],
            row["principal"],
            row["roles"],
            row["teams"],
            row["enquiry"],
            row["answering"],
            clock=Clock(row["now"]),
        )

    @property
    def person(self) -> UUID | None:
        """The member of staff, if one is calling."""
        return self.principal if self.kind == "staff" else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an action answers: JSON as PostgreSQL rendered it, the version for the ETag, and where the record lives."""

    body: str
    version: int | None = None
    location: str | None = None
    status: int | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Values of the body that are shown once and stored nowhere, by the label they can be derived from again."""
    refusal: Problem | None = None
    """Told instead of the body once all is committed: where a refusal must leave something behind, such as a try that counts."""

    @property
    def headers(self) -> dict[str, str]:
        """Those that the answer is sent with."""
        return _headers(self.version, self.location)


def _headers(version: int | None, location: str | None) -> dict[str, str]:
    headers = {"ETag": f'"{version}"'} if version is not None else {}
    return headers | ({"Location": location} if location is not None else {})


@dataclass(frozen=True, slots=True)
class Keeping:
    """The key under which an action's answer is kept, with its status and what is kept beside it."""

    key_hash: bytes
    status: int
    beside: Mapping[str, str]


_TRIES = 5
_SAY = "access.say({}, {}, {}, {}, {}, {}::jsonb)"
_ENQUEUE = "work.enqueue({}, {}::jsonb, {}, {})"
_FINISH = "work.finish({}, {}, {}, {})"
_FINISH_SHOWN = "work.finish({}, {}, ({}::jsonb || jsonb_strip_nulls(jsonb_build_object('ETag', '\"' || s.version || '\"')))::text, s.body)"

Reaction = Callable[["Work", Mapping[str, Any]], Awaitable[None]]


class Work:
    """One caller's transaction. Whatever an action asks of the database goes through these few verbs."""

    def __init__(
        self,
        connection: Connection,
        caller: Caller,
        action: Action,
        *,
        versions: Sequence[int] | None = None,
        secret: Callable[[str], str] | None = None,
        reactions: Mapping[Action, Sequence[Reaction]] | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self._connection = connection
        self.caller = caller
        self.action = action
        self.versions = versions
        self._secret = secret
        self._reactions = reactions or {}
        self._keeping = keeping
        self._kept: Answer | None = None
        self._told = False
        """Whether a secret was drawn: an answer may hold it then, and is kept without it, at the end (``keep``)."""
        self._owed: list[Call] = []
        self.warnings: list[InputWarning] = []
        """What the action warns of, beside what its input gives cause for."""
        self._kept_warnings = 0

    @property
    def clock(self) -> Clock:
        """The clock of the field's rules: today's date and the moment, for whatever an action compares with them."""
        return self.caller.clock

    def _values(self, values: dict[str, Any]) -> dict[str, Any]:
        caller = self.caller
        return {
            "teams": caller.teams,
            "answering": caller.answering,
            "me": caller.principal,
            "versions": self.versions,
            **values,
        }

    async def row(self, statement: Statement, **values: Any) -> asyncpg.Record | None:
        """The first row of a statement. The caller's reach is bound as ``teams`` and ``answering``."""
        await self.settle()
        return await statement.row(self._connection, self._values(values))

    async def rows(self, statement: Statement, **values: Any) -> Sequence[asyncpg.Record]:
        """All rows of a statement."""
        await self.settle()
        return await statement.rows(self._connection, self._values(values))

    async def changes(self, statement: Statement, **values: Any) -> int:
        """How many rows a statement made or changed that returns none."""
        await self.settle()
        return await statement.changes(self._connection, self._values(values))

    def owe(self, call: str, *values: Any) -> None:
        """Call a function of the database (``{}`` for each parameter) with the next statement, for it answers nothing."""
        self._owed.append((call, values))

    async def settle(self) -> None:
        """Make the calls that are owed, now: whoever begins a unit of work does so at its end."""
        if self._owed:
            texts, values = called(self._owed)
            self._owed.clear()
            await self._connection.execute("SELECT " + ", ".join(texts), *values)

    async def obtain(self, statement: Statement, problem: Problem | None = None, **values: Any) -> asyncpg.Record:
        """The row that must be there: 404, or the problem given, when it is not."""
        row = await self.row(statement, **values)
        if row is None:
            raise problem or NotFound()
        return row

    async def advance(self, guarded: "Guarded", **values: Any) -> asyncpg.Record:
        """Carry out a guarded change, check and act in one; when nothing changed, say why: 404, 403, 412 or 409."""
        row = await self.row(guarded.change, **values)
        if row is None:
            await self._diagnose(guarded, values)
            raise StateConflict("The record does not allow this now.")
        return row

    async def _diagnose(self, guarded: "Guarded", values: dict[str, Any]) -> None:
        """Raise for the first guard that held; return when none of the common ones did."""
        found = await self.row(guarded.diagnosis, **values)
        if found is None:
            if guarded.headline is not None and await self.row(guarded.headline, **values):
                raise Forbidden("You see that this case exists, but it is restricted.")
            raise NotFound
        if not found["within"]:
            raise Forbidden("You may read this record, but this action of yours does not reach it.")
        if self.versions is not None and found["version"] not in self.versions:
            raise PreconditionFailed(headers={"ETag": f'"{found["version"]}"'})
        if guarded.states is not None and found["state"] not in guarded.states:
            raise StateConflict(
                f"This is not possible while it is {found['state']}.",
                state=found["state"],
                possible_from=list(guarded.states),
            )

    async def create(
        self, creation: "Creation", facts: BaseModel, *, reference: str | None = None, **values: Any
    ) -> UUID:
        """Insert a record, under the id that the client chose if it chose one; returns the id.

        ``reference`` is the prefix of the record's reference; references are random, so one that is taken is drawn again.

        The same id with the same facts is a success (a repeat was recognised), with other facts a 409.
        """
        stated = facts.model_dump()
        stated["id"] = stated.get("id") or uuid7()
        for _ in range(_TRIES if reference is not None else 1):
            if reference is not None:
                values["reference"] = new_reference(reference)
            row = await self.row(creation.insert, **{**stated, **values})
            if row is not None:
                created: UUID = row["id"]
                return created
        if creation.parent is not None:
            await self._diagnose(creation.parent, {**values, "id": values[creation.parent_id]})
        existing = await self.row(creation.shown, id=stated["id"])
        stored = json.loads(existing["body"]) if existing is not None else None
        parent = str(values[creation.parent_id]) if creation.parent_id else None
        if stored is None or not _same(facts, stored) or stored.get(creation.parent_id, parent) != parent:
            raise AlreadyExists("Something else has this id. Choose another, or send what it was made with.")
        repeated: UUID = stated["id"]
        return repeated

    async def show(self, shown: Statement, id_: UUID, *, location: str | None = None, **values: Any) -> Answer:
        """The answer that shows a record as it stands now, at the end of an action; what is owed, and its keeping, go with it."""
        keeping = None if self._told else self._keeping
        if keeping is not None:
            self.owe(_FINISH_SHOWN, keeping.key_hash, keeping.status, self._beside(keeping, _headers(None, location)))
        calls, self._owed = self._owed, []
        bound = self._values({"id": id_, **values})
        row = await (shown.row_with(self._connection, bound, calls) if calls else shown.row(self._connection, bound))
        if row is None:
            raise NotFound
        answer = Answer(row["body"], row["version"], location)
        if keeping is not None:
            self._kept = answer
        return answer

    def keep(self, answer: Answer, text: str) -> None:
        """Keep an answer under its key, with ``text`` for its body, unless it is what was shown, and kept, last."""
        keeping = self._keeping
        if keeping is not None and (answer is not self._kept or len(self.warnings) != self._kept_warnings):
            beside = self._beside(keeping, answer.headers)
            self.owe(_FINISH, keeping.key_hash, answer.status or keeping.status, beside, text)

    def _beside(self, keeping: Keeping, headers: Mapping[str, str]) -> str:
        """What is kept beside a body: headers, and the warnings that only this run of the action could tell."""
        self._kept_warnings = len(self.warnings)
        told = {WARNINGS: [each.model_dump() for each in self.warnings]} if self.warnings else {}
        return json.dumps({**keeping.beside, **headers, **told})

    def warn(self, pointer: str, code: str, message: str) -> None:
        """Warn of something that was taken and may be wrong, where only the action can tell; it stands in the answer."""
        self.warnings.append(InputWarning(pointer=pointer, code=code, message=message))

    def say(
        self,
        case_id: UUID,
        *,
        subject: tuple[str, UUID] | None = None,
        reason_code: str | None = None,
        reason: str | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Write a line of the case's timeline: the current action, by the caller, about ``subject`` (kind, id), and why."""
        kind, subject_id = subject or (None, None)
        told = json.dumps(dict(facts)) if facts else None
        self.owe(_SAY, case_id, kind, subject_id, reason_code, reason, told)

    async def react(self, row: Mapping[str, Any]) -> None:
        """Let other slices do what this action causes there, in the same transaction (``casework.reactions``)."""
        for reaction in self._reactions.get(self.action, ()):
            await reaction(self, row)

    def enqueue(
        self, task: str, arguments: dict[str, str], *, lock: str | None = None, not_before: datetime | None = None
    ) -> None:
        """Write a job that runs after this transaction has committed, and not at all if it has not. Pass ids only."""
        self.owe(_ENQUEUE, task, json.dumps(arguments), lock, not_before)

    def secret(self, label: str) -> str:
        """A value shown once and stored nowhere; the same Idempotency-Key shows it again."""
        if self._secret is None:
            raise RuntimeError("a secret needs an Idempotency-Key")
        self._told = True
        return self._secret(label)


def _same(facts: BaseModel, stored: Mapping[str, Any]) -> bool:
    stated = facts.model_dump(mode="json", exclude_unset=True)
    return all(stored[name] == value for name, value in stated.items() if name in stored)


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562), as the database makes them too."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return UUID(int=value)


@dataclass(frozen=True)
class Creation:
    """An insert, how to show what it made, and how to tell why it made nothing."""

    insert: Statement
    shown: Statement
    parent: "Guarded | None" = None
    parent_id: str = ""


@dataclass(frozen=True)
class Guarded:
    """A change with its guards in the statement itself, and the query that says which guard held."""

    change: Statement
    diagnosis: Statement
    states: Sequence[str] | None = None
    headline: Statement | None = None


def given_fields(facts: BaseModel) -> dict[str, Any]:
    """What a merge patch states: absent fields are untouched."""
    return {name: getattr(facts, name) for name in facts.model_fields_set}
