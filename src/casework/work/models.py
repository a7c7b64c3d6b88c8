"""What the service remembers of its own work: answers to keys, workers that live, imports that broke off."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from casework.kernel.tables import moment


class IdempotencyKey(SQLModel, table=True):
    """One key of one caller. The key itself is not kept, nor any secret of the answer."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("idempotency_key_created_at_idx", "created_at"), {"schema": "work"})

    caller: str = Field(primary_key=True, sa_type=Text)
    key_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    fingerprint: bytes = Field(sa_type=LargeBinary, nullable=False)
    salt: bytes = Field(
        default=None,
        sa_type=LargeBinary,
        nullable=False,
        sa_column_kwargs={"server_default": text("uuid_send(gen_random_uuid())")},
    )
    """Goes into the secrets of the answer, so that nobody who knows the key alone can make them."""
    status: int | None = None
    headers: str | None = Field(default=None, sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = moment(real_now=True)
    touched_at: datetime = moment(real_now=True)


class WorkerBeat(SQLModel, table=True):
    """When each worker last said that it lives."""

    __tablename__ = "worker_beat"
    __table_args__ = ({"schema": "work"},)

    name: str = Field(primary_key=True, sa_type=Text)
    beat_at: datetime = moment(real_now=True)


class ImportBatch(SQLModel, table=True):
    """A batch of a file that is being imported, written with its rows: what a run that broke off need not do again.

    It is gone when the file has been imported to its end.
    """

    __tablename__ = "import_batch"
    __table_args__ = ({"schema": "work"},)

    source: str = Field(primary_key=True, sa_type=Text)
    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    """The SHA-256 of the file."""
    first_line: int = Field(primary_key=True)
    last_line: int = Field(primary_key=True)
    stored_at: datetime = moment(real_now=True)
