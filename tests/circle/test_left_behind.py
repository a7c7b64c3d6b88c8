"""No reader is left behind: whenever somebody loses a case, every door closes at once, kept answers included."""

from collections.abc import Callable

import pytest

from tests.circle.building import Whole, break_glass, offered, open_doors, share_with, whole_case
from tests.support.callers import Caller, ok
from tests.support.story import decided, finding
from tests.support.world import Team, World

Losing = Callable[[], None]
Story = Callable[[World, Whole], tuple[Caller, Losing, set[str]]]
HEADLINE = {"headlines"}


def handed_over(_: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The adviser of a restricted case hands it over."""
    colleague = whole.team.person("adviser")
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    body = {"adviser_id": colleague.person_id, "reason_code": "workload", "visits": whole.coming("move")}
    return whole.adviser, lambda: whole.move(whole.adviser, "hand-over", body), HEADLINE


def allocated_anew(_: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """A supervisor gives a restricted case to somebody else."""
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    body = {"adviser_id": whole.team.person("adviser").person_id, "visits": whole.coming("move")}
    return whole.adviser, lambda: whole.move(whole.supervisor, "allocation", body), HEADLINE


def restricted(_: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The case is restricted, and a colleague does not work on it."""
    colleague = whole.team.person("adviser")
    # Once a collaborator, with answers kept from that time.
    whole.move(whole.adviser, "collaborators", {"person_id": colleague.person_id})
    whole.keep(colleague, f"/v1/visits/{whole.visit_id}/findings", finding(area="Roof"))
    path = f"{whole.path}/collaborators/{colleague.person_id}"
    ok(whole.adviser.delete(path, match=whole.version()))
    reason = {"reason_code": "live_operation"}
    return colleague, lambda: whole.move(whole.adviser, "restriction", reason), HEADLINE


def uncollaborated(_: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """Somebody who worked along on a restricted case does so no more."""
    helper = whole.team.person("adviser")
    whole.move(whole.adviser, "collaborators", {"person_id": helper.person_id})
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    whole.keep(helper, f"/v1/visits/{whole.visit_id}/findings", finding(area="Roof"))
    path = f"{whole.path}/collaborators/{helper.person_id}"
    return helper, lambda: ok(whole.adviser.delete(path, match=whole.version())), HEADLINE


def transferred(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The case goes to another force."""
    there = world.team()
    transfer, receiver = offered(whole, there), there.person("coordinator")
    path = f"/v1/case-transfers/{transfer['id']}/acceptance"
    return whole.adviser, lambda: ok(receiver.post(path, match=1)), set()


def transferred_from_under_its_supervisor(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The same, for whoever offered it."""
    _, losing, left = transferred(world, whole)
    whole.keep(whole.supervisor, f"{whole.path}/notes", {"body": "Gone soon."})
    return whole.supervisor, losing, left


def unshared(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """A share to contribute ends."""
    there = world.team()
    share = ok(share_with(whole, there, mode="contribute"), 201)
    reader = there.person("adviser")
    whole.keep(reader, f"/v1/visits/{whole.visit_id}/findings", finding(area="Roof"))
    path = f"{whole.path}/shares/{share['id']}/ending"
    return reader, lambda: ok(whole.supervisor.post(path)), set()


def share_restricted(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The case is restricted, which its share was not made for."""
    there = world.team()
    ok(share_with(whole, there), 201)
    reason = {"reason_code": "live_operation"}
    return there.person("supervisor"), lambda: whole.move(whole.adviser, "restriction", reason), set()


def reviewed(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """A reviewer of another force has decided."""
    reviewer = world.team().person("reviewer")
    path = f"/v1/advice/{whole.advice_id}"
    seen = whole.adviser.get(path)
    seen = whole.adviser.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=seen)
    seen = whole.adviser.post(f"{path}/submission", match=seen)
    body, match = decided("approved", ok(seen)), seen.headers["ETag"].strip('"')

    def decide() -> None:
        whole.keep(reviewer, f"{path}/review", body, match=match)

    return reviewer, decide, set()


def role_ended(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The adviser is an adviser no more."""

    def end() -> None:
        end = "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1"
        world.logged_sql(end, whole.adviser.person_id)

    return whole.adviser, end, set()


def emergency_over(world: World, whole: Whole) -> tuple[Caller, Losing, set[str]]:
    """The 24 hours are over."""
    reader = world.team().person("supervisor")
    ok(break_glass(reader, whole), 201)
    over = (
        "UPDATE access.case_grant SET until = now() - interval '1 second' WHERE case_id = $1 AND kind = 'break_glass'"
    )
    return reader, lambda: world.sql(over, whole.case_id) and None, set()


STORIES = [
    handed_over,
    allocated_anew,
    restricted,
    uncollaborated,
    transferred,
    transferred_from_under_its_supervisor,
    unshared,
    share_restricted,
    reviewed,
    role_ended,
    emergency_over,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_every_door_closes(world: World, team: Team, story: Story) -> None:
    whole = whole_case(world, team)
    reader, lose, left = story(world, whole)
    before = open_doors(reader, whole)
    assert len(before) >= 10, before
    lose()
    assert open_doors(reader, whole) == left
    # What cannot be read cannot be written, whether by the case or by what is beneath it.
    for path, body in (
        (f"{whole.path}/notes", {"body": "Still here?"}),
        (f"/v1/visits/{whole.visit_id}/findings", finding()),
    ):
        assert reader.post(path, body).status_code in (403, 404)
    assert reader.patch(whole.path, {"title": "Mine"}, match=1).status_code in (403, 404)
