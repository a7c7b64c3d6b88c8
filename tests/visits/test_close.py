"""A case is not closed while visits of it are still to come."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, proposed_visit
from tests.support.world import Team


def closed(caller, case):
    now = ok(caller.get(f"/v1/cases/{case['id']}"))
    return caller.post(f"/v1/cases/{case['id']}/closure", {"reason_code": "advice_completed"}, match=now["version"])


def test_visits_to_come_hold_a_case_open(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    document = refused(closed(adviser, case), 409, "visits-upcoming")
    assert document["visits"] == [{"id": visit["id"], "starts_at": visit["starts_at"]}]
    body = {"reason_code": "proposed_in_error"}
    ok(adviser.post(f"/v1/visits/{visit['id']}/cancellation", body, match=visit["version"]))
    ok(closed(adviser, case))
