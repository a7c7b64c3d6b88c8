"""Many clients at once, as lean as Python allows: each asks again as soon as it is answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Figures:
    """What the clients got."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    """Connections that were refused, reset or went silent: never."""
    seconds: dict[int, list[float]] = field(default_factory=dict)
    behind: dict[int, list[int]] = field(default_factory=dict)
    """For each answer by status, how many of the same status others were given while it was waited for: how long the queue
    was, however busy the machine is with something else."""
    retry_after: bool = True
    """Whether each 503 said when to come back."""

    def p99(self, status: int) -> float:
        """The time within which 99 of 100 answers of this status came."""
        taken = sorted(self.seconds.get(status, [0.0]))
        return taken[int(len(taken) * 0.99) - 1]


def flood(
    base_url: str,
    clients: int,
    seconds: float,
    path: str,
    *,
    token: str | None = None,
    beside: Callable[[Figures], Awaitable[None]] | None = None,
) -> Figures:
    """So many clients for so long; ``beside`` runs meanwhile, and sees what they got so far."""
    host, port = base_url.removeprefix("http://").split(":")
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{bearer}\r\n".encode()
    figures = Figures()
    until = time.perf_counter() + seconds

    async def client(number: int) -> None:
        await asyncio.sleep(number / clients * 0.2)
        reader = writer = None
        while time.perf_counter() < until:
            begun, before = time.perf_counter(), Counter(figures.statuses)
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection(host, int(port))
                assert reader is not None
                async with asyncio.timeout(10):
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                    await reader.readexactly(length)
            except Exception as error:
                figures.broken[type(error).__name__] += 1
                writer = None
                continue
            status = int(head[9:12])
            figures.behind.setdefault(status, []).append(figures.statuses[status] - before[status])
            figures.statuses[status] += 1
            figures.seconds.setdefault(status, []).append(time.perf_counter() - begun)
            if status == 503:
                figures.retry_after &= b"retry-after" in head.lower()
                await asyncio.sleep(0.1)  # impatient, but no machine gun: a real client waits for Retry-After
            if b"connection: close" in head.lower():
                writer.close()
                writer = None
        if writer is not None:
            writer.close()

    async def go() -> None:
        tasks = [asyncio.ensure_future(client(number)) for number in range(clients)]
        if beside is not None:
            await beside(figures)
        await asyncio.gather(*tasks)

    asyncio.run(go())
    return figures
