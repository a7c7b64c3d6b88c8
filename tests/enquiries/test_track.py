"""What the business sees with its tracking token, and what it never sees."""

import uuid

import httpx

from casework.kernel.settings import Settings
from tests.enquiries.building import QUESTION, asked, asking
from tests.support.callers import Caller, fetch, ok, refused
from tests.support.server import serving
from tests.support.world import Team, World


def seen(caller: Caller, path: str) -> tuple[int, bytes]:
    """What an answer says, but for the request's own number."""
    response: httpx.Response = caller.get(path)
    return response.status_code, response.content.replace(response.headers["X-Request-ID"].encode(), b"")


def test_a_token_shows_status_and_messages(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    tracked = ok(enquiry.business.get("/v1/tracking"))
    assert (tracked["id"], tracked["state"], tracked["status"]) == (enquiry.id, "received", "Received")
    assert tracked["verified"] is False
    assert tracked["messages"] == []
    assert tracked["team"]["hours"] == "Monday to Friday, 8 to 4"
    assert tracked["allowed_actions"] == ["enquiry.message", "enquiry.withdraw"]
    assert ok(enquiry.business.get(enquiry.path)) == tracked
    assert QUESTION not in str(tracked)
    assert "Ana" not in str(tracked)


def test_the_status_follows_the_case(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    enquiry.triage()
    assert ok(enquiry.business.get("/v1/tracking"))["status"] == "Being looked at"
    case = ok(enquiry.move("acceptance"), 201)
    assert ok(enquiry.business.get("/v1/tracking"))["status"] == "Accepted"
    adviser = enquiry.staff("adviser")
    ok(
        enquiry.staff("supervisor").post(
            f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=case["version"]
        )
    )
    assert ok(enquiry.business.get("/v1/tracking"))["status"] == "With an adviser"


def test_the_token_of_one_enquiry_opens_no_other(world: World, team: Team) -> None:
    one, other = asked(world, team), asked(world, team)
    absent = seen(one.business, f"/v1/enquiries/{uuid.uuid4()}")
    assert absent[0] == 404
    assert seen(one.business, other.path) == absent
    assert seen(one.business, f"{other.path}/messages") == absent
    refused(one.business.post(f"{other.path}/messages", {"body": "Hello"}), 404, "not-found")
    refused(one.business.post(f"{other.path}/withdrawal", match=1), 404, "not-found")
    assert ok(other.business.get("/v1/tracking"))["messages"] == []


def test_ended_expired_and_unknown_tokens_look_alike(world: World, team: Team) -> None:
    ended, expired = asked(world, team), asked(world, team)
    world.sql("UPDATE access.session SET revoked_at = now() WHERE enquiry_id = $1", uuid.UUID(ended.id))
    world.sql("UPDATE access.session SET expires_at = now() WHERE enquiry_id = $1", uuid.UUID(expired.id))
    unknown = seen(world.anybody("trk_" + "x" * 43), "/v1/tracking")
    assert unknown[0] == 401
    assert seen(ended.business, "/v1/tracking") == unknown
    assert seen(expired.business, "/v1/tracking") == unknown


def test_a_token_outlives_its_enquiry_by_90_days(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    ok(enquiry.move("refusal", {"reason_code": "hoax_or_abuse"}))
    row = world.sql(
        "SELECT s.expires_at - e.ended_at = interval '90 days' AS right FROM access.session s"
        " JOIN casework.enquiry e ON e.id = s.enquiry_id WHERE e.id = $1",
        uuid.UUID(enquiry.id),
    )
    assert row[0]["right"]


def test_without_a_token_nothing_is_read(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    for path in ("/v1/tracking", enquiry.path, f"{enquiry.path}/messages"):
        refused(world.anybody().get(path), 401, "unauthenticated")


def test_a_token_opens_nothing_of_the_staff(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    for noun in ("triage", "acceptance", "refusal", "contact-verification", "tracking-token"):
        refused(enquiry.business.post(f"{enquiry.path}/{noun}", _bodies[noun], match=1), 403, "forbidden")


_bodies = {
    "triage": {"strand": "pal"},
    "acceptance": {},
    "refusal": {"reason_code": "other"},
    "contact-verification": {"method": "in_person"},
    "tracking-token": {},
}


def test_verification_opens_more_and_its_end_closes_it_at_once(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    assert ok(enquiry.business.get("/v1/tracking"))["verified"] is False
    before = enquiry.read()["version"]
    stood = ok(enquiry.move("contact-verification", {"method": "call_back_independent_number", "note": "Switchboard"}))
    assert (stood["contact_verified"], stood["version"]) == (True, before + 1)
    assert ok(enquiry.business.get("/v1/tracking"))["verified"] is True
    contact = enquiry.read()["contact"]
    assert contact["verification_method"] == "call_back_independent_number"
    assert contact["verified_by"] == enquiry.staff("supervisor").name
    ok(enquiry.move("contact-unverification", {"reason": "Left the company"}))
    assert ok(enquiry.business.get("/v1/tracking"))["verified"] is False
    assert enquiry.read()["contact"]["unverified_reason"] == "Left the company"
    refused(enquiry.move("contact-unverification", {"reason": "Again"}), 409, "state-conflict")
    refused(enquiry.move("contact-unverification", {}), 422, "validation-failed")
    refused(enquiry.move("contact-verification", {"method": "gut_feeling"}), 422, "validation-failed")


def test_a_new_token_goes_to_a_verified_contact_only_and_ends_the_old_one(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    assert not {"contact.unverify", "enquiry.reissue_token"} & set(enquiry.read()["allowed_actions"])
    refused(enquiry.move("tracking-token"), 409, "contact-not-verified")
    ok(enquiry.business.get("/v1/tracking"))
    enquiry.verify()
    version, key = enquiry.read()["version"], str(uuid.uuid4())
    path, supervisor = f"{enquiry.path}/tracking-token", enquiry.staff("supervisor")
    assert {"contact.unverify", "enquiry.reissue_token"} <= set(enquiry.read()["allowed_actions"])
    reissued = ok(supervisor.post(path, match=version, key=key))
    assert ok(supervisor.post(path, match=version, key=key)) == reissued
    assert reissued["tracking_token"] != enquiry.token
    refused(enquiry.business.get("/v1/tracking"), 401, "unauthenticated")
    assert ok(world.anybody(reissued["tracking_token"]).get("/v1/tracking"))["id"] == enquiry.id


def test_a_token_never_travels_in_a_url(world: World, team: Team) -> None:
    enquiry = asked(world, team)
    refused(world.anybody().get("/v1/tracking", token=enquiry.token), 400, "secret-in-url")


def test_guessing_tokens_is_slowed_down(world: World, test_settings: Settings) -> None:
    settings = test_settings.model_copy(update={"wrong_tokens_per_minute": 20})
    with serving(settings, world.addresses) as base_url:
        guesser = Caller(base_url, "trk_" + "y" * 43)
        for _ in range(20):
            refused(guesser.get("/v1/tracking"), 401, "unauthenticated")
        slowed = guesser.get("/v1/tracking")
        refused(slowed, 429, "too-many-requests")
        assert int(slowed.headers["Retry-After"]) > 0
        # However it is spelt: a token is known by one spelling.
        for spelling in ("bearer %s", "BEARER   %s", "Bearer \xa0%s", "Bearer %s\x85"):
            sent = (spelling % guesser.token).encode("latin-1")
            answer = fetch(f"{base_url}/v1/tracking", headers=[(b"Authorization", sent)])
            assert answer.status_code == (401 if b"\xa0" in sent or b"\x85" in sent else 429), spelling
        guesser.close()


def test_enquiries_of_one_address_are_limited_but_signposts_never(
    world: World, team: Team, test_settings: Settings
) -> None:
    settings = test_settings.model_copy(update={"submissions_per_hour": 2})
    adviser = team.person("adviser")
    with serving(settings, world.addresses) as base_url:
        anybody, staff = Caller(base_url), Caller(base_url, adviser.token)
        for _ in range(2):
            ok(anybody.post("/v1/enquiries", asking(team)), 201)
        slowed = anybody.post("/v1/enquiries", asking(team))
        refused(slowed, 429, "too-many-requests")
        assert int(slowed.headers["Retry-After"]) > 0
        for need in ("emergency", "general_question"):
            ok(anybody.request("POST", "/v1/enquiries", json={"need": need}), 200)
        ok(staff.post("/v1/enquiries", asking(team)), 201)
        anybody.close()
        staff.close()
