"""door: the client's own id of a request stands beside ours

Revision: 0004
Revises: 0003
"""

import sqlalchemy as sa

from alembic import op
from casework.migrations import UNDEFINE, run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision. A column without a value needs no rewriting of the log."""
    op.add_column("event", sa.Column("client_request_id", sa.Uuid(), nullable=True), schema="audit")


def downgrade() -> None:
    """Back to the revision before. The seal covers this column: sealed events that had one no longer verify afterwards."""
    run_script(UNDEFINE)
    # The releases before this one have a beginning of fewer arguments, and beside this one their calls would fit both.
    op.execute("DROP FUNCTION IF EXISTS access.begin(bytea, text, text, uuid, uuid, uuid, boolean)")
    op.drop_column("event", "client_request_id", schema="audit")
