"""A case that moves to another force: offered, seen as an offer only, accepted or returned; whoever read it before is out."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.circle.building import NOBODY, Whole, break_glass, offered, open_doors, share_with, whole_case
from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World


def line_of(caller: Caller, reference: str, **filters: str) -> list[dict[str, object]]:
    """The line of the case in the caller's list of transfers."""
    return [row for row in ok(caller.get("/v1/case-transfers", **filters))["items"] if row["reference"] == reference]


def accepted(caller: Caller, transfer: dict[str, object], **facts: object) -> dict[str, object]:
    """Take the case over."""
    path = f"/v1/case-transfers/{transfer['id']}/acceptance"
    taken: dict[str, object] = ok(caller.post(path, facts, match=transfer["version"]))
    return taken


@pytest.fixture
def whole(world: World, team: Team) -> Whole:
    """A case with everything beneath it."""
    return whole_case(world, team)


def test_an_offer_shows_itself_and_nothing_else(world: World, whole: Whole, other_team: Team) -> None:
    made = offered(whole, other_team, note="Their stadium.")
    assert (made["state"], made["note"], made["from_team_id"]) == ("offered", "Their stadium.", whole.team.id)
    for role in ("coordinator", "supervisor"):
        receiver = other_team.person(role)
        assert line_of(receiver, whole.reference) == [made]
        assert line_of(receiver, whole.reference, direction="made") == []
        assert open_doors(receiver, whole) == set()
        refused(receiver.get(whole.path), 404, "not-found")
    refused(other_team.person("adviser").get("/v1/case-transfers"), 403, "forbidden")
    assert line_of(whole.supervisor, whole.reference, direction="made", state="offered") == [made]
    assert line_of(whole.supervisor, whole.reference, direction="made", state="accepted") == []
    assert line_of(world.team().person("supervisor"), whole.reference) == []
    line = ok(whole.adviser.get(f"{whole.path}/timeline"))["items"][0]
    assert (line["action"], line["reason_code"]) == ("case.transfer", "site_in_other_force")
    jobs = world.sql(
        "SELECT args FROM jobs.procrastinate_jobs WHERE args::text LIKE '%case_offered%' AND args::text LIKE $1",
        f"%{whole.case_id}%",
    )
    assert [other_team.id in job["args"] for job in jobs] == [True]


@pytest.mark.parametrize("role", ["coordinator", "supervisor"])
def test_the_case_moves_with_everything_beneath_it(world: World, whole: Whole, other_team: Team, role: str) -> None:
    receiver, adviser = other_team.person(role), other_team.person("adviser")
    before = ok(whole.supervisor.get(whole.path))["version"]
    taken = accepted(receiver, offered(whole, other_team), note="Ours now.")
    assert (taken["state"], taken["title"], taken["note"], taken["decision_note"]) == (
        "accepted",
        None,
        None,
        "Ours now.",
    )
    case = ok(receiver.get(whole.path))
    assert (case["state"], case["adviser_id"], case["collaborators"], case["team_id"]) == (
        "open",
        None,
        [],
        other_team.id,
    )
    assert case["version"] > before
    supervisor = other_team.person("supervisor")
    open_now = open_doors(supervisor, whole)
    assert open_now >= {
        "case",
        "timeline",
        "notes",
        "visit",
        "finding",
        "advice",
        "recommendation",
        "enquiry",
        "access log",
    }
    line = ok(receiver.get(f"{whole.path}/timeline"))["items"][0]
    assert (line["action"], line["person"], line["facts"]["decision"]) == ("case.receive", receiver.name, "accepted")
    # It can be worked on at once, at a copy of its place.
    given = {"adviser_id": adviser.person_id, "visits": whole.coming("move")}
    ok(supervisor.post(f"{whole.path}/allocation", given, match=case["version"]))
    ok(adviser.post(f"{whole.path}/notes", {"body": "Read it all."}), 201)
    place = ok(adviser.get(f"/v1/premises/{case['premises_id']}"))
    assert (place["name"], place["team_id"]) == ("Old Mill", other_team.id)
    assert [area["name"] for area in place["areas"]] == ["Foyer"]
    assert ok(adviser.get(f"/v1/visits/{whole.visit_id}"))["premises_id"] == case["premises_id"]
    assert ok(adviser.get(f"/v1/enquiries/{whole.enquiry_id}"))["team_id"] == other_team.id
    # The business tracks its enquiry as before, and its place stays with the former team as well.
    assert ok(whole.business.get("/v1/tracking"))["reference"]
    ok(whole.business.post(f"/v1/enquiries/{whole.enquiry_id}/messages", {"body": "Who comes?"}), 201)
    ok(whole.adviser.get(f"/v1/premises/{whole.premises_id}"))
    left = world.sql(
        "SELECT c.conrelid::regclass::text AS held FROM pg_constraint c WHERE NOT c.convalidated AND c.contype = 'f'"
    )
    assert left == []


def test_the_former_team_keeps_its_own_line_and_nothing_of_the_case(
    world: World, whole: Whole, other_team: Team
) -> None:
    team = whole.team
    coordinator, manager = team.person("coordinator"), team.person("information_manager")
    transfer = offered(whole, other_team, note="A canary in the note.")
    taken = accepted(other_team.person("coordinator"), transfer)
    assert line_of(whole.supervisor, whole.reference, direction="made") == [taken]
    assert set(taken) - {k for k, v in taken.items() if v is None} == {
        "id", "reference", "strand", "from_team_id", "from_team", "to_team_id", "to_team", "state", "reason_code",
        "offered_at", "decided_at", "version",
    }  # fmt: skip
    assert line_of(coordinator, whole.reference, direction="made") == []
    for left in (whole.supervisor, whole.adviser, coordinator, manager):
        assert open_doors(left, whole) == set()
        refused(left.get(whole.path), 404, "not-found")
    rows = world.sql("SELECT * FROM casework.case_transfer WHERE id = $1", transfer["id"])
    assert (rows[0]["title"], rows[0]["note"]) == (None, None)


def test_everybody_let_in_before_is_out(world: World, whole: Whole, other_team: Team) -> None:
    third, fourth = world.team(), world.team()
    helper, reviewer, glass = whole.team.person("adviser"), third.person("reviewer"), fourth.person("supervisor")
    ok(share_with(whole, third, includes_restricted=True), 201)
    ok(share_with(whole, other_team, mode="contribute"), 201)
    sharer = third.person("adviser")
    whole.move(whole.adviser, "collaborators", {"person_id": helper.person_id})
    advice = ok(whole.adviser.get(f"/v1/advice/{whole.advice_id}"))
    asked = whole.adviser.post(
        f"/v1/advice/{whole.advice_id}/reviewer", {"reviewer_id": reviewer.person_id}, match=advice["version"]
    )
    sent = ok(whole.adviser.post(f"/v1/advice/{whole.advice_id}/submission", match=asked))
    assert sent["state"] == "in_review"
    ok(break_glass(glass, whole), 201)
    inside = (helper, reviewer, sharer, glass)
    assert all(open_doors(person, whole) for person in inside)
    transfer = offered(whole, other_team)
    accepted(other_team.person("supervisor"), transfer)
    for person in inside:
        assert open_doors(person, whole) - {"headlines"} == set()
    assert world.sql("SELECT 1 FROM access.case_grant WHERE case_id = $1", whole.case_id) == []
    assert world.sql("SELECT 1 FROM access.case_share WHERE case_id = $1", whole.case_id) == []
    assert world.sql("SELECT 1 FROM access.reviewing WHERE case_id = $1", whole.case_id) == []
    # The receiving team holds it by its own right; its former share is history.
    advice = ok(other_team.person("adviser").get(f"/v1/advice/{whole.advice_id}"))
    assert (advice["state"], advice["return_reason"], advice["reviewer"]) == ("returned", "case_moved", None)
    # And nobody is let in again when it comes back.
    back = other_team.person("supervisor")
    body = {"to_team_id": whole.team.id, "reason_code": "site_in_other_force"}
    accepted(whole.supervisor, ok(back.post(f"{whole.path}/transfer", body), 201))
    assert open_doors(back, whole) == set()
    for person in inside[1:]:
        assert open_doors(person, whole) == set()
    assert "case.amend" not in ok(helper.get(whole.path))["allowed_actions"]


@pytest.mark.parametrize(
    ("asked", "submitted", "after"),
    [
        (False, False, ("draft", None)),
        (True, False, ("draft", None)),
        (False, True, ("returned", "case_moved")),
        (True, True, ("returned", "case_moved")),
    ],
)
def test_advice_in_review_goes_back_whether_somebody_was_asked_or_not(
    whole: Whole, other_team: Team, asked: bool, submitted: bool, after: tuple[str, str | None]
) -> None:
    path = f"/v1/advice/{whole.advice_id}"
    if asked:
        named = {"reviewer_id": whole.team.person("reviewer").person_id}
        ok(whole.adviser.post(f"{path}/reviewer", named, match=whole.adviser.get(path)))
    if submitted:
        ok(whole.adviser.post(f"{path}/submission", match=whole.adviser.get(path)))
    accepted(other_team.person("supervisor"), offered(whole, other_team))
    adviser, supervisor = other_team.person("adviser"), other_team.person("supervisor")
    advice = ok(supervisor.get(path))
    assert (advice["state"], advice["return_reason"]) == after
    assert (advice["reviewer"], advice["content_sha256"]) == (None, None)
    lines = ok(supervisor.get(f"{whole.path}/timeline"))["items"]
    moved = [line for line in lines if line["subject_id"] == whole.advice_id and line["reason_code"] == "case_moved"]
    told = {"from": "in_review", "state": "returned"}
    assert [(line["action"], line["facts"]) for line in moved] == [("case.receive", told)] * submitted
    # The new team drafts on, submits and asks whom it will.
    given = {"adviser_id": adviser.person_id, "visits": whole.coming("move")}
    ok(supervisor.post(f"{whole.path}/allocation", given, match=whole.version(supervisor)))
    ok(adviser.patch(path, {"title": "Advice of ours"}, match=adviser.get(path)))
    assert ok(adviser.post(f"{path}/submission", match=adviser.get(path)))["state"] == "in_review"


# What a copy of a place does not take along, and why: its own name and keeper, and its own time.
OWN = {"id", "team_id", "version", "created_at"}
BEHIND = {
    "premises": {
        *OWN,
        "merged_into",  # a place of the former team's
        *("source", "source_ref", "source_facts"),  # the next import finds one place, that of the former team
    },
    "premises_area": {*OWN, "premises_id"},
    "premises_alias": {*OWN, "premises_id"},
    "premises_party": {*OWN, "premises_id"},
}
FILL = (
    """
    UPDATE casework.premises SET
        name = 'Old Mill', address = '1 Mill Lane', town = 'Derby', uprn = '100099887', local_authority_code = 'E06000015',
        latitude = 52.9, longitude = -1.4, schedule_1_use = 'entertainment', wholly_or_mainly = 'yes', exclusion_basis = 'A letter',
        sector = (SELECT code FROM casework.lookup WHERE kind = 'sectors' ORDER BY position LIMIT 1),
        schedule_2_exclusion = (SELECT code FROM casework.lookup WHERE kind = 'schedule_2_exclusions' ORDER BY position LIMIT 1),
        excluded_on = '2026-01-05', expected_peak_occupancy = 900, occupancy_basis = 'fixed_capacity', occupancy_on = '2026-01-06',
        priority = true, priority_reason = 'Crowds', complex_id = casework.new_id(), state = 'closed', closed_on = '2026',
        source = 'a list ' || id, source_ref = '7', source_facts = '{"name": "Mill"}', merged_into = id, version = 7
    WHERE id = $1""",
    "UPDATE casework.premises_area SET description = 'By the stairs', ended_at = '2100-01-01Z', version = 3 WHERE premises_id = $1",
    """
    INSERT INTO casework.premises_alias (premises_id, team_id, name, postcode, ended_at, version)
    SELECT id, team_id, 'The Mill', 'DE1 1AA', '2100-01-01Z', 3 FROM casework.premises WHERE id = $1""",
    """
    INSERT INTO casework.premises_party (premises_id, team_id, role, name, organisation_id, phone, phone_extension, relay, email,
                                         ended_at, version)
    SELECT p.id, p.team_id, 'operator', 'Ann', o.id, '+441332496000', '12', true, 'ann@mill.example', '2100-01-01Z', 3
    FROM casework.premises p, casework.organisation o WHERE p.id = $1 AND o.team_id = p.team_id""",
)


def test_a_copy_of_a_place_takes_every_fact_along_that_its_tables_have(
    world: World, whole: Whole, other_team: Team
) -> None:
    ok(whole.adviser.post("/v1/organisations", {"team_id": whole.team.id, "name": "Mill Holdings"}), 201)
    for statement in FILL:
        world.logged_sql(statement, whole.premises_id)
    receiver = other_team.person("supervisor")
    before = ok(whole.adviser.get(f"/v1/premises/{whole.premises_id}"))
    accepted(receiver, offered(whole, other_team))
    copy = ok(receiver.get(whole.path))["premises_id"]
    after = ok(receiver.get(f"/v1/premises/{copy}"))
    told = ("schedule_2_exclusion", "exclusion_basis", "excluded_on", "wholly_or_mainly", "indicative_tier", "state")
    assert {name: after[name] for name in told} == {name: before[name] for name in told}
    for table, behind in BEHIND.items():
        key = "id" if table == "premises" else "premises_id"
        kept, gone = (
            [dict(row) for row in world.sql(f"SELECT * FROM casework.{table} WHERE {key} = $1", place)]
            for place in (whole.premises_id, copy)
        )
        assert (len(kept), len(gone)) == (1, 1), table
        assert behind <= kept[0].keys()
        # Every column has something to lose, one of tomorrow as well: fill it above, or say why it stays behind.
        assert [name for name, value in kept[0].items() if value in (None, False, "unknown", "open")] == [], table
        facts = kept[0].keys() - behind
        assert {name: gone[0][name] for name in facts} == {name: kept[0][name] for name in facts}, table
        assert [name for name in behind if gone[0][name] == kept[0][name]] == [], table


def test_a_restricted_case_stays_restricted(whole: Whole, other_team: Team) -> None:
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    transfer = offered(whole, other_team)
    coordinator, supervisor = other_team.person("coordinator"), other_team.person("supervisor")
    # Restricted cases are outside a coordinator's reach, and so are their offers.
    assert line_of(coordinator, whole.reference) == []
    refused(coordinator.post(f"/v1/case-transfers/{transfer['id']}/acceptance", match=1), 404, "not-found")
    taken = accepted(supervisor, transfer)
    assert line_of(supervisor, whole.reference) == [taken]
    refused(coordinator.get(whole.path), 403, "forbidden")
    refused(other_team.person("adviser").get(whole.path), 403, "forbidden")
    assert ok(supervisor.get(whole.path))["restricted"]
    for left in (whole.supervisor, whole.adviser):
        assert open_doors(left, whole) == set()


def test_an_offer_is_returned(whole: Whole, other_team: Team) -> None:
    transfer, receiver = offered(whole, other_team), other_team.person("coordinator")
    path = f"/v1/case-transfers/{transfer['id']}"
    refused(receiver.post(f"{path}/return", {}, match=1), 422, "validation-failed")
    back = ok(receiver.post(f"{path}/return", {"note": "Yours by the new boundary."}, match=1))
    assert (back["state"], back["title"]) == ("returned", None)
    assert "case" in open_doors(whole.adviser, whole)
    assert open_doors(receiver, whole) == set()
    line = ok(whole.adviser.get(f"{whole.path}/timeline"))["items"][0]
    assert (line["action"], line["reason"], line["facts"]["decision"]) == (
        "case.receive",
        "Yours by the new boundary.",
        "returned",
    )
    assert line_of(whole.supervisor, whole.reference, direction="made") == [back]
    refused(receiver.post(f"{path}/acceptance", match=2), 409, "state-conflict")
    offered(whole, other_team)


def test_an_offer_is_withdrawn(whole: Whole, other_team: Team) -> None:
    transfer, receiver = offered(whole, other_team), other_team.person("supervisor")
    path = f"/v1/case-transfers/{transfer['id']}"
    again = whole.supervisor.post(f"{whole.path}/transfer", {"to_team_id": other_team.id, "reason_code": "capability"})
    refused(again, 409, "already-offered")
    refused(receiver.post(f"{path}/withdrawal", match=1), 403, "forbidden")
    refused(whole.adviser.post(f"{path}/withdrawal", match=1), 403, "forbidden")
    refused(whole.supervisor.post(f"{path}/withdrawal", match=7), 412, "precondition-failed")
    gone = ok(whole.supervisor.post(f"{path}/withdrawal", match=1))
    assert (gone["state"], gone["title"]) == ("withdrawn", None)
    refused(receiver.post(f"{path}/acceptance", match=1), 412, "precondition-failed")
    refused(receiver.post(f"{path}/acceptance", match=2), 409, "state-conflict")
    assert open_doors(receiver, whole) == set()


def test_only_the_team_that_was_asked_decides(world: World, whole: Whole, other_team: Team) -> None:
    transfer = offered(whole, other_team)
    path = f"/v1/case-transfers/{transfer['id']}/acceptance"
    refused(whole.supervisor.post(path, match=1), 403, "forbidden")
    refused(other_team.person("adviser").post(path, match=1), 403, "forbidden")
    stranger = world.team().person("supervisor")
    refused(stranger.post(path, match=1), 404, "not-found")
    refused(stranger.post(f"/v1/case-transfers/{NOBODY}/acceptance", match=1), 404, "not-found")
    receiver = other_team.person("supervisor")
    refused(receiver.post(path, match=5), 412, "precondition-failed")
    refused(receiver.post(path), 428, "precondition-required")
    for place in (whole.premises_id, NOBODY):
        problem = refused(receiver.post(path, {"premises_id": place}, match=1), 422, "validation-failed")
        assert problem["errors"][0]["pointer"] == "/premises_id"
    assert "case" in open_doors(whole.adviser, whole)


def test_a_place_that_the_team_keeps_already_is_used(whole: Whole, world: World, other_team: Team) -> None:
    receiver = other_team.person("supervisor")
    mine = ok(receiver.post("/v1/premises", {"team_id": other_team.id, "name": "Mill, Old"}), 201)
    accepted(receiver, offered(whole, other_team), premises_id=mine["id"])
    assert ok(receiver.get(whole.path))["premises_id"] == mine["id"]
    # Unnamed, the place of the same UPRN; otherwise a copy.
    for other in (world.team(), world.team()):
        world.logged_sql("UPDATE casework.premises SET uprn = '100012345' WHERE id = $1", mine["id"])
        taker, here = other.person("supervisor"), whole_case(world, whole.team)
        place = ok(taker.post("/v1/premises", {"team_id": other.id, "name": "The mill", "uprn": "100012345"}), 201)
        world.logged_sql("UPDATE casework.premises SET uprn = '100012345' WHERE id = $1", here.premises_id)
        accepted(taker, offered(here, other))
        assert ok(taker.get(here.path))["premises_id"] == place["id"]


def test_a_closed_case_is_neither_offered_nor_taken(world: World, whole: Whole, other_team: Team) -> None:
    transfer = offered(whole, other_team)
    close = "UPDATE casework.case_file SET state = 'closed', closed_at = now() WHERE id = $1"
    world.logged_sql(close, whole.case_id)
    path = f"/v1/case-transfers/{transfer['id']}"
    receiver = other_team.person("supervisor")
    refused(receiver.post(f"{path}/acceptance", match=1), 409, "state-conflict")
    ok(receiver.post(f"{path}/return", {"note": "It is closed."}, match=1))
    body = {"to_team_id": other_team.id, "reason_code": "capability"}
    refused(whole.supervisor.post(f"{whole.path}/transfer", body), 409, "state-conflict")


def test_an_offer_goes_to_another_force_by_a_supervisor_for_a_reason(
    world: World, whole: Whole, other_team: Team
) -> None:
    path = f"{whole.path}/transfer"
    body = {"to_team_id": other_team.id, "reason_code": "capability"}
    for caller in (whole.adviser, whole.team.person("coordinator"), whole.team.person("information_manager")):
        refused(caller.post(path, body), 403, "forbidden")
    refused(other_team.person("supervisor").post(path, body), 404, "not-found")
    for wrong, pointer in (
        ({"to_team_id": whole.team.id}, "/to_team_id"),
        ({"to_team_id": NOBODY}, "/to_team_id"),
        ({"reason_code": "boredom"}, "/reason_code"),
        ({"reason_code": "other"}, "/note"),
    ):
        problem = refused(whole.supervisor.post(path, {**body, **wrong}), 422, "validation-failed")
        assert problem["errors"][0]["pointer"] == pointer


def test_of_two_who_decide_at_once_one_does(whole: Whole, other_team: Team) -> None:
    transfer = offered(whole, other_team)
    path = f"/v1/case-transfers/{transfer['id']}"
    people = [other_team.person("supervisor") for _ in range(4)]

    def decide(number: int) -> int:
        noun, body = ("acceptance", {}) if number % 2 else ("return", {"note": "No."})
        return people[number].post(f"{path}/{noun}", body, match=1).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(decide, range(4)))
    assert answers == [200, 412, 412, 412]


def test_the_answer_of_who_takes_over_can_be_asked_for_again(whole: Whole, other_team: Team) -> None:
    transfer, receiver = offered(whole, other_team), other_team.person("coordinator")
    path = f"/v1/case-transfers/{transfer['id']}/acceptance"
    first = ok(receiver.post(path, key="the-key-of-the-taking", match=1))
    assert ok(receiver.post(path, key="the-key-of-the-taking", match=1)) == first


def test_definitions_loaded_again_leave_the_mover_its_functions(world: World) -> None:
    owners = (
        "SELECT p.proname, pg_get_userbyid(p.proowner) AS owner FROM pg_proc p WHERE p.proname IN"
        " ('decide_transfer', 'move_case', 'end_circle', 'place_in')"
    )
    world.define_again()
    found = {row["proname"]: row["owner"] for row in world.sql(owners)}
    assert set(found.values()) == {"casework_mover"}
    assert len(found) == 4
    assert not world.sql("SELECT has_schema_privilege('casework_mover', 'access', 'CREATE') AS may")[0]["may"]
    for role in ("casework_api", "casework_public", "casework_worker"):
        for name in (
            "access.move_case(uuid, uuid, uuid)",
            "access.end_circle(uuid, uuid)",
            "access.place_in(uuid, uuid)",
            "access.facts_of(regclass, text[])",
        ):
            assert not world.sql("SELECT has_function_privilege($1, $2, 'EXECUTE') AS may", role, name)[0]["may"]
