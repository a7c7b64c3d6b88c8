"""enquiries by place

The log is asked for by the place that its records are about. Cases have their index; enquiries get theirs.

Revision: 0008
Revises: 0007
"""

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME, TABLE, MATCHED = "enquiry_premises_id_idx", "enquiry", "premises_id IS NOT NULL"


def upgrade() -> None:
    """To this revision. While the index is built no enquiry is written."""
    op.create_index(NAME, TABLE, ["premises_id"], schema="casework", postgresql_where=sa.text(MATCHED))


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_index(NAME, table_name=TABLE, schema="casework", postgresql_where=sa.text(MATCHED))
