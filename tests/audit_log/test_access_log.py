"""Who has seen or changed a case."""

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team, World


def test_the_log_tells_who_when_in_which_part_why_and_what(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.request("GET", path, headers={"X-Purpose": "casework"}))
    entries = ok(supervisor.get(f"{path}/access-log"))["items"]
    assert [entry["action"] for entry in entries] == ["case.read", "case.allocate", "case.open"]
    read, given, opened = entries
    assert (read["name"], read["roles"], read["purpose"], read["decision"]) == (
        adviser.name,
        ["adviser"],
        "casework",
        "allow",
    )
    assert [(each["kind"], each["operation"]) for each in read["objects"]] == [("case_file", "consultation")]
    altered = next(
        each for each in given["objects"] if (each["kind"], each["operation"]) == ("case_file", "alteration")
    )
    assert altered["facts"] == {"from": "open", "state": "allocated"}
    assert "adviser_id" in altered["fields"]
    assert {each["operation"] for each in opened["objects"]} == {"collection"}


def test_reading_the_log_is_in_the_log(team: Team) -> None:
    supervisor = team.person("supervisor")
    path = f"/v1/cases/{allocated_case(team, team.person('adviser'), supervisor)['id']}/access-log"
    ok(supervisor.get(path))
    latest = ok(supervisor.get(path))["items"][0]
    assert (latest["action"], latest["person_id"]) == ("case.access_log", supervisor.person_id)
    assert [(each["kind"], each["operation"]) for each in latest["objects"]] == [("access_log", "consultation")]


def test_the_log_tells_who_was_refused(team: Team, other_team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    stranger, colleague = other_team.person("adviser"), team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser, supervisor)['id']}"
    refused(stranger.get(path), 404, "not-found")
    refused(colleague.post(f"{path}/closure", {"reason_code": "no_reply"}, match=2), 403, "forbidden")
    entries = ok(supervisor.get(f"{path}/access-log", limit=2))["items"]
    assert [(e["name"], e["action"], e["decision"]) for e in entries] == [
        (colleague.name, "case.close", "refused:forbidden"),
        (stranger.name, "case.read", "refused:not-found"),
    ]
    assert [each["operation"] for each in entries[0]["objects"]] == ["refusal"]


def test_pages_follow_one_another(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    for _ in range(3):
        ok(adviser.get(f"/v1/cases/{case['id']}"))
    path, events, cursor = f"/v1/cases/{case['id']}/access-log", [], None
    while True:
        page = ok(supervisor.get(path, limit=2, **({"cursor": cursor} if cursor else {})))
        events += [entry["event"] for entry in page["items"] if entry["action"] != "case.access_log"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(events) == 5
    assert events == sorted(set(events), reverse=True)


def test_a_cursor_of_another_case_does_not_belong(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    first, second = (allocated_case(team, adviser, supervisor) for _ in range(2))
    cursor = ok(supervisor.get(f"/v1/cases/{first['id']}/access-log", limit=1))["next_cursor"]
    refused(supervisor.get(f"/v1/cases/{second['id']}/access-log", cursor=cursor), 400, "invalid-cursor")


def test_supervisors_information_managers_and_auditors_read_it(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}"
    ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=2))
    for reader in (team.person("supervisor"), team.person("information_manager"), other_team.person("auditor")):
        assert ok(reader.get(f"{path}/access-log"))["items"]


@pytest.mark.parametrize("role", ["adviser", "coordinator", "reviewer", "national_reader", "administrator"])
def test_nobody_else_reads_it(team: Team, role: str) -> None:
    case = allocated_case(team, team.person("adviser"))
    refused(team.person(role).get(f"/v1/cases/{case['id']}/access-log"), 403, "forbidden")


def test_another_force_is_told_nothing(world: World, team: Team, other_team: Team) -> None:
    case = allocated_case(team, team.person("adviser"))
    stranger = other_team.person("supervisor")
    answers = [stranger.get(f"/v1/cases/{id_}/access-log") for id_ in (case["id"], team.id)]
    for answer in answers:
        refused(answer, 404, "not-found")
    bodies = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in answers]
    assert bodies[0] == bodies[1]
    # Who may read the case, but is a supervisor elsewhere, is told that it is a matter of reach.
    both = other_team.person("supervisor")
    world.give_role(both.person_id, "adviser", team)
    refused(both.get(f"/v1/cases/{case['id']}/access-log"), 403, "forbidden")
