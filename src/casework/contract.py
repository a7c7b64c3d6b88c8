"""The contract: ``openapi/openapi.json`` is generated from the code here, committed, and equal to it by test."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from casework.access.actions import Action
from casework.access.policy import POLICY, Reach, Role
from casework.kernel.openapi import ProblemDocument
from casework.kernel.settings import Settings
from casework.work.operations import operations

DESCRIPTION = """\
Businesses request advice, advisers log visits, internal tools call the API.

**Is it an emergency? Dial 999.** Something suspicious: the counter-terrorism hotline, 0800 789 321.

- Every refusal is a problem document (RFC 9457); its `type` is a page that says what would be right.
- Send `Authorization: Bearer …`: a session of a member of staff, an API client's token, or a business's tracking token.
- Every POST takes an `Idempotency-Key`; ask again with the same key when a reply was lost. Changes take `If-Match`.
- Every write answers with `warnings` (pointer, code, message): what was taken and may be wrong. Mostly there are none.
- Moments are RFC 3339 in UTC with milliseconds. Lists are paged by `next_cursor`. Unknown fields and parameters are refused.
- `x-action` names the permission of an operation; records carry `allowed_actions` for the caller.
"""

TAGS = {
    "enquiries": "What businesses ask: intake, tracking, triage.",
    "cases": "From opening to closing: allocation, notes, timeline.",
    "circle": "Who is let in beyond the team: shares, emergency access, transfers.",
    "visits": "Site visits and what was found.",
    "advice": "Advice in versions, recommendations, answers, verification.",
    "premises": "Places with their areas, parties and aliases.",
    "organisations": "Who asks.",
    "people": "Staff, teams, roles, competences, API clients, sessions.",
    "review_offers": "Reviewers who may be asked by other forces.",
    "notices": "What a force tells the public: privacy notices, accessibility statements.",
    "reference": "Signposts, vocabularies, forces, threat levels.",
    "access": "Why somebody can or cannot see a record.",
    "audit_log": "Who has seen and changed what.",
    "health": "Whether the service is up.",
}


def generate(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    _, problem = models_json_schema([(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}")
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= problem["$defs"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    document["servers"] = [{"url": "/"}]
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
    return document


def _complete(operation: dict[str, Any]) -> None:
    known = operations.get(operation["operationId"])
    if known is None:
        operation["security"] = []
        return
    reach = POLICY[Action(known.action)].reach
    operation["security"] = [{"bearer": []}] + ([{}] if Role.PUBLIC in reach else [])
    operation["x-roles"] = {role.value: how.value for role, how in sorted(reach.items()) if how is not Reach.ACTING}
    for status, answer in operation["responses"].items():
        if (status.startswith("2") and known.matched) or (known.keyed and status == "201"):
            answer["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "The version, for If-Match."}}


def document() -> dict[str, Any]:
    """The contract of this code."""
    from casework.app import create_app  # the application is built only when its contract is asked for

    return generate(create_app(Settings(environment="development", local_login=True)))


def text() -> str:
    """The contract as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def committed() -> Path:
    """Where the committed contract lies in a checkout."""
    return Path(__file__).parents[2] / "openapi" / "openapi.json"
