"""The service with federated log-in on, against a provider of its own process."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from casework.kernel.settings import Settings
from tests.support.callers import Caller
from tests.support.issuer import AUDIENCE, Issuer
from tests.support.server import serving
from tests.support.world import World


def configured(settings: Settings, issuer: Issuer, **more: Any) -> Settings:
    """The settings under test with the provider; development, because it is called over http on this machine."""
    return settings.model_copy(
        update={
            "environment": "development",
            "oidc_issuer": issuer.url,
            "oidc_audience": AUDIENCE,
            "oidc_refresh_seconds": 1,
            **more,
        }
    )


@contextmanager
def federated(world: World, settings: Settings, issuer: Issuer, **more: Any) -> Iterator[World]:
    """The same database behind a server that takes the provider's tokens."""
    with serving(configured(settings, issuer, **more), world.addresses) as base_url:
        other = World(base_url, world.addresses, world.database)
        yield other
        other.close()


def linked(world: World, issuer: Issuer, person: Caller) -> str:
    """A subject at the provider that stands for this person, as the host's command would link it."""
    subject = f"subject-{secrets.token_hex(8)}"
    world.logged_sql("SELECT access.bind_identity($1, $2, $3, NULL)", person.person_id, issuer.url, subject)
    return subject
