"""How a record is named by whoever looks into the log: by its id, by the reference that people read aloud, or by its place."""

from collections.abc import Mapping
from typing import Annotated, Any

from casework.kernel.columns import reference

PREFIXES = ("CASE", "ENQ", "ADV")
"""The kinds of record that have a reference: cases, enquiries, advice."""


RecordReference = Annotated[str, reference(*PREFIXES)]


def faults(named: Mapping[str, Any], *, needed: bool = True) -> list[dict[str, str]]:
    """What is wrong with how a record is named: in two ways, which might not agree, or in none where one is needed."""
    given = [name for name, value in named.items() if value is not None]
    message = f"Name one of these: {', '.join(named)}."
    if needed and not given:
        return [{"parameter": next(iter(named)), "code": "missing", "message": message}]
    return [{"parameter": name, "code": "one-of", "message": message} for name in given[1:]]
