"""Where an auditor begins: with a reference in hand, or a place; and what the log then tells, and to whom not."""

from typing import Any

import pytest

from casework.kernel.references import new_reference
from tests.enquiries.building import Asked, asked
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, issued_advice, open_case
from tests.support.world import Team, World

EVENTS = "/v1/audit-events"
CASES = "/v1/access-log"


def entries(reader: Caller, path: str = EVENTS, **named: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(reader.get(path, **named))["items"]
    return found


def actions(reader: Caller, path: str = EVENTS, **named: Any) -> list[str]:
    return [entry["action"] for entry in entries(reader, path, **named)]


def place_of(adviser: Caller, team: Team, name: str = "Old Mill") -> dict[str, Any]:
    facts = {"team_id": team.id, "name": name, "postcode": team.postcode if name == "Old Mill" else None}
    made: dict[str, Any] = ok(adviser.post("/v1/premises", facts), 201)
    return made


@pytest.fixture
def auditor(other_team: Team) -> Caller:
    """Of another force: the role reaches all."""
    return other_team.person("auditor")


def test_an_auditor_begins_with_the_reference_of_a_case_however_it_is_typed(team: Team, auditor: Caller) -> None:
    adviser = team.person("adviser")
    case, other = allocated_case(team, adviser), open_case(adviser, team)
    ok(adviser.get(f"/v1/cases/{case['id']}"))
    for typed in (case["reference"], case["reference"].lower(), case["reference"].replace("-", "")):
        assert actions(auditor, reference=typed)[-3:] == ["case.read", "case.allocate", "case.open"]
        assert actions(auditor, CASES, reference=typed)[-3:] == ["case.read", "case.allocate", "case.open"]
    assert other["id"] not in str(entries(auditor, reference=case["reference"]))


def test_and_with_that_of_an_enquiry_or_of_advice(world: World, team: Team, auditor: Caller) -> None:
    enquiry = asked(world, team)
    enquiry.triage()
    ok(enquiry.staff("supervisor").post(f"{enquiry.path}/messages", {"body": "We rang."}), 201)
    found = entries(auditor, reference=enquiry.received["reference"])
    assert {"enquiry.submit", "enquiry.triage", "enquiry.message"} <= {entry["action"] for entry in found}
    told = {each["kind"]: each for entry in found for each in entry["objects"]}
    assert {told[kind]["reference"] for kind in ("enquiry", "contact", "enquiry_message")} == {
        enquiry.received["reference"]
    }
    assert entries(auditor, CASES, reference=enquiry.received["reference"]) == []  # it has no case

    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued = issued_advice(team, adviser, case)
    ok(adviser.get(f"/v1/advice/{issued['id']}"))
    newest = entries(auditor, reference=issued["reference"])[0]
    beneath = next(each for each in newest["objects"] if each["kind"] == "advice")
    assert (newest["action"], beneath["reference"], beneath["case_reference"], beneath["case_id"]) == (
        "advice.read", issued["reference"], case["reference"], case["id"],
    )  # fmt: skip
    assert "advice.issue" in actions(auditor, CASES, reference=issued["reference"])


def test_rows_carry_references_and_never_a_title_or_a_name(team: Team, auditor: Caller) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    place = place_of(adviser, team)
    case = allocated_case(team, adviser, supervisor, premises_id=place["id"], title="Secret garden party")
    own = ok(supervisor.get(f"/v1/cases/{case['id']}/access-log"))["items"]
    for found in (own, entries(auditor, reference=case["reference"]), entries(auditor, premises_id=place["id"])):
        assert found
        assert "garden" not in str(found)
        assert "Old Mill" not in str(found)
        for each in (each for entry in found for each in entry["objects"]):
            assert (each["case_reference"] == case["reference"]) == (each["case_id"] == case["id"])
            assert (each["reference"] == case["reference"]) == (each["kind"] in ("case_file", "case_headline", "access_log", "processing_log"))  # fmt: skip


def test_a_place_gathers_what_is_told_of_it_and_of_what_happened_there(
    world: World, team: Team, auditor: Caller
) -> None:
    adviser = team.person("adviser")
    place, elsewhere = place_of(adviser, team), place_of(adviser, team, "Tern Gallery")
    ok(adviser.post(f"/v1/premises/{place['id']}/areas", {"name": "Foyer"}), 201)
    case = allocated_case(team, adviser, premises_id=place["id"])
    enquiry = asked(world, team)
    enquiry.triage(premises_id=place["id"])
    ok(adviser.get(f"/v1/premises/{place['id']}"))
    found = entries(auditor, premises_id=place["id"])
    assert {entry["action"] for entry in found} >= {
        "premises.write", "premises.read", "case.open", "case.allocate", "enquiry.submit", "enquiry.triage",
    }  # fmt: skip
    assert {"premises", "premises_area", "case_file", "enquiry"} <= {
        each["kind"] for entry in found for each in entry["objects"]
    }
    assert elsewhere["id"] not in str(found)
    assert set(actions(auditor, CASES, premises_id=place["id"])) == {"case.open", "case.allocate", "audit.read"}
    assert {entry["event"] for entry in entries(auditor, CASES, premises_id=place["id"])} > {
        entry["event"] for entry in entries(auditor, reference=case["reference"], action="case.open")
    }
    assert len(found) == len({entry["event"] for entry in found})


def test_whoever_reads_a_team_s_log_finds_nothing_of_another_s(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    place = place_of(adviser, team)
    case = allocated_case(team, adviser, premises_id=place["id"])
    manager, supervisor = other_team.person("information_manager"), other_team.person("supervisor")
    for named in ({"reference": case["reference"]}, {"reference": new_reference("CASE")}, {"premises_id": place["id"]}):
        assert entries(manager, **named) == []
        assert entries(supervisor, CASES, **named) == []
        assert entries(manager, CASES, **named) == []
    assert actions(team.person("information_manager"), reference=case["reference"])[-1] == "case.open"
    # The looks that found nothing do not stand in the case's log.
    seen = ok(team.person("supervisor").get(f"/v1/cases/{case['id']}/access-log"))["items"]
    assert {entry["person_id"] for entry in seen}.isdisjoint({manager.person_id, supervisor.person_id})


def test_looking_by_reference_or_place_stands_in_the_log_of_each_case(team: Team, auditor: Caller) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    place = place_of(adviser, team)
    cases = [allocated_case(team, adviser, premises_id=place["id"]) for _ in range(2)]
    for path in (EVENTS, CASES):
        entries(auditor, path, premises_id=place["id"])
        for case in cases:
            newest = ok(supervisor.get(f"/v1/cases/{case['id']}/access-log"))["items"]
            mine = next(entry for entry in newest if entry["person_id"] == auditor.person_id)
            assert mine["action"] == ("audit.read" if path == EVENTS else "case.access_log")
            assert [each["case_id"] for each in mine["objects"]] == [case["id"]]


def test_pages_of_a_place_follow_one_another(team: Team, auditor: Caller) -> None:
    adviser = team.person("adviser")
    place = place_of(adviser, team)
    for _ in range(2):
        allocated_case(team, adviser, premises_id=place["id"])
    for path in (EVENTS, CASES):
        found, cursor = [], {}
        while True:
            page = ok(auditor.get(path, premises_id=place["id"], limit=2, **cursor))
            found += [entry["event"] for entry in page["items"] if entry["person_id"] != auditor.person_id]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert found == sorted(set(found), reverse=True)
        assert len(found) == (5 if path == EVENTS else 4)


def test_a_record_is_named_in_one_way_and_rightly(team: Team) -> None:
    auditor = team.person("auditor")
    case = open_case(team.person("adviser"), team)
    reference = case["reference"]
    wrong = reference[:-1] + ("2" if reference[-1] != "2" else "3")
    for path, named in (
        (CASES, {}),
        (CASES, {"reference": reference, "premises_id": case["id"]}),
        (CASES, {"reference": wrong}),
        (EVENTS, {"record_id": case["id"], "reference": reference}),
        (EVENTS, {"record_id": case["id"], "premises_id": case["id"]}),
        (EVENTS, {"reference": wrong}),
        (EVENTS, {"reference": "TOOL-7K3M-Q9XT"}),
        (EVENTS, {"reference": "' OR true --"}),
    ):
        told = refused(auditor.get(path, **named), 422, "validation-failed")
        assert told["errors"][0]["parameter"] in ("reference", "premises_id")
        assert wrong not in str(told)
    # A long time is looked through where a record is named, in whichever way.
    ok(auditor.get(EVENTS, reference=reference, **{"from": "2026-01-01T00:00:00Z"}))
    ok(auditor.get(EVENTS, premises_id=case["id"], **{"from": "2026-01-01T00:00:00Z"}))


@pytest.mark.parametrize("role", ["adviser", "coordinator", "reviewer", "national_reader", "administrator"])
def test_nobody_else_finds_anything(team: Team, role: str) -> None:
    reader = team.person(role)
    refused(reader.get(CASES, reference=new_reference("CASE")), 403, "forbidden")
    # Nor is told what would have been right.
    refused(reader.get(CASES), 403, "forbidden")
    refused(reader.get(EVENTS, **{"from": "2026-01-01T00:00:00Z"}), 403, "forbidden")


def test_a_request_that_is_not_right_is_in_the_log_as_well(team: Team) -> None:
    manager = team.person("information_manager")
    refused(manager.get(CASES), 422, "validation-failed")
    refused(manager.get(EVENTS, **{"from": "2026-01-01T00:00:00Z"}), 422, "validation-failed")
    assert actions(manager, person_id=manager.person_id)[:2] == ["audit.read", "case.access_log"]


# --- records without a case ---


def member_of_both(world: World, team: Team, other_team: Team) -> Caller:
    both = team.person("coordinator", "auditor")
    world.give_role(both.person_id or "", "adviser", other_team)
    both.teams = {team.id, other_team.id}
    return both


def looked_at(world: World, both: Caller, theirs: Asked, there: Team) -> dict[str, str]:
    """What somebody of two teams does with the records of one that have no case; their ids, by kind."""
    ok(both.get(theirs.path))
    ok(both.get("/v1/enquiries", limit=200))
    message = ok(both.post(f"{theirs.path}/messages", {"body": "We rang."}), 201)
    place = place_of(both, there)
    area = ok(both.post(f"/v1/premises/{place['id']}/areas", {"name": "Foyer"}), 201)
    organisation = ok(both.post("/v1/organisations", {"team_id": there.id, "name": "Old Mill Ltd"}), 201)
    # What an auditor looks up is no more another team's to see than the record is.
    ok(both.get(EVENTS, record_id=theirs.id))
    ok(both.get("/v1/access/explanation", person=both.person_id, record=place["id"]))
    contact = world.sql("SELECT id FROM casework.contact WHERE enquiry_id = $1", theirs.id)[0]["id"]
    return {
        "enquiry": theirs.id, "enquiry_message": message["id"], "premises": place["id"], "premises_area": area["id"],
        "organisation": organisation["id"], "contact": str(contact),
    }  # fmt: skip


def test_records_without_a_case_are_shown_by_their_own_team_only(world: World, team: Team, other_team: Team) -> None:
    """A12: whoever reads one team's log learned the ids of another team's enquiries from what a member of both had seen."""
    both = member_of_both(world, team, other_team)
    ours, theirs = asked(world, team), asked(world, other_team)
    ids = looked_at(world, both, theirs, other_team)
    ok(both.get(ours.path))
    there, here = other_team.person("information_manager"), team.person("information_manager")
    auditor = world.team().person("auditor")
    me = both.person_id or ""

    def shown(reader: Caller) -> str:
        return str([entry["objects"] for entry in entries(reader, person_id=me, limit=200)])

    assert ours.id in shown(here)
    assert {kind for kind, id_ in ids.items() if id_ in shown(here)} == set()
    assert {kind for kind, id_ in ids.items() if id_ in shown(auditor)} == ids.keys() - {"contact"}
    assert {kind for kind, id_ in ids.items() if id_ in shown(there)} == ids.keys() - {"contact"}
    assert ours.id not in shown(there)
    # Nor does asking for the record itself tell that a colleague has seen it; its own team sees everybody who has.
    for id_ in ids.values():
        assert entries(here, record_id=id_) == []
    assert {"enquiry.submit", "enquiry.read"} <= set(actions(there, record_id=theirs.id))
    assert "enquiry.message" in actions(there, record_id=ids["enquiry_message"])
    single = next(entry for entry in entries(auditor, person_id=me, action="enquiry.read") if theirs.id in str(entry))
    assert ok(here.get(f"{EVENTS}/{single['event']}"))["objects"] == []


def test_an_offer_that_was_taken_back_is_its_sender_s_alone(world: World, team: Team, other_team: Team) -> None:
    enquiry, there = asked(world, team), other_team.person("coordinator")
    offer = ok(enquiry.move("transfer", {"to_team_id": other_team.id}), 201)
    ok(there.get(f"/v1/enquiry-transfers/{offer['id']}"))
    theirs, ours = other_team.person("information_manager"), team.person("information_manager")

    def shown(reader: Caller) -> bool:
        return offer["id"] in str([entry["objects"] for entry in entries(reader, person_id=there.person_id or "")])

    assert shown(theirs)
    ok(enquiry.staff("supervisor").post(f"/v1/enquiry-transfers/{offer['id']}/withdrawal", {}, match=offer["version"]))
    assert not shown(theirs)
    assert entries(theirs, record_id=offer["id"]) == []
    assert {"enquiry.receive", "enquiry.transfer"} & set(actions(ours, record_id=offer["id"]))


def test_what_was_done_to_somebody_of_another_team_is_theirs_too(world: World, team: Team, other_team: Team) -> None:
    administrator = team.person("administrator")
    stranger, colleague = other_team.person("adviser"), team.person("adviser")
    for person, of in ((stranger, other_team), (colleague, team)):
        ok(administrator.post(f"/v1/people/{person.person_id}/roles", {"role": "reviewer", "team_id": of.id}), 201)
        ok(administrator.delete(f"/v1/people/{person.person_id}/sessions"))
    here = team.person("information_manager")
    beneath = [each for entry in entries(here, person_id=administrator.person_id) for each in entry["objects"]]
    assert {each["kind"] for each in beneath} >= {"membership", "session"}
    assert colleague.person_id in str(beneath)
    assert stranger.person_id not in str(beneath)
    assert other_team.id not in str(beneath)


def test_what_is_nobody_s_is_shown_with_what_the_team_s_people_did(team: Team) -> None:
    administrator, manager = team.person("administrator"), team.person("information_manager")
    made = ok(administrator.post("/v1/bank-holidays", {"day": "2031-06-02", "nation": "Wales", "name": "A fair"}), 201)
    beneath = [each for entry in entries(manager, person_id=administrator.person_id) for each in entry["objects"]]
    assert ("bank_holiday", made["id"]) in {(each["kind"], each["id"]) for each in beneath}
