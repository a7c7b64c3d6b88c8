"""What the revision 0015 makes of people who left before it."""

import asyncio
import uuid

import asyncpg
import pytest

from alembic import command
from casework import migrations
from tests.migrations.test_revisions import FILL


async def _run(migrated_url: str, *statements: tuple[str, tuple[object, ...]]) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(migrated_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('person.manage', 'tests')")
            found: list[asyncpg.Record] = []
            for statement, values in statements:
                found = await (connection.fetch(statement, *values) if values else connection.fetch(statement))
            return found
    finally:
        await connection.close()


def test_who_left_before_keeps_no_role_and_what_they_held_waits(
    migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = migrations.config(migrated_url)
    command.downgrade(configuration, "0014")
    visit, filling = uuid.uuid4(), [(each, ()) for each in FILL.split(";") if each.strip()]
    held = (
        "INSERT INTO casework.site_visit (id, case_id, team_id, adviser_id, starts_at, ends_at)"
        " SELECT $1, c.id, c.team_id, p.id, now(), now() + interval '1 hour' FROM casework.case_file c, casework.person p"
        " WHERE c.reference = 'CASE-TEST'"
    )
    asyncio.run(
        _run(
            migrated_url,
            *filling,
            # The function names the columns of today; whoever goes back for good defines it anew.
            ("ALTER TABLE casework.site_visit DISABLE TRIGGER keep_visiting", ()),
            (held, (visit,)),
            ("ALTER TABLE casework.site_visit ENABLE TRIGGER keep_visiting", ()),
            ("UPDATE casework.case_file c SET adviser_id = p.id, state = 'active' FROM casework.person p", ()),
            ("INSERT INTO access.membership (principal_id, role, team_id) SELECT id, 'adviser', team_id FROM casework.person", ()),
            ("UPDATE access.principal SET active = false", ()),
            ("ALTER TABLE casework.person DISABLE TRIGGER keep_principal", ()),
            ("UPDATE casework.person SET active = false", ()),
            ("ALTER TABLE casework.person ENABLE TRIGGER keep_principal", ()),
        )
    )  # fmt: skip
    capsys.readouterr()
    command.upgrade(configuration, "0015")
    told = capsys.readouterr().out
    assert "leavers: 1 roles, 1 cases, 0 allocations, 0 collaborators, 1 visits, 0 reviews were theirs" in told
    migrations.migrate(migrated_url)
    (case,) = asyncio.run(
        _run(
            migrated_url, ("SELECT adviser_left_at, version FROM casework.case_file WHERE reference = 'CASE-TEST'", ())
        )
    )
    (marked,) = asyncio.run(
        _run(migrated_url, ("SELECT adviser_left_at FROM casework.site_visit WHERE id = $1", (visit,)))
    )
    (role,) = asyncio.run(_run(migrated_url, ("SELECT ended_at FROM access.membership WHERE role = 'adviser'", ())))
    assert None not in (case["adviser_left_at"], marked["adviser_left_at"], role["ended_at"])
