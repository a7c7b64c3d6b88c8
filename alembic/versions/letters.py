"""what the business is told

Where the business goes on reading that its enquiry stands, where it was not told of the end. Nothing is filled: whoever was told
by their page before this goes on reading it.

Revision: letters
Revises: 0014
"""

import sqlalchemy as sa

from alembic import op

revision = "letters"
down_revision = "0014"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}


def upgrade() -> None:
    """To this revision."""
    op.add_column("enquiry", sa.Column("shown_stage", sa.Text(), nullable=True), if_not_exists=True, **CASEWORK)


def downgrade() -> None:
    """Back to the revision before; who was told of no end reads of it."""
    op.drop_column("enquiry", "shown_stage", **CASEWORK)
