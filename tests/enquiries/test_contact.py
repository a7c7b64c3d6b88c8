"""Who is there for the business: replaced when somebody leaves, and nobody before them sees any more."""

import uuid
from datetime import timedelta

import asyncpg
import pytest

from casework.access.tokens import hash_token
from tests.enquiries.building import Asked, asked
from tests.enquiries.post import PostRoom, address, confirm, reachable
from tests.support.callers import ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team, World

NEXT = {"name": "Sam Weaver", "email": "sam@markethall.example", "reason": "Jo Fielding has left."}


def test_a_contact_is_replaced_and_the_one_before_is_out_at_once(world: World, team: Team, post: PostRoom) -> None:
    to, new = address(), address()
    enquiry = asked(world, team, **reachable(to))
    case = ok(enquiry.move("acceptance"), 201)
    enquiry.verify()
    confirm(enquiry, post, to)
    ok(enquiry.business.post("/v1/tracking/code"), 202)
    standing = ok(enquiry.move("contact-replacement", {**NEXT, "email": new}))
    assert standing["contact_verified"] is False
    refused(enquiry.business.get("/v1/tracking"), 401, "unauthenticated")
    post.deliver()
    # The acknowledgement, the first code, and that they are the contact no longer: the second code was not sent any more.
    subjects = [str(each["Subject"]) for each in post.letters(to)]
    assert [each.split(" ")[0] for each in subjects] == ["We", "Your", "You"]
    assert enquiry.read()["contact"]["name"] == "Sam Weaver"
    refused(enquiry.move("tracking-token"), 409, "contact-not-verified")
    enquiry.verify()
    token = ok(enquiry.move("tracking-token"))["tracking_token"]
    assert ok(world.anybody(token).get("/v1/tracking"))["second_step"] == "code_required"
    past = ok(enquiry.staff("adviser").get(f"{enquiry.path}/contacts"))["items"]
    assert [(each["name"], each["current"]) for each in past] == [("Sam Weaver", True), ("Jo Fielding", False)]
    assert past[1]["unverified_reason"] == "Jo Fielding has left."
    lines = ok(enquiry.staff("supervisor").get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert "contact.replace" in {line["action"] for line in lines}


def test_who_may_replace_a_contact(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    refused(enquiry.move("contact-replacement", NEXT, by="information_manager"), 403, "forbidden")
    refused(enquiry.business.post(f"{enquiry.path}/contact-replacement", NEXT, match=1), 403, "forbidden")
    abroad = other_team.person("supervisor")
    refused(abroad.post(f"{enquiry.path}/contact-replacement", NEXT, match=1), 404, "not-found")
    refused(abroad.get(f"{enquiry.path}/contacts"), 404, "not-found")
    refused(enquiry.business.get(f"{enquiry.path}/contacts"), 404, "not-found")
    refused(enquiry.move("contact-replacement", {**NEXT, "email": None}), 422, "validation-failed")
    refused(enquiry.move("contact-replacement", NEXT, match=99), 412, "precondition-failed")
    ok(enquiry.move("contact-replacement", NEXT, by="adviser"))
    ok(enquiry.move("refusal", {"reason_code": "hoax_or_abuse"}))
    refused(enquiry.move("contact-replacement", NEXT), 409, "state-conflict")


def test_the_contact_of_a_restricted_case_is_replaced_within_its_circle(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/restriction", {"reason_code": "sensitive_site"}, match=ok(adviser.get(path))["version"]))
    enquiry = asked(world, team)
    ok(enquiry.move("acceptance", {"case_id": case["id"]}), 200)
    ok(enquiry.move("contact-replacement", NEXT))
    rows = world.sql("SELECT restricted, current FROM casework.contact WHERE enquiry_id = $1", uuid.UUID(enquiry.id))
    assert {(row["restricted"], row["current"]) for row in rows} == {(True, True), (True, False)}


async def _issue(connection: asyncpg.Connection, staff: str, action: str, enquiry: str, contact: uuid.UUID) -> str:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.fetchrow(
            "SELECT * FROM access.begin($1, $2, NULL, gen_random_uuid(), NULL)", hash_token(staff), action
        )
        await connection.execute(
            "SELECT access.issue_tracking(sha256('x'), $1, $2, interval '2 years')", uuid.UUID(enquiry), contact
        )
        return "issued"
    except asyncpg.InsufficientPrivilegeError:
        return "refused"
    finally:
        await transaction.rollback()


@pytest.mark.parametrize(
    ("who", "action", "verified", "wanted"),
    [
        ("supervisor", "enquiry.reissue_token", True, "issued"),
        ("supervisor", "enquiry.reissue_token", False, "refused"),
        ("supervisor", "enquiry.submit", True, "refused"),
        ("abroad", "enquiry.reissue_token", True, "refused"),
        ("information_manager", "enquiry.reissue_token", True, "refused"),
    ],
)
def test_the_database_gives_a_token_within_reach_and_to_a_verified_contact_only(
    world: World, team: Team, other_team: Team, who: str, action: str, verified: bool, wanted: str
) -> None:
    """By plain SQL on the staff's login role, past the service."""
    enquiry = asked(world, team)
    if verified:
        enquiry.verify()
    contact = world.sql("SELECT id FROM casework.contact WHERE enquiry_id = $1", uuid.UUID(enquiry.id))[0]["id"]
    caller = other_team.person("supervisor") if who == "abroad" else team.person(who)
    assert world.run_as("casework_api", lambda c: _issue(c, caller.token or "", action, enquiry.id, contact)) == wanted


def test_a_token_given_anew_ends_90_days_after_the_case(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    case = ok(enquiry.move("acceptance"), 201)
    enquiry.verify()
    closed = "UPDATE casework.case_file SET state = 'closed', closed_at = now() - $2::interval WHERE id = $1"

    def reissued_after(days: int) -> Asked:
        world.logged_sql(closed.replace("$2::interval", f"interval '{days} days'"), uuid.UUID(case["id"]))
        return enquiry

    token = ok(reissued_after(10).move("tracking-token"))["tracking_token"]
    ends = "SELECT s.expires_at - f.closed_at AS kept FROM access.session s, casework.case_file f WHERE s.token_hash = $1 AND f.id = $2"
    assert world.sql(ends, hash_token(token), uuid.UUID(case["id"]))[0]["kept"] == timedelta(days=90)
    told = refused(reissued_after(91).move("tracking-token"), 409, "conflict")
    assert "90 days" in told["detail"]


async def _insert(connection: asyncpg.Connection, statements: list[str]) -> str:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.fetchrow("SELECT * FROM access.begin(NULL, 'enquiry.submit', NULL, gen_random_uuid(), NULL)")
        for statement in statements:
            await connection.execute(statement)
        return "done"
    except asyncpg.InsufficientPrivilegeError:
        return "refused"
    finally:
        await transaction.rollback()


def test_the_public_names_a_contact_for_its_own_enquiry_only_and_states_nothing_more(world: World, team: Team) -> None:
    other = asked(world, team)
    mine = uuid.uuid4()
    place = f"'{team.id}', 'ENQ-TEST-{mine.hex[:6]}', '{team.force_code}', 'Site', 'Text', current_date"
    made = ("INSERT INTO casework.enquiry (id, team_id, reference, force_code, site_name, description, respond_by)"
            f" VALUES ('{mine}', {place})")  # fmt: skip
    contact = "INSERT INTO casework.contact (enquiry_id, team_id, name, phone{0}) VALUES ('{2}', '{3}', 'X', '1'{1})"

    def named(of: object, column: str = "", value: str = "") -> str:
        return contact.format(column and f", {column}", value and f", {value}", of, team.id)

    def tried(*statements: str) -> str:
        found: str = world.run_as("casework_public", lambda c: _insert(c, list(statements)))
        return found

    assert tried(made, named(mine)) == "done"
    assert tried(named(other.id)) == "refused"
    assert tried(made, named(mine), named(mine)) == "refused"
    assert tried(made, named(mine, "verified_at", "now()")) == "refused"
    assert tried(made, named(mine, "current", "false")) == "refused"
    for column, value in (("submitted_by", "NULL"), ("state", "'received'"), ("handed_over_to", "'x'"),
                          ("received_at", "now()"), ("token_number", "7"), ("version", "9")):  # fmt: skip
        wider = made.replace("(id,", f"({column}, id,").replace("VALUES (", f"VALUES ({value}, ")
        assert tried(wider) == "refused", column
