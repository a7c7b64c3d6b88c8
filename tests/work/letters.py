"""A ledger of letters: for each request that was let through, what the worker then sent, and to whom."""

import asyncio
import email
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from pydantic import SecretStr

from casework.kernel.settings import Settings
from casework.worker import work
from tests.support import contract
from tests.support.callers import Caller
from tests.support.world import World

WAITING = """
SELECT count(*) FROM jobs.procrastinate_jobs j JOIN jobs.cause c ON c.job_id = j.id JOIN audit.event e ON e.id = c.event_id
WHERE e.request_id = $1"""
KINDS = {
    "We have received your enquiry": "received",
    "Your code for enquiry": "code",
    "News about your enquiry": "news",
    "We cannot help with": "refused",
    "Another service can help with": "signposted",
    "Our work on your enquiry": "closed",
    "You are the contact for": "named",
    "You are no longer the contact for": "replaced",
    "A visit under": "visit cancelled",
    "Advice under": "withdrawn",
    "Emergency access to": "emergency access",
    "is offered to you": "offer",
    "was joined to your case": "case news",
    "Your case was opened to": "case news",
    "has another contact": "case news",
    "The contact of": "case news",
    "has a new tracking token": "case news",
    "was locked out": "locked out",
    "is with its author again": "advice returned",
    "You need not review advice of": "advice taken back",
}


class Entry(NamedTuple):
    """One request that changes something: the operation, by whom, how it was answered, and the letters it had written."""

    operation: str
    by: str
    status: int
    letters: list[tuple[str, str]]
    """Each letter's kind and address, in order."""


class Ledger:
    """The entries of a story, in the order in which it was told."""

    def __init__(self, world: World, settings: Settings, place: Path) -> None:
        self.world, self.place = world, place
        self.settings = settings.model_copy(update={"mail_url": SecretStr(str(place))})
        self.entries: list[Entry] = []
        self.code = ""

    def look(self, response: httpx.Response, by: str) -> None:
        """Enter a request, once its letters have been sent."""
        operation = _operation(response)
        waiting = self.world.sql(WAITING, UUID(response.headers["X-Request-ID"]))[0][0]
        # Every request is looked at by itself, so that a letter that waits hides no second one.
        assert self.world.sql("SELECT count(*) FROM jobs.procrastinate_jobs")[0][0] == waiting, operation
        if waiting:
            asyncio.run(work(self.settings, self.world.addresses.worker, wait=False, signals=False))
            self.world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
        self.entries.append(Entry(operation, by, response.status_code, sorted(map(self._kind, self._sent()))))

    def _sent(self) -> list[EmailMessage]:
        found = [
            email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=default)
            for file in self.place.glob("*.eml")
        ]
        shutil.rmtree(self.place, ignore_errors=True)
        return found

    def _kind(self, letter: EmailMessage) -> tuple[str, str]:
        subject, text = str(letter["Subject"]), letter.get_content()
        kind = next(kind for words, kind in KINDS.items() if words in subject)
        if kind == "code":
            self.code = next(word.strip(".") for word in text.split() if word.strip(".").isdigit() and len(word) > 7)
        return kind, letter["To"].addresses[0].addr_spec


def _operation(response: httpx.Response) -> str:
    path, method = response.request.url.path, response.request.method.lower()
    for pattern, template in contract._templates():
        if pattern.match(path) and method in contract.document()["paths"][template]:
            name: str = contract.document()["paths"][template][method]["operationId"]
            return name
    raise AssertionError(f"{method} {path} is not in the contract")


@contextmanager
def ledger(world: World, settings: Settings, place: Path) -> Iterator[Ledger]:
    """Until the block ends, every request of any caller that is not a read is entered."""
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    kept, whole = Ledger(world, settings, place), Caller.request

    def request(self: Caller, method: str, path: str, **given: Any) -> httpx.Response:
        response = whole(self, method, path, **given)
        if method != "GET":
            by = "staff" if self.name or "Bearer ses_" in str(self._client.headers.get("authorization")) else "business"
            kept.look(response, by)
        return response

    Caller.request = request  # type: ignore[method-assign]
    try:
        yield kept
    finally:
        Caller.request = whole  # type: ignore[method-assign]
