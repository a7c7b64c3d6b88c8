"""Coordinates outside the country are warned of, and exchanged ones named."""

from decimal import Decimal

import pytest

from casework.premises.coordinates import coordinate_warnings


def told(latitude: str | None, longitude: str | None) -> list[tuple[str, str]]:
    point = (Decimal(each) if each is not None else None for each in (latitude, longitude))
    return [(field, code) for field, code, _ in coordinate_warnings(*point)]


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("53.1", "-1.5"),
        ("60.85", "-0.88"),  # Unst
        ("49.9", "-6.3"),  # Scilly
        ("52.48", "1.763"),  # Ness Point
        ("57.6", "-8.6"),  # St Kilda
        ("54.6", "-5.93"),  # Belfast
        ("49", "-9"),
        ("61", "2.1"),
        (None, None),
        ("53.1", None),
        (None, "-1.5"),
    ],
)
def test_what_lies_in_the_country_is_not_spoken_of(latitude: str | None, longitude: str | None) -> None:
    assert told(latitude, longitude) == []


@pytest.mark.parametrize(
    ("latitude", "longitude", "fields"),
    [
        ("0", "0", ["latitude"]),
        ("53.1", "-15", ["longitude"]),
        ("53.1", "2.100001", ["longitude"]),
        ("48.999999", "-1.5", ["latitude"]),
        ("40.7", "-74", ["latitude", "longitude"]),
        ("-53.1", "1.5", ["latitude"]),
        ("53.1", "51.5", ["longitude"]),
        ("-1.5", None, ["latitude"]),
        (None, "53.1", ["longitude"]),
    ],
)
def test_what_lies_elsewhere_is_told_by_the_field_that_says_so(
    latitude: str | None, longitude: str | None, fields: list[str]
) -> None:
    assert told(latitude, longitude) == [(field, "outside-united-kingdom") for field in fields]


@pytest.mark.parametrize(("latitude", "longitude"), [("-1.5", "53.1"), ("0", "51.5"), ("-5.93", "54.6"), ("2.1", "49")])
def test_exchanged_ones_are_named(latitude: str, longitude: str) -> None:
    assert told(latitude, longitude) == [("latitude", "coordinates-exchanged"), ("longitude", "coordinates-exchanged")]
    assert "look exchanged" in coordinate_warnings(Decimal(latitude), Decimal(longitude))[0][2]
