"""The contract under generated requests has a target of its own (`make test-api`): `make test` leaves this directory alone."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collected in the whole form only."""
    return None if config.getoption("full") else True
