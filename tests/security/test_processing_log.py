"""The processing log: every request once, every record beneath it, nothing in anybody else's name, nothing without it."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.security.sealed import Sealed
from tests.support import cluster, contract
from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def events(world: World, response) -> list[asyncpg.Record]:
    return world.sql("SELECT * FROM audit.event WHERE request_id = $1::text::uuid", response.headers["X-Request-ID"])


def objects(world: World, response) -> list[asyncpg.Record]:
    return world.sql(
        "SELECT o.* FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id WHERE e.request_id = $1::text::uuid"
        " ORDER BY o.position",
        response.headers["X-Request-ID"],
    )


def test_a_read_is_one_event_with_the_record_beneath_it(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    response = adviser.request("GET", f"/v1/cases/{case['id']}", headers={"X-Purpose": "supervision"})
    (event,) = events(world, response)
    assert (event["action"], event["decision"], event["purpose"]) == ("case.read", "allow", "supervision")
    assert str(event["principal_id"]) == adviser.person_id
    assert event["roles"] == ["adviser"]
    (seen,) = objects(world, response)
    assert (seen["kind"], str(seen["object_id"]), seen["operation"]) == ("case_file", case["id"], "consultation")


def test_a_list_is_one_event_with_every_record_it_hands_out(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    cases = {open_case(adviser, team)["id"] for _ in range(3)}
    response = adviser.get("/v1/cases", limit=2)
    assert len(events(world, response)) == 1
    handed_out = {row["id"] for row in ok(response)["items"]}
    assert {str(row["object_id"]) for row in objects(world, response)} == handed_out < cases


def test_a_change_is_one_event_with_the_names_of_the_fields(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team, title="Nobody may read this in a log")
    response = supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=1)
    ok(response)
    assert len(events(world, response)) == 1
    changed = next(
        row for row in objects(world, response) if row["kind"] == "case_file" and row["operation"] == "alteration"
    )
    assert {"state", "adviser_id", "version"} <= set(changed["fields"])
    assert changed["facts"] == '{"from": "open", "state": "allocated"}'


def test_no_free_text_is_in_the_log(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Quentin Canary")
    marker = "canaryfreetext"
    case = allocated_case(team, adviser, title=marker, summary=marker)
    ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": marker}), 201)
    dump = world.sql("SELECT count(*) FROM audit.event e WHERE e::text ILIKE '%canary%'")[0][0]
    dump += world.sql("SELECT count(*) FROM audit.event_object o WHERE o::text ILIKE '%canary%'")[0][0]
    assert dump == 0


@pytest.mark.parametrize("what", ["foreign", "role"])
def test_a_refusal_is_logged_too(world: World, team: Team, other_team: Team, what: str) -> None:
    case = open_case(team.person("adviser"), team)
    if what == "foreign":
        response = other_team.person("adviser").get(f"/v1/cases/{case['id']}")
        refused(response, 404, "not-found")
    else:
        response = team.person("auditor").get(f"/v1/cases/{case['id']}")
        refused(response, 403, "forbidden")
        assert events(world, response)[0]["decision"] == "forbidden"
    assert len(events(world, response)) == 1
    # The case's own log tells who was refused; nothing was consulted.
    assert {row["operation"] for row in objects(world, response)} <= {"refusal"}


def test_a_refused_move_is_one_event(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team)
    response = supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=99)
    refused(response, 412, "precondition-failed")
    (event,) = events(world, response)
    assert event["decision"] == "refused:precondition-failed"


def test_a_login_role_cannot_sign_for_somebody_else(world: World, team: Team) -> None:
    """Whatever it sets, an event that its own transaction did not begin is refused."""
    adviser = team.person("adviser")
    response = adviser.get(f"/v1/cases/{open_case(adviser, team)['id']}")
    other = events(world, response)[0]["id"]

    async def forge(connection: asyncpg.Connection) -> str:
        async with connection.transaction():
            await connection.execute("SELECT set_config('casework.event', $1, true)", str(other))
            await connection.execute(
                "SELECT audit.consulted($1, 'case_file', ARRAY[gen_random_uuid()], ARRAY[NULL::uuid])", other
            )
        return "forged"

    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.run_as("casework_api", forge)
    assert refusal.value.sqlstate == "CW001"


def test_a_change_outside_a_logged_request_is_refused(world: World, team: Team) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.sql("UPDATE casework.team SET name = name WHERE id = $1::text::uuid", team.id)
    assert refusal.value.sqlstate == "CW001"


def test_without_the_log_nothing_is_handed_out(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    world.sql("ALTER TABLE audit.event ADD CONSTRAINT broken CHECK (false) NOT VALID")
    try:
        read = adviser.get(f"/v1/cases/{case['id']}")
        listed = adviser.get("/v1/cases")
        written = adviser.post("/v1/cases", {"team_id": team.id, "title": "Unlogged"})
    finally:
        world.sql("ALTER TABLE audit.event DROP CONSTRAINT broken")
    for response in (read, listed, written):
        refused(response, 503, "unavailable")
        assert case["reference"] not in response.text
    assert [row["id"] for row in ok(adviser.get("/v1/cases"))["items"]] == [case["id"]]


LOGS = ("event", "event_object", "queue", "seal", "head", "recovery")
LOGINS = ("casework_api", "casework_public", "casework_door", "casework_worker")


@pytest.mark.parametrize("role", LOGINS)
def test_no_login_role_has_any_right_to_the_logs_tables_and_sequences(world: World, role: str) -> None:
    rows = world.sql(
        "SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'audit'"
        " AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege($1, c.oid, 'USAGE, SELECT, UPDATE')"
        "          WHEN c.relkind IN ('r', 'p') THEN has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        "               OR has_any_column_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') ELSE false END",
        role,
    )
    assert [row["relname"] for row in rows] == []
    counted = world.sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit.event'::regclass")
    assert counted[0][0] >= 12, "partitions were among them"


@pytest.mark.parametrize("role", LOGINS)
@pytest.mark.parametrize("table", LOGS)
def test_nothing_is_written_altered_or_removed_by_hand(world: World, role: str, table: str) -> None:
    async def go(connection: asyncpg.Connection) -> None:
        for statement in (
            "INSERT INTO {} DEFAULT VALUES",
            "UPDATE {} SET ctid = ctid",
            "DELETE FROM {}",
            "TRUNCATE {}",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
                await connection.execute(statement.format(f"audit.{table}"))

    world.run_as(role, go)


FORBIDDEN = (
    "audit.open_event(NULL, NULL, 'staff', gen_random_uuid(), NULL, '{adviser}', 'case.read', NULL, 'allow', NULL)",
    "audit.make_partitions(0)", "audit.current_event()",
    "audit.seal_next(1)", "audit.entry(NULL, NULL, true)", "audit.head_json(NULL)",
)  # fmt: skip


@pytest.mark.parametrize("role", ["casework_api", "casework_public", "casework_door"])
@pytest.mark.parametrize("call", FORBIDDEN)
def test_what_writes_the_log_cannot_be_called(world: World, role: str, call: str) -> None:
    async def go(connection: asyncpg.Connection) -> None:
        await connection.execute(f"SELECT {call}")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.run_as(role, go)


@pytest.mark.parametrize("how", ["another's", "invented", "own, earlier", "none"])
def test_records_are_told_beneath_the_transactions_own_event_only(world: World, team: Team, how: str) -> None:
    adviser = team.person("adviser")
    other = events(world, adviser.get("/v1/cases"))[0]["id"]

    async def forge(connection: asyncpg.Connection) -> None:
        if how == "own, earlier":
            mine = await connection.fetchval(
                "SELECT b.event FROM access.begin(NULL, 'signpost.list', NULL, gen_random_uuid(), NULL) b"
            )
        async with connection.transaction():
            event = {"another's": other, "invented": 1, "none": ""}.get(how) if how != "own, earlier" else mine
            await connection.execute("SELECT set_config('casework.event', $1, true)", str(event))
            await connection.execute(
                "SELECT audit.consulted(1, 'case_file', ARRAY[gen_random_uuid()], ARRAY[NULL::uuid])"
            )

    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.run_as("casework_api", forge)
    assert refusal.value.sqlstate == "CW001"


BROKEN = {
    "the month's partition is gone": (
        "ALTER TABLE audit.event DETACH PARTITION audit.event_{month}",
        "ALTER TABLE audit.event ATTACH PARTITION audit.event_{month} FOR VALUES FROM ({low}) TO ({high})",
    ),
    "the records' partition is gone": (
        "ALTER TABLE audit.event_object DETACH PARTITION audit.event_object_{month}",
        "ALTER TABLE audit.event_object ATTACH PARTITION audit.event_object_{month} FOR VALUES FROM ({low}) TO ({high})",
    ),
    "the queue takes nothing": (
        "ALTER TABLE audit.queue ADD CONSTRAINT broken CHECK (false) NOT VALID",
        "ALTER TABLE audit.queue DROP CONSTRAINT broken",
    ),
    "the functions may not write": (
        "REVOKE INSERT ON audit.event FROM casework_owner",
        "GRANT INSERT ON audit.event TO casework_owner",
    ),
    "the schema is closed to their owner": (
        "REVOKE USAGE ON SCHEMA audit FROM casework_owner",
        "GRANT USAGE ON SCHEMA audit TO casework_owner",
    ),
    "the disk is full for it": (
        "CREATE FUNCTION audit.disk_full() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN RAISE EXCEPTION 'disk full'"
        " USING ERRCODE = '53100'; END $$; CREATE TRIGGER disk_full BEFORE INSERT ON audit.event_object FOR EACH ROW EXECUTE FUNCTION audit.disk_full()",
        "DROP TRIGGER disk_full ON audit.event_object; DROP FUNCTION audit.disk_full()",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_whatever_keeps_the_log_from_being_written_nothing_is_read_or_changed(
    world: World, team: Team, broken: str
) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    (place,) = world.sql(
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AS month, audit.first_id(date_trunc('month', now(), 'UTC')) AS low,"
        " audit.first_id(date_trunc('month', now(), 'UTC') + interval '1 month') AS high"
    )
    breaking, mending = (each.format(**place) for each in BROKEN[broken])
    before = world.sql("SELECT count(*) FROM casework.case_file")[0][0]
    run_script(world, breaking)
    try:
        answers = [
            adviser.get(f"/v1/cases/{case['id']}"),
            adviser.get("/v1/cases"),
            adviser.post("/v1/cases", {"team_id": team.id, "title": "Unlogged"}),
            adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "Unlogged"}),
        ]
    finally:
        run_script(world, mending)
    for answer in answers:
        assert answer.status_code in (503, 507), answer.text
        assert case["reference"] not in answer.text
    assert world.sql("SELECT count(*) FROM casework.case_file")[0][0] == before
    ok(adviser.get(f"/v1/cases/{case['id']}"))


def run_script(world: World, script: str) -> None:
    """Statements of a superuser that stay."""

    async def go() -> None:
        connection = await asyncpg.connect(cluster.superuser_url(world.database))
        try:
            await connection.execute(script)
        finally:
            await connection.close()

    asyncio.run(go())


def test_the_next_months_events_lie_in_the_next_months_partitions(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The border, frozen: the last event of a month and the first of the next, each where it belongs, sealed and verified."""
    sealed = Sealed(world, tmp_path_factory.mktemp("seal"))

    async def at_the_border(connection: asyncpg.Connection) -> None:
        border = await connection.fetchval(
            "SELECT audit.first_id(date_trunc('month', now(), 'UTC') + interval '1 month')"
        )
        for event in (border - 1, border):
            await connection.execute(
                "INSERT INTO audit.event (id, at, principal_kind, roles, action, decision)"
                " VALUES ($1::bigint, to_timestamp(1577836800 + ($1::bigint >> 12) / 1000.0), 'system', '{}', 'x', 'allow')",
                event,
            )
            await connection.execute(
                "INSERT INTO audit.event_object (event_id, kind, operation) VALUES ($1, 'case_file', 'consultation')",
                event,
            )
        for table in ("event", "event_object"):
            rows = await connection.fetch(
                f"SELECT DISTINCT tableoid::regclass::text AS home FROM audit.{table}"
                f" WHERE {'id' if table == 'event' else 'event_id'} BETWEEN $1 AND $2 ORDER BY 1",
                border - 1,
                border,
            )
            now = datetime.now(UTC)
            following = (now.replace(day=1) + timedelta(days=32)).strftime("%Y_%m")
            assert [row["home"] for row in rows] == [f"audit.{table}_{now:%Y_%m}", f"audit.{table}_{following}"]

    sealed.verified(at_the_border)


def test_doctor_counts_the_months_that_are_ready(world: World) -> None:
    async def fewer(connection: asyncpg.Connection) -> None:
        assert await connection.fetchval("SELECT audit.months_ahead()") >= 12
        third = await connection.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '3 months', 'YYYY_MM')")
        await connection.execute(f"DROP TABLE audit.seal_{third}")
        assert await connection.fetchval("SELECT audit.months_ahead()") == 2
        assert await connection.fetchval("SELECT audit.make_partitions(12)") == 1
        assert await connection.fetchval("SELECT audit.months_ahead()") >= 12

    _rolled_back(world, fewer)


def _rolled_back(world: World, work: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    async def go() -> None:
        connection = await asyncpg.connect(cluster.superuser_url(world.database))
        trial = connection.transaction()
        await trial.start()
        try:
            await work(connection)
        finally:
            await trial.rollback()
            await connection.close()

    asyncio.run(go())


def test_every_operation_is_one_event_a_request(world: World, team: Team) -> None:
    """Each operation of the contract, sent as well and as badly as it comes: allowed or refused, the log has it once."""
    callers = [
        team.person("supervisor", "adviser", "coordinator"),
        team.person("auditor"),
        team.person("administrator"),
    ]
    wrong, seen = [], 0
    for path, operations in contract.document()["paths"].items():
        for method, operation in operations.items():
            if not isinstance(operation, dict) or not operation.get("x-action"):
                continue
            for caller in callers:
                address = re.sub(r"\{[^}]+\}", lambda _: str(uuid.uuid4()), path)
                example = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
                headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"'}
                body = {"json": example or {}} if method in ("post", "put", "patch") else {}
                answer = caller._client.request(method.upper(), address, headers=headers, **body)
                count = len(events(world, answer))
                seen += 1
                # 400, 401: before any authority was asked. Tracking: a token of the wrong kind opens nothing to look at.
                before = answer.status_code in (400, 401, 415, 429) or (path, answer.status_code) == (
                    "/v1/tracking",
                    404,
                )
                if count != 1 and not (before and count == 0):
                    wrong.append(f"{method} {path}: {answer.status_code} {count} events")
    assert wrong == []
    assert seen > 200


def test_the_clients_id_of_a_request_stands_beside_ours(world: World, team: Team) -> None:
    """Two people may send the same one; what either did is told by ours."""
    theirs = "0190f1e0-7c3a-7cc3-98c4-dc0c0c07398f"
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team)
    sent = {"X-Request-ID": theirs.upper()}
    answers = [each.request("GET", f"/v1/cases/{case['id']}", headers=sent) for each in (adviser, supervisor)]
    answers.append(supervisor.request("GET", f"/v1/cases/{theirs}", headers=sent))
    answers.append(adviser.post("/v1/cases", {"title": "Fair"}, headers=sent))
    ours = [answer.headers["X-Request-ID"] for answer in answers]
    assert len({*ours, theirs}) == 5
    for answer, person in zip(answers, (adviser, supervisor, supervisor, adviser), strict=True):
        assert [(str(e["client_request_id"]), str(e["principal_id"])) for e in events(world, answer)] == [
            (theirs, person.person_id)
        ]
    manager = team.person("information_manager")
    entry = next(e for e in ok(manager.get("/v1/audit-events"))["items"] if e["request_id"] == ours[0])
    assert entry["client_request_id"] == theirs
