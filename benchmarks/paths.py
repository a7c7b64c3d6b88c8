"""The paths that are driven. A later capability adds its own here: a ``Path`` with what a round sends, and who offers it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import quote

from benchmarks import prepare
from benchmarks.fill import Filled
from benchmarks.hot import PAGE, Place
from benchmarks.load import Requests
from benchmarks.machine import Cluster
from benchmarks.servers import DRF, FLOOR, OURS, TEMPLATE, Server

A_SECOND = 2_500
"""Records prepared for each second of a round of writes: more than any server here writes."""


@dataclass
class Driven:
    """All that a path may need to say what it sends."""

    cluster: Cluster
    filled: Filled
    place: Place
    ours: Server | None = None
    cursor: str | None = None


@dataclass(frozen=True)
class Path:
    """One path: its name, what a round sends to a server, who offers it beside us, and the hot statement that pgbench runs."""

    name: str
    requests: Callable[[Driven, str, float], Requests]
    """For a server's name and so many seconds."""
    peers: Sequence[str] = (FLOOR,)
    hot: str | None = None
    goal: bool = False
    """Whether issue 4 compares it with the usual stacks: those are beside it in the quick form as well."""


def gets(part: str, lines: Callable[[Driven], Sequence[str]]) -> Callable[[Driven, str, float], Requests]:
    """Reads by a person, drawn at random from these lines."""
    return lambda driven, _, __: Requests(lines(driven), driven.filled.tokens[part])


EVERYBODY = (FLOOR, DRF, TEMPLATE)


def _deep(driven: Driven, server: str, _: float) -> Requests:
    token = driven.filled.tokens["adviser"]
    if server == OURS:
        driven.cursor = driven.cursor or _walk(driven, token)
        return Requests([f"/v1/cases?cursor={driven.cursor}"], token)
    return Requests([f"/v1/cases?after_key={quote(driven.place.key)}&after_id={driven.place.id}"], token)


def _walk(driven: Driven, token: str) -> str:
    """Our own cursor of the deep page, by going there in the largest steps."""
    assert driven.ours is not None
    left, cursor = (driven.place.page - 1) * PAGE, ""
    connection = HTTPConnection("127.0.0.1", driven.ours.port, timeout=30)
    while left > 0:
        step = min(left, 200)
        connection.request(
            "GET",
            f"/v1/cases?limit={step}" + (f"&cursor={cursor}" if cursor else ""),
            headers={"Authorization": f"Bearer {token}"},
        )
        cursor = json.loads(connection.getresponse().read())["next_cursor"]
        left -= step
    connection.close()
    return cursor


def _submissions(_: Driven, __: str, ___: float) -> Requests:
    body = {
        "need": "protective_security_advice", "site_name": "Peak Rail", "postcode": "DG1 1LG",
        "description": "Two thousand visitors are expected at the steam gala, and the queue stands along the road.",
        "contact": {"name": "Ana Kowalska", "job_title": "Operations manager", "email": "ana-${n}@bench.example", "phone": "01632 960123"},
    }  # fmt: skip
    return Requests([f"/v1/enquiries\t{json.dumps(body)}"], None, "POST")


FINDING = {
    "area": "Main foyer", "phase": "egress", "methodology": "vaw", "likelihood": 2, "impact": 4,
    "gap": "The crowd leaves onto the service road while it is open to vehicles.",
}  # fmt: skip


def _completions(driven: Driven, _: str, seconds: float) -> Requests:
    ids = asyncio.run(prepare.visits(driven.cluster.superuser, driven.filled, int(seconds * A_SECOND)))
    body = json.dumps({
        "arrived_at": "2026-01-05T09:00:00.000Z", "left_at": "2026-01-05T11:00:00.000Z",
        "time_reason": "Taken over from the diary.", "notes": "Walked the site with the manager.",
        "attendance": [{"name": "Ana Kowalska", "role": "Operations manager"}], "findings": [FINDING],
    })  # fmt: skip
    return Requests(
        [f"/v1/visits/{each}/completion\t{body}" for each in ids], driven.filled.tokens["adviser"], "POST", True, 1
    )


def _issues(driven: Driven, _: str, seconds: float) -> Requests:
    ids = asyncio.run(prepare.advice(driven.cluster.superuser, driven.filled, int(seconds * A_SECOND / 2)))
    body = json.dumps({"follow_up_on": "2030-01-05", "deliver_by": "later", "deliver_on": "2030-01-04"})
    return Requests(
        [f"/v1/advice/{each}/issue\t{body}" for each in ids], driven.filled.tokens["adviser"], "POST", True, 1
    )


PATHS: Sequence[Path] = (
    Path("session check", gets("adviser", lambda _: ["/v1/me"]), EVERYBODY, "session check"),
    Path(
        "get case",
        gets("adviser", lambda d: [f"/v1/cases/{each}" for each in d.filled.readable]),
        EVERYBODY,
        "get case",
        goal=True,
    ),
    Path("team queue, 25 rows", gets("adviser", lambda _: ["/v1/cases"]), EVERYBODY, "team queue", True),
    Path("my queue", gets("adviser", lambda _: ["/v1/cases?mine=true&open=true"]), EVERYBODY, "my queue"),
    Path("a deep page of the queue", _deep, (FLOOR,), "team queue, page"),
    Path("premises list", gets("adviser", lambda _: ["/v1/premises"]), EVERYBODY, "premises list"),
    Path(
        "access log of a case",
        gets("supervisor", lambda d: [f"/v1/cases/{each}/access-log" for each in d.filled.busy]),
        (FLOOR,),
        "access log",
    ),
    Path("submit enquiry", _submissions, EVERYBODY, goal=True),
    Path("log a visit", _completions, EVERYBODY, goal=True),
    Path("issue advice", _issues, ()),
)
