"""The revision `level` on what former releases left: packaged threat levels, stamps in Northern Ireland, counted deadlines."""

from typing import Any

import pytest

from alembic import command
from casework import migrations
from tests.migrations.test_lists import run

MANY = 2_050
"""Findings: more than one batch."""
FILL = f"""
SET session_replication_role = replica;  -- as it was stored, past the triggers of today
INSERT INTO casework.police_force (code, name, nation) VALUES ('X1', 'Here', 'England'), ('X2', 'There', 'Northern Ireland')
    ON CONFLICT DO NOTHING;
INSERT INTO casework.team (id, name, force_code) VALUES
    ('00000000-0000-7000-8000-00000000000a', 'Here', 'X1'), ('00000000-0000-7000-8000-00000000000b', 'There', 'X2');
INSERT INTO casework.threat_level (id, nation, level, since, set_by) VALUES
    ('00000000-0000-7000-8000-0000000000f1', 'Great Britain', 'substantial', '2022-02-09', NULL),
    ('00000000-0000-7000-8000-0000000000f2', 'Northern Ireland', 'moderate', '2022-02-09', NULL),
    ('00000000-0000-7000-8000-0000000000f3', 'Great Britain', 'severe', '2025-03-01', gen_random_uuid());
INSERT INTO casework.case_file (id, team_id, reference, kind, title, opened_at, due_on) VALUES
    ('00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-00000000000a', 'CASE-1', 'proactive', 'C', '2031-06-02 09:00Z', '2031-06-30'),
    ('00000000-0000-7000-8000-0000000000d2', '00000000-0000-7000-8000-00000000000a', 'CASE-2', 'proactive', 'C', '2031-06-02 09:00Z', '2031-07-02');
INSERT INTO casework.advice (case_id, team_id, reference, state, title, author_id, approved_by, issued_at, follow_up_on,
                             drafted_threat_level, issued_threat_level)
SELECT '00000000-0000-7000-8000-0000000000d1', a.team::uuid, a.reference, 'issued', 'Advice', gen_random_uuid(), gen_random_uuid(),
       a.issued_at::timestamptz, current_date, a.level, a.level
FROM (VALUES ('00000000-0000-7000-8000-00000000000a', 'ADV-OLD', '2024-05-01', 'substantial'),
             ('00000000-0000-7000-8000-00000000000a', 'ADV-NEW', '2025-05-01', 'severe'),
             ('00000000-0000-7000-8000-00000000000b', 'ADV-THERE', '2025-05-01', 'moderate')) a (team, reference, issued_at, level);
INSERT INTO casework.finding (visit_id, case_id, team_id, area, phase, methodology, gap, likelihood, impact, threat_level, recorded_by)
SELECT gen_random_uuid(), '00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-00000000000b', 'Gate', 'egress', 'vaw',
       'Open', 1, 1, 'moderate', gen_random_uuid() FROM generate_series(1, {MANY});
"""
STAMPS = """
SELECT a.reference, a.issued_threat_level, a.issued_northern_ireland_threat_level,
       ARRAY(SELECT right(u::text, 2) FROM unnest(a.issued_under) u) AS under FROM casework.advice a ORDER BY a.reference"""


def test_nothing_invented_holds_and_nothing_that_was_stamped_is_lost(
    url: str, superuser_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = migrations.config(url)
    migrations.migrate(url)
    command.downgrade(configuration, "0010")
    run(superuser_url, FILL, "SELECT 1")
    command.upgrade(configuration, "0011")
    told = capsys.readouterr().out
    assert "threat levels: 2 that came with the service struck; 3 versions of advice name the level" in told
    assert f"1 deadlines of cases known as counted; {MANY} findings and 1 versions in Northern Ireland" in told
    states = {
        row["id"]: row["state"]
        for row in run(superuser_url, "SELECT right(id::text, 2) AS id, state FROM casework.threat_level")
    }
    assert states == {"f1": "struck", "f2": "struck", "f3": "confirmed"}
    stamps: list[tuple[Any, ...]] = [tuple(row) for row in run(superuser_url, STAMPS)]
    assert stamps == [
        ("ADV-NEW", "severe", None, ["f3"]), ("ADV-OLD", "substantial", None, ["f1"]), ("ADV-THERE", None, "moderate", ["f2"]),
    ]  # fmt: skip
    command.downgrade(configuration, "0010")
    back = run(superuser_url, "SELECT reference, issued_threat_level AS level FROM casework.advice ORDER BY reference")
    assert [tuple(row) for row in back] == [
        ("ADV-NEW", "severe"),
        ("ADV-OLD", "substantial"),
        ("ADV-THERE", "moderate"),
    ]
    held = run(superuser_url, "SELECT nation, count(*) AS n FROM casework.threat_level GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in held] == [("Great Britain", 2), ("Northern Ireland", 1)]
    command.upgrade(configuration, "0011")
