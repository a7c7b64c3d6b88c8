"""The revisions 0006 and 0007 on tables that a former release filled."""

import asyncio
from typing import Any

import asyncpg
import pytest

from alembic import command
from casework import migrations

MANY = 2_100
"""References of two versions each: more than one batch."""
FILL = """
SET session_replication_role = replica;  -- as it was stored, past the triggers of today
INSERT INTO casework.police_force (code, name, nation) VALUES ('X1', 'Example', 'England') ON CONFLICT DO NOTHING;
INSERT INTO casework.team (id, name, force_code) VALUES ('00000000-0000-7000-8000-00000000000a', 'Team', 'X1');
INSERT INTO casework.person (id, name, email, team_id)
VALUES ('00000000-0000-7000-8000-00000000000b', 'Zoë Łódź', 'p@police.example', '00000000-0000-7000-8000-00000000000a');
INSERT INTO casework.premises (id, team_id, name) VALUES
    ('00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-00000000000a', 'Château Derby'),
    ('00000000-0000-7000-8000-0000000000a2', '00000000-0000-7000-8000-00000000000a', 'chateau'),
    ('00000000-0000-7000-8000-0000000000a3', '00000000-0000-7000-8000-00000000000a', 'Zoo');
INSERT INTO casework.premises_alias (premises_id, team_id, name)
VALUES ('00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-00000000000a', 'Tŷ Newydd');
INSERT INTO casework.organisation_directory (id, team_id, name) VALUES
    ('00000000-0000-7000-8000-0000000000c1', '00000000-0000-7000-8000-00000000000a', 'Éclair & Sons');
INSERT INTO casework.case_file (id, team_id, reference, kind, title)
VALUES ('00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-00000000000a', 'CASE-TEST', 'proactive', 'Case');
CREATE FUNCTION pg_temp.version(of text, number integer, in_state text) RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO casework.advice (case_id, team_id, reference, number, state, title, author_id, approved_by, correction_reason,
                                 issued_at, follow_up_on)
    VALUES ('00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-00000000000a', of, number, in_state, 'Advice',
            '00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-00000000000a', 'A gate', now(), current_date)
    RETURNING id $$;
CREATE FUNCTION pg_temp.recommended(advice uuid, place integer, said text, does text, field text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO casework.recommendation (advice_id, case_id, team_id, position, action, principle, domain, priority)
    VALUES (advice, '00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-00000000000a', place, said, does, field, 'low') $$;
DO $$ DECLARE one uuid; BEGIN
    one := pg_temp.version('ADV-A', 1, 'superseded');
    PERFORM pg_temp.recommended(one, 1, 'A1', 'deter', 'physical'), pg_temp.recommended(one, 3, 'A3', 'delay', 'cyber'),
            pg_temp.recommended(one, 4, 'A4', 'detect', 'cyber'), pg_temp.recommended(one, 6, 'A6', 'detect', 'cyber');
    one := pg_temp.version('ADV-A', 2, 'issued');  -- 1 as it was, 3 of another domain, 4 reworded, 5 new, 6 taken out
    PERFORM pg_temp.recommended(one, 1, 'B1', 'deter', 'physical'), pg_temp.recommended(one, 3, 'B3', 'delay', 'physical'),
            pg_temp.recommended(one, 4, 'B4', 'detect', 'cyber'), pg_temp.recommended(one, 5, 'B5', 'delay', 'cyber');
    one := pg_temp.version('ADV-A', 3, 'draft');  -- copied, then 3 taken out; 1 of another principle; 6 added
    PERFORM pg_temp.recommended(one, 1, 'C1', 'respond', 'physical'), pg_temp.recommended(one, 4, 'C4', 'detect', 'cyber'),
            pg_temp.recommended(one, 5, 'C5', 'delay', 'cyber'), pg_temp.recommended(one, 6, 'C6', 'detect', 'cyber');
    one := pg_temp.version('ADV-B', 1, 'draft');
    PERFORM pg_temp.recommended(one, 2, 'D2', 'deter', 'physical'), pg_temp.recommended(one, 5, 'D5', 'deter', 'physical');
    FOR each IN 1..%d LOOP
        PERFORM pg_temp.recommended(pg_temp.version('MANY-' || each, 1, 'superseded'), 1, 'M', 'deter', 'cyber'),
                pg_temp.recommended(pg_temp.version('MANY-' || each, 2, 'issued'), 1, 'M', 'deter', 'cyber');
    END LOOP;
END $$;
INSERT INTO access.published (advice_id) SELECT id FROM casework.advice WHERE state IN ('issued', 'superseded');
"""
LINES = """
SELECT r.action, l.action AS line, r.position, r.version FROM casework.recommendation r
JOIN casework.recommendation l ON l.id = r.line_id JOIN casework.advice a ON a.id = r.advice_id
WHERE a.reference LIKE 'ADV-%' ORDER BY a.reference, a.number, r.position"""
WANTED = [
    # what it says, the recommendation that its line began with, its number, its version
    ("A1", "A1", 1, 1), ("A3", "A3", 3, 1), ("A4", "A4", 4, 1), ("A6", "A6", 6, 1),
    ("B1", "A1", 1, 1), ("B3", "B3", 3, 1), ("B4", "A4", 4, 1), ("B5", "B5", 5, 1),
    ("C1", "C1", 1, 1), ("C4", "A4", 2, 2), ("C5", "B5", 3, 2), ("C6", "C6", 4, 2),
    ("D2", "D2", 1, 2), ("D5", "D5", 2, 2),
]  # fmt: skip


def run(url: str, *statements: str) -> list[asyncpg.Record]:
    """The rows of the last statement."""

    async def go() -> Any:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetch(statements[-1])
        finally:
            await connection.close()

    found: list[asyncpg.Record] = asyncio.run(go())
    return found


def lines(url: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in run(url, LINES)]


@pytest.fixture
def before(migrated_url: str) -> str:
    """The database as the revision before left it."""
    command.downgrade(migrations.config(migrated_url), "0005")
    return migrated_url


@pytest.fixture
def former(before: str, superuser_url: str) -> str:
    """The same, filled with a few records of each kind."""
    run(superuser_url, FILL % 2, "SELECT")
    return before


@pytest.fixture
def crowded(before: str, superuser_url: str) -> str:
    """The same, filled beyond one batch."""
    run(superuser_url, FILL % MANY, "ANALYZE")
    return before


def test_every_recommendation_gets_its_line_and_the_counts_are_told(
    crowded: str, superuser_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    migrations.migrate(crowded)
    assert lines(superuser_url) == WANTED
    many = run(
        superuser_url,
        "SELECT count(*) AS rows, count(DISTINCT line_id) AS lines, count(*) FILTER (WHERE line_id = r.id AND a.number = 1) AS own"
        " FROM casework.recommendation r JOIN casework.advice a ON a.id = r.advice_id WHERE a.reference LIKE 'MANY-%'",
    )[0]
    assert tuple(many) == (2 * MANY, MANY, MANY)
    told = capsys.readouterr().out
    assert f"recommendations: {MANY + 6} of first versions have a line of their own" in told
    assert f"{MANY + 4} took over the line at their place, 4 began one" in told
    assert "recommendations: 5 of drafts closed up" in told
    # The log is told of each batch, and of each draft that was numbered anew; of no frozen record.
    batches = run(
        superuser_url, "SELECT sum((facts ->> 'rows')::int) FROM audit.event_object WHERE fields = ARRAY['line_id']"
    )
    assert batches[0][0] == 2 * MANY + 14
    assert (
        run(
            superuser_url,
            "SELECT count(*) FROM audit.event_object WHERE kind = 'recommendation' AND object_id IS NOT NULL",
        )[0][0]
        == 5
    )


def test_it_goes_up_down_and_up_again(former: str, superuser_url: str) -> None:
    configuration = migrations.config(former)
    command.upgrade(configuration, "head")
    assert lines(superuser_url) == WANTED
    command.downgrade(configuration, "0005")
    missing = run(
        superuser_url,
        "SELECT attname FROM pg_attribute WHERE attrelid = 'casework.recommendation'::regclass AND attname = 'line_id'"
        " AND NOT attisdropped",
    )
    assert missing == []
    keys = run(superuser_url, 'SELECT name_key FROM casework.premises ORDER BY name COLLATE "C"')
    assert [row["name_key"] for row in keys] == ["châteauderby", "zoo", "chateau"]
    command.upgrade(configuration, "head")
    migrations.migrate(former)
    command.check(configuration)
    again = lines(superuser_url)
    # The draft has been numbered anew meanwhile; what was issued finds the same lines.
    assert again[:8] == WANTED[:8]
    assert [each[2] for each in again] == [each[2] for each in WANTED]


def test_a_run_that_broke_off_goes_on(crowded: str, superuser_url: str) -> None:
    command.upgrade(migrations.config(crowded), "0006")
    own = (
        "UPDATE casework.recommendation r SET line_id = r.id FROM casework.advice a WHERE a.id = r.advice_id"
        " AND a.reference LIKE 'MANY-%'"
    )
    run(superuser_url, "SET session_replication_role = replica", own, "ANALYZE")
    migrations.migrate(crowded)
    assert lines(superuser_url) == WANTED
    assert run(superuser_url, "SELECT count(DISTINCT line_id) FROM casework.recommendation")[0][0] == 2 * MANY + 10


def test_afterwards_no_line_is_missing_and_none_of_issued_advice_changes(former: str, superuser_url: str) -> None:
    migrations.migrate(former)
    issued = "(SELECT id FROM casework.advice WHERE state = 'issued')"
    for change, why in (
        (f"UPDATE casework.recommendation SET line_id = casework.new_id() WHERE advice_id IN {issued}", "never change"),
        (f"UPDATE casework.recommendation SET line_id = NULL WHERE advice_id IN {issued}", "never change"),
        ("UPDATE casework.recommendation SET line_id = NULL WHERE action = 'C1'", "violates not-null"),
        ("UPDATE casework.recommendation SET position = 9 WHERE action = 'B1'", "never change"),
    ):
        with pytest.raises(asyncpg.PostgresError, match=why):
            run(superuser_url, change)


def test_names_are_folded_where_they_are_stored_already(former: str, superuser_url: str) -> None:
    migrations.migrate(former)
    places = run(superuser_url, "SELECT name, name_key, sort_key FROM casework.premises ORDER BY sort_key")
    assert [tuple(row) for row in places] == [
        ("chateau", "chateau", "chateau\tchateau"),
        ("Château Derby", "chateauderby", "chateau derby\tChâteau Derby"),
        ("Zoo", "zoo", "zoo\tZoo"),
    ]
    alias = run(superuser_url, "SELECT name_key, sort_key, version, ended_at FROM casework.premises_alias")[0]
    assert tuple(alias) == ("tynewydd", "ty newydd\tTŷ Newydd", 1, None)
    firm = run(superuser_url, "SELECT name_key, sort_key FROM casework.organisation_directory")[0]
    assert tuple(firm) == ("eclairandsons", "eclair and sons\tÉclair & Sons")
    assert run(superuser_url, "SELECT sort_key FROM casework.person")[0][0] == "zoe lodz\tZoë Łódź"
