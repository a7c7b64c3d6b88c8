"""What the boundary refuses, what it lets through, and whom it answers whatever else fails."""

import asyncio
import json
import logging
import math
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework.kernel import problems as p
from casework.kernel import strict_json
from casework.kernel.answers import FallbackAnswer
from casework.kernel.boundary import Boundary, Limits

JSON = {"Content-Type": "application/json"}
ENQUIRY = "/v1/enquiries"
COPY = FallbackAnswer(200, [(b"content-type", b"application/json")], b'{"phone":"999"}')


async def answer_json(send: Send, status: int, value: Any, *headers: tuple[bytes, bytes]) -> None:
    kind = (b"content-type", b"application/json")
    await send({"type": "http.response.start", "status": status, "headers": [kind, *headers]})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what arrived: the body as received, and what the boundary left in the state."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    state = scope["state"]
    seen = {"body": body.decode("latin-1"), "raw": state.get("body", b"").decode("latin-1")}
    await answer_json(
        send, 200, seen | {k: state[k] for k in ("json", "request_id", "client_request_id") if k in state}
    )


def failing(error: Exception) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return app


def answering(status: int) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer_json(send, status, {"from": "app"})

    return app


async def untouchable(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("the application was touched")


def call(
    method: str = "GET",
    url: str = "/v1/cases",
    app: ASGIApp = echo,
    /,
    *,
    boundary: Any = None,
    **request: Any,
) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(Boundary(app, **(boundary or {})))
        async with httpx.AsyncClient(transport=transport, base_url="http://casework.test") as client:
            return await client.request(method, url, **request)

    return asyncio.run(go())


def post(content: Any, /, url: str = "/v1/cases", app: ASGIApp = echo, **more: Any) -> httpx.Response:
    return call("POST", url, app, content=content, **({"headers": JSON} | more))


def raw_call(
    headers: list[tuple[bytes, bytes]],
    *messages: Message,
    method: str = "GET",
    path: bytes = b"/v1/cases",
    query: bytes = b"",
    app: ASGIApp = echo,
    boundary: Any = None,
) -> tuple[int, dict[bytes, bytes], Any]:
    """A call below httpx, which would repair or refuse much of what is tried here."""
    sent: list[Message] = []
    waiting = list(messages) or [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path.decode("latin-1"), "raw_path": path,
        "query_string": query, "headers": headers,
    }  # fmt: skip
    asyncio.run(Boundary(app, **(boundary or {}))(scope, receive, send))
    start, *bodies = sent
    return start["status"], dict(start["headers"]), json.loads(b"".join(m["body"] for m in bodies))


HOST = (b"host", b"casework.test")


def refused(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


# --- bodies: rows 1 to 18 of the table of bad input ---


@pytest.mark.parametrize(
    ("escape", "code"),
    [
        (r"\u0000", "control-character"),
        (r"\u0001", "control-character"),
        (r"\b", "control-character"),
        (r"\u001B", "control-character"),
        (r"\u007F", "control-character"),
        ("\x7f", "control-character"),
        ("\x9b", "control-character"),
        (r"\ud800", "lone-surrogate"),
        (r"\uDFFF", "lone-surrogate"),
        (r"\udc00\ud800", "lone-surrogate"),
        ("\ufffe", "not-a-character"),
        (r"\uFFFF", "not-a-character"),
        (r"\ufdd0", "not-a-character"),
        ("\ufdef", "not-a-character"),
        (r"\ud83f\udffe", "not-a-character"),
        ("\U0010ffff", "not-a-character"),
    ],
)
def test_forbidden_characters_are_named_by_pointer(escape: str, code: str) -> None:
    answer = post(f'{{"contact": {{"a/b~": ["fine", "x{escape}y"]}}}}'.encode())
    (error,) = refused(answer, 422, "validation-failed")["errors"]
    assert (error["pointer"], error["code"]) == ("/contact/a~1b~0/1", code)


def test_names_of_members_obey_the_same_and_are_not_repeated() -> None:
    document = refused(post(rb'{"contact": {"na\u0000me": "\ud800"}}'), 422, "validation-failed")
    assert [(e["pointer"], e["code"]) for e in document["errors"]] == [
        ("/contact", "control-character"),
        ("/contact", "lone-surrogate"),
    ]


def test_the_answer_does_not_grow_with_the_number_of_faults() -> None:
    body = b"[" + b",".join([rb'"\u0000"'] * 2_000) + b"]"
    assert len(post(body).json()["errors"]) == strict_json.MAX_ERRORS


@pytest.mark.parametrize(
    "text",
    [
        r"tab\tnewline\n",
        r"\ud83d\ude00",
        "😀",
        r"a \\b \\u0000",
        "Ŵyn – é",
        r"\u00e9",
        # What these become is for the kind of the field to say.
        r"a\r\nb\f\u000b\u0085\u2028",
        r"\u202a020 7946 0018\u202c",
        "\u202e",
        "\ufdcf\ufdf0\ufffd\U0001fffd",
    ],
)
def test_ordinary_text_passes(text: str) -> None:
    body = json.dumps({"name": json.loads(f'"{text}"')}).encode()
    assert post(body).json()["json"] == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        *[
            b"{",
            b"",
            b'{"a": 1,}',
            b"// no\n{}",
            b"{'a': 1}",
            b'{"a": 1} {}',
            b'"\n"',
            b"01",
            b"\xef\xbb\xbf{}",
        ],
        *[b"NaN", b'{"a": -Infinity}', b'{"a": Infinity}', b"[1e400]", b"[-1e400]"],
        *[b"9" * 5_000, b'{"n": -' + b"9" * 5_000 + b"}"],
        *[b"[" * 33 + b"]" * 33, b'{"a":' * 33 + b"1" + b"}" * 33, b"[" * 100_000],
    ],
)
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(p.InvalidJson):
        strict_json.parse(body)


def test_a_body_that_is_not_json_is_refused_and_not_repeated() -> None:
    answer = post(b'{"secret-thing": nope}')
    refused(answer, 400, "invalid-json")
    assert "secret-thing" not in answer.text


def test_32_levels_and_4000_digits_pass() -> None:
    assert strict_json.parse(b"[" * 32 + b"]" * 32) is not None
    assert strict_json.parse(b"9" * 4_000) == int("9" * 4_000)


def test_many_flat_brackets_are_not_depth() -> None:
    assert strict_json.parse(b"[" + b"[]," * 500 + b"[]]") == [[]] * 501


@pytest.mark.parametrize("body", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"\\u0061":2}}]'])
def test_duplicate_keys(body: bytes) -> None:
    refused(post(body), 400, "duplicate-key")


@pytest.mark.parametrize("body", [b'{"a":"\xff"}', '{"a":1}'.encode("utf-16"), b'"\xed\xa0\x80"'])
def test_invalid_encoding(body: bytes) -> None:
    refused(post(body), 400, "invalid-encoding")


TURNING = "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
ALLOWED = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=TURNING) | st.sampled_from("\t\n")
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ALLOWED
VALUES = st.recursive(LEAVES, lambda v: st.lists(v) | st.dictionaries(ALLOWED, v), max_leaves=20)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read_back(value: Any, ascii_only: bool) -> None:
    assert strict_json.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: json.dumps([t]).encode()))
def test_any_bytes_are_read_or_refused_by_name(raw: bytes) -> None:
    try:
        value = strict_json.parse(raw)
    except (p.InvalidEncoding, p.InvalidJson, p.DuplicateKey, p.ValidationFailed) as problem:
        value = problem.document()
    assert not (isinstance(value, float) and math.isinf(value))
    json.dumps(value, ensure_ascii=False).encode()


def test_the_body_is_parsed_once_and_replayed_as_it_came() -> None:
    seen = post(b' {"a": [1, 2.5]} ').json()
    assert seen["json"] == {"a": [1, 2.5]}
    assert seen["body"] == seen["raw"] == ' {"a": [1, 2.5]} '


# --- size and length: rows 9, 10, 47, 50 ---


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b"x" * 1000


def test_too_large_a_body_is_refused_unread() -> None:
    answer = post(b"x" * 10_000_000, app=untouchable)
    refused(answer, 413, "body-too-large")
    assert answer.headers["connection"] == "close"


def test_too_large_a_body_in_chunks_is_refused_while_it_comes() -> None:
    answer = post(in_pieces(400_000), app=untouchable)
    refused(answer, 413, "body-too-large")
    assert answer.headers["connection"] == "close"


def test_a_body_at_the_limit_passes() -> None:
    body = json.dumps("x" * (256 * 1024 - 2)).encode()
    assert post(body).status_code == 200
    refused(post(body + b" "), 413, "body-too-large")


def test_a_length_of_thousands_of_digits() -> None:
    headers = [HOST, (b"content-type", b"application/json"), (b"content-length", b"9" * 5_000)]
    assert raw_call(headers, method="POST")[0] == 413


def test_a_slow_body_is_given_up() -> None:
    headers = [HOST, (b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    begun = {"type": "http.request", "body": b'{"a"', "more_body": True}
    status, sent, _ = raw_call(headers, begun, method="POST", boundary={"limits": Limits(body_seconds=0.05)})
    assert (status, sent[b"connection"]) == (408, b"close")


def test_long_urls_and_many_parameters() -> None:
    refused(call("GET", "/v1/cases?q=" + "x" * 9_000), 414, "uri-too-long")
    refused(call("GET", "/" + "x" * 9_000), 414, "uri-too-long")
    many = "&".join(f"p{n}=1" for n in range(65))
    refused(call("GET", "/v1/cases?" + many), 400, "too-many-parameters")
    assert call("GET", "/v1/cases?" + many.partition("&")[2]).status_code == 200


def test_many_or_long_headers() -> None:
    refused(call(headers={f"X-{n}": "1" for n in range(70)}), 431, "headers-too-large")
    refused(call(headers={"X-Long": "x" * 17_000}), 431, "headers-too-large")
    refused(call(headers={"X-Long": "x" * 1_000_000}), 431, "headers-too-large")


@pytest.mark.parametrize("hosts", [[], [b"a.test", b"a.test"], [b"a.test", b"b.test"], [b""]])
def test_exactly_one_host(hosts: list[bytes]) -> None:
    status, _, document = raw_call([(b"host", host) for host in hosts])
    assert (status, document["type"]) == (400, "/problems/bad-host")


@pytest.mark.parametrize(("host", "status"), [("casework.test", 200), ("CASEWORK.test:8000", 200), ("evil.test", 400)])
def test_only_hosts_that_are_ours(host: str, status: int) -> None:
    assert call(headers={"Host": host}, boundary={"allowed_hosts": ["casework.test"]}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-length", b"2"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"2"), (b"content-length", b"3")],
        [(b"content-length", b"+2")],
        [(b"content-length", b"")],
    ],
)
def test_an_ambiguous_length(headers: list[tuple[bytes, bytes]]) -> None:
    status, sent, document = raw_call([HOST, (b"content-type", b"application/json"), *headers], method="POST")
    assert (status, document["type"], sent[b"connection"]) == (400, "/problems/ambiguous-length", b"close")


# --- urls and headers: rows 2, 46, 49; T4 ---


@pytest.mark.parametrize(
    "bad",
    [
        "%00",
        "%0a",
        "%1F",
        "%7f",
        "%C2%85",
        "%",
        "%4",
        "%zz",
        "%ff",
        "%ed%a0%80",
        "%ef%bf%be",
        "%ef%bf%bf",
        "%EF%B7%90",
        "%f0%9f%bf%be",
    ],
)
def test_control_characters_and_broken_escapes_in_urls(bad: str) -> None:
    for path, query in ((f"/v1/ca{bad}ses", ""), ("/v1/cases", f"q={bad}"), ("/v1/cases", f"{bad}=1")):
        status, _, document = raw_call([HOST], path=path.encode(), query=query.encode())
        assert (status, document["type"]) == (400, "/problems/control-character")


@pytest.mark.parametrize(
    "url", ["/v1/cases?q=caf%C3%A9+%25_", "/v1/cases/%F0%9F%98%80", "/v1/cases?q=&", "/v1/cases?a&b"]
)
def test_sound_urls_pass(url: str) -> None:
    assert call("GET", url).status_code == 200


def test_a_scope_without_raw_path_is_judged_by_its_path() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/a\x00", "query_string": b"", "headers": [HOST]}
    asyncio.run(Boundary(untouchable)(scope, receive, send))
    assert sent[0]["status"] == 400


@pytest.mark.parametrize("query", ["limit=1&limit=2", "a=1&%61=2", "a&a"])
def test_a_repeated_parameter(query: str) -> None:
    refused(call("GET", f"/v1/cases?{query}"), 400, "repeated-parameter")


@pytest.mark.parametrize("name", ["token", "access_token", "code", "key", "secret", "password", "Token", "%74oken"])
def test_a_secret_in_the_url(name: str) -> None:
    answer = call("GET", f"/v1/enquiries/track?{name}=tok_abc123")
    refused(answer, 400, "secret-in-url")
    assert "tok_abc123" not in answer.text


def test_a_control_character_in_a_header() -> None:
    for value in (b"a\rb", b"a\nb", b"a\x00b", b"a\x7fb"):
        status, _, document = raw_call([HOST, (b"x-note", value)])
        assert (status, document["type"]) == (400, "/problems/control-character")
    assert raw_call([HOST, (b"x-note", b"a\tb")])[0] == 200


# --- media types: rows 11, 22, 23 ---


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body(encoding: str) -> None:
    refused(post(b"\x1f\x8b", headers=JSON | {"Content-Encoding": encoding}), 415, "unsupported-encoding")


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin1",
        "application/merge-patch+json",
        'application/json;charset="utf-16"',
    ],
)
def test_a_wrong_content_type_names_the_right_one(kind: str | None) -> None:
    answer = post(b"{}", headers={} if kind is None else {"Content-Type": kind}, app=untouchable)
    refused(answer, 415, "unsupported-media-type")
    assert answer.headers["accept"] == "application/json"


def test_a_patch_may_be_a_merge_patch() -> None:
    merge = {"Content-Type": "application/merge-patch+json; charset=UTF-8"}
    assert call("PATCH", "/v1/cases", content=b'{"a":null}', headers=merge).json()["json"] == {"a": None}
    answer = call("PATCH", "/v1/cases", content=b"a=1", headers={"Content-Type": "text/plain"})
    assert answer.headers["accept"] == "application/json, application/merge-patch+json"


@pytest.mark.parametrize("kind", ["application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'])
def test_json_by_any_spelling(kind: str) -> None:
    assert post(b"{}", headers={"Content-Type": kind}).status_code == 200


def test_forms_only_where_they_belong() -> None:
    settings = {"form_paths": frozenset({"/v1/oauth/token"})}
    seen = call("POST", "/v1/oauth/token", data={"grant_type": "x"}, boundary=settings).json()
    assert seen["body"] == seen["raw"] == "grant_type=x"
    assert "json" not in seen
    refused(call("POST", "/v1/cases", data={"a": "x"}, boundary=settings), 415, "unsupported-media-type")


def test_an_empty_post_is_for_the_route_to_judge() -> None:
    assert call("POST", "/v1/cases/1/close").json()["raw"] == ""
    assert "json" not in post(b"").json()
    refused(call("POST", "/v1/cases", headers={"Content-Type": "text/plain"}), 415, "unsupported-media-type")


def test_a_body_that_was_not_announced_is_judged_all_the_same() -> None:
    body = {"type": "http.request", "body": b"a=1", "more_body": False}
    assert raw_call([HOST], body, method="POST")[0] == 415
    assert raw_call([HOST, (b"content-type", b"application/json")], body, method="POST")[0] == 400


@pytest.mark.parametrize(
    "accept", ["application/xml", "text/html, image/*;q=0.5", "application/json;q=0, text/*", "*/*;q=0.0"]
)
def test_an_accept_header_that_admits_nothing_we_have(accept: str) -> None:
    refused(call(headers={"Accept": accept}), 406, "not-acceptable")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/*;q=0.1",
        "Application/JSON",
        "text/html, */*;q=0.8",
        "application/problem+json",
        "",
    ],
)
def test_an_accept_header_that_admits_json(accept: str) -> None:
    assert call(headers={"Accept": accept}).status_code == 200


def test_other_media_where_they_are_produced() -> None:
    settings = {"other_media": {"/docs": ["text/html"]}}
    for accept in ("text/html", "text/*"):
        assert call("GET", "/docs", headers={"Accept": accept}, boundary=settings).status_code == 200
    for path, accept in (("/docsx", "text/html"), ("/v1/cases", "text/html"), ("/docs", "text/css")):
        refused(call("GET", path, headers={"Accept": accept}, boundary=settings), 406, "not-acceptable")


# --- every answer ---

HARDENING = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda: call(), 200),
        (lambda: post(b"x" * 300_000), 413),
        (lambda: call(headers={"X": "x" * 20_000}), 431),
        (lambda: call("GET", "/", failing(RuntimeError())), 500),
        (lambda: call("GET", "/", failing(p.NotFound())), 404),
    ],
)
def test_every_answer_is_hardened(ask: Callable[[], httpx.Response], status: int) -> None:
    answer = ask()
    assert answer.status_code == status
    assert HARDENING.items() <= dict(answer.headers).items()
    assert "permissions-policy" in answer.headers


def test_the_application_may_choose_its_own_policy() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        own = [(b"cache-control", b"max-age=60"), (b"content-security-policy", b"default-src 'self'")]
        await answer_json(send, 200, {}, *own)

    answer = call("GET", "/docs", app)
    assert answer.headers.get_list("cache-control") == ["max-age=60"]
    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_request_has_an_id_of_ours_and_the_clients_beside_it() -> None:
    theirs = "0190f1e0-7c3a-7cc3-98c4-dc0c0c07398f"
    seen = set()
    for sent, known in (
        (theirs, theirs),
        (theirs, theirs),
        (theirs.upper(), theirs),
        ("{" + theirs + "}", None),
        ("1; drop", None),
    ):
        answer = call(headers={"X-Request-ID": sent})
        ours = answer.headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ours)
        assert (answer.json()["request_id"], answer.json()["client_request_id"]) == (ours, known)
        seen.add(ours)
    assert len(seen | {theirs}) == 6


def test_what_escapes_is_logged_by_type_and_never_by_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = call("GET", "/", failing(ValueError("Mrs Smith, 1 High Street")))
    refused(answer, 500, "internal-error")
    assert "ValueError" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "Smith" not in caplog.text + answer.text


def test_a_plain_text_500_becomes_a_problem() -> None:
    async def like_starlette(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Internal Server Error"})
        raise RuntimeError

    refused(call("GET", "/", like_starlette), 500, "internal-error")


def test_a_problem_that_escapes_is_its_own_document() -> None:
    answer = call("GET", "/", failing(p.Unavailable("Standby lost.", retry_after=7)))
    assert refused(answer, 503, "unavailable")["detail"] == "Standby lost."
    assert answer.headers["retry-after"] == "7"


def test_an_answer_that_breaks_off_is_left_incomplete() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [HOST]}
    asyncio.run(Boundary(app)(scope, receive, send))
    assert [m["type"] for m in sent] == ["http.response.start"]


def test_a_client_that_leaves_in_mid_body_gets_nothing() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        raw_call([HOST, (b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")],
                 {"type": "http.disconnect"}, method="POST", app=untouchable)  # fmt: skip


def test_an_overloaded_service_says_so() -> None:
    async def overload(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"overloaded": True}
        await Boundary(untouchable, fallback=packaged)(scope, receive, send)

    async def go() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(overload), base_url="http://c.test") as client:
            urgent = await client.post(ENQUIRY, json={"need": "emergency"})
            return [await client.get("/v1/cases"), await client.get("/v1/signposts"), urgent]

    other, signposts, urgent = asyncio.run(go())
    refused(other, 503, "unavailable")
    assert signposts.content == urgent.content == COPY.body


# --- 999 and the hotline, whatever else fails ---


def packaged(scope: Scope, body: bytes | None) -> FallbackAnswer | None:
    return COPY


FALLBACK = {"fallback": packaged}


@pytest.mark.parametrize("need", ["emergency", "suspicious_activity"])
@pytest.mark.parametrize(
    "body",
    [
        '{"need": "%s"}',
        '{"need": "%s", "contact": {"email": 7, "name": "\\u0000"}}',
        '{"need": "%s", "need": "%s"}',
        '{"need": "%s", "need": "advice"}',
        '{"x": NaN, "need"  :\n"%s"}',
        '{"need": "%s", ',
        'oh no {"need":"%s"',
        '{"need": "%s", "x": ' + "[" * 2_000,
        '{"need": "%s", "x": ' + "9" * 5_000 + "}",
        '{"need": "%s", "text": "' + "x" * 300_000 + '"}',
        "need=%s&text=x",
    ],
)
def test_an_urgent_need_is_answered_however_it_is_written(need: str, body: str) -> None:
    answer = post(body.replace("%s", need).encode(), ENQUIRY, untouchable, boundary=FALLBACK)
    assert (answer.status_code, answer.content) == (200, COPY.body)
    assert HARDENING.items() <= dict(answer.headers).items()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (ENQUIRY, {}),
        (ENQUIRY, {"Content-Type": "text/plain"}),
        (ENQUIRY, JSON | {"Accept": "application/xml"}),
        (ENQUIRY, JSON | {"Content-Encoding": "gzip"}),
        (ENQUIRY, JSON | {"Host": "elsewhere.test"}),
        (ENQUIRY, JSON | {"X-Long": "x" * 20_000}),
        (ENQUIRY + "?token=abc&token=abc&%00", JSON),
    ],
)
def test_an_urgent_need_is_answered_whatever_else_is_wrong(url: str, headers: dict[str, str]) -> None:
    settings = FALLBACK | {"allowed_hosts": ["casework.test"]}
    answer = post(b'{"need":"emergency"}', url, untouchable, headers=headers, boundary=settings)
    assert answer.content == COPY.body


def test_an_urgent_need_is_known_from_half_a_body() -> None:
    begun = {"type": "http.request", "body": b'{"need":"emergency","text":"there is', "more_body": True}
    settings = FALLBACK | {"limits": Limits(body_seconds=0.05)}
    status, _, _ = raw_call([], begun, method="POST", path=ENQUIRY.encode(), app=untouchable, boundary=settings)
    assert status == 200


def test_an_urgent_need_does_not_wait_for_a_rest_that_does_not_come() -> None:
    begun = {"type": "http.request", "body": b'{"need":"emergency"}', "more_body": True}
    settings = FALLBACK | {"limits": Limits(body_seconds=3_600, pause_seconds=0.02)}
    status, _, _ = raw_call([], begun, method="POST", path=ENQUIRY.encode(), app=untouchable, boundary=settings)
    assert status == 200


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "If-Match", "X-Acting-For", "X-Purpose"])
def test_what_decides_is_sent_once(name: str) -> None:
    answer = call("GET", "/v1/cases", untouchable, headers=[(name, "a"), (name, "b")])
    assert name in refused(answer, 400, "bad-request")["detail"]


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, chunked", "identity", "gzip"])
def test_no_coding_but_chunked_is_read(coding: str) -> None:
    headers = [HOST, (b"content-type", b"application/json"), (b"transfer-encoding", coding.encode())]
    assert raw_call(headers, method="POST", app=untouchable)[0] == 400


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("Bearer abc", "Bearer abc"),
        ("bEARER   abc ", "Bearer abc"),
        ("Bearer abc def", "Bearer malformed"),
        ("Bearer \xa0abc", "Bearer malformed"),
        ("Bearer", "Bearer malformed"),
        ("Basic eDp4", "Basic eDp4"),
    ],
)
def test_a_token_is_spelt_in_one_way_within(sent: str, seen: str) -> None:
    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        await answer_json(send, 200, [value.decode() for name, value in scope["headers"] if name == b"authorization"])

    assert call("GET", "/v1/cases", tell, headers=[(b"Authorization", sent.encode("latin-1"))]).json() == [seen]


def test_an_urgent_need_in_bytes_that_are_not_utf_8() -> None:
    body = b'{"need": "emergency", "text": "\xff"}'
    assert post(body, ENQUIRY, untouchable, boundary=FALLBACK).content == COPY.body
    assert post(body.decode("latin-1").encode("utf-16"), ENQUIRY, untouchable, boundary=FALLBACK).content == COPY.body


@pytest.mark.parametrize(
    "body",
    [
        b'{"need": "advice"}',
        b'{"need": "advice", "text": "an emergency"}',
        b'{"need": ["emergency"]}',
        b'{"contact": {"need": "emergency"}}',
        b'{"text": "\\"need\\": \\"emergency\\""}',
        b'[["need", "emergency"]]',
        b'"emergency"',
    ],
)
def test_other_enquiries_go_their_way(body: bytes) -> None:
    assert post(body, ENQUIRY, boundary=FALLBACK).json()["json"] == json.loads(body)


def test_other_enquiries_meet_the_same_refusals() -> None:
    refused(post(b'{"need":"advice",}', ENQUIRY, boundary=FALLBACK), 400, "invalid-json")
    refused(post(b"x" * 300_000, ENQUIRY, boundary=FALLBACK), 413, "body-too-large")
    refused(post(in_pieces(300_000), ENQUIRY, boundary=FALLBACK), 413, "body-too-large")
    refused(post(b"{}", ENQUIRY, boundary=FALLBACK, headers={}), 415, "unsupported-media-type")


def test_urgent_words_elsewhere_are_not_asked_about() -> None:
    assert post(b'{"need":"emergency"}', "/v1/cases", boundary=FALLBACK).json()["json"] == {"need": "emergency"}


def test_a_fallback_that_fails_leaves_the_request_to_the_application(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(scope: Scope, body: bytes | None) -> FallbackAnswer | None:
        raise OSError("no such file")

    settings = {"fallback": broken}
    assert post(b'{"need":"emergency"}', ENQUIRY, boundary=settings).json()["json"] == {"need": "emergency"}
    assert call("GET", "/v1/signposts", answering(503), boundary=settings).json() == {"from": "app"}
    assert "OSError" in caplog.text


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    "app",
    [failing(OSError()), failing(p.Unavailable()), answering(500), answering(503), answering(429), hang],
)
def test_signposts_come_from_the_packaged_copy_when_the_service_fails(app: ASGIApp) -> None:
    settings = FALLBACK | {"limits": Limits(signpost_seconds=0.05)}
    assert call("GET", "/v1/signposts", app, boundary=settings).content == COPY.body


def test_signposts_come_from_the_service_when_it_can() -> None:
    answer = call("GET", "/v1/signposts", answering(200), boundary=FALLBACK)
    assert answer.json() == {"from": "app"}
    assert HARDENING.items() <= dict(answer.headers).items()
    assert call("GET", "/v1/signposts", answering(304), boundary=FALLBACK).status_code == 304
    refused(
        call("GET", "/v1/signposts", failing(p.UnknownParameter()), boundary=FALLBACK),
        400,
        "unknown-parameter",
    )


def test_signposts_without_a_packaged_copy_fail_by_name() -> None:
    settings = {"fallback": lambda scope, body: None, "limits": Limits(signpost_seconds=0.05)}
    refused(call("GET", "/v1/signposts", hang, boundary=settings), 503, "unavailable")
    refused(call("GET", "/v1/signposts", failing(OSError()), boundary=settings), 500, "internal-error")
    refused(call("GET", "/v1/signposts", answering(500), boundary=settings), 500, "internal-error")
