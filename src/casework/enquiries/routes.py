"""HTTP for enquiries."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.enquiries import actions, queries
from casework.enquiries.lifecycle import EnquiryState
from casework.enquiries.problems import ContactNotVerified, NoTeam
from casework.enquiries.schemas import (
    ContactUnverification,
    ContactVerification,
    DuplicateMarking,
    EnquiryHandOver,
    EnquiryPage,
    EnquiryReference,
    EnquiryRefusal,
    EnquirySignposting,
    EnquiryStanding,
    EnquiryTriage,
    EnquiryView,
    MessageAdded,
    MessageAdding,
    MessageList,
    Nothing,
    OtherNeed,
    Received,
    StaffMessageList,
    Submission,
    TokenReissued,
    TrackingStanding,
    TrackingView,
)
from casework.kernel.columns import LocalDate, Moment
from casework.reference.actions import signposted
from casework.reference.schemas import Signposted
from casework.work.doorway import AtDoor, Cursor, DoorRoute, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["enquiries"], route_class=DoorRoute)

_submitting = operation(
    Action.ENQUIRY_SUBMIT,
    "Ask for protective security advice",
    Received,
    status=201,
    creates=True,
    problems=(NoTeam,),
    example={
        "need": "protective_security_advice",
        "organisation_name": "Markeaton Events Ltd",
        "site_name": "Market Hall",
        "postcode": "DE1 2DB",
        "description": "We expect 1,200 people at the Christmas market and would like advice on vehicles and queues.",
        "contact": {"name": "Ana Kowalska", "phone": "01632 960001"},
    },
)
_submitting["responses"][200] = {
    "model": Signposted,
    "description": "The need is another service's work: where to turn to. Nothing was stored.",
}


@router.post("/enquiries", **_submitting)
async def submit(door: AtDoor, submission: Submission) -> Response:
    """Say what is needed first. For every need but protective security advice the answer is where to turn to instead, and nothing is stored."""
    if isinstance(submission, OtherNeed):
        return Response(await signposted(door.house.database, submission.need), media_type="application/json")
    if door.outside:
        door.request.app.state.throttle.count_submission(door.request.scope)
    return await door.write(lambda work: actions.submit(work, submission), status=201)


@router.get("/tracking", **operation(Action.ENQUIRY_READ, "Track one's own enquiry", TrackingView, suffix="tracking"))
async def track(door: AtDoor) -> Response:
    """Where the enquiry of this tracking token stands, and the conversation."""
    return await door.one(queries.TRACKED, enquiry=None)


@router.get("/enquiries", **operation(Action.ENQUIRY_LIST, "List enquiries", EnquiryPage))
async def list_enquiries(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?(received_at|respond_by)$")] = "-received_at",
    state: EnquiryState | None = None,
    open: Annotated[bool | None, Query(description="Received or triaged.")] = None,
    received_from: Moment | None = None,
    received_to: Moment | None = None,
    due_before: LocalDate | None = None,
    reference: EnquiryReference | None = None,
) -> Response:
    """The enquiries of one's teams. A mistyped reference is told as mistyped."""
    filters = {
        "state": state,
        "open": open,
        "received_from": received_from,
        "received_to": received_to,
        "due_before": due_before,
        "reference": reference,
    }
    return await door.page(queries.ENQUIRY_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get("/enquiries/{enquiry_id}", **operation(Action.ENQUIRY_READ, "Read an enquiry", EnquiryView | TrackingView))
async def read_enquiry(door: AtDoor, enquiry_id: Id) -> Response:
    """In full for staff; with a tracking token, one's own as the business sees it."""
    return await door.one(queries.TRACKED_BY_ID if door.outside else queries.ENQUIRY_BY_ID, id=enquiry_id)


@router.get(
    "/enquiries/{enquiry_id}/messages",
    **operation(Action.ENQUIRY_READ, "Read the conversation", StaffMessageList | MessageList, suffix="messages"),
)
async def read_messages(door: AtDoor, enquiry_id: Id) -> Response:
    """The messages between the business and us, oldest first. The business never sees who wrote for us."""
    return await door.one(queries.OWN_MESSAGES if door.outside else queries.MESSAGES_OF, id=enquiry_id)


@router.post(
    "/enquiries/{enquiry_id}/messages",
    **operation(
        Action.ENQUIRY_MESSAGE,
        "Add a message",
        MessageAdded,
        status=201,
        creates=True,
        example={"body": "Could we speak on Thursday morning?"},
    ),
)
async def add_message(door: AtDoor, enquiry_id: Id, adding: MessageAdding) -> Response:
    """Write to the other side. Messages are append only."""
    if door.outside:
        door.request.app.state.throttle.count_submission(door.request.scope)
    return await door.write(lambda work: actions.add_message(work, enquiry_id, adding), status=201)


@router.post(
    "/enquiries/{enquiry_id}/withdrawal",
    **operation(
        Action.ENQUIRY_WITHDRAW, "Withdraw an enquiry", EnquiryStanding | TrackingStanding, moves=True, example={}
    ),
)
async def withdraw(door: AtDoor, enquiry_id: Id, _nothing: Nothing | None = None) -> Response:
    """The business wants no advice any more; it does this itself, or staff do it for them."""
    return await door.write(lambda work: actions.withdraw(work, enquiry_id))


@router.post(
    "/enquiries/{enquiry_id}/triage",
    **operation(
        Action.ENQUIRY_TRIAGE,
        "Triage an enquiry",
        EnquiryStanding,
        moves=True,
        example={"premises_id": "0190b2c4-0000-7000-8000-000000000003", "strand": "pal"},
    ),
)
async def triage(door: AtDoor, enquiry_id: Id, found: EnquiryTriage) -> Response:
    """Match the premises and say which competence is needed. Repeated, it replaces what was found before."""
    return await door.write(lambda work: actions.triage(work, enquiry_id, found))


@router.post(
    "/enquiries/{enquiry_id}/signposting",
    **operation(
        Action.ENQUIRY_SIGNPOST,
        "Point to another service",
        EnquiryStanding,
        moves=True,
        example={"signposted_to": "general_question", "reason_code": "general_question"},
    ),
)
async def signpost(door: AtDoor, enquiry_id: Id, to: EnquirySignposting) -> Response:
    """Close the enquiry; the business sees which service is the right one."""
    return await door.write(lambda work: actions.signpost(work, enquiry_id, to))


@router.post(
    "/enquiries/{enquiry_id}/refusal",
    **operation(
        Action.ENQUIRY_REFUSE,
        "Refuse an enquiry",
        EnquiryStanding,
        moves=True,
        example={"reason_code": "product_endorsement"},
    ),
)
async def refuse(door: AtDoor, enquiry_id: Id, refusal: EnquiryRefusal) -> Response:
    """The business is told that it was refused, not why: a person rings them where that is due."""
    return await door.write(lambda work: actions.refuse(work, enquiry_id, refusal))


@router.post(
    "/enquiries/{enquiry_id}/duplicate-marking",
    **operation(
        Action.ENQUIRY_MARK_DUPLICATE,
        "Mark an enquiry as a duplicate",
        EnquiryStanding,
        moves=True,
        example={"duplicate_of": "6f2c4a52-0f43-4d7f-9d0a-0d7a3d1f2b11"},
    ),
)
async def mark_duplicate(door: AtDoor, enquiry_id: Id, marking: DuplicateMarking) -> Response:
    """Of another enquiry of one's teams. Marking again names another; it can be undone."""
    return await door.write(lambda work: actions.mark_duplicate(work, enquiry_id, marking))


@router.post(
    "/enquiries/{enquiry_id}/duplicate-unmarking",
    **operation(
        Action.ENQUIRY_MARK_DUPLICATE,
        "Undo the marking as a duplicate",
        EnquiryStanding,
        moves=True,
        suffix="undo",
        example={},
    ),
)
async def unmark_duplicate(door: AtDoor, enquiry_id: Id, _nothing: Nothing | None = None) -> Response:
    """The enquiry is triaged again."""
    return await door.write(lambda work: actions.unmark_duplicate(work, enquiry_id))


@router.post(
    "/enquiries/{enquiry_id}/hand-over",
    **operation(
        Action.ENQUIRY_HAND_OVER,
        "Record that intelligence was passed on",
        EnquiryStanding,
        moves=True,
        example={"to": "Force intelligence bureau", "at": "2026-11-22T08:30:00.000Z"},
    ),
)
async def hand_over(door: AtDoor, enquiry_id: Id, handing: EnquiryHandOver) -> Response:
    """Intelligence, suspect details or an emergency: passed on to whom, and when. The text is then removed from the enquiry."""
    return await door.write(lambda work: actions.hand_over(work, enquiry_id, handing))


@router.post(
    "/enquiries/{enquiry_id}/contact-verification",
    **operation(
        Action.CONTACT_VERIFY,
        "Record that the contact was verified",
        EnquiryStanding,
        moves=True,
        example={"method": "call_back_independent_number"},
    ),
)
async def verify_contact(door: AtDoor, enquiry_id: Id, verification: ContactVerification) -> Response:
    """By calling back on an independently found number, or another recorded way. Until then the token opens status and messages only."""
    return await door.write(lambda work: actions.verify_contact(work, enquiry_id, verification))


@router.post(
    "/enquiries/{enquiry_id}/contact-unverification",
    **operation(
        Action.CONTACT_UNVERIFY,
        "Take back the verification of the contact",
        EnquiryStanding,
        moves=True,
        example={"reason": "Left the company last week."},
    ),
)
async def unverify_contact(door: AtDoor, enquiry_id: Id, unverification: ContactUnverification) -> Response:
    """Ends their wider access at once."""
    return await door.write(lambda work: actions.unverify_contact(work, enquiry_id, unverification))


@router.post(
    "/enquiries/{enquiry_id}/tracking-token",
    **operation(
        Action.ENQUIRY_REISSUE_TOKEN,
        "Give the contact a new tracking token",
        TokenReissued,
        moves=True,
        problems=(ContactNotVerified,),
        example={},
    ),
)
async def reissue_token(door: AtDoor, enquiry_id: Id, _nothing: Nothing | None = None) -> Response:
    """To a verified contact only. Shown once; the token before ends."""
    return await door.write(lambda work: actions.reissue_token(work, enquiry_id))
