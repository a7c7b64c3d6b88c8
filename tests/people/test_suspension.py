"""Locked out at once: from the next request on nothing is let in, nothing changes hands, and somebody else decides."""

import asyncio
import threading
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from casework.kernel.settings import Settings
from tests.enquiries.post import PostRoom
from tests.support import cluster
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case
from tests.support.trial import Trial
from tests.support.world import Team, World


@pytest.fixture
def post(world: World, test_settings: Settings, tmp_path: Path) -> PostRoom:
    """Where the worker's letters go."""
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    return PostRoom(world, test_settings, tmp_path / "mail")


WHY = {"reason": "Their laptop was stolen this morning."}


def version(administrator: Caller, person: Caller) -> int:
    found: int = ok(administrator.get(f"/v1/people/{person.person_id}"))["version"]
    return found


def lock(by: Caller, person: Caller, noun: str = "suspension", *, match: int = 1) -> Any:
    return by.post(f"/v1/people/{person.person_id}/{noun}", WHY if noun == "suspension" else None, match=match)


@pytest.mark.parametrize("role", ["supervisor", "administrator"])
def test_who_is_locked_out_is_out_with_the_next_request_and_nothing_changes_hands(
    world: World, team: Team, role: str
) -> None:
    adviser, by, administrator = team.person("adviser"), team.person(role), team.person("administrator")
    case = allocated_case(team, adviser)
    ok(adviser.get("/v1/cases"))
    told = ok(lock(by, adviser), 201)
    assert told["suspension"]["reason"] == WHY["reason"]
    assert told["suspension"]["suspended_by"] == by.name
    refused(adviser.get("/v1/cases"), 401, "unauthenticated")
    supervisor = team.person("supervisor")
    assert ok(supervisor.get(f"/v1/cases/{case['id']}"))["adviser_id"] == adviser.person_id
    roles = ok(administrator.get(f"/v1/people/{adviser.person_id}/roles"))["items"]
    assert [(each["role"], each["state"]) for each in roles] == [("adviser", "active")]
    refused(lock(by, adviser), 409, "state-conflict")


def test_no_log_in_opens_meanwhile_and_the_old_sessions_stay_closed_afterwards(world: World, team: Team) -> None:
    administrator, person = team.person("administrator"), team.person("adviser")
    password = "correct horse battery staple"
    ok(administrator.request("PUT", f"/v1/people/{person.person_id}/password", json={"password": password}))
    login = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person.person_id)[0]["email"]
    entry = {"login": login, "password": password}
    before = world.anybody(ok(world.anybody().request("POST", "/v1/sessions", json=entry), 201)["token"])
    ok(before.get("/v1/cases"))
    ok(lock(administrator, person), 201)
    refused(before.get("/v1/cases"), 401, "unauthenticated")
    refused(world.anybody().request("POST", "/v1/sessions", json=entry), 401, "wrong-credentials")
    # Nor does an entry that is amended meanwhile let them in.
    ok(administrator.patch(f"/v1/people/{person.person_id}", {"name": "Another Name"}, match=1))
    refused(world.anybody().request("POST", "/v1/sessions", json=entry), 401, "wrong-credentials")
    ok(lock(team.person("supervisor"), person, "reinstatement", match=2))
    refused(before.get("/v1/cases"), 401, "unauthenticated")
    ok(world.anybody().request("POST", "/v1/sessions", json=entry), 201)


def test_no_tool_acts_for_them(world: World, team: Team) -> None:
    tool, adviser = team.tool("cases.read"), team.person("adviser")
    named = {"X-Acting-For": adviser.person_id or ""}
    ok(tool.request("GET", "/v1/cases", headers=named))
    ok(lock(team.person("supervisor"), adviser), 201)
    refused(tool.request("GET", "/v1/cases", headers=named), 403, "forbidden")


def test_somebody_else_lifts_it_or_makes_it_final(team: Team) -> None:
    first, second = team.person("administrator"), team.person("administrator")
    lifted, left = team.person("adviser"), team.person("adviser")
    for person in (lifted, left):
        ok(lock(first, person), 201)
        final = first.patch(f"/v1/people/{person.person_id}", {"active": False}, match=1)
        for answer in (lock(first, person, "reinstatement"), final):
            assert "You locked this person out" in refused(answer, 409, "never-the-suspender")["detail"]
    assert ok(lock(second, lifted, "reinstatement"))["suspension"] is None
    refused(lock(second, lifted, "reinstatement"), 409, "state-conflict")
    ok(second.patch(f"/v1/people/{left.person_id}", {"active": False}, match=1))
    refused(lock(second, left, "reinstatement", match=2), 409, "state-conflict")


def test_who_may(team: Team, other_team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    for role in ("adviser", "reviewer", "coordinator", "information_manager", "auditor"):
        refused(lock(team.person(role), adviser), 403, "forbidden")
    refused(lock(other_team.person("supervisor"), adviser), 403, "forbidden")
    assert "yourself" in refused(lock(supervisor, supervisor), 403, "never-oneself")["detail"]
    refused(lock(supervisor, adviser, match=9), 412, "precondition-failed")
    ok(adviser.get("/v1/cases"))
    answer = supervisor.post(f"/v1/people/{adviser.person_id}/suspension", {}, match=1)
    assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/reason"
    ok(lock(supervisor, adviser), 201)
    path = f"/v1/people/{adviser.person_id}/suspension"
    assert ok(supervisor.get(path))["suspension"]["reason"] == WHY["reason"]
    assert ok(team.person("administrator").get(path))["suspension"]["suspended_by"] == supervisor.name
    for role in ("adviser", "reviewer", "coordinator", "information_manager", "auditor", "professional_lead"):
        refused(team.person(role).get(path), 403, "forbidden")
    refused(other_team.person("supervisor").get(path), 403, "forbidden")
    refused(supervisor.get(f"/v1/people/{uuid.uuid4()}/suspension"), 404, "not-found")


def marks(caller: Caller, name: str, **filters: Any) -> list[bool | None]:
    return [each["suspended"] for each in ok(caller.get("/v1/people", q=name, **filters))["items"]]


def test_the_list_of_people_marks_who_is_locked_out_for_whoever_may_lock_them_out(team: Team, other_team: Team) -> None:
    reviewer, supervisor = team.person("reviewer"), team.person("supervisor")
    told = [supervisor, team.person("administrator")]
    untold = [team.person("coordinator"), team.person("auditor"), other_team.person("supervisor")]
    assert [marks(each, reviewer.name) for each in (*told, *untold)] == [[False], [False], [None], [None], [None]]
    ok(lock(supervisor, reviewer), 201)
    assert [marks(each, reviewer.name) for each in (*told, *untold)] == [[True], [True], [None], [None], [None]]
    # Among those whom one can ask, they stand with the mark or not at all.
    assert [marks(each, reviewer.name, role="reviewer") for each in (*told, *untold)] == [[True], [True], [], [], []]
    assert [marks(each, supervisor.name, role="supervisor") for each in untold[:2]] == [[None], [None]]


def test_every_administrator_and_auditor_is_told(world: World, team: Team, post: PostRoom) -> None:
    told = [team.person("administrator"), team.person("auditor"), team.person("administrator")]
    untold = [team.person("coordinator"), team.person("information_manager")]
    ok(lock(team.person("supervisor"), team.person("adviser")), 201)
    for person in told:
        (subject,) = letters(post, person)
        assert subject.endswith("was locked out")
    assert [letters(post, person) for person in untold] == [[], []]


def letters(post: PostRoom, person: Caller) -> list[str]:
    """The subjects of what somebody was sent."""
    post.deliver()
    mail = post.world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person.person_id)[0]["email"]
    return [str(letter["Subject"]) for letter in post.letters(mail)]


def test_nobody_is_told_of_their_own_suspension_not_even_once_it_is_lifted(team: Team, post: PostRoom) -> None:
    """The letter goes out after the suspension, and may find its subject let in again."""
    administrator, auditor = team.person("administrator"), team.person("auditor")
    ok(lock(team.person("supervisor"), auditor), 201)
    ok(lock(administrator, auditor, "reinstatement"))
    assert len(letters(post, administrator)) == 1
    assert letters(post, auditor) == []


def test_beside_requests_in_flight_none_that_begins_afterwards_is_let_in(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    done, late, acknowledged = threading.Event(), [], []

    def write(number: int) -> None:
        caller = Caller(world.base_url, adviser.token)
        for turn in range(200):
            over = done.is_set()
            body = {"id": str(uuid.uuid4()), "body": f"Note {number}.{turn}"}
            status = caller.post(f"/v1/cases/{case['id']}/notes", body).status_code
            if status == 201:
                acknowledged.append(body["id"])
                if over:
                    late.append(body["id"])
            elif over:
                break
        caller.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    ok(lock(supervisor, adviser), 201)
    done.set()
    for writer in writers:
        writer.join()
    assert late == [], "let in after the answer"
    stored = world.sql("SELECT id::text FROM casework.case_note WHERE case_id = $1::text::uuid", case["id"])
    assert sorted(row["id"] for row in stored) == sorted(acknowledged)


def test_a_change_of_the_person_beside_it_lets_nobody_in_again(world: World, team: Team) -> None:
    person, administrator, supervisor = team.person("adviser"), team.person("administrator"), team.person("supervisor")
    path, password = f"/v1/people/{person.person_id}", "correct horse battery staple"
    ok(administrator.request("PUT", f"{path}/password", json={"password": password}))
    login = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person.person_id)[0]["email"]
    match = version(administrator, person)

    async def beside() -> tuple[Any, Any]:
        holder = await asyncpg.connect(cluster.superuser_url(world.database))
        try:
            async with holder.transaction():
                # The suspension has taken the person's row and waits here; the change comes then.
                await holder.execute("LOCK TABLE access.suspension IN SHARE MODE")
                suspended = asyncio.create_task(asyncio.to_thread(lock, supervisor, person, match=match))
                await _waiting(holder, 1)
                changed = asyncio.create_task(
                    asyncio.to_thread(lambda: administrator.patch(path, {"name": "Jo Newname"}, match=match))
                )
                await asyncio.sleep(1)
            return await suspended, await changed
        finally:
            await holder.close()

    suspended, changed = asyncio.run(beside())
    assert (suspended.status_code, changed.status_code) == (201, 200)
    entry = {"login": login, "password": password}
    refused(world.anybody().request("POST", "/v1/sessions", json=entry), 401, "wrong-credentials")
    refused(person.get("/v1/cases"), 401, "unauthenticated")


async def _waiting(connection: asyncpg.Connection, many: int) -> None:
    """Until so many others wait for a lock."""
    for _ in range(200):
        found = await connection.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        if found >= many:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody waits")


def test_the_last_administrator_who_is_let_in_is_not_locked_out(trial: Trial) -> None:
    """One supervisor, or one administrator, could else lock everybody out who might let them in again."""
    team = trial.team()
    supervisor, first, second = (team.person(role) for role in ("supervisor", "administrator", "administrator"))
    ids = [each.person_id for each in (first, second)]
    # Those of other tests count as well: here there are these two.
    trial.logged_sql(
        "UPDATE access.membership SET ended_at = now() WHERE role = 'administrator' AND principal_id <> ALL ($1::text[]::uuid[])",
        ids,
    )
    seen = {each.person_id: version(first, each) for each in (first, second)}
    ok(lock(supervisor, second, match=seen[second.person_id]), 201)
    told = refused(lock(supervisor, first, match=seen[first.person_id]), 409, "administrators-needed")
    assert "another administrator" in told["detail"]
    ok(first.get(f"/v1/people/{first.person_id}"))
    ok(lock(first, second, "reinstatement", match=seen[second.person_id]))
    ok(lock(supervisor, first, match=seen[first.person_id]), 201)
