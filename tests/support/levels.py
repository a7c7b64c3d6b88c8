"""The threat levels that the tests' worlds begin with, as a professional lead would have recorded them: the service comes with none."""

import asyncpg

SOURCE = "https://www.mi5.gov.uk/threats-and-advice/terrorism-threat-levels"
FIRST = {"national": "substantial", "northern_ireland": "moderate"}
SINCE = "2022-02-09T00:00:00Z"
LATER_GONE = f"DELETE FROM casework.threat_level WHERE since > '{SINCE}'"
"""What other tests of a world recorded is gone: the levels are those that it began with."""


async def record(url: str) -> None:
    """Record both, for good. ``url`` is casework_migrate's."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('threat_level.set', 'tests')")
            for kind, level in FIRST.items():
                await connection.execute(
                    "INSERT INTO casework.threat_level (kind, level, since, source_url) VALUES ($1, $2, $3::text::timestamptz, $4)",
                    kind, level, SINCE, SOURCE,
                )  # fmt: skip
    finally:
        await connection.close()
