"""What a verb takes away is gone: from each table, whatever kept a copy, and at each door. What it does not take stays.

A text is looked for in every column of every table of the database, so that a copy that nobody thought of is found too.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from casework.access.tokens import hash_token
from tests.circle.building import Whole, offered, share_with, whole_case
from tests.enquiries.building import Asked, asked
from tests.support import story
from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    decided,
    drafted_advice,
    enquirer_of,
    moment,
    recommendation,
)
from tests.support.world import Team, World

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('casework', 'access', 'audit', 'work', 'jobs') AND c.relkind = 'r' ORDER BY 1"""


def places(world: World, text: str) -> set[str]:
    """Every table that holds this text in any column."""
    names = [row["name"] for row in world.sql(TABLES)]
    looked = " UNION ALL ".join(
        f"SELECT '{name}' AS name WHERE EXISTS (SELECT FROM {name} t WHERE strpos(t::text, $1) > 0)" for name in names
    )
    return {row["name"] for row in world.sql(looked, text)}


def canary() -> str:
    return f"gone-{uuid.uuid4().hex}"


def live(world: World, *tokens: str) -> list[bool]:
    """Whether each token's session still opens anything."""
    said = "SELECT s.revoked_at IS NULL AND s.expires_at > now() AS live FROM access.session s WHERE s.token_hash = $1"
    return [world.sql(said, hash_token(token))[0]["live"] for token in tokens]


# --- text ---


SHOWN = {"transfer", "decision"}
"""What the answer to a move showed. It is kept for whoever may ask for it again, for 72 hours, and is the one copy left."""
ANSWERED = {"work.idempotency_key"}


def told(world: World, team: Team, other_team: Team) -> tuple[Asked, dict[str, str], list[str]]:
    """An enquiry with a text of its own in each field that somebody may have written intelligence into, and its messages."""
    words = {name: canary() for name in ("description", "site_name", "site_address", "organisation_name", "triage_note",
             "verification", "transfer", "decision", "message", "answer")}  # fmt: skip
    stated = {name: words[name] for name in ("description", "site_name", "site_address", "organisation_name")}
    enquiry = asked(world, team, **stated)
    ok(enquiry.move("contact-verification", {"method": "call_back_independent_number", "note": words["verification"]}))
    ok(enquiry.move("triage", {"strand": "pal", "note": words["triage_note"]}))
    offer = ok(enquiry.move("transfer", {"to_team_id": other_team.id, "note": words["transfer"]}), 201)
    path = f"/v1/enquiry-transfers/{offer['id']}/return"
    ok(other_team.person("coordinator").post(path, {"note": words["decision"]}, match=offer["version"]))
    sent = ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": words["message"]}), 201)
    answered = ok(enquiry.staff("coordinator").post(f"{enquiry.path}/messages", {"body": words["answer"]}), 201)
    return enquiry, words, [sent["id"], answered["id"]]


def test_what_was_handed_over_is_nowhere_any_more(world: World, team: Team, other_team: Team) -> None:
    enquiry, words, messages = told(world, team, other_team)
    here = {name: places(world, word) for name, word in words.items()}
    assert all(here.values()), "each was stored somewhere"
    body = {"to": "Force intelligence bureau", "at": moment(hours=-1), "messages": messages, "site_name": True}
    ok(enquiry.move("hand-over", body))
    left = {name: places(world, word) for name, word in words.items()}
    assert left == {name: ANSWERED & here[name] if name in SHOWN else set() for name in words}
    seen = enquiry.read()
    assert [seen[name] for name in ("description", "site_name", "site_address", "organisation_name", "triage_note")] == [
        None, "(removed)", None, None, None,
    ]  # fmt: skip
    assert [each["body"] for each in ok(enquiry.business.get(f"{enquiry.path}/messages"))["items"]] == [None, None]
    # Who asked, and how they are reached, is no intelligence.
    assert seen["contact"]["name"] == "Ana Kowalska"


def test_what_was_not_named_stays(world: World, team: Team, other_team: Team) -> None:
    enquiry, words, messages = told(world, team, other_team)
    body = {"to": "Force intelligence bureau", "at": moment(hours=-1), "messages": messages[:1]}
    ok(enquiry.move("hand-over", body))
    left = {name for name, word in words.items() if "casework.enquiry" in places(world, word) or "casework.enquiry_message" in places(world, word)}  # fmt: skip
    assert left == {"site_name", "site_address", "organisation_name", "answer"}
    assert enquiry.read()["site_name"] == words["site_name"]


def test_a_recommendation_that_is_taken_out_of_a_draft_is_gone_with_its_citations(world: World, team: Team) -> None:
    adviser, word = team.person("adviser"), canary()
    case = allocated_case(team, adviser)
    draft = drafted_advice(adviser, case, recommendation(), recommendation(action=word))
    gone = next(each for each in draft["recommendations"] if each["action"] == word)
    ok(adviser.delete(f"/v1/recommendations/{gone['id']}", match=gone["version"]))
    assert places(world, word) <= {"work.idempotency_key"}, "but for the answer that its writer may ask for again"
    assert (
        world.sql("SELECT FROM casework.recommendation_finding WHERE recommendation_id = $1::text::uuid", gone["id"])
        == []
    )
    refused(adviser.get(f"/v1/recommendations/{gone['id']}"), 404, "not-found")
    assert len(ok(adviser.get(f"/v1/advice/{draft['id']}"))["recommendations"]) == 1


# --- what a contact could reach ---

OPEN = ("/v1/visits", "/v1/advice", "/v1/recommendations")


def confirmed(world: World, team: Team) -> tuple[Asked, str]:
    """An enquiry with a case, whose contact was verified and has entered a code; and another code is under way."""
    contact = {"name": "Ana Kowalska", "email": f"ana.{uuid.uuid4().hex[:8]}@markethall.example"}
    enquiry = asked(world, team, contact=contact)
    enquiry.business.teams = {team.id}
    enquiry.verify()
    enquiry.triage()
    case = ok(enquiry.move("acceptance", {}), 201)
    ok(enquiry.business.post("/v1/tracking/code"), 202)
    story.confirmed(world, enquiry.business)
    for path in OPEN:
        ok(enquiry.business.get(path))
    return enquiry, case["id"]


def codes(world: World, enquiry: Asked) -> int:
    return len(world.sql("SELECT FROM access.one_time_code WHERE enquiry_id = $1::text::uuid", enquiry.id))


def link(world: World, enquiry: Asked) -> tuple[bool, bool]:
    """Whether a contact is linked, and stands verified."""
    row = world.sql("SELECT contact_id IS NOT NULL, verified FROM access.enquiry_link WHERE enquiry_id = $1::text::uuid", enquiry.id)[0]  # fmt: skip
    return row[0], row[1]


def test_a_verification_that_is_withdrawn_takes_what_it_had_opened(world: World, team: Team) -> None:
    enquiry, _ = confirmed(world, team)
    ok(enquiry.move("contact-unverification", {"reason": "Left the company."}))
    row = world.sql("SELECT verified_at, verification_method, unverified_reason FROM casework.contact WHERE enquiry_id = $1::text::uuid", enquiry.id)[0]  # fmt: skip
    assert (row["verified_at"], row["unverified_reason"]) == (None, "Left the company.")
    assert (codes(world, enquiry), link(world, enquiry)) == (0, (True, False))
    assert world.sql("SELECT FROM access.confirmation WHERE session_hash = $1", hash_token(enquiry.token)) == []
    assert ok(enquiry.business.get("/v1/tracking"))["second_step"] == "awaiting_verification"
    for path in OPEN:
        refused(enquiry.business.get(path), 403, "forbidden")
    refused(enquiry.business.post("/v1/tracking/code"), 409, "awaiting-verification")
    # To be verified anew gives nothing of it back.
    enquiry.verify()
    for path in OPEN:
        refused(enquiry.business.get(path), 403, "forbidden")


def test_a_contact_who_is_replaced_has_nothing_left(world: World, team: Team) -> None:
    enquiry, _ = confirmed(world, team)
    other = ok(enquiry.move("tracking-token", {}))["tracking_token"]
    assert live(world, enquiry.token, other) == [False, True]
    facts = {"name": "Jo Fielding", "email": "jo@markethall.example", "reason": "Ana has left."}
    ok(enquiry.move("contact-replacement", facts))
    assert live(world, enquiry.token, other) == [False, False]
    for token in (enquiry.token, other):
        for path in ("/v1/tracking", enquiry.path, f"{enquiry.path}/messages", *OPEN):
            refused(world.anybody(token).get(path), 401, "unauthenticated")
    assert (codes(world, enquiry), link(world, enquiry)) == (0, (True, False))
    rows = world.sql("SELECT current, verified_at FROM casework.contact WHERE enquiry_id = $1::text::uuid ORDER BY current", enquiry.id)  # fmt: skip
    assert [row["current"] for row in rows] == [False, True]
    assert rows[1]["verified_at"] is None


def test_a_new_token_ends_those_before_and_what_a_code_had_opened(world: World, team: Team) -> None:
    enquiry, _ = confirmed(world, team)
    anew = ok(enquiry.move("tracking-token", {}))["tracking_token"]
    assert (live(world, enquiry.token, anew), codes(world, enquiry)) == ([False, True], 0)
    refused(enquiry.business.get("/v1/tracking"), 401, "unauthenticated")
    newcomer = world.anybody(anew)
    newcomer.confirmed_by(enquiry.business.confirmation or "")
    assert ok(newcomer.get("/v1/tracking"))["second_step"] == "code_required"
    refused(newcomer.get("/v1/visits"), 403, "forbidden")


def test_a_withdrawn_enquiry_says_where_it_stands_and_is_withdrawn_once(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    ok(enquiry.business.post(f"{enquiry.path}/withdrawal", {}, match=1))
    assert live(world, enquiry.token) == [True]
    assert ok(enquiry.business.get("/v1/tracking"))["allowed_actions"] == ["enquiry.message"]
    ok(enquiry.business.post(f"{enquiry.path}/messages", {"body": "Still there?"}), 201)  # what is written is kept
    refused(enquiry.business.post(f"{enquiry.path}/withdrawal", {}, match=2), 409, "state-conflict")


# --- who was let into a case ---

GRANTS = "SELECT kind FROM access.case_grant WHERE case_id = $1::text::uuid AND (until IS NULL OR until > now()) ORDER BY kind"
CIRCLE = {
    "allocation": "ended_at IS NULL", "collaborator": "ended_at IS NULL", "case_share": "ended_at IS NULL",
    "emergency_access": "until > now()", "advice": "reviewer_id IS NOT NULL",
}  # fmt: skip


@pytest.fixture
def whole(world: World, team: Team) -> Whole:
    """A case with everybody in it: adviser, helper, reviewer, a share, and an emergency."""
    made = whole_case(world, team)
    made.move(made.adviser, "collaborators", {"person_id": team.person("adviser").person_id})
    path = f"/v1/advice/{made.advice_id}"
    asked_of = {"reviewer_id": team.person("reviewer").person_id}
    ok(made.adviser.post(f"{path}/reviewer", asked_of, match=ok(made.adviser.get(path))["version"]))
    ok(share_with(made, world.team()), 201)
    glass = {"reference": made.reference, "purpose_code": "emergency", "reason": "Attack under way."}
    ok(world.team().person("supervisor").post("/v1/emergency-access", glass), 201)
    return made


def standing(world: World, whole: Whole) -> tuple[list[str], set[str], int]:
    """The grants, the rows of the circle that stand, and the shares that lend."""
    grants = [row["kind"] for row in world.sql(GRANTS, whole.case_id)]
    rows = {table for table, still in CIRCLE.items() if world.sql(f"SELECT FROM casework.{table} WHERE case_id = $1::text::uuid AND {still}", whole.case_id)}  # fmt: skip
    return grants, rows, len(world.sql("SELECT FROM access.case_share WHERE case_id = $1::text::uuid AND until > now()", whole.case_id))  # fmt: skip


def test_a_case_that_moves_leaves_nobody_in_it(world: World, whole: Whole, other_team: Team) -> None:
    grants = ["allocated", "break_glass", "collaborator", "reviewer"]
    assert standing(world, whole) == (grants, CIRCLE.keys(), 1)
    offer = offered(whole, other_team, note="A word in the note.")
    assert standing(world, whole)[0] == grants, "an offer takes nothing away"
    ok(
        other_team.person("coordinator").post(
            f"/v1/case-transfers/{offer['id']}/acceptance", {"note": "Ours."}, match=1
        )
    )
    assert standing(world, whole) == ([], set(), 0)
    case = world.sql("SELECT adviser_id, team_id::text, held_on FROM casework.case_file WHERE id = $1::text::uuid", whole.case_id)[0]  # fmt: skip
    assert tuple(case) == (None, other_team.id, None)
    line = world.sql("SELECT title, note FROM casework.case_transfer WHERE id = $1::text::uuid", offer["id"])[0]
    assert tuple(line) == (None, None)


def unshared(whole: Whole) -> None:
    share = ok(whole.supervisor.get(f"{whole.path}/shares"))["items"][0]
    ok(whole.supervisor.post(f"{whole.path}/shares/{share['id']}/ending"))


def uncollaborated(whole: Whole) -> None:
    helper = ok(whole.adviser.get(whole.path))["collaborators"][0]
    ok(whole.adviser.delete(f"{whole.path}/collaborators/{helper['person_id']}", match=whole.version()))  # fmt: skip


def handed_on(whole: Whole) -> None:
    body = {"adviser_id": whole.team.person("adviser").person_id, "reason_code": "workload"}
    whole.move(whole.adviser, "hand-over", body | {"visits": whole.coming("move")})


ENDS: dict[str, tuple[Callable[[Whole], Any], tuple[set[str], set[str], int]]] = {
    "a share that is ended": (unshared, (set(), {"case_share"}, 1)),
    "a collaborator who is let go": (uncollaborated, ({"collaborator"}, {"collaborator"}, 0)),
    "a case that is handed to a colleague": (handed_on, (set(), set(), 0)),
}


@pytest.mark.parametrize("what", ENDS)
def test_what_ends_is_gone_and_nothing_else_is(world: World, whole: Whole, what: str) -> None:
    act, (grants, rows, shares) = ENDS[what]
    before = standing(world, whole)
    adviser = world.sql("SELECT principal_id FROM access.case_grant WHERE case_id = $1::text::uuid AND kind = 'allocated'", whole.case_id)  # fmt: skip
    act(whole)
    after = standing(world, whole)
    assert (set(before[0]) - set(after[0]), before[1] - after[1], before[2] - after[2]) == (grants, rows, shares)
    assert set(after[0]) <= set(before[0])
    now = world.sql("SELECT principal_id FROM access.case_grant WHERE case_id = $1::text::uuid AND kind = 'allocated'", whole.case_id)  # fmt: skip
    assert len(now) == 1
    assert (now == adviser) == (act is not handed_on)


def test_a_reviewer_who_has_decided_is_asked_no_more(world: World, team: Team) -> None:
    adviser, reviewer = team.person("adviser"), team.person("reviewer")
    case = allocated_case(team, adviser)
    draft = drafted_advice(adviser, case)
    path = f"/v1/advice/{draft['id']}"

    def version(caller: Caller) -> int:
        found: int = ok(caller.get(path))["version"]
        return found

    for decision in ("returned", "approved"):
        ok(adviser.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=version(adviser)))
        submitted = ok(adviser.post(f"{path}/submission", match=version(adviser)))
        assert [row["kind"] for row in world.sql(GRANTS, case["id"])] == ["allocated", "reviewer"]
        ok(reviewer.post(f"{path}/review", decided(decision, submitted, "Read."), match=version(reviewer)))
        assert [row["kind"] for row in world.sql(GRANTS, case["id"])] == ["allocated"]
        assert world.sql("SELECT FROM access.reviewing WHERE case_id = $1::text::uuid", case["id"]) == []
        refused(reviewer.get(path), 404, "not-found")


def test_who_logs_out_or_is_stopped_has_no_session_left(world: World, team: Team) -> None:
    administrator, person = team.person("administrator"), team.person("adviser")
    tokens = [person.token or "", *(world.log_in(person.person_id or "").token or "" for _ in range(3))]
    ok(person.delete("/v1/sessions/current"))
    assert live(world, *tokens) == [False, True, True, True]
    record = ok(administrator.get(f"/v1/people/{person.person_id}"))
    ok(administrator.patch(f"/v1/people/{person.person_id}", {"active": False}, match=record["version"]))
    for token in tokens:
        refused(world.anybody(token).get("/v1/cases"), 401, "unauthenticated")
    business = enquirer_of(world, team, allocated_case(team, team.person("adviser")))
    ok(business.delete("/v1/sessions/current"))
    assert live(world, business.token or "") == [False]
    refused(business.get("/v1/tracking"), 401, "unauthenticated")
