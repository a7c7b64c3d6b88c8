"""Every revision goes up, down and up again over filled tables, and the models are what the tables are."""

import asyncio

import asyncpg
from alembic.script import ScriptDirectory

from alembic import command
from casework import migrations

FILL = """
INSERT INTO casework.police_force (code, name, nation) VALUES ('X1', 'Example', 'England') ON CONFLICT DO NOTHING;
INSERT INTO casework.team (name, force_code, intake) VALUES ('Team', 'X1', true);
INSERT INTO casework.person (name, email, team_id) SELECT 'Person', 'p@police.example', id FROM casework.team WHERE force_code = 'X1';
INSERT INTO casework.premises (team_id, name, postcode) SELECT id, 'Hall', 'DE1 1AA' FROM casework.team WHERE force_code = 'X1';
INSERT INTO casework.case_file (team_id, reference, kind, title)
SELECT id, 'CASE-TEST', 'proactive', 'Case' FROM casework.team WHERE force_code = 'X1';
"""


def revisions() -> list[str]:
    """Every revision, oldest first."""
    scripts = ScriptDirectory(str(migrations.scripts()))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('case.open', 'tests')")
            await connection.execute(FILL)
    finally:
        await connection.close()


def test_every_revision_goes_up_down_and_up_again_on_filled_tables(url: str) -> None:
    configuration = migrations.config(url)
    migrations.migrate(url)
    asyncio.run(_fill(url))
    for revision in reversed(revisions()):
        command.downgrade(configuration, f"{revision}-1" if revision != revisions()[0] else "base")
    for _ in revisions():
        command.upgrade(configuration, "+1")
    migrations.migrate(url)
    asyncio.run(_fill(url))
    command.check(configuration)


def test_migrating_again_changes_nothing(url: str) -> None:
    migrations.migrate(url)
    migrations.migrate(url)
    command.check(migrations.config(url))


def test_without_former_codes_every_authority_is_one_of_today_again(url: str) -> None:
    """What the revision 0005 brought is gone after it is taken back, and places keep an authority that is known."""
    configuration = migrations.config(url)
    migrations.migrate(url)
    asyncio.run(_fill(url))

    async def ask(statement: str, *, event: bool = False) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                if event:
                    await connection.execute("SELECT access.begin_system('reference.manage', 'tests')")
                return list(await connection.fetch(statement))
        finally:
            await connection.close()

    asyncio.run(ask("UPDATE casework.premises SET local_authority_code = 'E08000038'", event=True))
    command.downgrade(configuration, "0004")
    codes = {row["code"] for row in asyncio.run(ask("SELECT code FROM casework.local_authority"))}
    assert len(codes) == 361
    assert {"E08000016", "E08000019"} <= codes
    assert not {"E08000038", "E08000039", "E07000163"} & codes
    held = asyncio.run(ask("SELECT DISTINCT local_authority_code AS code FROM casework.premises"))
    assert {row["code"] for row in held} == {"E08000016"}
    migrations.migrate(url)
    former = asyncio.run(ask("SELECT code FROM casework.local_authority WHERE replaced_by IS NOT NULL"))
    assert len(former) == 54
