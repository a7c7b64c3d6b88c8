"""Builders: forces, teams and people straight into the database (as an administrator would have made them)."""

import asyncio
import secrets
import string
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg

from casework import migrations
from casework.access.tokens import CLIENT, STAFF, hash_token, new_token
from casework.kernel.database import Addresses
from tests.support import canaries, cluster
from tests.support.callers import Caller
from tests.support.hand import hand


class Team:
    """A team of a force of its own, so that tests do not meet."""

    def __init__(self, world: "World", id_: str, force_code: str, postcode: str) -> None:
        self.world, self.id, self.force_code, self.postcode = world, id_, force_code, postcode
        self.mark = canaries.mark(id_)

    def person(self, *roles: str, competences: tuple[str, ...] = ("pal",), name: str | None = None) -> Caller:
        """A member of staff with these roles in this team, logged in."""
        return self.world.person(self, roles, competences, name)

    def tool(self, *scopes: str) -> Caller:
        """An API client of this team, with a running token."""
        return self.world.tool(self, scopes)


class World:
    """The database and server of one test worker."""

    def __init__(self, base_url: str, addresses: Addresses, database: str) -> None:
        self.base_url, self.addresses, self.database = base_url, addresses, database
        self._callers: list[Caller] = []

    def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run SQL as the superuser: to build what no endpoint builds, and to look at what is stored."""
        return self._run(cluster.superuser_url(self.database), statement, *values)

    def logged_sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run SQL that changes scoped tables, under an event of the system."""
        return self._run(cluster.url("casework_migrate", self.database), statement, *values, event=True)

    def run_as(self, role: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
        """Let a login role of the service do something by itself, past the service."""

        async def go() -> Any:
            connection = await asyncpg.connect(
                cluster.url(role, self.database), server_settings={"search_path": "pg_catalog"}
            )
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(go())

    def define_again(self) -> None:
        """Load every definition from its file once more, as `casework migrate` does."""
        asyncio.run(migrations.define(cluster.url("casework_migrate", self.database)))

    def _run(self, url: str, statement: str, *values: Any, event: bool = False) -> list[asyncpg.Record]:
        return hand().fetch(
            url, statement, *values, before="SELECT access.begin_system('person.manage', 'tests')" if event else None
        )

    def team(self, *, intake: bool = True, nation: str = "England", of: Team | None = None) -> Team:
        """A new team; of a new force with a postcode of its own unless ``of`` another team's force."""
        postcode = (
            of.postcode
            if of
            else f"DE{secrets.randbelow(9) + 1}{secrets.randbelow(10)} {secrets.randbelow(10)}"
            + "".join(secrets.choice("ABDEFGHJLNPQRSTUWXYZ") for _ in range(2))
        )
        code = of.force_code if of else "T" + "".join(secrets.choice(string.digits) for _ in range(12))
        if of is None:
            self.logged_sql(
                "INSERT INTO casework.police_force (code, name, nation) VALUES ($1, $2, $3)",
                code,
                f"Force {code}",
                nation,
            )
            self.logged_sql(
                "INSERT INTO casework.local_authority (code, name, nation, force_code) VALUES ($1, $2, $3, $1)",
                code,
                f"Authority {code}",
                nation,
            )
            self.logged_sql(
                "INSERT INTO casework.postcode (postcode, local_authority_code, force_code) VALUES ($1, $2, $2)"
                " ON CONFLICT (postcode) DO UPDATE SET local_authority_code = $2, force_code = $2",
                postcode,
                code,
            )
        row = self.logged_sql(
            "INSERT INTO casework.team (name, force_code, intake, phone, mailbox, hours) VALUES ($1, $2, $3, '+441632960001', $4,"
            " 'Monday to Friday, 8 to 4') RETURNING id",
            f"CTSA team {code}",
            code,
            intake and of is None,
            f"ctsa@{code.lower()}.example",
        )
        return Team(self, str(row[0]["id"]), code, postcode)

    def person(
        self, team: Team, roles: tuple[str, ...], competences: tuple[str, ...] = ("pal",), name: str | None = None
    ) -> Caller:
        """A person with roles in a team, logged in."""
        name = name or f"Person {secrets.token_hex(4)}"
        row = self.logged_sql(
            "INSERT INTO casework.person (name, email, team_id, competences) VALUES ($1, $2, $3, $4) RETURNING id",
            name,
            f"{secrets.token_hex(8)}@police.example",
            team.id,
            list(competences),
        )
        person_id = str(row[0]["id"])
        for role in roles:
            self.give_role(person_id, role, team)
        return self._of(team, self.log_in(person_id, name))

    def give_role(self, person_id: str, role: str, team: Team) -> None:
        """A further role in a team."""
        self.logged_sql(
            "INSERT INTO access.membership (principal_id, role, team_id) VALUES ($1, $2, $3)", person_id, role, team.id
        )

    def log_in(self, person_id: str, name: str = "") -> Caller:
        """A session of a person."""
        token = self._session(STAFF, "staff", person_id, None)
        return self._caller(token, person_id, name)

    def tool(self, team: Team, scopes: tuple[str, ...]) -> Caller:
        """An API client with a running token."""
        row = self.logged_sql(
            "INSERT INTO casework.api_client (name, team_id, scopes) VALUES ($1, $2, $3) RETURNING id",
            f"Tool {secrets.token_hex(4)}",
            team.id,
            list(scopes),
        )
        client_id = str(row[0]["id"])
        return self._of(team, self._caller(self._session(CLIENT, "client", client_id, list(scopes)), client_id, ""))

    def _of(self, team: Team, caller: Caller) -> Caller:
        caller.teams, caller.mark = {team.id}, team.mark
        return caller

    def anybody(self, token: str | None = None) -> Caller:
        """Somebody without an account; with a token, an enquirer."""
        return self._caller(token, None, "")

    def _session(self, prefix: str, kind: str, principal: str, scopes: list[str] | None) -> str:
        token = new_token(prefix)
        self._run(
            self.addresses.door,
            "SELECT access.open_session($1, $2, $3, $4, NULL, 60, $5, NULL)",
            hash_token(token),
            kind,
            principal,
            scopes,
            timedelta(hours=1),
        )
        return token

    def _caller(self, token: str | None, person_id: str | None, name: str) -> Caller:
        caller = Caller(self.base_url, token, person_id=person_id, name=name)
        caller.tied = canaries.ties(self.sql)
        self._callers.append(caller)
        return caller

    def close(self) -> None:
        for caller in self._callers:
            caller.close()
