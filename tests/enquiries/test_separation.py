"""Nobody becomes the business alone: each half of what opens a case to a contact is another person's."""

import uuid
from typing import Any

import pytest

from casework.access.tokens import hash_token
from tests.enquiries.building import Asked, asked, asking
from tests.enquiries.post import PostRoom, address, confirm, reachable
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, issued_advice
from tests.support.world import Team, World

METHOD = {"method": "call_back_independent_number"}


def by(who: Caller, enquiry: Asked, noun: str, body: Any = None) -> Any:
    return who.post(f"{enquiry.path}/{noun}", body, match=enquiry.read()["version"])


def submitted_by(world: World, team: Team, who: Caller, to: str) -> Asked:
    return Asked(world, team, ok(who.post("/v1/enquiries", asking(team, **reachable(to))), 201))


def mail_of(world: World, who: Caller) -> str:
    found: str = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", who.person_id)[0]["email"]
    return found


@pytest.mark.parametrize("role", ["coordinator", "adviser", "supervisor"])
def test_who_submitted_does_not_verify(world: World, team: Team, role: str) -> None:
    me = team.person(role)
    enquiry = submitted_by(world, team, me, address())
    assert refused(by(me, enquiry, "contact-verification", METHOD), 409, "own-contact")["why"] == "submitted"
    assert "contact.verify" not in ok(me.get(enquiry.path))["allowed_actions"]
    colleague = team.person("coordinator")
    assert "contact.verify" in ok(colleague.get(enquiry.path))["allowed_actions"]
    assert ok(by(colleague, enquiry, "contact-verification", METHOD))["contact_verified"] is True


def test_who_replaced_does_not_verify(world: World, team: Team) -> None:
    me, enquiry = team.person("coordinator"), asked(world, team, **reachable(address()))
    enquiry.verify()
    named = {"name": "Sam Weaver", "email": address(), "reason": "Jo has left."}
    ok(by(me, enquiry, "contact-replacement", named))
    assert refused(by(me, enquiry, "contact-verification", METHOD), 409, "own-contact")["why"] == "replaced"
    # Nor by naming a third in between: whom they named, they do not verify; whom another named, they may.
    ok(by(team.person("adviser"), enquiry, "contact-replacement", {**named, "email": address()}))
    ok(by(me, enquiry, "contact-verification", METHOD))


def test_who_was_shown_the_token_does_not_verify_again(world: World, team: Team) -> None:
    me, enquiry = team.person("supervisor"), asked(world, team, **reachable(address()))
    enquiry.verify()
    ok(by(me, enquiry, "tracking-token"))
    ok(by(me, enquiry, "contact-unverification", {"reason": "Left the company."}))
    assert refused(by(me, enquiry, "contact-verification", METHOD), 409, "own-contact")["why"] == "token"
    ok(by(team.person("supervisor"), enquiry, "contact-verification", METHOD))


@pytest.mark.parametrize("role", ["coordinator", "supervisor"])
def test_nor_is_who_verified_shown_the_token(world: World, team: Team, role: str) -> None:
    me, enquiry = team.person(role), asked(world, team, **reachable(address()))
    ok(by(me, enquiry, "contact-verification", METHOD))
    refused(by(me, enquiry, "tracking-token"), 409, "own-verification")
    ok(enquiry.business.get("/v1/tracking"))  # the token before has not ended
    ok(by(team.person("coordinator"), enquiry, "tracking-token"))


@pytest.mark.parametrize("spelled", ["ana@derbyshire.police.uk", "Ana@POLICE.UK", "ana@ctsa.pnn.police.uk"])
def test_an_address_of_the_force_is_taken_from_the_public_and_verified_by_a_supervisor_only(
    world: World, team: Team, spelled: str
) -> None:
    enquiry = asked(world, team, **reachable(spelled))
    plain = asked(world, team, **reachable(address()))
    assert enquiry.received.keys() == plain.received.keys()
    seen, other = ok(enquiry.business.get("/v1/tracking")), ok(plain.business.get("/v1/tracking"))
    assert seen.keys() == other.keys()
    assert (seen["second_step"], seen["verified"]) == (other["second_step"], other["verified"])
    assert enquiry.read()["contact"]["force_address"] is True
    assert plain.read()["contact"]["force_address"] is False
    said = {**METHOD, "exception_reason": "The estates department asks for its own front desk."}
    for role in ("coordinator", "adviser"):
        for body in (METHOD, said):
            told = refused(by(team.person(role), enquiry, "contact-verification", body), 409, "own-contact")
            assert told["why"] == "force_address"
    supervisor = team.person("supervisor")
    refused(by(supervisor, enquiry, "contact-verification", METHOD), 409, "own-contact")
    assert "contact.verify" in ok(supervisor.get(enquiry.path))["allowed_actions"]
    ok(by(supervisor, enquiry, "contact-verification", said))
    assert enquiry.read()["contact"]["verification_exception"] == said["exception_reason"]


def test_what_only_looks_like_an_address_of_the_force_is_none(world: World, team: Team) -> None:
    for spelled in ("ana@notpolice.uk", "ana@police.uk.example", "police.uk@markethall.example"):
        enquiry = asked(world, team, **reachable(spelled))
        assert enquiry.read()["contact"]["force_address"] is False
        ok(by(team.person("coordinator"), enquiry, "contact-verification", METHOD))


def test_an_address_of_a_colleague_is_verified_by_a_supervisor_who_is_not_that_person(
    world: World, team: Team, other_team: Team
) -> None:
    said = {**METHOD, "exception_reason": "She runs the museum's shop on Sundays."}
    colleague, supervisor = other_team.person("adviser"), team.person("supervisor")
    mail = mail_of(world, colleague)
    for spelled in (mail, mail.upper(), mail.replace("@", "+shop@")):
        enquiry = asked(world, team, **reachable(spelled))
        told = refused(by(team.person("coordinator"), enquiry, "contact-verification", said), 409, "own-contact")
        assert told["why"] == "colleague"
        refused(by(supervisor, enquiry, "contact-verification", METHOD), 409, "own-contact")
        ok(by(supervisor, enquiry, "contact-verification", said))
    mine = asked(world, team, **reachable(mail_of(world, supervisor)))
    assert refused(by(supervisor, mine, "contact-verification", said), 409, "own-contact")["why"] == "own_address"


def test_the_database_holds_it_without_the_service(world: World, team: Team) -> None:
    """By plain SQL on the staff's login role, past the service."""
    import asyncpg

    me = team.person("supervisor")
    enquiry = submitted_by(world, team, me, address())
    joined, _, _ = joined_by(world, team, team.person("coordinator"))

    async def go(connection: asyncpg.Connection) -> list[str | None]:
        told = []
        coordinator = team.person("coordinator")
        for who, action, statement, of in (
            (me, "contact.verify", "UPDATE casework.contact SET verified_at = now(), verification_method = 'x' WHERE enquiry_id = $1", enquiry),
            (coordinator, "enquiry.accept", "UPDATE casework.enquiry SET case_withheld = false WHERE id = $1", joined),
        ):  # fmt: skip
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetchrow(
                "SELECT * FROM access.begin($1, $2, NULL, gen_random_uuid(), NULL)", hash_token(who.token or ""), action
            )
            try:
                told.append(await connection.execute(statement, uuid.UUID(of.id)))
            except asyncpg.PostgresError as error:
                told.append(error.sqlstate)
            await transaction.rollback()
        return told

    assert world.run_as("casework_api", go) == ["CW002", "CW002"]


# --- joining ---


def joined_by(world: World, team: Team, who: Caller) -> tuple[Asked, dict[str, Any], Caller]:
    """A case with issued advice, whose adviser is another, and an enquiry that somebody joined to it; its contact is verified."""
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued_advice(team, adviser, case)
    enquiry = asked(world, team, **reachable(address()))
    enquiry.triage()
    ok(by(who, enquiry, "acceptance", {"case_id": case["id"]}), 200)
    return enquiry, case, adviser


def through_the_second_step(enquiry: Asked, post: PostRoom) -> None:
    enquiry.business.teams = {enquiry.team.id}
    confirm(enquiry, post, enquiry.read()["contact"]["email"])


@pytest.mark.parametrize("role", ["coordinator", "adviser"])
def test_joining_opens_nothing_without_the_cases_adviser_or_a_supervisor(
    world: World, team: Team, post: PostRoom, role: str
) -> None:
    joiner = team.person(role)
    enquiry, _, adviser = joined_by(world, team, joiner)
    enquiry.verify()
    through_the_second_step(enquiry, post)
    assert enquiry.read()["case_withheld"] is True
    for path in ("/v1/visits", "/v1/advice", "/v1/recommendations"):
        assert ok(enquiry.business.get(path))["items"] == []
    told = refused(by(joiner, enquiry, "case-opening"), 409, "case-withheld")
    assert "adviser" in told["detail"]
    path = f"/v1/enquiries/{enquiry.id}"
    offered = [
        each
        for each in (joiner, adviser, team.person("supervisor"))
        if "enquiry.accept" in ok(each.get(path))["allowed_actions"]
    ]
    assert [each.person_id for each in offered[:1]] == [adviser.person_id]
    assert len(offered) == 2
    assert ok(by(adviser, enquiry, "case-opening"))["case_withheld"] is False
    assert len(ok(enquiry.business.get("/v1/advice"))["items"]) == 1
    again = refused(by(adviser, enquiry, "case-opening"), 409, "state-conflict")
    assert (again["state"], again["possible_from"]) == ("open", ["withheld"])
    assert "enquiry.accept" not in ok(adviser.get(path))["allowed_actions"]


def test_a_case_that_is_kept_from_a_contact_writes_it_no_letter(world: World, team: Team, post: PostRoom) -> None:
    enquiry, case, adviser = joined_by(world, team, team.person("coordinator"))
    enquiry.verify()
    to = enquiry.read()["contact"]["email"]
    post.deliver()
    before = len(post.letters(to))
    issued_advice(team, adviser, case)
    post.deliver()
    assert len(post.letters(to)) == before


def test_its_adviser_and_a_supervisor_open_by_joining_and_a_case_of_its_own_is_open(
    world: World, team: Team, post: PostRoom
) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued_advice(team, adviser, case)
    for who in (adviser, team.person("supervisor")):
        enquiry = asked(world, team, **reachable(address()))
        ok(by(who, enquiry, "acceptance", {"case_id": case["id"]}), 200)
        assert enquiry.read()["case_withheld"] is False
        enquiry.verify()
        through_the_second_step(enquiry, post)
        assert len(ok(enquiry.business.get("/v1/advice"))["items"]) == 1
    own = asked(world, team)
    ok(by(team.person("coordinator"), own, "acceptance"), 201)
    assert own.read()["case_withheld"] is False


@pytest.mark.parametrize("role", ["adviser", "supervisor"])
def test_whoever_may_open_a_case_does_not_verify_the_contact_as_well(world: World, team: Team, role: str) -> None:
    """By a stranger's form and their own mailbox, each of these is the business, unless a colleague has a half of it."""
    adviser = team.person("adviser")
    me = adviser if role == "adviser" else team.person(role)
    case = allocated_case(team, adviser)
    issued_advice(team, adviser, case)
    verified, opened = (asked(world, team, **reachable(address())) for _ in range(2))
    for each in (verified, opened):
        each.triage()
    ok(by(me, verified, "contact-verification", METHOD))
    ok(by(me, verified, "acceptance", {"case_id": case["id"]}), 200)
    assert verified.read()["case_withheld"] is True
    assert "somebody else" in refused(by(me, verified, "case-opening"), 409, "case-withheld")["detail"]
    assert ok(by(team.person("supervisor"), verified, "case-opening"))["case_withheld"] is False
    ok(by(me, opened, "acceptance", {"case_id": case["id"]}), 200)
    assert opened.read()["case_withheld"] is False
    assert refused(by(me, opened, "contact-verification", METHOD), 409, "own-contact")["why"] == "opened"
    opened.verify()


def test_a_coordinator_alone_does_not_become_the_business(world: World, team: Team, post: PostRoom) -> None:
    """Attack A6, both ways: by an enquiry of one's own joined to the case, and by the true one's contact replaced."""
    me = team.person("coordinator")
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued_advice(team, adviser, case)
    mine = submitted_by(world, team, me, address())
    refused(by(me, mine, "contact-verification", METHOD), 409, "own-contact")
    ok(by(me, mine, "triage", {"strand": "pal"}))
    ok(by(me, mine, "acceptance", {"case_id": case["id"]}), 200)
    refused(mine.business.post("/v1/tracking/code"), 409, "awaiting-verification")
    refused(mine.business.get("/v1/advice"), 403, "forbidden")
    # And should a colleague verify them in good faith, the case is not theirs to see.
    mine.verify()
    through_the_second_step(mine, post)
    assert ok(mine.business.get("/v1/advice"))["items"] == []
    true = asked(world, team, **reachable(address()))
    ok(by(team.person("supervisor"), true, "acceptance", {"case_id": case["id"]}), 200)
    true.verify()
    ok(by(me, true, "contact-replacement", {"name": "Me", "email": address(), "reason": "Jo has left."}))
    refused(by(me, true, "contact-verification", METHOD), 409, "own-contact")
    refused(by(me, true, "tracking-token"), 409, "contact-not-verified")


def test_the_cases_adviser_is_told_of_each_step(world: World, team: Team, post: PostRoom) -> None:
    enquiry, _, adviser = joined_by(world, team, team.person("coordinator"))
    me = team.person("supervisor")
    ok(by(me, enquiry, "case-opening"))
    ok(by(team.person("coordinator"), enquiry, "contact-verification", METHOD))
    ok(by(me, enquiry, "tracking-token"))
    ok(by(me, enquiry, "contact-unverification", {"reason": "Left."}))
    ok(by(me, enquiry, "contact-replacement", {"name": "Sam", "email": address(), "reason": "Jo has left."}))
    ok(by(adviser, enquiry, "contact-verification", METHOD))
    post.deliver()
    reference = enquiry.received["reference"]
    told = [str(letter["Subject"]) for letter in post.letters(mail_of(world, adviser))]
    assert told == [
        f"{reference} was joined to your case",
        f"Your case was opened to {reference}",
        f"The contact of {reference} was verified",
        f"{reference} has a new tracking token",
        f"The contact of {reference} is no longer verified",
        f"{reference} has another contact",
    ], "of what others did; their own steps are no news to them"
    lines = ok(adviser.get(f"/v1/cases/{enquiry.read()['case_id']}/timeline"))["items"]
    assert {"contact.verify", "contact.unverify", "contact.replace", "enquiry.accept", "enquiry.reissue_token"} <= {
        line["action"] for line in lines
    }


def test_the_team_is_told_where_the_cases_adviser_has_left(world: World, team: Team, post: PostRoom) -> None:
    enquiry, _, adviser = joined_by(world, team, team.person("coordinator"))
    post.deliver()
    keeper, path = team.person("administrator"), f"/v1/people/{adviser.person_id}/roles"
    (held,) = ok(keeper.get(path))["items"]
    ok(keeper.delete(f"{path}/{held['id']}?leaving=true"))
    before = len(post.letters(mail_of(world, adviser)))
    enquiry.verify()
    post.deliver()
    subject = f"The contact of {enquiry.received['reference']} was verified"
    mailbox = post.letters(f"ctsa@{team.force_code.lower()}.example")
    assert subject in [str(letter["Subject"]) for letter in mailbox]
    assert len(post.letters(mail_of(world, adviser))) == before
