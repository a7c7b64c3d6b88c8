"""A refusal points at a place in names of ours; what a caller made up is not sent back."""

import uuid
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from casework.kernel.pointers import locate, names_in
from tests.support.callers import refused
from tests.support.world import Team, World


class Inner(BaseModel):
    """A part."""

    area: str
    other: str | None = None


class Outer(BaseModel):
    """A whole."""

    title: str
    parts: Annotated[list[Inner], Field(max_length=3)] | None = None
    chosen: Inner | str = ""


@pytest.mark.parametrize(
    ("steps", "pointer", "fields"),
    [
        ((), "", ["chosen", "parts", "title"]),
        (("title",), "/title", []),
        (("parts", 2, "area"), "/parts/2/area", []),
        (("parts", 2, "made up"), "/parts/2", ["area", "other"]),
        (("made up",), "", ["chosen", "parts", "title"]),
        (("chosen", "Inner", "area"), "/chosen/area", []),
    ],
)
def test_where(steps: tuple[int | str, ...], pointer: str, fields: list[str]) -> None:
    assert locate(Outer, steps) == (pointer, fields)


def test_every_name_at_any_depth() -> None:
    assert names_in([Outer, None, int]) == {"title", "parts", "chosen", "area", "other"}


SECRET = "my source is jo field"
"""What is no name of a field may be a text: it is not sent back."""


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"title": "Fair", SECRET: 1}, "", "extra_forbidden"),
        ({"title": "Fair", SECRET: "\u0000"}, "", "control-character"),
        ({"title": "Fair", SECRET: {SECRET: ["\ufffe"]}}, "/0", "not-a-character"),
        ({"title": "Fair", SECRET + "\ufdd0": 1}, "", "not-a-character"),
        ({"title": "Fair", SECRET: {SECRET: ["\u202e"]}}, "", "extra_forbidden"),
        ({"title": "a\u202eb"}, "/title", "direction-override"),
        ({"title": "a\u0000b"}, "/title", "control-character"),
    ],
)
def test_an_unknown_name_is_not_repeated(team: Team, body: dict[str, object], pointer: str, code: str) -> None:
    answer = team.person("adviser").post("/v1/cases", {"team_id": team.id, **body})
    document = refused(answer, 422, "validation-failed")
    assert SECRET not in answer.text
    found = [error for error in document["errors"] if error["code"] == code]
    assert [error["pointer"] for error in found] == [pointer]
    if code == "extra_forbidden":
        assert "team_id" in found[0]["message"]


def test_a_name_within_an_item_is_not_repeated(team: Team) -> None:
    adviser = team.person("adviser")
    body = {"arrived_at": "2026-11-02T09:00:00Z", "left_at": "2026-11-02T10:00:00Z", "findings": [{SECRET: 1}]}
    answer = adviser.request(
        "POST",
        f"/v1/visits/{uuid.uuid4()}/completion",
        json=body,
        headers={"Idempotency-Key": "k" * 20, "If-Match": '"1"'},
    )
    refused(answer, 422, "validation-failed")
    assert SECRET not in answer.text
    assert "/findings/0" in {error["pointer"] for error in answer.json()["errors"]}


def test_an_unknown_parameter_is_not_repeated(world: World, team: Team) -> None:
    answer = team.person("adviser").get("/v1/cases", **{SECRET: "1"})
    assert "limit" in refused(answer, 400, "unknown-parameter")["possible"]
    assert SECRET not in answer.text


def test_unknown_fields_are_told_as_far_as_they_could_be_names(team: Team) -> None:
    adviser, facts = team.person("adviser"), {"team_id": team.id, "title": "Fair"}
    for name, number, told in (
        ("no name {}", 40, {""}),
        ("f{}", 40, {f"/f{n}" for n in range(40)}),
        ("f{}", 2_000, {""}),
    ):
        body = {**facts, **{name.format(n): 1 for n in range(number)}}
        errors = refused(adviser.post("/v1/cases", body), 422, "validation-failed")["errors"]
        assert {each["pointer"] for each in errors} == told
        assert len(errors) == len(told)
