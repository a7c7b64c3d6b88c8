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
    INSERT INTO casework.advice (case_id, team_id, restricted, reference, state, author_id, title, drafted_threat_level)
    SELECT m.id, m.team_id, m.restricted, 'ADV-BENCH-' || n || '-' || substr(md5(random()::text), 1, 8), 'draft', $1,
           'Advice for the fair', (SELECT level FROM level)
    FROM generate_series(1, $2::int) n JOIN mine m ON m.k = n % m.all
    RETURNING id, case_id, team_id, restricted),
measures AS (
    INSERT INTO casework.recommendation (advice_id, case_id, team_id, restricted, position, action, principle, domain, priority)
    SELECT a.id, a.case_id, a.team_id, a.restricted, p, 'Fit a rising bollard at the service entrance.', 'delay', 'physical', 'high'
    FROM made a, generate_series(1, 3) p)
SELECT id FROM made"""
# The hash of what would be reviewed, as the triggers would have set it.
_APPROVED = """
UPDATE casework.advice a SET state = 'approved', approved_by = $2, content_sha256 = h.sha256, approved_sha256 = h.sha256
FROM (SELECT x.id, sha256(casework.content_of(x.id, x.case_id, x.title, x.introduction, x.correction_reason)) AS sha256
      FROM casework.advice x WHERE x.id = ANY ($1)) h
WHERE h.id = a.id"""
_UNUSED_ADVICE = """
WITH unused AS (DELETE FROM casework.advice WHERE author_id = $1 AND state = 'approved' RETURNING id)
DELETE FROM casework.recommendation WHERE advice_id IN (SELECT id FROM unused)"""


async def visits(url: str, filled: Filled, count: int) -> list[str]:
    """So many visits of the driven adviser, proposed and waiting to be logged."""
    return await _made(url, _UNUSED_VISITS, _VISITS, filled.people["adviser"], count)


async def advice(url: str, filled: Filled, count: int) -> list[str]:
    """So many pieces of approved advice with three recommendations each."""
    made = await _made(url, _UNUSED_ADVICE, _ADVICE, filled.people["adviser"], count)
    connection = await connect(url)
    try:
        await connection.execute(_APPROVED, made, filled.people["supervisor"])
    finally:
        await connection.close()
    return made


async def _made(url: str, unused: str, make: str, adviser: object, count: int) -> list[str]:
    connection: asyncpg.Connection = await connect(url)
    try:
        await connection.execute(unused, adviser)
        return [str(row["id"]) for row in await connection.fetch(make, adviser, count)]
    finally:
        await connection.close()
