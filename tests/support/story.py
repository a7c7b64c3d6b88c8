"""Builders of the field's things, through the API: each a line in a test."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from casework.access.tokens import CONFIRMATION, TRACKING, hash_token, new_token
from tests.support.callers import Caller, ok
from tests.support.world import Team, World


def open_case(adviser: Caller, team: Team, **facts: Any) -> dict[str, Any]:
    """A case opened without an enquiry."""
    case: dict[str, Any] = ok(
        adviser.post("/v1/cases", {"team_id": team.id, "title": f"Spring fair {team.mark}", **facts}), 201
    )
    return case


def allocated_case(team: Team, adviser: Caller, supervisor: Caller | None = None, **facts: Any) -> dict[str, Any]:
    """A case that is allocated to the adviser."""
    case = open_case(adviser, team, **facts)
    giver = supervisor or team.person("supervisor")
    allocated: dict[str, Any] = ok(
        giver.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=case["version"])
    )
    return allocated


def moment(days: int = 0, hours: int = 0) -> str:
    """A moment from now, as the API takes it."""
    return (datetime.now(UTC) + timedelta(days=days, hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def proposed_visit(caller: Caller, case: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A visit to the case's premises in a week, two hours long unless stated."""
    times = {"starts_at": moment(days=7), "ends_at": moment(days=7, hours=2)}
    body = {**times, "place_note": f"By the side door. {caller.mark}", **facts}
    visit: dict[str, Any] = ok(caller.post(f"/v1/cases/{case['id']}/visits", body), 201)
    return visit


def finding(**facts: Any) -> dict[str, Any]:
    """What a finding is recorded with."""
    return {
        "area": "Main foyer",
        "phase": "egress",
        "methodology": "vaw",
        "gap": "The crowd leaves onto the service road while it is open to vehicles.",
        "likelihood": 2,
        "impact": 4,
        **facts,
    }


def completed_visit(adviser: Caller, case: dict[str, Any], *findings: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A visit made earlier than was agreed, with its findings."""
    visit = proposed_visit(adviser, case, **{"starts_at": moment(hours=1), "ends_at": moment(hours=3), **facts})
    body = {
        "arrived_at": moment(hours=-3),
        "left_at": moment(hours=-1),
        "time_reason": "They asked us to come at once.",
        "findings": [_marked(each, adviser) for each in findings],
    }
    completed: dict[str, Any] = ok(adviser.post(f"/v1/visits/{visit['id']}/completion", body, match=visit["version"]))
    return completed


def just_now(milliseconds: int = 0) -> str:
    """A moment from now, to the millisecond. Five minutes ahead are now, for clocks differ."""
    at = datetime.now(UTC) + timedelta(milliseconds=milliseconds)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def visit_just_made(adviser: Caller, case: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A visit made this instant, when it was due: after whatever was done before."""
    visit = proposed_visit(adviser, case, starts_at=moment(), ends_at=moment(hours=1), **facts)
    body = {"arrived_at": just_now(5), "left_at": just_now(10)}
    made: dict[str, Any] = ok(adviser.post(f"/v1/visits/{visit['id']}/completion", body, match=visit["version"]))
    return made


def _marked(found: dict[str, Any], adviser: Caller) -> dict[str, Any]:
    return {**found, "gap": f"{found['gap']} {adviser.mark}".strip()}


def enquirer_of(world: World, team: Team, case: dict[str, Any], *, verified: bool = True) -> Caller:
    """The contact of the business whose enquiry became this case, with a tracking token and the one-time code entered."""
    enquiry = world.logged_sql(
        "INSERT INTO casework.enquiry (team_id, reference, state, force_code, site_name, description, case_id, respond_by)"
        " VALUES ($1, $2, 'accepted', $3, 'The Old Mill ' || $5, 'We worry about the entrance. ' || $5, $4, current_date)"
        " RETURNING id",
        team.id,
        f"ENQ-{secrets.token_hex(6)}",
        team.force_code,
        case["id"],
        team.mark,
    )[0]["id"]
    contact = world.logged_sql(
        "INSERT INTO casework.contact (enquiry_id, team_id, name, email, verified_at, verification_method)"
        " VALUES ($1, $2, 'Jo Field ' || $4, 'jo@example.org', CASE WHEN $3 THEN now() END, CASE WHEN $3 THEN 'call_back' END)"
        " RETURNING id",
        enquiry,
        team.id,
        verified,
        team.mark,
    )[0]["id"]
    token = new_token(TRACKING)
    world.sql(
        "INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)"
        " VALUES ($1, 'enquirer', $2, $3, now() + interval '1 hour')",
        hash_token(token),
        contact,
        enquiry,
    )
    business = world.anybody(token)
    confirmed(world, business)
    business.person_id, business.teams, business.mark = str(contact), {team.id}, team.mark
    return business


def confirmed(world: World, business: Caller) -> None:
    """The second step, straight into the database: this device has entered a code."""
    confirmation = new_token(CONFIRMATION)
    world.sql(
        "INSERT INTO access.confirmation (token_hash, contact_id, session_hash, idle_minutes, idle_until, expires_at)"
        " SELECT $1, s.principal_id, s.token_hash, 60, now() + interval '1 hour', now() + interval '1 hour'"
        " FROM access.session s WHERE s.token_hash = $2",
        hash_token(confirmation),
        hash_token(business.token or ""),
    )
    business.confirmed_by(confirmation)


def recommendation(**facts: Any) -> dict[str, Any]:
    """What a recommendation is drafted with."""
    return {
        "action": "Fit a rising bollard at the service entrance.",
        "principle": "delay",
        "domain": "physical",
        "priority": "high",
        **facts,
    }


def drafted_advice(adviser: Caller, case: dict[str, Any], *recommendations: dict[str, Any]) -> dict[str, Any]:
    """Advice in draft with these recommendations, or a common one."""
    made = ok(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": f"Advice for the fair {adviser.mark}"}), 201)
    for each in recommendations or (recommendation(action=f"Fit a rising bollard. {adviser.mark}"),):
        ok(adviser.post(f"/v1/advice/{made['id']}/recommendations", each), 201)
    advice: dict[str, Any] = ok(adviser.get(f"/v1/advice/{made['id']}"))
    return advice


def decided(decision: str, advice: dict[str, Any], comment: str | None = None) -> dict[str, Any]:
    """What a review of this advice is sent with: the decision, and the content that was read."""
    return {"decision": decision, "content_sha256": advice["content_sha256"], "comment": comment}


def approved_advice(
    team: Team, adviser: Caller, case: dict[str, Any], *recommendations: dict[str, Any], draft: Any = None
) -> dict[str, Any]:
    """Advice that a supervisor of the team approved; ``draft`` is one there already."""
    draft = draft or drafted_advice(adviser, case, *recommendations)
    path = f"/v1/advice/{draft['id']}"
    submitted = ok(adviser.post(f"{path}/submission", match=draft["version"]))
    ok(team.person("supervisor").post(f"{path}/review", decided("approved", submitted), match=submitted["version"]))
    approved: dict[str, Any] = ok(adviser.get(path))
    return approved


def issuing(day: str | None = None, **facts: Any) -> dict[str, Any]:
    """What advice is issued with: followed up in thirty days, or on that day, and posted for whoever has no link."""
    return {
        "follow_up_on": day or moment(days=30)[:10],
        "deliver_by": "post",
        "deliver_on": moment(days=7)[:10],
        **facts,
    }


def issued_advice(
    team: Team, adviser: Caller, case: dict[str, Any], *recommendations: dict[str, Any], draft: Any = None
) -> dict[str, Any]:
    """Advice that went through review and was issued, to be followed up in thirty days."""
    approved = approved_advice(team, adviser, case, *recommendations, draft=draft)
    issued: dict[str, Any] = ok(
        adviser.post(f"/v1/advice/{approved['id']}/issue", issuing(), match=approved["version"])
    )
    return issued
