"""The post of a test: the worker is run until nothing is left to do, into a directory of this test."""

import asyncio
import email
import re
import secrets
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from casework.kernel.settings import Settings
from tests.enquiries.building import Asked
from tests.support.callers import ok
from tests.support.world import World

CODE = re.compile(r"\b(\d{8})\b")


class PostRoom:
    """What the worker has sent into a directory, read as any mail reader would."""

    def __init__(self, world: World, settings: Settings, place: Path) -> None:
        self.world, self.place = world, place
        self.settings = settings.model_copy(update={"mail_url": _Said(str(place))})

    def deliver(self) -> None:
        """Run the worker until no job is left."""
        from casework.worker import work  # a worker of our own, and only where one is needed

        asyncio.run(work(self.settings, self.world.addresses.worker, wait=False, signals=False))

    def letters(self, to: str) -> list[EmailMessage]:
        """The letters to an address, oldest first."""
        files = sorted(self.place.glob("*.eml"), key=lambda file: int(file.name.partition(".")[0]))
        found = [email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=default) for file in files]
        return [letter for letter in found if letter["To"].addresses[0].addr_spec == to]  # type: ignore[union-attr]

    def code(self, to: str) -> str:
        """The code of the last letter that has one."""
        self.deliver()
        found = [CODE.search(letter.get_content()) for letter in self.letters(to)]
        codes = [match[1] for match in found if match]
        assert codes, "no code was sent"
        return codes[-1]


class _Said:
    """A setting that is a secret."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value


def address() -> str:
    """A mailbox of its own."""
    return f"jo.{secrets.token_hex(4)}@markethall.example"


def reachable(to: str) -> dict[str, object]:
    """A contact with an e-mail address."""
    return {"contact": {"name": "Jo Fielding", "email": to}}


def confirm(asked: Asked, post: PostRoom, to: str) -> None:
    """The second step, as the business goes it on its device."""
    request = ok(asked.business.post("/v1/tracking/code"), 202)["request"]
    entered = asked.business.post("/v1/tracking/confirmation", {"request": request, "code": post.code(to)})
    asked.business.confirmed_by(ok(entered)["confirmation"])
