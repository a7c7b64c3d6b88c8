"""lines

Every recommendation gets its line: that of a first version is its own, a later version takes over the line at the same place
where principle and domain are the same too, and begins one where they are not. Frozen ones as well: this revision alone lets
them. In batches that commit each by itself; a run that broke off goes on where it stopped.

Revision: 0007
Revises: 0006
"""

from itertools import pairwise

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BATCH = 2_000
TABLE = "recommendation"
CASEWORK = {"schema": "casework"}

# As access/sql/keeping.sql has it, but for the line: from nothing to something, once. `casework migrate` loads that file next.
FREEZE = """
CREATE OR REPLACE FUNCTION access.freeze_recommendation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['answer', 'verification', 'version', 'team_id', 'restricted'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.line_id IS NULL THEN free := array_append(free, 'line_id'); END IF;
    IF EXISTS (SELECT FROM access.published p WHERE p.advice_id = OLD.advice_id)
       AND (TG_OP = 'DELETE' OR to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'recommendations of issued advice never change' USING ERRCODE = 'CW002';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$"""

# The first reference of each batch. Versions of one reference lie in one batch, for a line goes from each to the next.
BATCHES = sa.text("""
    SELECT o.reference FROM (
        SELECT a.reference, row_number() OVER (ORDER BY a.reference) AS place FROM casework.advice a GROUP BY a.reference) o
    WHERE o.place % :size = 1 ORDER BY o.reference""")
BOUNDS = sa.text("SELECT set_config('casework.since', :since, false), set_config('casework.until', :until, false)")
# One statement, so one transaction, a batch, from first versions to last. The log is told of the batch rather than of each record,
# for nobody stated anything; on a new database there is no log yet, and nothing to tell.
FILL = """
DO $$
DECLARE refs text[]; last integer; touched bigint; filled bigint := 0; event bigint; logged boolean;
BEGIN
    refs := ARRAY(SELECT DISTINCT a.reference FROM casework.advice a JOIN casework.recommendation r ON r.advice_id = a.id
                  WHERE r.line_id IS NULL AND a.reference >= current_setting('casework.since')
                    AND (current_setting('casework.until') = '' OR a.reference < current_setting('casework.until')));
    IF cardinality(refs) = 0 THEN RETURN; END IF;
    logged := EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.recommendation'::regclass AND t.tgname = 'log_update');
    IF logged THEN
        event := access.begin_system('advice.draft', 'migration');
        ALTER TABLE casework.recommendation DISABLE TRIGGER log_update;
    END IF;
    SELECT max(a.number) INTO last FROM casework.advice a WHERE a.reference = ANY (refs);
    FOR nth IN 1..last LOOP
        UPDATE casework.recommendation r
        SET line_id = coalesce((
            SELECT f.line_id FROM casework.advice b JOIN casework.recommendation f ON f.advice_id = b.id
            WHERE b.reference = a.reference AND b.number = nth - 1
              AND f.position = r.position AND f.principle = r.principle AND f.domain = r.domain), r.id)
        FROM casework.advice a
        WHERE a.id = r.advice_id AND a.reference = ANY (refs) AND a.number = nth AND r.line_id IS NULL;
        GET DIAGNOSTICS touched = ROW_COUNT;
        filled := filled + touched;
    END LOOP;
    IF logged THEN
        ALTER TABLE casework.recommendation ENABLE TRIGGER log_update;
        INSERT INTO audit.event_object (event_id, kind, operation, fields, facts)
        VALUES (event, 'recommendation', 'alteration', ARRAY['line_id'], jsonb_build_object('rows', filled::text));
    END IF;
END $$"""
LOGGED = sa.text(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.recommendation'::regclass AND t.tgname = 'log_update')"
)
COUNTS = sa.text("""
    SELECT count(*) FILTER (WHERE a.number = 1) AS first, count(*) FILTER (WHERE a.number > 1 AND r.line_id <> r.id) AS taken,
           count(*) FILTER (WHERE a.number > 1 AND r.line_id = r.id) AS begun
    FROM casework.recommendation r JOIN casework.advice a ON a.id = r.advice_id""")

# What was taken out of a draft left a gap. Issued advice keeps its numbers; a business may have them in front of it.
CLOSE_UP = sa.text("""
    UPDATE casework.recommendation r SET position = n.place, version = r.version + 1
    FROM (SELECT x.id, row_number() OVER (PARTITION BY x.advice_id ORDER BY x.position) AS place
          FROM casework.recommendation x JOIN casework.advice a ON a.id = x.advice_id
          WHERE a.state IN ('draft', 'in_review', 'returned', 'approved')) n
    WHERE n.id = r.id AND r.position <> n.place""")


def upgrade() -> None:
    """To this revision. Says how many lines were taken over and how many begun."""
    op.execute(FREEZE)
    connection = op.get_bind()
    with op.get_context().autocommit_block():
        first = connection.scalars(BATCHES, {"size": BATCH}).all()
        for since, until in pairwise([*first, ""]):
            connection.execute(BOUNDS, {"since": since, "until": until})
            connection.exec_driver_sql(FILL)
    counts = connection.execute(COUNTS).one()
    if any(counts):
        print(
            f"recommendations: {counts.first} of first versions have a line of their own; of later versions"
            f" {counts.taken} took over the line at their place, {counts.begun} began one"
        )
    op.drop_index("recommendation_advice_id_idx", table_name=TABLE, **CASEWORK)
    op.create_unique_constraint(
        "recommendation_advice_id_position_key",
        TABLE,
        ["advice_id", "position"],
        deferrable=True,
        initially="IMMEDIATE",
        **CASEWORK,
    )
    _close_up(connection)
    op.create_unique_constraint("recommendation_advice_id_line_id_key", TABLE, ["advice_id", "line_id"], **CASEWORK)
    op.alter_column(TABLE, "line_id", nullable=False, server_default=sa.text("casework.new_id()"), **CASEWORK)


def _close_up(connection: sa.Connection) -> None:
    if connection.scalar(LOGGED):
        connection.execute(sa.text("SELECT access.begin_system('advice.draft', 'migration')"))
    moved = connection.execute(CLOSE_UP).rowcount
    if moved:
        print(f"recommendations: {moved} of drafts closed up where others had been taken out")


def downgrade() -> None:
    """Back to the revision before; the numbers that closed up stay so."""
    op.drop_constraint("recommendation_advice_id_line_id_key", TABLE, **CASEWORK)
    op.drop_constraint("recommendation_advice_id_position_key", TABLE, **CASEWORK)
    op.create_index("recommendation_advice_id_idx", TABLE, ["advice_id", "position"], unique=True, **CASEWORK)
    op.alter_column(TABLE, "line_id", nullable=True, server_default=None, **CASEWORK)
