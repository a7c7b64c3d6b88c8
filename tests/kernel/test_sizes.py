"""How much a body may hold: counted on its bytes, exactly, whatever its texts look like."""

import json
import time

import pytest

from casework.kernel.problems import BodyTooLarge
from casework.kernel.sizes import Size, refuse_large

MOST = Size(1_000_000, 50, 10)


def fits(value: object) -> bool:
    try:
        refuse_large((value if isinstance(value, str) else json.dumps(value)).encode(), MOST)
    except BodyTooLarge:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ({str(n): n for n in range(50)}, True),
        ({str(n): n for n in range(51)}, False),
        (list(range(50)), True),
        (list(range(51)), False),
        ([[]] * 9, True),
        ([[]] * 10, False),
        ({"a": list(range(25)), "b": list(range(23))}, True),
        ({"a": list(range(25)), "b": list(range(24))}, False),
        ("text, with [brackets], {braces}, and more, " * 1_000, True),
    ],
)
def test_members_and_containers_are_counted_at_any_depth(value: object, holds: bool) -> None:
    assert fits(json.dumps(value)) is holds


def test_what_stands_in_a_text_is_not_counted() -> None:
    prose = 'He said: "a, b, [c], {d}, \\\\ and so on", ' * 200
    assert fits({"note": prose, "other": prose + "\\", prose: 1})


@pytest.mark.parametrize(
    "body", ['"' * 250_000, '"\\' * 125_000, '{"a":"' + '\\"' * 120_000, "[" * 250_000, '"",' * 80_000]
)
def test_a_hostile_body_is_counted_in_one_go(body: str) -> None:
    """A search that began anew at each quote would take minutes: whether it ends at all is what is asked here."""
    begun = time.thread_time()
    fits(body)
    assert time.thread_time() - begun < 5
