"""visits as evidence

Marks and reasons for the times of a visit, who logged it, who was there beside the adviser; supplements; whose visit it is, as
authority judges by; the reason why a recommendation is not applicable. What was logged before gets its marks, without a reason,
and whoever logged it, from the timeline; both in batches that commit each by itself. Where the timeline does not tell who, nobody
is named.

Revision: 0014
Revises: 0013
"""

from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
BATCH = 5_000

# The first visit of each batch.
BATCHES = sa.text("""
    SELECT o.id::text FROM (SELECT v.id, row_number() OVER (ORDER BY v.id) AS place FROM casework.site_visit v) o
    WHERE o.place % :size = 1 ORDER BY o.id""")
BOUNDS = sa.text("SELECT set_config('casework.since', :since, false), set_config('casework.until', :until, false)")
# One statement, so one transaction, a batch. The log is told of the batch rather than of each record, for nobody stated anything;
# on a new database there is no log yet, and nothing to tell. Overlaps are not looked for: who was where is not to be told now.
FILL = """
DO $$
DECLARE marked bigint := 0; named bigint := 0; event bigint; logged boolean;
BEGIN
    logged := EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.site_visit'::regclass AND t.tgname = 'log_update');
    IF logged THEN
        event := access.begin_system('visit.complete', 'migration');
        ALTER TABLE casework.site_visit DISABLE TRIGGER log_update;
    END IF;
    WITH told AS (
        SELECT v.id, array_remove(ARRAY[
                CASE WHEN v.confirmed_at IS NULL THEN 'unconfirmed' END,
                CASE WHEN v.left_at <= v.starts_at OR v.arrived_at < v.starts_at - interval '4 hours' THEN 'before_due'
                     WHEN v.arrived_at > v.ends_at + interval '4 hours' THEN 'after_due' END,
                CASE WHEN v.arrived_at < c.opened_at THEN 'before_case' END,
                CASE WHEN v.left_at - v.arrived_at > interval '12 hours' THEN 'long' END], NULL) AS marks,
            (SELECT e.person_id FROM casework.case_event e
             WHERE e.case_id = v.case_id AND e.subject_id = v.id AND e.action = 'visit.complete' ORDER BY e.at DESC LIMIT 1) AS person
        FROM casework.site_visit v JOIN casework.case_file c ON c.id = v.case_id
        WHERE v.state = 'completed' AND v.id >= current_setting('casework.since')::uuid
          AND v.id < coalesce(nullif(current_setting('casework.until'), '')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')),
    filled AS (
        UPDATE casework.site_visit v SET time_marks = t.marks, logged_by = coalesce(v.logged_by, t.person)
        FROM told t WHERE t.id = v.id AND (v.time_marks, v.logged_by) IS DISTINCT FROM (t.marks, coalesce(v.logged_by, t.person))
        RETURNING v.time_marks, v.logged_by)
    SELECT count(*) FILTER (WHERE f.time_marks <> '{}'), count(f.logged_by) INTO marked, named FROM filled f;
    INSERT INTO access.visiting (visit_id, case_id, principal_id)
    SELECT v.id, v.case_id, v.adviser_id FROM casework.site_visit v
    JOIN casework.case_file c ON c.id = v.case_id
    WHERE v.state IN ('proposed', 'confirmed', 'completed') AND v.id >= current_setting('casework.since')::uuid
      AND v.id < coalesce(nullif(current_setting('casework.until'), '')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      -- What came from another team is nobody's own there.
      AND EXISTS (SELECT FROM access.membership m WHERE m.principal_id = v.adviser_id AND m.team_id = c.team_id)
    ON CONFLICT DO NOTHING;
    IF logged THEN
        ALTER TABLE casework.site_visit ENABLE TRIGGER log_update;
        INSERT INTO audit.event_object (event_id, kind, operation, fields, facts)
        VALUES (event, 'site_visit', 'alteration', ARRAY['time_marks', 'logged_by'],
                jsonb_build_object('marked', marked::text, 'named', named::text));
    END IF;
    PERFORM set_config('casework.marked', (coalesce(nullif(current_setting('casework.marked', true), ''), '0')::bigint + marked)::text, false),
            set_config('casework.named', (coalesce(nullif(current_setting('casework.named', true), ''), '0')::bigint + named)::text, false);
END $$"""
COUNTS = sa.text("SELECT current_setting('casework.marked', true), current_setting('casework.named', true)")


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)


def upgrade() -> None:
    """To this revision. Says how many visits were marked, and of how many it is known who logged them."""
    op.add_column("site_visit", _texts("time_marks"), if_not_exists=True, **CASEWORK)
    op.add_column("site_visit", sa.Column("time_reason", sa.Text(), nullable=True), if_not_exists=True, **CASEWORK)
    op.add_column("site_visit", sa.Column("logged_by", sa.Uuid(), nullable=True), if_not_exists=True, **CASEWORK)
    op.add_column(
        "site_visit",
        sa.Column("attended_by", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        if_not_exists=True,
        **CASEWORK,
    )
    op.create_index(
        "site_visit_adviser_id_left_at_idx",
        "site_visit",
        ["adviser_id", "left_at"],
        unique=False,
        postgresql_where=sa.text("state = 'completed'"),
        if_not_exists=True,
        **CASEWORK,
    )
    op.add_column("verification", sa.Column("reason", sa.Text(), nullable=True), if_not_exists=True, **CASEWORK)
    op.create_table(
        "visit_supplement",
        sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("restricted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("visit_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _texts("time_marks"),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column(
            "recorded_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', casework.now())"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["casework.person.id"], name=op.f("visit_supplement_recorded_by_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id", "case_id", "team_id", "restricted"],
            [
                "casework.site_visit.id",
                "casework.site_visit.case_id",
                "casework.site_visit.team_id",
                "casework.site_visit.restricted",
            ],
            name=op.f("visit_supplement_visit_id_case_id_team_id_restricted_fkey"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("visit_supplement_pkey")),
        sa.UniqueConstraint("visit_id", "visit_version", name=op.f("visit_supplement_visit_id_visit_version_key")),
        if_not_exists=True,
        **CASEWORK,
    )
    op.create_table(
        "visiting",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("visiting_pkey")),
        if_not_exists=True,
        schema="access",
    )
    op.create_index("visiting_case_id_idx", "visiting", ["case_id"], unique=False, if_not_exists=True, schema="access")
    connection = op.get_bind()
    with op.get_context().autocommit_block():
        first = connection.scalars(BATCHES, {"size": BATCH}).all()
        for since, until in pairwise([*first, ""]):
            connection.execute(BOUNDS, {"since": since, "until": until})
            connection.exec_driver_sql(FILL)
        if first:
            marked, named = connection.execute(COUNTS).one()
            print(f"visits: {marked} marked for their times; of {named} it is known who logged them")
    op.create_foreign_key(
        op.f("site_visit_logged_by_fkey"),
        "site_visit",
        "person",
        ["logged_by"],
        ["id"],
        source_schema="casework",
        referent_schema="casework",
    )


def downgrade() -> None:
    """Back to the revision before; marks, reasons and supplements are lost."""
    for trigger in ("keep_visit", "keep_visiting"):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON casework.site_visit")
    op.execute("DROP POLICY IF EXISTS owner_compare ON casework.site_visit")
    op.execute("DROP POLICY IF EXISTS owner_compare ON casework.premises")
    op.drop_index("visiting_case_id_idx", table_name="visiting", schema="access")
    op.drop_table("visiting", schema="access")
    op.drop_table("visit_supplement", **CASEWORK)
    op.drop_column("verification", "reason", **CASEWORK)
    op.drop_index("site_visit_adviser_id_left_at_idx", table_name="site_visit", **CASEWORK)
    op.drop_constraint(op.f("site_visit_logged_by_fkey"), "site_visit", type_="foreignkey", **CASEWORK)
    for column in ("attended_by", "logged_by", "time_reason", "time_marks"):
        op.drop_column("site_visit", column, **CASEWORK)
