"""What an operation tells the contract: its action, its view, and every problem it can answer."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from casework.kernel import problems as p
from casework.kernel.problems import Problem


class FieldError(BaseModel):
    """One thing that is not right, and where."""

    model_config = ConfigDict(extra="allow")

    pointer: str | None = None
    parameter: str | None = None
    code: str
    message: str


class ProblemDocument(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    emergency: str | None = None
    """Where the public asks: 999, and the hotline."""
    errors: list[FieldError] | None = None


ALWAYS: tuple[type[Problem], ...] = (
    p.BadRequest,
    p.ControlCharacter,
    p.UnknownParameter,
    p.RepeatedParameter,
    p.TooManyParameters,
    p.SecretInUrl,
    p.BadHost,
    p.AmbiguousLength,
    p.Unauthenticated,
    p.Forbidden,
    p.MethodNotAllowed,
    p.NotAcceptable,
    p.RequestTimeout,
    p.UriTooLong,
    p.ValidationFailed,
    p.TooManyRequests,
    p.HeadersTooLarge,
    p.InternalError,
    p.Unavailable,
    p.StorageFull,
    p.NotFound,
    p.TryAgain,
)
BODY: tuple[type[Problem], ...] = (
    p.InvalidJson,
    p.DuplicateKey,
    p.InvalidEncoding,
    p.BodyTooLarge,
    p.UnsupportedMediaType,
    p.UnsupportedEncoding,
    p.Conflict,
)
KEYED: tuple[type[Problem], ...] = (
    p.IdempotencyKeyMissing,
    p.InvalidIdempotencyKey,
    p.IdempotencyKeyReused,
    p.RequestInProgress,
    p.AlreadyExists,
)
MATCHED: tuple[type[Problem], ...] = (p.PreconditionRequired, p.PreconditionFailed, p.StateConflict)


def responses(of: Sequence[type[Problem]]) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation: one entry a status, naming each problem it may be."""
    by_status: dict[int | str, list[type[Problem]]] = {}
    for problem in dict.fromkeys(of):
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": "; ".join(f"`{each.slug}`: {each.title}" for each in found),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status, found in sorted(by_status.items())
    }
