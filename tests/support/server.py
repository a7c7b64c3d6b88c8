"""The service as it is deployed (uvicorn, our protocol, the boundary), in a thread of the test process, on loopback."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from casework.app import served
from casework.kernel.database import Addresses
from casework.kernel.protocol import CaseworkProtocol
from casework.kernel.settings import Settings


@contextmanager
def serving(settings: Settings, where: Addresses) -> Iterator[str]:
    """Serve until the block ends; yields the base URL."""
    # Named as TCP, or asyncio would leave Nagle on and each kept-alive answer would wait for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        served(settings, where),
        http=CaseworkProtocol,
        ws="none",
        loop="asyncio",
        log_level="warning",
        access_log=False,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(server.serve(sockets=[listener]))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield from _once_started(server, thread, failure, port)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def _once_started(
    server: uvicorn.Server, thread: threading.Thread, failure: list[BaseException], port: int
) -> Iterator[str]:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError(f"the server did not start: {failure}")
        thread.join(0.02)
    yield f"http://127.0.0.1:{port}"
