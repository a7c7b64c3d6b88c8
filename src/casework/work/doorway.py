"""The doorway: a request becomes a caller, a caller opens a unit of work, and nothing is sent before it is committed."""

import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, NoReturn
from urllib.parse import urlencode
from uuid import UUID, uuid4

import asyncpg
from fastapi import Depends, Request, Response

from casework.access.actions import Action
from casework.access.federation import Federation, NotOurs
from casework.access.policy import POLICY, Role
from casework.access.tokens import bearer, hash_token, is_outside, may_be_federated
from casework.kernel import problems as p
from casework.kernel.database import Database
from casework.kernel.doubts import InputWarning, doubts_of, told
from casework.kernel.keys import Keys
from casework.kernel.lending import Lender
from casework.kernel.paging import Cursors
from casework.kernel.problems import Problem
from casework.kernel.rates import network
from casework.kernel.requests import small_ids_of_body
from casework.kernel.settings import Settings
from casework.kernel.statements import Connection, Statement, written
from casework.work import invalid, replaying
from casework.work.composing import BEGIN, BEGINNING, Listing
from casework.work.operations import canonical, operations
from casework.work.troubles import trouble
from casework.work.unit import BEGUN_AS, Answer, Caller, Keeping, Reaction, Work

_BEGIN = f"""SELECT {BEGUN_AS}, k.claim, k.status, k.headers, k.body, k.salt
FROM access.begin($1, $2, $3, $4, $5, $6, $7, false) b CROSS JOIN set_config('synchronous_commit', 'off', true)
LEFT JOIN LATERAL work.claim($8, $9) k ON $8::bytea IS NOT NULL AND b.decision = 'allow'"""  # noqa: S608 — constants of the code
BEGUN = written(f"SELECT ctx.decision, ctx.event FROM {BEGIN}", **BEGINNING)  # noqa: S608 — constants of the code
_CASE_ADDRESS = re.compile(r"/v1/cases/([0-9a-f-]{36})(?:/|$)")
_LEAST_PUBLIC_KEY = 20
_MOST_TAGS = 5
# A tag is a version, not an image of bytes: what a proxy makes of it when it compresses (W/"2", "2-gzip") is the same version.
_TAG = re.compile(r'(?:W/)?(?:"([0-9]{1,9})(?:[-;][A-Za-z0-9;-]{1,20})?"|([0-9]{1,9}))\Z')
READS = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}\Z")


class House:
    """What the doorway needs of the running service; it hangs on the application's state."""

    def __init__(
        self,
        database: Database,
        keys: Callable[[str], Keys],
        reactions: Mapping[Action, Sequence[Reaction]],
        settings: Settings,
    ) -> None:
        self.database = database
        self.cursors = Cursors(keys("cursor"))
        self.secrets = keys("secret")
        self.reactions = reactions
        self.settings = settings
        self.federation = Federation.configured(settings)


@dataclass(slots=True)
class Begun:
    """A transaction whose caller has been judged, and the key that it claimed."""

    connection: Connection
    row: asyncpg.Record
    key: str | None
    key_hash: bytes | None
    refusal: Problem | None = None
    """What is answered once all is committed (``Answer.refusal``)."""


class Door:
    """One request at the door. Routes hand it a statement to read with, or an action to carry out."""

    __slots__ = (
        "_begun",
        "acting_for",
        "action",
        "asked",
        "confirming",
        "house",
        "operation",
        "outside",
        "request",
        "request_id",
        "stated",
        "token_hash",
    )

    def __init__(self, request: Request) -> None:
        self.request = request
        self.house: House = request.app.state.house
        self.operation = operations[request.scope["route"].operation_id]
        self.action = self.operation.action
        token = bearer(request.headers.get("authorization"))
        self.outside = is_outside(token)
        self.token_hash = hash_token(token) if token is not None else None
        state = request.scope.get("state", {})
        self.request_id = UUID(state["request_id"]) if "request_id" in state else uuid4()
        self.asked = UUID(state["client_request_id"]) if state.get("client_request_id") else None
        """The id that the client gave to its request."""
        confirmation = request.headers.get("x-confirmation") if self.outside else None
        self.confirming = hash_token(confirmation) if confirmation is not None else None
        """What the device of an enquirer was given for a one-time code, by its hash."""
        self._begun: Begun | None = None
        self.acting_for = _acting_for(request)
        self.stated: Any = None
        """The body, as its model read it."""
        if request.scope["query_string"]:
            self.operation.check_parameters(request)

    @property
    def settings(self) -> Settings:
        """The settings of the running service."""
        return self.house.settings

    @property
    def network(self) -> bytes:
        """The network address of the caller, as a keyed hash: known again, and telling nothing."""
        client = self.request.scope.get("client") or ("", 0)
        return self.house.secrets.seal(b"network address", network(client[0]).encode())

    def told(self, body: str, warnings: Iterable[InputWarning] = ()) -> str:
        """The answer of a write, with what is doubtful in its request, and what else is to be warned of."""
        return told(body, (*doubts_of(self.stated), *warnings))

    def _lender(self) -> Lender:
        database = self.house.database
        return database.public if self.outside else database.staff

    def _begin_values(self) -> dict[str, Any]:
        return {
            "hash": self.token_hash,
            "action": self.action.value,
            "purpose": self._purpose(),
            "request": self.request_id,
            "acting": self.acting_for,
            "asked": self.asked,
            "confirming": self.confirming,
        }

    def _purpose(self) -> str | None:
        purpose = self.request.headers.get("x-purpose")
        if purpose is None:
            return None
        known: frozenset[str] = self.request.app.state.purposes
        if purpose not in known:
            raise p.ValidationFailed(
                "There is no such purpose code.",
                errors=[
                    {
                        "parameter": "X-Purpose",
                        "code": "enum",
                        "message": "Use a purpose code.",
                        "allowed": sorted(known),
                    }
                ],
            )
        return purpose

    async def one(self, statement: Statement, *, case: UUID | None = None, **values: Any) -> Response:
        """Answer with one record; 404 when it is not there for the caller, 403 when ``case`` is known to exist but hidden."""
        try:
            return await self._one(statement, case, values)
        except p.Unauthenticated:
            if not await self._vouched_for():
                raise
        return await self._one(statement, case, values)

    async def _vouched_for(self) -> bool:
        """Whether a token that opened nothing is the identity provider's, and has a session now: then all begins once more."""
        federation, token = self.house.federation, bearer(self.request.headers.get("authorization"))
        if federation is None or token is None or not may_be_federated(token):
            return False
        try:
            vouched = await federation.judge(token)
        except NotOurs:
            return False
        database, settings = self.house.database, self.settings
        async with database.door.lend() as connection, trouble():
            opened: bool = await connection.fetchval(
                "SELECT access.open_federated($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                self.token_hash,
                vouched.content,
                vouched.issuer,
                vouched.subject,
                vouched.issued,
                vouched.expires,
                settings.session_idle_minutes,
                timedelta(hours=settings.session_hours),
                self.request_id,
                self.asked,
            )
        return opened

    async def _one(self, statement: Statement, case: UUID | None, values: dict[str, Any]) -> Response:
        missed: Problem | None = None
        async with self._lender().lend() as connection, trouble():
            row = await self._asked(connection, statement, {**self._begin_values(), **values})
            if row["decision"] == "allow" and row["body"] is None:
                standing = await self._standing(connection, case) if case is not None else "absent"
                standing = "seen" if row.get("seen") else standing
                missed = await self._missed(connection, row, standing)
        await self.house.database.flush.passed()
        self._judge(row["decision"])
        if missed is not None:
            raise missed
        headers = {"ETag": f'"{row["version"]}"'} if row["version"] is not None else {}
        return Response(row["body"], media_type="application/json", headers=headers)

    def _judge(self, decision: str) -> None:
        """Raise unless the database let the caller in. Who holds a tracking token is told how the second step is made."""
        if decision == "unauthenticated":
            raise p.Unauthenticated
        if decision != "allow":
            reach = POLICY[self.action].reach
            second_step = self.outside and Role.VERIFIED_ENQUIRER in reach and Role.ENQUIRER not in reach
            raise p.Forbidden(_CODE_FIRST if second_step else "None of your roles has this action.")

    async def _standing(self, connection: Connection, case: UUID, action: Action | None = None) -> str:
        """How the caller stands to a case: reached, headline or absent."""
        standing: str = await connection.fetchval(
            "SELECT access.standing_of($1, $2, $3, $4)",
            self.token_hash,
            (action or self.action).value,
            case,
            self.acting_for,
        )
        return standing

    async def _missed(self, connection: Connection, row: asyncpg.Record, standing: str) -> Problem:
        """The refusal of a read that found nothing; the log is told of it beneath the event that the read began."""
        problem: Problem = p.NotFound()
        if standing == "headline":
            problem = p.Forbidden("You see that this case exists, but not what it holds.")
        elif standing == "seen":
            problem = p.Forbidden(
                "You may see that it is there, but it stands in none of the teams for which you may do this."
            )
        await self._tell(connection, problem, row.get("event"))
        return problem

    async def _asked(
        self, connection: Connection, statement: Statement, values: dict[str, Any], page: int | None = None
    ) -> asyncpg.Record:
        try:
            row = await statement.row(connection, values, page)
            self._logged(row)
        except asyncpg.InsufficientPrivilegeError:
            if not self.outside:
                raise
            # The outside has no right to the tables of the staff, so the statement ended before it asked for the authority.
            begun = await BEGUN.row(connection, values)
            self._logged(begun)
            assert begun is not None
            if begun["decision"] == "allow":
                raise
            return begun
        assert row is not None
        return row

    def _logged(self, row: asyncpg.Record | None) -> None:
        """Tell the request's line in the service's own log which event of the processing log is its own."""
        if row is not None and row.get("event") is not None:
            self.request.scope["state"]["logged"] = (row["event"], self.action.value, row["decision"])

    async def refuse(self, problem: Problem) -> NoReturn:
        """Refuse what the route itself finds wrong. Who may not do this at all is told that instead; the log is told of both."""
        raise await refusal_before(self.request) or problem

    async def page(
        self,
        listing: Listing,
        *,
        limit: int,
        cursor: str | None,
        sort: str,
        filters: Mapping[str, Any] | None = None,
        under: UUID | None = None,
        **values: Any,
    ) -> Response:
        """Answer with one page of a list. Filters that are ``None`` are not in use.

        ``under`` is the case whose list it is: where nothing is found it is asked whether that case is within reach at
        all, and answered as ``one`` does when it is not.
        """
        used = {name: value for name, value in (filters or {}).items() if value is not None}
        bound_to = self._binding(sort, used)
        bound = {**self._begin_values(), **used, **values}
        if cursor is not None:
            key, last = self.house.cursors.read(cursor, bound_to)
            bound |= {"after_key": key, "after_id": UUID(last)}
        statement = listing.statement(frozenset(used), sort, cursor is not None)
        try:
            row = await self._page(listing, statement, bound, limit, under)
        except p.Unauthenticated:
            if not await self._vouched_for():
                raise
            row = await self._page(listing, statement, bound, limit, under)
        following = self.house.cursors.make([row["last_key"], str(row["last_id"])], bound_to) if row["more"] else None
        body = f'{{"items":{row["body"] or "[]"},"next_cursor":{json.dumps(following)}}}'
        headers = {}
        if following is not None:
            query = urlencode(
                [*((k, v) for k, v in self.request.query_params.items() if k != "cursor"), ("cursor", following)]
            )
            headers["Link"] = f'<{self.request.scope["path"]}?{query}>; rel="next"'
        return Response(body, media_type="application/json", headers=headers)

    async def _page(
        self, listing: Listing, statement: Statement, bound: dict[str, Any], limit: int, under: UUID | None
    ) -> asyncpg.Record:
        missed: Problem | None = None
        async with self._lender().lend() as connection, trouble():
            row = await self._asked(connection, statement, bound, page=limit + 1)
            if row["decision"] == "allow" and row["length"] is None and under is not None:
                standing = await self._standing(connection, under)
                if standing != "reached":
                    missed = await self._missed(connection, row, standing)
            if row["decision"] == "allow" and missed is None and row.get("refused") is not None:
                missed = listing.beyond[row["refused"]].refusal()
                await self._tell(connection, missed, row.get("event"))
        await self.house.database.flush.passed()
        self._judge(row["decision"])
        if missed is not None:
            raise missed
        return row

    def _binding(self, sort: str, used: Mapping[str, Any]) -> str:
        caller = f"{self.token_hash.hex()}:{self.acting_for}" if self.token_hash else "public"
        return json.dumps([self.request.scope["route"].operation_id, caller, sort, sorted(used.items())], default=str)

    async def write(self, act: Callable[[Work], Awaitable[Answer]], *, status: int = 200) -> Response:
        """Carry out an action in one transaction: rendered, then committed, then sent."""
        if self._begun is not None:
            return await self._carry_out(self._begun, act, status)
        return await self.judged(lambda: self.write(act, status=status))

    async def judged(
        self, call: Callable[[], Awaitable[Response]], stated: Callable[[], Any] = lambda: None
    ) -> Response:
        """Judge the caller, and call what ends in ``write`` within the transaction that has begun so.

        What it reads of the request is read for somebody who may do this: it costs no more than its refusal before.
        ``stated`` reads the body alone, for a repeat: it is answered with the same warnings.
        """
        try:
            return await self._judged(call, stated)
        except p.Unauthenticated:
            if not await self._vouched_for():
                raise
        return await self._judged(call, stated)

    async def _judged(self, call: Callable[[], Awaitable[Response]], stated: Callable[[], Any]) -> Response:
        key = self._key() if self.operation.kept and self.request.method not in READS else None
        body = self.request.scope["state"].get("body", b"")
        print_ = self._fingerprint(body) if key is not None else None
        key_hash = hashlib.sha256(key.encode()).digest() if key is not None else None
        begun: int | None = None
        refusal: Problem | None = None
        made: Response | None = None
        async with self._lender().lend() as connection:
            try:
                async with trouble(), connection.transaction():
                    row = await self._begin(connection, key_hash, print_)
                    if row["decision"] != "allow":
                        refused = row["decision"]
                        begun = row["event"]  # is committed: the refusal has one event, as everything has
                    elif row["claim"] == "replay":
                        self._state_again(stated)
                        refused, made = "", await self._replayed(connection, row, key)
                    else:
                        refused, self._begun = "", Begun(connection, row, key, key_hash)
                        made = await call()
                        refusal = self._begun.refusal
                if refused:
                    self._judge(refused)
                    raise AssertionError(refused)
            except Problem as problem:
                if isinstance(problem, p.ValidationFailed) and isinstance(problem.__cause__, asyncpg.PostgresError):
                    invalid.relocate(problem, self.request.scope["state"].get("json"))
                if begun is None:
                    self.request.scope["state"].pop("logged", None)  # rolled back; the refusal has an event of its own
                await self._tell(connection, problem, begun)
                if begun is not None:
                    await self.house.database.flush.passed()
                raise
            finally:
                self._begun = None
        await self.house.database.flush.passed()
        if refusal is not None:
            raise refusal  # told to the log beneath its own event, which has been committed
        assert made is not None
        return made

    def _state_again(self, stated: Callable[[], Any]) -> None:
        # What was done stays done, whatever a release since then has learnt to refuse: only its warnings are lost with it.
        with suppress(p.ValidationFailed):
            self.stated = stated() if self.stated is None else self.stated

    async def _begin(self, connection: Connection, key_hash: bytes | None, print_: bytes | None) -> asyncpg.Record:
        try:
            row: asyncpg.Record = await connection.fetchrow(
                _BEGIN,
                self.token_hash,
                self.action.value,
                self._purpose(),
                self.request_id,
                self.acting_for,
                self.asked,
                self.confirming,
                key_hash,
                print_,
            )
        except asyncpg.LockNotAvailableError:
            raise p.RequestInProgress(headers={"Retry-After": "1"}) from None
        if row["claim"] == "reused":
            raise p.IdempotencyKeyReused
        self._logged(row)
        return row

    async def _carry_out(self, begun: "Begun", act: Callable[[Work], Awaitable[Answer]], status: int) -> Response:
        row, key = begun.row, begun.key
        keeping = None
        if begun.key_hash is not None:
            keeping = Keeping(begun.key_hash, status, replaying.kept_part(row["kind"], row["roles"]))
        work = Work(
            begun.connection,
            Caller.of(row),
            self.action,
            versions=self._versions(),
            reactions=self.house.reactions,
            secret=(lambda label: self._derive(key, row["salt"], label)) if key is not None else None,
            keeping=keeping,
        )
        answer = await act(work)
        if answer.refusal is None:
            kept = answer.body
            for label, secret in answer.secrets.items():
                kept = kept.replace(secret, _place(row["salt"], label))
            work.keep(answer, kept)
        elif begun.key_hash is not None:
            work.owe("work.release({})", begun.key_hash)
        await work.settle()
        begun.refusal = answer.refusal
        code = answer.status or status
        text = answer.body if self.request.method in READS else self.told(answer.body, work.warnings)
        return Response(text, status_code=code, media_type="application/json", headers=answer.headers)

    async def _replayed(self, connection: Connection, row: asyncpg.Record, key: str | None) -> Response:
        """The kept answer, unless it shows a case that its caller may not read any more."""
        headers = json.loads(row["headers"])
        case = self._case() or _case_of(headers.get("Location", ""))
        if case is not None and (row["kind"] == "staff" or self.acting_for is not None):
            # A tool need not be able to read what it may do; whom it acts for must still reach the case for this.
            wanted = Action.CASE_READ if row["kind"] == "staff" else self.action
            standing = await self._standing(connection, UUID(case), wanted)
            if standing != "reached":
                hidden = standing == "headline"
                raise p.Forbidden("You may not read this case any more.") if hidden else p.NotFound()
        if self.action is not Action.ENQUIRY_SUBMIT:  # may end in a team whose enquiries its sender never read
            await replaying.judge(connection, row["kind"], row["roles"], self.request.scope["path"], headers)
        headers.pop(replaying.PART, None)
        warnings = [InputWarning(**each) for each in headers.pop(replaying.WARNINGS, ())]
        # The salt is in no answer, so nobody's text can pass for the place of a secret.
        place = re.compile(re.escape(_place(row["salt"], "")[:-2]) + r"([a-z_]+)%%")
        body = place.sub(lambda found: self._derive(key, row["salt"], found[1]), row["body"])
        headers["Idempotency-Replayed"] = "true"
        told_again = self.told(body, warnings)
        return Response(told_again, status_code=row["status"], media_type="application/json", headers=headers)

    def _fingerprint(self, body: bytes) -> bytes:
        """What a key stands for: the same key with anything else is refused."""
        digest = hashlib.sha256(f"{self.request.method} {self.request.url.path} {self.acting_for}\n".encode())
        digest.update(small_ids_of_body(body))
        return digest.digest()

    def _derive(self, key: str | None, salt: bytes, label: str) -> str:
        # Of the three that make it, our key and the caller's are not in the database, and the salt is nowhere else.
        path = self.request.scope["path"].encode()
        seal = self.house.secrets.seal(label.encode(), (key or "").encode(), salt, path)
        return base64.urlsafe_b64encode(seal).decode().rstrip("=")

    async def _tell(self, connection: Connection, problem: Problem, event: int | None = None) -> None:
        """Tell the log of a refusal: beneath ``event``, the read that began it, or by itself where all was rolled back."""
        if problem.status in (401,) or isinstance(problem, p.Unavailable | p.StorageFull) or connection.is_closed():
            return
        async with trouble():
            await connection.execute(
                "SELECT access.refuse($1, $2, $3, $4, $5, $6, $7, $8)",
                self.token_hash,
                self.action.value,
                self.request_id,
                problem.slug,
                self._case(),
                event,
                self.acting_for,
                self.asked,
            )

    def _case(self) -> str | None:
        """The case that the path names, for the log of its refusals."""
        named = self.request.path_params.get("case_id")
        return named if named is not None and canonical(named) else None

    def _key(self) -> str | None:
        key = self.request.headers.get("idempotency-key")
        if key is None:
            if self.operation.keyed:
                raise p.IdempotencyKeyMissing
            return None
        if not _VISIBLE.match(key):
            raise p.InvalidIdempotencyKey
        if self.token_hash is None and len(key) < _LEAST_PUBLIC_KEY:
            # Callers without an account share one namespace: what somebody else may hit upon is no key.
            raise p.InvalidIdempotencyKey(
                f"Without an account, send a random key of {_LEAST_PUBLIC_KEY} characters or more, such as a UUID."
            )
        return key

    def _versions(self) -> list[int] | None:
        header = self.request.headers.get("if-match")
        if not self.operation.matched:
            return None
        tags = [tag.strip() for tag in (header or "*").split(",", _MOST_TAGS)]
        if "*" in tags:
            raise p.PreconditionRequired(
                "Send If-Match with the ETag that you read; '*' would overwrite what you have not seen."
            )
        if len(tags) > _MOST_TAGS:
            raise p.BadRequest(
                f"If-Match names {_MOST_TAGS} versions at most: more would overwrite what nobody has seen."
            )
        return [int(found[1] or found[2]) for tag in tags if (found := _TAG.match(tag))]


def _case_of(location: str) -> str | None:
    """The case to which an address belongs, if it is one's."""
    found = _CASE_ADDRESS.match(location)
    return found[1] if found else None


def _place(salt: bytes, label: str) -> str:
    """What stands in a kept answer where a secret was shown."""
    return f"%%{salt.hex()}:{label}%%"


async def at_the_door(request: Request) -> Door:
    """The dependency of every route."""
    return Door(request)


AtDoor = Annotated[Door, Depends(at_the_door)]


async def refusal_before(request: Request) -> Problem | None:
    """Whether the caller may not do this at all; asked when a request turned out not to be well formed."""
    try:
        door = Door(request)
        try:
            await _judged_alone(door)
        except p.Unauthenticated:
            if not await door._vouched_for():
                raise
            await _judged_alone(door)
    except Problem as problem:
        return problem
    return None


async def _judged_alone(door: Door) -> None:
    async with door._lender().lend() as connection, trouble():
        values = door._begin_values()
        door._judge(
            await connection.fetchval(
                "SELECT b.decision FROM access.begin($1, $2, $3, $4, $5, $6, $7) b", *values.values()
            )
        )


_CODE_FIRST = (
    "This needs a one-time code, entered on this device: POST /v1/tracking/code sends one to a verified contact, POST"
    " /v1/tracking/confirmation takes it. Send what that answers in the header X-Confirmation; it ends after an hour without use."
)


def _acting_for(request: Request) -> UUID | None:
    """The person for whom a tool says that it acts; the database judges whether both may."""
    named = request.headers.get("x-acting-for")
    if named is None:
        return None
    named = named.lower()
    if not canonical(named):
        told = {"parameter": "X-Acting-For", "code": "uuid", "message": "Send the person's id in its canonical form."}
        raise p.ValidationFailed(errors=[told])
    return UUID(named)
