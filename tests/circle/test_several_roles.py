"""Somebody with several roles in several teams has each reach for its role, in its team, and for nothing else."""

from tests.circle.building import offered, open_doors, share_with, whole_case
from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def test_a_role_reaches_in_its_own_team_only(world: World, team: Team, other_team: Team) -> None:
    both = team.person("adviser")
    world.give_role(str(both.person_id), "coordinator", other_team)
    here, there = whole_case(world, team), whole_case(world, other_team)
    assert {"case", "advice", "finding"} <= open_doors(both, here)
    # A coordinator reads the case without findings and advice, whatever they are elsewhere.
    assert open_doors(both, there) & {"advice", "finding", "recommendation", "interim advice"} == set()
    assert "case" in open_doors(both, there)
    assert "case.allocate" not in ok(both.get(here.path))["allowed_actions"]
    assert "case.allocate" in ok(both.get(there.path))["allowed_actions"]
    body = {"adviser_id": both.person_id}
    refused(both.post(f"{here.path}/allocation", body, match=here.version()), 403, "forbidden")
    # Nor are they an adviser there, who could be given the case.
    answer = both.post(f"{there.path}/allocation", body, match=there.version())
    assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/adviser_id"
    assert {row["id"] for row in ok(both.get("/v1/advice"))["items"]} == {here.advice_id}


def test_an_adviser_whose_home_is_another_team_is_given_cases(world: World, team: Team, other_team: Team) -> None:
    guest = other_team.person("adviser")
    world.give_role(str(guest.person_id), "adviser", team)
    supervisor = team.person("supervisor")
    case = allocated_case(team, guest, supervisor)
    mine = allocated_case(other_team, guest)
    ok(guest.post(f"/v1/cases/{case['id']}/notes", {"body": "Here too."}), 201)
    end = "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1 AND team_id = $2"
    world.logged_sql(end, guest.person_id, team.id)
    refused(guest.get(f"/v1/cases/{case['id']}"), 404, "not-found")
    ok(guest.get(f"/v1/cases/{mine['id']}"))


def test_a_national_role_widens_its_own_actions_only(world: World, team: Team, other_team: Team) -> None:
    both = team.person("adviser")
    world.give_role(str(both.person_id), "auditor", other_team)
    world.give_role(str(both.person_id), "national_reader", other_team)
    here, there = whole_case(world, team), whole_case(world, other_team)
    assert open_doors(both, there) == {"access log", "headlines"}
    assert {"case", "access log"} <= open_doors(both, here)
    refused(both.get(there.path), 403, "forbidden")


def test_a_share_is_with_a_team_not_with_a_person(world: World, team: Team, other_team: Team) -> None:
    """Who is an adviser in one team and a coordinator in the other is lent nothing by a share with the other."""
    third = world.team()
    person = third.person("adviser")
    world.give_role(str(person.person_id), "coordinator", other_team)
    whole = whole_case(world, team)
    ok(share_with(whole, other_team), 201)
    assert open_doors(person, whole) == set()
    world.give_role(str(person.person_id), "adviser", other_team)
    assert "case" in open_doors(person, whole)


def test_restricted_is_by_case_in_each_team(world: World, team: Team, other_team: Team) -> None:
    """A supervisor elsewhere is an adviser here: what is restricted here is closed to them."""
    person = other_team.person("supervisor")
    world.give_role(str(person.person_id), "adviser", team)
    whole = whole_case(world, team)
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    assert open_doors(person, whole) == {"headlines"}
    whole.move(whole.supervisor, "collaborators", {"person_id": person.person_id})
    assert "case" in open_doors(person, whole)
    assert "case.unrestrict" not in ok(person.get(whole.path))["allowed_actions"]


def test_who_stands_in_both_teams_keeps_what_the_role_there_gives(world: World, team: Team, other_team: Team) -> None:
    """A transfer closes the case to the part played in the former team, not to the one played in the new."""
    whole = whole_case(world, team)
    person = team.person("adviser")
    whole.move(whole.adviser, "collaborators", {"person_id": person.person_id})
    world.give_role(str(person.person_id), "coordinator", other_team)
    transfer = offered(whole, other_team)
    ok(person.post(f"/v1/case-transfers/{transfer['id']}/acceptance", match=1))
    found = open_doors(person, whole)
    assert "case" in found
    assert found & {"advice", "finding", "recommendation", "interim advice"} == set()
    assert "case.amend" not in ok(person.get(whole.path))["allowed_actions"]


def test_who_exists_elsewhere_is_answered_as_nobody(team: Team, other_team: Team) -> None:
    """Whom a case is given to, or who is added: a person out of reach and an id of nobody get the same answer."""
    supervisor, adviser = team.person("supervisor"), team.person("adviser")
    case = open_case(supervisor, team)
    path = f"/v1/cases/{case['id']}"
    nobody = "0190b2c4-0000-7000-8000-000000000002"
    strangers = [other_team.person("adviser"), other_team.person("supervisor"), other_team.person()]
    version = ok(supervisor.post(f"{path}/allocation", {"adviser_id": adviser.person_id}, match=1))["version"]
    reason = {"reason_code": "workload"}
    for noun, field, more in (
        ("allocation", "adviser_id", {}),
        ("hand-over", "adviser_id", reason),
        ("collaborators", "person_id", {}),
    ):
        answers = []
        for id_ in (nobody, *(stranger.person_id for stranger in strangers)):
            response = supervisor.post(f"{path}/{noun}", {field: id_, **more}, match=version)
            document = response.json()
            document.pop("request_id")
            answers.append((response.status_code, document, sorted(response.headers)))
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0] == 422
    ends = {
        supervisor.delete(f"{path}/collaborators/{id_}", match=version).status_code
        for id_ in (nobody, strangers[0].person_id)
    }
    assert ends == {404}


def test_a_case_that_is_reached_for_many_reasons_is_listed_once(world: World, team: Team, other_team: Team) -> None:
    """Allocated, working along, answering for the team, and lent to two other teams of one's own: still one case."""
    third = world.team()
    person = team.person("adviser", "supervisor", "information_manager", "reviewer")
    for elsewhere in (other_team, third):
        for role in ("adviser", "supervisor"):
            world.give_role(str(person.person_id), role, elsewhere)
    whole = whole_case(world, team)
    whole.move(whole.adviser, "collaborators", {"person_id": person.person_id})
    for elsewhere in (other_team, third):
        ok(share_with(whole, elsewhere), 201)
    body = {"adviser_id": person.person_id, "reason_code": "workload", "visits": whole.coming("move")}
    whole.move(whole.supervisor, "hand-over", body)
    for kind, record in (
        ("cases", whole.case_id),
        ("case-headlines", whole.case_id),
        ("advice", whole.advice_id),
        ("findings", None),
        ("visits", None),
        ("recommendations", None),
        ("enquiries", None),
    ):
        items = ok(person.get(f"/v1/{kind}", limit=200))["items"]
        ids = [row["id"] for row in items]
        assert ids, kind
        assert len(ids) == len(set(ids)), kind
        assert record is None or ids.count(str(record)) == 1, kind
        assert [row["id"] for row in ok(person.get(f"/v1/{kind}", limit=1))["items"]] == ids[:1], kind
