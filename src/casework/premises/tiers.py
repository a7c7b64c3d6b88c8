"""The indicative tier under the Terrorism (Protection of Premises) Act 2025, as an expression over the recorded facts."""

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, literal_column

from casework.kernel.statements import one_of
from casework.kernel.views import render
from casework.premises.lifecycle import Tier, WhollyOrMainly
from casework.premises.schemas import IndicativeTier

RULE_VERSION = "2025-c10/2"
"""The Act (2025 c. 10) as enacted; the number after the stroke counts our readings of it."""
STANDARD_FROM = 200
ENHANCED_FROM = 800
# These stay in the standard tier however many people are expected.
ALWAYS_STANDARD = ("places_of_worship", "childcare", "primary_and_secondary_education", "further_education")
IN_FORCE, IN_FORCE_FROM = "false", "NULL::date"
"""As this version of the rule has it: the day is not set yet."""
NOTE = "Indicative only, from the facts recorded here: not a determination. The regulator (SIA) decides."


def indicative_tier(place: Any) -> ColumnElement[Any]:
    """The JSON of ``IndicativeTier`` over a row of premises. Exclusion and *wholly or mainly* are recorded, never derived."""
    people, use, mainly = place.expected_peak_occupancy, place.schedule_1_use, place.wholly_or_mainly
    branches = [
        (
            place.schedule_2_exclusion.is_not(None),
            Tier.EXCLUDED,
            "Excluded under Schedule 2, as recorded with its basis",
        ),
        (
            mainly == _word(WhollyOrMainly.NO),
            Tier.NONE,
            "The place is not wholly or mainly used for a Schedule 1 use",
        ),
        (people.is_(None), Tier.UNKNOWN, "The expected peak occupancy is not recorded"),
        (people < STANDARD_FROM, Tier.NONE, f"Fewer than {STANDARD_FROM} people are expected at once"),
        (use.is_(None), Tier.UNKNOWN, "The Schedule 1 use is not recorded"),
        (
            mainly == _word(WhollyOrMainly.UNKNOWN),
            Tier.UNKNOWN,
            "Whether the place is wholly or mainly used for its Schedule 1 use is not recorded",
        ),
        (
            and_(people >= ENHANCED_FROM, one_of(use, ALWAYS_STANDARD)),
            Tier.STANDARD,
            f"{STANDARD_FROM} people or more are expected at once; this use stays in the standard tier at any size",
        ),
        (
            people < ENHANCED_FROM,
            Tier.STANDARD,
            f"{STANDARD_FROM} to {ENHANCED_FROM - 1} people are expected at once",
        ),
    ]
    otherwise = f"{ENHANCED_FROM} people or more are expected at once"
    basis = func.concat(
        case(*((when, _word(why)) for when, _, why in branches), else_=_word(otherwise)), _figure(place), _word(".")
    )
    return render(
        IndicativeTier,
        None,
        tier=case(*((when, _word(tier.value)) for when, tier, _ in branches), else_=_word(Tier.ENHANCED.value)),
        in_force=literal_column(IN_FORCE),
        in_force_from=literal_column(IN_FORCE_FROM),
        rule_version=_word(RULE_VERSION),
        basis=basis,
        note=_word(NOTE),
    )


def _figure(place: Any) -> ColumnElement[Any]:
    """The number itself with what it rests on and its date, as far as they are recorded."""
    people = place.expected_peak_occupancy
    basis = func.replace(place.occupancy_basis, _word("_"), _word(" "))
    figure = func.concat(
        _word(" ("),
        cast(people, Text),
        _word(", ").op("||")(basis),
        _word(", ").op("||")(cast(place.occupancy_on, Text)),
        _word(")"),
    )
    return case((people.is_not(None), figure), else_=_word(""))


def _word(text: str) -> Any:
    return literal_column("'" + text.replace("'", "''") + "'", Text)
