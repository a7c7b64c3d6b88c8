"""Broken files of every kind, given to every command that reads one: one line that says why, and nothing else has happened."""

import codecs
import csv
import hashlib
import io
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import Result as Ended
from typer.testing import CliRunner

from casework.__main__ import app
from casework.commands import importing
from casework.kernel import sheets
from casework.premises.importing import _Run, import_premises
from tests.support import cluster
from tests.support.world import World


class Reader(NamedTuple):
    """A command that reads a file: its columns, and a row that is right."""

    command: str
    columns: tuple[str, ...]
    row: tuple[str, ...]

    def sheet(
        self, *rows: tuple[str, ...], columns: tuple[str, ...] | None = None, separator: str = ",", end: str = "\r\n"
    ) -> str:
        """The text of a file with these rows, or a right one."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator, lineterminator=end)
        writer.writerow(self.columns if columns is None else columns)
        writer.writerows(rows or [self.row])
        return out.getvalue()


PREMISES = Reader(
    "premises",
    ("museum_id", "museum_name", "address_line_1", "address_line_2", "city", "postcode", "latitude", "longitude",
     "admin_area_full", "year_closed_low"),
    ("corpus.1", "Hall", "1 High Street", "", "Derby", "", "52.9", "-1.4", "England/Derby (UA)", "na"),
)  # fmt: skip
POSTCODES = Reader("postcodes", ("pcds", "doterm", "laua", "pfa"), ("ZE1 0AA", "", "S12000027", "S23000009"))
AUTHORITIES = Reader(
    "local-authorities", ("lad25cd", "lad25nm", "pfa25cd"), ("E59000001", "New Town", "E23000018")
)  # fmt: skip
READERS = (PREMISES, POSTCODES, AUTHORITIES)


@pytest.fixture(scope="module")
def alone() -> World:
    """A database of its own, without a server."""
    cluster.template()
    database = f"casework_corpus_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    return World("", cluster.clone(database), database)


Run = Callable[..., Ended]


@pytest.fixture
def run(alone: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `casework import …`. Whatever is wrong with a file ends it in one line, and the file stays as it is."""
    monkeypatch.setattr(importing, "acting_url", lambda _: cluster.url("casework_migrate", alone.database))

    def go(command: str, file: Path, *words: str) -> Ended:
        before = fingerprint(file)
        ended = CliRunner().invoke(app, ["import", command, str(file), *words])
        assert fingerprint(file) == before, "the file that is read was changed"
        assert "Traceback" not in ended.output
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return ended

    return go


def fingerprint(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None  # a pipe would wait for a writer


def everything(world: World) -> list[Any]:
    """What an import could have written."""
    tables = (
        "casework.premises",
        "casework.postcode",
        "casework.local_authority",
        "casework.team",
        "work.import_batch",
    )
    return [
        world.sql(f"SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {each} t")[0][0]
        for each in tables
    ]


NAME = "list.csv"
FIRST = "line 2"


class Broken(NamedTuple):
    """One way of being broken: what is in the file, and what is said of it. ``{}`` stands for the reader's own column."""

    content: Callable[[Reader], str | bytes]
    told: Callable[[Reader], str] | str


def long(reader: Reader) -> str:
    """A file that is right for thousands of rows: some would be stored by the time that its end is read."""
    return reader.sheet(*[reader.row] * 3000)


def padded(reader: Reader, bytes_: bytes, after: int = 3000) -> bytes:
    """A file that is right for thousands of rows, and then holds these bytes."""
    return reader.sheet(*[reader.row] * after).encode() + bytes_ + b"\r\n"


def twice(reader: Reader) -> str:
    columns = (*reader.columns, reader.columns[1])
    return reader.sheet((*reader.row, "other"), columns=columns)


def offset(reader: Reader, after: int = 3000) -> int:
    return len(reader.sheet(*[reader.row] * after))


def accented(reader: Reader, text: str) -> tuple[str, ...]:
    return (*reader.row[:1], text, *reader.row[2:])


CORPUS: dict[str, Broken] = {
    "nothing in it": Broken(lambda r: b"", f"{NAME} is empty."),
    "a mark and nothing else": Broken(lambda r: codecs.BOM_UTF8, f"{NAME} is empty."),
    "blank lines only": Broken(lambda r: "\r\n , ,\r\n\r\n".replace(" ", ""), f"{NAME} is empty."),
    "a heading only": Broken(lambda r: ",".join(r.columns), f"{NAME} has a heading and no rows."),
    "a workbook": Broken(
        lambda r: b"PK\x03\x04" + bytes(60), f"{NAME} is an Excel workbook or a ZIP archive. Save it as CSV, in UTF-8."
    ),
    "an old workbook": Broken(
        lambda r: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(60), f"{NAME} is an old Excel workbook. Save it as CSV, in UTF-8."
    ),
    "compressed": Broken(lambda r: b"\x1f\x8b\x08" + bytes(60), f"{NAME} is compressed with gzip. Save it as CSV, in UTF-8."),
    "a PDF": Broken(lambda r: b"%PDF-1.7\n", f"{NAME} is a PDF. Save it as CSV, in UTF-8."),
    "UTF-32": Broken(lambda r: codecs.BOM_UTF32_LE + r.sheet().encode("utf-32-le"), f"{NAME} is written in UTF-32. Save it as UTF-8."),
    "UTF-16 without its mark": Broken(
        lambda r: r.sheet().encode("utf-16-le"),
        f"{NAME} holds a NUL at byte offset 1 (line 1). It is no text, or UTF-16 without its mark: save it as CSV in UTF-8.",
    ),
    "half of a UTF-16 character": Broken(
        lambda r: codecs.BOM_UTF16_LE + r.sheet().encode("utf-16-le") + b"a",
        lambda r: f"{NAME} begins with the mark of UTF-16, but byte offset {len(r.sheet()) * 2 + 2} (line 3) is not UTF-16."
        " Save the whole file as UTF-8.",
    ),
    "NUL in UTF-16": Broken(
        lambda r: codecs.BOM_UTF16_BE + r.sheet(accented(r, "a\0b")).encode("utf-16-be"),
        lambda r: f"{NAME} holds a NUL at byte offset {2 * r.sheet(accented(r, 'a@b')).index('@') + 2} (line 2)."
        " Save it anew, as CSV in UTF-8.",
    ),
    "NUL late": Broken(
        lambda r: padded(r, b"\0"),
        lambda r: f"{NAME} holds a NUL at byte offset {offset(r)} (line 3002). It is no text, or UTF-16 without its mark:"
        " save it as CSV in UTF-8.",
    ),
    "neither UTF-8 nor Windows-1252, late": Broken(
        lambda r: padded(r, b"\x81"),
        lambda r: f"{NAME}: byte offset {offset(r)} (line 3002) is not UTF-8, and byte offset {offset(r)} (line 3002) is not"
        " Windows-1252. Save the file as UTF-8.",
    ),
    "UTF-8 first and Windows-1252 late": Broken(
        lambda r: r.sheet(accented(r, "Café"), *[r.row] * 3000).encode() + b"Caf\xe9\r\n",
        lambda r: f"{NAME}: byte offset {len(r.sheet(accented(r, 'Café'), *[r.row] * 3000).encode()) + 3} (line 3003) is not UTF-8,"
        " though other places are: it was put together from files of two encodings. Save all of it as UTF-8.",
    ),
    "Windows-1252 first and UTF-8 late": Broken(
        lambda r: r.sheet(accented(r, "Caf\xe9"), *[r.row] * 3000).encode("cp1252") + "Café".encode(),
        lambda r: f"{NAME}: byte offset {r.sheet(accented(r, 'Caf@')).index('@')} (line 2) is not UTF-8, though other places are:"
        " it was put together from files of two encodings. Save all of it as UTF-8.",
    ),
    "the mark of UTF-8 and then another encoding": Broken(
        lambda r: codecs.BOM_UTF8 + padded(r, b"\xe9"),
        lambda r: f"{NAME} begins with the mark of UTF-8, but byte offset {offset(r) + 3} (line 3002) is not UTF-8."
        " Save the whole file as UTF-8.",
    ),
    "a quotation mark never closed": Broken(
        lambda r: long(r) + '"' + r.sheet(r.row), f"{NAME}, line 3002: A quotation mark is opened in this row and never closed."
    ),
    "a quotation mark never closed in a long file": Broken(
        lambda r: long(r) + '"' + r.sheet(*[r.row] * 9000),
        f"{NAME}, line 3002: A cell has more than 131,072 characters. Is a quotation mark left open?",
    ),
    "a quotation mark inside a cell": Broken(
        lambda r: long(r) + ",".join(accented(r, 'The "Old" Mill')),
        f'{NAME}, line 3002: Column 2: a quotation mark stands inside a cell that is not quoted. Quote it, and double the mark: "a ""b"" c"',
    ),
    "a blank before a quoted cell": Broken(
        lambda r: long(r) + ",".join(accented(r, ' "Old Mill"')),
        f'{NAME}, line 3002: Column 2: a quotation mark stands inside a cell that is not quoted. Quote it, and double the mark: "a ""b"" c"',
    ),
    "text after a closing quotation mark": Broken(
        lambda r: long(r) + ",".join(accented(r, '"Old" Mill')),
        f"{NAME}, line 3002: Text stands after a closing quotation mark. Double the marks inside a quoted cell.",
    ),
    "a cell too long": Broken(
        lambda r: long(r) + ",".join(accented(r, "x" * 131_073)),
        f"{NAME}, line 3002: A cell has more than 131,072 characters. Is a quotation mark left open?",
    ),
    "a line too long": Broken(
        lambda r: long(r) + "x" * 1000 + ("," + "x" * 999) * 1000,
        f"{NAME}, line 3002: The row is longer than 1,000,000 bytes. Is this a file of rows?",
    ),
    "a row too long": Broken(
        lambda r: long(r) + '"\n",' * 250_001,
        f"{NAME}, line 3002: The row is longer than 1,000,000 bytes. Is a quotation mark left open?",
    ),
    "a column twice": Broken(twice, lambda r: f"{NAME}: the column {r.columns[1]} stands twice (columns 2 and {len(r.columns) + 1}). Leave one."),
    "a column twice, written otherwise": Broken(
        lambda r: twice(r).replace(f",{r.columns[1]}\r", f", {r.columns[1].upper()}\u00a0\r"),
        lambda r: f"{NAME}: the column {r.columns[1]} stands twice (columns 2 and {len(r.columns) + 1}). Leave one.",
    ),
    "another's column twice": Broken(
        lambda r: r.sheet((*r.row, "1", "2"), columns=(*r.columns, "notes", "Notes")),
        lambda r: f"{NAME}: the column notes stands twice (columns {len(r.columns) + 1} and {len(r.columns) + 2}). Leave one.",
    ),
    "no heading": Broken(
        lambda r: r.sheet(r.row, columns=r.row),
        lambda r: f"{NAME}: the first row names none of the columns. It must be the heading, separated by commas: {','.join(r.columns)}",
    ),
    "a title above the heading": Broken(
        lambda r: "All of them,,\r\n" + r.sheet(),
        lambda r: f"{NAME}: the first row names none of the columns. It must be the heading, separated by commas: {','.join(r.columns)}",
    ),
    "a column missing": Broken(
        lambda r: r.sheet(r.row[1:], columns=r.columns[1:]), lambda r: f"{NAME} lacks the column {r.columns[0]}."
    ),
    "a column spelt otherwise": Broken(
        lambda r: r.sheet(columns=(f"{r.columns[0]}s" if len(r.columns[0]) > 4 else "pcdss", *r.columns[1:])),
        lambda r: f"{NAME} lacks the column {r.columns[0]} (is it column 1, spelt otherwise?).",
    ),
    "a separator that is not the one of the first line": Broken(
        lambda r: "sep=;\r\n" + r.sheet(),
        f"{NAME}: line 1 says `sep=`, and the heading is separated by commas instead of what it names. Take line 1 out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS, ids=[each.command for each in READERS])
@pytest.mark.parametrize("kind", CORPUS)
def test_a_file_that_is_broken_as_a_whole_is_told_in_one_line(
    alone: World, run: Run, tmp_path: Path, reader: Reader, kind: str
) -> None:
    file, broken, before = tmp_path / NAME, CORPUS[kind], everything(alone)
    content = broken.content(reader)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = run(reader.command, file, *(("--make-teams",) if reader is PREMISES else ()))
    told = broken.told if isinstance(broken.told, str) else broken.told(reader)
    assert (ended.exit_code, ended.output) == (1, f"{told}\n")
    assert everything(alone) == before


@pytest.mark.parametrize("reader", READERS, ids=[each.command for each in READERS])
def test_what_is_no_file_is_told_in_one_line(run: Run, tmp_path: Path, reader: Reader) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, told in {
        "absent.csv": "absent.csv cannot be opened: No such file or directory.",
        "pipe": "pipe is no ordinary file. Give a file: it is read twice.",
        ".": f"{tmp_path.name} is no ordinary file. Give a file: it is read twice.",
    }.items():
        ended = run(reader.command, tmp_path / name)
        assert (ended.exit_code, ended.output) == (1, f"{told}\n")


@pytest.mark.parametrize("reader", READERS, ids=[each.command for each in READERS])
def test_a_file_has_at_most_200_megabytes_and_two_million_rows(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> None:
    assert (sheets.MOST_BYTES, sheets.MOST_ROWS, sheets.MOST_LINE) == (200_000_000, 2_000_000, 1_000_000)
    file = tmp_path / NAME
    with file.open("wb") as out:
        out.truncate(200_000_001)
    ended = CliRunner().invoke(app, ["import", reader.command, str(file)])
    told = f"{NAME} is larger than 200,000,000 bytes. Divide it into several files, each with the heading.\n"
    assert (ended.exit_code, ended.output) == (1, told)
    monkeypatch.setattr(sheets, "MOST_ROWS", 5)
    file.write_text(reader.sheet(*[reader.row] * 6), encoding="utf-8", newline="")
    ended = run(reader.command, file)
    told = f"{NAME}, line 7: More than 5 rows. Divide it into several files, each with the heading.\n"
    assert (ended.exit_code, ended.output) == (1, told)


# --- what is understood ---

ENCODED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "UTF-8": (lambda text: text.encode(), ""),
    "UTF-8 with its mark": (lambda text: codecs.BOM_UTF8 + text.encode(), ""),
    "two marks": (lambda text: codecs.BOM_UTF8 * 2 + text.encode(), ""),
    "UTF-16 LE": (lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"), ""),
    "UTF-16 BE": (lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), ""),
    "Windows-1252": (
        lambda text: text.encode("cp1252"),
        "The file is not UTF-8 (byte offset {}) and was read as Windows-1252. Look whether names with accents are right.",
    ),
    "lines ended by CR": (lambda text: text.replace("\r\n", "\r").encode(), ""),
    "lines ended by LF": (lambda text: text.replace("\r\n", "\n").encode(), ""),
    "blank lines and rows of empty cells": (lambda text: text.replace("\r\n", "\r\n\r\n,,,,\r\n \u00a0,,\r\n").encode(), ""),
    "semicolons": (lambda text: text.replace(",", ";").encode(), "The cells are separated by semicolons, not by commas."),
    "tabs": (lambda text: text.replace(",", "\t").encode(), "The cells are separated by tabs, not by commas."),
    "its separator in the first line": (
        lambda text: ("sep=;\r\n" + text.replace(",", ";")).encode(),
        "The cells are separated by semicolons, not by commas.",
    ),
    "a comma in the first line": (lambda text: ("sep=,\r\n" + text).encode(), ""),
    "headings in capitals, with blanks": (lambda text: re.sub("^.*?\r\n", lambda m: m[0].upper().replace("_", " ").replace(",", "\u00a0, "), text).encode(), ""),
    "every cell quoted": (lambda text: re.sub("[^,\r\n]+", lambda m: f'"{m[0]}"', text).encode(), ""),
}  # fmt: skip
UNDERSTOOD = {
    "premises": (
        ("understood.1", "Café Müller – Amgueddfa’r Môr", "1 High Street", "", "Derby", "", "52.9", "-1.4", "England/Derby (UA)", "na"),
        "SELECT name FROM casework.premises WHERE source_ref = 'understood.1'",
        "1 created, 0 updated, 0 unchanged, 0 refused",
    ),
    "local-authorities": (
        ("E59000002", "Café Müller – Amgueddfa’r Môr", "E23000018"),
        "SELECT name FROM casework.local_authority WHERE code = 'E59000002'",
        "1 local authorities are new, 0 changed; 0 codes are former ones now.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reader", [PREMISES, AUTHORITIES], ids=["premises", "local-authorities"])
@pytest.mark.parametrize("how", ENCODED)
def test_what_is_unambiguous_is_understood(alone: World, run: Run, tmp_path: Path, reader: Reader, how: str) -> None:
    row, stored, told = UNDERSTOOD[reader.command]
    alone.logged_sql("DELETE FROM casework.premises WHERE source_ref = 'understood.1'")
    alone.logged_sql("DELETE FROM casework.local_authority WHERE code = 'E59000002'")
    encode, warning = ENCODED[how]
    file = tmp_path / NAME
    text = reader.sheet(row)
    file.write_bytes(encode(text))
    words = ("--make-teams",) if reader is PREMISES else ()
    ended = run(reader.command, file, *words)
    expected = f"{warning.format(text.index('é'))}\n" if warning else ""
    assert (ended.exit_code, ended.stderr, ended.stdout) == (0, expected, f"{told}\n")
    assert alone.sql(stored)[0]["name"] == row[1]


def test_todays_postcodes_are_loaded_in_parts(alone: World, run: Run, tmp_path: Path) -> None:
    head = "pcd7,pcd8,pcds,dointr,doterm,lad25cd,ctry25cd,rgn25cd,pfa23cd,lat,long\r\n"
    one, two = tmp_path / "NSPL_AUG_2025_UK_S.csv", tmp_path / "NSPL_AUG_2025_UK_JE.csv"
    one.write_bytes(
        codecs.BOM_UTF8
        + (head + "S702TD,S70 2TD,S70 2TD,198001,,E08000038,E92000001,E12000003,E23000011,53,-1\r\n").encode()
    )
    rows = [
        "JE2 3AB,JE2 3AB,JE2 3AB,199507,,L99999999,L93000001,L99999999,L99999999,99.999999,0.000000",
        "IM1 1AA,IM1 1AA,IM1 1AA,199507,,M99999999,M83000003,M99999999,M99999999,99.999999,0.000000",
        "HX7 9AG,HX7 9AG,HX7 9AG,199507,200911,,,,,99.999999,0.000000",
        "BT1 1AA,BT1 1AA,BT1 1AA,199507,,N09000003,N92000002,N99999999,N24000001,54.6,-5.9",
    ]
    two.write_bytes((head + "\r\n".join(rows)).encode())
    ended = run("postcodes", one, str(two))
    assert (ended.exit_code, ended.output) == (
        0, "3 were left out: no police force here serves where they are.\n2 postcodes are new or changed.\n"
    )  # fmt: skip
    found = {row["postcode"]: row["force_code"] for row in alone.sql("SELECT * FROM casework.postcode")}
    assert (found["S70 2TD"], found["BT1 1AA"]) == ("E23000011", "N99999999")
    assert not {"JE2 3AB", "IM1 1AA", "HX7 9AG"} & found.keys()
    two.write_bytes((head + "ZE1 0AB,,ZE1 0AB,,,S12000027,,,,,\r\n" + "ZE1 0AC,,ZE1,,,S12000027,,,,,").encode())
    before = everything(alone)
    ended = run("postcodes", one, str(two))
    assert (ended.exit_code, ended.output) == (
        1, "NSPL_AUG_2025_UK_JE.csv, line 3: pcds: Give a full United Kingdom postcode, such as SW1A 1AA\n"
    )  # fmt: skip
    assert everything(alone) == before


# --- rows ---

POSTCODE_ROWS: dict[str, tuple[list[str], str]] = {
    "too few cells": (["ZE1 0AB,,S12000027"], "line 3: pfa: The row ends before it, with 3 of 4 cells"),
    "too many cells": (["ZE1 0AB,,S12000027,S23000009,"], "line 3: column 5: The row has 5 cells, and the heading 4"),
    "no postcode": ([",,S12000027,S23000009"], "line 3: pcds: Give a full United Kingdom postcode, such as SW1A 1AA"),
    "a month that is none": (["ZE1 0AB,202413,S12000027,S23000009"], "line 3: doterm: Give a year and a month such as 202401, or nothing"),
    "a code that is none": (["ZE1 0AB,,S12-27,S23000009"], "line 3: laua: Give a code of the Office for National Statistics, such as E07000035, or nothing"),
    "an authority that nobody knows": (
        ["ZE1 0AB,,E07999999,S23000009"],
        "line 3: laua: There is no such local authority here. Bring in a list that has it first: casework import local-authorities",
    ),
    "twice, otherwise": (
        ["ZE1 0AB,,S12000027,S23000009", "ZE10AB,,E08000038,E23000011"],
        "line 4: pcds: The postcode stands before, with another authority or police force area",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", POSTCODE_ROWS)
def test_one_row_of_postcodes_that_is_not_right_stops_all_of_them(
    alone: World, run: Run, tmp_path: Path, kind: str
) -> None:
    rows, told = POSTCODE_ROWS[kind]
    file, before = tmp_path / NAME, everything(alone)
    file.write_text(
        POSTCODES.sheet(("ZE1 0AH", "", "S12000027", "S23000009")) + "\r\n".join(rows), encoding="utf-8", newline=""
    )
    ended = run("postcodes", file)
    assert (ended.exit_code, ended.output) == (1, f"{NAME}, {told}\n")
    assert everything(alone) == before


def test_one_row_of_premises_that_is_not_right_is_refused_alone(alone: World, run: Run, tmp_path: Path) -> None:
    """With its line, as an editor counts, and its column; also behind cells that go over several lines."""
    right = ("", "Hall", "1 High Street", "", "Derby", "", "52.9", "-1.4", "England/Derby (UA)", "na")

    def row(ref: str, **cells: str) -> str:
        made = dict(zip(PREMISES.columns, right, strict=True)) | {"museum_id": f"rows.{ref}"} | cells
        return PREMISES.sheet(tuple(made.values())).split("\r\n", 1)[1]

    text = (
        PREMISES.sheet(("rows.1", *right[1:]))  # 2
        + row("2", address_line_1="1\r\nHigh\r\nStreet")  # 3 to 5: a line break is no text of one line
        + ",,,,,,,,,\r\n\r\n"  # 6, 7
        + "rows.3,too short\r\n"  # 8
        + row("4").rstrip()
        + ",more\r\n"  # 9
        + row("5", postcode="DE1")  # 10
        + row("6", latitude="91")  # 11
        + row("1")  # 12
        + row("7", museum_name="x" * 201)  # 13
        + row("8", address_line_1="x" * 200, address_line_2="y" * 200)  # 14
        + row("9", latitude="-1.4", longitude="52.9")  # 15
        + row("10", latitude="0", longitude="0")  # 16
        + row("11", year_closed_low=" NA ")  # 17
    )
    file, report = tmp_path / NAME, tmp_path / "report.csv"
    file.write_text(text, encoding="utf-8", newline="")
    ended = run("premises", file, "--make-teams", "--report", str(report))
    assert (ended.exit_code, ended.stdout) == (
        2, "4 created, 0 updated, 0 unchanged, 8 refused\n2 rows are in but odd: see the column `warning` of the report.\n"
    )  # fmt: skip
    with report.open(encoding="utf-8", newline="") as lines:
        told = {int(each["line"]): each for each in csv.DictReader(lines)}
    assert {line: each["reason"] for line, each in told.items() if each["outcome"] == "refused"} == {
        3: "address_line_1: Use one line of plain text, without tabs",
        8: "address_line_1: The row ends before it, with 2 of 10 cells",
        9: "column 11: The row has 11 cells, and the heading 10",
        10: "postcode: Give a full United Kingdom postcode, such as SW1A 1AA",
        11: "latitude: Give degrees from -90 to 90",
        12: "museum_id: The reference stands in the file before",
        13: "museum_name: Use at most 200 characters",
        14: "address_line_1 and address_line_2: Use at most 300 characters together",
    }
    assert {line: each["warning"] for line, each in told.items() if each["warning"]} == {
        15: "Latitude and longitude look exchanged: the other way round the point lies in the United Kingdom.",
        16: "This latitude lies outside the United Kingdom, whose latitudes are 49 to 61.",
    }
    there = {
        row["source_ref"]: str(row["id"])
        for row in alone.sql("SELECT * FROM casework.premises WHERE source_ref ~ '^rows'")
    }
    assert there == {each["source_ref"]: each["premises_id"] for each in told.values() if each["outcome"] == "created"}
    assert there.keys() == {"rows.1", "rows.9", "rows.10", "rows.11"}


# --- the report ---


def link(file: Path, other: Path) -> Path:
    other.symlink_to(file)
    return other


def hard_link(file: Path, other: Path) -> Path:
    os.link(file, other)
    return other


REPORTS: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "the file itself": (lambda f, o: f, "list.csv is the very file that is read. Choose another name for what is written."),
    "the file by another way": (
        lambda f, o: f.parent / "sub" / ".." / f.name, "list.csv is the very file that is read. Choose another name for what is written."
    ),
    "a link to it": (link, "other.csv is the very file that is read. Choose another name for what is written."),
    "a hard link to it": (hard_link, "other.csv is the very file that is read. Choose another name for what is written."),
    "a directory": (lambda f, o: f.parent, "{} is no ordinary file: nothing can be written there."),
    "a device": (lambda f, o: Path("/dev/null"), "null is no ordinary file: nothing can be written there."),
    "in a directory that is not there": (
        lambda f, o: f.parent / "absent" / "r.csv", "There is no directory {0}/absent to write r.csv into. Make it first."
    ),
    "in what is no directory": (
        lambda f, o: f / "r.csv", "There is no directory {0}/list.csv to write r.csv into. Make it first."
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REPORTS)
def test_a_report_that_cannot_be_is_told_before_anything_is_read(
    alone: World, run: Run, tmp_path: Path, kind: str
) -> None:
    file, before = tmp_path / NAME, everything(alone)
    (tmp_path / "sub").mkdir()
    file.write_text(PREMISES.sheet(), encoding="utf-8", newline="")
    make, told = REPORTS[kind]
    ended = run("premises", file, "--report", str(make(file, tmp_path / "other.csv")))
    expected = told.format(tmp_path if "{0}" in told else tmp_path.name)
    assert (ended.exit_code, ended.output) == (1, f"{expected}\n")
    assert everything(alone) == before
    assert not list(tmp_path.glob("*.part*"))


def test_a_report_takes_its_name_when_it_is_whole(run: Run, tmp_path: Path) -> None:
    file, report = tmp_path / NAME, tmp_path / "report.csv"
    report.write_text("the one before", encoding="utf-8")
    file.write_bytes(b"PK\x03\x04")
    assert run("premises", file, "--report", str(report)).exit_code == 1
    assert report.read_text(encoding="utf-8") == "the one before"
    assert {each.name for each in tmp_path.iterdir()} == {NAME, "report.csv"}
    file.write_bytes(PREMISES.sheet((*PREMISES.row[:1], "Caf\xe9", *PREMISES.row[2:])).encode("cp1252"))
    assert run("premises", file, "--dry-run", "--make-teams", "--report", str(report)).exit_code == 0
    with report.open(encoding="utf-8", newline="") as lines:
        noted, row = csv.DictReader(lines)
    assert (noted["line"], noted["outcome"], noted["warning"][:25]) == ("1", "noted", "The file is not UTF-8 (by")
    assert (row["line"], row["outcome"]) == ("2", "created")
    assert {each.name for each in tmp_path.iterdir()} == {NAME, "report.csv"}


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_says_so_keeps_its_report_and_goes_on(
    alone: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    file, report = tmp_path / NAME, tmp_path / "report.csv"
    rows = [(f"{how}.{n}", *PREMISES.row[1:]) for n in range(1000)]
    file.write_text(PREMISES.sheet(*rows), encoding="utf-8", newline="")
    monkeypatch.setitem(import_premises.__kwdefaults__, "batch", 50)
    settle, stops = _Run.__dict__["_settle"], [1]

    def stopping(self: Any, results: Any) -> None:
        settle(self, results)
        if stops:
            stops.clear()
            os.kill(os.getpid(), getattr(signal, how))

    monkeypatch.setattr(_Run, "_settle", stopping)
    words = ("--make-teams", "--report", str(report))
    ended = run("premises", file, *words)
    assert (ended.exit_code, ended.output) == (
        1, "Interrupted. What was stored until then is told in report.csv.part. Run the same command again to go on.\n"
    )  # fmt: skip
    assert not report.exists()

    def stored() -> set[str]:
        like = f"^{how}"
        return {
            row["source_ref"]
            for row in alone.sql("SELECT source_ref FROM casework.premises WHERE source_ref ~ $1", like)
        }

    def told(path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    before = stored()
    assert 0 < len(before) < 1000
    assert {each["source_ref"] for each in told(tmp_path / "report.csv.part")} == before
    ended = run("premises", file, *words)
    assert (ended.exit_code, ended.output) == (
        0,
        f"{1000 - len(before)} created, 0 updated, 0 unchanged, 0 refused, {len(before)} stored before\n"
        f"It went on after line {len(before) + 1}, where an earlier run broke off (--restart begins anew).\n",
    )
    assert len(stored()) == 1000
    assert [each["outcome"] for each in told(report)] == ["stored_before"] * len(before) + ["created"] * (
        1000 - len(before)
    )
    assert (tmp_path / "report.csv.part").exists()  # the earlier one is nobody's to take away


def test_what_the_database_says_is_told_in_one_line(
    alone: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "acting_url", lambda _: "postgresql://nobody@127.0.0.1:9/nothing")
    for reader in READERS:
        file = tmp_path / NAME
        file.write_text(reader.sheet(), encoding="utf-8", newline="")
        ended = run(reader.command, file)
        assert (ended.exit_code, ended.output) == (1, "It broke off: Connection refused.\n")


def test_a_source_that_nobody_knows_is_told(run: Run, tmp_path: Path) -> None:
    ended = run("premises", tmp_path / NAME, "--source", "guesses")
    assert (ended.exit_code, ended.output) == (1, "There is no source guesses; there are: mapping-museums.\n")
