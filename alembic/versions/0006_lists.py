"""lists

Names are folded in one way, and sort by it; what has ended says so; recommendations get the line that their versions share
(filled by the next revision). The tables of names are written anew, each once.

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from casework.migrations import run_script, sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = "name_key text NOT NULL GENERATED ALWAYS AS (casework.name_key(name)) STORED"
SORT = 'sort_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (casework.sort_key(name)) STORED'
FORMER_KEY = "name_key text NOT NULL GENERATED ALWAYS AS (regexp_replace(lower(name), '[^[:alnum:]]', '', 'g')) STORED"
SORTED = ("person", "team", "api_client", "police_force", "local_authority")
CASEWORK = {"schema": "casework"}
MOMENT = postgresql.TIMESTAMP(timezone=True, precision=3)


def upgrade() -> None:
    """To this revision."""
    run_script(sql("access", "folding.sql"))
    op.execute(
        f"ALTER TABLE casework.premises DROP COLUMN name_key, ADD COLUMN {KEY}, ADD COLUMN {SORT}"  # and the index with it
    )
    op.execute(
        f"ALTER TABLE casework.premises_alias DROP COLUMN name_key, ADD COLUMN {KEY}, ADD COLUMN {SORT},"
        " ADD COLUMN ended_at timestamptz(3), ADD COLUMN version integer DEFAULT 1 NOT NULL"
    )
    op.execute(f"ALTER TABLE casework.organisation_directory ADD COLUMN {KEY}, ADD COLUMN {SORT}")
    for table in SORTED:
        op.execute(f"ALTER TABLE casework.{table} ADD COLUMN {SORT}")
    op.add_column("premises_area", sa.Column("ended_at", MOMENT), **CASEWORK)
    op.add_column("recommendation", sa.Column("line_id", sa.Uuid()), **CASEWORK)

    op.drop_index("premises_team_id_name_idx", table_name="premises", **CASEWORK)
    op.create_index("premises_team_id_sort_key_idx", "premises", ["team_id", "sort_key", "id"], **CASEWORK)
    op.create_index("premises_team_id_name_key_idx", "premises", ["team_id", "name_key"], **CASEWORK)
    op.create_index(
        "premises_team_id_uprn_idx",
        "premises",
        ["team_id", "uprn"],
        postgresql_where=sa.text("uprn IS NOT NULL"),
        **CASEWORK,
    )
    op.create_index("premises_alias_team_id_name_key_idx", "premises_alias", ["team_id", "name_key"], **CASEWORK)
    op.drop_index("organisation_directory_name_idx", table_name="organisation_directory", **CASEWORK)
    op.create_index("organisation_directory_sort_key_idx", "organisation_directory", ["sort_key", "id"], **CASEWORK)
    op.create_index("organisation_directory_name_key_idx", "organisation_directory", ["name_key"], **CASEWORK)
    op.create_index("organisation_directory_team_id_idx", "organisation_directory", ["team_id"], **CASEWORK)
    op.create_index(
        "organisation_directory_company_number_idx",
        "organisation_directory",
        ["company_number"],
        postgresql_where=sa.text("company_number IS NOT NULL"),
        **CASEWORK,
    )
    op.drop_index("person_team_id_idx", table_name="person", **CASEWORK)
    op.create_index("person_team_id_sort_key_idx", "person", ["team_id", "sort_key", "id"], **CASEWORK)
    op.drop_index("api_client_team_id_idx", table_name="api_client", **CASEWORK)
    op.create_index("api_client_team_id_sort_key_idx", "api_client", ["team_id", "sort_key", "id"], **CASEWORK)
    op.create_index("team_sort_key_idx", "team", ["sort_key", "id"], **CASEWORK)


def downgrade() -> None:
    """Back to the revision before."""
    op.drop_index("team_sort_key_idx", table_name="team", **CASEWORK)
    op.create_index("api_client_team_id_idx", "api_client", ["team_id"], **CASEWORK)
    op.create_index("person_team_id_idx", "person", ["team_id"], **CASEWORK)
    op.create_index("organisation_directory_name_idx", "organisation_directory", ["name", "id"], **CASEWORK)
    op.drop_index("organisation_directory_company_number_idx", table_name="organisation_directory", **CASEWORK)
    op.drop_index("organisation_directory_team_id_idx", table_name="organisation_directory", **CASEWORK)
    op.drop_index("premises_team_id_uprn_idx", table_name="premises", **CASEWORK)
    op.create_index("premises_team_id_name_idx", "premises", ["team_id", "name", "id"], **CASEWORK)
    # The indexes of the columns go with them.
    op.drop_column("recommendation", "line_id", **CASEWORK)
    op.drop_column("premises_area", "ended_at", **CASEWORK)
    for table in SORTED:
        op.drop_column(table, "sort_key", **CASEWORK)
    op.execute("ALTER TABLE casework.organisation_directory DROP COLUMN name_key, DROP COLUMN sort_key")
    op.execute(
        "ALTER TABLE casework.premises_alias DROP COLUMN ended_at, DROP COLUMN version,"
        f" DROP COLUMN name_key, DROP COLUMN sort_key, ADD COLUMN {FORMER_KEY}"
    )
    op.execute(f"ALTER TABLE casework.premises DROP COLUMN name_key, DROP COLUMN sort_key, ADD COLUMN {FORMER_KEY}")
    for table in ("premises_alias", "premises"):
        op.create_index(f"{table}_team_id_name_key_idx", table, ["team_id", "name_key"], **CASEWORK)
    op.execute("DROP FUNCTION casework.sort_key(text), casework.name_key(text), casework.fold(text)")
