"""Connections are lent in the order of asking, sound ones only; and no read is answered before its log is safe."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from casework.kernel.database import open_pool
from casework.kernel.lending import Lender
from casework.kernel.problems import Forbidden, Unavailable
from tests.support.callers import ok, refused
from tests.support.story import open_case
from tests.support.world import Team, World


@pytest.fixture
def lending(world: World) -> Callable[[Callable[[Lender], Awaitable[Any]]], Any]:
    """Run something with a lender of two connections."""

    def run(act: Callable[[Lender], Awaitable[Any]]) -> Any:
        async def go() -> Any:
            lender = Lender(await open_pool(world.addresses.staff, 2, "tests", "production"), wait=0.3)
            try:
                return await act(lender)
            finally:
                await lender.close()

        return asyncio.run(go())

    return run


async def _pid(connection: asyncpg.Connection) -> int:
    pid: int = await connection.fetchval("SELECT pg_backend_pid()")
    return pid


def test_who_comes_first_is_served_first(lending: Any) -> None:
    async def act(lender: Lender) -> None:
        served: list[str] = []

        async def ask(name: str, holds: float = 0) -> None:
            async with lender.lend() as connection:
                served.append(name)
                await connection.execute("SELECT 1")
                await asyncio.sleep(holds)

        asked = [ask("a", 0.1), ask("b", 0.1), ask("c"), ask("d"), ask("e")]
        await asyncio.gather(*asked)
        assert sorted(served[:2]) == ["a", "b"]
        assert served[2:] == ["c", "d", "e"]

    lending(act)


def test_a_wait_ends_in_time(lending: Any) -> None:
    async def act(lender: Lender) -> None:
        async with lender.lend(), lender.lend():
            with pytest.raises(Unavailable):
                async with lender.lend():
                    pass
        async with lender.lend() as first, lender.lend() as second:  # none was lost by it
            assert await _pid(first) != await _pid(second)

    lending(act)


def test_what_comes_as_a_waiter_gives_up_is_the_next_ones(lending: Any) -> None:
    async def act(lender: Lender) -> None:
        async with lender.lend():
            held = lender.lend()
            connection = await held.__aenter__()
            waiting = asyncio.create_task(lender.take())
            await asyncio.sleep(0)
            await lender.give_back(connection, None)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            async with lender.lend() as same:
                assert await _pid(same) == await _pid(connection)

    lending(act)


@pytest.mark.parametrize(
    ("ended", "kept"), [(None, True), (Forbidden(), True), (Unavailable(), False), (asyncio.CancelledError(), False)]
)
def test_a_connection_is_kept_at_hand_only_after_an_end_that_is_known(lending: Any, ended: Any, kept: bool) -> None:
    async def act(lender: Lender) -> None:
        connection = await lender.take()
        await lender.give_back(connection, ended)
        assert (lender._idle == [connection]) == kept
        async with lender.lend() as again:
            assert await again.fetchval("SELECT 1") == 1

    lending(act)


def test_one_within_a_transaction_is_not_lent_on(lending: Any) -> None:
    async def act(lender: Lender) -> None:
        async with lender.lend() as connection:
            await connection.execute("BEGIN")
        assert lender._idle == []

    lending(act)


def test_one_that_the_server_ended_is_replaced(world: World, lending: Any) -> None:
    async def act(lender: Lender) -> None:
        async with lender.lend() as connection:
            gone = await _pid(connection)
        await asyncio.to_thread(world.sql, "SELECT pg_terminate_backend($1)", gone)
        await asyncio.sleep(0.2)
        async with lender.lend() as connection:
            assert await _pid(connection) != gone

    lending(act)


@pytest.mark.parametrize(
    "error", [asyncpg.CannotConnectNowError("it starts"), ConnectionRefusedError(), asyncpg.InterfaceError("it ends")]
)
def test_a_database_that_is_not_there_is_told_as_503_every_time(error: Exception) -> None:
    class Nowhere:
        def get_max_size(self) -> int:
            return 1

        async def acquire(self, **_: Any) -> None:
            raise error

    async def go() -> None:
        lender: Lender = Lender(Nowhere(), wait=0.1)  # type: ignore[arg-type]
        for _ in range(3):  # no place is lost by it
            with pytest.raises(Unavailable, match="cannot be reached"):
                async with lender.lend():
                    pass

    asyncio.run(go())


# --- safe before it is answered ---

EMIT = "FUNCTION pg_logical_emit_message(boolean, text, text, boolean)"


@pytest.mark.parametrize("what", ["one", "list", "refused", "stranger"])
def test_no_read_is_answered_before_its_log_is_safe(world: World, team: Team, what: str) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    asked = {
        "one": (adviser, f"/v1/cases/{case['id']}", 200),
        "list": (adviser, "/v1/cases", 200),
        "refused": (adviser, "/v1/audit-events", 403),
        "stranger": (world.anybody(), f"/v1/cases/{case['id']}", 401),
    }
    caller, path, status = asked[what]
    # Whatever keeps the log from being safe: here, that nobody may write what the doorway waits for.
    world.sql(f"REVOKE EXECUTE ON {EMIT} FROM PUBLIC")
    try:
        assert caller.get(path).status_code == 503
    finally:
        world.sql(f"GRANT EXECUTE ON {EMIT} TO PUBLIC")
    assert caller.get(path).status_code == status


def test_a_read_leaves_the_waiting_to_the_doorway_and_a_change_does_not(world: World, team: Team) -> None:
    """The setting is the transaction's: what the same connection does next waits for the disk by itself again."""
    adviser = team.person("adviser")
    ok(adviser.get("/v1/cases"))
    refused(adviser.get("/v1/cases/00000000-0000-7000-8000-000000000000"), 404, "not-found")

    async def go(connection: asyncpg.Connection) -> list[str]:
        async def now() -> str:
            setting: str = await connection.fetchval("SHOW synchronous_commit")
            return setting

        before = await now()
        async with connection.transaction():
            await connection.fetchrow("SELECT set_config('synchronous_commit', 'off', true)")
            within = await now()
        return [within, "as before" if await now() == before else await now()]

    assert world.run_as("casework_api", go) == ["off", "as before"]
