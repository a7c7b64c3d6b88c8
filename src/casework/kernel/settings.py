"""Everything that can be set from outside, read once from CASEWORK_* variables or files."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from casework.kernel.outgoing import check_address


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Settings of the service. Secrets may also come from files of the same name in ``CASEWORK_SECRETS_DIR``."""

    model_config = SettingsConfigDict(
        env_prefix="CASEWORK_", extra="ignore", secrets_dir=os.environ.get("CASEWORK_SECRETS_DIR")
    )

    environment: Literal["development", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    var: Path = Path("var")
    """Where the embedded database, its secrets and the keys live."""

    database_url: SecretStr | None = None
    """Server mode: the URL of the login role casework_api. Unset: the embedded PostgreSQL under ``var``."""
    public_database_url: SecretStr | None = None
    door_database_url: SecretStr | None = None
    worker_database_url: SecretStr | None = None
    admin_database_url: SecretStr | None = None
    """A superuser's URL, for the host's commands only (migrate, people bootstrap, import, demo)."""

    staff_pool: int = Field(default=6, ge=1, le=64)
    public_pool: int = Field(default=3, ge=1, le=64)
    pool_wait_seconds: float = 1.5
    """How long a request that is at work waits for a connection; with ``admission_seconds``, what a caller waits at most."""
    keys_dir: Path | None = None
    """Where signing keys are kept; ``var/keys`` unless set."""

    local_login: bool = False
    """Log-in with a password, for trial and tests. Off unless configured."""
    allowed_hosts: CommaSeparated = ()
    cors_origins: CommaSeparated = ()
    docs: bool | None = None
    """Serve the docs page and the contract; by default in development only."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    request_log: bool = False
    """A line for each request on standard output; ``casework serve`` turns it on."""
    workers: int = Field(default=1, ge=1, le=64)
    """API processes of ``casework serve``."""
    trusted_proxies: str = "127.0.0.1,::1"
    """The addresses of the proxies whose X-Forwarded-For is believed: rate limits count by the caller's address."""
    session_idle_minutes: int = Field(default=60, ge=1)
    session_hours: int = Field(default=12, ge=1)
    client_token_minutes: int = Field(default=15, ge=1, le=60)
    oidc_issuer: str | None = Field(default=None, max_length=255)
    """The identity provider whose access tokens are taken (federated log-in), written as it writes itself in ``iss``.
    Off unless set; https, but for a provider on this machine in development."""
    oidc_audience: str | None = Field(default=None, max_length=255)
    """What the provider calls this service: its tokens must be meant for it (``aud``)."""
    oidc_token_type: Literal["at+jwt", "JWT"] = "at+jwt"  # noqa: S105 — a media type
    """The ``typ`` of the provider's access tokens; ``JWT`` only for one that does not follow RFC 9068."""
    oidc_token_minutes: int = Field(default=60, ge=1, le=24 * 60)
    """Tokens that live longer, from ``iat`` to ``exp``, are refused."""
    oidc_refresh_seconds: int = Field(default=30, ge=1)
    """The provider's keys are asked for again this often at most, however many unknown keys tokens name."""
    login_tries_per_minute: int = Field(default=10, ge=1)
    submissions_per_hour: int = Field(default=30, ge=1)
    """Enquiries from one address by callers without an account; signposts are answered without a limit."""
    wrong_tokens_per_minute: int = Field(default=20, ge=1)
    """Tracking tokens that open nothing, from one address."""
    person_per_minute: int = Field(default=600, ge=0)
    """Requests of one person, whichever of their sessions they come by. 0: as many as they like; so with the next three."""
    tool_per_minute: int = Field(default=1_200, ge=0)
    address_per_minute: int = Field(default=3_000, ge=0)
    stranger_writes_per_minute: int = Field(default=60, ge=0)
    """Requests other than reads by callers whose token is not known (yet), from one address."""
    staff_at_work: int = Field(default=12, ge=1)
    """Requests of staff and tools that one process works on at a time; ``staff_waiting`` more wait for a place."""
    staff_waiting: int = Field(default=128, ge=0)
    strangers_at_work: int = Field(default=4, ge=1)
    """The same for everybody else: fewer than ``staff_pool``, so that invented tokens cannot take all its connections."""
    strangers_waiting: int = Field(default=64, ge=0)
    admission_seconds: float = Field(default=0.8, gt=0)
    """How long a request waits for its place, before it is told to come back."""
    connections: int = Field(default=1_000, ge=10)
    """Open connections of one process; above, everything but signposts and emergencies is answered with 503."""

    mail_url: SecretStr | None = None
    """How messages leave: ``smtps://user:password@host:port``, ``smtp://…`` (STARTTLS), or a directory for trial. Unset: the
    directory ``mail`` under ``var`` in development and on the embedded database, and nothing elsewhere."""
    mail_from: str = Field(default="no-reply@casework.invalid", max_length=254)
    """The address that messages come from; answers go to the team's mailbox."""
    tracking_page: str | None = Field(default=None, max_length=500)
    """The address of the public page where a business tracks its enquiry; messages name it."""
    confirmed_hours: int = Field(default=12, ge=1, le=24)
    """For how long a one-time code opens more than the status to the device that entered it."""
    confirmed_idle_minutes: int = Field(default=60, ge=1)
    """After how long without a request it is over before."""
    force_mail_domains: CommaSeparated = ("police.uk",)
    """The forces' own mail domains, with all below them: an address of one is no contact's, but by a supervisor's word.
    `casework migrate` tells the database."""
    codes_per_hour: int = Field(default=5, ge=1, le=10)
    """One-time codes that one network address may ask for a contact; whatever the addresses, ten a day are sent to one."""

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        """Federated log-in is configured whole or not at all, and never over a line that others can write on."""
        if (self.oidc_issuer is None) != (self.oidc_audience is None):
            raise ValueError("set CASEWORK_OIDC_ISSUER and CASEWORK_OIDC_AUDIENCE, or neither")
        if self.oidc_issuer is not None:
            check_address(self.oidc_issuer, loopback=self.environment == "development")
        return self

    @property
    def serves_docs(self) -> bool:
        """Whether strangers may read the docs page: a debug surface, so only where it was asked for."""
        return self.docs if self.docs is not None else self.environment == "development"

    @property
    def mail(self) -> str | None:
        """Where messages go; ``None``: nowhere."""
        if self.mail_url is not None:
            return self.mail_url.get_secret_value() or None
        trial = self.environment == "development" or self.database_url is None
        return str(self.var / "mail") if trial else None

    @property
    def keys(self) -> Path:
        """The directory of the signing keys."""
        return self.keys_dir or self.var / "keys"


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
