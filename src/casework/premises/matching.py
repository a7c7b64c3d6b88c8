"""How alike two places are, by name and postcode: points, and the reasons for every one of them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from casework.premises.lifecycle import MatchedOn

NAME, POSTCODE, NEARBY = 60, 40, 20
"""The most points for a name, and those for the same postcode and for one that differs in its last two letters."""
ALIKE, ALIKE_THERE = 80, 70
"""How alike two names must be (of 100) anywhere, and at the same postcode."""
LIKELY = 75
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_WORDS = re.compile(r"[^\W_]+")
_LITTLE = frozenset({"the", "and", "of", "at", "in", "for", "on", "a", "y", "yr"})


def words(name: str) -> list[str]:
    """The words of a name that tell places apart: no articles, unless there is nothing else."""
    found = _WORDS.findall(_APOSTROPHES.sub("", name.lower()))
    return [word for word in found if word not in _LITTLE] or found


def telling(name: str) -> list[str]:
    """The longest words of a name: candidates have at least one of them."""
    return sorted(set(words(name)), key=len, reverse=True)[:4]


def likeness(one: str, other: str) -> int:
    """0 to 100: how many pairs of letters two names share (Dice), whatever the order of their words."""
    mine, yours = words(one), words(other)
    if sorted(mine) == sorted(yours) or "".join(mine) == "".join(yours):
        return 100
    pairs, others = _pairs(mine), _pairs(yours)
    return 200 * len(pairs & others) // max(1, len(pairs) + len(others))


def _pairs(of: Iterable[str]) -> set[str]:
    return {f" {word} "[at : at + 2] for word in of for at in range(len(word) + 1)}


def _holds(one: str, other: str) -> bool:
    """Whether one name is the other with words left out; a single word is in too many names."""
    mine, yours = set(words(one)), set(words(other))
    return min(len(mine), len(yours)) > 1 and (mine <= yours or yours <= mine)


def judge(name: str | None, postcode: str | None, candidate: Mapping[str, Any]) -> dict[str, Any]:
    """``score`` and ``matched_on`` of a candidate (its ``name``, ``postcode``, and ``alias`` if that is what was found)."""
    score, reasons = 0, []
    same = postcode is not None and candidate["postcode"] == postcode
    if same:
        score, reasons = POSTCODE, [MatchedOn.POSTCODE]
    elif postcode is not None and (candidate["postcode"] or "")[:-2] == postcode[:-2]:
        score, reasons = NEARBY, [MatchedOn.NEARBY]
    if name is not None:
        exact, similar = (
            (MatchedOn.ALIAS, MatchedOn.SIMILAR_ALIAS)
            if candidate["alias"] is not None
            else (MatchedOn.NAME, MatchedOn.SIMILAR_NAME)
        )
        stored = candidate["alias"] or candidate["name"]
        alike = likeness(name, stored)
        if same and _holds(name, stored):
            alike = max(alike, ALIKE)
        if alike == 100:
            score, reasons = score + NAME, [exact, *reasons]
        elif alike >= (ALIKE_THERE if same else ALIKE):
            score, reasons = score + NAME * alike // 100, [similar, *reasons]
    return {"score": score, "matched_on": reasons}


def is_match(judged: Mapping[str, Any]) -> bool:
    """Whether a place is worth showing: nearby alone says nothing."""
    return bool(set(judged["matched_on"]) - {MatchedOn.NEARBY})


def is_likely_duplicate(judged: Mapping[str, Any], postcode: str | None) -> bool:
    """Whether two places are likely one: names alike, and in one place as far as that is known.

    Four museums at one postcode are four places; so are two of one name in different towns.
    """
    reasons = set(judged["matched_on"])
    if not reasons - {MatchedOn.POSTCODE, MatchedOn.NEARBY}:
        return False
    somewhere = postcode is None or judged["postcode"] is None
    return judged["score"] >= LIKELY or (somewhere and judged["score"] >= NAME * 9 // 10)
