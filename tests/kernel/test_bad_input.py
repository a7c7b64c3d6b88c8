"""The table of bad input (robustness, section 5), row by row, over HTTP against the real service.

Rows that need a slice's own state (37 a booked adviser, 38 to 41 the forms of fields, 53 to 54 versions and keys) are also
held in the tests of that slice or kind; here each is shown at the door once.
"""

import contextlib
import gzip
import json
import socket
import uuid
from typing import Any

import httpx
import pytest

from casework.kernel import strict_json
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, moment, open_case, proposed_visit
from tests.support.world import Team, World

BIDI = [chr(each) for each in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


def opening(team: Team, **facts: Any) -> dict[str, Any]:
    return {"team_id": team.id, "title": "Fair", **facts}


def raw(caller: Caller, body: bytes, kind: str | None = "application/json", **headers: str) -> httpx.Response:
    sent = {"Idempotency-Key": str(uuid.uuid4()), **({"Content-Type": kind} if kind else {}), **headers}
    return caller.request("POST", "/v1/cases", content=body, headers=sent)


def bytes_of(team: Team, title: str) -> bytes:
    """A body with the title as it stands, escapes and all."""
    return b'{"team_id":"%s","title":"%s"}' % (team.id.encode(), title.encode())


@pytest.fixture
def adviser(team: Team) -> Caller:
    return team.person("adviser")


# 1, 3, 4, 6, 7, 8
@pytest.mark.parametrize(
    "title",
    [r"a\u0000b", r"a\u0007b", r"a\u0085b", r"\ud800", *(f"a{each}b" for each in BIDI), "", "   ", r"\u200b\u200b", "x" * 10_001],
    ids=lambda title: ascii(title)[:14],
)  # fmt: skip
def test_text_that_no_line_may_hold(team: Team, adviser: Caller, title: str) -> None:
    refused(raw(adviser, bytes_of(team, title)), 422, "validation-failed")


# 2, 47, 49 (url)
@pytest.mark.parametrize("bad", ["%00", "%0d%0a", "%c2%85", "%ff"])
def test_control_characters_in_a_url(world: World, bad: str) -> None:
    refused(world.anybody().get(f"/v1/cases/{bad}"), 400, "control-character")


# 9, 10
def test_bodies_that_are_too_large(team: Team, adviser: Caller) -> None:
    refused(raw(adviser, bytes_of(team, "x" * 10_000_000)), 413, "body-too-large")
    chunks = (b"x" * 60_000 for _ in range(20))
    answer = adviser.request(
        "POST", "/v1/cases", content=chunks,
        headers={"Content-Type": "application/json", "Idempotency-Key": "k" * 20},
    )  # fmt: skip
    refused(answer, 413, "body-too-large")
    assert answer.headers["connection"] == "close"


# 11, 12, 14, 15, 16, 18, 20, 21, 22
@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        (gzip.compress(b"{}" * 100_000, mtime=0), {"Content-Encoding": "gzip"}, 415, "unsupported-encoding"),
        (b'{"title":"\xff"}', {}, 400, "invalid-encoding"),
        (b'{"title":"a",}', {}, 400, "invalid-json"),
        (b'{"title":"a" // why\n}', {}, 400, "invalid-json"),
        (b"{'title':'a'}", {}, 400, "invalid-json"),
        (b'{"title":"a","title":"b"}', {}, 400, "duplicate-key"),
        (b'{"title":NaN}', {}, 400, "invalid-json"),
        (b'{"title":Infinity}', {}, 400, "invalid-json"),
        (b'{"title":-Infinity}', {}, 400, "invalid-json"),
        (b'{"title":' + b"9" * 5_000 + b"}", {}, 400, "invalid-json"),
        (b"[" * 200_000, {}, 400, "invalid-json"),
        (b"[]", {}, 422, "validation-failed"),
        (b'"text"', {}, 422, "validation-failed"),
        (b"null", {}, 422, "validation-failed"),
        (b"", {}, 422, "validation-failed"),
    ],
    ids=[
        "gzip",
        "not UTF-8",
        "comma",
        "comment",
        "quotes",
        "twice",
        "NaN",
        "inf",
        "-inf",
        "digits",
        "deep",
        "[]",
        "text",
        "null",
        "empty",
    ],
)
def test_bodies_that_cannot_be_read(
    adviser: Caller, body: bytes, headers: dict[str, str], status: int, slug: str
) -> None:
    refused(raw(adviser, body, **headers), status, slug)


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin1"]
)  # fmt: skip
def test_other_media(team: Team, adviser: Caller, kind: str | None) -> None:
    answer = raw(adviser, bytes_of(team, "Fair"), kind)
    refused(answer, 415, "unsupported-media-type")
    assert answer.headers["accept"] == "application/json"


# 23
def test_an_answer_in_xml(adviser: Caller) -> None:
    refused(adviser.request("GET", "/v1/cases", headers={"Accept": "application/xml"}), 406, "not-acceptable")


# 18, 24, 25, 26
@pytest.mark.parametrize(
    "facts",
    [
        {"role": "administrator"}, {"restricted": True}, {"kind": "party"}, {"kind": 1}, {"title": True}, {"title": 7},
        {"title": ["Fair"]}, {"team_id": 12}, {"team_id": "x"}, {"premises_id": "0190B2C4-0000-7000-8000-000000000001"},
    ],
    ids=str,
)  # fmt: skip
def test_fields_that_are_not_what_they_must_be(team: Team, adviser: Caller, facts: dict[str, Any]) -> None:
    document = refused(adviser.post("/v1/cases", opening(team, **facts)), 422, "validation-failed")
    assert document["errors"]
    if facts == {"kind": "party"}:
        assert "event" in json.dumps(document["errors"])


# 18, 26 (numbers)
@pytest.mark.parametrize("likelihood", [2**31, 2**63, 2**200, True, " 2 ", "12_0", 2.5, -1, 1e3])
def test_numbers_are_not_guessed(team: Team, adviser: Caller, likelihood: Any) -> None:
    finding = {
        "area": "Foyer",
        "phase": "egress",
        "methodology": "vaw",
        "gap": "Open.",
        "likelihood": likelihood,
        "impact": 4,
    }
    answer = adviser.post(f"/v1/visits/{uuid.uuid4()}/findings", finding)
    refused(answer, 422, "validation-failed")
    assert "/likelihood" in {error["pointer"] for error in answer.json()["errors"]}


# 27, 28, 29
def test_merge_patch(team: Team, adviser: Caller) -> None:
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    refused(adviser.patch(path, {"title": None}, match=case["version"]), 422, "validation-failed")
    same = adviser.patch(path, {}, match=case["version"])
    assert ok(same)["version"] == case["version"]
    assert same.headers["ETag"] == f'"{case["version"]}"'


# 30, 31, 35
@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2027-03-01T09:00:00", "2027-03-01T11:00:00Z"), (1_800_000_000, "2027-03-01T11:00:00Z"),
        ("2027-03-01", "2027-03-01T11:00:00Z"), ("2027-03-01T11:00:00Z", "2027-03-01T09:00:00Z"),
        ("2027-03-01T09:00:00Z", "2027-03-01T09:00:00Z"), ("2027-03-01T07:00:00Z", "2027-03-01T23:00:00Z"),
        ("2027-13-01T09:00:00Z", "2027-03-01T11:00:00Z"), ("2027-03-28T01:30", "2027-03-28T03:00:00Z"),
    ],
    ids=str,
)  # fmt: skip
def test_times(team: Team, adviser: Caller, starts: Any, ends: Any) -> None:
    case = allocated_case(team, adviser)
    body = {"starts_at": starts, "ends_at": ends}
    refused(adviser.post(f"/v1/cases/{case['id']}/visits", body), 422, "validation-failed")


# 37
def test_a_booked_adviser(team: Team, adviser: Caller) -> None:
    case = allocated_case(team, adviser)
    proposed_visit(adviser, case)
    body = {"starts_at": moment(days=7), "ends_at": moment(days=7, hours=2)}
    refused(adviser.post(f"/v1/cases/{case['id']}/visits", body), 409, "adviser-unavailable")


# 41, 42
@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "{{7*7}}", "=cmd|' /C calc'!A0", "100 % _ \\ of it", "'; --"]
)
def test_markup_and_formulas_are_text(team: Team, adviser: Caller, title: str) -> None:
    assert open_case(adviser, team, title=title)["title"] == title


# 44, 45, 46, 47
@pytest.mark.parametrize("limit", ["-1", "0", "201", "1" + "0" * 19, "1_0", "ten", "1.5", ""])
def test_limits_of_pages(adviser: Caller, limit: str) -> None:
    refused(adviser.get("/v1/cases", limit=limit), 422, "validation-failed")


def test_a_cursor_belongs_to_its_caller_and_its_filters(team: Team, adviser: Caller) -> None:
    for _ in range(2):
        open_case(adviser, team)
    cursor = ok(adviser.get("/v1/cases", limit=1))["next_cursor"]
    ok(adviser.get("/v1/cases", limit=1, cursor=cursor))
    for caller, more in (
        (team.person("adviser"), {"cursor": cursor}),
        (adviser, {"cursor": cursor, "state": "closed"}),
        (adviser, {"cursor": cursor[:-3]}),
        (adviser, {"cursor": ("A" if cursor[0] != "A" else "B") + cursor[1:]}),
        (adviser, {"cursor": ""}),
        (adviser, {"cursor": "v0." + cursor}),
    ):
        refused(caller.get("/v1/cases", limit=1, **more), 400, "invalid-cursor")


def test_parameters(adviser: Caller) -> None:
    refused(adviser.get("/v1/cases?limti=1"), 400, "unknown-parameter")
    refused(adviser.get("/v1/cases?limit=1&limit=2"), 400, "repeated-parameter")
    refused(adviser.get("/v1/cases?" + "&".join(f"a{n}=1" for n in range(70))), 400, "too-many-parameters")
    refused(adviser.get("/v1/cases?q=" + "x" * 8_200), 414, "uri-too-long")


# 49, 50 (what a client library would not send)
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/cases HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n", 400),
        (b"GET /v1/cases HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 2_000 + b"\r\n", 431),
        (b"GET /v1/cases HTTP/1.1\r\nHost: x\r\nX-A: " + b"b" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET /v1/cases HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /v1/cases HTTP/1.1\r\n\r\n", 400),
        (b"POST /v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (b"GET /v1/cases HTTP/1.1\r\nHost: x\r\nX-A: b\r\n folded\r\n\r\n", 400),
    ],
    ids=["nul", "2,000 headers", "1 MB header", "two hosts", "no host", "length and chunks", "folded"],
)
def test_heads(world: World, head: bytes, status: int) -> None:
    host, port = world.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is refused while it comes
            connection.sendall(head)
        assert connection.recv(64).startswith(b"HTTP/1.1 %d" % status)


# 51
@pytest.mark.parametrize("written", ["x", "{id}", "ID", "..%2fcases", "1", "00000000-0000-0000-0000-00000000000g"])
def test_ids_that_are_not_canonical_are_absent(team: Team, adviser: Caller, written: str) -> None:
    case = open_case(adviser, team)
    name = written.replace("ID", case["id"].upper()).replace("{id}", "%7B" + case["id"] + "%7D")
    refused(adviser.get(f"/v1/cases/{name}"), 404, "not-found")


# 53
@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 428), ("*", 428), ('W/"1"', 412), ('"99"', 412), ('"98", "99"', 412), ('"x"', 412), ('"1", "99"', 200)],
)  # fmt: skip
def test_versions(team: Team, adviser: Caller, header: str | None, status: int) -> None:
    case = open_case(adviser, team)
    sent = {"If-Match": header} if header else {}
    answer = team.person("supervisor").request("PATCH", f"/v1/cases/{case['id']}", json={"title": "New"}, headers=sent)
    assert answer.status_code == status, answer.text


# 54
@pytest.mark.parametrize("key", ["", "k" * 300, "schl\u00fcssel", "a b"])
def test_keys(team: Team, adviser: Caller, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    answer = adviser.request("POST", "/v1/cases", json=opening(team), headers=headers)
    refused(answer, 400, "invalid-idempotency-key")


def test_no_refusal_holds_what_was_sent(team: Team, adviser: Caller) -> None:
    marked = "mark-7f3a"
    for facts in (
        {"kind": marked},
        {"team_id": marked},
        {"title": marked * 500},
        {marked: 1},
        {"competence": [marked]},
    ):
        assert marked not in adviser.post("/v1/cases", opening(team, **facts)).text
    for query in (f"limit={marked}", f"state={marked}", f"{marked}=1", f"cursor={marked}", f"sort={marked}"):
        assert marked not in adviser.get(f"/v1/cases?{query}").text
    assert strict_json.MAX_ERRORS == 50
