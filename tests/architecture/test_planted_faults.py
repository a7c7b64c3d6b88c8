"""Faults planted on purpose: with any of them, the service refuses to start, and says which."""

import asyncio

import pytest

from casework.access import catalogue, policy
from casework.access.actions import Action
from casework.app import create_app
from casework.kernel.database import Addresses
from casework.kernel.settings import Settings
from casework.migrations import head, offers
from casework.work.operations import operation
from tests.support import cluster, contract
from tests.support.world import World

FAULTS = {
    "no row security": ("ALTER TABLE casework.case_note DISABLE ROW LEVEL SECURITY", "case_note has no forced row security"),
    "row security not forced": (
        "ALTER TABLE casework.finding NO FORCE ROW LEVEL SECURITY", "finding has no forced row security",
    ),
    "a trigger dropped": ("DROP TRIGGER log_update ON casework.site_visit", "site_visit lacks a log trigger"),
    "a trigger asleep": ("ALTER TABLE casework.site_visit DISABLE TRIGGER log_insert", "site_visit lacks a log trigger"),
    "no policy": ("DO $$ DECLARE p record; BEGIN FOR p IN SELECT policyname FROM pg_policies WHERE tablename = 'advice' LOOP"
        " EXECUTE format('DROP POLICY %I ON casework.advice', p.policyname); END LOOP; END $$", "advice has no policy for reading"),
    "no composite key": (
        "ALTER TABLE casework.case_note DROP CONSTRAINT case_note_case_id_team_id_restricted_fkey",
        "case_note carries a case without its team and restriction",
    ),
    "a table of no scope": ("CREATE TABLE casework.notebook (id uuid)", "table notebook has no scope"),
    "a table in other hands": ("ALTER TABLE casework.case_note OWNER TO casework_migrate", "case_note is owned by casework_migrate"),
    "a table gone": ("DROP TABLE casework.open_reason", "table open_reason is missing"),
    "the sessions open": ("GRANT SELECT ON access.session TO casework_api", "access.session is open to a login role"),
    "the log open": ("GRANT SELECT ON audit.event TO casework_public", "audit.event is open to a login role"),
    "a function of everybody": (
        "GRANT EXECUTE ON FUNCTION access.read_teams(text) TO PUBLIC", "access.read_teams is open to everybody",
    ),
    "a definer without a path": (
        "ALTER FUNCTION access.read_teams(text) RESET search_path", "access.read_teams has the wrong owner or no search_path",
    ),
    "another matrix": ("UPDATE access.setting SET value = 'x' WHERE name = 'digest'", "the matrix in the database is not this code's"),
    "other mail domains": (
        "UPDATE access.setting SET value = 'police.example' WHERE name = 'force_mail_domains'",
        "the database knows other CASEWORK_FORCE_MAIL_DOMAINS",
    ),
    "a tool's reach without a scope": (
        "UPDATE access.policy SET scope = NULL WHERE role = 'service' AND action = 'case.read'", "a tool reaches case.read without a scope",
    ),
    "acting without a scope": (
        "UPDATE access.policy SET scope = NULL WHERE role = 'service' AND action = 'visit.complete'",
        "a tool reaches visit.complete without a scope",
    ),
    "a new reach of a tool": (
        "INSERT INTO access.policy VALUES ('case.amend', 'service', 'team')", "a tool reaches case.amend without a scope",
    ),
    "another revision": ("UPDATE work.alembic_version SET version_num = '0000'", "the database is at revision 0000"),
}  # fmt: skip


@pytest.fixture(scope="module")
def scratch(world: World, worker_id: str) -> tuple[World, Addresses]:
    """A database of its own, to be broken and mended."""
    name = f"casework_planted_{worker_id}"
    addresses = cluster.clone(name)
    return World("", addresses, name), addresses


@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_is_found(scratch: tuple[World, Addresses], what: str) -> None:
    """In a transaction that is rolled back: the check runs where the fault is, with the rights of the login role."""
    statement, said = FAULTS[what]

    async def look() -> list[str]:
        import asyncpg

        connection = await asyncpg.connect(cluster.superuser_url(scratch[0].database))
        try:
            transaction = connection.transaction()
            await transaction.start()
            assert await catalogue.faults(connection, offers(), head(), Settings().force_mail_domains) == []
            await connection.execute(statement)
            found = await catalogue.faults(connection, offers(), head(), Settings().force_mail_domains)
            await transaction.rollback()
            return found
        finally:
            await connection.close()

    assert any(said in fault for fault in asyncio.run(look())), said


def test_with_a_fault_nothing_is_served(scratch: tuple[World, Addresses], test_settings: Settings) -> None:
    world, addresses = scratch
    world.sql("ALTER TABLE casework.case_note NO FORCE ROW LEVEL SECURITY")

    async def start() -> None:
        app = create_app(test_settings, addresses)
        async with app.router.lifespan_context(app):
            raise AssertionError("it started")

    try:
        with pytest.raises(RuntimeError, match="case_note has no forced row security"):
            asyncio.run(start())
    finally:
        world.sql("ALTER TABLE casework.case_note FORCE ROW LEVEL SECURITY")


@pytest.mark.parametrize("action", [Action.CASE_READ, Action.FINDING_READ])
def test_a_row_of_the_code_without_a_scope_is_found(
    scratch: tuple[World, Addresses], monkeypatch: pytest.MonkeyPatch, action: Action
) -> None:
    """Before any database holds the row: what a tool reaches by its team, and what it is to reach by acting."""
    monkeypatch.delitem(policy.SCOPES, action)
    found = scratch[0].run_as(
        "casework_api", lambda c: catalogue.faults(c, offers(), head(), Settings().force_mail_domains)
    )
    assert f"a tool reaches {action} without a scope" in found


def test_an_operation_has_an_action_or_is_no_operation() -> None:
    """A route names an action of the code's list; what is no action there is refused while the route is written."""
    contract.document()
    with pytest.raises(AttributeError):
        operation("case.peek", "Peek at a case", None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two operations"):
        operation(Action.CASE_READ, "Read a case twice", None)


def test_every_route_of_the_service_has_gone_through_operation() -> None:
    """A route that was written past ``operation`` would have no action: the contract knows none but health's."""
    without = {
        f"{method} {path}"
        for path, item in contract.document()["paths"].items()
        for method, stated in item.items()
        if "x-action" not in stated
    }
    assert without == {"get /health/live", "get /health/ready"}


def test_an_action_without_a_row_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes a row from the matrix (or adds one) has a database that is not this code's, and is refused."""
    before = catalogue.digest(offers())
    monkeypatch.delitem(policy.POLICY, Action.CASE_NOTE)
    assert catalogue.digest(offers()) != before
