"""Log lines: JSON, one a request, and nothing in them that tells who somebody is or what opens a door."""

import asyncio
import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?:ses|trk|cli|cnf)_[A-Za-z0-9_-]{20,}"), "[token]"),
    (re.compile(r"(?i)\bbearer\s+[^\s\"',;]+"), "Bearer [token]"),
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*(?=@)"), "[credentials]"),
    (re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
)


def redacted(value: Any) -> Any:
    """The value without tokens, credentials and e-mail addresses, however deep they are in it."""
    if isinstance(value, str):
        for pattern, instead in _SECRETS:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, Mapping):
        return {redacted(key): redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


class JsonLines(logging.Formatter):
    """A record as one line of JSON. What callers give as ``extra`` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with an exception told by its kind and its places: its text may quote what a person wrote."""
        line: dict[str, Any] = {
            "at_time": _moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frames = traceback.extract_tb(error.__traceback__)[-8:]
            line["error"] = type(error).__qualname__
            line["at"] = [f"{frame.name}:{frame.lineno} in {frame.filename.rpartition('/')[2]}" for frame in frames]
        return json.dumps(redacted(line), ensure_ascii=False)


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Route everything that logs to JSON lines on ``stream`` (standard output)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Theirs would be a line for each call and each job, with its arguments.
    for name in ("httpx", "httpcore", "procrastinate", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def emit(lines: str) -> None:
    """Write lines to standard output now."""
    sys.stdout.write(lines)
    sys.stdout.flush()


class RequestLog:
    """Pure ASGI middleware: a line for each request by its route's template, never by what was asked for.

    The path holds identifiers and the query what is searched for, hence the template. Lines are gathered and written
    together, so that a request does not wait for the log.
    """

    def __init__(self, app: ASGIApp, write: Callable[[str], object], *, delay: float = 0.2) -> None:
        self._app = app
        self._write = write
        self._delay = delay
        self._lines: list[str] = []
        self._routes: dict[int, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            if scope["type"] == "lifespan":
                self.flush()
            return
        begun = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope.get("state", {})
        request_id = state.get("request_id", "")
        asked = state.get("client_request_id")
        logged = state.get("logged")
        # Put together by hand: each part is of a closed alphabet, and a serialiser costs more than the rest of this.
        self._lines.append(
            f'{{"at_time":"{_moment(time.time())}","level":"info","event":"request","method":{json.dumps(state.get("method", scope["method"]))},'
            f'"route":{self._route(scope)},"status":{status or 500},"duration_ms":{seconds * 1000:.1f},'
            f'"request_id":"{request_id}"'
            + ("" if asked is None else f',"client_request_id":"{asked}"')
            # The event in the processing log: what is removed there before it is sealed is missed by this line.
            + (
                "}\n"
                if logged is None
                else f',"event_id":{logged[0]},"action":"{logged[1]}","decision":"{logged[2]}"}}\n'
            )
        )
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(self._delay, self.flush)

    def _route(self, scope: Scope) -> str:
        route = scope.get("route")
        if route is None:
            return "null"
        known = self._routes.get(id(route))
        if known is None:
            template = getattr(route, "path_format", None) or getattr(route, "path", None)
            known = self._routes[id(route)] = json.dumps(template)
        return known

    def flush(self) -> None:
        """Write what was gathered."""
        lines, self._lines = self._lines, []
        if lines:
            self._write("".join(lines))
