"""What comes in and goes out about reference data."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from casework.kernel.columns import code, prose
from casework.kernel.doubts import InputWarning
from casework.kernel.inputs import Input, Truth, Uuid, amendment
from casework.kernel.views import View
from casework.reference.lifecycle import EntryState
from casework.reference.models import (
    BankHolidayDay,
    BankHolidayFacts,
    Code,
    Level,
    Nation,
    Need,
    SignpostFacts,
    ThreatKind,
    ThreatLevelFacts,
    WordFacts,
)


class SignpostHow(View):
    """How to reach a service."""

    phone: str | None
    web: str | None
    hours: str | None
    other: str | None


class SignpostView(View):
    """Where somebody with a need goes: a service, who it is for, how to reach it, and why. Welsh where there is any."""

    need: Need
    title: str
    who_for: str
    how: SignpostHow
    explanation: str
    title_cy: str | None
    explanation_cy: str | None
    force_code: str | None
    """The force whose own entry this is; null for a national one."""


class SignpostList(View):
    """One signpost for every need, in the order in which the public form offers them."""

    items: list[SignpostView]


class Signposted(View):
    """The answer to an enquiry that is another service's work. Nothing of the enquiry was stored."""

    outcome: Literal["signposted"]
    signpost: SignpostView
    warnings: list[InputWarning] = []
    """Nothing: nothing of the enquiry was looked at."""


class SignpostRecord(View):
    """A signpost as administrators keep it."""

    id: UUID
    need: Need
    force_code: str | None
    position: int
    title: str
    who_for: str
    phone: str | None
    web: str | None
    hours: str | None
    other: str | None
    explanation: str
    title_cy: str | None
    explanation_cy: str | None
    active: bool
    version: int


class SignpostRecords(View):
    """Signposts, national and forces' own."""

    items: list[SignpostRecord]


class SignpostAdding(SignpostFacts, Input):
    """A force's own entry; it takes the place of the national one wherever the force serves."""

    id: Uuid | None = None
    need: Need
    force_code: Annotated[str, code(20)]


class WordView(View):
    """A word of a vocabulary. One that is not active is read in old records, and no longer chosen."""

    id: UUID
    kind: str
    code: str
    label: str
    parent: str | None
    position: int
    active: bool
    version: int


class WordList(View):
    """All words of one kind."""

    items: list[WordView]


class WordAdding(WordFacts, Input):
    """A new word of a kind that exists."""

    id: Uuid | None = None
    code: Code


class KindView(View):
    """A kind of reference data, and how many entries it has."""

    kind: str
    entries: int


class KindList(View):
    """Every kind that ``GET /v1/reference/{kind}`` knows."""

    items: list[KindView]


class ForceView(View):
    """A police force."""

    code: str
    name: str
    nation: Nation
    has_area: bool


class ForceList(View):
    """Police forces by name."""

    items: list[ForceView]


class LocalAuthorityView(View):
    """A local authority and the force that serves it."""

    code: str
    name: str
    nation: Nation
    force_code: str


class LocalAuthorityList(View):
    """Local authorities by name."""

    items: list[LocalAuthorityView]


class ThreatLevelSetting(ThreatLevelFacts, Input):
    """A change of a threat level, as it was announced."""

    id: Uuid | None = None
    insert: Truth = False
    """Whether it is meant to begin before the newest entry of its kind. What was stamped meanwhile stays as it is."""


class ThreatLevelConfirmation(Input):
    """A professional lead stands by what a supervisor recorded."""


class ThreatLevelStriking(Input):
    """Why an entry was a mistake. Whoever reads the levels reads it."""

    reason: Annotated[str, prose(2000)]


class ThreatLevelView(View):
    """A threat level from a moment on; ``current`` tells the one of its kind that holds now."""

    id: UUID
    kind: ThreatKind
    level: Level
    since: datetime
    source_url: str | None
    state: EntryState
    """A provisional one counts until a professional lead strikes it; a struck one counts no more."""
    recorded_at: datetime
    struck_at: datetime | None
    struck_reason: str | None
    current: bool
    version: int


class ThreatLevelList(View):
    """Threat levels, the newest first."""

    items: list[ThreatLevelView]


class BankHolidayView(View):
    """A bank holiday of a nation."""

    id: UUID
    nation: Nation
    day: date
    name: str
    active: bool
    version: int


class BankHolidayList(View):
    """Bank holidays by day."""

    items: list[BankHolidayView]


class TouchedDeadlines(View):
    """How many running deadlines of a team were counted across a day: which ones, the team sees in its lists."""

    team_id: UUID
    team: str
    enquiries: int
    cases: int


class BankHolidayAdded(BankHolidayView):
    """A new bank holiday, and the deadlines that it touches."""

    deadlines: list[TouchedDeadlines]
    recounted: bool
    """Whether they were moved by the day."""


class BankHolidayAdding(BankHolidayDay, Input):
    """A bank holiday that nobody foresaw."""

    id: Uuid | None = None
    recount: Truth = False
    """Whether the running deadlines that were counted across it move by a working day. Those set by hand stay. To see first which
    they are, leave it out; send the same again with the `id` and this to have them moved, once."""


if TYPE_CHECKING:
    SignpostAmendment = Input
    WordAmendment = Input
    BankHolidayAmendment = Input
else:
    SignpostAmendment = amendment("SignpostAmendment", SignpostFacts)
    WordAmendment = amendment("WordAmendment", WordFacts)
    BankHolidayAmendment = amendment("BankHolidayAmendment", BankHolidayFacts)
