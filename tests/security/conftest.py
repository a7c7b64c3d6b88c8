"""The stage is built once a worker, and is asked by every proof that changes nothing on it."""

import pytest

from tests.security import stage as staging
from tests.support.world import World


@pytest.fixture(scope="module")
def stage(world: World) -> staging.Stage:
    """Two forces, what each keeps, and everybody who could want to see it."""
    return staging.build(world)
