"""The second step: a token shows the status; verified by staff *and* confirmed by a code, a contact sees more."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import httpx
import pytest

from casework.access.tokens import hash_token
from casework.kernel.settings import Settings
from tests.enquiries.building import Asked, asked
from tests.enquiries.post import PostRoom, address, confirm, reachable
from tests.support.callers import Caller, ok, refused
from tests.support.server import serving
from tests.support.world import Team, World

NOBODYS = "A" * 43


def asks(business: Caller) -> str:
    """Ask for a code; what is answered to this device."""
    request: str = ok(business.post("/v1/tracking/code"), 202)["request"]
    return request


def entered(business: Caller, code: object, request: str = NOBODYS, key: str | None = None) -> httpx.Response:
    return business.post("/v1/tracking/confirmation", {"request": request, "code": code}, key=key)


def step(enquiry: Asked) -> str:
    found: str = ok(enquiry.business.get("/v1/tracking"))["second_step"]
    return found


@pytest.fixture
def to() -> str:
    return address()


@pytest.fixture
def enquiry(world: World, team: Team, to: str) -> Asked:
    """An enquiry that became a case, whose contact has e-mail and is verified."""
    made = asked(world, team, **reachable(to))
    ok(made.move("acceptance"), 201)
    made.verify()
    return made


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


def test_the_two_steps_open_what_one_does_not(world: World, team: Team, post: PostRoom, to: str) -> None:
    made = asked(world, team, **reachable(to))
    ok(made.move("acceptance"), 201)
    assert step(made) == "awaiting_verification"
    refused(made.business.post("/v1/tracking/code"), 409, "awaiting-verification")
    refused(entered(made.business, "12345678"), 409, "awaiting-verification")
    made.verify()
    assert step(made) == "code_required"
    assert ok(made.business.get("/v1/tracking"))["verified"] is True
    # Whoever holds a tracking token is told what is needed and where; nobody else hears of it.
    for path in ("/v1/visits", "/v1/advice", "/v1/recommendations"):
        told = refused(made.business.get(path), 403, "forbidden")["detail"]
        assert all(
            word in told
            for word in ("one-time code", "/v1/tracking/code", "/v1/tracking/confirmation", "X-Confirmation")
        )
    assert "code" not in refused(made.business.get("/v1/cases"), 403, "forbidden")["detail"]
    assert "code" not in refused(made.team.person("auditor").get("/v1/visits"), 403, "forbidden")["detail"]
    sent = ok(made.business.post("/v1/tracking/code"), 202)
    assert len(sent.pop("request")) == 43
    assert sent == {"outcome": "sent", "valid_minutes": 10, "tries": 5}
    confirm(made, post, to)
    tracked = ok(made.business.get("/v1/tracking"))
    assert tracked["second_step"] == "confirmed"
    assert tracked["confirmed_until"] is not None
    assert ok(made.business.get("/v1/visits"))["items"] == []


def test_a_code_opens_the_device_that_entered_it_and_not_the_link(
    world: World, team: Team, enquiry: Asked, post: PostRoom, to: str
) -> None:
    """Attack A5: the link was forwarded, its owner enters the code, and whoever else has the link sees no more than before."""
    thief = world.anybody(enquiry.token)
    confirm(enquiry, post, to)
    paths = ("/v1/visits", "/v1/advice", "/v1/recommendations")
    for path in paths:
        ok(enquiry.business.get(path))
        refused(thief.get(path), 403, "forbidden")
    assert ok(thief.get("/v1/tracking"))["second_step"] == "code_required"
    ok(thief.get(f"{enquiry.path}/messages"))
    # Nor does what the device was given open anything beside another link, or by itself.
    other = asked(world, team, **reachable(to))
    ok(other.move("acceptance"), 201)
    other.verify()
    other.business.confirmed_by(enquiry.business.confirmation or "")
    alone = world.anybody(enquiry.business.confirmation)
    nobodys = world.anybody()
    nobodys.confirmed_by(enquiry.business.confirmation or "")
    for path in paths:
        refused(other.business.get(path), 403, "forbidden")
        refused(alone.get(path), 401, "unauthenticated")
        refused(nobodys.get(path), 401, "unauthenticated")


def test_a_code_needs_the_request_that_asked_for_it(world: World, enquiry: Asked, post: PostRoom, to: str) -> None:
    """Who holds the link and reads the code over a shoulder has not asked for it; who asked as well has another code."""
    request = asks(enquiry.business)
    code = post.code(to)
    thief = world.anybody(enquiry.token)
    refused(entered(thief, code), 409, "code-expired")
    tries = world.sql("SELECT tries_left FROM access.one_time_code WHERE enquiry_id = $1", uuid.UUID(enquiry.id))
    assert [row["tries_left"] for row in tries] == [5], "a try without the request is none of its five"
    ok(entered(enquiry.business, code, request))


def from_elsewhere(world: World, enquiry: Asked) -> None:
    """The requests so far, as if they had come from another network address each."""
    world.sql(
        "UPDATE access.one_time_code SET network_hash = sha256(request_hash) WHERE enquiry_id = $1",
        uuid.UUID(enquiry.id),
    )


def test_who_asks_from_elsewhere_does_not_end_the_request_of_the_owner(
    world: World, enquiry: Asked, post: PostRoom, to: str
) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    from_elsewhere(world, enquiry)
    thief = world.anybody(enquiry.token)
    theirs = asks(thief)
    for wrong in range(5):
        refused(entered(thief, f"{(int(code) + 1 + wrong) % 10**8:08}", theirs), 409, "code-expired")
    ok(entered(enquiry.business, code, request))


def test_who_is_not_verified_causes_no_letter(world: World, team: Team, post: PostRoom, to: str) -> None:
    made = asked(world, team, **reachable(to))
    for _ in range(3):
        refused(made.business.post("/v1/tracking/code"), 409, "awaiting-verification")
    post.deliver()
    assert [letter["Subject"] for letter in post.letters(to)] == [
        f"We have received your enquiry {made.received['reference']}"
    ]


def test_a_code_is_good_once(enquiry: Asked, post: PostRoom, to: str) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    ok(entered(enquiry.business, f"{code[:4]} {code[4:]}", request))
    refused(entered(enquiry.business, code, request), 409, "code-expired")


def test_a_lost_reply_is_asked_for_again_with_the_same_key(
    world: World, enquiry: Asked, post: PostRoom, to: str
) -> None:
    asking, entering = str(uuid.uuid4()), str(uuid.uuid4())
    first = ok(enquiry.business.post("/v1/tracking/code", key=asking), 202)
    assert ok(enquiry.business.post("/v1/tracking/code", key=asking), 202) == first
    code, request = post.code(to), first["request"]
    refused(entered(enquiry.business, other_than(code), request, entering), 409, "code-wrong")
    given = ok(entered(enquiry.business, code, request, entering))
    assert given["confirmation"].startswith("cnf_")
    again = entered(enquiry.business, code, request, entering)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert ok(again) == given, "and lengthens nothing"
    assert len(world.sql("SELECT FROM access.confirmation WHERE session_hash = $1", hash_token(enquiry.token))) == 1
    refused(entered(enquiry.business, other_than(code), request, entering), 422, "idempotency-key-reused")


def test_two_confirmations_at_once_are_one(world: World, enquiry: Asked, post: PostRoom, to: str) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: entered(world.anybody(enquiry.token), code, request), range(8)))
    given = [answer.json()["confirmation"] for answer in answers if answer.status_code == 200]
    assert len(given) == 1, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} == {200, 409}
    assert len(world.sql("SELECT FROM access.confirmation WHERE session_hash = $1", hash_token(enquiry.token))) == 1
    enquiry.business.confirmed_by(given[0])
    ok(enquiry.business.get("/v1/visits"))


def test_a_confirmation_beside_its_end_leaves_nothing_open(
    world: World, enquiry: Asked, post: PostRoom, to: str
) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    version = enquiry.read()["version"]
    with ThreadPoolExecutor(2) as pool:
        entering = pool.submit(entered, enquiry.business, code, request)
        ending = pool.submit(enquiry.move, "contact-unverification", {"reason": "Left the company"}, match=version)
        ok(ending.result())
        assert entering.result().status_code in (200, 409)
    assert world.sql("SELECT FROM access.confirmation WHERE session_hash = $1", hash_token(enquiry.token)) == []
    if entering.result().status_code == 200:
        enquiry.business.confirmed_by(entering.result().json()["confirmation"])
    enquiry.verify()
    refused(enquiry.business.get("/v1/visits"), 403, "forbidden")


def test_a_new_code_replaces_the_old_one_of_the_same_address(enquiry: Asked, post: PostRoom, to: str) -> None:
    before = asks(enquiry.business)
    old = post.code(to)
    request = asks(enquiry.business)
    new = post.code(to)
    assert old != new
    refused(entered(enquiry.business, old, before), 409, "code-expired")
    assert refused(entered(enquiry.business, old, request), 409, "code-wrong")["tries_left"] == 4
    ok(entered(enquiry.business, new, request))


def test_five_wrong_tries_are_all_there_are(enquiry: Asked, post: PostRoom, to: str) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    for left in (4, 3, 2, 1, 0):
        assert refused(entered(enquiry.business, other_than(code), request), 409, "code-wrong")["tries_left"] == left
    refused(entered(enquiry.business, code, request), 409, "code-expired")


def test_fifty_guesses_at_once_are_five_tries(enquiry: Asked, post: PostRoom, to: str, world: World) -> None:
    request = asks(enquiry.business)
    code = post.code(to)

    def guess(number: int) -> int:
        guesser = world.anybody(enquiry.token)
        answer = entered(guesser, f"{(int(code) + 1 + number) % 10**8:08}", request)
        return 1 if answer.json()["type"] == "/problems/code-wrong" else 0

    with ThreadPoolExecutor(50) as pool:
        judged = sum(pool.map(guess, range(50)))
    assert judged == 5
    tries = world.sql("SELECT tries_left FROM access.one_time_code WHERE enquiry_id = $1", uuid.UUID(enquiry.id))
    assert tries[0]["tries_left"] == 0
    refused(entered(enquiry.business, code, request), 409, "code-expired")


def test_so_many_codes_an_hour_for_one_address(enquiry: Asked, world: World) -> None:
    for _ in range(5):
        asks(enquiry.business)
    slowed = enquiry.business.post("/v1/tracking/code")
    refused(slowed, 429, "too-many-requests")
    from_elsewhere(world, enquiry)
    asks(enquiry.business)


def test_ten_codes_a_day_for_a_contact_and_the_eleventh_tells_staff_once(
    enquiry: Asked, world: World, team: Team, post: PostRoom
) -> None:
    """Whoever has the link can use up the codes of a day; they cannot do it unseen, and a new token begins anew."""
    for _ in range(10):
        asks(enquiry.business)
        from_elsewhere(world, enquiry)
    for _ in range(3):
        answer = enquiry.business.post("/v1/tracking/code")
        refused(answer, 429, "too-many-requests")
        assert 23 * 3600 < int(answer.headers["Retry-After"]) <= 24 * 3600
    post.deliver()
    told = [letter["Subject"] for letter in post.letters(f"ctsa@{team.force_code.lower()}.example")]
    assert told == [f"Many codes were asked for enquiry {enquiry.received['reference']}"]
    why = world.sql(
        "SELECT FROM audit.event_object o JOIN casework.enquiry q ON q.case_id = o.case_id"
        " WHERE q.id = $1 AND o.kind = 'one_time_code' AND o.facts ->> 'why' = 'too_many'",
        uuid.UUID(enquiry.id),
    )
    assert len(why) == 1
    anew = world.anybody(ok(enquiry.move("tracking-token"))["tracking_token"])
    asks(anew)


def test_the_day_of_the_codes_is_a_day(enquiry: Asked, world: World) -> None:
    for _ in range(10):
        asks(enquiry.business)
        from_elsewhere(world, enquiry)
    first = "(SELECT id FROM access.one_time_code WHERE enquiry_id = $1 ORDER BY sent_at LIMIT 1)"
    for ago, status in (("23 hours 59 minutes", 429), ("1 day", 202)):
        world.sql(f"UPDATE access.one_time_code SET sent_at = now() - '{ago}'::interval WHERE id = {first}",
                  uuid.UUID(enquiry.id))  # fmt: skip
        assert enquiry.business.post("/v1/tracking/code").status_code == status


def test_a_repeated_request_sends_one_code(enquiry: Asked, post: PostRoom, to: str) -> None:
    key = str(uuid.uuid4())
    for _ in range(3):
        ok(enquiry.business.post("/v1/tracking/code", key=key), 202)
    post.deliver()
    assert len([letter for letter in post.letters(to) if "code" in str(letter["Subject"]).lower()]) == 1


def test_verification_withdrawn_ends_it_at_once(enquiry: Asked, post: PostRoom, to: str, world: World) -> None:
    confirm(enquiry, post, to)
    ok(enquiry.business.get("/v1/visits"))
    ok(enquiry.business.post("/v1/tracking/code"), 202)
    ok(enquiry.move("contact-unverification", {"reason": "Left the company"}))
    refused(enquiry.business.get("/v1/visits"), 403, "forbidden")
    assert step(enquiry) == "awaiting_verification"
    assert world.sql("SELECT FROM access.one_time_code WHERE enquiry_id = $1", uuid.UUID(enquiry.id)) == []
    enquiry.verify()
    assert step(enquiry) == "code_required", "verified again, a code is needed again"


def test_a_new_token_starts_without_the_second_step(enquiry: Asked, post: PostRoom, to: str, world: World) -> None:
    confirm(enquiry, post, to)
    reissued = ok(enquiry.move("tracking-token"))["tracking_token"]
    assert ok(world.anybody(reissued).get("/v1/tracking"))["second_step"] == "code_required"


def test_it_lasts_no_longer_than_the_session(enquiry: Asked, post: PostRoom, to: str, world: World) -> None:
    world.sql(
        "UPDATE access.session SET expires_at = now() + interval '1 hour' WHERE token_hash = $1",
        hash_token(enquiry.token),
    )
    confirm(enquiry, post, to)
    assert world.sql(
        "SELECT c.expires_at = s.expires_at AS same FROM access.session s"
        " JOIN access.confirmation c ON c.session_hash = s.token_hash WHERE s.token_hash = $1",
        hash_token(enquiry.token),
    )[0]["same"]


def test_without_email_staff_are_rung(world: World, team: Team) -> None:
    made = asked(world, team)
    made.verify()
    refused(made.business.post("/v1/tracking/code"), 409, "no-email")


def test_only_enquirers_have_a_second_step(world: World, team: Team) -> None:
    for path, body in (
        ("/v1/tracking/code", {}),
        ("/v1/tracking/confirmation", {"request": NOBODYS, "code": "12345678"}),
    ):
        refused(world.anybody().post(path, body), 401, "unauthenticated")
        refused(team.person("supervisor").post(path, body), 404, "not-found")


@pytest.mark.parametrize("code", ["1234567", "123456789", "1234567a", "", "١٢٣٤٥٦٧٨", 12345678])
def test_a_code_has_eight_digits(enquiry: Asked, code: object) -> None:
    refused(entered(enquiry.business, code), 422, "validation-failed")


def test_a_code_comes_with_its_request(enquiry: Asked) -> None:
    (error,) = refused(
        enquiry.business.post("/v1/tracking/confirmation", {"code": "12345678"}), 422, "validation-failed"
    )["errors"]
    assert error["pointer"] == "/request"


def test_neither_code_nor_what_goes_with_it_is_in_the_database(
    enquiry: Asked, post: PostRoom, to: str, world: World
) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    given = ok(entered(enquiry.business, code, request))["confirmation"]
    tables = world.sql(
        "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('casework', 'access', 'audit', 'work', 'jobs')"
    )
    for table in tables:
        for secret in (code, request, given.removeprefix("cnf_")):
            told = f"SELECT count(*) AS n FROM {table['name']} t WHERE t::text ~ ('\\m' || $1 || '\\M')"
            assert world.sql(told, secret.strip("-_"))[0]["n"] == 0, table["name"]


def test_each_part_of_it_is_logged(enquiry: Asked, post: PostRoom, to: str, world: World) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    refused(entered(enquiry.business, other_than(code), request), 409, "code-wrong")
    ok(entered(enquiry.business, code, request))
    found = world.sql(
        "SELECT o.operation, o.facts ->> 'why' AS why, e.decision FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " JOIN casework.enquiry q ON q.case_id = o.case_id WHERE o.kind = 'one_time_code' AND q.id = $1 ORDER BY o.position",
        uuid.UUID(enquiry.id),
    )
    assert [(row["operation"], row["why"], row["decision"]) for row in found] == [
        ("collection", None, "allow"),
        ("refusal", "wrong", "allow"),
        ("alteration", "confirmed", "allow"),
    ]


def test_the_publics_own_role_can_neither_read_nor_set_a_code(enquiry: Asked, world: World) -> None:
    ok(enquiry.business.post("/v1/tracking/code"), 202)
    tries = (
        "SELECT * FROM access.one_time_code",
        "INSERT INTO access.confirmation SELECT token_hash, principal_id, token_hash, now(), 60, now(), now() FROM access.session",
        "SELECT access.alone_with(gen_random_uuid())",
        "SELECT access.confirmed_until(sha256('x'), gen_random_uuid())",
        "SELECT access.arm_code(1, sha256('1'))",
        "SELECT * FROM work.letters(1)",
        "SELECT access.end_second_step(gen_random_uuid())",
        "SELECT * FROM access.own_link()",
        "SELECT work.enqueue('messages.send', '{}', NULL, NULL)",
    )

    async def go(connection: asyncpg.Connection) -> list[str]:
        told = []
        for statement in tries:
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetchrow(
                "SELECT * FROM access.begin($1, 'session.manage_own', NULL, gen_random_uuid(), NULL)",
                hash_token(enquiry.token),
            )
            try:
                await connection.fetch(statement)
                told.append(statement)
            except asyncpg.InsufficientPrivilegeError:
                pass
            finally:
                await transaction.rollback()
        return told

    assert world.run_as("casework_public", go) == []


def test_messages_off_means_no_code(enquiry: Asked, world: World, test_settings: Settings) -> None:
    from tests.enquiries.post import _Said

    off = test_settings.model_copy(update={"mail_url": _Said("")})
    with serving(off, world.addresses) as base_url:
        business = Caller(base_url, enquiry.token)
        refused(business.post("/v1/tracking/code"), 409, "no-email")
        business.close()


def test_nothing_can_be_entered_before_the_worker_has_sent_it(enquiry: Asked, world: World) -> None:
    request = asks(enquiry.business)
    row = world.sql("SELECT tries_left, expires_at <= now() AS shut FROM access.one_time_code WHERE enquiry_id = $1",
                    uuid.UUID(enquiry.id))[0]  # fmt: skip
    assert (row["tries_left"], row["shut"]) == (5, True)
    refused(entered(enquiry.business, "12345678", request), 409, "code-expired")


@pytest.mark.parametrize(
    "written", ["{0}\r\n", "\t{0}", "{1}\u2011{2}", "{1}\u00a0{2}", "\u202a{0}\u202c", "Code: {1} {2}.", "wide"]
)
def test_a_code_may_be_pasted_however_it_came(enquiry: Asked, post: PostRoom, to: str, written: str) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    wide = code.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    ok(entered(enquiry.business, wide if written == "wide" else written.format(code, code[:4], code[4:]), request))


def test_what_is_no_code_is_no_try_and_is_asked_for_in_words(enquiry: Asked, post: PostRoom, to: str) -> None:
    request = asks(enquiry.business)
    code = post.code(to)
    for malformed in ("", "1234567", "123456789", "eight digits", "\n", code + "0", "1" * 100):
        (error,) = refused(entered(enquiry.business, malformed, request), 422, "validation-failed")["errors"]
        assert (error["pointer"], "eight digits" in error["message"]) == ("/code", True)
        assert "[0-9]" not in error["message"]
    assert refused(entered(enquiry.business, other_than(code), request), 409, "code-wrong")["tries_left"] == 4
    ok(entered(enquiry.business, code, request))
