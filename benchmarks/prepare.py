"""What a round of writes needs before it can begin: visits to be logged, advice to be issued. What was not used is taken away again."""

import asyncpg

from benchmarks.fill import Filled, connect

# Ten minutes each, in the past and one after the other: an adviser is in one place at a time.
_CASES = """
WITH mine AS (
    SELECT c.id, c.team_id, c.restricted, c.premises_id, row_number() OVER (ORDER BY c.id) - 1 AS k, count(*) OVER () AS all
    FROM casework.case_file c
    WHERE c.adviser_id = $1 AND c.state IN ('allocated', 'active', 'follow_up') AND NOT c.restricted)"""
_VISITS = f"""{_CASES}
INSERT INTO casework.site_visit (case_id, team_id, restricted, premises_id, adviser_id, starts_at, ends_at)
SELECT m.id, m.team_id, m.restricted, m.premises_id, $1, '2001-01-01'::timestamptz + n * interval '10 minutes',
       '2001-01-01'::timestamptz + (n + 1) * interval '10 minutes'
FROM generate_series(1, $2::int) n JOIN mine m ON m.k = n % m.all
RETURNING id"""
_UNUSED_VISITS = """
DELETE FROM casework.site_visit WHERE adviser_id = $1 AND state = 'proposed' AND starts_at < '2012-01-01'"""
_ADVICE = f"""{_CASES},
level AS (SELECT l.level FROM casework.threat_level l WHERE l.kind = 'national' AND l.state <> 'struck' AND l.since <= now() ORDER BY l.since DESC LIMIT 1),
made AS (
    INSERT INTO casework.advice (case_id, team_id, restricted, reference, state, author_id, approved_by, title, drafted_threat_level)
    SELECT m.id, m.team_id, m.restricted, 'ADV-BENCH-' || n || '-' || substr(md5(random()::text), 1, 8), 'approved', $1, $3,
           'Advice for the fair', (SELECT level FROM level)
    FROM generate_series(1, $2::int) n JOIN mine m ON m.k = n % m.all
    RETURNING id, case_id, team_id, restricted),
measures AS (
    INSERT INTO casework.recommendation (advice_id, case_id, team_id, restricted, position, action, principle, domain, priority)
    SELECT a.id, a.case_id, a.team_id, a.restricted, p, 'Fit a rising bollard at the service entrance.', 'delay', 'physical', 'high'
    FROM made a, generate_series(1, 3) p)
SELECT id FROM made"""
_UNUSED_ADVICE = """
WITH unused AS (DELETE FROM casework.advice WHERE author_id = $1 AND state = 'approved' RETURNING id)
DELETE FROM casework.recommendation WHERE advice_id IN (SELECT id FROM unused)"""


async def visits(url: str, filled: Filled, count: int) -> list[str]:
    """So many visits of the driven adviser, proposed and waiting to be logged."""
    return await _made(url, _UNUSED_VISITS, _VISITS, filled.people["adviser"], count)


async def advice(url: str, filled: Filled, count: int) -> list[str]:
    """So many pieces of approved advice with three recommendations each."""
    return await _made(url, _UNUSED_ADVICE, _ADVICE, filled.people["adviser"], count, filled.people["supervisor"])


async def _made(url: str, unused: str, make: str, adviser: object, *more: object) -> list[str]:
    connection: asyncpg.Connection = await connect(url)
    try:
        await connection.execute(unused, adviser)
        return [str(row["id"]) for row in await connection.fetch(make, adviser, *more)]
    finally:
        await connection.close()
