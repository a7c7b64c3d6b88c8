"""Whether two organisations are one, by company number, name and town: points, and the reasons for every one of them."""

from collections.abc import Mapping
from typing import Any

from casework.kernel.folding import LITTLE, fold, likeness, telling
from casework.organisations.lifecycle import OrganisationMatchedOn as On

NAME, TOWN, IDENTICAL = 60, 40, 100
ALIKE = 80
"""How alike two names must be (of 100)."""
# How a company is constituted, as its name may or may not end, in English and Welsh.
_FORMS = frozenset({"ltd", "limited", "plc", "llp", "lp", "cic", "cio", "company", "co", "cyf", "cyfyngedig", "ccc"})
_LITTLE = LITTLE | _FORMS


def words(name: str) -> list[str]:
    """The words by which candidates are looked for."""
    return telling(name, _LITTLE)


def judge(creation: Any, candidate: Mapping[str, Any]) -> dict[str, Any]:
    """``score`` and ``matched_on`` of a candidate (its ``name``, ``company_number`` and ``town``)."""
    score, reasons = 0, []
    alike = likeness(creation.name, candidate["name"], _LITTLE)
    if alike >= ALIKE:
        score, reasons = NAME * alike // 100, [On.NAME if alike == 100 else On.SIMILAR_NAME]
        if _agree(creation.town, candidate["town"]) is True:
            score, reasons = score + TOWN, [*reasons, On.TOWN]
    if _agree(creation.company_number, candidate["company_number"]) is True:
        score, reasons = IDENTICAL, [On.COMPANY_NUMBER, *reasons]
    return {"score": score, "matched_on": reasons}


def is_likely_duplicate(creation: Any, judged: Mapping[str, Any]) -> bool:
    """The same company, or names alike and nothing known that tells the two apart: neither number nor town."""
    if On.COMPANY_NUMBER in judged["matched_on"]:
        return True
    told_apart = False in (
        _agree(creation.company_number, judged["company_number"]),
        _agree(creation.town, judged["town"]),
    )
    return bool(judged["matched_on"]) and not told_apart


def rank(judged: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is identical comes first, then what is likeliest, by points and by the number of reasons."""
    reasons = judged["matched_on"]
    return On.COMPANY_NUMBER not in reasons, -judged["score"], -len(reasons), judged["name"], str(judged["id"])


def _agree(one: str | None, other: str | None) -> bool | None:
    """Whether both are the same, as folded; ``None`` where one is not known."""
    return None if one is None or other is None else fold(one) == fold(other)
