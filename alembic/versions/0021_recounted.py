"""when a bank holiday was counted

Whether the deadlines that were counted across a bank holiday have been moved. Nothing is filled: nobody noted it, and what is on
the list already can be counted once more only by who asks for it.

Revision: 0021
Revises: 0020
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}


def upgrade() -> None:
    """To this revision."""
    op.add_column(
        "bank_holiday", sa.Column("recounted_at", postgresql.TIMESTAMP(timezone=True, precision=3)), **CASEWORK
    )


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_column("bank_holiday", "recounted_at", **CASEWORK)
