"""Builders of the field's things, through the API: each a line in a test."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.callers import Caller, ok
from tests.support.world import Team


def open_case(adviser: Caller, team: Team, **facts: Any) -> dict[str, Any]:
    """A case opened without an enquiry."""
    case: dict[str, Any] = ok(adviser.post("/v1/cases", {"team_id": team.id, "title": "Spring fair", **facts}), 201)
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
