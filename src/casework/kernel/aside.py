"""A file that is written aside and takes its name when it is whole: what it is named like is never lost halfway."""

import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Aside:
    """The file to be written, open for text. If the writing ends with an exception, what was written is kept under ``kept``."""

    def __init__(self, path: Path, *others: Path) -> None:
        """Raises ValueError, and touches nothing, if it could not take its name or is one of ``others``, by whatever name."""
        self.path = path.resolve()  # a link stays a link
        if self.path.exists() and not self.path.is_file():
            raise ValueError(f"{path.name} is no ordinary file: nothing can be written there.")
        if not self.path.parent.is_dir():
            raise ValueError(f"There is no directory {path.parent} to write {path.name} into. Make it first.")
        if any(_is_same(self.path, other) for other in others):
            raise ValueError(f"{path.name} is the very file that is read. Choose another name for what is written.")
        self.kept: Path | None = None
        self.file: IO[str]

    def __enter__(self) -> Self:
        # A name of its own each time: what an earlier run left behind stays.
        for number in count(1):
            self.aside = self.path.with_name(f"{self.path.name}.part{number if number > 1 else ''}")
            try:
                self.file = self.aside.open("x", encoding="utf-8", newline="")
            except FileExistsError:
                continue
            except OSError as fault:
                raise ValueError(f"{self.path.name} cannot be written: {fault.strerror}.") from None
            return self
        raise AssertionError("numbers do not end")

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self.aside.replace(self.path)
            return
        with suppress(OSError):  # a full disk: what could be written is there
            self.file.close()
        self.kept = self.aside

    def discard(self) -> None:
        """Take away what was kept, because it tells nothing."""
        if self.kept is not None:
            self.kept.unlink(missing_ok=True)
            self.kept = None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
