"""What the revision ``visits`` makes of visits that were logged before it."""

import asyncio
import uuid

import asyncpg
import pytest

from alembic import command
from casework import migrations
from tests.migrations.test_revisions import FILL

# When they were due and made, by hours from the opening of the case, and what is to be said of it.
VISITS: dict[str, tuple[str, int, int, int, int, bool, list[str]]] = {
    "as agreed": ("completed", 24, 26, 24, 26, True, []),
    "unconfirmed": ("completed", 24, 26, 24, 26, False, ["unconfirmed"]),
    "early": ("completed", 24, 26, 10, 12, True, ["before_due"]),
    "late": ("completed", 24, 26, 40, 41, True, ["after_due"]),
    "before": ("completed", -10, -8, -10, -8, True, ["before_case"]),
    "long": ("completed", 24, 36, 24, 37, True, ["long"]),
    "to come": ("proposed", 48, 49, 0, 0, False, []),
}


async def _run(migrated_url: str, statements: list[tuple[str, tuple[object, ...]]]) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(migrated_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('visit.complete', 'tests')")
            found: list[asyncpg.Record] = []
            for statement, values in statements:
                found = await (connection.fetch(statement, *values) if values else connection.fetch(statement))
            return found
    finally:
        await connection.close()


def test_visits_logged_before_are_marked_and_say_who_logged_them(
    migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = migrations.config(migrated_url)
    command.downgrade(configuration, "0013")
    ids = {name: uuid.uuid4() for name in VISITS}
    insert = (
        "INSERT INTO casework.site_visit (id, case_id, team_id, state, adviser_id, starts_at, ends_at, arrived_at, left_at, confirmed_at)"
        " SELECT $1, c.id, c.team_id, $2::text, p.id, c.opened_at + $3::int * interval '1 hour', c.opened_at + $4::int * interval '1 hour',"
        " CASE WHEN $2 = 'completed' THEN c.opened_at + $5::int * interval '1 hour' END,"
        " CASE WHEN $2 = 'completed' THEN c.opened_at + $6::int * interval '1 hour' END, CASE WHEN $7 THEN c.opened_at END"
        " FROM casework.case_file c, casework.person p WHERE c.reference = 'CASE-TEST'"
    )
    told = (
        "INSERT INTO casework.case_event (case_id, team_id, action, person_id, actor, subject_kind, subject_id)"
        " SELECT v.case_id, v.team_id, 'visit.complete', v.adviser_id, 'staff', 'visit', v.id FROM casework.site_visit v WHERE v.id = $1"
    )
    filling: list[tuple[str, tuple[object, ...]]] = [(each, ()) for each in FILL.split(";") if each.strip()]
    # The function that logs it names the columns of today; whoever goes back for good defines it anew.
    filling.append(("ALTER TABLE casework.site_visit DISABLE TRIGGER log_insert", ()))
    filling += [(insert, (ids[name], *facts[:6])) for name, facts in VISITS.items()]
    awake = "ALTER TABLE casework.site_visit ENABLE TRIGGER log_insert"
    asyncio.run(_run(migrated_url, [*filling, (told, (ids["late"],)), (awake, ())]))
    asyncio.run(_run(migrated_url, [("INSERT INTO access.membership (principal_id, role, team_id) SELECT id, 'adviser', team_id FROM casework.person", ())]))  # fmt: skip
    capsys.readouterr()
    command.upgrade(configuration, "0014")
    assert "visits: 5 marked for their times; of 1 it is known who logged them" in capsys.readouterr().out
    migrations.migrate(migrated_url)
    asked = "SELECT v.id, v.time_marks, v.logged_by = v.adviser_id AS known, v.time_reason, v.version FROM casework.site_visit v"
    rows = {row["id"]: row for row in asyncio.run(_run(migrated_url, [(asked, ())]))}
    assert {name: rows[ids[name]]["time_marks"] for name in VISITS} == {
        name: facts[6] for name, facts in VISITS.items()
    }
    assert [name for name in VISITS if rows[ids[name]]["known"]] == ["late"]
    assert {(row["time_reason"], row["version"]) for row in rows.values()} == {(None, 1)}
    own = asyncio.run(_run(migrated_url, [("SELECT visit_id FROM access.visiting", ())]))
    assert {row["visit_id"] for row in own} == set(ids.values())
