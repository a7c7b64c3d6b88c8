"""What comes in and goes out about premises, derived from their facts."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from casework.access.actions import Action
from casework.kernel.columns import Moment, YearOrDay
from casework.kernel.inputs import Input, Uuid, amendment
from casework.kernel.views import Page, View
from casework.premises.coordinates import coordinate_warnings
from casework.premises.lifecycle import (
    MatchedOn,
    OccupancyBasis,
    PartyRole,
    PremisesState,
    PremisesUse,
    Tier,
    WhollyOrMainly,
)
from casework.premises.models import PremisesAliasFacts, PremisesAreaFacts, PremisesFacts, PremisesPartyFacts
from casework.reference.models import AreaCode


class _Placed(Input):
    """Warns of a point that is hardly where the place is."""

    def doubts(self) -> Iterator[tuple[str, str, str]]:
        """A latitude or longitude outside the country, or the two exchanged."""
        point = (getattr(self, name, None) for name in ("latitude", "longitude"))
        for field, code, message in coordinate_warnings(*point):
            yield f"/{field}", code, message


class PremisesCreation(PremisesFacts, _Placed):
    """A place to be kept by a team."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    team_id: Uuid
    force_code: AreaCode | None = None
    """Found from the postcode, else the local authority, unless stated: say so for a force without an area."""


class _PremisesStanding(PremisesFacts):
    """Closing a place is stating it: `state` closed, and from when if that is known."""

    force_code: AreaCode | None = None
    """Null: find it again from the postcode or local authority."""
    state: PremisesUse = PremisesUse.OPEN
    closed_on: YearOrDay | None = None


class _PremisesAreaStanding(PremisesAreaFacts):
    """An area that is no longer there has ended; what was found in it keeps its name."""

    ended_at: Moment | None = None


class _PremisesPartyStanding(PremisesPartyFacts):
    """A party that is no longer one has ended; it is kept."""

    ended_at: Moment | None = None


class _PremisesAliasStanding(PremisesAliasFacts):
    """A name that nobody uses any more has ended; it is kept, and matches no more."""

    ended_at: Moment | None = None


if TYPE_CHECKING:
    PremisesAmendment = Input
    PremisesAreaAmendment = Input
    PremisesPartyAmendment = Input
    PremisesAliasAmendment = Input
else:
    PremisesAmendment = amendment("PremisesAmendment", _PremisesStanding, beside=(_Placed,))
    PremisesAreaAmendment = amendment("PremisesAreaAmendment", _PremisesAreaStanding)
    PremisesPartyAmendment = amendment("PremisesPartyAmendment", _PremisesPartyStanding)
    PremisesAliasAmendment = amendment("PremisesAliasAmendment", _PremisesAliasStanding)


class PremisesAreaAdding(PremisesAreaFacts, Input):
    """An area of a place."""

    id: Uuid | None = None


class PremisesPartyAdding(PremisesPartyFacts, Input):
    """A party to a place."""

    id: Uuid | None = None


class PremisesAliasAdding(PremisesAliasFacts, Input):
    """Another name or address of a place."""

    id: Uuid | None = None


class PremisesAreaView(View):
    """An area of a place."""

    id: UUID
    premises_id: UUID
    name: str
    description: str | None
    ended_at: datetime | None
    created_at: datetime
    version: int


class PremisesPartyView(View):
    """A party to a place."""

    id: UUID
    premises_id: UUID
    role: PartyRole
    name: str
    organisation_id: UUID | None
    phone: str | None
    phone_extension: str | None
    relay: bool
    email: str | None
    ended_at: datetime | None
    created_at: datetime
    version: int


class PremisesAliasView(View):
    """Another name or address by which a place is known."""

    id: UUID
    premises_id: UUID
    name: str
    postcode: str | None
    ended_at: datetime | None
    created_at: datetime
    version: int


class IndicativeTier(View):
    """Which tier of Martyn's Law the recorded facts point to, and why. Not a determination."""

    tier: Tier
    in_force: bool
    """Whether the Act's duties apply yet, by this version of the rule. They do not."""
    in_force_from: date | None
    """The day from which they do; null until it is set."""
    rule_version: str
    basis: str
    note: str


class PremisesView(View):
    """A place in full."""

    id: UUID
    team_id: UUID
    team: str
    force_code: str | None
    force: str | None
    state: PremisesState
    closed_on: str | None
    merged_into: UUID | None
    complex_id: UUID | None
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    uprn: str | None
    local_authority_code: str | None
    latitude: Decimal | None
    longitude: Decimal | None
    sector: str | None
    schedule_1_use: str | None
    wholly_or_mainly: WhollyOrMainly
    schedule_2_exclusion: str | None
    exclusion_basis: str | None
    excluded_on: date | None
    expected_peak_occupancy: int | None
    occupancy_basis: OccupancyBasis | None
    occupancy_on: date | None
    indicative_tier: IndicativeTier
    priority: bool
    priority_reason: str | None
    source: str | None
    source_ref: str | None
    created_at: datetime
    version: int
    areas: list[PremisesAreaView]
    parties: list[PremisesPartyView]
    aliases: list[PremisesAliasView]
    allowed_actions: list[Action]


class PremisesMatch(View):
    """A place that may be the one meant. The score (0 to 100) says no more than the reasons beside it."""

    id: UUID
    team_id: UUID
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    uprn: str | None
    state: PremisesState
    score: int
    matched_on: list[MatchedOn]
    alias: str | None
    """The other name that matched, where one did."""


class PremisesMatches(View):
    """Places that may be the one meant, the likeliest first."""

    items: list[PremisesMatch]


class PremisesCreated(PremisesView):
    """A new place, and those within reach that are likely the same one: a warning, never a refusal."""

    likely_duplicates: list[PremisesMatch]


class PremisesRow(View):
    """A place in a list."""

    id: UUID
    team_id: UUID
    force_code: str | None
    state: PremisesState
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    uprn: str | None
    local_authority_code: str | None
    sector: str | None
    schedule_1_use: str | None
    priority: bool
    created_at: datetime
    version: int


class PremisesPage(Page):
    """Places, one page."""

    items: list[PremisesRow]
    next_cursor: str | None
