"""Restriction: the rest of the team sees the headline, and nothing beneath it leaks."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team, World

WHY = {"reason_code": "live_operation", "note": "Ask the supervisor."}


def test_only_those_who_work_on_it_see_a_restricted_case(team: Team, other_team: Team) -> None:
    adviser, helper, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/collaborators", {"person_id": helper.person_id}, match=2))
    ok(adviser.post(f"{path}/notes", {"body": "Careful."}), 201)
    restricted = ok(adviser.post(f"{path}/restriction", WHY, match=3))
    assert restricted["restricted"]
    assert "case.restrict" not in restricted["allowed_actions"]
    for within in (adviser, helper, supervisor, team.person("information_manager")):
        assert ok(within.get(path))["restricted"]
        assert [row["id"] for row in ok(within.get("/v1/cases"))["items"]] == [case["id"]]
        assert len(ok(within.get(f"{path}/notes"))["items"]) == 1
        assert ok(within.get(f"{path}/timeline"))["items"][0]["reason"] == "Ask the supervisor."
    for beyond in (team.person("adviser"), team.person("coordinator"), team.tool("cases.read")):
        assert ok(beyond.get("/v1/cases"))["items"] == []
        for part in ("", "/notes", "/timeline"):
            refused(beyond.get(path + part), 403, "forbidden")
        assert [row["id"] for row in ok(beyond.get("/v1/case-headlines"))["items"]] == [case["id"]]
    stranger = other_team.person("adviser")
    for part in ("", "/notes", "/timeline"):
        refused(stranger.get(path + part), 404, "not-found")
    assert ok(stranger.get("/v1/case-headlines"))["items"] == []


def test_everything_beneath_the_case_follows(world: World, team: Team) -> None:
    first, adviser, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, first, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(supervisor.post(f"{path}/allocation", {"adviser_id": adviser.person_id}, match=2))
    ok(adviser.post(f"{path}/collaborators", {"person_id": first.person_id}, match=3))
    ok(adviser.post(f"{path}/notes", {"body": "Careful."}), 201)
    world.logged_sql(
        "INSERT INTO casework.site_visit (case_id, team_id, adviser_id, starts_at, ends_at)"
        " VALUES ($1, $2, $3, now() + interval '1 day', now() + interval '25 hours')",
        case["id"],
        team.id,
        adviser.person_id,
    )
    children = ("allocation", "collaborator", "case_note", "case_event", "site_visit")

    def marked() -> set[tuple[str, bool]]:
        return {
            (table, row["restricted"])
            for table in children
            for row in world.sql(f"SELECT restricted FROM casework.{table} WHERE case_id = $1", case["id"])
        }

    ok(adviser.post(f"{path}/restriction", WHY, match=4))
    assert marked() == {(table, True) for table in children}
    ok(adviser.get(path))
    ok(supervisor.post(f"{path}/unrestriction", {"note": "Over."}, match=5))
    assert marked() == {(table, False) for table in children}


def test_a_former_adviser_who_has_it_again_keeps_it(team: Team) -> None:
    adviser, other, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(supervisor.post(f"{path}/allocation", {"adviser_id": other.person_id}, match=2))
    ok(supervisor.post(f"{path}/allocation", {"adviser_id": adviser.person_id}, match=3))
    ok(adviser.post(f"{path}/restriction", WHY, match=4))
    ok(adviser.get(path))
    refused(other.get(path), 403, "forbidden")
    ok(supervisor.post(f"{path}/unrestriction", {"note": "Over."}, match=5))
    assert "case.restrict" in ok(adviser.get(path))["allowed_actions"]


def test_a_supervisor_lifts_it(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    refused(supervisor.post(f"{path}/unrestriction", {"note": "Over."}, match=2), 409, "state-conflict")
    ok(supervisor.post(f"{path}/restriction", WHY, match=2))
    refused(supervisor.post(f"{path}/restriction", WHY, match=3), 409, "state-conflict")
    refused(adviser.post(f"{path}/unrestriction", {"note": "Over."}, match=3), 403, "forbidden")
    refused(supervisor.post(f"{path}/unrestriction", {}, match=3), 422, "validation-failed")
    assert not ok(supervisor.post(f"{path}/unrestriction", {"note": "Over."}, match=3))["restricted"]
    assert ok(team.person("adviser").get(path))["id"] == case["id"]


def test_restricting_needs_a_reason(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/restriction"
    refused(adviser.post(path, {"reason_code": "shy"}, match=2), 422, "validation-failed")


def test_a_kept_answer_is_not_given_again_to_whom_the_case_is_closed(team: Team) -> None:
    """A reply lost on the way can be asked for again, but not by somebody who has lost the case since."""
    opener, adviser, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    body, key = {"team_id": team.id, "title": "Kept"}, "the-key-of-the-first-attempt"
    case = ok(opener.post("/v1/cases", body, key=key), 201)
    assert ok(opener.post("/v1/cases", body, key=key), 201) == case
    given = ok(supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=1))
    reason = {"reason_code": "sensitive_site"}
    ok(supervisor.post(f"/v1/cases/{case['id']}/restriction", reason, match=given["version"]))
    refused(opener.get(f"/v1/cases/{case['id']}"), 403, "forbidden")
    refused(opener.post("/v1/cases", body, key=key), 403, "forbidden")
