"""How often one person, tool and address may ask, and what it costs to find out."""

import asyncio
import time
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from casework.kernel.rates import Counter, RateLimits, network, signposting
from casework.kernel.settings import Settings

OTHER_NEEDS = frozenset({"emergency", "general_question"})


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ask(
    limits: RateLimits,
    token: str | None = None,
    *,
    address: str = "192.0.2.1",
    method: str = "GET",
    path: str = "/v1/cases",
    json: Any = None,
) -> tuple[int, dict[str, str], Scope]:
    headers = [(b"host", b"x")] + ([(b"authorization", f"Bearer {token}".encode())] if token else [])
    scope: Scope = {
        "type": "http", "method": method, "path": path, "headers": headers, "client": (address, 1),
        "state": {"request_id": "r"} | ({"json": json} if json is not None else {}),
    }  # fmt: skip
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    asyncio.run(limits(scope, receive, send))
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, scope


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    forged = any(b"forged" in value for _, value in scope["headers"])
    await send({"type": "http.response.start", "status": 401 if forged else 200, "headers": []})


async def whose(header: str) -> tuple[str, str] | None:
    token = header.removeprefix("Bearer ")
    return ("client" if token.startswith("cli") else "staff", token.partition("-")[0])


def limits(**settings: Any) -> RateLimits:
    none: dict[str, Any] = {"person_per_minute": 0, "tool_per_minute": 0, "address_per_minute": 0}
    made = Settings(**({**none, "stranger_writes_per_minute": 0} | settings))
    return RateLimits(answering, made, whose, lambda scope: signposting(scope, OTHER_NEEDS))


def statuses(limit: RateLimits, times: int, *args: Any, **more: Any) -> list[int]:
    return [ask(limit, *args, **more)[0] for _ in range(times)]


def test_a_person_is_counted_across_sessions() -> None:
    limit = limits(person_per_minute=5)
    assert statuses(limit, 1, "ann-1") == [200]  # whose it is, is learned by its first answer
    assert statuses(limit, 1, "ann-2") == [200]
    assert statuses(limit, 3, "ann-1") + statuses(limit, 3, "ann-2") == [200] * 5 + [429]
    assert statuses(limit, 2, "bob-1") == [200, 200]


def test_a_tool_has_a_limit_of_its_own() -> None:
    limit = limits(person_per_minute=1, tool_per_minute=4)
    assert statuses(limit, 6, "cli-1") == [200] * 5 + [429]


def test_an_address_is_counted_whatever_it_sends() -> None:
    limit = limits(address_per_minute=3)
    assert statuses(limit, 2) + statuses(limit, 2, "forged") == [200, 200, 401, 429]
    assert statuses(limit, 1, address="192.0.2.2") == [200]


def test_strangers_write_less_often_than_they_read() -> None:
    limit = limits(stranger_writes_per_minute=2)
    assert statuses(limit, 3, method="POST") == [200, 200, 429]
    assert statuses(limit, 5) == [200] * 5
    assert statuses(limit, 2, "forged", method="POST") == [429, 429]  # an invented token is a stranger's


def test_a_refusal_says_when_to_come_back() -> None:
    limit = limits(address_per_minute=1)
    ask(limit)
    status, headers, _ = ask(limit)
    assert status == 429
    assert 1 <= int(headers["retry-after"]) <= 121
    assert headers["ratelimit-policy"] == '"address";q=1;w=60'
    assert headers["ratelimit"].startswith('"address";r=0;t=')
    assert headers["content-type"] == "application/problem+json"


def test_an_answer_warns_when_little_is_left() -> None:
    limit = limits(address_per_minute=10)
    told = [ask(limit)[1].get("ratelimit", "").partition(";t")[0] for _ in range(10)]
    assert told == [""] * 8 + ['"address";r=1', '"address";r=0']


@pytest.mark.parametrize(
    "request_", [{"path": "/v1/signposts"}, {"path": "/health/live"}, {"method": "POST", "path": "/v1/enquiries", "json": {"need": "emergency"}}]
)  # fmt: skip
def test_signposts_and_other_needs_are_never_limited(request_: dict[str, Any]) -> None:
    assert set(statuses(limits(address_per_minute=1, stranger_writes_per_minute=1), 20, **request_)) == {200}


def test_a_request_for_advice_is() -> None:
    limit = limits(stranger_writes_per_minute=1)
    body = {"need": "protective_security_advice"}
    assert statuses(limit, 2, method="POST", path="/v1/enquiries", json=body) == [200, 429]


def test_a_token_that_is_refused_is_a_strangers_again() -> None:
    limit = limits()
    assert ask(limit, "ann-1")[2]["state"]["stranger"] is True
    assert ask(limit, "ann-1")[2]["state"]["stranger"] is False
    assert ask(limit, "forged")[2]["state"]["stranger"] is True
    assert ask(limit, "forged")[2]["state"]["stranger"] is True


def test_a_token_is_not_believed_for_what_is_answered_to_everybody() -> None:
    limit = limits()
    for _ in range(2):
        assert ask(limit, "ann-1", path="/v1/signposts")[2]["state"]["stranger"] is True


def test_the_window_slides() -> None:
    clock = Clock()
    counter = Counter(clock)
    assert [counter.hit(b"k", 4)[0] for _ in range(5)] == [3, 2, 1, 0, -1]
    clock.now += 60
    assert counter.hit(b"k", 4)[0] == -1  # all of the window before still counts
    clock.now += 30
    assert [counter.hit(b"k", 4)[0] for _ in range(3)] == [1, 0, -1]
    clock.now += 120
    assert counter.hit(b"k", 4)[0] == 3


def test_whoever_waits_as_told_is_served() -> None:
    clock = Clock()
    counter = Counter(clock)
    for used in (0, 1, 7, 10):
        clock.now += 300
        for _ in range(used):
            counter.hit(b"k", 10)
        for _ in range(30):
            left, seconds = counter.hit(b"k", 10)
            if left < 0:
                clock.now += seconds + 0.001
                assert counter.hit(b"k", 10)[0] >= 0


def test_the_memory_is_bounded_and_the_rest_is_counted_together() -> None:
    counter = Counter(Clock(), most=100)
    for number in range(20_000):
        counter.hit(number.to_bytes(12, "little"), 5)
    assert len(counter._now) <= 100 + 4_096


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("unix:", "unix:", True),
    ],
)
def test_whoever_has_one_address_has_its_network(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


def test_no_token_and_no_address_is_kept() -> None:
    limit = limits(person_per_minute=50, address_per_minute=50)
    ask(limit, "ann-secret", address="203.0.113.77")
    ask(limit, "ann-secret", address="203.0.113.77")
    kept = repr((vars(limit), limit._counter._now, limit._counter._before, limit._known))
    assert "ann" not in kept
    assert "203.0.113" not in kept


def test_it_costs_little() -> None:
    """Under 10 µs a request is the aim; held to three times that, for a busy machine."""
    limit = limits(person_per_minute=10**9, address_per_minute=10**9)
    ask(limit, "ann-1")
    headers = [(b"host", b"x"), (b"accept", b"*/*"), (b"authorization", b"Bearer ann-1")]
    scope: Scope = {"type": "http", "method": "GET", "path": "/v1/cases", "headers": headers, "client": ("192.0.2.1", 1), "state": {}}  # fmt: skip

    async def send(message: Message) -> None:
        pass

    async def spend(app: Any, times: int) -> float:
        begun = time.process_time()
        for _ in range(times):
            await app(scope, None, send)
        return (time.process_time() - begun) / times

    async def go() -> float:
        return min([await spend(limit, 2_000) - await spend(answering, 2_000) for _ in range(5)])

    cost = asyncio.run(go())
    print(f"{cost * 1e6:.1f} µs")
    assert cost < 30e-6
