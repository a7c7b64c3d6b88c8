"""What refusing costs: the worst bodies of every operation on the event loop, and 999 while such bodies arrive."""

import asyncio
import json
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from casework.app import behind_boundary, create_app
from casework.kernel.settings import Settings
from casework.kernel.sizes import PUBLIC, STAFF, Size
from tests.architecture.test_inputs import largest
from tests.drills.test_flood import deployed  # noqa: F401 — the fixture
from tests.support import contract
from tests.support.world import World

pytestmark = pytest.mark.drill

EVERYBODY = (
    "adviser", "reviewer", "coordinator", "supervisor", "information_manager", "auditor", "national_reader",
    "professional_lead", "administrator",
)  # fmt: skip
SECONDS, BODIES_A_SECOND = 6.0, 5


def hostile(most: Size, schema: dict[str, Any] | None = None) -> Iterator[tuple[str, bytes]]:
    """Bodies that are as dear as their size allows, by what makes them so."""
    whole = most.bytes
    yield "unknown members", json.dumps({f"u{n}": 1 for n in range(most.members)}).encode()
    yield "too many members", b"{" + b",".join(b'"u%d":1' % n for n in range(whole // 10)) + b"}"
    yield "too many lists", b"[" + b",".join([b"[]"] * (whole // 3 - 1)) + b"]"
    yield "brackets", b"[" * whole
    yield "quotes", b'"' * whole
    yield "escapes", (b'{"description":"' + rb"\u00e9" * (whole // 6 - 20) + b'"}')[:whole]
    yield "accents", json.dumps({"description": "e\u0301" * (whole // 3 - 20)}, ensure_ascii=False).encode()[:whole]
    yield "commas", b'{"description":"' + b"," * (whole - 20) + b'"}'
    if schema is not None:
        worst = largest(schema)
        yield "all wrong", json.dumps(worst).encode()[:whole]
        yield (
            "all texts",
            next((body for body in map(texts_in(worst), (60, 40, 20, 10, 5)) if len(body) <= whole), b"{}"),
        )


def texts_in(worst: Any) -> Callable[[int], bytes]:
    """The body with a text of so many accents in each place."""
    return lambda length: json.dumps(texts(worst, length), ensure_ascii=False).encode()


def texts(value: Any, length: int) -> Any:
    """The same with a text of accents in each place."""
    if isinstance(value, dict):
        return {name: texts(each, length) for name, each in value.items()}
    return [texts(each, length) for each in value] if isinstance(value, list) else "e\u0301" * length


def operations() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Every operation that takes JSON: name, method, path, schema."""
    return [
        (stated["operationId"], method.upper(), path, stated["requestBody"]["content"]["application/json"]["schema"])
        for path, item in contract.document()["paths"].items()
        for method, stated in item.items()
        if "application/json" in stated.get("requestBody", {}).get("content", {})
    ]


def test_the_worst_body_of_any_operation(world: World, test_settings: Settings) -> None:
    team = world.team()
    caller = team.person(*EVERYBODY)
    figures: list[tuple[float, str, str, int]] = []

    async def go() -> None:
        app = create_app(test_settings, world.addresses)
        async with app.router.lifespan_context(app):
            served = behind_boundary(app, test_settings)
            for name, method, path, schema in operations():
                for token, most in ((caller.token, STAFF), (None, PUBLIC)):
                    for what, body in hostile(most, schema):
                        taken, status = await cost(served, method, path.replace("{", "").replace("}", ""), token, body)
                        figures.append((taken, f"{name} ({'staff' if token else 'public'})", what, status))

    asyncio.run(go())
    assert len(figures) > 1_000
    assert not [figure for figure in figures if figure[3] >= 500]
    figures.sort(reverse=True)
    for taken, name, what, status in figures[:5]:
        print(f"{taken * 1000:6.1f} ms of the loop: {name}, {what}: {status}")
    print(f"median {statistics.median(figure[0] for figure in figures) * 1000:.1f} ms of {len(figures)} bodies")


async def cost(served: Any, method: str, path: str, token: str | None, body: bytes) -> tuple[float, int]:
    """The processor time of the loop's thread for one request, the least of three, and its status."""
    for named in ("case_id", "enquiry_id"):
        path = path.replace(named, str(uuid.uuid4()))
    path = "/".join(str(uuid.uuid4()) if part.endswith("_id") else part for part in path.split("/"))
    best, status = 9.0, 0
    for _ in range(3):
        headers = [
            (b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
            (b"idempotency-key", str(uuid.uuid4()).encode()), (b"if-match", b'"1"'),
        ]  # fmt: skip
        headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http",
            "server": ("localhost", 80), "root_path": "",
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        begun = time.thread_time()
        await served(scope, receive, send)
        best, status = min(best, time.thread_time() - begun), sent[0]["status"]
    return best, status


def test_999_while_such_bodies_arrive(deployed: World) -> None:  # noqa: F811 — the fixture
    stop = threading.Event()
    statuses: dict[int, int] = {}
    bodies = [body for most in (PUBLIC, STAFF) for _, body in hostile(most)]

    def attack(offset: int) -> None:
        with httpx.Client(base_url=deployed.base_url, timeout=20) as client:
            turn = offset
            while not stop.is_set():
                headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
                if turn % 2:
                    headers["Authorization"] = "Bearer ses_" + "x" * 43
                path = ("/v1/enquiries", "/v1/sessions", "/v1/tracking/confirmation", "/v1/cases")[turn % 4]
                try:
                    status = client.post(path, content=bodies[turn % len(bodies)], headers=headers).status_code
                except httpx.TransportError:  # told and closed while the body was still coming
                    status = 413
                statuses[status] = statuses.get(status, 0) + 1
                turn += BODIES_A_SECOND
                stop.wait(1)

    threads = [threading.Thread(target=attack, args=(n,)) for n in range(BODIES_A_SECOND)]
    taken: dict[str, list[float]] = {"alone": [], "beside": []}
    with httpx.Client(base_url=deployed.base_url, timeout=20) as client:
        for phase in taken:
            if phase == "beside":
                for thread in threads:
                    thread.start()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                begun = time.perf_counter()
                answer = client.post("/v1/enquiries", json={"need": "emergency"})
                taken[phase].append(time.perf_counter() - begun)
                assert "999" in answer.text
                time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not [status for status in statuses if status >= 500]
    for phase, each in taken.items():
        each.sort()
        print(
            f"999 {phase}: {len(each)} answers, median {statistics.median(each) * 1000:.1f} ms, "
            f"p99 {each[int(len(each) * 0.99) - 1] * 1000:.1f} ms, slowest {each[-1] * 1000:.1f} ms"
        )
    print(f"meanwhile {sum(statuses.values())} hostile bodies: {dict(sorted(statuses.items()))}")
