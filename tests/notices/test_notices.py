"""What a force tells the public: written by one person, approved by another, never changed afterwards, and kept with the enquiry."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.enquiries.building import asked, asking
from tests.support.callers import Caller, ok, refused
from tests.support.world import Team, World

SAYS = {
    "title": "How we use what you tell us",
    "text": "We keep it so that we can advise you.",
    "controller": "The Chief Constable.",
    "data_protection_officer": "Ring 101 and ask for the data protection officer.",
    "complaints": "Write to the data protection officer.",
}
WELSH = {f"{name}_cy": f"Cymraeg: {text}" for name, text in SAYS.items()}


def writing(team: Team, **facts: Any) -> dict[str, Any]:
    return {"team_id": team.id, "kind": "privacy", **SAYS, **facts}


def written(team: Team, by: Caller, **facts: Any) -> Any:
    return ok(by.post("/v1/notices", writing(team, **facts)), 201)


def approved(team: Team, **facts: Any) -> Any:
    notice = written(team, team.person("information_manager"), **facts)
    by = team.person("supervisor")
    return ok(by.post(f"/v1/notices/{notice['id']}/approval", {}, match=notice["version"]))


def in_force(world: World, **query: str) -> Any:
    return ok(world.anybody().get("/v1/notices/in-force", **query))


def test_a_notice_is_in_force_once_somebody_else_approved_it(world: World, team: Team) -> None:
    writer, second = team.person("information_manager", name="Iris"), team.person("supervisor", name="Sam")
    draft = written(team, writer)
    path = f"/v1/notices/{draft['id']}"
    assert (draft["state"], draft["number"], draft["writers"]) == ("draft", None, ["Iris"])
    assert "notice.approve" not in draft["allowed_actions"]
    assert in_force(world, postcode=team.postcode)["force_code"] is None
    refused(world.anybody().get(f"{path}/text"), 404, "not-found")
    told = refused(writer.post(f"{path}/approval", {}, match=draft["version"]), 409, "never-the-writer")
    assert told["detail"] != told["title"]
    done = ok(second.post(f"{path}/approval", {}, match=draft["version"]))
    assert (done["state"], done["number"], done["approved_by"]) == ("approved", 1, "Sam")
    shown = in_force(world, postcode=team.postcode)
    assert shown == in_force(world, force_code=team.force_code) == in_force(world, local_authority_code=team.force_code)
    for name in ("force_code", "local_authority_code"):
        answer = world.anybody().get("/v1/notices/in-force", **{name: "E99999999", "postcode": team.postcode})
        (error,) = refused(answer, 422, "validation-failed")["errors"]
        assert error["parameter"] == name
        assert "GET /v1/" in error["message"]
    assert {name: shown[name] for name in SAYS} == SAYS
    assert (shown["id"], shown["force_code"], shown["number"]) == (draft["id"], team.force_code, 1)


def test_whoever_amended_it_wrote_it_too(team: Team) -> None:
    first, second = team.person("information_manager"), team.person("information_manager", "supervisor")
    draft = written(team, first)
    path = f"/v1/notices/{draft['id']}"
    amended = ok(second.patch(path, {"complaints": "Ring 101."}, match=draft["version"]))
    for writer in (first, second):
        refused(writer.post(f"{path}/approval", {}, match=amended["version"]), 409, "never-the-writer")
    stale = team.person("supervisor")
    refused(stale.post(f"{path}/approval", {}, match=draft["version"]), 412, "precondition-failed")
    ok(stale.post(f"{path}/approval", {}, match=amended["version"]))


def test_the_next_version_supersedes_and_the_one_before_stays_readable(world: World, team: Team) -> None:
    first = approved(team)
    second = approved(team, text="Another text.")
    assert second["number"] == 2
    assert in_force(world, postcode=team.postcode)["id"] == second["id"]
    earlier = ok(world.anybody().get(f"/v1/notices/{first['id']}/text"))
    assert (earlier["state"], earlier["text"], earlier["number"]) == ("superseded", SAYS["text"], 1)
    assert earlier["ended_at"] is not None
    manager = team.person("information_manager")
    over = ok(manager.get(f"/v1/notices/{first['id']}"))["version"]
    for noun in ("withdrawal", "approval"):
        told = refused(manager.post(f"/v1/notices/{first['id']}/{noun}", {}, match=over), 409, "state-conflict")
        assert told["possible_from"] == ["draft"]
    now = ok(manager.get(f"/v1/notices/{second['id']}"))["version"]
    refused(manager.patch(f"/v1/notices/{second['id']}", {"text": "Slipped in."}, match=now), 409, "state-conflict")
    kinds = [each["state"] for each in ok(manager.get("/v1/notices?kind=privacy&sort=created_at"))["items"]]
    assert kinds == ["superseded", "approved"]


def test_a_draft_is_withdrawn_and_stays_on_record(world: World, team: Team) -> None:
    manager = team.person("information_manager")
    draft = written(team, manager)
    gone = ok(manager.post(f"/v1/notices/{draft['id']}/withdrawal", {}, match=draft["version"]))
    assert (gone["state"], gone["number"]) == ("withdrawn", None)
    refused(world.anybody().get(f"/v1/notices/{draft['id']}/text"), 404, "not-found")
    refused(
        team.person("supervisor").post(f"/v1/notices/{draft['id']}/approval", {}, match=gone["version"]),
        409,
        "state-conflict",
    )
    listed = ok(manager.get("/v1/notices?state=withdrawn"))["items"]
    assert [each["id"] for each in listed] == [draft["id"]]


def test_only_whoever_answers_for_information_writes_and_a_foreign_draft_is_absent(
    team: Team, other_team: Team
) -> None:
    for role in ("administrator", "adviser", "supervisor", "coordinator", "professional_lead"):
        refused(team.person(role).post("/v1/notices", writing(team)), 403, "forbidden")
    manager = team.person("information_manager")
    abroad = written(other_team, other_team.person("information_manager"))
    refused(manager.get(f"/v1/notices/{abroad['id']}"), 404, "not-found")
    refused(manager.post(f"/v1/notices/{abroad['id']}/approval", {}, match=1), 404, "not-found")
    refused(team.person("administrator").post(f"/v1/notices/{abroad['id']}/approval", {}, match=1), 403, "forbidden")
    assert abroad["id"] not in [each["id"] for each in ok(manager.get("/v1/notices"))["items"]]
    assert manager.post("/v1/notices", writing(other_team)).status_code in (403, 404)


def test_a_privacy_notice_says_who_is_responsible_and_how_to_complain(team: Team) -> None:
    manager = team.person("information_manager")
    for name in ("controller", "data_protection_officer", "complaints"):
        told = refused(manager.post("/v1/notices", writing(team, **{name: None})), 422, "validation-failed")
        assert f"/{name}" in [each["pointer"] for each in told["errors"]]
    draft = written(team, manager)
    told = refused(
        manager.patch(f"/v1/notices/{draft['id']}", {"controller": None}, match=draft["version"]),
        422,
        "validation-failed",
    )
    assert "/controller" in [each["pointer"] for each in told["errors"]]
    statement = {"team_id": team.id, "kind": "accessibility", "title": "Accessibility", "text": "Ring 101."}
    ok(manager.post("/v1/notices", statement), 201)


@pytest.mark.parametrize("kind", ["privacy", "accessibility"])
def test_the_default_says_what_is_true_in_both_languages(world: World, kind: str) -> None:
    english, welsh = in_force(world, kind=kind), in_force(world, kind=kind, lang="cy")
    assert (english["language"], welsh["language"]) == ("en", "cy")
    assert english["force_code"] is None
    whole = " ".join(str(value) for value in english.values())
    assert not re.search(r"destroy|seven years|delete[ds]? after|kept for", whole)
    for name in SAYS:
        assert (english[name] is None) == (welsh[name] is None)
        assert english[name] is None or english[name] != welsh[name]
    if kind == "privacy":
        assert "30 days" in english["complaint_acknowledged"]
        assert "30 diwrnod" in welsh["complaint_acknowledged"]
        assert "Information Commissioner" in english["complaint_to_regulator"]
        assert "A court, an inquiry or the law can require records" in english["disclosure"]
    else:
        assert english["disclosure"] is None


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ("", "cy", "cy"),
        ("", "cy-GB, en;q=0.8", "cy"),
        ("", "en-GB,en;q=0.9,cy;q=0.5", "en"),
        ("", "fr, *;q=0.1", "en"),
        ("", "cy;q=0, en;q=0.1", "en"),
        ("", ";;;,q=,cy;q=9", "en"),
        ("?lang=en", "cy", "en"),
        ("?lang=cy", "en", "cy"),
    ],
)
def test_the_language_is_the_one_asked_for_or_preferred(world: World, query: str, header: str, language: str) -> None:
    answer = world.anybody().request("GET", f"/v1/notices/in-force{query}", headers={"Accept-Language": header})
    assert ok(answer)["language"] == language
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_force_that_serves_wales_approves_in_welsh_too(world: World) -> None:
    team = world.team(nation="Wales")
    manager, second = team.person("information_manager"), team.person("supervisor")
    draft = written(team, manager)
    path = f"/v1/notices/{draft['id']}"
    told = refused(second.post(f"{path}/approval", {}, match=draft["version"]), 409, "welsh-missing")
    assert told["missing"] == list(WELSH)
    version = ok(manager.patch(path, WELSH, match=draft["version"]))["version"]
    ok(second.post(f"{path}/approval", {}, match=version))
    shown = in_force(world, postcode=team.postcode, lang="cy")
    assert (shown["language"], shown["controller"]) == ("cy", WELSH["controller_cy"])
    assert "diwrnod" in shown["complaint_acknowledged"]


def test_whoever_reads_welsh_gets_english_where_the_force_has_no_welsh(world: World, team: Team) -> None:
    approved(team)
    shown = in_force(world, postcode=team.postcode, lang="cy")
    assert (shown["language"], shown["title"]) == ("en", SAYS["title"])
    assert "acknowledges" in shown["complaint_acknowledged"]


def test_an_unknown_place_gets_what_holds_everywhere(world: World) -> None:
    for query in ({}, {"postcode": "ZZ9 9ZZ"}, {"postcode": "not one"}):
        assert in_force(world, **query)["force_code"] is None


def test_an_enquiry_keeps_which_version_was_shown(world: World, team: Team) -> None:
    before = asked(world, team)
    first = approved(team)
    shown = asked(world, team)
    second = approved(team, text="Another text.")
    named = asked(world, team, notice_id=first["id"])
    latest = asked(world, team)
    assert before.read()["privacy_notice"]["force_code"] is None
    assert shown.read()["privacy_notice"] == {"id": first["id"], "number": 1, "force_code": team.force_code}
    assert named.read()["privacy_notice"]["number"] == 1
    assert (named.received["privacy_notice"]["state"], named.received["privacy_notice"]["number"]) == ("superseded", 1)
    assert latest.read()["privacy_notice"]["id"] == second["id"]
    phone = ok(team.person("coordinator").post("/v1/enquiries", asking(team)), 201)
    assert phone["privacy_notice"]["id"] == second["id"]


def test_the_version_named_is_one_that_can_have_been_shown(world: World, team: Team, other_team: Team) -> None:
    draft = written(team, team.person("information_manager"))
    statement = written(team, team.person("information_manager"), kind="accessibility")
    ok(team.person("supervisor").post(f"/v1/notices/{statement['id']}/approval", {}, match=1))
    foreign = approved(other_team)
    for wrong in (draft["id"], statement["id"], foreign["id"], str(uuid4())):
        body = asking(team, notice_id=wrong)
        told = refused(world.anybody().post("/v1/enquiries", body), 422, "validation-failed")
        assert told["errors"][0]["pointer"] == "/notice_id"
    ok(world.anybody().post("/v1/enquiries", asking(team, notice_id=in_force(world)["id"])), 201)


def test_the_answer_to_an_enquiry_is_in_the_language_that_is_read(world: World, team: Team) -> None:
    headers = {"Accept-Language": "cy", "Idempotency-Key": str(uuid4())}
    answer = world.anybody().request("POST", "/v1/enquiries", json=asking(team), headers=headers)
    assert ok(answer, 201)["privacy_notice"]["language"] == "cy"


def refused_by_the_database(world: World, statement: str, *values: Any) -> asyncpg.PostgresError:
    with pytest.raises(asyncpg.PostgresError) as told:
        world.sql(statement, *values)
    return told.value


def test_the_database_holds_the_rules_too(world: World, team: Team) -> None:
    notice = approved(team)
    draft = written(team, team.person("information_manager"))
    ids = {"one": notice["id"], "draft": draft["id"]}
    change = "UPDATE casework.notice SET {0} WHERE id = $1::text::uuid"
    for what in ("text = 'Slipped in.'", "title_cy = 'x'", "kind = 'accessibility'", "state = 'draft'"):
        refused_by_the_database(world, change.format(what), ids["one"])
    refused_by_the_database(world, "DELETE FROM casework.notice WHERE id = $1::text::uuid", ids["draft"])
    # Approved by nobody, or from the state of a version that is over.
    refused_by_the_database(world, change.format("state = 'approved'"), ids["draft"])
    refused_by_the_database(world, change.format("state = 'superseded'"), ids["draft"])
    enquiry = asked(world, team)
    refused_by_the_database(world, "UPDATE casework.enquiry SET notice_id = NULL WHERE id = $1::text::uuid", enquiry.id)


def test_of_two_approvals_at_once_each_is_a_version_and_one_is_in_force(world: World, team: Team) -> None:
    writer = team.person("information_manager")
    drafts = [written(team, writer, text=f"Text {n}.") for n in range(4)]
    seconds = [team.person("supervisor") for _ in drafts]

    def approve(n: int) -> int:
        path = f"/v1/notices/{drafts[n]['id']}/approval"
        return seconds[n].post(path, {}, match=drafts[n]["version"]).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(approve, range(4))) == [200] * 4
    rows = ok(writer.get("/v1/notices"))["items"]
    assert sorted(each["number"] for each in rows) == [1, 2, 3, 4]
    assert [each["number"] for each in rows if each["state"] == "approved"] == [4]
