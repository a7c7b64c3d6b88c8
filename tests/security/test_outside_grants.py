"""What the outside may do, written down: the public's login role, table by table and column by column, and each function it may call.

Row security decides which rows; this is about everything else. A new column is the outside's to see, or to set, only once
somebody has written it here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import asyncpg
import pytest

from tests.support import cluster
from tests.support.world import World

ROLE = "casework_public"


class May(NamedTuple):
    """The columns of a table that may be read, given in a new row, and changed."""

    select: str = ""
    insert: str = ""
    update: str = ""


TABLES = {
    # What everybody may know.
    "casework.bank_holiday": May("active day id name nation version"),
    "casework.local_authority": May("code force_code name nation replaced_by sort_key"),
    "casework.lookup": May("active code id kind label parent position version"),
    "casework.notice": May(
        "approved_at complaints complaints_cy controller controller_cy data_protection_officer data_protection_officer_cy ended_at"
        " force_code id kind number state text text_cy title title_cy"
    ),
    "casework.police_force": May("code has_area name nation sort_key"),
    "casework.postcode": May("force_code local_authority_code postcode terminated"),
    "casework.signpost": May(
        "active explanation explanation_cy force_code hours id need other phone position title title_cy version web who_for"
    ),
    "casework.team": May(
        "created_at force_code hours id intake mailbox name phone phone_extension relay sort_key version"
    ),
    "casework.threat_level": May("id kind level recorded_at since source_url state struck_at struck_reason version"),
    # What a business asks, and what is said about it. Who its contact is, it writes and never reads.
    "casework.contact": May(insert="email enquiry_id id job_title name phone phone_extension relay team_id"),
    "casework.enquiry": May(
        select="case_id ended_at force_code id organisation_name received_at reference respond_by restricted shown_ended_at shown_stage"
        " signposted_to site_name state team_id version",
        insert="channel description force_code id local_authority_code notice_id organisation_name postcode reference respond_by sector"
        " site_address site_name team_id town",
        update="ended_at shown_ended_at shown_stage state version",
    ),
    "casework.enquiry_message": May(
        select="author body created_at enquiry_id id removed_at restricted team_id",
        insert="author body enquiry_id id restricted team_id",
    ),
    # What came of it: the case's state, the visit's time and place, issued advice and its answers.
    "casework.case_headline": May("id state"),
    "casework.site_visit": May(
        select="adviser_id case_id confirmed_at ends_at id kind place_note restricted starts_at state team_id untold version zone",
        update="confirmed_at confirmed_by declined_at declined_note state version",
    ),
    "casework.advice": May(
        "case_id correction_reason ended_at follow_up_on id introduction issued_at issued_northern_ireland_threat_level"
        " issued_threat_level issued_under number reference"
        " restricted state team_id title untold version"
    ),
    "casework.recommendation": May(
        select="action advice_id answer case_id cost_band created_at domain guidance id line_id position principle priority"
        " responsible_party restricted target_on team_id verification version",
        update="answer version",
    ),
    "casework.business_response": May(
        select="answer case_id id note reason_code recommendation_id responded_at restricted team_id",
        insert="answer case_id id note person_id reason_code recommendation_id restricted team_id",
    ),
    "casework.verification": May("case_id id recommendation_id state verified_at"),
    "casework.interim_advice": May("advice carried_into case_id given_at given_to id"),
}

FUNCTIONS = [
    "access.acting_for()",
    "access.ask_code(bytea,bytea,integer)",
    "access.begin(bytea,text,text,uuid,uuid,uuid,bytea,boolean)",
    "access.caller_of(bytea)",
    "access.current_action()",
    "access.current_hash()",
    "access.current_principal()",
    "access.doing(text[])",
    "access.end_own_session(uuid)",
    "access.enquirer_role(bytea)",
    "access.enter_code(bytea,bytea[],bytea,interval,integer)",
    "access.goes(uuid)",
    "access.issue_tracking(bytea,uuid,uuid,interval)",
    "access.made_here(uuid)",
    "access.my_actions()",
    "access.my_session()",
    "access.name_of(uuid)",
    "access.own_actions(text,text)",
    "access.own_cases(text[])",
    "access.own_enquiries(text[])",
    "access.own_sessions()",
    "access.own_step()",
    "access.own_write(text[])",
    "access.reaches(uuid)",
    "access.refuse(bytea,text,uuid,text,uuid,bigint,uuid,uuid)",
    "access.say(uuid,text,uuid,text,text,jsonb)",
    "access.standing_of(bytea,text,uuid,uuid)",
    "access.state(text)",
    "access.told_reason(uuid)",
    "audit.consulted(bigint,text,uuid[],uuid[])",
    "casework.clock_offset()",
    "casework.ended(timestamp with time zone)",
    "casework.fold(text)",
    "casework.level_holding(text,timestamp with time zone)",
    "casework.name_key(text)",
    "casework.new_id()",
    "casework.notice_in_force(text,text)",
    "casework.notice_may_be_shown(uuid,text)",
    "casework.now()",
    "casework.sort_key(text)",
    "casework.today(text)",
    "work.acknowledge(uuid)",
    "work.claim(bytea,bytea)",
    "work.finish(bytea,integer,text,text)",
    "work.release(bytea)",
]

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
COLUMNS = f"""
SELECT n.nspname || '.' || c.relname AS name, lower(p.right) AS right, string_agg(a.attname::text, ' ' ORDER BY a.attname COLLATE "C") AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p ("right")
WHERE {OURS} AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND has_column_privilege($1, c.oid, a.attnum, p.right)
GROUP BY 1, 2"""
WHOLE = f"""
SELECT n.nspname || '.' || c.relname || ' ' || p.right FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
     unnest(ARRAY['DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) AS p ("right")
WHERE {OURS} AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND has_table_privilege($1, c.oid, p.right)
UNION ALL SELECT n.nspname || '.' || c.relname || ' sequence' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {OURS} AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege($1, c.oid, 'USAGE, SELECT, UPDATE') END"""
CALLS = f"""
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {OURS} AND has_schema_privilege($1, n.oid, 'USAGE') AND has_function_privilege($1, p.oid, 'EXECUTE')
  AND p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'internal')  -- a range type's own constructors
ORDER BY 1"""
PLACES = f"""
SELECT n.nspname || CASE WHEN has_schema_privilege($1, n.oid, 'CREATE') THEN ' create' ELSE '' END FROM pg_namespace n
WHERE {OURS} AND has_schema_privilege($1, n.oid, 'USAGE') ORDER BY 1"""
STANDING = """
SELECT r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
       has_database_privilege($1, current_database(), 'CREATE') AS creates,
       has_database_privilege($1, current_database(), 'TEMP') AS temporary,
       ARRAY(SELECT o.rolname::text FROM pg_roles o WHERE o.oid <> r.oid AND pg_has_role(r.oid, o.oid, 'MEMBER') ORDER BY 1) AS roles,
       (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid) AS owns
FROM pg_roles r WHERE r.rolname = $1"""


class Found(NamedTuple):
    """What the catalogue says that the role may do."""

    tables: dict[str, May]
    whole: list[str]
    functions: list[str]
    schemas: list[str]
    standing: dict[str, Any]


async def look(connection: asyncpg.Connection) -> Found:
    tables: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(COLUMNS, ROLE):
        tables.setdefault(row["name"], {})[row["right"]] = row["columns"]
    whole, functions, schemas = [
        [row[0] for row in await connection.fetch(each, ROLE)] for each in (WHOLE, CALLS, PLACES)
    ]
    standing = dict(await connection.fetchrow(STANDING, ROLE))
    return Found({name: May(**rights) for name, rights in tables.items()}, whole, functions, schemas, standing)


WRITTEN = Found(
    tables=TABLES,
    whole=[],
    functions=FUNCTIONS,
    schemas=["access", "audit", "casework", "work"],
    standing={
        "rolsuper": False, "rolinherit": True, "rolcreaterole": False, "rolcreatedb": False, "rolreplication": False,
        "rolbypassrls": False, "creates": False, "temporary": False, "roles": ["casework_outside"], "owns": 0,
    },
)  # fmt: skip


def looked_at(world: World, *planted: str) -> Found:
    """What is found, with faults planted in a transaction that is rolled back."""

    async def go(do: Callable[[asyncpg.Connection], Awaitable[Found]]) -> Found:
        connection = await asyncpg.connect(cluster.superuser_url(world.database))
        try:
            trial = connection.transaction()
            await trial.start()
            for statement in planted:
                await connection.execute(statement)
            found = await do(connection)
            await trial.rollback()
            return found
        finally:
            await connection.close()

    return asyncio.run(go(look))


def test_the_outside_may_do_what_is_written_here(world: World) -> None:
    found = looked_at(world)
    assert found.tables.keys() == TABLES.keys()
    for name, may in found.tables.items():
        assert may == TABLES[name], name
    assert found == WRITTEN


PLANTED = {
    "a column more to read": "GRANT SELECT (description) ON casework.enquiry TO casework_outside",
    "and for the login role itself": "GRANT SELECT (name) ON casework.contact TO casework_public",
    "and for everybody": "GRANT SELECT (title) ON casework.case_file TO PUBLIC",
    "a column more to give": "GRANT INSERT (verified_at) ON casework.contact TO casework_outside",
    "a column more to change": "GRANT UPDATE (body) ON casework.enquiry_message TO casework_outside",
    "a whole table": "GRANT SELECT ON casework.finding TO casework_outside",
    "a new column of a table that is open": "ALTER TABLE casework.team ADD COLUMN duty_phone text",
    "a view": "CREATE VIEW casework.peek AS SELECT id FROM casework.person; GRANT SELECT ON casework.peek TO casework_outside",
    "a right to remove": "GRANT DELETE ON casework.enquiry TO casework_outside",
    "a table of the log": "GRANT SELECT (action) ON audit.event TO casework_outside",
    "a function": "GRANT EXECUTE ON FUNCTION access.read_teams(text) TO casework_outside",
    "a function of everybody": "GRANT EXECUTE ON FUNCTION access.allowed_actions(text, text, uuid, uuid, boolean, uuid) TO PUBLIC",
    "a schema": "GRANT USAGE ON SCHEMA jobs TO casework_outside",
    "a role": "GRANT casework_staff TO casework_public",
    "no more row security": "ALTER ROLE casework_public BYPASSRLS",
    "a column less to read": "REVOKE SELECT (state) ON casework.case_headline FROM casework_outside",
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTED)
def test_whatever_is_granted_beside_it_is_seen(world: World, what: str) -> None:
    assert looked_at(world, *PLANTED[what].split("; ")) != WRITTEN
