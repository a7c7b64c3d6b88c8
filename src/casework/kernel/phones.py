"""Telephone numbers as people write them: the number itself, its extension, and the prefix of a relay service.

A number that is possible is taken: a range that was opened last month is unknown to every table, and whoever has such a
number must be able to ask us. What is possible and not known to be valid is warned of.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError, PydanticKnownError

from casework.kernel.characters import clear

LONGEST = 80
"""How much may be typed: a number with blanks, an extension, and a relay's prefix."""
PHONE, EXTENSION, RELAY = "phone", "phone_extension", "relay"
"""The three fields of one number; an input that has the first has all of them."""

_FAULT = PydanticCustomError(
    "phone", "Give a telephone number with its area code, such as 020 7946 0018 or +44 20 7946 0018"
)
_PREMIUM = PydanticCustomError("phone", "Give a number at an ordinary rate, not at a premium rate")
_APART = PydanticCustomError("phone", "Give the number alone: there is no field for an extension or a relay here")
_NO_EXTENSION = PydanticCustomError("phone-extension", "Give the digits of the extension, eight at most")
_ANOTHER = PydanticCustomError("phone-extension", "The number names another extension; give one of the two")
_NUMBERLESS = PydanticCustomError("phone-missing", "Give the telephone number that this belongs to")

_DIGITS = "0-9\uff10-\uff19"
_WORDS = r"(?:[Ee][Xx][Tt](?:[Ee][Nn][Ss][Ii][Oo][Nn]|[Nn])?|[Ee][Ss][Tt]|[Xx]|#)"
_DIALLED = re.compile(r"\+?[0-9 ().\-\u2010-\u2015\u2212/]{3,39}")
_EXTENDED = re.compile(rf"(?P<number>[^A-Za-z#]*?)[ ,;(]*{_WORDS}[ .:=]*(?P<extension>[0-9]{{1,8}})[ )]*")
_EXTENSION = re.compile(rf"{_WORDS}?[ .:=]*([0-9]{{1,8}})")
_RELAY = re.compile(r"\(?1[ \-.]?8[ \-.]?0[ \-.]?0[ \-.]?[12]\)?[ \-.]*(?=[+(0])")
_LINK = re.compile(r"tel: *", re.IGNORECASE)
# Ofcom keeps these numbers free for drama; phonenumbers knows some of them as invalid, but a demonstration must not be
# able to ring anybody. (Its 0909 8790xxx are left out: premium numbers are refused.)
_DRAMA = re.compile(
    r"\+44(?:1632960|7700900|8081570|3069990|2079460|2890180|2896496|2920180|1914980"
    r"|1(?:1[3-8]|21|31|41|51|61)4960)[0-9]{3}"
)
PATTERN = (
    rf"^[^A-Za-z#]*(?:[Tt][Ee][Ll]:)?[^A-Za-z#]*[{_DIGITS}][^A-Za-z#]*(?:{_WORDS}[^A-Za-z#]*[{_DIGITS}][^A-Za-z#]*)?$"
)
"""What is taken, as far as a pattern can tell: digits among marks, and an extension behind its word."""


class Unlisted(str):
    """A number that is possible, and in no range that is known."""

    __slots__ = ()


class Typed(NamedTuple):
    """What somebody typed, taken apart: the number as it may be dialled, the extension, and whether a relay is rung first."""

    number: str
    extension: str | None
    relay: bool


def take_apart(typed: str) -> Typed:
    """``18001 01632 960123 ext. 12`` → ``01632 960123``, ``12``, ``True``. That it is a number is not judged here."""
    if _DIALLED.fullmatch(typed) and not _RELAY.match(typed):  # as most are written
        return Typed(typed, None, False)
    text = unicodedata.normalize("NFKC", clear(typed)).strip(" ")
    text = text[found.end() :] if (found := _LINK.match(text)) else text
    extension = None
    if found := _EXTENDED.fullmatch(text):
        text, extension = found["number"], found["extension"]
    relay = _RELAY.match(text)
    return Typed(text[relay.end() :] if relay else text, extension, relay is not None)


def read_phone(value: Any) -> str:
    """``020 7946 0018`` → ``+442079460018`` (E.164; a number without a country is taken as British)."""
    import phonenumbers  # at the first number: most of what a process reads has none, and it takes 4 MB

    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if len(value) > LONGEST:
        raise _FAULT
    text, extension, relay = take_apart(value)
    if not _DIALLED.fullmatch(text):
        raise _FAULT
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        raise _FAULT from None
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = phonenumbers.number_type(number)  # which it knows of valid numbers only
    # The library counts Britain's 084 and 087 as premium too, but businesses do answer those.
    premium = kind == phonenumbers.PhoneNumberType.PREMIUM_RATE
    if dialled.startswith("+449") if number.country_code == 44 else premium:
        raise _PREMIUM
    known = kind != phonenumbers.PhoneNumberType.UNKNOWN or _DRAMA.fullmatch(dialled) is not None
    if not known and not _is_possible(number):
        raise _FAULT
    if extension is not None or relay:
        raise _APART
    return dialled if known else Unlisted(dialled)


def _is_possible(number: Any) -> bool:
    """By its length, on the network at large: a number of one exchange only cannot be dialled from elsewhere."""
    import phonenumbers

    wanted = phonenumbers.ValidationResult.IS_POSSIBLE
    return any(
        phonenumbers.is_possible_number_for_type_with_reason(number, kind) == wanted
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    )


def doubt(dialled: str) -> tuple[str, str] | None:
    """What to warn of in a number that was taken: code and words."""
    if not isinstance(dialled, Unlisted):
        return None
    return "phone-not-known-valid", "This number is possible, but in no range that we know of. Read it once more."


def read_extension(value: Any) -> str:
    """``ext. 12`` → ``12``."""
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if len(value) <= LONGEST:
        text = unicodedata.normalize("NFKC", clear(value)).replace(" ", "")
        if found := _EXTENSION.fullmatch(text):
            return found[1]
    raise _NO_EXTENSION


def split(stated: Mapping[str, Any], *, partial: bool) -> dict[str, Any]:
    """An object with its telephone number taken apart. Whoever states a number states all three of its parts.

    ``partial``: a merge patch, which may state an extension of the number that is stored.
    """
    parts = dict(stated)
    if PHONE in stated:
        number, extension, relay = stated[PHONE], None, False
        if isinstance(number, str) and len(number) <= LONGEST:
            parts[PHONE], extension, relay = take_apart(number)
        if extension is not None and parts.get(EXTENSION) is not None and read_extension(parts[EXTENSION]) != extension:
            raise _at(EXTENSION, _ANOTHER)
        parts[EXTENSION] = extension if extension is not None else parts.get(EXTENSION)
        parts[RELAY] = relay or parts.get(RELAY, False)
    if stated.get(PHONE) is None and (PHONE in stated or not partial):
        for name in (EXTENSION, RELAY):
            if parts.get(name):
                raise _at(name, _NUMBERLESS)
    return parts


def _at(field: str, error: PydanticCustomError) -> ValidationError:
    return ValidationError.from_exception_data("phone", [{"type": error, "loc": (field,), "input": None}])
