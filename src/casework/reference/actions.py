"""The verbs of reference data, and what other slices ask of it."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from casework.kernel.columns import write_moment
from casework.kernel.database import Database
from casework.kernel.inputs import Input
from casework.kernel.problems import NotFound, Problem, ValidationFailed
from casework.kernel.statements import Statement
from casework.reference import queries
from casework.reference.lifecycle import EntryState
from casework.reference.models import URGENT, Nation, Need, ThreatKind
from casework.reference.problems import LeadConfirms, LevelStands, NotTheNewest
from casework.reference.schemas import (
    BankHolidayAdding,
    SignpostAdding,
    Signposted,
    SignpostView,
    ThreatLevelConfirmation,
    ThreatLevelSetting,
    ThreatLevelStriking,
    WordAdding,
)
from casework.reference.signposts import packaged
from casework.reference.working_days import add_working_days, working_days_between
from casework.work.messages import tell_authors
from casework.work.times import require_ahead
from casework.work.unit import Answer, Work

log = logging.getLogger("casework")
OTHER = "other"
"""The word of every look-up of reasons that says nothing by itself."""
LEAD = "professional_lead"
"""Whoever holds this role records a threat level for good."""

# --- what other slices ask ---


async def require_word(work: Work, kind: str, code: str | None, pointer: str) -> None:
    """Raise ``ValidationFailed`` unless ``code`` is a word of the look-up ``kind``; ``None`` passes."""
    if code is not None:
        _require_among([row["code"] for row in await work.rows(queries.WORDS, kind=kind)], kind, {pointer: code})


async def require_reason(work: Work, kind: str, code: str | None, note: str | None, at: str = "") -> None:
    """Raise ``ValidationFailed`` unless a reason is a word of the look-up ``kind``, and another reason than those is said in the
    note. ``at`` points to where both stand; ``None`` passes."""
    await require_word(work, kind, code, f"{at}/reason_code")
    if code == OTHER and note is None:
        told = {"code": "missing", "message": "Say in the note which other reason it is."}
        raise ValidationFailed(errors=[{"pointer": f"{at}/note", **told}])


def _require_among(words: Sequence[str], kind: str, codes: Mapping[str, str | None]) -> None:
    wrong = [pointer for pointer, code in codes.items() if code is not None and code not in words]
    if wrong:
        told = {"code": "enum", "message": f"Use a word of {kind}.", "allowed": list(words)}
        raise ValidationFailed(errors=[{"pointer": pointer, **told} for pointer in wrong])


def levels_for_findings(ground: Mapping[str, Any], methodologies: Mapping[str, str | None]) -> dict[str, str | None]:
    """The threat levels that findings are stamped with, of what ``queries.ground_of_findings`` answered: those their site stood
    under, null where none was recorded. Raises where a method of attack, by its pointer, is no word for one."""
    _require_among(ground["words"], "attack_methodologies", methodologies)
    return {name: ground[name] for name in queries.LEVELS_OF_FINDING}


async def nation_of_force(work: Work, force_code: str) -> str:
    """England, Wales, Scotland or Northern Ireland; of a force without an area, where its headquarters are."""
    nation: str = (await work.obtain(queries.NATION_OF_FORCE, force_code=force_code))["nation"]
    return nation


@dataclass(frozen=True, slots=True)
class Levels:
    """What a site stands under: the national level, in Northern Ireland the one there too, and the entries they come from."""

    nation: str
    national: str | None
    northern_ireland: str | None
    entries: Sequence[UUID]

    @property
    def missing(self) -> list[str]:
        """The kinds of which nobody has recorded a level for this site."""
        lacking = {ThreatKind.NATIONAL: self.national is None}
        if self.nation == Nation.NORTHERN_IRELAND:
            lacking[ThreatKind.NORTHERN_IRELAND] = self.northern_ireland is None
        return [kind.value for kind, none in lacking.items() if none]


async def threat_levels_now(work: Work, site: UUID | None, team_id: UUID) -> Levels:
    """The threat levels in force at a site, or, where the case has none, where the team works."""
    row = await work.obtain(queries.LEVELS_NOW, site=site, team_id=team_id)
    return Levels(row["nation"], row["threat_level"], row["northern_ireland_threat_level"], row["entries"])


async def working_day_after(work: Work, team_id: UUID, start: date, days: int) -> date:
    """The day by which ``days`` working days have passed for a team, by the bank holidays that administrators keep."""
    calendar = await work.obtain(queries.CALENDAR_OF_TEAM, team_id=team_id, start=start)
    return add_working_days(start, days, calendar["nation"], frozenset(calendar["closed"]))


async def working_days_since(work: Work, team_id: UUID, start: date) -> int:
    """How many working days have passed for a team since a day, by the same list."""
    calendar = await work.obtain(queries.CALENDAR_OF_TEAM, team_id=team_id, start=start)
    return working_days_between(start, work.clock.today(), calendar["nation"], frozenset(calendar["closed"]))


# --- what administrators do ---


async def add_signpost(work: Work, adding: SignpostAdding) -> Answer:
    """Give a force its own entry for a need; the urgent ones are the same for everybody."""
    if adding.need in URGENT:
        message = "999 and the hotline are the same everywhere; amend the national entry instead."
        raise ValidationFailed(errors=[{"pointer": "/need", "code": "urgent", "message": message}])
    _require_a_way(adding.model_dump())
    signpost_id = await work.create(queries.ADD_SIGNPOST, adding)
    return await work.show(queries.SIGNPOST_SHOWN, signpost_id, location=f"/v1/signposts/{signpost_id}")


async def amend_signpost(work: Work, signpost_id: UUID, amendment: Input) -> Answer:
    """Change a number, an address or a text without a release."""
    stated = await _merged(work, queries.SIGNPOST_NOW, amendment, id=signpost_id)
    _require_a_way(stated)
    await work.advance(queries.AMEND_SIGNPOST, id=signpost_id, **stated)
    return await work.show(queries.SIGNPOST_SHOWN, signpost_id)


def _require_a_way(stated: dict[str, Any]) -> None:
    if not any(stated.get(way) for way in ("phone", "web", "other")):
        message = "Say how the service is reached: by phone, on the web, or otherwise."
        raise ValidationFailed(errors=[{"pointer": "/phone", "code": "missing", "message": message}])


async def add_word(work: Work, kind: str, adding: WordAdding) -> Answer:
    """Add a word to a vocabulary that exists."""
    await work.obtain(queries.KIND_SEEN, NotFound("There is no such vocabulary."), kind=kind)
    await require_word(work, kind, adding.parent, "/parent")
    word_id = await work.create(queries.ADD_WORD, adding, kind=kind)
    return await work.show(queries.WORD_SHOWN, word_id, location=f"/v1/reference/{kind}/{adding.code}")


async def amend_word(work: Work, kind: str, code: str, amendment: Input) -> Answer:
    """Change a word's label or place, or retire it. Its code stays, for records hold it."""
    stated = await _merged(work, queries.WORD_NOW, amendment, kind=kind, code=code)
    if "parent" in amendment.model_fields_set:
        await _require_parent(work, kind, code, stated["parent"])
    row = await work.advance(queries.AMEND_WORD, kind=kind, code=code, **stated)
    return await work.show(queries.WORD_SHOWN, row["id"])


async def _require_parent(work: Work, kind: str, code: str, parent: str | None) -> None:
    await require_word(work, kind, parent, "/parent")
    if parent == code:
        raise ValidationFailed(
            errors=[{"pointer": "/parent", "code": "itself", "message": "A word is not its own parent."}]
        )


async def add_holiday(work: Work, adding: BankHolidayAdding) -> Answer:
    """Record a bank holiday that nobody foresaw; tell how many running deadlines were counted across it, and move those on request.

    What a team has counted by hand stays: only it knows why. A day that is known already is counted once, when that is asked for.
    """
    known = await work.row(queries.HOLIDAY_KNOWN, id=adding.id) if adding.id is not None else None
    holiday_id = await work.create(queries.ADD_HOLIDAY, adding)
    counts = adding.active and (known is None or (adding.recount and known["recounted_at"] is None))
    rows = await work.rows(queries.TOUCHED, id=holiday_id, recount=adding.recount) if counts else ()
    shown = await work.show(queries.HOLIDAY_SHOWN, holiday_id, location=f"/v1/bank-holidays/{holiday_id}")
    touched = [{**row, "team_id": str(row["team_id"])} for row in rows]
    body = json.loads(shown.body) | {"deadlines": touched, "recounted": counts and adding.recount}
    return Answer(json.dumps(body), shown.version, shown.location)


async def amend_holiday(work: Work, holiday_id: UUID, amendment: Input) -> Answer:
    """Rename a bank holiday, or say that it is a working day after all."""
    stated = await _merged(work, queries.HOLIDAY_NOW, amendment, id=holiday_id)
    await work.advance(queries.AMEND_HOLIDAY, id=holiday_id, **stated)
    return await work.show(queries.HOLIDAY_SHOWN, holiday_id)


async def set_threat_level(work: Work, setting: ThreatLevelSetting) -> Answer:
    """Record a change of a threat level: a lead for good, a supervisor provisionally. What was recorded before stays as it was."""
    if setting.since is not None and setting.since > work.clock.now():  # it may be recorded late, or announced
        require_ahead(work, "/since", setting.since, "Say since when it holds.", years=1)
    lead = LEAD in work.caller.roles
    await work.row(queries.HOLD_LEVELS)
    before = await _holding(work)
    repeated = setting.id is not None and await work.row(queries.LEVEL_KNOWN, id=setting.id) is not None
    if not repeated:
        await _require_place(work, setting, lead=lead)
    state = EntryState.CONFIRMED if lead else EntryState.PROVISIONAL
    level_id = await work.create(queries.SET_THREAT_LEVEL, setting, state=state.value)
    if not repeated:
        await _tell_raise(work, before)
        if setting.since is not None and setting.since > work.clock.now():
            tell_authors(work, level_id, when=setting.since)
    return await work.show(queries.THREAT_LEVEL_SHOWN, level_id, location=f"/v1/threat-levels/{level_id}")


async def _require_place(work: Work, setting: ThreatLevelSetting, *, lead: bool) -> None:
    at = setting.since or work.clock.now()
    standing = await work.obtain(queries.STANDING_LEVELS, kind=setting.kind.value, at=at)
    newest = standing["newest_since"]
    if newest is not None and newest >= at and not setting.insert:
        told = (
            f"A threat level since {write_moment(newest)} is recorded already. If this one is meant to stand before it, send insert: true;"
            " if the other was a mistake, strike it first."
        )
        raise NotTheNewest(told, newest={"id": str(standing["newest"]), "since": write_moment(newest)})
    if not lead and standing["level"] == setting.level:
        raise LevelStands


async def confirm_threat_level(work: Work, level_id: UUID, _: ThreatLevelConfirmation) -> Answer:
    """Stand by what a supervisor recorded."""
    await work.advance(queries.CONFIRM_THREAT_LEVEL, id=level_id)
    if LEAD not in work.caller.roles:
        raise LeadConfirms
    return await work.show(queries.THREAT_LEVEL_SHOWN, level_id)


async def strike_threat_level(work: Work, level_id: UUID, striking: ThreatLevelStriking) -> Answer:
    """Strike an entry that was a mistake; it stays on record as struck, and what held before it holds again."""
    await work.row(queries.HOLD_LEVELS)
    before = await _holding(work)
    await work.advance(queries.STRIKE_THREAT_LEVEL, id=level_id, reason=striking.reason)
    await _tell_raise(work, before)
    return await work.show(queries.THREAT_LEVEL_SHOWN, level_id)


async def _holding(work: Work) -> dict[str, Any]:
    return {row["kind"]: row for row in await work.rows(queries.LEVELS_HOLDING)}


async def _tell_raise(work: Work, before: Mapping[str, Any]) -> None:
    """Whatever made a level graver than it was, the authors of what is not issued yet are told."""
    for kind, now in (await _holding(work)).items():
        if kind in before and now["gravity"] > before[kind]["gravity"]:
            tell_authors(work, now["id"])


async def _merged(work: Work, now: Statement, amendment: Input, **which: Any) -> dict[str, Any]:
    """The record as it stands with what the merge patch states; the version guard keeps out whoever comes between."""
    row = await work.obtain(now, **which)
    return {**dict(row), **{name: getattr(amendment, name) for name in amendment.model_fields_set}}


async def advisers_of(work: Work, force_code: str, force: str) -> dict[str, Any]:
    """The signpost to the security advisers of a force: its own entry, else 101 and for whom to ask."""
    need = Need.PROTECTIVE_SECURITY_ADVICE.value
    own = await work.row(queries.OWN_ENTRY, need=need, force_code=force_code)
    if own is not None:
        return dict(json.loads(own["body"]))
    asked = f"Call 101 and ask for the Counter Terrorism Security Advisers of {force}."
    national = packaged(need)
    how = {**national["how"], "phone": "101", "web": None, "hours": None, "other": asked}
    told = "They give free advice, in confidence, on physical, personnel and cyber security. This service does not reach them yet."
    return {**national, "how": how, "explanation": told, "explanation_cy": None}


async def signposted(database: Database, need: str) -> str:
    """The answer to a need that is another service's work, as JSON: the standing entry, or the packaged one whatever fails."""
    try:
        async with database.public.lend() as connection:
            row = await queries.SIGNPOSTED.row(
                connection, {"need": need, "postcode": None, "local_authority_code": None}
            )
        if row is not None:
            body: str = row["body"]
            return body
    except (Problem, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        log.warning("a signpost was answered from the packaged copy")
    signpost = SignpostView.model_validate(packaged(need))
    return Signposted(outcome="signposted", signpost=signpost).model_dump_json()
