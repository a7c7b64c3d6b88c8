"""Telephone numbers as people write them: number, extension and relay in three fields; what is possible is taken."""

import re
from typing import Annotated, Any

import phonenumbers
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlmodel import SQLModel

from casework.app import routers
from casework.kernel import phones
from casework.kernel.columns import Phone, PhoneExtension, Rule
from casework.kernel.doubts import doubts_of
from casework.kernel.inputs import Input, Truth, amendment
from casework.kernel.pointers import models_in


class Facts(SQLModel):
    """Somebody with a telephone."""

    name: str = "Jo"
    phone: Phone | None = None
    phone_extension: PhoneExtension | None = None
    relay: Truth = False


class Stated(Facts, Input):
    """Somebody new."""


Amended = amendment("Amended", Facts)
BARE = "01632 960123"


def parts(**stated: Any) -> tuple[Any, Any, Any]:
    read = Stated.model_validate(stated)
    return read.phone, read.phone_extension, read.relay


def faults(model: type[BaseModel], stated: dict[str, Any]) -> list[tuple[Any, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(stated)
    return [(error["loc"], error["type"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    "behind",
    ["ext 12", " ext 12", " ext. 12", " Ext.12", "x12", " x 12", " extension 12", ", extension: 12", ";ext=12", "#12", " # 12",
     " (ext 12)", " extn 12", " est 12", " e\u200bxt\u00a01\u20602", " ext 12\r\n", "\u202c ext 12", " ｅｘｔ １２"],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "18001 ", "18002-", "(18001) ", "\u202a"])
def test_an_extension_and_a_relay_stand_in_fields_of_their_own(before: str, behind: str) -> None:
    assert parts(phone=before + BARE + behind) == ("+441632960123", "12", "1800" in before)


@pytest.mark.parametrize(
    "before", ["18001", "18002", "18001 ", "18002.", "18001-", "(18002)", "18001\u00a0", "1800 2 ", "1-8-0-0-1 "]
)
@pytest.mark.parametrize("number", [BARE, "+44 1632 960123", "(01632) 960123", "0044 1632 960123"])
def test_the_prefix_of_a_relay_is_taken_off(before: str, number: str) -> None:
    assert parts(phone=before + number) == ("+441632960123", None, True)


def test_they_may_be_stated_apart() -> None:
    assert parts(phone=BARE, phone_extension=" ext. 0012 ", relay=True) == ("+441632960123", "0012", True)
    assert parts(phone=f"{BARE} x12", phone_extension="12") == ("+441632960123", "12", False)
    assert parts() == (None, None, False)
    assert parts(phone=None) == (None, None, False)


@pytest.mark.parametrize(
    ("stated", "loc", "code"),
    [
        ({"phone": f"{BARE} x12", "phone_extension": "13"}, "phone_extension", "phone-extension"),
        ({"phone": BARE, "phone_extension": "twelve"}, "phone_extension", "phone-extension"),
        ({"phone": BARE, "phone_extension": "123456789"}, "phone_extension", "phone-extension"),
        ({"phone": BARE, "phone_extension": 12}, "phone_extension", "string_type"),
        ({"phone": f"{BARE} x123456789"}, "phone", "phone"),
        ({"phone": f"{BARE} ext"}, "phone", "phone"),
        ({"phone": "ext 12"}, "phone", "phone"),
        ({"phone": "18001"}, "phone", "phone"),
        ({"phone": "18003 01632 960123"}, "phone", "phone"),
        ({"phone": "0909 879 0123 x12"}, "phone", "phone"),
        ({"phone": 7}, "phone", "string_type"),
        ({"phone_extension": "12"}, "phone_extension", "phone-missing"),
        ({"relay": True}, "relay", "phone-missing"),
        ({"phone": None, "phone_extension": "12"}, "phone_extension", "phone-missing"),
    ],
)
def test_what_is_no_number_with_its_extension_is_told_at_its_field(stated: dict[str, Any], loc: str, code: str) -> None:
    assert faults(Stated, stated) == [((loc,), code)]


def test_a_number_stated_anew_brings_its_own_extension_or_none() -> None:
    assert Amended.model_validate({"phone": BARE}).model_dump(exclude_unset=True) == {
        "phone": "+441632960123", "phone_extension": None, "relay": False,
    }  # fmt: skip
    assert Amended.model_validate({"phone": f"18001 {BARE} x7"}).model_dump(exclude_unset=True) == {
        "phone": "+441632960123", "phone_extension": "7", "relay": True,
    }  # fmt: skip
    assert Amended.model_validate({"phone": None}).model_dump(exclude_unset=True) == {
        "phone": None, "phone_extension": None, "relay": False,
    }  # fmt: skip
    assert Amended.model_validate({"phone_extension": "7"}).model_dump(exclude_unset=True) == {"phone_extension": "7"}
    assert Amended.model_validate({"name": "Al"}).model_dump(exclude_unset=True) == {"name": "Al"}
    assert faults(Amended, {"phone": None, "relay": True}) == [(("relay",), "phone-missing")]


@pytest.mark.parametrize("number", ["04012 345678", "+44 6012 345678", "020 2345 6789", "01999 345678"])
def test_a_number_of_a_range_that_nobody_knows_is_taken_and_warned_of(number: str) -> None:
    assert not phonenumbers.is_valid_number(phonenumbers.parse(number, "GB"))
    read = Stated.model_validate({"phone": f"{number} x1"})
    assert re.fullmatch(r"\+[1-9][0-9]{4,14}", str(read.phone))
    assert [(each.pointer, each.code) for each in doubts_of(read)] == [("/phone", "phone-not-known-valid")]


@pytest.mark.parametrize("number", [BARE, "020 7946 0018", "07911 123456", "0800 1111", "+353 1 679 6999"])
def test_a_number_that_is_known_is_not_warned_of(number: str) -> None:
    assert doubts_of(Stated.model_validate({"phone": number})) == []


@pytest.mark.parametrize("number", ["0900 123 4567", "+44 909 879 0123", "0911 111 1111", "+1 900 234 5678"])
def test_a_premium_rate_is_refused_whatever_else_is_known_of_the_number(number: str) -> None:
    assert faults(Stated, {"phone": number}) == [(("phone",), "phone")]


def test_the_contract_lets_through_what_is_taken() -> None:
    (schema,) = (each for each in TypeAdapter(Phone | None).json_schema()["anyOf"] if each["type"] == "string")
    for number in ("+442079460018", BARE, "(01632) 960-123", "tel:+441632960123", "\u202a01632 960123\u202c"):
        for behind in ("", " ext. 12", "x12", "#12", " Extension 12", "\r\n"):
            assert re.search(schema["pattern"], number + behind), number + behind
    for wrong in ("0800 FLOWERS", "ask Jo", "", "ext", "+", "01632 960123 after six"):
        assert not re.search(schema["pattern"], wrong), wrong


def test_every_input_with_a_number_has_fields_for_its_parts() -> None:
    seen = set()
    for router in routers():
        for route in router.routes:
            waiting = [m for field in route.dependant.body_params for m in models_in(field.field_info.annotation)]
            while waiting:
                model = waiting.pop()
                for name, field in model.model_fields.items():
                    waiting += models_in(field.annotation)
                    if _is_phone(field.annotation, field.metadata):
                        seen.add(model.__name__)
                        assert name == phones.PHONE
                        assert {phones.EXTENSION, phones.RELAY} <= model.model_fields.keys()
    assert seen == {
        "ContactStated", "ContactReplacement", "OrganisationCreation", "OrganisationAmendment", "PremisesPartyAdding",
        "PremisesPartyAmendment", "TeamCreation", "TeamAmendment",
    }  # fmt: skip


def _is_phone(annotation: Any, metadata: list[Any]) -> bool:
    inner = [*metadata, *getattr(annotation, "__metadata__", ())]
    if any(isinstance(each, Rule) and each.read is phones.read_phone for each in inner):
        return True
    return any(_is_phone(each, []) for each in getattr(annotation, "__args__", ()) if not isinstance(each, str))


def test_where_there_is_no_field_for_an_extension_it_is_refused_and_not_dropped() -> None:
    class Alone(BaseModel):
        number: Annotated[Phone, "alone"]

    assert faults(Alone, {"number": f"{BARE} x12"}) == [(("number",), "phone")]
    assert faults(Alone, {"number": f"18001 {BARE}"}) == [(("number",), "phone")]
