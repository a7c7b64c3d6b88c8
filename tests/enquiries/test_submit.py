"""Asking: what is needed first; then, for protective security advice only, an enquiry."""

import hashlib
import uuid
from typing import Any

import pytest

from casework.reference.models import Need
from tests.enquiries.building import QUESTION, asked, asking
from tests.support.callers import ok, refused
from tests.support.world import Team, World

OTHER_NEEDS = [need.value for need in Need if need is not Need.PROTECTIVE_SECURITY_ADVICE]


def counts(world: World) -> dict[str, int]:
    """How many rows each table of ours has."""
    tables = world.sql(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname IN ('casework', 'access', 'audit', 'work', 'jobs')"
    )
    return {row["name"]: world.sql(f"SELECT count(*) AS n FROM {row['name']}")[0]["n"] for row in tables}


@pytest.mark.parametrize("need", OTHER_NEEDS)
def test_every_other_need_is_signposted_and_nothing_is_stored(world: World, team: Team, need: str) -> None:
    before = counts(world)
    answer = world.anybody().request("POST", "/v1/enquiries", json={**asking(team), "need": need})
    assert ok(answer, 200)["outcome"] == "signposted"
    assert answer.json()["signpost"]["need"] == need
    assert counts(world) == before


def test_other_needs_are_answered_whatever_else_is_sent(world: World) -> None:
    body = {"need": "general_question", "description": 7, "contact": None, "surprise": True}
    answer = world.anybody().request("POST", "/v1/enquiries", json=body, headers={"Idempotency-Key": ""})
    assert ok(answer, 200)["outcome"] == "signposted"


@pytest.mark.parametrize("need", ["something", None, 7, ["emergency_"]])
def test_an_unknown_need_is_told_with_those_there_are(world: World, team: Team, need: Any) -> None:
    told = refused(world.anybody().post("/v1/enquiries", {**asking(team), "need": need}), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/need"
    assert "suspicious_activity" in told["errors"][0]["message"]
    assert "something" not in str(told)


def test_a_missing_need_is_told(world: World) -> None:
    told = refused(world.anybody().post("/v1/enquiries", {"site_name": "Market Hall"}), 422, "validation-failed")
    assert "/need" in [error["pointer"] for error in told["errors"]]


def test_an_enquiry_reaches_the_intake_team_of_the_force_where_the_site_lies(world: World, team: Team) -> None:
    answer = world.anybody().post("/v1/enquiries", asking(team))
    received = ok(answer, 201)
    assert received["outcome"] == "received"
    assert received["reference"].startswith("ENQ-")
    assert received["force"]["code"] == team.force_code
    assert received["team"]["mailbox"].startswith("ctsa@")
    assert "Security Industry Authority" in received["privacy_notice"]["disclosure"]
    assert received["respond_by"] > "2026"
    assert answer.headers["Location"] == f"/v1/enquiries/{received['id']}"
    found = ok(team.person("coordinator").get(f"/v1/enquiries/{received['id']}"))
    assert (found["state"], found["channel"], found["description"]) == ("received", "web", QUESTION)
    assert found["contact"]["phone"] == "+441632960001"


def test_without_a_postcode_the_local_authority_decides(world: World, team: Team) -> None:
    received = ok(
        world.anybody().post("/v1/enquiries", asking(team, postcode=None, local_authority_code=team.force_code)), 201
    )
    assert received["force"]["code"] == team.force_code


def test_the_postcode_goes_before_the_local_authority(world: World, team: Team, other_team: Team) -> None:
    received = ok(world.anybody().post("/v1/enquiries", asking(team, local_authority_code=other_team.force_code)), 201)
    assert received["force"]["code"] == team.force_code


@pytest.mark.parametrize(
    "where", [{"postcode": None}, {"postcode": "ZE3 9JZ"}, {"postcode": None, "local_authority_code": "E00"}]
)
def test_a_place_nobody_knows_is_told_with_what_would_be_right(world: World, team: Team, where: dict[str, Any]) -> None:
    told = refused(world.anybody().post("/v1/enquiries", asking(team, **where)), 422, "validation-failed")
    assert "/v1/reference/local_authorities" in told["errors"][0]["message"]


def test_a_force_without_a_team_is_told_with_a_signpost(world: World) -> None:
    nowhere = world.team(intake=False)
    told = refused(world.anybody().post("/v1/enquiries", asking(nowhere)), 409, "no-team")
    assert (told["signpost"]["need"], told["signpost"]["how"]["phone"]) == ("protective_security_advice", "101")
    assert f"Security Advisers of {told['force']['name']}" in told["signpost"]["how"]["other"]
    own = {
        "need": "protective_security_advice", "force_code": nowhere.force_code, "title": "Our advisers",
        "who_for": "Businesses here.", "phone": "01632 960055", "explanation": "Ring them.",
    }  # fmt: skip
    ok(world.team().person("administrator").post("/v1/signposts", own), 201)
    told = refused(world.anybody().post("/v1/enquiries", asking(nowhere)), 409, "no-team")
    assert told["signpost"]["how"]["phone"] == "01632 960055"


def test_a_contact_needs_a_way_to_be_reached(world: World, team: Team) -> None:
    told = refused(
        world.anybody().post("/v1/enquiries", asking(team, contact={"name": "Ana"})), 422, "validation-failed"
    )
    assert told["errors"][0]["pointer"] == "/contact"


def test_a_sector_is_a_word_of_the_vocabulary(world: World, team: Team) -> None:
    ok(world.anybody().post("/v1/enquiries", asking(team, sector="retail")), 201)
    told = refused(world.anybody().post("/v1/enquiries", asking(team, sector="shopping")), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/sector"


def test_an_enquiry_needs_a_key(world: World, team: Team) -> None:
    refused(world.anybody().request("POST", "/v1/enquiries", json=asking(team)), 400, "idempotency-key-missing")


def test_a_reply_lost_on_the_way_is_asked_for_again(world: World, team: Team) -> None:
    key, body = str(uuid.uuid4()), asking(team)
    first = world.anybody().post("/v1/enquiries", body, key=key)
    again = world.anybody().post("/v1/enquiries", body, key=key)
    assert ok(first, 201) == ok(again, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert world.sql("SELECT count(*) AS n FROM casework.enquiry WHERE team_id = $1", uuid.UUID(team.id))[0]["n"] == 1
    assert ok(world.anybody(again.json()["tracking_token"]).get("/v1/tracking"))["id"] == first.json()["id"]
    refused(world.anybody().post("/v1/enquiries", asking(team, town="Derby"), key=key), 422, "idempotency-key-reused")


def test_an_id_of_ones_own_is_kept_and_is_taken_once(world: World, team: Team) -> None:
    chosen = str(uuid.uuid4())
    assert asked(world, team, id=chosen).id == chosen
    refused(world.anybody().post("/v1/enquiries", asking(team, id=chosen)), 409, "already-exists")


def test_tokens_keys_and_questions_are_stored_nowhere_in_clear_but_where_they_belong(world: World, team: Team) -> None:
    key = f"key-{uuid.uuid4()}"
    canary = f"Canary {uuid.uuid4()}"
    received = ok(world.anybody().post("/v1/enquiries", asking(team, description=canary), key=key), 201)
    token = received["tracking_token"]
    held: dict[str, set[str]] = {token: set(), token[4:]: set(), key: set(), canary: set()}
    for name in counts(world):
        for row in world.sql(f"SELECT t::text AS line FROM {name} t"):
            for secret, places in held.items():
                if secret in row["line"]:
                    places.add(name)
    assert held == {token: set(), token[4:]: set(), key: set(), canary: {"casework.enquiry"}}
    digest = hashlib.sha256(token.encode()).digest()
    assert len(world.sql("SELECT FROM access.session WHERE token_hash = $1", digest)) == 1


def test_staff_submit_on_behalf_of_a_caller(team: Team) -> None:
    adviser = team.person("adviser", name="Sue Okafor")
    received = ok(adviser.post("/v1/enquiries", asking(team)), 201)
    found = ok(adviser.get(f"/v1/enquiries/{received['id']}"))
    assert (found["channel"], found["submitted_by"]) == ("phone", "Sue Okafor")


def test_staff_submit_for_another_forces_site_without_reading_it(world: World, team: Team, other_team: Team) -> None:
    adviser = other_team.person("adviser")
    received = ok(adviser.post("/v1/enquiries", asking(team, channel="email")), 201)
    assert received["force"]["code"] == team.force_code
    refused(adviser.get(f"/v1/enquiries/{received['id']}"), 404, "not-found")
    assert ok(team.person("adviser").get(f"/v1/enquiries/{received['id']}"))["channel"] == "email"


def test_a_tool_submits_with_its_scope_only(team: Team) -> None:
    received = ok(team.tool("enquiries.submit", "enquiries.read").post("/v1/enquiries", asking(team)), 201)
    found = ok(team.tool("enquiries.read").get(f"/v1/enquiries/{received['id']}"))
    assert found["channel"] == "tool"
    assert found["likely_premises"] is None
    refused(team.tool("cases.read").post("/v1/enquiries", asking(team)), 403, "forbidden")


def test_a_business_has_no_say_in_the_channel(world: World, team: Team) -> None:
    told = refused(world.anybody().post("/v1/enquiries", asking(team, channel="phone")), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/channel"


def test_who_only_reads_may_not_submit(team: Team) -> None:
    refused(team.person("information_manager").post("/v1/enquiries", asking(team)), 403, "forbidden")


@pytest.mark.parametrize("field", ["team_id", "state", "reference", "restricted", "submitted_by"])
def test_nobody_states_what_is_ours_to_state(world: World, team: Team, field: str) -> None:
    told = refused(world.anybody().post("/v1/enquiries", asking(team, **{field: "x"})), 422, "validation-failed")
    assert told["errors"][0]["code"] == "extra_forbidden"
