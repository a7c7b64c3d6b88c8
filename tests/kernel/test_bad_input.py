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
from casework.kernel.sizes import PUBLIC
from tests.architecture.test_inputs import constructors
from tests.enquiries.building import asked, asking
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


def test_what_the_public_sends_is_small_however_it_is_sent(world: World, team: Team) -> None:
    """With its length announced or in pieces; an enquiry's body is read for its urgency first, which lets nothing more in."""
    body = json.dumps(asking(team)).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}

    def sent(content: Any, token: str | None = None, path: str = "/v1/enquiries") -> httpx.Response:
        return world.anybody(token).request("POST", path, content=content, headers=headers)

    for path in ("/v1/enquiries", "/v1/sessions", "/v1/tracking/confirmation"):
        for content in (body.ljust(PUBLIC.bytes + 1), iter([body, b" " * PUBLIC.bytes])):
            refused(sent(content, path=path), 413, "body-too-large")
    business = asked(world, team).token
    refused(sent(iter([body, b" " * PUBLIC.bytes]), business), 413, "body-too-large")
    many = json.dumps({f"u{n}": 1 for n in range(PUBLIC.members + 1)}).encode()
    refused(sent(iter([many])), 413, "body-too-large")
    assert sent(iter([body.ljust(PUBLIC.bytes)])).status_code == 201


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
        (b"[" * 900 + b"]" * 900, {}, 400, "invalid-json"),
        (b"[" * 200_000, {}, 413, "body-too-large"),
        (b"{" + b",".join(b'"%d":1' % n for n in range(2_501)) + b"}", {}, 413, "body-too-large"),
        (b"[" + b",".join([b"[]"] * 83_000) + b"]", {}, 413, "body-too-large"),
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
        "bottomless",
        "members",
        "lists",
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
@pytest.mark.parametrize("written", ["x", "{id}", "bare", "..%2fcases", "1", "00000000-0000-0000-0000-00000000000g"])
def test_ids_that_are_not_canonical_are_absent(team: Team, adviser: Caller, written: str) -> None:
    case = open_case(adviser, team)
    name = written.replace("{id}", "%7B" + case["id"] + "%7D").replace("bare", case["id"].replace("-", ""))
    refused(adviser.get(f"/v1/cases/{name}"), 404, "not-found")
    refused(
        team.world.anybody().get(f"/v1/cases/{name}"),
        401 if "%2f" not in name else 404,
        "unauthenticated" if "%2f" not in name else "not-found",
    )


def test_ids_are_taken_in_capitals_and_known_by_one_spelling(team: Team, adviser: Caller) -> None:
    case = allocated_case(team, adviser)
    shouted = case["id"].upper()
    assert ok(adviser.get(f"/v1/cases/{shouted}"))["id"] == case["id"]
    assert ok(adviser.get("/v1/visits", case_id=shouted))["items"] == []
    page = adviser.get("/v1/people", team_id=team.id.upper(), limit=1)
    ok(page)
    # In a body, and under one key: the same request in another spelling is the same request.
    first = adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "One"}, key="spelling-1")
    again = adviser.post(f"/v1/cases/{shouted}/notes", {"body": "One"}, key="spelling-1")
    assert ok(first, 201) == ok(again, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    body = {"name": "Hall", "team_id": team.id}
    one = adviser.post("/v1/premises", body, key="spelling-2")
    other = adviser.post("/v1/premises", {**body, "team_id": team.id.upper()}, key="spelling-2")
    assert ok(one, 201)["id"] == ok(other, 201)["id"]
    chosen = str(uuid.uuid4())
    made = adviser.post("/v1/premises", {**body, "name": "Barn", "id": chosen.upper()})
    assert ok(made, 201)["id"] == chosen
    assert made.headers["Location"].endswith(chosen)
    for wrong in ("{" + chosen + "}", "urn:uuid:" + chosen, chosen.replace("-", ""), chosen[:-1] + "\u0661"):
        told = refused(adviser.post("/v1/premises", {**body, "id": wrong}), 422, "validation-failed")
        assert told["errors"][0]["pointer"] == "/id"


def test_a_cursor_survives_another_spelling_of_its_filters(team: Team, adviser: Caller) -> None:
    for _ in range(2):
        team.person("adviser")
    page = ok(adviser.get("/v1/people", team_id=team.id, limit=1))
    assert ok(adviser.get("/v1/people", team_id=team.id.upper(), limit=1, cursor=page["next_cursor"]))["items"]


def test_head_is_answered_wherever_get_is(world: World, team: Team, adviser: Caller) -> None:
    case = open_case(adviser, team)
    for path in (
        f"/v1/cases/{case['id']}",
        "/v1/cases",
        "/v1/signposts",
        "/health/live",
        "/v1/me",
        f"/v1/cases/{uuid.uuid4()}",
    ):
        got, head = adviser.get(path), adviser.request("HEAD", path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.headers.get("etag") == got.headers.get("etag")
    # It is a look like any other: the log has it.
    count = "SELECT count(*) FROM audit.event_object WHERE object_id = $1::text::uuid AND operation = 'consultation'"
    before = world.sql(count, case["id"])[0][0]
    adviser.request("HEAD", f"/v1/cases/{case['id']}")
    assert world.sql(count, case["id"])[0][0] == before + 1
    refused_head = adviser.request("DELETE", f"/v1/cases/{case['id']}")
    assert (refused_head.status_code, refused_head.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/cases?due_before=0", "due_before"), ("/v1/cases?due_before=1798761600", "due_before"),
        ("/v1/cases?due_before=2027-01-01T00:00:00Z", "due_before"), ("/v1/cases?open=1", "open"), ("/v1/cases?mine=on", "mine"),
        ("/v1/cases?open=True", "open"), ("/v1/findings?min_risk=%D9%A5", "min_risk"), ("/v1/findings?min_risk=1_0", "min_risk"),
        ("/v1/findings?min_risk=+5", "min_risk"), ("/v1/bank-holidays?year=2_026", "year"), ("/v1/people?active=yes", "active"),
        ("/v1/cases?limit=1.0", "limit"), ("/v1/visits?case_id=1", "case_id"),
    ],
)  # fmt: skip
def test_a_parameter_is_read_as_it_is_written(adviser: Caller, path: str, parameter: str) -> None:
    told = refused(adviser.request("GET", path), 422, "validation-failed")
    assert [error["parameter"] for error in told["errors"]] == [parameter]


@pytest.mark.parametrize(
    "degrees", ["5_2", "\u0665\u0662", " 52 ", "5e1", "0e999999999", "NaN", "+52", "52.", True, [52], 1e300]
)
def test_degrees_are_digits(team: Team, adviser: Caller, degrees: Any) -> None:
    sent = adviser.post("/v1/premises", {"team_id": team.id, "name": "Hall", "latitude": degrees, "longitude": "-1.5"})
    assert refused(sent, 422, "validation-failed")["errors"][0]["pointer"] == "/latitude"


@pytest.mark.parametrize(
    ("degrees", "stored"), [("53.0741", "53.074100"), (53, "53.000000"), (-0.0, "0.000000"), (52.1234567, "52.123457")]
)
def test_degrees_keep_six_decimals(team: Team, adviser: Caller, degrees: Any, stored: str) -> None:
    made = ok(
        adviser.post("/v1/premises", {"team_id": team.id, "name": "Hall", "latitude": degrees, "longitude": -1.5}), 201
    )
    assert (made["latitude"], made["longitude"]) == (stored, "-1.500000")


def test_a_number_too_small_to_be_told_from_zero_is_none(team: Team, adviser: Caller) -> None:
    body = json.dumps({"team_id": team.id, "name": "Hall", "latitude": 7}).replace("7}", "1e-400}")
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    refused(adviser.request("POST", "/v1/premises", content=body, headers=headers), 400, "invalid-json")


def test_an_encoded_slash_is_no_separator(team: Team, adviser: Caller) -> None:
    case = open_case(adviser, team)
    for path in (f"/v1/cases%2F{case['id']}", f"/v1/cases%2f{case['id']}", f"/v1%2Fcases/{case['id']}"):
        refused(adviser.get(path), 404, "not-found")


def test_an_unknown_member_is_pointed_to(adviser: Caller, team: Team) -> None:
    for body, pointer in (
        ({"due": "2027-01-01"}, "/due"), ({"cls": 1}, "/cls"), ({"__pydantic_self__": 1}, "/__pydantic_self__"),
        ({"tell nobody this": 1}, ""), ({"n" * 61: 1}, ""), ({"a/b": 1}, ""), ({"\u00e9t\u00e9": 1}, ""),
    ):  # fmt: skip
        told = refused(adviser.post("/v1/cases", {**opening(team), **body}), 422, "validation-failed")
        assert [(error["pointer"], error["code"]) for error in told["errors"]] == [(pointer, "extra_forbidden")]


def test_every_problem_where_the_public_asks_says_999(world: World) -> None:
    anybody = world.anybody()
    key = {"Idempotency-Key": str(uuid.uuid4())}
    sent: list[dict[str, Any]] = [
        {"json": {"need": ["emergency"]}}, {"json": {"need": "EMERGENCY"}}, {"content": b"{'need':'emergency'}"}, {"content": b""},
        {"json": {"need": "protective_security_advice"}}, {"content": b"x" * 40_000}, {"json": {str(n): n for n in range(200)}},
        {"json": {}, "headers": {"Content-Type": "text/plain"}}, {"json": {}, "headers": {"Accept": "text/html"}},
    ]  # fmt: skip
    for each in sent:
        headers = {"Content-Type": "application/json", **key, **each.get("headers", {})}
        answer = anybody.request("POST", "/v1/enquiries", **{**each, "headers": headers})
        assert answer.status_code >= 400, each
        assert "999" in answer.json()["emergency"], answer.text
    assert "999" in anybody.request("POST", "/v1/enquiries/", json={}, headers=key).json()["emergency"]
    assert "999" in anybody.request("DELETE", "/v1/enquiries").json()["emergency"]
    assert "emergency" not in anybody.get("/v1/cases").json()


@pytest.mark.parametrize("name", ["x%d", "a name that is much too long to be told as a pointer of what was sent %d"])
def test_many_unknown_members_are_refused_before_each_is_judged(adviser: Caller, team: Team, name: str) -> None:
    many = {name % number: 1 for number in range(400)}
    for body, pointer in (({"team_id": team.id, **many}, ""), ({"team_id": team.id, "name": "Hall", "areas": 1}, None)):
        problem = refused(adviser.post("/v1/premises", body), 422, "validation-failed")
        if pointer is not None:
            assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("", "too-many-members")]


def test_what_the_database_refuses_is_pointed_to(adviser: Caller, team: Team) -> None:
    unknown = str(uuid.uuid4())
    for name in ("premises_id", "organisation_id"):
        told = refused(adviser.post("/v1/cases", {**opening(team), name: unknown}), 422, "validation-failed")
        assert [error["pointer"] for error in told["errors"]] == [f"/{name}"], told


# 53
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 428), ("*", 428), ('"1", *', 428), ('*,"1"', 428), ('"99"', 412), ('"98", "99"', 412), ('"x"', 412), ('"1", "99"', 200),
        # What a proxy that compresses makes of a tag is the same version, and no other.
        ('W/"1"', 200), ('"1-gzip"', 200), ('W/"1-br"', 200), ('"1;gzip"', 200), ("1", 200), ('W/"2"', 412), ('"11-gzip"', 412),
        ('"-gzip"', 412), ('"1gzip"', 412), ('"1", "2", "3", "4", "5"', 200), ('"1", "2", "3", "4", "5", "6"', 400),
        (", ".join(f'"{n}"' for n in range(1_500)), 400),
    ],
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
        {f"{marked} is no name": 1},
        {marked * 20: 1},
        {"competence": [marked]},
    ):
        assert marked not in adviser.post("/v1/cases", opening(team, **facts)).text
    for query in (f"limit={marked}", f"state={marked}", f"{marked}=1", f"cursor={marked}", f"sort={marked}"):
        assert marked not in adviser.get(f"/v1/cases?{query}").text
    assert strict_json.MAX_ERRORS == 50


def test_no_name_of_a_member_is_a_fault(world: World) -> None:
    """Whatever a member is called, at whatever depth: it is an unknown field, and no keyword of ours."""
    anybody = world.anybody()
    doors: list[tuple[str, dict[str, Any], str]] = [
        ("/v1/sessions", {"login": "a@b.example", "password": "x"}, ""),
        ("/v1/enquiries", {"need": "protective_security_advice", "site_name": "Hall"}, ""),
        (
            "/v1/enquiries",
            {"need": "protective_security_advice", "site_name": "Hall", "contact": {"name": "Ana"}},
            "contact",
        ),
    ]
    for path, body, beneath in doors:
        for name in sorted(constructors()):
            sent = {**body, **({beneath: {**body[beneath], name: 1}} if beneath else {name: 1})}
            if name in ("name", "need"):
                continue  # these are fields
            told = refused(anybody.post(path, sent), 422, "validation-failed")
            pointers = [error["pointer"] for error in told["errors"] if error["code"] == "extra_forbidden"]
            assert pointers == [f"/{beneath}/{name}".replace("//", "/")], (path, name)
