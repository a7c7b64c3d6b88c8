"""What an import tells: of every row what became of it, in memory or as a file of its own."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from casework.kernel.aside import Aside


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    STORED_BEFORE = "stored_before"
    """By a run of the same file that broke off."""
    IN_DOUBT = "in_doubt"
    """The connection broke while it was committed: the next run finds out."""
    NOTED = "noted"
    """No row: what is to be known of the file as a whole."""


class Result(NamedTuple):
    """One row of the file: the line where it begins, its reference, what became of it, why, and what is odd about it."""

    line: int
    source_ref: str | None
    outcome: Outcome
    reason: str | None
    premises_id: UUID | None
    warning: str | None = None


Tell = Callable[[Sequence[Result]], object]
"""Is told what became of the rows of each batch, in the order of the file."""


@dataclass
class Report:
    """What became of every row, in the order of the file. Of a dry run: what would have."""

    dry_run: bool
    results: list[Result] = field(default_factory=list)
    """Empty when somebody else is told of them."""
    counts: Counter[Outcome] = field(default_factory=Counter)
    """How many rows had which outcome."""
    warned: int = 0
    """How many rows carry a warning."""
    went_on_after: int | None = None
    """The last line of what an earlier run had stored without a gap, where this one went on after it."""


def noted(warnings: Sequence[str]) -> list[Result]:
    """What is to be known of a file, at the line of its heading."""
    return [Result(1, None, Outcome.NOTED, None, None, warning) for warning in warnings]


class ReportFile(Aside):
    """Writes what it is told as CSV, batch by batch, aside; it takes its name when all is told.

    ``others`` are files that it must not be. Ids are those of places that are really there.
    """

    told = 0

    def __enter__(self) -> Self:
        super().__enter__()
        self._sheet = csv.writer(self.file)
        self._sheet.writerow(Result._fields)
        return self

    def __call__(self, results: Sequence[Result]) -> None:
        self._sheet.writerows(results)
        self.file.flush()  # a run that is killed leaves what it was told
        self.told += len(results)
