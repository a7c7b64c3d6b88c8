"""Three sources say who may do what: the domain owner's table, the code, and the database. They agree."""

import csv
from pathlib import Path

import asyncpg
import pytest

from casework.access import catalogue, policy, rls
from casework.access.actions import Action
from casework.access.policy import PROPOSED, Reach, Role
from casework.kernel import lifecycle
from casework.migrations import head, offers
from casework.work.operations import operations
from tests.support import cluster, contract
from tests.support.world import World

TABLE = Path(__file__).parents[2] / "docs" / "authority.csv"


def _owners_table() -> dict[str, dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["action"]: row for row in csv.DictReader(file)}


def test_the_matrix_is_the_domain_owners_table() -> None:
    table = _owners_table()
    assert {action.value for action in policy.POLICY} == table.keys()
    for action, row in policy.POLICY.items():
        stated = {role.value: row.reach.get(role, Reach.NONE).value for role in Role}
        owned = {role.value: table[action.value][role.value] for role in Role}
        assert stated == owned, action


def test_our_own_additions_are_marked_and_widen_nothing() -> None:
    for name, row in _owners_table().items():
        assert (Action(name) in PROPOSED) == row["rule"].startswith("proposed"), name


def test_every_operation_has_an_action_and_every_action_a_row() -> None:
    contract.document()
    assert operations
    for name, operation in operations.items():
        assert operation.action in policy.POLICY, name
        assert name.partition("-")[0] == operation.action.value


def test_every_offered_action_is_an_operation() -> None:
    contract.document()
    served = {operation.action.value for operation in operations.values()}
    assert {action for _, action, _ in offers()} <= served


def test_a_lifecycle_is_one_line_a_move() -> None:
    for each in lifecycle.registry.values():
        for action, move in each.moves.items():
            assert action in set(Action)
            assert move.sources
            assert len(set(move.sources)) == len(move.sources)


def test_the_database_is_fit_to_serve(world: World) -> None:
    assert world.run_as("casework_api", lambda c: catalogue.faults(c, offers(), head())) == []


@pytest.mark.parametrize("table", sorted(rls.BY_TABLE))
def test_every_scoped_table_is_guarded_and_logged(world: World, table: str) -> None:
    row = world.sql(
        "SELECT c.relrowsecurity, c.relforcerowsecurity, array_agg(t.tgname::text) AS triggers FROM pg_class c"
        " JOIN pg_trigger t ON t.tgrelid = c.oid WHERE c.oid = $1::text::regclass GROUP BY c.oid",
        f"casework.{table}",
    )[0]
    assert row["relrowsecurity"]
    assert row["relforcerowsecurity"]
    assert {"log_insert", "log_update", "log_delete"} <= set(row["triggers"])


@pytest.mark.parametrize("role", ["casework_api", "casework_public", "casework_door"])
def test_no_login_role_reads_sessions_or_writes_the_log(world: World, role: str) -> None:
    async def tries(connection: asyncpg.Connection) -> list[str]:
        done = []
        for statement in (
            "SELECT * FROM access.session",
            "SELECT * FROM access.membership",
            "SELECT * FROM access.credential",
            "INSERT INTO audit.event (principal_kind, roles, action, decision) VALUES ('staff', '{}', 'case.read', 'allow')",
            "SELECT * FROM audit.event_object",
            "DELETE FROM audit.event",
            "UPDATE audit.event SET purpose = ''",
            "SELECT * FROM work.idempotency_key",
            "TRUNCATE casework.case_file",
            "CREATE TABLE casework.x (y int)",
            "CREATE TEMP TABLE x (y int)",
            "SET ROLE casework_owner",
            "SET ROLE casework_mover",
            "ALTER TABLE casework.case_file DISABLE ROW LEVEL SECURITY",
        ):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            done.append(statement)
        return done

    assert world.run_as(role, tries) == []


def test_the_definitions_in_the_database_are_the_files(world: World) -> None:
    """Loading the files again changes no function, policy or trigger."""

    def snapshot() -> list[str]:
        return (
            [
                row[0]
                for row in world.sql(
                    "SELECT md5(pg_get_functiondef(p.oid)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                    " WHERE n.nspname IN ('casework', 'access', 'audit', 'work') AND p.prokind = 'f' ORDER BY p.proname, p.oid::regprocedure::text"
                )
            ]
            + [row[0] for row in world.sql("SELECT md5(p::text) FROM pg_policies p ORDER BY tablename, policyname")]
            + [
                row[0]
                for row in world.sql(
                    "SELECT md5(pg_get_triggerdef(t.oid)) FROM pg_trigger t WHERE NOT t.tgisinternal ORDER BY t.tgrelid::regclass::text, t.tgname"
                )
            ]
        )

    before = snapshot()
    world.define_again()
    assert snapshot() == before
    assert cluster.TEMPLATE
