"""Commands that run until they are told to stop: the API, the worker, and everything together."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import IO, Annotated

import typer

from casework.commands.telling import console, stop
from casework.kernel.settings import Settings, settings

COMMAND = (sys.executable, "-m", "casework")
STOP_SECONDS = 30
"""How long API and worker may take to finish what they have begun."""


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; CASEWORK_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="CASEWORK_PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; CASEWORK_WORKERS.")] = None,
) -> None:
    """Serve the API until told to stop."""
    for name, value in {"HOST": host, "PORT": port, "WORKERS": workers}.items():
        if value is not None:
            os.environ[f"CASEWORK_{name}"] = str(value)
    _become("serving")


def worker() -> None:
    """Run the jobs that requests leave behind, until told to stop."""
    _become("worker")


def _become(module: str) -> None:
    """Go on as that module in this very process, without what only a command needs."""
    settings()  # what is set wrongly is told here, in the command's words
    os.execv(sys.executable, _argv(module))  # noqa: S606 — our own module


def _argv(module: str) -> list[str]:
    return [sys.executable, "-m", f"casework.{module}"]


def run() -> None:
    """Everything on one machine: PostgreSQL, migrations, API and worker, a demonstration once. Ctrl-C stops it all."""
    os.environ.setdefault("CASEWORK_ENVIRONMENT", "development")
    os.environ.setdefault("CASEWORK_LOCAL_LOGIN", "true")
    given = settings()
    _refuse_taken(given)
    given.var.mkdir(mode=0o711, parents=True, exist_ok=True)
    with _stopping() as asked, open(given.var / "casework.log", "ab") as log:
        house = _House(given, log, asked)
        try:
            if house.is_ready():
                # It takes longer to load than PostgreSQL to start, and waits for it by itself.
                house.open("serving")
            with _database(given):
                try:
                    house.make_ready()
                    house.open("serving")
                    house.watch()
                finally:
                    house.close()
        finally:
            house.close()


def _database(given: Settings) -> AbstractContextManager[object]:
    if given.database_url is not None:
        return nullcontext()
    from casework.kernel import embedded

    return embedded.supervised(given.var)


def _refuse_taken(given: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in given.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((given.host, given.port))
        except OSError as error:
            stop(f"Port {given.port} on {given.host} cannot be had ({error.strerror}). Choose another: CASEWORK_PORT.")


@dataclass
class _Asked:
    """Whether somebody asked to stop. Set by the signal, looked at by the loop, so that nothing is torn in between."""

    to_stop: bool = False

    def __call__(self, _: int, __: FrameType | None) -> None:
        self.to_stop = True


class _stopping:
    """While it lasts, SIGINT and SIGTERM are noted instead of ending the process."""

    def __enter__(self) -> _Asked:
        asked = _Asked()
        self._before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
        return asked

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@dataclass
class _House:
    given: Settings
    log: IO[bytes]
    asked: _Asked
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    story: subprocess.Popen[bytes] | None = None
    """The demonstration, while it is told."""

    @property
    def told(self) -> Path:
        """What the demonstration says to people; there once all of it is in the database."""
        return self.given.var / "demonstration.txt"

    def is_ready(self) -> bool:
        """Whether an embedded database is there, migrated by this very code."""
        from casework.commands.database import up_to_date

        return self.given.database_url is None and up_to_date(self.given.var)

    def make_ready(self) -> None:
        """Migrate, in a process of its own and only where it has not been done."""
        if self.is_ready():
            return
        if self.asked.to_stop:
            raise typer.Exit(130)
        # In our own process group: Ctrl-C is meant for it as well.
        code = subprocess.run([*COMMAND, "migrate"], check=False).returncode  # noqa: S603 — our own command
        if code:
            raise typer.Exit(code)

    def open(self, module: str) -> None:
        """Start the API or the worker, unless it was started."""
        if module not in self.children:
            self._start(module)

    def _start(self, module: str) -> None:
        # A session of their own, so that Ctrl-C reaches only us, and requests are finished before anything is closed.
        self.children[module] = subprocess.Popen(  # noqa: S603 — our own command
            _argv(module),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip

    def watch(self) -> None:
        """Say where to go once the API answers; start anew what ends by itself; return when asked to stop."""
        said = False
        while not self.asked.to_stop:
            if not said and self._answers():
                said = True
                # Only now, so that neither of them holds up the first answer.
                self.open("worker")
                self._say()
                self._begin_story()
            self._replace_dead(said)
            self._end_story()
            time.sleep(0.02 if not said else 0.5)

    def _replace_dead(self, served_before: bool) -> None:
        for module, child in list(self.children.items()):
            if child.poll() is None:
                continue
            if not served_before:
                stop(f"casework.{module} ended with {child.returncode}; see {self.log.name}:\n{self._tail()}")
            self._start(module)

    def _answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.given.host, self.given.host)  # noqa: S104 — compared only
        connection = HTTPConnection(host, self.given.port, timeout=2)
        with suppress(OSError, HTTPException):
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        return False

    def _say(self) -> None:
        url = f"http://{self.given.host}:{self.given.port}"
        console.print(f"CTSA Casework is at {url} (its documentation: {url}/docs).", highlight=False)
        if self.told.exists():
            self._say_told()
        else:
            console.print("Its demonstration is being told; who may log in is said when that is done.", highlight=False)
        console.print(f"Its log is {self.log.name}. Ctrl-C stops everything.", highlight=False)

    def _say_told(self) -> None:
        console.print(self.told.read_text(), end="", highlight=False, markup=False)

    def _begin_story(self) -> None:
        if not self.told.exists():
            # In a session of its own, because half a story could never be told to its end.
            self.story = subprocess.Popen(  # noqa: S603 — our own command
                [*COMMAND, "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )

    def _end_story(self) -> None:
        if self.story is None or self.story.poll() is None:
            return
        code, self.story = self.story.returncode, None
        if code:
            console.print(f"The demonstration failed ({code}); what is above says why. The service goes on without it.")
        else:
            self._say_told()

    def _tail(self) -> str:
        return "\n".join(Path(self.log.name).read_text(errors="replace").splitlines()[-12:])

    def close(self) -> None:
        """Stop what was started, gently first. A story that has begun is told to its end."""
        if self.story is not None:
            with suppress(subprocess.TimeoutExpired):
                self.story.wait(STOP_SECONDS)
        for child in self.children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children.clear()
