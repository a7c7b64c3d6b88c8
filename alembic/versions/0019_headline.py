"""what an auditor sees of a case

The order in which an auditor reads the outlines of cases: by team and id, for whom the date is not. Nothing is filled.

Revision: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("case_headline_outline_idx", "case_headline", ["team_id", "id"], unique=False, schema="casework")


def downgrade() -> None:
    op.drop_index("case_headline_outline_idx", table_name="case_headline", schema="casework")
