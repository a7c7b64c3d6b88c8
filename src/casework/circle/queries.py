"""Every statement about shares, emergency access and transfers."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Boolean, Integer, Text, Uuid, any_, func, literal_column, null, select, update
from sqlalchemy import case as when
from sqlalchemy.dialects.postgresql import ARRAY

from casework.access.actions import Action
from casework.cases.lifecycle import CASE
from casework.cases.models import Case
from casework.cases.queries import CASES, HEADLINE_SEEN
from casework.circle.lifecycle import TRANSFER
from casework.circle.models import CaseShare, CaseTransfer, EmergencyAccess
from casework.circle.schemas import CaseShareView, CaseTransferView, EmergencyAccessView
from casework.kernel.lifecycle import Lifecycle
from casework.kernel.statements import Statement, given, written
from casework.kernel.tables import MOMENT, NOW, Moment3, columns
from casework.kernel.views import render
from casework.people.models import Team
from casework.work.composing import UUIDS, Listing, Reachable, Sort, create_under, guarded, show_one
from casework.work.unit import Guarded

case, share, emergency, transfer, team = map(columns, (Case, CaseShare, EmergencyAccess, CaseTransfer, Team))
SHARES = Reachable(CaseShare, "case_share", case="case_id")
EMERGENCIES = Reachable(EmergencyAccess, "emergency_access", case="case_id")
TRANSFERS = Reachable(CaseTransfer, "case_transfer", case="case_id")


def _team(id_: Any) -> Any:
    return select(team.name).where(team.id == id_).scalar_subquery()


def held(action: Action, lifecycle: Lifecycle | None = None) -> Guarded:
    """A case, once reach and state allow the action whatever its version; nobody else moves it until the end."""
    made = guarded(CASES, action=action, lifecycle=lifecycle, changes={}, headline=HEADLINE_SEEN, matched=False)
    guards: Any = made.change.composed
    row = select(case.id, case.team_id, case.restricted).where(guards.whereclause)
    return replace(made, change=Statement(row.with_for_update(key_share=True)))


TO_SHARE = held(Action.CASE_SHARE, CASE)
TO_UNSHARE = held(Action.CASE_UNSHARE)
TO_TRANSFER = held(Action.CASE_TRANSFER, CASE)
# A share or an offer goes to a team of another force; within one's own there are colleagues and collaborators.
ELSEWHERE = written(
    """
    SELECT t.id FROM casework.team t, casework.team o
    WHERE t.id = :to_team_id AND o.id = :team_id AND t.force_code <> o.force_code""",
    to_team_id=Uuid(),
    team_id=Uuid(),
)

_share = render(
    CaseShareView,
    CaseShare,
    to_team=_team(share.to_team_id),
    sharer=func.access.name_of(share.shared_by),
    state=when(
        (share.ended_at.is_not(None), literal_column("'ended'")),
        (share.until <= MOMENT, literal_column("'over'")),
        (share.restricted & ~share.includes_restricted, literal_column("'rests'")),
        else_=literal_column("'holds'"),
    ),
)
SHARE_SHOWN = show_one(SHARES, _share)
SHARE_KNOWN = Statement(
    select(share.id).where(share.id == given("id", Uuid()), share.case_id == given("case_id", Uuid()))
)
SHARE = create_under(
    CASES,
    "case_id",
    SHARES,
    SHARE_SHOWN,
    {
        "to_team_id": Uuid(),
        "mode": Text(),
        "includes_restricted": Boolean(),
        "purpose_code": Text(),
        "note": Text(),
        "until": Moment3(),
        "shared_by": given("me", Uuid()),
    },
    headline=HEADLINE_SEEN,
    repeated=("id",),
)
# One that ran out stands in nobody's way, and is shown with the date it had.
END_OLD_SHARE = Statement(
    update(share)
    .where(
        share.case_id == given("case_id", Uuid()),
        share.to_team_id == given("to_team_id", Uuid()),
        share.ended_at.is_(None),
        share.until <= MOMENT,
    )
    .values(ended_at=share.until)
    .returning(share.id)
)
END_SHARE = Statement(
    update(share)
    .where(
        share.id == given("id", Uuid()),
        share.case_id == given("case_id", Uuid()),
        SHARES.reached(),
        share.ended_at.is_(None),
    )
    .values(ended_at=NOW, ended_by=given("me", Uuid()))
    .returning(share.id, share.to_team_id)
)
# The visits of this transaction whose adviser came by the share.
VISITS_LEFT = written(
    """
    SELECT v.id, access.name_of(v.adviser_id) AS adviser FROM casework.site_visit v
    WHERE v.case_id = :case_id AND v.adviser_left_at IS NOT NULL AND v.xmin = pg_current_xact_id()::xid ORDER BY v.starts_at, v.id""",
    case_id=Uuid(),
)
SHARE_LIST = Listing(
    SHARES,
    _share,
    filters={"case_id": lambda: share.case_id == given("case_id", Uuid())},
    sorts={"shared_at": Sort(share.shared_at, Moment3())},
)

_emergency = render(
    EmergencyAccessView,
    EmergencyAccess,
    reference=select(case.reference).where(case.id == emergency.case_id).scalar_subquery(),
    person=func.access.name_of(emergency.person_id),
)
OPEN_IN_EMERGENCY = written(
    "SELECT * FROM access.open_in_emergency(:reference, :purpose_code, :reason)",
    reference=Text(),
    purpose_code=Text(),
    reason=Text(),
)
EMERGENCY_SHOWN = show_one(EMERGENCIES, _emergency)
EMERGENCIES_OF_CASE = Listing(
    EMERGENCIES,
    _emergency,
    filters={"case_id": lambda: emergency.case_id == given("case_id", Uuid())},
    sorts={"opened_at": Sort(emergency.opened_at, Moment3())},
)
EMERGENCIES_OF_TEAM = Listing(
    # Whoever answers for a team's log sees every one of its cases that was opened, restricted ones too.
    Reachable(EmergencyAccess, "emergency_access", about="case_id"),
    _emergency,
    filters={},
    sorts={"opened_at": Sort(emergency.opened_at, Moment3())},
)

_transfer = render(
    CaseTransferView, CaseTransfer, from_team=_team(transfer.from_team_id), to_team=_team(transfer.to_team_id)
)
TRANSFER_SHOWN = show_one(TRANSFERS, _transfer)
TRANSFER_KNOWN = Statement(
    select(transfer.id).where(transfer.id == given("id", Uuid()), transfer.case_id == given("case_id", Uuid()))
)
OFFER = create_under(
    CASES,
    "case_id",
    TRANSFERS,
    TRANSFER_SHOWN,
    {"to_team_id": Uuid(), "reason_code": Text(), "note": Text(), "offered_by": given("me", Uuid())},
    carries={
        "team_id": case.team_id,
        "restricted": case.restricted,
        "from_team_id": case.team_id,
        "reference": case.reference,
        "title": case.title,
        "strand": case.strand,
    },
    headline=HEADLINE_SEEN,
    repeated=("id",),
)
WITHDRAW = guarded(
    TRANSFERS,
    action=Action.CASE_TRANSFER,
    lifecycle=TRANSFER,
    changes={
        "decided_at": NOW,
        "decided_by": given("me", Uuid()),
        "title": null(),
        "note": null(),
    },
    returning=(transfer.case_id,),
)
# Row security says who sees the line at all; the action reaches those that the team received.
OFFER_SEEN = Statement(
    select(transfer.id, (transfer.to_team_id == any_(given("teams", UUIDS))).label("received")).where(
        transfer.id == given("id", Uuid())
    )
)
DECIDE = written(
    "SELECT * FROM access.decide_transfer(:id, :versions, :accepting, :premises_id, :note)",
    id=Uuid(),
    versions=ARRAY(Integer),
    accepting=Boolean(),
    premises_id=Uuid(),
    note=Text(),
)


def _transfers(by: str) -> Listing:
    return Listing(
        Reachable(CaseTransfer, "case_transfer", team=by, about="case_id"),
        _transfer,
        filters={"state": lambda: transfer.state == given("state", Text())},
        sorts={"offered_at": Sort(transfer.offered_at, Moment3())},
    )


RECEIVED = _transfers("to_team_id")
MADE = _transfers("from_team_id")
