"""Builders of enquiries, through the API."""

from typing import Any

import httpx

from tests.support.callers import Caller, ok
from tests.support.world import Team, World

QUESTION = "Canary-7731: we worry about vans at the east gate."


def asking(team: Team, **facts: Any) -> dict[str, Any]:
    """What a business sends to ask for advice about a site in the team's area."""
    contact = {"name": "Ana Kowalska", "job_title": "Duty manager", "phone": "01632 960001"}
    return {
        "need": "protective_security_advice",
        "organisation_name": "Market Hall Ltd",
        "site_name": "Market Hall",
        "postcode": team.postcode,
        "description": QUESTION,
        "contact": contact,
        **facts,
    }


class Asked:
    """An enquiry with everybody who has to do with it."""

    def __init__(self, world: World, team: Team, received: dict[str, Any]) -> None:
        self.team, self.received, self.id = team, received, received["id"]
        self.path = f"/v1/enquiries/{self.id}"
        self.token: str = received["tracking_token"]
        self.request = ""
        """What the device was answered when it asked for a code."""
        self.business = world.anybody(self.token)
        self._people: dict[str, Caller] = {}

    def staff(self, role: str) -> Caller:
        """A colleague of the intake team."""
        if role not in self._people:
            self._people[role] = self.team.person(role)
        return self._people[role]

    def read(self) -> dict[str, Any]:
        """The enquiry as the team sees it now."""
        found: dict[str, Any] = ok(self.staff("supervisor").get(self.path))
        return found

    def move(self, noun: str, body: Any = None, *, by: str = "supervisor", **given: Any) -> httpx.Response:
        """A move by a colleague, on the version as it stands."""
        return self.staff(by).post(f"{self.path}/{noun}", body, **{"match": self.read()["version"], **given})

    def verify(self) -> None:
        """Verify the contact, by a colleague who has had no part in it."""
        self._people["verifier"] = self.team.person("coordinator")
        ok(self.move("contact-verification", {"method": "call_back_independent_number"}, by="verifier"))

    def triage(self, **found: Any) -> Any:
        """Triage it."""
        return ok(self.move("triage", {"strand": "pal", **found}))


def asked(world: World, team: Team, **facts: Any) -> Asked:
    """An enquiry that somebody without an account has sent."""
    return Asked(world, team, ok(world.anybody().post("/v1/enquiries", asking(team, **facts)), 201))
