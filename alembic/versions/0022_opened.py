"""who opened a case to a contact

Whoever opens to an enquiry what a case held before does not verify its contact, and is noted beside those who brought it in.

Revision: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _may_be(words: str) -> None:
    op.drop_constraint(op.f("introduction_what_check"), "introduction", schema="access", type_="check")
    op.create_check_constraint(op.f("introduction_what_check"), "introduction", f"what IN ({words})", schema="access")


def upgrade() -> None:
    """To this revision."""
    _may_be("'submitted', 'replaced', 'token', 'opened'")


def downgrade() -> None:
    """Back to the revision before, which knows nothing of who opened a case."""
    op.execute("DELETE FROM access.introduction WHERE what = 'opened'")
    _may_be("'submitted', 'replaced', 'token'")
