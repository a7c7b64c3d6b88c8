"""What the revision 0017 makes of notes that were written before it."""

import asyncio
import uuid

import asyncpg
import pytest

from alembic import command
from casework import migrations
from tests.migrations.test_revisions import FILL

# By what its author ever was here: whom the note is for.
AUTHORS: dict[tuple[str, ...], str] = {
    ("coordinator",): "desk",
    ("service",): "desk",
    ("coordinator", "supervisor"): "casework",
    ("adviser",): "casework",
    ("reviewer", "coordinator"): "casework",
    ("information_manager",): "casework",
    ("administrator",): "casework",
    (): "casework",
}


async def _run(migrated_url: str, statements: list[tuple[str, tuple[object, ...]]]) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(migrated_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('case.note', 'tests')")
            found: list[asyncpg.Record] = []
            for statement, values in statements:
                found = await (connection.fetch(statement, *values) if values else connection.fetch(statement))
            return found
    finally:
        await connection.close()


def test_a_note_is_for_the_desk_where_its_author_was_only_there(
    migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = migrations.config(migrated_url)
    command.downgrade(configuration, "0014")
    filling: list[tuple[str, tuple[object, ...]]] = [(each, ()) for each in FILL.split(";") if each.strip()]
    # The function that logs it names the columns of today; whoever goes back for good defines it anew.
    filling.append(("ALTER TABLE casework.case_note DISABLE TRIGGER log_insert", ()))
    notes = {roles: uuid.uuid4() for roles in AUTHORS}
    for roles, note in notes.items():
        author = uuid.uuid4()
        person = (
            "INSERT INTO casework.person (id, name, email, team_id)"
            " SELECT $1, 'Sam', $2, team_id FROM casework.case_file WHERE reference = 'CASE-TEST'"
        )
        part = (
            "INSERT INTO access.membership (principal_id, role, team_id, ended_at)"
            " SELECT $1, $2::text, team_id, CASE WHEN $2::text = 'supervisor' THEN now() END FROM casework.case_file WHERE reference = 'CASE-TEST'"
        )
        filling += [(person, (author, f"{author}@police.example")), *((part, (author, role)) for role in roles)]
        wrote = (
            "INSERT INTO casework.case_note (id, case_id, team_id, author_id, body)"
            " SELECT $1, id, team_id, $2, 'x' FROM casework.case_file WHERE reference = 'CASE-TEST'"
        )
        filling.append((wrote, (note, author)))
    awake = "ALTER TABLE casework.case_note ENABLE TRIGGER log_insert"
    asyncio.run(_run(migrated_url, [*filling, (awake, ())]))
    capsys.readouterr()
    command.upgrade(configuration, "0017")
    assert "notes: 2 for the desk, 6 for casework" in capsys.readouterr().out
    migrations.migrate(migrated_url)
    rows = asyncio.run(_run(migrated_url, [("SELECT id, audience FROM casework.case_note", ())]))
    found = {row["id"]: row["audience"] for row in rows}
    assert {roles: found[note] for roles, note in notes.items()} == AUTHORS
