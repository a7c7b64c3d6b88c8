"""Three sources say who may do what: the domain owner's table, the code, and the database. They agree."""

import asyncpg
import pytest

from casework.access import catalogue, policy, rls
from casework.access.actions import Action
from casework.access.policy import Reach, Role
from casework.kernel import lifecycle
from casework.kernel.settings import Settings
from casework.migrations import head, offers
from casework.work.operations import operations
from tests.support import authority, cluster, contract
from tests.support.world import World


def test_the_matrix_is_the_domain_owners_table() -> None:
    assert {action.value for action in policy.POLICY} == authority.sheet().keys()
    differing = {}
    for action, row in policy.POLICY.items():
        owned = authority.sheet()[action.value]
        coded = {"what": row.what, **{role.value: row.reach.get(role, Reach.NONE).value for role in Role}}
        differing |= {(action.value, column): said for column, said in coded.items() if said != owned[column]}
    assert differing == {cell: difference.code for cell, difference in authority.NOT_YET.items()}


def test_nothing_is_added_to_the_table() -> None:
    assert [name for name, row in authority.sheet().items() if row["rule"].startswith("proposed")] == []


def test_a_share_lends_what_the_owner_says() -> None:
    read, contribute = authority.lent()
    assert {action.value for action in policy.SHARED_READ} == read
    assert {action.value for action in policy.SHARED_CONTRIBUTE} == contribute - authority.LENT_FOR_OWN_VISIT
    assert {action.value for action in policy.LENT_FOR_OWN_VISIT} == authority.LENT_FOR_OWN_VISIT
    assert contribute >= authority.LENT_FOR_OWN_VISIT


def test_what_a_visits_own_adviser_has_is_what_the_owner_says(world: World) -> None:
    assert {action.value for action in policy.OF_OWN_VISIT} == authority.of_own_visit()
    assert set(world.sql("SELECT access.of_own_visit() AS named")[0]["named"]) == authority.of_own_visit()


def test_what_tools_will_do_for_people_has_its_scopes_and_none_of_them_is_given_yet() -> None:
    assert set().union(*authority.ACTING_SCOPES.values()) == authority.acting()
    coded: dict[str, set[str]] = {}
    for action, scope in policy.SCOPES.items():
        coded.setdefault(scope, set()).add(action.value)
    assert {scope: coded[scope] for scope in authority.ACTING_SCOPES} == authority.ACTING_SCOPES
    given = contract.document()["components"]["schemas"]["ApiClientCreation"]["properties"]["scopes"]["items"]["enum"]
    assert set(given) == coded.keys() - authority.ACTING_SCOPES.keys()


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
    assert (
        world.run_as("casework_api", lambda c: catalogue.faults(c, offers(), head(), Settings().force_mail_domains))
        == []
    )


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
