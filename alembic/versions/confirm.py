"""confirm

A code and what it opens belong to the device that asked. What codes had opened for whole links is over: whoever had one open
asks for a code anew. Codes that were under way are void.

Revision: confirm
Revises: 0010
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "confirm"
down_revision = "0010"
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


def _ends(what: str, where: str) -> None:
    if not op.get_context().as_sql:
        count = op.get_bind().exec_driver_sql(f"SELECT count(*) FROM {where}").scalar()
        print(f"{what}: {count}")


def downgrade() -> None:
    """Back to the revision before; nobody has a code open then."""
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
