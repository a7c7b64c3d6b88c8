"""A case that changes hands says what becomes of its visits to come: each is moved to the new adviser, or left."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, just_now, moment, proposed_visit
from tests.support.world import Team, World

Handing = Callable[..., httpx.Response]


def hand_over(caller: Caller, case: dict[str, Any], to: Caller, **facts: Any) -> httpx.Response:
    body = {"adviser_id": to.person_id, "reason_code": "absence", **facts}
    return caller.post(f"/v1/cases/{case['id']}/hand-over", body, match=version(caller, case))


def allocate(caller: Caller, case: dict[str, Any], to: Caller, **facts: Any) -> httpx.Response:
    body = {"adviser_id": to.person_id, **facts}
    return caller.post(f"/v1/cases/{case['id']}/allocation", body, match=version(caller, case))


def version(caller: Caller, case: dict[str, Any]) -> int:
    return int(ok(caller.get(f"/v1/cases/{case['id']}"))["version"])


def said(visit: dict[str, Any], then: str) -> dict[str, str]:
    return {"visit_id": visit["id"], "then": then}


@pytest.mark.parametrize(
    ("role", "hand"),
    [(None, hand_over), ("supervisor", hand_over), ("supervisor", allocate), ("coordinator", allocate)],
)
def test_each_visit_to_come_is_moved_or_left(world: World, team: Team, role: str | None, hand: Handing) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser", name="Col League")
    caller = team.person(role) if role else adviser
    case = allocated_case(team, adviser)
    moved = proposed_visit(adviser, case, starts_at=moment(3), ends_at=moment(3, 1))
    moved = ok(adviser.post(f"/v1/visits/{moved['id']}/confirmation", {"decision": "confirm"}, match=moved["version"]))
    left = proposed_visit(adviser, case, starts_at=moment(4), ends_at=moment(4, 1))
    document = refused(hand(caller, case, colleague), 409, "visits-undecided")
    assert document["visits"] == [{"id": each["id"], "starts_at": each["starts_at"]} for each in (moved, left)]
    document = refused(hand(caller, case, colleague, visits=[said(moved, "move")]), 409, "visits-undecided")
    assert [each["id"] for each in document["visits"]] == [left["id"]]
    assert ok(adviser.get(f"/v1/cases/{case['id']}"))["adviser_id"] == adviser.person_id
    ok(hand(caller, case, colleague, visits=[said(moved, "move"), said(left, "leave")]))
    now = {each["id"]: each for each in ok(colleague.get("/v1/visits", case_id=case["id"]))["items"]}
    assert (now[moved["id"]]["adviser"], now[moved["id"]]["state"]) == ("Col League", "confirmed")
    assert now[moved["id"]]["version"] == moved["version"] + 1
    assert now[left["id"]]["adviser_id"] == adviser.person_id
    lines = world.sql(
        "SELECT facts ->> 'visit' AS then, subject_id FROM casework.case_event WHERE case_id = $1 AND facts ? 'visit'",
        case["id"],
    )
    assert {str(line["subject_id"]): line["then"] for line in lines} == {moved["id"]: "move", left["id"]: "leave"}


def test_who_was_left_the_visit_logs_it_and_who_was_moved_away_does_not(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    left = proposed_visit(adviser, case, starts_at=moment(), ends_at=moment(hours=1))
    moved = proposed_visit(adviser, case, starts_at=moment(hours=2), ends_at=moment(hours=3))
    ok(hand_over(adviser, case, colleague, visits=[said(left, "leave"), said(moved, "move")]))
    body = {"arrived_at": just_now(5), "left_at": just_now(10)}
    ok(adviser.post(f"/v1/visits/{left['id']}/completion", body, match=left["version"]))
    nobody = {"reason_code": "nobody_there"}
    refused(adviser.post(f"/v1/visits/{moved['id']}/no-access", nobody, match=moved["version"] + 1), 403, "forbidden")


def test_nobody_is_moved_into_two_places_at_once(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    times = {"starts_at": moment(3), "ends_at": moment(3, 1)}
    visit = proposed_visit(adviser, case, **times)
    proposed_visit(colleague, allocated_case(team, colleague), **times)
    refused(hand_over(adviser, case, colleague, visits=[said(visit, "move")]), 409, "adviser-unavailable")
    assert ok(adviser.get(f"/v1/cases/{case['id']}"))["adviser_id"] == adviser.person_id
    ok(hand_over(adviser, case, colleague, visits=[said(visit, "leave")]))


def test_visits_of_others_stay_theirs_unless_they_are_named(team: Team) -> None:
    adviser, helper, colleague = (team.person("adviser") for _ in range(3))
    case = allocated_case(team, adviser)
    first, second = (
        proposed_visit(adviser, case, adviser_id=helper.person_id, starts_at=moment(n), ends_at=moment(n, 1))
        for n in (3, 4)
    )
    ok(hand_over(adviser, case, colleague, visits=[said(second, "move")]))
    now = {each["id"]: each["adviser_id"] for each in ok(colleague.get("/v1/visits", case_id=case["id"]))["items"]}
    assert now == {first["id"]: helper.person_id, second["id"]: colleague.person_id}


def test_only_visits_to_come_of_the_case_are_named_and_once(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case, other = allocated_case(team, adviser), allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    elsewhere = proposed_visit(adviser, other, starts_at=moment(8), ends_at=moment(8, 1))
    for wrong in ([said(elsewhere, "move")], [said(visit, "leave"), said(visit, "move")]):
        (error,) = refused(hand_over(adviser, case, colleague, visits=wrong), 422, "validation-failed")["errors"]
        assert error["pointer"] == f"/visits/{len(wrong) - 1}/visit_id"


def test_a_visit_is_not_left_to_somebody_who_is_no_adviser_any_more(world: World, team: Team) -> None:
    adviser, colleague, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    visit = proposed_visit(adviser, case)
    world.logged_sql(
        "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1::text::uuid", adviser.person_id
    )
    left = hand_over(supervisor, case, colleague, visits=[said(visit, "leave")])
    (error,) = refused(left, 422, "validation-failed")["errors"]
    assert error["pointer"] == "/visits/0/then"
    ok(hand_over(supervisor, case, colleague, visits=[said(visit, "move")]))


def test_without_visits_to_come_nothing_need_be_said(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    ok(
        adviser.post(
            f"/v1/visits/{visit['id']}/cancellation", {"reason_code": "asked_by_business"}, match=visit["version"]
        )
    )
    ok(hand_over(adviser, case, colleague))


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_case_from_another_force_says_who_makes_its_visits_to_come(
    team: Team, other_team: Team, confirmed: bool
) -> None:
    adviser, new = team.person("adviser"), other_team.person("adviser", name="New Man")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    if confirmed:
        answer = {"decision": "confirm"}
        visit = ok(adviser.post(f"/v1/visits/{visit['id']}/confirmation", answer, match=visit["version"]))
    receiver = _moved(case, team, other_team)
    marked = ok(receiver.get(f"/v1/visits/{visit['id']}"))
    assert (marked["state"], marked["adviser_id"]) == (visit["state"], adviser.person_id)
    assert marked["adviser_left_at"] is not None
    document = refused(allocate(receiver, case, new), 409, "visits-undecided")
    assert [each["id"] for each in document["visits"]] == [visit["id"]]
    refused(allocate(receiver, case, new, visits=[said(visit, "leave")]), 422, "validation-failed")
    ok(allocate(receiver, case, new, visits=[said(visit, "move")]))
    now = ok(new.get(f"/v1/visits/{visit['id']}"))
    assert (now["state"], now["adviser"], now["adviser_left_at"]) == (visit["state"], "New Man", None)
    # Decided once: it is the new adviser's, who is asked about it when the case changes hands again.
    colleague = other_team.person("adviser")
    refused(allocate(receiver, case, colleague), 409, "visits-undecided")
    ok(allocate(receiver, case, colleague, visits=[said(visit, "leave")]))


def test_a_visit_is_left_to_an_adviser_of_both_forces(world: World, team: Team, other_team: Team) -> None:
    adviser, new = team.person("adviser"), other_team.person("adviser")
    world.give_role(adviser.person_id or "", "adviser", other_team)
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    receiver = _moved(case, team, other_team)
    refused(allocate(receiver, case, new), 409, "visits-undecided")
    ok(allocate(receiver, case, new, visits=[said(visit, "leave")]))
    now = ok(adviser.get(f"/v1/visits/{visit['id']}"))
    assert (now["adviser_id"], now["adviser_left_at"]) == (adviser.person_id, None)
    assert "visit.complete" in now["allowed_actions"]


def test_a_visit_of_a_colleague_who_left_is_decided_as_well(team: Team) -> None:
    adviser, colleague, new = (team.person("adviser") for _ in range(3))
    supervisor, administrator = team.person("supervisor"), team.person("administrator")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case, adviser_id=colleague.person_id)
    path = f"/v1/people/{colleague.person_id}"
    gone = {"active": False, "leaving": True}
    ok(administrator.patch(path, gone, match=ok(administrator.get(path))["version"]))
    document = refused(allocate(supervisor, case, new), 409, "visits-undecided")
    assert [each["id"] for each in document["visits"]] == [visit["id"]]
    ok(allocate(supervisor, case, new, visits=[said(visit, "move")]))


def _moved(case: dict[str, Any], team: Team, there: Team) -> Caller:
    """The case goes to another force; who received it there."""
    body = {"to_team_id": there.id, "reason_code": "site_in_other_force"}
    offer = ok(team.person("supervisor").post(f"/v1/cases/{case['id']}/transfer", body), 201)
    receiver = there.person("supervisor")
    ok(receiver.post(f"/v1/case-transfers/{offer['id']}/acceptance", {}, match=offer["version"]))
    return receiver
