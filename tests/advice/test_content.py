"""What is approved is what is issued: the review is of content, and whatever changes it takes the advice back."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from casework.kernel.settings import Settings
from tests.enquiries.post import PostRoom
from tests.support.callers import Caller, ok, refused, warned
from tests.support.story import (
    allocated_case,
    approved_advice,
    completed_visit,
    decided,
    drafted_advice,
    finding,
    issuing,
    moment,
    recommendation,
)
from tests.support.world import Team, World

SPOKEN = {"given_to": "Duty manager", "given_at": moment(hours=-2), "advice": "Keep the side doors shut."}


class Told:
    """Advice that cites a finding, on a case with interim advice, and everybody who has to do with it."""

    def __init__(self, team: Team) -> None:
        self.team, self.adviser, self.supervisor = team, team.person("adviser"), team.person("supervisor")
        self.case = allocated_case(team, self.adviser)
        self.cited, self.other = completed_visit(self.adviser, self.case, finding(), finding(area="Roof"))["findings"]
        self.speak()
        lines = (
            recommendation(finding_ids=[self.cited["id"]], cost_band="none"),
            recommendation(action="Move the queue."),
        )
        self.path = f"/v1/advice/{drafted_advice(self.adviser, self.case, *lines)['id']}"
        self.id = self.path.rsplit("/", 1)[1]

    def read(self) -> Any:
        return ok(self.adviser.get(self.path))

    def move(self, noun: str, body: Any = None, by: Caller | None = None) -> Any:
        return ok((by or self.adviser).post(f"{self.path}/{noun}", body or {}, match=self.read()["version"]))

    def submit(self) -> Any:
        return self.move("submission")

    def approve(self) -> None:
        self.move("review", decided("approved", self.submit()), self.supervisor)

    def change(self, **facts: Any) -> Any:
        return self.adviser.patch(
            f"/v1/findings/{self.cited['id']}",
            facts or {"gap": "Nobody reviewed this.", "likelihood": 4},
            match=ok(self.adviser.get(f"/v1/findings/{self.cited['id']}"))["version"],
        )

    def speak(self, **facts: Any) -> Any:
        return self.adviser.post(f"/v1/cases/{self.case['id']}/interim-advice", {**SPOKEN, **facts})

    def stands(self) -> tuple[str, str | None]:
        advice = self.read()
        return advice["state"], advice["return_reason"]


@pytest.fixture
def told(team: Team) -> Told:
    return Told(team)


def stored(world: World, advice_id: str) -> list[asyncpg.Record]:
    return world.sql("SELECT * FROM casework.advice_content WHERE advice_id = $1 ORDER BY made_at, id", advice_id)


def test_the_content_is_canonical_json_of_what_is_reviewed_and_of_nothing_else(world: World, told: Told) -> None:
    ok(told.adviser.patch(told.path, {"introduction": "After our visit: “see” ✓"}, match=told.read()["version"]))
    advice = told.submit()
    (kept,) = stored(world, told.id)
    content = json.loads(kept["content"])
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert kept["content"] == canonical
    assert advice["content_sha256"] == hashlib.sha256(canonical).hexdigest() == kept["sha256"].hex()
    assert not kept["reconstructed"]
    assert (content["content_format"], content["title"], content["introduction"]) == (
        1,
        advice["title"],
        "After our visit: “see” ✓",
    )
    first, second = content["lines"]
    assert [line["number"] for line in content["lines"]] == [1, 2]
    assert (first["findings"], second["findings"]) == ([1], [])
    assert second["action"] == "Move the queue."
    assert [(each["number"], each["gap"]) for each in content["findings"]] == [(1, told.cited["gap"])]
    assert content["interim_advice"] == [
        {"advice": SPOKEN["advice"], "given_at": SPOKEN["given_at"], "given_to": "Duty manager"}
    ]
    assert content["words"]["attack_methodologies"] == {"vaw": "Vehicle as a weapon (VAW)"}
    assert content["words"]["cost_bands"] == {"none": "No cost"}
    text = kept["content"].decode()
    for other in (
        advice["author"],
        advice["drafted_threat_level"],
        told.adviser.person_id,
        advice["created_at"],
        "in_review",
    ):
        assert f'"{other}"' not in text


def test_a_draft_shows_what_interim_advice_it_would_carry(told: Told) -> None:
    assert [each["advice"] for each in told.read()["interim_advice"]] == [SPOKEN["advice"]]
    assert told.submit()["interim_advice"][0]["carried_into"] is None
    reviewed = ok(told.supervisor.get(told.path))
    assert [each["advice"] for each in reviewed["interim_advice"]] == [SPOKEN["advice"]]


@pytest.mark.parametrize("approved", [False, True], ids=["in review", "approved"])
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"area": "Loading bay"},
        {"phase": "build"},
        {"methodology": "ied"},
        {"existing_control": "A guard."},
        {"impact": 1},
    ],
    ids=lambda facts: next(iter(facts), "gap"),
)
def test_a_finding_that_changes_takes_the_advice_that_cites_it_back(
    told: Told, approved: bool, facts: dict[str, Any]
) -> None:
    told.approve() if approved else told.submit()
    before = told.read()
    response = told.change(**facts)
    assert warned(response) == [("", "advice-returned")]
    assert before["reference"] in response.json()["warnings"][0]["message"]
    after = told.read()
    assert (after["state"], after["return_reason"], after["approved_by"]) == ("returned", "content_changed", None)
    assert after["version"] > before["version"]
    # Neither with the version that was read, nor with the new one: it is to be reviewed again.
    for version in (before["version"], after["version"]):
        went_out = told.adviser.post(f"{told.path}/issue", issuing(), match=version)
        assert went_out.status_code in (409, 412), went_out.text
        late = told.supervisor.post(f"{told.path}/review", decided("approved", before), match=version)
        assert late.status_code in (409, 412), late.text
    line = next(
        each
        for each in ok(told.adviser.get(f"/v1/cases/{told.case['id']}/timeline"))["items"]
        if each["reason_code"] == "content_changed"
    )
    assert (line["action"], line["person_id"]) == ("finding.record", told.adviser.person_id)
    told.approve()
    assert told.move("issue", issuing())["state"] == "issued"


@pytest.fixture
def post(world: World, test_settings: Settings, tmp_path: Path) -> PostRoom:
    """Where the worker's letters go."""
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    return PostRoom(world, test_settings, tmp_path / "mail")


def heard(post: PostRoom, person: Caller) -> int:
    """How many letters told somebody that advice is with its author again."""
    post.deliver()
    mail = post.world.sql("SELECT email FROM casework.person WHERE id = $1::text::uuid", person.person_id)[0]["email"]
    return sum("is with its author again" in str(each["Subject"]) for each in post.letters(mail))


def test_who_approved_unasked_hears_that_it_has_changed(told: Told, post: PostRoom) -> None:
    told.approve()
    assert told.read()["reviewer_id"] is None
    ok(told.change())
    assert (heard(post, told.supervisor), heard(post, told.adviser)) == (1, 0)


def test_an_author_who_has_left_hears_no_more_of_it(told: Told, post: PostRoom) -> None:
    colleague, keeper = told.team.person("adviser"), told.team.person("administrator")
    told.move("reviewer", {"reviewer_id": told.supervisor.person_id})
    told.submit()
    path = f"/v1/people/{told.adviser.person_id}"
    ok(keeper.patch(path, {"active": False, "leaving": True}, match=ok(keeper.get(path))["version"]))
    case = f"/v1/cases/{told.case['id']}"
    given = {"adviser_id": colleague.person_id}
    ok(told.supervisor.post(f"{case}/allocation", given, match=ok(told.supervisor.get(case))["version"]))
    cited = f"/v1/findings/{told.cited['id']}"
    ok(colleague.patch(cited, {"gap": "Nobody reviewed this."}, match=ok(colleague.get(cited))["version"]))
    assert (heard(post, told.supervisor), heard(post, told.adviser)) == (1, 0)


def test_what_changes_nothing_that_is_cited_takes_nothing_back(told: Told) -> None:
    told.approve()
    assert warned(told.change(gap=ok(told.adviser.get(f"/v1/findings/{told.cited['id']}"))["gap"])) == []
    other = told.adviser.patch(f"/v1/findings/{told.other['id']}", {"gap": "New."}, match=told.other["version"])
    assert warned(other) == []
    assert told.stands() == ("approved", None)


@pytest.mark.parametrize("approved", [False, True], ids=["in review", "approved"])
def test_new_interim_advice_takes_back_what_would_carry_it(told: Told, approved: bool) -> None:
    told.approve() if approved else told.submit()
    response = told.speak(advice="Nobody reviewed this.")
    assert warned(response) == [("", "advice-returned")]
    assert told.stands() == ("returned", "content_changed")
    assert [each["advice"] for each in told.read()["interim_advice"]] == [SPOKEN["advice"], "Nobody reviewed this."]
    told.approve()
    issued = told.move("issue", issuing())
    assert len(issued["interim_advice"]) == 2
    # The next one is for the next version.
    assert warned(told.speak(advice="Later.")) == []
    assert told.read() == issued


def test_interim_advice_that_another_version_carries_is_missing_from_this_one(told: Told) -> None:
    other = approved_advice(told.team, told.adviser, told.case)
    told.approve()
    issued = told.adviser.post(f"/v1/advice/{other['id']}/issue", issuing(), match=other["version"])
    assert warned(issued) == [("", "advice-returned")]
    assert told.stands() == ("returned", "content_changed")
    assert told.read()["interim_advice"] == []


def test_a_reviewer_decides_on_what_they_read(told: Told) -> None:
    advice = told.submit()
    path, match = f"{told.path}/review", advice["version"]
    silent = refused(told.supervisor.post(path, {"decision": "approved"}, match=match), 422, "validation-failed")
    assert silent["errors"][0]["pointer"] == "/content_sha256"
    for wrong in ("abc", "g" * 64, advice["content_sha256"] + "0"):
        body = {"decision": "approved", "content_sha256": wrong}
        assert refused(told.supervisor.post(path, body, match=match), 422, "validation-failed")
    other = {"decision": "approved", "content_sha256": "0" * 64}
    problem = refused(told.supervisor.post(path, other, match=match), 409, "content-changed")
    assert problem["content_sha256"] == advice["content_sha256"]
    typed = {"decision": "approved", "content_sha256": f" {advice['content_sha256'].upper()}"}
    review = ok(told.supervisor.post(path, typed, match=match))
    assert review["content_sha256"] == advice["content_sha256"]


def test_the_log_says_which_content_was_submitted_approved_and_issued(world: World, told: Told) -> None:
    told.approve()
    told.move("issue", issuing())
    rows = world.sql(
        "SELECT e.action, o.facts FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " WHERE o.object_id = $1 AND o.kind = 'advice' AND o.facts ->> 'state' IS NOT NULL ORDER BY o.event_id",
        told.id,
    )
    facts = {row["action"]: json.loads(row["facts"]) for row in rows}
    hash_ = stored(world, told.id)[-1]["sha256"].hex()
    assert facts["advice.submit"] == {"from": "draft", "state": "in_review", "content_sha256": hash_}
    assert facts["advice.review"] == {"from": "in_review", "state": "approved", "approved_sha256": hash_}
    assert facts["advice.issue"] == {"from": "approved", "state": "issued", "issued_sha256": hash_}


def test_the_words_of_the_day_of_submission_stay(world: World, team: Team, told: Told) -> None:
    """Another label for a code is no other content: who reviewed read the words of their day."""
    told.submit()
    said = world.sql("SELECT label FROM casework.lookup WHERE kind = 'cost_bands' AND code = 'none'")[0][0]
    rename = "UPDATE casework.lookup SET label = $1 WHERE kind = 'cost_bands' AND code = 'none'"
    world.logged_sql(rename, "Free")
    try:
        told.move("review", decided("approved", told.read()), told.supervisor)
        told.move("issue", issuing())
    finally:
        world.logged_sql(rename, said)
    assert json.loads(stored(world, told.id)[-1]["content"])["words"]["cost_bands"] == {"none": said}


def _reword(world: World, told: Told) -> None:
    world.logged_sql("UPDATE casework.recommendation SET action = 'Other.' WHERE advice_id = $1", told.id)


def _retitle(world: World, told: Told) -> None:
    world.logged_sql("UPDATE casework.advice SET title = 'Other' WHERE id = $1", told.id)


def _uncite(world: World, told: Told) -> None:
    world.logged_sql("DELETE FROM casework.recommendation_finding WHERE finding_id = $1", told.cited["id"])


def _add(world: World, told: Told) -> None:
    world.logged_sql(
        "INSERT INTO casework.recommendation (advice_id, case_id, team_id, restricted, position, action, principle, domain, priority)"
        " SELECT id, case_id, team_id, restricted, 9, 'One more.', 'deter', 'physical', 'low' FROM casework.advice WHERE id = $1",
        told.id,
    )


@pytest.mark.parametrize("past", [_reword, _retitle, _uncite, _add])
@pytest.mark.parametrize("approved", [False, True], ids=["in review", "approved"])
def test_what_is_in_review_is_not_rewritten_past_the_service_either(
    world: World, told: Told, past: Callable[[World, Told], None], approved: bool
) -> None:
    told.approve() if approved else told.submit()
    with pytest.raises(asyncpg.PostgresError) as refusal:
        past(world, told)
    assert refusal.value.sqlstate == "CW002"


@pytest.mark.parametrize("approved", [False, True], ids=["in review", "approved"])
def test_what_slipped_past_every_trigger_goes_no_further(world: World, told: Told, approved: bool) -> None:
    """The CHECKs by themselves: at approval and at issue the content is made out again, and held against what was reviewed."""
    told.approve() if approved else told.submit()
    world.sql(
        "DO $$ BEGIN ALTER TABLE casework.finding DISABLE TRIGGER USER;"
        f" UPDATE casework.finding SET gap = 'Nobody reviewed this.' WHERE id = '{told.cited['id']}';"
        " ALTER TABLE casework.finding ENABLE TRIGGER USER; END $$"
    )
    advice = told.read()
    if approved:
        gone = told.adviser.post(f"{told.path}/issue", issuing(), match=advice["version"])
    else:
        gone = told.supervisor.post(f"{told.path}/review", decided("approved", advice), match=advice["version"])
    refused(gone, 409, "content-changed")


def test_contents_are_append_only_and_nobody_of_ours_writes_them(world: World, told: Told) -> None:
    told.submit()
    for statement in (
        "UPDATE casework.advice_content SET reconstructed = true WHERE advice_id = $1",
        "DELETE FROM casework.advice_content WHERE advice_id = $1",
    ):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            world.logged_sql(statement, told.id)
        assert refusal.value.sqlstate == "CW002"

    async def write(connection: asyncpg.Connection) -> None:
        await connection.execute("INSERT INTO casework.advice_content (content) VALUES ('x')")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.run_as("casework_api", write)


def test_submitted_advice_is_taken_back_before_it_is_decided(told: Told, other_team: Team) -> None:
    reviewer = other_team.person("reviewer")
    told.move("reviewer", {"reviewer_id": reviewer.person_id})
    refused(told.adviser.post(f"{told.path}/recall", {}, match=told.read()["version"]), 409, "state-conflict")
    advice = told.submit()
    assert "advice.take_back" in advice["allowed_actions"]
    refused(told.team.person("adviser").post(f"{told.path}/recall", {}, match=advice["version"]), 403, "forbidden")
    refused(reviewer.post(f"{told.path}/recall", {}, match=advice["version"]), 403, "forbidden")
    refused(told.adviser.post(f"{told.path}/recall", {}, match=advice["version"] - 1), 412, "precondition-failed")
    taken = told.move("recall", {"reason": "One measure more."})
    assert (taken["state"], taken["return_reason"], taken["content_sha256"]) == ("returned", "taken_back", None)
    refused(reviewer.get(told.path), 404, "not-found")
    told.submit()
    assert told.move("recall", by=told.supervisor)["return_reason"] == "taken_back"
    told.approve()
    refused(told.adviser.post(f"{told.path}/recall", {}, match=told.read()["version"]), 409, "state-conflict")


def test_each_submission_has_its_content_and_a_return_says_why(world: World, told: Told) -> None:
    told.move("review", decided("returned", told.submit(), "Say more."), told.supervisor)
    assert told.stands() == ("returned", "review")
    ok(told.adviser.patch(told.path, {"introduction": "More."}, match=told.read()["version"]))
    told.submit()
    first, second = stored(world, told.id)
    assert first["sha256"] != second["sha256"]
    assert told.stands() == ("in_review", None)


def test_a_finding_changed_beside_a_submission_is_reviewed_or_takes_it_back(told: Told) -> None:
    """One history: either the content that is in review is the new one, or the advice is back with its author."""
    for number in range(4):
        if told.read()["state"] == "in_review":
            told.move("recall")
        version, answers = told.read()["version"], []
        text = f"As seen at {number}."
        together = threading.Barrier(2)

        def submit(
            version: int = version, together: threading.Barrier = together, answers: list[Any] = answers
        ) -> None:
            together.wait()
            answers.append(told.adviser.post(f"{told.path}/submission", match=version))

        def change(text: str = text, together: threading.Barrier = together, answers: list[Any] = answers) -> None:
            colleague = told.team.world.log_in(told.adviser.person_id or "", told.adviser.name)
            found = ok(colleague.get(f"/v1/findings/{told.cited['id']}"))
            together.wait()
            answers.append(colleague.patch(f"/v1/findings/{found['id']}", {"gap": text}, match=found["version"]))

        both = [threading.Thread(target=each) for each in (submit, change)]
        for each in both:
            each.start()
        for each in both:
            each.join()
        assert all(answer.status_code in (200, 412, 503) for answer in answers), [answer.text for answer in answers]
        advice = told.read()
        if advice["state"] == "in_review":
            kept = stored(told.team.world, told.id)[-1]
            now = ok(told.adviser.get(f"/v1/findings/{told.cited['id']}"))["gap"]
            assert json.loads(kept["content"])["findings"][0]["gap"] == now
