"""A refusal, signposting or withdrawal is taken back; what repeats an enquiry goes with it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.enquiries.building import Asked, asked
from tests.support.callers import ok, refused
from tests.support.world import Team, World

WHY = {"reason": "The wrong one of two was ended."}
ENDS: dict[str, dict[str, Any]] = {
    "refusal": {"reason_code": "product_endorsement"},
    "signposting": {"signposted_to": "general_question", "reason_code": "general_question"},
    "withdrawal": {},
}


@pytest.mark.parametrize("noun", ENDS)
def test_what_ended_is_received_anew_with_a_new_date(world: World, team: Team, noun: str) -> None:
    enquiry = asked(world, team)
    ok(enquiry.move(noun, ENDS[noun]))
    world.logged_sql("UPDATE casework.enquiry SET respond_by = '2020-01-01' WHERE id = $1::text::uuid", enquiry.id)
    assert "enquiry.reopen" in enquiry.read()["allowed_actions"]
    for wrong in ({}, {"reason": " "}):
        refused(enquiry.move("reopening", wrong), 422, "validation-failed")
    refused(enquiry.move("reopening", WHY, by="adviser"), 403, "forbidden")
    stood = ok(enquiry.move("reopening", WHY, by="coordinator"))
    assert (stood["state"], stood["ended_at"], stood["signposted_to"]) == ("received", None, None)
    assert stood["reason_code"] is None
    assert stood["respond_by"] > datetime.now(UTC).date().isoformat()
    found = enquiry.read()
    assert (found["reopened_reason"], found["reopened_at"] is not None) == (WHY["reason"], True)
    assert ok(enquiry.business.get("/v1/tracking"))["signposted_to"] is None
    refused(enquiry.move("reopening", WHY), 409, "state-conflict")
    enquiry.triage()


@pytest.mark.parametrize("state", ["received", "triaged", "accepted", "duplicate"])
def test_what_has_not_ended_is_not_reopened(world: World, team: Team, state: str) -> None:
    enquiry = asked(world, team)
    if state == "triaged":
        enquiry.triage()
    elif state == "accepted":
        ok(enquiry.move("acceptance"), 201)
    elif state == "duplicate":
        ok(enquiry.move("duplicate-marking", {"duplicate_of": asked(world, team).id}))
    refused(enquiry.move("reopening", WHY), 409, "state-conflict")


def test_a_token_that_ran_out_is_not_brought_back(world: World, team: Team) -> None:
    gone, running = asked(world, team), asked(world, team)
    for enquiry in (gone, running):
        ok(enquiry.move("refusal", ENDS["refusal"]))
    world.sql(
        "UPDATE access.session SET expires_at = now() - interval '1 day' WHERE enquiry_id = $1::text::uuid", gone.id
    )
    for enquiry in (gone, running):
        ok(enquiry.move("reopening", WHY))
    refused(gone.business.get("/v1/tracking"), 401, "unauthenticated")
    ok(running.business.get("/v1/tracking"))
    refused(gone.move("tracking-token"), 409, "contact-not-verified")


@pytest.mark.parametrize("noun", ["refusal", "signposting"])
def test_another_reason_is_said_and_read_by_the_team(world: World, team: Team, noun: str) -> None:
    enquiry = asked(world, team)
    body = {**ENDS[noun], "reason_code": "other"}
    told = refused(enquiry.move(noun, body), 422, "validation-failed")
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [("/note", "missing")]
    ok(enquiry.move(noun, {**body, "note": "A second site of the same firm."}))
    assert enquiry.read()["reason_note"] == "A second site of the same firm."
    assert "second site" not in enquiry.business.get("/v1/tracking").text
    ok(enquiry.move("hand-over", {"to": "Force intelligence bureau", "at": "2026-01-01T10:00:00.000Z"}))
    assert enquiry.read()["reason_note"] is None


def _marked(enquiry: Asked, original: Asked) -> Any:
    return ok(enquiry.move("duplicate-marking", {"duplicate_of": original.id}))


@pytest.mark.parametrize("noun", ENDS)
def test_a_duplicate_of_what_has_ended_is_refused(world: World, team: Team, noun: str) -> None:
    original, enquiry = asked(world, team), asked(world, team)
    ok(original.move(noun, ENDS[noun]))
    told = refused(enquiry.move("duplicate-marking", {"duplicate_of": original.id}), 422, "validation-failed")
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [("/duplicate_of", "ended")]
    ok(original.move("reopening", WHY))
    _marked(enquiry, original)


def test_a_chain_leads_to_the_first(world: World, team: Team) -> None:
    first, second, third, before = (asked(world, team) for _ in range(4))
    _marked(second, first)
    assert _marked(third, second)["duplicate_of"] == first.id
    # The first is found to repeat an older one: both go with it.
    _marked(first, before)
    assert [each.read()["duplicate_of"] for each in (first, second, third)] == [before.id] * 3


@pytest.mark.parametrize("noun", ENDS)
def test_when_the_original_ends_its_duplicates_are_in_the_queue_again(world: World, team: Team, noun: str) -> None:
    original, plain, triaged = (asked(world, team) for _ in range(3))
    triaged.triage()
    for each in (plain, triaged):
        _marked(each, original)
    # They waited for a month, and are to be answered as soon as what comes in today.
    ids = [plain.id, triaged.id]
    world.logged_sql("UPDATE casework.enquiry SET respond_by = '2020-01-01' WHERE id = ANY ($1::text[]::uuid[])", ids)
    ok(original.move(noun, ENDS[noun]))
    today = asked(world, team).read()
    for each, state in ((plain, "received"), (triaged, "triaged")):
        found = each.read()
        assert (found["state"], found["duplicate_of"], found["ended_at"]) == (state, None, None)
        assert found["respond_by"] == today["respond_by"]
        listed = ok(each.staff("supervisor").get(f"/v1/enquiries?state={state}"))["items"]
        assert each.id in [row["id"] for row in listed]


def test_so_they_are_when_the_business_withdraws_it(world: World, team: Team) -> None:
    original, repeat = asked(world, team), asked(world, team)
    _marked(repeat, original)
    tracked = original.business.get("/v1/tracking")
    ok(original.business.post(f"{original.path}/withdrawal", match=tracked))
    assert repeat.read()["state"] == "received"
