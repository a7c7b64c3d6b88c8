"""The one statement of explanations: judged in the database, by the functions that judge requests."""

from sqlalchemy import Uuid

from casework.kernel.statements import written
from casework.work.composing import BEGIN, BEGINNING

EXPLANATION = written(
    f"""
    SELECT ctx.decision, ctx.event, x.body, NULL::int AS version,
           audit.consulted(ctx.event, 'access_explanation', CASE WHEN x.body IS NOT NULL THEN ARRAY[CAST(:record AS uuid)] END,
                           ARRAY[x.of_case]) AS logged
    FROM {BEGIN} LEFT JOIN LATERAL (
        SELECT e.body, e.of_case FROM access.explanation(:person, :record) e WHERE ctx.decision = 'allow' OFFSET 0
    ) x ON true""",  # noqa: S608 — constants of the code
    **BEGINNING,
    person=Uuid(),
    record=Uuid(),
)
