"""How messages leave: over SMTP with TLS that is verified, or into a directory, one file each, for trial and tests."""

import asyncio
import os
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from casework.kernel.settings import Settings

TIMEOUT = 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Undelivered(Exception):
    """A message could not be handed on; says of what kind the trouble was, never to whom it was going."""


class Post(Protocol):
    """A way for messages to leave."""

    async def send(self, message: EmailMessage) -> None:
        """Hand the message on, or raise ``Undelivered``. Repeated, it is the same message by its Message-ID."""


class Directory:
    """One ``.eml`` a message, readable by us alone. The same message twice is one file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    async def send(self, message: EmailMessage) -> None:
        """Write the file whole: whoever looks meanwhile sees none, or all of it."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = message["Message-ID"].strip("<>").partition("@")[0]
        half = self.place / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(message.as_bytes())
        half.replace(self.place / f"{name}.eml")


class MailServer:
    """An SMTP server: TLS from the start (smtps) or by STARTTLS (smtp), its certificate checked. In clear to this machine only."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("CASEWORK_MAIL_URL is smtp://user:password@host:port, smtps://… or a directory")
        self.implicit = parts.scheme == "smtps"
        self.host = parts.hostname
        self.port = parts.port or (465 if self.implicit else 587)
        self.user = unquote(parts.username) if parts.username else None
        self.password = unquote(parts.password) if parts.password else ""

    async def send(self, message: EmailMessage) -> None:
        """Hand the message to the server."""
        try:
            await asyncio.to_thread(self._send, message)
        except (smtplib.SMTPException, OSError) as error:
            # Their words may name the recipient, or what was sent to the server.
            code = getattr(error, "smtp_code", "")
            raise Undelivered(f"{type(error).__name__} {code}".strip()) from None

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.implicit:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        with server:
            server.ehlo_or_helo_if_needed()
            if not self.implicit and (server.has_extn("starttls") or self.host not in _LOOPBACK):
                server.starttls(context=context)
            if self.user is not None:
                server.login(self.user, self.password)
            server.send_message(message)


def post(settings: Settings) -> Post | None:
    """The way that is set; ``None`` where messages are off."""
    where = settings.mail
    if where is None:
        return None
    return MailServer(where) if where.startswith(("smtp:", "smtps:")) else Directory(Path(where))


def _of_force(settings: Settings, address: str) -> bool:
    domain = "." + address.rpartition("@")[2].lower()
    return any(domain.endswith("." + each.lower()) for each in settings.force_mail_domains)


def write(
    settings: Settings, *, key: str, to: str, reply_to: str | None, subject: str, text: str, team: str | None = None
) -> EmailMessage:
    """A message whose id follows from ``key``. The library refuses a line break in a header.

    ``team``: in whose name it is, from its own mailbox where that is of a force's domain; we stand as its sender then.
    """
    sender = settings.mail_from
    shown = reply_to if team is not None and reply_to is not None and _of_force(settings, reply_to) else sender
    international = not (to + sender + (reply_to or "")).isascii()
    message = EmailMessage(policy=SMTPUTF8 if international else SMTP)
    message["Message-ID"] = f"<{key}@{Address(addr_spec=sender).domain}>"
    message["Date"] = formatdate(usegmt=True)
    message["From"] = Address(team or "CTSA Casework", addr_spec=shown)
    if shown != sender:
        message["Sender"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    if reply_to is not None:
        message["Reply-To"] = Address(addr_spec=reply_to)
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
