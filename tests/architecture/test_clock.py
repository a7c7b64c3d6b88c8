"""Whoever asks for the time decides which: the clock of the field's rules, or the real one for a reason that stands here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "casework"

SESSION = "sessions and tokens live in real time"
CODE = "a one-time code is good for minutes of real time"
LOG = "the processing log and its seals tell when it really was"
JOB = "jobs, kept answers and the worker's signs of life go by real time"
SUSPENSION = "whether somebody is locked out is a fact of access: it must agree with the log"
ROLE = "when a role was ended is a fact of access: it must agree with the log"
REAL: dict[str, dict[str, str]] = {
    "access/sql/schemas.sql": {
        "casework.new_id": "identifiers tell when they were made",
        "casework.now": "the clock itself",
    },
    "access/sql/context.sql": dict.fromkeys(
        (
            "access.holding",
            "access.teams_of",
            "access.cases_of",
            "access.answering_of",
            "access.current_principal",
            "access.enquirer_role",
            "access.confirmed_until",
            "access.state",
            "access.of_staff",
            "access.begin",
            "access.allowed_actions",
        ),
        SESSION,
    ),
    "access/sql/deciding.sql": dict.fromkeys(
        ("access.ask_change", "access.carry_out", "access.settle_change", "access.withdraw_change"), ROLE
    ),
    "access/sql/door.sql": dict.fromkeys(
        (
            "access.open_session",
            "access.open_federated",
            "access.own_sessions",
            "access.end_own_session",
            "access.end_sessions_of",
            "access.set_client_secret",
            "access.set_password",
            "access.unlink_identity",
        ),
        SESSION,
    ),
    "access/sql/keeping.sql": {
        "access.keep_principal": SESSION,
        "access.keep_client_grant": SESSION,
        "access.keep_contact": SESSION,
        "access.end_role": ROLE,
        "access.keep_case": SESSION,
        "access.keep_enquiry": SESSION,
    },
    "access/sql/suspending.sql": dict.fromkeys(
        ("access.suspend", "access.reinstate", "access.keep_suspension_final"), SUSPENSION
    ),
    "advice/sql/delivery.sql": {"casework.advice_readers": SESSION},
    "access/sql/second_step.sql": {
        "access.own_link": SESSION,
        "access.ask_code": CODE,
        "access.enter_code": CODE,
        "access.arm_code": CODE,
        "access.token_end": SESSION,
        "access.issue_tracking": SESSION,
    },
    "access/sql/explaining.sql": {"access.caller_of": SESSION},
    "access/sql/log.sql": {"audit.make_partitions": LOG, "audit.open_event": LOG},
    "audit_log/sql/sealing.sql": {"audit.seal_next": LOG, "audit.backlog": LOG, "audit.months_ahead": LOG},
    "audit_log/rows.py": {"": LOG},
    "audit_log/routes.py": {"list_events": LOG},
    "commands/audit.py": {"recover": LOG},
    "work/sql/idempotency.sql": {"work.claim": JOB, "work.purge_keys": JOB},
    "work/sql/outbox.sql": {
        "jobs.effect": JOB,
        "work.session_for": SESSION,
        "work.purge_sessions": SESSION,
        "work.beat": JOB,
        "work.lag": JOB,
    },
    "work/post.py": {"write": "a letter's date is read by mail servers"},
    "work/unit.py": {"uuid7": "identifiers tell when they were made"},
    "premises/merging.py": {"": JOB},
    "premises/importing.py": {"_ids": "identifiers tell when they were made"},
    "people/actions.py": {"log_in": SESSION},
    "kernel/tables.py": {"": "what columns of sessions, the log and jobs are filled with", "moment": "the same"},
    "kernel/logging.py": {"RequestLog": "the log stream tells when it really was"},
    "access/federation.py": {"Federation": "an identity provider's tokens live in real time"},
    "reference/loading.py": {"load": "the calendar that is packaged is of the years around the real one"},
    "demo.py": {"_Calendar": "the story is told back from the real day"},
}
"""What keeps the real time: by file, the definitions there ('' is beside all of them), and why."""

IN_SQL = re.compile(
    r"(?<!casework\.)\bnow\(\)|\b(?:current_date|current_time|current_timestamp|localtime|localtimestamp)\b"
    r"|\b(?:statement_timestamp|transaction_timestamp|clock_timestamp|timeofday)\(",
    re.I,
)
DEFINED = re.compile(r"^CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW|TABLE)(?: IF NOT EXISTS)? ([\w.]+)", re.M)
IN_PYTHON = {
    "now": {"datetime", "func"},
    "utcnow": {"datetime"},
    "today": {"date", "datetime"},
    "time": {"time"},
    "time_ns": {"time"},
    "localtime": {"time", "func"},
    "gmtime": {"time"},
    "current_date": {"func"},
    "current_time": {"func"},
    "current_timestamp": {"func"},
    "localtimestamp": {"func"},
    "clock_timestamp": {"func"},
    "statement_timestamp": {"func"},
    "transaction_timestamp": {"func"},
}
NAMES = {"REAL_NOW", "formatdate"}


def in_sql(text: str) -> Iterator[str]:
    """The definitions that ask for the real time."""
    bare = re.sub(r"--.*", "", text)
    starts = list(DEFINED.finditer(bare))
    for found in IN_SQL.finditer(bare):
        within = [start[1] for start in starts if start.start() < found.start()]
        yield within[-1] if within else ""


def in_python(text: str) -> Iterator[str]:
    """The definitions of a module that ask for the real time, in Python or in a statement."""
    for node in ast.parse(text).body:
        name = node.name if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else ""
        for inner in ast.walk(node):
            asks = (
                (
                    isinstance(inner, ast.Attribute)
                    and isinstance(inner.value, ast.Name)
                    and inner.value.id in IN_PYTHON.get(inner.attr, ())
                )
                or (isinstance(inner, ast.Name) and inner.id in NAMES)
                or (isinstance(inner, ast.Constant) and isinstance(inner.value, str) and IN_SQL.search(inner.value))
            )
            if asks and not _documents(node, inner):
                yield name


def _documents(node: ast.AST, inner: ast.AST) -> bool:
    """Whether that is only a text about something."""
    return any(isinstance(each, ast.Expr) and each.value is inner for each in ast.walk(node))


def test_whoever_keeps_the_real_time_says_why() -> None:
    found = {
        (str(path.relative_to(SOURCE)), name)
        for path in SOURCE.rglob("*")
        if path.suffix in (".sql", ".py")
        for name in (in_sql if path.suffix == ".sql" else in_python)(path.read_text(encoding="utf-8"))
    }
    decided = {(file, name) for file, reasons in REAL.items() for name in reasons}
    assert sorted(found - decided) == [], "take casework.now() or work.clock, or say above why it is the real time"
    assert sorted(decided - found) == [], "these ask no more: take them out above"


def test_a_planted_use_is_seen() -> None:
    """The test above sees what it is there to see, in every way of asking."""
    for plain in ("now()", "current_date", "CURRENT_TIMESTAMP", "clock_timestamp()", "pg_catalog.now()"):
        sql = f"CREATE OR REPLACE FUNCTION access.x() RETURNS void\n$$ SELECT 1 WHERE until > {plain} $$;"
        assert list(in_sql(sql)) == ["access.x"]
        assert list(in_python(f"def f():\n    return written('SELECT {plain}')")) == ["f"]
    for call in ("datetime.now(UTC)", "date.today()", "time.time()", "func.now()", "func.current_date()", "REAL_NOW"):
        assert list(in_python(f"async def f():\n    return {call}")) == ["f"]
    assert list(in_sql("SELECT casework.now(), casework.today(); -- now()")) == []
    assert list(in_python('def f(work):\n    """Not now()."""\n    return work.clock.now(), work.clock.today()')) == []
