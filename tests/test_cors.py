"""A frontend on another origin may call, if a setting names it; nobody else's pages may."""

import httpx
import pytest

from casework.kernel.settings import Settings
from tests.support.callers import fetch
from tests.support.server import serving
from tests.support.world import World

FRONTEND = "https://casework.police.example"


@pytest.fixture
def base_url(world: World, test_settings: Settings):
    with serving(test_settings.model_copy(update={"cors_origins": (FRONTEND,)}), world.addresses) as url:
        yield url


def test_the_named_origin_may_send_what_the_api_needs(base_url: str) -> None:
    asked = {
        "Origin": FRONTEND,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-match",
    }
    answer = httpx.options(f"{base_url}/v1/cases", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_named_origin_may_read_refusals_and_versions(base_url: str) -> None:
    refused = fetch(f"{base_url}/v1/cases", headers={"Origin": FRONTEND})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == FRONTEND
    assert "ETag" in refused.headers["Access-Control-Expose-Headers"]


def test_no_other_origin_is_named(base_url: str, world: World) -> None:
    assert (
        "Access-Control-Allow-Origin"
        not in fetch(f"{base_url}/v1/signposts", headers={"Origin": "https://evil.example"}).headers
    )
    assert (
        "Access-Control-Allow-Origin"
        not in fetch(f"{world.base_url}/v1/signposts", headers={"Origin": FRONTEND}).headers
    )
