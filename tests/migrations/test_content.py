"""The revision that keeps contents, on advice that a former release left: written anew, marked, and issued as it stands."""

import hashlib
import json

import pytest

from alembic import command
from casework import migrations
from tests.migrations.test_lists import run

MANY = 1_050
"""More than one batch."""
FILL = f"""
SET session_replication_role = replica;
INSERT INTO casework.police_force (code, name, nation) VALUES ('X1', 'Example', 'England') ON CONFLICT DO NOTHING;
INSERT INTO casework.team (id, name, force_code) VALUES ('00000000-0000-7000-8000-00000000000a', 'Team', 'X1');
INSERT INTO casework.person (id, name, email, team_id) VALUES
    ('00000000-0000-7000-8000-00000000000b', 'Ada', 'a@police.example', '00000000-0000-7000-8000-00000000000a'),
    ('00000000-0000-7000-8000-00000000000c', 'Sue', 's@police.example', '00000000-0000-7000-8000-00000000000a');
INSERT INTO casework.case_file (id, team_id, reference, kind, title)
VALUES ('00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-00000000000a', 'CASE-TEST', 'proactive', 'Case');
INSERT INTO casework.advice (case_id, team_id, reference, state, title, author_id, approved_by, issued_at, follow_up_on)
SELECT '00000000-0000-7000-8000-00000000000d', '00000000-0000-7000-8000-00000000000a', s || '-' || n, s, 'Advice',
       '00000000-0000-7000-8000-00000000000b', CASE WHEN s NOT IN ('draft', 'returned', 'in_review') THEN '00000000-0000-7000-8000-00000000000c'::uuid END,
       CASE WHEN s IN ('issued', 'withdrawn') THEN now() END, CASE WHEN s IN ('issued', 'withdrawn') THEN current_date END
FROM unnest(ARRAY['draft', 'returned', 'in_review', 'approved', 'withdrawn', 'issued']) s,
     generate_series(1, CASE s WHEN 'issued' THEN {MANY} ELSE 1 END) n;
INSERT INTO casework.recommendation (advice_id, case_id, team_id, position, action, principle, domain, priority)
SELECT id, case_id, team_id, 1, 'Shut the gate.', 'deter', 'physical', 'low' FROM casework.advice;
INSERT INTO casework.interim_advice (case_id, team_id, given_at, given_by, given_to, advice, carried_into)
SELECT case_id, team_id, now(), author_id, 'The manager', 'Carried.', id FROM casework.advice WHERE reference = 'issued-1'
UNION ALL SELECT case_id, team_id, now(), author_id, 'The manager', 'Not yet.', NULL FROM casework.advice WHERE reference = 'draft-1';
"""
KEPT = """
SELECT a.reference, a.state, a.return_reason, a.content_sha256, a.approved_sha256, a.issued_sha256, a.version, c.content, c.reconstructed
FROM casework.advice a LEFT JOIN casework.advice_content c ON c.advice_id = a.id ORDER BY a.reference"""


def test_what_was_submitted_before_is_reconstructed(
    migrated_url: str, superuser_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = migrations.config(migrated_url)
    command.downgrade(configuration, "0012")
    run(superuser_url, FILL, "SELECT")
    migrations.migrate(migrated_url)
    assert (
        f"advice: of {MANY + 3} versions that had been submitted the content was reconstructed"
        in capsys.readouterr().out
    )
    rows = {row["reference"]: row for row in run(superuser_url, KEPT)}
    assert len(rows) == MANY + 5
    for reference in ("draft-1", "returned-1"):
        assert rows[reference]["content_sha256"] is None
    assert (rows["draft-1"]["return_reason"], rows["returned-1"]["return_reason"]) == (None, "review")
    for row in rows.values():
        if row["content_sha256"] is None:
            continue
        content = json.loads(row["content"])
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert row["content"] == canonical
        assert row["reconstructed"]
        assert hashlib.sha256(canonical).digest() == row["content_sha256"]
        approved, issued = row["state"] != "in_review", row["state"] in ("issued", "withdrawn")
        assert row["approved_sha256"] == (row["content_sha256"] if approved else None)
        assert row["issued_sha256"] == (row["content_sha256"] if issued else None)
        said = {"issued-1": ["Carried."], "in_review-1": ["Not yet."], "approved-1": ["Not yet."]}
        assert [each["advice"] for each in content["interim_advice"]] == said.get(row["reference"], [])
        assert row["version"] == 1
    known = run(
        superuser_url,
        "SELECT a.reference, k.what FROM casework.advice_contributor k JOIN casework.advice a ON a.id = k.advice_id"
        " WHERE k.person_id = a.author_id AND a.reference IN ('issued-1', 'draft-1', 'issued-2') ORDER BY 1, 2",
    )
    text = ["introduction", "recommendation", "version"]
    wanted = {
        "draft-1": sorted(["interim_advice", *text]),
        "issued-1": sorted(["interim_advice", *text]),
        "issued-2": text,
    }
    for reference, what in wanted.items():
        assert [row["what"] for row in known if row["reference"] == reference] == what
    # Issued as it stands: the function of today makes out the same content as was reconstructed.
    issue = "UPDATE casework.advice SET state = 'issued', issued_at = now(), follow_up_on = current_date WHERE reference = 'approved-1'"
    run(migrated_url, f"SELECT access.begin_system('advice.issue', 'tests'); {issue}", "SELECT")
    assert run(superuser_url, "SELECT FROM casework.advice WHERE reference = 'approved-1' AND state = 'issued'")
    command.downgrade(configuration, "0012")
    left = run(superuser_url, "SELECT count(*) FROM access.published")[0][0]
    assert left == MANY + 2
    migrations.migrate(migrated_url)
    command.check(configuration)


def test_what_is_back_because_its_case_moved_is_told_as_taken_back_before(
    migrated_url: str, superuser_url: str
) -> None:
    configuration = migrations.config(migrated_url)
    people = FILL[: FILL.index("INSERT INTO casework.advice")]
    moved = (
        "INSERT INTO casework.advice (case_id, team_id, reference, state, return_reason, title, author_id)"
        " SELECT id, team_id, 'ADV-MOVED', 'returned', 'case_moved', 'Advice', '00000000-0000-7000-8000-00000000000b'"
        " FROM casework.case_file WHERE reference = 'CASE-TEST'"
    )
    run(superuser_url, people, moved, "SELECT")
    reason = "SELECT return_reason, version FROM casework.advice"
    command.downgrade(configuration, "0022")
    assert [tuple(row) for row in run(superuser_url, reason)] == [("taken_back", 1)]
    command.upgrade(configuration, "0023")
    assert [tuple(row) for row in run(superuser_url, reason)] == [("taken_back", 1)]
