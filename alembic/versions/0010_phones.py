"""phones

An extension and a relay stand beside a telephone number, each in a column of its own. Nothing is filled in: until now a
number that was typed with either was refused.

Revision: 0010
Revises: 0009
"""

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("contact", "organisation", "premises_party", "team")


def upgrade() -> None:
    """To this revision. A constant default needs no rewriting, whatever a table holds."""
    for table in TABLES:
        op.add_column(table, sa.Column("phone_extension", sa.Text(), nullable=True), schema="casework")
        op.add_column(
            table, sa.Column("relay", sa.Boolean(), server_default=sa.text("false"), nullable=False), schema="casework"
        )
        op.create_check_constraint(
            op.f(f"{table}_phone_check"),
            table,
            "phone IS NOT NULL OR phone_extension IS NULL AND NOT relay",
            schema="casework",
        )


def downgrade() -> None:
    """Back to the revision before; extensions are lost."""
    for table in TABLES:
        op.drop_constraint(op.f(f"{table}_phone_check"), table, schema="casework")
        op.drop_column(table, "relay", schema="casework")
        op.drop_column(table, "phone_extension", schema="casework")
