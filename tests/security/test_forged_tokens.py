"""Forged and stale tokens: each is answered as any request without a log-in, byte for byte; a right one opens.

Each forgery is one step away from a right token, and what it lacks is that step: ``test_each_is_one_step_away`` builds the
same token without the step and comes in.
"""

import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwe, jws

from casework.kernel.settings import Settings
from tests.support.callers import Caller, fetch, ok, refused
from tests.support.federated import federated, linked
from tests.support.issuer import AUDIENCE, Issuer, b64, new_key, signed
from tests.support.world import Team, World

Forge = Callable[[Issuer, str], str]
ES256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
URLSAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OTHER = {algorithm: new_key(algorithm) for algorithm in ("RS256", "ES256")}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.add_key("curve", "ES256")
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def world(world: World, test_settings: Settings, issuer: Issuer) -> Iterator[World]:
    with federated(world, test_settings, issuer) as other:
        yield other


# --- the ways to forge ---


def claims(**wrong: Any) -> Forge:
    """A right token but for these claims; a function of now is called."""

    def forge(issuer: Issuer, subject: str) -> str:
        given = {name: value(int(time.time())) if callable(value) else value for name, value in wrong.items()}
        return issuer.token(subject, **given)

    return forge


def without(*names: str) -> Forge:
    def forge(issuer: Issuer, subject: str) -> str:
        left = {name: value for name, value in issuer.claims(subject).items() if name not in names}
        return signed(issuer.header(), left, *issuer.keys["first"])

    return forge


def header(drop: tuple[str, ...] = (), **wrong: Any) -> Forge:
    """A right signature under a header that has this in it."""

    def forge(issuer: Issuer, subject: str) -> str:
        told = {name: value for name, value in {**issuer.header(), **wrong}.items() if name not in drop}
        return signed(told, issuer.claims(subject), *issuer.keys["first"])

    return forge


def raw_claims(change: Callable[[str], str]) -> Forge:
    """The claims' own text, changed before it is signed."""

    def forge(issuer: Issuer, subject: str) -> str:
        text = change(json.dumps(issuer.claims(subject)))
        return signed(issuer.header(), text.encode(), *issuer.keys["first"])

    return forge


def written(change: Callable[[str, str, str], str]) -> Forge:
    """A right token, written otherwise."""

    def forge(issuer: Issuer, subject: str) -> str:
        return change(*issuer.token(subject).split("."))

    return forge


def by_another_key(kid: str, algorithm: str) -> Forge:
    def forge(issuer: Issuer, subject: str) -> str:
        told = {"alg": algorithm, "typ": "at+jwt", "kid": kid}
        return signed(told, issuer.claims(subject), OTHER[algorithm], algorithm)

    return forge


def with_its_own_key(name: str) -> Forge:
    """The key that verifies it, brought along in the header."""

    def forge(issuer: Issuer, subject: str) -> str:
        jwk = OTHER["RS256"].as_dict(private=False)
        value = {"jwk": jwk, "jku": f"{issuer.url}/keys", "x5u": f"{issuer.url}/keys", "x5c": ["MIIB"]}[name]
        return signed(issuer.header(**{name: value}), issuer.claims(subject), OTHER["RS256"], "RS256")

    return forge


def with_public_key_as_secret(issuer: Issuer, subject: str) -> str:
    """What a library does that lets the header choose: the public key, which everybody has, taken as a shared secret."""
    public = issuer.keys["first"][0].as_pem(private=False)
    told = {"alg": "HS256", "typ": "at+jwt", "kid": "first"}
    content = ".".join(b64(json.dumps(part).encode()) for part in (told, issuer.claims(subject)))
    return f"{content}.{b64(hmac.digest(public, content.encode(), 'sha256'))}"


def unsigned(word: str) -> Forge:
    def forge(issuer: Issuer, subject: str) -> str:
        told = json.dumps({"alg": word, "typ": "at+jwt", "kid": "first"}).encode()
        return f"{b64(told)}.{b64(json.dumps(issuer.claims(subject)).encode())}."

    return forge


def other_algorithm(algorithm: str) -> Forge:
    """By the right key, in a way that is not this key's."""

    def forge(issuer: Issuer, subject: str) -> str:
        key = issuer.keys["first"][0]
        return signed({"alg": algorithm, "typ": "at+jwt", "kid": "first"}, issuer.claims(subject), key, algorithm)

    return forge


def encrypted(issuer: Issuer, subject: str) -> str:
    key = issuer.keys["first"][0]
    told = {"alg": "RSA-OAEP", "enc": "A256GCM", "typ": "at+jwt", "kid": "first", "cty": "JWT"}
    return jwe.encrypt_compact(told, issuer.token(subject).encode(), key)  # type: ignore[arg-type]


def of_another_issuer(issuer: Issuer, subject: str) -> str:
    """Another provider's token, whole and right, naming itself."""
    told = issuer.claims(subject, iss="https://login.elsewhere.example")
    return signed(issuer.header(), told, OTHER["RS256"], "RS256")


def duplicated_header(issuer: Issuer, subject: str) -> str:
    told = b'{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"first"}'
    return signed(told, issuer.claims(subject), *issuer.keys["first"])


def last_bits(part: str) -> str:
    """The same bytes by another last character: bits that no byte takes."""
    return part[:-1] + URLSAFE[URLSAFE.index(part[-1]) ^ 1]


FORGERIES: dict[str, Forge] = {
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg empty": unsigned(""),
    "no alg": header(drop=("alg",)),
    "hmac by the public key": with_public_key_as_secret,
    "the right key in another way": other_algorithm("PS256"),
    "the right key with sha-512": other_algorithm("RS512"),
    "another key under a known name": by_another_key("first", "RS256"),
    "another kind of key under a known name": by_another_key("first", "ES256"),
    "a known name of another kind": by_another_key("curve", "RS256"),
    "unknown key": by_another_key("unknown", "RS256"),
    "key name as a path": header(kid="../../first"),
    "key name as sql": header(kid="first' OR '1'='1"),
    "key name in capitals": header(kid="FIRST"),
    "key name not a word": header(kid=["first"]),
    "no key name": header(drop=("kid",)),
    "jwk in the header": with_its_own_key("jwk"),
    "jku in the header": with_its_own_key("jku"),
    "x5u in the header": with_its_own_key("x5u"),
    "x5c in the header": with_its_own_key("x5c"),
    "crit": header(crit=["exp"]),
    "crit of something unknown": header(
        crit=["http://example.com/UNDEFINED"], **{"http://example.com/UNDEFINED": True}
    ),
    "payload not encoded": header(b64=False),
    "compressed": header(zip="DEF"),
    "header member twice": duplicated_header,
    "wrong issuer": claims(iss="https://login.elsewhere.example"),
    "issuer with a slash more": claims(iss="ISSUER/"),
    "another issuer's token": of_another_issuer,
    "no issuer": without("iss"),
    "wrong audience": claims(aud="https://elsewhere.example/api"),
    "audience as a beginning": claims(aud=AUDIENCE + "/more"),
    "audience none of ours": claims(aud=["a", "b"]),
    "audience not words": claims(aud=[AUDIENCE, 5]),
    "no audience": without("aud"),
    "no subject": without("sub"),
    "empty subject": claims(sub=""),
    "subject a number": claims(sub=5),
    "no expiry": without("exp"),
    "no moment of issue": without("iat"),
    "expired": claims(iat=lambda now: now - 700, exp=lambda now: now - 1),
    "expiry 1e300": raw_claims(lambda text: text[:-1].replace('"exp"', '"was"') + ', "exp": 1e300}'),
    "expiry infinite": raw_claims(lambda text: text[:-1].replace('"exp"', '"was"') + ', "exp": Infinity}'),
    "expiry of a thousand digits": raw_claims(
        lambda text: text[:-1].replace('"exp"', '"was"') + f', "exp": {"9" * 1000}}}'
    ),
    "expiry a float": claims(exp=lambda now: now + 600.5),
    "expiry a word": claims(exp=lambda now: str(now + 600)),
    "expiry true": claims(exp=True),
    "expiry negative": claims(exp=-1),
    "expiry null": claims(exp=None),
    "not yet": claims(nbf=lambda now: now + 300),
    "not before a float": claims(nbf=lambda now: now - 0.5),
    "not before null": claims(nbf=None),
    "issued in the future": claims(iat=lambda now: now + 300),
    "issued a float": claims(iat=lambda now: now - 0.5),
    "lives too long": claims(exp=lambda now: now + 3601),
    "ends before it began": claims(exp=lambda now: now + 1, iat=lambda now: now + 2),
    "claim twice": raw_claims(lambda text: '{"sub":"somebody else",' + text[1:]),
    "claims a list": raw_claims(lambda text: f"[{text}]"),
    "claims no json": raw_claims(lambda text: text + "}"),
    "claims after a byte order mark": raw_claims(lambda text: "\ufeff" + text),
    "id token by type": header(typ="JWT"),
    "id token by nonce": claims(nonce="n-0S6_WzA2Mj"),
    "id token by hash": claims(at_hash="MTIzNDU2Nzg5MDEyMzQ1Ng"),
    "logout token by type": header(typ="logout+jwt"),
    "no type": header(drop=("typ",)),
    "bound to a key that is not shown": claims(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
    "somebody else acts with it": claims(act={"sub": "a-tool"}),
    "signature cut": written(lambda head, body, signature: f"{head}.{body}.{signature[:-4]}"),
    "signature empty": written(lambda head, body, signature: f"{head}.{body}."),
    "signature of something else": written(lambda head, body, signature: f"{head}.{body}.{signature[::-1]}"),
    "a fourth part": written(lambda head, body, signature: f"{head}.{body}.{signature}.{signature}"),
    "two parts": written(lambda head, body, signature: f"{head}.{body}"),
    "padded": written(lambda head, body, signature: f"{head}.{body}.{signature}=="),
    "spare bits of the signature": written(lambda head, body, signature: f"{head}.{body}.{last_bits(signature)}"),
    "line break within": written(lambda head, body, signature: f"{head}.{body}.{signature[:9]}\t{signature[9:]}"),
    "the other alphabet": written(lambda head, body, signature: f"{head}.{body}.{'+/' + signature[2:]}"),
    "claims changed": written(
        lambda head, body, signature: (
            f"{head}.{b64(base64.urlsafe_b64decode(body + '==').replace(b'frontend', b'backend_'))}.{signature}"
        )
    ),
    "encrypted": encrypted,
    "very long": claims(padding="x" * 7000),
}


def anonymous(answer: httpx.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """What an answer tells, but for what is every answer's own."""
    body = answer.json()
    del body["request_id"]
    own = {"date", "x-request-id", "content-length"}
    return answer.status_code, body, {name: value for name, value in answer.headers.items() if name not in own}


@pytest.fixture
def subject(world: World, team: Team, issuer: Issuer) -> str:
    return linked(world, issuer, team.person("adviser"))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_nobody_s(world: World, issuer: Issuer, subject: str, name: str) -> None:
    token = FORGERIES[name](issuer, subject).replace("ISSUER", issuer.url)
    answer = world.anybody(token).get("/v1/me")
    assert anonymous(answer) == anonymous(world.anybody("ses_" + "x" * 43).get("/v1/me"))
    refused(answer, 401, "unauthenticated")
    assert anonymous(world.anybody(token).get("/v1/cases")) == anonymous(answer)


def test_there_are_enough_of_them() -> None:
    assert len(FORGERIES) >= 25


RIGHT: dict[str, Forge] = {
    "as the provider makes them": lambda issuer, subject: issuer.token(subject),
    "on a curve": lambda issuer, subject: issuer.token(subject, kid="curve"),
    "for several audiences": claims(aud=["https://elsewhere.example", AUDIENCE]),
    "type in full": header(typ="application/at+jwt"),
    "type in capitals": header(typ="AT+JWT"),
    "a thumbprint in the header": header(x5t="dGh1bWI"),
    "not before now": claims(nbf=lambda now: now),
    "a clock that is ahead a little": claims(iat=lambda now: now + 10),
    "as long as it may": claims(exp=lambda now: now + 3600),
    "by hand, as the forgeries are made": without(),
    "claims by hand": raw_claims(lambda text: text),
    "taken apart and put together": written(lambda *parts: ".".join(parts)),
    "long": claims(padding="x" * 3000),
}


@pytest.mark.parametrize("name", RIGHT)
def test_each_is_one_step_away(world: World, issuer: Issuer, subject: str, name: str) -> None:
    ok(world.anybody(RIGHT[name](issuer, subject)).get("/v1/me"))


# --- stale ones, and old ones written anew ---


def ended(world: World, issuer: Issuer, subject: str, kid: str) -> str:
    """A token whose session its owner has ended."""
    token = issuer.token(subject, kid=kid)
    caller = world.anybody(token)
    ok(caller.get("/v1/me"))
    ok(caller.delete("/v1/sessions/current"))
    return token


def twin(token: str) -> str:
    """The other signature that an ECDSA signature implies: n - s verifies as s does."""
    content, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    s = ES256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{content}.{b64(raw[:32] + s.to_bytes(32, 'big'))}"


def test_an_ended_session_is_not_revived_by_its_token(world: World, issuer: Issuer, subject: str) -> None:
    token = ended(world, issuer, subject, "first")
    for _ in range(3):
        refused(world.anybody(token).get("/v1/me"), 401, "unauthenticated")


def test_nor_by_the_same_token_with_its_twin_signature(world: World, issuer: Issuer, subject: str) -> None:
    token = ended(world, issuer, subject, "curve")
    other = twin(token)
    assert other != token
    key = issuer.keys["curve"][0]
    assert jws.deserialize_compact(other, key, algorithms=["ES256"]).payload  # it is a right signature
    refused(world.anybody(other).get("/v1/me"), 401, "unauthenticated")


def test_nor_by_spare_bits_that_no_byte_takes(world: World, issuer: Issuer, subject: str) -> None:
    token = ended(world, issuer, subject, "first")
    head, body, signature = token.split(".")
    refused(world.anybody(f"{head}.{body}.{last_bits(signature)}").get("/v1/me"), 401, "unauthenticated")


def test_unlinked_is_nobody(world: World, team: Team, issuer: Issuer) -> None:
    person = team.person("adviser")
    subject = linked(world, issuer, person)
    world.sql("DELETE FROM access.identity WHERE subject = $1", subject)
    refused(world.anybody(issuer.token(subject)).get("/v1/me"), 401, "unauthenticated")


def test_inactive_is_nobody(world: World, team: Team, issuer: Issuer) -> None:
    person = team.person("adviser")
    subject = linked(world, issuer, person)
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1", person.person_id)
    refused(world.anybody(issuer.token(subject)).get("/v1/me"), 401, "unauthenticated")


def test_an_api_client_is_nobody_s_identity(world: World, team: Team, issuer: Issuer) -> None:
    """The provider vouches for people; a tool has its own credentials and scopes."""
    tool = team.tool("cases.read")
    world.sql(
        "INSERT INTO access.identity (issuer, subject, principal_id) VALUES ($1, $2, $3)",
        issuer.url,
        f"tool-{tool.person_id}",
        tool.person_id,
    )
    refused(world.anybody(issuer.token(f"tool-{tool.person_id}")).get("/v1/me"), 401, "unauthenticated")


def test_a_subject_is_matched_exactly(world: World, issuer: Issuer, subject: str) -> None:
    for other in (subject.upper(), subject + " ", " " + subject, subject + "\u0000", subject + "%"):
        refused(world.anybody(issuer.token(other)).get("/v1/me"), 401, "unauthenticated")


@pytest.mark.parametrize("name", ["access_token", "token"])
def test_a_token_in_the_url_is_refused_and_opens_nothing(world: World, issuer: Issuer, subject: str, name: str) -> None:
    refused(world.anybody().get("/v1/me", **{name: issuer.token(subject)}), 400, "secret-in-url")


@pytest.mark.parametrize("scheme", ["Basic {}", "DPoP {}", "{}", "Bearer {} {}", "Bearer {},Bearer {}"])
def test_a_token_that_is_not_sent_as_a_bearer_is_nobody_s(
    world: World, issuer: Issuer, subject: str, scheme: str
) -> None:
    sent = scheme.replace("{}", issuer.token(subject))
    answer = fetch(f"{world.base_url}/v1/me", headers={"Authorization": sent})
    refused(answer, 401, "unauthenticated")


def test_a_write_by_a_forged_token_does_nothing(world: World, team: Team, issuer: Issuer) -> None:
    subject = linked(world, issuer, team.person("administrator"))
    before = world.sql("SELECT count(*) FROM casework.team")[0][0]
    for name in ("hmac by the public key", "unknown key", "wrong audience"):
        caller = Caller(world.base_url, FORGERIES[name](issuer, subject))
        answer = caller.post("/v1/teams", {"name": "Forged", "force_code": team.force_code}, key=str(uuid.uuid4()))
        refused(answer, 401, "unauthenticated")
        caller.close()
    assert world.sql("SELECT count(*) FROM casework.team")[0][0] == before
