"""The main job, from outside: a business asks, an adviser visits and advises, the business answers. A real server process,
over a socket, on an empty directory, with the real import and nothing but the commands a force would use."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest

from casework.kernel import embedded
from tests.support.callers import Caller, ok, refused
from tests.support.levels import SOURCE
from tests.support.story import just_now

DERBYSHIRE, KENT = "E23000018", "E23000032"
PASSWORD = "correct horse battery staple"


def casework(var: Path, *command: str) -> str:
    """A command of the host's command line."""
    done = subprocess.run(
        [sys.executable, "-m", "casework", *command],
        env={**os.environ, **environment(var)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(var: Path) -> dict[str, str]:
    return {
        "CASEWORK_VAR": str(var),
        "CASEWORK_LOCAL_LOGIN": "true",
        "CASEWORK_LOGIN_TRIES_PER_MINUTE": "1000",
        "COLUMNS": "200",
    }


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty directory with a blank in its name, and after the test nothing left of it."""
    var = tmp_path_factory.mktemp("a story")
    yield var
    if embedded.status(var) == "running":
        embedded.stop(var, mode="immediate")
    home = var / "postgres.home"
    if home.exists():
        subprocess.run(["rm", "-rf", home.read_text().strip()], check=True)


@pytest.fixture(scope="module")
def house(var: Path) -> Iterator[tuple[str, str]]:
    """The service in a process of its own: (base URL, the administrator's password)."""
    casework(var, "migrate")
    told = casework(
        var, "people", "bootstrap", "--email", "admin@derbyshire.example", "--name", "Avery Admin", "--force", DERBYSHIRE,
        "--team", "Derbyshire CTSA team")  # fmt: skip
    password = re.search(r"with the password (\S+)", told)
    assert password is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "casework", "serve", "--port", str(port)],
        env={**os.environ, **environment(var)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base_url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                if httpx.get(f"{base_url}/health/ready").status_code in (200, 503):
                    break
            except httpx.TransportError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.05)
        yield base_url, password[1]
    finally:
        server.terminate()
        server.wait(20)


class Cast:
    """Everybody in the story, by name."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.anybody = Caller(base_url)
        self.people: dict[str, Caller] = {}

    def __getattr__(self, name: str) -> Caller:
        return self.people[name]

    def log_in(self, name: str, login: str, password: str) -> Caller:
        opened = ok(self.anybody.request("POST", "/v1/sessions", json={"login": login, "password": password}), 201)
        caller = self.people[name] = Caller(self.base_url, opened["token"])
        caller.person_id = ok(caller.get("/v1/me"))["id"]
        return caller

    def hire(self, name: str, team_id: str, *roles: str) -> Caller:
        """The administrator makes somebody with roles in a team."""
        facts = {"name": name.title(), "email": f"{name}@police.example", "team_id": team_id, "competences": ["pal"]}
        person = ok(self.admin.post("/v1/people", facts), 201)
        for role in roles:
            ok(self.admin.post(f"/v1/people/{person['id']}/roles", {"role": role, "team_id": team_id}), 201)
        ok(self.admin.request("PUT", f"/v1/people/{person['id']}/password", json={"password": PASSWORD}))
        return self.log_in(name, f"{name}@police.example", PASSWORD)

    def close(self) -> None:
        for caller in [self.anybody, *self.people.values()]:
            caller.close()


@pytest.fixture(scope="module")
def cast(house: tuple[str, str]) -> Iterator[Cast]:
    base_url, password = house
    cast = Cast(base_url)
    admin = cast.log_in("admin", "admin@derbyshire.example", password)
    derbyshire = ok(admin.get("/v1/me"))["roles"][0]["team_id"]
    kent = ok(admin.post("/v1/teams", {"name": "Kent CTSA team", "force_code": KENT}), 201)["id"]
    cast.hire("coordinator", derbyshire, "coordinator")
    cast.hire("adviser", derbyshire, "adviser")
    cast.hire("reviewer", derbyshire, "reviewer")
    cast.hire("supervisor", derbyshire, "supervisor")
    cast.hire("stranger", kent, "adviser", "supervisor")
    cast.derbyshire = derbyshire  # type: ignore[assignment]
    yield cast
    cast.close()


def import_museums(var: Path) -> str:
    with resources.as_file(resources.files("casework.data").joinpath("museums_uk.csv")) as path:
        return casework(var, "import", "premises", str(path), "--make-teams")


def test_the_whole_story(cast: Cast, var: Path) -> None:
    # 1. All 4,141 real premises come in, and again without doubling.
    assert re.search(r"4,?141 created|created\D+4,?141", import_museums(var))
    assert re.search(r"4,?141 unchanged|unchanged\D+4,?141", import_museums(var))
    places = ok(cast.coordinator.get("/v1/premises", q="Great British Car"))["items"]
    assert [place["name"] for place in places] == ["Great British Car Journey"]
    assert places[0]["force_code"] == DERBYSHIRE

    # 2. A business asks without an account. It says what it needs first.
    assert len(ok(cast.anybody.get("/v1/signposts"))["items"]) == 12
    hotline = ok(cast.anybody.request("POST", "/v1/enquiries", json={"need": "suspicious_activity"}))
    assert hotline["signpost"]["how"]["phone"] == "0800 789 321"
    asked = {
        "need": "protective_security_advice", "site_name": "The Great British Car Journey", "postcode": "DE56 2HE",
        "local_authority_code": "E07000032", "description": "1,200 people are expected at our Christmas market.",
        "contact": {"name": "Ana Kowalska", "phone": "01632 960123", "email": "ana@carjourney.example"},
    }  # fmt: skip
    first = cast.anybody.post("/v1/enquiries", asked, key="story-enquiry-of-the-car-journey")
    enquiry = ok(first, 201)
    assert ok(cast.anybody.post("/v1/enquiries", asked, key="story-enquiry-of-the-car-journey"), 201) == enquiry, (
        "a lost reply is given again"
    )
    assert enquiry["force"]["code"] == DERBYSHIRE
    assert enquiry["expected_wait"]
    assert enquiry["privacy_notice"]
    business = cast.people["business"] = Caller(cast.base_url, enquiry["tracking_token"])

    # 3. Staff of that force see it; other forces see nothing of it.
    queue = ok(cast.coordinator.get("/v1/enquiries", open="true"))["items"]
    assert [row["reference"] for row in queue] == [enquiry["reference"]]
    path = f"/v1/enquiries/{enquiry['id']}"
    refused(cast.stranger.get(path), 404, "not-found")
    assert ok(cast.stranger.get("/v1/enquiries"))["items"] == []
    seen = ok(cast.coordinator.get(path))
    assert places[0]["id"] in {likely["id"] for likely in seen["likely_premises"]}
    refused(business.get("/v1/visits"), 403, "forbidden")
    verification = {"method": "call_back_independent_number"}
    verified = cast.coordinator.post(f"{path}/contact-verification", verification, match=seen["version"])
    triage = {"strand": "pal", "premises_id": places[0]["id"]}
    triaged = cast.coordinator.post(f"{path}/triage", triage, match=ok(verified)["version"])
    case = ok(cast.coordinator.post(f"{path}/acceptance", match=ok(triaged)["version"]))
    case = ok(
        cast.supervisor.post(
            f"/v1/cases/{case['id']}/allocation", {"adviser_id": cast.adviser.person_id}, match=case["version"]
        )
    )
    timeline = ok(cast.adviser.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert {"enquiry.accept", "case.allocate"} <= {line["action"] for line in timeline}
    refused(cast.stranger.get(f"/v1/cases/{case['id']}"), 404, "not-found")

    # Verified by staff, the business takes the second step: a code that the worker sends by e-mail.
    refused(business.get("/v1/visits"), 403, "forbidden")
    request = ok(business.post("/v1/tracking/code"), 202)["request"]
    casework_worker(var)
    entry = {"request": request, "code": code_in(var / "mail")}
    business.confirmed_by(ok(business.post("/v1/tracking/confirmation", entry))["confirmation"])

    # 4. The adviser proposes a visit, the business confirms it with its token, the adviser logs it as made.
    visit = made_visit(cast, business, case["id"], finding_gap="The crowd leaves onto an open service road.")

    # 5. Advice is drafted, reviewed by another person, and issued as version 1.
    advice = issued_advice(cast, case["id"], [finding["id"] for finding in visit["findings"]])

    # 6. The business answers each recommendation; the adviser verifies one; the case closes; the tracking page shows the end.
    own = ok(business.get(f"/v1/advice/{advice['id']}"))
    closed_road, queue_inside = (measure["id"] for measure in own["recommendations"])
    ok(business.post(f"/v1/recommendations/{closed_road}/responses", {"answer": "accepted"}), 201)
    declined = {"answer": "declined", "reason_code": "cost", "note": "Not this year."}
    ok(business.post(f"/v1/recommendations/{queue_inside}/responses", declined), 201)
    follow_up = made_visit(cast, business, case["id"], kind="follow_up")
    seen_closed = {"state": "verified", "visit_id": follow_up["id"]}
    ok(cast.adviser.post(f"/v1/recommendations/{closed_road}/verifications", seen_closed), 201)
    standing = ok(cast.adviser.get(f"/v1/cases/{case['id']}"))
    closing: dict[str, Any] = {"reason_code": "advice_complete"}
    closing["reason_code"] = ok(cast.adviser.get("/v1/reference/reason_close"))["items"][0]["code"]
    refused(
        cast.adviser.post(f"/v1/cases/{case['id']}/closure", closing, match=standing["version"]),
        409,
        "recommendations-open",
    )
    why = ok(cast.adviser.get("/v1/reference/reason_open_recommendation"))["items"][0]["code"]
    closing["open_recommendations"] = [{"recommendation_id": queue_inside, "reason_code": why}]
    closed = ok(cast.adviser.post(f"/v1/cases/{case['id']}/closure", closing, match=standing["version"]))
    assert closed["state"] == "closed"
    tracked = ok(business.get("/v1/tracking"))
    assert "closed" in (tracked["status"] + tracked["what_happens_next"]).lower()

    # 7. An internal tool lists cases and visits of its force.
    client = ok(cast.admin.post("/v1/api-clients", {
        "name": "Duty board", "team_id": cast.derbyshire, "scopes": ["cases.read", "visits.read"]}), 201)  # fmt: skip
    form = {"grant_type": "client_credentials", "client_id": client["id"], "client_secret": client["client_secret"]}
    issued = ok(cast.anybody.request("POST", "/v1/oauth/token", data=form))
    tool = cast.people["tool"] = Caller(cast.base_url, issued["access_token"])
    assert [row["id"] for row in ok(tool.get("/v1/cases"))["items"]] == [case["id"]]
    assert {row["id"] for row in ok(tool.get("/v1/visits"))["items"]} == {visit["id"], follow_up["id"]}
    refused(tool.get("/v1/enquiries"), 403, "forbidden")

    # And who has looked at the case is known.
    log = ok(cast.supervisor.get(f"/v1/cases/{case['id']}/access-log", limit=200))["items"]
    assert {"case.read", "visit.read", "advice.issue", "case.close"} <= {event["action"] for event in log}
    assert cast.stranger.person_id not in {event["person_id"] for event in log if event["decision"] == "allow"}


def casework_worker(var: Path) -> None:
    """The worker, in a process of its own, until nothing is left to do."""
    script = ("import asyncio; from casework.kernel.database import addresses; from casework.kernel.settings import Settings;"
              "from casework.worker import work; s = Settings();"
              "asyncio.run(work(s, addresses(s).worker, wait=False, signals=False))")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment(var)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def code_in(mail: Path) -> str:
    """The code of the one letter that has one; nobody but us may read it."""
    letters = [file for file in mail.glob("*.eml") if "Your code" in file.read_text()]
    assert [file.stat().st_mode & 0o077 for file in letters] == [0]
    code = re.search(r"\b(\d{8})\b", message_from_bytes(letters[0].read_bytes(), policy=default).get_content())
    assert code is not None
    return code[1]


def made_visit(cast: Cast, business: Caller, case_id: str, *, kind: str = "survey", finding_gap: str = "") -> Any:
    now = datetime.now(UTC).replace(microsecond=0)
    times = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}
    proposed = ok(cast.adviser.post(f"/v1/cases/{case_id}/visits", {**times, "kind": kind}), 201)
    mine = ok(business.get(f"/v1/visits/{proposed['id']}"))
    assert mine["adviser"] == "Adviser"
    assert "findings" not in mine
    confirmed = ok(
        business.post(f"/v1/visits/{proposed['id']}/confirmation", {"decision": "confirm"}, match=mine["version"])
    )
    assert confirmed["state"] == "confirmed"
    findings = [{"area": "Service road", "phase": "egress", "methodology": "vaw", "likelihood": 2, "impact": 4,
                 "existing_control": "A lifting gate.", "gap": finding_gap}] if finding_gap else []  # fmt: skip
    # A visit of an instant: what is done next is done after it.
    completion = {"arrived_at": just_now(5), "left_at": just_now(10), "findings": findings,
                  "attendance": [{"name": "Ana Kowalska", "role": "Manager"}], "notes": "Walked the site."}  # fmt: skip
    return ok(cast.adviser.post(f"/v1/visits/{proposed['id']}/completion", completion, match=confirmed["version"]))


def issued_advice(cast: Cast, case_id: str, finding_ids: list[str]) -> Any:
    advice = ok(cast.adviser.post(f"/v1/cases/{case_id}/advice", {"title": "Advice for the market"}), 201)
    path = f"/v1/advice/{advice['id']}"
    for action, priority in (
        ("Close the service road while the crowd leaves.", "critical"),
        ("Move the queue inside.", "medium"),
    ):
        measure = {
            "action": action,
            "principle": "deter",
            "domain": "physical",
            "priority": priority,
            "finding_ids": finding_ids,
        }
        ok(cast.adviser.post(f"{path}/recommendations", measure), 201)
    version = ok(cast.adviser.get(path))["version"]
    refused(
        cast.adviser.post(f"{path}/reviewer", {"reviewer_id": cast.adviser.person_id}, match=version),
        409,
        "own-advice",
    )
    version = ok(cast.adviser.post(f"{path}/reviewer", {"reviewer_id": cast.reviewer.person_id}, match=version))[
        "version"
    ]
    submitted = ok(cast.adviser.post(f"{path}/submission", match=version))
    version, decision = submitted["version"], {"decision": "approved", "content_sha256": submitted["content_sha256"]}
    business = cast.people["business"]
    refused(business.get(path), 404, "not-found")
    refused(cast.adviser.post(f"{path}/review", decision, match=version), 403, "forbidden")
    ok(cast.reviewer.post(f"{path}/review", decision, match=version))
    version = ok(cast.adviser.get(path))["version"]
    issuing = {"follow_up_on": (datetime.now(UTC) + timedelta(days=90)).date().isoformat()}
    # The service comes without a threat level; a supervisor records one until the professional lead has.
    assert refused(cast.adviser.post(f"{path}/issue", issuing, match=version), 409, "no-threat-level")["missing"]
    level = {"kind": "national", "level": "substantial", "source_url": SOURCE}
    assert ok(cast.supervisor.post("/v1/threat-levels", level), 201)["state"] == "provisional"
    # It was drafted under none, so the adviser says that the advice holds under this one.
    refused(cast.adviser.post(f"{path}/issue", issuing, match=version), 409, "threat-level-changed")
    issuing["confirm_threat_level"] = level["level"]
    issued: dict[str, Any] = ok(cast.adviser.post(f"{path}/issue", issuing, match=version))
    assert (issued["state"], issued["number"]) == ("issued", 1)
    return issued
