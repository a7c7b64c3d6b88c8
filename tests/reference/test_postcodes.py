"""Postcodes come from a file of the ONS, and a newer file corrects an older one."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from casework.reference.importing import Loaded, load_postcodes
from tests.support import cluster
from tests.support.world import World

HEADER = "pcds,doterm,laua,pfa\n"


def load(world: World, *path: Path) -> Loaded:
    async def go() -> Loaded:
        connection = await asyncpg.connect(cluster.url("casework_migrate", world.database))
        try:
            return await load_postcodes(connection, *path)
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
