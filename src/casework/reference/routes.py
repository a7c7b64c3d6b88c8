"""HTTP for reference."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from casework.access.actions import Action
from casework.kernel.columns import FIRST_DAY, LAST_DAY
from casework.kernel.inputs import DIGITS
from casework.reference import actions, queries
from casework.reference.models import AreaCode, Nation, Whereabouts
from casework.reference.problems import LeadConfirms, LevelStands, NationalSignpostStays, NotTheNewest
from casework.reference.schemas import (
    BankHolidayAdded,
    BankHolidayAdding,
    BankHolidayAmendment,
    BankHolidayList,
    BankHolidayView,
    ForceList,
    KindList,
    LocalAuthorityList,
    SignpostAdding,
    SignpostAmendment,
    SignpostList,
    SignpostRecord,
    SignpostRecords,
    ThreatLevelConfirmation,
    ThreatLevelList,
    ThreatLevelSetting,
    ThreatLevelStriking,
    ThreatLevelView,
    WordAdding,
    WordAmendment,
    WordList,
    WordView,
)
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Id, operation

router = APIRouter(prefix="/v1", tags=["reference"], route_class=DoorRoute)
Kind = Annotated[str, Path(pattern="^[a-z0-9_]{1,60}$", description="A kind of `GET /v1/reference`.")]
WordCode = Annotated[str, Path(pattern="^[a-z0-9_]{1,60}$", description="The word's code.")]
ForceCode = Annotated[AreaCode | None, Query(description="Of this police force only.")]


@router.get("/signposts", **operation(Action.SIGNPOST_LIST, "Where to go with which need", SignpostList))
async def list_signposts(
    door: AtDoor,
    postcode: Annotated[
        Whereabouts, Query(description="Where the caller is: the force there may have entries of its own.")
    ]
    | None = None,
    local_authority_code: Annotated[
        AreaCode, Query(description="The same by local authority, where the postcode is not known.")
    ]
    | None = None,
) -> Response:
    """One signpost for every need. It is answered whatever fails; a place that nobody knows gets the national entries."""
    return await door.one(queries.SIGNPOST_LIST, postcode=postcode, local_authority_code=local_authority_code)


@router.post(
    "/signposts",
    **operation(
        Action.REFERENCE_MANAGE,
        "Give a force its own signpost",
        SignpostRecord,
        suffix="add_signpost",
        status=201,
        creates=True,
        example={
            "need": "prevent_activity",
            "force_code": "E23000018",
            "title": "Derbyshire Prevent Team",
            "who_for": "Schools and community groups in Derbyshire.",
            "phone": "0300 122 8694",
            "explanation": "Ring the team to book a session.",
        },
    ),
)
async def add_signpost(door: AtDoor, adding: SignpostAdding) -> Response:
    """It takes the place of the national one wherever the force serves. Not for 999 and the hotline."""
    return await door.write(lambda work: actions.add_signpost(work, adding), status=201)


@router.get(
    "/signposts/{signpost_id}", **operation(Action.REFERENCE_READ, "Read a signpost", SignpostRecord, suffix="signpost")
)
async def read_signpost(door: AtDoor, signpost_id: Id) -> Response:
    """A signpost as administrators keep it, with the version that a change must name."""
    return await door.one(queries.SIGNPOST_BY_ID, id=signpost_id)


@router.patch(
    "/signposts/{signpost_id}",
    **operation(
        Action.REFERENCE_MANAGE,
        "Amend a signpost",
        SignpostRecord,
        suffix="amend_signpost",
        amends=True,
        problems=(NationalSignpostStays,),
        example={"phone": "0800 789 321"},
    ),
)
async def amend_signpost(door: AtDoor, signpost_id: Id, amendment: SignpostAmendment) -> Response:
    """Change a number or a text without a release; a force's own entry is taken away with `active: false`."""
    return await door.write(lambda work: actions.amend_signpost(work, signpost_id, amendment))


@router.get(
    "/reference", **operation(Action.REFERENCE_READ, "List the kinds of reference data", KindList, suffix="kinds")
)
async def list_kinds(door: AtDoor) -> Response:
    """Every vocabulary, and the other kinds of this list."""
    return await door.one(queries.KINDS)


@router.get("/reference/forces", **operation(Action.REFERENCE_READ, "List police forces", ForceList, suffix="forces"))
async def list_forces(door: AtDoor, nation: Nation | None = None) -> Response:
    """Forces by name, those without an area of their own included."""
    return await door.one(queries.FORCE_LIST, nation=nation)


@router.get(
    "/reference/local_authorities",
    **operation(Action.REFERENCE_READ, "List local authorities", LocalAuthorityList, suffix="local_authorities"),
)
async def list_authorities(door: AtDoor, nation: Nation | None = None, force_code: ForceCode = None) -> Response:
    """Local authorities of today, each with its force."""
    return await door.one(queries.AUTHORITY_LIST, nation=nation, force_code=force_code)


@router.get(
    "/reference/signposts",
    **operation(Action.REFERENCE_READ, "List signposts as they are kept", SignpostRecords, suffix="signposts"),
)
async def list_signpost_records(door: AtDoor, force_code: ForceCode = None) -> Response:
    """National signposts and forces' own, those taken away included; for what a caller should see, `GET /v1/signposts`."""
    return await door.one(queries.SIGNPOST_RECORDS, force_code=force_code)


@router.get("/reference/{kind}", **operation(Action.REFERENCE_READ, "List the words of a kind", WordList))
async def list_words(door: AtDoor, kind: Kind) -> Response:
    """All words of a vocabulary in their order; those no longer chosen have `active: false`."""
    return await door.one(queries.WORD_LIST, kind=kind)


@router.get("/reference/{kind}/{code}", **operation(Action.REFERENCE_READ, "Read a word", WordView, suffix="word"))
async def read_word(door: AtDoor, kind: Kind, code: WordCode) -> Response:
    """One word of a vocabulary, with the version that a change must name."""
    return await door.one(queries.WORD_BY_CODE, kind=kind, code=code)


@router.post(
    "/reference/{kind}",
    **operation(
        Action.REFERENCE_MANAGE,
        "Add a word",
        WordView,
        suffix="add_word",
        status=201,
        creates=True,
        example={"code": "moved_away", "label": "The business has moved away", "position": 20},
    ),
)
async def add_word(door: AtDoor, kind: Kind, adding: WordAdding) -> Response:
    """A new word of a vocabulary that exists. A code is never given another meaning: add one and retire the other."""
    return await door.write(lambda work: actions.add_word(work, kind, adding), status=201)


@router.patch(
    "/reference/{kind}/{code}",
    **operation(
        Action.REFERENCE_MANAGE,
        "Amend a word",
        WordView,
        suffix="amend_word",
        amends=True,
        example={"active": False},
    ),
)
async def amend_word(door: AtDoor, kind: Kind, code: WordCode, amendment: WordAmendment) -> Response:
    """Another label or place, or retired; the code itself stays."""
    return await door.write(lambda work: actions.amend_word(work, kind, code, amendment))


@router.get(
    "/threat-levels", **operation(Action.REFERENCE_READ, "List threat levels", ThreatLevelList, suffix="threat_levels")
)
async def list_threat_levels(door: AtDoor) -> Response:
    """The national threat level and the Northern Ireland-related one: as they are, as they were, and what was struck."""
    return await door.one(queries.THREAT_LEVEL_LIST)


@router.post(
    "/threat-levels",
    **operation(
        Action.THREAT_LEVEL_SET,
        "Record a threat level",
        ThreatLevelView,
        status=201,
        creates=True,
        problems=(NotTheNewest, LevelStands),
        example={
            "kind": "national",
            "level": "severe",
            "source_url": "https://www.mi5.gov.uk/threats-and-advice/terrorism-threat-levels",
        },
    ),
)
async def set_threat_level(door: AtDoor, setting: ThreatLevelSetting) -> Response:
    """What the Joint Terrorism Analysis Centre or MI5 has announced. Advice that is being written is checked against it.

    A supervisor's entry is provisional: it counts at once, until a professional lead confirms or strikes it. A raise is told
    to the authors of advice that is not issued yet.
    """
    return await door.write(lambda work: actions.set_threat_level(work, setting), status=201)


@router.get(
    "/threat-levels/{level_id}",
    **operation(Action.REFERENCE_READ, "Read a threat level", ThreatLevelView, suffix="threat_level"),
)
async def read_threat_level(door: AtDoor, level_id: Id) -> Response:
    """One entry, with the version that confirming or striking it must name."""
    return await door.one(queries.THREAT_LEVEL_BY_ID, id=level_id)


@router.post(
    "/threat-levels/{level_id}/confirmation",
    **operation(
        Action.THREAT_LEVEL_SET,
        "Confirm a provisional threat level",
        ThreatLevelView,
        suffix="confirm",
        moves=True,
        problems=(LeadConfirms,),
        example={},
    ),
)
async def confirm_threat_level(door: AtDoor, level_id: Id, confirmation: ThreatLevelConfirmation) -> Response:
    """For a professional lead: what a supervisor recorded is right."""
    return await door.write(lambda work: actions.confirm_threat_level(work, level_id, confirmation))


@router.post(
    "/threat-levels/{level_id}/strike",
    **operation(
        Action.THREAT_LEVEL_STRIKE,
        "Strike a threat level",
        ThreatLevelView,
        moves=True,
        example={"reason": "Entered for the wrong day."},
    ),
)
async def strike_threat_level(door: AtDoor, level_id: Id, striking: ThreatLevelStriking) -> Response:
    """An entry made by mistake: it counts no more and stays on record. Advice issued under it says so from then on."""
    return await door.write(lambda work: actions.strike_threat_level(work, level_id, striking))


@router.get(
    "/bank-holidays", **operation(Action.REFERENCE_READ, "List bank holidays", BankHolidayList, suffix="bank_holidays")
)
async def list_holidays(
    door: AtDoor,
    nation: Nation | None = None,
    year: Annotated[int, Query(ge=FIRST_DAY.year, le=LAST_DAY.year), DIGITS] | None = None,
) -> Response:
    """The days that working-day deadlines count around, nation by nation."""
    return await door.one(queries.HOLIDAY_LIST, nation=nation, year=year)


@router.post(
    "/bank-holidays",
    **operation(
        Action.REFERENCE_MANAGE,
        "Add a bank holiday",
        BankHolidayAdded,
        suffix="add_bank_holiday",
        status=201,
        creates=True,
        example={"nation": "Wales", "day": "2030-03-01", "name": "Saint David's Day"},
    ),
)
async def add_holiday(door: AtDoor, adding: BankHolidayAdding) -> Response:
    """A day that was proclaimed after the service was set up. The answer says how many deadlines of each team were counted
    across it; `recount` moves them."""
    return await door.write(lambda work: actions.add_holiday(work, adding), status=201)


@router.get(
    "/bank-holidays/{holiday_id}",
    **operation(Action.REFERENCE_READ, "Read a bank holiday", BankHolidayView, suffix="bank_holiday"),
)
async def read_holiday(door: AtDoor, holiday_id: Id) -> Response:
    """One bank holiday, with the version that a change must name."""
    return await door.one(queries.HOLIDAY_BY_ID, id=holiday_id)


@router.patch(
    "/bank-holidays/{holiday_id}",
    **operation(
        Action.REFERENCE_MANAGE,
        "Amend a bank holiday",
        BankHolidayView,
        suffix="amend_bank_holiday",
        amends=True,
        example={"active": False},
    ),
)
async def amend_holiday(door: AtDoor, holiday_id: Id, amendment: BankHolidayAmendment) -> Response:
    """Another name, or a working day after all."""
    return await door.write(lambda work: actions.amend_holiday(work, holiday_id, amendment))
