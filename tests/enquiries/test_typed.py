"""What real keyboards, clipboards and mail send: line ends, unseen marks, extensions, relays."""

from typing import Any
from uuid import uuid4

import pytest

from tests.enquiries.building import QUESTION, asked, asking
from tests.support.callers import Caller, ok, refused, warned
from tests.support.story import allocated_case, drafted_advice, moment, proposed_visit, recommendation
from tests.support.world import Team, World

ENDS = ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
MARKS = [
    "\u202a",
    "\u2068",
    "\u200e",
    "\u00a0",
    "\u200b",
    "\u200d",
    "\u00ad",
    "\ufeff",
    "\u2060",
    "\t",
    "\r\n",
    "\x0b",
    "\u2028",
]


@pytest.mark.parametrize("end", ENDS, ids=ascii)
def test_a_question_keeps_its_lines_however_they_ended(world: World, team: Team, end: str) -> None:
    enquiry = asked(world, team, description=f"{QUESTION}{end}Two lines{end}of text{end}")
    assert enquiry.read()["description"] == f"{QUESTION}\nTwo lines\nof text"
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": f"One{end}two"}), 201)
    assert ok(enquiry.business.get(f"{enquiry.path}/messages"))["items"][-1]["body"] == "One\ntwo"


def test_staff_write_on_any_machine_too(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser, summary="One\r\ntwo")
    assert case["summary"] == "One\ntwo"
    assert ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "One\rtwo"}), 201)["body"] == "One\ntwo"
    advice = drafted_advice(adviser, case, recommendation(action="One\x0btwo"))
    assert advice["recommendations"][0]["action"] == "One\ntwo"


def test_what_is_said_of_an_offer_keeps_its_lines(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    offer = ok(enquiry.move("transfer", {"to_team_id": other_team.id, "note": "One\r\ntwo"}), 201)
    assert offer["note"] == "One\ntwo"
    path = f"/v1/enquiry-transfers/{offer['id']}/return"
    returned = ok(other_team.person("coordinator").post(path, {"note": "Not\r\nours"}, match=offer["version"]))
    assert returned["decision_note"] == "Not\nours"


@pytest.mark.parametrize(
    ("bad", "code"),
    [("\x00", "control-character"), ("\x07", "control-character"), ("\x9b", "control-character"),
     ("\u202e", "direction-override"), ("\u2066", "direction-override"), ("\ufffe", "not-a-character"),
     ("\ufdd0", "not-a-character"), ("\U0002ffff", "not-a-character")],
    ids=ascii,
)  # fmt: skip
def test_what_no_text_may_hold_is_told_at_its_place(world: World, team: Team, bad: str, code: str) -> None:
    document = refused(
        world.anybody().post("/v1/enquiries", asking(team, description=f"We worry{bad} a lot.")),
        422,
        "validation-failed",
    )
    (error,) = document["errors"]
    assert (error["pointer"], error["code"], bad in error["message"]) == ("/description", code, False)
    assert "U+" not in error["message"]
    named = asking(team, contact={"name": f"A{bad}na", "phone": "01632 960001"})
    document = refused(world.anybody().post("/v1/enquiries", named), 422, "validation-failed")
    assert [(each["pointer"], each["code"]) for each in document["errors"]] == [("/contact/name", code)]


@pytest.mark.parametrize("bad", ["\x00", "\ud800", "\ufffe"], ids=ascii)
def test_fields_that_are_no_text_and_names_of_members_may_hold_it_as_little(world: World, team: Team, bad: str) -> None:
    escaped = f"\\u{ord(bad):04x}"
    for body, pointer in (
        ('{"need":"x%s"}', "/need"),
        ('{"need":"general_question","more":"x%s"}', ""),
        ('{"need":"protective_security_advice","sector":"x%s"}', "/sector"),
        ('{"need":"general_question","na%sme":1}', ""),
    ):
        content = (body % escaped).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        answer = world.anybody().request("POST", "/v1/enquiries", content=content, headers=headers)
        document = refused(answer, 422, "validation-failed")
        assert [each["pointer"] for each in document["errors"]] == [pointer], body


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_what_is_pasted_along_is_taken_off_where_the_alphabet_is_closed(world: World, team: Team, mark: str) -> None:
    def pasted(value: str) -> str:
        return f"{mark}{value[:3]}{mark}{value[3:]}{mark}"

    contact = {"name": "Ana", "phone": pasted("01632 960001"), "email": pasted("ana@hall.example")}
    enquiry = asked(world, team, contact=contact, postcode=pasted(team.postcode), sector=pasted("retail"))
    found = enquiry.read()
    assert (found["contact"]["phone"], found["contact"]["email"]) == ("+441632960001", "ana@hall.example")
    assert (found["postcode"], found["sector"]) == (team.postcode, "retail")
    organisation = {"team_id": team.id, "name": "Hall Ltd", "company_number": pasted("SC123456")}
    made = ok(enquiry.staff("adviser").post("/v1/organisations", organisation), 201)
    assert made["company_number"] == "SC123456"
    place = {"team_id": team.id, "name": "Hall", "uprn": pasted("100023336956")}
    assert ok(enquiry.staff("adviser").post("/v1/premises", place), 201)["uprn"] == "100023336956"
    ok(enquiry.move("refusal", {"reason_code": pasted("product_endorsement")}))


@pytest.mark.parametrize("mark", ["\u202a", "\u00a0", "\u200b", "\u00ad", "\u200e"], ids=ascii)
def test_a_query_is_read_like_a_body(team: Team, mark: str) -> None:
    adviser = team.person("adviser")
    made = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Hall", "postcode": team.postcode}), 201)
    found = ok(adviser.get("/v1/premises", postcode=mark + team.postcode + mark))["items"]
    assert [each["id"] for each in found] == [made["id"]]
    case = allocated_case(team, adviser)
    assert ok(adviser.get("/v1/cases", reference=f"{mark}{case['reference']}{mark}"))["items"][0]["id"] == case["id"]
    assert ok(adviser.get("/v1/people", competence=f"pa{mark}l"))["items"]
    ok(adviser.get("/v1/signposts", postcode=f"{mark}nowhere at all"))


@pytest.mark.parametrize(
    ("bad", "code"), [("\u202e", "direction-override"), ("\u2067", "direction-override")], ids=ascii
)
def test_a_query_holds_no_more_than_a_body(team: Team, bad: str, code: str) -> None:
    adviser = team.person("adviser")
    for path, name in (("/v1/premises", "q"), ("/v1/people", "q"), ("/v1/organisations", "q")):
        (error,) = refused(adviser.get(path, **{name: f"a{bad}b"}), 422, "validation-failed")["errors"]
        assert (error["parameter"], error["code"]) == (name, code)
    for bad_url in ("\ufffe", "\U0010ffff", "\ufdd1"):
        refused(adviser.get("/v1/premises", q=f"a{bad_url}"), 400, "control-character")
        refused(adviser.get("/v1/cases", cursor=f"a{bad_url}"), 400, "control-character")


# --- telephone numbers ---


def test_a_contact_with_an_extension_and_a_relay(world: World, team: Team) -> None:
    enquiry = asked(world, team, contact={"name": "Ana", "phone": "18001 01632 960001 ext. 204"})
    contact = enquiry.read()["contact"]
    assert (contact["phone"], contact["phone_extension"], contact["relay"]) == ("+441632960001", "204", True)
    other = {"name": "Jo", "phone": "01632 960002", "phone_extension": "7", "reason": "Ana has left."}
    ok(enquiry.move("contact-replacement", other))
    contact = enquiry.read()["contact"]
    assert (contact["phone"], contact["phone_extension"], contact["relay"]) == ("+441632960002", "7", False)
    past = ok(enquiry.staff("adviser").get(f"{enquiry.path}/contacts"))["items"]
    assert [(each["phone_extension"], each["relay"]) for each in past] == [("7", False), ("204", True)]


NOT_KNOWN = "phone-not-known-valid"


def test_a_number_opened_last_month_blocks_nobody_and_is_warned_of(world: World, team: Team) -> None:
    public = world.anybody()
    body = asking(team, contact={"name": "Ana", "phone": "04012 345678"})
    answer = public.post("/v1/enquiries", body, key="a-random-key-of-mine")
    assert warned(answer) == [("/contact/phone", NOT_KNOWN)]
    again = public.post("/v1/enquiries", body, key="a-random-key-of-mine")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == answer.json()
    assert warned(public.post("/v1/enquiries", asking(team))) == []


def test_organisations_parties_and_teams_have_extensions_too(team: Team) -> None:
    adviser, administrator = team.person("adviser"), team.person("administrator")
    stated = {"team_id": team.id, "name": "Hall Ltd", "phone": "01632 960018 x12", "id": str(uuid4())}
    made = ok(adviser.post("/v1/organisations", stated), 201)
    assert (made["phone"], made["phone_extension"], made["relay"]) == ("+441632960018", "12", False)
    # A repeat under the same id is recognised, however the number is written this time; another extension is another fact.
    assert (
        ok(adviser.post("/v1/organisations", {**stated, "phone": "+441632960018", "phone_extension": "12"}), 201)
        == made
    )
    refused(adviser.post("/v1/organisations", {**stated, "phone": "+441632960018"}), 409, "already-exists")
    path = f"/v1/organisations/{made['id']}"
    answer = adviser.patch(path, {"phone": "18002 04012 345678"}, match=1)
    assert warned(answer) == [("/phone", NOT_KNOWN)]
    changed = answer.json()
    assert (changed["phone"], changed["phone_extension"], changed["relay"]) == ("+444012345678", None, True)
    assert ok(adviser.patch(path, {"phone_extension": "9"}, match=2))["phone_extension"] == "9"
    gone = ok(adviser.patch(path, {"phone": None}, match=3))
    assert (gone["phone"], gone["phone_extension"], gone["relay"]) == (None, None, False)
    document = refused(adviser.patch(path, {"phone_extension": "9"}, match=4), 422, "validation-failed")
    assert [each["pointer"] for each in document["errors"]] == ["/phone"]

    place = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Hall"}), 201)
    parties = f"/v1/premises/{place['id']}/parties"
    party = ok(adviser.post(parties, {"role": "owner", "name": "Jo", "phone": "01632 960018;ext=3"}), 201)
    assert (party["phone_extension"], party["relay"]) == ("3", False)
    party = ok(adviser.patch(f"{parties}/{party['id']}", {"relay": True}, match=1))
    assert (party["phone"], party["phone_extension"], party["relay"]) == ("+441632960018", "3", True)

    team_path = f"/v1/teams/{team.id}"
    version = ok(administrator.get(team_path))["version"]
    kept = ok(administrator.patch(team_path, {"phone": "01632 960001 extension 55"}, match=version))
    assert (kept["phone"], kept["phone_extension"]) == ("+441632960001", "55")


def test_the_business_is_told_how_to_reach_the_team_in_full(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    version = ok(administrator.get(f"/v1/teams/{team.id}"))["version"]
    ok(administrator.patch(f"/v1/teams/{team.id}", {"phone": "01632 960001 x55"}, match=version))
    enquiry = asked(world, team)
    for told in (enquiry.received["team"], ok(enquiry.business.get("/v1/tracking"))["team"]):
        assert (told["phone"], told["phone_extension"], told["relay"]) == ("+441632960001", "55", False)


# --- warnings stand in every write's answer ---


def test_every_write_answers_with_warnings_mostly_none(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    opened = adviser.post("/v1/cases", {"team_id": team.id, "title": "Fair"})
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    path = f"/v1/visits/{visit['id']}"
    answers = [
        opened,
        adviser.patch(path, {"place_note": "By the door."}, match=visit["version"]),
        adviser.patch(path, {}, match=visit["version"] + 1),
        adviser.post(
            f"/v1/cases/{case['id']}/visits", {"starts_at": moment(days=9), "ends_at": moment(days=9, hours=1)}
        ),
        team.person("supervisor").delete(f"/v1/people/{adviser.person_id}/sessions"),
        world.anybody().post("/v1/enquiries", {"need": "general_question"}),
        world.anybody().post("/v1/enquiries", {"need": "emergency"}),
    ]
    assert [warned(answer) for answer in answers] == [[]] * len(answers)


def test_reads_have_no_warnings(team: Team) -> None:
    adviser: Caller = team.person("adviser")
    case: dict[str, Any] = allocated_case(team, adviser)
    assert "warnings" not in adviser.get(f"/v1/cases/{case['id']}").json()
    assert "warnings" not in adviser.get("/v1/premises-matches", name="Hall").json()
