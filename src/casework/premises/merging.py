"""The statements of an import: what arrived is staged, located, merged with the places there are, and told of.

A fact is changed only when the source tells something new *and* the place still has what the source told before.
"""

from collections.abc import Sequence

from casework.premises.layouts import Arrived

STAGING = """
CREATE TEMPORARY TABLE arrived (
    line integer, id uuid, source_ref text, name text, address text, town text, postcode text, local_authority_code text,
    latitude numeric(9, 6), longitude numeric(9, 6), state text, closed_on text, sector text, schedule_1_use text)
ON COMMIT DELETE ROWS"""

STAGED = ("line", "id", *Arrived._fields)

_FOUND_FORCE = "coalesce(pc.force_code, pl.force_code, la.force_code)"
# OFFSET 0: looked up for each row by index, however small the planner believes the table to be. A plan that read all of it
# for every batch was made when the table was empty, and took half of an import's time.
_LOCATED = f"""
pg_temp.arrived a
LEFT JOIN LATERAL (SELECT * FROM casework.postcode c WHERE c.postcode = a.postcode OFFSET 0) pc ON true
LEFT JOIN casework.local_authority pl ON pl.code = pc.local_authority_code
LEFT JOIN casework.local_authority la ON la.code = a.local_authority_code
LEFT JOIN casework.police_force f ON f.code = {_FOUND_FORCE}"""  # noqa: S608 — constants of this file

# What a source states by a former code is kept under that of today.
_ARRIVED = ", ".join(
    "coalesce(la.replaced_by, a.local_authority_code) AS local_authority_code"
    if name == "local_authority_code"
    else f"a.{name}"
    for name in STAGED
)

TEAMS = f"""
INSERT INTO casework.team (name, force_code, intake)
SELECT DISTINCT 'CTSA team, ' || f.name, f.code, true FROM {_LOCATED}
WHERE f.code IS NOT NULL AND NOT EXISTS (SELECT FROM casework.team t WHERE t.force_code = f.code AND t.intake)
ORDER BY f.code  -- two batches at once that make the same teams wait for each other in one order
ON CONFLICT DO NOTHING"""  # noqa: S608 — constants of this file

# Facts that are one statement together are kept or taken together.
_GROUPS = (
    ("name",),
    ("address", "town", "postcode"),
    ("local_authority_code",),
    ("force_code",),
    ("latitude", "longitude"),
    ("state", "closed_on"),
    ("sector",),
    ("schedule_1_use",),
)
_FACTS = tuple(name for group in _GROUPS for name in group)


def _untouched(group: Sequence[str]) -> str:
    """Whether a place still has what its source told last."""
    return " AND ".join(f"p.{name}::text IS NOT DISTINCT FROM p.source_facts ->> '{name}'" for name in group)


def _merge() -> str:
    """One statement that inserts what is new, updates what its source tells anew, and says what became of each row."""
    sets, kept = [], []
    for group in _GROUPS:
        sets += [f"{name} = CASE WHEN {_untouched(group)} THEN s.{name} ELSE p.{name} END" for name in group]
        news = " OR ".join(f"p.source_facts ->> '{name}' IS DISTINCT FROM n.{name}::text" for name in group)
        kept.append(f"CASE WHEN NOT ({_untouched(group)}) AND ({news}) THEN '{group[0]}' END")
    told = ", ".join(f"'{name}', n.{name}::text" for name in _FACTS)
    return f"""
WITH settled AS MATERIALIZED (
    SELECT n.*, t.id AS team_id, p.id AS known_id, p.news AND p.state <> 'merged' AS news,
           CASE WHEN p.news THEN array_remove(ARRAY[{", ".join(kept)}], NULL) END AS kept
    FROM (SELECT n.*, jsonb_build_object({told}) AS facts
          FROM (SELECT {_ARRIVED}, f.code AS force_code FROM {_LOCATED}) n OFFSET 0) n
    LEFT JOIN casework.team t ON t.force_code = n.force_code AND t.intake
    LEFT JOIN LATERAL (SELECT k.*, k.source_facts IS DISTINCT FROM n.facts AS news FROM casework.premises k
                       WHERE k.source = $1 AND k.source_ref = n.source_ref OFFSET 0) p ON true
), made AS (
    INSERT INTO casework.premises (id, team_id, source, source_ref, source_facts, {", ".join(_FACTS)})
    SELECT s.id, s.team_id, $1, s.source_ref, s.facts, {", ".join(f"s.{name}" for name in _FACTS)}
    FROM settled s WHERE s.known_id IS NULL AND s.team_id IS NOT NULL
    ON CONFLICT (source, source_ref) WHERE source IS NOT NULL DO NOTHING
    RETURNING id
), changed AS (
    UPDATE casework.premises p SET {", ".join(sets)}, source_facts = s.facts, version = p.version + 1
    FROM settled s WHERE p.id = s.known_id AND s.news AND p.source_facts IS DISTINCT FROM s.facts
    RETURNING p.id
)
SELECT s.line, s.source_ref, coalesce(m.id, s.known_id) AS premises_id, s.force_code, s.team_id, s.kept,
       m.id IS NOT NULL AS created, c.id IS NOT NULL AS updated
FROM settled s LEFT JOIN made m ON m.id = s.id LEFT JOIN changed c ON c.id = s.known_id
ORDER BY s.line"""  # noqa: S608 — constants of this file


MERGE = _merge()

KNOWN = "SELECT p.source_ref, p.id FROM casework.premises p WHERE p.source = $1 AND p.source_ref = ANY ($2)"
"""Which references of a source there are places for."""
AUTHORITIES = "SELECT code, name FROM casework.local_authority WHERE replaced_by IS NULL"

# --- how far a file has come ---

UNDER_WAY = "SELECT pg_try_advisory_lock(hashtextextended('casework import premises ' || $1, 0))"
"""One import of a source at a time, for as long as the connection is open."""
FORGET_OLD = "DELETE FROM work.import_batch WHERE stored_at < now() - interval '30 days'"
FORGET = "DELETE FROM work.import_batch WHERE source = $1 AND digest = $2"
FORGET_OTHERS = "DELETE FROM work.import_batch WHERE source = $1 AND digest <> $2"
"""Where another file was stored meanwhile, the places of an earlier one are no longer as it left them."""
STORED = "SELECT first_line, last_line FROM work.import_batch WHERE source = $1 AND digest = $2"
REMEMBER = "INSERT INTO work.import_batch (source, digest, first_line, last_line) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
