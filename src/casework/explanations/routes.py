"""HTTP for explanations."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.explanations import queries
from casework.explanations.schemas import ExplanationView
from casework.kernel.inputs import Uuid
from casework.kernel.problems import ValidationFailed
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.naming import RecordReference, faults
from casework.work.operations import operation

router = APIRouter(prefix="/v1", tags=["access"], route_class=DoorRoute)


@router.get(
    "/access/explanation",
    **operation(Action.ACCESS_EXPLAIN, "Explain why a person can or cannot see a record", ExplanationView),
)
async def explain(
    door: AtDoor,
    person: Annotated[Uuid, Query(description="A person's or a tool's id.")],
    record: Annotated[
        Uuid | None,
        Query(
            description="The id of a case, enquiry, visit, finding, advice, interim advice, recommendation, premises or"
            " organisation."
        ),
    ] = None,
    reference: RecordReference | None = None,
    premises_id: Annotated[Uuid | None, Query(description="The same for premises: their id.")] = None,
) -> Response:
    """Role by role, without showing the record, which is named in one of three ways. A supervisor asks about the people and the records of own teams; an auditor or administrator, about all. Asking is logged on the case."""
    if wrong := faults({"record": record, "reference": reference, "premises_id": premises_id}):
        await door.refuse(ValidationFailed(errors=wrong))
    return await door.one(queries.EXPLANATION, person=person, record=record or premises_id, reference=reference)
