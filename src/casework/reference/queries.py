"""Every statement about reference data."""

from sqlalchemy import Text

from casework.kernel.statements import written

WORDS = written("SELECT code FROM casework.lookup WHERE kind = :kind AND active ORDER BY position", kind=Text())
