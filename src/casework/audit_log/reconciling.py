"""The service's own log lines against the log: an event that was removed before it was sealed is missed here, and only here."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from casework.audit_log.verifying import Break, Report
from casework.kernel.statements import Connection

_FOUND = """
SELECT e.id, e.request_id::text AS request_id, e.action, e.decision,
       EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.id) OR EXISTS (SELECT FROM audit.queue q WHERE q.event_id = e.id) AS held
FROM unnest($1::bigint[]) AS i (id) JOIN audit.event e ON e.id = i.id"""


def told(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The request lines that name their event; a file of logs holds others too."""
    for line in lines:
        if '"event_id":' not in line:
            continue
        try:
            entry = json.loads(line[line.index("{") :])
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("event_id"), int):
            yield entry


async def reconcile(connection: Connection, lines: Iterable[str]) -> Report:
    """Each line has its event, sealed or about to be, and both say the same of request, action and decision."""
    report = Report()
    entries = told(lines)
    while part := list(islice(entries, 5_000)):
        found = {row["id"]: row for row in await connection.fetch(_FOUND, [line["event_id"] for line in part])}
        for line in part:
            report.events += 1
            _judge(report, line, found.get(line["event_id"]))
    if not report.events:
        report.doubts.append(Break("no line names an event: was the request log on?"))
    return report


def _judge(report: Report, line: dict[str, Any], row: Any) -> None:
    event = line["event_id"]
    if row is None:
        report.breaks.append(
            Break(f"{line.get('action')} was answered at {line.get('at_time')} and is not in the log", None, event)
        )
        return
    for name in ("request_id", "action", "decision"):
        if line.get(name) != row[name]:
            what = f"its {name} is {row[name]} in the log, and {line.get(name)} in the line that the service wrote"
            report.breaks.append(Break(what, None, event))
    if not row["held"]:
        report.breaks.append(Break("is neither sealed nor waiting for its seal", None, event))
