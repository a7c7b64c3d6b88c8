"""Which local authority a place is in, and which police force serves it.

Codes are those of the Office for National Statistics (ONS). A force is found by the full postcode's own
police force area, else by the local authority; never by the outcode: one in eight straddles two forces.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from casework.kernel.columns import read_postcode
from casework.kernel.folding import fold

DATA = Path(__file__).resolve().parents[1] / "data"

_TYPE = re.compile(r"\s*\([^()]*\)\s*$")  # "(English District or Borough)"


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
    with path.open(encoding="utf-8-sig", newline="") as file:  # the ONS's own files begin with a byte order mark
        reader = csv.DictReader(file)
        if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
            raise ValueError(f"{path.name} lacks the column {', '.join(missing)}")
        yield from reader


class Localities:
    """The local authorities of the United Kingdom, their former and other names, and their police forces."""

    def __init__(
        self,
        authorities: Path = DATA / "local_authority_police_force.csv",
        aliases: Path = DATA / "local_authority_aliases.csv",
    ) -> None:
        self.authorities: dict[str, Authority] = {}
        by_code: dict[str, Force] = {}
        for row in _rows(authorities, "local_authority_code", "police_force_code", "police_force_name"):
            force = by_code.setdefault(
                row["police_force_code"], Force(row["police_force_code"], row["police_force_name"].strip())
            )
            code = row["local_authority_code"]
            self.authorities[code] = Authority(code, row["local_authority_name"].strip(), row["nation"], force)
        self.forces: tuple[Force, ...] = tuple(sorted(by_code.values(), key=lambda force: force.name))
        self._force_codes = frozenset(by_code)
        self._single = self._nations_with_one_force()
        self._aliases: dict[str, str] = {}
        for row in _rows(aliases, "name", "local_authority_code"):
            self._name(self._aliases, row["name"], row["local_authority_code"])
        self._names: dict[str, str] = {}
        for authority in self.authorities.values():
            self._name(self._names, authority.name, authority.code)

    def _name(self, names: dict[str, str], name: str, code: str) -> None:
        if code not in self.authorities:
            raise ValueError(f"{name} is an alias of {code}, which is no local authority of today")
        if names.setdefault(_key(name), code) != code:
            raise ValueError(f"{name} names two local authorities")

    def _nations_with_one_force(self) -> dict[str, str]:
        """The first letter of ONS codes → the force of a nation with one only: Scotland, Northern Ireland."""
        forces: dict[str, set[str]] = {}
        for authority in self.authorities.values():
            forces.setdefault(authority.code[0], set()).add(authority.force.code)
        return {letter: codes.pop() for letter, codes in forces.items() if len(codes) == 1}

    def authority_for(self, admin_area_full: str) -> str | None:
        """``England/…/King_s Lynn and West Norfolk (English District or Borough)`` → ``E07000146``.

        A plain name will do as well. None where the name is of no authority of today, nor a known former one.
        """
        name = _key(_TYPE.sub("", admin_area_full.rsplit("/", 1)[-1]))
        return self._names.get(name) or self._aliases.get(name)

    def force_for_authority(self, code: str) -> str | None:
        """The force's code, or None for a code that is of no authority of today."""
        authority = self.authorities.get(code)
        return authority.force.code if authority else None

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


def read_postcodes(path: Path) -> Iterator[PostcodePlace]:
    """The rows of a CSV in the layout of the ONS National Statistics Postcode Lookup, one at a time.

    Raises ValueError where a column is missing or a postcode malformed: a gap in this table would send
    enquiries to the wrong force, unseen.
    """
    for number, row in enumerate(_rows(path, "pcds", "doterm", "laua", "pfa"), start=2):
        try:
            postcode = read_postcode(row["pcds"])
            ended = row["doterm"]
            terminated = date(int(ended[:4]), int(ended[4:6]), 1) if ended else None
        except ValueError as fault:
            raise ValueError(f"{path.name}, line {number}: {fault}") from None
        yield PostcodePlace(postcode, row["laua"] or None, row["pfa"] or None, terminated)
