"""Nobody alone takes power from those who administer and oversee: one administrator asks, another approves (attack A11)."""

import asyncio
import threading
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from casework.kernel.problems import Conflict
from casework.people import bootstrap
from tests.support import cluster
from tests.support.callers import Caller, ok, refused, warned
from tests.support.trial import Trial
from tests.support.world import Team, World

CHANGES = "/v1/role-changes"


def entry(administrator: Caller, person: Caller) -> Any:
    return ok(administrator.get(f"/v1/people/{person.person_id}"))


def amend(administrator: Caller, person: Caller, **facts: Any) -> httpx.Response:
    path = f"/v1/people/{person.person_id}"
    return administrator.patch(path, facts, match=entry(administrator, person)["version"])


def take_role(administrator: Caller, person: Caller, role: str) -> httpx.Response:
    (held,) = (each["id"] for each in entry(administrator, person)["roles"] if each["role"] == role)
    return administrator.delete(f"/v1/people/{person.person_id}/roles/{held}")


def ask(administrator: Caller, person: Caller, kind: str) -> httpx.Response:
    if kind == "role":
        return take_role(administrator, person, entry(administrator, person)["roles"][0]["role"])
    if kind == "deactivation":
        return amend(administrator, person, active=False)
    return amend(administrator, person, email=f"new.{person.person_id}@police.example")


def waiting(administrator: Caller, person: Caller, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(administrator.get(CHANGES, person_id=person.person_id, **filters))["items"]
    return items


def approve(administrator: Caller, change: dict[str, Any]) -> httpx.Response:
    return administrator.post(f"{CHANGES}/{change['id']}/approval")


KINDS = ("role", "deactivation", "email")


@pytest.mark.parametrize("role", ["administrator", "auditor"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_asks_another_approves_and_until_then_nothing_changes(team: Team, role: str, kind: str) -> None:
    first, second, person = team.person("administrator"), team.person("administrator"), team.person(role)
    path = "/v1/api-clients" if role == "administrator" else "/v1/audit-events"
    team.person("administrator")
    before = entry(first, person)
    answer = ask(first, person, kind)
    ok(answer)
    assert [code for _, code in warned(answer)] == ["waits-for-approval"]
    assert entry(first, person) == before
    ok(person.get(path))
    (change,) = waiting(second, person)
    assert (change["kind"], change["state"], change["asked_by"]) == (kind, "waiting", first.person_id)
    assert change["role"] == (role if kind == "role" else None)
    assert change["email"] == (before["email"] if kind == "email" else None)
    assert waiting(second, person, kind=kind) == [change] == [ok(second.get(f"{CHANGES}/{change['id']}"))]
    assert waiting(second, person, kind="new_role") == []
    refused(approve(first, change), 403, "never-the-requester")
    refused(approve(person, change), 403, "never-oneself" if role == "administrator" else "forbidden")
    refused(approve(team.person("supervisor"), change), 403, "forbidden")
    assert entry(first, person) == before
    decided = ok(approve(second, change))
    assert (decided["state"], decided["decided_by"]) == ("approved", second.person_id)
    assert waiting(first, person) == []
    now = entry(first, person)
    if kind == "email":
        assert now["email"] == change["email_asked"]
        ok(person.get(path))
    else:
        assert (now["roles"], now["active"]) == ([], kind == "role")
        refused(person.get(path), *((403, "forbidden") if kind == "role" else (401, "unauthenticated")))
    refused(approve(second, change), 409, "state-conflict")


def test_a_role_that_is_to_be_given_stands_in_the_same_list(team: Team) -> None:
    first, second, person = team.person("administrator"), team.person("administrator"), team.person()
    given = ok(first.post(f"/v1/people/{person.person_id}/roles", {"role": "auditor", "team_id": team.id}), 201)
    (change,) = waiting(second, person)
    assert (change["id"], change["kind"], change["role"]) == (given["id"], "new_role", "auditor")
    # Who could log in as whoever is to have the role could approve for them.
    answer = amend(first, person, email=f"new.{person.person_id}@police.example")
    assert [code for _, code in warned(answer)] == ["waits-for-approval"]


@pytest.mark.parametrize("by", ["asker", "another"])
def test_it_is_taken_back_or_refused_but_never_by_whom_it_concerns(team: Team, by: str) -> None:
    first, second, person = (team.person("administrator") for _ in range(3))
    ok(ask(first, person, "deactivation"))
    (change,) = waiting(first, person)
    path = f"{CHANGES}/{change['id']}"
    refused(person.delete(path), 403, "never-oneself")
    assert ok((first if by == "asker" else second).delete(path))["state"] == "withdrawn"
    refused(approve(second, change), 409, "state-conflict")
    refused(first.delete(path), 409, "state-conflict")
    assert entry(first, person)["active"]
    ok(ask(first, person, "deactivation"))
    assert len(waiting(first, person)) == 1


def test_the_rest_of_a_patch_counts_at_once_and_one_address_is_asked_at_a_time(team: Team) -> None:
    first, person = team.person("administrator"), team.person("auditor")
    answer = amend(first, person, name="Another Name", email=f"a.{person.person_id}@police.example")
    assert warned(answer) == [("/email", "waits-for-approval")]
    assert entry(first, person)["name"] == "Another Name"
    refused(amend(first, person, email=f"b.{person.person_id}@police.example"), 409, "change-waits")
    ok(amend(first, person, email=f"a.{person.person_id}@police.example"))
    assert len(waiting(first, person)) == 1


def test_who_suspended_somebody_does_not_ask_for_their_end(team: Team) -> None:
    first, second, third, person = (team.person("administrator") for _ in range(4))
    ok(first.post(f"/v1/people/{person.person_id}/suspension", {"reason": "Stolen laptop."}, match=1), 201)
    refused(amend(first, person, active=False), 409, "never-the-suspender")
    ok(amend(second, person, active=False))
    (change,) = waiting(second, person)
    refused(approve(first, change), 409, "never-the-suspender")
    ok(approve(third, change))
    assert not entry(second, person)["active"]


def alone(trial: Trial, *administrators: Caller) -> None:
    """Nobody else administers here."""
    trial.sql(
        "UPDATE access.principal p SET active = false FROM access.membership m WHERE m.principal_id = p.id"
        " AND m.role = 'administrator' AND p.id <> ALL ($1::text[]::uuid[])",
        [each.person_id for each in administrators],
    )


@pytest.mark.parametrize("kind", ["role", "deactivation"])
def test_the_last_two_administrators_stay(trial: Trial, kind: str) -> None:
    team = trial.team()
    first, second, third = (team.person("administrator") for _ in range(3))
    alone(trial, first, second)
    told = refused(ask(first, second, kind), 409, "administrators-needed")
    assert told["detail"] != told["title"]
    trial.sql("UPDATE access.principal SET active = true WHERE id = $1::text::uuid", third.person_id)
    ok(ask(first, second, kind))
    ok(ask(first, third, kind))
    ok(approve(third, waiting(first, second)[0]))
    # One of three has gone: what was asked of the next would leave one.
    document = approve(third, waiting(first, third)[0])
    refused(document, 409, "administrators-needed")
    assert entry(first, third)["roles"]


def test_where_there_is_no_third_the_person_concerned_approves_or_the_host(trial: Trial) -> None:
    team = trial.team()
    first, second, auditor = team.person("administrator"), team.person("administrator"), team.person("auditor")
    team.person("administrator")
    url = cluster.url("casework_migrate", trial.database)
    ok(ask(first, second, "email"))
    (change,) = waiting(first, second)
    refused(approve(second, change), 403, "never-oneself")
    with pytest.raises(Conflict, match="Another administrator"):
        asyncio.run(bootstrap.approve(url, UUID(change["id"])))
    alone(trial, first, second)
    assert ok(approve(second, change))["decided_by"] == second.person_id
    alone(trial, first)
    ok(ask(first, auditor, "role"))
    (change,) = waiting(first, auditor)
    refused(approve(first, change), 403, "never-the-requester")
    assert asyncio.run(bootstrap.waiting(url))
    asyncio.run(bootstrap.approve(url, UUID(change["id"])))
    told = ok(first.get(f"{CHANGES}/{change['id']}"))
    assert (told["state"], told["decided_by"]) == ("approved", None)
    assert entry(first, auditor)["roles"] == []
    logged = trial.sql(
        "SELECT e.principal_kind, e.action FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " WHERE o.object_id = $1::text::uuid AND o.operation = 'alteration'",
        change["id"],
    )
    assert [tuple(each) for each in logged] == [("system", "person.approve_role")]


def at_once(*calls: Any) -> list[int]:
    together, answers = threading.Barrier(len(calls), timeout=30), []

    def go(call: Any) -> None:
        together.wait()
        answers.append(call().status_code)

    threads = [threading.Thread(target=go, args=(call,)) for call in calls]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(answers)


def test_of_two_approvals_at_once_or_one_beside_taking_it_back_one_counts(team: Team, world: World) -> None:
    first, second, third, person = (team.person("administrator") for _ in range(4))
    ok(ask(first, person, "email"))
    (change,) = waiting(first, person)
    assert at_once(lambda: approve(second, change), lambda: approve(third, change)) == [200, 409]
    ok(ask(first, person, "role"))
    (other,) = waiting(first, person)
    assert at_once(lambda: approve(second, other), lambda: first.delete(f"{CHANGES}/{other['id']}")) == [200, 409]
    gone = ok(first.get(f"{CHANGES}/{other['id']}"))["state"] == "approved"
    assert gone == (entry(first, person)["roles"] == [])


def test_two_who_remove_each_other_at_once_do_not_both_go(team: Team) -> None:
    first, second, third, fourth, fifth = (team.person("administrator") for _ in range(5))
    ok(ask(first, second, "deactivation"))
    ok(ask(second, first, "deactivation"))
    (one,), (two,) = waiting(third, second), waiting(third, first)
    assert at_once(lambda: approve(third, one), lambda: approve(fourth, two)) == [200, 409]
    assert sorted(entry(fifth, each)["active"] for each in (first, second)) == [False, True]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE casework.person SET active = false WHERE id = $1::text::uuid",
        "UPDATE casework.person SET email = 'somebody@police.example' WHERE id = $1::text::uuid",
        "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1::text::uuid",
    ],
)
def test_the_tables_themselves_want_two(world: World, team: Team, statement: str) -> None:
    person = team.person("auditor")
    with pytest.raises(asyncpg.PostgresError, match="two administrators"):
        world.logged_sql(statement, person.person_id)
    asked = "INSERT INTO access.person_change (person_id, kind, state, asked_by, decided_by, decided_at) VALUES ($1::text::uuid, 'deactivation', 'approved', $2::text::uuid, $2::text::uuid, now())"  # fmt: skip
    with pytest.raises(asyncpg.CheckViolationError):
        world.logged_sql(asked, person.person_id, team.person("administrator").person_id)


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_asked_who_is_let_in_no_more_makes_room_for_what_is_asked_anew(team: Team, kind: str) -> None:
    first, second, third, person = (team.person("administrator") for _ in range(4))
    ok(ask(first, person, kind))
    (old,) = waiting(second, person)
    document = (
        refused(amend(second, person, email="somebody.else@police.example"), 409, "change-waits")
        if kind == "email"
        else None
    )
    if document is not None:
        assert (document["kind"], document["change_id"]) == (kind, old["id"])
        assert old["id"] in document["detail"]
    ok(second.post(f"/v1/people/{first.person_id}/suspension", {"reason": "Stolen laptop."}, match=1), 201)
    refused(approve(third, old), 409, "state-conflict")
    ok(ask(second, person, kind))
    (new,) = waiting(third, person)
    assert (new["asked_by"], ok(third.get(f"{CHANGES}/{old['id']}"))["state"]) == (second.person_id, "withdrawn")
    assert ok(approve(third, new))["state"] == "approved"


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_a_role_that_is_to_be_given_is_decided_there_as_well(team: Team, role: str) -> None:
    first, second, person = team.person("administrator"), team.person("administrator"), team.person()
    path = f"/v1/people/{person.person_id}/roles"

    def given() -> dict[str, Any]:
        ok(first.post(path, {"role": role, "team_id": team.id}), 201)
        (change,) = waiting(second, person)
        return change

    change = given()
    refused(approve(first, change), 403, "never-the-requester")
    refused(approve(team.person("supervisor"), change), 403, "forbidden")
    assert ok(second.delete(f"{CHANGES}/{change['id']}"))["state"] == "withdrawn"
    refused(approve(second, change), 409, "state-conflict")
    refused(first.delete(f"{CHANGES}/{change['id']}"), 409, "state-conflict")
    change = given()
    decided = ok(approve(second, change))
    assert (decided["id"], decided["state"], decided["decided_by"]) == (change["id"], "approved", second.person_id)
    assert [(each["role"], each["state"]) for each in ok(first.get(path))["items"]] == [(role, "active")]
    refused(approve(second, change), 409, "state-conflict")
    refused(second.delete(f"{CHANGES}/{change['id']}"), 409, "state-conflict")
    assert waiting(first, person) == []
