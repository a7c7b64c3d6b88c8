"""Which local authority a place is in, and which police force serves it.

Codes are those of the Office for National Statistics (ONS). A force is found by the full postcode's own
police force area, else by the local authority; never by the outcode: one in eight straddles two forces.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from casework.kernel.columns import read_postcode
from casework.kernel.folding import fold
from casework.kernel.sheets import Column, Sheet, Uneven

DATA = Path(__file__).resolve().parents[1] / "data"

_TYPE = re.compile(r"\s*\([^()]*\)\s*$")  # "(English District or Borough)"
_CODE = re.compile(r"[0-9A-Z]{1,20}")


@dataclass(frozen=True)
class Force:
    """A territorial police force, by the ONS code of its area."""

    code: str
    name: str


@dataclass(frozen=True)
class Authority:
    """A local authority of today and the force that serves it."""

    code: str
    name: str
    nation: str
    force: Force


@dataclass(frozen=True)
class Former:
    """A code that is no longer in force, the authority's name then, and the code of the one of today that took its place."""

    code: str
    name: str
    today: str


@dataclass(frozen=True)
class PostcodePlace:
    """Where a postcode lies. Codes are as the look-up has them: of its day, and pseudo codes included."""

    postcode: str
    authority_code: str | None
    police_force_area_code: str | None
    terminated: date | None
    """The first of the month in which Royal Mail ended the postcode."""


def _key(name: str) -> str:
    """What is left of a name when case, accents, apostrophes and hyphens don't count."""
    return fold(name.replace("_", "'"))  # the museums' file writes King_s Lynn


def _rows(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    with Sheet(path, [Column(name) for name in columns]) as sheet:
        for line, row in sheet.rows():
            if isinstance(row, Uneven):
                raise sheet.fault(line, str(row))
            yield row


class Areas:
    """Codes of local authorities, of today and former ones, and the police forces that serve them."""

    def __init__(self, of_today: Mapping[str, str], replaced: Mapping[str, str], forces: Iterable[str]) -> None:
        """``of_today``: code → force; ``replaced``: former code → code of today; ``forces``: those with an area."""
        self._force_of, self._replaced, self._force_codes = dict(of_today), dict(replaced), frozenset(forces)
        nations: dict[str, set[str]] = {}
        for code, force in self._force_of.items():
            nations.setdefault(code[0], set()).add(force)
        self._single = {letter: codes.pop() for letter, codes in nations.items() if len(codes) == 1}
        """The first letter of ONS codes → the force of a nation with one only: Scotland, Northern Ireland."""

    def today(self, code: str) -> str | None:
        """The code of today for one of today or a former one; None for one that is neither."""
        return code if code in self._force_of else self._replaced.get(code)

    def force_for_authority(self, code: str) -> str | None:
        """The force's code, or None for a code that is of no authority, nor ever was."""
        return self._force_of.get(self.today(code) or "")

    def force_for_police_force_area(self, code: str | None) -> str | None:
        """The force for the ``pfa`` of the ONS's postcode look-up, or None where no force of ours serves.

        N99999999 looks like the pseudo codes of Guernsey and Jersey (L99999999) and the Isle of Man
        (M99999999), which have forces of their own outside this system; but it stands for all of Northern
        Ireland, and our table gives it to the Police Service of Northern Ireland. Other codes of a nation
        with one force, as an edition may have them, mean that force.
        """
        if not code:
            return None
        return code if code in self._force_codes else self._single.get(code[0])

    def force_for(self, police_force_area: str | None, authority: str | None) -> str | None:
        """The force of a place by its postcode's area; where that tells nothing, by its local authority."""
        return self.force_for_police_force_area(police_force_area) or self.force_for_authority(authority or "")


class Localities(Areas):
    """The local authorities of the United Kingdom as they are packaged, their former and other names, and their police forces."""

    def __init__(
        self,
        authorities: Path = DATA / "local_authority_police_force.csv",
        aliases: Path = DATA / "local_authority_aliases.csv",
        former: Path = DATA / "local_authority_former_codes.csv",
    ) -> None:
        self.authorities: dict[str, Authority] = {}
        by_code: dict[str, Force] = {}
        needed = ("local_authority_code", "local_authority_name", "nation", "police_force_code", "police_force_name")
        for row in _rows(authorities, *needed):
            force = by_code.setdefault(
                row["police_force_code"], Force(row["police_force_code"], row["police_force_name"].strip())
            )
            code = row["local_authority_code"]
            self.authorities[code] = Authority(code, row["local_authority_name"].strip(), row["nation"], force)
        self.forces: tuple[Force, ...] = tuple(sorted(by_code.values(), key=lambda force: force.name))
        self.former = tuple(
            Former(row["former_code"], row["name"], row["local_authority_code"])
            for row in _rows(former, "former_code", "name", "local_authority_code")
        )
        super().__init__(
            {each.code: each.force.code for each in self.authorities.values()},
            {each.code: each.today for each in self.former},
            by_code,
        )
        self._aliases: dict[str, str] = {}
        for row in _rows(aliases, "name", "local_authority_code"):
            self._name(self._aliases, row["name"], row["local_authority_code"])
        for each in self.former:
            self._name(self._aliases, each.name, each.today)
        self._names: dict[str, str] = {}
        for authority in self.authorities.values():
            self._name(self._names, authority.name, authority.code)

    def _name(self, names: dict[str, str], name: str, code: str) -> None:
        if code not in self.authorities:
            raise ValueError(f"{name} is an alias of {code}, which is no local authority of today")
        if names.setdefault(_key(name), code) != code:
            raise ValueError(f"{name} names two local authorities")

    def learn(self, code: str, name: str) -> None:
        """An authority of today that a newer list names: its name goes before what is packaged."""
        self._names[_key(name)] = code

    def authority_for(self, admin_area_full: str) -> str | None:
        """``England/…/King_s Lynn and West Norfolk (English District or Borough)`` → ``E07000146``.

        A plain name will do as well. None where the name is of no authority of today, nor a known former one.
        """
        name = _key(_TYPE.sub("", admin_area_full.rsplit("/", 1)[-1]))
        return self._names.get(name) or self._aliases.get(name)


POSTCODES = (
    Column("pcds"),
    Column("doterm"),
    Column("laua", "(?:os)?laua|lad(?P<year>[0-9]{2})cd"),
    Column("pfa", "pfa(?P<year>[0-9]{2})cd|pfa"),
)
"""The columns of the postcode look-up that are read. Editions since 2025 name them with their year: ``lad25cd``."""


def read_postcodes(sheet: Sheet) -> Iterator[tuple[int, PostcodePlace]]:
    """The rows of a CSV in the layout of the ONS National Statistics Postcode Lookup, one at a time, with their lines.

    Raises ``FileFault`` where a row is malformed: a gap in this table would send enquiries to the wrong force, unseen.
    """
    for line, row in sheet.rows():
        if isinstance(row, Uneven):
            raise sheet.fault(line, str(row))
        try:
            postcode = read_postcode(row["pcds"])
        except ValueError as fault:
            raise sheet.fault(line, f"pcds: {fault}") from None
        authority, area = (_code(sheet, line, name, row[name]) for name in ("laua", "pfa"))
        yield line, PostcodePlace(postcode, authority, area, _terminated(sheet, line, row["doterm"].strip()))


def _code(sheet: Sheet, line: int, name: str, text: str) -> str | None:
    code = text.strip().upper()
    if code and not _CODE.fullmatch(code):
        raise sheet.fault(
            line, f"{name}: Give a code of the Office for National Statistics, such as E07000035, or nothing"
        )
    return code or None


def _terminated(sheet: Sheet, line: int, text: str) -> date | None:
    if not text:
        return None
    found = re.fullmatch(r"((?:19|20)[0-9]{2})(0[1-9]|1[0-2])", text)
    if found is None:
        raise sheet.fault(line, "doterm: Give a year and a month such as 202401, or nothing")
    return date(int(found[1]), int(found[2]), 1)
