"""the audience of notes

A note says who reads it: the desk, or casework alone. What exists is for the desk where its author was never more than a coordinator
or a tool, else for casework; in batches that commit each by itself.

Revision: 0017
Revises: 0016
"""

from itertools import pairwise

import sqlalchemy as sa

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
BATCH = 5_000

# The first note of each batch.
BATCHES = sa.text("""
    SELECT o.id::text FROM (SELECT n.id, row_number() OVER (ORDER BY n.id) AS place FROM casework.case_note n) o
    WHERE o.place % :size = 1 ORDER BY o.id""")
BOUNDS = sa.text("SELECT set_config('casework.since', :since, false), set_config('casework.until', :until, false)")
# One statement, so one transaction, a batch. Notes are append only, and nobody states anything now: the log is told of the batch.
# On a new database there is no trigger yet, and nothing to tell. Of whom nothing is known may have been anybody: for casework.
FILL = """
DO $$
DECLARE desk bigint; event bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.case_note'::regclass AND t.tgname = 'log_update') THEN
        event := access.begin_system('case.note', 'migration');
        ALTER TABLE casework.case_note DISABLE TRIGGER log_update;
        ALTER TABLE casework.case_note DISABLE TRIGGER append_only;
    END IF;
    WITH filled AS (
        UPDATE casework.case_note n SET audience = 'desk'
        WHERE n.id >= current_setting('casework.since')::uuid
          AND n.id < coalesce(nullif(current_setting('casework.until'), '')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
          AND EXISTS (SELECT FROM access.membership m WHERE m.principal_id = n.author_id AND m.role IN ('coordinator', 'service'))
          AND NOT EXISTS (SELECT FROM access.membership m WHERE m.principal_id = n.author_id
                          AND m.role IN ('adviser', 'reviewer', 'supervisor', 'information_manager'))
        RETURNING n.id)
    SELECT count(*) INTO desk FROM filled;
    IF event IS NOT NULL THEN
        ALTER TABLE casework.case_note ENABLE TRIGGER log_update;
        ALTER TABLE casework.case_note ENABLE TRIGGER append_only;
        INSERT INTO audit.event_object (event_id, kind, operation, fields, facts)
        VALUES (event, 'case_note', 'alteration', ARRAY['audience'], jsonb_build_object('desk', desk::text));
    END IF;
    PERFORM set_config('casework.desk', (coalesce(nullif(current_setting('casework.desk', true), ''), '0')::bigint + desk)::text, false);
END $$"""
COUNTS = sa.text("SELECT current_setting('casework.desk', true)::bigint, count(*) FROM casework.case_note")


def upgrade() -> None:
    """To this revision. Says how many notes are for the desk, and how many for casework."""
    # For casework until it is known better: what is closed by mistake is found out, what is open by mistake is read.
    op.add_column(
        "case_note",
        sa.Column("audience", sa.Text(), server_default="casework", nullable=False),
        if_not_exists=True,
        **CASEWORK,
    )
    connection = op.get_bind()
    with op.get_context().autocommit_block():
        first = connection.scalars(BATCHES, {"size": BATCH}).all()
        for since, until in pairwise([*first, ""]):
            connection.execute(BOUNDS, {"since": since, "until": until})
            connection.exec_driver_sql(FILL)
        if first:
            desk, notes = connection.execute(COUNTS).one()
            print(f"notes: {desk} for the desk, {notes - desk} for casework")
    op.alter_column("case_note", "audience", server_default=None, **CASEWORK)
    op.create_check_constraint(
        op.f("case_note_audience_check"), "case_note", "audience IN ('desk', 'casework')", **CASEWORK
    )


def downgrade() -> None:
    """Back to the revision before; whom notes are for is lost, and every reader of a case reads them all."""
    for table, verb in (("case_note", "select"), ("case_note", "insert"), ("case_event", "select")):
        op.execute(f"DROP POLICY IF EXISTS staff_{verb} ON casework.{table}")
    op.drop_constraint(op.f("case_note_audience_check"), "case_note", type_="check", **CASEWORK)
    op.drop_column("case_note", "audience", **CASEWORK)
