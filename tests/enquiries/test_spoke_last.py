"""What a business writes is kept, and somebody hears of it, also when all has ended."""

from typing import Any

import pytest

from tests.enquiries.building import Asked, asked
from tests.enquiries.post import PostRoom
from tests.enquiries.test_told import HANDED, accepted, closed, page, through
from tests.support.callers import ok
from tests.support.story import issued_advice, recommendation
from tests.support.world import Team, World

ENDS: dict[str, dict[str, Any]] = {
    "refusal": {"reason_code": "product_endorsement"},
    "signposting": {"signposted_to": "general_question", "reason_code": "general_question"},
    "withdrawal": {},
}


def wrote(enquiry: Asked, body: str = "Is anybody there?") -> Any:
    return ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": body}), 201)


def spoke_last(enquiry: Asked) -> bool:
    """Whether the list of those to answer holds it; the list of the others holds it if not."""
    staff = enquiry.staff("supervisor")
    found = {
        said: enquiry.id in {each["id"] for each in ok(staff.get(f"/v1/enquiries?limit=100&business_spoke_last={said}"))["items"]}
        for said in ("true", "false")
    }  # fmt: skip
    assert found["true"] is not found["false"]
    assert found["true"] is (enquiry.read()["business_spoke_at"] is not None)
    return found["true"]


def mail_of(world: World, person_id: str | None) -> str:
    found: str = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person_id)[0]["email"]
    return found


def heard(post: PostRoom, address: str) -> int:
    """How many letters told somebody that the business has written."""
    post.deliver()
    return sum("has written" in str(each["Subject"]) for each in post.letters(address))


def test_the_business_marks_an_enquiry_and_our_answer_takes_the_mark_away(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    assert not spoke_last(enquiry)
    version = enquiry.read()["version"]
    assert wrote(enquiry)["answer"] is None
    assert spoke_last(enquiry)
    assert enquiry.read()["version"] == version  # nobody's move becomes stale by it
    ok(enquiry.staff("adviser").post(f"{enquiry.path}/messages", {"body": "Yes."}), 201)
    assert not spoke_last(enquiry)


@pytest.mark.parametrize("end", ENDS)
def test_after_an_end_it_is_kept_answered_with_a_number_and_told_to_coordinators(
    world: World, team: Team, post: PostRoom, end: str
) -> None:
    enquiry = asked(world, team)
    ok(enquiry.move(end, ENDS[end]))
    coordinator = mail_of(world, team.person("coordinator").person_id)
    state = enquiry.read()["state"]
    answer = wrote(enquiry, "One word more.")["answer"]
    assert str(page(enquiry)["team"]["phone"]) in answer
    assert (enquiry.read()["state"], spoke_last(enquiry)) == (state, True)
    assert "One word more." in str(ok(enquiry.staff("supervisor").get(f"{enquiry.path}/messages")))
    assert heard(post, coordinator) == 1
    wrote(enquiry)
    assert heard(post, coordinator) == 1  # once, until somebody answers
    ok(enquiry.staff("supervisor").post(f"{enquiry.path}/messages", {"body": "We ring you."}), 201)
    assert not spoke_last(enquiry)
    wrote(enquiry)
    assert heard(post, coordinator) == 2


def test_after_its_case_has_closed_the_last_adviser_is_told(world: World, team: Team, post: PostRoom) -> None:
    enquiry = asked(world, team)
    case = accepted(enquiry)
    coordinator = mail_of(world, team.person("coordinator").person_id)
    adviser = mail_of(world, enquiry.staff("adviser").person_id)
    wrote(enquiry)
    assert heard(post, adviser) == 0  # it is in their list
    closed(enquiry, case)
    assert "ring" in wrote(enquiry)["answer"]
    assert (heard(post, adviser), heard(post, coordinator)) == (1, 0)


def test_where_the_last_adviser_has_left_the_coordinators_are_told(world: World, team: Team, post: PostRoom) -> None:
    enquiry = asked(world, team)
    closed(enquiry, accepted(enquiry))
    coordinator = mail_of(world, team.person("coordinator").person_id)
    adviser = enquiry.staff("adviser")
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1::text::uuid", adviser.person_id)
    wrote(enquiry)
    assert (heard(post, coordinator), heard(post, mail_of(world, adviser.person_id))) == (1, 0)


def test_an_adviser_of_another_team_only_is_no_last_adviser(
    world: World, team: Team, other_team: Team, post: PostRoom
) -> None:
    enquiry = asked(world, team)
    closed(enquiry, accepted(enquiry))
    coordinator, adviser, keeper = team.person("coordinator"), enquiry.staff("adviser"), team.person("administrator")
    path = f"/v1/people/{adviser.person_id}/roles"
    (here,) = ok(keeper.get(path))["items"]
    world.give_role(adviser.person_id or "", "adviser", other_team)
    ok(keeper.delete(f"{path}/{here['id']}"))
    wrote(enquiry)
    assert [heard(post, mail_of(world, each.person_id)) for each in (coordinator, adviser)] == [1, 0]


def test_who_was_not_told_of_the_end_reads_no_answer_either(world: World, team: Team) -> None:
    refused = asked(world, team)
    ok(refused.move("refusal", {"reason_code": "hoax_or_abuse"}))
    assert wrote(refused)["answer"] is None
    assert spoke_last(refused)
    handed = asked(world, team)
    case = accepted(handed)
    ok(handed.move("hand-over", HANDED))
    closed(handed, case)
    assert wrote(handed)["answer"] is None


def told_staff(post: PostRoom, address: str) -> str:
    """What the one letter said by which somebody was told that the business has written."""
    post.deliver()
    (letter,) = (each for each in post.letters(address) if "has written" in str(each["Subject"]))
    return " ".join(letter.get_content().split())


def test_staff_are_told_what_the_business_was_told(world: World, team: Team, post: PostRoom) -> None:
    """By letter as by answer: where it reads of no end, nothing may be given away."""
    coordinator = mail_of(world, team.person("coordinator").person_id)
    told = asked(world, team)
    ok(told.move("refusal", ENDS["refusal"]))
    assert wrote(told)["answer"] is not None
    assert "It was told that a colleague is, and whom to ring" in told_staff(post, coordinator)
    for silent in ("refused", "handed over", "closed"):
        quiet = asked(world, team)
        if silent == "closed":
            case = accepted(quiet)
            ok(quiet.move("hand-over", HANDED))
            closed(quiet, case)
        else:
            if silent == "handed over":
                ok(quiet.move("hand-over", HANDED))
            reason = "hoax_or_abuse" if silent == "refused" else "product_endorsement"
            ok(quiet.move("refusal", {"reason_code": reason}))
        assert wrote(quiet)["answer"] is None
        reference = quiet.read()["reference"]
        to = mail_of(world, quiet.staff("adviser").person_id) if silent == "closed" else coordinator
        post.deliver()
        (letter,) = (
            each.get_content() for each in post.letters(to) if f"{reference} has written" in str(each["Subject"])
        )
        assert "It was not told of the end" in letter
        assert "whom to ring" not in letter


def test_who_withdrew_what_was_refused_in_silence_is_answered_and_staff_are_told_so(
    world: World, team: Team, post: PostRoom
) -> None:
    enquiry = asked(world, team)
    refusal = ok(enquiry.move("refusal", {"reason_code": "hoax_or_abuse"}))
    coordinator = mail_of(world, team.person("coordinator").person_id)
    assert wrote(enquiry)["answer"] is None
    assert "whom to ring" not in told_staff(post, coordinator)
    ok(enquiry.business.post(f"{enquiry.path}/withdrawal", {}, match=refusal["version"]))
    assert "ring" in wrote(enquiry)["answer"]
    post.deliver()
    assert "whom to ring" in post.letters(coordinator)[-1].get_content()


def test_of_a_joined_enquiry_staff_are_told_that_it_is_joined(world: World, team: Team, post: PostRoom) -> None:
    enquiry, original = asked(world, team), asked(world, team)
    ok(enquiry.move("duplicate-marking", {"duplicate_of": original.id}))
    coordinator = mail_of(world, team.person("coordinator").person_id)
    assert wrote(enquiry)["answer"] is None
    letter = told_staff(post, coordinator)
    assert "was joined with another enquiry" in letter
    assert "whom to ring" not in letter


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("handed", [False, True])
def test_an_answer_on_a_closed_case_is_told_as_a_message_is(
    world: World, team: Team, post: PostRoom, *, handed: bool, left: bool
) -> None:
    enquiry = asked(world, team)
    case = accepted(enquiry)
    through(world, enquiry)
    adviser = enquiry.staff("adviser")
    lines = issued_advice(team, adviser, case, recommendation(priority="low"))["recommendations"]
    path = f"/v1/recommendations/{lines[0]['id']}/responses"
    said = {"answer": "declined", "reason_code": "cost", "note": "Canary-5519: too dear."}
    addresses = [mail_of(world, team.person("coordinator").person_id), mail_of(world, adviser.person_id)]

    def answers() -> list[str]:
        post.deliver()
        found = [each for to in addresses for each in post.letters(to) if "has answered" in str(each["Subject"])]
        return [f"{each['To'].addresses[0].addr_spec} {each.get_content()}" for each in found]

    ok(enquiry.business.post(path, said), 201)
    assert answers() == []  # it is in their list
    if handed:
        ok(enquiry.move("hand-over", HANDED))
    open_ = [{"recommendation_id": each["id"], "reason_code": "declined_by_business"} for each in lines]
    closed(enquiry, case, open_recommendations=open_)
    if left:
        world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1::text::uuid", adviser.person_id)
    ok(enquiry.staff("supervisor").post(path, said), 201)  # taken down by one of ours
    assert answers() == []
    ok(enquiry.business.post(path, said), 201)
    ok(enquiry.business.post(path, {"answer": "accepted"}), 201)
    (letter,) = answers()
    assert letter.startswith(addresses[0 if left else 1])
    assert enquiry.read()["reference"] in letter
    assert "Canary-5519" not in letter
    assert lines[0]["action"] not in letter
    ok(enquiry.business.post(path, said), 201)
    assert len(answers()) == 2


def test_a_hand_over_takes_the_text_and_leaves_the_mark(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    made = wrote(enquiry)
    ok(enquiry.move("hand-over", {**HANDED, "messages": [made["id"]]}))
    assert spoke_last(enquiry)
    named = {"name": "Jo Fielding", "phone": "01632 960002", "reason": "Ana has left."}
    ok(enquiry.move("contact-replacement", named))
    assert spoke_last(enquiry)


def test_who_is_locked_out_hears_of_nothing(world: World, team: Team, post: PostRoom) -> None:
    enquiry = asked(world, team)
    closed(enquiry, accepted(enquiry))
    coordinator, adviser = team.person("coordinator"), enquiry.staff("adviser")
    path = f"/v1/people/{adviser.person_id}"
    keeper = team.person("administrator")
    why = {"reason": "Their laptop was stolen this morning."}
    ok(keeper.post(f"{path}/suspension", why, match=ok(keeper.get(path))["version"]), 201)
    wrote(enquiry)
    told = [heard(post, mail_of(world, each.person_id)) for each in (coordinator, adviser)]
    assert told == [1, 0]
