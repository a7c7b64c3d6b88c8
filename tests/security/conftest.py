"""The stage is built once a worker, and is asked by every proof that changes nothing on it."""

from collections.abc import Iterator

import pytest

from casework.kernel.settings import Settings
from tests.security import stage as staging
from tests.support.federated import federated
from tests.support.issuer import Issuer
from tests.support.world import World


@pytest.fixture(scope="module")
def stage(world: World, test_settings: Settings) -> Iterator[staging.Stage]:
    """Two forces, what each keeps, and everybody who could want to see it; federated log-in is on, or nothing of it is asked."""
    issuer = Issuer()
    try:
        with federated(world, test_settings, issuer) as whole:
            yield staging.build(whole)
    finally:
        issuer.close()
