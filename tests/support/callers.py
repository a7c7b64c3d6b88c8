"""Who calls in a test: a token, and the habits of a well-behaved client (keys, versions)."""

import ssl
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from tests.support import canaries, contract

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, and is loaded once: each client would otherwise read every authority's certificate for a loopback address."""

PATIENCE = 60.0
"""Seconds: a busy machine is no fault of what is tested."""


def fetch(url: str, **given: Any) -> httpx.Response:
    """A plain GET that nobody's limit of five seconds breaks off."""
    return httpx.get(url, timeout=PATIENCE, **given)


class Caller:
    """A client with a token. Every answer it gets is held against the committed contract."""

    def __init__(
        self, base_url: str, token: str | None = None, *, person_id: str | None = None, name: str = ""
    ) -> None:
        self.token = token
        self.person_id = person_id
        self.name = name
        self.teams: set[str] = set()
        """The ids of the teams whose people, tools or enquirers this is."""
        self.mark = ""
        """What this caller's own texts carry, so that they are known wherever they turn up."""
        self.tied: canaries.Tied | None = None
        self.confirmation: str | None = None
        """What this device was given for a one-time code."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=PATIENCE, verify=NO_TLS)

    def close(self) -> None:
        self._client.close()

    def confirmed_by(self, confirmation: str) -> None:
        """From now on this device sends what it was given for a one-time code."""
        self.confirmation = confirmation
        self._client.headers["X-Confirmation"] = confirmation

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Any request, as it is."""
        response = self._client.request(method, path, **given)
        contract.check(response)
        if method != "HEAD":
            once_each(response)
        canaries.seen(response, self.teams, self.person_id, self.tied)
        return response

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.request("GET", path, params=params or None)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        match: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A POST with a fresh Idempotency-Key unless one is given; ``match`` is a version, or a response that has an ETag."""
        sent = {"Idempotency-Key": key or str(uuid.uuid4()), **_match(match), **(headers or {})}
        return self.request("POST", path, json=body if body is not None else {}, headers=sent)

    def patch(self, path: str, body: Any, *, match: Any = None) -> httpx.Response:
        return self.request("PATCH", path, json=body, headers=_match(match))

    def delete(self, path: str, *, match: Any = None) -> httpx.Response:
        return self.request("DELETE", path, headers={"Idempotency-Key": str(uuid.uuid4()), **_match(match)})


def once_each(response: httpx.Response) -> None:
    """Whatever the number of reasons why somebody may see a record, an answer holds it once: so do lists within a record."""
    if response.headers.get("content-type", "").startswith("application/json"):
        for found in _lists(response.json()):
            named = [name for each in found if isinstance(each, dict) and (name := _identity(each)) is not None]
            twins = {name for name in named if named.count(name) > 1}
            assert not twins, f"{response.request.method} {response.request.url.path} tells {twins} more than once"


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _lists(inner)


def _identity(item: dict[str, Any]) -> Any:
    """By what an item of a list is known. A line of the processing log is an event; the records beneath it are told by what was
    done with them, and an event may do a thing to one record twice, but to consult it twice is the same record listed twice."""
    if "operation" in item:
        return (item["kind"], item["id"]) if item["operation"] == "consultation" and item["id"] is not None else None
    return item.get("event", item.get("id"))


def _match(match: Any) -> dict[str, str]:
    if match is None:
        return {}
    if isinstance(match, httpx.Response):
        return {"If-Match": match.headers["ETag"]}
    return {"If-Match": f'"{match}"'}


def ok(response: httpx.Response, status: int | None = None) -> Any:
    """The JSON of a success; says what came instead. Without ``warnings`` where there are none: ``warned`` reads those."""
    wanted = (status,) if status else (200, 201, 202)
    assert response.status_code in wanted, (
        f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
    )
    body = response.json()
    if isinstance(body, dict) and body.get("warnings") == []:
        del body["warnings"]
    return body


def warned(response: httpx.Response) -> list[tuple[str, str]]:
    """Pointer and code of each warning of an answer."""
    assert response.is_success, response.text
    return [(each["pointer"], each["code"]) for each in response.json()["warnings"]]


def refused(response: httpx.Response, status: int, slug: str) -> Any:
    """The problem document of a refusal."""
    assert response.status_code == status, f"{response.status_code} {response.text}"
    document = response.json()
    assert document["type"] == f"/problems/{slug}", document
    return document
