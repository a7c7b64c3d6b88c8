"""The verbs of reference data, and the check that a word belongs to its vocabulary."""

from casework.kernel.problems import ValidationFailed
from casework.reference import queries
from casework.work.unit import Work


async def require_word(work: Work, kind: str, code: str | None, pointer: str) -> None:
    """Raise ``ValidationFailed`` unless ``code`` is a word of the look-up ``kind``; ``None`` passes."""
    if code is None:
        return
    words = [row["code"] for row in await work.rows(queries.WORDS, kind=kind)]
    if code not in words:
        raise ValidationFailed(
            errors=[{"pointer": pointer, "code": "enum", "message": f"Use a word of {kind}.", "allowed": words}]
        )
