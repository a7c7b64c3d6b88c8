"""What comes in and goes out about notices."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from casework.access.actions import Action
from casework.kernel.inputs import Input, Uuid, amendment
from casework.kernel.languages import Language
from casework.kernel.views import Page, View
from casework.notices.lifecycle import NoticeKind, NoticeState
from casework.notices.models import NoticeFacts


class NoticeWriting(NoticeFacts, Input):
    """A notice of the team's force. A privacy notice names the controller, the data protection officer and how to complain."""

    id: Uuid | None = None
    team_id: Uuid
    kind: NoticeKind


class NoticeApproval(Input):
    """Nothing needs to be stated: what is approved is the version that If-Match names."""


class NoticeWithdrawal(Input):
    """Nothing needs to be stated."""


class NoticeText(View):
    """A notice as the public reads it, in one language."""

    id: UUID
    """An enquiry that names it (``notice_id``) says that this version was shown."""
    kind: NoticeKind
    force_code: str | None
    """Null where the force has published none of its own."""
    number: int
    state: NoticeState
    language: Language
    title: str
    text: str
    controller: str | None
    data_protection_officer: str | None
    complaints: str | None
    complaint_acknowledged: str | None
    """Within which time the force says that it has the complaint."""
    complaint_to_regulator: str | None
    disclosure: str | None
    """To whom what was told us is not sent, and who can require it."""
    in_force_from: datetime
    ended_at: datetime | None


class NoticeRow(View):
    """A notice in a list."""

    id: UUID
    kind: NoticeKind
    force_code: str
    team_id: UUID
    number: int | None
    state: NoticeState
    title: str
    approved_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


class NoticeView(View):
    """A notice as the team keeps it, in both languages."""

    id: UUID
    kind: NoticeKind
    force_code: str
    team_id: UUID
    number: int | None
    """Given with the approval."""
    state: NoticeState
    title: str
    text: str
    controller: str | None
    data_protection_officer: str | None
    complaints: str | None
    title_cy: str | None
    text_cy: str | None
    controller_cy: str | None
    data_protection_officer_cy: str | None
    complaints_cy: str | None
    writers: list[str]
    """Who wrote or amended it: none of them approves it."""
    approved_by: str | None
    approved_at: datetime | None
    """Since when it is, or was, in force."""
    ended_at: datetime | None
    created_at: datetime
    version: int
    allowed_actions: list[Action]


class NoticePage(Page):
    """Notices, one page."""

    items: list[NoticeRow]
    next_cursor: str | None


if TYPE_CHECKING:
    NoticeAmendment = Input
else:
    NoticeAmendment = amendment("NoticeAmendment", NoticeFacts)
