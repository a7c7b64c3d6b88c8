"""Lending out the connections of a pool, at the price of a list: the pool's own way costs a task and three timers a request."""

import asyncio
from collections import deque

import asyncpg

from casework.kernel.problems import Problem, Unavailable
from casework.kernel.statements import Connection


class Lender:
    """Keeps what the pool has opened at hand, the last used first; who finds nothing waits in the order of arrival.

    A connection that may be unsound goes back to the pool, which knows what to do with it.
    """

    def __init__(self, pool: asyncpg.Pool, wait: float) -> None:
        self._pool = pool
        self._most = pool.get_max_size()
        self._wait = wait
        self._held = 0
        """Connections taken from the pool, lent or idle."""
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()

    def lend(self) -> "Loan":
        """A connection for the time of an ``async with``; 503 when none comes free in time: queueing is cut early."""
        return Loan(self)

    async def take(self) -> Connection:
        """A connection that is open; raises ``TimeoutError`` when none came free in time."""
        while True:
            while self._idle:
                connection = self._idle.pop()
                if _sound(connection):
                    return connection
                await self._part_with(connection)
            if self._held < self._most:
                return await self._open()
            connection = await self._turn()
            if connection is not None:
                return connection

    async def _open(self) -> Connection:
        self._held += 1
        try:
            return await self._pool.acquire(timeout=self._wait)
        except BaseException:
            self._held -= 1
            self._hand_on(None)
            raise

    async def _turn(self) -> Connection | None:
        """Wait for one that somebody gives back, or, for ``None``, for the right to open one."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(self._wait, _give_up, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            # What came in the moment of giving up is the next one's.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_on(turn.result())
            raise
        finally:
            timer.cancel()

    async def give_back(self, connection: Connection, error: BaseException | None) -> None:
        """Take it back after use; ``error`` is what ended that, if anything did."""
        told = error is None or isinstance(error, asyncpg.PostgresError)
        told = told or (isinstance(error, Problem) and error.status < 500)
        if told and _sound(connection):
            self._give_on(connection)
        else:
            await self._part_with(connection)
            self._hand_on(None)

    async def close(self) -> None:
        """Close the pool, when all that was lent has come back."""
        while self._idle:
            await self._part_with(self._idle.pop())
        await self._pool.close()

    async def _part_with(self, connection: Connection) -> None:
        self._held -= 1
        await self._pool.release(connection)

    def _give_on(self, connection: Connection | None) -> None:
        if not self._hand_on(connection) and connection is not None:
            self._idle.append(connection)

    def _hand_on(self, connection: Connection | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False


def _sound(connection: Connection) -> bool:
    """Whether it is open and between transactions. One that the server ended the pool has taken back already, and says so."""
    try:
        return not connection.is_closed() and not connection.is_in_transaction()
    except asyncpg.InterfaceError:
        return False


def _give_up(turn: "asyncio.Future[Connection | None]") -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())


class Loan:
    """One lending."""

    __slots__ = ("_connection", "_lender")

    def __init__(self, lender: Lender) -> None:
        self._lender = lender
        self._connection: Connection = None

    async def __aenter__(self) -> Connection:
        try:
            self._connection = await self._lender.take()
        except TimeoutError:
            raise Unavailable("All database connections are busy.") from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            # It is down, starting or stopping.
            raise Unavailable("The database cannot be reached.") from error
        return self._connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await self._lender.give_back(self._connection, error)
