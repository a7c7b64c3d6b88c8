"""Codes of local authorities change: those of today, former ones and newer lists all lead to the authority of today."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from casework.reference.importing import Renewed, load_authorities, load_postcodes
from casework.reference.localities import Localities
from tests.enquiries.building import asking
from tests.support import cluster
from tests.support.callers import Caller, ok, refused
from tests.support.world import World

FORMER = {
    "E08000016": "E08000038",  # Barnsley, April 2025
    "E08000019": "E08000039",  # Sheffield, April 2025
    "E07000163": "E06000065",
    "E07000004": "E06000060",
    "E08000020": "E08000037",
    "E06000048": "E06000057",
    "S12000015": "S12000047",
    "S12000044": "S12000050",
    "S12000046": "S12000049",
}


def renew(world: World, path: Path, *, dry_run: bool = False) -> Renewed:
    """Bring a list in, as the command does."""

    async def go() -> Renewed:
        connection = await asyncpg.connect(cluster.url("casework_migrate", world.database))
        try:
            return await load_authorities(connection, path, dry_run=dry_run)
        finally:
            await connection.close()

    return asyncio.run(go())


def counted(renewed: Renewed) -> tuple[int, int, int]:
    return renewed.new, renewed.changed, len(renewed.former)


def listed(path: Path, *rows: str, heading: str = "LAD26CD,LAD26NM,PFA25CD,PFA25NM,replaces") -> Path:
    path.write_text("\n".join([heading, *rows, ""]), encoding="utf-8")
    return path


@pytest.fixture
def adviser(world: World) -> Caller:
    return world.team().person("adviser")


def a_code() -> str:
    """A code of the ONS's shape that no other test has."""
    return f"E5{secrets.randbelow(10**7):07d}"


def place(adviser: Caller, code: str) -> dict[str, Any]:
    team = next(iter(adviser.teams))
    body = {"team_id": team, "name": f"Hall {secrets.token_hex(4)}", "local_authority_code": code}
    made: dict[str, Any] = ok(adviser.post("/v1/premises", body), 201)
    return made


@pytest.mark.parametrize("written", [str.upper, str.lower, lambda code: f"\u200e {code[:4]}\u00a0{code[4:]} "])
@pytest.mark.parametrize("code", [*FORMER, "E08000038", "E08000039"])
def test_a_code_of_today_or_a_former_one_leads_to_the_authority_of_today(
    adviser: Caller, code: str, written: Any
) -> None:
    today = FORMER.get(code, code)
    made = place(adviser, written(code))
    assert (made["local_authority_code"], made["force_code"]) == (today, Localities().force_for_authority(today))


def test_every_former_code_that_is_packaged_leads_to_one_of_today(world: World) -> None:
    kept = {row["code"]: row for row in world.sql("SELECT * FROM casework.local_authority")}
    for former in Localities().former:
        today = kept[kept[former.code]["replaced_by"]]
        assert today["replaced_by"] is None
        assert kept[former.code]["force_code"] == today["force_code"]
    assert kept.keys() >= FORMER.keys()


def test_amending_and_finding_know_former_codes_too(adviser: Caller) -> None:
    made = place(adviser, "E06000065")
    changed = ok(adviser.patch(f"/v1/premises/{made['id']}", {"local_authority_code": "e08000016"}, match=1))
    assert (changed["local_authority_code"], changed["force_code"]) == ("E08000038", "E23000011")
    for code in ("E08000038", "E08000016", "e08000016"):
        found = ok(adviser.get("/v1/premises", local_authority_code=code))["items"]
        assert [each["id"] for each in found] == [made["id"]], code
    assert ok(adviser.get("/v1/premises", local_authority_code="E07000165"))["items"] == []


def test_what_is_repeated_by_a_former_code_is_the_same(adviser: Caller) -> None:
    team = next(iter(adviser.teams))
    body = {"id": None, "team_id": team, "name": "Repeat", "local_authority_code": "E07000163"}
    body["id"] = "0199aaaa-bbbb-7ccc-8ddd-" + secrets.token_hex(6)
    first = ok(adviser.post("/v1/premises", body), 201)
    assert ok(adviser.post("/v1/premises", body), 201)["id"] == first["id"]


def test_an_enquiry_by_a_former_code_reaches_the_force_of_today(world: World, tmp_path: Path) -> None:
    team = world.team()
    former, today = a_code(), a_code()
    world.logged_sql("UPDATE casework.local_authority SET code = $2 WHERE code = $1", team.force_code, former)
    # The list names a force of the tests by its code; its authority is replaced.
    renew(world, listed(tmp_path / "lad.csv", f"{today},New {today},{team.force_code},,{former}"))
    for stated in (former, today, former.lower()):
        asked = asking(team, postcode=None, local_authority_code=stated)
        received = ok(world.anybody().post("/v1/enquiries", asked), 201)
        assert received["force"]["code"] == team.force_code
        seen = ok(team.person("coordinator").get(f"/v1/enquiries/{received['id']}"))
        assert seen["local_authority_code"] == today


def test_only_authorities_of_today_are_listed(world: World) -> None:
    items = ok(world.anybody().get("/v1/reference/local_authorities"))["items"]
    codes = {row["code"] for row in items}
    assert "E08000038" in codes
    assert not codes & FORMER.keys()
    kinds = {row["kind"]: row["entries"] for row in ok(world.anybody().get("/v1/reference"))["items"]}
    assert kinds["local_authorities"] == len(items)
    assert ok(world.anybody().get("/v1/reference/local_authorities", force_code="e23000011"))["items"]


@pytest.mark.parametrize("code", ["E07999999", "E99"])
def test_a_code_that_nobody_has_is_told(adviser: Caller, code: str) -> None:
    team = next(iter(adviser.teams))
    answer = adviser.post("/v1/premises", {"team_id": team, "name": "Hall", "local_authority_code": code})
    assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/local_authority_code"


# --- newer lists ---


def test_a_newer_list_is_brought_in_and_logged_and_may_be_repeated(
    world: World, adviser: Caller, tmp_path: Path
) -> None:
    first, second, third = a_code(), a_code(), a_code()
    file = listed(tmp_path / "lad.csv", f"{first},Old Town,E23000018,Derbyshire,", f"{second},Old Vale,E23000018,,")
    assert counted(renew(world, file)) == (2, 0, 0)
    assert counted(renew(world, file)) == (0, 0, 0)
    held = place(adviser, first)
    file = listed(tmp_path / "lad.csv", f"{third},Newshire,E23000018,Derbyshire,{first} {second}")
    assert counted(renew(world, file)) == (1, 0, 2)
    assert counted(renew(world, file)) == (0, 0, 0)
    assert place(adviser, first)["local_authority_code"] == third
    # What was stored by the former code is found by any of them.
    for code in (first, second, third):
        ids = {each["id"] for each in ok(adviser.get("/v1/premises", local_authority_code=code))["items"]}
        assert held["id"] in ids
    (event,) = world.sql(
        "SELECT e.principal_kind, e.action, e.client FROM audit.event e JOIN audit.event_object o ON o.event_id = e.id"
        " WHERE e.client = 'casework import local-authorities' AND o.kind = 'local_authority'"
        " AND o.operation = 'collection' AND o.facts = '{\"rows\": \"1\"}' ORDER BY e.id DESC LIMIT 1"
    )
    assert tuple(event) == ("system", "reference.manage", "casework import local-authorities")


def test_what_was_replaced_before_follows(world: World, adviser: Caller, tmp_path: Path) -> None:
    first, second, third = a_code(), a_code(), a_code()
    renew(world, listed(tmp_path / "lad.csv", f"{first},Following,E23000018,,"))
    renew(world, listed(tmp_path / "lad.csv", f"{second},Following,E23000018,,{first}"))
    renew(world, listed(tmp_path / "lad.csv", f"{third},Following,E23000030,,{second}"))
    made = place(adviser, first)
    assert (made["local_authority_code"], made["force_code"]) == (third, "E23000030")


def test_migrating_again_leaves_a_newer_list_alone(world: World, tmp_path: Path) -> None:
    from casework.reference import loading

    code, replacing = a_code(), a_code()
    renew(world, listed(tmp_path / "lad.csv", f"{code},Later,E23000018,,"))
    renew(world, listed(tmp_path / "lad.csv", f"{replacing},Later,E23000018,,{code}"))
    before = world.sql("SELECT * FROM casework.local_authority ORDER BY code")
    asyncio.run(loading.load(cluster.url("casework_migrate", world.database)))
    assert world.sql("SELECT * FROM casework.local_authority ORDER BY code") == before


def test_migrating_makes_a_former_code_of_one_that_was_of_today(world: World) -> None:
    """As in a database that was filled before April 2025's codes were packaged."""
    from casework.reference import loading

    world.logged_sql("UPDATE casework.local_authority SET replaced_by = NULL WHERE code = 'E08000016'")
    world.logged_sql("DELETE FROM casework.local_authority WHERE code = 'E08000038'")
    asyncio.run(loading.load(cluster.url("casework_migrate", world.database)))
    rows = world.sql("SELECT code, replaced_by FROM casework.local_authority WHERE name = 'Barnsley' ORDER BY code")
    assert [tuple(row) for row in rows] == [("E08000016", "E08000038"), ("E08000038", None)]


def test_the_list_of_the_ons_as_it_is_can_be_brought_in(world: World, tmp_path: Path) -> None:
    heading = "LAD23CD,LAD23NM,CSP23CD,CSP23NM,PFA23CD,PFA23NM,ObjectId"
    code = a_code()
    row = f"{code},Amber Valley Two,E22000060,Amber Valley,E23000018,Derbyshire,1"
    assert counted(renew(world, listed(tmp_path / "lad.csv", row, heading=heading))) == (1, 0, 0)


def test_postcodes_of_an_authority_that_a_newer_list_brings_are_taken_after_it(world: World, tmp_path: Path) -> None:
    code = a_code()
    nspl = tmp_path / "nspl.csv"
    nspl.write_text(f"pcds,doterm,lad27cd,pfa27cd\nZE1 0XX,,{code},\n", encoding="utf-8")

    async def go() -> int:
        connection = await asyncpg.connect(cluster.url("casework_migrate", world.database))
        try:
            return (await load_postcodes(connection, nspl)).changed
        finally:
            await connection.close()

    with pytest.raises(ValueError, match="casework import local-authorities"):
        asyncio.run(go())
    renew(world, listed(tmp_path / "lad.csv", f"{code},Latest,E23000018,,"))
    assert asyncio.run(go()) == 1


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["E5,Short,E23000018,,"], "line 2: lad25cd: Give a code of the Office for National Statistics, such as E07000035"),
        (["E99999999,Pseudo,E23000018,,"], "line 2: lad25cd: Give a code of the Office for National Statistics, such as E07000035"),
        (["E51000001,,E23000018,,"], "line 2: lad25nm: Write something that can be seen"),
        (["E51000001,Name,E23999999,,"], "line 2: pfa25cd: None of the police forces here has this area; see /v1/reference/forces"),
        (["E51000001,Name,,,"], "line 2: pfa25cd: None of the police forces here has this area; see /v1/reference/forces"),
        (["E51000001,Name,E23000018,,\"E51000002,E51000003\""], "line 2: replaces: Give a code of the Office for National Statistics, such as E07000035"),
        (["E51000001,Name,E23000018,,x"], "line 2: replaces: Give a code of the Office for National Statistics, such as E07000035"),
        (["E51000001,One,E23000018,,", "E51000001,Two,E23000018,,"], "line 3: lad25cd: E51000001 stands before, with other facts"),
        (["E51000001,One,E23000018,,E51000001"], "line 2: lad25cd: E51000001 stands for itself and under `replaces` as well"),
        (
            ["E51000001,One,E23000018,,E51000003", "E51000002,Two,E23000018,,E51000003"],
            "line 3: replaces: E51000003 is replaced by E51000001 already. Name one that goes on.",
        ),
        (
            ["E51000001,One,E23000018,,", "E08000016,Barnsley,E23000011,,"],
            "line 3: lad25cd: E08000016 was replaced by E08000038: this list is older than what is known",
        ),
    ],
)  # fmt: skip
def test_a_list_that_contradicts_itself_or_what_is_known_changes_nothing(
    world: World, tmp_path: Path, rows: list[str], told: str
) -> None:
    before = world.sql("SELECT * FROM casework.local_authority ORDER BY code")
    with pytest.raises(ValueError) as raised:
        renew(world, listed(tmp_path / "lad.csv", *rows))
    assert str(raised.value) == f"lad.csv, {told}"
    assert world.sql("SELECT * FROM casework.local_authority ORDER BY code") == before


def test_a_rehearsal_names_what_would_end_and_stores_nothing(world: World, adviser: Caller, tmp_path: Path) -> None:
    old, new = a_code(), a_code()
    renew(world, listed(tmp_path / "old.csv", f"{old},Old {old},E23000018,,"))
    newer = listed(tmp_path / "new.csv", f"{new},New {new},E23000018,,{old}")
    assert renew(world, newer, dry_run=True).former == [f"{old} (Old {old})"]
    assert place(adviser, old)["local_authority_code"] == old
    assert renew(world, newer).former == [f"{old} (Old {old})"]
    assert place(adviser, old)["local_authority_code"] == new
