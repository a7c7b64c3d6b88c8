"""More requests than can be done: each is answered, with 2xx or with 503 at once, and staff before strangers."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from starlette.types import Message, Receive, Scope, Send

from casework.kernel.admission import Admission, Budget, Full
from casework.kernel.settings import Settings
from tests.support import cluster
from tests.support.callers import ok
from tests.support.flood import Figures, flood
from tests.support.loop import unhurried
from tests.support.server import serving
from tests.support.story import open_case
from tests.support.world import World

# --- the budget by itself ---


def test_places_are_given_in_the_order_of_arrival() -> None:
    async def go() -> list[int]:
        budget, order = Budget(1, 10, 1.0), []

        async def work(number: int) -> None:
            await budget.enter()
            order.append(number)
            await asyncio.sleep(0)
            budget.leave()

        await asyncio.gather(*(work(number) for number in range(5)))
        return order

    assert asyncio.run(go()) == [0, 1, 2, 3, 4]


def test_a_full_queue_refuses_at_once_and_a_long_wait_in_time() -> None:
    async def go() -> tuple[float, float]:
        budget, now = Budget(1, 1, 0.1), asyncio.get_running_loop().time
        await budget.enter()
        begun = now()
        waiting = asyncio.ensure_future(budget.enter())
        await asyncio.sleep(0)
        with pytest.raises(Full):
            await budget.enter()
        at_once = now() - begun
        with pytest.raises(Full):
            await waiting
        return at_once, now() - begun

    at_once, in_time = unhurried(go())
    assert at_once == 0
    assert in_time == pytest.approx(0.1)


def test_no_place_is_lost_whoever_gives_up() -> None:
    async def go() -> int:
        budget = Budget(3, 50, 0.02)

        async def work(number: int) -> None:
            try:
                await budget.enter()
            except Full:
                return
            try:
                await asyncio.sleep(0.001 * (number % 7))
            finally:
                budget.leave()

        for _ in range(20):
            tasks = [asyncio.ensure_future(work(number)) for number in range(60)]
            await asyncio.sleep(0.003)
            for task in tasks[::3]:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(each) for each in ended} <= {type(None), asyncio.CancelledError}
        assert not budget._waiting
        return budget._free

    assert unhurried(go()) == 3


def test_strangers_leave_the_places_of_staff_free() -> None:
    async def go() -> list[int]:
        hold = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["state"]["stranger"]:
                await hold.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        settings = Settings(strangers_at_work=2, strangers_waiting=1, staff_at_work=1, staff_waiting=0)
        admission = Admission(slow, settings, lambda scope: False)
        statuses: list[int] = []

        async def ask(stranger: bool, path: str = "/v1/cases") -> None:
            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {"type": "http", "method": "GET", "path": path, "state": {"stranger": stranger}}
            await admission(scope, None, send)  # type: ignore[arg-type]

        strangers = [asyncio.ensure_future(ask(True)) for _ in range(10)]
        await asyncio.sleep(0.01)
        assert statuses == [503] * 7
        await ask(False)
        hold.set()
        await asyncio.gather(*strangers)
        return statuses

    assert unhurried(go()) == [503] * 7 + [200] * 4


# --- over HTTP ---


@contextmanager
def own_service(settings: Settings, *statements: str) -> Iterator[World]:
    """A service of its own, to be flooded, on a database about which these statements were carried out ({} is its name)."""
    cluster.template()
    name = f"casework_flood_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.urandom(3).hex()}"
    world = World("http://nowhere.invalid", cluster.clone(name), name)
    for statement in statements:
        world.sql(statement.format(name))
    with serving(settings, world.addresses) as world.base_url:
        yield world
        world.close()


@pytest.fixture
def narrow(test_settings: Settings) -> Iterator[World]:
    """A service with few places, so that two hundred clients are a flood."""
    few = {"staff_at_work": 6, "staff_waiting": 12, "strangers_at_work": 2, "strangers_waiting": 4}
    with own_service(test_settings.model_copy(update=few)) as world:
        yield world


def only_served_or_refused(figures: Figures) -> None:
    assert set(figures.statuses) <= {200, 503}, figures
    assert figures.broken == Counter(), figures
    assert figures.statuses[200] > 0


def test_two_hundred_clients_get_an_answer_or_a_503_and_nothing_else(narrow: World) -> None:
    team = narrow.team()
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    ok(adviser.get("/v1/cases"))
    figures = flood(narrow.base_url, 200, 3.0, f"/v1/cases/{case['id']}", token=adviser.token)
    only_served_or_refused(figures)
    assert figures.statuses[503] > 0, "there was no flood"
    assert figures.retry_after
    # Whoever is let in has at most those before them who are at work or wait, 6 and 12, and as many who came by meanwhile. A few
    # stood in a socket first, where no budget counts them, and none of them behind half of the clients: unbounded, all would have 199.
    behind = sorted(figures.behind[200])
    assert behind[len(behind) * 19 // 20] <= 2 * (6 + 12), behind[-20:]
    assert behind[-1] < 100, behind[-20:]
    ok(adviser.get(f"/v1/cases/{case['id']}"))


def test_a_flood_of_strangers_leaves_staff_and_signposts_alone(narrow: World) -> None:
    """Invented tokens count as strangers': they take none of the places of staff."""
    team = narrow.team()
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    ok(adviser.get("/v1/cases"))
    seen: list[tuple[str, int, int]] = []

    async def meanwhile(figures: Figures) -> None:
        for path in (f"/v1/cases/{case['id']}", "/v1/signposts", "/health/live") * 8:
            before = figures.statuses[401]
            response = await asyncio.to_thread(adviser.get, path)
            seen.append((path, response.status_code, figures.statuses[401] - before))

    figures = flood(narrow.base_url, 150, 3.0, "/v1/cases", token="ses_" + "x" * 43, beside=meanwhile)
    assert set(figures.statuses) <= {401, 503}
    assert figures.broken == Counter()
    assert {status for _, status, _ in seen} == {200}
    assert max(behind for _, _, behind in seen) <= 60, seen


def test_an_exhausted_pool_is_told_in_time_and_recovers(test_settings: Settings) -> None:
    """P-1: every connection held, and more callers than connections."""
    # Nor does the database let go of them meanwhile.
    patient = [
        f"ALTER ROLE casework_api IN DATABASE {{}} SET {limit} = '60s'"
        for limit in ("lock_timeout", "statement_timeout")
    ]
    with own_service(test_settings.model_copy(update={"staff_pool": 2}), *patient) as world:
        team = world.team()
        adviser = team.person("adviser")
        case = open_case(adviser, team)
        path = f"/v1/cases/{case['id']}"
        ok(adviser.get(path))

        async def held() -> Any:
            # Whoever reads a case asks for its session, so the table locked is every connection held.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(24))
            connection = await asyncpg.connect(cluster.superuser_url(world.database))
            try:
                async with connection.transaction():
                    await connection.execute("LOCK TABLE access.session IN ACCESS EXCLUSIVE MODE")
                    asked = [asyncio.to_thread(adviser.get, path) for _ in range(20)]
                    late = [asyncio.ensure_future(each) for each in asked]
                    await asyncio.sleep(0.2)
                    first = await asyncio.to_thread(world.anybody().get, "/health/live")
                    # The lock is kept for as long as that takes, so that whoever is refused is so by our own deadlines.
                    await asyncio.wait(late)
                return first, [await each for each in late]
            finally:
                await connection.close()

        first, answers = asyncio.run(held())
        assert first.status_code == 200
        # The two that held the connections were given up at last.
        assert {answer.status_code for answer in answers} <= {409, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 15, Counter(answer.status_code for answer in answers)
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        ok(adviser.get(path))


def leftovers(world: World) -> tuple[int, int]:
    """Connections in a transaction, and locks that wait, of the service's roles."""
    row = world.sql(
        "SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS open,"
        " count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock') AS waiting"
        " FROM pg_stat_activity WHERE datname = $1 AND usename LIKE 'casework\\_%'",
        world.database,
    )[0]
    return row["open"], row["waiting"]


def abandon(world: World, times: int, path: str, token: str | None) -> None:
    """Ask and go, without waiting for the answer (P-3)."""
    host, port = world.base_url.removeprefix("http://").split(":")

    async def one(number: int) -> None:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.001 * (number % 5))
        writer.transport.abort()

    async def go() -> None:
        for first in range(0, times, 50):
            await asyncio.gather(*(one(number) for number in range(first, min(first + 50, times))))

    asyncio.run(go())


def test_requests_that_are_given_up_leave_nothing_behind(narrow: World) -> None:
    team = narrow.team()
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    abandon(narrow, 200, f"/v1/cases/{case['id']}", adviser.token)
    for _ in range(50):
        if leftovers(narrow) == (0, 0):
            break
        time.sleep(0.1)
    assert leftovers(narrow) == (0, 0)
    # Nobody's context is left: a stranger is a stranger on whichever connection.
    for _ in range(12):
        assert narrow.anybody().get(f"/v1/cases/{case['id']}").status_code == 401
        assert json.loads(adviser.get(f"/v1/cases/{case['id']}").text)["id"] == case["id"]
