"""The packaged data: complete, unique, and readable by the kinds that will store them."""

import json
import re
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter

from casework.kernel.columns import line, prose, read_phone
from casework.reference.localities import DATA

NEEDS = (
    "emergency",
    "suspicious_activity",
    "terrorist_material_online",
    "hate_material_online",
    "understand_prevent",
    "concern_about_person",
    "prevent_activity",
    "drugs_knives_guns_gangs",
    "general_question",
    "does_the_law_apply",
    "own_data_or_foi",
    "protective_security_advice",
)
KINDS = {
    "sectors": 12,
    "schedule_1_uses": 18,
    "schedule_2_exclusions": 7,
    "attack_methodologies": 11,
    "phases_of_use": 5,
    "principles": 4,
    "domains": 4,
    "priorities": 4,
    "cost_bands": 6,
    "party_roles": 5,
    "occupancy_bases": 3,
    "strands": 3,
    "competences": 4,
    "threat_levels": 5,
    "likelihood_levels": 4,
    "impact_levels": 4,
    "verification_methods": 7,
    "purposes": 16,
    "reason_signpost": 13,
    "reason_refuse": 7,
    "reason_hold": 9,
    "reason_close": 8,
    "reason_open_recommendation": 9,
    "reason_decline": 12,
    "reason_no_access": 7,
    "reason_cancel_visit": 9,
    "reason_hand_over": 7,
    "reason_restrict": 6,
    "reason_transfer": 7,
}


def load(name: str) -> Any:
    """Strictly: a member named twice would be lost without a word."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    return json.loads((DATA / name).read_text(encoding="utf-8"), object_pairs_hook=unique)


SIGNPOSTS: list[dict[str, Any]] = load("signposts.json")
LOOKUPS: dict[str, list[dict[str, Any]]] = load("lookups.json")


def signpost(need: str) -> dict[str, Any]:
    return next(entry for entry in SIGNPOSTS if entry["need"] == need)


def codes(kind: str) -> list[str]:
    return [row["code"] for row in LOOKUPS[kind]]


def test_every_need_has_one_signpost() -> None:
    assert tuple(entry["need"] for entry in SIGNPOSTS) == NEEDS


@pytest.mark.parametrize("need", NEEDS)
def test_a_signpost_says_who_it_is_for_how_to_reach_it_and_why(need: str) -> None:
    entry = signpost(need)
    assert set(entry) == {"need", "title", "title_cy", "who_for", "how", "explanation", "explanation_cy"}
    for member in ("title", "title_cy"):
        assert TypeAdapter(Annotated[str, line(200)]).validate_python(entry[member]) == entry[member]
    for member in ("who_for", "explanation", "explanation_cy"):
        assert TypeAdapter(Annotated[str, prose(2000)]).validate_python(entry[member]) == entry[member]
    assert entry["how"]
    assert set(entry["how"]) <= {"phone", "web", "hours", "other"}
    assert all(isinstance(text, str) and text.strip() for text in entry["how"].values())
    assert entry["how"].get("web", "https://").startswith("https://")
    phone = entry["how"].get("phone", "101")
    assert phone in ("101", "999") or read_phone(phone)


def test_emergencies_and_tips_name_their_numbers_in_both_languages() -> None:
    assert signpost("emergency")["how"]["phone"] == "999"
    tip = signpost("suspicious_activity")
    assert tip["how"]["phone"] == "0800 789 321"
    assert tip["how"]["web"] == "https://www.gov.uk/ACT"
    assert "anonymous" in tip["how"]["other"]
    for language in ("explanation", "explanation_cy"):
        assert "999" in signpost("emergency")[language]
        assert "0800 789 321" in tip[language]


@pytest.mark.parametrize("need", ["terrorist_material_online", "hate_material_online"])
def test_who_reports_material_is_told_what_is_illegal(need: str) -> None:
    assert "against the law" in signpost(need)["explanation"]
    assert "anghyfreithlon" in signpost(need)["explanation_cy"]


def test_the_kinds_of_look_up_are_these() -> None:
    assert {kind: len(rows) for kind, rows in LOOKUPS.items()} == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_unique_and_in_order_and_labels_filled(kind: str) -> None:
    rows = LOOKUPS[kind]
    assert len(set(codes(kind))) == len(rows)
    assert len({row["label"] for row in rows}) == len(rows)
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        assert set(row) - {"parent"} == {"code", "label", "position"}
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", row["code"])
        assert TypeAdapter(Annotated[str, line(100)]).validate_python(row["label"]) == row["label"]
        assert row.get("parent") in (None, *codes(kind)[: row["position"] - 1])


def test_the_vocabularies_of_the_field_are_whole() -> None:
    assert codes("phases_of_use") == ["build", "ingress", "during", "egress", "closed"]
    assert codes("principles") == ["deter", "detect", "delay", "respond"]
    assert codes("domains") == ["physical", "personnel", "cyber", "personal"]
    assert codes("priorities") == ["critical", "high", "medium", "low"]
    assert codes("threat_levels") == ["low", "moderate", "substantial", "severe", "critical"]
    assert codes("likelihood_levels") == codes("impact_levels") == ["1", "2", "3", "4"]
    below = {row["code"] for row in LOOKUPS["attack_methodologies"] if row.get("parent") == "ied"}
    assert below == {"pbied", "vbied"}


def test_every_signpost_but_our_own_is_a_reason_to_signpost() -> None:
    assert codes("reason_signpost")[: len(NEEDS) - 1] == list(NEEDS[:-1])


def test_the_sources_of_the_data_are_named() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for file in (*DATA.glob("*.csv"), *DATA.glob("*.json")):
        assert f"`{file.name}`" in readme, file.name
    for source in ("Mapping Museums", "CC BY 4.0", "mySociety", "Open Government Licence", "Royal Mail"):
        assert source in readme
