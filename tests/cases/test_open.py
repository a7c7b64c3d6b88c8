"""Opening a case without an enquiry, and who sees it then."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team


def opened(caller, team: Team, **facts):
    return caller.post("/v1/cases", {"team_id": team.id, "title": "Spring fair on the market place", **facts})


def test_an_adviser_opens_a_case_and_the_team_reads_it(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("supervisor")
    case = ok(opened(adviser, team), 201)
    assert case["state"] == "open"
    assert ok(colleague.get(f"/v1/cases/{case['id']}"))["reference"] == case["reference"]
    assert [row["id"] for row in ok(colleague.get("/v1/cases"))["items"]] == [case["id"]]


def test_another_force_sees_nothing_of_it(team: Team, other_team: Team) -> None:
    case = ok(opened(team.person("adviser"), team), 201)
    stranger = other_team.person("adviser")
    refused(stranger.get(f"/v1/cases/{case['id']}"), 404, "not-found")
    assert ok(stranger.get("/v1/cases"))["items"] == []
    refused(opened(stranger, team), 404, "not-found")


def test_the_same_key_opens_one_case(team: Team) -> None:
    adviser = team.person("adviser")
    body = {"team_id": team.id, "title": "Twice"}
    first = adviser.post("/v1/cases", body, key="one")
    again = adviser.post("/v1/cases", body, key="one")
    assert ok(first) == ok(again)
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(adviser.post("/v1/cases", {"team_id": team.id, "title": "Other"}, key="one"), 422, "idempotency-key-reused")


def test_a_note_is_added(team: Team) -> None:
    adviser = team.person("adviser")
    case = ok(opened(adviser, team), 201)
    refused(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "Hello"}), 403, "forbidden")
    note = ok(team.person("supervisor", name="Sue").post(f"/v1/cases/{case['id']}/notes", {"body": "Hello"}), 201)
    assert note["author"] == "Sue"


def test_an_allocated_adviser_may_note(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    assert case["state"] == "allocated"
    assert case["adviser_id"] == adviser.person_id
    assert "case.note" in case["allowed_actions"] or ok(adviser.get(f"/v1/cases/{case['id']}"))["allowed_actions"]
    ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "Hello"}), 201)


def test_a_stale_version_is_told(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team)
    path, body = f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}
    refused(supervisor.post(path, body), 428, "precondition-required")
    refused(adviser.post(path, body, match=1), 403, "forbidden")
    ok(supervisor.post(path, body, match=1))
    refused(supervisor.post(path, body, match=1), 412, "precondition-failed")
