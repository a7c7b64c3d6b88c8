"""Every statement about notices."""

from typing import Any

from sqlalchemy import Integer, Text, Uuid, and_, case, cast, func, literal_column, null, or_, select

from casework.access.actions import Action
from casework.kernel.statements import Statement, given, written
from casework.kernel.tables import columns
from casework.kernel.views import moment, render
from casework.notices.lifecycle import NOTICE, NoticeState
from casework.notices.models import Notice
from casework.notices.schemas import NoticeRow, NoticeText, NoticeView
from casework.people.models import Team
from casework.reference.models import LocalAuthority, PoliceForce, Postcode
from casework.work.amending import Amending, Rule
from casework.work.composing import (
    CTX,
    Listing,
    Reachable,
    Sort,
    begin,
    create,
    guarded,
    parameter,
    read_one,
    show_one,
)

notice, team, postcode, authority, force = map(columns, (Notice, Team, Postcode, LocalAuthority, PoliceForce))
NOTICES = Reachable(Notice, "notice")

# --- what the public reads ---

# What holds of every privacy notice, whoever wrote it: the law's, and this service's. None can leave it out.
ALWAYS = {
    "complaint_acknowledged": (
        "The force acknowledges your complaint within 30 days.",
        "Bydd yr heddlu yn cydnabod eich cwyn o fewn 30 diwrnod.",
    ),
    "complaint_to_regulator": (
        "Then, if you are not content with its answer, you may complain to the Information Commissioner:"
        " ico.org.uk/make-a-complaint, or 0303 123 1113.",
        "Wedyn, os nad ydych yn fodlon ar ei ateb, cewch gwyno i''r Comisiynydd Gwybodaeth:"
        " ico.org.uk/make-a-complaint, neu 0303 123 1113.",
    ),
    "disclosure": (
        "We do not send what you tell us to the Security Industry Authority, the regulator of the Terrorism"
        " (Protection of Premises) Act 2025. A court, an inquiry or the law can require records, and each such disclosure is"
        " noted.",
        "Nid ydym yn anfon yr hyn a ddywedwch wrthym at Awdurdod y Diwydiant Diogelwch, rheoleiddiwr Deddf Terfysgaeth"
        " (Diogelu Mangreoedd) 2025. Gall llys, ymchwiliad neu''r gyfraith fynnu cofnodion, a nodir pob datgeliad o''r fath.",
    ),
}
_welsh = (parameter("language", Text()) == literal_column("'cy'")) & notice.text_cy.is_not(None)


def _in_language(name: str) -> Any:
    return case((_welsh, getattr(notice, f"{name}_cy")), else_=getattr(notice, name))


def _always(english: str, welsh: str) -> Any:
    private = notice.kind == literal_column("'privacy'")
    return case((private & _welsh, literal_column(f"'{welsh}'")), (private, literal_column(f"'{english}'")))


_TRANSLATED = ("title", "text", "controller", "data_protection_officer", "complaints")
_text = render(
    NoticeText,
    Notice,
    language=case((_welsh, literal_column("'cy'")), else_=literal_column("'en'")),
    in_force_from=moment(notice.approved_at),
    **{name: _in_language(name) for name in _TRANSLATED},
    **{name: _always(*texts) for name, texts in ALWAYS.items()},
)
_named, _authority_named = parameter("force_code", Text()), parameter("local_authority_code", Text())
_force_of_authority = select(authority.force_code).where(authority.code == _authority_named).scalar_subquery()
_here = func.coalesce(
    _named,
    _force_of_authority,
    select(postcode.force_code).where(postcode.postcode == parameter("postcode", Text())).scalar_subquery(),
    select(authority.force_code)
    .join(Postcode, postcode.local_authority_code == authority.code)
    .where(postcode.postcode == parameter("postcode", Text()))
    .scalar_subquery(),
)


def _told(wanted: Any) -> Statement:
    """One text, for whoever asks. No record of a person is in it, so the log needs no ids."""
    body = select(_text).where(notice.id == wanted, notice.number.is_not(None)).scalar_subquery()
    allowed = case((CTX.decision == literal_column("'allow'"), body)).label("body")
    return Statement(select(CTX.decision, allowed, cast(null(), Integer).label("version")).select_from(begin()))


# What is named and is not there is told, and not answered with what holds everywhere.
_known = and_(
    or_(_named.is_(None), select(force.code).where(force.code == _named).exists()),
    or_(_authority_named.is_(None), _force_of_authority.is_not(None)),
)
IN_FORCE = _told(
    select(func.casework.notice_in_force(given("kind", Text()), _here)).where(_known).correlate(None).scalar_subquery()
)
PUBLISHED_BY_ID = _told(given("id", Uuid()))
SHOWN_WITH = Statement(
    select(cast(_text, Text).label("body"), notice.id).where(
        notice.id
        == func.coalesce(
            parameter("notice_id", Uuid()),
            func.casework.notice_in_force(literal_column("'privacy'"), given("force_code", Text())),
        ),
        func.casework.notice_may_be_shown(notice.id, given("force_code", Text())),
    )
)
"""The privacy notice that whoever asks for advice was shown: the one they name, else the one in force."""

# --- what the team keeps ---

_names: Any = literal_column(
    "(SELECT coalesce(json_agg(access.name_of(w.id) ORDER BY w.place), '[]')"
    " FROM unnest(casework.notice.writers) WITH ORDINALITY AS w (id, place))"
)
_allowed: Any = literal_column("""(SELECT coalesce(json_agg(o.word), '[]')
    FROM json_array_elements_text(access.allowed_actions('notice', casework.notice.state, NULL, casework.notice.team_id, false)) o (word)
    WHERE o.word <> 'notice.approve' OR (SELECT access.current_principal()) <> ALL (casework.notice.writers))""")
_notice = render(
    NoticeView, Notice, writers=_names, approved_by=func.access.name_of(notice.approved_by), allowed_actions=_allowed
)
NOTICE_BY_ID = read_one(NOTICES, _notice)
NOTICE_SHOWN = show_one(NOTICES, _notice)
NOTICE_LIST = Listing(
    NOTICES,
    render(NoticeRow, Notice),
    filters={
        "team_id": lambda: notice.team_id == given("team_id", Uuid()),
        "kind": lambda: notice.kind == given("kind", Text()),
        "state": lambda: notice.state == given("state", Text()),
    },
    sorts={"created_at": Sort(notice.created_at, notice.created_at.type)},
)
WRITE_NOTICE = create(
    NOTICES,
    NOTICE_SHOWN,
    {
        "team_id": Uuid(),
        "kind": Text(),
        "force_code": select(team.force_code).where(team.id == given("team_id", Uuid())).scalar_subquery(),
        **{name: Text() for each in _TRANSLATED for name in (each, f"{each}_cy")},
    },
)
AMEND_NOTICE = Amending(NOTICES, NOTICE_SHOWN, rule=Rule(NOTICE, Action.NOTICE_PUBLISH))
WITHDRAW_NOTICE = guarded(
    NOTICES,
    action=Action.NOTICE_PUBLISH,
    lifecycle=NOTICE,
    changes={"state": literal_column(f"'{NoticeState.WITHDRAWN}'")},
)
APPROVE_NOTICE = guarded(NOTICES, action=Action.NOTICE_APPROVE, lifecycle=NOTICE, changes={})
WELSH_LACKING = written(
    """
    SELECT ARRAY(SELECT m.name FROM (VALUES ('title_cy', n.title_cy, n.title), ('text_cy', n.text_cy, n.text),
            ('controller_cy', n.controller_cy, n.controller),
            ('data_protection_officer_cy', n.data_protection_officer_cy, n.data_protection_officer),
            ('complaints_cy', n.complaints_cy, n.complaints)) m (name, welsh, english)
        WHERE m.welsh IS NULL AND m.english IS NOT NULL) AS missing
    FROM casework.notice n JOIN casework.police_force f ON f.code = n.force_code
    WHERE n.id = :id AND (f.nation = 'Wales' OR num_nonnulls(
        n.title_cy, n.text_cy, n.controller_cy, n.data_protection_officer_cy, n.complaints_cy) > 0)""",
    id=Uuid(),
)
"""What is not said in Welsh, where the force serves Wales or has begun to."""
