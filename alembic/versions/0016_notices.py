"""notices

The privacy notice and the accessibility statement of each force, version by version, and which version an enquiry was shown. What
came in before keeps none: nobody noted it. Offers to review for other forces.

Revision: 0016
Revises: 0015
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CASEWORK = {"schema": "casework"}
MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)
NOW = sa.text("date_trunc('milliseconds', casework.now())")
TEXTS = ("title", "text", "controller", "data_protection_officer", "complaints")


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("casework.new_id()"), nullable=False)


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def upgrade() -> None:
    """To this revision. The enquiries that are there are left as they are."""
    op.create_table(
        "notice",
        *(sa.Column(name, sa.Text(), nullable=name not in ("title", "text")) for name in TEXTS),
        *(sa.Column(f"{name}_cy", sa.Text(), nullable=True) for name in TEXTS),
        _id(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("force_code", sa.Text(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("writers", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        _version(),
        sa.CheckConstraint("kind IN ('privacy', 'accessibility')", name=op.f("notice_kind_check")),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'superseded', 'withdrawn')", name=op.f("notice_state_check")
        ),
        sa.CheckConstraint("(team_id IS NULL) = (force_code IS NULL)", name=op.f("notice_force_check")),
        sa.CheckConstraint(
            "kind <> 'privacy' OR num_nulls(controller, data_protection_officer, complaints) = 0",
            name=op.f("notice_privacy_check"),
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> ALL (writers)", name=op.f("notice_apart_check")),
        sa.CheckConstraint("force_code IS NULL OR cardinality(writers) > 0", name=op.f("notice_written_check")),
        sa.CheckConstraint(
            "(state IN ('approved', 'superseded')) = (number IS NOT NULL)"
            " AND (number IS NULL) = (approved_at IS NULL)"
            " AND (approved_by IS NULL) = (number IS NULL OR force_code IS NULL)",
            name=op.f("notice_approved_check"),
        ),
        sa.ForeignKeyConstraint(["approved_by"], ["casework.person.id"], name=op.f("notice_approved_by_fkey")),
        sa.ForeignKeyConstraint(["force_code"], ["casework.police_force.code"], name=op.f("notice_force_code_fkey")),
        sa.ForeignKeyConstraint(["team_id"], ["casework.team.id"], name=op.f("notice_team_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("notice_pkey")),
        **CASEWORK,
    )
    op.create_index("notice_team_id_idx", "notice", ["team_id", "created_at", "id"], unique=False, **CASEWORK)
    for name, columns, where in (
        ("notice_in_force_key", ["kind", "force_code"], "state = 'approved'"),
        ("notice_number_key", ["kind", "force_code", "number"], "number IS NOT NULL"),
    ):
        op.create_index(
            name,
            "notice",
            columns,
            unique=True,
            postgresql_where=sa.text(where),
            postgresql_nulls_not_distinct=True,
            **CASEWORK,
        )
    _offers()
    op.add_column("enquiry", sa.Column("notice_id", sa.Uuid(), nullable=True), **CASEWORK)
    # Not looked through: every row there is has none.
    op.execute(
        "ALTER TABLE casework.enquiry ADD CONSTRAINT enquiry_notice_id_fkey FOREIGN KEY (notice_id)"
        " REFERENCES casework.notice (id) NOT VALID"
    )
    op.execute("ALTER TABLE casework.enquiry VALIDATE CONSTRAINT enquiry_notice_id_fkey")


def _offers() -> None:
    op.create_table(
        "review_offer",
        _id(),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("strands", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("offered_by", sa.Uuid(), nullable=False),
        sa.Column("offered_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        _version(),
        sa.CheckConstraint("cardinality(strands) > 0 OR ended_at IS NOT NULL", name=op.f("review_offer_strands_check")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name=op.f("review_offer_ended_check")),
        sa.CheckConstraint(
            "ended_because IN ('taken_back', 'expired', 'no_longer_reviewer', 'no_longer_competent')",
            name=op.f("review_offer_because_check"),
        ),
        sa.ForeignKeyConstraint(["offered_by"], ["casework.person.id"], name=op.f("review_offer_offered_by_fkey")),
        sa.ForeignKeyConstraint(["person_id"], ["casework.person.id"], name=op.f("review_offer_person_id_fkey")),
        sa.ForeignKeyConstraint(["team_id"], ["casework.team.id"], name=op.f("review_offer_team_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("review_offer_pkey")),
        **CASEWORK,
    )
    op.create_index(
        "review_offer_standing_key",
        "review_offer",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        **CASEWORK,
    )
    op.create_index("review_offer_until_idx", "review_offer", ["until", "id"], unique=False, **CASEWORK)


def downgrade() -> None:
    """Back to the revision before; notices, which of them was shown, and offers to review are lost."""
    for trigger in ("keep_notice_shown", "keep_notice_shown_for_good"):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON casework.enquiry")
    op.drop_constraint(op.f("enquiry_notice_id_fkey"), "enquiry", type_="foreignkey", **CASEWORK)
    op.drop_column("enquiry", "notice_id", **CASEWORK)
    for function in (
        "casework.keep_notice()",
        "casework.keep_review_offer()",
        "casework.narrow_review_offer()",
        "access.end_review_offer()",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS {function} CASCADE")
    op.drop_table("review_offer", **CASEWORK)
    op.drop_table("notice", **CASEWORK)
