"""Canaries: what a team writes carries the team's mark, and no answer to anybody else may hold it.

Every response of the suite passes ``seen``; log lines pass ``logged``. A mark is a leak unless the database knows of a tie
between the caller and the team: a share, a transfer, an asked review, a case opened in an emergency (an auditor reads those of all).
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

MARK = re.compile(r"canary-([0-9a-f]{12})")


def mark(team_id: str) -> str:
    """The mark of a team: in every text that its people write through the builders."""
    return f"canary-{str(team_id)[-12:]}"


@dataclass
class Tally:
    """What was looked at in this process, and what was found."""

    responses: int = 0
    marked: int = 0
    """Responses that held a mark at all: without any, nothing would have been proved."""
    lines: int = 0
    leaks: list[str] = field(default_factory=list)


tally = Tally()
Tied = Callable[[str, str], bool]
"""Whether a principal (its id) lawfully meets the team of this mark."""


def foreign(text: str, own: set[str]) -> set[str]:
    """The marks in a text that are of none of these teams (by the last twelve digits of their ids)."""
    return set(MARK.findall(text)) - own


def seen(response: httpx.Response, teams: set[str], principal: str | None, tied: Tied | None) -> None:
    """Look through a response; raise when it holds what another team wrote."""
    text = response.text + "\n" + "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    marks = set(MARK.findall(text))
    tally.responses += 1
    if not marks:
        return
    tally.marked += 1
    sent = response.request.read().decode(errors="replace") + str(response.request.url)
    strange = {each for each in marks - {team[-12:] for team in teams} if f"canary-{each}" not in sent}
    leaked = {each for each in strange if tied is None or not tied(principal or "", each)}
    if leaked:
        said = f"{response.request.method} {response.request.url.path}: {response.status_code} holds what {sorted(leaked)} wrote"
        tally.leaks.append(said)
        raise AssertionError(said)


TIES = """
SELECT EXISTS (SELECT FROM access.membership m JOIN casework.case_share s ON s.to_team_id = m.team_id
               WHERE m.principal_id = $1::text::uuid AND right(s.team_id::text, 12) = $2)
    OR EXISTS (SELECT FROM access.membership m JOIN casework.case_transfer t ON m.team_id IN (t.to_team_id, t.from_team_id)
               WHERE m.principal_id = $1::text::uuid AND $2 IN (right(t.from_team_id::text, 12), right(t.to_team_id::text, 12)))
    OR EXISTS (SELECT FROM access.membership m JOIN casework.enquiry_transfer t ON m.team_id IN (t.to_team_id, t.from_team_id)
               WHERE m.principal_id = $1::text::uuid AND $2 IN (right(t.from_team_id::text, 12), right(t.to_team_id::text, 12)))
    OR EXISTS (SELECT FROM casework.emergency_access e WHERE e.person_id = $1::text::uuid AND right(e.team_id::text, 12) = $2)
    OR EXISTS (SELECT FROM access.membership m JOIN casework.emergency_access e ON m.role = 'auditor'
               WHERE m.principal_id = $1::text::uuid AND right(e.team_id::text, 12) = $2)
    OR EXISTS (SELECT FROM casework.advice a WHERE a.reviewer_id = $1::text::uuid AND right(a.team_id::text, 12) = $2)
    OR EXISTS (SELECT FROM access.membership m WHERE m.principal_id = $1::text::uuid AND right(m.team_id::text, 12) = $2)
    OR EXISTS (SELECT FROM access.enquiry_link l JOIN casework.enquiry e ON e.id = l.enquiry_id
               WHERE l.contact_id = $1::text::uuid AND right(e.team_id::text, 12) = $2)
"""
"""Why somebody may meet what a team wrote: read from the stored facts, not from the service's own judgement."""


def ties(sql: Callable[..., list[Any]]) -> Tied:
    """The judge over a database."""

    def tied(principal: str, of: str) -> bool:
        return bool(principal) and bool(sql(TIES, principal, of)[0][0])

    return tied


class Lines(logging.Handler):
    """Looks through every record that the suite's processes log: no mark at all may be in one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Count it; remember a leak."""
        tally.lines += 1
        try:
            line = self.format(record)
        except Exception:
            line = str(record.msg)
        if MARK.search(line) and not record.name.startswith(("httpx", "httpcore", "asyncio")):
            tally.leaks.append(f"log line of {record.name}: {line[:200]}")


def listen() -> None:
    """Hear every log line of this process."""
    from casework.kernel.logging import JsonLines

    handler = Lines()
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    # The sentences of a request log are written, not logged: they pass here as well.
    from casework import app

    app.emit = partial(_written, app.emit)


def _written(emit: Callable[[str], Any], lines: str) -> None:
    tally.lines += lines.count("\n")
    if MARK.search(lines):
        tally.leaks.append(f"request log: {lines[:200]}")
    emit(lines)


def figures() -> dict[str, Any]:
    """What this process found, to be handed to the controlling one."""
    return {"responses": tally.responses, "marked": tally.marked, "lines": tally.lines, "leaks": list(tally.leaks)}


total: dict[str, Any] = {"responses": 0, "marked": 0, "lines": 0, "leaks": []}


def add(found: dict[str, Any]) -> None:
    """Add a process's figures to those of the run."""
    for name, value in found.items():
        total[name] = total[name] + value


def sentence() -> str:
    """The line at the end of a run."""
    return (
        f"canaries: {total['responses']} responses and {total['lines']} log lines looked through, {total['marked']} held a"
        f" team's own mark, {len(total['leaks'])} held a foreign one"
    )
