"""Every date and moment that comes in has a plausible range, and a meaning where it has one.

The table names them all. A new one has no row, and fails until somebody has decided: is it to come, is it over, or may it be
anything?
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from casework import contract
from casework.app import routers
from casework.kernel.columns import Rule, read_year_or_day
from tests.enquiries.building import asked
from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    approved_advice,
    drafted_advice,
    issued_advice,
    open_case,
    proposed_visit,
    recommendation,
)
from tests.support.world import Team, World


class Means(StrEnum):
    """When the thing is, as seen from the moment at which it is stated."""

    TO_COME = "to come"
    OVER = "over"
    EITHER = "over or to come, but near"
    ANY = "anything plausible"
    LOGGED = "of a visit as it was made"


DATES = {
    ("case.open", "/due_on"): Means.EITHER,  # a case that comes from elsewhere can be late already
    ("case.open", "/next_review_on"): Means.TO_COME,
    ("case.amend", "/due_on"): Means.EITHER,
    ("case.amend", "/next_review_on"): Means.TO_COME,
    ("case.close", "/next_review_on"): Means.TO_COME,
    ("case.share", "/until"): Means.TO_COME,
    ("person.offer_review", "/until"): Means.TO_COME,
    ("person.offer_review-amend", "/until"): Means.TO_COME,
    ("visit.propose", "/starts_at"): Means.TO_COME,
    ("visit.propose", "/ends_at"): Means.TO_COME,
    ("visit.amend", "/starts_at"): Means.TO_COME,
    ("visit.amend", "/ends_at"): Means.TO_COME,
    ("visit.complete", "/arrived_at"): Means.LOGGED,
    ("visit.complete", "/left_at"): Means.LOGGED,
    ("visit.propose", "/arrived_at"): Means.LOGGED,
    ("visit.propose", "/left_at"): Means.LOGGED,
    ("visit.supplement", "/arrived_at"): Means.LOGGED,
    ("visit.supplement", "/left_at"): Means.LOGGED,
    ("advice.draft-recommendation", "/target_on"): Means.TO_COME,
    ("advice.draft-amend-recommendation", "/target_on"): Means.TO_COME,
    ("advice.issue", "/follow_up_on"): Means.TO_COME,
    ("advice.issue", "/deliver_on"): Means.TO_COME,
    ("advice.issue-delivery", "/delivered_at"): Means.OVER,
    ("interim_advice.record", "/given_at"): Means.OVER,
    ("enquiry.hand_over", "/at"): Means.OVER,
    ("premises.write-create", "/occupancy_on"): Means.OVER,
    ("premises.write-amend", "/occupancy_on"): Means.OVER,
    ("premises.write-create", "/excluded_on"): Means.OVER,
    ("premises.write-amend", "/excluded_on"): Means.OVER,
    ("premises.write-amend", "/closed_on"): Means.ANY,  # known beforehand, or told by an old source
    ("premises.write-amend-alias", "/ended_at"): Means.ANY,  # a name may be known to end
    ("premises.write-amend-area", "/ended_at"): Means.ANY,  # works may be known to take a part away
    ("premises.write-amend-party", "/ended_at"): Means.ANY,  # a contract may be known to end
    # A rule's date of effect: recorded late, or announced.
    ("threat_level.set", "/since"): Means.ANY,
    ("reference.manage-add_bank_holiday", "/day"): Means.ANY,
    # What one looks for.
    ("enquiry.list", "?received_from"): Means.ANY,
    ("enquiry.list", "?received_to"): Means.ANY,
    ("enquiry.list", "?due_before"): Means.ANY,
    ("case.read-list", "?due_before"): Means.ANY,
    ("visit.read-list", "?from"): Means.ANY,
    ("visit.read-list", "?to"): Means.ANY,
    ("audit.read-list", "?from"): Means.ANY,
    ("audit.read-list", "?to"): Means.ANY,
}


def dates(annotation: Any, metadata: list[Any], where: str) -> Iterator[tuple[str, bool]]:
    """Where dates are taken, and whether a kind of ours reads them."""
    if hasattr(annotation, "__metadata__"):
        yield from dates(annotation.__origin__, [*metadata, *annotation.__metadata__], where)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from dates(field.annotation, field.metadata, f"{where}/{name}")
    elif annotation in (date, datetime):
        yield where, any(isinstance(each, Rule) for each in flat(metadata))
    elif any(isinstance(each, Rule) and each.read is read_year_or_day for each in flat(metadata)):
        yield where, True
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from dates(inner, metadata, where)


def flat(metadata: list[Any]) -> list[Any]:
    return [inner for each in metadata for inner in (each.metadata if isinstance(each, FieldInfo) else [each])]


ROUTES = {route.operation_id: route for router in routers() for route in router.routes if isinstance(route, APIRoute)}
TAKEN = {
    (name, place): read
    for name, route in ROUTES.items()
    for field in (*route.dependant.path_params, *route.dependant.query_params, *route.dependant.body_params)
    for place, read in dates(
        field.field_info.annotation,
        [field.field_info],
        "" if field in route.dependant.body_params else f"?{field.alias}",
    )
}


def test_every_date_has_a_row() -> None:
    assert sorted(TAKEN) == sorted(DATES)


def test_every_date_is_read_by_a_kind_and_so_has_a_plausible_range() -> None:
    assert [place for place, read in TAKEN.items() if not read] == []


def test_a_careless_date_is_found() -> None:
    class Careless(BaseModel):
        on: date | None = None
        at: datetime

    assert list(dates(Careless, [], "")) == [("/on", False), ("/at", False)]


# --- what nobody can mean ---

ENDS = ("0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31")


def holder(team: Team, operation: dict[str, Any]) -> Caller:
    """Somebody who has the action."""
    roles = [role for role in operation["x-roles"] if "enquirer" not in role and role not in ("public", "service")]
    return team.person(roles[0])


@pytest.mark.parametrize(("name", "place"), DATES)
def test_the_ends_of_the_calendar_are_refused(team: Team, name: str, place: str) -> None:
    route = ROUTES[name]
    (method,) = route.methods
    caller = holder(team, contract_of(name))
    path = re.sub(r"\{[a-z_]+\}", str(uuid4()), route.path)
    moments = not (place.endswith(("_on", "/day", "due_before")) or name.startswith("person.offer_review"))
    for end in ENDS:
        value = f"{end}T12:00:00Z" if moments else end
        if place.startswith("?"):
            document = refused(caller.get(path, **{place[1:]: value}), 422, "validation-failed")
            found = [each["code"] for each in document["errors"] if each["parameter"] == place[1:]]
        else:
            headers = {"Idempotency-Key": str(uuid4()), "If-Match": '"1"'}
            answer = caller.request(method, path, json={place[1:]: value}, headers=headers)
            document = refused(answer, 422, "validation-failed")
            found = [each["code"] for each in document["errors"] if each["pointer"] == place]
        assert found == ["date-range"], (name, place, end)
        assert value not in str(document)


def contract_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        operation
        for methods in contract.document()["paths"].values()
        for operation in methods.values()
        if operation["operationId"] == name
    )
    return found


# --- what cannot be meant here ---

NOW = datetime.now(UTC)
TODAY = NOW.date()


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def at(days: float) -> str:
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


Send = Callable[[World, Team, str], httpx.Response]
YEARS_10, YEARS_2 = 3653 + 2, 731 + 2


def opening(name: str) -> Send:
    return lambda world, team, value: team.person("adviser").post(
        "/v1/cases", {"team_id": team.id, "title": "Fair", name: value}
    )


def amending(name: str) -> Send:
    def send(world: World, team: Team, value: str) -> httpx.Response:
        adviser = team.person("adviser")
        case = allocated_case(team, adviser)
        return adviser.patch(f"/v1/cases/{case['id']}", {name: value}, match=case["version"])

    return send


def closing(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    body = {"reason_code": "advice_completed", "next_review_on": value}
    return adviser.post(f"/v1/cases/{case['id']}/closure", body, match=case["version"])


def sharing(world: World, team: Team, value: str) -> httpx.Response:
    supervisor = team.person("supervisor")
    case = open_case(supervisor, team)
    body = {"to_team_id": world.team().id, "purpose_code": "casework", "until": value}
    return supervisor.post(f"/v1/cases/{case['id']}/shares", body, match=case["version"])


def offering(world: World, team: Team, value: str) -> httpx.Response:
    reviewer = team.person("reviewer")
    return reviewer.post(f"/v1/people/{reviewer.person_id}/review-offer", {"strands": ["pal"], "until": value})


def offering_longer(world: World, team: Team, value: str) -> httpx.Response:
    reviewer = team.person("reviewer")
    path = f"/v1/people/{reviewer.person_id}/review-offer"
    made = ok(reviewer.post(path, {"strands": ["pal"], "until": day(30)}), 201)
    return reviewer.patch(path, {"until": value}, match=made["version"])


def hours_after(value: str, hours: int) -> str:
    return (datetime.fromisoformat(value) + timedelta(hours=hours)).isoformat()


def proposing(name: str) -> Send:
    def send(world: World, team: Team, value: str) -> httpx.Response:
        adviser = team.person("adviser")
        case = allocated_case(team, adviser)
        times = (value, hours_after(value, 2)) if name == "starts_at" else (hours_after(value, -2), value)
        return adviser.post(f"/v1/cases/{case['id']}/visits", {"starts_at": times[0], "ends_at": times[1]})

    return send


def moving(name: str) -> Send:
    def send(world: World, team: Team, value: str) -> httpx.Response:
        adviser = team.person("adviser")
        visit = proposed_visit(adviser, allocated_case(team, adviser))
        times = (value, hours_after(value, 2)) if name == "starts_at" else (hours_after(value, -2), value)
        body = {"starts_at": times[0], "ends_at": times[1]}
        return adviser.patch(f"/v1/visits/{visit['id']}", body, match=visit["version"])

    return send


def recommending(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    advice = drafted_advice(adviser, allocated_case(team, adviser))
    return adviser.post(f"/v1/advice/{advice['id']}/recommendations", recommendation(target_on=value))


def redating(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    line = drafted_advice(adviser, allocated_case(team, adviser))["recommendations"][0]
    path = f"/v1/recommendations/{line['id']}"
    return adviser.patch(path, {"target_on": value}, match=ok(adviser.get(path))["version"])


def issuing(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    advice = approved_advice(team, adviser, allocated_case(team, adviser))
    body = {"follow_up_on": value, "deliver_by": "post", "deliver_on": day(1)}
    return adviser.post(f"/v1/advice/{advice['id']}/issue", body, match=advice["version"])


def planning(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    advice = approved_advice(team, adviser, allocated_case(team, adviser))
    body = {"follow_up_on": day(30), "deliver_by": "later", "deliver_on": value}
    return adviser.post(f"/v1/advice/{advice['id']}/issue", body, match=advice["version"])


def delivering(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    advice = issued_advice(team, adviser, allocated_case(team, adviser))
    body = {"delivered_to": "The manager", "delivered_at": value, "delivered_by": "post"}
    return adviser.post(f"/v1/advice/{advice['id']}/delivery", body, match=advice["version"])


def telling(world: World, team: Team, value: str) -> httpx.Response:
    adviser = team.person("adviser")
    body = {"given_to": "The manager", "given_at": value, "advice": "Close the road."}
    return adviser.post(f"/v1/cases/{allocated_case(team, adviser)['id']}/interim-advice", body)


def handing_over(world: World, team: Team, value: str) -> httpx.Response:
    return asked(world, team).move("hand-over", {"to": "Force intelligence bureau", "at": value})


def place(team: Team, **facts: Any) -> tuple[Caller, httpx.Response]:
    adviser = team.person("adviser")
    return adviser, adviser.post("/v1/premises", {"team_id": team.id, "name": "Corn Exchange", **facts})


def recounting(world: World, team: Team, value: str) -> httpx.Response:
    adviser, made = place(team)
    return adviser.patch(f"/v1/premises/{ok(made, 201)['id']}", {"occupancy_on": value}, match=1)


def excluded(value: str) -> dict[str, str]:
    """Facts of a place that Schedule 2 takes out since that day."""
    return {
        "schedule_2_exclusion": "railway",
        "exclusion_basis": "A station of the national railway.",
        "excluded_on": value,
    }


def taking_out(world: World, team: Team, value: str) -> httpx.Response:
    adviser, made = place(team)
    return adviser.patch(f"/v1/premises/{ok(made, 201)['id']}", excluded(value), match=1)


PAST_DAYS, FAR_DAYS = (day(-1), "2020-01-31"), (day(YEARS_10), "2099-01-01")
DAYS_TO_COME = ((*PAST_DAYS, *FAR_DAYS), (day(1), day(700)))
OFFERED = ((*PAST_DAYS, day(YEARS_2), "2099-01-01"), (day(1), day(700)))
VISITS = ((at(-1 / 12), "2020-06-01T10:00:00Z", at(YEARS_2), "2099-06-01T10:00:00Z"), (at(1), at(700)))
MOMENTS_OVER = ((at(1 / 24), at(1), "2099-06-01T10:00:00Z"), (at(-1), "2020-06-01T10:00:00Z"))
SENT: dict[tuple[str, str], tuple[Send, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    ("case.open", "/due_on"): (opening("due_on"), (("1999-12-31", *FAR_DAYS), (day(-1), day(1), "2030-01-01"))),
    ("case.open", "/next_review_on"): (opening("next_review_on"), DAYS_TO_COME),
    ("case.amend", "/due_on"): (amending("due_on"), (("1999-12-31", *FAR_DAYS), (day(-1), day(1)))),
    ("case.amend", "/next_review_on"): (amending("next_review_on"), DAYS_TO_COME),
    ("case.close", "/next_review_on"): (closing, DAYS_TO_COME),
    ("person.offer_review", "/until"): (offering, OFFERED),
    ("person.offer_review-amend", "/until"): (offering_longer, OFFERED),
    ("case.share", "/until"): (sharing, ((at(-1), at(400)), (at(1), at(300)))),
    ("visit.propose", "/starts_at"): (proposing("starts_at"), VISITS),
    ("visit.propose", "/ends_at"): (proposing("ends_at"), ((), (at(1), at(700)))),
    ("visit.amend", "/starts_at"): (moving("starts_at"), VISITS),
    ("visit.amend", "/ends_at"): (moving("ends_at"), ((), (at(1), at(700)))),
    ("advice.draft-recommendation", "/target_on"): (recommending, DAYS_TO_COME),
    ("advice.draft-amend-recommendation", "/target_on"): (redating, DAYS_TO_COME),
    ("advice.issue", "/follow_up_on"): (issuing, ((*PAST_DAYS, *FAR_DAYS), (day(2), day(700)))),
    ("advice.issue", "/deliver_on"): (planning, ((*PAST_DAYS, *FAR_DAYS), (day(2), day(700)))),
    # Since the issue, and so no moment that stands fixed: tests/advice/test_delivery.py.
    ("advice.issue-delivery", "/delivered_at"): (delivering, (MOMENTS_OVER[0], ())),
    ("interim_advice.record", "/given_at"): (telling, MOMENTS_OVER),
    ("enquiry.hand_over", "/at"): (handing_over, MOMENTS_OVER),
    ("premises.write-create", "/occupancy_on"): (
        lambda _, team, value: place(team, occupancy_on=value)[1],
        ((day(2), "2099-01-01"), (day(-1), "1999-12-31")),
    ),
    ("premises.write-create", "/excluded_on"): (
        lambda _, team, value: place(team, **excluded(value))[1],
        ((day(2), "2099-01-01"), (day(-1), "1999-12-31")),
    ),
    ("premises.write-amend", "/excluded_on"): (taking_out, ((day(2), "2099-01-01"), (day(-1), "1999-12-31"))),
    ("premises.write-amend", "/occupancy_on"): (recounting, ((day(2), "2099-01-01"), (day(-1), "1999-12-31"))),
}


def test_every_date_with_a_meaning_is_tried() -> None:
    meant = {place for place, means in DATES.items() if means in (Means.TO_COME, Means.OVER, Means.EITHER)}
    assert meant == SENT.keys()


# By number, because the values move with the clock, and each worker collects by its own.
@pytest.mark.parametrize(
    ("place", "number"), [(place, n) for place, (_, (no, _)) in SENT.items() for n in range(len(no))]
)
def test_a_date_that_cannot_be_meant_here_is_refused(
    world: World, team: Team, place: tuple[str, str], number: int
) -> None:
    send, (wrong, _) = SENT[place]
    document = refused(send(world, team, wrong[number]), 422, "validation-failed")
    (error,) = document["errors"]
    assert (error["pointer"], error["code"] in ("past", "future", "too-far", "too-long")) == (place[1], True)
    assert wrong[number] not in str(document)


@pytest.mark.parametrize(
    ("place", "number"), [(place, n) for place, (_, (_, yes)) in SENT.items() for n in range(len(yes))]
)
def test_a_date_that_can_be_meant_is_taken(world: World, team: Team, place: tuple[str, str], number: int) -> None:
    send, (_, right) = SENT[place]
    ok(send(world, team, right[number]))


# --- what has been is not asked for again ---


def test_a_date_that_is_over_by_now_may_be_stated_again_but_not_another(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    world.logged_sql("UPDATE casework.case_file SET next_review_on = '2024-05-06' WHERE id = $1", case["id"])
    path = f"/v1/cases/{case['id']}"
    same = ok(adviser.patch(path, {"title": "Fair", "next_review_on": "2024-05-06"}, match=case["version"]))
    assert same["next_review_on"] == "2024-05-06"
    other = adviser.patch(path, {"next_review_on": "2024-05-07"}, match=same["version"])
    refused(other, 422, "validation-failed")
    assert ok(adviser.get(path))["next_review_on"] == "2024-05-06"


def test_a_visit_that_has_begun_may_be_shortened(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    began = "UPDATE casework.site_visit SET starts_at = now() - interval '1 hour', ends_at = now() + interval '3 hours' WHERE id = $1"
    world.logged_sql(began, visit["id"])
    path = f"/v1/visits/{visit['id']}"
    ok(adviser.patch(path, {"ends_at": at(1 / 24)}, match=visit["version"]))
    refused(adviser.patch(path, {"ends_at": at(-1 / 48)}, match=visit["version"] + 1), 422, "validation-failed")


def test_a_repeat_is_not_judged_by_the_day_on_which_it_comes(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice = drafted_advice(adviser, case)
    line = recommendation(id=str(uuid4()), target_on=day(3))
    path = f"/v1/advice/{advice['id']}/recommendations"
    ok(adviser.post(path, line), 201)
    late = "UPDATE casework.recommendation SET target_on = '2024-05-06' WHERE id = $1"
    world.logged_sql(late, line["id"])
    again = ok(adviser.post(path, {**line, "target_on": "2024-05-06"}), 201)
    assert again["target_on"] == "2024-05-06"


def test_advice_with_a_target_that_is_over_does_not_go_to_review(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    lines = [recommendation(action=name, target_on=day(9)) for name in ("First", "Second", "Third")]
    advice = drafted_advice(adviser, case, *lines)
    second = advice["recommendations"][1]
    world.logged_sql(
        "UPDATE casework.recommendation SET target_on = $2::text::date WHERE id = $1", second["id"], day(-2)
    )
    submission = f"/v1/advice/{advice['id']}/submission"
    document = refused(adviser.post(submission, match=advice["version"]), 422, "validation-failed")
    (error,) = document["errors"]
    assert (error["pointer"], error["code"]) == ("/recommendations/1/target_on", "past")
    assert (error["recommendation_id"], error["position"]) == (second["id"], second["position"])
    path = f"/v1/recommendations/{second['id']}"
    ok(adviser.patch(path, {"target_on": day(2)}, match=ok(adviser.get(path))["version"]))
    ok(adviser.post(submission, match=ok(adviser.get(f"/v1/advice/{advice['id']}"))["version"]))


def test_a_correction_of_advice_whose_targets_are_over_names_them_before_review(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    draft = drafted_advice(adviser, case, recommendation(target_on=day(9)))
    world.logged_sql(
        "UPDATE casework.recommendation SET target_on = $2::text::date WHERE advice_id = $1", draft["id"], day(0)
    )
    issued = issued_advice(team, adviser, case, draft=draft)
    copy = ok(adviser.post(f"/v1/advice/{issued['id']}/versions", {"correction_reason": "A date."}), 201)
    world.logged_sql(
        "UPDATE casework.recommendation SET target_on = $2::text::date WHERE advice_id = $1", copy["id"], day(-1)
    )
    document = refused(
        adviser.post(f"/v1/advice/{copy['id']}/submission", match=copy["version"]), 422, "validation-failed"
    )
    assert [each["pointer"] for each in document["errors"]] == ["/recommendations/0/target_on"]


def test_nothing_that_is_taken_leaves_as_the_end_of_time(team: Team) -> None:
    adviser = team.person("adviser")
    body = {"team_id": team.id, "name": "Corn Exchange", "occupancy_on": "1900-01-01"}
    assert ok(adviser.post("/v1/premises", body), 201)["occupancy_on"] == "1900-01-01"
    administrator = team.person("administrator")
    holiday = {"nation": "Wales", "day": "2200-12-31", "name": "The last day"}
    answer = administrator.post("/v1/bank-holidays", holiday)
    if answer.status_code == 201:  # else another test has it already
        assert answer.json()["day"] == "2200-12-31"
    assert "infinity" not in answer.text
