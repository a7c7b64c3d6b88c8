"""The conversation between a business and a team."""

import uuid

from tests.enquiries.building import asked
from tests.support.callers import ok, refused
from tests.support.world import Team, World


def test_both_sides_write_and_the_business_never_sees_who_wrote(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    adviser = team.person("adviser", name="Sue Okafor")
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "When do you come?"}), 201)
    added = ok(adviser.post(f"{enquiry.path}/messages", {"body": "We ring you on Monday."}), 201)
    assert added["author"] == "staff"
    theirs = ok(enquiry.business.get(f"{enquiry.path}/messages"))["items"]
    assert [(each["author"], each["body"]) for each in theirs] == [
        ("business", "When do you come?"),
        ("staff", "We ring you on Monday."),
    ]
    assert "Sue" not in str(theirs) + str(ok(enquiry.business.get("/v1/tracking")))
    ours = ok(adviser.get(f"{enquiry.path}/messages"))["items"]
    assert [each["person"] for each in ours] == [None, "Sue Okafor"]


def test_the_same_id_is_the_same_message_and_another_text_is_a_conflict(world: World, team: Team) -> None:
    enquiry, chosen = asked(world, team), str(uuid.uuid4())
    path = f"{enquiry.path}/messages"
    first = ok(enquiry.business.post(path, {"id": chosen, "body": "Hello"}), 201)
    assert ok(enquiry.business.post(path, {"id": chosen, "body": "Hello"}), 201) == first
    refused(enquiry.business.post(path, {"id": chosen, "body": "Something else"}), 409, "already-exists")
    assert len(ok(enquiry.business.get(path))["items"]) == 1


def test_no_text_of_a_message_is_kept_with_its_key(world: World, team: Team) -> None:
    enquiry, canary = asked(world, team), f"Canary {uuid.uuid4()}"
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": canary}), 201)
    assert world.sql("SELECT FROM work.idempotency_key k WHERE k::text LIKE $1", f"%{canary}%") == []


def test_another_force_neither_reads_nor_writes(world: World, team: Team, other_team: Team) -> None:
    enquiry, stranger = asked(world, team), other_team.person("adviser")
    refused(stranger.get(f"{enquiry.path}/messages"), 404, "not-found")
    refused(stranger.post(f"{enquiry.path}/messages", {"body": "Hello"}), 404, "not-found")


def test_who_only_reads_does_not_write(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    refused(team.person("information_manager").post(f"{enquiry.path}/messages", {"body": "Hi"}), 403, "forbidden")


def test_a_message_about_an_accepted_enquiry_stands_in_the_case(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    case = ok(enquiry.move("acceptance"), 201)
    added = ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "Thank you"}), 201)
    line = world.sql(
        "SELECT actor, subject_id FROM casework.case_event WHERE case_id = $1 AND action = 'enquiry.message'",
        uuid.UUID(case["id"]),
    )
    assert [(row["actor"], str(row["subject_id"])) for row in line] == [("enquirer", added["id"])]
