"""Whether a place is in use."""

from enum import StrEnum


class PremisesState(StrEnum):
    """A closed place is kept: advice was given there."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


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
    SAFE_OCCUPANCY = "safe_occupancy"
