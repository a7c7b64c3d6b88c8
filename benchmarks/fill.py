"""Fills a database with real-shaped cases by COPY, as a superuser with the triggers off."""

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

from casework.access.tokens import STAFF, hash_token, new_token
from casework.kernel.references import new_reference
from casework.work.unit import uuid7

FORCES = 45
ADVISERS = 5


@dataclass(frozen=True)
class Filled:
    """What the load is driven with."""

    token: str
    team: UUID
    cases: list[UUID]


async def fill(url: str, cases: int) -> Filled:
    """Make forces, teams, advisers and ``cases`` cases; the largest team gets a tenth of them."""
    random.seed(7)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        return await _fill(connection, cases)
    finally:
        await connection.close()


async def _copy(
    connection: asyncpg.Connection, schema: str, table: str, columns: str, rows: list[tuple[object, ...]]
) -> None:
    await connection.copy_records_to_table(table, schema_name=schema, columns=columns.split(), records=rows)


async def _fill(connection: asyncpg.Connection, cases: int) -> Filled:
    now = datetime.now(UTC)
    teams = [uuid7() for _ in range(FORCES)]
    await _copy(
        connection,
        "casework",
        "police_force",
        "code name nation",
        [(f"B{n:03}", f"Force {n}", "England") for n in range(FORCES)],
    )
    await _copy(
        connection,
        "casework",
        "team",
        "id name force_code intake",
        [(team, f"Team {n}", f"B{n:03}", True) for n, team in enumerate(teams)],
    )
    people = [(uuid7(), team) for team in teams for _ in range(ADVISERS)]
    await _copy(
        connection,
        "casework",
        "person",
        "id name email team_id",
        [(person, f"Adviser {n}", f"adviser{n}@bench.example", team) for n, (person, team) in enumerate(people)],
    )
    await _copy(
        connection,
        "access",
        "principal",
        "id kind name",
        [(person, "staff", f"Adviser {n}") for n, (person, _) in enumerate(people)],
    )
    await _copy(
        connection,
        "access",
        "membership",
        "principal_id role team_id",
        [(person, "adviser", team) for person, team in people],
    )
    # Forces are unequal: the largest has about a tenth of all premises.
    shares = [1 / (rank + 4) for rank in range(FORCES)]
    owners = random.choices(range(FORCES), shares, k=cases)
    references: set[str] = set()
    premises, files, grants, homes, headlines, ours = [], [], [], [], [], []
    for number, owner in enumerate(owners):
        place, case, team = uuid7(), uuid7(), teams[owner]
        adviser = people[owner * ADVISERS + random.randrange(ADVISERS)][0]
        opened = now - timedelta(minutes=random.randrange(5_000_000))
        restricted = random.random() < 0.03
        while (reference := new_reference("CASE")) in references:
            pass
        references.add(reference)
        state = "closed" if random.random() < 0.8 else "active"
        premises.append((place, team, f"Hall {number}", "DE1 1AA"))
        files.append(
            (
                case,
                team,
                restricted,
                reference,
                state,
                "enquiry",
                "pal",
                f"Advice for hall {number}",
                place,
                adviser,
                opened,
                opened if state == "closed" else None,
                date(2026, 12, 1),
            )
        )
        homes.append((case, team, restricted))
        headlines.append((case, team, reference, state, adviser, place, restricted, opened))
        if state == "active":
            grants.append((case, adviser, "allocated", team))
        if owner == 0 and not restricted:
            ours.append(case)
    await _copy(connection, "casework", "premises", "id team_id name postcode", premises)
    await _copy(
        connection,
        "casework",
        "case_file",
        "id team_id restricted reference state kind strand title premises_id adviser_id opened_at closed_at due_on",
        files,
    )
    await _copy(connection, "access", "case_home", "case_id team_id restricted", homes)
    await _copy(
        connection,
        "casework",
        "case_headline",
        "id team_id reference state adviser_id premises_id restricted opened_at",
        headlines,
    )
    await _copy(connection, "access", "case_grant", "case_id principal_id kind team_id", grants)
    token = new_token(STAFF)
    await connection.execute(
        "INSERT INTO access.session (token_hash, kind, principal_id, idle_minutes, idle_until, expires_at)"
        " VALUES ($1, 'staff', $2, 600, now() + interval '10 hours', now() + interval '10 hours')",
        hash_token(token),
        people[0][0],
    )
    await connection.execute("VACUUM ANALYZE")
    return Filled(token, teams[0], random.sample(ours, min(len(ours), 2000)))


def filled(url: str, cases: int) -> Filled:
    """``fill``, from where there is no loop."""
    return asyncio.run(fill(url, cases))
