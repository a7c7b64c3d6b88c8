"""Everything that can be set from outside, read once from CASEWORK_* variables or files."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


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
    pool_wait_seconds: float = 2.0
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
    login_tries_per_minute: int = Field(default=10, ge=1)
    submissions_per_hour: int = Field(default=30, ge=1)
    """Enquiries from one address by callers without an account; signposts are answered without a limit."""
    wrong_tokens_per_minute: int = Field(default=20, ge=1)
    """Tracking tokens that open nothing, from one address."""

    @property
    def serves_docs(self) -> bool:
        """Whether strangers may read the docs page: a debug surface, so only where it was asked for."""
        return self.docs if self.docs is not None else self.environment == "development"

    @property
    def keys(self) -> Path:
        """The directory of the signing keys."""
        return self.keys_dir or self.var / "keys"


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
