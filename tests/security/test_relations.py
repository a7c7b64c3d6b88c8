"""Every operation of the contract × everybody × how the record stands to them, held against the domain owner's table.

Relations: one's own, of the same team, of another team, shared to read or to contribute, opened in an emergency, restricted,
absent. What is disposed of is no record at all, so it stands with the absent. What is not for the caller is, byte for
byte, as what is not there.
"""

import zlib

import pytest

from tests.security import asking
from tests.security.model import holds
from tests.security.operations import LAST, Operation, operations
from tests.security.stage import Stage

PRINCIPALS = (
    "public", "enquirer", "verified_enquirer", "other enquirer", "adviser", "collaborator", "colleague", "idle adviser", "reviewer",
    "idle reviewer", "coordinator", "supervisor", "information_manager", "auditor", "national_reader", "professional_lead",
    "administrator", "adviser abroad", "reviewer abroad", "adviser here, supervisor there", "adviser and auditor",
    "supervisor and information manager", "adviser, reviewer and coordinator",
    "coordinator and national reader there, reviewer here", "service",
)  # fmt: skip

# Where the answer is another than the table's class, for a reason that is written down.
EXCEPTIONS: dict[tuple[str, str, str], str] = {
    ("public", "session.manage_own-end", "401"): "who is nobody has no session to end",
    # The public reads what is published by its text; how it came about is for the teams of the force.
    **{
        (name, "notice.approve-read", "404"): "a published notice is read by its text"
        for name in (
            "supervisor",
            "information_manager",
            "supervisor and information manager",
            "adviser here, supervisor there",
        )
    },
    # The list is the staff's. What was said in the interim goes to the business in the version that is issued next.
    # Who else stood for the business, and why they were verified or not, is the staff's.
    ("enquirer", "enquiry.read-contacts", "404"): "the business sees status and messages of its enquiry",
    ("verified_enquirer", "enquiry.read-contacts", "404"): "the business sees status and messages of its enquiry",
    ("other enquirer", "enquiry.read-contacts", "404"): "the business sees status and messages of its enquiry",
    ("verified_enquirer", "advice.read-interim", "404"): "the business reads it inside the issued advice",
    ("other enquirer", "advice.read-interim", "404"): "the business reads it inside the issued advice",
}


def cells(stage: Stage, name: str, whole: bool) -> list[tuple[Operation, str]]:
    """What this principal is asked about. Who has no part with an action is refused before anything is looked up, so in the
    quick form one relation stands for all."""
    person, found = stage.people[name], []
    for operation in operations():
        if operation.name == LAST:
            continue
        each = asking.relations(stage, operation)
        if not whole:
            each = _sample(each, f"{name} {operation.name}", holds(person, operation.action))
        found += [(operation, relation) for relation in each]
    return found


def _sample(relations: list[str], seed: str, held: bool) -> list[str]:
    """Some of the relations, others for each principal and operation; with the absent one, to compare the foreign with."""
    if not held or len(relations) < 5:
        return relations[:1] if not held else relations
    turn = zlib.crc32(seed.encode())
    return ["absent", *{relations[(turn + step * 5) % len(relations)] for step in range(3)} - {"absent"}]


def differences(stage: Stage, name: str, whole: bool) -> tuple[list[str], int]:
    """What differs from the table, and how many cells were asked."""
    person, wrong, asked = stage.people[name], [], 0
    absent: dict[str, tuple[object, ...]] = {}
    plan = cells(stage, name, whole)
    for operation, relation in sorted(plan, key=lambda cell: (cell[0].method == "DELETE", cell[1] != "absent")):
        response = asking.ask(person.caller, operation, stage.ids[relation], asking.body_of(stage, person, operation))
        asked += 1
        wanted, got = asking.expected(stage, person, operation, relation), asking.class_of(response)
        excepted = (name, operation.name, got) in EXCEPTIONS
        if response.status_code >= 500 or (got != wanted and not excepted):
            said = "" if response.status_code < 400 else response.json().get("detail", "")
            wrong.append(f"{operation.name} ({operation.method} {operation.path}), {relation}: {response.status_code} {said} — the table says {wanted}")  # fmt: skip
        if relation == "absent":
            absent[operation.name] = asking.bare(response)
        elif got == wanted == "404" and operation.name in absent and asking.bare(response) != absent[operation.name]:
            wrong.append(f"{operation.name}, {relation}: told from an absent one by {asking.bare(response)}")
    return wrong, asked


@pytest.mark.parametrize("name", PRINCIPALS)
def test_every_relation_is_answered_as_the_table_says(stage: Stage, name: str, request: pytest.FixtureRequest) -> None:
    wrong, asked = differences(stage, name, bool(request.config.getoption("full")))
    request.node.user_properties.append(("cells", asked))
    assert wrong == [], "\n".join(wrong)


def test_everybody_on_stage_is_asked(stage: Stage) -> None:
    """Nobody is forgotten, and every noun of the contract has an id in every relation."""
    assert set(stage.people) == set(PRINCIPALS)
    for operation in operations():
        assert not operation.nouns or operation.nouns[0] in asking.READS, (
            f"say in READS what reads {operation.nouns[0]}"
        )
        for relation in asking.relations(stage, operation):
            assert set(operation.nouns) <= stage.ids[relation].keys(), (operation.name, relation)
