"""The first administrator: made once, on the host, and told to the log."""

import asyncio
from typing import Any

import pytest

from casework.kernel.problems import Conflict, ValidationFailed
from casework.people.bootstrap import bootstrap, link
from casework.people.problems import AdministratorExists
from tests.support import cluster
from tests.support.world import Team, World


def first(database: str, **stated: Any) -> Any:
    facts = {
        "name": "Alex First",
        "email": "Alex@police.example",
        "password": "correct horse battery staple",
        "force_code": "E23000018",
        "team_name": "CTSA team",
        **stated,
    }
    return asyncio.run(bootstrap(cluster.url("casework_migrate", database), **facts))


def test_the_first_two_administrators_are_made_on_the_host(world: World) -> None:
    database = f"{world.database}_first"
    cluster.clone(database)
    empty = World(world.base_url, world.addresses, database)
    force = empty.sql("SELECT code FROM casework.police_force ORDER BY code LIMIT 1")
    if not force:
        empty.logged_sql("INSERT INTO casework.police_force (code, name, nation) VALUES ('E1', 'Force', 'England')")
    code = force[0]["code"] if force else "E1"
    with pytest.raises(ValidationFailed):
        first(database, force_code=code, password="too short")
    with pytest.raises(ValidationFailed):
        first(database, force_code="NOWHERE")
    with pytest.raises(ValueError):
        first(database, force_code=code, email="no address")
    person = first(database, force_code=code)
    held = empty.sql("SELECT role, pending FROM access.membership WHERE principal_id = $1", person)
    assert [tuple(row) for row in held] == [("administrator", False)]
    assert empty.sql("SELECT login FROM access.credential")[0]["login"] == "alex@police.example"
    assert empty.sql("SELECT name, intake FROM casework.team WHERE force_code = $1", code)[0]["intake"]
    told = empty.sql(
        "SELECT principal_kind, client FROM audit.event WHERE action = 'person.manage' ORDER BY id DESC LIMIT 1"
    )
    assert told[0]["principal_kind"] == "system"
    assert told[0]["client"]
    first(database, force_code=code, email="second@police.example")
    with pytest.raises(AdministratorExists):
        first(database, force_code=code, email="third@police.example")
    assert len(empty.sql("SELECT 1 FROM casework.person")) == 2


def test_who_an_administrator_is_at_the_provider_is_said_on_the_host(world: World, team: Team) -> None:
    url, issuer = cluster.url("casework_migrate", world.database), "https://login.police.example"
    one, other = team.person("administrator"), team.person("adviser")
    emails = [
        world.sql("SELECT email FROM casework.person WHERE id = $1", each.person_id)[0]["email"]
        for each in (one, other)
    ]

    def linked(email: str, subject: str) -> Any:
        return asyncio.run(link(url, email=email, issuer=issuer, subject=subject))

    made = linked(emails[0].upper(), f"host-{one.person_id}")
    assert linked(emails[0], f"host-{one.person_id}") == made
    row = world.sql("SELECT principal_id, linked_by FROM access.identity WHERE id = $1", made)[0]
    assert (str(row["principal_id"]), row["linked_by"]) == (one.person_id, None)
    logged = world.sql(
        "SELECT e.principal_kind, o.operation FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " WHERE o.object_id = $1",
        made,
    )
    assert [tuple(each) for each in logged] == [("system", "collection")]
    with pytest.raises(Conflict):
        linked(emails[1], f"host-{one.person_id}")
    with pytest.raises(ValidationFailed):
        linked("nobody@police.example", "s")
    with pytest.raises(ValueError):
        linked(emails[1], "")
