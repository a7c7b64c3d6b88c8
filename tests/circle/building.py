"""A case with everything beneath it, and every door by which it can be seen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.callers import Caller, ok
from tests.support.story import (
    allocated_case,
    completed_visit,
    drafted_advice,
    enquirer_of,
    finding,
    moment,
    proposed_visit,
)
from tests.support.world import Team, World

READ = {"case.read", "visit.read", "finding.read", "advice.read", "recommendation.read"}
CONTRIBUTE = {"case.note", "visit.propose", "visit.complete", "finding.record"}
NOBODY = "0190b2c4-0000-7000-8000-000000000002"


@dataclass
class Whole:
    """The case, who has it, and the ids of what is beneath it."""

    team: Team
    adviser: Caller
    supervisor: Caller
    business: Caller
    case_id: str
    reference: str
    premises_id: str
    enquiry_id: str
    visit_id: str
    coming_id: str
    finding_id: str
    advice_id: str
    recommendation_id: str
    kept: dict[str | None, list[Callable[[], httpx.Response]]] = field(default_factory=dict)
    """Requests that somebody may send again with their key."""

    @property
    def path(self) -> str:
        return f"/v1/cases/{self.case_id}"

    def version(self, reader: Caller | None = None) -> int:
        found: int = ok((reader or self.supervisor).get(self.path))["version"]
        return found

    def coming(self, then: str) -> list[dict[str, str]]:
        """What a hand-over says of the visit to come."""
        return [{"visit_id": self.coming_id, "then": then}]

    def move(self, caller: Caller, noun: str, body: Any = None) -> Any:
        """A move on the version as it stands."""
        return ok(caller.post(f"{self.path}/{noun}", body or {}, match=self.version()))

    def keep(self, caller: Caller, path: str, body: Any, *, match: Any = None) -> Any:
        """Write with a key, and remember how to ask for the answer again."""
        key = f"kept-{len(self.kept)}-{caller.person_id}-{path[-12:]}"

        def again() -> httpx.Response:
            return caller.post(path, body, key=key, match=match)

        self.kept.setdefault(caller.person_id, []).append(again)
        return ok(again())


def whole_case(world: World, team: Team) -> Whole:
    """A case at a place, with an enquiry, a visit made and one to come, a finding, and advice with a recommendation."""
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    place = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Old Mill", "postcode": team.postcode}), 201)
    ok(adviser.post(f"/v1/premises/{place['id']}/areas", {"name": "Foyer"}), 201)
    case = allocated_case(team, adviser, supervisor, premises_id=place["id"])
    business = enquirer_of(world, team, case)
    enquiry = world.logged_sql(
        "UPDATE casework.enquiry SET premises_id = $2 WHERE case_id = $1 RETURNING id", case["id"], place["id"]
    )
    visit = completed_visit(adviser, case, finding())
    coming = proposed_visit(adviser, case)
    advice = drafted_advice(adviser, case)
    ok(
        adviser.post(
            f"/v1/cases/{case['id']}/interim-advice",
            {"given_at": moment(hours=-1), "given_to": "Duty manager", "advice": "Keep the gate shut."},
        ),
        201,
    )
    register = ok(adviser.get("/v1/recommendations", case_id=case["id"]))["items"]
    whole = Whole(
        team,
        adviser,
        supervisor,
        business,
        case["id"],
        case["reference"],
        place["id"],
        str(enquiry[0]["id"]),
        visit["id"],
        coming["id"],
        visit["findings"][0]["id"],
        advice["id"],
        register[0]["id"],
    )
    whole.keep(adviser, f"{whole.path}/notes", {"body": "Rang the duty manager."})
    whole.keep(adviser, f"/v1/visits/{whole.visit_id}/findings", finding(area="Gate"))
    return whole


def doors(whole: Whole) -> dict[str, Callable[[Caller], bool]]:
    """By its name each door to the case: whether it opens to a caller."""
    singles = {
        "case": whole.path,
        "timeline": f"{whole.path}/timeline",
        "notes": f"{whole.path}/notes",
        "shares": f"{whole.path}/shares",
        "emergency access": f"{whole.path}/emergency-access",
        "interim advice": f"{whole.path}/interim-advice",
        "access log": f"{whole.path}/access-log",
        "visit": f"/v1/visits/{whole.visit_id}",
        "finding": f"/v1/findings/{whole.finding_id}",
        "advice": f"/v1/advice/{whole.advice_id}",
        "recommendation": f"/v1/recommendations/{whole.recommendation_id}",
        "enquiry": f"/v1/enquiries/{whole.enquiry_id}",
    }
    lists = {
        "cases": ("/v1/cases", whole.case_id),
        "cases by reference": (f"/v1/cases?reference={whole.reference}", whole.case_id),
        "headlines": ("/v1/case-headlines", whole.case_id),
        "visits": ("/v1/visits", whole.visit_id),
        "findings": ("/v1/findings", whole.finding_id),
        "all advice": ("/v1/advice", whole.advice_id),
        "recommendations": ("/v1/recommendations", whole.recommendation_id),
        "enquiries": ("/v1/enquiries", whole.enquiry_id),
    }
    found: dict[str, Callable[[Caller], bool]] = {}
    for name, path in singles.items():
        found[name] = lambda caller, path=path: _opens(caller.request("GET", path))
    for name, (path, id_) in lists.items():
        found[name] = lambda caller, path=path, id_=id_: _lists(caller.request("GET", path), id_)
    found["kept answer"] = lambda caller: any(_opens(again()) for again in whole.kept.get(caller.person_id, []))
    return found


def _opens(response: httpx.Response) -> bool:
    assert response.status_code in (200, 201, 403, 404), response.text
    return response.status_code < 400


def _lists(response: httpx.Response, id_: str) -> bool:
    assert response.status_code in (200, 403), response.text
    return response.status_code == 200 and id_ in {row["id"] for row in response.json()["items"]}


def open_doors(caller: Caller, whole: Whole) -> set[str]:
    """The doors that open to this caller."""
    return {name for name, opens in doors(whole).items() if opens(caller)}


def share_with(whole: Whole, to: Team, **facts: Any) -> httpx.Response:
    """The supervisor shares the case with another force."""
    body = {"to_team_id": to.id, "purpose_code": "casework", "until": moment(days=30), **facts}
    return whole.supervisor.post(f"{whole.path}/shares", body)


def offered(whole: Whole, to: Team, **facts: Any) -> dict[str, Any]:
    """The supervisor offers the case to another force."""
    body = {"to_team_id": to.id, "reason_code": "site_in_other_force", **facts}
    made: dict[str, Any] = ok(whole.supervisor.post(f"{whole.path}/transfer", body), 201)
    return made


def break_glass(caller: Caller, whole: Whole, **facts: Any) -> httpx.Response:
    """A supervisor of another team opens the case."""
    body = {"reference": whole.reference, "purpose_code": "emergency", "reason": "Attack under way.", **facts}
    return caller.post("/v1/emergency-access", body)
