"""What the revision 0018 makes of enquiries that hold messages already."""

import pytest

from alembic import command
from casework import migrations
from tests.migrations.test_lists import run

TEAM = "00000000-0000-7000-8000-00000000000a"
# Who wrote, in their order, and whether the business was the last.
WRITTEN: dict[str, tuple[tuple[str, ...], bool]] = {
    "nobody": ((), False),
    "business": (("business",), True),
    "answered": (("business", "staff"), False),
    "again": (("staff", "business", "business"), True),
}
FILL = f"""
SET session_replication_role = replica;  -- as it was stored, past the triggers of today
INSERT INTO casework.police_force (code, name, nation) VALUES ('X1', 'Example', 'England') ON CONFLICT DO NOTHING;
INSERT INTO casework.team (id, name, force_code) VALUES ('{TEAM}', 'Team', 'X1');
"""
SPOKEN = """
SELECT e.description, e.business_spoke_at,
       (SELECT max(m.created_at) FROM casework.enquiry_message m WHERE m.enquiry_id = e.id) AS last
FROM casework.enquiry e"""


def _enquiry(name: str, authors: tuple[str, ...]) -> str:
    messages = "".join(
        "INSERT INTO casework.enquiry_message (enquiry_id, team_id, author, body, created_at)"
        f" SELECT id, team_id, '{author}', 'A line', timestamptz '2026-03-0{day} 09:00Z' FROM casework.enquiry"
        f" WHERE description = '{name}';"
        for day, author in enumerate(authors, 1)
    )
    return (
        "INSERT INTO casework.enquiry (team_id, reference, force_code, site_name, description, respond_by)"
        f" VALUES ('{TEAM}', 'ENQ-{name}', 'X1', 'Hall', '{name}', date '2026-03-09');{messages}"
    )


def test_whose_last_message_was_the_business_s_waits_for_an_answer(
    migrated_url: str, superuser_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = migrations.config(migrated_url)
    command.downgrade(configuration, "0017")
    run(superuser_url, FILL, *(_enquiry(name, authors) for name, (authors, _) in WRITTEN.items()), "SELECT")
    migrations.migrate(migrated_url)
    assert "enquiries: of 2 the business spoke last" in capsys.readouterr().out
    found = {row["description"]: row for row in run(superuser_url, SPOKEN)}
    assert found.keys() == WRITTEN.keys()
    for name, (_, waits) in WRITTEN.items():
        assert found[name]["business_spoke_at"] == (found[name]["last"] if waits else None), name
    told = run(
        superuser_url, "SELECT facts ->> 'spoken' FROM audit.event_object WHERE fields = ARRAY['business_spoke_at']"
    )
    assert [row[0] for row in told] == ["2"]
