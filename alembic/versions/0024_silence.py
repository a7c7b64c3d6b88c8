"""whom an end is hidden from

Which enquiries are told of no withdrawal of advice and of no cancelling of a visit, and when a business withdrew an enquiry that had
ended without its being told. Nothing is filled: nobody noted whether staff had told of it, and what was read before this goes on being
read. The time at which such an enquiry was withdrawn stood in place of its end, which the log alone still has.

Revision: 0024
Revises: 0023
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
ENDING = ("advice", "site_visit")


def upgrade() -> None:
    """To this revision."""
    for table in ENDING:
        hidden = sa.Column("untold", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False)
        op.add_column(table, hidden, **CASEWORK)
    op.add_column("enquiry", sa.Column("shown_ended_at", postgresql.TIMESTAMP(timezone=True, precision=3)), **CASEWORK)


def downgrade() -> None:
    """Back to the revision before; what was hidden is read."""
    op.drop_column("enquiry", "shown_ended_at", **CASEWORK)
    for table in reversed(ENDING):
        op.drop_column(table, "untold", **CASEWORK)
