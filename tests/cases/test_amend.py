"""Amending the facts of a case."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def test_absent_stays_and_null_clears(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser, summary="A fair", handling="By hand")
    path = f"/v1/cases/{case['id']}"
    amended = ok(adviser.patch(path, {"title": "A big fair", "handling": None, "due_on": "2027-01-04"}, match=2))
    assert (amended["title"], amended["handling"], amended["summary"]) == ("A big fair", None, "A fair")
    assert (amended["due_on"], amended["version"]) == ("2027-01-04", 3)
    assert amended["amended_at"] >= case["amended_at"]
    line = ok(adviser.get(f"{path}/timeline"))["items"][0]
    assert (line["action"], line["facts"]) == ("case.amend", {"fields": "due_on, handling, title"})


def test_an_empty_patch_changes_nothing(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    answer = adviser.patch(f"/v1/cases/{case['id']}", {}, match=2)
    assert ok(answer)["amended_at"] == case["amended_at"]
    assert answer.headers["ETag"] == '"2"'
    altered = world.sql(
        "SELECT 1 FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " WHERE o.case_id = $1 AND e.action = 'case.amend' AND o.operation = 'alteration'",
        case["id"],
    )
    assert altered == []


def test_what_does_not_fit_is_told(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}"
    refused(adviser.patch(path, {"title": None}, match=2), 422, "validation-failed")
    refused(adviser.patch(path, {"state": "closed"}, match=2), 422, "validation-failed")
    refused(adviser.patch(path, {"strand": "nonsense"}, match=2), 422, "validation-failed")
    refused(adviser.patch(path, {"title": "x"}), 428, "precondition-required")
    refused(adviser.patch(path, {"title": "x"}, match=1), 412, "precondition-failed")


def test_a_closed_case_is_not_amended(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}"
    ok(adviser.post(f"{path}/closure", {"reason_code": "no_reply"}, match=2))
    refused(adviser.patch(path, {"title": "x"}, match=3), 409, "state-conflict")


def test_the_adviser_holds_the_competence_of_a_new_strand(team: Team) -> None:
    adviser = team.person("adviser")
    able = team.person("adviser", competences=("pal", "cni"), name="Cora Able")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    told = refused(adviser.patch(path, {"strand": "cni"}, match=case["version"]), 409, "competence-missing")
    assert (told["competence"], [each["name"] for each in told["suitable"]]) == ("cni", ["Cora Able"])
    assert ok(adviser.get(path))["strand"] == "pal"
    ok(adviser.patch(path, {"strand": "pal", "title": "A fair"}, match=case["version"]))
    other = allocated_case(team, able)
    assert ok(able.patch(f"/v1/cases/{other['id']}", {"strand": "cni"}, match=other["version"]))["strand"] == "cni"


def test_a_case_that_waits_takes_any_strand(team: Team) -> None:
    waiting = open_case(team.person("adviser"), team)
    supervisor = team.person("supervisor")
    changed = supervisor.patch(f"/v1/cases/{waiting['id']}", {"strand": "cni"}, match=waiting["version"])
    assert ok(changed)["strand"] == "cni"
