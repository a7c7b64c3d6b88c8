"""The floods in full: five hundred clients on two processes, and two thousand requests that were given up (P-2, P-3)."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import cluster
from tests.support.callers import ok
from tests.support.flood import flood
from tests.support.story import open_case
from tests.support.world import World
from tests.test_admission import abandon, leftovers

pytestmark = pytest.mark.drill

CLIENTS, SECONDS, WORKERS = 500, 30.0, 2


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The service as it is deployed: its own process, with two workers."""
    cluster.template()
    name = f"casework_drill_{secrets.token_hex(3)}"
    where = cluster.clone(name)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    var: Path = tmp_path_factory.mktemp("var")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("CASEWORK_")},
        "CASEWORK_VAR": str(var),
        "CASEWORK_PORT": str(port),
        "CASEWORK_WORKERS": str(WORKERS),
        "CASEWORK_DATABASE_URL": where.staff,
        "CASEWORK_PUBLIC_DATABASE_URL": where.public,
        "CASEWORK_DOOR_DATABASE_URL": where.door,
        "CASEWORK_WORKER_DATABASE_URL": where.worker,
        "CASEWORK_PERSON_PER_MINUTE": "0",
        "CASEWORK_ADDRESS_PER_MINUTE": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "casework.serving"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    base_url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                if httpx.get(f"{base_url}/health/live").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        world = World(base_url, where, name)
        yield world
        world.close()
    finally:
        process.terminate()
        process.wait(20)


def memory(port: str) -> int:
    """Kilobytes held by the processes that serve this port."""
    found = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            environment = (status.parent / "environ").read_bytes()
            if f"CASEWORK_PORT={port}\0".encode() in environment:
                found += int(status.read_text().partition("VmRSS:")[2].split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return found


def test_five_hundred_clients_get_an_answer_or_a_503_and_nothing_else(deployed: World) -> None:
    team = deployed.team()
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    path = f"/v1/cases/{case['id']}"
    for _ in range(20):
        answer = adviser.get(path)
        ok(answer)
        assert "server" not in answer.headers
    port = deployed.base_url.rpartition(":")[2]
    flood(deployed.base_url, 50, 3.0, path, token=adviser.token)
    before = memory(port)
    figures = flood(deployed.base_url, CLIENTS, SECONDS, path, token=adviser.token)
    grown = (memory(port) - before) / 1024
    print(
        f"\n{CLIENTS} clients, {WORKERS} processes, {SECONDS:.0f} s: {dict(figures.statuses)}, broken {dict(figures.broken)},"
        f" p99 of accepted {figures.p99(200):.2f} s, of refused {figures.p99(503):.2f} s, memory +{grown:.1f} MB"
    )
    assert set(figures.statuses) <= {200, 503}
    assert figures.broken == Counter()
    assert figures.retry_after
    assert figures.p99(200) <= 3.0
    assert grown <= 50
    ok(adviser.get(path))


def test_two_thousand_requests_that_are_given_up_leave_nothing_behind(deployed: World) -> None:
    team = deployed.team()
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    abandon(deployed, 2_000, f"/v1/cases/{case['id']}", adviser.token)
    for _ in range(100):
        if leftovers(deployed) == (0, 0):
            break
        time.sleep(0.1)
    assert leftovers(deployed) == (0, 0)
    for _ in range(30):
        assert deployed.anybody().get(f"/v1/cases/{case['id']}").status_code == 401
        ok(adviser.get(f"/v1/cases/{case['id']}"))
