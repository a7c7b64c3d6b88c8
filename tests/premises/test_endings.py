"""What has ended of a place is kept, shown as ended, and takes part in nothing new."""

from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, completed_visit, finding, moment
from tests.support.world import Team, World

CHILDREN = {
    "areas": {"name": "Foyer"},
    "parties": {"role": "owner", "name": "Peak Estates"},
    "aliases": {"name": "The Old Manor House", "postcode": "NN1 5LX"},
}


def place(caller: Caller, team: Team, **facts: Any) -> dict[str, Any]:
    made: dict[str, Any] = ok(caller.post("/v1/premises", {"team_id": team.id, "name": "Corn Exchange", **facts}), 201)
    return made


def part(caller: Caller, premises: dict[str, Any], kind: str, **facts: Any) -> tuple[str, dict[str, Any]]:
    """A new area, party or alias, and where it is amended."""
    path = f"/v1/premises/{premises['id']}/{kind}"
    made = ok(caller.post(path, {**CHILDREN[kind], **facts}), 201)
    assert (made["ended_at"], made["version"]) == (None, 1)
    return f"{path}/{made['id']}", made


@pytest.mark.parametrize("kind", CHILDREN)
def test_each_is_ended_and_kept_and_the_end_taken_back(team: Team, other_team: Team, world: World, kind: str) -> None:
    adviser = team.person("adviser")
    premises = place(adviser, team)
    path, made = part(adviser, premises, kind)
    at = moment(days=-1)
    refused(adviser.patch(path, {"ended_at": at}), 428, "precondition-required")
    refused(adviser.patch(path, {"ended_at": "yesterday"}, match=1), 422, "validation-failed")
    refused(team.person("reviewer").patch(path, {"ended_at": at}, match=1), 403, "forbidden")
    refused(other_team.person("adviser").patch(path, {"ended_at": at}, match=1), 404, "not-found")
    ended = adviser.patch(path, {"ended_at": at}, match=1)
    assert ok(ended) == {**made, "ended_at": at, "version": 2}
    assert ended.headers["ETag"] == '"2"'
    refused(adviser.patch(path, {"ended_at": None}, match=1), 412, "precondition-failed")
    assert ok(adviser.get(f"/v1/premises/{premises['id']}"))[kind] == [ok(ended)]
    assert ok(adviser.patch(path, {"ended_at": None, "name": "Again"}, match=2))["ended_at"] is None
    told = world.sql(
        "SELECT operation, fields FROM audit.event_object WHERE object_id = $1::text::uuid ORDER BY position",
        made["id"],
    )
    assert [row["operation"] for row in told] == ["collection", "alteration", "alteration"]
    # What the database computes from the name is no field that somebody changed.
    assert set(told[2]["fields"]) == {"ended_at", "name", "version"}


def test_an_alias_that_has_ended_matches_no_more(team: Team) -> None:
    adviser = team.person("adviser")
    premises = place(adviser, team)
    path, _ = part(adviser, premises, "aliases")

    def matched() -> list[str]:
        found = ok(adviser.get("/v1/premises-matches", name="Old Manor House", postcode="NN1 5LX"))["items"]
        assert [row["id"] for row in ok(adviser.get("/v1/premises", q="manor"))["items"]] == [
            each["id"] for each in found
        ]
        return [each["alias"] for each in found]

    assert matched() == ["The Old Manor House"]
    ok(adviser.patch(path, {"ended_at": moment(days=1)}, match=1))
    assert matched() == ["The Old Manor House"]  # an end that is still to come is none
    ok(adviser.patch(path, {"ended_at": moment(hours=-1)}, match=2))
    assert matched() == []
    likely = place(adviser, team, name="Old Manor House", postcode="NN1 5LX")["likely_duplicates"]
    assert likely == []


def test_an_alias_is_amended_under_its_own_place_only(team: Team) -> None:
    adviser = team.person("adviser")
    premises, elsewhere = place(adviser, team), place(adviser, team)
    path, _ = part(adviser, premises, "aliases")
    other = path.replace(premises["id"], elsewhere["id"])
    refused(adviser.patch(other, {"name": "X"}, match=1), 404, "not-found")
    refused(adviser.patch(path, {"name": None}, match=1), 422, "validation-failed")
    amended = ok(adviser.patch(path, {"name": "Y Tŷ Mawr", "postcode": None}, match=1))
    assert (amended["name"], amended["postcode"]) == ("Y Tŷ Mawr", None)
    assert [row["id"] for row in ok(adviser.get("/v1/premises", q="ty mawr"))["items"]] == [premises["id"]]


def test_an_area_that_has_ended_takes_no_new_findings_and_keeps_its_old_ones(team: Team) -> None:
    adviser = team.person("adviser")
    premises = place(adviser, team)
    path, area = part(adviser, premises, "areas")
    _, other = part(adviser, premises, "areas", name="Loading bay")
    case = allocated_case(team, adviser, premises_id=premises["id"])
    visit = completed_visit(adviser, case, finding(area_id=area["id"]))
    findings = f"/v1/visits/{visit['id']}/findings"
    sent = finding(area_id=area["id"], id="0190b2c4-0000-7000-8000-" + premises["id"][-12:])
    kept = ok(adviser.post(findings, sent), 201)
    elsewhere = ok(adviser.post(findings, finding(area_id=other["id"])), 201)
    ok(adviser.patch(path, {"ended_at": moment(hours=-1)}, match=1))
    told = refused(adviser.post(findings, finding(area_id=area["id"])), 422, "validation-failed")
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [("/area_id", "ended")]
    ok(adviser.post(findings, finding()), 201)
    # A repeat is recognised, whatever ended since; what was found there may still be put right, and not moved there.
    assert ok(adviser.post(findings, sent), 201)["id"] == kept["id"]
    amended = adviser.patch(
        f"/v1/findings/{kept['id']}", {"gap": "Wider", "area_id": area["id"]}, match=kept["version"]
    )
    assert ok(amended)["area_id"] == area["id"]
    moved = adviser.patch(f"/v1/findings/{elsewhere['id']}", {"area_id": area["id"]}, match=elsewhere["version"])
    assert refused(moved, 422, "validation-failed")["errors"][0]["pointer"] == "/area_id"
    assert {each["area_id"] for each in ok(adviser.get(f"/v1/visits/{visit['id']}"))["findings"]} >= {area["id"]}


def test_what_has_ended_stays_behind_when_a_case_moves(team: Team, other_team: Team, world: World) -> None:
    """A copy of a place that comes with a case is as the place is now."""
    adviser, supervisor, there = team.person("adviser"), team.person("supervisor"), other_team.person("supervisor")
    premises = place(adviser, team)
    for kind in CHILDREN:
        path, _ = part(adviser, premises, kind)
        ok(adviser.patch(path, {"ended_at": moment(hours=-1)}, match=1))
        path, _ = part(adviser, premises, kind, name="Still there")
        ok(adviser.patch(path, {"ended_at": moment(days=9)}, match=1))
    case = allocated_case(team, adviser, supervisor, premises_id=premises["id"])
    offer = {"to_team_id": other_team.id, "reason_code": "site_in_other_force"}
    moved = ok(supervisor.post(f"/v1/cases/{case['id']}/transfer", offer), 201)
    ok(there.post(f"/v1/case-transfers/{moved['id']}/acceptance", match=1))
    where = ok(there.get(f"/v1/cases/{case['id']}"))["premises_id"]
    copy = ok(there.get(f"/v1/premises/{where}"))
    for kind in CHILDREN:
        assert [(each["name"], each["ended_at"] is not None) for each in copy[kind]] == [("Still there", True)]
