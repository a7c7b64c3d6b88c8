"""A person ends, or a part of theirs: what they had in hand comes to light, and nothing of it is told to an administrator."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from casework.kernel.settings import Settings
from tests.circle.building import share_with, whole_case
from tests.enquiries.post import PostRoom
from tests.support.callers import Caller, ok, refused, warned
from tests.support.story import (
    allocated_case,
    approved_advice,
    decided,
    drafted_advice,
    issued_advice,
    moment,
    open_case,
    proposed_visit,
    visit_just_made,
)
from tests.support.trial import Trial
from tests.support.world import Team, World


def leave(administrator: Caller, person: Caller, **facts: Any) -> httpx.Response:
    path = f"/v1/people/{person.person_id}"
    return administrator.patch(path, {"active": False, **facts}, match=ok(administrator.get(path))["version"])


def end_role(administrator: Caller, person: Caller, role: str, **params: Any) -> httpx.Response:
    path = f"/v1/people/{person.person_id}/roles"
    (held,) = (each for each in ok(administrator.get(path))["items"] if each["role"] == role)
    return administrator.request("DELETE", f"{path}/{held['id']}", params=params)


def read(caller: Caller, case: dict[str, Any]) -> Any:
    return ok(caller.get(f"/v1/cases/{case['id']}"))


def listed(caller: Caller, path: str = "/v1/cases", **filters: Any) -> set[str]:
    return {each["id"] for each in ok(caller.get(path, **filters))["items"]}


def test_what_is_still_held_is_counted_by_team_and_kind_and_nothing_else_is_said(
    team: Team, other_team: Team, world: World
) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser", "reviewer")
    world.give_role(adviser.person_id or "", "adviser", other_team)
    colleague, elsewhere = team.person("adviser"), allocated_case(other_team, adviser)
    case, second = allocated_case(team, adviser), allocated_case(team, adviser)
    supervisor = team.person("supervisor")
    ok(supervisor.post(f"/v1/cases/{case['id']}/restriction", {"reason_code": "live_operation"}, match=case["version"]))
    visit = proposed_visit(adviser, second)
    drafted_advice(adviser, case)
    asking = drafted_advice(colleague, allocated_case(team, colleague))
    ok(
        colleague.post(
            f"/v1/advice/{asking['id']}/reviewer", {"reviewer_id": adviser.person_id}, match=asking["version"]
        )
    )
    answer = leave(administrator, adviser)
    holds = refused(answer, 409, "still-holds")["holds"]
    assert {(each["team_id"], each["kind"], each["count"]) for each in holds} == {
        (team.id, "open_case", 2),
        (team.id, "visit_to_come", 1),
        (team.id, "advice_draft", 1),
        (team.id, "review_asked", 1),
        (other_team.id, "open_case", 1),
    }
    for record in (case, second, elsewhere, visit, asking):
        assert record["id"] not in answer.text
        assert record.get("reference", "no reference") not in answer.text
    ok(adviser.get("/v1/cases"))
    # The list itself is the supervisor's.
    assert listed(supervisor, adviser_id=adviser.person_id) == {case["id"], second["id"]}
    assert listed(supervisor, "/v1/visits", adviser_id=adviser.person_id) == {visit["id"]}
    assert listed(supervisor, "/v1/advice", reviewer_id=adviser.person_id) == {asking["id"]}
    refused(administrator.get(f"/v1/cases/{case['id']}"), 403, "forbidden")


def test_who_holds_nothing_leaves_without_a_word(team: Team) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser", "reviewer")
    ok(leave(administrator, adviser))
    refused(adviser.get("/v1/cases"), 401, "unauthenticated")


def gone(team: Team, adviser: Caller, how: str) -> None:
    administrator = team.person("administrator")
    if how == "person":
        ok(leave(administrator, adviser, leaving=True))
    else:
        refused(end_role(administrator, adviser, "adviser"), 409, "still-holds")
        ok(end_role(administrator, adviser, "adviser", leaving="true"))


@pytest.mark.parametrize("how", ["person", "role"])
def test_their_cases_wait_in_the_queue_and_are_taken_as_they_stand(team: Team, how: str) -> None:
    adviser, colleague, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    active, allocated = allocated_case(team, adviser), allocated_case(team, adviser)
    visit = proposed_visit(adviser, active)
    theirs = allocated_case(team, colleague)
    assert read(supervisor, active)["state"] == "active"
    assert listed(supervisor, unallocated=True) == set()
    gone(team, adviser, how)
    assert listed(supervisor, unallocated=True) == {active["id"], allocated["id"]}
    assert listed(supervisor, unallocated=False) == {theirs["id"]}
    assert read(supervisor, active)["adviser_left_at"] is not None
    assert (read(supervisor, active)["adviser_id"], read(supervisor, theirs)["adviser_left_at"]) == (
        adviser.person_id,
        None,
    )
    marked = ok(supervisor.get(f"/v1/visits/{visit['id']}"))
    assert marked["adviser_left_at"] is not None
    assert "case.take" in read(colleague, active)["allowed_actions"]
    assert "case.take" not in read(colleague, theirs)["allowed_actions"]
    assert "case.take" not in read(team.person("adviser", competences=("cni",)), active)["allowed_actions"]
    taken = {ok(colleague.post("/v1/cases/taking", {}))["id"] for _ in range(2)}
    assert taken == {active["id"], allocated["id"]}
    refused(colleague.post("/v1/cases/taking", {}), 409, "nothing-to-take")
    now = read(colleague, active)
    assert (now["state"], now["adviser_id"], now["adviser_left_at"]) == ("active", colleague.person_id, None)
    assert "case.take" not in now["allowed_actions"]
    assert read(colleague, allocated)["state"] == "allocated"
    # The visit waits for somebody to be named, and so loses its mark.
    again = {"adviser_id": colleague.person_id}
    assert ok(colleague.patch(f"/v1/visits/{visit['id']}", again, match=marked["version"]))["adviser_left_at"] is None
    lines = ok(colleague.get(f"/v1/cases/{active['id']}/timeline"))["items"]
    assert [each["subject_id"] for each in lines if each["reason_code"] == "adviser_left"] == [adviser.person_id]


def test_allocating_clears_it_and_a_visit_is_moved_by_choice(team: Team) -> None:
    adviser, colleague, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    gone(team, adviser, "role")
    path, body = f"/v1/cases/{case['id']}/allocation", {"adviser_id": colleague.person_id}
    version = read(supervisor, case)["version"]
    refused(supervisor.post(path, body, match=version), 409, "visits-undecided")
    left = {**body, "visits": [{"visit_id": visit["id"], "then": "leave"}]}
    refused(supervisor.post(path, left, match=version), 422, "validation-failed")
    moved = {**body, "visits": [{"visit_id": visit["id"], "then": "move"}]}
    assert ok(supervisor.post(path, moved, match=version))["adviser_left_at"] is None
    assert ok(colleague.get(f"/v1/visits/{visit['id']}"))["adviser_left_at"] is None


def test_whoever_comes_back_has_no_role_and_no_way_to_what_was_theirs(team: Team, world: World) -> None:
    administrator, adviser, supervisor = team.person("administrator"), team.person("adviser"), team.person("supervisor")
    case, helped = allocated_case(team, adviser), allocated_case(team, team.person("adviser"))
    ok(
        supervisor.post(
            f"/v1/cases/{helped['id']}/collaborators", {"person_id": adviser.person_id}, match=helped["version"]
        )
    )
    for each in (case, helped):
        body = {"reason_code": "live_operation"}
        ok(supervisor.post(f"/v1/cases/{each['id']}/restriction", body, match=read(supervisor, each)["version"]))
    ok(leave(administrator, adviser, leaving=True))
    path = f"/v1/people/{adviser.person_id}"
    back = ok(administrator.patch(path, {"active": True}, match=ok(administrator.get(path))["version"]))
    assert back["roles"] == []
    again = world.log_in(adviser.person_id or "")
    refused(again.get("/v1/cases"), 403, "forbidden")
    ok(administrator.post(f"{path}/roles", {"role": "adviser", "team_id": team.id}), 201)
    for each in (case, helped):
        refused(again.get(f"/v1/cases/{each['id']}"), 403, "forbidden")
    assert read(supervisor, case)["adviser_left_at"] is not None
    assert read(supervisor, helped)["collaborators"] == []


@pytest.mark.parametrize(("roles", "ended"), [(("adviser", "reviewer"), None), (("adviser", "reviewer"), "reviewer")])
def test_the_author_asks_somebody_else_to_review(
    world: World, team: Team, roles: tuple[str, ...], ended: str | None, test_settings: Settings, tmp_path: Path
) -> None:
    room = PostRoom(world, test_settings, tmp_path / "mail")
    administrator, author, reviewer = team.person("administrator"), team.person("adviser"), team.person(*roles)
    case = allocated_case(team, author)
    draft = drafted_advice(author, case)
    path = f"/v1/advice/{draft['id']}"
    asked = ok(author.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=draft["version"]))
    submitted = ok(author.post(f"{path}/submission", match=asked["version"]))
    if ended is None:
        refused(leave(administrator, reviewer), 409, "still-holds")
        ok(leave(administrator, reviewer, leaving=True))
    else:
        holds = refused(end_role(administrator, reviewer, ended), 409, "still-holds")["holds"]
        assert [(each["kind"], each["count"]) for each in holds] == [("review_asked", 1)]
        ok(end_role(administrator, reviewer, ended, leaving="true"))
    now = ok(author.get(path))
    assert (now["reviewer_id"], now["state"], now["version"]) == (None, "in_review", submitted["version"] + 1)
    lines = ok(author.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert [each["reason_code"] for each in lines if each["reason_code"]] == ["reviewer_left"]
    # Whoever reads no advice reads no line of it either, whatever moved it.
    told = ok(team.person("coordinator").get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert "advice" not in {each["subject_kind"] for each in told}
    room.deliver()
    address = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", author.person_id)[0]["email"]
    (letter,) = (each for each in room.letters(address) if "Somebody else is to review" in str(each["Subject"]))
    told = letter.get_content()
    assert "reviews no more" in told
    assert "contributed" not in told
    other = team.person("reviewer")
    again = ok(author.post(f"{path}/reviewer", {"reviewer_id": other.person_id}, match=now["version"]))
    assert again["reviewer_id"] == other.person_id


def test_a_part_that_remains_keeps_what_belongs_to_it(team: Team, other_team: Team, world: World) -> None:
    administrator, person = team.person("administrator"), team.person("adviser", "supervisor", "reviewer")
    world.give_role(person.person_id or "", "adviser", other_team)
    case, elsewhere = allocated_case(team, person), allocated_case(other_team, person)
    author = team.person("adviser")
    draft = drafted_advice(author, allocated_case(team, author))
    asked = ok(
        author.post(f"/v1/advice/{draft['id']}/reviewer", {"reviewer_id": person.person_id}, match=draft["version"])
    )
    # A supervisor reviews too, so nothing is left behind.
    ok(end_role(administrator, person, "reviewer"))
    assert ok(author.get(f"/v1/advice/{draft['id']}"))["reviewer_id"] == asked["reviewer_id"]
    ok(administrator.request("DELETE", _role(administrator, person, team), params={"leaving": "true"}))
    assert read(person, case)["adviser_left_at"] is not None
    assert read(other_team.person("supervisor"), elsewhere)["adviser_left_at"] is None


def _role(administrator: Caller, person: Caller, team: Team) -> str:
    path = f"/v1/people/{person.person_id}/roles"
    held = ok(administrator.get(path))["items"]
    (found,) = (each["id"] for each in held if (each["role"], each["team_id"]) == ("adviser", team.id))
    return f"{path}/{found}"


def test_a_closed_case_that_comes_back_with_a_leaver_waits_too(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/closure", {"reason_code": "other", "note": "Done."}, match=case["version"]))
    ok(leave(team.person("administrator"), adviser))
    assert read(supervisor, case)["adviser_left_at"] is None
    ok(supervisor.post(f"{path}/reopening", {}, match=read(supervisor, case)["version"]))
    assert listed(supervisor, unallocated=True) == {case["id"]}


def test_a_competence_taken_away_moves_nothing_and_says_how_many_cases_need_it(team: Team) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser", competences=("pal", "events"))
    cases = [allocated_case(team, adviser) for _ in range(2)]
    allocated_case(team, adviser, strand="events")
    answer = administrator.patch(f"/v1/people/{adviser.person_id}", {"competences": ["events"]}, match=1)
    ok(answer)
    assert warned(answer) == [("/competences", "competence-in-use")]
    assert "2 open cases of the strand pal" in answer.text
    assert read(adviser, cases[0])["adviser_left_at"] is None


def test_leaving_is_said_of_somebody_who_leaves_only(team: Team) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser")
    answer = administrator.patch(f"/v1/people/{adviser.person_id}", {"leaving": True}, match=1)
    assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/leaving"


def test_allocating_beside_leaving_leaves_no_case_in_a_leavers_hands(team: Team) -> None:
    administrator, supervisor = team.person("administrator"), team.person("supervisor")
    for _ in range(5):
        adviser = team.person("adviser")
        cases = [open_case(supervisor, team) for _ in range(4)]
        together = threading.Barrier(len(cases) + 1, timeout=30)

        def give(case: dict[str, Any], to: Caller = adviser, together: threading.Barrier = together) -> None:
            together.wait()
            supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": to.person_id}, match=case["version"])

        givers = [threading.Thread(target=give, args=(case,)) for case in cases]
        for each in givers:
            each.start()
        together.wait()
        ok(leave(administrator, adviser, leaving=True))
        for each in givers:
            each.join()
        assert listed(supervisor, unallocated=True) >= {case["id"] for case in cases}


def test_what_was_issued_or_made_stays_as_it_was(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    visit = visit_just_made(adviser, case)
    issued = issued_advice(team, adviser, case)
    gone(team, adviser, "person")
    made = ok(supervisor.get(f"/v1/visits/{visit['id']}"))
    assert (made["adviser_id"], made["adviser_left_at"]) == (adviser.person_id, None)
    assert ok(supervisor.get(f"/v1/advice/{issued['id']}"))["version"] == issued["version"]
    assert moment(hours=1) > read(supervisor, case)["adviser_left_at"]


def held(answer: httpx.Response) -> list[tuple[str, int]]:
    """What a refusal says is still held, by kind."""
    return [(each["kind"], each["count"]) for each in refused(answer, 409, "still-holds")["holds"]]


def test_advice_that_is_approved_waits_for_its_author_too(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    approved_advice(team, adviser, case)
    given = {"adviser_id": team.person("adviser").person_id}
    ok(supervisor.post(f"/v1/cases/{case['id']}/allocation", given, match=read(supervisor, case)["version"]))
    assert held(leave(team.person("administrator"), adviser)) == [("advice_draft", 1)]


def test_what_has_been_let_go_is_counted_once(team: Team) -> None:
    administrator, adviser = team.person("administrator"), team.person("adviser")
    allocated_case(team, adviser)
    assert held(end_role(administrator, adviser, "adviser")) == [("open_case", 1)]
    ok(end_role(administrator, adviser, "adviser", leaving="true"))
    ok(leave(administrator, adviser))


def test_a_visit_is_to_come_by_the_clock_of_the_field(trial: Trial) -> None:
    team = trial.team()
    administrator, adviser, other = team.person("administrator"), team.person("adviser"), team.person("adviser")
    proposed_visit(other, allocated_case(team, other), adviser_id=adviser.person_id)
    assert held(leave(administrator, adviser)) == [("visit_to_come", 1)]
    trial.forward(days=8)
    assert held(leave(administrator, adviser)) == [("unlogged_visit", 1)]


def test_a_supervisor_whose_part_ends_is_asked_no_more(team: Team) -> None:
    administrator, author, supervisor = team.person("administrator"), team.person("adviser"), team.person("supervisor")
    draft = drafted_advice(author, allocated_case(team, author))
    path = f"/v1/advice/{draft['id']}"
    ok(author.post(f"{path}/reviewer", {"reviewer_id": supervisor.person_id}, match=draft["version"]))
    assert held(end_role(administrator, supervisor, "supervisor")) == [("review_asked", 1)]
    ok(end_role(administrator, supervisor, "supervisor", leaving="true"))
    assert ok(author.get(path))["reviewer_id"] is None


def test_who_returned_advice_and_leaves_does_not_see_it_again(team: Team) -> None:
    administrator, author, reviewer = team.person("administrator"), team.person("adviser"), team.person("reviewer")
    draft = drafted_advice(author, allocated_case(team, author))
    path = f"/v1/advice/{draft['id']}"
    asked = ok(author.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=draft["version"]))
    advice = ok(author.post(f"{path}/submission", match=asked["version"]))
    ok(reviewer.post(f"{path}/review", decided("returned", advice, "Say more."), match=advice["version"]))
    assert ok(author.get(path))["reviewer_id"] == reviewer.person_id
    assert held(leave(administrator, reviewer)) == [("review_asked", 1)]
    ok(leave(administrator, reviewer, leaving=True))
    assert ok(author.get(path))["reviewer_id"] is None


def test_a_visit_that_is_cancelled_waits_for_nobody(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    gone(team, adviser, "role")
    path = f"/v1/visits/{visit['id']}"
    marked = ok(supervisor.get(path))
    assert marked["adviser_left_at"] is not None
    ok(supervisor.post(f"{path}/cancellation", {"reason_code": "operational_priority"}, match=marked["version"]))
    assert ok(supervisor.get(path))["adviser_left_at"] is None


def test_a_guest_whose_share_is_over_holds_no_visit_and_leaves_it_marked(
    world: World, team: Team, other_team: Team
) -> None:
    whole, guest = whole_case(world, team), other_team.person("adviser")
    shared = ok(share_with(whole, other_team, mode="contribute"), 201)
    times = {"starts_at": moment(days=9), "ends_at": moment(days=9, hours=1)}
    visit = proposed_visit(whole.adviser, {"id": whole.case_id}, adviser_id=guest.person_id, **times)
    administrator = other_team.person("administrator")
    assert held(end_role(administrator, guest, "adviser")) == [("visit_to_come", 1)]
    world.logged_sql("UPDATE casework.case_share SET until = now() - interval '1 second' WHERE id = $1", shared["id"])
    ok(end_role(administrator, guest, "adviser"))
    assert ok(whole.adviser.get(f"/v1/visits/{visit['id']}"))["adviser_left_at"] is not None


def test_a_case_on_hold_whose_adviser_has_left_is_not_taken_until_it_resumes(team: Team) -> None:
    adviser, colleague, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    path, works = f"/v1/cases/{case['id']}", {"reason_code": "awaiting_building_works"}
    ok(adviser.post(f"{path}/hold", works, match=case["version"]))
    gone(team, adviser, "role")
    refused(colleague.post("/v1/cases/taking", {}), 409, "nothing-to-take")
    ok(supervisor.post(f"{path}/resumption", match=read(supervisor, case)["version"]))
    assert ok(colleague.post("/v1/cases/taking", {}))["id"] == case["id"]
