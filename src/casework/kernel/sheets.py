"""Files of rows that others send: CSV, looked through from end to end before the first row is given.

What makes a file doubtful as a whole (encoding, quotation marks, headings, lengths) is a ``FileFault`` when it is
opened, before anybody has stored a row. What is wrong with one row is told of that row alone.
"""

import csv
import io
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from difflib import get_close_matches
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from casework.kernel.decoding import Encoding, FileFault, look_through

MOST_BYTES = 200_000_000
MOST_ROWS = 2_000_000
MOST_LINE = 1_000_000
"""Bytes of a line, and of a row that goes over several."""
MOST_CELL = csv.field_size_limit()
"""Characters of a cell: 131,072, the limit of Python's own reader."""
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_NOTHING = " \t\r\n\u00a0\ufeff" + "".join(_SEPARATORS)
_SEP = re.compile(r'\ufeff*"?sep=(.)"?[,;\t|]*\s*', re.IGNORECASE)
_STALE = 1000
"""After how many rows it is looked whether the file is still the one that was looked through."""


class Column(NamedTuple):
    """A column by the name we call it. ``stem``: how its owner names it, where that changes: a pattern of its folded heading.

    A group named ``year`` tells the newest of several: ``lad(?P<year>[0-9]{2})cd``.
    """

    name: str
    stem: str | None = None
    needed: bool = True

    def age(self, heading: str) -> int | None:
        """How new a heading of this column is; None when it is another's."""
        found = re.fullmatch(self.stem or re.escape(self.name), heading)
        return None if found is None else int(found.groupdict().get("year") or -1)


class Uneven(ValueError):
    """Why one row cannot be read: it has not as many cells as the heading."""


class Sheet:
    """A file that was looked through: how many rows it has, its digest, and what was noticed. Close it, or use it as a context."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        """Look it through. Raises ``FileFault``, in one line, for what no reader could take."""
        self.name, self.columns = path.name, columns
        self.count = 0
        """How many rows there are, without blank ones."""
        self.warnings: list[str] = []
        self._held: list[str] = []
        try:
            self._judge(path.stat())  # before it is opened: a pipe would wait for whoever writes into it
            self._file = path.open("rb")
        except OSError as fault:
            raise FileFault(f"{path.name} cannot be opened: {fault.strerror}.") from None
        try:
            self._state = self._judge(os.fstat(self._file.fileno()))
            self._encoding = self._decoded()
            self.digest = self._encoding.digest
            self._read_heading()
            self._read_all()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._file.close()

    def fault(self, line: int, why: str) -> FileFault:
        """A fault of this file at a line."""
        return FileFault(f"{self.name}, line {line}: {why}")

    def rows(self) -> Iterator[tuple[int, dict[str, str] | Uneven]]:
        """Each row with the line where it begins, as an editor counts; by our names of the columns, or why it cannot be read."""
        names, width, pick = tuple(self._places), self._width, _picker(list(self._places.values()))
        for number, (line, cells) in enumerate(self._filled()):
            if number % _STALE == 0:
                self._still()
            yield line, dict(zip(names, pick(cells), strict=True)) if len(cells) == width else self._uneven(len(cells))
        self._still()

    def _uneven(self, cells: int) -> Uneven:
        if cells > self._width:
            return Uneven(f"column {self._width + 1}: The row has {cells} cells, and the heading {self._width}")
        lost = [(place, name) for name, place in self._places.items() if place >= cells]
        first = min(lost)[1] if lost else f"column {cells + 1}"
        return Uneven(f"{first}: The row ends before it, with {cells} of {self._width} cells")

    # --- looking through ---

    def _judge(self, found: os.stat_result) -> tuple[int, ...]:
        if not stat.S_ISREG(found.st_mode):
            raise FileFault(f"{self.name} is no ordinary file. Give a file: it is read twice.")
        if found.st_size > MOST_BYTES:
            raise FileFault(
                f"{self.name} is larger than {MOST_BYTES:,} bytes. Divide it into several files, each with the heading."
            )
        return found.st_size, found.st_mtime_ns

    def _still(self) -> None:
        if self._judge(os.fstat(self._file.fileno())) != self._state:
            raise self._changed()

    def _changed(self) -> FileFault:
        return FileFault(f"{self.name} was changed while it was read. Leave it alone, and run again.")

    def _decoded(self) -> Encoding:
        found = look_through(self._file, self.name)
        if found.foreign is not None:
            self.warnings.append(
                f"The file is not UTF-8 (byte offset {found.foreign}) and was read as Windows-1252."
                " Look whether names with accents are right."
            )
        return found

    def _read_heading(self) -> None:
        """Find the separator and the columns; the first row that is not blank is the heading."""
        self._separator, self._from = ",", 0
        stated = None
        with self._text() as text:
            first = text.readline(MOST_LINE)
        if found := _SEP.fullmatch(first):
            stated, self._from = found[1], 1
        best: list[str] = []
        places: dict[str, int] = {}
        unread: FileFault | None = None
        for separator in _SEPARATORS:
            try:
                line, heading = self._heading(separator)
            except FileFault as fault:  # with another separator its quotation marks may stand where they should
                unread = unread or fault
                continue
            here = self._find(heading)
            if not best or len(here) > len(places):
                best, places, self._separator, self._begins = heading, here, separator, line
        if unread is not None and not places:
            raise unread
        if not best:
            raise FileFault(f"{self.name} is empty.")
        self._refuse_heading(best, places, stated)
        self._width, self._places = len(best), places
        if self._separator != ",":
            self.warnings.append(f"The cells are separated by {_SEPARATORS[self._separator]}, not by commas.")

    def _heading(self, separator: str) -> tuple[int, list[str]]:
        """The first row in which anything but blanks and separators stands, and its line."""
        with closing(self._records(separator)) as records:
            return next(((line, cells) for line, cells in records if "".join(cells).strip(_NOTHING)), (0, []))

    def _find(self, heading: Sequence[str]) -> dict[str, int]:
        folded = [_folded(each) for each in heading]
        found: dict[str, int] = {}
        for column in self.columns:
            ages = [(age, place) for place, each in enumerate(folded) if (age := column.age(each)) is not None]
            if ages:
                newest = max(age for age, _ in ages)
                places = [place for age, place in ages if age == newest]
                if len(places) > 1:
                    raise FileFault(
                        f"{self.name}: the column {column.name} stands twice ({_numbers(places)}). Leave one."
                    )
                found[column.name] = places[0]
        return found

    def _refuse_heading(self, heading: Sequence[str], places: dict[str, int], stated: str | None) -> None:
        folded = [_folded(each) for each in heading]
        for place, each in enumerate(folded):
            if each and each in folded[:place]:
                named = f"the column {each}" if re.fullmatch(r"[a-z0-9_]{1,40}", each) else "a column"
                both = _numbers([folded.index(each), place])
                raise FileFault(f"{self.name}: {named} stands twice ({both}). Leave one.")
        missing = [column.name for column in self.columns if column.needed and column.name not in places]
        needed = ",".join(column.name for column in self.columns if column.needed)
        if missing and not places:
            raise FileFault(
                f"{self.name}: the first row names none of the columns. It must be the heading, separated by commas: {needed}"
            )
        if missing:
            raise FileFault(f"{self.name} lacks {self._missing(missing, folded, places)}")
        if stated is not None and stated != self._separator:
            raise FileFault(
                f"{self.name}: line 1 says `sep=`, and the heading is separated by {_SEPARATORS[self._separator]}"
                " instead of what it names. Take line 1 out."
            )

    def _missing(self, missing: Sequence[str], folded: Sequence[str], places: dict[str, int]) -> str:
        others = [each for place, each in enumerate(folded) if each and place not in places.values()]
        told = []
        for name in missing:
            near = get_close_matches(name, others, 1, 0.8)
            told.append(f"{name} (is it column {folded.index(near[0]) + 1}, spelt otherwise?)" if near else name)
        return f"the column{'s' if len(missing) > 1 else ''} {', '.join(told)}."

    def _read_all(self) -> None:
        for line, _ in self._filled():
            self.count += 1
            if self.count > MOST_ROWS:
                raise self.fault(
                    line, f"More than {MOST_ROWS:,} rows. Divide it into several files, each with the heading."
                )
        if not self.count:
            raise FileFault(f"{self.name} has a heading and no rows.")

    # --- reading ---

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        self._file.seek(self._encoding.mark)
        text = io.TextIOWrapper(self._file, encoding=self._encoding.codec, newline="")
        try:
            yield text
        finally:
            if not self._file.closed:
                text.detach()

    def _filled(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the heading that are not blank."""
        for line, cells in self._records(self._separator):
            if line > self._begins and cells and (cells[0].strip() or "".join(cells).strip()):
                yield line, cells

    def _records(self, separator: str) -> Generator[tuple[int, list[str]], None, None]:
        with self._text() as text:
            for _ in range(self._from):
                text.readline()
            reader = csv.reader(self._lines(text), delimiter=separator, strict=True)
            held, line, skipped = self._held, self._from + 1, self._from
            held.clear()
            try:
                for cells in reader:
                    if '"' in held[0] and (column := _stray(held, cells, separator)):
                        where = f"Column {column}: a quotation mark stands inside a cell that is not quoted."
                        raise self.fault(line, f'{where} Quote it, and double the mark: "a ""b"" c"')
                    held.clear()
                    yield line, cells
                    line = skipped + reader.line_num + 1
            except csv.Error as fault:
                raise self._quoting(str(fault), line, skipped + reader.line_num) from None
            except UnicodeDecodeError:
                raise self._changed() from None

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        held, codec, size = self._held, self._encoding.codec, 0
        plain = not codec.startswith("utf-16")
        while line := text.readline(MOST_LINE + 2):
            here = len(line) if plain and line.isascii() else len(line.encode(codec))
            size = size + here if held else here
            held.append(line)
            if size > MOST_LINE and size - len(line) + len(line.rstrip("\r\n")) > MOST_LINE:
                whole = "Is a quotation mark left open?" if len(held) > 1 else "Is this a file of rows?"
                raise csv.Error(f"longer than {MOST_LINE:,} bytes. {whole}")
            yield line

    def _quoting(self, fault: str, begun: int, line: int) -> FileFault:
        if "unexpected end" in fault:
            return self.fault(begun, "A quotation mark is opened in this row and never closed.")
        if "expected after" in fault:
            return self.fault(
                line, "Text stands after a closing quotation mark. Double the marks inside a quoted cell."
            )
        if "field limit" in fault:
            return self.fault(begun, f"A cell has more than {MOST_CELL:,} characters. Is a quotation mark left open?")
        return self.fault(
            begun, f"The row is {fault}" if fault.startswith("longer") else f"The row cannot be read ({fault})."
        )


def _folded(heading: str) -> str:
    """A heading without what draws nothing, without blanks at its edges, in small letters: `` Museum ID `` → ``museum_id``."""
    plain = "".join(each for each in unicodedata.normalize("NFKC", heading) if unicodedata.category(each)[0] != "C")
    return re.sub(r"[\s\-]+", "_", plain.strip()).casefold()


def _numbers(places: Sequence[int]) -> str:
    return "columns " + " and ".join(str(place + 1) for place in places)


def _picker(places: Sequence[int]) -> Callable[[list[str]], Sequence[str]]:
    if len(places) == 1:
        return lambda cells: (cells[places[0]],)
    return itemgetter(*places)


def _stray(held: Sequence[str], cells: Sequence[str], separator: str) -> int | None:
    """The column in which a quotation mark stands where it has no meaning, which Python's reader takes without a word."""
    if not any('"' in cell for cell in cells):
        return None
    row = "".join(held)
    cell = re.compile(rf'(?:"(?:[^"]|"")*+"|[^"{re.escape(separator)}\r\n]*+)({re.escape(separator)}|\r?\n?\Z)')
    at = 0
    for column in range(1, len(cells) + 1):
        found = cell.match(row, at)
        if found is None:
            return column
        at = found.end()
    return None
