"""The API's own process: ``python -m casework.serving``. Apart from the command, whose libraries it need not carry."""

import gc
import os
import sys

# A quarter of the start would be looking for garbage among what stays. The application turns it on when it is up.
gc.disable()

DRAIN_SECONDS = 10
"""How long a stopping API waits for the requests it has begun."""


def serve() -> None:
    """Serve until told to stop, as the environment says."""
    import uvicorn

    from casework.kernel.protocol import CaseworkProtocol
    from casework.kernel.settings import settings

    os.environ.setdefault("CASEWORK_REQUEST_LOG", "true")  # before the settings are read, here and in the processes
    given = settings()
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
        forwarded_allow_ips=given.trusted_proxies,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


if __name__ == "__main__":
    serve()
