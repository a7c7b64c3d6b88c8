"""HTTP for enquiries."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.enquiries import actions, queries
from casework.enquiries.lifecycle import EnquiryState, PassingState
from casework.enquiries.problems import (
    AwaitingVerification,
    CaseWithheld,
    CodeExpired,
    CodeWrong,
    ContactNotVerified,
    NoEmail,
    NoTeam,
    OwnContact,
    OwnVerification,
)
from casework.enquiries.schemas import (
    CodeAccepted,
    CodeEntry,
    CodeSent,
    ContactList,
    ContactReplacement,
    ContactUnverification,
    ContactVerification,
    DuplicateMarking,
    EnquiryHandOver,
    EnquiryPage,
    EnquiryReference,
    EnquiryRefusal,
    EnquiryReopening,
    EnquirySignposting,
    EnquiryStanding,
    EnquiryTransferring,
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
    TransferDeciding,
    TransferPage,
    TransferView,
)
from casework.kernel.columns import LocalDate, Moment
from casework.kernel.inputs import Flag
from casework.kernel.languages import chosen
from casework.kernel.problems import TooManyRequests
from casework.reference.actions import signposted
from casework.reference.schemas import Signposted
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

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
    language = chosen(None, door.request.headers.get("accept-language"))
    return await door.write(lambda work: actions.submit(work, submission, language), status=201)


@router.get("/tracking", **operation(Action.ENQUIRY_READ, "Track one's own enquiry", TrackingView, suffix="tracking"))
async def track(door: AtDoor) -> Response:
    """Where the enquiry of this tracking token stands, and the conversation."""
    return await door.one(queries.TRACKED, enquiry=None)


@router.post(
    "/tracking/code",
    **operation(
        Action.SESSION_MANAGE_OWN,
        "Ask for a one-time code",
        CodeSent,
        suffix="code",
        status=202,
        creates=True,
        problems=(AwaitingVerification, NoEmail, TooManyRequests),
        example={},
    ),
)
async def ask_code(door: AtDoor, _nothing: Nothing | None = None) -> Response:
    """Sent by e-mail to the verified contact; good once, for ten minutes and five tries, and on the device that asked: what is
    answered here goes with the code. It opens the visit's time and the advice. An address asks for one at a time."""
    return await door.write(lambda work: actions.ask_code(work, door.settings, door.network), status=202)


@router.post(
    "/tracking/confirmation",
    **operation(
        Action.SESSION_MANAGE_OWN,
        "Enter a one-time code",
        CodeAccepted,
        suffix="confirmation",
        creates=True,
        problems=(AwaitingVerification, CodeWrong, CodeExpired),
        example={"request": "lqJq0wJr3nO7mE0Zg1yq5cXq1n0m9o2v7kqk1m3bTgE", "code": "10293847"},
    ),
)
async def enter_code(door: AtDoor, entry: CodeEntry) -> Response:
    """Answers a second token for this device. Sent in `X-Confirmation` beside the tracking token, it opens what concerns the
    business itself; the tracking token alone opens no more than before. A lost reply: ask again with the same Idempotency-Key."""
    # The fingerprint that is kept tells nobody the code: it is of the request's own secret as well, which is stored nowhere.
    return await door.write(lambda work: actions.enter_code(work, entry, door.settings))


@router.get("/enquiries", **operation(Action.ENQUIRY_LIST, "List enquiries", EnquiryPage))
async def list_enquiries(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?(received_at|respond_by)$")] = "-received_at",
    state: EnquiryState | None = None,
    open: Annotated[Flag | None, Query(description="Received or triaged.")] = None,
    received_from: Moment | None = None,
    received_to: Moment | None = None,
    due_before: LocalDate | None = None,
    reference: EnquiryReference | None = None,
    business_spoke_last: Annotated[
        Flag | None, Query(description="Whether the business wrote last, also where all has ended.")
    ] = None,
) -> Response:
    """The enquiries of one's teams. A mistyped reference is told as mistyped."""
    filters = {
        "state": state,
        "open": open,
        "received_from": received_from,
        "received_to": received_to,
        "due_before": due_before,
        "reference": reference,
        "business_spoke_last": business_spoke_last,
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
    "/enquiries/{enquiry_id}/reopening",
    **operation(
        Action.ENQUIRY_REOPEN,
        "Reopen an enquiry",
        EnquiryStanding,
        moves=True,
        example={"reason": "Refused by mistake: it was meant for the enquiry beside it."},
    ),
)
async def reopen(door: AtDoor, enquiry_id: Id, reopening: EnquiryReopening) -> Response:
    """Take back a refusal, signposting or withdrawal: received anew, with a new date to answer by. The business is told; a
    tracking token that has run out stays so, and is issued anew to a verified contact."""
    return await door.write(lambda work: actions.reopen(work, enquiry_id, reopening))


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
        problems=(OwnContact,),
        example={"method": "call_back_independent_number"},
    ),
)
async def verify_contact(door: AtDoor, enquiry_id: Id, verification: ContactVerification) -> Response:
    """By calling back on an independently found number, or another recorded way. Until then the token opens status and messages only.
    Whoever submitted the enquiry, named the contact or was shown its token does not verify it."""
    return await door.write(lambda work: actions.verify_contact(work, enquiry_id, verification))


@router.post(
    "/enquiries/{enquiry_id}/case-opening",
    **operation(
        Action.ENQUIRY_ACCEPT,
        "Open a case to an enquiry that joined it",
        EnquiryStanding,
        moves=True,
        suffix="open-case",
        problems=(CaseWithheld,),
        example={},
    ),
)
async def open_case(door: AtDoor, enquiry_id: Id, _nothing: Nothing | None = None) -> Response:
    """An enquiry that somebody else joined to a case shows its contact nothing of it until the case's adviser, or a supervisor
    of its team, opens it."""
    return await door.write(lambda work: actions.open_case(work, enquiry_id))


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
    "/enquiries/{enquiry_id}/contact-replacement",
    **operation(
        Action.CONTACT_REPLACE,
        "Name another contact",
        EnquiryStanding,
        moves=True,
        example={"name": "Jo Fielding", "email": "jo@markethall.example", "reason": "Ana Kowalska has left."},
    ),
)
async def replace_contact(door: AtDoor, enquiry_id: Id, replacement: ContactReplacement) -> Response:
    """The contact before is out at once, with token and codes. The new one is unverified: verify them, then give them a token."""
    return await door.write(lambda work: actions.replace_contact(work, enquiry_id, replacement))


@router.get(
    "/enquiries/{enquiry_id}/contacts",
    **operation(Action.ENQUIRY_READ, "Read who was there for the business", ContactList, suffix="contacts"),
)
async def read_contacts(door: AtDoor, enquiry_id: Id) -> Response:
    """The contacts of an enquiry, now and before, with how each was verified. Staff only."""
    return await door.one(queries.CONTACTS_OF, id=enquiry_id)


@router.post(
    "/enquiries/{enquiry_id}/tracking-token",
    **operation(
        Action.ENQUIRY_REISSUE_TOKEN,
        "Give the contact a new tracking token",
        TokenReissued,
        moves=True,
        problems=(ContactNotVerified, OwnVerification),
        example={},
    ),
)
async def reissue_token(door: AtDoor, enquiry_id: Id, _nothing: Nothing | None = None) -> Response:
    """To a verified contact only, and by somebody else than whoever verified it. Shown once; the token before ends."""
    return await door.write(lambda work: actions.reissue_token(work, enquiry_id))


# --- to another force ---


@router.post(
    "/enquiries/{enquiry_id}/transfer",
    **operation(
        Action.ENQUIRY_TRANSFER,
        "Pass an enquiry to another force",
        TransferView,
        status=201,
        moves=True,
        example={"to_team_id": "0190b2c4-0000-7000-8000-000000000002", "note": "The site lies beyond the river."},
    ),
)
async def transfer(door: AtDoor, enquiry_id: Id, transferring: EnquiryTransferring) -> Response:
    """Offered to the intake team of another force, which sees reference, site and note, and accepts or returns it."""
    return await door.write(lambda work: actions.transfer(work, enquiry_id, transferring), status=201)


@router.get(
    "/enquiry-transfers",
    **operation(Action.ENQUIRY_LIST, "List enquiries passed between forces", TransferPage, suffix="transfers"),
)
async def list_transfers(
    door: AtDoor,
    direction: Literal["received", "made"] = "received",
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: Annotated[str, Query(pattern="^-?offered_at$")] = "-offered_at",
    state: PassingState | None = None,
) -> Response:
    """Offers received by one's teams, or made by them. Of an enquiry that was passed on, this line is all that stays."""
    listing = queries.TRANSFERS_RECEIVED if direction == "received" else queries.TRANSFERS_MADE
    return await door.page(listing, limit=limit, cursor=cursor, sort=sort, filters={"state": state})


@router.get(
    "/enquiry-transfers/{transfer_id}",
    **operation(Action.ENQUIRY_READ, "Read the line of a transfer", TransferView, suffix="transfer"),
)
async def read_transfer(door: AtDoor, transfer_id: Id) -> Response:
    """For either end: reference, site and note, and how it was decided."""
    return await door.one(queries.TRANSFER_BY_ID, id=transfer_id)


@router.post(
    "/enquiry-transfers/{transfer_id}/acceptance",
    **operation(
        Action.ENQUIRY_RECEIVE,
        "Accept an enquiry passed here",
        TransferView,
        suffix="acceptance",
        moves=True,
        example={"note": "We know the site."},
    ),
)
async def accept_transfer(door: AtDoor, transfer_id: Id, deciding: TransferDeciding) -> Response:
    """The enquiry is received here, with contact and messages, and is answered by a date of our own. The sender reads it no more."""
    return await door.write(lambda work: actions.settle(work, transfer_id, PassingState.ACCEPTED, deciding))


@router.post(
    "/enquiry-transfers/{transfer_id}/return",
    **operation(
        Action.ENQUIRY_RECEIVE,
        "Return an enquiry passed here",
        TransferView,
        suffix="return",
        moves=True,
        example={"note": "The site lies on your side."},
    ),
)
async def return_transfer(door: AtDoor, transfer_id: Id, deciding: TransferDeciding) -> Response:
    """The enquiry stands at its sender where it stood before."""
    return await door.write(lambda work: actions.settle(work, transfer_id, PassingState.RETURNED, deciding))


@router.post(
    "/enquiry-transfers/{transfer_id}/withdrawal",
    **operation(
        Action.ENQUIRY_TRANSFER,
        "Take back an offer",
        TransferView,
        suffix="withdrawal",
        moves=True,
        example={"note": "Sent by mistake."},
    ),
)
async def withdraw_transfer(door: AtDoor, transfer_id: Id, deciding: TransferDeciding) -> Response:
    """The enquiry goes on here where it stood before."""
    return await door.write(lambda work: actions.settle(work, transfer_id, PassingState.WITHDRAWN, deciding))
