"""how advice is delivered

Whom a version of advice reached when it was issued, and what is delivered otherwise. Nothing is filled: of what was issued before,
nobody noted it.

Revision: 0020
Revises: 0019
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)
SCOPE = ["case_id", "team_id", "restricted"]


def upgrade() -> None:
    """To this revision. The advice that is there is left as it is."""
    op.create_table(
        "advice_delivery",
        sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False),
        sa.Column("advice_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("restricted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("deliver_by", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("delivered_by", sa.Text(), nullable=True),
        sa.Column("delivered_to", sa.Text(), nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", MOMENT, nullable=True),
        sa.Column(
            "created_at",
            MOMENT,
            server_default=sa.text("date_trunc('milliseconds', casework.now())"),
            nullable=False,
        ),
        sa.CheckConstraint("num_nonnulls(contact_id, deliver_by) = 1", name=op.f("advice_delivery_either_check")),
        sa.CheckConstraint(
            "deliver_by IN ('in_person', 'post', 'later')", name=op.f("advice_delivery_deliver_by_check")
        ),
        sa.CheckConstraint("(deliver_by IS NULL) = (due_on IS NULL)", name=op.f("advice_delivery_due_check")),
        sa.CheckConstraint(
            "delivered_by IN ('in_person', 'post', 'email', 'read_out')",
            name=op.f("advice_delivery_delivered_by_check"),
        ),
        sa.CheckConstraint(
            "num_nulls(delivered_by, delivered_to, delivered_at, recorded_by, recorded_at) IN (0, 5)"
            " AND (delivered_at IS NULL OR deliver_by IS NOT NULL)",
            name=op.f("advice_delivery_done_check"),
        ),
        sa.ForeignKeyConstraint(
            ["advice_id", *SCOPE],
            [f"casework.advice.{name}" for name in ("id", *SCOPE)],
            name=op.f("advice_delivery_advice_id_case_id_team_id_restricted_fkey"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["casework.person.id"], name=op.f("advice_delivery_recorded_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("advice_delivery_pkey")),
        **CASEWORK,
    )
    op.create_index(
        "advice_delivery_advice_id_key",
        "advice_delivery",
        ["advice_id"],
        unique=True,
        postgresql_where=sa.text("contact_id IS NULL"),
        **CASEWORK,
    )
    op.create_index(
        "advice_delivery_advice_id_idx", "advice_delivery", ["advice_id", "created_at"], unique=False, **CASEWORK
    )


def downgrade() -> None:
    """Back to the revision before; what was kept of deliveries goes."""
    op.drop_table("advice_delivery", **CASEWORK)
    op.execute("DROP FUNCTION IF EXISTS casework.keep_delivery()")
    op.execute("DROP FUNCTION IF EXISTS casework.advice_readers(uuid)")
