"""One spelling of all that a reader would call the same: in Python as in SQL."""

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.kernel.folding import fold, likeness, words
from tests.support.world import World

SAME = {
    "st marys church": (
        "St Mary's Church",
        "St Mary’s Church",
        "ST. MARY`S CHURCH",
        "St  Mary´s\u00a0Church",
        "St.Mary‘s Church",
    ),
    "the obrien arms": (
        "The O'Brien Arms",
        "the o’brien arms",
        "The OʼBrien Arms",
        "The O＇Brien Arms",
        "The “O'Brien” Arms",
    ),
    "ty newydd": (
        "Tŷ Newydd",
        "Ty Newydd",
        "Ty\u0302 Newydd",
        "TŶ NEWYDD",
        "Tŷ-Newydd",
        "Tŷ\u2011Newydd",
        " Tŷ\tNewydd ",
    ),
    "cafe rouge": (
        "Café Rouge",
        "Cafe\u0301 Rouge",
        "ＣＡＦＥ rouge",
        "Ca\u00adfé Rouge",
        "Caf\u200bé Rouge",
        "Café\u200e Rouge",
    ),
    "chateau derby": ("Château Derby", "Chateau Derby", "CHÂTEAU, DERBY", "Château (Derby)", "Château/Derby"),
    "angstrom house": ("Ångström House", "Angstrom House", "Angstro\u0308m House"),
    "stoke on trent": ("Stoke-on-Trent", "Stoke on Trent", "Stoke–on–Trent", "Stoke−on−Trent", "Stoke. On. Trent"),
    "marks and spencer": ("Marks & Spencer", "Marks and Spencer", "Marks＆Spencer", "marks&spencer"),
    "strasse": ("Straße", "STRASSE", "STRAẞE", "Straſſe"),
    "aerosmith oerlikon": ("Ærosmith Œrlikon", "ærosmith œrlikon"),
    "lodz orebro thorshavn": ("Łódź Ørebro Þorshavn", "łodz Örebro þorshavn"),
    "isik": ("Işık", "IŞIK", "İşik"),
    "odos σοφοσ": ("odos Σοφός", "ODOS ΣΟΦΟΣ"),
    "100% cotton": ("100% Cotton",),
    "under_score \\ venue": ("under_score \\ venue",),
    "王 寺": ("王 寺", "王\u3000寺"),
    "": ("'", "’", "\u00ad", " - ", "."),
}


@pytest.mark.parametrize(("folded", "written"), [(folded, each) for folded, all_ in SAME.items() for each in all_])
def test_what_a_reader_calls_the_same_is_the_same(folded: str, written: str) -> None:
    assert fold(written) == folded


def _characters() -> Iterator[str]:
    """Every character of Unicode, within a word and alone."""
    for point in range(1, 0x110000):
        if unicodedata.category(chr(point)) not in ("Cs", "Cn", "Co"):
            yield f"Aé{chr(point)}ß {chr(point)}"


def test_python_and_sql_agree_on_every_character(world: World) -> None:
    """As far as this Python and this PostgreSQL know the same Unicode."""
    written = [*_characters(), *(each for all_ in SAME.values() for each in all_)]
    rows = world.sql(
        "SELECT w, casework.fold(w) AS folded FROM unnest($1::text[]) AS u (w) WHERE unicode_assigned(w)", written
    )
    assert len(rows) > 140_000
    differ = [(row["w"], row["folded"], fold(row["w"])) for row in rows if row["folded"] != fold(row["w"])]
    assert differ == []


@given(st.text(max_size=40))
@settings(deadline=None, derandomize=True)
def test_what_is_folded_stays_as_it_is(written: str) -> None:
    once = fold(written)
    assert fold(once) == once
    assert once == once.strip(" ")
    assert "  " not in once


def test_keys_of_a_name(world: World) -> None:
    """One for what two spellings have in common, one to sort by: as folded first, and then as it is written."""
    key, sort = world.sql("SELECT casework.name_key('Tŷ-Newydd, No. 5'), casework.sort_key('Tŷ-Newydd, No. 5')")[0]
    assert (key, sort) == ("tynewyddno5", "ty newydd no 5\tTŷ-Newydd, No. 5")
    assert world.sql("SELECT casework.fold(NULL)")[0][0] is None


def test_names_of_signs_alone_are_alike_when_they_are_the_same() -> None:
    assert words("The Corn-Exchange & Co.") == ["corn", "exchange", "co"]
    assert words("The At") == ["the", "at"]
    assert (likeness("???", "???"), likeness("???", "!!!"), likeness("???", "Hall")) == (100, 0, 0)
    assert likeness("Château Derby", "derby chateau") == 100
