"""The negative controls: on a database of its own, with both locks off, the matrix, the second ids and the canaries report leaks.

The first lock (the WHERE of the service) is taken off by letting `access.begin` hand out every team and case; the second
(row security) by switching it off. With the first alone off, nothing may change for who sees what: the second holds.
"""

from collections.abc import Iterator

import pytest

from casework.kernel.settings import Settings
from tests.security import asking
from tests.security import stage as staging
from tests.security import test_matrix as matrix
from tests.security.operations import LAST, Operation, operations
from tests.security.stage import Stage
from tests.security.test_mutants import unguard
from tests.support import canaries, cluster
from tests.support.server import serving
from tests.support.world import World

FIRST_LOCK = """
ALTER FUNCTION access.begin(bytea, text, text, uuid, uuid, uuid, bytea, boolean) RENAME TO begin_in_truth;
CREATE FUNCTION access.begin(
    hash bytea, wanted text, purpose text, request uuid, acting uuid, asked uuid DEFAULT NULL, confirming bytea DEFAULT NULL,
    listing boolean DEFAULT true,
    OUT decision text, OUT kind text, OUT principal uuid, OUT roles text[], OUT teams uuid[], OUT cases uuid[],
    OUT enquiry uuid, OUT event bigint, OUT answering uuid[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    SELECT b.decision, b.kind, b.principal, b.roles, b.enquiry, b.event INTO decision, kind, principal, roles, enquiry, event
    FROM access.begin_in_truth(hash, wanted, purpose, request, acting, asked, confirming, listing) b;
    SELECT array_agg(DISTINCT h.team_id), array_agg(h.case_id), array_agg(DISTINCT h.team_id) INTO teams, cases, answering FROM access.case_home h;
END $$;
ALTER FUNCTION access.begin(bytea, text, text, uuid, uuid, uuid, bytea, boolean) OWNER TO casework_owner;
GRANT EXECUTE ON FUNCTION access.begin(bytea, text, text, uuid, uuid, uuid, bytea, boolean) TO casework_staff, casework_outside
"""


@pytest.fixture(scope="module")
def scratch(test_settings: Settings, world: World, worker_id: str) -> Iterator[Stage]:
    """A database and a server of its own, to be broken."""
    name = f"casework_scratch_{worker_id}"
    addresses = cluster.clone(name)
    with serving(test_settings, addresses) as base_url:
        broken = World(base_url, addresses, name)
        stage = staging.build(broken)
        broken.sql("DO $do$ BEGIN EXECUTE $sql$" + FIRST_LOCK + "$sql$; END $do$")
        yield stage
        broken.close()


def reading() -> list[Operation]:
    """The operations that only read, by ids."""
    return [each for each in operations() if each.method == "GET" and each.nouns and each.name != LAST]


def leaks(stage: Stage, name: str) -> tuple[int, int]:
    """How many reads of what the table hides were let through, and how many of those held a foreign mark."""
    person, through = stage.people[name], 0
    before = len(canaries.tally.leaks)
    for operation in reading():
        for relation in asking.relations(stage, operation):
            if asking.expected(stage, person, operation, relation) in ("403", "404") and relation != "absent":
                try:
                    response = asking.ask(person.caller, operation, stage.ids[relation], None)
                except AssertionError:
                    through += 1  # the canaries spoke
                    continue
                through += asking.class_of(response) == "allow"
    marked = len(canaries.tally.leaks) - before
    # What was planted here is no fault of the suite.
    del canaries.tally.leaks[before:]
    return through, marked


def test_with_the_first_lock_off_the_second_holds_and_with_both_off_all_leaks(scratch: Stage) -> None:
    person = scratch.people["idle adviser"]
    strict = person.caller.tied
    person.caller.tied = None
    try:
        assert leaks(scratch, "idle adviser") == (0, 0)
        assert asking.told_apart(scratch, "idle adviser", reading()) == []
        unguard(scratch.world, "off")
        through, marked = leaks(scratch, "idle adviser")
        print(f"both locks off: {through} reads let through, {marked} with a foreign mark")
        assert through > 10
        assert marked > 5
        before = len(canaries.tally.leaks)
        assert len(asking.told_apart(scratch, "idle adviser", reading())) > 3
        del canaries.tally.leaks[before:]
    finally:
        person.caller.tied = strict
        unguard(scratch.world, "on")


def test_the_matrix_by_role_tells_of_a_right_too_many_and_of_one_too_few(scratch: Stage) -> None:
    auditor, sql = scratch.here.person("auditor"), scratch.world.sql
    auditor.tied = lambda *_: True  # what marks give away is for the control above

    def differences() -> list[str]:
        asked = [each for each in matrix.operations() if each.name != LAST]
        told = (
            matrix.difference("auditor", each, matrix.ask(auditor, each, body))
            for each in asked
            for body in matrix.bodies(each, matrix.reaches("auditor", each.action) is not False)
        )
        return [found for found in told if found is not None]

    sql("CREATE TABLE access.policy_kept AS TABLE access.policy")
    try:
        right = differences()
        sql("DELETE FROM access.policy WHERE role = 'auditor'")
        few = differences()
        sql("INSERT INTO access.policy SELECT DISTINCT p.action, 'auditor', 'all' FROM access.policy_kept p")
        many = differences()
    finally:
        sql("DELETE FROM access.policy")
        sql("INSERT INTO access.policy TABLE access.policy_kept")
        sql("DROP TABLE access.policy_kept")
    print(f"of {len(matrix.operations())} operations: {len(few)} told of a right too few, {len(many)} of one too many")
    assert right == []
    assert len(few) > 10
    assert len(many) > 50


def test_a_log_line_with_a_mark_is_a_leak() -> None:
    import logging

    before = len(canaries.tally.leaks)
    logging.getLogger("casework").warning("Spring fair canary-0123456789ab")
    found = canaries.tally.leaks[before:]
    del canaries.tally.leaks[before:]
    assert len(found) == 1
