"""Local authorities and forces: by name, by code, by postcode; measured on the real data."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from casework.kernel.columns import read_postcode
from casework.kernel.sheets import Sheet
from casework.reference.localities import DATA, POSTCODES, Localities, PostcodePlace, read_postcodes

MUSEUMS = DATA / "museums_uk.csv"
SAMPLE = DATA / "nspl_nov2021_sample.csv"
METROPOLITAN, CITY_OF_LONDON, POLICE_SCOTLAND, PSNI = "E23000001", "E23000034", "S23000009", "N99999999"


def read(path: Path) -> list[PostcodePlace]:
    with Sheet(path, POSTCODES) as sheet:
        return [place for _, place in read_postcodes(sheet)]


@pytest.fixture(scope="module")
def localities() -> Localities:
    return Localities()


@pytest.fixture(scope="module")
def museums() -> list[dict[str, str]]:
    with MUSEUMS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def postcodes() -> list[PostcodePlace]:
    return read(SAMPLE)


def test_every_museum_is_found_an_authority_and_a_force(localities: Localities, museums: list[dict[str, str]]) -> None:
    lost = Counter(row["admin_area_full"] for row in museums if not localities.authority_for(row["admin_area_full"]))
    print(f"{len(museums) - lost.total()} of {len(museums)} museums resolve; not: {dict(lost)}")
    assert len(museums) == 4141
    assert not lost
    codes = {localities.authority_for(row["admin_area_full"]) or "" for row in museums}
    assert all(localities.force_for_authority(code) for code in codes)


def test_the_force_by_postcode_and_the_force_by_authority_agree(
    localities: Localities, museums: list[dict[str, str]], postcodes: list[PostcodePlace]
) -> None:
    areas = {place.postcode: place.police_force_area_code for place in postcodes}
    compared = 0
    for row in museums:
        if area := areas.get(read_postcode(row["postcode"])):
            authority = localities.authority_for(row["admin_area_full"])
            assert localities.force_for_authority(authority or "") == localities.force_for_police_force_area(area)
            compared += 1
    assert compared == 10
    for place in postcodes:
        by_authority = localities.force_for_authority(place.authority_code or "")
        if by_authority:
            assert by_authority == localities.force_for_police_force_area(place.police_force_area_code)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("Northern Ireland/Belfast (NI Loc Gov District)", "N09000003"),
        ("England/East of England (English Region)/King_s Lynn and West Norfolk (English UA)", "E07000146"),
        ("King’s Lynn and West Norfolk", "E07000146"),
        ("KING'S LYNN AND WEST NORFOLK", "E07000146"),
        ("Stoke on Trent", "E06000021"),
        ("STOKE-ON-TRENT", "E06000021"),
        ("Bournemouth, Christchurch and Poole", "E06000058"),
        ("Poole (English UA)", "E06000058"),
        ("Harrogate", "E06000065"),
        ("Na h-Eileanan Siar (Scottish Council Area)", "S12000013"),
        ("Newry, Mourne and Down", "N09000010"),
        ("City of London", "E09000001"),
    ],
)
def test_an_authority_is_found_by_any_of_its_names(localities: Localities, path: str, code: str) -> None:
    assert localities.authority_for(path) == code


@pytest.mark.parametrize("path", ["", "/", "England", "Atlantis", "Isle of Man", "Jersey (Crown dependency)"])
def test_what_is_no_authority_of_ours_is_none(localities: Localities, path: str) -> None:
    assert localities.authority_for(path) is None


def test_there_are_the_forty_five_territorial_forces(localities: Localities) -> None:
    assert len(localities.authorities) == 361
    assert len(localities.forces) == len({force.code for force in localities.forces}) == 45


def test_the_city_of_london_has_a_force_of_its_own(localities: Localities) -> None:
    assert localities.force_for_authority("E09000001") == CITY_OF_LONDON
    assert localities.force_for_authority("E09000033") == METROPOLITAN


@pytest.mark.parametrize(
    ("area", "force"),
    [
        (METROPOLITAN, METROPOLITAN),
        (CITY_OF_LONDON, CITY_OF_LONDON),
        ("W15000004", "W15000004"),
        (POLICE_SCOTLAND, POLICE_SCOTLAND),
        ("S99999999", POLICE_SCOTLAND),
        (PSNI, PSNI),
        ("N24000001", PSNI),
        ("L99999999", None),
        ("M99999999", None),
        ("E99999999", None),
        ("W99999999", None),
        ("99999999", None),
        ("", None),
        (None, None),
    ],
)
def test_the_force_by_the_area_that_the_look_up_names(
    localities: Localities, area: str | None, force: str | None
) -> None:
    assert localities.force_for_police_force_area(area) == force


def test_the_area_of_the_postcode_goes_before_the_authority(localities: Localities) -> None:
    assert localities.force_for(CITY_OF_LONDON, "E09000033") == CITY_OF_LONDON
    assert localities.force_for(None, "E09000033") == METROPOLITAN
    assert localities.force_for("E23000009", "E07000165") == "E23000009"  # Harrogate, an authority no more
    assert localities.force_for(None, "E07000165") == "E23000009"
    assert localities.force_for(None, "E07999999") is None
    assert localities.force_for(None, None) is None


def test_the_sample_of_the_postcode_look_up(localities: Localities, postcodes: list[PostcodePlace]) -> None:
    assert len(postcodes) == 1984
    assert sum(place.terminated is not None for place in postcodes) == 98
    places = {place.postcode: place for place in postcodes}
    assert places["HX7 9AG"] == PostcodePlace("HX7 9AG", None, None, date(2009, 11, 1))
    without = Counter(
        place.police_force_area_code
        for place in postcodes
        if not localities.force_for(place.police_force_area_code, place.authority_code)
    )
    assert without == {"L99999999": 140, "M99999999": 92, None: 1}


def test_a_malformed_postcode_stops_the_reading_and_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text("\ufeffpcds,doterm,laua,pfa\nSW1A 1AA,,E09000033,E23000001\nSW1A,,,\n", encoding="utf-8")
    with Sheet(file, POSTCODES) as sheet:
        reading = read_postcodes(sheet)
        assert next(reading) == (2, PostcodePlace("SW1A 1AA", "E09000033", METROPOLITAN, None))
        with pytest.raises(ValueError, match="line 3"):
            next(reading)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    file.write_text("pcds,lad25cd\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the columns doterm, pfa"):
        read(file)


@pytest.mark.parametrize(
    "heading",
    [
        "pcd7,pcd8,pcds,dointr,doterm,lad25cd,ctry25cd,rgn25cd,pfa23cd,lat,long",
        "PCD7,PCD8,PCDS,DOINTR,DOTERM,LAD26CD,CTRY26CD,RGN26CD,PFA25CD,LAT,LONG",
        "pcd,pcd2,pcds,dointr,doterm,oslaua,ctry,rgn,pfa,lat,long",
        "pcd,pcd2,pcds,dointr,doterm,laua,ctry,rgn,pfa,lat,long",
    ],
)
def test_the_columns_of_any_edition_are_known_by_their_stem(tmp_path: Path, heading: str) -> None:
    file = tmp_path / "nspl.csv"
    row = "S702TD,S70 2TD,S70 2TD,198001,,E08000038,E92000001,E12000003,E23000011,53.55,-1.48"
    file.write_text(f"{heading}\n{row}\n", encoding="utf-8")
    assert read(file) == [PostcodePlace("S70 2TD", "E08000038", "E23000011", None)]


def test_of_several_editions_in_one_file_the_newest_column_is_read(tmp_path: Path) -> None:
    file = tmp_path / "nspl.csv"
    head = "pcds,doterm,lad25cd,lad26cd,laua,lad09cd,pfa,pfa23cd"
    file.write_text(f"{head}\nS70 2TD,,E1,E08000038,E2,E3,E4,E23000011\n", encoding="utf-8")
    assert read(file) == [PostcodePlace("S70 2TD", "E08000038", "E23000011", None)]


@pytest.mark.parametrize(
    ("aliases", "fault"),
    [("Harrogate,E99999998\n", "no local authority"), ("A,E06000065\na,E06000066\n", "two local authorities")],
)
def test_a_wrong_alias_is_told(tmp_path: Path, aliases: str, fault: str) -> None:
    file = tmp_path / "aliases.csv"
    file.write_text("name,local_authority_code\n" + aliases, encoding="utf-8")
    with pytest.raises(ValueError, match=fault):
        Localities(aliases=file)
