"""confirm

A code and what it opens belong to the device that asked. What codes had opened for whole links is over: whoever had one open
asks for a code anew. Codes that were under way are void.

Who brought a contact in, or was shown its token, is kept, and taken from the processing log for the contacts that there are. An
enquiry that joined a case before today keeps what it sees.

Revision: 0012
Revises: 0011
"""

from uuid import UUID

import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

from alembic import op
from casework.migrations import UNDEFINE, run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)


def upgrade() -> None:
    """To this revision."""
    _ends("opened by a code for a whole link, and shut", "access.session WHERE confirmed_until > now()")
    _ends("codes under way, and void", "access.one_time_code WHERE used_at IS NULL AND expires_at > now()")
    op.drop_column("session", "confirmed_until", schema="access")
    op.drop_table("one_time_code", schema="access")
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("enquiry_id", sa.Uuid(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("network_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", MOMENT, server_default=sa.text("date_trunc('milliseconds', now())"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("one_time_code_pkey")),
        sa.UniqueConstraint("request_hash", name=op.f("one_time_code_request_hash_key")),
        schema="access",
    )
    op.create_index("one_time_code_contact_id_sent_at_idx", "one_time_code", ["contact_id", "sent_at"], schema="access")
    op.create_table(
        "confirmation",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("date_trunc('milliseconds', now())"), nullable=False),
        sa.Column("idle_minutes", sa.Integer(), nullable=False),
        sa.Column("idle_until", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("confirmation_pkey")),
        schema="access",
    )
    op.create_index("confirmation_contact_id_idx", "confirmation", ["contact_id"], schema="access")
    _bring_in()


def _bring_in() -> None:
    op.create_table(
        "introduction",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, server_default=sa.text("date_trunc('milliseconds', now())"), nullable=False),
        sa.CheckConstraint("what IN ('submitted', 'replaced', 'token')", name=op.f("introduction_what_check")),
        sa.PrimaryKeyConstraint("contact_id", "person_id", "what", name=op.f("introduction_pkey")),
        schema="access",
    )
    op.create_table(
        "suspension",
        sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("suspended_by", sa.Uuid(), nullable=False),
        sa.Column("suspended_at", MOMENT, server_default=sa.text("date_trunc('milliseconds', now())"), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('lifted', 'final')", name=op.f("suspension_outcome_check")),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name=op.f("suspension_ended_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("suspension_pkey")),
        schema="access",
    )
    op.create_index(
        "suspension_person_id_key",
        "suspension",
        ["person_id"],
        unique=True,
        schema="access",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("contact", sa.Column("verification_exception", sa.Text(), nullable=True), schema="casework")
    for schema, table, column in (("casework", "enquiry", "case_withheld"), ("access", "enquiry_link", "withheld")):
        op.add_column(
            table, sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False), schema=schema
        )
    if op.get_context().as_sql:
        op.execute(INTRODUCED.replace("$1", "'00000000-0000-0000-0000-000000000000'").replace("$2", "2147483647"))
        return
    bind, last, told = op.get_bind(), UUID(int=0), 0
    while last is not None:
        row = bind.exec_driver_sql(INTRODUCED, (last, STEP)).one()
        last, told = row.last, told + row.told
    print(f"people who brought a contact in or were shown its token: {told}")
    shared = "(SELECT FROM casework.enquiry WHERE case_id IS NOT NULL GROUP BY case_id HAVING count(*) > 1) AS shared"
    _ends("cases that several enquiries see, as before", shared)


STEP = 2_000
INTRODUCED = """
WITH batch AS (SELECT c.id, c.enquiry_id, c.created_at, lead(c.created_at) OVER (PARTITION BY c.enquiry_id ORDER BY c.created_at, c.id) AS until
              FROM casework.contact c WHERE c.enquiry_id IN (
                  SELECT e.id FROM casework.enquiry e WHERE e.id > $1 ORDER BY e.id LIMIT $2)),
made AS (
    INSERT INTO access.introduction (contact_id, person_id, what, at)
    SELECT s.id, coalesce(v.acting_for, v.principal_id), CASE v.action WHEN 'contact.replace' THEN 'replaced' ELSE 'submitted' END, v.at
    FROM batch s JOIN audit.event_object o ON o.object_id = s.id AND o.kind = 'contact' AND o.operation = 'collection'
    JOIN audit.event v ON v.id = o.event_id
    WHERE v.action IN ('contact.replace', 'enquiry.submit')
      AND (v.principal_kind = 'staff' OR v.principal_kind = 'client' AND v.acting_for IS NOT NULL)
    UNION
    SELECT s.id, v.principal_id, 'token', min(v.at)
    FROM batch s JOIN audit.event_object o ON o.object_id = s.enquiry_id AND o.kind = 'enquiry'
    JOIN audit.event v ON v.id = o.event_id AND v.at >= s.created_at AND (s.until IS NULL OR v.at < s.until)
    WHERE v.action = 'enquiry.reissue_token' AND v.principal_kind = 'staff' AND v.decision = 'allow' AND o.operation = 'alteration'
    GROUP BY s.id, v.principal_id
    ON CONFLICT DO NOTHING RETURNING contact_id)
SELECT (SELECT (array_agg(x.id ORDER BY x.id DESC))[1] FROM (SELECT e.id FROM casework.enquiry e WHERE e.id > $1 ORDER BY e.id LIMIT $2) x) AS last,
       (SELECT count(*) FROM made)::integer AS told"""
"""Some of the enquiries, in the order of their ids: from what the log says of their contacts."""


def _ends(what: str, where: str) -> None:
    if not op.get_context().as_sql:
        count = op.get_bind().exec_driver_sql(f"SELECT count(*) FROM {where}").scalar()
        print(f"{what}: {count}")


def _refuse_to_open() -> None:
    if op.get_context().as_sql:
        return
    count = op.get_bind().exec_driver_sql("SELECT count(*) FROM casework.enquiry WHERE case_withheld").scalar_one()
    if count:
        raise CommandError(
            f"{count} {'enquiry has its' if count == 1 else 'enquiries have their'} case withheld from the contact, and going back would"
            " open it. Stay at this revision, or have the case's adviser or a supervisor open it first"
            " (POST /v1/enquiries/{id}/case-opening). `casework migrate` brings back what was taken back so far."
        )


def downgrade() -> None:
    """Back to the revision before; nobody has a code open then, and who brought whom in stands in the log alone.

    Refuses while any case is withheld: the revision before shows a case to every contact of its enquiries, and so would this one when
    it came again, for it could not tell which were withheld.
    """
    _refuse_to_open()
    run_script(UNDEFINE)
    op.drop_column("enquiry_link", "withheld", schema="access")
    run_script(
        "DROP TRIGGER IF EXISTS keep_case_withheld ON casework.enquiry;"
        "DROP TRIGGER IF EXISTS keep_verification_apart ON casework.contact;"
        "DROP TRIGGER IF EXISTS keep_introduction ON casework.contact;"
        "DROP TRIGGER IF EXISTS keep_removed ON casework.enquiry;"
        "DROP TRIGGER IF EXISTS keep_suspension_final ON casework.person;"
    )
    op.drop_column("enquiry", "case_withheld", schema="casework")
    op.drop_column("contact", "verification_exception", schema="casework")
    op.drop_table("introduction", schema="access")
    # Who is locked out stays out.
    op.execute(
        "UPDATE access.principal p SET active = false FROM access.suspension s WHERE s.person_id = p.id AND s.ended_at IS NULL"
    )
    op.drop_table("suspension", schema="access")
    op.drop_table("confirmation", schema="access")
    op.drop_table("one_time_code", schema="access")
    op.create_table(
        "one_time_code",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False),
        sa.Column("enquiry_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", MOMENT, server_default=sa.text("date_trunc('milliseconds', now())"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("asked_at", sa.ARRAY(MOMENT), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("one_time_code_pkey")),
        sa.UniqueConstraint("id", name=op.f("one_time_code_id_key")),
        schema="access",
    )
    op.add_column("session", sa.Column("confirmed_until", MOMENT, nullable=True), schema="access")
