"""What comes in: unknown fields are refused, numbers and truth values are not guessed from strings."""

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic._internal._model_construction import ModelMetaclass
from pydantic_core import PydanticCustomError
from sqlmodel import SQLModel
from sqlmodel._compat import SQLModelConfig
from sqlmodel.main import SQLModelMetaclass

from casework.kernel import phones

# A 32-bit column; above it PostgreSQL would refuse what the contract allowed.
WHOLE = {"ge": -(2**31), "le": 2**31 - 1}


class _Plain(SQLModelMetaclass):
    """Takes the facts out of an input's bases and gives it their fields, so that it is a plain pydantic model.

    A SQLModel hands the caller's members to its ``__new__`` as keywords: one that is named like a parameter of it is a fault
    of ours, told before unknown fields are refused.
    """

    def __new__(mcs, name: str, bases: tuple[type[Any], ...], namespace: dict[str, Any], **given: Any) -> Any:
        facts = [base for base in bases if issubclass(base, SQLModel)]
        own: dict[str, Any] = {"__annotations__": {}}
        for each in facts:
            for field, (annotation, default) in fields_of(each).items():
                own["__annotations__"][field] = annotation
                if default is not ...:
                    own[field] = default
        own["__annotations__"] |= namespace.pop("__annotations__", {})
        plain = tuple(base for base in bases if base not in facts)
        return ModelMetaclass.__new__(mcs, name, plain, own | namespace, **given)

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_: Any) -> None:
        type.__init__(cls, name, bases, namespace)


def fields_of(facts: type[SQLModel]) -> dict[str, tuple[Any, Any]]:
    """The fields of a facts class as pydantic's ``create_model`` takes them: annotation with its rules, and default."""
    found: dict[str, tuple[Any, Any]] = {}
    decorators = facts.__pydantic_decorators__
    if decorators.model_validators or decorators.field_validators:
        raise TypeError(
            f"{facts.__name__} has validators, which its inputs would lose: put them into the kind of the field"
        )
    for name, field in facts.model_fields.items():
        annotation: Any = field.annotation
        for metadata in field.metadata:
            annotation = Annotated[annotation, metadata]
        if field.default_factory is not None:
            raise TypeError(f"{facts.__name__}.{name}: facts state their default as a value")
        found[name] = (annotation, ... if field.is_required() else field.default)
    return found


_UNKNOWN = 50
NOT_READ = "not-read"
"""The type of the errors that stand for what was not read any more: enough was wrong already. They are not told."""
_NOT_READ = PydanticCustomError(NOT_READ, "There are too many errors before this one")
_TOO_MANY_MEMBERS = PydanticCustomError("too-many-members", "Leave out the members that this object does not have")


class Wrong:
    """How many errors were found in a body so far, as the context of its validation: it ends where the answer would."""

    __slots__ = ("errors", "most")

    def __init__(self, most: int) -> None:
        self.errors, self.most = 0, most


class Input(BaseModel, metaclass=_Plain):
    """A request body. Every subclass forbids unknown fields; a frontend's typing error must not be lost in silence."""

    model_config = SQLModelConfig(extra="forbid")
    partial: ClassVar[bool] = False
    """Whether it states changes only, of a record that is there."""

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, stated: Any, read: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """As far as what was wrong before would be told; a telephone number is taken apart however it was typed."""
        wrong: Wrong | None = info.context
        before = wrong.errors if wrong is not None else 0
        if wrong is not None and before >= wrong.most:
            raise _NOT_READ
        if isinstance(stated, dict):
            # Each unknown member becomes an error with its pointer before the first fifty are told.
            if len(stated) > len(cls.__pydantic_fields__) + _UNKNOWN:
                raise _TOO_MANY_MEMBERS
            if phones.EXTENSION in cls.__pydantic_fields__:
                stated = phones.split(stated, partial=cls.partial)
        try:
            return read(stated)
        except ValidationError as error:
            if wrong is not None:  # what was found inside an object inside is among them
                wrong.errors = before + error.error_count()
            raise


class _Amendment(Input):
    """A merge patch."""

    partial = True


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def _uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    if not (isinstance(value, str) and _UUID.fullmatch(value)):
        raise PydanticCustomError(
            "uuid", "Send a UUID with its hyphens and nothing around it, such as 0190b2c4-....-7...-....-............"
        )
    return UUID(value)


def _digits(value: Any) -> Any:
    # int() reads " 1_0 " as ten.
    if isinstance(value, str) and not (value.isascii() and value.removeprefix("-").isdigit()):
        raise PydanticCustomError("int_parsing", "Send a whole number in digits")
    return value


_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?", re.ASCII)


def _degrees(value: Any) -> Decimal:
    # Decimal() reads "5_2", digits of other scripts and blanks around them.
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = format(Decimal(repr(value)), "f")
    if not (isinstance(value, str) and _DEGREES.fullmatch(value)):
        raise PydanticCustomError("decimal_parsing", "Give degrees in digits, such as 53.074167 or -1.5")
    return Decimal(value).quantize(Decimal("0.000001")) + 0  # no negative zero


def _flag(value: Any) -> Any:
    # bool() of pydantic reads "on", "y" and "1" too.
    if isinstance(value, str) and value not in ("true", "false"):
        raise PydanticCustomError("bool_parsing", "Send true or false")
    return value


Uuid = Annotated[UUID, BeforeValidator(_uuid)]
"""An id, in capital or small letters (RFC 9562, 4); it leaves in small ones."""
DIGITS = BeforeValidator(_digits)
"""For a whole number in a URL: digits and nothing else. It stands after the bounds, or the contract would not tell them."""
DEGREES = BeforeValidator(_degrees)
"""For degrees of latitude or longitude, as a number or as a string of digits: six decimals are kept."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""A truth value in a URL: ``true`` or ``false``."""
Whole = Annotated[StrictInt, Field(**WHOLE)]
"""A whole number as JSON writes it: neither true nor "12"."""
Truth = StrictBool


def absent() -> Any:
    """The default of a field of an amendment: it may be left out, and ``model_fields_set`` says whether it was."""
    return Field(default=None, validate_default=False)


def amendment(
    name: str, facts: type[SQLModel], *, without: tuple[str, ...] = (), beside: tuple[type[Input], ...] = ()
) -> type[Input]:
    """The merge patch over facts: every field may be absent, and is null only where the facts allow it.

    ``beside``: further bases, such as one that warns (``doubts``).
    """
    fields: dict[str, Any] = {
        field: (annotation, absent()) for field, (annotation, _) in fields_of(facts).items() if field not in without
    }
    return create_model(
        name,
        __base__=(*beside, _Amendment),
        __doc__=f"What to change; absent fields stay as they are. {facts.__doc__}",
        **fields,
    )
