"""Whether a place is in use, and the closed vocabularies of places."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class PremisesState(StrEnum):
    """A closed place is kept: advice was given there."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class PremisesUse(StrEnum):
    """The states that staff may state themselves."""

    OPEN = "open"
    CLOSED = "closed"


class PartyRole(StrEnum):
    """The parts that people and firms play at a place."""

    OWNER = "owner"
    OPERATOR = "operator"
    RESPONSIBLE_PERSON = "responsible_person"
    DESIGNATED_SENIOR_INDIVIDUAL = "designated_senior_individual"
    SECURITY_CONTRACTOR = "security_contractor"


class OccupancyBasis(StrEnum):
    """What the expected peak occupancy rests on."""

    FIXED_CAPACITY = "fixed_capacity"
    PAST_ATTENDANCE = "past_attendance"
    SAFE_OCCUPANCY_FIGURE = "safe_occupancy_figure"


class WhollyOrMainly(StrEnum):
    """Whether a place is wholly or mainly used for its Schedule 1 use."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Tier(StrEnum):
    """The tier of Martyn's Law that the recorded facts point to. Never a determination: that is the regulator's."""

    NONE = "none"
    """Not of the size or the use that the Act is about."""
    STANDARD = "standard"
    ENHANCED = "enhanced"
    EXCLUDED = "excluded"
    """Of a kind that Schedule 2 takes out, as somebody recorded with its basis."""
    UNKNOWN = "unknown"


class MatchedOn(StrEnum):
    """Why a place may be the one that is meant."""

    UPRN = "uprn"
    """The same property, by its Unique Property Reference Number."""
    POSTCODE = "postcode"
    NEARBY = "nearby"
    """The postcodes differ in their last two letters only."""
    NAME = "name"
    SIMILAR_NAME = "similar_name"
    ALIAS = "alias"
    SIMILAR_ALIAS = "similar_alias"


USED = (PremisesState.OPEN, PremisesState.CLOSED)

# Amending may open and close a place (it states `state`); what was merged into another place stays as it was.
PREMISES = Lifecycle("premises", [Move(Action.PREMISES_WRITE, USED, None)], offers={})
