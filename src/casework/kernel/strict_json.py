"""JSON as RFC 8259 means it: one reading of every body, or a refusal that says why there is none."""

import json
import math
import re
from typing import Any, NoReturn

from casework.kernel.problems import DuplicateKey, InvalidEncoding, InvalidJson, ValidationFailed

MAX_DEPTH = 32
# A body of 256 KiB can hold tens of thousands of bad strings; the answer must not grow with them.
MAX_ERRORS = 50
MAX_POINTER = 200

_BOM = b"\xef\xbb\xbf"
# Escapes that *may* decode to something forbidden, and forbidden characters sent as they are. An emoji sent
# as a pair of escapes is caught as well: that only costs the walk, which then finds nothing.
_SUSPICIOUS = re.compile(
    r"\\(?:[bfr]|u(?:00[0189]|007[fF]|[dD][89a-fA-F]|202|206))|[\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
# Tab and newline pass: whether a field takes several lines is for its type to say.
_FORBIDDEN = re.compile(
    "(?P<control>[\x00-\x08\x0b-\x1f\x7f-\x9f])"
    "|(?P<surrogate>[\ud800-\udfff])"
    "|(?P<bidirectional>[\u202a-\u202e\u2066-\u2069])"
)
_FINDINGS = {
    "control": (
        "control-character",
        "Remove the control characters; only tab and newline may stand in a text.",
    ),
    "surrogate": ("lone-surrogate", "Half of a surrogate pair is not a character; send the whole pair."),
    "bidirectional": (
        "bidirectional-control",
        "Remove the characters that turn the direction of the text (U+202A–202E, U+2066–2069).",
    ),
}


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
    if ("\\" in text or "\x7f" in text or not text.isascii()) and _SUSPICIOUS.search(text):
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
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _refuse_forbidden_characters(value: Any, names: frozenset[str] | None) -> None:
    errors: list[dict[str, str]] = []
    _find(value, "", errors, names)
    if errors:
        raise ValidationFailed("The body holds characters that no text here may hold.", errors=errors[:MAX_ERRORS])


def _find(value: Any, pointer: str, errors: list[dict[str, str]], names: frozenset[str] | None) -> None:
    """Add what is forbidden in ``value`` to ``errors``; ``value`` is at most MAX_DEPTH deep."""
    if len(errors) >= MAX_ERRORS:
        return
    if isinstance(value, str):
        _judge(value, pointer, errors)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _find(item, f"{pointer}/{index}", errors, names)
    elif isinstance(value, dict):
        for name, item in value.items():
            # A bad name is reported at its object, and stays out of the answer.
            sound = _judge(name, pointer, errors) and (names is None or name in names)
            step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            _find(item, step if sound and len(step) <= MAX_POINTER else pointer, errors, names)


def is_sound(text: str) -> bool:
    """Whether a text holds nothing that no text here may hold; for what is no JSON, such as a form."""
    return _FORBIDDEN.search(text) is None


def _judge(text: str, pointer: str, errors: list[dict[str, str]]) -> bool:
    found = _FORBIDDEN.search(text)
    if found is None:
        return True
    code, message = _FINDINGS[str(found.lastgroup)]
    errors.append({"pointer": pointer, "code": code, "message": message})
    return False
