"""Whether coordinates can be those of a place in the United Kingdom. Told as warnings: what is written down is the adviser's."""

from decimal import Decimal

SOUTH, NORTH = Decimal(49), Decimal(61)
WEST, EAST = Decimal(-9), Decimal("2.1")

Warned = tuple[str, str, str]
"""The field, the code and the message of a warning."""


def coordinate_warnings(latitude: Decimal | None, longitude: Decimal | None) -> list[Warned]:
    """What looks wrong about a point: that it lies outside the country, or would lie inside if its two numbers were exchanged."""
    lies_north = latitude is None or SOUTH <= latitude <= NORTH
    lies_west = longitude is None or WEST <= longitude <= EAST
    if lies_north and lies_west:
        return []
    if latitude is not None and longitude is not None and SOUTH <= longitude <= NORTH and WEST <= latitude <= EAST:
        message = "Latitude and longitude look exchanged: the other way round the point lies in the United Kingdom."
        return [("latitude", "coordinates-exchanged", message), ("longitude", "coordinates-exchanged", message)]
    found: list[Warned] = []
    if not lies_north:
        message = "This latitude lies outside the United Kingdom, whose latitudes are 49 to 61."
        found.append(("latitude", "outside-united-kingdom", message))
    if not lies_west:
        message = "This longitude lies outside the United Kingdom, whose longitudes are -9 to 2.1."
        found.append(("longitude", "outside-united-kingdom", message))
    return found
