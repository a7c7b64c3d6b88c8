"""HTTP for explanations."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.explanations import queries
from casework.explanations.schemas import ExplanationView
from casework.kernel.inputs import Uuid
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
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
        Uuid,
        Query(
            description="The id of a case, enquiry, visit, finding, advice, interim advice, recommendation, premises or"
            " organisation."
        ),
    ],
) -> Response:
    """Role by role, without showing the record. A supervisor asks about the people and the records of own teams; an auditor or administrator, about all. Asking is logged on the case."""
    return await door.one(queries.EXPLANATION, person=person, record=record)
