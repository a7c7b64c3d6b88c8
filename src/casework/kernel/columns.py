"""The kinds of value that a person states: lines, prose, postcodes, telephone numbers, moments and so on.

Each kind is an ``Annotated`` type, so one declaration serves a facts class, an input model and a column. What
comes out is canonical (one spelling per thing), or the caller is told what would be right. No message repeats
what was sent: it may be a secret, or hostile to whoever reads the log.
"""

import contextlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from casework.kernel import characters, phones
from casework.kernel.phones import read_phone
from casework.kernel.problems import LocalTimeAmbiguous, LocalTimeDoesNotExist
from casework.kernel.references import MistypedReference, parse_reference


@dataclass(frozen=True, eq=False)
class Rule:
    """How one kind of value is read, described in the contract, and written into JSON.

    Our own marker rather than Pydantic's constraints: SQLModel turns ``max_length`` into VARCHAR(n), and that
    only on fields that are not nullable, so the same kind would have two column types.
    """

    read: Callable[[Any], Any]
    contract: Mapping[str, Any]
    write: Callable[[Any], str] | None = None
    warn: Callable[[Any], tuple[str, str] | None] | None = None
    """What to say of a value that is taken and may be wrong: code and words (``kernel/doubts.py``)."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if self.write is None:
            return core_schema.no_info_plain_validator_function(self.read)
        written = core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none")
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(self.contract)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


_PASTED = 64
"""How much may cling to a value, or stand between its characters, and draw nothing."""


def _bare(value: Any, max_length: int) -> str:
    """A value of a closed alphabet without what draws nothing; empty where it is too long to be one."""
    text = _string(value)
    return characters.clear(text) if len(text) <= max_length + _PASTED else ""


# --- text ---

_DECOMPOSED = 4  # the most code points that NFC joins into one


def _text_reader(max_length: int, read_text: Callable[[str], str]) -> Callable[[Any], str]:
    too_long = PydanticCustomError("too-long", "Use at most {max_length} characters", {"max_length": max_length})

    def read(value: Any) -> str:
        text = _string(value)
        if len(text) > _DECOMPOSED * max_length + _PASTED:  # too long whatever NFC makes of it: don't spend time on it
            text = text.strip()
            if len(text) > _DECOMPOSED * max_length:
                raise too_long
        text = read_text(text)
        if len(text) > max_length:
            raise too_long
        return text

    return read


def _text(max_length: int, read_text: Callable[[str], str]) -> Rule:
    contract = {"type": "string", "minLength": 1, "maxLength": max_length}
    return Rule(_text_reader(max_length, read_text), contract)


def line(max_length: int) -> Rule:
    """One visible line, ``max_length`` characters at most after NFC: ``Annotated[str, line(200)]``."""
    return _text(max_length, characters.read_line)


def prose(max_length: int) -> Rule:
    """Several lines (LF, however they came), ``max_length`` characters at most after NFC: ``Annotated[str, prose(4000)]``."""
    return _text(max_length, characters.read_prose)


def code(max_length: int) -> Rule:
    """A word of a look-up, or another name that machines compare: whatever draws nothing is taken off."""
    return _text(max_length, characters.read_code)


def secret(min_length: int, max_length: int) -> Rule:
    """A password, taken exactly as it is."""
    limits = {"min_length": min_length, "max_length": max_length}
    wrong = PydanticCustomError("length", "Use {min_length} to {max_length} characters", limits)

    def read(value: Any) -> str:
        text = _string(value)
        if not min_length <= len(text) <= max_length:
            raise wrong
        return characters.sound(text)

    return Rule(read, {"type": "string", "format": "password", "minLength": min_length, "maxLength": max_length})


def opaque(max_length: int) -> Rule:
    """What we gave out ourselves and nobody reads, such as a cursor; whoever made it judges it."""
    too_long = PydanticCustomError("too-long", "Use at most {max_length} characters", {"max_length": max_length})

    def read(value: Any) -> str:
        if len(text := _string(value)) > max_length:
            raise too_long
        return characters.clear(characters.sound(text))

    return Rule(read, {"type": "string", "maxLength": max_length})


Line = Annotated[str, line(200)]
Text = Annotated[str, prose(10_000)]
Word = Annotated[str, code(60)]
"""A word of a look-up, or the code of a force or an authority."""


# --- postcodes ---

# The 121 postcode areas of the United Kingdom, those of Guernsey, the Isle of Man and Jersey, and BF (British
# Forces) and BX (banks and offices without a place). A closed list tells a mistyped area from a real one, and
# areas hardly ever change.
_AREAS = """
    AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT
    DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE
    LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM
    SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE
"""
_POSTCODE = re.compile(
    rf"({'|'.join(sorted(_AREAS.split(), key=len, reverse=True))})"
    r"([0-9][0-9A-HJKMNPR-Y]?)([0-9][ABD-HJLNP-UW-Z]{2})"
)


def read_postcode(value: Any) -> str:
    """``sw1a1aa`` → ``SW1A 1AA``. Raises a ValueError whose message is safe to show."""
    text = unicodedata.normalize("NFKC", _bare(value, 32)).replace(" ", "").upper()
    if found := _POSTCODE.fullmatch(text):
        return f"{found[1]}{found[2]} {found[3]}"
    raise PydanticCustomError("postcode", "Give a full United Kingdom postcode, such as SW1A 1AA")


Postcode = Annotated[
    str,
    Rule(
        read_postcode,
        {
            "type": "string",
            "minLength": 6,
            "maxLength": 8,
            "pattern": "^[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}$",
            "examples": ["SW1A 1AA"],
        },
    ),
]


# --- telephone and e-mail ---

Phone = Annotated[
    str,
    Rule(
        read_phone,
        {"type": "string", "maxLength": phones.LONGEST, "pattern": phones.PATTERN, "examples": ["+442079460018"]},
        warn=phones.doubt,
    ),
]
"""One number; with an extension or a relay's prefix where its input has the fields for those (``kernel/phones.py``)."""
PhoneExtension = Annotated[
    str,
    Rule(phones.read_extension, {"type": "string", "maxLength": phones.LONGEST, "examples": ["12"]}),
]


def read_email(value: Any) -> str:
    """A bare mailbox; the domain in lower case and, if international, in its ASCII form."""
    fault = PydanticCustomError(
        "email",
        "Give one e-mail address such as name@example.org, without a name around it, at most 254 long",
    )
    text = _bare(value, 254)
    if not 0 < len(text) <= 254:
        raise fault
    try:
        # The domain .test is allowed, because demonstrations use it. Mailboxes outside ASCII are not: neither
        # GOV.UK Notify nor most mail servers could reach them.
        mailbox = validate_email(
            text, check_deliverability=False, test_environment=True, allow_smtputf8=False
        ).ascii_email
    except (EmailNotValidError, UnicodeError):
        raise fault from None
    if mailbox is None or len(mailbox) > 254:
        raise fault
    return mailbox


Email = Annotated[
    str,
    Rule(
        read_email,
        {"type": "string", "format": "email", "maxLength": 254, "examples": ["name@example.org"]},
    ),
]


# --- numbers of registers ---

_UPRN = re.compile(r"0*([1-9][0-9]*)")
_COMPANY = re.compile(r"[0-9]{1,8}|[A-Z]{2}[0-9]{6}|[A-Z]{2}[0-9]{5}[A-Z]|R[0-9]{7}")


def read_uprn(value: Any) -> str:
    """A Unique Property Reference Number: 1 to 12 digits. Leading zeros go, or one place would have two."""
    text = _bare(value, 12).replace(" ", "")
    if len(text) <= 12 and (found := _UPRN.fullmatch(text)):
        return found[1]
    raise PydanticCustomError("uprn", "Give a UPRN of 1 to 12 digits, as a string")


Uprn = Annotated[
    str, Rule(read_uprn, {"type": "string", "pattern": "^[1-9][0-9]{0,11}$", "examples": ["100023336956"]})
]


def read_company_number(value: Any) -> str:
    """A Companies House number, eight characters: ``445790`` → ``00445790``, ``sc 123456`` → ``SC123456``."""
    text = _bare(value, 16).replace(" ", "").upper()
    if _COMPANY.fullmatch(text) and text.strip("0"):
        return text.zfill(8)
    raise PydanticCustomError("company-number", "Give a Companies House number such as 00445790 or SC123456")


CompanyNumber = Annotated[
    str,
    Rule(read_company_number, {"type": "string", "pattern": "^[0-9A-Z]{8}$", "examples": ["00445790"]}),
]


# --- references and one-time codes ---


def reference(*prefixes: str) -> Rule:
    """A reference as somebody read it out; a mistyped one is told as mistyped: ``Annotated[str, reference("CASE")]``.

    Of several kinds, it must say which it is.
    """

    def read(value: Any) -> str:
        try:
            found = parse_reference(_bare(value, 40), prefixes[0] if len(prefixes) == 1 else None)
        except MistypedReference as mistyped:
            raise PydanticCustomError("mistyped-reference", "{said}", {"said": str(mistyped)}) from None
        if found.partition("-")[0] not in prefixes:
            raise PydanticCustomError(
                "mistyped-reference", "A reference here begins with {kinds}", {"kinds": " or ".join(prefixes)}
            )
        return found

    return Rule(read, {"type": "string", "maxLength": 40 + _PASTED, "examples": [f"{prefixes[0]}-7K3M-Q9XT"]})


CODE_DIGITS = 8


def read_one_time_code(value: Any) -> str:
    """``1234 5678`` → ``12345678``: its digits, whatever stands between them and however wide they are."""
    text = _string(value)
    if len(text) <= CODE_DIGITS + _PASTED:
        text = unicodedata.normalize("NFKC", characters.sound(text))
        digits = "".join(each for each in text if "0" <= each <= "9")
        if len(digits) == CODE_DIGITS:
            return digits
    raise PydanticCustomError(
        "one-time-code", "Enter the eight digits of the code, as they stand in the message that we sent"
    )


OneTimeCode = Annotated[
    str,
    Rule(
        read_one_time_code,
        {"type": "string", "format": "password", "maxLength": CODE_DIGITS + _PASTED, "examples": ["1029 3847"]},
    ),
]


def read_sha256(value: Any) -> str:
    """A SHA-256 as we write it: 64 hexadecimal digits in small letters."""
    text = _bare(value, 64).lower()
    if _SHA256.fullmatch(text) is None:
        raise PydanticCustomError("sha256", "Give the 64 hexadecimal digits of the SHA-256 that you were shown")
    return text


_SHA256 = re.compile(r"[0-9a-f]{64}")
Sha256 = Annotated[
    str,
    Rule(
        read_sha256, {"type": "string", "maxLength": 64 + _PASTED, "examples": ["e3b0c44298fc1c149afbf4c8" + "0" * 40]}
    ),
]


# --- moments, dates and the clock on the wall ---

_YEAR = re.compile(r"[0-9]{4}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WALL = re.compile(rf"{_DATE.pattern}T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?")
_MOMENT = re.compile(
    rf"{_DATE.pattern}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,9}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})",
    re.IGNORECASE,
)
_MOMENT_WANTED = "Give a date and time with its UTC offset as RFC 3339 has it, such as 2026-11-22T08:30:00Z"
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
"""Between these lies every date that can be meant here. What a driver or a database takes for no end of time does not."""
_PLAUSIBLE = "^(?:19|20|21)[0-9]{2}-|^2200-"
_IMPLAUSIBLE = PydanticCustomError(
    "date-range",
    "Give a date from {first} to {last}",
    {"first": FIRST_DAY.isoformat(), "last": LAST_DAY.isoformat()},
)


def _plausible(day: date) -> bool:
    return FIRST_DAY.year <= day.year <= LAST_DAY.year


def _in_utc(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("date-time", _MOMENT_WANTED) from None
    if not _plausible(moment):
        raise _IMPLAUSIBLE
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def read_moment(value: Any) -> datetime:
    """An RFC 3339 string with an offset (or an aware ``datetime`` of our own code) → UTC, milliseconds."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise PydanticCustomError("naive-date-time", _MOMENT_WANTED)
        return _in_utc(value)
    if isinstance(value, str) and len(value) <= 35:
        if _MOMENT.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value.upper())
            except ValueError:
                raise PydanticCustomError("date-time", _MOMENT_WANTED) from None
            return _in_utc(moment)
        if _WALL.fullmatch(value):
            raise PydanticCustomError("naive-date-time", _MOMENT_WANTED)
    raise PydanticCustomError("date-time", _MOMENT_WANTED)


def write_moment(value: datetime) -> str:
    """``2026-11-22T08:30:00.000Z``: the one form in which moments leave."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    Rule(
        read_moment,
        {"type": "string", "format": "date-time", "pattern": _PLAUSIBLE, "examples": ["2026-11-22T08:30:00.000Z"]},
        write_moment,
    ),
]


def read_local_date(value: Any) -> date:
    """A calendar date, ``2026-11-22``; a date with a time is refused, because it would be cut off unseen."""
    day = value if isinstance(value, date) and not isinstance(value, datetime) else None
    if isinstance(value, str) and _DATE.fullmatch(value):
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(value)
    if day is None:
        raise PydanticCustomError("date", "Give a date that exists, such as 2026-11-22, without a time")
    if not _plausible(day):
        raise _IMPLAUSIBLE
    return day


def read_year_or_day(value: Any) -> str:
    """``2007`` or ``2007-03-31``: sources often know the year only."""
    text = _bare(value, 10)
    if _YEAR.fullmatch(text):
        read_local_date(f"{text}-01-01")
        return text
    if _DATE.fullmatch(text):
        return read_local_date(text).isoformat()
    raise PydanticCustomError("year-or-day", "Give a year such as 2007, or a day such as 2007-03-31")


LocalDate = Annotated[
    date,
    Rule(
        read_local_date,
        {"type": "string", "format": "date", "pattern": _PLAUSIBLE, "examples": ["2026-11-22"]},
        date.isoformat,
    ),
]


YearOrDay = Annotated[
    str,
    Rule(
        read_year_or_day,
        {"type": "string", "pattern": "^(?:19|20|21)[0-9]{2}(?:-|$)|^2200(?:-|$)", "examples": ["2007", "2007-03-31"]},
    ),
]


def read_wall_time(value: Any) -> datetime:
    """What a clock on the wall shows (``2026-11-22T08:30``, naive), or a moment with its offset (in UTC)."""
    wall = value if isinstance(value, datetime) else None
    if isinstance(value, str) and len(value) <= 35:
        if not _WALL.fullmatch(value):
            return read_moment(value)
        with contextlib.suppress(ValueError):
            wall = datetime.fromisoformat(value)
    if wall is None:
        raise PydanticCustomError("date-time", "Give a local time such as 2026-11-22T08:30, or with a UTC offset")
    if wall.utcoffset() is not None:
        return _in_utc(wall)
    if not _plausible(wall):
        raise _IMPLAUSIBLE
    return wall


# For input models only: a naive value has no column; `resolve_local` makes it a moment.
WallTime = Annotated[
    datetime,
    Rule(
        read_wall_time,
        {"type": "string", "pattern": _PLAUSIBLE, "examples": ["2026-11-22T08:30", "2026-11-22T08:30:00Z"]},
        lambda value: write_moment(value) if value.utcoffset() is not None else value.isoformat(),
    ),
]


def resolve_local(value: datetime | str, zone: str = "Europe/London") -> datetime:
    """The moment (UTC) at which the clocks at the site show ``value``; one with an offset is taken as it is.

    Raises LocalTimeDoesNotExist in the hour that spring leaves out and LocalTimeAmbiguous in the one that
    autumn repeats: a guess would send somebody to a visit at the wrong hour. A string that is no time at all
    raises the ValueError of ``WallTime``.
    """
    wall = read_wall_time(value)
    if wall.utcoffset() is not None:
        return _in_utc(wall)
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return _in_utc(first)
    # The way to UTC and back returns the same wall time, except in a gap, where there is no such wall time.
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None) != wall:
        raise LocalTimeDoesNotExist(
            "The clocks go forward over this time that day. Choose an earlier or a later time.", zone=zone
        )
    offsets = [moment.isoformat()[-6:] for moment in (first, second)]
    raise LocalTimeAmbiguous(
        f"The clocks show this time twice that day. Send it with its offset: {' or '.join(offsets)}.",
        zone=zone,
        offsets=offsets,
    )
