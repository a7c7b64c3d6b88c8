"""An enquiry passed to another force: offered, accepted or returned, and no reader is left behind."""

import uuid

import pytest

from tests.enquiries.building import QUESTION, Asked, asked
from tests.enquiries.post import PostRoom, address, reachable
from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World


def offered(enquiry: Asked, to: Team, note: str | None = "The site lies beyond the river.") -> dict[str, object]:
    made: dict[str, object] = ok(enquiry.move("transfer", {"to_team_id": to.id, "note": note}), 201)
    return made


def decided(caller: Caller, offer: dict[str, object], noun: str, **given: object):
    body = {"note": "Seen."}
    return caller.post(f"/v1/enquiry-transfers/{offer['id']}/{noun}", body, **{"match": offer["version"], **given})  # type: ignore[arg-type]


def test_accepted_it_is_the_other_forces_and_the_sender_keeps_its_line(
    world: World, team: Team, other_team: Team, post: PostRoom
) -> None:
    to = address()
    enquiry = asked(world, team, **reachable(to))
    enquiry.triage()
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "We are open on Sunday."}), 201)
    offer = offered(enquiry, other_team)
    assert offer["allowed_actions"] == ["enquiry.transfer"]
    assert ok(enquiry.business.get("/v1/tracking"))["status"] == "Passed to another police force"
    there = other_team.person("coordinator")
    seen = ok(there.get(f"/v1/enquiry-transfers/{offer['id']}"))
    assert (seen["site_name"], seen["note"]) == ("Market Hall", "The site lies beyond the river.")
    assert seen["allowed_actions"] == ["enquiry.receive"]
    assert QUESTION not in str(seen)
    refused(there.get(enquiry.path), 404, "not-found")
    refused(there.get(f"{enquiry.path}/messages"), 404, "not-found")

    accepted = ok(decided(there, offer, "acceptance"))
    assert (accepted["state"], accepted["decision_note"]) == ("accepted", "Seen.")
    here = enquiry.staff("coordinator")
    for path in (enquiry.path, f"{enquiry.path}/messages", f"{enquiry.path}/contacts"):
        refused(here.get(path), 404, "not-found")
    assert ok(here.get("/v1/enquiries"))["items"] == []
    made = ok(here.get("/v1/enquiry-transfers", direction="made"))["items"]
    assert [(row["id"], row["state"]) for row in made] == [(offer["id"], "accepted")]
    moved = ok(there.get(enquiry.path))
    assert (moved["team_id"], moved["force_code"], moved["state"]) == (other_team.id, other_team.force_code, "received")
    assert (moved["premises_id"], moved["contact"]["name"]) == (None, "Jo Fielding")
    assert [m["body"] for m in ok(there.get(f"{enquiry.path}/messages"))["items"]] == ["We are open on Sunday."]
    tracked = ok(enquiry.business.get("/v1/tracking"))
    assert tracked["team"]["name"] == f"CTSA team {other_team.force_code}"
    post.deliver()
    assert len(post.letters(f"ctsa@{other_team.force_code.lower()}.example")) == 1
    assert "news" in str(post.letters(to)[-1]["Subject"]).lower()


def test_returned_it_stands_where_it_stood(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    enquiry.triage()
    offer = offered(enquiry, other_team)
    there = other_team.person("supervisor")
    assert [row["id"] for row in ok(there.get("/v1/enquiry-transfers", state="offered"))["items"]] == [offer["id"]]
    ok(decided(there, offer, "return"))
    assert enquiry.read()["state"] == "triaged"
    refused(there.get(enquiry.path), 404, "not-found")
    refused(decided(there, offer, "acceptance"), 412, "precondition-failed")
    refused(decided(there, offer, "acceptance", match=2), 409, "state-conflict")
    again = offered(enquiry, other_team)
    ok(decided(there, again, "acceptance"))


def test_an_offer_is_taken_back(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    offer = offered(enquiry, other_team)
    there = other_team.person("coordinator")
    ok(decided(enquiry.staff("supervisor"), offer, "withdrawal"))
    assert enquiry.read()["state"] == "received"
    refused(there.get(f"/v1/enquiry-transfers/{offer['id']}"), 404, "not-found")
    assert ok(there.get("/v1/enquiry-transfers"))["items"] == []


def test_each_end_decides_its_own(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    offer = offered(enquiry, other_team)
    sender, there, nobody = (
        enquiry.staff("supervisor"),
        other_team.person("supervisor"),
        world.team().person("supervisor"),
    )
    refused(decided(sender, offer, "acceptance"), 403, "forbidden")
    refused(decided(sender, offer, "return"), 403, "forbidden")
    refused(decided(there, offer, "withdrawal"), 403, "forbidden")
    for noun in ("acceptance", "return", "withdrawal"):
        refused(decided(nobody, offer, noun), 404, "not-found")
        refused(decided(enquiry.staff("adviser"), offer, noun), 403, "forbidden")
    refused(nobody.get(f"/v1/enquiry-transfers/{offer['id']}"), 404, "not-found")
    assert ok(nobody.get("/v1/enquiry-transfers"))["items"] == []
    assert enquiry.read()["state"] == "transferred"


def test_it_is_offered_to_the_intake_team_of_another_force(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    for to in (team, world.team(of=other_team)):
        refused(enquiry.move("transfer", {"to_team_id": to.id}), 422, "validation-failed")
    refused(enquiry.move("transfer", {"to_team_id": str(uuid.uuid4())}), 422, "validation-failed")
    refused(enquiry.move("transfer", {"to_team_id": other_team.id}, by="adviser"), 403, "forbidden")
    offered(enquiry, other_team)
    refused(enquiry.move("transfer", {"to_team_id": other_team.id}), 409, "state-conflict")
    refused(enquiry.move("triage", {"strand": "pal"}), 409, "state-conflict")


def test_the_business_may_write_meanwhile(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    offered(enquiry, other_team)
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "Any news?"}), 201)


@pytest.mark.parametrize("again", [False, True])
def test_the_function_that_moves_it_belongs_to_the_mover(world: World, again: bool) -> None:
    if again:
        world.define_again()
    rows = world.sql("SELECT pg_get_userbyid(proowner) AS owner FROM pg_proc WHERE proname = 'settle_enquiry_transfer'")
    assert [row["owner"] for row in rows] == ["casework_mover"]
    assert not world.sql("SELECT has_schema_privilege('casework_mover', 'access', 'CREATE') AS may")[0]["may"]
