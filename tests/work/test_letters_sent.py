"""Which verb writes to whom, and that every other verb writes to nobody: each operation of the service, told in a story.

The story is lived through HTTP and each letter really sent; a verb that has no line here sends none.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from casework.kernel.settings import Settings
from tests.enquiries.building import Asked, asked
from tests.support import contract
from tests.support.callers import Caller, ok, refused
from tests.support.levels import SOURCE
from tests.support.server import serving
from tests.support.story import (
    allocated_case,
    decided,
    finding,
    issuing,
    moment,
    open_case,
    proposed_visit,
    recommendation,
)
from tests.support.world import Team, World
from tests.work.letters import Entry, Ledger, ledger

CONTACT, NEWCOMER, STRANGER = (f"{name}.{secrets.token_hex(4)}@markethall.example" for name in ("ana", "jo", "sam"))

SENDS: dict[tuple[str, str], set[tuple[str, str]]] = {
    ("enquiry.submit", "business"): {("received", "contact")},
    ("session.manage_own-code", "business"): {("code", "contact")},
    ("enquiry.message", "staff"): {("news", "contact")},
    ("enquiry.refuse", "staff"): {("refused", "contact")},
    ("enquiry.signpost", "staff"): {("signposted", "contact")},
    ("contact.replace", "staff"): {("named", NEWCOMER), ("replaced", "contact")},
    ("case.close", "staff"): {("closed", "contact")},
    ("enquiry.reopen", "staff"): {("news", "contact")},
    ("enquiry.transfer", "staff"): {("offer", "other team")},
    ("enquiry.receive-acceptance", "staff"): {("news", "contact")},
    ("enquiry.accept-open-case", "staff"): {("case news", "adviser")},
    ("person.suspend", "staff"): {("locked out", "overseers")},
    ("case.break_glass", "staff"): {("emergency access", "team")},
    ("case.transfer", "staff"): {("offer", "other team")},
    ("visit.propose", "staff"): {("news", "contact")},
    ("visit.amend", "staff"): {("news", "contact")},
    ("visit.cancel", "staff"): {("visit cancelled", "contact")},
    ("finding.record-amend", "staff"): {("advice returned", "reviewer")},
    ("advice.take_back", "staff"): {("advice taken back", "reviewer")},
    ("advice.issue", "staff"): {("news", "contact")},
    ("advice.withdraw", "staff"): {("withdrawn", "contact")},
}
"""By operation, and whether staff or a business acts: each letter, and whom it is for. Where a case has a verified contact with
an e-mail address; where it has none, nobody is written to."""


def _mail_of(world: World, person: Caller) -> str:
    found: str = world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person.person_id)[0]["email"]
    return found


class Cast:
    """Everybody in the story, and who stands behind an address."""

    def __init__(self, world: World) -> None:
        self.world, self.team, self.other = world, world.team(), world.team()
        self.adviser, self.supervisor = self.team.person("adviser"), self.team.person("supervisor")
        self.coordinator = self.team.person("coordinator")
        self.there = self.other.person("supervisor", "adviser", "coordinator")
        self.names = {
            CONTACT: "contact",
            _mail_of(world, self.adviser): "adviser",
            f"ctsa@{self.team.force_code.lower()}.example": "team",
            f"ctsa@{self.other.force_code.lower()}.example": "other team",
        }

    def asked(self, email: str = CONTACT, team: Team | None = None) -> Asked:
        """An enquiry whose contact has an e-mail address."""
        contact = {"name": "Ana Kowalska", "phone": "01632 960001", "email": email}
        enquiry = asked(self.world, team or self.team, contact=contact)
        enquiry.business.teams = {self.team.id}
        return enquiry

    def case_with_a_contact(self, *, verified: bool = True) -> tuple[Asked, dict[str, Any]]:
        """A case that came of an enquiry, allocated to the adviser."""
        enquiry = self.asked()
        if verified:
            enquiry.verify()
        enquiry.triage()
        case = ok(enquiry.move("acceptance", {}), 201)
        given = {"adviser_id": self.adviser.person_id}
        return enquiry, ok(self.supervisor.post(f"/v1/cases/{case['id']}/allocation", given, match=case["version"]))


@pytest.fixture(scope="module")
def told(
    world: World, test_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, Cast]]:
    """The whole story, on a server that knows an identity provider."""
    provided = {"oidc_issuer": "https://login.police.example", "oidc_audience": "https://casework.police.example"}
    settings = test_settings.model_copy(update=provided)
    with serving(settings, world.addresses) as base_url:
        here = World(base_url, world.addresses, world.database)
        cast = Cast(here)
        with ledger(here, settings, tmp_path_factory.mktemp("letters") / "mail") as kept:
            for chapter in CHAPTERS:
                chapter(cast, kept)
        yield kept, cast
        here.close()


def the_desk(cast: Cast, kept: Ledger) -> None:
    """Enquiries that end at the desk, each in its way; and what is said about those that go on."""
    for noun, body in (
        ("refusal", {"reason_code": "product_endorsement"}),
        ("signposting", {"signposted_to": "general_question", "reason_code": "general_question"}),
        ("hand-over", {"to": "Force intelligence bureau", "at": moment(hours=-1)}),
        ("withdrawal", {}),
    ):
        ended = cast.asked()
        ok(ended.move(noun, body))
        if noun == "refusal":
            ok(ended.move("reopening", {"reason": "The wrong one."}))
    first, second = cast.asked(), cast.asked()
    ok(second.business.post(f"{second.path}/messages", {"body": "We are open on Sunday."}), 201)
    ok(cast.coordinator.post(f"{second.path}/messages", {"body": "Thank you."}), 201)
    ok(second.move("duplicate-marking", {"duplicate_of": first.id}))
    ok(second.move("duplicate-unmarking", {}))
    second.verify()
    ok(second.move("tracking-token", {}))
    ok(second.move("contact-unverification", {"reason": "Left the company."}))
    ok(second.move("contact-replacement", {"name": "Jo Fielding", "email": NEWCOMER, "reason": "Ana has left."}))
    other = cast.asked()
    ok(other.business.post(f"{other.path}/withdrawal", {}, match=other.read()["version"]))


def passed_on(cast: Cast, kept: Ledger) -> None:
    """An enquiry to another force: returned, taken back, accepted."""
    enquiry = cast.asked()
    for noun, by in (("return", cast.there), ("withdrawal", cast.supervisor), ("acceptance", cast.there)):
        offer = ok(enquiry.move("transfer", {"to_team_id": cast.other.id, "note": "Beyond the river."}), 201)
        ok(by.post(f"/v1/enquiry-transfers/{offer['id']}/{noun}", {"note": "Seen."}, match=offer["version"]))


def the_second_step(cast: Cast, kept: Ledger) -> None:
    """A verified contact asks for a code and enters it; the visit and the advice are then theirs to answer."""
    enquiry, case = cast.case_with_a_contact()
    request = ok(enquiry.business.post("/v1/tracking/code"), 202)["request"]
    entered = enquiry.business.post("/v1/tracking/confirmation", {"request": request, "code": kept.code})
    enquiry.business.confirmed_by(ok(entered)["confirmation"])
    visit = proposed_visit(cast.adviser, case)
    path = f"/v1/visits/{visit['id']}"
    ok(enquiry.business.post(f"{path}/confirmation", {"decision": "confirm"}, match=visit["version"]))
    moved = ok(cast.adviser.patch(path, {"starts_at": moment(days=8), "ends_at": moment(days=8, hours=1)}, match=2))
    ok(cast.adviser.post(f"{path}/confirmation", {"decision": "decline", "note": "Closed."}, match=moved["version"]))
    again = proposed_visit(cast.adviser, case)
    path = f"/v1/visits/{again['id']}"
    # Where to meet and who comes is news as much as the hour is.
    ok(cast.adviser.patch(path, {"place_note": "By the gate."}, match=1))
    ok(cast.adviser.patch(path, {"adviser_id": cast.team.person("adviser").person_id}, match=2))
    ok(cast.adviser.post(f"{path}/cancellation", {"reason_code": "asked_by_business"}, match=3))
    advised(cast, case, enquiry.business)


def advised(cast: Cast, case: dict[str, Any], business: Caller) -> None:
    """Visits made and missed, findings, advice through review to issue, answers, a correction, and the end of the case."""
    made = proposed_visit(cast.adviser, case, starts_at=moment(days=9), ends_at=moment(days=9, hours=2))
    times = {"arrived_at": moment(hours=-3), "left_at": moment(hours=-1)}
    log = {**times, "time_reason": "They asked us to come at once.", "findings": [finding()]}
    seen = ok(cast.adviser.post(f"/v1/visits/{made['id']}/completion", log, match=1))
    said = {"notes": "The gate was locked.", "reason": "Left out."}
    ok(cast.adviser.post(f"/v1/visits/{made['id']}/supplements", said), 201)
    missed = proposed_visit(cast.adviser, case, starts_at=moment(), ends_at=moment(hours=1))
    ok(cast.adviser.post(f"/v1/visits/{missed['id']}/no-access", {"reason_code": "nobody_there"}, match=1))
    ok(cast.adviser.post(f"/v1/visits/{made['id']}/findings", finding(area="Gate")), 201)
    spoken = {"given_to": "Duty manager", "given_at": moment(hours=-1), "advice": "Keep the gate shut."}
    ok(cast.adviser.post(f"/v1/cases/{case['id']}/interim-advice", spoken), 201)

    draft = ok(cast.adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice"}), 201)
    path = f"/v1/advice/{draft['id']}"
    ok(cast.adviser.patch(path, {"title": "Advice for the fair"}, match=1))
    one, two = (
        ok(cast.adviser.post(f"{path}/recommendations", recommendation(finding_ids=[seen["findings"][0]["id"]])), 201)
        for _ in range(2)
    )
    turned = {"recommendation_ids": [two["id"], one["id"]]}
    told = ok(cast.adviser.post(f"{path}/recommendation-order", turned, match=ok(cast.adviser.get(path))["version"]))
    two, one = told["recommendations"]
    ok(cast.adviser.patch(f"/v1/recommendations/{one['id']}", {"priority": "critical"}, match=one["version"]))
    ok(cast.adviser.delete(f"/v1/recommendations/{two['id']}", match=two["version"]))
    reviewer = cast.team.person("reviewer")
    cast.names[cast.world.sql("SELECT email FROM casework.person WHERE id = $1", reviewer.person_id)[0][0]] = "reviewer"

    def now() -> int:
        version: int = ok(cast.adviser.get(path))["version"]
        return version

    ok(cast.adviser.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=now()))
    ok(cast.adviser.post(f"{path}/submission", match=now()))
    ok(cast.adviser.post(f"{path}/recall", {}, match=now()))
    for decision in ("returned", "approved"):
        submitted = ok(cast.adviser.post(f"{path}/submission", match=now()))
        ok(reviewer.post(f"{path}/review", decided(decision, submitted, "Read."), match=now()))
    cited = seen["findings"][0]
    ok(cast.adviser.patch(f"/v1/findings/{cited['id']}", {"impact": 3}, match=cited["version"]))
    submitted = ok(cast.adviser.post(f"{path}/submission", match=now()))
    ok(reviewer.post(f"{path}/review", decided("approved", submitted), match=now()))
    ok(cast.adviser.post(f"{path}/issue", issuing(), match=now()))
    handed = {"delivered_to": "The duty manager", "delivered_at": moment(), "delivered_by": "in_person"}
    ok(cast.adviser.post(f"{path}/delivery", handed, match=now()))
    issued = f"/v1/recommendations/{one['id']}"
    ok(business.post(f"{issued}/responses", {"answer": "accepted"}), 201)
    ok(cast.adviser.post(f"{issued}/responses", {"answer": "part_accepted", "note": "Next year."}), 201)
    ok(cast.adviser.post(f"{issued}/verifications", {"state": "in_progress"}), 201)
    ok(cast.adviser.post(f"{path}/versions", {"correction_reason": "The gate."}), 201)
    ok(cast.supervisor.post(f"{path}/withdrawal", {"reason": "The wrong building."}, match=now()))


def the_case(cast: Cast, kept: Ledger) -> None:
    """A case with a verified contact, from hand to hand: nothing of it is told to the business but its end."""
    _, case = cast.case_with_a_contact()
    path, colleague = f"/v1/cases/{case['id']}", cast.team.person("adviser")

    def move(noun: str, body: Any = None, by: Caller = cast.supervisor) -> Any:
        return ok(by.post(f"{path}/{noun}", body or {}, match=ok(by.get(path))["version"]))

    move("collaborators", {"person_id": colleague.person_id}, cast.adviser)
    ok(cast.adviser.delete(f"{path}/collaborators/{colleague.person_id}", match=ok(cast.adviser.get(path))["version"]))
    move("hand-over", {"adviser_id": colleague.person_id, "reason_code": "other", "note": "On leave."}, cast.adviser)
    ok(cast.supervisor.patch(path, {"title": "Second week"}, match=ok(cast.supervisor.get(path))["version"]))
    move("hold", {"reason_code": "awaiting_building_works"})
    move("resumption")
    move("restriction", {"reason_code": "live_operation"})
    move("unrestriction", {"note": "Over."})
    ok(colleague.post(f"{path}/notes", {"body": "Rang the duty manager."}), 201)
    lent = {"to_team_id": cast.other.id, "purpose_code": "casework", "until": moment(days=9)}
    share = ok(cast.supervisor.post(f"{path}/shares", lent), 201)
    ok(cast.supervisor.post(f"{path}/shares/{share['id']}/ending"))
    move("closure", {"reason_code": "advice_completed"})
    move("reopening")
    opening = {"reference": case["reference"], "purpose_code": "emergency", "reason": "Attack under way."}
    ok(cast.there.post("/v1/emergency-access", opening), 201)
    offer = {"to_team_id": cast.other.id, "reason_code": "site_in_other_force"}
    for noun, by in (("return", cast.there), ("withdrawal", cast.supervisor), ("acceptance", cast.there)):
        made = ok(cast.supervisor.post(f"{path}/transfer", offer, match=ok(cast.supervisor.get(path))["version"]), 201)
        ok(
            by.post(
                f"/v1/case-transfers/{made['id']}/{noun}", {"note": "Seen."} if noun != "withdrawal" else {}, match=1
            )
        )
    open_case(cast.adviser, cast.team)
    ok(cast.adviser.post("/v1/cases/taking"))


def the_house(cast: Cast, kept: Ledger) -> None:
    """Places, organisations, people, tools and words: nothing of this is anybody's news."""
    adviser, team = cast.adviser, cast.team
    place = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Old Mill", "postcode": team.postcode}), 201)
    path = f"/v1/premises/{place['id']}"
    ok(adviser.patch(path, {"town": "Derby"}, match=1))
    area = ok(adviser.post(f"{path}/areas", {"name": "Foyer"}), 201)
    ok(adviser.patch(f"{path}/areas/{area['id']}", {"name": "Main foyer"}, match=area["version"]))
    party = ok(adviser.post(f"{path}/parties", {"role": "security_contractor", "name": "Peak Guarding"}), 201)
    ok(adviser.patch(f"{path}/parties/{party['id']}", {"name": "Peak Guards"}, match=party["version"]))
    alias = ok(adviser.post(f"{path}/aliases", {"name": "The Old Manor House"}), 201)
    ok(adviser.patch(f"{path}/aliases/{alias['id']}", {"name": "The Old Manor"}, match=alias["version"]))
    firm = ok(adviser.post("/v1/organisations", {"team_id": team.id, "name": "Theatre Trust"}), 201)
    ok(adviser.patch(f"/v1/organisations/{firm['id']}", {"phone": "+441632960018"}, match=1))

    first, second = team.person("administrator"), team.person("administrator")
    email, password = f"{secrets.token_hex(6)}@police.example", "correct horse battery staple"
    facts = {"name": "Jo Marsh", "email": email, "team_id": team.id, "competences": ["pal"]}
    person = ok(first.post("/v1/people", facts), 201)
    path = f"/v1/people/{person['id']}"
    ok(first.patch(path, {"competences": ["pal", "hss"]}, match=person["version"]))
    ok(first.request("PUT", f"{path}/password", json={"password": password}))
    given = ok(first.post(f"{path}/roles", {"role": "auditor", "team_id": team.id}), 201)
    ok(second.post(f"{path}/roles/{given['id']}/approval"))
    ok(first.delete(f"{path}/roles/{given['id']}"))
    (asked,) = ok(first.get("/v1/role-changes", person_id=person["id"]))["items"]
    ok(first.delete(f"/v1/role-changes/{asked['id']}"))
    ok(first.delete(f"{path}/roles/{given['id']}"))
    (asked,) = ok(first.get("/v1/role-changes", person_id=person["id"]))["items"]
    ok(second.post(f"/v1/role-changes/{asked['id']}/approval"))
    ok(first.post(f"{path}/roles", {"role": "adviser", "team_id": team.id}), 201)
    linked = ok(first.post(f"{path}/identities", {"subject": secrets.token_hex(8)}), 201)
    ok(first.delete(f"{path}/identities/{linked['id']}"))
    opened = ok(cast.world.anybody().request("POST", "/v1/sessions", json={"login": email, "password": password}), 201)
    herself = cast.world.anybody(opened["token"])
    again = ok(cast.world.anybody().request("POST", "/v1/sessions", json={"login": email, "password": password}), 201)
    others = [each["id"] for each in ok(herself.get("/v1/sessions"))["items"] if not each["current"]]
    assert again
    ok(herself.delete(f"/v1/sessions/{others[0]}"))
    ok(herself.delete("/v1/sessions/current"))
    ok(first.delete(f"{path}/sessions"))
    known = ok(first.get(path))["version"]
    ok(first.post(f"{path}/suspension", {"reason": "A stolen laptop."}, match=known), 201)
    ok(cast.supervisor.post(f"{path}/reinstatement", match=known))

    ok(first.post("/v1/teams", {"name": "Second team", "force_code": team.force_code}), 201)
    ok(first.patch(f"/v1/teams/{team.id}", {"hours": "Monday to Friday, 9 to 5"}, match=1))
    force = {"code": f"F{secrets.randbelow(10**8)}", "name": "A force", "nation": "England"}
    ok(first.post("/v1/forces", force), 201)
    tool = ok(first.post("/v1/api-clients", {"name": "Duty board", "team_id": team.id, "scopes": ["cases.read"]}), 201)
    ok(first.patch(f"/v1/api-clients/{tool['id']}", {"scopes": ["visits.read"]}, match=1))
    renewed = ok(first.post(f"/v1/api-clients/{tool['id']}/secret"))
    form = {"grant_type": "client_credentials", "client_id": tool["id"], "client_secret": renewed["client_secret"]}
    ok(cast.world.anybody().request("POST", "/v1/oauth/token", data=form))
    sign = {"need": "prevent_activity", "force_code": team.force_code, "title": "Prevent Team", "who_for": "Schools.",
            "phone": "0300 122 8694", "explanation": "Ring the team."}  # fmt: skip
    signpost = ok(first.post("/v1/signposts", sign), 201)
    ok(first.patch(f"/v1/signposts/{signpost['id']}", {"active": False}, match=signpost["version"]))
    word = f"word_{secrets.token_hex(4)}"
    ok(first.post("/v1/reference/reason_hold", {"code": word, "label": "A word", "position": 90}), 201)
    ok(first.patch(f"/v1/reference/reason_hold/{word}", {"active": False}, match=1))
    day = f"20{secrets.randbelow(40) + 40}-0{secrets.randbelow(9) + 1}-1{secrets.randbelow(10)}"
    holiday = ok(first.post("/v1/bank-holidays", {"nation": "Wales", "day": day, "name": "A fair"}), 201)
    ok(first.patch(f"/v1/bank-holidays/{holiday['id']}", {"active": False}, match=holiday["version"]))
    writer = team.person("information_manager")
    notice = {"team_id": team.id, "kind": "privacy", "title": "Privacy notice", "text": "We keep what you tell us.",
              "controller": "The Chief Constable.", "data_protection_officer": "dpo@police.example", "complaints": "Ring 101."}  # fmt: skip
    drafted = ok(writer.post("/v1/notices", notice), 201)
    drafted = ok(writer.patch(f"/v1/notices/{drafted['id']}", {"title": "Privacy"}, match=drafted["version"]))
    ok(cast.supervisor.post(f"/v1/notices/{drafted['id']}/approval", {}, match=drafted["version"]))
    drafted = ok(writer.post("/v1/notices", notice), 201)
    ok(writer.post(f"/v1/notices/{drafted['id']}/withdrawal", {}, match=drafted["version"]))
    reviewer = team.person("reviewer")
    path = f"/v1/people/{reviewer.person_id}/review-offer"
    ok(reviewer.post(path, {"strands": ["pal"], "until": moment(days=9)[:10]}), 201)
    ok(reviewer.patch(path, {"until": moment(days=19)[:10]}, match=1))
    ok(reviewer.post(f"{path}/ending", {}, match=2))

    lead = team.person("professional_lead")
    level = {"kind": "northern_ireland", "level": "low", "source_url": SOURCE}  # no raise: that has letters of its own
    low = ok(lead.post("/v1/threat-levels", level), 201)
    ok(lead.post(f"/v1/threat-levels/{low['id']}/strike", {"reason": "A trial."}, match=low["version"]))
    second = team.person("supervisor").post("/v1/threat-levels", level | {"level": "low"})
    provisional = ok(second, 201)
    ok(lead.post(f"/v1/threat-levels/{provisional['id']}/confirmation", {}, match=provisional["version"]))
    ok(lead.post(f"/v1/threat-levels/{provisional['id']}/strike", {"reason": "A trial."}, match=2))


def nobody_to_write_to(cast: Cast, kept: Ledger) -> None:
    """The same verbs where no verified contact stands behind the case: nobody learns that there is a visit, or advice."""
    _, unverified = cast.case_with_a_contact(verified=False)
    without = allocated_case(cast.team, cast.adviser, cast.supervisor)
    for case in (unverified, without):
        mark = len(kept.entries)
        visit = proposed_visit(cast.adviser, case)
        path = f"/v1/visits/{visit['id']}"
        ok(cast.adviser.patch(path, {"place_note": "By the gate."}, match=1))
        ok(cast.adviser.post(f"{path}/cancellation", {"reason_code": "asked_by_business"}, match=2))
        kept.entries[mark:] = [entry._replace(operation=f"{entry.operation} of a case without a contact") for entry in kept.entries[mark:]]  # fmt: skip


def only_whom_it_concerns(cast: Cast, kept: Ledger) -> None:
    """A case of three enquiries: one contact was verified, one was not, and one was replaced."""
    _, case = cast.case_with_a_contact()
    joining = cast.asked(STRANGER)
    joining.triage()
    ok(joining.move("acceptance", {"case_id": case["id"]}, by="coordinator"))
    _of_a_case(kept)
    ok(joining.move("case-opening"))
    replaced = cast.asked(STRANGER)
    replaced.verify()
    replaced.triage()
    ok(replaced.move("acceptance", {"case_id": case["id"]}))
    _of_a_case(kept)
    ok(replaced.move("tracking-token", {}))
    _of_a_case(kept)
    ok(replaced.move("contact-unverification", {"reason": "Left the company."}))
    _of_a_case(kept)
    ok(replaced.move("contact-replacement", {"name": "Jo Fielding", "email": NEWCOMER, "reason": "Sam has left."}))
    _of_a_case(kept)
    proposed_visit(cast.adviser, case)


OF_A_CASE = " of a case"


def _of_a_case(kept: Ledger) -> None:
    """What was done last concerns a case's contacts, so its adviser is told; without a case it concerns nobody else."""
    kept.entries[-1] = kept.entries[-1]._replace(operation=kept.entries[-1].operation + OF_A_CASE)


def refusals_and_repeats(cast: Cast, kept: Ledger) -> None:
    """What is refused writes to nobody, and what is sent again with its key writes nothing more."""
    _, case = cast.case_with_a_contact()
    times = {"starts_at": moment(days=11), "ends_at": moment(days=11, hours=1)}
    path = f"/v1/cases/{case['id']}/visits"
    refused(cast.coordinator.post(f"/v1/cases/{case['id']}/advice", {"title": "No"}), 403, "forbidden")
    refused(cast.there.post(path, times), 404, "not-found")
    refused(cast.adviser.post(path, {**times, "ends_at": moment(days=10)}), 422, "validation-failed")
    visit = ok(cast.adviser.post(path, times, key="a-visit-once"), 201)
    mark = len(kept.entries)
    ok(cast.adviser.post(path, times, key="a-visit-once"), 201)
    ok(cast.adviser.post(path, {**times, "id": visit["id"]}), 201)
    ok(cast.adviser.patch(f"/v1/visits/{visit['id']}", {}, match=1))
    kept.entries[mark:] = [entry._replace(operation=f"{entry.operation} again") for entry in kept.entries[mark:]]
    refused(
        cast.adviser.patch(f"/v1/visits/{visit['id']}", {"place_note": "Gate"}, match=9), 412, "precondition-failed"
    )


CHAPTERS: tuple[Callable[[Cast, Ledger], None], ...] = (
    the_desk, passed_on, the_second_step, the_case, the_house, nobody_to_write_to, only_whom_it_concerns,
    refusals_and_repeats,
)  # fmt: skip


def done(kept: Ledger) -> list[Entry]:
    return [entry for entry in kept.entries if entry.status < 300]


def test_every_operation_that_changes_something_is_in_the_story(told: tuple[Ledger, Cast]) -> None:
    stated = {
        operation["operationId"]
        for item in contract.document()["paths"].values()
        for method, operation in item.items()
        if method != "get"
    }
    assert stated - {entry.operation for entry in done(told[0])} == set()
    assert {operation for operation, _ in SENDS} <= stated


def test_each_verb_writes_to_whom_it_concerns_and_every_other_to_nobody(told: tuple[Ledger, Cast]) -> None:
    kept, cast = told
    wrong = []
    for entry in kept.entries:
        expected = SENDS.get((entry.operation, entry.by), set()) if entry.status < 300 else set()
        if entry.operation.endswith(OF_A_CASE):
            expected = {("case news", "adviser")}
        if entry.operation == "contact.replace" + OF_A_CASE:
            expected |= {("named", NEWCOMER), ("replaced", STRANGER)}
        letters = Counter((kind, cast.names.get(address, address)) for kind, address in entry.letters)
        if all(kind == "locked out" for kind, _ in letters):  # every administrator and auditor, whoever they are here
            letters = Counter({("locked out", "overseers"): 1} if letters else {})
        if letters != Counter(expected) and not (
            entry.operation == "enquiry.submit"
            and entry.letters in ([("received", STRANGER)], [("received", NEWCOMER)])
        ):
            wrong.append((entry.operation, entry.by, entry.status, letters, expected))
    assert wrong == []
    sent = {(entry.operation, entry.by) for entry in done(kept) if entry.letters}
    assert {each for each in sent if not each[0].endswith(OF_A_CASE)} == SENDS.keys()


def test_refusals_were_among_them(told: tuple[Ledger, Cast]) -> None:
    assert Counter(entry.status for entry in told[0].entries if entry.status >= 400) == {403: 1, 404: 1, 412: 1, 422: 1}
