"""The API's own process: ``python -m casework.serving``. Apart from the command, whose libraries it need not carry."""

import gc
import os
import sys

# A quarter of the start would be looking for garbage among what stays. The application turns it on when it is up.
gc.disable()
# FastAPI looks whether a model is one of Pydantic 1, and would load all of it to know: 2 MB and 30 ms. Told that it is not
# there, FastAPI takes it that no model is.
sys.modules["pydantic.v1"] = None  # type: ignore[assignment]
# uvicorn would load what watches source files for changes, wherever it is installed.
sys.modules["watchfiles"] = None  # type: ignore[assignment]

DRAIN_SECONDS = 10
"""How long a stopping API waits for the requests it has begun."""
BACKLOG = 2_048
"""Connections that the kernel keeps while a process is busy: more are reset, and nobody is told why."""


def serve() -> None:
    """Serve until told to stop, as the environment says."""
    import uvicorn

    from casework.kernel.protocol import CaseworkProtocol
    from casework.kernel.settings import settings

    os.environ.setdefault("CASEWORK_REQUEST_LOG", "true")  # before the settings are read, here and in the processes
    given = settings()
    _allow_files(given.connections + 256)
    uvicorn.run(
        "casework.app:application",
        factory=True,
        host=given.host,
        port=given.port,
        workers=given.workers,
        http=CaseworkProtocol,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=given.connections,
        forwarded_allow_ips=given.trusted_proxies,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _allow_files(wanted: int) -> None:
    """Each connection is an open file: a process that may open fewer would refuse callers without a word."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    serve()
