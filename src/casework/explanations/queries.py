"""The one statement of explanations: judged in the database, by the functions that judge requests."""

from sqlalchemy import Text, Uuid

from casework.kernel.statements import written
from casework.work.composing import BEGIN, BEGINNING

EXPLANATION = written(
    f"""
    SELECT ctx.decision, ctx.event, x.body, NULL::int AS version,
           audit.consulted(ctx.event, 'access_explanation', CASE WHEN x.body IS NOT NULL THEN ARRAY[x.record] END,
                           ARRAY[x.of_case]) AS logged
    FROM {BEGIN} LEFT JOIN LATERAL (
        SELECT e.body, e.record, e.of_case FROM access.explanation(:person, :record, :reference) e WHERE ctx.decision = 'allow' OFFSET 0
    ) x ON true""",  # noqa: S608 — constants of the code
    **BEGINNING,
    person=Uuid(),
    record=Uuid(),
    reference=Text(),
)
