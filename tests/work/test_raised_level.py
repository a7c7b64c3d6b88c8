"""A threat level that rises is told to the authors of advice that is not issued yet, and to nobody else."""

import asyncio
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from casework.kernel.settings import Settings
from casework.worker import work
from tests.support.callers import Caller, ok
from tests.support.levels import LATER_GONE, SOURCE
from tests.support.story import allocated_case, approved_advice, drafted_advice, issued_advice, moment
from tests.support.world import Team, World

LEVELS = "/v1/threat-levels"


class Desk:
    """A lead who records levels, and whom the worker then writes to."""

    def __init__(self, world: World, settings: Settings, place: Path, lead: Caller) -> None:
        self.world, self.place, self.lead, self.made = world, place, lead, list[dict[str, Any]]()
        self.settings = settings.model_copy(update={"mail_url": SecretStr(str(place))})

    def record(self, level: str, kind: str = "national", **more: Any) -> dict[str, Any]:
        body = {"kind": kind, "level": level, "source_url": SOURCE, **more}
        made: dict[str, Any] = ok(self.lead.post(LEVELS, body), 201)
        self.made.append(made)
        return made

    def strike(self, made: dict[str, Any]) -> None:
        ok(self.lead.post(f"{LEVELS}/{made['id']}/strike", {"reason": "A slip."}, match=made["version"]))

    def told(self) -> dict[str, str]:
        """The letters since it was asked last: what was written to each address."""
        asyncio.run(work(self.settings, self.world.addresses.worker, wait=False, signals=False))
        found = {}
        for file in self.place.glob("*.eml"):
            letter = message_from_bytes(file.read_bytes(), policy=default)
            found[str(letter["To"])] = letter.get_content()
            file.unlink()
        return found

    def address(self, person: Caller) -> str:
        return str(
            self.world.sql("SELECT email FROM casework.person WHERE id = $1", UUID(person.person_id))[0]["email"]
        )


@pytest.fixture
def desk(world: World, team: Team, test_settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")  # of other tests
    desk = Desk(world, test_settings, tmp_path, team.person("professional_lead"))
    yield desk
    ids = [UUID(each["id"]) for each in desk.made]
    world.logged_sql("DELETE FROM casework.threat_level WHERE id = ANY ($1)", ids)
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")


@pytest.fixture(autouse=True)
def first_levels(world: World) -> None:
    world.logged_sql(LATER_GONE)


def test_a_raise_is_told_to_the_authors_of_drafts_and_approved_versions(team: Team, desk: Desk) -> None:
    drafting, approved, issued, idle = (team.person("adviser") for _ in range(4))
    draft = drafted_advice(drafting, allocated_case(team, drafting))
    ready = approved_advice(team, approved, allocated_case(team, approved))
    issued_advice(team, issued, allocated_case(team, issued))
    desk.told()
    desk.record("severe")
    letters = desk.told()
    for author, advice in ((drafting, draft), (approved, ready)):
        assert advice["reference"] in letters[desk.address(author)]
    assert not {desk.address(issued), desk.address(idle)} & letters.keys()


def test_a_level_that_falls_or_stays_is_told_to_nobody(team: Team, desk: Desk) -> None:
    author = team.person("adviser")
    drafted_advice(author, allocated_case(team, author))
    desk.record("severe")
    desk.told()
    desk.record("severe")
    desk.record("moderate")
    assert desk.told() == {}


def test_a_strike_that_raises_is_told(team: Team, desk: Desk) -> None:
    author = team.person("adviser")
    drafted_advice(author, allocated_case(team, author))
    low = desk.record("low")
    desk.told()
    desk.strike(low)
    assert desk.address(author) in desk.told()


def test_what_was_struck_meanwhile_is_told_to_nobody(team: Team, desk: Desk) -> None:
    author = team.person("adviser")
    drafted_advice(author, allocated_case(team, author))
    slip = desk.record("critical")
    desk.strike(slip)
    assert desk.told() == {}


def test_a_raise_in_northern_ireland_is_told_there(world: World, team: Team, desk: Desk) -> None:
    irish = world.team(nation="Northern Ireland")
    there, here = irish.person("adviser"), team.person("adviser")
    for author, of in ((there, irish), (here, team)):
        drafted_advice(author, allocated_case(of, author))
    desk.record("severe", "northern_ireland")
    letters = desk.told()
    assert desk.address(there) in letters
    assert desk.address(here) not in letters


def test_a_raise_that_is_announced_is_told_when_it_holds(team: Team, desk: Desk) -> None:
    author = team.person("adviser")
    drafted_advice(author, allocated_case(team, author))
    desk.record("severe", since=moment(days=1))
    assert desk.told() == {}
    waiting = desk.world.sql(
        "SELECT scheduled_at > now() + interval '23 hours' AS later FROM jobs.procrastinate_jobs WHERE status = 'todo'"
    )
    assert [row["later"] for row in waiting] == [True]
