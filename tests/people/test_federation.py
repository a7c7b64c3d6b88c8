"""Federated log-in: the provider vouches for whom, the database says what they may do, and sessions end as any others."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import ValidationError

from casework.access import federation
from casework.access.tokens import hash_token
from casework.kernel.settings import Settings
from tests.support.callers import Caller, ok, refused
from tests.support.federated import configured, federated, linked
from tests.support.issuer import AUDIENCE, Issuer
from tests.support.server import serving
from tests.support.story import open_case
from tests.support.world import Team, World


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def world(world: World, test_settings: Settings, issuer: Issuer) -> Iterator[World]:
    with federated(world, test_settings, issuer) as other:
        yield other


def come_in(world: World, issuer: Issuer, person: Caller, **claims: Any) -> Caller:
    """The person with a fresh token of the provider."""
    caller = world.anybody(issuer.token(linked(world, issuer, person), **claims))
    caller.person_id, caller.teams, caller.mark = person.person_id, person.teams, person.mark
    return caller


def sessions_of(world: World, token: str | None) -> list[Any]:
    return world.sql("SELECT * FROM access.session WHERE token_hash = $1", hash_token(token or ""))


def test_a_token_of_the_provider_opens_what_the_database_says(world: World, team: Team, issuer: Issuer) -> None:
    case = open_case(team.person("adviser"), team)
    person = team.person("adviser", name="Jo Marsh")
    caller = come_in(world, issuer, person, roles=["administrator"], scope="everything")
    me = ok(caller.get("/v1/me"))
    assert (me["id"], me["name"], me["kind"]) == (person.person_id, "Jo Marsh", "staff")
    assert (me["log_in"]["way"], me["log_in"]["issuer"]) == ("federated", issuer.url)
    assert {role["role"] for role in me["roles"]} == {"adviser"}
    assert [row["id"] for row in ok(caller.get("/v1/cases"))["items"]] == [case["id"]]
    refused(caller.get("/v1/api-clients"), 403, "forbidden")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "Ed25519"])
def test_keys_sign_in_the_one_way_that_is_theirs(world: World, team: Team, issuer: Issuer, algorithm: str) -> None:
    issuer.add_key(algorithm, algorithm)
    time.sleep(1.1)
    token = issuer.token(linked(world, issuer, team.person("adviser")), kid=algorithm)
    ok(world.anybody(token).get("/v1/me"))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/me"), ("GET", "/v1/cases"), ("GET", "/v1/cases?limit=1"), ("POST", "/v1/cases")]
)
def test_the_first_request_may_be_any(world: World, team: Team, issuer: Issuer, method: str, path: str) -> None:
    """Read, list or write: no request of its own is needed to log in; one that is not well formed says what is wrong."""
    caller = come_in(world, issuer, team.person("adviser"))
    answer = caller.request(method, path, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == (200 if method == "GET" else 422), answer.text


def test_a_write_by_a_token_never_seen_before_is_done_once(world: World, team: Team, issuer: Issuer) -> None:
    administrator = come_in(world, issuer, team.person("administrator"))
    before = world.sql("SELECT count(*) FROM casework.team")[0][0]
    ok(administrator.post("/v1/teams", {"name": "Second", "force_code": team.force_code}), 201)
    assert world.sql("SELECT count(*) FROM casework.team")[0][0] == before + 1


def test_the_first_sight_makes_one_session_and_the_log_says_so(world: World, team: Team, issuer: Issuer) -> None:
    caller = come_in(world, issuer, team.person("adviser"))
    answers: list[int] = []
    token = caller.token or ""

    def call() -> None:
        with closing(Caller(world.base_url, token)) as one:
            answers.append(one.get("/v1/me").status_code)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    session = sessions_of(world, caller.token)
    assert len(session) == 1
    assert (str(session[0]["principal_id"]), session[0]["issuer"]) == (caller.person_id, issuer.url)
    opened = world.sql("SELECT * FROM audit.event WHERE session_id = $1 AND cardinality(roles) = 0", session[0]["id"])
    assert [(each["decision"], str(each["principal_id"])) for each in opened] == [("allow", caller.person_id)]
    assert token not in str(world.sql("SELECT t::text FROM access.session t"))


def test_a_session_lasts_no_longer_than_its_token_and_the_service_s_own_limit(
    world: World, team: Team, issuer: Issuer, test_settings: Settings
) -> None:
    now = int(time.time())
    short = come_in(world, issuer, team.person("adviser"), exp=now + 120)
    ok(short.get("/v1/me"))
    assert sessions_of(world, short.token)[0]["expires_at"].timestamp() == now + 120
    with federated(world, test_settings, issuer, oidc_token_minutes=600, session_hours=1) as strict:
        person = team.person("adviser")
        long = strict.anybody(issuer.token(linked(world, issuer, person), exp=now + 9 * 3600))
        ok(long.get("/v1/me"))
        assert sessions_of(world, long.token)[0]["expires_at"].timestamp() < now + 3700


@pytest.mark.parametrize("limit", ["idle_until", "expires_at"])
def test_what_has_lapsed_is_not_opened_again_by_the_same_token(
    world: World, team: Team, issuer: Issuer, limit: str
) -> None:
    caller = come_in(world, issuer, team.person("adviser"))
    ok(caller.get("/v1/me"))
    assert sessions_of(world, caller.token)[0]["idle_minutes"] == 60
    world.sql(
        f"UPDATE access.session SET {limit} = now() - interval '1 second' WHERE token_hash = $1",
        hash_token(caller.token or ""),
    )
    for _ in range(2):
        refused(caller.get("/v1/me"), 401, "unauthenticated")


def test_one_s_own_federated_sessions_are_listed_and_end(world: World, team: Team, issuer: Issuer) -> None:
    person = team.person("adviser")
    subject = linked(world, issuer, person)
    here, there = world.anybody(issuer.token(subject)), world.anybody(issuer.token(subject))
    ok(there.get("/v1/me"))
    sessions = ok(here.get("/v1/sessions"))["items"]
    assert sorted(each["way"] for each in sessions) == ["federated", "federated", "local"]
    other = next(each for each in sessions if each["way"] == "federated" and not each["current"])
    assert ok(here.delete(f"/v1/sessions/{other['id']}")) == {"ended": 1}
    refused(there.get("/v1/me"), 401, "unauthenticated")
    ok(here.delete("/v1/sessions/current"))
    refused(here.get("/v1/me"), 401, "unauthenticated")
    ok(world.anybody(issuer.token(subject)).get("/v1/me"))


def later() -> int:
    """A whole second from now on: the provider's clock has no smaller steps."""
    time.sleep(1.1)
    return int(time.time())


def test_sessions_that_others_end_are_out_with_every_token_issued_before(
    world: World, team: Team, issuer: Issuer
) -> None:
    person = team.person("adviser")
    subject = linked(world, issuer, person)
    caller, kept_back = world.anybody(issuer.token(subject)), world.anybody(issuer.token(subject))
    ok(caller.get("/v1/me"))
    time.sleep(1.1)
    assert ok(team.person("supervisor").delete(f"/v1/people/{person.person_id}/sessions"))["ended"] == 2
    refused(caller.get("/v1/me"), 401, "unauthenticated")
    refused(kept_back.get("/v1/me"), 401, "unauthenticated")
    later()
    ok(world.anybody(issuer.token(subject)).get("/v1/me"))


def test_who_is_made_inactive_is_out_and_comes_back_by_a_new_token_only(
    world: World, team: Team, issuer: Issuer
) -> None:
    person, administrator = team.person("adviser"), team.person("administrator")
    subject = linked(world, issuer, person)
    caller, kept_back = world.anybody(issuer.token(subject)), world.anybody(issuer.token(subject))
    ok(caller.get("/v1/me"))
    path = f"/v1/people/{person.person_id}"
    time.sleep(1.1)
    ok(administrator.patch(path, {"active": False}, match=1))
    for token in (caller, kept_back, world.anybody(issuer.token(subject))):
        refused(token.get("/v1/me"), 401, "unauthenticated")
    ok(administrator.patch(path, {"active": True}, match=2))
    for token in (caller, kept_back):
        refused(token.get("/v1/me"), 401, "unauthenticated")
    ok(administrator.post(f"{path}/roles", {"role": "adviser", "team_id": team.id}), 201)  # roles ended for good
    later()
    ok(world.anybody(issuer.token(subject)).get("/v1/me"))


def test_nobody_known_is_answered_as_anybody_and_logged_by_nothing_that_was_sent(world: World, issuer: Issuer) -> None:
    stranger = world.anybody(issuer.token("a-stranger-of-the-provider"))
    answer = stranger.get("/v1/me")
    refused(answer, 401, "unauthenticated")
    events = world.sql("SELECT t::text FROM audit.event t WHERE request_id = $1", answer.json()["request_id"])
    assert len(events) == 2
    assert "stranger" not in str(events)
    assert sessions_of(world, stranger.token) == []


# --- linking ---


def link(administrator: Caller, person: Caller, **facts: Any) -> Any:
    return administrator.post(
        f"/v1/people/{person.person_id}/identities", {"subject": "s-" + str(uuid.uuid4()), **facts}
    )


def test_an_administrator_links_and_unlinks_somebody_else(world: World, team: Team, issuer: Issuer) -> None:
    administrator, person = team.person("administrator"), team.person("adviser")
    made = ok(link(administrator, person, issuer=issuer.url), 201)
    assert (made["issuer"], made["linked_by"]) == (issuer.url, administrator.person_id)
    again = ok(link(administrator, person, subject=made["subject"]), 201)
    assert again == made
    path = f"/v1/people/{person.person_id}/identities"
    assert ok(administrator.get(path)) == {"items": [made]}
    caller, kept_back = (world.anybody(issuer.token(made["subject"])) for _ in range(2))
    ok(caller.get("/v1/me"))
    local = world.log_in(person.person_id or "")
    time.sleep(1.1)
    assert ok(administrator.delete(f"{path}/{made['id']}")) == {"items": []}
    refused(caller.get("/v1/me"), 401, "unauthenticated")
    ok(local.get("/v1/me"))
    refused(administrator.delete(f"{path}/{made['id']}"), 404, "not-found")
    ok(link(administrator, person, subject=made["subject"]), 201)
    for token in (caller, kept_back):
        refused(token.get("/v1/me"), 401, "unauthenticated")
    logged = world.sql(
        "SELECT o.operation, o.facts::text AS facts FROM audit.event_object o WHERE o.object_id = $1 ORDER BY o.event_id",
        uuid.UUID(made["id"]),
    )
    assert [each["operation"] for each in logged] == ["collection", "erasure"]
    assert made["subject"] not in str(logged)


def test_an_identity_is_one_person_s(team: Team) -> None:
    administrator, first, second = team.person("administrator"), team.person("adviser"), team.person("adviser")
    made = ok(link(administrator, first), 201)
    refused(link(administrator, second, subject=made["subject"]), 409, "conflict")
    refused(administrator.delete(f"/v1/people/{second.person_id}/identities/{made['id']}"), 404, "not-found")


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_nobody_alone_says_who_an_administrator_or_auditor_is(team: Team, role: str) -> None:
    administrator = team.person("administrator")
    refused(link(administrator, team.person(role)), 409, "conflict")
    pending = team.person("adviser")
    ok(administrator.post(f"/v1/people/{pending.person_id}/roles", {"role": role, "team_id": team.id}), 201)
    refused(link(administrator, pending), 409, "conflict")


def test_linking_is_refused_to_oneself_and_to_who_does_not_manage_people(team: Team) -> None:
    administrator, person = team.person("administrator"), team.person("adviser")
    refused(link(administrator, administrator), 403, "never-oneself")
    own = f"/v1/people/{administrator.person_id}/identities/{uuid.uuid4()}"
    refused(administrator.delete(own), 403, "never-oneself")
    for role in ("adviser", "supervisor", "auditor"):
        other = team.person(role)
        refused(link(other, person), 403, "forbidden")
        refused(other.get(f"/v1/people/{person.person_id}/identities"), 403, "forbidden")
        refused(other.delete(f"/v1/people/{person.person_id}/identities/{uuid.uuid4()}"), 403, "forbidden")
    path = f"/v1/people/{uuid.uuid4()}/identities"
    refused(administrator.post(path, {"subject": "nobody-s"}), 404, "not-found")


@pytest.mark.parametrize(
    "facts", [{"issuer": "https://other.example"}, {"subject": ""}, {"subject": "a\nb"}, {"subject": "x" * 256}]
)
def test_what_is_linked_is_a_subject_of_the_provider(team: Team, facts: dict[str, str]) -> None:
    refused(link(team.person("administrator"), team.person("adviser"), **facts), 422, "validation-failed")


def test_nothing_is_linked_and_no_token_taken_where_it_is_off(
    world: World, team: Team, issuer: Issuer, test_settings: Settings
) -> None:
    token = issuer.token(linked(world, issuer, team.person("adviser")))
    administrator, person = team.person("administrator"), team.person("adviser")
    with serving(test_settings, world.addresses) as base_url:
        with closing(Caller(base_url, token)) as caller:
            refused(caller.get("/v1/me"), 401, "unauthenticated")
        with closing(Caller(base_url, administrator.token)) as caller:
            refused(link(caller, person), 403, "federated-login-off")


# --- the provider's keys ---


def test_a_new_key_is_asked_for_and_a_withdrawn_one_ends(
    world: World, team: Team, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = linked(world, issuer, team.person("adviser"))
    ok(world.anybody(issuer.token(subject)).get("/v1/me"))
    time.sleep(1.1)
    issuer.add_key("rotated", "ES256")
    ok(world.anybody(issuer.token(subject, kid="rotated")).get("/v1/me"))
    withdrawn = issuer.keys.pop("rotated")
    issuer.publish()
    issuer.keys["rotated"] = withdrawn
    monkeypatch.setattr(federation, "FRESH", 0.0)
    time.sleep(1.1)
    try:
        refused(world.anybody(issuer.token(subject, kid="rotated")).get("/v1/me"), 401, "unauthenticated")
    finally:
        del issuer.keys["rotated"]


def test_forged_key_names_do_not_hammer_the_provider(world: World, issuer: Issuer) -> None:
    asked, began = issuer.asked(), time.monotonic()
    for number in range(30):
        issuer.keys[f"unknown-{number}"] = issuer.keys["first"]
        token = issuer.token("anybody", kid=f"unknown-{number}")
        del issuer.keys[f"unknown-{number}"]
        refused(world.anybody(token).get("/v1/me"), 401, "unauthenticated")
    assert issuer.asked() - asked <= 1 + (time.monotonic() - began)


@pytest.mark.parametrize("away", [True, "slow"])
def test_known_keys_count_while_the_provider_is_away(
    world: World, team: Team, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, away: Any
) -> None:
    subject = linked(world, issuer, team.person("adviser"))
    ok(world.anybody(issuer.token(subject)).get("/v1/me"))
    monkeypatch.setattr(federation, "FRESH", 0.0)
    time.sleep(1.1)
    issuer.tell(away=away)
    try:
        ok(world.anybody(issuer.token(subject)).get("/v1/me"))
    finally:
        issuer.publish()


@pytest.mark.parametrize(
    "wrong",
    [
        {"away": True},
        {"discovery": {"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"}},
        {"discovery": {"issuer": "ISSUER", "jwks_uri": "http://192.0.2.1/keys"}},
        {"discovery": {"issuer": "ISSUER", "jwks_uri": "file:///etc/passwd"}},
        {"discovery": {"issuer": "ISSUER"}},
        {"discovery": ["no object"]},
        {"keys": {"keys": "none"}},
        {"keys": {"keys": [], "padding": "x" * 300_000}},
        {"status": 302, "location": "http://127.0.0.1:1/elsewhere"},
    ],
    ids=lambda wrong: "-".join(wrong) + str(len(str(wrong))),
)
def test_without_any_key_nobody_is_told_that_their_token_is_wrong(
    world: World, team: Team, issuer: Issuer, test_settings: Settings, wrong: dict[str, Any]
) -> None:
    """503, to be tried again; and a forged token is still refused before anybody is asked."""
    if isinstance(wrong.get("discovery"), dict) and wrong["discovery"]["issuer"] == "ISSUER":
        wrong = {"discovery": {**wrong["discovery"], "issuer": issuer.url}}
    token = issuer.token(linked(world, issuer, team.person("adviser")))
    try:
        with federated(world, test_settings, issuer) as fresh:
            issuer.publish(**wrong)
            answer = fresh.anybody(token).get("/v1/me")
            refused(answer, 503, "unavailable")
            assert answer.headers["Retry-After"]
            refused(fresh.anybody(issuer.token("x", aud="other")).get("/v1/me"), 401, "unauthenticated")
            issuer.publish(status=200)
            time.sleep(1.1)
            ok(fresh.anybody(token).get("/v1/me"))
    finally:
        issuer.publish(status=200)


def test_only_keys_that_may_verify_are_kept() -> None:
    rsa = Issuer.public("RS256", "a")
    weak = Issuer.public("RS256", "weak", bits=1024)
    told = [
        rsa,
        weak,
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {**rsa, "kid": "for-encryption", "use": "enc"},
        {**rsa, "kid": "none", "alg": "none"},
        {**rsa, "kid": "symmetric", "alg": "HS256"},
        {**rsa, "kid": "other-kind", "alg": "ES256"},
        {**rsa, "kid": "twice"},
        {**rsa, "kid": "twice"},
        {**rsa, "kid": 5},
        {**rsa, "kid": "broken", "n": 5},
        {"kty": ["RSA"], "kid": "odd", "crv": {}},
        "no key",
        {name: value for name, value in rsa.items() if name != "alg"} | {"kid": "plain"},
    ]
    found = federation.usable({"keys": told})
    assert {kid: key.algorithm for kid, key in found.items()} == {"a": "RS256", "plain": "RS256"}
    assert not any(key.key.is_private for key in found.values())


@pytest.mark.parametrize(
    "given",
    [
        {"oidc_issuer": "http://login.police.example", "oidc_audience": AUDIENCE},
        {"oidc_issuer": "http://127.0.0.1:9000", "oidc_audience": AUDIENCE},
        {"oidc_issuer": "https://user:secret@login.police.example", "oidc_audience": AUDIENCE},
        {"oidc_issuer": "https://login.police.example"},
        {"oidc_audience": AUDIENCE},
    ],
    ids=lambda given: str(len(str(given))),
)
def test_a_provider_is_configured_whole_and_over_https(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(environment="production", **given)
    Settings(environment="production", oidc_issuer="https://login.police.example/x", oidc_audience=AUDIENCE)


def test_the_test_settings_are_what_they_say(test_settings: Settings, issuer: Issuer) -> None:
    assert Settings.model_validate(configured(test_settings, issuer).model_dump())


# --- revocation in mid-flow ---


def test_nothing_is_served_after_a_revocation(world: World, team: Team, issuer: Issuer) -> None:
    """Many requests under way while the sessions are ended: whatever began after the answer is refused."""
    person = team.person("adviser")
    token = issuer.token(linked(world, issuer, person))
    supervisor = team.person("supervisor")
    ok(world.anybody(token).get("/v1/me"))
    time.sleep(1.1)
    done, seen = threading.Event(), []

    def hammer(path: str) -> None:
        caller = Caller(world.base_url, token)
        while not done.is_set():
            began = time.perf_counter()
            seen.append((began, caller.get(path).status_code))
        caller.close()

    threads = [threading.Thread(target=hammer, args=(path,)) for path in ("/v1/me", "/v1/cases") * 6]
    for thread in threads:
        thread.start()
    time.sleep(0.6)
    ok(supervisor.delete(f"/v1/people/{person.person_id}/sessions"))
    ended = time.perf_counter()
    time.sleep(0.6)
    done.set()
    for thread in threads:
        thread.join()
    before = [status for began, status in seen if began < ended]
    after = [status for began, status in seen if began >= ended]
    assert before.count(200) > 20
    assert len(after) > 20
    assert set(after) == {401}
