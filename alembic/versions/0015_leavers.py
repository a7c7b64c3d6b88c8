"""leavers, and what two administrators decide

Since when the adviser of a case or of a visit to come is none of the team any more. Who was deactivated before keeps no role; what they
had in hand is marked as if they left now, in batches that commit each by itself: cases, their allocations, those who work along, visits
to come, reviews asked. The same for whoever lost the role alone.

Revision: 0015
Revises: 0014
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
BATCH = 5_000
MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)

# Each changes as many rows as a batch holds and says how many it changed; it is repeated until there are none.
PLAYS = """EXISTS (SELECT FROM access.membership m WHERE m.principal_id = {person} AND m.role = 'adviser' AND m.ended_at IS NULL
    AND NOT m.pending AND m.team_id {teams})"""
ADVISES = PLAYS.format(person="x.adviser_id", teams="= x.team_id")
VISITS = PLAYS.format(
    person="x.adviser_id",
    teams="""IN (SELECT x.team_id UNION SELECT s.team_id FROM access.case_share s
        WHERE s.case_id = x.case_id AND s.mode = 'contribute' AND s.until > casework.now())""",
)
REVIEWS = """EXISTS (SELECT FROM access.membership m WHERE m.principal_id = x.reviewer_id AND m.ended_at IS NULL AND NOT m.pending
    AND (m.role = 'reviewer' OR m.role = 'supervisor' AND m.team_id = x.team_id))"""
NOW = "date_trunc('milliseconds', casework.now())"
FILLS = (
    (
        "roles",
        "access.membership",
        "ended_at = now()",
        "x.ended_at IS NULL AND EXISTS (SELECT FROM casework.person p WHERE p.id = x.principal_id AND NOT p.active)",
    ),
    (
        "cases",
        "casework.case_file",
        f"adviser_left_at = {NOW}, version = version + 1",
        f"x.adviser_id IS NOT NULL AND x.state <> 'closed' AND x.adviser_left_at IS NULL AND NOT {ADVISES}",
    ),
    ("allocations", "casework.allocation", f"ended_at = {NOW}", f"x.ended_at IS NULL AND NOT {ADVISES}"),
    (
        "collaborators",
        "casework.collaborator",
        f"ended_at = {NOW}",
        "x.ended_at IS NULL AND NOT " + PLAYS.format(person="x.person_id", teams="= x.team_id"),
    ),
    (
        "visits",
        "casework.site_visit",
        f"adviser_left_at = {NOW}, version = version + 1",
        f"x.state IN ('proposed', 'confirmed') AND x.adviser_left_at IS NULL AND NOT {VISITS}",
    ),
    (
        "reviews",
        "casework.advice",
        "reviewer_id = NULL, version = version + 1",
        f"x.reviewer_id IS NOT NULL AND x.state IN ('draft', 'in_review', 'returned') AND NOT {REVIEWS}",
    ),
)
# One statement, so one transaction, a batch. On a new database there is nothing to fill, nor a log to tell.
FILL = """
DO $$
DECLARE touched bigint; event bigint; logged boolean := EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = '{table}'::regclass
                                                                AND t.tgname = 'log_update');
BEGIN
    event := access.begin_system('person.manage', 'migration');
    IF logged THEN ALTER TABLE {table} DISABLE TRIGGER log_update; END IF;
    UPDATE {table} y SET {changes} WHERE y.id IN (SELECT x.id FROM {table} x WHERE {where} LIMIT {batch});
    GET DIAGNOSTICS touched = ROW_COUNT;
    IF logged THEN ALTER TABLE {table} ENABLE TRIGGER log_update; END IF;
    IF touched > 0 THEN
        INSERT INTO audit.event_object (event_id, kind, operation, facts)
        VALUES (event, '{name}', 'alteration', jsonb_build_object('why', 'adviser_left', 'rows', touched::text));
    END IF;
    PERFORM set_config('casework.touched', touched::text, false);
END $$"""
COUNT = sa.text("SELECT current_setting('casework.touched')::bigint")
LEFT = {
    "case_file": "adviser_left_at IS NULL OR (adviser_id IS NOT NULL AND state <> 'closed')",
    "site_visit": "adviser_left_at IS NULL OR state IN ('proposed', 'confirmed')",
}

CHANGE = {
    "kind": "kind IN ('role', 'deactivation', 'email')",
    "state": "state IN ('waiting', 'approved', 'withdrawn')",
    "what": "(kind = 'role') = (membership_id IS NOT NULL) AND (kind = 'email') = (email IS NOT NULL)",
    "decided": "(state = 'waiting') = (decided_at IS NULL)",
    "separated": "asked_by <> person_id AND (state <> 'approved' OR decided_by IS NULL AND alone OR decided_by <> asked_by"
    " AND (decided_by <> person_id OR alone))",
}


def upgrade() -> None:
    """To this revision. Says how many roles ended, and how much of what is in nobody's hands was marked."""
    connection = op.get_bind()
    for table in LEFT:
        op.add_column(table, sa.Column("adviser_left_at", MOMENT, nullable=True), if_not_exists=True, **CASEWORK)
    with op.get_context().autocommit_block():
        # The functions that log and judge are there once the database has been in use.
        used = connection.scalar(sa.text("SELECT EXISTS (SELECT FROM casework.person)"))
        counts = {}
        for name, table, changes, where in FILLS if used else ():
            counts[name], touched = 0, BATCH
            filling = FILL.format(name=table.split(".")[1], table=table, changes=changes, where=where, batch=BATCH)
            while touched == BATCH:
                connection.exec_driver_sql(filling)
                touched = connection.execute(COUNT).scalar_one()
                counts[name] += touched
        if any(counts.values()):
            print("leavers: " + ", ".join(f"{count} {name}" for name, count in counts.items()) + " were theirs")
    op.create_table(
        "person_change",
        sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("leaving", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", MOMENT, server_default=sa.text("date_trunc('milliseconds', now())"), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("alone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"person_change_{name}_check")) for name, rule in CHANGE.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("person_change_pkey")),
        if_not_exists=True,
        schema="access",
    )
    op.create_index(
        "person_change_waiting_key",
        "person_change",
        [sa.text("coalesce(membership_id, person_id)"), "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
        if_not_exists=True,
        schema="access",
    )
    op.create_index("person_change_person_id_idx", "person_change", ["person_id"], if_not_exists=True, schema="access")
    for table, rule in LEFT.items():
        op.execute(f"ALTER TABLE casework.{table} DROP CONSTRAINT IF EXISTS {table}_adviser_left_check")
        op.create_check_constraint(op.f(f"{table}_adviser_left_check"), table, rule, **CASEWORK)


def downgrade() -> None:
    """Back to the revision before. Roles, allocations and reviews that ended with a leaver stay ended."""
    op.execute("DROP TRIGGER IF EXISTS let_go ON access.membership")
    op.execute("DROP TRIGGER IF EXISTS keep_two ON access.membership")
    op.execute("DROP TRIGGER IF EXISTS keep_two ON casework.person")
    op.execute("DROP TABLE IF EXISTS access.person_change")
    op.execute("DROP TRIGGER IF EXISTS keep_reviewer ON casework.advice")
    for table in LEFT:
        for trigger in ("keep_adviser_given", "keep_adviser_moved"):
            op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON casework.{table}")
        op.drop_column(table, "adviser_left_at", **CASEWORK)
    # What logs their rows names their columns.
    made = "PERFORM audit.make_log('case_file', 'id'), audit.make_log('site_visit', 'case_id')"
    op.execute(f"DO $$ BEGIN IF to_regprocedure('audit.make_log(text,text)') IS NOT NULL THEN {made}; END IF; END $$")
