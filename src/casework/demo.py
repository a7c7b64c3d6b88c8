"""A demonstration, told as actions through the service itself: everything in it is lawful, and logged like anything else.

It begins forty days ago. The clock of the field's rules is moved along as it is told, so that each thing is done when it was
due, and shows the real time again at the end.
"""

import asyncio
import csv
import io
import re
import secrets
import tempfile
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from pydantic import SecretStr

from casework.app import behind_boundary, create_app
from casework.commands.clock import turn
from casework.commands.database import acting_url, migrate_url
from casework.kernel.clock import LONDON
from casework.kernel.database import addresses
from casework.kernel.settings import Settings
from casework.people.bootstrap import First, bootstrap
from casework.premises.importing import import_premises
from casework.reference.importing import load_postcodes
from casework.worker import work

DERBYSHIRE = "E23000018"
PLACES = ("mm.ace.1152", "mm.New.187", "mm.ace.1238", "mm.domus.EM080", "mm.ace.1103", "mm.musa.278", "mm.aim82NM.062")
MAILBOX = "manager@museum.example"
SOURCE = "https://www.mi5.gov.uk/threats-and-advice/terrorism-threat-levels"
BEGINS = 40
"""How many days ago the story begins."""
PEOPLE = {
    "supervisor": ("Samira Okafor", ("supervisor", "information_manager")),
    "coordinator": ("Colin Barker", ("coordinator",)),
    "adviser": ("Ada Whitworth", ("adviser",)),
    "reviewer": ("Rhys Pendry", ("reviewer", "adviser")),
    "lead": ("Lowri Vaughan", ("professional_lead",)),
}


def tell(settings: Settings) -> list[str]:
    """Tell the story into an empty database; returns the lines that say who to log in as."""
    return asyncio.run(_told(settings.model_copy(update={"local_login": True}), migrate_url(settings)))


async def _told(settings: Settings, url: str) -> list[str]:
    calendar = _Calendar(url)
    try:
        return await _tell(settings, acting_url(settings), calendar)
    finally:
        await turn(url, timedelta())


async def _tell(settings: Settings, url: str, calendar: "_Calendar") -> list[str]:
    await calendar.turn_to(BEGINS)
    password = secrets.token_urlsafe(12)
    for role, name, login in ((First.ADMINISTRATOR, "Avery Admin", "admin"), (First.AUDITOR, "Ola Quist", "auditor")):
        await bootstrap(
            url, name=name, email=f"{login}@derbyshire.example", password=password, force_code=DERBYSHIRE,
            team_name="Derbyshire CTSA team", role=role,
        )  # fmt: skip
    await _place(url)
    # Told into a directory of its own: a demonstration writes to nobody.
    with tempfile.TemporaryDirectory() as place:
        # A worker that runs already may take the job first, and then the letter lies where its own settings say.
        boxes = [Path(place), *([Path(settings.mail)] if settings.mail and "://" not in settings.mail else [])]
        settings = settings.model_copy(update={"mail_url": SecretStr(place)})
        tracking = await _served(settings, password, boxes, calendar)
    logins = [f"  {name}@derbyshire.example ({', '.join(roles)})" for name, (_, roles) in PEOPLE.items()]
    return [
        f"Log in with the password {password} as", "  admin@derbyshire.example (administrator)",
        "  auditor@derbyshire.example (auditor)", *logins,
        f"Toys of Ashbourne tracks its enquiry with the token {tracking}",
    ]  # fmt: skip


async def _served(settings: Settings, password: str, boxes: Sequence[Path], calendar: "_Calendar") -> str:
    app = create_app(settings, addresses(settings))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=behind_boundary(app, settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://casework.example") as client:
            return await _Story(client, password, settings, boxes, calendar).whole()


async def _place(url: str) -> None:
    museums = resources.files("casework.data").joinpath("museums_uk.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(museums)) if row["museum_id"] in PLACES]
    report = await import_premises(url, rows, operator="casework demo")
    if any(result.premises_id is None for result in report.results):
        raise RuntimeError(f"the demonstration's places were refused: {report.results}")
    connection = await asyncpg.connect(url)
    try:
        await load_postcodes(connection)
    finally:
        await connection.close()


def _codes(boxes: Sequence[Path]) -> list[str]:
    """The codes in the letters of these directories, the newest last."""
    letters = sorted((each for box in boxes for each in box.glob("*.eml")), key=lambda each: each.stat().st_mtime)
    return [match[0] for each in letters if (match := re.search(r"\b\d{8}\b", _text(each)))]


def _text(letter: Path) -> str:
    read: str = message_from_bytes(letter.read_bytes(), policy=default).get_content()
    return read


class _Calendar:
    """The days of the story, counted back from today; what would fall on a weekend is done on the Friday before."""

    def __init__(self, url: str) -> None:
        self.url, self.today = url, datetime.now(ZoneInfo(LONDON)).date()
        self.offset: timedelta | None = None

    def day(self, ago: int) -> date:
        """A working day so long ago."""
        day = self.today - timedelta(days=ago)
        return day - timedelta(days=max(0, day.weekday() - 4))

    def moment(self, ago: int, hour: int) -> datetime:
        """That day, at this hour by the clock on the wall."""
        return datetime.combine(self.day(ago), time(hour), ZoneInfo(LONDON)).astimezone(UTC)

    async def turn_to(self, ago: int, hour: int = 9) -> None:
        """Let it be then, or as late as it is already: two steps may fall on the same Friday."""
        wanted = self.moment(ago, hour) - datetime.now(UTC)
        self.offset = wanted if self.offset is None else max(wanted, self.offset)
        await turn(self.url, self.offset)


class _Story:
    """Who did what, in order."""

    def __init__(
        self, client: httpx.AsyncClient, password: str, settings: Settings, boxes: Sequence[Path], calendar: _Calendar
    ) -> None:
        self.client, self.password, self.settings, self.boxes = client, password, settings, boxes
        self.calendar = calendar
        self.tokens: dict[str, str] = {}
        self.confirmation = ""
        """What the business's device was given for its code."""
        self.ids: dict[str, str] = {}

    async def call(
        self, who: str | None, method: str, path: str, body: Any = None, *, version: int | None = None
    ) -> Any:
        """One request of somebody, with the habits of a good client."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
            headers |= {"X-Confirmation": self.confirmation} if who == "business" and self.confirmation else {}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        response = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        if response.is_error:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()

    async def log_in(self, who: str) -> None:
        """Somebody of staff logs in."""
        opened = await self.call(
            None, "POST", "/sessions", {"login": f"{who}@derbyshire.example", "password": self.password}
        )
        self.tokens[who] = opened["token"]
        self.ids[who] = (await self.call(who, "GET", "/me"))["id"]

    async def whole(self) -> str:
        """The story from the first member of staff to an answered recommendation; returns a tracking token still in use."""
        at = self.calendar.turn_to
        await self.staff()
        await self.levelled()
        enquiry = await self.asked("Great British Car Journey", "Derwent Works, Ambergate", "DE56 2HE", "Ana Kowalska")
        await at(38)
        case = await self.accepted(enquiry)
        await self.confirmed()
        visit = await self.visited(case)
        advice = await self.advised(case, visit)
        await self.answered(advice)
        await at(2)
        open_enquiry = await self.asked("Toys of Ashbourne", "27 Church Street, Ashbourne", "DE6 1AE", "Jo Fielding")
        await turn(self.calendar.url, timedelta())
        await self.asked("Barrow Hill Roundhouse", "Campbell Drive, Chesterfield", "S43 2PR", "Priya Nair")
        token: str = open_enquiry["tracking_token"]
        return token

    async def staff(self) -> None:
        """The administrator makes the team."""
        await self.log_in("admin")
        me = await self.call("admin", "GET", "/me")
        team_id = me["roles"][0]["team_id"]
        self.ids["team"] = team_id
        team = await self.call("admin", "GET", f"/teams/{team_id}")
        contact = {"phone": "01632 960001", "mailbox": "ctsa@derbyshire.example", "hours": "Monday to Friday, 8 to 4"}
        await self.call("admin", "PATCH", f"/teams/{team_id}", contact, version=team["version"])
        for who, (name, roles) in PEOPLE.items():
            facts = {"name": name, "email": f"{who}@derbyshire.example", "team_id": team_id, "competences": ["pal"]}
            person = await self.call("admin", "POST", "/people", facts)
            for role in roles:
                await self.call("admin", "POST", f"/people/{person['id']}/roles", {"role": role, "team_id": team_id})
            await self.call("admin", "PUT", f"/people/{person['id']}/password", {"password": self.password})
            await self.log_in(who)

    async def levelled(self) -> None:
        """The professional lead records the threat level of the story: the service comes with none."""
        stated = {"kind": "national", "level": "substantial", "source_url": SOURCE}
        await self.call("lead", "POST", "/threat-levels", stated)

    async def asked(self, site: str, address: str, postcode: str, contact: str) -> Any:
        """A business asks; its token is kept."""
        body = {
            "need": "protective_security_advice", "site_name": site, "site_address": address, "postcode": postcode,
            "local_authority_code": "E07000032",
            "description": "We expect many visitors at the Christmas market and would like advice on vehicles and queues.",
            "contact": {"name": contact, "job_title": "Operations manager", "phone": "01632 960123", "email": MAILBOX},
        }  # fmt: skip
        enquiry = await self.call(None, "POST", "/enquiries", body)
        self.tokens[site] = self.tokens["business"] = enquiry["tracking_token"]
        return enquiry

    async def accepted(self, enquiry: Any) -> Any:
        """The coordinator verifies the contact, triages and accepts; the supervisor allocates."""
        path = f"/enquiries/{enquiry['id']}"
        seen = await self.call("coordinator", "GET", path)
        verified = await self.call(
            "coordinator", "POST", f"{path}/contact-verification", {"method": "call_back_independent_number"},
            version=seen["version"],
        )  # fmt: skip
        places = await self.call("coordinator", "GET", "/premises?q=Great%20British")
        triage = {"strand": "pal", "premises_id": places["items"][0]["id"]}
        triaged = await self.call("coordinator", "POST", f"{path}/triage", triage, version=verified["version"])
        case = await self.call("coordinator", "POST", f"{path}/acceptance", {}, version=triaged["version"])
        given = {"adviser_id": self.ids["adviser"]}
        return await self.call("supervisor", "POST", f"/cases/{case['id']}/allocation", given, version=case["version"])

    async def confirmed(self) -> None:
        """The business takes the second step: a code by e-mail, and entered."""
        asked = await self.call("business", "POST", "/tracking/code", {})
        await work(self.settings, addresses(self.settings).worker, wait=False, signals=False)
        for _ in range(400):  # a worker that runs already may have been quicker with the job, but not with its post
            codes = _codes(self.boxes)
            if codes:
                entry = {"request": asked["request"], "code": codes[-1]}
                entered = await self.call("business", "POST", "/tracking/confirmation", entry)
                self.confirmation = entered["confirmation"]
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(
            "no code came: a worker that sends real letters took it; stop it while the demonstration is told"
        )

    async def visited(self, case: Any) -> Any:
        """The adviser proposes a visit, the business confirms it, the adviser logs it as made."""
        times = {
            "starts_at": self.calendar.moment(30, 10).isoformat(),
            "ends_at": self.calendar.moment(30, 12).isoformat(),
        }
        proposed = await self.call(
            "adviser", "POST", f"/cases/{case['id']}/visits", {**times, "place_note": "Ask for Ana at the ticket desk"}
        )
        path = f"/visits/{proposed['id']}"
        await self.calendar.turn_to(36)
        confirmed = await self.call(
            "business", "POST", f"{path}/confirmation", {"decision": "confirm"}, version=proposed["version"]
        )
        made = {
            "arrived_at": times["starts_at"], "left_at": times["ends_at"], "notes": "Walked the site with the manager.",
            "attendance": [{"name": "Ana Kowalska", "role": "Operations manager"}],
            "findings": [
                {"area": "Service road", "phase": "egress", "methodology": "vaw", "likelihood": 2, "impact": 4,
                 "existing_control": "A lifting gate, left open during the day.",
                 "gap": "The crowd leaves onto the service road while it is open to vehicles."},
                {"area": "Ticket hall", "phase": "ingress", "methodology": "mta", "likelihood": 2, "impact": 3,
                 "gap": "The queue stands between the doors and the only cover."},
            ],
        }  # fmt: skip
        await self.calendar.turn_to(30, 15)
        return await self.call("adviser", "POST", f"{path}/completion", made, version=confirmed["version"])

    async def advised(self, case: Any, visit: Any) -> Any:
        """The adviser drafts, another person reviews, and version 1 is issued."""
        facts = {"title": "Advice for Great British Car Journey", "introduction": "After our visit."}
        await self.calendar.turn_to(28)
        advice = await self.call("adviser", "POST", f"/cases/{case['id']}/advice", facts)
        path = f"/advice/{advice['id']}"
        measures = (("Close the service road to vehicles while the crowd leaves.", "critical", "deter"),
                    ("Move the queue inside the ticket hall.", "medium", "delay"))  # fmt: skip
        for (action, priority, principle), finding in zip(measures, visit["findings"], strict=True):
            measure = {"action": action, "priority": priority, "principle": principle, "domain": "physical",
                       "responsible_party": "Operations manager", "finding_ids": [finding["id"]]}  # fmt: skip
            await self.call("adviser", "POST", f"{path}/recommendations", measure)
        advice = await self.call("adviser", "GET", path)
        for step, body in (("reviewer", {"reviewer_id": self.ids["reviewer"]}), ("submission", {})):
            advice = await self.call("adviser", "POST", f"{path}/{step}", body, version=advice["version"])
        await self.calendar.turn_to(26)
        decision = {
            "decision": "approved",
            "content_sha256": advice["content_sha256"],
            "comment": "Clear and proportionate.",
        }
        await self.call("reviewer", "POST", f"{path}/review", decision, version=advice["version"])
        advice = await self.call("adviser", "GET", path)
        await self.calendar.turn_to(25)
        follow_up = (self.calendar.day(25) + timedelta(days=90)).isoformat()
        # Handed over on paper as well: whether the business can read it by its link is not for this to say.
        on_paper = {"deliver_by": "in_person", "deliver_on": (self.calendar.day(25) + timedelta(days=7)).isoformat()}
        issuing = {"follow_up_on": follow_up, **on_paper}
        return await self.call("adviser", "POST", f"{path}/issue", issuing, version=advice["version"])

    async def answered(self, advice: Any) -> None:
        """The business answers; the adviser sees the first measure carried out."""
        first, second = (each["id"] for each in advice["recommendations"])
        await self.calendar.turn_to(20)
        self.tokens["business"] = self.tokens["Great British Car Journey"]
        await self.call("business", "POST", f"/recommendations/{first}/responses", {"answer": "accepted"})
        declined = {"answer": "declined", "reason_code": "cost", "note": "Not this year."}
        await self.call("business", "POST", f"/recommendations/{second}/responses", declined)
        await self.calendar.turn_to(10)
        seen = {"state": "verified", "evidence": "Saw the road closed on the evening of the market."}
        await self.call("adviser", "POST", f"/recommendations/{first}/verifications", seen)
