"""Every date and end that a rule sets, to the day and to the millisecond: from the moment that stands in the same record.

What a date is counted from was stamped in the transaction that set it, so nothing here depends on how long a test takes, nor on
midnight. Working days are counted a second time, in another language than the service does, by the list that administrators keep.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import httpx
import pytest

from casework.access.tokens import hash_token
from casework.kernel.settings import Settings
from casework.work.jobs import Job
from casework.work.tasks import tidy
from tests.circle.building import break_glass, share_with, whole_case
from tests.enquiries.building import Asked, asked, asking
from tests.support import cluster
from tests.support.callers import ok, refused
from tests.support.story import allocated_case, approved_advice, issuing, moment, open_case, proposed_visit
from tests.support.world import Team, World

NATIONS = ("England", "Wales", "Scotland", "Northern Ireland")
LATER = """
SELECT d::date AS day FROM generate_series($1::date + 1, $1::date + 400, interval '1 day') d
WHERE extract(isodow FROM d) < 6
  AND NOT EXISTS (SELECT FROM casework.bank_holiday b WHERE b.nation = $3 AND b.day = d::date AND b.active)
ORDER BY d OFFSET $2::integer - 1 LIMIT 1"""
LONDON = "(%s AT TIME ZONE 'Europe/London')::date"


def after(world: World, start: date, days: int, nation: str = "England") -> str:
    """The day by which so many working days have passed."""
    day: date = world.sql(LATER, start, days, nation)[0]["day"]
    return day.isoformat()


def stamped(world: World, table: str, column: str, id_: str) -> date:
    """The day in London on which a record was stamped."""
    found: date = world.sql(f"SELECT {LONDON % column} AS day FROM casework.{table} WHERE id = $1::text::uuid", id_)[0]["day"]  # fmt: skip
    return found


def happened(world: World, case_id: str, action: str) -> date:
    """The day of the newest line of a timeline with this action."""
    said = f"SELECT {LONDON % 'at'} AS day FROM casework.case_event WHERE case_id = $1::text::uuid AND action = $2 ORDER BY at DESC LIMIT 1"
    found: date = world.sql(said, case_id, action)[0]["day"]
    return found


def session(world: World, column: str, token: str) -> Any:
    """What stands of the session of a token."""
    return world.sql(f"SELECT {column} AS value FROM access.session WHERE token_hash = $1", hash_token(token))[0]["value"]  # fmt: skip


def same(found: timedelta, wanted: timedelta) -> bool:
    """Equal, as far as columns of milliseconds tell: each end is rounded by itself."""
    return abs(found - wanted) <= timedelta(milliseconds=1)


@pytest.fixture(params=NATIONS)
def nation(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """Each nation, with a holiday of its own within the next days: the administrators' list counts, and that of no other nation."""
    place: str = request.param
    wanted = "SELECT $1::date AS day"
    today = world.sql("SELECT casework.today() AS day")[0]["day"]
    off = date.fromisoformat(after(world, world.sql(wanted, today)[0]["day"], 2 + NATIONS.index(place), place))
    made = world.logged_sql(
        "INSERT INTO casework.bank_holiday (nation, day, name) VALUES ($1, $2, 'A day proclaimed') RETURNING id",
        place,
        off,
    )
    yield place
    world.logged_sql("DELETE FROM casework.bank_holiday WHERE id = $1", made[0]["id"])


# --- answering and working ---


def test_an_enquiry_is_answered_within_five_working_days_of_its_nation(world: World, nation: str) -> None:
    team = world.team(nation=nation)
    sent = asked(world, team)
    staff = ok(team.person("coordinator").post("/v1/enquiries", asking(team)), 201)
    for received in (sent.received, staff):
        day = stamped(world, "enquiry", "received_at", received["id"])
        assert received["respond_by"] == after(world, day, 5, nation)
        assert (
            ok(team.person("supervisor").get(f"/v1/enquiries/{received['id']}"))["respond_by"] == received["respond_by"]
        )
    assert sent.received["expected_wait"] == "You hear from us within 5 working days."
    assert ok(sent.business.get("/v1/tracking"))["respond_by"] == sent.received["respond_by"]


def test_an_enquiry_that_was_passed_on_is_answered_within_five_of_the_new_force(
    world: World, team: Team, nation: str
) -> None:
    there = world.team(nation=nation)
    enquiry, kept = asked(world, team), asked(world, team)
    for each, noun in ((enquiry, "acceptance"), (kept, "return")):
        world.logged_sql("UPDATE casework.enquiry SET respond_by = '2026-02-02' WHERE id = $1::text::uuid", each.id)
        offer = ok(each.move("transfer", {"to_team_id": there.id, "note": "Yours."}), 201)
        path = f"/v1/enquiry-transfers/{offer['id']}/{noun}"
        ok(there.person("coordinator").post(path, {"note": "Seen."}, match=offer["version"]))
    decided = world.sql(
        f"SELECT {LONDON % 'decided_at'} AS day FROM casework.enquiry_transfer WHERE enquiry_id = $1::text::uuid",
        enquiry.id,
    )[0]["day"]
    moved = ok(there.person("coordinator").get(enquiry.path))
    assert moved["respond_by"] == after(world, decided, 5, nation)
    assert kept.read()["respond_by"] == "2026-02-02", "what came back is owed as it was"


def test_a_case_is_due_in_twenty_working_days(world: World, nation: str) -> None:
    team = world.team(nation=nation)
    adviser = team.person("adviser")
    opened = open_case(adviser, team)
    enquiry = asked(world, team)
    enquiry.triage()
    accepted = ok(enquiry.move("acceptance", {}), 201)
    for case in (opened, accepted):
        assert case["due_on"] == after(world, stamped(world, "case_file", "opened_at", case["id"]), 20, nation)
    assert open_case(adviser, team, due_on="2031-05-06")["due_on"] == "2031-05-06"
    assert open_case(adviser, team, due_on=None)["due_on"] is None
    # A case that is reopened is due anew, from that day on.
    case = allocated_case(team, adviser, due_on="2031-05-06")
    path = f"/v1/cases/{case['id']}"
    closing = {"reason_code": "advice_completed", "next_review_on": "2031-01-02"}
    assert ok(adviser.post(f"{path}/closure", closing, match=case["version"]))["next_review_on"] == "2031-01-02"
    reopened = ok(adviser.post(f"{path}/reopening", match=case["version"] + 1))
    assert reopened["due_on"] == after(world, happened(world, case["id"], "case.reopen"), 20, nation)


@pytest.mark.parametrize("rested", [0, 1, 3, 28])
def test_a_deadline_moves_by_the_working_days_it_rested(world: World, team: Team, rested: int) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser, due_on="2026-02-02")
    path = f"/v1/cases/{case['id']}"
    held = ok(adviser.post(f"{path}/hold", {"reason_code": "awaiting_building_works"}, match=case["version"]))
    assert held["held_on"] == happened(world, case["id"], "case.hold").isoformat()
    world.logged_sql("UPDATE casework.case_file SET held_on = held_on - $2::integer WHERE id = $1::text::uuid", case["id"], rested)  # fmt: skip
    resumed = ok(adviser.post(f"{path}/resumption", match=held["version"]))
    until = happened(world, case["id"], "case.resume")
    since = date.fromisoformat(held["held_on"]) - timedelta(days=rested)
    days = len([n for n in range(1, 40) if after(world, since, n) <= until.isoformat()])
    assert resumed["due_on"] == (after(world, date(2026, 2, 2), days) if days else "2026-02-02")


def test_issued_advice_says_when_it_is_followed_up_and_so_does_its_case(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    approved = approved_advice(team, adviser, case)
    path, today = f"/v1/advice/{approved['id']}/issue", world.sql("SELECT casework.today() AS day")[0]["day"]
    for late in (today, today - timedelta(days=1)):
        told = refused(adviser.post(path, issuing(late.isoformat()), match=approved["version"]), 422, "validation-failed")  # fmt: skip
        assert told["errors"][0]["pointer"] == "/follow_up_on"
    day = (today + timedelta(days=2)).isoformat()
    assert ok(adviser.post(path, issuing(day), match=approved["version"]))["follow_up_on"] == day
    assert ok(adviser.get(f"/v1/cases/{case['id']}"))["next_review_on"] == day


def test_a_visit_is_kept_to_the_minute_and_lasts_twelve_hours_at_most(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case, starts_at=moment(days=30), ends_at=moment(days=30, hours=12))
    assert datetime.fromisoformat(visit["ends_at"]) - datetime.fromisoformat(visit["starts_at"]) == timedelta(hours=12)
    begins = datetime.fromisoformat(moment(days=40))
    ends = (begins + timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M:%S.001Z")
    body = {"starts_at": begins.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "ends_at": ends}
    refused(adviser.post(f"/v1/cases/{case['id']}/visits", body), 422, "validation-failed")


# --- what a token opens, and for how long ---


def test_a_tracking_token_lives_two_years_or_ninety_days_beyond_the_end(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    two_years = "abs(extract(epoch FROM expires_at - (created_at + interval '2 years'))) < 0.0011"
    assert session(world, two_years, enquiry.token)
    for noun, body in (
        ("refusal", {"reason_code": "product_endorsement"}),
        ("signposting", {"signposted_to": "general_question", "reason_code": "general_question"}),
        ("hand-over", {"to": "Force intelligence bureau", "at": moment(hours=-1)}),
        ("withdrawal", {}),
    ):
        ended = asked(world, team)
        ok(ended.move(noun, body))
        left = f"expires_at - (SELECT e.ended_at FROM casework.enquiry e WHERE e.id = '{ended.id}')"
        at = world.sql("SELECT ended_at FROM casework.enquiry WHERE id = $1::text::uuid", ended.id)[0]["ended_at"]
        if at is None:  # what was handed over goes on
            assert session(world, two_years, ended.token), noun
        else:
            assert session(world, left, ended.token) == timedelta(days=90), noun


def test_and_of_a_case_until_ninety_days_after_it_was_closed(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    enquiry = asked(world, team)
    enquiry.verify()
    enquiry.triage()
    case = ok(enquiry.move("acceptance", {}), 201)
    path = f"/v1/cases/{case['id']}"
    ok(supervisor.post(f"{path}/allocation", {"adviser_id": adviser.person_id}, match=case["version"]))
    closing = {"reason_code": "advice_completed", "next_review_on": "2031-01-02"}
    closed = ok(adviser.post(f"{path}/closure", closing, match=case["version"] + 1))
    beyond = f"expires_at - (SELECT f.closed_at FROM casework.case_file f WHERE f.id = '{case['id']}')"
    assert session(world, beyond, enquiry.token) == timedelta(days=90)
    anew = ok(enquiry.move("tracking-token", {}))["tracking_token"]
    assert session(world, beyond, anew) == timedelta(days=90)
    ok(adviser.post(f"{path}/reopening", match=closed["version"]))
    assert session(world, "expires_at = created_at + interval '2 years'", anew), "made of the column itself"


def test_a_closed_case_s_tracking_page_shuts_on_the_ninetieth_day(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    enquiry.verify()
    enquiry.triage()
    case = ok(enquiry.move("acceptance", {}), 201)
    for hours, status in ((90 * 24 - 1, 200), (90 * 24 + 1, 409)):
        world.logged_sql(
            "UPDATE casework.case_file SET state = 'closed', closed_at = casework.now() - make_interval(hours => $2) WHERE id = $1",
            uuid.UUID(case["id"]),
            hours,
        )
        assert enquiry.move("tracking-token", {}).status_code == status


def in_one_transaction(world: World, *statements: tuple[str, tuple[Any, ...]]) -> list[Any]:
    """What each statement answers, where now() is one moment; rolled back."""

    async def go() -> list[Any]:
        connection = await asyncpg.connect(cluster.superuser_url(world.database))
        try:
            trial = connection.transaction()
            await trial.start()
            found = [await connection.fetchval(text, *values) for text, values in statements]
            await trial.rollback()
            return found
        finally:
            await connection.close()

    return asyncio.run(go())


@pytest.fixture
def confirming(world: World, team: Team) -> Asked:
    """An enquiry whose verified contact has asked for a code."""
    contact = {"name": "Jo Fielding", "email": f"jo.{uuid.uuid4().hex[:8]}@markethall.example"}
    enquiry = asked(world, team, contact=contact)
    enquiry.verify()
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    enquiry.request = ok(enquiry.business.post("/v1/tracking/code"), 202)["request"]
    return enquiry


SEAL = b"\x07" * 32
PATH = "SELECT set_config('search_path', 'jobs, pg_catalog', true)"
DOING = "UPDATE jobs.procrastinate_jobs SET status = 'doing' WHERE task_name = 'messages.send' RETURNING id"
ARMED = "SELECT access.arm_code((SELECT id FROM jobs.procrastinate_jobs WHERE status = 'doing'), $1)"
OF = "FROM access.one_time_code WHERE enquiry_id = $1"


def test_a_code_is_good_for_ten_minutes_from_its_sending_to_the_millisecond(world: World, confirming: Asked) -> None:
    mine = (uuid.UUID(confirming.id),)
    _, _, armed, left = in_one_transaction(
        world, (PATH, ()), (DOING, ()), (ARMED, (SEAL,)), (f"SELECT expires_at - now() {OF}", mine)
    )
    assert armed
    assert same(left, timedelta(minutes=10))
    # Whoever asked an hour ago has given up.
    asked_before = (
        f"UPDATE access.one_time_code SET sent_at = now() - $2::interval {OF.replace('FROM access.one_time_code', '')}"
    )
    for waited, sent in ((timedelta(minutes=59, seconds=59), True), (timedelta(hours=1, milliseconds=2), False)):
        assert (
            in_one_transaction(world, (PATH, ()), (DOING, ()), (asked_before, (*mine, waited)), (ARMED, (SEAL,)))[3]
            is sent
        )


@pytest.fixture
def armed(world: World, confirming: Asked, test_settings: Settings) -> Any:
    """The code that was asked for, as the worker would have sent it; and a way to enter it."""
    from casework.access.codes import code_for, code_seals
    from casework.kernel.keys import Keys

    row = world.sql("SELECT id, contact_id FROM access.one_time_code WHERE enquiry_id = $1", uuid.UUID(confirming.id))[
        0
    ]
    keys = Keys(test_settings.keys, "secret")
    code = code_for(keys, row["id"])
    world.sql(
        "UPDATE access.one_time_code SET code_hash = $2, expires_at = now() + interval '10 minutes' WHERE id = $1",
        row["id"],
        code_seals(keys, row["contact_id"], code)[0],
    )

    def enter() -> httpx.Response:
        return confirming.business.post("/v1/tracking/confirmation", {"request": confirming.request, "code": code})

    return enter


def test_it_is_entered_before_it_ends_and_not_when_it_has(world: World, confirming: Asked, armed: Any) -> None:
    mine = uuid.UUID(confirming.id)
    world.sql("UPDATE access.one_time_code SET expires_at = now() WHERE enquiry_id = $1", mine)
    refused(armed(), 409, "code-expired")
    assert world.sql("SELECT tries_left, used_at FROM access.one_time_code WHERE enquiry_id = $1", mine)[0]["tries_left"] == 5  # fmt: skip
    world.sql("UPDATE access.one_time_code SET expires_at = now() + interval '1 minute' WHERE enquiry_id = $1", mine)
    ok(armed())


def test_what_it_opens_is_open_for_twelve_hours_and_then_shut(
    world: World, team: Team, confirming: Asked, armed: Any, test_settings: Settings
) -> None:
    business, token = confirming.business, confirming.token
    business.teams = {team.id}
    told = ok(armed())
    business.confirmed_by(told["confirmation"])
    mine = "FROM access.confirmation WHERE session_hash = $1"
    row = world.sql(f"SELECT expires_at, expires_at - created_at AS lasts, idle_until - created_at AS idle {mine}", hash_token(token))[0]  # fmt: skip
    assert same(row["lasts"], timedelta(hours=test_settings.confirmed_hours))
    assert same(row["idle"], timedelta(minutes=test_settings.confirmed_idle_minutes))
    assert (test_settings.confirmed_hours, test_settings.confirmed_idle_minutes) == (12, 60)
    assert datetime.fromisoformat(told["confirmed_until"]) == row["expires_at"]
    confirming.triage()
    ok(confirming.move("acceptance", {}), 201)
    ok(business.get("/v1/visits"))

    # An hour without a request ends it, and a request begins the hour anew.
    world.sql("UPDATE access.confirmation SET idle_until = now() + interval '5 minutes' WHERE session_hash = $1", hash_token(token))  # fmt: skip
    ok(business.get("/v1/visits"))
    left = world.sql(f"SELECT idle_until - now() AS left {mine}", hash_token(token))[0]["left"]
    assert timedelta(minutes=58) < left <= timedelta(minutes=60)
    for end in ("idle_until", "expires_at"):
        world.sql(f"UPDATE access.confirmation SET {end} = now() + interval '1 hour' WHERE session_hash = $1", hash_token(token))  # fmt: skip
    ok(business.get("/v1/visits"))
    world.sql("UPDATE access.confirmation SET idle_until = now() WHERE session_hash = $1", hash_token(token))
    refused(business.get("/v1/visits"), 403, "forbidden")
    world.sql("UPDATE access.confirmation SET idle_until = now() + interval '1 hour', expires_at = now() WHERE session_hash = $1", hash_token(token))  # fmt: skip
    for path in ("/v1/visits", "/v1/advice", "/v1/recommendations"):
        refused(business.get(path), 403, "forbidden")
    seen = ok(business.get("/v1/tracking"))
    assert (seen["second_step"], seen["confirmed_until"]) == ("code_required", None)
    # The code that opened it opens it no second time, although its own ten minutes are not over.
    refused(armed(), 409, "code-expired")
    refused(business.get("/v1/visits"), 403, "forbidden")


def test_the_hour_of_the_codes_is_counted_to_the_second(world: World, team: Team) -> None:
    enquiry = asked(world, team, contact={"name": "Jo", "email": f"jo.{uuid.uuid4().hex[:8]}@markethall.example"})
    enquiry.verify()
    for _ in range(5):
        ok(enquiry.business.post("/v1/tracking/code"), 202)
    first = "(SELECT id FROM access.one_time_code WHERE enquiry_id = $1 ORDER BY sent_at LIMIT 1)"
    wait = f"SELECT ceil(extract(epoch FROM sent_at + interval '1 hour' - clock_timestamp()))::integer AS wait FROM access.one_time_code WHERE id = {first}"
    before = world.sql(wait, uuid.UUID(enquiry.id))[0]["wait"]
    slowed = refused_later(enquiry)
    after_it = world.sql(wait, uuid.UUID(enquiry.id))[0]["wait"]
    assert after_it <= slowed <= before
    for ago, status in (("50 minutes", 429), ("1 hour", 202)):
        moved = f"UPDATE access.one_time_code SET sent_at = now() - $2::text::interval WHERE id = {first}"
        world.sql(moved, uuid.UUID(enquiry.id), ago)
        assert enquiry.business.post("/v1/tracking/code").status_code == status


def refused_later(enquiry: Asked) -> int:
    answer = enquiry.business.post("/v1/tracking/code")
    refused(answer, 429, "too-many-requests")
    return int(answer.headers["Retry-After"])


# --- sessions, lent and opened cases, what is kept ---


def test_a_session_lasts_as_long_as_is_set(world: World, team: Team, test_settings: Settings) -> None:
    administrator, person = team.person("administrator"), team.person("adviser")
    password = "correct horse battery staple"
    ok(administrator.request("PUT", f"/v1/people/{person.person_id}/password", json={"password": password}))
    login = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person.person_id)[0]["email"]
    opened = ok(world.anybody().request("POST", "/v1/sessions", json={"login": login, "password": password}), 201)
    lasts, idle = (session(world, f"{end} - created_at", opened["token"]) for end in ("expires_at", "idle_until"))
    assert same(lasts, timedelta(hours=test_settings.session_hours))
    assert same(idle, timedelta(minutes=test_settings.session_idle_minutes))
    tool = ok(
        administrator.post("/v1/api-clients", {"name": "Board", "team_id": team.id, "scopes": ["cases.read"]}), 201
    )
    form = {"grant_type": "client_credentials", "client_id": tool["id"], "client_secret": tool["client_secret"]}
    issued = ok(world.anybody().request("POST", "/v1/oauth/token", data=form))
    assert same(session(world, "expires_at - created_at", issued["access_token"]), timedelta(minutes=15))
    assert issued["expires_in"] == 15 * 60


def test_an_emergency_opens_a_case_for_a_day_and_a_fourth_waits_for_the_first(world: World, team: Team) -> None:
    caller = world.team().person("supervisor")
    cases = [whole_case(world, team) for _ in range(4)]
    for whole in cases[:3]:
        opened = ok(break_glass(caller, whole), 201)
        row = world.sql(
            "SELECT e.until - e.opened_at AS lasts, g.until = e.until AS same, e.until FROM casework.emergency_access e"
            " JOIN access.case_grant g ON g.case_id = e.case_id AND g.kind = 'break_glass' WHERE e.case_id = $1::text::uuid",
            whole.case_id,
        )[0]
        assert same(row["lasts"], timedelta(hours=24))
        assert row["same"]
        assert datetime.fromisoformat(opened["until"]) == row["until"]
    wait = "SELECT ceil(extract(epoch FROM min(opened_at) + interval '24 hours' - clock_timestamp()))::integer AS wait FROM casework.emergency_access WHERE person_id = $1::text::uuid"
    most = world.sql(wait, caller.person_id)[0]["wait"]
    answer = break_glass(caller, cases[3])
    refused(answer, 429, "too-many-requests")
    assert world.sql(wait, caller.person_id)[0]["wait"] <= int(answer.headers["Retry-After"]) <= most
    for hours, status in ((23, 429), (24, 201)):
        world.logged_sql(
            "UPDATE casework.emergency_access SET opened_at = casework.now() - make_interval(hours => $2) WHERE case_id = $1::text::uuid",
            cases[0].case_id,
            hours,
        )
        assert break_glass(caller, cases[3]).status_code == status


def test_a_share_ends_when_it_says_and_a_year_is_the_most(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    until = moment(days=366)
    shared = ok(share_with(whole, other_team, until=until), 201)
    assert shared["until"] == until
    row = world.sql("SELECT until FROM access.case_share WHERE case_id = $1::text::uuid", whole.case_id)[0]
    assert row["until"] == datetime.fromisoformat(until)
    refused(share_with(whole, world.team(), until=moment(days=366, hours=1)), 422, "validation-failed")
    refused(share_with(whole, world.team(), until=moment(hours=-1)), 422, "validation-failed")
    reader = other_team.person("adviser")
    ok(reader.get(whole.path))
    world.sql("UPDATE access.case_share SET until = now() WHERE case_id = $1::text::uuid", whole.case_id)
    refused(reader.get(whole.path), 404, "not-found")


def test_what_is_kept_is_kept_to_its_hour(world: World, team: Team) -> None:
    """Keys for 72 hours, ended sessions for 90 days: as the worker's upkeep removes them, and no sooner."""
    whose = team.person("adviser").person_id or ""
    for _ in range(2):
        ok(world.log_in(whose).post("/v1/cases", {"team_id": team.id, "title": f"Fair {team.mark}"}), 201)
    aged = (
        ("work.idempotency_key", "created_at", "caller LIKE '%' || $1", "72 hours"),
        ("access.session", "expires_at", "principal_id::text = $1", "90 days"),
    )
    for table, column, mine, kept in aged:
        world.sql(
            f"UPDATE {table} t SET {column} = now() - interval '{kept}' + CASE n.place WHEN 1 THEN 1 ELSE -1 END * interval '5 minutes'"
            f" FROM (SELECT ctid, row_number() OVER (ORDER BY {column}, ctid) AS place FROM {table} WHERE {mine}) n WHERE t.ctid = n.ctid",
            whose,
        )

    async def upkeep(connection: asyncpg.Connection) -> None:
        pool = SimpleNamespace(acquire=lambda: nullcontext_of(connection))
        await tidy(Job(0, "work.tidy", cast(Any, SimpleNamespace(pool=pool))))

    world.run_as("casework_worker", upkeep)
    for table, column, mine, kept in aged:
        left = world.sql(f"SELECT {column} > now() - interval '{kept}' AS young FROM {table} WHERE {mine}", whose)
        assert [row["young"] for row in left] == [True], table


@asynccontextmanager
async def nullcontext_of(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """What a pool lends: this one connection."""
    yield connection
