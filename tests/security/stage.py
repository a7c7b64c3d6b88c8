"""The stage of the proofs: two forces, what each keeps, everybody who could want to see it, and the ids of each relation."""

import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from casework.access.tokens import hash_token
from tests.security.model import OFFERS, Offer, Principal, Row, Shares
from tests.support import contract
from tests.support.authority import ACTING_SCOPES
from tests.support.callers import Caller, ok
from tests.support.story import (
    allocated_case,
    completed_visit,
    drafted_advice,
    enquirer_of,
    finding,
    issued_advice,
    moment,
    proposed_visit,
    recommendation,
)
from tests.support.world import Team, World

STAFF = (
    "adviser",
    "reviewer",
    "coordinator",
    "supervisor",
    "information_manager",
    "auditor",
    "national_reader",
    "professional_lead",
    "administrator",
)
ABROAD = ("other team", "other restricted", "other issued", "shared read", "shared contribute", "opened", "unshared")
"""The cases that another force keeps."""
CASE_NOUNS = {
    "case_id": "SELECT $1::uuid AS id",
    "enquiry_id": "SELECT id FROM casework.enquiry WHERE case_id = $1",
    "message_id": "SELECT m.id FROM casework.enquiry_message m JOIN casework.enquiry e ON e.id = m.enquiry_id WHERE e.case_id = $1",
    "visit_id": "SELECT id FROM casework.site_visit WHERE case_id = $1 ORDER BY id LIMIT 1",
    "finding_id": "SELECT id FROM casework.finding WHERE case_id = $1 ORDER BY id LIMIT 1",
    "advice_id": "SELECT id FROM casework.advice WHERE case_id = $1 ORDER BY id LIMIT 1",
    "share_id": "SELECT s.id FROM casework.case_share s WHERE s.case_id = $1"
    " AND NOT EXISTS (SELECT FROM access.membership m WHERE m.team_id = s.to_team_id)",
    "case_transfer_id": "SELECT id FROM casework.case_transfer WHERE case_id = $1",
    "enquiry_transfer_id": "SELECT t.id FROM casework.enquiry_transfer t JOIN casework.enquiry e ON e.id = t.enquiry_id WHERE e.case_id = $1",
    "recommendation_id": "SELECT id FROM casework.recommendation WHERE case_id = $1 ORDER BY id LIMIT 1",
}
"""Path parameters that name a record of a case, and where its id is found."""


@dataclass
class Stage:
    """Two forces, and what each keeps."""

    world: World
    here: Team
    there: Team
    elsewhere: Team
    """A third force, of which nobody is here: what is ended or offered in passing is with it."""
    cases: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, Principal] = field(default_factory=dict)
    shares: Shares = field(default_factory=dict)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    """By relation: the id of each path parameter."""
    rows: dict[str, Row] = field(default_factory=dict)
    """By relation: what authority knows of these records."""
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    """By noun and relation: the transfers."""


def example(path: str) -> Any:
    """What the contract shows to be sent there."""
    return contract.document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]


def furnish(
    world: World, team: Team, kind: str, adviser: Caller, supervisor: Caller, reviewer: Caller, day: int, **facts: Any
) -> tuple[UUID, Caller]:
    """A case with something in every table that the slices fill, and its business; ``issued``: with advice gone out."""
    case = allocated_case(team, adviser, supervisor, title=f"A {kind} case {team.mark}", **facts)
    path = f"/v1/cases/{case['id']}"
    for audience in ("desk", "casework"):
        ok(adviser.post(f"{path}/notes", {"body": f"They close at six. {team.mark}", "audience": audience}), 201)
    business = enquirer_of(world, team, case)
    enquiry = world.sql("SELECT id FROM casework.enquiry WHERE case_id = $1::text::uuid", case["id"])[0][0]
    ok(business.post(f"/v1/enquiries/{enquiry}/messages", {"body": f"When will you come? {team.mark}"}), 201)
    visit = completed_visit(adviser, case, finding())
    found = visit["findings"]
    said = {"notes": f"The gate was locked. {team.mark}", "reason": "Left out."}
    ok(adviser.post(f"/v1/visits/{visit['id']}/supplements", said), 201)
    # An adviser is in one place at a time.
    proposed_visit(adviser, case, starts_at=moment(days=day), ends_at=moment(days=day, hours=2))
    spoken = example("/v1/cases/{case_id}/interim-advice")
    ok(adviser.post(f"{path}/interim-advice", {**spoken, "advice": f"Keep the doors shut. {team.mark}"}), 201)
    advice = recommendation(finding_ids=[found[0]["id"]], action=f"Fit a bollard. {team.mark}")
    if kind == "issued":
        issued = issued_advice(team, adviser, case, advice)  # its delivery is pending
        answered = f"/v1/recommendations/{issued['recommendations'][0]['id']}"
        ok(business.post(f"{answered}/responses", {"answer": "accepted"}), 201)
        return UUID(case["id"]), business
    draft = drafted_advice(adviser, case, advice)
    ok(adviser.post(f"/v1/advice/{draft['id']}/reviewer", {"reviewer_id": reviewer.person_id}, match=draft["version"]))
    return UUID(case["id"]), business


def restrict(owner: Caller, case: UUID) -> None:
    """Restrict a case."""
    path = f"/v1/cases/{case}"
    why = example("/v1/cases/{case_id}/restriction")
    ok(owner.post(f"{path}/restriction", why, match=ok(owner.get(path))["version"]))


def collaborate(owner: Caller, case: UUID, helper: Caller) -> None:
    """Add a collaborator to a case."""
    path = f"/v1/cases/{case}"
    body = {"person_id": helper.person_id}
    ok(owner.post(f"{path}/collaborators", body, match=ok(owner.get(path))["version"]))


def lend(world: World, case: UUID, to: Team, mode: str, by: Caller) -> None:
    """Share a case with another force for a week, as the owning supervisor would have."""
    world.logged_sql(
        "INSERT INTO casework.case_share (case_id, team_id, restricted, to_team_id, mode, purpose_code, until, shared_by)"
        " SELECT id, team_id, restricted, $2, $3, 'supervision', now() + interval '7 days', $4"
        " FROM casework.case_file WHERE id = $1",
        case, to.id, mode, by.person_id,
    )  # fmt: skip


def break_glass(world: World, case: UUID, owner: Team, by: Caller) -> None:
    """Open a case of another force, as its supervisor did in an emergency an hour ago."""
    world.sql(
        "WITH e AS (SELECT access.begin_system('case.break_glass', 'tests') AS id)"
        " INSERT INTO casework.emergency_access (case_id, team_id, person_id, purpose_code, reason, until)"
        " SELECT $1, $2::text::uuid, $3::text::uuid, 'supervision', $4, now() + interval '23 hours' FROM e",
        case, owner.id, by.person_id, f"A van at the gate {owner.mark}",
    )  # fmt: skip
    world.sql(
        "INSERT INTO access.case_grant (case_id, principal_id, kind, team_id, until)"
        " VALUES ($1, $2::text::uuid, 'break_glass', $3::text::uuid, now() + interval '23 hours') ON CONFLICT DO NOTHING",
        case, by.person_id, owner.id,
    )  # fmt: skip


def _offer(world: World, case: UUID, owner: Team, to: Team, state: str, by: Caller) -> None:
    """A case and its enquiry offered to another force."""
    _offer_case(world, case, owner, to, state, by)
    _offer_enquiry(world, case, owner, to, state, by)


def _offer_case(world: World, case: UUID, sender: Team, to: Team, state: str, by: Caller) -> None:
    world.logged_sql(
        "INSERT INTO casework.case_transfer"
        " (case_id, team_id, restricted, reference, title, strand, from_team_id, to_team_id, state, reason_code, offered_by)"
        " SELECT id, team_id, restricted, reference, CASE WHEN $3 = 'offered' THEN title END, strand, $5, $2, $3::text, 'other', $4"
        " FROM casework.case_file WHERE id = $1",
        case, to.id, state, by.person_id, sender.id,
    )  # fmt: skip


def _offer_enquiry(world: World, case: UUID, sender: Team, to: Team, state: str, by: Caller) -> None:
    world.logged_sql(
        "INSERT INTO casework.enquiry_transfer"
        " (enquiry_id, team_id, restricted, reference, site_name, from_team_id, to_team_id, state, state_before, offered_by)"
        " SELECT id, team_id, restricted, reference, site_name, $5, $2, $3, 'received', $4"
        " FROM casework.enquiry WHERE case_id = $1",
        case, to.id, state, by.person_id, sender.id,
    )  # fmt: skip


def build(world: World) -> Stage:
    """Two forces with a case in each standing, and everybody who could want to see them."""
    here, there, elsewhere = world.team(), world.team(), world.team()
    stage = Stage(world, here, there, elsewhere)
    adviser, colleague, abroad = here.person("adviser"), here.person("adviser"), there.person("adviser")
    supervisor, reviewer, reviewer_abroad = here.person("supervisor"), here.person("reviewer"), there.person("reviewer")
    other_supervisor, other_reviewer = there.person("supervisor"), here.person("reviewer")
    helper = here.person("adviser")
    business: dict[str, Caller] = {}
    plan = (
        ("mine", here, "normal", adviser, supervisor, reviewer),
        ("mine restricted", here, "restricted", adviser, supervisor, reviewer),
        ("issued", here, "issued", adviser, supervisor, reviewer),
        ("same team", here, "normal", colleague, supervisor, other_reviewer),
        ("restricted", here, "restricted", colleague, supervisor, other_reviewer),
        ("other team", there, "normal", abroad, other_supervisor, reviewer),
        ("other restricted", there, "restricted", abroad, other_supervisor, reviewer_abroad),
        ("other issued", there, "issued", abroad, other_supervisor, reviewer_abroad),
        ("shared read", there, "normal", abroad, other_supervisor, reviewer_abroad),
        ("shared contribute", there, "normal", abroad, other_supervisor, reviewer_abroad),
        ("opened", there, "normal", abroad, other_supervisor, reviewer_abroad),
        ("unshared", there, "normal", abroad, other_supervisor, reviewer_abroad),
    )
    for day, (name, team, kind, owner, giver, asked) in enumerate(plan, 7):
        stage.cases[name], business[name] = furnish(world, team, kind, owner, giver, asked, day)
    c = stage.cases
    for name in ("mine restricted", "issued"):
        collaborate(adviser, c[name], helper)
    for owner, name in ((adviser, "mine restricted"), (colleague, "restricted"), (abroad, "other restricted")):
        restrict(owner, c[name])
    for name, mode in (("shared read", "read"), ("shared contribute", "contribute")):
        lend(world, c[name], here, mode, other_supervisor)
        stage.shares[c[name], UUID(here.id)] = mode
    break_glass(world, c["opened"], there, supervisor)
    for name, case in c.items():
        lend(world, case, elsewhere, "read", other_supervisor if name in ABROAD else supervisor)
    _offer(world, c["unshared"], there, here, "offered", other_supervisor)
    _offer(world, c["same team"], here, there, "returned", supervisor)
    # Restricted ones have no enquiry that could still be passed on; and a case that came from here for good.
    _offer_case(world, c["restricted"], here, there, "offered", supervisor)
    _offer_case(world, c["other restricted"], there, here, "offered", other_supervisor)
    _offer_case(world, c["other team"], here, there, "accepted", supervisor)
    _offer_enquiry(world, c["other issued"], there, here, "withdrawn", other_supervisor)
    _cast(stage, adviser, colleague, supervisor, reviewer, helper, abroad, reviewer_abroad, business)
    _places(stage)
    _relations(stage)
    return stage


def _cast(
    stage: Stage, adviser: Caller, colleague: Caller, supervisor: Caller, reviewer: Caller, helper: Caller,
    abroad: Caller, reviewer_abroad: Caller, business: dict[str, Caller],
) -> None:  # fmt: skip
    world, here, there, c = stage.world, stage.here, stage.there, stage.cases
    a, b = UUID(here.id), UUID(there.id)

    def add(name: str, caller: Caller, *roles: tuple[str, UUID | None], **given: Any) -> None:
        stage.people[name] = Principal(name, caller, roles, **{k: frozenset(c[each] for each in v) for k, v in given.items()})  # fmt: skip

    mine = ("mine", "mine restricted", "issued")
    add("public", world.anybody(), ("public", None))
    add("enquirer", _unverified(world, here, c["issued"]), ("enquirer", None), own=("issued",))
    add("verified_enquirer", business["issued"], ("verified_enquirer", None), own=("issued",))
    add("other enquirer", business["other issued"], ("verified_enquirer", None), own=("other issued",))
    add("adviser", adviser, ("adviser", a), allocated=mine)
    add("reviewer", reviewer, ("reviewer", a), reviewing=("mine", "mine restricted", "other team"))
    add("supervisor", supervisor, ("supervisor", a), opened=("opened",))
    add("collaborator", helper, ("adviser", a), collaborating=("mine restricted", "issued"))
    add("colleague", colleague, ("adviser", a), allocated=("same team", "restricted"))
    add("idle adviser", here.person("adviser"), ("adviser", a))
    add("idle reviewer", here.person("reviewer"), ("reviewer", a))
    theirs = tuple(name for name in c if name.startswith(("other", "shared", "opened", "unshared")))
    add("adviser abroad", abroad, ("adviser", b), allocated=theirs)
    add("reviewer abroad", reviewer_abroad, ("reviewer", b),
        reviewing=("other restricted", "shared read", "shared contribute", "opened", "unshared"))  # fmt: skip
    hats = here.person("adviser")
    world.give_role(hats.person_id or "", "supervisor", there)
    add("adviser here, supervisor there", hats, ("adviser", a), ("supervisor", b))
    # Two parts in one team that reach the same records: each is seen for two reasons, and is one record.
    pair = here.person("supervisor", "information_manager")
    add("supervisor and information manager", pair, ("supervisor", a), ("information_manager", a))
    double = here.person("adviser", "reviewer", "coordinator")
    collaborate(adviser, c["mine"], double)
    add(
        "adviser, reviewer and coordinator",
        double,
        ("adviser", a),
        ("reviewer", a),
        ("coordinator", a),
        collaborating=("mine",),
    )
    both = here.person("adviser", "auditor")
    add("adviser and auditor", both, ("adviser", a), ("auditor", a))
    three = there.person("coordinator", "national_reader")
    world.give_role(three.person_id or "", "reviewer", here)
    add("coordinator and national reader there, reviewer here", three, ("coordinator", b), ("national_reader", b), ("reviewer", a))  # fmt: skip
    for role in STAFF:
        if role not in stage.people:
            add(role, here.person(role), (role, a))
    scopes = contract.document()["components"]["schemas"]["ApiClientCreation"]["properties"]["scopes"]["items"]["enum"]
    add("service", here.tool(*scopes, *ACTING_SCOPES), ("service", a))


def _unverified(world: World, team: Team, case: UUID) -> Caller:
    """The same business by its link alone: the contact was verified, but no one-time code was entered."""
    found = world.sql("SELECT id FROM casework.enquiry WHERE case_id = $1", case)[0]["id"]
    contact = world.sql("SELECT contact_id FROM access.enquiry_link WHERE enquiry_id = $1", found)[0][0]
    caller = world.anybody(f"trk_{uuid4().hex}{uuid4().hex}")
    world.sql(
        "INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)"
        " VALUES ($1, 'enquirer', $2, $3, now() + interval '1 hour')",
        hash_token(caller.token or ""), contact, found,
    )  # fmt: skip
    caller.person_id, caller.teams, caller.mark = str(contact), {team.id}, team.mark
    return caller


def _places(stage: Stage) -> None:
    """Premises with an area and a party, and an organisation, on both sides; and a person of each side whom things befall."""
    for relation, team, by in (("same team", stage.here, "adviser"), ("other team", stage.there, "adviser abroad")):
        caller = stage.people[by].caller
        firm = ok(caller.post("/v1/organisations", {"team_id": team.id, "name": "Hall Trust", "note": team.mark}), 201)
        place = ok(caller.post("/v1/premises", {"team_id": team.id, "name": f"Corn Exchange {team.mark}"}), 201)
        path = f"/v1/premises/{place['id']}"
        ok(caller.post(f"{path}/areas", {"name": f"Foyer {team.mark}"}), 201)
        ok(caller.post(f"{path}/aliases", {"name": f"The Old Exchange {team.mark}"}), 201)
        party = {"role": "security_contractor", "name": f"Peak Guarding {team.mark}"}
        ok(caller.post(f"{path}/parties", party), 201)
        victim = team.person("reviewer")
        ok(
            victim.post(f"/v1/people/{victim.person_id}/review-offer", example("/v1/people/{person_id}/review-offer")),
            201,
        )
        tool = team.tool("cases.read")
        said = "SELECT access.bind_identity($1, 'https://login.example', $2, NULL)"
        stage.world.logged_sql(said, victim.person_id, f"subject-{team.mark}")
        change = "INSERT INTO access.person_change (person_id, kind, email, asked_by) VALUES ($1::text::uuid, 'email', $2, $3::text::uuid)"
        stage.world.logged_sql(
            change,
            victim.person_id,
            f"new-{secrets.token_hex(6)}@police.example",
            team.person("administrator").person_id,
        )
        seen = "SELECT o.event_id FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id WHERE o.case_id = $1 AND e.principal_id = $2 LIMIT 1"
        known_case = stage.cases["mine" if relation == "same team" else "other issued"]
        stage.ids[relation] = {
            "premises_id": place["id"],
            "area_id": _first(stage, "SELECT id FROM casework.premises_area WHERE premises_id = $1::text::uuid", place["id"]),
            "party_id": _first(stage, "SELECT id FROM casework.premises_party WHERE premises_id = $1::text::uuid", place["id"]),
            "alias_id": _first(stage, "SELECT id FROM casework.premises_alias WHERE premises_id = $1::text::uuid", place["id"]),
            "organisation_id": firm["id"],
            "person_id": victim.person_id or "",
            "role_id": _first(stage, "SELECT id FROM access.membership WHERE principal_id = $1::text::uuid", victim.person_id),
            "change_id": _first(stage, "SELECT id FROM access.person_change WHERE person_id = $1::text::uuid", victim.person_id),
            "team_id": team.id,
            "identity_id": _first(stage, "SELECT id FROM access.identity WHERE principal_id = $1::text::uuid", victim.person_id),
            "event": _first(stage, seen, known_case, caller.person_id),
            "client_id": tool.person_id or "",
            "notice_id": _notice(team),
            "session_id": _first(stage, "SELECT id FROM access.session WHERE principal_id = $1::text::uuid", tool.person_id),
        }  # fmt: skip


def _notice(team: Team) -> str:
    """A notice that the team has published."""
    written, body = team.person("information_manager"), example("/v1/notices")
    draft = ok(written.post("/v1/notices", {**body, "team_id": team.id}), 201)
    ok(team.person("supervisor").post(f"/v1/notices/{draft['id']}/approval", {}, match=draft["version"]))
    return str(draft["id"])


def _first(stage: Stage, statement: str, *values: Any) -> str:
    return str(stage.world.sql(statement, *values)[0][0])


def _words(stage: Stage) -> dict[str, str]:
    """Reference data of the stage's own: whatever is done to them, the packaged ones stay as every other test knows them."""
    keeper, code = stage.here.person("administrator"), f"trade_{stage.here.id[-12:]}"
    signpost = {
        "force_code": stage.here.force_code, "need": "general_question", "title": "Front desk",
        "who_for": "Everybody else.", "phone": "01632 960009", "explanation": "Ring the desk.",
    }  # fmt: skip
    day = date(2120, 1, 1) + timedelta(days=int(stage.here.id[-4:], 16) % 29_000)
    holiday = {"nation": "Wales", "day": day.isoformat(), "name": "A day of the stage"}
    ok(keeper.post("/v1/reference/sectors", {"code": code, "label": "A trade of the stage", "position": 999}), 201)
    return {
        "signpost_id": ok(keeper.post("/v1/signposts", signpost), 201)["id"],
        "holiday_id": ok(keeper.post("/v1/bank-holidays", holiday), 201)["id"],
        "level_id": _level(stage),
        "kind": "sectors",
        "code": code,
    }


def _level(stage: Stage) -> str:
    """A provisional level of long ago: nothing that is done to it is in force anywhere."""
    said = (
        "INSERT INTO casework.threat_level (kind, level, since, state, source_url)"
        " VALUES ('northern_ireland', 'low', '2001-01-01', 'provisional', 'https://www.mi5.gov.uk/') RETURNING id"
    )
    return str(stage.world.logged_sql(said)[0]["id"])


def _relations(stage: Stage) -> None:
    """The ids of each relation: those of a case, and with them what belongs to a team."""
    shared_word = _words(stage)
    homes = {"same team": stage.ids["same team"], "other team": stage.ids["other team"]}
    for name, case in stage.cases.items():
        row = stage.world.sql("SELECT team_id, restricted FROM casework.case_file WHERE id = $1", case)[0]
        ours = str(row["team_id"]) == stage.here.id
        of_case = {noun: str(found[0][0]) for noun, sql in CASE_NOUNS.items() if (found := stage.world.sql(sql, case))}
        stage.ids[name] = {**shared_word, **homes["same team" if ours else "other team"], **of_case}
        stage.rows[name] = Row(UUID(str(row["team_id"])), row["restricted"], case)
        for noun, of in OFFERS.items():
            if noun in of_case:
                said = f"SELECT from_team_id, to_team_id, state FROM casework.{of}_transfer WHERE id = $1::text::uuid"
                line = stage.world.sql(said, of_case[noun])[0]
                ends = UUID(str(line["from_team_id"])), UUID(str(line["to_team_id"]))
                stage.offers[noun, name] = Offer(stage.rows[name], *ends, line["state"])
    words = {"kind": "no_such_words", "code": "no_such_word", "event": "1"}
    nouns = {name for ids in stage.ids.values() for name in ids}
    stage.ids["absent"] = {noun: words.get(noun, str(uuid4())) for noun in nouns}
