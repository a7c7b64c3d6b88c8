"""The domain owner's table as the tests hold the service against it: read from ``docs/authority.csv``, never from the code.

``acting`` reaches nothing until a person can agree to a tool. What the code does not grant yet, because the guard that the
table's own rule asks for is not built, stands in ``NOT_YET``, each with its reason; where the guard is built the line goes.
"""

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
SHEET = DOCS / "authority.csv"


class Difference(NamedTuple):
    """How the code stands to a cell of the table for the time being, and why."""

    code: str
    why: str


NOT_YET: dict[tuple[str, str], Difference] = {}
"""By action and column (``what`` or a role)."""

# What a share to contribute lends for one's own visit alone.
LENT_FOR_OWN_VISIT = {"visit.no_access", "visit.supplement"}


@cache
def sheet() -> dict[str, dict[str, str]]:
    """The table as the domain owner wrote it, by action."""
    with SHEET.open(encoding="utf-8", newline="") as file:
        return {row["action"]: row for row in csv.DictReader(file)}


@cache
def table() -> dict[str, dict[str, str]]:
    """The table as far as it is in force: without what is not built yet, and with nothing reached by acting."""
    found = {}
    for action, row in sheet().items():
        cells = {column: NOT_YET[action, column].code if (action, column) in NOT_YET else row[column] for column in row}
        found[action] = {column: "none" if cell == "acting" else cell for column, cell in cells.items()}
    return found


def acting() -> set[str]:
    """The actions that a tool has for somebody who agreed to it, and by no other reach."""
    return {action for action, row in sheet().items() if row["service"] == "acting"}


ACTING_SCOPES = {
    "findings.read": {"finding.read"},
    "advice.read": {"advice.read"},
    "recommendations.read": {"recommendation.read"},
    "search.query": {"search.query"},
    "documents.read": {"document.read"},
    "visits.write": {
        "visit.propose", "visit.amend", "visit.complete", "visit.supplement", "visit.no_access", "visit.cancel",
    },
    "findings.write": {"finding.record"},
    "notes.write": {"case.note"},
    "premises.write": {"premises.write"},
    "documents.write": {"document.attach"},
    "recommendations.verify": {"recommendation.verify"},
    "interim_advice.write": {"interim_advice.record"},
}  # fmt: skip
"""The scopes of what tools are to do for people, and what each will open."""


def of_own_visit() -> set[str]:
    """What a visit's adviser has for their own visit alone, as ``docs/authority.md`` says it (*involved*)."""
    said = re.search(
        r"for their own visit only and for (.+?) alone, its adviser", (DOCS / "authority.md").read_text("utf-8")
    )
    assert said
    return set(re.findall(r"[a-z_]+\.[a-z_]+", said[1]))


def lent() -> tuple[set[str], set[str]]:
    """What a share lends to read, and what more to contribute, as ``docs/authority.md`` says it."""
    said = re.search(
        r"\*read\* grants that team's advisers and supervisors(.+?);\s*\*contribute\* adds(.+?)\. Never more",
        (DOCS / "authority.md").read_text(encoding="utf-8"),
        re.S,
    )
    assert said
    read, more = (set(re.findall(r"[a-z_]+\.[a-z_]+", part)) for part in said.groups())
    return read, more
