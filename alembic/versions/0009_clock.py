"""clock

Moments that records are stamped with follow the clock of the field's rules.

Revision: 0009
Revises: 0008
"""

from alembic import op
from casework.migrations import run_script, sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REAL = "date_trunc('milliseconds', now())"
FIELD = "date_trunc('milliseconds', casework.now())"


def upgrade() -> None:
    """To this revision. What is stored stays as it is."""
    run_script(sql("access", "schemas.sql"))
    replace_defaults(REAL, FIELD)


def downgrade() -> None:
    """Back to the revision before."""
    replace_defaults(FIELD, REAL)


def replace_defaults(old: str, new: str) -> None:
    """Give every column of the field's own tables that is filled with the one the other."""
    op.execute(f"""
        DO $$ DECLARE c record; BEGIN
            FOR c IN SELECT t.relname, a.attname
                     FROM pg_attrdef d
                     JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                     JOIN pg_class t ON t.oid = d.adrelid
                     WHERE t.relnamespace = 'casework'::regnamespace AND t.relkind = 'r'
                       AND replace(pg_get_expr(d.adbin, d.adrelid), '::text', '') = $old${old}$old$
            LOOP
                EXECUTE format('ALTER TABLE casework.%I ALTER COLUMN %I SET DEFAULT %s', c.relname, c.attname, $new${new}$new$);
            END LOOP;
        END $$""")
