"""JSON as RFC 8259 means it: one reading of every body, or a refusal that says why there is none."""

import itertools
import json
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from casework.kernel import characters
from casework.kernel.problems import DuplicateKey, InvalidEncoding, InvalidJson, ValidationFailed

MAX_DEPTH = 32
# A body of 256 KiB can hold tens of thousands of bad strings; the answer must not grow with them.
MAX_ERRORS = 50
MAX_POINTER = 200

_BOM = b"\xef\xbb\xbf"
# Escapes that *may* decode to what no text may hold. An emoji sent as a pair of escapes is caught as well: that only
# costs the walk, which then finds nothing.
_SUSPICIOUS = re.compile(r"\\(?:b|u(?:00[0189]|007[fF]|[dD][89a-fA-F]|[fF][dDfF]))")


def parse(raw: bytes, names: frozenset[str] | None = None) -> Any:
    """Read one JSON text of UTF-8 bytes. ``names``: the only ones that a pointer may repeat (``None``: any).

    Raises InvalidEncoding, InvalidJson, DuplicateKey, and ValidationFailed for characters that no text may
    hold. No refusal repeats what was sent; a pointer names members only.
    """
    if raw.startswith(_BOM):
        raise InvalidJson("The body begins with a byte order mark; leave it out.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidEncoding(f"Byte {error.start} of the body is not UTF-8.") from None
    value = _decode(text)
    # Counting is much cheaper than walking, and no body can be deeper than it has opening brackets.
    if (
        text.count("[") + text.count("{") > MAX_DEPTH
        and isinstance(value, dict | list)
        and _deeper_than(value, MAX_DEPTH)
    ):
        raise InvalidJson(f"The body is nested more than {MAX_DEPTH} levels deep.")
    # Raw controls below U+0020 the decoder has refused; what may stand unescaped is looked for in the whole text at once.
    if ("\\" in text and _SUSPICIOUS.search(text)) or characters.fault(text.replace("\n", " ")) is not None:
        _refuse_forbidden_characters(value, names)
    return value


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        # ``error.msg`` is one of the decoder's fixed phrases, never a piece of the body.
        raise InvalidJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError:
        raise InvalidJson("A number has too many digits.") from None
    except RecursionError:
        raise InvalidJson(f"The body is nested more than {MAX_DEPTH} levels deep.") from None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise DuplicateKey("An object of the body names a member twice; send each once.")
    return found


def _no_constant(_name: str) -> NoReturn:
    raise InvalidJson("NaN and Infinity are not JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidJson("A number is too large.")
    if number == 0 and digits.lower().partition("e")[0].strip("-0."):
        raise InvalidJson("A number is too small to be told from zero.")
    return number


# Built once: json.loads with hooks would build a decoder for every body.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        # What the decoder builds is of these two classes exactly; asking for the class is half the price of ``isinstance``.
        level = [
            child
            for parent in level
            for child in (parent.values() if parent.__class__ is dict else parent)
            if child.__class__ is dict or child.__class__ is list
        ]
        if not level:
            return False
    return True


def _refuse_forbidden_characters(value: Any, names: frozenset[str] | None) -> None:
    errors = [
        {"pointer": _pointer(steps, names), "code": fault.type, "message": fault.message_template}
        for steps, fault in itertools.islice(characters.faults_in(value), MAX_ERRORS)
    ]
    if errors:
        raise ValidationFailed("The body holds characters that no text here may hold.", errors=errors)


def is_sound(text: str) -> bool:
    """Whether a text holds nothing that no text here may hold; for what is no JSON, such as a form."""
    return characters.fault(text) is None


def _pointer(steps: Sequence[int | str], names: frozenset[str] | None) -> str:
    """The place, as far as it is told in names that may be repeated."""
    pointer = ""
    for step in steps:
        part = f"/{str(step).replace('~', '~0').replace('/', '~1')}"
        if isinstance(step, int) or ((names is None or step in names) and len(pointer + part) <= MAX_POINTER):
            pointer += part
    return pointer
