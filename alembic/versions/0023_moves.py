"""advice whose case moved

Advice that was in review when its case moved to another force is back with that as its reason. Nothing is filled: of what moved
before, nobody can say it now.

Revision: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

REASONS = ("review", "content_changed", "taken_back")


def _allow(*reasons: str) -> None:
    name, allowed = "advice_return_reason_check", ", ".join(f"'{reason}'" for reason in reasons)
    op.execute(f"ALTER TABLE casework.advice DROP CONSTRAINT {name}")
    # Looked through without keeping writers out.
    op.execute(f"ALTER TABLE casework.advice ADD CONSTRAINT {name} CHECK (return_reason IN ({allowed})) NOT VALID")
    op.execute(f"ALTER TABLE casework.advice VALIDATE CONSTRAINT {name}")


def upgrade() -> None:
    """To this revision."""
    _allow(*REASONS, "case_moved")


def downgrade() -> None:
    """Back to the revision before: what is back because its case moved is told as taken back."""
    op.execute("ALTER TABLE casework.advice DISABLE TRIGGER USER")
    op.execute("UPDATE casework.advice SET return_reason = 'taken_back' WHERE return_reason = 'case_moved'")
    op.execute("ALTER TABLE casework.advice ENABLE TRIGGER USER")
    _allow(*REASONS)
