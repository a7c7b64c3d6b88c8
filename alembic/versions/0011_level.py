"""level

Threat levels are of two kinds, the national one and the Northern Ireland-related one, have their source, and are provisional,
confirmed or struck. What the service came with, and nobody recorded, is struck: until a professional lead records the level,
no advice is issued. Exclusion under Schedule 2 is recorded, and whether a place is wholly or mainly used for its Schedule 1 use;
nothing is filled in. In batches that commit each by itself; a run that broke off goes on where it stopped.

Revision: 0011
Revises: 0010
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from casework.migrations import begun

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BATCH = 2_000
CASEWORK = {"schema": "casework"}
DUPLICATE = sa.text("duplicate_of IS NOT NULL")
PLACES = {
    "wholly_or_mainly": "wholly_or_mainly IN ('yes', 'no', 'unknown')",
    "excluded": "schedule_2_exclusion IS NULL OR exclusion_basis IS NOT NULL AND excluded_on IS NOT NULL",
}
MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)
PACKAGED = "Came with the service; nobody had recorded it."

# One statement, so one transaction, a batch. Frozen records too: this revision alone tells them what they stood under. The log is
# told of the batch rather than of each record, for nobody stated anything; on a new database there is no log yet.
FILL = """
DO $$
DECLARE ids uuid[] := ARRAY({found} LIMIT {batch}); event bigint; logged boolean;
BEGIN
    PERFORM set_config('casework.filled', cardinality(ids)::text, false);
    IF cardinality(ids) = 0 THEN RETURN; END IF;
    logged := EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'casework.{table}'::regclass AND t.tgname = 'log_update');
    IF logged THEN event := access.begin_system('threat_level.set', 'migration'); END IF;
    ALTER TABLE casework.{table} DISABLE TRIGGER USER;
    UPDATE casework.{table} x SET {change} WHERE x.id = ANY (ids);
    ALTER TABLE casework.{table} ENABLE TRIGGER USER;
    IF logged THEN
        INSERT INTO audit.event_object (event_id, kind, operation, fields, facts)
        VALUES (event, '{table}', 'alteration', ARRAY[{fields}], jsonb_build_object('rows', cardinality(ids)::text));
    END IF;
END $$"""
IN_NORTHERN_IRELAND = """
EXISTS (SELECT FROM casework.team t JOIN casework.police_force f ON f.code = t.force_code
        WHERE t.id = x.team_id AND f.nation = 'Northern Ireland')"""


OPENED = "(x.opened_at AT TIME ZONE 'Europe/London')::date"
# Twenty working days after the case was opened, by the calendar as it is: nobody stated that.
COUNTED = f"""
x.due_counted_from IS NULL AND x.state <> 'closed' AND x.due_on BETWEEN {OPENED} + 20 AND {OPENED} + 60 AND 20 = (
    SELECT count(*) FROM generate_series(1, x.due_on - {OPENED}) n
    WHERE extract(isodow FROM {OPENED} + n) < 6 AND NOT EXISTS (
        SELECT FROM casework.bank_holiday b
        JOIN casework.team t ON t.id = x.team_id JOIN casework.police_force f ON f.code = t.force_code AND f.nation = b.nation
        WHERE b.active AND b.day = {OPENED} + n))"""


def upgrade() -> None:
    """To this revision. Says how many levels were struck, and how many findings and versions of advice took over theirs."""
    connection = op.get_bind()
    if not begun("casework", "threat_level", "kind"):
        _columns()
        _places()
        _reasons()
        _levels(connection)
    with op.get_context().autocommit_block():
        findings = _fill(
            connection,
            "finding",
            f"x.threat_level IS NOT NULL AND x.northern_ireland_threat_level IS NULL AND {IN_NORTHERN_IRELAND}",
            "northern_ireland_threat_level = x.threat_level, threat_level = NULL",
            "'threat_level', 'northern_ireland_threat_level'",
        )
        # By which entry advice was issued is told by its moment, before what came with the service is struck.
        under = _fill(
            connection,
            "advice",
            "x.issued_at IS NOT NULL AND x.issued_under IS NULL",
            f"""issued_under = ARRAY(
                SELECT l.id FROM casework.threat_level l WHERE l.since <= x.issued_at AND l.level = x.issued_threat_level
                  AND l.kind = CASE WHEN {IN_NORTHERN_IRELAND} THEN 'northern_ireland' ELSE 'national' END
                ORDER BY l.since DESC, l.id DESC LIMIT 1)""",
            "'issued_under'",
        )
        versions = _fill(
            connection,
            "advice",
            f"coalesce(x.drafted_threat_level, x.issued_threat_level) IS NOT NULL AND {IN_NORTHERN_IRELAND}",
            "drafted_northern_ireland_threat_level = x.drafted_threat_level, drafted_threat_level = NULL,"
            " issued_northern_ireland_threat_level = x.issued_threat_level, issued_threat_level = NULL",
            "'drafted_threat_level', 'issued_threat_level'",
        )
        counted = _fill(connection, "case_file", COUNTED, f"due_counted_from = {OPENED}", "'due_counted_from'")
        struck = _strike(connection)
    _log_anew()
    if struck or findings or under or versions or counted:
        print(
            f"threat levels: {struck} that came with the service struck; {under} versions of advice name the level they were"
            f" issued under; {counted} deadlines of cases known as counted; {findings} findings and {versions} versions in Northern Ireland have theirs as the one there"
        )


LOGGED = {
    "threat_level": "",
    "premises": "",
    "finding": "case_id",
    "advice": "case_id",
    "enquiry": "case_id",
    "open_reason": "case_id",
    "case_file": "id",
}


def _log_anew() -> None:
    """The log's triggers are written out of their tables' columns, and what other revisions change is logged by them."""
    made = "".join(f"PERFORM audit.make_log('{table}', '{case}'); " for table, case in LOGGED.items())
    op.execute(f"DO $$ BEGIN IF to_regprocedure('audit.make_log(text,text)') IS NOT NULL THEN {made}END IF; END $$")


def _columns() -> None:
    op.drop_index("threat_level_current_idx", table_name="threat_level", **CASEWORK)
    op.drop_constraint(op.f("threat_level_nation_check"), "threat_level", **CASEWORK)
    op.alter_column("threat_level", "nation", new_column_name="kind", **CASEWORK)
    for column in (
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="confirmed", nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("struck_by", sa.Uuid(), nullable=True),
        sa.Column("struck_at", MOMENT, nullable=True),
        sa.Column("struck_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    ):
        op.add_column("threat_level", column, **CASEWORK)
    op.add_column("finding", sa.Column("northern_ireland_threat_level", sa.Text(), nullable=True), **CASEWORK)
    for name in ("drafted_northern_ireland_threat_level", "issued_northern_ireland_threat_level"):
        op.add_column("advice", sa.Column(name, sa.Text(), nullable=True), **CASEWORK)
    op.add_column("advice", sa.Column("issued_under", postgresql.ARRAY(sa.Uuid()), nullable=True), **CASEWORK)


def _places() -> None:
    for column in (
        sa.Column("wholly_or_mainly", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("schedule_2_exclusion", sa.Text(), nullable=True),
        sa.Column("exclusion_basis", sa.Text(), nullable=True),
        sa.Column("excluded_on", sa.Date(), nullable=True),
    ):
        op.add_column("premises", column, **CASEWORK)
    for name, rule in PLACES.items():
        op.create_check_constraint(op.f(f"premises_{name}_check"), "premises", rule, **CASEWORK)


REASONS = (
    ("enquiry", "reason_note", sa.Text()),
    ("enquiry", "reopened_at", MOMENT),
    ("enquiry", "reopened_reason", sa.Text()),
    ("open_reason", "note", sa.Text()),
    ("case_file", "due_counted_from", sa.Date()),
)


def _reasons() -> None:
    for table, name, kind in REASONS:
        op.add_column(table, sa.Column(name, kind, nullable=True), **CASEWORK)
    op.create_index("enquiry_duplicate_of_idx", "enquiry", ["duplicate_of"], postgresql_where=DUPLICATE, **CASEWORK)


def _levels(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE casework.threat_level DISABLE TRIGGER USER")
    connection.exec_driver_sql(
        "UPDATE casework.threat_level SET recorded_at = since,"
        " kind = CASE kind WHEN 'Great Britain' THEN 'national' WHEN 'Northern Ireland' THEN 'northern_ireland' ELSE kind END"
    )
    connection.exec_driver_sql("ALTER TABLE casework.threat_level ENABLE TRIGGER USER")
    op.alter_column(
        "threat_level",
        "recorded_at",
        nullable=False,
        server_default=sa.text("date_trunc('milliseconds', casework.now())"),
        **CASEWORK,
    )
    for name, rule in (
        ("kind", "kind IN ('national', 'northern_ireland')"),
        ("state", "state IN ('provisional', 'confirmed', 'struck')"),
        ("struck", "(state = 'struck') = (struck_at IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"threat_level_{name}_check"), "threat_level", rule, **CASEWORK)
    op.create_index("threat_level_current_idx", "threat_level", ["kind", "since"], **CASEWORK)


def _fill(connection: sa.Connection, table: str, where: str, change: str, fields: str) -> int:
    found = f"SELECT x.id FROM casework.{table} x WHERE {where}"
    whole = 0
    while True:
        connection.exec_driver_sql(FILL.format(found=found, batch=BATCH, table=table, change=change, fields=fields))
        filled = int(connection.exec_driver_sql("SELECT current_setting('casework.filled')").scalar_one())
        whole += filled
        if filled < BATCH:
            return whole


def _strike(connection: sa.Connection) -> int:
    return _fill(
        connection,
        "threat_level",
        "x.set_by IS NULL AND x.state <> 'struck'",
        f"state = 'struck', struck_at = date_trunc('milliseconds', casework.now()), struck_reason = '{PACKAGED}', version = 2",
        "'state', 'struck_at', 'struck_reason'",
    )


def downgrade() -> None:
    """Back to the revision before. What came with the service holds again; other struck entries are taken out."""
    op.drop_index("enquiry_duplicate_of_idx", table_name="enquiry", postgresql_where=DUPLICATE, **CASEWORK)
    for table, name, _ in REASONS:
        op.drop_column(table, name, **CASEWORK)
    for name in PLACES:
        op.drop_constraint(op.f(f"premises_{name}_check"), "premises", **CASEWORK)
    for name in ("wholly_or_mainly", "schedule_2_exclusion", "exclusion_basis", "excluded_on"):
        op.drop_column("premises", name, **CASEWORK)
    for table in ("threat_level", "finding", "advice"):
        op.execute(f"ALTER TABLE casework.{table} DISABLE TRIGGER USER")
    op.execute(f"DELETE FROM casework.threat_level WHERE state = 'struck' AND struck_reason <> '{PACKAGED}'")
    op.execute(
        "UPDATE casework.finding SET threat_level = northern_ireland_threat_level WHERE northern_ireland_threat_level IS NOT NULL"
    )
    op.execute(
        "UPDATE casework.advice SET"
        " drafted_threat_level = coalesce(drafted_northern_ireland_threat_level, drafted_threat_level),"
        " issued_threat_level = coalesce(issued_northern_ireland_threat_level, issued_threat_level)"
        " WHERE coalesce(drafted_northern_ireland_threat_level, issued_northern_ireland_threat_level) IS NOT NULL"
    )
    op.drop_index("threat_level_current_idx", table_name="threat_level", **CASEWORK)
    for name in ("kind", "state", "struck"):
        op.drop_constraint(op.f(f"threat_level_{name}_check"), "threat_level", **CASEWORK)
    op.execute("DROP TRIGGER IF EXISTS keep ON casework.threat_level")
    op.execute(
        "UPDATE casework.threat_level SET kind = CASE kind WHEN 'national' THEN 'Great Britain' ELSE 'Northern Ireland' END"
    )
    for table in ("threat_level", "finding", "advice"):
        op.execute(f"ALTER TABLE casework.{table} ENABLE TRIGGER USER")
    for name in (
        "source_url",
        "state",
        "recorded_at",
        "confirmed_by",
        "struck_by",
        "struck_at",
        "struck_reason",
        "version",
    ):
        op.drop_column("threat_level", name, **CASEWORK)
    op.alter_column("threat_level", "kind", new_column_name="nation", **CASEWORK)
    op.create_check_constraint(
        op.f("threat_level_nation_check"), "threat_level", "nation IN ('Great Britain', 'Northern Ireland')", **CASEWORK
    )
    op.create_index("threat_level_current_idx", "threat_level", ["nation", "since"], **CASEWORK)
    op.drop_column("finding", "northern_ireland_threat_level", **CASEWORK)
    for name in ("drafted_northern_ireland_threat_level", "issued_northern_ireland_threat_level", "issued_under"):
        op.drop_column("advice", name, **CASEWORK)
    _log_anew()
