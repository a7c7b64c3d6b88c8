"""log by record

A line about a case is found by its case. The second index is for what is not a case itself.

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME, TABLE, NO_CASE = "event_object_object_id_idx", "event_object", "object_id IS DISTINCT FROM case_id"


def upgrade() -> None:
    """To this revision. While the index is built nothing can be logged, and so nothing is served."""
    op.drop_index(NAME, table_name=TABLE, schema="audit")
    op.create_index(NAME, TABLE, ["object_id"], schema="audit", postgresql_where=sa.text(NO_CASE))


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_index(NAME, table_name=TABLE, schema="audit", postgresql_where=sa.text(NO_CASE))
    op.create_index(NAME, TABLE, ["object_id"], schema="audit")
