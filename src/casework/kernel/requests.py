"""What comes in to the boundary: the head of a request, its body, and what can be told of them before they are trusted."""

import json
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from starlette.types import Message, Receive

from casework.kernel import characters, strict_json
from casework.kernel import problems as p
from casework.kernel.sizes import PUBLIC

URGENT_NEEDS = ("emergency", "suspicious_activity")
_WATCHED = frozenset(
    b"host content-length transfer-encoding content-encoding content-type accept authorization x-request-id"
    b" idempotency-key if-match x-acting-for x-purpose".split()
)
ONCE = frozenset(b"authorization idempotency-key if-match x-acting-for x-purpose".split())
"""Of two such headers, what stands before the service might judge the one and the service obey the other."""
_BEARER = re.compile(rb"bearer +([\x21-\x7e]+) *\Z", re.IGNORECASE)
# A tab may stand within a header's value (RFC 9110, 5.5), hence not among them.
_HEADER_CONTROLS = bytes(n for n in (*range(0x20), 0x7F) if n != 0x09)
_BAD_ESCAPE = re.compile(rb"%(?:[01][0-9a-f]|7f|c2%[89][0-9a-f]|(?![0-9a-f]{2}))", re.IGNORECASE)
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ID_OF_PATH = re.compile(r"(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|\Z)", re.IGNORECASE)
_ID_OF_QUERY = re.compile(rb"(?<==)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=&|\Z)", re.IGNORECASE)
_ID_OF_BODY = re.compile(rb'"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"', re.IGNORECASE)
_NOT_WANTED = re.compile(rb"(?:^|;)\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)")
# UTF-16 and escapes can hide the words, so they are worth the look of a parser as well.
_URGENT_HINT = re.compile(rb"\\u|\x00|%s" % "|".join(URGENT_NEEDS).encode())
_URGENT = re.compile(
    # As JSON that is broken elsewhere, or as a plain form that was sent to the wrong door.
    rb'"need"\s*:\s*"(?:%(needs)s)"|(?:^|&)need=(?:%(needs)s)(?:&|$)' % {b"needs": "|".join(URGENT_NEEDS).encode()}
)


class Head:
    """The headers that the boundary asks about, found in one pass."""

    __slots__ = ("client_request_id", "controls", "count", "doubled", "has_body", "request_id", "size", "values")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        values: dict[bytes, bytes] = {}
        self.doubled: set[bytes] = set()
        for name, value in headers:
            if name in _WATCHED:
                if name not in values:
                    values[name] = value
                elif name == b"accept":
                    values[name] += b"," + value
                else:
                    self.doubled.add(name)
        everything = b"".join([part for header in headers for part in header])
        self.values = values
        self.count = len(headers)
        self.size = len(everything) + 4 * len(headers)
        # translate is several times cheaper than a search by pattern, and this runs on every request.
        self.controls = len(everything.translate(None, _HEADER_CONTROLS)) != len(everything)
        self.has_body = values.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in values
        given = values.get(b"x-request-id")
        self.request_id = str(uuid.uuid4())
        # Two callers may send the same one, so it stands beside ours.
        self.client_request_id = given.decode().lower() if given and _UUID.fullmatch(given) else None


class Arrived(NamedTuple):
    """The body as far as it came, and why that is not the whole of it."""

    body: bytes
    refusal: p.Problem | None


def replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def is_urgent(body: bytes) -> bool:
    """Whether the enquiry's need cannot wait, however badly the rest of it is written."""
    if not _URGENT_HINT.search(body):
        return False
    if len(body) > PUBLIC.bytes:  # more than an enquiry may have: to parse it would keep others waiting
        return _URGENT.search(body) is not None
    try:
        value = strict_json.parse(body)
    except p.Problem:
        pass
    else:
        return isinstance(value, dict) and value.get("need") in URGENT_NEEDS
    try:
        # Objects become tuples of their members here: of a need given twice, the urgent one counts.
        members: Any = json.loads(body, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return _URGENT.search(body) is not None
    return isinstance(members, tuple) and any(name == "need" and value in URGENT_NEEDS for name, value in members)


def plain_bearer(authorization: bytes) -> bytes:
    """The header in the one spelling by which a token is known to all within; another scheme's as it is."""
    if authorization[:6].lower() != b"bearer":
        return authorization
    found = _BEARER.match(authorization)
    return b"Bearer " + (found[1] if found else b"malformed")


def with_small_ids(path: str) -> str:
    """The path with its ids in small letters: they are taken in any (RFC 9562, 4), and known by one spelling."""
    return path if path.islower() else _ID_OF_PATH.sub(_small, path)


def small_ids_of_query(query: bytes) -> bytes:
    """The same for the values of a query."""
    return query if query.islower() else _ID_OF_QUERY.sub(_small, query)


def small_ids_of_body(body: bytes) -> bytes:
    """The same for a body, to tell whether two of them say the same; what is stored is read field by field."""
    return _ID_OF_BODY.sub(_small, body)


def _small(found: re.Match[Any]) -> Any:
    return found[0].lower()


def soundly_escaped(url: bytes) -> bool:
    if _BAD_ESCAPE.search(url):
        return False
    try:
        return characters.fault(unquote_to_bytes(url).decode()) is None
    except UnicodeDecodeError:
        return False


def admits(accept: bytes, kinds: frozenset[bytes]) -> bool:
    for part in accept.lower().split(b","):
        kind, _, parameters = part.partition(b";")
        if kind.strip() in kinds and not (parameters and _NOT_WANTED.search(parameters)):
            return True
    return False


def with_ranges(kinds: Iterable[str]) -> frozenset[bytes]:
    names = [kind.lower().encode() for kind in kinds]
    return frozenset(names + [name.partition(b"/")[0] + b"/*" for name in names])
