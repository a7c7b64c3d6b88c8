"""How names are compared: one spelling of all that a reader would call the same.

``access/sql/folding.sql`` says the same in SQL, where the columns that searches read are computed; a test holds them together.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, Text, func, literal_column

from casework.kernel.columns import line
from casework.kernel.statements import given

# Spacing accents that serve as apostrophes: normalised, they would come apart as a blank and an accent.
_SPACING = dict.fromkeys(map(ord, "\u00b4\u0384\u1fbd\u1fbf\u1ffe"))
_GONE = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # accents
    # what draws nothing
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    # apostrophes and quotes
    "\"'`\u00ab\u00bb\u02b9-\u02bd\u02c8\u055a\u05f3\u2018-\u201f\u2032-\u2037\u2039\u203a\u275b-\u275e\ua78b\ua78c]"
)
_LETTERS = str.maketrans("łøđðħŧıĸŋς", "loddhtiknσ") | str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "&": " and "}
)
_BETWEEN = re.compile(
    "[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # blanks, then points, brackets and dashes
    r"!(),-/:;?\[\]{}" + "\u00a1\u00b7\u00bf\u058a\u2010-\u2015\u2022\u2027\u2044\u2212\u30fb]+"
)
_WORD = re.compile(r"[^\W_]+")
LITTLE = frozenset({"the", "and", "of", "at", "in", "for", "on", "a", "y", "yr"})
"""Words that tell nothing apart."""


def fold(written: str) -> str:
    """``St. Mary’s`` → ``st marys``, ``Tŷ Newydd`` → ``ty newydd``, ``Marks & Spencer`` → ``marks and spencer``."""
    plain = _GONE.sub("", unicodedata.normalize("NFKD", written.translate(_SPACING)))
    # One by one, as PostgreSQL does: the small sigma does not ask where it stands in the word.
    small = plain.lower() if plain.isascii() else "".join(map(str.lower, plain))
    return _BETWEEN.sub(" ", small.translate(_LETTERS)).strip(" ")


# --- what is searched for ---


def _sought(text: str) -> str:
    folded = fold(text)
    if not folded:
        raise PydanticCustomError("nothing-to-find", "Give letters or digits to look for")
    return folded


Sought = Annotated[str, line(200), AfterValidator(_sought)]
"""Part of a name that is looked for, folded. Accents, apostrophes, capitals and how words are parted do not count."""


def _folded(sort_key: Any) -> Any:
    return func.split_part(sort_key, literal_column(r"E'\t'"), literal_column("1"))


def holds(sort_key: Any, name: str) -> ColumnElement[bool]:
    """Whether the name of this sort key holds the text sought. (A function, not LIKE: there is no wildcard to be escaped.)"""
    return func.strpos(_folded(sort_key), given(name, Text())) > 0


def has_word(sort_key: Any, name: str) -> ColumnElement[bool]:
    """The same where the text sought begins a word of the name."""
    blank: ColumnElement[str] = literal_column("' '", Text())
    return func.strpos(blank + _folded(sort_key), blank + given(name, Text())) > 0


# --- how alike two names are ---


def words(name: str, little: Collection[str] = LITTLE) -> list[str]:
    """The words of a name that tell things apart: without the ``little`` ones, unless there is nothing else."""
    found = _WORD.findall(fold(name))
    return [word for word in found if word not in little] or found


def telling(name: str, little: Collection[str] = LITTLE) -> list[str]:
    """The longest words of a name: candidates have at least one of them."""
    return sorted(set(words(name, little)), key=len, reverse=True)[:4]


def likeness(one: str, other: str, little: Collection[str] = LITTLE) -> int:
    """0 to 100: how many pairs of letters two names share (Dice), whatever the order of their words."""
    mine, yours = words(one, little), words(other, little)
    if not mine or not yours:  # signs only
        return 100 if one == other else 0
    if sorted(mine) == sorted(yours) or "".join(mine) == "".join(yours):
        return 100
    pairs, others = _pairs(mine), _pairs(yours)
    return 200 * len(pairs & others) // max(1, len(pairs) + len(others))


def _pairs(of: Iterable[str]) -> set[str]:
    return {f" {word} "[at : at + 2] for word in of for at in range(len(word) + 1)}
