"""Every statement about enquiries, their contacts and the conversation with the business."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    or_,
    select,
    table,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from casework.access.actions import Action
from casework.enquiries.lifecycle import ENDED, ENQUIRY, OPEN, PASSING, EnquiryState
from casework.enquiries.models import Contact, Enquiry, EnquiryMessage, EnquiryTransfer
from casework.enquiries.schemas import (
    ContactOfPast,
    ContactView,
    EnquiryRow,
    EnquiryStanding,
    EnquiryView,
    MessageAdded,
    MessageView,
    NoticeShown,
    StaffMessageView,
    TeamContact,
    TrackingStanding,
    TrackingView,
    TransferRow,
    TransferView,
)
from casework.kernel.statements import Statement, given, one_of, written
from casework.kernel.tables import NOW, Moment3, columns
from casework.kernel.views import listed, moment, render
from casework.notices.models import Notice
from casework.people.models import Team
from casework.premises.models import Premises
from casework.work.composing import UUIDS, Listing, Reachable, Sort, create_under, guarded, read_one, show_one
from casework.work.unit import Creation, Guarded

enquiry, contact, message, team, place, notice = map(
    columns, (Enquiry, Contact, EnquiryMessage, Team, Premises, Notice)
)
# The case of an accepted enquiry, as far as the business may know of it; its own slice stands above this one.
headline = table("case_headline", column("id", Uuid()), column("state", Text()), schema="casework")


@dataclass(frozen=True)
class _Own(Reachable):
    """The enquirer's reach: the one enquiry of the token, bound as ``enquiry``."""

    def shape(self, teams: Any, answering: Any, reaches: Any) -> Any:  # noqa: ARG002 — the token says it all
        return self.table.id == given("enquiry", Uuid())


ENQUIRIES = Reachable(Enquiry, "enquiry", case="case_id")
OWN = _Own(Enquiry, "enquiry", case="case_id")
MESSAGES = Reachable(EnquiryMessage, "enquiry_message")
passing = columns(EnquiryTransfer)
OFFERED_HERE = Reachable(EnquiryTransfer, "enquiry_transfer", team="to_team_id")
MADE_HERE = Reachable(EnquiryTransfer, "enquiry_transfer", team="from_team_id")

# --- intake ---

PLACE = written(
    """
    SELECT f.code AS force_code, f.name AS force, t.id AS team_id, t.name AS team, t.phone, t.phone_extension,
           t.relay, t.mailbox, t.hours, f.nation,
           ARRAY(SELECT b.day FROM casework.bank_holiday b WHERE b.nation = f.nation AND b.day > :today AND b.active) AS closed,
           coalesce((SELECT coalesce(s.replaced_by, s.code) FROM casework.local_authority s WHERE s.code = :local_authority_code),
                    :local_authority_code) AS local_authority_code
    FROM (
        SELECT 1 AS rank, p.force_code FROM casework.postcode p WHERE p.postcode = :postcode
        UNION ALL
        SELECT 2, a.force_code FROM casework.postcode p
        JOIN casework.local_authority a ON a.code = p.local_authority_code WHERE p.postcode = :postcode
        UNION ALL
        SELECT 3, a.force_code FROM casework.local_authority a WHERE a.code = :local_authority_code
    ) found
    JOIN casework.police_force f ON f.code = found.force_code
    LEFT JOIN casework.team t ON t.force_code = f.code AND t.intake
    ORDER BY found.rank LIMIT 1""",
    postcode=Text(),
    local_authority_code=Text(),
    today=Date(),
)
"""The force where a site lies, and the days it keeps: by its full postcode, else by the local authority. Never by the first half
of a postcode."""


def _plain_insert(into: Any, **types: Any) -> Statement:
    # Nothing is returned, nor any conflict named: either would need a right to read what the public may only write.
    values = {name: given(name, kind) for name, kind in types.items()}
    return Statement(insert(into).values(values).inline().on_conflict_do_nothing())


_ASKED: dict[str, Any] = {
    "id": Uuid(), "team_id": Uuid(), "reference": Text(), "channel": Text(), "force_code": Text(),
    "organisation_name": Text(), "site_name": Text(), "site_address": Text(), "town": Text(), "postcode": Text(),
    "local_authority_code": Text(), "sector": Text(), "description": Text(), "respond_by": Date(), "notice_id": Uuid(),
}  # fmt: skip
_NAMED: dict[str, Any] = {
    "id": Uuid(), "enquiry_id": Uuid(), "team_id": Uuid(), "name": Text(), "job_title": Text(), "email": Text(),
    "phone": Text(), "phone_extension": Text(), "relay": Boolean(),
}  # fmt: skip
SUBMIT = _plain_insert(Enquiry, **_ASKED)
"""What the public may state; all else the database sets."""
SUBMIT_FOR_CALLER = _plain_insert(Enquiry, **_ASKED, submitted_by=Uuid())
NAME_CONTACT = _plain_insert(Contact, **_NAMED)
NAME_NEXT_CONTACT = _plain_insert(Contact, **_NAMED, restricted=Boolean())
# What a new enquiry's sender gets: the token, and a message that says it has arrived.
ISSUE_TRACKING = "access.issue_tracking({}, {}, {}, interval '2 years')"
ACKNOWLEDGE = "work.acknowledge({})"

ASK_CODE = written(
    "SELECT * FROM access.ask_code(:request, :network, :an_hour)",
    request=LargeBinary(),
    network=LargeBinary(),
    an_hour=Integer(),
)
ENTER_CODE = written(
    "SELECT * FROM access.enter_code(:request, :seals, :given, make_interval(hours => :hours), :idle)",
    request=LargeBinary(),
    seals=ARRAY(LargeBinary()),
    given=LargeBinary(),
    hours=Integer(),
    idle=Integer(),
)

# --- the business ---

STATUS: dict[str, tuple[str, str]] = {
    "received": ("Received", "We read your enquiry and check whom to call. You hear from us by the date given."),
    "triaged": (
        "Being looked at",
        "We have read your enquiry and decide how we can help. You hear from us by the date given.",
    ),
    "accepted_open": ("Accepted", "An adviser will be chosen for you."),
    "accepted_allocated": ("With an adviser", "An adviser has your case and will get in touch."),
    "accepted_active": ("Being worked on", "An adviser is working on your case."),
    "accepted_follow_up": (
        "Advice given",
        "Read the advice and answer its recommendations. The adviser will follow it up.",
    ),
    "accepted_on_hold": ("Paused", "Work on your case is paused. We get in touch when it goes on."),
    "accepted_reopened": ("Opened again", "We look at your case again."),
    "accepted_closed": ("Closed", "The work on your case has ended. You may ask for advice again at any time."),
    "signposted": ("Another service can help", "Please turn to the service that is named here."),
    "transferred": ("Passed to another police force", "The force where the site lies looks at your enquiry."),
    "duplicate": ("Joined with another enquiry", "We have another enquiry about the same matter and work on that one."),
    "refused": ("Closed", "We cannot help with this enquiry. Ring the team if you think that is wrong."),
    "withdrawn": ("Withdrawn", "Nothing more happens. You may ask for advice again at any time."),
}
_case_state = select(headline.c.state).where(headline.c.id == enquiry.case_id).correlate(Enquiry).scalar_subquery()
_true_stage = case(
    (enquiry.state != literal_column("'accepted'"), enquiry.state),
    else_=literal_column("'accepted_'") + func.coalesce(_case_state, literal_column("'open'")),
)
# Who was not told of the end reads what they read before it; and goes on reading so where it is taken back, until there is news of
# the work: what was hidden is not told of afterwards.
_reads_on = and_(
    enquiry.shown_stage.is_not(None),
    case(
        (
            enquiry.state == literal_column("'accepted'"),
            and_(
                func.starts_with(enquiry.shown_stage, literal_column("'accepted_'")),
                one_of(func.coalesce(_case_state, literal_column("'closed'")), ("closed", "reopened")),
            ),
        ),
        else_=one_of(enquiry.state, [EnquiryState.RECEIVED.value, *(state.value for state in ENDED)]),
    ),
)
_shown_stage = case((_reads_on, enquiry.shown_stage))
_stage = func.coalesce(_shown_stage, _true_stage)
_shown_state = case(
    (or_(~_reads_on, enquiry.state == literal_column("'accepted'")), enquiry.state),
    else_=enquiry.shown_stage,
)
_shown: dict[str, Any] = {
    "state": _shown_state,
    "ended_at": moment(
        case(
            (~_reads_on, enquiry.ended_at),
            (
                enquiry.shown_stage == literal_column("'withdrawn'"),
                func.coalesce(enquiry.shown_ended_at, enquiry.ended_at),
            ),
        )
    ),
}


def untold_here(enquiries: Any, action: Action) -> Any:
    """Whether the caller's own enquiry is among those that were told of no end (``access.untold``)."""
    own = select(func.access.own_enquiries(literal_column(f"ARRAY['{action}']"))).scalar_subquery()
    return enquiries.bool_op("&&")(cast(own, UUIDS))


def _words(which: int) -> Any:
    return case(
        *(
            (literal_column(f"'{stage}'"), literal_column("'" + texts[which].replace("'", "''") + "'"))
            for stage, texts in STATUS.items()
        ),
        value=_stage,
        else_=literal_column("'Open'"),
    )


def _messages(view: Any, **more: Any) -> Any:
    return listed(
        select(render(view, EnquiryMessage, **more))
        .where(message.enquiry_id == enquiry.id)
        .order_by(message.created_at, message.id)
        .correlate(Enquiry)
    )


_tracked = render(
    TrackingView,
    Enquiry,
    **_shown,
    signposted_to=case((~_reads_on, enquiry.signposted_to)),
    status=_words(0),
    what_happens_next=_words(1),
    verified=literal_column("step.verified"),
    second_step=literal_column("step.step"),
    confirmed_until=moment(literal_column("step.until", Moment3())),
    team=select(render(TeamContact, Team)).where(team.id == enquiry.team_id).correlate(Enquiry).scalar_subquery(),
    messages=_messages(MessageView),
    allowed_actions=func.access.own_actions(literal_column("'enquiry'"), _shown_state),
)


def _with_step(query: Any) -> Any:
    step = func.access.own_step().table_valued(column("verified", Boolean()), column("step", Text()), column("until"))
    return query.join(step.render_derived(name="step"), true())


TRACKED = read_one(OWN, _tracked, where=true(), reach=lambda ctx: enquiry.id == ctx.enquiry, joined=_with_step)
TRACKED_BY_ID = read_one(OWN, _tracked, reach=lambda ctx: enquiry.id == ctx.enquiry, joined=_with_step)
TRACKED_SHOWN = show_one(OWN, render(TrackingStanding, Enquiry, **_shown, status=_words(0)))
OWN_MESSAGES = read_one(
    OWN,
    func.json_build_object(literal_column("'items'"), _messages(MessageView)),
    reach=lambda ctx: enquiry.id == ctx.enquiry,
)

# --- staff ---

_contact: dict[str, Any] = {
    "verified_by": func.access.name_of(contact.verified_by),
    "force_address": and_(contact.email.is_not(None), func.access.is_force_address(contact.email)),
}
_current = and_(contact.enquiry_id == enquiry.id, contact.current)
# Only a verified contact is given a token, or can be unverified; who brought it in does not verify it.
_allowed: Any = literal_column("""(
    SELECT coalesce(json_agg(o.action ORDER BY o.action), '[]'::json)
    FROM (SELECT json_array_elements_text(access.allowed_actions(
              'enquiry', enquiry.state, enquiry.case_id, enquiry.team_id, enquiry.restricted)) AS action
          -- The case that it joined is opened to it by the action by which it joined.
          UNION SELECT 'enquiry.accept' WHERE enquiry.case_withheld AND access.may_open_case(enquiry.case_id)) o
    WHERE o.action NOT IN ('contact.verify', 'contact.unverify', 'enquiry.reissue_token') OR EXISTS (
        SELECT FROM casework.contact k WHERE k.enquiry_id = enquiry.id AND k.current
          AND CASE o.action WHEN 'contact.verify' THEN access.verification_bar(k.id, true) IS NULL
                            ELSE k.verified_at IS NOT NULL END))""")
_LIKELY: Any = literal_column("""CASE WHEN access.holds('premises.read') THEN (
    SELECT coalesce(json_agg(json_build_object('id', l.id, 'name', l.name, 'address', l.address, 'town', l.town,
                                               'postcode', l.postcode, 'reasons', l.reasons)
                             ORDER BY cardinality(l.reasons) DESC, l.sort_key, l.id), '[]'::json)
    FROM (
        SELECT p.id, p.name, p.sort_key, p.address, p.town, p.postcode, array_remove(ARRAY[
            CASE WHEN p.postcode = enquiry.postcode THEN 'postcode' END,
            CASE WHEN p.name_key = k.key THEN 'name' END,
            CASE WHEN EXISTS (SELECT FROM casework.premises_alias a WHERE a.premises_id = p.id AND a.name_key = k.key
                                                                                       AND NOT casework.ended(a.ended_at))
                 THEN 'alias' END], NULL) AS reasons
        FROM (SELECT casework.name_key(enquiry.site_name) AS key) k, casework.premises p
        WHERE p.team_id = enquiry.team_id AND p.state <> 'merged' AND (
            p.postcode = enquiry.postcode OR p.name_key = k.key OR p.id IN (
                SELECT a.premises_id FROM casework.premises_alias a
                WHERE a.team_id = enquiry.team_id AND a.name_key = k.key AND NOT casework.ended(a.ended_at)))
        ORDER BY cardinality(array_remove(ARRAY[p.postcode = enquiry.postcode, p.name_key = k.key], NULL)) DESC, p.id
        LIMIT 20) l) END""")
_notice_shown = (
    select(render(NoticeShown, Notice)).where(notice.id == enquiry.notice_id).correlate(Enquiry).scalar_subquery()
)
_enquiry = render(
    EnquiryView,
    Enquiry,
    team=select(team.name).where(team.id == enquiry.team_id).correlate(Enquiry).scalar_subquery(),
    contact=select(render(ContactView, Contact, **_contact)).where(_current).correlate(Enquiry).scalar_subquery(),
    premises=select(place.name).where(place.id == enquiry.premises_id).correlate(Enquiry).scalar_subquery(),
    submitted_by=func.access.name_of(enquiry.submitted_by),
    privacy_notice=_notice_shown,
    shown_stage=_shown_stage,
    likely_premises=_LIKELY,
    allowed_actions=_allowed,
)
ENQUIRY_BY_ID = read_one(ENQUIRIES, _enquiry)
STANDING = show_one(
    ENQUIRIES,
    render(
        EnquiryStanding,
        Enquiry,
        shown_stage=_shown_stage,
        contact_verified=select(contact.verified_at.is_not(None)).where(_current).correlate(Enquiry).scalar_subquery(),
        allowed_actions=_allowed,
    ),
)
MESSAGES_OF = read_one(
    ENQUIRIES,
    func.json_build_object(
        literal_column("'items'"), _messages(StaffMessageView, person=func.access.name_of(message.person_id))
    ),
)
CONTACTS_OF = read_one(
    ENQUIRIES,
    func.json_build_object(
        literal_column("'items'"),
        listed(
            select(render(ContactOfPast, Contact, **_contact))
            .where(contact.enquiry_id == enquiry.id)
            .order_by(contact.current.desc(), contact.created_at.desc(), contact.id)
            .correlate(Enquiry)
        ),
    ),
)
ENQUIRY_LIST = Listing(
    ENQUIRIES,
    render(EnquiryRow, Enquiry),
    filters={
        "state": lambda: enquiry.state == given("state", Text()),
        "open": lambda: or_(~given("open", Boolean()), one_of(enquiry.state, [state.value for state in OPEN])),
        "received_from": lambda: enquiry.received_at >= given("received_from", Moment3()),
        "received_to": lambda: enquiry.received_at < given("received_to", Moment3()),
        "due_before": lambda: enquiry.respond_by < given("due_before", Date()),
        "reference": lambda: enquiry.reference == given("reference", Text()),
        "business_spoke_last": lambda: (
            enquiry.business_spoke_at.is_not(None) == given("business_spoke_last", Boolean())
        ),
    },
    sorts={"received_at": Sort(enquiry.received_at, Moment3()), "respond_by": Sort(enquiry.respond_by, Date())},
)

# --- messages ---

_over = [*(state.value for state in ENDED), "accepted_closed"]
_ways = select(
    func.concat(
        literal_column(
            "'Your enquiry is closed. Your message is kept, and a colleague is told. To speak to us, ring '"
        ),
        func.coalesce(team.phone, func.concat(literal_column("'101 and ask for '"), team.name)),
        case((team.phone_extension.is_not(None), func.concat(literal_column("' ext. '"), team.phone_extension))),
        literal_column("'.'"),
    )
).where(team.id == enquiry.team_id)
_answer = (
    select(case((one_of(_stage, _over), _ways.correlate(Enquiry).scalar_subquery())))
    .where(enquiry.id == message.enquiry_id, message.author == literal_column("'business'"))
    .correlate(EnquiryMessage)
    .scalar_subquery()
)
_message = show_one(MESSAGES, render(StaffMessageView, EnquiryMessage, person=literal_column("NULL")))
MESSAGE_ADDED = show_one(MESSAGES, render(MessageAdded, EnquiryMessage, answer=_answer))
ADD_MESSAGE = create_under(
    ENQUIRIES,
    "enquiry_id",
    MESSAGES,
    _message,
    {"author": literal_column("'staff'"), "person_id": given("me", Uuid()), "body": Text()},
)
ADD_OWN_MESSAGE: Creation = create_under(
    OWN, "enquiry_id", MESSAGES, _message, {"author": literal_column("'business'"), "body": Text()}
)
CASE_OF = Statement(select(enquiry.case_id).where(enquiry.id == given("id", Uuid())))
REMOVE_MESSAGES = Statement(
    update(message)
    .where(message.enquiry_id == given("id", Uuid()), message.id == any_(given("messages", ARRAY(Uuid))))
    .values(body=null(), removed_at=NOW)
    .returning(message.id)
)

# --- moves ---


def _move(action: Action, source: Reachable = ENQUIRIES, *, returning: Sequence[Any] = (), **changes: Any) -> Guarded:
    return guarded(source, action=action, lifecycle=ENQUIRY, changes=changes, returning=(enquiry.case_id, *returning))


TRIAGE = _move(
    Action.ENQUIRY_TRIAGE,
    premises_id=given("premises_id", Uuid()),
    organisation_id=given("organisation_id", Uuid()),
    strand=given("strand", Text()),
    triage_note=given("note", Text()),
)
_WHY = {"reason_code": given("reason_code", Text()), "reason_note": given("note", Text())}
_untold = or_(given("untold", Boolean()), and_(enquiry.handed_over_at.is_not(None), ~given("tell_business", Boolean())))
_ENDED: dict[str, Any] = {**_WHY, "ended_at": NOW, "shown_stage": case((_untold, _stage))}
SIGNPOST = _move(
    Action.ENQUIRY_SIGNPOST,
    returning=(enquiry.shown_stage,),
    signposted_to=given("signposted_to", Text()),
    **_ENDED,
)
REFUSE = _move(Action.ENQUIRY_REFUSE, returning=(enquiry.shown_stage,), **_ENDED)
_hidden = and_(
    one_of(enquiry.state, [state.value for state in ENDED]),
    one_of(enquiry.shown_stage, [state.value for state in OPEN]),
)
WAS_UNTOLD = Statement(
    select(func.coalesce(_hidden, literal_column("false")).label("untold")).where(enquiry.id == given("id", Uuid()))
)
REOPEN = _move(
    Action.ENQUIRY_REOPEN,
    shown_stage=case((enquiry.shown_stage == literal_column("'triaged'"), enquiry.shown_stage)),
    shown_ended_at=null(),
    signposted_to=null(),
    reason_code=null(),
    reason_note=null(),
    ended_at=null(),
    reopened_at=NOW,
    reopened_reason=given("reason", Text()),
    respond_by=given("respond_by", Date()),
)
TEAM_OF = Statement(select(enquiry.team_id).where(enquiry.id == given("id", Uuid())))
WITHDRAW = _move(Action.ENQUIRY_WITHDRAW, ended_at=NOW, shown_stage=null())
WITHDRAW_OWN = _move(Action.ENQUIRY_WITHDRAW, OWN, ended_at=NOW, shown_stage=null())
# Whoever was not told of the end withdraws as if there had been none; when it really ended stays as it is.
WITHDRAW_UNTOLD = guarded(
    OWN,
    changes={"shown_stage": literal_column("'withdrawn'"), "shown_ended_at": NOW},
    guards=(_hidden,),
)
# What closing a case does to the enquiries of it that were handed over, or to all, where staff say that they are told.
READ_AS_BEFORE = Statement(
    update(enquiry)
    .where(enquiry.case_id == given("case_id", Uuid()), enquiry.handed_over_at.is_not(None))
    .values(shown_stage=_stage)
    .returning(enquiry.id)
)
READ_AS_IT_IS = Statement(
    update(enquiry)
    .where(enquiry.case_id == given("case_id", Uuid()), enquiry.shown_stage.is_not(None))
    .values(shown_stage=null())
    .returning(enquiry.id)
)
MARK_DUPLICATE = _move(Action.ENQUIRY_MARK_DUPLICATE, duplicate_of=given("duplicate_of", Uuid()), ended_at=NOW)
UNMARK_DUPLICATE = replace(
    guarded(
        ENQUIRIES,
        changes={"state": "triaged", "duplicate_of": null(), "ended_at": null()},
        guards=(enquiry.state == literal_column("'duplicate'"),),
        returning=(enquiry.case_id,),
    ),
    states=["duplicate"],
)
# Held until the end: it does not end while another is marked as its duplicate.
ORIGINAL = Statement(
    select(enquiry.id, enquiry.state, enquiry.duplicate_of)
    .where(enquiry.id == given("id", Uuid()), ENQUIRIES.reached())
    .with_for_update(read=True)
)
REMOVED = "(removed)"
"""Stands for the name of a site that held what had to go."""
CLEAR_CONTACTS = Statement(
    update(contact)
    .where(contact.enquiry_id == given("id", Uuid()))
    .where(
        or_(
            contact.verification_note.is_not(None),
            contact.unverified_reason.is_not(None),
            contact.verification_exception.is_not(None),
        )
    )
    .values(
        verification_note=null(),
        unverified_reason=null(),
        verification_exception=case((contact.verification_exception.is_not(None), literal_column(f"'{REMOVED}'"))),
        version=contact.version + 1,
    )
)
CLEAR_TRANSFERS = Statement(
    update(passing)
    .where(passing.enquiry_id == given("id", Uuid()))
    .values(
        note=null(),
        decision_note=null(),
        site_name=case((given("site", Boolean()), literal_column(f"'{REMOVED}'")), else_=passing.site_name),
        version=passing.version + 1,
    )
)


def _unless_removed(stored: Any, instead: Any) -> Any:
    return case((given("site", Boolean()), instead), else_=stored)


HAND_OVER = _move(
    Action.ENQUIRY_HAND_OVER,
    description=null(),
    triage_note=null(),
    reason_note=null(),
    reopened_reason=null(),
    site_name=_unless_removed(enquiry.site_name, literal_column(f"'{REMOVED}'")),
    organisation_name=_unless_removed(enquiry.organisation_name, null()),
    site_address=_unless_removed(enquiry.site_address, null()),
    handed_over_to=given("to", Text()),
    handed_over_at=given("at", Moment3()),
)
ACCEPT = _move(Action.ENQUIRY_ACCEPT, case_id=given("case_id", Uuid()), restricted=given("restricted", Boolean()))
TO_ACCEPT = replace(
    ACCEPT,
    change=Statement(
        select(
            enquiry.id,
            enquiry.team_id,
            enquiry.reference,
            enquiry.site_name,
            enquiry.strand,
            enquiry.premises_id,
            enquiry.organisation_id,
        )
        .where(
            enquiry.id == given("id", Uuid()),
            ENQUIRIES.reached(),
            one_of(enquiry.state, ENQUIRY.sources(Action.ENQUIRY_ACCEPT)),
            enquiry.version == any_(given("versions", ARRAY(Integer))),
        )
        .with_for_update()
    ),
)
"""What a case is made from, once reach, version and state allow it; nobody else moves the enquiry until the end."""
REISSUE = _move(Action.ENQUIRY_REISSUE_TOKEN, token_number=enquiry.token_number + 1)
OPEN_CASE = guarded(
    ENQUIRIES,
    changes={"case_withheld": literal_column("false")},
    guards=(enquiry.case_withheld,),
    returning=(enquiry.case_id,),
)
"""Who may, the database judges (``access/sql/contacts.sql``)."""
VERIFICATION_BAR = Statement(
    select(func.access.verification_bar(contact.id, given("excepted", Boolean())).label("why")).where(
        contact.enquiry_id == given("id", Uuid()), contact.current
    )
)
TOUCH_FOR_VERIFICATION = _move(Action.CONTACT_VERIFY)
TOUCH_FOR_UNVERIFICATION = _move(Action.CONTACT_UNVERIFY)
TOUCH_FOR_REPLACEMENT = guarded(
    ENQUIRIES,
    action=Action.CONTACT_REPLACE,
    lifecycle=ENQUIRY,
    changes={},
    returning=(enquiry.case_id, enquiry.team_id, enquiry.restricted),
)
"""The contact is part of the enquiry's view, so the enquiry's version tells of its changes."""
CURRENT_CONTACT = Statement(
    select(contact.id, contact.verified_at, enquiry.reference)
    .join_from(Contact, Enquiry, contact.enquiry_id == enquiry.id)
    .where(enquiry.id == given("id", Uuid()), contact.current)
)
VERIFY = Statement(
    update(contact)
    .where(contact.enquiry_id == given("id", Uuid()), contact.current)
    .values(
        verified_at=NOW,
        verified_by=given("me", Uuid()),
        verification_method=given("method", Text()),
        verification_note=given("note", Text()),
        verification_exception=given("exception_reason", Text()),
        unverified_reason=null(),
        version=contact.version + 1,
    )
    .returning(contact.id)
)
UNVERIFY = Statement(
    update(contact)
    .where(contact.enquiry_id == given("id", Uuid()), contact.current, contact.verified_at.is_not(None))
    .values(
        verified_at=null(),
        verified_by=null(),
        verification_method=null(),
        verification_note=null(),
        verification_exception=null(),
        unverified_reason=given("reason", Text()),
        version=contact.version + 1,
    )
    .returning(contact.id)
)
END_CONTACT = Statement(
    update(contact)
    .where(contact.enquiry_id == given("id", Uuid()), contact.current)
    .values(current=literal_column("false"), unverified_reason=given("reason", Text()), version=contact.version + 1)
    .returning(contact.id)
)

# --- to another force ---

TRANSFER = _move(Action.ENQUIRY_TRANSFER)
TO_TRANSFER = replace(
    TRANSFER,
    change=Statement(
        select(
            enquiry.id,
            enquiry.team_id,
            enquiry.restricted,
            enquiry.reference,
            enquiry.site_name,
            enquiry.state,
            enquiry.force_code,
        )
        .where(
            enquiry.id == given("id", Uuid()),
            ENQUIRIES.reached(),
            one_of(enquiry.state, ENQUIRY.sources(Action.ENQUIRY_TRANSFER)),
            enquiry.version == any_(given("versions", ARRAY(Integer))),
        )
        .with_for_update()
    ),
)
"""What an offer is made from; nobody else moves the enquiry until it is made."""
INTAKE_ELSEWHERE = Statement(
    select(team.id).where(
        team.id == given("to_team_id", Uuid()), team.intake, team.force_code != given("force_code", Text())
    )
)
OFFER = _plain_insert(
    EnquiryTransfer,
    id=Uuid(),
    enquiry_id=Uuid(),
    team_id=Uuid(),
    restricted=Boolean(),
    reference=Text(),
    site_name=Text(),
    from_team_id=Uuid(),
    to_team_id=Uuid(),
    state_before=Text(),
    note=Text(),
    offered_by=Uuid(),
)


def _team_name(id_: Any) -> Any:
    return select(team.name).where(team.id == id_).correlate(EnquiryTransfer).scalar_subquery()


_line: dict[str, Any] = {
    "from_team": _team_name(passing.from_team_id),
    "to_team": _team_name(passing.to_team_id),
    "offered_by": func.access.name_of(passing.offered_by),
    "decided_by": func.access.name_of(passing.decided_by),
}
# Each end has what is its own to decide.
_offered: Any = literal_column("""(
    SELECT coalesce(json_agg(o.action ORDER BY o.action), '[]'::json) FROM (
        SELECT json_array_elements_text(access.allowed_actions(
            'enquiry_transfer', enquiry_transfer.state, NULL, enquiry_transfer.to_team_id, false)) AS action
        INTERSECT SELECT 'enquiry.receive'
        UNION ALL (SELECT json_array_elements_text(access.allowed_actions(
            'enquiry_transfer', enquiry_transfer.state, NULL, enquiry_transfer.from_team_id, false))
        INTERSECT SELECT 'enquiry.transfer')) o)""")
_transfer = render(TransferView, EnquiryTransfer, **_line, allowed_actions=_offered)
TRANSFER_BY_ID = read_one(
    MADE_HERE,
    _transfer,
    reach=lambda ctx: or_(MADE_HERE.within(ctx.teams, None, None), OFFERED_HERE.within(ctx.teams, None, None)),
)
TRANSFER_SHOWN = show_one(MADE_HERE, _transfer)


def _transfers(source: Reachable) -> Listing:
    return Listing(
        source,
        render(TransferRow, EnquiryTransfer, **_line),
        filters={"state": lambda: passing.state == given("state", Text())},
        sorts={"offered_at": Sort(passing.offered_at, Moment3())},
    )


TRANSFERS_RECEIVED, TRANSFERS_MADE = _transfers(OFFERED_HERE), _transfers(MADE_HERE)


def _to_settle(source: Reachable, action: Action) -> Guarded:
    """The offer, once reach, version and state allow a decision; the function that carries it out locks and judges it again."""
    judged = guarded(source, action=action, lifecycle=PASSING, changes={}, where=passing.id == given("id", Uuid()))
    states = PASSING.sources(action)
    return replace(
        judged,
        change=Statement(
            select(passing.id, passing.version, passing.enquiry_id, passing.to_team_id).where(
                passing.id == given("id", Uuid()),
                source.reached(),
                one_of(passing.state, states),
                passing.version == any_(given("versions", ARRAY(Integer))),
            )
        ),
    )


TO_RECEIVE = _to_settle(OFFERED_HERE, Action.ENQUIRY_RECEIVE)
TO_WITHDRAW = _to_settle(MADE_HERE, Action.ENQUIRY_TRANSFER)
SETTLE = written(
    "SELECT access.settle_enquiry_transfer(:id, :seen, :outcome, :note, :answer_by) AS settled",
    id=Uuid(),
    seen=Integer(),
    outcome=Text(),
    note=Text(),
    answer_by=Date(),
)
