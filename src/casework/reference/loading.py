"""Loading what is packaged into the tables. What an administrator or a newer list changed is left alone."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from casework.reference.localities import DATA, Localities
from casework.reference.working_days import NATIONS, bank_holidays

# Codes of our own, for the ONS has none for a force without an area. Nation: where its headquarters are.
FORCES_WITHOUT_AREA = (
    ("BTP", "British Transport Police", "England"),
    ("CNC", "Civil Nuclear Constabulary", "England"),
    ("MDP", "Ministry of Defence Police", "England"),
)

_FORCES = """
INSERT INTO casework.police_force (code, name, nation, has_area)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) ON CONFLICT DO NOTHING"""
_AUTHORITIES = """
INSERT INTO casework.local_authority (code, name, nation, force_code)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING"""
_WORDS = """
INSERT INTO casework.lookup (kind, code, label, parent, position)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[]) ON CONFLICT DO NOTHING"""
_SIGNPOSTS = """
INSERT INTO casework.signpost (need, position, title, who_for, phone, web, hours, other, explanation, title_cy, explanation_cy)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::text[])
ON CONFLICT DO NOTHING"""
_NOTICES = """
INSERT INTO casework.notice (kind, state, title, text, controller, data_protection_officer, complaints,
                             title_cy, text_cy, controller_cy, data_protection_officer_cy, complaints_cy)
SELECT p.kind, 'approved', p.title, p.text, p.controller, p.data_protection_officer, p.complaints,
       p.title_cy, p.text_cy, p.controller_cy, p.data_protection_officer_cy, p.complaints_cy
FROM jsonb_populate_recordset(NULL::casework.notice, $1::jsonb) p
WHERE NOT EXISTS (
    SELECT FROM casework.notice n WHERE n.kind = p.kind AND n.force_code IS NULL AND n.state = 'approved'
      AND to_jsonb(n) @> jsonb_strip_nulls(to_jsonb(p) - ARRAY['id', 'state', 'number', 'writers', 'created_at', 'version']))"""
_HOLIDAYS = """
INSERT INTO casework.bank_holiday (nation, day, name)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[]) ON CONFLICT DO NOTHING"""
_FORMER = """
INSERT INTO casework.local_authority AS l (code, name, nation, force_code, replaced_by)
SELECT f.code, f.name, t.nation, t.force_code, coalesce(t.replaced_by, t.code)
FROM unnest($1::text[], $2::text[], $3::text[]) AS f (code, name, today) JOIN casework.local_authority t ON t.code = f.today
ON CONFLICT (code) DO UPDATE SET replaced_by = excluded.replaced_by WHERE l.replaced_by IS NULL"""


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def packaged(name: str) -> Any:
    """A packaged JSON file."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def _words() -> Iterator[tuple[Any, ...]]:
    for kind, words in packaged("lookups.json").items():
        for word in words:
            yield kind, word["code"], word["label"], word.get("parent"), word["position"]


def _signposts() -> Iterator[tuple[Any, ...]]:
    for position, entry in enumerate(packaged("signposts.json"), start=1):
        how = (entry["how"].get(way) for way in ("phone", "web", "hours", "other"))
        texts = (entry["explanation"], entry["title_cy"], entry["explanation_cy"])
        yield entry["need"], position, entry["title"], entry["who_for"], *how, *texts


async def load(url: str) -> None:
    """Load everything packaged that is not there yet, as casework_migrate. Safe to repeat."""
    places = Localities()
    authorities = sorted(places.authorities.values(), key=lambda authority: authority.code)
    nations = {authority.force.code: authority.nation for authority in authorities}
    forces = [(force.code, force.name, nations[force.code], True) for force in places.forces]
    forces += [(*force, False) for force in FORCES_WITHOUT_AREA]
    year = datetime.now(UTC).year
    kept = [
        (nation, day, name)
        for nation in NATIONS
        for each in range(year - 1, year + 4)
        for day, name in bank_holidays(nation, each).items()
    ]
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('reference.manage', 'casework migrate')")
            await connection.execute(_FORCES, *_columns(forces))
            await connection.execute(
                _AUTHORITIES, *_columns((each.code, each.name, each.nation, each.force.code) for each in authorities)
            )
            former = ((each.code, each.name, each.today) for each in places.former)
            await connection.execute(_FORMER, *_columns(former))
            await connection.execute(_WORDS, *_columns(_words()))
            await connection.execute(_SIGNPOSTS, *_columns(_signposts()))
            # A newer text supersedes the one before it, which stays readable.
            await connection.execute(_NOTICES, json.dumps(packaged("notices.json")))
            await connection.execute(_HOLIDAYS, *_columns(kept))
    finally:
        await connection.close()
