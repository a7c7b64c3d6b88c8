"""what the business is told

Where the business goes on reading that its enquiry stands, where it was not told of the end. Nothing is filled: whoever was told
by their page before this goes on reading it. And when the business wrote, where nobody of ours has written since: filled from the
messages there are, in batches that commit each by itself.

Revision: 0018
Revises: 0017
"""

from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
BATCH = 5_000

# The first enquiry of each batch.
BATCHES = sa.text("""
    SELECT o.id::text FROM (SELECT e.id, row_number() OVER (ORDER BY e.id) AS place FROM casework.enquiry e) o
    WHERE o.place % :size = 1 ORDER BY o.id""")
BOUNDS = sa.text("SELECT set_config('casework.since', :since, false), set_config('casework.until', :until, false)")
# One statement, so one transaction, a batch. The log is told of the batch rather than of each record, for nobody stated anything;
# on a new database there is no log yet, and nothing to tell.
FILL = """
DO $$
DECLARE spoken bigint := 0; event bigint; logged boolean;
BEGIN
    logged := EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.enquiry'::regclass AND t.tgname = 'log_update');
    IF logged THEN
        event := access.begin_system('enquiry.message', 'migration');
        ALTER TABLE casework.enquiry DISABLE TRIGGER log_update;
    END IF;
    WITH last AS (
        SELECT DISTINCT ON (m.enquiry_id) m.enquiry_id, m.author, m.created_at FROM casework.enquiry_message m
        WHERE m.enquiry_id >= current_setting('casework.since')::uuid
          AND m.enquiry_id < coalesce(nullif(current_setting('casework.until'), '')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        ORDER BY m.enquiry_id, m.created_at DESC, m.id DESC),
    filled AS (
        UPDATE casework.enquiry e SET business_spoke_at = l.created_at
        FROM last l WHERE l.enquiry_id = e.id AND l.author = 'business' AND e.business_spoke_at IS DISTINCT FROM l.created_at
        RETURNING e.id)
    SELECT count(*) INTO spoken FROM filled;
    IF logged THEN
        ALTER TABLE casework.enquiry ENABLE TRIGGER log_update;
        INSERT INTO audit.event_object (event_id, kind, operation, fields, facts)
        VALUES (event, 'enquiry', 'alteration', ARRAY['business_spoke_at'], jsonb_build_object('spoken', spoken::text));
    END IF;
    PERFORM set_config('casework.spoken', (coalesce(nullif(current_setting('casework.spoken', true), ''), '0')::bigint + spoken)::text, false);
END $$"""
COUNT = sa.text("SELECT current_setting('casework.spoken', true)")


def upgrade() -> None:
    """To this revision. Says of how many enquiries the business spoke last."""
    op.add_column("enquiry", sa.Column("shown_stage", sa.Text(), nullable=True), if_not_exists=True, **CASEWORK)
    op.add_column(
        "enquiry",
        sa.Column("business_spoke_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
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
            print(f"enquiries: of {connection.scalar(COUNT)} the business spoke last")
    op.create_index(
        "enquiry_team_id_business_spoke_at_idx",
        "enquiry",
        ["team_id", "business_spoke_at"],
        unique=False,
        postgresql_where=sa.text("business_spoke_at IS NOT NULL"),
        if_not_exists=True,
        **CASEWORK,
    )


def downgrade() -> None:
    """Back to the revision before; who was told of no end reads of it."""
    op.execute("DROP TRIGGER IF EXISTS keep_spoken ON casework.enquiry_message")
    op.drop_index("enquiry_team_id_business_spoke_at_idx", table_name="enquiry", **CASEWORK)
    op.drop_column("enquiry", "business_spoke_at", **CASEWORK)
    op.drop_column("enquiry", "shown_stage", **CASEWORK)
