"""content

What is approved is what is issued, and nobody approves what they helped to write: the content of advice is written down when it is submitted, and its hash stays with what was
decided and issued. Of what was submitted before, the content is made out from what stands there now, and marked *reconstructed*.
In batches that commit each by itself; a run that broke off goes on where it stopped.

Revision: 0013
Revises: 0012
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from casework.migrations import begun, run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BATCH = 1_000
CASEWORK = {"schema": "casework"}
MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)
NEW_ID = sa.text("casework.new_id()")
NOW = sa.text("date_trunc('milliseconds', casework.now())")
HASHES = ("content_sha256", "approved_sha256", "issued_sha256")

# As advice/sql/content.sql writes it (content_format 1), of a version as it is now: issued, with the interim advice that it carried.
CONTENT = """
CREATE FUNCTION work.content_now(a casework.advice) RETURNS bytea
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE lines json[]; findings json[]; spoken json[]; cited uuid[]; words json; body text;
BEGIN
    cited := ARRAY(
        SELECT f.id FROM casework.finding f
        WHERE f.id IN (SELECT c.finding_id FROM casework.recommendation_finding c
                       JOIN casework.recommendation r ON r.id = c.recommendation_id WHERE r.advice_id = a.id)
        ORDER BY f.recorded_at, f.id);
    lines := ARRAY(
        SELECT row_to_json(x) FROM (
            SELECT r.action, r.cost_band, r.domain,
                   array_to_json(ARRAY(SELECT array_position(cited, c.finding_id) FROM casework.recommendation_finding c
                                       WHERE c.recommendation_id = r.id ORDER BY 1)) AS findings,
                   r.guidance, r.line_id, r.position AS number, r.principle, r.priority, r.responsible_party, r.target_on
            FROM casework.recommendation r WHERE r.advice_id = a.id ORDER BY r.position) x);
    findings := ARRAY(
        SELECT row_to_json(x) FROM (
            SELECT f.area, f.existing_control, f.gap, f.id, f.impact, f.likelihood, f.methodology, n.number, f.phase
            FROM unnest(cited) WITH ORDINALITY AS n (id, number) JOIN casework.finding f ON f.id = n.id ORDER BY n.number) x);
    spoken := ARRAY(
        SELECT row_to_json(x) FROM (
            SELECT i.advice, to_char(i.given_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS given_at, i.given_to
            FROM casework.interim_advice i WHERE i.case_id = a.case_id
              AND i.carried_into IS NOT DISTINCT FROM CASE WHEN a.state NOT IN ('in_review', 'approved') THEN a.id END
            ORDER BY i.given_at, i.id) x);
    SELECT '{' || coalesce(string_agg(to_json(k.kind)::text || ':{' || k.said || '}', ',' ORDER BY k.kind COLLATE "C"), '') || '}' INTO words
    FROM (SELECT l.kind, string_agg(to_json(l.code)::text || ':' || to_json(l.label)::text, ',' ORDER BY l.code COLLATE "C") AS said
          FROM casework.lookup l
          WHERE (l.kind, l.code) IN (
              SELECT u.kind, u.code FROM casework.recommendation r,
                  LATERAL (VALUES ('cost_bands', r.cost_band), ('domains', r.domain), ('principles', r.principle),
                                  ('priorities', r.priority)) AS u (kind, code) WHERE r.advice_id = a.id
              UNION SELECT u.kind, u.code FROM casework.finding f,
                  LATERAL (VALUES ('attack_methodologies', f.methodology), ('phases_of_use', f.phase),
                                  ('impact_levels', f.impact::text), ('likelihood_levels', f.likelihood::text)) AS u (kind, code)
              WHERE f.id = ANY (cited))
          GROUP BY l.kind) k;
    SELECT row_to_json(x) INTO body FROM (
        SELECT 1 AS content_format, a.correction_reason, array_to_json(findings) AS findings, array_to_json(spoken) AS interim_advice,
               a.introduction, array_to_json(lines) AS lines, a.title, words) x;
    RETURN convert_to(body, 'UTF8');
END $$"""

LEFT = sa.text("""
    SELECT v.id FROM casework.advice v
    WHERE v.state NOT IN ('draft', 'returned') AND v.content_sha256 IS NULL ORDER BY v.id LIMIT :size""")
BOUNDS = sa.text("SELECT set_config('casework.batch', :ids, false)")
# One statement, so one transaction, a batch. Issued advice is frozen, and nothing of what is frozen changes; the log is told of the
# batch rather than of each record, for nobody stated anything. On a new database there is no log yet, and nothing to tell.
FILL = """
DO $$
DECLARE a casework.advice; written bytea; hash bytea; filled bigint := 0; event bigint; logged boolean;
BEGIN
    logged := EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.advice'::regclass AND t.tgname = 'log_update');
    IF logged THEN event := access.begin_system('advice.submit', 'migration'); END IF;
    ALTER TABLE casework.advice DISABLE TRIGGER USER;
    FOR a IN SELECT * FROM casework.advice v WHERE v.id = ANY (current_setting('casework.batch')::uuid[]) ORDER BY v.id LOOP
        written := work.content_now(a); hash := sha256(written);
        INSERT INTO casework.advice_content (advice_id, case_id, team_id, restricted, content, sha256, reconstructed)
        VALUES (a.id, a.case_id, a.team_id, a.restricted, written, hash, true);
        UPDATE casework.advice v
        SET content_sha256 = hash, approved_sha256 = CASE WHEN a.state <> 'in_review' THEN hash END,
            issued_sha256 = CASE WHEN a.state NOT IN ('in_review', 'approved') THEN hash END
        WHERE v.id = a.id;
        filled := filled + 1;
    END LOOP;
    ALTER TABLE casework.advice ENABLE TRIGGER USER;
    IF logged THEN
        INSERT INTO audit.event_object (event_id, kind, operation, fields, facts)
        VALUES (event, 'advice', 'alteration', ARRAY['content_sha256'], jsonb_build_object('rows', filled::text, 'reconstructed', 'true'));
    END IF;
END $$"""
RETURNED = """
DO $$
BEGIN
    ALTER TABLE casework.advice DISABLE TRIGGER USER;
    UPDATE casework.advice SET return_reason = 'review' WHERE state = 'returned' AND return_reason IS NULL;
    ALTER TABLE casework.advice ENABLE TRIGGER USER;
END $$"""
CHECKS = {
    "return_reason": "return_reason IN ('review', 'content_changed', 'taken_back')",
    "returned": "(state = 'returned') = (return_reason IS NOT NULL)",
    "content": "(state IN ('draft', 'returned')) = (content_sha256 IS NULL)",
    "approved_content": "(state IN ('draft', 'returned', 'in_review')) = (approved_sha256 IS NULL)"
    " AND (approved_sha256 IS NULL OR approved_sha256 = content_sha256)",
    "issued_content": "(state IN ('draft', 'returned', 'in_review', 'approved')) = (issued_sha256 IS NULL)"
    " AND (issued_sha256 IS NULL OR issued_sha256 = approved_sha256)",
}


# Whoever contributed, as authors, timeline and citations tell it.
UNTOLD = sa.text("""
    SELECT v.id FROM casework.advice v
    WHERE NOT EXISTS (SELECT FROM casework.advice_contributor k WHERE k.advice_id = v.id) ORDER BY v.id LIMIT :size""")
CONTRIBUTORS = """
WITH a AS (SELECT * FROM casework.advice v WHERE v.id = ANY (current_setting('casework.batch')::uuid[])),
cited AS (
    SELECT DISTINCT a.id AS advice_id, f.id, f.case_id, f.visit_id, f.recorded_by FROM a
    JOIN casework.recommendation r ON r.advice_id = a.id JOIN casework.recommendation_finding c ON c.recommendation_id = r.id
    JOIN casework.finding f ON f.id = c.finding_id),
told (advice_id, person_id, what, subject_id) AS (
    SELECT a.id, a.author_id, 'version', a.id FROM a
    UNION SELECT a.id, v.author_id, 'introduction', a.id FROM a JOIN casework.advice v ON v.reference = a.reference AND v.number <= a.number
    UNION SELECT a.id, v.author_id, 'recommendation', r.id FROM a JOIN casework.recommendation r ON r.advice_id = a.id
        JOIN casework.advice v ON v.reference = a.reference AND v.number <= a.number
        JOIN casework.recommendation o ON o.advice_id = v.id AND o.line_id = r.line_id
    UNION SELECT a.id, e.person_id, 'introduction', a.id FROM a JOIN casework.case_event e ON e.case_id = a.case_id
        AND e.subject_kind = 'advice' AND e.subject_id = a.id AND e.action = 'advice.draft'
    UNION SELECT c.advice_id, c.recorded_by, 'finding', c.id FROM cited c
    UNION SELECT c.advice_id, e.person_id, 'finding', c.id FROM cited c JOIN casework.case_event e ON e.case_id = c.case_id
        AND e.subject_kind = 'finding' AND e.subject_id = c.id AND e.action = 'finding.record'
    UNION SELECT c.advice_id, s.adviser_id, 'visit', s.id FROM cited c JOIN casework.site_visit s ON s.id = c.visit_id
    UNION SELECT c.advice_id, e.person_id, 'visit', c.visit_id FROM cited c JOIN casework.case_event e ON e.case_id = c.case_id
        AND e.subject_kind = 'visit' AND e.subject_id = c.visit_id AND e.action = 'visit.complete'
    UNION SELECT a.id, i.given_by, 'interim_advice', i.id FROM a JOIN casework.interim_advice i ON i.case_id = a.case_id
        AND (i.carried_into = a.id OR i.carried_into IS NULL AND a.state IN ('draft', 'in_review', 'returned', 'approved')))
INSERT INTO casework.advice_contributor (advice_id, case_id, team_id, restricted, person_id, what, subject_id)
SELECT a.id, a.case_id, a.team_id, a.restricted, t.person_id, t.what, t.subject_id FROM told t JOIN a ON a.id = t.advice_id
WHERE t.person_id IS NOT NULL
"""
COUNTED = sa.text("SELECT count(*) FROM casework.advice_contributor")


def upgrade() -> None:
    """To this revision. Says how many contents were reconstructed."""
    connection = op.get_bind()
    if not begun("casework", "advice", "content_sha256"):
        _columns()
        _contents()
        # Asked of the advice itself since: whether it may change (casework.is_settled).
        op.execute("DROP FUNCTION IF EXISTS access.keep_published() CASCADE")
        op.execute("DROP FUNCTION IF EXISTS access.is_published(uuid)")
        op.drop_table("published", schema="access")
        op.execute(CONTENT)
    filled = 0
    with op.get_context().autocommit_block():
        told = 0
        while untold := connection.scalars(UNTOLD, {"size": BATCH}).all():
            connection.execute(BOUNDS, {"ids": "{" + ",".join(map(str, untold)) + "}"})
            connection.exec_driver_sql(CONTRIBUTORS)
            told += len(untold)
        while ids := connection.scalars(LEFT, {"size": BATCH}).all():
            connection.execute(BOUNDS, {"ids": "{" + ",".join(map(str, ids)) + "}"})
            connection.exec_driver_sql(FILL)
            filled += len(ids)
    if filled:
        print(f"advice: of {filled} versions that had been submitted the content was reconstructed")
    if told:
        print(
            f"advice: {connection.scalar(COUNTED)} contributions to {told} versions are known from authors, timeline and citations"
        )
    op.execute("DROP FUNCTION work.content_now(casework.advice)")
    op.execute(RETURNED)
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"advice_{name}_check"), "advice", check, **CASEWORK)


def _columns() -> None:
    for hash_ in HASHES:
        op.add_column("advice", sa.Column(hash_, sa.LargeBinary()), **CASEWORK)
    op.add_column("advice", sa.Column("return_reason", sa.Text()), **CASEWORK)
    op.add_column("quality_review", sa.Column("content_sha256", sa.LargeBinary()), **CASEWORK)


def _contents() -> None:
    op.create_table(
        "advice_content",
        sa.Column("id", sa.Uuid(), server_default=NEW_ID, nullable=False),
        sa.Column("advice_id", sa.Uuid(), nullable=False),
        *_scope(),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("reconstructed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("made_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("sha256 = pg_catalog.sha256(content)", name=op.f("advice_content_sha256_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("advice_content_pkey")),
        _of_advice("advice_content"),
        **CASEWORK,
    )
    op.create_index("advice_content_advice_id_idx", "advice_content", ["advice_id", "made_at"], **CASEWORK)
    op.create_table(
        "advice_contributor",
        sa.Column("id", sa.Uuid(), server_default=NEW_ID, nullable=False),
        sa.Column("advice_id", sa.Uuid(), nullable=False),
        *_scope(),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "what IN ('version', 'introduction', 'recommendation', 'finding', 'visit', 'supplement', 'interim_advice')",
            name=op.f("advice_contributor_what_check"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["casework.person.id"], name=op.f("advice_contributor_person_id_fkey")),
        _of_advice("advice_contributor"),
        sa.PrimaryKeyConstraint("id", name=op.f("advice_contributor_pkey")),
        sa.UniqueConstraint(
            "advice_id",
            "person_id",
            "what",
            "subject_id",
            name=op.f("advice_contributor_advice_id_person_id_what_subject_id_key"),
        ),
        **CASEWORK,
    )


def _scope() -> list[sa.Column[object]]:
    return [
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("restricted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ]


def _of_advice(table: str) -> sa.ForeignKeyConstraint:
    columns = ("case_id", "team_id", "restricted")
    return sa.ForeignKeyConstraint(
        ["advice_id", *columns],
        ["casework.advice.id", *(f"casework.advice.{column}" for column in columns)],
        name=op.f(f"{table}_advice_id_case_id_team_id_restricted_fkey"),
        onupdate="CASCADE",
    )


# What the definitions of this revision hang on to: `casework migrate` of the release before loads its own.
UNDO = """
DROP FUNCTION IF EXISTS casework.keep_content() CASCADE;
DROP FUNCTION IF EXISTS casework.finding_changed() CASCADE;
DROP FUNCTION IF EXISTS casework.interim_changed() CASCADE;
DROP FUNCTION IF EXISTS casework.advice_written() CASCADE;
DROP FUNCTION IF EXISTS casework.recommendation_written() CASCADE;
DROP FUNCTION IF EXISTS casework.citation_written() CASCADE;
DROP FUNCTION IF EXISTS casework.finding_written() CASCADE;
DROP FUNCTION IF EXISTS casework.interim_written() CASCADE;
DROP FUNCTION IF EXISTS casework.keep_independent() CASCADE;
DROP FUNCTION IF EXISTS casework.keep_review_independent() CASCADE;
"""


def downgrade() -> None:
    """Back to the revision before; the contents and their hashes are lost."""
    run_script(UNDO)
    for name in CHECKS:
        op.drop_constraint(op.f(f"advice_{name}_check"), "advice", **CASEWORK)
    op.create_table(
        "published",
        sa.Column("advice_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("advice_id", name=op.f("published_pkey")),
        schema="access",
    )
    op.execute(
        "INSERT INTO access.published (advice_id) SELECT id FROM casework.advice WHERE state IN ('issued', 'superseded', 'withdrawn')"
    )
    op.execute("ALTER TABLE access.published OWNER TO casework_owner")  # whose functions ask it
    op.drop_table("advice_contributor", **CASEWORK)
    op.drop_table("advice_content", **CASEWORK)
    op.drop_column("quality_review", "content_sha256", **CASEWORK)
    op.drop_column("advice", "return_reason", **CASEWORK)
    for hash_ in HASHES:
        op.drop_column("advice", hash_, **CASEWORK)
