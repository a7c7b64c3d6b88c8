"""The kinds of value that a person states: lines, prose, postcodes, telephone numbers, moments and so on.

Each kind is an ``Annotated`` type, so one declaration serves a facts class, an input model and a column. What
comes out is canonical (one spelling per thing), or the caller is told what would be right. No message repeats
what was sent: it may be a secret, or hostile to whoever reads the log.
"""

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

from casework.kernel.problems import LocalTimeAmbiguous, LocalTimeDoesNotExist


@dataclass(frozen=True, eq=False)
class Rule:
    """How one kind of value is read, described in the contract, and written into JSON.

    Our own marker rather than Pydantic's constraints: SQLModel turns ``max_length`` into VARCHAR(n), and that
    only on fields that are not nullable, so the same kind would have two column types.
    """

    read: Callable[[Any], Any]
    contract: Mapping[str, Any]
    write: Callable[[Any], str] | None = None

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


# --- text ---

_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and symbols by category that nevertheless draw nothing: Hangul and Khmer fillers, Braille blank.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# What clings to pasted text. Not Python's strip(), which would also swallow the controls U+001C to U+001F.
_EDGES = " \t\r\n\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff\u2060"
_EDGES += "".join(map(chr, range(0x2000, 0x200C)))
_MARKS = 30  # UAX #15, "stream-safe text": no language stacks more marks upon a letter
_DECOMPOSED = 4  # the most code points that NFC joins into one


def _fault_of(character: str, category: str, lines: bool) -> PydanticCustomError | None:
    if category == "Cs":
        return PydanticCustomError("lone-surrogate", "Send well-formed Unicode: a surrogate stands alone")
    if (category == "Cc" and not (lines and character in "\t\n")) or (category in ("Zl", "Zp") and not lines):
        wanted = "Use lines of plain text" if lines else "Use one line of plain text, without tabs"
        return PydanticCustomError("control-character", wanted)
    if character in _DIRECTION:
        return PydanticCustomError("direction-override", "Leave out what turns the direction of writing")
    return None


def _is_visible(character: str, category: str) -> bool:
    return (category[0] in "LNPS" and character not in _BLANK) or category in ("Co", "Cn")


def _inspect(text: str, lines: bool) -> None:
    """Refuse what no text may hold, and text in which nothing is to be seen."""
    # Most texts are of printable ASCII, where nothing can be wrong but blankness.
    plain = text.replace("\n", " ").replace("\t", " ") if lines else text
    if plain.isascii() and plain.isprintable() and not plain.isspace() and plain:
        return
    kinds = {character: unicodedata.category(character) for character in text}
    for character, category in kinds.items():
        if fault := _fault_of(character, category, lines):
            raise fault
    if not any(_is_visible(*kind) for kind in kinds.items()):
        raise PydanticCustomError("blank", "Write something that can be seen")
    # NFC sorts a run of marks in quadratic time, so a long run would be a way to stop the service.
    marks = 0
    for character in "" if text.isascii() else text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MARKS:
            raise PydanticCustomError("too-many-marks", "Put fewer accents upon one letter")


def _text_reader(max_length: int, lines: bool) -> Callable[[Any], str]:
    limit = {"max_length": max_length}
    too_long = PydanticCustomError("too-long", "Use at most {max_length} characters", limit)

    def read(value: Any) -> str:
        text = _string(value).strip(_EDGES)
        if lines:
            text = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
        if len(text) > _DECOMPOSED * max_length:  # too long whatever NFC makes of it: don't spend time on it
            raise too_long
        _inspect(text, lines)
        text = unicodedata.normalize("NFC", text)
        if len(text) > max_length:
            raise too_long
        return text

    return read


def line(max_length: int) -> Rule:
    """One visible line, ``max_length`` characters at most after NFC: ``Annotated[str, line(200)]``."""
    return Rule(_text_reader(max_length, False), {"type": "string", "minLength": 1, "maxLength": max_length})


def prose(max_length: int) -> Rule:
    """Several lines (LF), ``max_length`` characters at most after NFC: ``Annotated[str, prose(4000)]``."""
    return Rule(_text_reader(max_length, True), {"type": "string", "minLength": 1, "maxLength": max_length})


Line = Annotated[str, line(200)]
Text = Annotated[str, prose(10_000)]


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
    text = _string(value)
    if len(text) <= 32:
        text = unicodedata.normalize("NFKC", text).replace(" ", "").upper()
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

_DIALLED = re.compile(r"\+?[0-9 ().\-\u2010-\u2015/]{3,39}")
# Ofcom keeps these numbers free for drama; phonenumbers refuses some of them, but a demonstration must not be
# able to ring anybody. (Its 0909 8790xxx are left out: premium numbers are refused.)
_DRAMA = re.compile(
    r"\+44(?:1632960|7700900|8081570|3069990|2079460|2890180|2896496|2920180|1914980"
    r"|1(?:1[3-8]|21|31|41|51|61)4960)[0-9]{3}"
)


def read_phone(value: Any) -> str:
    """``020 7946 0018`` → ``+442079460018`` (E.164; a number without a country is taken as British)."""
    import phonenumbers  # at the first number: most of what a process reads has none, and it takes 4 MB

    fault = PydanticCustomError(
        "phone", "Give a telephone number such as 020 7946 0018 or +44 20 7946 0018, without an extension"
    )
    text = _string(value)
    if len(text) > 40 or not _DIALLED.fullmatch(text := unicodedata.normalize("NFKC", text).strip(" ")):
        raise fault
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        raise fault from None
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = phonenumbers.number_type(number)  # which it knows of valid numbers only: to ask both would look twice
    if not (kind != phonenumbers.PhoneNumberType.UNKNOWN or _DRAMA.fullmatch(dialled)):
        raise fault
    # The library counts Britain's 084 and 087 as premium too, but businesses do answer those.
    premium = kind == phonenumbers.PhoneNumberType.PREMIUM_RATE
    if dialled.startswith("+449") if number.country_code == 44 else premium:
        raise PydanticCustomError("phone", "Give a number at an ordinary rate, not at a premium rate")
    return dialled


Phone = Annotated[
    str,
    Rule(read_phone, {"type": "string", "pattern": "^[+][1-9][0-9]{4,14}$", "examples": ["+442079460018"]}),
]


def read_email(value: Any) -> str:
    """A bare mailbox; the domain in lower case and, if international, in its ASCII form."""
    fault = PydanticCustomError(
        "email",
        "Give one e-mail address such as name@example.org, without a name around it, at most 254 long",
    )
    text = _string(value).strip(" ")
    if len(text) > 254:
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
    text = _string(value).strip(" ")
    if len(text) <= 12 and (found := _UPRN.fullmatch(text)):
        return found[1]
    raise PydanticCustomError("uprn", "Give a UPRN of 1 to 12 digits, as a string")


Uprn = Annotated[
    str, Rule(read_uprn, {"type": "string", "pattern": "^[1-9][0-9]{0,11}$", "examples": ["100023336956"]})
]


def read_company_number(value: Any) -> str:
    """A Companies House number, eight characters: ``445790`` → ``00445790``, ``sc 123456`` → ``SC123456``."""
    text = _string(value)
    if len(text) <= 16 and _COMPANY.fullmatch(text := text.replace(" ", "").upper()) and text.strip("0"):
        return text.zfill(8)
    raise PydanticCustomError("company-number", "Give a Companies House number such as 00445790 or SC123456")


CompanyNumber = Annotated[
    str,
    Rule(read_company_number, {"type": "string", "pattern": "^[0-9A-Z]{8}$", "examples": ["00445790"]}),
]


# --- moments, dates and the clock on the wall ---

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WALL = re.compile(rf"{_DATE.pattern}T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?")
_MOMENT = re.compile(
    rf"{_DATE.pattern}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,9}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})",
    re.IGNORECASE,
)
_MOMENT_WANTED = "Give a date and time with its UTC offset as RFC 3339 has it, such as 2026-11-22T08:30:00Z"


def _in_utc(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("date-time", _MOMENT_WANTED) from None
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
                return _in_utc(datetime.fromisoformat(value.upper()))
            except ValueError:
                raise PydanticCustomError("date-time", _MOMENT_WANTED) from None
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
        {"type": "string", "format": "date-time", "examples": ["2026-11-22T08:30:00.000Z"]},
        write_moment,
    ),
]


def read_local_date(value: Any) -> date:
    """A calendar date, ``2026-11-22``; a date with a time is refused, because it would be cut off unseen."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date", "Give a date that exists, such as 2026-11-22, without a time")


LocalDate = Annotated[
    date,
    Rule(read_local_date, {"type": "string", "format": "date", "examples": ["2026-11-22"]}, date.isoformat),
]


def read_wall_time(value: Any) -> datetime:
    """What a clock on the wall shows (``2026-11-22T08:30``, naive), or a moment with its offset (in UTC)."""
    if isinstance(value, datetime):
        return value if value.utcoffset() is None else _in_utc(value)
    if isinstance(value, str) and len(value) <= 35:
        if not _WALL.fullmatch(value):
            return read_moment(value)
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date-time", "Give a local time such as 2026-11-22T08:30, or with a UTC offset")


# For input models only: a naive value has no column; `resolve_local` makes it a moment.
WallTime = Annotated[
    datetime,
    Rule(
        read_wall_time,
        {"type": "string", "examples": ["2026-11-22T08:30", "2026-11-22T08:30:00Z"]},
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
