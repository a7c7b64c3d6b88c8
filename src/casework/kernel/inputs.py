"""What comes in: unknown fields are refused, numbers and truth values are not guessed from strings."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, create_model, model_validator
from pydantic_core import PydanticCustomError
from sqlmodel import SQLModel
from sqlmodel._compat import SQLModelConfig

from casework.kernel import phones

# A 32-bit column; above it PostgreSQL would refuse what the contract allowed.
WHOLE = {"ge": -(2**31), "le": 2**31 - 1}


class Input(SQLModel):
    """A request body. Every subclass forbids unknown fields; a frontend's typing error must not be lost in silence."""

    model_config = SQLModelConfig(extra="forbid")
    partial: ClassVar[bool] = False
    """Whether it states changes only, of a record that is there."""

    @model_validator(mode="before")
    @classmethod
    def _number_and_extension(cls, stated: Any) -> Any:
        """However a telephone number was typed, its extension and its relay stand in fields of their own."""
        if phones.EXTENSION in cls.model_fields and isinstance(stated, dict):
            return phones.split(stated, partial=cls.partial)
        return stated


class _Amendment(Input):
    """A merge patch."""

    partial = True


def _canonical(value: Any) -> Any:
    if isinstance(value, str) and (len(value) != 36 or value != value.lower()):
        raise PydanticCustomError(
            "uuid", "Send a UUID in its canonical form, such as 0190b2c4-....-7...-....-............"
        )
    return value


def _digits(value: Any) -> Any:
    # int() reads " 1_0 " as ten.
    if isinstance(value, str) and not (value.isascii() and value.removeprefix("-").isdigit()):
        raise PydanticCustomError("int_parsing", "Send a whole number in digits")
    return value


Uuid = Annotated[UUID, BeforeValidator(_canonical)]
"""An id in the one way we write it."""
DIGITS = BeforeValidator(_digits)
"""For a whole number in a URL: digits and nothing else. It stands after the bounds, or the contract would not tell them."""
Whole = Annotated[StrictInt, Field(**WHOLE)]
"""A whole number as JSON writes it: neither true nor "12"."""
Truth = StrictBool


def amendment(
    name: str, facts: type[SQLModel], *, without: tuple[str, ...] = (), beside: tuple[type[Input], ...] = ()
) -> type[Input]:
    """The merge patch over facts: every field may be absent, and is null only where the facts allow it.

    ``beside``: further bases, such as one that warns (``doubts``).
    """
    fields: dict[str, Any] = {}
    for field_name, field in facts.model_fields.items():
        if field_name in without:
            continue
        annotation: Any = field.annotation
        for metadata in field.metadata:
            annotation = Annotated[annotation, metadata]
        # The default is never used: ``model_fields_set`` says what was sent. It only makes the field optional.
        fields[field_name] = (annotation, Field(default=None, validate_default=False))
    return create_model(
        name,
        __base__=(*beside, _Amendment),
        __doc__=f"What to change; absent fields stay as they are. {facts.__doc__}",
        **fields,
    )
