"""Every revision goes up, down and up again over filled tables, and the models are what the tables are."""

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, event

from alembic import command
from casework import migrations
from tests.migrations.test_lists import FILL as ADVICE
from tests.migrations.test_lists import run

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


def in_batches() -> set[str]:
    """The revisions that fill what is there in batches, which commit each by itself."""
    scripts = ScriptDirectory(str(migrations.scripts()))
    return {each.revision for each in scripts.walk_revisions() if "autocommit_block" in inspect.getsource(each.module)}


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


class Broken(Exception):
    """The run broke off here."""


class Breaking:
    """Lets the batches of a revision break off: before the statement of this number, and once when all are done."""

    before, executed, inside, reached_end = 1, 0, False, False

    def step(self) -> None:
        """A statement is about to be executed."""
        self.executed += self.inside
        if self.inside and self.executed == self.before:
            raise Broken

    def end(self) -> None:
        """The last batch is stored, but not that the revision is."""
        if not self.reached_end:
            self.reached_end = True
            raise Broken


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaking]:
    """Breaks runs off."""
    made, block = Breaking(), MigrationContext.autocommit_block

    @contextmanager
    def watched(context: MigrationContext) -> Iterator[None]:
        with block(context):
            made.inside, made.executed = True, 0
            try:
                yield
                made.end()
            finally:
                made.inside = False

    def step(*_: Any) -> None:
        made.step()

    monkeypatch.setattr(MigrationContext, "autocommit_block", watched)
    event.listen(Engine, "before_cursor_execute", step)
    yield made
    event.remove(Engine, "before_cursor_execute", step)


# Something to fill for every revision that fills, beside the advice of ``test_lists``.
OTHERS = """
SET session_replication_role = replica;  -- as it was stored, past the triggers of today
INSERT INTO casework.threat_level (nation, level, since) VALUES ('Great Britain', 'substantial', '2022-02-09');
INSERT INTO casework.person (id, name, email, team_id, active)
SELECT '00000000-0000-7000-8000-0000000000b1', 'Gone', 'g@police.example', id, false FROM casework.team WHERE force_code = 'X1';
INSERT INTO access.membership (principal_id, role, team_id)
SELECT p.id, CASE WHEN p.active THEN 'coordinator' ELSE 'adviser' END, p.team_id FROM casework.person p
WHERE p.email LIKE '_@police.example';
INSERT INTO casework.site_visit (case_id, team_id, state, adviser_id, starts_at, ends_at, arrived_at, left_at)
SELECT c.id, c.team_id, s.state, '00000000-0000-7000-8000-0000000000b1', c.opened_at, c.opened_at + interval '1 hour', s.at, s.at + interval '1 hour'
FROM casework.case_file c, (VALUES ('completed', timestamptz '2026-01-05 10:00Z'), ('proposed', NULL)) s (state, at)
WHERE c.reference = 'CASE-TEST';
INSERT INTO casework.case_note (case_id, team_id, author_id, body)
SELECT c.id, c.team_id, '00000000-0000-7000-8000-00000000000b', 'Rang.' FROM casework.case_file c WHERE c.reference = 'CASE-TEST';
INSERT INTO casework.enquiry (team_id, reference, force_code, site_name, description, respond_by)
SELECT id, 'ENQ-TEST', 'X1', 'Hall', 'Hall', date '2026-03-09' FROM casework.team WHERE force_code = 'X1';
INSERT INTO casework.enquiry_message (enquiry_id, team_id, author, body)
SELECT id, team_id, 'business', 'A line' FROM casework.enquiry WHERE reference = 'ENQ-TEST';
"""
LEFT_OVER = {
    "a level that nobody recorded": "SELECT FROM casework.threat_level WHERE set_by IS NULL AND state <> 'struck'",
    "advice without contributors": "SELECT FROM casework.advice v WHERE NOT EXISTS"
    " (SELECT FROM casework.advice_contributor k WHERE k.advice_id = v.id)",
    "a visit without its mark": "SELECT FROM casework.site_visit WHERE state = 'completed' AND time_marks = '{}'",
    "a visit of a leaver": "SELECT FROM casework.site_visit WHERE state = 'proposed' AND adviser_left_at IS NULL",
    "a note of the desk": "SELECT FROM casework.case_note WHERE audience <> 'desk'",
    "an enquiry that waits": "SELECT FROM casework.enquiry WHERE reference = 'ENQ-TEST' AND business_spoke_at IS NULL",
    "a trigger that sleeps": "SELECT FROM pg_trigger WHERE tgenabled = 'D'",
}


def test_every_revision_goes_on_wherever_its_batches_broke_off(
    migrated_url: str, superuser_url: str, breaking: Breaking
) -> None:
    configuration, broken = migrations.config(migrated_url), dict.fromkeys(in_batches(), 0)
    command.downgrade(configuration, "0005")
    run(superuser_url, ADVICE % 2, OTHERS, "SELECT")
    for revision in revisions()[revisions().index("0005") + 1 :]:
        breaking.before, breaking.reached_end = 1, False
        while True:
            try:
                command.upgrade(configuration, revision)
                break
            except Broken:
                stands = run(superuser_url, "SELECT version_num FROM work.alembic_version")
                assert stands[0][0] != revision
                broken[revision] += 1
                breaking.before += 1
    # Each broke off after its tables were stored, somewhere between, and after the last batch.
    assert min(broken.values()) >= 3, broken
    migrations.migrate(migrated_url)
    assert [what for what, asked in LEFT_OVER.items() if run(superuser_url, asked)] == []
    command.check(configuration)


WITHHELD = """
SET session_replication_role = replica;
INSERT INTO casework.enquiry (team_id, reference, state, force_code, site_name, description, respond_by, case_id, case_withheld)
SELECT c.team_id, 'ENQ-' || w, 'accepted', 'X1', 'Mill', 'Mill', date '2026-03-09', c.id, w
FROM casework.case_file c, unnest(ARRAY[true, false]) w WHERE c.reference = 'CASE-TEST';
"""


def test_a_case_that_is_withheld_is_not_opened_by_going_back(migrated_url: str, superuser_url: str) -> None:
    configuration = migrations.config(migrated_url)
    asyncio.run(_fill(migrated_url))
    run(superuser_url, WITHHELD, "SELECT")
    with pytest.raises(CommandError, match=r"^1 enquiry has its case withheld .*case-opening"):
        command.downgrade(configuration, "0011")
    held = "SELECT reference FROM casework.enquiry WHERE case_withheld"
    assert [row[0] for row in run(superuser_url, held)] == ["ENQ-true"]
    migrations.migrate(migrated_url)
    assert [row[0] for row in run(superuser_url, held)] == ["ENQ-true"]
    # Once somebody has opened it, there is nothing to lose.
    run(
        superuser_url,
        "SET session_replication_role = replica",
        "UPDATE casework.enquiry SET case_withheld = false",
        "SELECT",
    )
    command.downgrade(configuration, "0011")
    migrations.migrate(migrated_url)
    command.check(configuration)
