"""What a case offers is what works, and refusals come in their order."""

from typing import Any

import pytest

from casework.access.actions import Action
from casework.cases.lifecycle import CASE, CaseState
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team, World

NOBODY = "0190b2c4-0000-7000-8000-000000000002"
MOVES: dict[Action, tuple[str, dict[str, Any]]] = {
    Action.CASE_ALLOCATE: ("allocation", {"adviser_id": NOBODY}),
    Action.CASE_HAND_OVER: ("hand-over", {"adviser_id": NOBODY, "reason_code": "other", "note": "x"}),
    Action.CASE_COLLABORATE: ("collaborators", {"person_id": NOBODY}),
    Action.CASE_HOLD: ("hold", {"reason_code": "awaiting_business"}),
    Action.CASE_RESUME: ("resumption", {}),
    Action.CASE_CLOSE: ("closure", {"reason_code": "no_reply"}),
    Action.CASE_REOPEN: ("reopening", {}),
    Action.CASE_RESTRICT: ("restriction", {"reason_code": "live_operation"}),
    Action.CASE_UNRESTRICT: ("unrestriction", {"note": "x"}),
}


def attempt(caller: Caller, action: Action, case_id: str, match: Any = 999) -> Any:
    """Try an action on a case; with a version that never was, nothing changes and the reach is judged all the same."""
    path = f"/v1/cases/{case_id}"
    if action is Action.CASE_AMEND:
        return caller.patch(path, {"title": "x"}, match=match)
    if action is Action.CASE_UNCOLLABORATE:
        return caller.delete(f"{path}/collaborators/{NOBODY}", match=match)
    if action is Action.CASE_NOTE:
        return caller.post(f"{path}/notes", {"body": "x"})
    if action is Action.CASE_ACCESS_LOG:
        return caller.get(f"{path}/access-log")
    noun, body = MOVES[action]
    return caller.post(f"{path}/{noun}", body, match=match)


TRIED = [*MOVES, Action.CASE_AMEND, Action.CASE_UNCOLLABORATE, Action.CASE_NOTE, Action.CASE_ACCESS_LOG]


def in_state(world: World, team: Team, state: CaseState, adviser: Caller, helper: Caller, restricted: bool) -> str:
    """A case of the adviser's, with a collaborator, brought to a state."""
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/collaborators", {"person_id": helper.person_id}, match=2))
    if restricted:
        ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=3))
    world.logged_sql(
        "UPDATE casework.case_file SET state = $2, closed_at = CASE WHEN $2 = 'closed' THEN now() END,"
        " held_from = CASE WHEN $2 = 'on_hold' THEN 'active' END WHERE id = $1",
        case["id"],
        state.value,
    )
    return str(case["id"])


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("state", [CaseState.ACTIVE, CaseState.ON_HOLD, CaseState.CLOSED, CaseState.REOPENED])
def test_what_is_offered_is_what_works(world: World, team: Team, state: CaseState, restricted: bool) -> None:
    adviser, helper = team.person("adviser"), team.person("adviser")
    case_id = in_state(world, team, state, adviser, helper, restricted)
    others = ("adviser", "supervisor", "coordinator", "reviewer", "information_manager", "auditor")
    people = {"allocated": adviser, "collaborator": helper} | {role: team.person(role) for role in others}
    people["adviser and coordinator"] = team.person("adviser", "coordinator")
    for who, caller in people.items():
        read = caller.get(f"/v1/cases/{case_id}")
        offered = set(read.json()["allowed_actions"]) if read.status_code == 200 else set()
        for action in TRIED:
            states = CASE.sources(action) if action in CASE.moves else None
            if states is not None and state.value not in states:
                assert action.value not in offered, (who, action)
                continue
            if action is (Action.CASE_RESTRICT if restricted else Action.CASE_UNRESTRICT):
                assert action.value not in offered, (who, action)
                continue
            if action is Action.CASE_ACCESS_LOG and who == "auditor":
                continue  # reads the log of a case that it may not read
            works = attempt(caller, action, case_id).status_code not in (403, 404)
            assert works == (action.value in offered), (who, action, state, restricted)


@pytest.mark.parametrize("action", [action for action in TRIED if action is not Action.CASE_ACCESS_LOG])
def test_what_is_hidden_answers_as_what_is_absent(team: Team, other_team: Team, action: Action) -> None:
    case = allocated_case(team, team.person("adviser"))
    stranger = other_team.person("adviser", "supervisor")

    def answer(case_id: str) -> tuple[int, dict[str, Any], list[str]]:
        response = attempt(stranger, action, case_id, match=1)
        document = response.json()
        document.pop("request_id")
        return response.status_code, document, sorted(response.headers)

    hidden = answer(case["id"])
    assert hidden == answer(NOBODY)
    assert hidden[0] == 404


@pytest.mark.parametrize("action", list(MOVES))
def test_a_move_names_the_version_it_was_decided_on(team: Team, action: Action) -> None:
    supervisor = team.person("supervisor")
    case = allocated_case(team, team.person("adviser"), supervisor)
    refused(attempt(supervisor, action, case["id"], match=None), 428, "precondition-required")
    stale = attempt(supervisor, action, case["id"], match=1)
    refused(stale, 412, "precondition-failed")
    assert stale.headers["ETag"] == '"2"'
    noun, body = MOVES[action]
    bare = supervisor.request("POST", f"/v1/cases/{case['id']}/{noun}", json=body, headers={"If-Match": '"2"'})
    refused(bare, 400, "idempotency-key-missing")
