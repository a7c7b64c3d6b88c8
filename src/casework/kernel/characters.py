"""Which characters a text may hold. Decided here alone: for bodies, queries and files alike.

What no text may hold anywhere (controls, halves of surrogate pairs, code points that are no characters) is refused at the
door already, in names of members too. What turns the direction of writing is refused where people read the text: they
would read something else than what stands there. What draws nothing is taken off where the alphabet is closed (a
telephone number, a code): there it came along with a paste, and means nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticCustomError

# Tab and the ends of lines are not among them: each kind of field says what it makes of those.
_REFUSED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# By themselves, and only where a text goes that far: a class that leaves the first plane is many times slower.
_FAR = re.compile(r"[\U0001fffe-\U0010ffff]")
_REFUSED_FAR = re.compile(
    "[" + "".join(rf"\U{plane << 16 | 0xFFFE:08x}\U{plane << 16 | 0xFFFF:08x}" for plane in range(1, 17)) + "]"
)
_CONTROL = PydanticCustomError("control-character", "Remove the control characters: only text may stand here")
_SURROGATE = PydanticCustomError("lone-surrogate", "Send well-formed Unicode: half of a surrogate pair stands alone")
_NO_CHARACTER = PydanticCustomError("not-a-character", "Send characters only: a code point here stands for none")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BROKEN_LINE = re.compile("[\t\n\r\x0b\x0c\x85\u2028\u2029]")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Whatever the readers below take off, turn into LF or refuse, as one class: most texts hold none of it, and are asked once.
_ODD = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
_ONE_LINE = PydanticCustomError("control-character", "Use one line of plain text, without tabs")
_TURNED = PydanticCustomError(
    "direction-override", "Type this anew, or paste it as plain text: unseen marks in it turn the direction of writing"
)
_NO_CODE = PydanticCustomError(
    "not-a-code", "Use a code of the list as it stands there: letters without accents, digits, hyphens"
)
_BLANK = PydanticCustomError("blank", "Write something that can be seen")
_TOO_MANY_MARKS = PydanticCustomError("too-many-marks", "Put fewer accents upon one letter")
# Letters and symbols by category that nevertheless draw nothing: Hangul and Khmer fillers, Braille blank.
_FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# No script needs these within a text: soft hyphen, word joiner, byte order mark. U+200B to U+200F stay: Khmer, Persian,
# the scripts of India, emoji and text in two directions need them, and whoever compares texts folds them anyway.
_NEEDLESS = re.compile("[\u00ad\u2060\ufeff]")
# What draws nothing in the first plane, as one class: a body may hold a thousand such texts. Others are asked for one by one.
_NOTHING = re.compile(
    "[\t\n\r\x0b\x0c\x85\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f"
    "\u205f-\u2064\u2066-\u206f\u3000\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
# What clings to pasted text, the frame included that says which way it runs (contacts of Windows, chats) without
# overriding it. Not Python's strip(), which would also swallow the controls U+001C to U+001F; and not the joiners, which
# shape the letter before them at the end of a word.
_EDGES = " \t\n\r\x0b\x0c\x85\u00a0\u061c\u1680\u200e\u200f\u2028\u2029\u202f\u205f\u3000"
_EDGES += "\u202a\u202b\u202c\u2066\u2067\u2068\u2069" + "".join(map(chr, range(0x2000, 0x200C)))
_MARKS = 30  # UAX #15, "stream-safe text": no language stacks more marks upon a letter


def fault(text: str) -> PydanticCustomError | None:
    """What no text may hold, if this one holds it."""
    if text.isprintable():  # then it holds no control, no surrogate and nothing that stands for no character
        return None
    found = _REFUSED.search(text) or (_FAR.search(text) and _REFUSED_FAR.search(text))
    if not found:
        return None
    return _CONTROL if found[0] < "\xa0" else _SURROGATE if found[0] < "\ue000" else _NO_CHARACTER


def sound(text: str) -> str:
    """The text as it is; raises where it holds what none may."""
    found = fault(text)
    if found is not None:
        raise found
    return text


def faults_in(
    value: Any, pointer: tuple[int | str, ...] = ()
) -> Iterator[tuple[tuple[int | str, ...], PydanticCustomError]]:
    """Where parsed JSON holds what no text may; the name of a member is told at its object."""
    if isinstance(value, str):
        found = fault(value)
        if found is not None:
            yield pointer, found
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults_in(item, (*pointer, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            bad = fault(name)
            if bad is not None:
                yield pointer, bad
            yield from faults_in(item, pointer if bad is not None else (*pointer, name))


def clear(text: str) -> str:
    """A text of a closed alphabet without what draws nothing, at its edges and inside. Plain blanks stay inside.

    Marks of direction, blanks of every other width, joiners, soft hyphens, tabs, ends of lines, selectors of glyphs. What is
    left is what was meant; whatever else does not belong there, the alphabet refuses.
    """
    if text.isascii() and text.isprintable():
        return text.strip(" ")
    text = _NOTHING.sub("", text)
    if not text.isascii() and _BEYOND.search(text):
        text = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return text.strip(" ")


def read_line(text: str) -> str:
    """One visible line in NFC, without what clings to its edges."""
    if text.isascii() and text.isprintable():  # most are, and nothing can be wrong with them but blankness
        return _seen_ascii(text.strip(" "))
    if _has_odd(text):
        text = _NEEDLESS.sub("", sound(text))
    text = text.strip(_EDGES)
    if _BROKEN_LINE.search(text):
        raise _ONE_LINE
    return _composed(text)


def read_code(text: str) -> str:
    """A word of a look-up without what draws nothing. No list here has a word with other letters than ASCII's."""
    text = clear(text)
    if not text.isascii():
        raise _NO_CODE
    return read_line(text)


def read_prose(text: str) -> str:
    """Visible text in NFC, its lines ended by LF whatever ended them, without what clings to its edges."""
    if text.isascii() and text.replace("\n", " ").isprintable():
        return _seen_ascii(text.strip(" \n"))
    if _has_odd(text):
        text = _NEEDLESS.sub("", _LINE_END.sub("\n", sound(text)))
    return _composed(text.strip(_EDGES))


def _has_odd(text: str) -> bool:
    if text.isprintable():
        return False
    return _ODD.search(text) is not None or _FAR.search(text) is not None


def _seen_ascii(text: str) -> str:
    if not text:
        raise _BLANK
    return text


def _composed(text: str) -> str:
    characters = set(text)
    if not _OVERRIDES.isdisjoint(characters):
        raise _TURNED
    if not any(map(_is_visible, characters)):
        raise _BLANK
    # NFC sorts a run of marks in quadratic time, so a long run would be a way to stop the service.
    if len(text) > _MARKS and _stacked(text, set(filter(unicodedata.combining, characters))):
        raise _TOO_MANY_MARKS
    return unicodedata.normalize("NFC", text)


def _stacked(text: str, marks: set[str]) -> bool:
    """Whether more than so many of these stand in a row: such a row covers one of the places that are looked at."""
    for place in range(_MARKS, len(text), _MARKS + 1) if marks else ():
        first = last = place
        while first >= 0 and text[first] in marks:
            first -= 1
        while last < len(text) and text[last] in marks:
            last += 1
        if last - first - 1 > _MARKS:
            return True
    return False


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return (category[0] in "LNPS" and character not in _FILLERS) or category in ("Co", "Cn")
