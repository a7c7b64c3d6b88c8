"""An import that breaks off says what is stored, and goes on where it was."""

import asyncio
import csv
import hashlib
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from casework.premises import merging
from casework.premises.importing import UnderWay, import_premises
from casework.premises.report import Outcome, Report, Result
from tests.support import cluster
from tests.support.world import World

ROWS, BATCH = 60, 10


@pytest.fixture(scope="module")
def alone() -> World:
    """A database of its own, where real forces get teams."""
    cluster.template()
    database = f"casework_breaks_off_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    return World("", cluster.clone(database), database)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Museums that no other test has, with one row in the midst that is refused."""
    path, mark = tmp_path / "museums.csv", secrets.token_hex(6)
    with path.open("w", encoding="utf-8", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(
            [
                "museum_id",
                "museum_name",
                "address_line_1",
                "address_line_2",
                "city",
                "postcode",
                "latitude",
                "longitude",
                "admin_area_full",
                "year_closed_low",
            ]
        )
        for number in range(2, ROWS + 2):
            name = "" if number == 5 else f"Museum {number}"
            at = ("52.9", "-1.4") if number != 7 else ("-1.4", "52.9")
            sheet.writerow([f"{mark}.{number}", name, "", "", "Derby", "", *at, "England/Derby (UA)", "na"])
    return path


def run(world: World, rows: Any, **options: Any) -> Report:
    url = cluster.url("casework_migrate", world.database)
    return asyncio.run(import_premises(url, rows, make_teams=True, batch=BATCH, **options))


def stored(world: World, file: Path) -> set[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        refs = [row["museum_id"] for row in csv.DictReader(lines)]
    return {
        r["source_ref"] for r in world.sql("SELECT source_ref FROM casework.premises WHERE source_ref = ANY ($1)", refs)
    }


def remembered(world: World, file: Path) -> list[Any]:
    """The batches of the file that are written down as stored."""
    digest = hashlib.sha256(file.read_bytes()).digest()
    return world.sql("SELECT first_line, last_line FROM work.import_batch WHERE digest = $1", digest)


class BreaksOff(Exception):
    """What ends a run in these tests."""


class Told(list[Result]):
    """What a run tells, which breaks off as it tells of the batch with this number."""

    def __init__(self, breaks_at: int | None = None) -> None:
        super().__init__()
        self.batches, self.breaks_at = 0, breaks_at

    def __call__(self, results: Sequence[Result]) -> None:
        self.extend(results)
        self.batches += 1
        if self.batches == self.breaks_at:
            raise BreaksOff

    def refs(self, *outcomes: Outcome) -> set[str | None]:
        return {each.source_ref for each in self if each.outcome in outcomes}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_whatever_is_stored_when_it_breaks_off_has_been_told(alone: World, file: Path, at: int) -> None:
    told = Told(at)
    with pytest.raises(BreaksOff):
        run(alone, file, tell=told)
    there = stored(alone, file)
    assert there
    assert told.refs(Outcome.CREATED) == there
    assert told.batches > at  # those under way at once were stored as well
    assert len(remembered(alone, file)) == told.batches
    assert [each.line for each in told] == sorted(each.line for each in told)


def test_the_next_run_of_the_same_file_goes_on_where_the_last_broke_off(alone: World, file: Path) -> None:
    with pytest.raises(BreaksOff):
        run(alone, file, tell=Told(2))
    there = stored(alone, file)
    told = Told()
    report = run(alone, file, tell=told)
    assert told.refs(Outcome.STORED_BEFORE) == there
    assert report.went_on_after == BATCH * (len(there) // BATCH + 1) + 1
    assert report.counts[Outcome.CREATED] == ROWS - 1 - len(there)
    # The report is whole: each row once, its id, its warning, and why it was refused.
    assert [each.line for each in told] == list(range(2, ROWS + 2))
    assert all(each.premises_id for each in told if each.outcome is not Outcome.REFUSED)
    assert [(each.line, each.reason) for each in told if each.outcome is Outcome.REFUSED] == [
        (5, "museum_id and museum_name: both are needed")
    ]
    assert [(each.line, each.warning) for each in told if each.warning] == [
        (7, "Latitude and longitude look exchanged: the other way round the point lies in the United Kingdom.")
    ]
    assert (len(stored(alone, file)), report.warned) == (ROWS - 1, 1)
    collected = alone.sql(
        "SELECT count(*) FROM audit.event_object o JOIN casework.premises p ON p.id = o.object_id"
        " WHERE o.operation = 'collection' AND p.source_ref = ANY ($1)",
        list(stored(alone, file)),
    )
    assert collected[0][0] == ROWS - 1
    # What has come to its end is not gone on with: it begins anew.
    again = run(alone, file)
    assert (again.counts[Outcome.UNCHANGED], again.counts[Outcome.STORED_BEFORE]) == (ROWS - 1, 0)
    assert not remembered(alone, file)


def test_it_begins_anew_when_told_to_and_when_the_file_is_another(alone: World, file: Path) -> None:
    with pytest.raises(BreaksOff):
        run(alone, file, tell=Told(1))
    rehearsed = run(alone, file, dry_run=True)
    assert rehearsed.counts[Outcome.STORED_BEFORE] == 0
    with file.open("ab") as more:
        more.write(b"\n\n")
    assert run(alone, file).counts[Outcome.STORED_BEFORE] == 0
    with pytest.raises(BreaksOff):
        run(alone, file, tell=Told(1))
    assert run(alone, file, restart=True).counts[Outcome.STORED_BEFORE] == 0


def test_the_database_is_the_judge_of_what_is_stored(alone: World, file: Path) -> None:
    with pytest.raises(BreaksOff):
        run(alone, file, tell=Told(1))
    gone = sorted(stored(alone, file))[0]
    alone.logged_sql("DELETE FROM casework.premises WHERE source_ref = $1", gone)
    report = run(alone, file)
    assert gone in stored(alone, file)
    assert report.counts[Outcome.CREATED] == ROWS - 1 - (report.counts[Outcome.STORED_BEFORE] + BATCH - 2)


def test_rows_that_lacked_a_team_are_tried_again(alone: World, tmp_path: Path, file: Path) -> None:
    """Two batches, of which the first has a row whose force has no team as yet."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1] = lines[1].replace("England/Derby (UA)", "Northern Ireland/Belfast (NI Loc Gov District)")
    file.write_text("".join(lines), encoding="utf-8")
    url = cluster.url("casework_migrate", alone.database)
    told = Told(1)
    with pytest.raises(BreaksOff):
        asyncio.run(import_premises(url, file, batch=BATCH, tell=told))
    assert told[0].reason == "The police force N99999999 has no intake team"
    report = run(alone, file)
    assert report.counts[Outcome.REFUSED] == 1
    assert len(stored(alone, file)) == ROWS - 1


def test_a_server_that_goes_away_leaves_nothing_untold(alone: World, file: Path) -> None:
    told = Told()

    def cut(_: int) -> None:
        alone.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'casework_migrate'"
            " AND datname = current_database()"
        )

    with pytest.raises(Exception) as raised:
        run(alone, file, tell=told, progress=cut)
    assert not isinstance(raised.value, AssertionError)
    there = stored(alone, file)
    assert told.refs(Outcome.CREATED) <= there <= told.refs(Outcome.CREATED, Outcome.IN_DOUBT)
    assert run(alone, file).counts[Outcome.REFUSED] == 1
    assert len(stored(alone, file)) == ROWS - 1


def test_a_commit_whose_answer_is_lost_is_told_as_in_doubt(
    alone: World, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are stored, the connection is gone before it says so."""
    from asyncpg.transaction import Transaction

    commit, calls = Transaction.commit, []

    async def lost(self: Transaction) -> None:
        await commit(self)
        calls.append(self)
        if len(calls) == 2:
            raise ConnectionResetError

    monkeypatch.setattr(Transaction, "commit", lost)
    told = Told()
    with pytest.raises(Exception, match="committed"):
        run(alone, file, tell=told)
    monkeypatch.undo()
    assert len(told.refs(Outcome.IN_DOUBT)) in (BATCH, BATCH - 1)
    assert stored(alone, file) == told.refs(Outcome.CREATED, Outcome.IN_DOUBT)
    assert run(alone, file).counts[Outcome.STORED_BEFORE] == len(told.refs(Outcome.CREATED, Outcome.IN_DOUBT))


def test_one_import_of_a_source_runs_at_a_time(alone: World, file: Path) -> None:
    def another(_: int) -> None:
        with pytest.raises(UnderWay):
            _in_thread(lambda: run(alone, file))

    assert run(alone, file, progress=another).counts[Outcome.CREATED] == ROWS - 1


def test_a_run_after_a_break_off_waits_until_the_session_that_broke_off_has_ended(alone: World, file: Path) -> None:
    async def held_for_a_moment() -> None:
        connection = await asyncpg.connect(cluster.url("casework_migrate", alone.database))
        assert await connection.fetchval(merging.UNDER_WAY, "mapping-museums")
        importing = asyncio.get_running_loop().run_in_executor(None, lambda: run(alone, file))
        await asyncio.sleep(0.5)
        await connection.close()
        assert (await importing).counts[Outcome.CREATED] == ROWS - 1

    asyncio.run(held_for_a_moment())


def test_a_file_is_not_resumed_when_another_was_stored_meanwhile(alone: World, file: Path, tmp_path: Path) -> None:
    """What its first batches stored may be of the other file by now."""
    sheet = file.read_text(encoding="utf-8")
    newer = tmp_path / "newer.csv"
    newer.write_text(sheet.replace("Museum ", "Gallery "), encoding="utf-8")
    run(alone, file)
    digest = hashlib.sha256(file.read_bytes()).digest()
    alone.sql("INSERT INTO work.import_batch VALUES ('mapping-museums', $1, 2, 31, now())", digest)  # as if broken off
    run(alone, newer)
    assert not remembered(alone, file)
    again = run(alone, file)
    assert (again.counts[Outcome.STORED_BEFORE], again.counts[Outcome.UPDATED]) == (0, ROWS - 1)


def _in_thread(work: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_a_file_that_is_changed_while_it_is_read_is_told(alone: World, file: Path) -> None:
    def change(_: int) -> None:
        with file.open("ab") as more:
            more.write(b"x\n")

    told = Told()
    with pytest.raises(
        ValueError, match=r"museums\.csv was changed while it was read\. Leave it alone, and run again\."
    ):
        run(alone, file, tell=told, progress=change)
    assert told.refs(Outcome.CREATED) == stored(alone, file)


def test_old_progress_is_forgotten(alone: World, file: Path) -> None:
    alone.sql(
        "INSERT INTO work.import_batch VALUES ('mapping-museums', '\\x00', 2, 3, now() - interval '31 days'),"
        " ('another source', '\\x01', 2, 3, now())"
    )
    run(alone, file)
    kept = {row["digest"] for row in alone.sql("SELECT digest FROM work.import_batch")}
    assert b"\x01" in kept
    assert b"\x00" not in kept
