"""References: what is mistyped is told as mistyped."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from casework.kernel.references import ALPHABET, MistypedReference, new_reference, parse_reference


def completed(payload: str) -> str:
    """The one good reference that begins with these seven characters (drawn, so that a failure can be replayed)."""
    (good,) = (reference for last in ALPHABET if (reference := attempt(payload + last)))
    return good


def attempt(body: str) -> str | None:
    try:
        return parse_reference(body, "ENQ")
    except MistypedReference:
        return None


references = st.text(ALPHABET, min_size=7, max_size=7).map(completed)


def test_the_example_of_the_documents_is_a_good_reference() -> None:
    assert parse_reference("ENQ-7K3M-Q9XT", "ENQ") == "ENQ-7K3M-Q9XT"


@given(st.sampled_from(["ENQ", "CASE", "ADV"]))
def test_a_new_reference_is_a_good_one(prefix: str) -> None:
    reference = new_reference(prefix)
    assert parse_reference(reference, prefix) == reference == parse_reference(reference)
    assert not set(reference.removeprefix(prefix)) & set("01ILOUAEBGSZN")


def test_references_do_not_repeat_nor_follow_each_other() -> None:
    made = [new_reference("ENQ") for _ in range(2000)]
    assert len(set(made)) == len(made)
    assert made != sorted(made)


@pytest.mark.parametrize(
    "typed",
    [
        "enq-7k3m-q9xt",
        " ENQ 7K3M Q9XT ",
        "ENQ7K3MQ9XT",
        "ENQ\u20137K3M\u2011Q9XT",
        "enq 7k 3m q9 xt",
        "7K3M-Q9XT",
        "7k3mq9xt\n",
    ],
)
def test_case_spaces_and_hyphens_do_not_matter(typed: str) -> None:
    assert parse_reference(typed, "ENQ") == "ENQ-7K3M-Q9XT"


@given(references, st.data())
def test_every_single_wrong_character_is_told(reference: str, data: st.DataObject) -> None:
    positions = [i for i, character in enumerate(reference) if character != "-" and i > 3]
    for position in positions:
        for wrong in set(ALPHABET + "01ILOUAEBGSZN") - {reference[position]}:
            mistyped = reference[:position] + wrong + reference[position + 1 :]
            with pytest.raises(MistypedReference):
                parse_reference(mistyped, "ENQ")
    other = data.draw(st.characters())
    assume(other.upper() != reference[-1] and not other.isspace() and other not in "-\u2212")
    assume(not "\u2010" <= other <= "\u2015")
    with pytest.raises(MistypedReference):
        parse_reference(reference[:-1] + other, "ENQ")


@given(references)
def test_every_two_characters_that_changed_places_are_told(reference: str) -> None:
    body = reference[4:].replace("-", "")
    for i in range(len(body)):
        for j in range(i + 1, len(body)):
            if body[i] != body[j]:
                swapped = body[:i] + body[j] + body[i + 1 : j] + body[i] + body[j + 1 :]
                with pytest.raises(MistypedReference):
                    parse_reference(f"ENQ-{swapped}", "ENQ")


@pytest.mark.parametrize("position", range(3))
def test_a_wrong_letter_in_the_prefix_is_told(position: int) -> None:
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        prefix = "ENQ"[:position] + letter + "ENQ"[position + 1 :]
        if prefix != "ENQ":
            with pytest.raises(MistypedReference):
                parse_reference(f"{prefix}-7K3M-Q9XT", "ENQ")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ENQ",
        "ENQ-7K3M-Q9X",
        "ENQ-7K3M-Q9XTT",
        "ENQ-7K3M-Q9XT/2",
        "CASE-7K3M-Q9XT",
        "ENQ-2222-2222",
        "ENQ-7K3M-Q9X\x00",
        "7" * 100_000,
        "ＥＮＱ-7K3M-Q9XT",
    ],
)
def test_what_is_no_reference_is_told(typed: str) -> None:
    with pytest.raises(MistypedReference):
        parse_reference(typed, "ENQ")


@pytest.mark.parametrize("typed", ["hunter2", "HUNTER-7K3M-Q9XW", "HUNTER-AAAA-AAAA"])
@pytest.mark.parametrize("prefix", ["ENQ", None])
def test_the_refusal_does_not_repeat_what_was_typed(typed: str, prefix: str | None) -> None:
    with pytest.raises(MistypedReference) as caught:
        parse_reference(typed, prefix)
    assert "HUNTER" not in str(caught.value).upper()


def test_without_a_known_prefix_one_has_to_be_typed() -> None:
    with pytest.raises(MistypedReference):
        parse_reference("7K3M-Q9XT")


@pytest.mark.parametrize("prefix", ["", "E", "enq", "EN-Q", "E1"])
def test_a_prefix_is_made_of_capital_letters(prefix: str) -> None:
    with pytest.raises(ValueError, match="capital letters"):
        new_reference(prefix)
