"""Whether two places are one, by UPRN, name and postcode: points, and the reasons for every one of them."""

from collections.abc import Mapping
from typing import Any

from casework.kernel.folding import likeness, words
from casework.premises.lifecycle import MatchedOn

NAME, POSTCODE, NEARBY = 60, 40, 20
"""The most points for a name, and those for the same postcode and for one that differs in its last two letters."""
IDENTICAL = 100
ALIKE, ALIKE_THERE = 80, 70
"""How alike two names must be (of 100) anywhere, and at the same postcode."""
LIKELY = 75


def _holds(one: str, other: str) -> bool:
    """Whether one name is the other with words left out; a single word is in too many names."""
    mine, yours = set(words(one)), set(words(other))
    return min(len(mine), len(yours)) > 1 and (mine <= yours or yours <= mine)


def judge(name: str | None, postcode: str | None, uprn: str | None, candidate: Mapping[str, Any]) -> dict[str, Any]:
    """``score`` and ``matched_on`` of a candidate (its ``name``, ``postcode``, ``uprn``, and ``alias`` if that was found)."""
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
    if uprn is not None and candidate["uprn"] == uprn:
        score, reasons = IDENTICAL, [MatchedOn.UPRN, *reasons]
    return {"score": score, "matched_on": reasons}


def rank(judged: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is identical comes first, then what is likeliest, by points and by the number of reasons."""
    reasons = judged["matched_on"]
    return MatchedOn.UPRN not in reasons, -judged["score"], -len(reasons), judged["name"], str(judged["id"])


def is_match(judged: Mapping[str, Any]) -> bool:
    """Whether a place is worth showing: nearby alone says nothing."""
    return bool(set(judged["matched_on"]) - {MatchedOn.NEARBY})


def is_likely_duplicate(judged: Mapping[str, Any], postcode: str | None) -> bool:
    """Whether two places are likely one: the same property, or names alike in one place as far as that is known.

    Four museums at one postcode are four places; so are two of one name in different towns.
    """
    reasons = set(judged["matched_on"])
    if MatchedOn.UPRN in reasons:
        return True
    if not reasons - {MatchedOn.POSTCODE, MatchedOn.NEARBY}:
        return False
    somewhere = postcode is None or judged["postcode"] is None
    return judged["score"] >= LIKELY or (somewhere and judged["score"] >= NAME * 9 // 10)
