"""What an operation is: its action and id, what it takes, and every problem it can answer."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query as QueryParameter

from casework.access.actions import Action
from casework.access.policy import POLICY, Role
from casework.kernel import problems as p
from casework.kernel.columns import opaque
from casework.kernel.inputs import DIGITS, Uuid
from casework.kernel.openapi import ALWAYS, BODY, KEYED, MATCHED, responses
from casework.kernel.paging import LONGEST
from casework.kernel.problems import Problem

Id = Annotated[Uuid, Path(description="The record's id.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many records a page has."), DIGITS]
Cursor = Annotated[str, opaque(LONGEST), Query(description="The `next_cursor` of the page before.")] | None

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


class Operation:
    """What the doorway must know of an operation, once for all its requests."""

    def __init__(self, action: Action, *, keyed: bool, matched: bool, kept: bool) -> None:
        self.action = action
        self.keyed = keyed
        self.matched = matched
        self.kept = kept
        """Whether an answer is kept under its key, with a fingerprint of what was sent."""
        self.judged_first = Role.PUBLIC not in POLICY[action].reach
        """Whether a caller is judged before their body is validated; what anybody may do is small (``kernel/sizes``)."""
        self._parameters: dict[int, frozenset[str]] = {}

    def check_parameters(self, request: Request) -> None:
        """Refuse a query parameter that the operation does not have: it would be silently ignored."""
        route = request.scope["route"]
        known = self._parameters.get(id(route))
        if known is None:
            known = self._parameters[id(route)] = frozenset(
                field.alias
                for field in get_flat_params(route.dependant)
                if isinstance(field.field_info, QueryParameter)
            )
        unknown = sorted(set(request.query_params.keys()) - known)
        if unknown:
            raise p.UnknownParameter(
                f"This operation has no such parameter. It has: {', '.join(sorted(known)) or 'none'}.",
                possible=sorted(known),
            )


operations: dict[str, Operation] = {}
"""Every operation of the service by its operationId."""


def operation(
    action: Action,
    summary: str,
    view: Any,
    *,
    suffix: str = "",
    status: int = 200,
    creates: bool = False,
    moves: bool = False,
    amends: bool = False,
    keyed: bool | None = None,
    kept: bool = True,
    problems: Sequence[type[Problem]] = (),
    example: Any = None,
) -> dict[str, Any]:
    """The keyword arguments of a route: operationId, action, view, and every problem it can answer.

    ``creates``: takes an Idempotency-Key. ``moves``: takes that and If-Match. ``amends``: takes If-Match.
    Not ``kept``: nothing is kept of the request under its key, where even a fingerprint would tell too much.
    """
    name = f"{action.value}-{suffix}" if suffix else action.value
    if name in operations:
        raise ValueError(f"two operations are called {name}")
    matched = moves or amends
    wants_key = (creates or moves) if keyed is None else keyed
    operations[name] = Operation(action, keyed=wants_key, matched=matched, kept=kept)
    of = [
        *ALWAYS,
        *(BODY if creates or moves or amends else ()),
        *(KEYED if wants_key else ()),
        *(MATCHED if matched else ()),
        *problems,
    ]
    headers = []
    if wants_key:
        headers.append(
            _header("Idempotency-Key", "A random key of yours; the same key gives the same answer for 72 hours.")
        )
    if matched:
        headers.append(_header("If-Match", "The ETag of the version that you read."))
    headers.append(
        _header("X-Purpose", "Why you look: a purpose code of `GET /v1/reference/purposes`.", required=False)
    )
    headers.append(
        _header(
            "X-Acting-For", "For tools: the id of the person for whom it acts, who must be allowed too.", required=False
        )
    )
    if Role.VERIFIED_ENQUIRER in POLICY[action].reach:
        told = "For businesses, beside the tracking token: what this device was given for a one-time code (`cnf_…`)."
        headers.append(_header("X-Confirmation", told, required=False))
    extra: dict[str, Any] = {"x-action": action.value, "parameters": headers}
    if example is not None:
        extra["requestBody"] = {"content": {"application/json": {"example": example}}}
    return {
        "operation_id": name,
        "summary": summary,
        "response_model": view,
        "status_code": status,
        "responses": responses(of),
        "openapi_extra": extra,
    }


def _header(name: str, description: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", "maxLength": 255},
    }


def canonical(value: str) -> bool:
    """Whether an id is written the one way we write it: anything else is answered as absent."""
    return _CANONICAL.match(value) is not None
