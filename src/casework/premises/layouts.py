"""The layouts of files of premises, and how a row of each is read: to the facts of a place, or to why not."""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from casework.kernel.columns import line, read_postcode, read_year_or_day
from casework.kernel.sheets import Column
from casework.premises.coordinates import coordinate_warnings
from casework.reference.localities import Localities

Row = Mapping[str, Any]


class Arrived(NamedTuple):
    """One valid row, as the staging table takes it: text without control characters, and never empty."""

    source_ref: str
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    local_authority_code: str | None
    latitude: str | None
    longitude: str | None
    state: str
    closed_on: str | None
    sector: str | None
    schedule_1_use: str | None


class Refused(Exception):
    """Why a row cannot be taken: the column and the rule, never the value."""


_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,99}\Z")


def _line(most: int) -> Callable[[str], str]:
    """``line(most)``, with a short way for the plain ASCII that nearly every cell is: half of the time went there."""
    read = line(most).read

    def quickly(text: str) -> str:
        plain = text.strip(" ")
        if plain and len(plain) <= most and plain.isascii() and plain.isprintable():
            return plain
        exact: str = read(text)
        return exact

    return quickly


_NAME, _ADDRESS, _TOWN = _line(200), _line(300), _line(100)
_STREET = ("address_line_1", "address_line_2")
_POINT = Decimal("0.000001")


def _field(row: Row, column: str, read: Callable[[str], Any]) -> Any:
    """The value of a cell, or None when it is empty."""
    cell = row[column]
    if cell == "":
        return None
    if not isinstance(cell, str):
        raise Refused(f"{column}: the cell is missing")
    if not cell.strip():
        return None
    try:
        return read(cell)
    except ValueError as fault:
        raise Refused(f"{column}: {fault}") from None


def _reference(text: str) -> str:
    if not _REFERENCE.match(text):
        raise ValueError("Use letters, digits and . _ : / - only, at most 100")
    return text


def _degrees(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            degrees = Decimal(text)
        except InvalidOperation:
            degrees = Decimal("NaN")
        if not -most <= degrees <= most if degrees.is_finite() else True:
            raise ValueError(f"Give degrees from -{most} to {most}")
        return str(degrees.quantize(_POINT) + 0)  # no negative zero

    return read


def _closing(text: str) -> str | None:
    return None if text.strip().casefold() == "na" else read_year_or_day(text.strip())


_LATITUDE, _LONGITUDE = _degrees(90), _degrees(180)


def place_warning(latitude: str | None, longitude: str | None) -> str | None:
    """What is odd about a point: no reason to refuse it, but to look."""
    point = (Decimal(degrees) if degrees is not None else None for degrees in (latitude, longitude))
    return " ".join(dict.fromkeys(message for _, _, message in coordinate_warnings(*point))) or None


class MappingMuseums:
    """The museums of the Mapping Museums project (Birkbeck): ``src/casework/data/README.md``."""

    columns = tuple(
        map(
            Column,
            (
                "museum_id",
                "museum_name",
                "address_line_1",
                "address_line_2",
                "city",
                "postcode",
                "latitude",
                "longitude",
                "admin_area_full",
                "year_closed_low",
            ),
        )
    )
    needed = frozenset(column.name for column in columns)
    reference = "museum_id"

    def __init__(self) -> None:
        self._localities = Localities()
        self.authority = lru_cache(maxsize=4096)(self._localities.authority_for)

    def learn(self, authorities: Iterable[tuple[str, str]]) -> None:
        """Codes and names of authorities that are known beyond those packaged."""
        for code, name in authorities:
            self._localities.learn(code, name)

    def read(self, row: Row) -> Arrived:
        """The facts of a museum; raises ``Refused``."""
        reference = _field(row, "museum_id", _reference)
        name = _field(row, "museum_name", _NAME)
        if reference is None or name is None:
            raise Refused("museum_id and museum_name: both are needed")
        street = ", ".join([part for part in [_field(row, each, _ADDRESS) for each in _STREET] if part])
        if len(street) > 300:
            raise Refused("address_line_1 and address_line_2: Use at most 300 characters together")
        # A year of closing that is not `na` (not applicable) means closed: advice was given there, so it is kept.
        closed = None if row["year_closed_low"] == "na" else _field(row, "year_closed_low", _closing)
        return Arrived(
            reference,
            name,
            street or None,
            _field(row, "city", _TOWN),
            _field(row, "postcode", read_postcode),
            _field(row, "admin_area_full", self.authority),
            _field(row, "latitude", _LATITUDE),
            _field(row, "longitude", _LONGITUDE),
            "open" if closed is None else "closed",
            closed,
            "visitor_attractions",
            "libraries_museums_and_galleries",
        )


SOURCES: Mapping[str, type[MappingMuseums]] = {"mapping-museums": MappingMuseums}
"""The sources that can be imported, each with the reader of its rows."""
