"""Every id that a request may carry (path, query, body, at any depth) tried with a record of another force while the others
stay valid: the answer is the one an absent id gets. The ids a client chooses for what it creates are the exception of
``authority.md``: where such a record stands unseen, a bare 409.
"""

from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from tests.security import asking, moving
from tests.security.operations import Operation, operations, with_id
from tests.security.stage import Stage

ASKING = ("adviser", "supervisor", "coordinator", "administrator")
"""Between them they hold every action of staff; each asks where the table gives a team's reach or less."""
OF_FIELD = {
    "duplicate_of": "enquiry_id", "adviser_id": "person_id", "reviewer_id": "person_id", "author_id": "person_id",
    "finding_ids": "finding_id", "to_team_id": "team_id", "person": "person_id", "record": "case_id",
    "attended_by": "person_id",
    "messages": "message_id", "object_id": "case_id", "recommendation_ids": "recommendation_id",
}  # fmt: skip
"""What a field is an id of, where its name does not say so itself."""


ANYWHERE = {
    "advice.assign_reviewer": "the reviewer may be of another force (authority.csv)",
}


class Slot(NamedTuple):
    """One place for an id."""

    operation: Operation
    place: str
    at: tuple[str, ...]

    @property
    def noun(self) -> str:
        """What the id is of: the name of a path parameter of the stage."""
        named = [step for step in self.at if step != "[]"][-1]
        return OF_FIELD.get(named, named)


def slots() -> list[Slot]:
    """Every place for an id that is not the chosen id of something new."""
    found = []
    for operation in operations():
        found += [Slot(operation, "path", (name,)) for name in operation.nouns[1:]]
        found += [Slot(operation, "query", (name,)) for name in operation.queries]
        found += [Slot(operation, "body", at) for at in operation.fields if at[-1] != "id"]
    return found


def chosen() -> list[Operation]:
    """The operations whose client may choose the id of what is made."""
    return [operation for operation in operations() if ("id",) in operation.fields]


def send(stage: Stage, name: str, slot: Slot, value: str, relation: str) -> Any:
    """The request with this id in the slot, and everything else the caller's own, under the current version."""
    person, operation = stage.people[name], slot.operation
    ids = dict(stage.ids[relation])
    body, query = asking.body_of(stage, person, operation), None
    if slot.place == "path":
        ids[slot.at[0]] = value
    elif slot.place == "query":
        query = {slot.at[0]: value}
    else:
        body = with_id(body if body is not None else {}, slot.at, value)
    return asking.ask(person.caller, operation, ids, body, query=query, match=moving.version(stage, operation, ids))


@pytest.mark.parametrize("name", ASKING)
def test_a_foreign_id_is_answered_as_an_absent_one(stage: Stage, name: str) -> None:
    wrong, tried, telling = [], 0, 0
    for slot in slots():
        relation = "issued" if slot.operation.name.startswith("recommendation.") else "mine"
        if slot.operation.name in ANYWHERE or not set(slot.operation.nouns) <= stage.ids["mine"].keys():
            continue
        if not asking.reaches_less_than_all(stage.people[name], slot.operation.action, slot.noun):
            continue
        foreign = stage.ids["other team"].get(slot.noun)
        if foreign is None:
            wrong.append(f"{slot.operation.name}: what is {slot.at} an id of? Say so in OF_FIELD, or put it on stage")
            continue
        answers = [asking.bare(send(stage, name, slot, value, relation)) for value in (str(uuid4()), foreign)]
        tried += 1
        if answers[0] != answers[1]:
            wrong.append(
                f"{slot.operation.name}, {slot.place} {'/'.join(slot.at)}: {answers[1][:2]}, absent: {answers[0][:2]}"
            )
        telling += answers[0][0] in (404, 422) or slot.place == "query"
    print(f"{name}: {tried} places for an id, {telling} of them judged for the id itself")
    assert wrong == [], "\n".join(wrong)


def test_a_chosen_id_that_stands_unseen_is_a_bare_409(stage: Stage) -> None:
    """Whatever is made under the id of a record of another force: told nothing but that the id is taken."""
    wrong = []
    for operation in chosen():
        noun = moving.MADE.get(operation.name)
        if noun is None or noun not in stage.ids["other team"]:
            continue
        person = stage.people["adviser"]
        if not asking.holds(person, operation.action):
            continue
        relation = "issued" if operation.name.startswith("recommendation.") else "mine"
        body = with_id(asking.body_of(stage, person, operation), ("id",), stage.ids["other team"][noun])
        response = asking.ask(
            person.caller,
            operation,
            stage.ids[relation],
            body,
            match=moving.version(stage, operation, stage.ids[relation]),
        )
        document = response.json()
        if document.get("type") == "/problems/state-conflict":
            continue  # told of the caller's own record, before the id was looked at
        if response.status_code != 409 or set(document) - {"type", "title", "status", "detail", "request_id"}:
            wrong.append(f"{operation.name}: {response.status_code} {response.text[:200]}")
    assert wrong == [], "\n".join(wrong)
