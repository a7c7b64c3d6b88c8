"""A share to read opens the place of its case with areas and parties: to read, exactly while the share lasts, and nothing else."""

from typing import Any

import pytest

from tests.circle.building import Whole, offered, share_with, whole_case
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, moment
from tests.support.world import Team, World


def seen(caller: Caller, whole: Whole) -> dict[str, bool]:
    """By each way to the place: whether it is found there."""
    asked: dict[str, dict[str, Any]] = {
        "list": {"limit": 200},
        "search": {"q": "old mill"},
        "postcode": {"postcode": whole.team.postcode},
        "newest": {"sort": "-created_at"},
    }
    found = {
        name: whole.premises_id in [row["id"] for row in ok(caller.get("/v1/premises", **filters))["items"]]
        for name, filters in asked.items()
    }
    answer = caller.get(f"/v1/premises/{whole.premises_id}")
    assert answer.status_code in (200, 404)
    return {**found, "one": answer.status_code == 200}


def opens(caller: Caller, whole: Whole) -> bool:
    """Whether the place is there, by every way or by none."""
    ways = seen(caller, whole)
    assert len(set(ways.values())) == 1, ways
    return ways["one"]


def test_the_place_is_read_by_those_whom_the_case_is_shared_with(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    path = f"/v1/premises/{whole.premises_id}"
    ok(whole.adviser.post(f"{path}/parties", {"role": "security_contractor", "name": "Peak Guarding"}), 201)
    beside = ok(whole.adviser.post("/v1/premises", {"team_id": team.id, "name": "Old Mill annexe"}), 201)
    readers = (other_team.person("adviser"), other_team.person("supervisor"))
    assert not any(opens(reader, whole) for reader in readers)
    ok(share_with(whole, other_team), 201)
    for reader in readers:
        assert opens(reader, whole)
        place = ok(reader.get(path))
        assert [area["name"] for area in place["areas"]] == ["Foyer"]
        assert [party["name"] for party in place["parties"]] == ["Peak Guarding"]
        assert place["allowed_actions"] == []
        refused(reader.get(f"/v1/premises/{beside['id']}"), 404, "not-found")
    for role in ("coordinator", "information_manager", "reviewer"):
        assert not opens(other_team.person(role), whole), role
    assert not opens(other_team.tool("premises.read", "cases.read"), whole)


def test_the_place_is_not_theirs_to_change_or_to_work_at(world: World, team: Team, other_team: Team) -> None:
    whole, adviser = whole_case(world, team), other_team.person("adviser")
    ok(share_with(whole, other_team, mode="contribute"), 201)
    path = f"/v1/premises/{whole.premises_id}"
    version = ok(adviser.get(path))["version"]
    refused(adviser.patch(path, {"name": "Ours"}, match=version), 403, "forbidden")
    for part, body in (
        ("areas", {"name": "Yard"}),
        ("parties", {"role": "security_contractor", "name": "X"}),
        ("aliases", {"name": "Y"}),
    ):
        refused(adviser.post(f"{path}/{part}", body), 403, "forbidden")
    case = allocated_case(other_team, adviser)
    visit = {"starts_at": moment(days=5), "ends_at": moment(days=5, hours=1), "premises_id": whole.premises_id}
    problem = refused(adviser.post(f"/v1/cases/{case['id']}/visits", visit), 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == ["/premises_id"]
    assert ok(whole.adviser.get(path))["version"] == version


@pytest.mark.parametrize("end", ["ended", "restricted", "transferred", "past"])
def test_the_place_closes_with_the_share(world: World, team: Team, other_team: Team, end: str) -> None:
    whole, reader = whole_case(world, team), other_team.person("adviser")
    share = ok(share_with(whole, other_team), 201)
    assert opens(reader, whole)
    if end == "ended":
        ok(whole.supervisor.post(f"{whole.path}/shares/{share['id']}/ending"))
    elif end == "restricted":
        whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    elif end == "transferred":
        third = world.team()
        transfer = offered(whole, third)
        accept = f"/v1/case-transfers/{transfer['id']}/acceptance"
        ok(third.person("supervisor").post(accept, {}, match=transfer["version"]))
    else:
        world.sql("UPDATE access.case_share SET until = now() - interval '1 minute' WHERE case_id = $1", whole.case_id)
    assert not opens(reader, whole)


def test_a_share_that_names_restriction_keeps_the_place_open(world: World, team: Team, other_team: Team) -> None:
    whole, reader = whole_case(world, team), other_team.person("adviser")
    ok(share_with(whole, other_team, includes_restricted=True), 201)
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    assert opens(reader, whole)
