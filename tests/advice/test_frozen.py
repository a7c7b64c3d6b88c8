"""What the database itself keeps as it was, past the service and for the superuser too."""

from typing import Any

import asyncpg
import pytest

from tests.support.callers import ok
from tests.support.story import allocated_case, completed_visit, drafted_advice, finding, issued_advice, recommendation
from tests.support.world import Team, World


@pytest.fixture
def issued(team: Team) -> dict[str, Any]:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding())["findings"][0]["id"]
    advice = issued_advice(team, adviser, case, recommendation(finding_ids=[cited]))
    path = f"/v1/recommendations/{advice['recommendations'][0]['id']}"
    ok(adviser.post(f"{path}/responses", {"answer": "accepted"}), 201)
    ok(adviser.post(f"{path}/verifications", {"state": "claimed"}), 201)
    return {"id": advice["id"], "case": case["id"], "recommendation": path.rsplit("/", 1)[1], "finding": cited}


@pytest.mark.parametrize(
    ("statement", "of"),
    [
        ("UPDATE casework.advice SET title = 'Other' WHERE id = $1", "id"),
        ("UPDATE casework.advice SET state = 'draft' WHERE id = $1", "id"),
        ("UPDATE casework.advice SET issued_at = now() WHERE id = $1", "id"),
        ("UPDATE casework.advice SET author_id = approved_by, approved_by = author_id WHERE id = $1", "id"),
        ("UPDATE casework.recommendation SET action = 'Other' WHERE id = $1", "recommendation"),
        ("UPDATE casework.recommendation SET priority = 'low' WHERE id = $1", "recommendation"),
        ("DELETE FROM casework.recommendation WHERE id = $1", "recommendation"),
        ("DELETE FROM casework.recommendation_finding WHERE recommendation_id = $1", "recommendation"),
        (
            "UPDATE casework.recommendation_finding SET id = casework.new_id() WHERE recommendation_id = $1",
            "recommendation",
        ),
        (
            "INSERT INTO casework.recommendation_finding (recommendation_id, finding_id, case_id, team_id, restricted)"
            " SELECT recommendation_id, finding_id, case_id, team_id, restricted FROM casework.recommendation_finding"
            " WHERE recommendation_id = $1",
            "recommendation",
        ),
        (
            "INSERT INTO casework.recommendation (advice_id, case_id, team_id, position, action, principle, domain, priority)"
            " SELECT id, case_id, team_id, 9, 'More', 'deter', 'cyber', 'low' FROM casework.advice WHERE id = $1",
            "id",
        ),
        ("UPDATE casework.finding SET impact = 1 WHERE id = $1", "finding"),
        ("UPDATE casework.finding SET frozen = false WHERE id = $1", "finding"),
        ("UPDATE casework.quality_review SET decision = 'returned' WHERE advice_id = $1", "id"),
        ("DELETE FROM casework.quality_review WHERE advice_id = $1", "id"),
        ("UPDATE casework.business_response SET answer = 'declined' WHERE recommendation_id = $1", "recommendation"),
        ("DELETE FROM casework.business_response WHERE recommendation_id = $1", "recommendation"),
        ("UPDATE casework.verification SET evidence = 'Seen' WHERE recommendation_id = $1", "recommendation"),
        ("DELETE FROM casework.verification WHERE recommendation_id = $1", "recommendation"),
        ("UPDATE casework.case_event SET action = 'case.note' WHERE case_id = $1", "case"),
    ],
)
def test_issued_advice_and_what_was_said_of_it_never_change(
    world: World, issued: dict[str, Any], statement: str, of: str
) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.logged_sql(statement, issued[of])
    assert refusal.value.sqlstate == "CW002"


def test_the_login_role_cannot_change_it_either(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    known = issued["recommendations"][0]["id"]

    async def reword(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            begun = await connection.fetchrow(
                "SELECT * FROM access.begin(sha256($1::bytea), 'advice.draft', NULL, NULL, NULL)",
                (adviser.token or "").encode(),
            )
            assert begun is not None
            assert begun["decision"] == "allow"
            seen = await connection.fetchval("SELECT count(*) FROM casework.recommendation WHERE id = $1", known)
            assert seen == 1
            await connection.execute("UPDATE casework.recommendation SET action = 'Other' WHERE id = $1", known)

    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.run_as("casework_api", reword)
    assert refusal.value.sqlstate == "CW002"


def test_no_recommendation_cites_the_finding_of_another_case(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding())["findings"][0]["id"]
    other = drafted_advice(adviser, allocated_case(team, adviser))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        world.logged_sql(
            "INSERT INTO casework.recommendation_finding (recommendation_id, finding_id, case_id, team_id, restricted)"
            " SELECT id, $2, case_id, team_id, restricted FROM casework.recommendation WHERE id = $1",
            other["recommendations"][0]["id"],
            cited,
        )


def test_an_author_is_no_reviewer_in_the_database_either(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    draft = drafted_advice(adviser, allocated_case(team, adviser))
    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.logged_sql(
            "INSERT INTO casework.quality_review (advice_id, case_id, team_id, restricted, reviewer_id, decision)"
            " SELECT id, case_id, team_id, restricted, author_id, 'approved' FROM casework.advice WHERE id = $1",
            draft["id"],
        )
    assert refusal.value.sqlstate == "CW002"
    for column in ("reviewer_id", "approved_by"):
        with pytest.raises(asyncpg.CheckViolationError):
            world.logged_sql(f"UPDATE casework.advice SET {column} = author_id WHERE id = $1", draft["id"])
