"""HTTP for people and sessions."""

import json

from fastapi import APIRouter, Response

from casework.access.actions import Action
from casework.people import actions, queries
from casework.people.problems import LocalLoginOff, WrongCredentials
from casework.people.schemas import Me, SessionOpened, SessionOpening
from casework.work.doorway import AtDoor, operation

router = APIRouter(prefix="/v1")


@router.post(
    "/sessions",
    tags=["people"],
    **operation(
        Action.SESSION_MANAGE_OWN,
        "Log in",
        SessionOpened,
        suffix="open",
        status=201,
        creates=True,
        keyed=False,
        problems=(WrongCredentials, LocalLoginOff),
        example={"login": "adviser@derbyshire.example", "password": "correct horse battery staple"},
    ),
)
async def open_session(door: AtDoor, opening: SessionOpening) -> Response:
    """Log in with a password, where the trial's local log-in is on. The token is shown once; send it as a bearer."""
    house = door.house
    opened = await actions.log_in(house.database.door, door.settings, opening.login, opening.password, door.request_id)
    return Response(json.dumps(opened), status_code=201, media_type="application/json")


@router.get("/me", tags=["people"], **operation(Action.SESSION_MANAGE_OWN, "Who am I, what may I do", Me, suffix="me"))
async def read_me(door: AtDoor) -> Response:
    """The caller, their roles, and every action with its reach: what a frontend needs to show the right buttons."""
    return await door.one(queries.ME)
