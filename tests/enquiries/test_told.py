"""What a business is told of an end, by letter and by its page, and what it never learns."""

from pathlib import Path
from typing import Any

import pytest

from casework.kernel.settings import Settings
from tests.enquiries.building import Asked, asked
from tests.enquiries.post import PostRoom, address
from tests.support.callers import Caller, ok, refused
from tests.support.story import confirmed, enquirer_of, issued_advice, moment, proposed_visit
from tests.support.world import Team, World

ENDS: dict[str, dict[str, Any]] = {
    "refusal": {"reason_code": "product_endorsement"},
    "signposting": {"signposted_to": "general_question", "reason_code": "general_question"},
}
SUBJECTS = {"refusal": "We cannot help with", "signposting": "Another service can help with"}
SILENT = ("hoax_or_abuse", "no_connection_to_place", "contact_not_verified")
HANDED = {"to": "Force intelligence bureau", "at": moment(hours=-1)}


@pytest.fixture
def room(world: World, test_settings: Settings, tmp_path: Path) -> PostRoom:
    """A post room of a force whose own domain is ``example``."""
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    settings = test_settings.model_copy(update={"force_mail_domains": ("example",)})
    return PostRoom(world, settings, tmp_path / "mail")


def with_mail(world: World, team: Team, **facts: Any) -> tuple[Asked, str]:
    email = address()
    contact = {"name": "Ana Kowalska", "phone": "01632 960001", "email": email}
    return asked(world, team, contact=contact, **facts), email


def subjects(room: PostRoom, email: str) -> list[str]:
    """What was written to an address, but for what it was written when the enquiry came in."""
    room.deliver()
    return [str(each["Subject"]) for each in room.letters(email) if "We have received" not in str(each["Subject"])]


def page(enquiry: Asked) -> dict[str, Any]:
    """What the business reads of its enquiry; its version counts every change of ours."""
    tracked: dict[str, Any] = ok(enquiry.business.get("/v1/tracking"))
    tracked.pop("version")
    return tracked


def accepted(enquiry: Asked) -> dict[str, Any]:
    """The case of an enquiry whose contact is verified, with its adviser."""
    enquiry.verify()
    enquiry.triage()
    case = ok(enquiry.move("acceptance"), 201)
    giver, adviser = enquiry.staff("supervisor"), enquiry.staff("adviser")
    given = {"adviser_id": adviser.person_id}
    allocated: dict[str, Any] = ok(giver.post(f"/v1/cases/{case['id']}/allocation", given, match=case["version"]))
    return allocated


def closed(enquiry: Asked, case: dict[str, Any], **facts: Any) -> None:
    supervisor, path = enquiry.staff("supervisor"), f"/v1/cases/{case['id']}"
    body = {"reason_code": "event_over", **facts}
    ok(supervisor.post(f"{path}/closure", body, match=ok(supervisor.get(path))["version"]))


def reopened(enquiry: Asked, case: dict[str, Any]) -> None:
    supervisor, path = enquiry.staff("supervisor"), f"/v1/cases/{case['id']}"
    ok(supervisor.post(f"{path}/reopening", {}, match=ok(supervisor.get(path))["version"]))


def through(world: World, enquiry: Asked) -> None:
    """The business has entered its code: it reads of the visits and the advice."""
    confirmed(world, enquiry.business)
    enquiry.business.teams = {enquiry.team.id}


def read_by(business: Caller) -> dict[str, Any]:
    """All that a business reads, but for the versions, which count every change of ours."""
    lists = ("advice", "advice?state=issued", "advice?state=withdrawn", "recommendations", "recommendations?open=true")
    lists += ("visits", *(f"visits?state={state}" for state in ("proposed", "confirmed", "cancelled")))
    found = {path: ok(business.get(f"/v1/{path}")) for path in ("tracking", *lists)}
    for kind in ("advice", "recommendations", "visits"):
        for each in found[kind]["items"]:
            path = f"{kind}/{each['id']}"
            found[path] = ok(business.get(f"/v1/{path}"))
    return without_versions(found)


def without_versions(found: Any) -> Any:
    if isinstance(found, list):
        return [without_versions(each) for each in found]
    if isinstance(found, dict):
        return {name: without_versions(each) for name, each in found.items() if name != "version"}
    return found


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_told_in_the_teams_name_and_how_to_check_it(
    world: World, team: Team, room: PostRoom, end: str
) -> None:
    enquiry, email = with_mail(world, team)
    ok(enquiry.move(end, ENDS[end]))
    assert page(enquiry)["state"] == ("refused" if end == "refusal" else "signposted")
    assert [each.split(" your")[0] for each in subjects(room, email)] == [SUBJECTS[end]]
    letter = room.letters(email)[-1]
    sender = letter["From"].addresses[0]
    assert sender.display_name == ok(enquiry.business.get("/v1/tracking"))["team"]["name"]
    assert sender.addr_spec == f"ctsa@{team.force_code.lower()}.example"
    assert letter["Sender"].address.addr_spec == room.settings.mail_from
    first, text = letter.get_content().splitlines()[0], letter.get_content()
    reference = enquiry.read()["reference"]
    assert f"about your enquiry {reference}" in first
    assert f"To check that it is genuine, ring 101, ask for {sender.display_name}" in first
    assert "Market Hall" not in text + str(letter["Subject"])


@pytest.mark.parametrize("reason", SILENT)
@pytest.mark.parametrize("triaged", [False, True])
def test_an_abuser_learns_nothing_from_letter_or_page(
    world: World, team: Team, room: PostRoom, reason: str, *, triaged: bool
) -> None:
    enquiry, email = with_mail(world, team)
    if triaged:
        enquiry.triage()
    before = page(enquiry)
    stood = ok(enquiry.move("refusal", {"reason_code": reason}))
    assert (stood["state"], stood["shown_stage"]) == ("refused", before["state"])
    assert page(enquiry) == before
    assert subjects(room, email) == []
    # As if nothing had ended, they withdraw; that is then what they read.
    withdrawn = ok(enquiry.business.post(f"{enquiry.path}/withdrawal", {}, match=stood["version"]))
    assert (withdrawn["state"], page(enquiry)["state"]) == ("withdrawn", "withdrawn")
    assert enquiry.read()["state"] == "refused"


@pytest.mark.parametrize("reason", SILENT)
def test_staff_may_say_that_they_are_told(world: World, team: Team, room: PostRoom, reason: str) -> None:
    enquiry, email = with_mail(world, team)
    ok(enquiry.move("refusal", {"reason_code": reason, "tell_business": True}))
    assert page(enquiry)["state"] == "refused"
    assert reason not in str(page(enquiry))
    assert len(subjects(room, email)) == 1


def test_a_refusal_that_was_not_told_is_taken_back_without_a_word(world: World, team: Team, room: PostRoom) -> None:
    enquiry, email = with_mail(world, team)
    ok(enquiry.move("refusal", {"reason_code": "hoax_or_abuse"}))
    stood = ok(enquiry.move("reopening", {"reason": "It was theirs after all."}))
    assert (stood["state"], stood["shown_stage"]) == ("received", None)
    assert subjects(room, email) == []
    ok(enquiry.move("refusal", ENDS["refusal"]))
    assert page(enquiry)["state"] == "refused"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("told", [False, True])
def test_after_a_hand_over_an_end_is_told_only_where_staff_say_so(
    world: World, team: Team, room: PostRoom, end: str, *, told: bool
) -> None:
    enquiry, email = with_mail(world, team)
    ok(enquiry.move("hand-over", HANDED))
    before = page(enquiry)
    ok(enquiry.move(end, ENDS[end] | {"tell_business": told}))
    assert (page(enquiry) == before) is not told
    assert len(subjects(room, email)) == told


def test_closing_withdrawing_and_cancelling_are_told_to_verified_contacts(
    world: World, team: Team, room: PostRoom
) -> None:
    enquiry, email = with_mail(world, team)
    case = accepted(enquiry)
    adviser, supervisor = enquiry.staff("adviser"), enquiry.staff("supervisor")
    visit = proposed_visit(adviser, case)
    subjects(room, email)  # that there is a visit
    path = f"/v1/visits/{visit['id']}/cancellation"
    ok(adviser.post(path, {"reason_code": "operational_priority"}, match=visit["version"]))
    assert "is cancelled" in subjects(room, email)[-1]
    issued = issued_advice(team, adviser, case)
    subjects(room, email)  # that there is advice
    path = f"/v1/advice/{issued['id']}/withdrawal"
    ok(supervisor.post(path, {"reason": "The wrong building."}, match=issued["version"]))
    assert "is withdrawn" in subjects(room, email)[-1]
    assert "building" not in room.letters(email)[-1].get_content()
    closed(enquiry, case)
    assert "has ended" in subjects(room, email)[-1]
    assert page(enquiry)["status"] == "Closed"


def test_a_visit_cancelled_for_want_of_verification_is_told_only_where_staff_say_so(
    world: World, team: Team, room: PostRoom
) -> None:
    enquiry, email = with_mail(world, team)
    case = accepted(enquiry)
    adviser = enquiry.staff("adviser")
    for told in (False, True):
        visit = proposed_visit(adviser, case)
        body = {"reason_code": "contact_not_verified", "tell_business": told}
        ok(adviser.post(f"/v1/visits/{visit['id']}/cancellation", body, match=visit["version"]))
        assert ("is cancelled" in subjects(room, email)[-1]) is told


@pytest.mark.parametrize("told", [False, True])
def test_after_a_hand_over_the_end_of_a_case_is_read_only_where_staff_say_so(
    world: World, team: Team, room: PostRoom, *, told: bool
) -> None:
    enquiry, email = with_mail(world, team)
    case = accepted(enquiry)
    ok(enquiry.move("hand-over", HANDED))
    before = page(enquiry)
    closed(enquiry, case, tell_business=told)
    assert (page(enquiry) == before) is not told
    assert len(subjects(room, email)) == told
    reopened(enquiry, case)
    assert (page(enquiry) == before) is not told
    if told:
        assert page(enquiry)["status"] == "Opened again"


def test_a_case_that_was_closed_in_silence_reads_on_until_there_is_news_of_its_work(world: World, team: Team) -> None:
    enquiry, _ = with_mail(world, team)
    case = accepted(enquiry)
    ok(enquiry.move("hand-over", HANDED))
    before = page(enquiry)
    for _ in range(2):  # closed, opened again, closed once more, and opened again
        closed(enquiry, case)
        assert page(enquiry) == before
        reopened(enquiry, case)
        assert page(enquiry) == before
        assert enquiry.read()["shown_stage"] == "accepted_allocated"
    supervisor, adviser = enquiry.staff("supervisor"), enquiry.staff("adviser")
    path = f"/v1/cases/{case['id']}"
    given = {"adviser_id": adviser.person_id}
    ok(supervisor.post(f"{path}/allocation", given, match=ok(supervisor.get(path))["version"]))
    proposed_visit(adviser, case)
    assert page(enquiry)["status"] == "Being worked on"
    assert enquiry.read()["shown_stage"] is None
    closed_told = page(enquiry)
    visits = ok(adviser.get("/v1/visits", case_id=case["id"]))["items"]
    for visit in visits:
        body = {"reason_code": "operational_priority"}
        ok(adviser.post(f"/v1/visits/{visit['id']}/cancellation", body, match=visit["version"]))
    closed(enquiry, case)
    assert page(enquiry) == closed_told
    reopened(enquiry, case)
    closed(enquiry, case, tell_business=True)
    assert page(enquiry)["status"] == "Closed"


def test_who_was_told_that_a_case_is_closed_is_told_that_it_is_opened_again(world: World, team: Team) -> None:
    enquiry, _ = with_mail(world, team)
    case = accepted(enquiry)
    closed(enquiry, case)
    ok(enquiry.move("hand-over", HANDED))
    assert page(enquiry)["status"] == "Closed"
    reopened(enquiry, case)
    assert page(enquiry)["status"] == "Opened again"


@pytest.mark.parametrize("told", [False, True])
def test_after_a_hand_over_what_ends_within_a_case_is_told_only_where_staff_say_so(
    world: World, team: Team, room: PostRoom, *, told: bool
) -> None:
    enquiry, email = with_mail(world, team)
    case = accepted(enquiry)
    adviser, supervisor = enquiry.staff("adviser"), enquiry.staff("supervisor")
    visit, issued = proposed_visit(adviser, case), issued_advice(team, adviser, case)
    ok(enquiry.move("hand-over", HANDED))
    before = len(subjects(room, email))
    why = {"reason_code": "operational_priority", "tell_business": told}
    ok(adviser.post(f"/v1/visits/{visit['id']}/cancellation", why, match=visit["version"]))
    assert ["is cancelled" in each for each in subjects(room, email)[before:]] == [True] * told
    said = {"reason": "The wrong building.", "tell_business": told}
    ok(supervisor.post(f"/v1/advice/{issued['id']}/withdrawal", said, match=issued["version"]))
    assert ["is withdrawn" in each for each in subjects(room, email)[before + told :]] == [True] * told


@pytest.mark.parametrize("handed", [False, True])
@pytest.mark.parametrize("told", [False, True])
def test_both_contacts_hear_of_a_replacement(
    world: World, team: Team, room: PostRoom, *, handed: bool, told: bool
) -> None:
    enquiry, former = with_mail(world, team)
    if handed:
        ok(enquiry.move("hand-over", HANDED))
    named = address()
    body = {"name": "Jo Fielding", "email": named, "reason": "Ana has left.", "tell_business": told}
    ok(enquiry.move("contact-replacement", body))
    heard = told or not handed
    assert [each.split(" for")[0] for each in subjects(room, former)] == ["You are no longer the contact"] * heard
    assert [each.split(" for")[0] for each in subjects(room, named)] == ["You are the contact"] * heard


def test_who_is_not_verified_hears_of_no_case(world: World, team: Team, room: PostRoom) -> None:
    enquiry, email = with_mail(world, team)
    enquiry.triage()
    case = ok(enquiry.move("acceptance"), 201)
    closed(enquiry, case)
    assert subjects(room, email) == []


SECRET = "Subject of an investigation."


def withdrawn(enquiry: Asked, issued: dict[str, Any], *, told: bool) -> dict[str, Any]:
    supervisor, path = enquiry.staff("supervisor"), f"/v1/advice/{issued['id']}"
    body = {"reason": SECRET, "tell_business": told}
    found: dict[str, Any] = ok(supervisor.post(f"{path}/withdrawal", body, match=ok(supervisor.get(path))["version"]))
    return found


@pytest.mark.parametrize("told", [False, True])
def test_of_advice_withdrawn_after_a_hand_over_the_business_reads_only_where_staff_say_so(
    world: World, team: Team, *, told: bool
) -> None:
    enquiry, _ = with_mail(world, team)
    case = accepted(enquiry)
    through(world, enquiry)
    another = enquirer_of(world, team, case)  # of another enquiry of the case, which was not handed over
    issued = issued_advice(team, enquiry.staff("adviser"), case)
    ok(enquiry.move("hand-over", HANDED))
    before = read_by(enquiry.business)
    assert withdrawn(enquiry, issued, told=told)["state"] == "withdrawn"
    after = read_by(enquiry.business)
    assert (after == before) is not told
    assert (SECRET in str(after)) is told
    seen = ok(another.get(f"/v1/advice/{issued['id']}"))
    assert (seen["state"], seen["withdrawal_reason"]) == ("withdrawn", SECRET)
    line = f"/v1/recommendations/{issued['recommendations'][0]['id']}"
    refused(another.post(f"{line}/responses", {"answer": "accepted"}), 409, "state-conflict")
    answered = enquiry.business.post(f"{line}/responses", {"answer": "accepted"})
    assert answered.status_code == (409 if told else 201), answered.text
    assert ok(enquiry.business.get(line))["answer"] == ("no_answer" if told else "accepted")


def test_a_version_issued_after_a_withdrawal_in_silence_reads_as_the_next_one(world: World, team: Team) -> None:
    enquiry, _ = with_mail(world, team)
    case = accepted(enquiry)
    through(world, enquiry)
    adviser = enquiry.staff("adviser")
    first = issued_advice(team, adviser, case)
    draft = ok(adviser.post(f"/v1/advice/{first['id']}/versions", {"correction_reason": "The gate."}), 201)
    ok(enquiry.move("hand-over", HANDED))
    withdrawn(enquiry, first, told=False)
    second = issued_advice(team, adviser, case, draft=draft)
    seen = ok(enquiry.business.get(f"/v1/advice/{first['id']}"))
    assert (seen["state"], seen["current_advice_id"]) == ("superseded", second["id"])
    assert seen["ended_at"] == second["issued_at"]
    assert ok(adviser.get(f"/v1/advice/{first['id']}"))["state"] == "withdrawn"


@pytest.mark.parametrize("reason", ["operational_priority", "contact_not_verified"])
@pytest.mark.parametrize("stood", ["proposed", "confirmed"])
@pytest.mark.parametrize("told", [False, True])
def test_a_visit_cancelled_in_silence_reads_and_is_answered_as_before(
    world: World, team: Team, reason: str, stood: str, *, told: bool
) -> None:
    enquiry, _ = with_mail(world, team)
    case = accepted(enquiry)
    through(world, enquiry)
    adviser = enquiry.staff("adviser")
    visit = proposed_visit(adviser, case)
    path = f"/v1/visits/{visit['id']}"
    confirmation = {"decision": "confirm"}
    if stood == "confirmed":
        visit = ok(enquiry.business.post(f"{path}/confirmation", confirmation, match=visit["version"]))
    if reason == "operational_priority":
        ok(enquiry.move("hand-over", HANDED))
    before = read_by(enquiry.business)
    body = {"reason_code": reason, "tell_business": told}
    visit = ok(adviser.post(f"{path}/cancellation", body, match=visit["version"]))
    assert (read_by(enquiry.business) == before) is not told
    if stood == "proposed" and not told:
        declined = {"decision": "decline", "note": "Not then."}
        visit = ok(enquiry.business.post(f"{path}/confirmation", declined, match=visit["version"]))
        assert visit["state"] == "proposed"
        visit = ok(enquiry.business.post(f"{path}/confirmation", confirmation, match=visit["version"]))
        assert visit["state"] == "confirmed"
    again = enquiry.business.post(f"{path}/confirmation", confirmation, match=visit["version"])
    assert refused(again, 409, "state-conflict")["state"] == ("cancelled" if told else "confirmed")
    assert ("cancelled" in again.text) is told
    assert ok(adviser.get(path))["state"] == "cancelled"


def test_a_refusal_in_silence_that_is_taken_back_reads_on(world: World, team: Team, room: PostRoom) -> None:
    enquiry, email = with_mail(world, team)
    enquiry.triage()
    before = page(enquiry)
    for _ in range(2):
        ok(enquiry.move("refusal", {"reason_code": "hoax_or_abuse"}))
        assert page(enquiry) == before
        ok(enquiry.move("reopening", {"reason": "It was theirs after all."}))
        assert {**page(enquiry), "respond_by": before["respond_by"]} == before
    enquiry.triage()
    assert enquiry.read()["shown_stage"] is None
    assert subjects(room, email) == []


def test_what_a_business_withdraws_after_a_silent_end_keeps_both_times(
    world: World, team: Team, room: PostRoom
) -> None:
    enquiry, email = with_mail(world, team)
    refusal = ok(enquiry.move("refusal", {"reason_code": "hoax_or_abuse"}))
    shown = ok(enquiry.business.post(f"{enquiry.path}/withdrawal", {}, match=refusal["version"]))
    assert (shown["state"], page(enquiry)["ended_at"]) == ("withdrawn", shown["ended_at"])
    assert shown["ended_at"] > refusal["ended_at"]
    stands = enquiry.read()
    assert (stands["state"], stands["ended_at"]) == ("refused", refusal["ended_at"])
    # It has read that nothing more happens: now something does.
    reopened_ = ok(enquiry.move("reopening", {"reason": "It was theirs after all."}))
    assert (reopened_["shown_stage"], page(enquiry)["state"]) == (None, "received")
    assert page(enquiry)["ended_at"] is None
    assert len(subjects(room, email)) == 1
