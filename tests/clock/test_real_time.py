"""What the clock of the field's rules does not touch: sessions, tokens, one-time codes, kept answers, the log."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from casework.kernel.settings import Settings
from tests.enquiries.building import asked
from tests.enquiries.post import PostRoom, address, reachable
from tests.people.test_sessions import log_in, with_password
from tests.support.callers import ok, refused
from tests.support.trial import Trial
from tests.support.world import Team


@pytest.fixture
def team(trial: Trial) -> Team:
    return trial.team()


@pytest.fixture
def post(trial: Trial, test_settings: Settings, tmp_path: Path) -> PostRoom:
    trial.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    return PostRoom(trial, test_settings.model_copy(update={"environment": "development"}), tmp_path / "mail")


@pytest.fixture(params=[3000, -3000], ids=["years ahead", "years behind"])
def elsewhen(trial: Trial, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Move the clock by years, once the test asks for it."""
    return lambda: trial.forward(days=request.param)


class Between:
    """Whether moments lie between the making of this and the asking, by the database's own real clock."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.began = self._now()

    def _now(self) -> datetime:
        now: datetime = self.trial.sql("SELECT date_trunc('milliseconds', clock_timestamp()) AS now")[0]["now"]
        return now

    def holds(self, *moments: datetime) -> bool:
        now = self._now()
        return bool(moments) and all(self.began <= moment <= now for moment in moments)


def test_a_session_goes_on_and_a_new_one_begins_now(trial: Trial, team: Team, elsewhen: Any) -> None:
    person, tool = team.person("adviser"), team.tool("cases.read")
    login = with_password(trial, person)
    elsewhen()
    real = Between(trial)
    for caller in (person, tool):
        assert caller.get("/v1/me").status_code == 200
    token = ok(log_in(trial.anybody(), login), 201)["token"]
    assert trial.anybody(token).get("/v1/me").status_code == 200
    begun = trial.sql(
        "SELECT s.created_at, s.last_seen_at FROM access.session s WHERE s.principal_id = $1"
        " ORDER BY s.created_at DESC LIMIT 1",
        person.person_id,
    )[0]
    assert real.holds(*begun)
    own = ok(trial.anybody(token).get("/v1/sessions"))["items"]
    assert len(own) == 2


def test_a_tracking_token_goes_on_whatever_the_clock_shows(trial: Trial, team: Team, elsewhen: Any) -> None:
    early = asked(trial, team)
    elsewhen()
    late = asked(trial, team)
    for enquiry in (early, late):
        assert enquiry.business.get("/v1/tracking").status_code == 200


def test_a_tracking_token_lives_on_for_90_days_of_real_time(trial: Trial, team: Team, elsewhen: Any) -> None:
    elsewhen()
    enquiry, real = asked(trial, team), Between(trial)
    ok(enquiry.move("refusal", {"reason_code": "not_protective_security"}))
    assert ok(enquiry.business.get("/v1/tracking"))["status"]  # years behind, it would have ended long ago
    left = trial.sql(
        "SELECT s.expires_at - interval '90 days' AS ended FROM access.session s WHERE s.enquiry_id = $1", enquiry.id
    )
    assert real.holds(left[0]["ended"])


def test_and_after_the_end_of_a_case_as_well(trial: Trial, team: Team, elsewhen: Any) -> None:
    elsewhen()
    enquiry = asked(trial, team)
    path = f"/v1/cases/{ok(enquiry.move('acceptance'), 201)['id']}"
    supervisor, real = enquiry.staff("supervisor"), Between(trial)
    ok(supervisor.post(f"{path}/closure", {"reason_code": "no_reply"}, match=ok(supervisor.get(path))["version"]))
    left = trial.sql(
        "SELECT s.expires_at - interval '90 days' AS ended FROM access.session s WHERE s.enquiry_id = $1", enquiry.id
    )
    assert real.holds(left[0]["ended"])
    assert enquiry.business.get("/v1/tracking").status_code == 200


def test_a_page_that_was_closed_for_90_days_is_not_opened_again(trial: Trial, team: Team) -> None:
    enquiry = asked(trial, team)
    path = f"/v1/cases/{ok(enquiry.move('acceptance'), 201)['id']}"
    enquiry.verify()
    supervisor = enquiry.staff("supervisor")
    closing = {"reason_code": "no_reply"}
    ok(supervisor.post(f"{path}/closure", closing, match=ok(supervisor.get(path))["version"]))
    trial.forward(days=89)
    ok(enquiry.move("tracking-token"))
    trial.forward(days=2)
    assert "90 days" in refused(enquiry.move("tracking-token"), 409, "conflict")["detail"]


def test_a_one_time_code_is_good_for_its_minutes(trial: Trial, team: Team, post: PostRoom, elsewhen: Any) -> None:
    to = address()
    enquiry = asked(trial, team, **reachable(to))
    enquiry.verify()
    request = ok(enquiry.business.post("/v1/tracking/code"), 202)["request"]
    entry = {"request": request, "code": post.code(to)}
    elsewhen()
    enquiry.business.confirmed_by(ok(enquiry.business.post("/v1/tracking/confirmation", entry))["confirmation"])
    # And what it opened stays open, while a code of ten minutes ago is over whatever the clock shows.
    assert ok(enquiry.business.get("/v1/tracking"))["second_step"] == "confirmed"
    trial.sql(
        "UPDATE access.one_time_code SET used_at = NULL, tries_left = 5, expires_at = now() - interval '1 second'"
    )
    refused(enquiry.business.post("/v1/tracking/confirmation", entry), 409, "code-expired")


def test_an_answer_is_kept_for_its_hours(trial: Trial, team: Team, elsewhen: Any) -> None:
    adviser, key = team.person("adviser"), str(uuid.uuid4())
    body = {"team_id": team.id, "title": "Spring fair"}
    first = ok(adviser.post("/v1/cases", body, key=key), 201)
    elsewhen()
    trial.sql("SELECT work.purge_keys(interval '72 hours', 1000)")
    assert ok(adviser.post("/v1/cases", body, key=key), 201) == first


def test_the_log_tells_when_it_really_was(trial: Trial, team: Team, elsewhen: Any) -> None:
    adviser = team.person("adviser")
    elsewhen()
    real = Between(trial)
    before = trial.sql("SELECT max(id) AS last FROM audit.event")[0]["last"]
    case = ok(adviser.post("/v1/cases", {"team_id": team.id, "title": "Spring fair"}), 201)
    adviser.get(f"/v1/cases/{case['id']}")
    events = trial.sql("SELECT at FROM audit.event WHERE principal_id = $1 AND id > $2", adviser.person_id, before)
    assert len(events) == 2
    assert real.holds(*(event["at"] for event in events))
