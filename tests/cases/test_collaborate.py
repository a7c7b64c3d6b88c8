"""Colleagues who work along."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team


def test_a_collaborator_works_along_until_removed(team: Team) -> None:
    adviser, helper = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    added = ok(adviser.post(f"{path}/collaborators", {"person_id": helper.person_id}, match=2))
    assert added["collaborators"] == [{"person_id": helper.person_id, "name": helper.name}]
    assert added["version"] == 3
    ok(helper.patch(path, {"title": "With a stage"}, match=3))
    refused(helper.post(f"{path}/closure", {"reason_code": "no_reply"}, match=4), 403, "forbidden")
    refused(helper.delete(f"{path}/collaborators/{helper.person_id}", match=4), 403, "forbidden")
    removed = ok(adviser.delete(f"{path}/collaborators/{helper.person_id}", match=4))
    assert removed["collaborators"] == []
    refused(helper.patch(path, {"title": "Mine"}, match=5), 403, "forbidden")


def test_nobody_collaborates_twice_or_on_their_own_case(team: Team) -> None:
    adviser, helper = team.person("adviser"), team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/collaborators"
    refused(adviser.post(path, {"person_id": adviser.person_id}, match=2), 409, "already-involved")
    ok(adviser.post(path, {"person_id": helper.person_id}, match=2))
    refused(adviser.post(path, {"person_id": helper.person_id}, match=3), 409, "already-involved")


def test_a_collaborator_is_an_adviser_of_the_team(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/collaborators"
    for person in (other_team.person("adviser"), team.person("reviewer")):
        problem = refused(adviser.post(path, {"person_id": person.person_id}, match=2), 422, "validation-failed")
        assert problem["errors"][0]["pointer"] == "/person_id"


def test_who_does_not_collaborate_cannot_be_removed(team: Team) -> None:
    adviser, other = team.person("adviser"), team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/collaborators"
    refused(adviser.delete(f"{path}/{other.person_id}", match=1), 412, "precondition-failed")
    refused(adviser.delete(f"{path}/{other.person_id}", match=2), 404, "not-found")


def test_a_former_collaborator_stays_removed_when_the_case_is_restricted(team: Team) -> None:
    adviser, helper = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/collaborators", {"person_id": helper.person_id}, match=2))
    ok(adviser.delete(f"{path}/collaborators/{helper.person_id}", match=3))
    ok(adviser.post(f"{path}/collaborators", {"person_id": helper.person_id}, match=4))
    ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=5))
    ok(helper.get(path))
    ok(adviser.delete(f"{path}/collaborators/{helper.person_id}", match=6))
    refused(helper.get(path), 403, "forbidden")
