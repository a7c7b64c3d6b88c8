"""What staff do with an enquiry, in which state, in which part, and for which reason."""

import uuid

import httpx
import pytest

from casework.enquiries.lifecycle import ENQUIRY
from tests.enquiries.building import QUESTION, Asked, asked
from tests.support.callers import ok, refused
from tests.support.story import moment
from tests.support.world import Team, World

BODIES = {
    "triage": {"strand": "pal"},
    "signposting": {"signposted_to": "does_the_law_apply", "reason_code": "does_the_law_apply"},
    "refusal": {"reason_code": "product_endorsement"},
    "withdrawal": {},
    "acceptance": {},
    "reopening": {"reason": "The wrong one."},
    "hand-over": {"to": "Force intelligence bureau", "at": moment(hours=-1)},
    "contact-verification": {"method": "in_person"},
    "duplicate-unmarking": {},
}
ACTIONS = {
    "triage": "enquiry.triage",
    "signposting": "enquiry.signpost",
    "refusal": "enquiry.refuse",
    "withdrawal": "enquiry.withdraw",
    "acceptance": "enquiry.accept",
    "reopening": "enquiry.reopen",
    "hand-over": "enquiry.hand_over",
    "contact-verification": "contact.verify",
}
STATES = ("received", "triaged", "accepted", "signposted", "duplicate", "refused", "withdrawn")


def brought_to(world: World, team: Team, state: str) -> Asked:
    enquiry = asked(world, team)
    way = {"triaged": "triage", "signposted": "signposting", "refused": "refusal", "withdrawn": "withdrawal"}
    if state in way:
        ok(enquiry.move(way[state], BODIES[way[state]]))
    elif state == "accepted":
        ok(enquiry.move("acceptance"), 201)
    elif state == "duplicate":
        ok(enquiry.move("duplicate-marking", {"duplicate_of": asked(world, team).id}))
    assert enquiry.read()["state"] == state
    return enquiry


@pytest.mark.parametrize("state", STATES)
def test_every_move_is_possible_from_its_own_states_only(world: World, team: Team, state: str) -> None:
    for noun, action in ACTIONS.items():
        enquiry = brought_to(world, team, state)
        offered = enquiry.read()["allowed_actions"]
        answer = enquiry.move(noun, BODIES[noun])
        if state in ENQUIRY.sources(action):
            assert action in offered
            ok(answer)
            assert enquiry.read()["state"] == (ENQUIRY.target(action) or state)
        else:
            assert action not in offered
            assert refused(answer, 409, "state-conflict")["possible_from"] == ENQUIRY.sources(action)
            assert enquiry.read()["state"] == state


@pytest.mark.parametrize("noun", sorted(BODIES))
def test_every_move_needs_the_version_that_was_read(world: World, team: Team, noun: str) -> None:
    enquiry = asked(world, team)
    refused(enquiry.staff("supervisor").post(f"{enquiry.path}/{noun}", BODIES[noun]), 428, "precondition-required")
    refused(enquiry.move(noun, BODIES[noun], match=99), 412, "precondition-failed")
    assert enquiry.read()["version"] == 1


def unnamed(answer: httpx.Response) -> bytes:
    """What was answered, but for the id of the request."""
    return answer.content.replace(answer.headers["X-Request-ID"].encode(), b"")


@pytest.mark.parametrize("noun", sorted(BODIES))
def test_another_force_is_told_of_nothing(world: World, team: Team, other_team: Team, noun: str) -> None:
    enquiry, stranger = asked(world, team), other_team.person("supervisor")
    answers = [
        stranger.post(f"/v1/enquiries/{id_}/{noun}", BODIES[noun], match=1) for id_ in (enquiry.id, uuid.uuid4())
    ]
    refused(answers[0], 404, "not-found")
    assert unnamed(answers[0]) == unnamed(answers[1])
    assert enquiry.read()["version"] == 1


def test_another_force_reads_nothing_byte_for_byte(world: World, team: Team, other_team: Team) -> None:
    enquiry, stranger = asked(world, team), other_team.person("supervisor")
    there = stranger.request("GET", enquiry.path)
    absent = stranger.request("GET", f"/v1/enquiries/{uuid.uuid4()}")
    refused(there, 404, "not-found")
    assert unnamed(there) == unnamed(absent)
    assert ok(stranger.get("/v1/enquiries"))["items"] == []
    assert ok(stranger.get("/v1/enquiries", reference=enquiry.received["reference"]))["items"] == []


@pytest.mark.parametrize(
    ("noun", "role", "may"),
    [
        ("triage", "adviser", True),
        ("signposting", "adviser", True),
        ("refusal", "adviser", False),
        ("refusal", "coordinator", True),
        ("withdrawal", "adviser", False),
        ("withdrawal", "coordinator", True),
        ("acceptance", "coordinator", True),
        ("triage", "information_manager", False),
        ("contact-verification", "adviser", True),
        ("tracking-token", "coordinator", None),
    ],
)
def test_each_part_has_its_moves(world: World, team: Team, noun: str, role: str, may: bool | None) -> None:
    enquiry = asked(world, team)
    answer = enquiry.move(noun, BODIES.get(noun, {}), by=role)
    if may is None:
        refused(answer, 409, "contact-not-verified")
    elif may:
        ok(answer)
    else:
        refused(answer, 403, "forbidden")


def test_an_adviser_reissues_only_where_involved(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    enquiry.verify()
    refused(enquiry.move("tracking-token", by="adviser"), 403, "forbidden")
    case = ok(enquiry.move("acceptance"), 201)
    adviser = enquiry.staff("adviser")
    allocation = {"adviser_id": adviser.person_id}
    ok(enquiry.staff("supervisor").post(f"/v1/cases/{case['id']}/allocation", allocation, match=case["version"]))
    ok(enquiry.move("tracking-token", by="adviser"))


def test_triage_names_the_place_and_the_competence(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    place = world.logged_sql(
        "INSERT INTO casework.premises (team_id, name, postcode) VALUES ($1, 'MARKET-HALL', $2) RETURNING id",
        uuid.UUID(team.id),
        team.postcode,
    )[0]["id"]
    likely = enquiry.read()["likely_premises"]
    assert [(each["id"], each["reasons"]) for each in likely] == [(str(place), ["postcode", "name"])]
    stood = enquiry.triage(premises_id=str(place), note="Rang the manager")
    assert (stood["state"], stood["premises_id"], stood["strand"]) == ("triaged", str(place), "pal")
    found = enquiry.read()
    assert (found["premises"], found["triage_note"]) == ("MARKET-HALL", "Rang the manager")
    assert "Rang the manager" not in str(ok(enquiry.business.get("/v1/tracking")))
    refused(enquiry.move("triage", {"strand": "astrology"}), 422, "validation-failed")


def test_a_place_of_another_team_is_no_match(world: World, team: Team, other_team: Team) -> None:
    enquiry = asked(world, team)
    place = world.logged_sql(
        "INSERT INTO casework.premises (team_id, name, postcode) VALUES ($1, 'Market Hall', $2) RETURNING id",
        uuid.UUID(other_team.id),
        team.postcode,
    )[0]["id"]
    assert enquiry.read()["likely_premises"] == []
    told = refused(enquiry.move("triage", {"strand": "pal", "premises_id": str(place)}), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/premises_id"


def test_a_place_known_by_another_name_is_found(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    team_id = uuid.UUID(team.id)
    place = world.logged_sql(
        "INSERT INTO casework.premises (team_id, name) VALUES ($1, 'The Old Corn Exchange') RETURNING id", team_id
    )[0]["id"]
    world.logged_sql(
        "INSERT INTO casework.premises_alias (premises_id, team_id, name) VALUES ($1, $2, 'Market hall')",
        place,
        team_id,
    )
    assert [each["reasons"] for each in enquiry.read()["likely_premises"]] == [["alias"]]


@pytest.mark.parametrize("noun", ["signposting", "refusal"])
def test_a_reason_is_a_word_of_its_vocabulary(world: World, team: Team, noun: str) -> None:
    enquiry = asked(world, team)
    told = refused(enquiry.move(noun, {**BODIES[noun], "reason_code": "because"}), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/reason_code"
    without = {name: value for name, value in BODIES[noun].items() if name != "reason_code"}
    refused(enquiry.move(noun, without), 422, "validation-failed")
    ok(enquiry.move(noun, BODIES[noun]))
    assert enquiry.read()["ended_at"] is not None


def test_signposting_never_points_to_ourselves(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    body = {**BODIES["signposting"], "signposted_to": "protective_security_advice"}
    refused(enquiry.move("signposting", body), 422, "validation-failed")
    ok(enquiry.move("signposting", BODIES["signposting"]))
    tracked = ok(enquiry.business.get("/v1/tracking"))
    assert (tracked["status"], tracked["signposted_to"]) == ("Another service can help", "does_the_law_apply")


def test_a_business_withdraws_its_own(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    tracked = enquiry.business.get("/v1/tracking")
    withdrawn = ok(enquiry.business.post(f"{enquiry.path}/withdrawal", match=tracked))
    assert (withdrawn["state"], withdrawn["status"]) == ("withdrawn", "Withdrawn")
    assert enquiry.read()["state"] == "withdrawn"
    assert ok(enquiry.business.get("/v1/tracking"))["allowed_actions"] == ["enquiry.message"]


def test_a_duplicate_names_its_original_and_comes_back(world: World, team: Team, other_team: Team) -> None:
    enquiry, original, foreign = asked(world, team), asked(world, team), asked(world, other_team)
    for wrong in (enquiry.id, foreign.id, str(uuid.uuid4())):
        refused(enquiry.move("duplicate-marking", {"duplicate_of": wrong}), 422, "validation-failed")
    stood = ok(enquiry.move("duplicate-marking", {"duplicate_of": original.id}))
    assert (stood["state"], stood["duplicate_of"]) == ("duplicate", original.id)
    refused(original.move("duplicate-marking", {"duplicate_of": enquiry.id}), 422, "validation-failed")
    stood = ok(enquiry.move("duplicate-unmarking"))
    assert (stood["state"], stood["duplicate_of"], stood["ended_at"]) == ("triaged", None, None)
    assert refused(enquiry.move("duplicate-unmarking"), 409, "state-conflict")["possible_from"] == ["duplicate"]


def test_intelligence_is_handed_over_and_its_text_removed(world: World, team: Team) -> None:
    enquiry, canary = asked(world, team), f"Canary {uuid.uuid4()}"
    sent = ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": canary}), 201)
    kept = ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "When do you come?"}), 201)
    enquiry.triage()
    body = {**BODIES["hand-over"], "messages": [sent["id"]]}
    stood = ok(enquiry.move("hand-over", body))
    assert stood["state"] == "triaged"
    found = enquiry.read()
    assert found["description"] is None
    assert (found["handed_over_to"], found["handed_over_at"]) == (body["to"], body["at"])
    messages = {each["id"]: each["body"] for each in ok(enquiry.business.get(f"{enquiry.path}/messages"))["items"]}
    assert messages == {sent["id"]: None, kept["id"]: "When do you come?"}
    for text in (canary, QUESTION):
        for name in ("work.idempotency_key", "audit.event_object", "casework.case_event"):
            assert world.sql(f"SELECT FROM {name} t WHERE t::text LIKE $1", f"%{text}%") == []


def test_a_hand_over_names_messages_of_its_own_enquiry_and_a_time_past(world: World, team: Team) -> None:
    enquiry, other = asked(world, team), asked(world, team)
    foreign = ok(other.business.post(f"{other.path}/messages", {"body": "Hello"}), 201)
    refused(enquiry.move("hand-over", {**BODIES["hand-over"], "messages": [foreign["id"]]}), 422, "validation-failed")
    refused(enquiry.move("hand-over", {"to": "Bureau", "at": moment(hours=1)}), 422, "validation-failed")
    assert enquiry.read()["description"] == QUESTION
    assert ok(other.business.get(f"{other.path}/messages"))["items"][0]["body"] == "Hello"


def test_enquiries_are_listed_and_filtered(world: World, team: Team) -> None:
    first, second = asked(world, team), asked(world, team)
    ok(second.move("refusal", BODIES["refusal"]))
    caller = first.staff("supervisor")

    def ids(**filters: object) -> list[str]:
        return [row["id"] for row in ok(caller.get("/v1/enquiries", **filters))["items"]]

    assert ids() == [second.id, first.id]
    assert ids(sort="received_at") == [first.id, second.id]
    assert set(ids(sort="respond_by")) == {first.id, second.id}
    assert ids(state="refused") == [second.id]
    assert ids(open="true") == [first.id]
    assert ids(reference=first.received["reference"].lower().replace("-", " ")) == [first.id]
    assert ids(received_from=moment(hours=1)) == []
    assert set(ids(received_to=moment(hours=1))) == {first.id, second.id}
    assert ids(due_before=moment()[:10]) == []
    assert len(ids(due_before=moment(days=60)[:10])) == 2
    page = ok(caller.get("/v1/enquiries", limit=1))
    assert [row["id"] for row in ok(caller.get("/v1/enquiries", limit=1, cursor=page["next_cursor"]))["items"]] == [
        first.id
    ]


def test_a_mistyped_reference_is_told_as_mistyped(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    right = enquiry.received["reference"]
    wrong = right[:-1] + ("2" if right[-1] != "2" else "3")
    told = refused(enquiry.staff("supervisor").get("/v1/enquiries", reference=wrong), 422, "validation-failed")
    assert told["errors"][0]["code"] == "mistyped-reference"
    assert wrong not in str(told)


def test_lists_are_for_staff_and_tools_with_the_scope(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    assert len(ok(team.tool("enquiries.read").get("/v1/enquiries"))["items"]) == 1
    refused(team.tool("cases.read").get("/v1/enquiries"), 403, "forbidden")
    refused(team.person("auditor").get("/v1/enquiries"), 403, "forbidden")
    refused(enquiry.business.get("/v1/enquiries"), 403, "forbidden")
    refused(world.anybody().get("/v1/enquiries"), 401, "unauthenticated")


# --- acceptance ---


def test_acceptance_makes_a_case_of_what_was_asked_and_triaged(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    place = world.logged_sql(
        "INSERT INTO casework.premises (team_id, name) VALUES ($1, 'Market Hall') RETURNING id", uuid.UUID(team.id)
    )[0]["id"]
    enquiry.triage(premises_id=str(place), strand="hss")
    answer = enquiry.move("acceptance", by="adviser")
    case = ok(answer, 201)
    assert answer.headers["Location"] == f"/v1/cases/{case['id']}"
    assert (case["title"], case["kind"], case["strand"], case["premises_id"]) == (
        "Market Hall",
        "enquiry",
        "hss",
        str(place),
    )
    found = enquiry.read()
    assert (found["state"], found["case_id"]) == ("accepted", case["id"])
    line = world.sql("SELECT action, facts FROM casework.case_event WHERE case_id = $1", uuid.UUID(case["id"]))
    assert [row["action"] for row in line] == ["enquiry.accept"]
    assert QUESTION not in str(case)


def test_an_enquiry_joins_a_case_that_is_open_already(world: World, team: Team) -> None:
    first, second = asked(world, team), asked(world, team)
    case = ok(first.move("acceptance"), 201)
    joined = ok(second.move("acceptance", {"case_id": case["id"]}), 200)
    assert joined["id"] == case["id"]
    assert second.read()["case_id"] == case["id"]


def test_an_enquiry_joins_no_case_of_another_team_nor_one_that_is_absent(
    world: World, team: Team, other_team: Team
) -> None:
    enquiry, foreign = asked(world, team), asked(world, other_team)
    case = ok(foreign.move("acceptance"), 201)
    for case_id in (case["id"], str(uuid.uuid4())):
        refused(enquiry.move("acceptance", {"case_id": case_id}), 422, "validation-failed")
    assert enquiry.read()["state"] == "received"


def test_an_enquiry_that_joins_a_restricted_case_is_restricted_with_all_it_holds(world: World, team: Team) -> None:
    enquiry, other = asked(world, team), asked(world, team)
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "Hello"}), 201)
    case = ok(other.move("acceptance"), 201)
    world.logged_sql("UPDATE casework.case_file SET restricted = true WHERE id = $1", uuid.UUID(case["id"]))
    ok(enquiry.move("acceptance", {"case_id": case["id"]}), 200)
    assert enquiry.read()["restricted"] is True
    adviser = enquiry.staff("adviser")
    refused(adviser.get(enquiry.path), 404, "not-found")
    refused(adviser.get(f"{enquiry.path}/messages"), 404, "not-found")
    assert ok(adviser.get("/v1/enquiries"))["items"] == []
    assert len(ok(enquiry.staff("supervisor").get(f"{enquiry.path}/messages"))["items"]) == 1
    assert len(ok(enquiry.business.get("/v1/tracking"))["messages"]) == 1


def test_a_lost_reply_to_an_acceptance_opens_one_case(world: World, team: Team) -> None:
    enquiry, key = asked(world, team), str(uuid.uuid4())
    version = enquiry.read()["version"]
    first = ok(enquiry.move("acceptance", key=key, match=version), 201)
    assert ok(enquiry.move("acceptance", key=key, match=version), 201) == first
    count = world.sql("SELECT count(*) AS n FROM casework.case_file WHERE team_id = $1", uuid.UUID(team.id))
    assert count[0]["n"] == 1
