"""What the service shows to strangers in production: the file that lists it, and nothing else."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from casework.kernel.problems import Problem
from casework.kernel.settings import Settings
from tests.support import contract
from tests.support.callers import PATIENCE, fetch
from tests.support.server import serving
from tests.support.world import World

LIST = Path(__file__).parents[1] / "docs" / "unauthenticated_paths.txt"
DEBUG = (
    "/", "/docs", "/docs/swagger-ui.css", "/docs/start.js", "/redoc", "/openapi.json", "/metrics", "/debug", "/debug/pprof",
    "/_debug", "/status", "/server-status", "/health", "/healthz", "/health/metrics", "/actuator", "/actuator/env", "/env",
    "/config", "/.env", "/.git/config", "/.well-known/security.txt", "/robots.txt", "/favicon.ico", "/admin", "/console",
    "/graphql", "/swagger", "/swagger.json", "/swagger-ui/", "/api", "/v1", "/v1/", "/v1/openapi.json", "/v2/cases",
    "/static/", "/internal", "/internal/profile", "/trace", "/dump", "/phpinfo.php", "/wp-login.php", "/v1/../metrics",
)  # fmt: skip
PROBLEM_PAGE = "/problems/{slug}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "CONNECT")


@pytest.fixture(scope="module")
def production(world: World, test_settings: Settings) -> Iterator[httpx.Client]:
    """The service as a force would start it: production, and nothing turned on."""
    settings = test_settings.model_copy(update={"environment": "production", "docs": None, "local_login": False})
    with serving(settings, world.addresses) as url, httpx.Client(base_url=url, timeout=PATIENCE) as client:
        yield client


def listed() -> set[str]:
    """The lines of the file: ``METHOD path``; what follows two spaces is why."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {line.partition("  ")[0].strip() for line in lines if line and not line.startswith("#")}


def ask(client: httpx.Client, method: str, path: str, example: object = None) -> int:
    sent = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"'}
    if path == "/v1/oauth/token":
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        return client.request(method, path, headers=sent, content=str(example or "")).status_code
    body = {"json": example if example is not None else {}} if method in ("POST", "PUT", "PATCH") else {}
    return client.request(method, path, headers=sent, **body).status_code  # type: ignore[arg-type]


def answered(client: httpx.Client) -> set[str]:
    """Everything that answers a stranger with anything but 401 and 404."""
    found = set()
    for template, item in contract.document()["paths"].items():
        # Look-ups have names for ids.
        path = template.replace("/v1/reference/{kind}", "/v1/reference/sectors")
        path = re.sub(r"\{[^}]+\}", lambda _: str(uuid.uuid4()), path)
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            example = next(iter(content.values()), {}).get("example")
            statuses = {ask(client, method.upper(), path, each) for each in (example, None)}
            if statuses - {401, 404}:
                found.add(f"{method.upper()} {template}")
    for slug in Problem.registry:
        if client.get(f"/problems/{slug}").status_code != 404:
            found.add(f"GET {PROBLEM_PAGE}")
    return found | {f"GET {path}" for path in DEBUG if client.get(path).status_code not in (401, 404)}


def test_the_list_is_what_strangers_are_answered(production: httpx.Client) -> None:
    found = answered(production)
    more, fewer = sorted(found - listed()), sorted(listed() - found)
    assert not more, "answers strangers, and is not in docs/unauthenticated_paths.txt:\n" + "\n".join(more)
    assert not fewer, "in docs/unauthenticated_paths.txt, and answers no stranger:\n" + "\n".join(fewer)


def test_no_other_method_opens_anything(production: httpx.Client) -> None:
    for path in ("/v1/cases", "/openapi.json", "/metrics", "/v1/people"):
        for method in METHODS:
            if method != "CONNECT":
                answer = production.request(method, path)
                assert answer.status_code in (400, 401, 404, 405, 415), (method, path, answer.status_code)


def test_what_strangers_get_names_no_version_and_no_program(production: httpx.Client) -> None:
    for path in ("/health/live", "/health/ready", "/nothing", "/v1/cases", "/problems/not-found"):
        answer = production.get(path)
        assert "x-powered-by" not in answer.headers
        assert not re.search(r"uvicorn|starlette|fastapi|python|postgres|asyncpg|traceback", answer.text, re.IGNORECASE)
    assert set(json.loads(production.get("/health/live").text)) == {"status"}


def test_a_development_setting_is_what_shows_the_docs(world: World, test_settings: Settings) -> None:
    settings = test_settings.model_copy(update={"environment": "development", "docs": None})
    with serving(settings, world.addresses) as url:
        assert fetch(f"{url}/docs").status_code == 200
