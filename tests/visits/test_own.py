"""Whose visit it is: an adviser of the team or of one that contributes, who may log it and say what was found, and nothing else."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.circle.building import Whole, share_with, whole_case
from tests.support.callers import Caller, ok, refused, warned
from tests.support.story import allocated_case, finding, just_now, moment, proposed_visit
from tests.support.world import Team, World

OWN = ["visit.complete", "visit.no_access"]


def made(caller: Caller, visit: dict[str, Any], **facts: Any) -> httpx.Response:
    body = {"arrived_at": just_now(5), "left_at": just_now(10), **facts}
    return caller.post(f"/v1/visits/{visit['id']}/completion", body, match=visit["version"])


def now(caller: Caller, case: dict[str, Any], adviser: Caller, **facts: Any) -> dict[str, Any]:
    """A visit of this adviser that has just begun."""
    times = {"starts_at": moment(), "ends_at": moment(hours=1)}
    return proposed_visit(caller, case, adviser_id=adviser.person_id, **times, **facts)


@pytest.mark.parametrize("role", ["coordinator", "supervisor", "reviewer", "information_manager"])
def test_who_is_no_adviser_is_not_sent_not_even_by_themselves(team: Team, role: str) -> None:
    """The attack: a coordinator names herself as the visit's adviser, and is shown to the business as such."""
    adviser, desk = team.person("adviser"), team.person(role)
    case = allocated_case(team, adviser)
    for sender in (desk, team.person("supervisor")) if role in ("coordinator", "supervisor") else (adviser,):
        body = {"starts_at": moment(3), "ends_at": moment(3, 1), "adviser_id": desk.person_id}
        (error,) = refused(sender.post(f"/v1/cases/{case['id']}/visits", body), 422, "validation-failed")["errors"]
        assert (error["pointer"], error["code"]) == ("/adviser_id", "not-an-adviser-here")
    visit = proposed_visit(adviser, case)
    amended = team.person("coordinator").patch(
        f"/v1/visits/{visit['id']}", {"adviser_id": desk.person_id}, match=visit["version"]
    )
    assert refused(amended, 422, "validation-failed")["errors"][0]["pointer"] == "/adviser_id"
    assert ok(adviser.get(f"/v1/visits/{visit['id']}"))["adviser_id"] == adviser.person_id


def test_an_adviser_whose_part_has_ended_is_not_sent(world: World, team: Team) -> None:
    adviser, leaver = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    world.logged_sql(
        "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1::text::uuid", leaver.person_id
    )
    body = {"starts_at": moment(3), "ends_at": moment(3, 1), "adviser_id": leaver.person_id}
    refused(adviser.post(f"/v1/cases/{case['id']}/visits", body), 422, "validation-failed")


def test_the_adviser_of_a_visit_logs_it_whoever_has_the_case(team: Team) -> None:
    adviser, sent = team.person("adviser"), team.person("adviser", name="Sam Sent")
    case = allocated_case(team, adviser)
    visit = now(adviser, case, sent)
    assert ok(sent.get(f"/v1/visits/{visit['id']}"))["allowed_actions"] == OWN
    logged = ok(made(sent, visit, findings=[finding()]))
    assert (logged["logger"], logged["adviser"]) == ("Sam Sent", "Sam Sent")
    assert logged["allowed_actions"] == ["finding.record", "visit.supplement"]
    found = ok(sent.post(f"/v1/visits/{visit['id']}/findings", finding(area="Gate")), 201)
    assert found["allowed_actions"] == ["finding.record"]
    ok(sent.patch(f"/v1/findings/{found['id']}", {"likelihood": 3}, match=found["version"]))
    ok(sent.post(f"/v1/visits/{visit['id']}/supplements", {"notes": "Two gates.", "reason": "Left out."}), 201)
    lines = ok(adviser.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    said = {line["action"] for line in lines if line["person_id"] == sent.person_id}
    assert said == {"visit.complete", "finding.record", "visit.supplement"}


def test_who_logs_in_anothers_name_stands_beside_them(team: Team) -> None:
    adviser, sent = team.person("adviser", name="Ann Adviser"), team.person("adviser", name="Sam Sent")
    logged = ok(made(adviser, now(adviser, case := allocated_case(team, adviser), sent)))
    assert (logged["adviser"], logged["logger"]) == ("Sam Sent", "Ann Adviser")
    assert case["id"] == logged["case_id"]


def test_it_counts_for_that_visit_alone_and_for_nothing_else(team: Team) -> None:
    adviser, sent = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    visit, other = now(adviser, case, sent), now(adviser, case, adviser)
    path = f"/v1/cases/{case['id']}"
    refused(made(sent, other), 403, "forbidden")
    nobody = {"reason_code": "nobody_there"}
    refused(sent.post(f"/v1/visits/{other['id']}/no-access", nobody, match=other["version"]), 403, "forbidden")
    theirs = ok(made(adviser, other, findings=[finding()]))
    refused(sent.post(f"/v1/visits/{other['id']}/findings", finding()), 403, "forbidden")
    found = theirs["findings"][0]
    refused(sent.patch(f"/v1/findings/{found['id']}", {"impact": 1}, match=found["version"]), 403, "forbidden")
    refused(sent.post(f"/v1/visits/{other['id']}/supplements", {"notes": "x", "reason": "y"}), 403, "forbidden")
    moved = {"place_note": "Gate 2"}
    refused(sent.patch(f"/v1/visits/{visit['id']}", moved, match=visit["version"]), 403, "forbidden")
    cancelled = {"reason_code": "asked_by_business"}
    refused(sent.post(f"/v1/visits/{visit['id']}/cancellation", cancelled, match=visit["version"]), 403, "forbidden")
    refused(sent.post(f"{path}/visits", {"starts_at": moment(3), "ends_at": moment(3, 1)}), 403, "forbidden")
    refused(sent.post(f"{path}/notes", {"body": "Theirs."}), 403, "forbidden")
    refused(sent.post(f"{path}/advice", {"title": "Theirs"}), 403, "forbidden")
    assert ok(sent.get(path))["allowed_actions"] == []
    ok(made(sent, visit))


def test_another_is_sent_instead(team: Team) -> None:
    adviser, sent, instead = (team.person("adviser") for _ in range(3))
    visit = now(adviser, allocated_case(team, adviser), sent)
    visit = ok(adviser.patch(f"/v1/visits/{visit['id']}", {"adviser_id": instead.person_id}, match=visit["version"]))
    refused(made(sent, visit), 403, "forbidden")
    ok(made(instead, visit))


def test_it_ends_when_the_case_is_restricted_and_a_supervisor_adds_them(team: Team) -> None:
    adviser, sent, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    visit = now(adviser, case, sent)
    path = f"/v1/cases/{case['id']}"

    def version() -> int:
        return int(ok(supervisor.get(path))["version"])

    ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=version()))
    refused(made(sent, visit), 404, "not-found")
    ok(supervisor.post(f"{path}/collaborators", {"person_id": sent.person_id}, match=version()))
    ok(made(sent, visit))


def test_it_ends_with_the_part_of_the_adviser(world: World, team: Team) -> None:
    adviser, sent = team.person("adviser"), team.person("adviser", "reviewer")
    visit = now(adviser, allocated_case(team, adviser), sent)
    ended = "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1::text::uuid AND role = 'adviser'"
    world.logged_sql(ended, sent.person_id)
    refused(made(sent, visit), 403, "forbidden")


@pytest.fixture
def lent(world: World, team: Team, other_team: Team) -> tuple[Whole, Caller, dict[str, Any]]:
    """A case lent to another force to contribute, and the visit that their adviser is sent to."""
    whole = whole_case(world, team)
    ok(share_with(whole, other_team, mode="contribute"), 201)
    guest = other_team.person("adviser", name="Gil Guest")
    visit = now(whole.adviser, {"id": whole.case_id}, guest)
    return whole, guest, visit


def test_an_adviser_of_a_team_that_contributes_is_sent_and_logs_it(
    lent: tuple[Whole, Caller, dict[str, Any]], other_team: Team
) -> None:
    whole, guest, visit = lent
    nobody = {"reason_code": "nobody_there"}
    colleague = other_team.person("adviser")
    refused(colleague.post(f"/v1/visits/{visit['id']}/no-access", nobody, match=visit["version"]), 403, "forbidden")
    logged = ok(made(guest, visit, findings=[finding()]))
    assert logged["logger"] == "Gil Guest"
    said = {"notes": "Two gates.", "reason": "Left out."}
    refused(colleague.post(f"/v1/visits/{visit['id']}/supplements", said), 403, "forbidden")
    ok(guest.post(f"/v1/visits/{visit['id']}/supplements", said), 201)
    second = now(whole.adviser, {"id": whole.case_id}, guest, premises_id=visit["premises_id"])
    ok(guest.post(f"/v1/visits/{second['id']}/no-access", nobody, match=second["version"]))


def test_it_ends_with_the_share(lent: tuple[Whole, Caller, dict[str, Any]]) -> None:
    whole, guest, visit = lent
    (share,) = ok(whole.supervisor.get(f"{whole.path}/shares"))["items"]
    assert visit["adviser_left_at"] is None
    answer = whole.supervisor.post(f"{whole.path}/shares/{share['id']}/ending")
    assert warned(answer) == [("", "visit-left")]
    (told,) = (each["message"] for each in answer.json()["warnings"])
    assert visit["id"] in told
    assert guest.name in told
    refused(made(guest, visit), 404, "not-found")
    # Marked as for a leaver, and nobody else's is; given to somebody else it is in hand again.
    marked = ok(whole.adviser.get(f"/v1/visits/{visit['id']}"))
    assert (marked["adviser_id"], marked["adviser_left_at"] is None) == (guest.person_id, False)
    assert ok(whole.adviser.get(f"/v1/visits/{whole.coming_id}"))["adviser_left_at"] is None
    given = {"adviser_id": whole.adviser.person_id}
    assert (
        ok(whole.adviser.patch(f"/v1/visits/{visit['id']}", given, match=marked["version"]))["adviser_left_at"] is None
    )
    body = {"starts_at": moment(3), "ends_at": moment(3, 1), "adviser_id": guest.person_id}
    refused(whole.adviser.post(f"{whole.path}/visits", body), 422, "validation-failed")


def test_a_share_to_read_sends_nobody(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    ok(share_with(whole, other_team, mode="read"), 201)
    body = {"starts_at": moment(3), "ends_at": moment(3, 1), "adviser_id": other_team.person("adviser").person_id}
    refused(whole.adviser.post(f"{whole.path}/visits", body), 422, "validation-failed")


def test_it_ends_when_the_case_moves_to_another_team(world: World, team: Team, other_team: Team) -> None:
    """Also for somebody who is an adviser there too."""
    adviser, sent, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    visit = now(adviser, case, sent)
    world.give_role(sent.person_id or "", "adviser", other_team)
    body = {"to_team_id": other_team.id, "reason_code": "site_in_other_force"}
    offer = ok(supervisor.post(f"/v1/cases/{case['id']}/transfer", body), 201)
    receiver = other_team.person("supervisor")
    ok(receiver.post(f"/v1/case-transfers/{offer['id']}/acceptance", {}, match=offer["version"]))
    version = ok(receiver.get(f"/v1/visits/{visit['id']}"))["version"]
    refused(made(sent, {**visit, "version": version}), 403, "forbidden")


def test_several_were_there_and_one_logs(team: Team, other_team: Team) -> None:
    adviser, second = team.person("adviser"), team.person("adviser", name="Sam Second")
    case = allocated_case(team, adviser)
    visit = now(adviser, case, adviser)
    strangers = (team.person("coordinator"), other_team.person("adviser"), adviser)
    for stranger in strangers:
        (error,) = refused(made(adviser, visit, attended_by=[stranger.person_id]), 422, "validation-failed")["errors"]
        assert error["pointer"] == "/attended_by/0"
    twice = [second.person_id, second.person_id]
    (error,) = refused(made(adviser, visit, attended_by=twice), 422, "validation-failed")["errors"]
    assert error["pointer"] == "/attended_by/1"
    logged = ok(made(adviser, visit, attended_by=[second.person_id]))
    assert (logged["attended_by"], logged["attended_by_names"]) == ([second.person_id], ["Sam Second"])
    # Who was there beside the adviser has no visit of their own by that.
    refused(second.post(f"/v1/visits/{visit['id']}/findings", finding()), 403, "forbidden")


def leaves(team: Team, person: Caller) -> None:
    administrator, path = team.person("administrator"), f"/v1/people/{person.person_id}"
    body = {"active": False, "leaving": True}
    ok(administrator.patch(path, body, match=ok(administrator.get(path))["version"]))


def logged_with(adviser: Caller, visit: dict[str, Any], person: str | None) -> httpx.Response:
    return made(adviser, visit, attended_by=[person])


def supplemented_with(adviser: Caller, visit: dict[str, Any], person: str | None) -> httpx.Response:
    current = ok(adviser.get(f"/v1/visits/{visit['id']}"))
    if current["state"] != "completed":
        ok(made(adviser, current))
    body = {"attended_by": [person], "reason": "Left out when it was logged."}
    return adviser.post(f"/v1/visits/{visit['id']}/supplements", body)


def _passing_by(adviser: Caller, visit: dict[str, Any], **facts: Any) -> httpx.Response:
    body = {"without_appointment": True, "arrived_at": moment(hours=-3), "left_at": moment(hours=-2), **facts}
    return adviser.post(f"/v1/cases/{visit['case_id']}/visits", {"time_reason": "We were waved in.", **body})


def passed_by_with(adviser: Caller, visit: dict[str, Any], person: str | None) -> httpx.Response:
    return _passing_by(adviser, visit, adviser_id=adviser.person_id, attended_by=[person])


def passed_by(adviser: Caller, visit: dict[str, Any], person: str | None) -> httpx.Response:
    return _passing_by(adviser, visit, adviser_id=person)


DOORS = pytest.mark.parametrize(
    "log", [logged_with, supplemented_with, passed_by_with, passed_by], ids=lambda door: door.__name__
)


@DOORS
def test_who_was_there_is_taken_also_when_they_have_left_since(
    team: Team, other_team: Team, log: Callable[[Caller, dict[str, Any], str | None], httpx.Response]
) -> None:
    """And of anybody else nothing is told, not even that there is somebody."""
    adviser, leaver, elsewhere = team.person("adviser"), team.person("adviser"), other_team.person("adviser")
    case = allocated_case(team, adviser)
    visit = now(adviser, case, adviser)
    leaves(team, leaver)
    leaves(other_team, elsewhere)
    told = [
        refused(log(adviser, visit, person), 422, "validation-failed")["errors"]
        for person in (elsewhere.person_id, other_team.person("adviser").person_id, str(uuid.uuid4()))
    ]
    assert told[0][0]["code"] == "not-an-adviser-here"
    assert told == [told[0]] * 3
    answer = log(adviser, visit, leaver.person_id)
    assert answer.status_code in (200, 201), answer.text


def test_who_was_there_is_taken_also_when_their_team_has_left_the_case(team: Team, other_team: Team) -> None:
    adviser, second, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    visit = ok(made(adviser, now(adviser, case, adviser)))
    body = {"to_team_id": other_team.id, "reason_code": "site_in_other_force"}
    version = ok(supervisor.get(f"/v1/cases/{case['id']}"))["version"]
    offer = ok(supervisor.post(f"/v1/cases/{case['id']}/transfer", body, match=version), 201)
    receiver, successor = other_team.person("supervisor"), other_team.person("adviser")
    ok(receiver.post(f"/v1/case-transfers/{offer['id']}/acceptance", {}, match=offer["version"]))
    version = ok(receiver.get(f"/v1/cases/{case['id']}"))["version"]
    ok(receiver.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": successor.person_id}, match=version))
    ok(supplemented_with(successor, visit, second.person_id), 201)


def test_who_was_there_for_a_team_that_contributed_then_is_taken_and_for_one_that_read_is_not(
    world: World, team: Team, other_team: Team
) -> None:
    for mode, status in (("contribute", 201), ("read", 422)):
        whole = whole_case(world, team)
        share = ok(share_with(whole, other_team, mode=mode), 201)
        there = other_team.person("adviser").person_id
        visit = ok(passed_by(whole.adviser, {"case_id": whole.case_id}, whole.adviser.person_id), 201)
        ok(whole.supervisor.post(f"{whole.path}/shares/{share['id']}/ending"))
        answer = supplemented_with(whole.adviser, visit, there)
        assert answer.status_code == status, answer.text
        # Of a visit that was made since the share ended they were not.
        after = {"arrived_at": just_now(60_000), "left_at": just_now(61_000)}
        late = _passing_by(whole.adviser, visit, adviser_id=whole.adviser.person_id, attended_by=[there], **after)
        refused(late, 422, "validation-failed")


def test_who_was_said_to_be_there_is_not_asked_about_again(world: World, team: Team) -> None:
    """Whatever has become of them: what is added is judged."""
    adviser, second, third = (team.person("adviser") for _ in range(3))
    visit = ok(made(adviser, now(adviser, allocated_case(team, adviser), adviser), attended_by=[second.person_id]))
    world.logged_sql("DELETE FROM access.membership WHERE principal_id = $1::text::uuid", second.person_id)
    body = {"attended_by": [second.person_id, third.person_id], "reason": "Left out when it was logged."}
    ok(adviser.post(f"/v1/visits/{visit['id']}/supplements", body), 201)
