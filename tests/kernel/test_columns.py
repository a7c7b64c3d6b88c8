"""The kinds of value: what they take, what they make of it, and what they say when they refuse."""

import sys
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import registry
from sqlalchemy.schema import CreateTable
from sqlmodel import Field, SQLModel

from casework.kernel.characters import clear
from casework.kernel.columns import (
    CompanyNumber,
    Email,
    LocalDate,
    Moment,
    OneTimeCode,
    Phone,
    PhoneExtension,
    Postcode,
    Uprn,
    WallTime,
    YearOrDay,
    code,
    line,
    prose,
    reference,
    resolve_local,
    secret,
)
from casework.kernel.problems import LocalTimeAmbiguous, LocalTimeDoesNotExist

MARKS = [
    *"\t\n\r\x0b\x0c\x85\u00a0\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f",
    *"\u2060\u2066\u2067\u2068\u2069\u3000\ufeff\ufe0f", "\r\n",
]  # fmt: skip
"""What is pasted along with a value and draws nothing."""
ShortLine = Annotated[str, line(20)]
LongText = Annotated[str, prose(10_000)]


def taken(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refused(kind: Any, value: Any) -> str:
    """The code of the refusal."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    return error["type"]


@pytest.mark.parametrize("kind", [ShortLine, Postcode, Phone, Email, Uprn, CompanyNumber, Moment, LocalDate, WallTime])
def test_no_refusal_hands_back_what_was_sent(kind: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python("hunter2 is my\x00 secret")
    assert "hunter2" not in repr(caught.value.errors(include_input=False))


# --- lines and prose ---


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("  The Tate \r\n", "The Tate"),
        ("\ufeffTate\u200b", "Tate"),
        ("Cafe\u0301", "Café"),
        ("<script>alert(1)", "<script>alert(1)"),
        ("{{7*7}}", "{{7*7}}"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("دار", "دار"),
        ("\u202aThe Tate\u202c", "The Tate"),
        ("\u200eThe Tate\u2069\x0b", "The Tate"),
        ("Ma\u00adson\u2060 House", "Mason House"),
        ("نمی\u200cخواهم", None),
        ("🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", None),
        ("a" * 20, "a" * 20),
        ("e\u0301" * 20, "é" * 20),
    ],
)
def test_a_line_is_stored_as_written_but_for_its_edges_and_form(sent: str, stored: str | None) -> None:
    assert taken(ShortLine, sent) == (stored or sent)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("a\x00b", "control-character"),
        ("ab\x00", "control-character"),
        ("ab\x1f", "control-character"),
        ("a\x85b", "control-character"),
        ("two\nlines", "control-character"),
        ("two\u2028lines", "control-character"),
        ("two\rlines", "control-character"),
        ("two\x0blines", "control-character"),
        ("a\x9fb", "control-character"),
        ("a\ufffeb", "not-a-character"),
        ("\ufdd0", "not-a-character"),
        ("a\U0010ffff", "not-a-character"),
        ("\u202eeno", "direction-override"),
        ("a\tb", "control-character"),
        ("\ud800x", "lone-surrogate"),
        ("a\u202eb", "direction-override"),
        ("a\u2066b", "direction-override"),
        ("", "blank"),
        (" \u200b\u00a0\u2060", "blank"),
        ("\u200d\u00ad\ufe0f", "blank"),
        ("\u3164", "blank"),
        ("\u2800", "blank"),
        ("\u0301", "blank"),
        ("a" * 21, "too-long"),
        ("é" * 21, "too-long"),
        ("a" * 10_000_000, "too-long"),
        ("a" + "\u0301" * 31, "too-many-marks"),
        ("\u0301a" * 9 + "\u0316\u0301" * 16, "too-many-marks"),
        (7, "string_type"),
        (True, "string_type"),
        (b"abc", "string_type"),
    ],
)
def test_what_a_line_refuses(sent: object, code: str) -> None:
    assert refused(ShortLine, sent) == code


@pytest.mark.parametrize("sent", ["no_capac\u00edty", "no_capaci\u0301ty", "n\u043e_capacity", "\U0001f512"])
def test_no_code_of_a_list_has_other_letters_than_those_of_ascii(sent: str) -> None:
    assert refused(Annotated[str, code(60)], sent) == "not-a-code"
    assert TypeAdapter(Annotated[str, code(60)]).validate_python("\u200bno_capacity\u00a0\n") == "no_capacity"


def test_a_wall_of_accents_is_refused_before_it_costs_time() -> None:
    assert refused(LongText, "a" + "\u0301" * 15_000 + "\u0316" * 15_000) == "too-many-marks"


@given(before=st.integers(0, 70), run=st.integers(28, 34), after=st.integers(0, 70))
def test_thirty_marks_may_stand_in_a_row_wherever_they_stand(before: int, run: int, after: int) -> None:
    text = "e\u0301" * before + "o" + "\u0316" * run + "u\u0308" * after
    if run > 30:
        assert refused(LongText, text) == "too-many-marks"
    else:
        assert taken(LongText, text) == unicodedata.normalize("NFC", text)


def test_prose_keeps_its_lines_and_tabs() -> None:
    assert taken(LongText, "one\r\n\ttwo\u2028three\n") == "one\n\ttwo\nthree"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\n"], ids=ascii)
def test_a_line_of_prose_ends_with_lf_however_it_came(end: str) -> None:
    assert taken(LongText, f"{end}one{end}{end}two – é{end}") == "one\n\ntwo – é"
    assert taken(LongText, f"one{end}two") == "one\ntwo"
    assert taken(Annotated[str, prose(7)], f"one{end}two{end}") == "one\ntwo"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("a\x00b", "control-character"),
        ("a\x1cb", "control-character"),
        ("a\u202eb", "direction-override"),
        ("one\r\n\u2067two", "direction-override"),
        ("a\ud800", "lone-surrogate"),
        ("a\uffff", "not-a-character"),
        ("\n\n", "blank"),
        ("\r\n\x0b\u2029", "blank"),
        ("x" * 10_001, "too-long"),
    ],
)
def test_what_prose_refuses(sent: str, code: str) -> None:
    assert refused(LongText, sent) == code


@given(st.text(max_size=60))
def test_what_a_line_gives_out_it_takes_again_unchanged(sent: str) -> None:
    try:
        stored = taken(ShortLine, sent)
    except ValidationError:
        return
    assert taken(ShortLine, stored) == stored
    assert stored.encode()
    assert "\x00" not in stored


def test_the_contract_tells_the_length() -> None:
    assert TypeAdapter(ShortLine).json_schema() == {"type": "string", "minLength": 1, "maxLength": 20}


# --- postcodes ---


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("sw1a1aa", "SW1A 1AA"),
        ("SW1A  1AA", "SW1A 1AA"),
        ("ＳＷ１Ａ　１ＡＡ", "SW1A 1AA"),
        (" m1 1ae ", "M1 1AE"),
        ("B33 8TH", "B33 8TH"),
        ("CR26XH", "CR2 6XH"),
        ("DN55 1PT", "DN55 1PT"),
        ("W1A 0AX", "W1A 0AX"),
        ("EC1A 1BB", "EC1A 1BB"),
        ("BT3 9EP", "BT3 9EP"),
        ("JE2 3AB", "JE2 3AB"),
        ("GY1 1WG", "GY1 1WG"),
        ("IM1 3LY", "IM1 3LY"),
        ("BH19 2 LJ", "BH19 2LJ"),
        ("SW1A\n1AA", "SW1A 1AA"),
        ("\u200eSW1A\u00a01AA\t", "SW1A 1AA"),
        ("SW1A\u200b 1\u00adAA\ufeff", "SW1A 1AA"),
    ],
)
def test_a_postcode_has_one_spelling(sent: str, stored: str) -> None:
    assert taken(Postcode, sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "SW1A 1A",
        "SW1A",
        "QQ1 1QQ",
        "ZZ99 3CZ",
        "SW1A 1AC",
        "SW1I 1AA",
        "1AA SW1A",
        "SW1A 1AA1",
        "SW1A\x001AA",
        "SW1A-1AA",
        "ＱＱ１ １ＱＱ",
        "SW1٣ 1AA",
        "",
        "S" * 1000,
    ],
)
def test_what_is_no_postcode_is_told(sent: str) -> None:
    assert refused(Postcode, sent) == "postcode"


# --- telephone, e-mail, registers ---


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("020 7946 0018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("0044 20 7946 0018", "+442079460018"),
        ("(020) 7946-0018", "+442079460018"),
        ("０２０ 7946 0018", "+442079460018"),
        ("0800 789 321", "+44800789321"),
        ("0845 123 4567", "+448451234567"),
        ("07911 123456", "+447911123456"),
        ("01481 717000", "+441481717000"),
        ("+353 1 679 6999", "+35316796999"),
        ("020 7946 0018\r\n", "+442079460018"),
        ("\u202a020 7946 0018\u202c", "+442079460018"),
        ("\u2068+44\u2069 20\u00a07946\t0018", "+442079460018"),
        ("02\u200b0 79\u00ad46 \u200e0018\ufeff", "+442079460018"),
        ("tel:+442079460018", "+442079460018"),
        ("04012 345678", "+444012345678"),  # of no range that is known
        ("+44 7999 999999", "+447999999999"),
    ],
)
def test_a_telephone_number_is_kept_in_its_international_form(sent: str, stored: str) -> None:
    assert taken(Phone, sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "01134960123",
        "01144960123",
        "01154960123",
        "01164960123",
        "01174960123",
        "01184960123",
        "01214960123",
        "01314960123",
        "01414960123",
        "01514960123",
        "01614960123",
        "01914980123",
        "02079460123",
        "02896496123",
        "02920180123",
        "01632960123",
        "07700900123",
        "08081570123",
        "03069990123",
    ],
)
def test_the_numbers_that_ofcom_keeps_for_drama_are_allowed(sent: str) -> None:
    assert taken(Phone, sent) == "+44" + sent[1:]


@pytest.mark.parametrize(
    "sent",
    [
        "101",
        "999",
        "0909 879 0123",
        "0900 123 4567",
        "+44 909 879 0123",
        "+1 900 234 5678",
        "0800 FLOWERS",
        "020 7946 0018 ext 12",  # where there is no field for it
        "18001 01632 960123",
        "020 7946",
        "07700 901",
        "tel:+442079460018;ext=1",
        "٠٢٠ ٧٩٤٦ ٠٠١٨",
        "0" * 5000,
        "",
    ],
)
def test_what_is_no_ordinary_telephone_number_is_told(sent: str) -> None:
    assert refused(Phone, sent) == "phone"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("A.Person@EXAMPLE.Org", "A.Person@example.org"),
        (" desk@museum.test ", "desk@museum.test"),
        ("desk@museum.test\r\n", "desk@museum.test"),
        ("\u2068desk@\u200bmuseum.test\u2069\u00a0", "desk@museum.test"),
        ("de\u00adsk\t@museum\u2060.test", "desk@museum.test"),
        ("o'neill+ct@example.co.uk", "o'neill+ct@example.co.uk"),
        ("desk@tŷ.cymru", "desk@xn--t-foa.cymru"),
    ],
)
def test_an_e_mail_address_keeps_its_mailbox_and_has_its_domain_in_lower_case(sent: str, stored: str) -> None:
    assert taken(Email, sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "a@example.org\r\nBcc: b@example.org",
        "a@@example.org",
        "a@b@example.org",
        "A Person <a@example.org>",
        "<a@example.org>",
        "a@localhost",
        "a@[127.0.0.1]",
        '"a b"@example.org',
        "ä@example.org",
        "a @example.org",
        "a\x00@example.org",
        "a\ud800@example.org",
        "a@example.org, b@example.org",
        "a" * 243 + "@example.org",
        "",
    ],
)
def test_what_is_not_one_plain_address_is_told(sent: str) -> None:
    assert refused(Email, sent) == "email"


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        (Uprn, "100023336956", "100023336956"),
        (Uprn, "000010001234", "10001234"),
        (Uprn, "1", "1"),
        (Uprn, "1\n", "1"),
        (Uprn, "1000 2333\u00a06956", "100023336956"),
        (CompanyNumber, "\u200e445790\u00a0\r\n", "00445790"),
        (CompanyNumber, "SC\u200d123\u200c456", "SC123456"),
        (CompanyNumber, "445790", "00445790"),
        (CompanyNumber, "sc 123456", "SC123456"),
        (CompanyNumber, "OE000001", "OE000001"),
        (CompanyNumber, "IP12345R", "IP12345R"),
        (CompanyNumber, "R0000123", "R0000123"),
    ],
)
def test_a_register_number_has_one_spelling(kind: Any, sent: str, stored: str) -> None:
    assert taken(kind, sent) == stored


@pytest.mark.parametrize("sent", ["", "0", "1234567890123", "12a", "-1", "1.0", "١٢٣", "1\x00"])
def test_what_is_no_uprn_is_told(sent: str) -> None:
    assert refused(Uprn, sent) == "uprn"


@pytest.mark.parametrize("sent", ["", "00000000", "123456789", "SC12345", "S1234567", "SC1234567", "¹²³"])
def test_what_is_no_company_number_is_told(sent: str) -> None:
    assert refused(CompanyNumber, sent) == "company-number"


@pytest.mark.parametrize("kind", [Postcode, Phone, Email, Uprn, CompanyNumber])
@pytest.mark.parametrize("sent", [7, True, 7.5, None, ["x"], b"x"])
def test_nothing_but_a_string_is_read_as_one(kind: Any, sent: object) -> None:
    assert refused(kind, sent) == "string_type"


# --- moments and dates ---


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-11-22T08:30:00Z", "2026-11-22T08:30:00.000Z"),
        ("2026-06-01T09:30:00+01:00", "2026-06-01T08:30:00.000Z"),
        ("2026-11-22t08:30:00.123987z", "2026-11-22T08:30:00.123Z"),
        ("2026-11-22T08:30:00.1-00:00", "2026-11-22T08:30:00.100Z"),
    ],
)
def test_a_moment_is_kept_in_utc_and_milliseconds(sent: str, stored: str) -> None:
    kind = TypeAdapter(Moment)
    moment = kind.validate_json(f'"{sent}"')
    assert moment.tzinfo is UTC
    assert kind.dump_python(moment, mode="json") == stored


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("2026-11-22T08:30:00", "naive-date-time"),
        ("2026-11-22T08:30", "naive-date-time"),
        (datetime(2026, 11, 22, 8, 30), "naive-date-time"),  # noqa: DTZ001 — the very thing to be refused
        (1700000000, "date-time"),
        ("1700000000", "date-time"),
        (1.5, "date-time"),
        ("2026-11-22", "date-time"),
        ("2026-11-22 08:30:00Z", "date-time"),
        ("20261122T083000Z", "date-time"),
        ("2026-02-30T08:30:00Z", "date-time"),
        ("2026-11-22T24:00:01Z", "date-time"),
        ("2026-11-22T08:30:60Z", "date-time"),
        ("2026-11-22T08:30:00+25:00", "date-time"),
        ("0001-01-01T00:00:00+14:00", "date-time"),
        ("0001-01-01T00:00:00Z", "date-range"),
        ("1899-12-31T23:59:59.999Z", "date-range"),
        ("2201-01-01T00:00:00Z", "date-range"),
        ("2200-12-31T23:30:00-01:00", "date-range"),
        ("9999-12-31T23:59:59Z", "date-range"),
        (datetime.max.replace(tzinfo=UTC), "date-range"),
        ("٢٠٢٦-11-22T08:30:00Z", "date-time"),
        ("2026-W47-7T08:30:00Z", "date-time"),
        (True, "date-time"),
        (None, "date-time"),
    ],
)
def test_what_is_no_moment_is_told(sent: object, code: str) -> None:
    assert refused(Moment, sent) == code


def test_our_own_code_may_hand_over_aware_moments() -> None:
    summer = timezone(timedelta(hours=1))
    assert taken(Moment, datetime(2026, 6, 1, 9, 30, tzinfo=summer)) == datetime(2026, 6, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "sent", ["2026-02-30", "2026-11-22T00:00:00Z", "20261122", "22/11/2026", "2026-11-2", 20261122, True, None]
)
def test_what_is_no_calendar_date_is_told(sent: object) -> None:
    assert refused(LocalDate, sent) == "date"


@pytest.mark.parametrize("sent", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31", date.min, date.max])
def test_a_date_that_nobody_can_mean_is_told(sent: object) -> None:
    assert refused(LocalDate, sent) == "date-range"


@pytest.mark.parametrize("sent", ["1900-01-01", "2200-12-31"])
def test_the_first_and_the_last_day_are_taken(sent: str) -> None:
    assert taken(LocalDate, sent).isoformat() == sent
    assert taken(WallTime, f"{sent}T23:59") == datetime.fromisoformat(f"{sent}T23:59")
    assert taken(Moment, f"{sent}T00:00:00Z").date().isoformat() == sent


@pytest.mark.parametrize(
    ("sent", "code"),
    [("1899", "date-range"), ("2201", "date-range"), ("0001-01-01", "date-range"), ("2007-02-30", "date"),
     ("207", "year-or-day"), ("2007-03", "year-or-day"), ("٢٠٠٧", "year-or-day"), ("2007-03-31T00:00", "year-or-day")],
)  # fmt: skip
def test_what_is_no_year_or_day_is_told(sent: str, code: str) -> None:
    assert refused(YearOrDay, sent) == code
    assert (taken(YearOrDay, " 2007\n"), taken(YearOrDay, "2007-03-31")) == ("2007", "2007-03-31")


def test_a_calendar_date_stays_as_it_is() -> None:
    assert taken(LocalDate, "2028-02-29") == date(2028, 2, 29)
    assert TypeAdapter(LocalDate).dump_python(date(2028, 2, 29), mode="json") == "2028-02-29"


# --- the clock on the wall ---


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("2026-01-15T09:30", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("2026-07-15T09:30", datetime(2026, 7, 15, 8, 30, tzinfo=UTC)),
        ("2026-03-29T00:59", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("2026-03-29T02:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-10-25T00:59:59.999", datetime(2026, 10, 24, 23, 59, 59, 999000, tzinfo=UTC)),
        ("2026-10-25T02:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("2026-10-25T01:30:00+01:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T01:30:00+00:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_time_at_the_site_becomes_a_moment(wall: str, moment: datetime) -> None:
    assert resolve_local(wall) == moment
    assert resolve_local(taken(WallTime, wall)) == moment


@pytest.mark.parametrize("wall", ["2026-03-29T01:00", "2026-03-29T01:30", "2026-03-29T01:59:59.999"])
def test_a_time_in_the_hour_that_spring_leaves_out_is_refused(wall: str) -> None:
    with pytest.raises(LocalTimeDoesNotExist) as caught:
        resolve_local(wall)
    assert caught.value.status == 422
    assert "01:" not in caught.value.detail


@pytest.mark.parametrize("wall", ["2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T01:59:59.999"])
def test_a_time_in_the_hour_that_autumn_repeats_needs_its_offset(wall: str) -> None:
    with pytest.raises(LocalTimeAmbiguous) as caught:
        resolve_local(wall)
    assert caught.value.document()["offsets"] == ["+01:00", "+00:00"]
    first, second = (resolve_local(f"{wall[:16]}:00{offset}") for offset in caught.value.extensions["offsets"])
    assert second - first == timedelta(hours=1)


@pytest.mark.parametrize("sent", ["2026-11-22", "half past nine", "2026-13-01T09:30", 930, None])
def test_what_is_no_wall_time_is_told(sent: object) -> None:
    assert refused(WallTime, sent) == "date-time"


@pytest.mark.parametrize("sent", ["0001-01-01T00:00", "9999-12-31T23:59", "1899-12-31T12:00:00Z", "2201-01-01T00:00"])
def test_a_wall_time_that_nobody_can_mean_is_told(sent: str) -> None:
    assert refused(WallTime, sent) == "date-range"


# --- one-time codes, references, look-ups, passwords ---


@pytest.mark.parametrize(
    "sent",
    ["12345678", "1234 5678", "1234-5678", "1234\u20115678\r\n", "１２３４５６７８", "12\t34\u00a056\u200b78", "\u202a12345678\u202c",
     "Code: 12345678."],
)  # fmt: skip
def test_a_one_time_code_keeps_its_digits(sent: str) -> None:
    assert taken(OneTimeCode, sent) == "12345678"


@pytest.mark.parametrize("sent", ["", "1234567", "123456789", "١٢٣٤٥٦٧٨", "abcdefgh", "1" * 100, "\n"])
def test_a_one_time_code_is_asked_for_in_words(sent: str) -> None:
    with pytest.raises(ValidationError) as caught:
        taken(OneTimeCode, sent)
    (error,) = caught.value.errors()
    assert (error["type"], "eight digits" in error["msg"]) == ("one-time-code", True)
    assert "[0-9]" not in error["msg"]


def test_what_draws_nothing_is_what_unicode_says_so_of() -> None:
    drawn = [chr(each) for each in range(sys.maxunicode + 1) if not 0xD800 <= each <= 0xDFFF]
    nothing = {each for each in drawn if clear(f"a{each}b") == "ab"}
    said = {each for each in drawn if unicodedata.category(each) in ("Cf", "Zs", "Zl", "Zp")} - {" "}
    assert nothing == said | set("\t\n\r\x0b\x0c\x85\u034f") | {chr(each) for each in range(0xFE00, 0xFE10)}


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        (Postcode, "DE4 3NA", "DE4 3NA"),
        (Phone, "01632 960123", "+441632960123"),
        (Email, "ana@hall.example", "ana@hall.example"),
        (Uprn, "100023336956", "100023336956"),
        (CompanyNumber, "SC123456", "SC123456"),
        (OneTimeCode, "12345678", "12345678"),
        (PhoneExtension, "4321", "4321"),
        (Annotated[str, reference("ENQ")], "ENQ-7K3M-Q9XT", "ENQ-7K3M-Q9XT"),
        (Annotated[str, code(60)], "no_capacity", "no_capacity"),
    ],
)
def test_what_draws_nothing_is_taken_off_where_the_alphabet_is_closed(
    kind: Any, typed: str, stored: str, mark: str
) -> None:
    for place in (0, 3, len(typed)):
        assert taken(kind, typed[:place] + mark + typed[place:]) == stored
    assert taken(kind, mark + mark.join(typed) + mark) == stored


def test_a_password_is_taken_as_it_is_or_not_at_all() -> None:
    password = Annotated[str, secret(12, 20)]
    assert taken(password, " tab\tand \u202eblank ") == " tab\tand \u202eblank "
    assert [refused(password, each) for each in ("short", "x" * 21, "x" * 12 + "\x00", "x" * 12 + "\ud800")] == [
        "length", "length", "control-character", "lone-surrogate",
    ]  # fmt: skip


# --- as columns ---


# A registry of its own, or the table would count as one of the service's.
class Apart(SQLModel, registry=registry()):
    pass


class Facts(Apart):
    name: ShortLine
    note: LongText | None = None
    postcode: Postcode | None = None
    phone: Phone | None = None
    email: Email
    uprn: Uprn | None = None
    at: Moment
    until: Moment | None = None
    due: LocalDate | None = None


class KindsOfColumn(Facts, table=True):
    id: int = Field(primary_key=True)


def test_every_text_is_a_column_without_a_length_and_every_moment_one_with_its_zone() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    ddl = str(CreateTable(Apart.metadata.tables["kindsofcolumn"]).compile(dialect=dialect))
    assert "kindsofcolumn" not in SQLModel.metadata.tables
    columns = dict(line.strip().rstrip(",").split(" ", 1) for line in ddl.splitlines() if line.startswith("\t"))
    assert columns["name"] == "TEXT NOT NULL"
    assert columns["note"] == columns["postcode"] == columns["phone"] == columns["uprn"] == "TEXT"
    assert columns["email"] == "TEXT NOT NULL"
    assert columns["at"] == "TIMESTAMP WITH TIME ZONE NOT NULL"
    assert columns["until"] == "TIMESTAMP WITH TIME ZONE"
    assert columns["due"] == "DATE"


def test_a_facts_class_reads_with_the_same_rules() -> None:
    facts = Facts.model_validate(
        {"name": " Tate ", "email": "A@EXAMPLE.org", "at": "2026-11-22T08:30:00Z", "postcode": "sw1a1aa"}
    )
    assert (facts.name, facts.postcode, facts.note) == ("Tate", "SW1A 1AA", None)
    assert facts.model_dump(mode="json")["at"] == "2026-11-22T08:30:00.000Z"
    with pytest.raises(ValidationError):
        Facts.model_validate({"name": "\u200b", "email": "a@example.org", "at": "2026-11-22T08:30:00Z"})
