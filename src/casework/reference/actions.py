"""The verbs of reference data, and what other slices ask of it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from casework.kernel.database import Database
from casework.kernel.inputs import Input
from casework.kernel.problems import NotFound, Problem, ValidationFailed
from casework.kernel.statements import Statement
from casework.reference import queries
from casework.reference.models import URGENT
from casework.reference.schemas import (
    BankHolidayAdding,
    SignpostAdding,
    Signposted,
    SignpostView,
    ThreatLevelSetting,
    WordAdding,
)
from casework.reference.signposts import packaged
from casework.reference.working_days import add_working_days
from casework.work.times import require_ahead
from casework.work.unit import Answer, Work

log = logging.getLogger("casework")

# --- what other slices ask ---


async def require_word(work: Work, kind: str, code: str | None, pointer: str) -> None:
    """Raise ``ValidationFailed`` unless ``code`` is a word of the look-up ``kind``; ``None`` passes."""
    if code is not None:
        _require_among([row["code"] for row in await work.rows(queries.WORDS, kind=kind)], kind, {pointer: code})


def _require_among(words: Sequence[str], kind: str, codes: Mapping[str, str | None]) -> None:
    wrong = [pointer for pointer, code in codes.items() if code is not None and code not in words]
    if wrong:
        told = {"code": "enum", "message": f"Use a word of {kind}.", "allowed": list(words)}
        raise ValidationFailed(errors=[{"pointer": pointer, **told} for pointer in wrong])


def level_for_findings(ground: Mapping[str, Any], methodologies: Mapping[str, str | None]) -> str:
    """The threat level in force for findings, of what ``queries.ground_of_findings`` answered; raises where a method of
    attack, by its pointer, is no word for one."""
    _require_among(ground["words"], "attack_methodologies", methodologies)
    if ground["level"] is None:
        raise NotFound
    level: str = ground["level"]
    return level


async def nation_of_force(work: Work, force_code: str) -> str:
    """England, Wales, Scotland or Northern Ireland; of a force without an area, where its headquarters are."""
    nation: str = (await work.obtain(queries.NATION_OF_FORCE, force_code=force_code))["nation"]
    return nation


async def nation_of_team(work: Work, team_id: UUID) -> str:
    """The nation of a team's force."""
    nation: str = (await work.obtain(queries.NATION_OF_TEAM, team_id=team_id))["nation"]
    return nation


async def current_threat_level(work: Work, team_id: UUID) -> str:
    """The threat level in force where a team works: Northern Ireland has its own, the rest is Great Britain."""
    level: str = (await work.obtain(queries.CURRENT_THREAT_LEVEL, team_id=team_id))["level"]
    return level


async def working_day_after(work: Work, team_id: UUID, start: date, days: int) -> date:
    """The day by which ``days`` working days have passed for a team, by the bank holidays that administrators keep."""
    calendar = await work.obtain(queries.CALENDAR_OF_TEAM, team_id=team_id, start=start)
    return add_working_days(start, days, calendar["nation"], frozenset(calendar["closed"]))


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
    """Record a bank holiday that nobody foresaw."""
    holiday_id = await work.create(queries.ADD_HOLIDAY, adding)
    return await work.show(queries.HOLIDAY_SHOWN, holiday_id, location=f"/v1/bank-holidays/{holiday_id}")


async def amend_holiday(work: Work, holiday_id: UUID, amendment: Input) -> Answer:
    """Rename a bank holiday, or say that it is a working day after all."""
    stated = await _merged(work, queries.HOLIDAY_NOW, amendment, id=holiday_id)
    await work.advance(queries.AMEND_HOLIDAY, id=holiday_id, **stated)
    return await work.show(queries.HOLIDAY_SHOWN, holiday_id)


async def set_threat_level(work: Work, setting: ThreatLevelSetting) -> Answer:
    """Record a change of the national threat level. What was recorded before stays as it was."""
    if setting.since is not None and setting.since > work.clock.now():  # it may be recorded late, or announced
        require_ahead(work, "/since", setting.since, "Say since when it holds.", years=1)
    level_id = await work.create(queries.SET_THREAT_LEVEL, setting)
    return await work.show(queries.THREAT_LEVEL_SHOWN, level_id)


async def _merged(work: Work, now: Statement, amendment: Input, **which: Any) -> dict[str, Any]:
    """The record as it stands with what the merge patch states; the version guard keeps out whoever comes between."""
    row = await work.obtain(now, **which)
    return {**dict(row), **{name: getattr(amendment, name) for name in amendment.model_fields_set}}


async def signposted(database: Database, need: str) -> str:
    """The answer to a need that is another service's work, as JSON: the standing entry, or the packaged one whatever fails."""
    try:
        async with database.public.lend() as connection:
            row = await queries.SIGNPOSTED.row(connection, {"need": need, "postcode": None})
        if row is not None:
            body: str = row["body"]
            return body
    except (Problem, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        log.warning("a signpost was answered from the packaged copy")
    signpost = SignpostView.model_validate(packaged(need))
    return Signposted(outcome="signposted", signpost=signpost).model_dump_json()
