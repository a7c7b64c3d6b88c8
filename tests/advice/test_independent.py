"""Nobody approves what they helped to write: a contributor neither is asked to review nor reviews, whoever opened the draft."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from tests.support.callers import Caller, ok, refused, warned
from tests.support.story import (
    allocated_case,
    completed_visit,
    decided,
    finding,
    issuing,
    moment,
    proposed_visit,
    recommendation,
)
from tests.support.world import Team, World

SPOKEN = {"given_to": "Duty manager", "given_at": moment(hours=-2), "advice": "Keep the side doors shut."}


class Desk:
    """An adviser who opened a draft, a colleague who works along, and somebody who has nothing to do with it."""

    def __init__(self, team: Team) -> None:
        self.team, self.adviser = team, team.person("adviser")
        self.colleague = team.person("adviser", "reviewer", "supervisor", name="Bo")
        self.case = allocated_case(team, self.adviser, self.colleague)
        with_her = {"person_id": self.colleague.person_id}
        ok(self.adviser.post(f"/v1/cases/{self.case['id']}/collaborators", with_her, match=self.case["version"]))
        shell = ok(self.adviser.post(f"/v1/cases/{self.case['id']}/advice", {"title": "An empty shell"}), 201)
        self.id, self.path = shell["id"], f"/v1/advice/{shell['id']}"

    def read(self) -> Any:
        return ok(self.adviser.get(self.path))

    def move(self, noun: str, body: Any = None, by: Caller | None = None) -> Any:
        return ok((by or self.adviser).post(f"{self.path}/{noun}", body or {}, match=self.read()["version"]))

    def recommend(self, by: Caller, **facts: Any) -> Any:
        return ok(by.post(f"{self.path}/recommendations", recommendation(**facts)), 201)

    def ask(self, person: Caller) -> Any:
        return self.adviser.post(
            f"{self.path}/reviewer", {"reviewer_id": person.person_id}, match=self.read()["version"]
        )

    def review(self, by: Caller) -> Any:
        advice = self.read()
        return by.post(f"{self.path}/review", decided("approved", advice), match=advice["version"])


@pytest.fixture
def desk(team: Team) -> Desk:
    return Desk(team)


def introduction(desk: Desk) -> None:
    ok(desk.colleague.patch(desk.path, {"introduction": "By Bo."}, match=desk.read()["version"]))


def written(desk: Desk) -> None:
    desk.recommend(desk.colleague)


def amended(desk: Desk) -> None:
    line = desk.recommend(desk.adviser)
    ok(desk.colleague.patch(f"/v1/recommendations/{line['id']}", {"priority": "low"}, match=line["version"]))


def citing(desk: Desk) -> None:
    found = completed_visit(desk.adviser, desk.case, finding())["findings"][0]
    line = desk.recommend(desk.adviser)
    ok(desk.colleague.patch(f"/v1/recommendations/{line['id']}", {"finding_ids": [found["id"]]}, match=line["version"]))


def cited_no_more(desk: Desk) -> None:
    found = completed_visit(desk.adviser, desk.case, finding())["findings"][0]
    line = desk.recommend(desk.adviser, finding_ids=[found["id"]])
    ok(desk.colleague.patch(f"/v1/recommendations/{line['id']}", {"finding_ids": []}, match=line["version"]))


def taken_out(desk: Desk) -> None:
    desk.recommend(desk.adviser)
    line = desk.recommend(desk.adviser, priority="critical")
    ok(desk.colleague.delete(f"/v1/recommendations/{line['id']}", match=line["version"]))


def found_before(desk: Desk) -> None:
    visit = completed_visit(desk.adviser, desk.case)
    found = ok(desk.colleague.post(f"/v1/visits/{visit['id']}/findings", finding()), 201)
    desk.recommend(desk.adviser, finding_ids=[found["id"]])


def found_amended_before(desk: Desk) -> None:
    found = completed_visit(desk.adviser, desk.case, finding())["findings"][0]
    ok(desk.colleague.patch(f"/v1/findings/{found['id']}", {"impact": 2}, match=found["version"]))
    desk.recommend(desk.adviser, finding_ids=[found["id"]])


def found_amended_after(desk: Desk) -> None:
    found = completed_visit(desk.adviser, desk.case, finding())["findings"][0]
    desk.recommend(desk.adviser, finding_ids=[found["id"]])
    ok(desk.colleague.patch(f"/v1/findings/{found['id']}", {"impact": 2}, match=found["version"]))


def visited(desk: Desk) -> None:
    times = {"starts_at": moment(hours=1), "ends_at": moment(hours=3), "adviser_id": desk.colleague.person_id}
    visit = proposed_visit(desk.adviser, desk.case, **times)
    log = {
        "arrived_at": moment(hours=-3),
        "left_at": moment(hours=-1),
        "findings": [finding()],
        "time_reason": "We came early.",
    }
    made = ok(desk.adviser.post(f"/v1/visits/{visit['id']}/completion", log, match=visit["version"]))
    desk.recommend(desk.adviser, finding_ids=[made["findings"][0]["id"]])


def logged(desk: Desk) -> None:
    visit = proposed_visit(desk.adviser, desk.case, starts_at=moment(hours=1), ends_at=moment(hours=3))
    log = {"arrived_at": moment(hours=-3), "left_at": moment(hours=-1), "time_reason": "We came early."}
    ok(desk.colleague.post(f"/v1/visits/{visit['id']}/completion", log, match=visit["version"]))
    found = ok(desk.adviser.post(f"/v1/visits/{visit['id']}/findings", finding()), 201)
    desk.recommend(desk.adviser, finding_ids=[found["id"]])


def spoken(desk: Desk) -> None:
    ok(desk.colleague.post(f"/v1/cases/{desk.case['id']}/interim-advice", SPOKEN), 201)


def supplemented(desk: Desk) -> None:
    visit = completed_visit(desk.adviser, desk.case, finding())
    desk.recommend(desk.adviser, finding_ids=[visit["findings"][0]["id"]])
    said = {"notes": "The gate stood open.", "reason": "Left out when it was logged."}
    ok(desk.colleague.post(f"/v1/visits/{visit['id']}/supplements", said), 201)


def was_there(desk: Desk) -> None:
    visit = proposed_visit(desk.adviser, desk.case, starts_at=moment(hours=1), ends_at=moment(hours=3))
    log = {
        "arrived_at": moment(hours=-3),
        "left_at": moment(hours=-1),
        "findings": [finding()],
        "time_reason": "Early.",
    }
    log["attended_by"] = [desk.colleague.person_id]
    made = ok(desk.adviser.post(f"/v1/visits/{visit['id']}/completion", log, match=visit["version"]))
    desk.recommend(desk.adviser, finding_ids=[made["findings"][0]["id"]])


def said_to_be_there(desk: Desk, visit: Any, *who: Caller) -> None:
    said = {"attended_by": [each.person_id for each in who], "reason": "Left out when it was logged."}
    ok(desk.adviser.post(f"/v1/visits/{visit['id']}/supplements", said), 201)


def was_there_as_was_said_after(desk: Desk) -> None:
    visit = completed_visit(desk.adviser, desk.case, finding())
    desk.recommend(desk.adviser, finding_ids=[visit["findings"][0]["id"]])
    said_to_be_there(desk, visit, desk.team.person("adviser"), desk.colleague)


def was_there_as_was_said_before(desk: Desk) -> None:
    visit = completed_visit(desk.adviser, desk.case, finding())
    said_to_be_there(desk, visit, desk.colleague)
    desk.recommend(desk.adviser, finding_ids=[visit["findings"][0]["id"]])


def was_there_as_was_said_once(desk: Desk) -> None:
    visit = completed_visit(desk.adviser, desk.case, finding())
    said_to_be_there(desk, visit, desk.colleague)
    said_to_be_there(desk, visit)
    desk.recommend(desk.adviser, finding_ids=[visit["findings"][0]["id"]])


WAYS = {
    supplemented: "supplement",
    was_there_as_was_said_after: "visit",
    was_there_as_was_said_before: "visit",
    was_there_as_was_said_once: "visit",
    was_there: "visit",
    introduction: "introduction",
    written: "recommendation",
    amended: "recommendation",
    citing: "recommendation",
    cited_no_more: "recommendation",
    taken_out: "version",
    found_before: "finding",
    found_amended_before: "finding",
    found_amended_after: "finding",
    visited: "visit",
    logged: "visit",
    spoken: "interim_advice",
}


@pytest.mark.parametrize("contribute", WAYS, ids=lambda way: way.__name__)
def test_a_contributor_neither_is_asked_nor_reviews(desk: Desk, contribute: Callable[[Desk], None]) -> None:
    other = desk.team.person("reviewer", name="Rae")
    busy = desk.team.person("supervisor", competences=("hss",))
    contribute(desk)
    told = refused(desk.ask(desk.colleague), 409, "own-advice")
    assert WAYS[contribute] in [each["what"] for each in told["contributed"]]
    # Whoever offers from other forces, in other tests, comes after those of this one.
    assert [each["name"] for each in told["could_be_asked"] if each["force"] is None] == ["Rae"]
    assert busy.person_id not in [each["id"] for each in told["could_be_asked"]]
    if not desk.read()["recommendations"]:
        desk.recommend(desk.adviser)
    desk.move("submission")
    assert "advice.review" not in ok(desk.colleague.get(desk.path))["allowed_actions"]
    own = refused(desk.review(desk.colleague), 409, "own-advice")
    assert own["contributed"] == told["contributed"]
    ok(desk.ask(other))
    ok(desk.review(other))


@pytest.mark.parametrize("contribute", WAYS, ids=lambda way: way.__name__)
def test_who_contributes_after_being_asked_is_asked_no_longer(desk: Desk, contribute: Callable[[Desk], None]) -> None:
    ok(desk.ask(desk.colleague))
    contribute(desk)
    advice = desk.read()
    assert advice["reviewer_id"] is None
    lines = ok(desk.adviser.get(f"/v1/cases/{desk.case['id']}/timeline"))["items"]
    assert [each["subject_id"] for each in lines if each["reason_code"] == "reviewer_contributed"] == [desk.id]


def test_what_stands_no_longer_counts_no_longer(desk: Desk) -> None:
    line = desk.recommend(desk.colleague)
    visit = completed_visit(desk.adviser, desk.case)
    found = ok(desk.colleague.post(f"/v1/visits/{visit['id']}/findings", finding()), 201)
    mine = desk.recommend(desk.adviser, finding_ids=[found["id"]])
    refused(desk.ask(desk.colleague), 409, "own-advice")
    ok(desk.colleague.delete(f"/v1/recommendations/{line['id']}", match=line["version"]))
    now = ok(desk.adviser.get(f"/v1/recommendations/{mine['id']}"))["version"]
    ok(desk.adviser.patch(f"/v1/recommendations/{mine['id']}", {"finding_ids": []}, match=now))
    ok(desk.ask(desk.colleague))


def test_who_changes_nothing_has_contributed_nothing(desk: Desk) -> None:
    """What is sent as it stands already: a draft, a line with its citations, a finding that is cited or will be."""
    visit = completed_visit(desk.adviser, desk.case, finding(), finding(area="Yard"), finding(area="Roof"))
    first, second, third = visit["findings"]
    cited = [first["id"], second["id"]]
    line = desk.recommend(desk.adviser, finding_ids=cited)

    def again(path: str, *names: str, **facts: Any) -> None:
        now = ok(desk.colleague.get(path))
        ok(desk.colleague.patch(path, {name: now[name] for name in names} | facts, match=now["version"]))

    again(desk.path, "title", "introduction")
    path = f"/v1/recommendations/{line['id']}"
    again(path, "priority", finding_ids=cited)
    again(path, finding_ids=cited[::-1])
    for each in (first, third):
        again(f"/v1/findings/{each['id']}", "area", "phase", "gap", "existing_control", impact=each["risk"]["impact"])
    desk.recommend(desk.adviser, finding_ids=[third["id"]])
    ok(desk.ask(desk.colleague))
    # One citation less is another line.
    now = ok(desk.colleague.get(path))
    ok(desk.colleague.patch(path, {"finding_ids": cited[:1]}, match=now["version"]))
    told = refused(desk.ask(desk.colleague), 409, "own-advice")
    assert [each["what"] for each in told["contributed"]] == ["recommendation"]


def test_a_comment_is_no_contribution(desk: Desk) -> None:
    supervisor = desk.team.person("supervisor")
    desk.recommend(desk.adviser)
    for _ in range(3):
        advice = desk.move("submission")
        ok(supervisor.post(f"{desk.path}/review", decided("returned", advice, "More."), match=advice["version"]))
    desk.move("submission")
    ok(desk.review(supervisor))


def test_three_people_three_corrections_and_somebody_may_still_approve(desk: Desk) -> None:
    """Two write in turn, the third reviews; who wrote a line counts in every version that has it, who copied it does not."""
    third = desk.team.person("supervisor", name="Cy")
    desk.recommend(desk.adviser)
    advice = desk.move("submission")
    for writer in (desk.colleague, desk.adviser, desk.colleague):
        ok(desk.review(third))
        desk.move("issue", issuing())
        body = {"correction_reason": "The gate."}
        advice = ok(writer.post(f"{desk.path}/versions", body), 201)
        desk.id, desk.path = advice["id"], f"/v1/advice/{advice['id']}"
        ok(writer.patch(desk.path, {"introduction": f"By {writer.name}."}, match=advice["version"]))
        desk.move("submission")
        assert refused(desk.review(desk.colleague), 409, "own-advice")["contributed"]
    ok(desk.review(third))


def test_who_wrote_the_first_version_does_not_approve_the_second(team: Team) -> None:
    writer, second = team.person("adviser", "supervisor"), team.person("adviser", "supervisor")
    case = allocated_case(team, writer)
    ok(writer.post(f"/v1/cases/{case['id']}/collaborators", {"person_id": second.person_id}, match=case["version"]))
    advice = ok(writer.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice", "introduction": "Mine."}), 201)
    ok(writer.post(f"/v1/advice/{advice['id']}/recommendations", recommendation()), 201)

    def move(path: str, noun: str, body: Any, by: Caller) -> Any:
        return ok(by.post(f"{path}/{noun}", body, match=ok(by.get(path))["version"]))

    path = f"/v1/advice/{advice['id']}"
    submitted = move(path, "submission", {}, writer)
    move(path, "review", decided("approved", submitted), second)
    move(path, "issue", issuing(), writer)
    made = ok(second.post(f"{path}/versions", {"correction_reason": "The gate."}), 201)
    path = f"/v1/advice/{made['id']}"
    submitted = move(path, "submission", {}, writer)
    refused(
        writer.post(f"{path}/review", decided("approved", submitted), match=submitted["version"]), 409, "own-advice"
    )


def test_where_nobody_is_left_submitting_says_so(desk: Desk) -> None:
    written(desk)
    path = f"{desk.path}/submission"
    alone = desk.adviser.post(path, {}, match=desk.read()["version"])
    assert warned(alone) == [("", "nobody-independent")]
    desk.move("recall")
    desk.team.person("reviewer")
    assert warned(desk.adviser.post(path, {}, match=desk.read()["version"])) == []


def test_the_database_holds_it_by_itself(world: World, desk: Desk) -> None:
    written(desk)
    desk.move("submission")
    for column in ("reviewer_id", "approved_by"):
        with pytest.raises(asyncpg.CheckViolationError):
            world.logged_sql(
                f"UPDATE casework.advice SET {column} = $2 WHERE id = $1", desk.id, desk.colleague.person_id
            )
    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.logged_sql(
            "INSERT INTO casework.quality_review (advice_id, case_id, team_id, restricted, reviewer_id, decision)"
            " SELECT id, case_id, team_id, restricted, $2, 'approved' FROM casework.advice WHERE id = $1",
            desk.id,
            desk.colleague.person_id,
        )
    assert refusal.value.sqlstate == "CW002"
