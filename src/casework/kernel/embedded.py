"""PostgreSQL from a wheel, started by us: a password for every role, a private Unix socket, nothing else."""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote, urlencode

from casework.kernel.embedded_home import (
    PORT,
    Account,
    home_of,
    make_var,
    note,
    open_private,
    programs_for,
    settle,
    sockets_of,
)
from casework.kernel.embedded_home import (
    EmbeddedUnavailable as EmbeddedUnavailable,
)

RETRY_SECONDS = 10  # after a kill the old process id lingers and shared memory may be busy for a moment
PATIENCE_SECONDS = 300  # recovery after a crash replays the log, which may take minutes
MODES = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# Given on the command line, where ALTER SYSTEM cannot undo them.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "log_statement": "none",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",  # the text of an ERROR quotes the value that was refused
    "log_error_verbosity": "terse",  # DETAIL quotes the row ("Key (email)=(…) already exists")
    "log_checkpoints": "off",
}
HBA = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """Where a running cluster is."""

    var: Path
    data: Path
    socket_dir: Path
    port: int = PORT

    def dsn(self, user: str, password: str, database: str) -> str:
        """A URL for asyncpg, libpq and SQLAlchemy (which wants ``postgresql+asyncpg`` in front)."""
        who = f"{quote(user, safe='')}:{quote(password, safe='')}"
        # A blank as %20: libpq takes a + for a plus.
        where = urlencode({"host": str(self.socket_dir), "port": self.port}, quote_via=quote)
        return f"postgresql://{who}@/{quote(database, safe='')}?{where}"

    def superuser_dsn(self, database: str = "postgres") -> str:
        """The same for ``postgres``, whose password is in ``var/secrets``."""
        return self.dsn("postgres", secret(self.var, "postgres"), database)


def start(var: Path, *, settings: Mapping[str, str] | None = None) -> Cluster:
    """Initialise when empty, start when not running, return when it accepts; it outlives this process.

    One that runs already keeps the settings it was started with.
    """
    return _up(var, settings or {}, child=False)[0]


def stop(var: Path, *, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
    """Stop the cluster of ``var`` and wait until it is gone; nothing happens when it is not running."""
    home = home_of(var)
    if home is not None:
        with _locked(var):
            _down(home / "data", mode)


def status(var: Path) -> Literal["running", "stopped", "absent"]:
    """What there is, without touching it; a cluster that is starting or stopping counts as running."""
    home = home_of(var)
    if home is None or not (home / "data").is_dir():
        return "absent"
    return "running" if _postmaster(home / "data") else "stopped"


@contextmanager
def supervised(var: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A running cluster, as our child and stopped at the end, unless somebody else started it."""
    cluster, child = _up(var, settings or {}, child=True)
    try:
        yield cluster
    finally:
        # A child that died earlier may have been replaced by somebody else's, which is not ours to stop.
        if child is not None and child.poll() is None:
            with _locked(var):
                _down(cluster.data, "fast")
            child.wait()


def secret(var: Path, name: str) -> str:
    """The secret of that name in ``var/secrets``, made up at the first call."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise ValueError(f"not a name for a secret: {name!r}")
    make_var(var)
    path = var / "secrets" / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        # Written aside and then linked, so that no reader ever sees a half-written secret.
        aside = path.with_name(f".{name}.{secrets.token_hex(8)}")
        with open_private(aside, "xb") as file:
            file.write(secrets.token_urlsafe(32).encode())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first, and its secret counts
            os.link(aside, path)
        aside.unlink()
    return path.read_text()


class _Postmaster(NamedTuple):
    """What ``postmaster.pid`` says of a process that is there."""

    pid: int
    socket_dir: Path
    state: str


def _up(var: Path, settings: Mapping[str, str], *, child: bool) -> tuple[Cluster, subprocess.Popen[bytes] | None]:
    make_var(var)
    var = var.resolve()
    process: subprocess.Popen[bytes] | None = None
    alive: Callable[[], bool] | None = None
    with _locked(var), open_private(var / "postgres.log", "ab") as log:
        account = Account.of(home_of(var))
        home = settle(var, account)
        data = home / "data"
        written, begun = log.seek(0, os.SEEK_END), time.monotonic()
        while True:
            found = _postmaster(data)
            if found and found.state == "ready" and _answers(found.socket_dir):
                return Cluster(var, data, found.socket_dir), process
            living = alive is not None and alive()
            if time.monotonic() - begun > (PATIENCE_SECONDS if found or living else RETRY_SECONDS):
                raise EmbeddedUnavailable(f"PostgreSQL did not start: {_tail(log, written)}")
            if found is None and not living:
                if alive is not None:
                    time.sleep(0.25)
                argv = _prepared(var, home, account, settings, log)
                process, alive = _launch(account, argv, data, log, child=child)
            time.sleep(0.02)


def _launch(
    account: Account, argv: list[str], data: Path, log: BufferedWriter, *, child: bool
) -> tuple[subprocess.Popen[bytes] | None, Callable[[], bool]]:
    if child:
        process = account.popen(argv, log)
        return process, lambda: process.poll() is None
    # The shell ends at once, so that init inherits PostgreSQL and reaps it, however this process ends.
    detach = ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *argv]
    with account.popen(detach, log, out=subprocess.PIPE) as shell:
        pid = int(shell.communicate()[0])
    return None, lambda: _serves(pid, data)


def _down(data: Path, mode: str) -> None:
    found = _postmaster(data)
    if found is None:
        return
    os.kill(found.pid, MODES[mode])
    patience = time.monotonic() + PATIENCE_SECONDS
    while _serves(found.pid, data):
        if time.monotonic() > patience:
            raise TimeoutError(f"PostgreSQL (process {found.pid}) did not stop.")
        time.sleep(0.02)
    with suppress(ChildProcessError):  # ours by birth, or inherited because we are process 1 of a container
        os.waitpid(found.pid, os.WNOHANG)


def _postmaster(data: Path) -> _Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if not _serves(pid, data):
        return None
    complete = len(lines) >= 8
    return _Postmaster(pid, Path(lines[4] if complete else ""), lines[7].strip() if complete else "starting")


def _answers(socket_dir: Path) -> bool:
    """Whether a server answers there: just after a kill, file and process still look as if it ran."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(socket_dir / f".s.PGSQL.{PORT}"))
        client.sendall(struct.pack("!ii", 8, 80877103))  # SSLRequest: the one question that needs no log-in
        return client.recv(1) in (b"N", b"S")
    return False


def _serves(pid: int, data: Path) -> bool:
    """Whether that process works on that directory: a number alone may belong to anybody by now."""
    return b" -D " + os.fsencode(data) + b" " in _command(pid)


def _command(pid: int) -> bytes:
    """The command line of a process; empty when it is gone or not yet reaped."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        except (FileNotFoundError, ProcessLookupError):
            return b""
    argv = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(argv, capture_output=True, check=False).stdout  # noqa: S603


def _forget_stale_locks(*locks: Path) -> None:
    # PostgreSQL does that itself, unless the number still stands for a process of its user: a zombie that
    # nobody reaps, or another program, as after the restart of a container. Its check of the shared memory
    # remains the guard against a second server on the same data.
    for lock in locks:
        with suppress(FileNotFoundError, ValueError, IndexError):
            if b"postgres" not in _command(int(lock.read_text().splitlines()[0])):
                lock.unlink()


def _prepared(var: Path, home: Path, account: Account, settings: Mapping[str, str], log: BufferedWriter) -> list[str]:
    """Everything a start needs; returns its command line."""
    binaries, data = programs_for(home, account), home / "data"
    note(home / "pg_hba.conf", HBA)  # every time: an edited file must not open the door for good
    if not data.exists():
        _initialise(var, home, account, binaries, log, sync=settings.get("fsync") != "off")
    elif not (var / "secrets" / "postgres").exists():
        raise EmbeddedUnavailable(f"{var / 'secrets'} lost the password of {data}: restore a backup.")
    sockets = sockets_of(home, account)
    _forget_stale_locks(data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock")
    ours = {
        "unix_socket_directories": str(sockets),
        "port": str(PORT),
        "hba_file": str(home / "pg_hba.conf"),
    }
    options = [f"--{name}={value}" for name, value in {**SETTINGS, **settings, **ours}.items()]
    return [str(binaries / "postgres"), "-D", str(data), *options]


def _initialise(var: Path, home: Path, account: Account, binaries: Path, log: BufferedWriter, *, sync: bool) -> None:
    fresh, password = home / "initialising", home / "password"
    shutil.rmtree(fresh, ignore_errors=True)  # the remains of an interrupted attempt
    password.unlink(missing_ok=True)
    fresh.mkdir(mode=0o700)
    account.give(fresh)
    try:
        with open_private(password, "xb") as file:
            file.write(secret(var, "postgres").encode())
        account.give(password)
        argv = [
            str(binaries / "initdb"), "--pgdata", str(fresh), "--username=postgres", f"--pwfile={password}",
            "--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", *([] if sync else ["--no-sync"]),
            # With C alone the text search takes “ and – for letters: “stadium” would not be found.
            "--lc-ctype=C.UTF-8" if sys.platform == "linux" else "--lc-ctype=en_US.UTF-8",
        ]  # fmt: skip
        written = log.seek(0, os.SEEK_END)
        with account.popen(argv, log) as process:
            if process.wait() != 0:
                raise EmbeddedUnavailable(f"initdb failed: {_tail(log, written)}")
    finally:
        password.unlink(missing_ok=True)
    fresh.rename(home / "data")  # last, so that a directory called data is always a whole one


@contextmanager
def _locked(var: Path) -> Iterator[None]:
    with open_private(var / "postgres.lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tail(log: BufferedWriter, written: int) -> str:
    lines = Path(log.name).read_bytes()[written:].decode(errors="replace").splitlines()
    return " / ".join([*lines[-5:], f"see {log.name}."])
