"""The moves of a visit: from proposed to its end, and what each state refuses."""

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, completed_visit, moment, proposed_visit
from tests.support.world import Team, World

BODIES = {
    "confirmation": {"decision": "confirm"},
    "completion": {
        "arrived_at": "2020-01-01T10:00:00Z",
        "left_at": "2020-01-01T11:00:00Z",
        "time_reason": "Taken over from the diary.",
    },
    "no-access": {"reason_code": "nobody_there"},
    "cancellation": {"reason_code": "asked_by_business"},
}
LEADS_TO = {
    "confirmation": "confirmed",
    "completion": "completed",
    "no-access": "no_access",
    "cancellation": "cancelled",
}
POSSIBLE = {
    "proposed": set(BODIES),
    "confirmed": {"completion", "no-access", "cancellation"},
    "completed": set(),
    "no_access": set(),
    "cancelled": set(),
}
WAY = {"confirmed": "confirmation", "completed": "completion", "no_access": "no-access", "cancelled": "cancellation"}


def moved(caller, visit, path: str, body: object = None):
    return caller.post(f"/v1/visits/{visit['id']}/{path}", body or BODIES[path], match=visit["version"])


def visit_in(state: str, adviser, case):
    visit = due_now(adviser, case)
    return ok(moved(adviser, visit, WAY[state])) if state in WAY else visit


def due_now(adviser, case):
    """A visit that has just begun."""
    return proposed_visit(adviser, case, starts_at=moment(), ends_at=moment(hours=1))


@pytest.mark.parametrize("state", POSSIBLE)
@pytest.mark.parametrize("path", BODIES)
def test_each_state_allows_its_moves_and_no_other(team: Team, state: str, path: str) -> None:
    adviser = team.person("adviser")
    visit = visit_in(state, adviser, allocated_case(team, adviser))
    response = moved(adviser, visit, path)
    if path in POSSIBLE[state]:
        assert ok(response)["state"] == LEADS_TO[path]
    else:
        assert refused(response, 409, "state-conflict")["state"] == state


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (
            "proposed",
            ["visit.amend", "visit.cancel", "visit.complete", "visit.confirm", "visit.no_access"],
        ),
        ("confirmed", ["visit.amend", "visit.cancel", "visit.complete", "visit.no_access"]),
        ("completed", ["finding.record", "visit.supplement"]),
        ("cancelled", []),
    ],
)
def test_a_visit_offers_what_its_state_allows(team: Team, state: str, offered: list[str]) -> None:
    adviser = team.person("adviser")
    visit = visit_in(state, adviser, allocated_case(team, adviser))
    assert visit["allowed_actions"] == offered
    assert ok(team.person("reviewer", "adviser").get(f"/v1/visits/{visit['id']}"))["allowed_actions"] == []


def test_that_nobody_was_met_is_offered_once_a_visit_has_begun(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    nobody = {"reason_code": "nobody_there"}
    for visit, begun in ((proposed_visit(adviser, case), False), (visit_in("confirmed", adviser, case), True)):
        assert ("visit.no_access" in visit["allowed_actions"]) == begun
        answer = adviser.post(f"/v1/visits/{visit['id']}/no-access", nobody, match=visit["version"])
        assert answer.status_code == (200 if begun else 409)


def test_a_stale_version_moves_nothing(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    refused(
        adviser.post(f"/v1/visits/{visit['id']}/confirmation", BODIES["confirmation"]), 428, "precondition-required"
    )
    ok(moved(adviser, visit, "confirmation"))
    refused(moved(adviser, visit, "cancellation"), 412, "precondition-failed")


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("coordinator", "confirmation", 200),
        ("coordinator", "cancellation", 200),
        ("coordinator", "completion", 403),
        ("coordinator", "no-access", 403),
        ("supervisor", "confirmation", 200),
        ("supervisor", "cancellation", 200),
        ("supervisor", "completion", 403),
        ("supervisor", "no-access", 403),
        ("adviser", "confirmation", 403),
        ("adviser", "completion", 403),
        ("information_manager", "cancellation", 403),
    ],
)
def test_who_is_not_on_the_case_moves_what_the_role_reaches(team: Team, role: str, path: str, status: int) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    assert moved(team.person(role), visit, path).status_code == status


def test_another_force_finds_nothing_to_move(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    stranger = other_team.person("adviser", "supervisor")
    for path in BODIES:
        refused(moved(stranger, visit, path), 404, "not-found")
    refused(stranger.patch(f"/v1/visits/{visit['id']}", {"place_note": "Here"}, match=1), 404, "not-found")


@pytest.mark.parametrize(("path", "kind"), [("no-access", "reason_no_access"), ("cancellation", "reason_cancel_visit")])
def test_a_visit_that_is_not_made_has_a_reason(world: World, team: Team, path: str, kind: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = due_now(adviser, case)
    document = refused(moved(adviser, visit, path, {"reason_code": "because"}), 422, "validation-failed")
    words = {row["code"] for row in world.sql("SELECT code FROM casework.lookup WHERE kind = $1 AND active", kind)}
    assert document["errors"][0]["pointer"] == "/reason_code"
    assert set(document["errors"][0]["allowed"]) == words
    document = refused(moved(adviser, visit, path, {"reason_code": "other"}), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == "/note"
    ended = ok(moved(adviser, visit, path, {"reason_code": "other", "note": "Flooded."}))
    assert ended["reason_code"] == "other"
    told = world.sql(
        "SELECT reason_code, reason FROM casework.case_event WHERE subject_id = $1 AND reason IS NOT NULL", visit["id"]
    )
    assert [tuple(row) for row in told] == [("other", "Flooded.")]


def test_a_visit_is_completed_with_attendance_and_findings_in_one(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    body = {
        "arrived_at": moment(hours=-2),
        "left_at": moment(hours=-1),
        "attendance": [{"name": "Jo Field", "role": "duty manager"}],
        "notes": "Busy night.",
        "time_reason": "They had an event that night.",
    }
    completed = ok(moved(adviser, visit, "completion", body))
    assert {name: completed[name] for name in body} == body


@pytest.mark.parametrize(("arrived", "left"), [(-1, -2), (-1, 1)], ids=["left before arriving", "not over yet"])
def test_a_visit_is_logged_as_it_was(team: Team, arrived: int, left: int) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    body = {"arrived_at": moment(hours=arrived), "left_at": moment(hours=left)}
    document = refused(moved(adviser, visit, "completion", body), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == "/left_at"


def test_a_completed_visit_frees_the_advisers_time(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    completed_visit(adviser, case)
    assert completed_visit(adviser, case)["state"] == "completed"


def test_a_confirmed_visit_tells_who_confirmed(team: Team) -> None:
    adviser = team.person("adviser")
    visit = visit_in("confirmed", adviser, allocated_case(team, adviser))
    assert visit["confirmed_by"] == "staff"
    assert visit["confirmed_at"] is not None


def test_a_declined_visit_stays_proposed_until_it_is_moved(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    declined = ok(moved(adviser, visit, "confirmation", {"decision": "decline", "note": "Stocktaking."}))
    assert (declined["state"], declined["declined_note"]) == ("proposed", "Stocktaking.")
    assert declined["declined_at"] is not None
    body = {"starts_at": moment(8), "ends_at": moment(8, 1)}
    again = ok(adviser.patch(f"/v1/visits/{visit['id']}", body, match=declined["version"]))
    assert (again["state"], again["declined_at"], again["declined_note"]) == ("proposed", None, None)


def test_a_confirmation_ends_an_earlier_decline(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    declined = ok(moved(adviser, visit, "confirmation", {"decision": "decline"}))
    confirmed = ok(moved(adviser, declined, "confirmation"))
    assert (confirmed["state"], confirmed["declined_at"]) == ("confirmed", None)
    refused(moved(adviser, confirmed, "confirmation", {"decision": "decline"}), 409, "state-conflict")
