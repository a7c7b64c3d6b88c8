"""Postcodes come from a file of the ONS, and a newer file corrects an older one."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from casework.kernel.decoding import FileFault
from casework.reference.importing import Loaded, load_postcodes
from tests.support import cluster
from tests.support.world import World

HEADER = "pcds,doterm,laua,pfa\n"


def load(world: World, *path: Path, dry_run: bool = False) -> Loaded:
    async def go() -> Loaded:
        connection = await asyncpg.connect(cluster.url("casework_migrate", world.database))
        try:
            return await load_postcodes(connection, *path, dry_run=dry_run)
        finally:
            await connection.close()

    return asyncio.run(go())


def stored(world: World, postcode: str) -> tuple[object, ...]:
    (row,) = world.sql(
        "SELECT local_authority_code, force_code, terminated FROM casework.postcode WHERE postcode = $1", postcode
    )
    return tuple(row)


def test_the_packaged_sample_is_loaded_once(world: World) -> None:
    assert load(world).changed > 0
    again = load(world)
    assert (again.changed, again.left_out) == (
        0,
        233,
    )  # Guernsey, Jersey, the Isle of Man, and one of which nothing is told
    assert stored(world, "DG1 1LG") == ("S12000006", "S23000009", False)
    assert not world.sql("SELECT FROM casework.postcode WHERE force_code IS NULL")
    # By its code of today: the sample knows Harrogate, which is North Yorkshire now.
    by_code = dict(world.sql("SELECT local_authority_code, count(*) FROM casework.postcode GROUP BY 1"))
    assert by_code["E06000065"] > 0
    assert "E07000165" not in by_code


def test_a_newer_file_corrects_what_it_names(world: World, tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text(HEADER + "ZE1 0AA,,S12000027,S23000009\nZE1 0AB,,S12000027,S23000009\n", encoding="utf-8")
    load(world, file)
    file.write_text(HEADER + "ZE1 0AA,202401,S12000027,S23000009\nZE1 0AB,,S12000027,S23000009\n", encoding="utf-8")
    assert load(world, file).changed == 1
    assert stored(world, "ZE1 0AA") == ("S12000027", "S23000009", True)


def test_a_rehearsal_tells_the_same_and_stores_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text(HEADER + "ZE1 0AX,,S12000027,S23000009\n", encoding="utf-8")
    assert load(world, file, dry_run=True).changed == 1
    assert not world.sql("SELECT FROM casework.postcode WHERE postcode = 'ZE1 0AX'")
    assert load(world, file).changed == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("ZE1 0AY,,E07000035,E23000005", "pfa: This is the area of another police force than that of the local authority"),
        ("ZE1 0AY,,E06000015,E23000005", "pfa: This is the area of another police force than that of the local authority"),
        ("ZE1 0AY,,E07000035,E23999999", "pfa: None of the police forces here has this area; see /v1/reference/forces"),
        ("ZE1 0AY,,,E23999999", "pfa: None of the police forces here has this area; see /v1/reference/forces"),
    ],
)  # fmt: skip
def test_a_row_that_contradicts_itself_stops_all_of_them(world: World, tmp_path: Path, row: str, why: str) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text(HEADER + f"ZE1 0AZ,,S12000027,S23000009\n{row}\n", encoding="utf-8")
    with pytest.raises(FileFault, match=f"line 3: {re.escape(why)}"):
        load(world, file)
    assert not world.sql("SELECT FROM casework.postcode WHERE postcode IN ('ZE1 0AZ', 'ZE1 0AY')")


def test_a_postcode_without_a_police_force_area_gets_that_of_its_authority(world: World, tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text(HEADER + "ZE1 0AE,,E09000001,\n", encoding="utf-8")
    load(world, file)
    assert stored(world, "ZE1 0AE") == ("E09000001", "E23000034", False)


def test_a_faulty_file_changes_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text(HEADER + "ZE1 0AD,,E09000001,\nZE1,,,\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3"):
        load(world, file)
    assert not world.sql("SELECT FROM casework.postcode WHERE postcode = 'ZE1 0AD'")
