"""HTTP for notices."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.kernel.inputs import Uuid
from casework.kernel.languages import Language, chosen
from casework.kernel.problems import NotFound, ValidationFailed
from casework.notices import actions, queries
from casework.notices.lifecycle import NoticeKind, NoticeState
from casework.notices.problems import NeverTheWriter, WelshMissing
from casework.notices.schemas import (
    NoticeAmendment,
    NoticeApproval,
    NoticePage,
    NoticeText,
    NoticeView,
    NoticeWithdrawal,
    NoticeWriting,
)
from casework.reference.models import AreaCode, Whereabouts
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["notices"], route_class=DoorRoute)
MINUTES = 5
"""For how long anybody may keep a notice that they have read."""
Lang = Annotated[
    Language | None, Query(description="English or Welsh; `Accept-Language` decides where it is left out.")
]


def _kept(answer: Response) -> Response:
    """The same for everybody, so that anything on the way may keep it for a while."""
    answer.headers["Cache-Control"] = f"public, max-age={MINUTES * 60}"
    answer.headers["Vary"] = "Accept-Language"
    return answer


@router.post(
    "/notices",
    **operation(
        Action.NOTICE_PUBLISH,
        "Write a notice",
        NoticeView,
        suffix="write",
        status=201,
        creates=True,
        example={
            "team_id": "0190b2c4-0000-7000-8000-000000000001",
            "kind": "privacy",
            "title": "Privacy notice",
            "text": "We keep what you tell us so that we can advise you.",
            "controller": "The Chief Constable of Derbyshire.",
            "data_protection_officer": "dpo@derbyshire.example",
            "complaints": "Write to dpo@derbyshire.example.",
        },
    ),
)
async def write_notice(door: AtDoor, writing: NoticeWriting) -> Response:
    """A draft of the team's force. It is in force once somebody else has approved it; then it never changes."""
    return await door.write(lambda work: actions.write(work, writing), status=201)


@router.get(
    "/notices", **operation(Action.NOTICE_APPROVE, "List the notices of one's teams", NoticePage, suffix="list")
)
async def list_notices(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?created_at$")] = "-created_at",
    team_id: Uuid | None = None,
    kind: NoticeKind | None = None,
    state: NoticeState | None = None,
) -> Response:
    """Drafts, what is in force, and what was."""
    filters = {"team_id": team_id, "kind": kind, "state": state}
    return await door.page(queries.NOTICE_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


_NO_SUCH = {
    "force_code": "Send the code of a police force, as GET /v1/teams names it (such as E23000018), or leave it out.",
    "local_authority_code": "Send the code of a local authority, as GET /v1/reference/local_authorities lists it, or leave it out.",
}


@router.get(
    "/notices/in-force",
    **operation(Action.REFERENCE_READ, "Read the notice in force", NoticeText, suffix="notice_in_force"),
)
async def read_in_force(
    door: AtDoor,
    kind: NoticeKind = NoticeKind.PRIVACY,
    postcode: Annotated[Whereabouts, Query(description="Where the site is.")] | None = None,
    force_code: Annotated[
        AreaCode | None, Query(description="Of which police force; it goes before the postcode.")
    ] = None,
    local_authority_code: Annotated[
        AreaCode | None, Query(description="In which local authority; it goes before the postcode.")
    ] = None,
    lang: Lang = None,
) -> Response:
    """Of the force there; where it has published none, and where nobody knows the postcode, what holds everywhere. A code that is no
    force's or no local authority's is refused."""
    language = chosen(lang, door.request.headers.get("accept-language"))
    named = {"force_code": force_code, "local_authority_code": local_authority_code}
    asked = {"kind": kind.value, "postcode": postcode, "language": language, **named}
    try:
        answer = await door.one(queries.IN_FORCE, case=None, **asked)
    except NotFound:
        raise ValidationFailed(
            errors=[
                {"parameter": name, "code": "absent", "message": _NO_SUCH[name]} for name, code in named.items() if code
            ]
        ) from None
    return _kept(answer)


@router.get(
    "/notices/{notice_id}/text",
    **operation(Action.REFERENCE_READ, "Read a published notice", NoticeText, suffix="notice"),
)
async def read_text(
    door: AtDoor,
    notice_id: Id,
    lang: Lang = None,
) -> Response:
    """A version that is or was in force, as it was shown."""
    return _kept(
        await door.one(
            queries.PUBLISHED_BY_ID, id=notice_id, language=chosen(lang, door.request.headers.get("accept-language"))
        )
    )


@router.get("/notices/{notice_id}", **operation(Action.NOTICE_APPROVE, "Read a notice", NoticeView, suffix="read"))
async def read_notice(door: AtDoor, notice_id: Id) -> Response:
    """In both languages, with who wrote and approved it."""
    return await door.one(queries.NOTICE_BY_ID, id=notice_id)


@router.patch(
    "/notices/{notice_id}",
    **operation(
        Action.NOTICE_PUBLISH,
        "Amend the draft of a notice",
        NoticeView,
        suffix="amend",
        amends=True,
        example={"complaints": "Ring 101 and ask for the data protection officer."},
    ),
)
async def amend_notice(door: AtDoor, notice_id: Id, amendment: NoticeAmendment) -> Response:
    """Whoever amends it has written it, and does not approve it."""
    return await door.write(lambda work: actions.amend(work, notice_id, amendment))


@router.post(
    "/notices/{notice_id}/withdrawal",
    **operation(
        Action.NOTICE_PUBLISH, "Withdraw the draft of a notice", NoticeView, suffix="withdraw", moves=True, example={}
    ),
)
async def withdraw_notice(door: AtDoor, notice_id: Id, _: NoticeWithdrawal) -> Response:
    """It stays on record. What is in force is superseded by the next version, and not withdrawn."""
    return await door.write(lambda work: actions.withdraw(work, notice_id))


@router.post(
    "/notices/{notice_id}/approval",
    **operation(
        Action.NOTICE_APPROVE,
        "Approve a notice",
        NoticeView,
        moves=True,
        problems=(NeverTheWriter, WelshMissing),
        example={},
    ),
)
async def approve_notice(door: AtDoor, notice_id: Id, _: NoticeApproval) -> Response:
    """Never by whoever wrote or amended it. It is in force from now on, and the version before it stays readable."""
    return await door.write(lambda work: actions.approve(work, notice_id))
