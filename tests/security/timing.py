"""Whether a foreign id can be told from an absent one by the clock: interleaved requests for both, and their medians.

`PYTHONPATH=src:. python -m tests.security.timing [requests]`; ends with 1 only where they are far apart (25 %), since a busy
machine is no proof of anything.
"""

import os
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

FAR = 0.25
GOAL = 0.05


def main(count: int) -> int:
    """Ask, print the medians, and say whether they are far apart."""
    os.environ["CASEWORK_TEST_VAR"] = str(Path(tempfile.gettempdir()) / f"casework-timing-{secrets.token_hex(4)}")
    from casework.kernel.settings import Settings
    from tests.support import cluster
    from tests.support.server import serving
    from tests.support.story import open_case
    from tests.support.world import World

    cluster.template()
    addresses = cluster.clone("casework_timing")
    keys = Path(os.environ["CASEWORK_TEST_VAR"]) / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    try:
        # Without limits: one person asks faster here than anybody may.
        settings = Settings(
            environment="production",
            keys_dir=keys,
            staff_pool=4,
            public_pool=1,
            person_per_minute=0,
            address_per_minute=0,
        )
        with serving(settings, addresses) as base_url:
            world = World(base_url, addresses, "casework_timing")
            here, there = world.team(), world.team()
            foreign = [open_case(there.person("adviser"), there)["id"] for _ in range(20)]
            far = measure(here.person("adviser"), foreign, count)
            world.close()
    finally:
        cluster.end()
    return far


def measure(caller: object, foreign: list[str], count: int) -> int:
    """2 × ``count`` requests, foreign and absent by turns, in an order that changes."""
    took: dict[str, list[float]] = {"foreign": [], "absent": []}
    client = caller._client  # type: ignore[attr-defined]
    for turn in range(count + 100):
        pair = [("foreign", foreign[turn % len(foreign)]), ("absent", str(uuid4()))]
        for kind, id_ in pair if turn % 2 else reversed(pair):
            begun = time.perf_counter()
            status = client.get(f"/v1/cases/{id_}").status_code
            passed = time.perf_counter() - begun
            assert status == 404, status
            if turn >= 100:
                took[kind].append(passed)
    medians = {kind: statistics.median(each) * 1000 for kind, each in took.items()}
    apart = abs(medians["foreign"] - medians["absent"]) / medians["absent"]
    print(
        f"{count} requests each, interleaved: foreign {medians['foreign']:.3f} ms, absent {medians['absent']:.3f} ms,"
        f" apart {apart:.1%} ({'within' if apart <= GOAL else 'beyond'} {GOAL:.0%})"
    )
    return int(apart > FAR)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
