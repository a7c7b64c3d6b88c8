"""Recommendations are numbered from one on without a gap, in the order that their author wants, until the advice is issued; and each
belongs to a line that its versions share."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    completed_visit,
    drafted_advice,
    enquirer_of,
    finding,
    issued_advice,
    recommendation,
)
from tests.support.world import Team, World

NAMES = ("One", "Two", "Three", "Four", "Five")


def drafted(adviser: Caller, case: dict[str, Any], *names: str) -> dict[str, Any]:
    return drafted_advice(adviser, case, *(recommendation(action=name) for name in names))


def numbered(advice: dict[str, Any]) -> list[tuple[int, str]]:
    return [(each["position"], each["action"]) for each in advice["recommendations"]]


def named(advice: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    by_name = {each["action"]: each for each in advice["recommendations"]}
    return [by_name[name] for name in names]


def reorder(caller: Caller, advice: dict[str, Any], ids: Any, *, match: Any = None):
    path = f"/v1/advice/{advice['id']}/recommendation-order"
    return caller.post(path, {"recommendation_ids": ids}, match=match or advice["version"])


@pytest.mark.parametrize("gone", NAMES)
def test_what_comes_after_one_that_is_taken_out_closes_up(team: Team, gone: str) -> None:
    adviser = team.person("adviser")
    advice = drafted(adviser, allocated_case(team, adviser), *NAMES)
    (out,) = named(advice, gone)
    left = ok(adviser.delete(f"/v1/recommendations/{out['id']}", match=out["version"]))
    rest = [name for name in NAMES if name != gone]
    assert numbered(left) == [*enumerate(rest, 1)]
    # Its number is part of a recommendation: who has read the old one is told.
    for before, after in zip(named(advice, *rest), named(left, *rest), strict=True):
        assert (before["position"] == after["position"]) is (before["version"] == after["version"])
    made = ok(adviser.post(f"/v1/advice/{advice['id']}/recommendations", recommendation(action="Six")), 201)
    assert made["position"] == 5


def test_the_whole_order_is_given_in_one_call(team: Team) -> None:
    adviser = team.person("adviser")
    advice = drafted(adviser, allocated_case(team, adviser), *NAMES)
    wanted = ("Four", "One", "Five", "Three", "Two")
    answer = reorder(adviser, advice, [each["id"] for each in named(advice, *wanted)])
    moved = ok(answer, 200)
    assert numbered(moved) == [*enumerate(wanted, 1)]
    assert answer.headers["ETag"] == f'"{moved["version"]}"'
    assert moved["version"] > advice["version"]
    assert numbered(ok(adviser.get(f"/v1/advice/{advice['id']}"))) == numbered(moved)
    same = ok(reorder(adviser, moved, [each["id"] for each in moved["recommendations"]]))
    assert [each["version"] for each in same["recommendations"]] == [
        each["version"] for each in moved["recommendations"]
    ]


def test_the_order_names_every_recommendation_once_and_no_other(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice, other = drafted(adviser, case, "One", "Two", "Three"), drafted(adviser, case, "Foreign")
    one, two, three = (each["id"] for each in advice["recommendations"])
    for ids, pointer, code in (
        ([one, two], "/recommendation_ids", "incomplete"),
        ([one, two, two, three], "/recommendation_ids/2", "duplicate"),
        ([one, two, three, other["recommendations"][0]["id"]], "/recommendation_ids/3", "reference"),
        ([str(uuid.uuid4()), two, three], "/recommendation_ids/0", "reference"),
        ([], "/recommendation_ids", None),
        (["x"], "/recommendation_ids/0", None),
        (None, "/recommendation_ids", None),
    ):
        told = refused(reorder(adviser, advice, ids), 422, "validation-failed")["errors"][0]
        assert told["pointer"] == pointer
        assert code in (None, told["code"])
    assert ok(adviser.get(f"/v1/advice/{advice['id']}")) == advice


def test_who_may_reorder_and_when(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    advice = drafted(adviser, allocated_case(team, adviser), "One", "Two")
    ids = [each["id"] for each in reversed(advice["recommendations"])]
    refused(reorder(adviser, advice, ids, match=advice["version"] - 1), 412, "precondition-failed")
    refused(
        adviser.post(f"/v1/advice/{advice['id']}/recommendation-order", {"recommendation_ids": ids}),
        428,
        "precondition-required",
    )
    refused(reorder(team.person("adviser"), advice, ids), 403, "forbidden")
    refused(reorder(team.person("supervisor"), advice, ids), 403, "forbidden")
    refused(reorder(other_team.person("adviser"), advice, ids), 404, "not-found")
    issued = issued_advice(team, adviser, {}, draft=advice)
    refused(reorder(adviser, issued, ids), 409, "state-conflict")
    assert numbered(ok(adviser.get(f"/v1/advice/{advice['id']}"))) == [(1, "One"), (2, "Two")]


def test_the_numbers_of_issued_advice_are_frozen_in_the_database_too(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    issued = issued_advice(team, adviser, allocated_case(team, adviser), recommendation(), recommendation())
    for change in ("position = 9", "line_id = casework.new_id()"):
        with pytest.raises(Exception, match="never change"):
            world.logged_sql(f"UPDATE casework.recommendation SET {change} WHERE advice_id = $1", issued["id"])


def test_whoever_changes_recommendations_at_once_leaves_no_gap_and_waits_for_nobody_for_ever(team: Team) -> None:
    """Adding, taking out, amending and reordering take the advice first: none crosses another."""
    adviser = team.person("adviser")
    advice = drafted(adviser, allocated_case(team, adviser), *NAMES)
    path, statuses = f"/v1/advice/{advice['id']}", []

    def add(_: int) -> int:
        return adviser.post(f"{path}/recommendations", recommendation(action="More")).status_code

    def take_out(at: int) -> int:
        found = ok(adviser.get(path))["recommendations"]
        each = found[at % len(found)]
        return adviser.delete(f"/v1/recommendations/{each['id']}", match=each["version"]).status_code

    def amend(at: int) -> int:
        found = ok(adviser.get(path))["recommendations"]
        each = found[-1 - at % len(found)]
        return adviser.patch(
            f"/v1/recommendations/{each['id']}", {"priority": "low"}, match=each["version"]
        ).status_code

    def turn_round(_: int) -> int:
        found = ok(adviser.get(path))
        return reorder(adviser, found, [each["id"] for each in reversed(found["recommendations"])]).status_code

    with ThreadPoolExecutor(6) as threads:
        for _ in range(6):
            statuses += threads.map(
                lambda do: do[0](do[1]), [(add, 0), (take_out, 1), (amend, 0), (turn_round, 0), (amend, 2), (add, 0)]
            )
    found = ok(adviser.get(path))["recommendations"]
    assert [each["position"] for each in found] == [*range(1, len(found) + 1)]
    # Told that somebody was faster (or took it out), but never a deadlock (503) or a number given twice (409).
    assert set(statuses) <= {200, 201, 404, 412}
    assert {200, 201} <= set(statuses)


def test_a_new_version_keeps_the_lines_of_the_one_before(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    first = issued_advice(team, adviser, case, draft=drafted(adviser, case, "One", "Two", "Three"))
    lines = [each["line_id"] for each in first["recommendations"]]
    assert len(set(lines)) == 3
    second = ok(adviser.post(f"/v1/advice/{first['id']}/versions", {"correction_reason": "A gate mistaken."}), 201)
    assert [each["line_id"] for each in second["recommendations"]] == lines
    assert not {each["id"] for each in second["recommendations"]} & {each["id"] for each in first["recommendations"]}
    one, two, three = second["recommendations"]
    # Taken out, moved, reworded and added: the line goes with the recommendation, wherever it stands.
    second = ok(adviser.delete(f"/v1/recommendations/{one['id']}", match=one["version"]))
    changed = {"action": "Other words", "principle": "deter", "domain": "cyber"}
    two = named(second, "Two")[0]
    assert ok(adviser.patch(f"/v1/recommendations/{two['id']}", changed, match=two["version"]))["line_id"] == lines[1]
    added = ok(adviser.post(f"/v1/advice/{second['id']}/recommendations", recommendation(action="Four")), 201)
    assert added["line_id"] not in lines
    second = ok(adviser.get(f"/v1/advice/{second['id']}"))
    order = [added["id"], three["id"], two["id"]]
    second = ok(reorder(adviser, second, order))
    assert [each["line_id"] for each in second["recommendations"]] == [added["line_id"], lines[2], lines[1]]
    issued = issued_advice(team, adviser, case, draft=second)
    third = ok(adviser.post(f"/v1/advice/{issued['id']}/versions", {"correction_reason": "Once more."}), 201)
    assert [each["line_id"] for each in third["recommendations"]] == [added["line_id"], lines[2], lines[1]]


def test_a_copy_of_advice_that_was_issued_with_a_gap_has_none_and_cites_what_it_cited(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding(), finding(area="Loading bay"))["findings"]
    draft = drafted_advice(
        adviser,
        case,
        recommendation(action="One", finding_ids=[cited[0]["id"]]),
        recommendation(action="Two", finding_ids=[cited[1]["id"]]),
        recommendation(action="Three"),
    )
    # As earlier releases left it.
    world.logged_sql(
        "UPDATE casework.recommendation SET position = position + 2 WHERE advice_id = $1 AND position > 1", draft["id"]
    )
    issued = issued_advice(team, adviser, case, draft=draft)
    assert numbered(issued) == [(1, "One"), (4, "Two"), (5, "Three")]
    copy = ok(adviser.post(f"/v1/advice/{issued['id']}/versions", {"correction_reason": "A gate."}), 201)
    assert numbered(copy) == [(1, "One"), (2, "Two"), (3, "Three")]
    assert [each["finding_ids"] for each in copy["recommendations"]] == [[cited[0]["id"]], [cited[1]["id"]], []]


def test_the_line_is_shown_wherever_a_recommendation_is(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued = issued_advice(team, adviser, case, recommendation())
    (known,) = issued["recommendations"]
    for caller in (adviser, enquirer_of(world, team, case)):
        assert ok(caller.get(f"/v1/recommendations/{known['id']}"))["line_id"] == known["line_id"]
        listed = ok(caller.get("/v1/recommendations", case_id=case["id"]))["items"]
        assert [each["line_id"] for each in listed] == [known["line_id"]]
        (read,) = ok(caller.get(f"/v1/advice/{issued['id']}"))["recommendations"]
        assert read["line_id"] == known["line_id"]
