"""Finding cases: filters, orders, headlines, timeline and notes."""

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def titles(caller: Caller, path: str = "/v1/cases", **params: object) -> list[str]:
    return [row["title"] for row in ok(caller.get(path, **params))["items"]]


def test_the_queue_of_the_day(team: Team) -> None:
    adviser, other = team.person("adviser"), team.person("adviser", competences=("hss",))
    allocated_case(team, adviser, title="Mine", due_on="2027-02-01")
    open_case(adviser, team, title="Free", due_on="2027-01-01")
    allocated_case(team, other, title="Yours", strand="hss", due_on=None)
    gone = allocated_case(team, adviser, title="Gone", due_on="2026-12-01")
    ok(adviser.post(f"/v1/cases/{gone['id']}/closure", {"reason_code": "event_over"}, match=2))
    assert titles(adviser, mine=True, open=True) == ["Mine"]
    assert titles(adviser, mine=True, sort="due_on") == ["Gone", "Mine"]
    assert titles(adviser, mine=False, sort="due_on") == ["Free", "Yours"]
    assert titles(adviser, open=True, sort="due_on") == ["Free", "Mine", "Yours"]
    assert titles(adviser, open=True, sort="-due_on") == ["Yours", "Mine", "Free"]
    assert titles(adviser, open=False) == ["Gone"]
    assert titles(adviser, unallocated=True) == ["Free"]
    assert titles(adviser, adviser_id=other.person_id) == ["Yours"]
    assert titles(adviser, strand="hss") == ["Yours"]
    assert titles(adviser, due_before="2027-02-01", open=True, sort="due_on") == ["Free"]
    assert titles(adviser, state="closed") == ["Gone"]


def test_pages_follow_one_another_past_cases_without_a_deadline(team: Team) -> None:
    adviser = team.person("adviser")
    for number in range(5):
        open_case(adviser, team, title=str(number), due_on=None if number % 2 else f"2027-01-0{number + 1}")
    for sort, wanted in (("due_on", "024"), ("-due_on", "420")):
        found, cursor = [], None
        while True:
            page = ok(adviser.get("/v1/cases", sort=sort, limit=1, **({"cursor": cursor} if cursor else {})))
            found += [row["title"] for row in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(found) == 5
        assert "".join(found).replace("1", "").replace("3", "") == wanted


def test_a_reference_is_found_as_it_is_typed_and_told_when_mistyped(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    open_case(adviser, team)
    typed = case["reference"].replace("CASE-", "").replace("-", " ").lower()
    assert [row["id"] for row in ok(adviser.get("/v1/cases", reference=typed))["items"]] == [case["id"]]
    assert ok(other_team.person("adviser").get("/v1/cases", reference=typed))["items"] == []
    last = "3" if case["reference"][-1] != "3" else "4"
    for wrong in (case["reference"][:-1] + last, "ENQ-7K3M-Q9XT", "CASE-"):
        problem = refused(adviser.get("/v1/cases", reference=wrong), 422, "validation-failed")
        assert (problem["errors"][0]["parameter"], problem["errors"][0]["code"]) == ("reference", "mistyped-reference")


@pytest.mark.parametrize("role", ["national_reader", "professional_lead"])
def test_national_roles_see_headlines_of_every_team_and_no_case(team: Team, other_team: Team, role: str) -> None:
    cases = [open_case(t.person("adviser"), t, title="Not for everybody") for t in (team, other_team)]
    reader = team.person(role)
    for case, home in zip(cases, (team, other_team), strict=True):
        rows = ok(reader.get("/v1/case-headlines", team_id=home.id, open=True))["items"]
        assert [row["reference"] for row in rows] == [case["reference"]]
        assert rows[0]["state"] == "open"
        assert "title" not in rows[0]
        refused(reader.get(f"/v1/cases/{case['id']}"), 403, "forbidden")
    found = ok(reader.get("/v1/case-headlines", reference=cases[1]["reference"]))["items"]
    assert [row["id"] for row in found] == [cases[1]["id"]]


def test_a_reviewer_who_is_not_asked_sees_the_headline(team: Team) -> None:
    case = open_case(team.person("adviser"), team)
    reviewer = team.person("reviewer")
    refused(reviewer.get(f"/v1/cases/{case['id']}"), 403, "forbidden")
    assert [row["id"] for row in ok(reviewer.get("/v1/case-headlines"))["items"]] == [case["id"]]


def test_a_timeline_tells_each_move_in_order(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/hold", {"reason_code": "awaiting_business"}, match=2))
    ok(adviser.post(f"{path}/resumption", match=3))
    lines = ok(supervisor.get(f"{path}/timeline", sort="at"))["items"]
    assert [line["action"] for line in lines] == ["case.open", "case.allocate", "case.hold", "case.resume"]
    assert [line["person"] for line in lines] == [adviser.name, supervisor.name, adviser.name, adviser.name]
    assert lines[1]["subject"] == adviser.name
    page = ok(supervisor.get(f"{path}/timeline", limit=3))
    assert [line["action"] for line in page["items"]] == ["case.resume", "case.hold", "case.allocate"]
    rest = ok(supervisor.get(f"{path}/timeline", limit=3, cursor=page["next_cursor"]))
    assert [line["action"] for line in rest["items"]] == ["case.open"]
    other = open_case(adviser, team)
    answer = supervisor.get(f"/v1/cases/{other['id']}/timeline", limit=3, cursor=page["next_cursor"])
    refused(answer, 400, "invalid-cursor")


def test_what_concerns_advice_is_told_to_those_who_may_read_it(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    world.logged_sql(
        "INSERT INTO casework.case_event (case_id, team_id, action, actor, reason)"
        " VALUES ($1, $2, 'advice.review', 'staff', 'The north door is missing.')",
        case["id"],
        team.id,
    )
    path = f"/v1/cases/{case['id']}/timeline"
    assert ok(team.person("supervisor").get(path))["items"][0]["action"] == "advice.review"
    for without in (team.person("coordinator"), team.tool("cases.read")):
        actions = {line["action"] for line in ok(without.get(path))["items"]}
        assert actions == {"case.open", "case.allocate"}


def test_notes_are_listed_and_none_are_an_empty_list(team: Team) -> None:
    supervisor = team.person("supervisor")
    case = open_case(supervisor, team)
    path = f"/v1/cases/{case['id']}/notes"
    assert ok(supervisor.get(path)) == {"items": [], "next_cursor": None}
    ok(supervisor.post(path, {"body": "One"}), 201)
    ok(supervisor.post(path, {"body": "Two"}), 201)
    assert [note["body"] for note in ok(supervisor.get(path))["items"]] == ["Two", "One"]
    refused(supervisor.get(f"/v1/cases/{team.id}/notes"), 404, "not-found")


def test_a_case_has_a_deadline_unless_it_is_stated_to_have_none(team: Team) -> None:
    adviser = team.person("adviser")
    assert open_case(adviser, team)["due_on"]
    assert open_case(adviser, team, due_on=None)["due_on"] is None
    assert open_case(adviser, team, due_on="2027-05-05")["due_on"] == "2027-05-05"
