"""former codes of local authorities; the batches of an import that is under way

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RECODED = (("E08000016", "E08000038"), ("E08000019", "E08000039"))
"""Barnsley and Sheffield: what `casework migrate` knew by the first code before this revision, and by the second after it."""

FORMER = [
    "E06000028",
    "E06000029",
    "E06000048",
    "E07000004",
    "E07000005",
    "E07000006",
    "E07000007",
    "E07000026",
    "E07000027",
    "E07000028",
    "E07000029",
    "E07000030",
    "E07000031",
    "E07000048",
    "E07000049",
    "E07000050",
    "E07000051",
    "E07000052",
    "E07000053",
    "E07000097",
    "E07000100",
    "E07000101",
    "E07000104",
    "E07000150",
    "E07000151",
    "E07000152",
    "E07000153",
    "E07000154",
    "E07000155",
    "E07000156",
    "E07000163",
    "E07000164",
    "E07000165",
    "E07000166",
    "E07000167",
    "E07000168",
    "E07000169",
    "E07000187",
    "E07000188",
    "E07000189",
    "E07000190",
    "E07000191",
    "E07000201",
    "E07000204",
    "E07000205",
    "E07000206",
    "E07000246",
    "E08000020",
    "S12000015",
    "S12000024",
    "S12000044",
    "S12000046",
]
"""The other former codes that the packaged data brought with this revision."""


def upgrade() -> None:
    """To this revision. Which codes are former ones comes with the packaged data, which `casework migrate` loads next."""
    op.add_column("local_authority", sa.Column("replaced_by", sa.Text(), nullable=True), schema="casework")
    op.create_foreign_key(
        op.f("local_authority_replaced_by_fkey"),
        "local_authority",
        "local_authority",
        ["replaced_by"],
        ["code"],
        source_schema="casework",
        referent_schema="casework",
    )
    op.create_index(
        op.f("local_authority_replaced_by_idx"), "local_authority", ["replaced_by"], unique=False, schema="casework"
    )
    op.create_table(
        "import_batch",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("first_line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "stored_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "digest", "first_line", "last_line", name=op.f("import_batch_pkey")),
        schema="work",
    )


def downgrade() -> None:
    """Back to the revision before, which takes every row for an authority of today."""
    op.drop_table("import_batch", schema="work")
    op.execute("SELECT access.begin_system('reference.manage', 'casework migrate')")
    for before, after in RECODED:
        for table in ("premises", "postcode", "enquiry"):
            op.execute(
                f"UPDATE casework.{table} SET local_authority_code = '{before}' WHERE local_authority_code = '{after}'"
            )
    # What an operator's own list replaced was an authority before, and is one again.
    op.execute("UPDATE casework.local_authority SET replaced_by = NULL WHERE replaced_by IS NOT NULL")
    unknown = ", ".join(f"'{code}'" for code in (*FORMER, *(after for _, after in RECODED)))
    op.execute(f"DELETE FROM casework.local_authority WHERE code IN ({unknown})")
    op.drop_index(op.f("local_authority_replaced_by_idx"), table_name="local_authority", schema="casework")
    op.drop_constraint(
        op.f("local_authority_replaced_by_fkey"), "local_authority", schema="casework", type_="foreignkey"
    )
    op.drop_column("local_authority", "replaced_by", schema="casework")
