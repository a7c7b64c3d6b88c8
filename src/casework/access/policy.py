"""THE matrix: how far each role reaches with each action. Equal to the domain owner's table by test.

What stands nowhere is denied. ``Reach`` says which rows; a (role, team) pair carries it.
"""

from enum import StrEnum
from typing import NamedTuple

from casework.access.actions import Action


class Role(StrEnum):
    """The parts people, businesses and tools play."""

    PUBLIC = "public"
    ENQUIRER = "enquirer"
    VERIFIED_ENQUIRER = "verified_enquirer"
    ADVISER = "adviser"
    REVIEWER = "reviewer"
    COORDINATOR = "coordinator"
    SUPERVISOR = "supervisor"
    INFORMATION_MANAGER = "information_manager"
    AUDITOR = "auditor"
    NATIONAL_READER = "national_reader"
    PROFESSIONAL_LEAD = "professional_lead"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


class Reach(StrEnum):
    """How far a role reaches with an action (``docs/authority.md``)."""

    NONE = "none"
    OWN = "own"
    REVIEWING = "reviewing"
    ASSIGNED = "assigned"
    INVOLVED = "involved"
    TEAM = "team"
    ACTING = "acting"
    """Reaches nothing yet: what a tool may do for a person who has agreed to it."""
    ALL = "all"


class Row(NamedTuple):
    """One action: what it is, and the reach of each role that has any."""

    what: str
    reach: dict[Role, Reach]


def _row(what: str, **reach: str) -> Row:
    return Row(what, {Role(role): Reach(value) for role, value in reach.items()})


EVERYBODY = {role.value: "all" for role in Role}

POLICY: dict[Action, Row] = {
    Action.SIGNPOST_LIST: _row("read the catalogue of services and how to reach them", **EVERYBODY),
    Action.REFERENCE_READ: _row("read sectors and reason codes and other look-ups", **EVERYBODY),
    Action.ENQUIRY_SUBMIT: _row(
        "ask for protective security advice",
        public="all",
        enquirer="all",
        verified_enquirer="all",
        adviser="all",
        coordinator="all",
        supervisor="all",
        service="all",
    ),
    Action.ENQUIRY_READ: _row(
        "read one enquiry",
        enquirer="own",
        verified_enquirer="own",
        adviser="team",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        service="team",
    ),
    Action.ENQUIRY_LIST: _row(
        "list and filter enquiries",
        adviser="team",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        service="team",
    ),
    Action.ENQUIRY_TAKE: _row(
        "take an enquiry to work on it or let it go", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.ENQUIRY_MESSAGE: _row(
        "add a message to the conversation with the business",
        enquirer="own",
        verified_enquirer="own",
        adviser="team",
        coordinator="team",
        supervisor="team",
    ),
    Action.ENQUIRY_WITHDRAW: _row(
        "withdraw an enquiry", enquirer="own", verified_enquirer="own", coordinator="team", supervisor="team"
    ),
    Action.ENQUIRY_TRIAGE: _row(
        "match the premises of an enquiry and say which competence it needs and its urgency and event",
        adviser="team",
        coordinator="team",
        supervisor="team",
    ),
    Action.ENQUIRY_ACCEPT: _row(
        "accept an enquiry into a new or existing case", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.ENQUIRY_ANSWER: _row(
        "end an enquiry with an answer that needs no case", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.CALL_RECORD: _row("record a call with enquiry and interim advice in one", adviser="team", supervisor="team"),
    Action.ENQUIRY_SIGNPOST: _row(
        "close an enquiry by pointing to another service",
        adviser="team",
        coordinator="team",
        supervisor="team",
    ),
    Action.ENQUIRY_REFUSE: _row("refuse an enquiry", coordinator="team", supervisor="team"),
    Action.ENQUIRY_MARK_DUPLICATE: _row(
        "mark an enquiry as a duplicate of another", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.ENQUIRY_REOPEN: _row(
        "take back a refusal or signposting or withdrawal", coordinator="team", supervisor="team"
    ),
    Action.ENQUIRY_TRANSFER: _row("pass an enquiry to another force", coordinator="team", supervisor="team"),
    Action.ENQUIRY_RECEIVE: _row("accept or return an enquiry passed here", coordinator="team", supervisor="team"),
    Action.ENQUIRY_REISSUE_TOKEN: _row(
        "give a contact a new tracking token", adviser="involved", coordinator="team", supervisor="team"
    ),
    Action.ENQUIRY_HAND_OVER: _row(
        "record that intelligence or an emergency found in an enquiry was passed on",
        adviser="team",
        coordinator="team",
        supervisor="team",
    ),
    Action.CONTACT_VERIFY: _row(
        "record that a contact was verified", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.CONTACT_UNVERIFY: _row(
        "withdraw the verification of a contact", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.CONTACT_REPLACE: _row(
        "name another contact when one has left", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.CONTACT_MANAGE: _row(
        "add or amend or end contacts of a case", adviser="involved", coordinator="team", supervisor="team"
    ),
    Action.CONTACT_READ_OUT: _row(
        "record that advice was read out to a contact without e-mail", adviser="involved", supervisor="team"
    ),
    Action.ORGANISATION_READ: _row(
        "read an organisation",
        verified_enquirer="own",
        adviser="all",
        reviewer="all",
        coordinator="all",
        supervisor="all",
        information_manager="all",
        national_reader="all",
        professional_lead="all",
        service="team",
    ),
    Action.ORGANISATION_WRITE: _row(
        "create or amend an organisation", adviser="team", coordinator="team", supervisor="team"
    ),
    Action.PREMISES_READ: _row(
        "read premises and areas and parties",
        verified_enquirer="own",
        adviser="team",
        reviewer="team",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        service="team",
    ),
    Action.PREMISES_WRITE: _row(
        "create or amend premises", adviser="team", coordinator="team", supervisor="team", service="acting"
    ),
    Action.PREMISES_MERGE: _row("merge duplicate premises", supervisor="team"),
    Action.PREMISES_UNMERGE: _row("undo a merge of premises", supervisor="team"),
    Action.PREMISES_IMPORT: _row("import premises in bulk", coordinator="team", supervisor="team"),
    Action.COMPLEX_MANAGE: _row("make a complex and add or take out premises", coordinator="team", supervisor="team"),
    Action.CASE_OPEN: _row("open a case without an enquiry", adviser="team", coordinator="team", supervisor="team"),
    Action.CASE_READ_HEADLINE: _row(
        "see that a case exists: reference and state and team and adviser",
        adviser="team",
        reviewer="team",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        auditor="all",
        national_reader="all",
        professional_lead="all",
        service="team",
    ),
    Action.CASE_READ: _row(
        "read a case in full",
        adviser="team",
        reviewer="reviewing",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        service="team",
    ),
    Action.CASE_AMEND: _row("amend the facts of a case", adviser="involved", supervisor="team"),
    Action.CASE_PRIORITISE: _row(
        "set urgency and the date of an event and move a date",
        adviser="involved",
        coordinator="team",
        supervisor="team",
    ),
    Action.CASE_TAKE: _row("take the next unallocated case", adviser="team"),
    Action.CASE_ALLOCATE: _row("allocate or re-allocate a case", coordinator="team", supervisor="team"),
    Action.CASE_HAND_OVER: _row("hand a case to a colleague", adviser="assigned", supervisor="team"),
    Action.CASE_COLLABORATE: _row("add a collaborator", adviser="assigned", supervisor="team"),
    Action.CASE_UNCOLLABORATE: _row("remove a collaborator", adviser="assigned", supervisor="team"),
    Action.CASE_SHARE: _row("share a case with another force read or contribute", supervisor="team"),
    Action.CASE_TRANSFER: _row("move a case to another force", supervisor="team"),
    Action.CASE_RECEIVE: _row("accept or return a case moved here", coordinator="team", supervisor="team"),
    Action.CASE_BREAK_GLASS: _row("open a case of another force in an emergency", supervisor="all"),
    Action.CASE_UNSHARE: _row("end a share with another force", supervisor="team"),
    Action.CASE_HOLD: _row("put a case on hold", adviser="assigned", supervisor="team"),
    Action.CASE_RESUME: _row("take a case off hold", adviser="assigned", supervisor="team"),
    Action.CASE_CLOSE: _row("close a case", adviser="assigned", supervisor="team"),
    Action.CASE_REOPEN: _row("reopen a closed case", adviser="assigned", supervisor="team"),
    Action.CASE_RESTRICT: _row("restrict or unrestrict a case", adviser="assigned", supervisor="team"),
    Action.CASE_UNRESTRICT: _row("lift the restriction of a case", supervisor="team"),
    Action.CASE_NOTE: _row(
        "add a note to a case",
        adviser="involved",
        reviewer="reviewing",
        coordinator="team",
        supervisor="team",
        service="acting",
    ),
    Action.CASE_MERGE: _row("merge duplicate cases", supervisor="team"),
    Action.CASE_UNMERGE: _row("undo a merge of cases", supervisor="team"),
    Action.DOCUMENT_ATTACH: _row(
        "attach a file",
        enquirer="own",
        verified_enquirer="own",
        adviser="involved",
        coordinator="team",
        supervisor="team",
        service="acting",
    ),
    Action.DOCUMENT_READ: _row(
        "download a file",
        enquirer="own",
        verified_enquirer="own",
        adviser="team",
        reviewer="reviewing",
        supervisor="team",
        information_manager="team",
        service="acting",
    ),
    Action.VISIT_PROPOSE: _row(
        "propose a site visit", adviser="involved", coordinator="team", supervisor="team", service="acting"
    ),
    Action.VISIT_AMEND: _row(
        "amend or move a site visit", adviser="involved", coordinator="team", supervisor="team", service="acting"
    ),
    Action.VISIT_CONFIRM: _row(
        "confirm or decline a proposed visit",
        verified_enquirer="own",
        adviser="involved",
        coordinator="team",
        supervisor="team",
    ),
    Action.VISIT_COMPLETE: _row(
        "log a visit as made with attendance and findings", adviser="involved", service="acting"
    ),
    Action.VISIT_SUPPLEMENT: _row("add to or correct a completed visit", adviser="involved", service="acting"),
    Action.VISIT_NO_ACCESS: _row("log a visit that could not be made", adviser="involved", service="acting"),
    Action.VISIT_CANCEL: _row(
        "cancel a visit", adviser="involved", coordinator="team", supervisor="team", service="acting"
    ),
    Action.VISIT_READ: _row(
        "read or list visits",
        verified_enquirer="own",
        adviser="team",
        reviewer="reviewing",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        service="team",
    ),
    Action.VISIT_CALENDAR: _row("read the calendar feed", adviser="own", coordinator="team", supervisor="team"),
    Action.FINDING_RECORD: _row("record or amend a finding of a visit", adviser="involved", service="acting"),
    Action.FINDING_READ: _row(
        "read findings",
        adviser="team",
        reviewer="reviewing",
        supervisor="team",
        information_manager="team",
        service="acting",
    ),
    Action.CHECKLIST_READ: _row(
        "read checklist versions",
        adviser="all",
        reviewer="all",
        coordinator="all",
        supervisor="all",
        professional_lead="all",
        administrator="all",
    ),
    Action.CHECKLIST_PUBLISH: _row("draft and publish a checklist version", professional_lead="all"),
    Action.ADVICE_DRAFT: _row("draft and amend advice", adviser="involved"),
    Action.ADVICE_SUBMIT: _row("submit advice for review", adviser="assigned"),
    Action.ADVICE_TAKE_BACK: _row(
        "take submitted advice back before it is decided", adviser="assigned", supervisor="team"
    ),
    Action.ADVICE_ASSIGN_REVIEWER: _row("ask a person to review", adviser="assigned", supervisor="team"),
    Action.ADVICE_REVIEW: _row("return or approve advice", reviewer="reviewing", supervisor="team"),
    Action.ADVICE_ISSUE: _row("issue approved advice", adviser="assigned", supervisor="team"),
    Action.ADVICE_CHECK_DOCUMENT: _row("ask whether a document is genuine and current, by its hash", **EVERYBODY),
    Action.ADVICE_WITHDRAW: _row("withdraw issued advice", supervisor="team"),
    Action.INTERIM_ADVICE_RECORD: _row(
        "record advice given by voice or in urgency before a report",
        adviser="involved",
        supervisor="team",
        service="acting",
    ),
    Action.ADVICE_READ: _row(
        "read advice",
        verified_enquirer="own",
        adviser="team",
        reviewer="reviewing",
        supervisor="team",
        information_manager="team",
        service="acting",
    ),
    Action.RECOMMENDATION_RESPOND: _row(
        "record the answer of the business", verified_enquirer="own", adviser="involved", supervisor="team"
    ),
    Action.RECOMMENDATION_VERIFY: _row(
        "verify that a recommendation was carried out", adviser="involved", service="acting"
    ),
    Action.RECOMMENDATION_READ: _row(
        "read the register of recommendations",
        verified_enquirer="own",
        adviser="team",
        reviewer="reviewing",
        supervisor="team",
        information_manager="team",
        service="acting",
    ),
    Action.LIBRARY_READ: _row(
        "read standard recommendations", adviser="all", reviewer="all", supervisor="all", professional_lead="all"
    ),
    Action.LIBRARY_MANAGE: _row("write and retire standard recommendations", professional_lead="all"),
    Action.SEARCH_QUERY: _row(
        "search enquiries and premises and cases and visits and advice",
        adviser="team",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        service="acting",
    ),
    Action.INBOX_READ: _row(
        "see and acknowledge what waits for oneself",
        adviser="own",
        reviewer="own",
        coordinator="own",
        supervisor="own",
        information_manager="own",
        auditor="own",
        professional_lead="own",
        administrator="own",
    ),
    Action.VIEW_MANAGE: _row(
        "keep saved views of lists",
        adviser="own",
        reviewer="own",
        coordinator="own",
        supervisor="team",
        information_manager="own",
        auditor="own",
        national_reader="own",
        professional_lead="own",
    ),
    Action.STATISTICS_READ: _row(
        "read workload and outcome figures",
        adviser="own",
        coordinator="team",
        supervisor="team",
        information_manager="team",
        national_reader="all",
        professional_lead="all",
    ),
    Action.EXPORT_LIST: _row("take a list as CSV", coordinator="team", supervisor="team", information_manager="team"),
    Action.EXPORT_REQUEST: _row("request an export", supervisor="team", information_manager="team"),
    Action.EXPORT_APPROVE: _row("approve an export above the cap", information_manager="team"),
    Action.EVENT_READ: _row("read the change feed", service="team"),
    Action.WEBHOOK_MANAGE: _row("manage webhook endpoints", administrator="all"),
    Action.CASE_ACCESS_LOG: _row(
        "see who has read or changed a case", supervisor="team", information_manager="team", auditor="all"
    ),
    Action.AUDIT_READ: _row("read the processing log", information_manager="team", auditor="all"),
    Action.AUDIT_VERIFY: _row("verify the processing log", auditor="all"),
    Action.JOB_MANAGE: _row("list and retry and drop failed jobs"),
    Action.DISCLOSURE_RECORD: _row(
        "record a disclosure outside the force",
        adviser="assigned",
        supervisor="team",
        information_manager="team",
    ),
    Action.RETENTION_REVIEW: _row("review and retain", information_manager="team"),
    Action.RETENTION_HOLD: _row("set or lift a legal hold", information_manager="team"),
    Action.RETENTION_DISPOSE: _row("dispose of a case past its period", information_manager="team"),
    Action.RETENTION_APPROVE_DISPOSAL: _row("approve a disposal", supervisor="team"),
    Action.ACCESS_EXPLAIN: _row(
        "explain why a person can or cannot see a record",
        supervisor="team",
        auditor="all",
        administrator="all",
    ),
    Action.PERSON_MANAGE: _row("manage people and roles and competences", administrator="all"),
    Action.PERSON_APPROVE_ROLE: _row(
        "approve giving or taking administrator or auditor or changing the address of one", administrator="all"
    ),
    Action.PERSON_LIST: _row(
        "find colleagues to assign or contact",
        adviser="team",
        reviewer="team",
        coordinator="team",
        supervisor="all",
        information_manager="team",
        auditor="all",
        professional_lead="all",
        administrator="all",
    ),
    Action.PERSON_ABSENT: _row(
        "record an absence and a deputy",
        adviser="own",
        reviewer="own",
        coordinator="own",
        supervisor="team",
        information_manager="own",
    ),
    Action.PERSON_DEPART: _row("hand over everything of somebody who leaves", supervisor="team"),
    Action.PERSON_SUSPEND: _row(
        "lock a person out at once or let them in again", supervisor="team", administrator="all"
    ),
    Action.PERSON_OFFER_REVIEW: _row("offer to review for other forces", reviewer="own", supervisor="team"),
    Action.TEAM_MANAGE: _row("manage forces and teams", administrator="all"),
    Action.CLIENT_MANAGE: _row("manage API clients and their scopes", administrator="all"),
    Action.CLIENT_AGREE: _row(
        "agree that a tool acts for oneself and end it",
        adviser="own",
        reviewer="own",
        coordinator="own",
        supervisor="own",
        information_manager="own",
        auditor="own",
        national_reader="own",
        professional_lead="own",
        administrator="own",
    ),
    Action.SESSION_REVOKE: _row("end a person's sessions", supervisor="team", administrator="all"),
    Action.SESSION_MANAGE_OWN: _row(
        "log in and out, see oneself, list and end own sessions",
        public="own",
        enquirer="own",
        verified_enquirer="own",
        adviser="own",
        reviewer="own",
        coordinator="own",
        supervisor="own",
        information_manager="own",
        auditor="own",
        national_reader="own",
        professional_lead="own",
        administrator="own",
        service="own",
    ),
    Action.JOB_READ: _row(
        "see the progress of a job one started",
        adviser="own",
        reviewer="own",
        coordinator="own",
        supervisor="own",
        information_manager="own",
        auditor="own",
        national_reader="own",
        professional_lead="own",
        administrator="own",
        service="own",
    ),
    Action.THREAT_LEVEL_SET: _row("record a change of a threat level", supervisor="all", professional_lead="all"),
    Action.THREAT_LEVEL_STRIKE: _row("strike a threat level entered by mistake", professional_lead="all"),
    Action.REFERENCE_MANAGE: _row("manage sectors and reason codes and signposts and holidays", administrator="all"),
    Action.NOTICE_PUBLISH: _row(
        "write and publish privacy notice and accessibility statement", information_manager="team"
    ),
    Action.NOTICE_APPROVE: _row(
        "approve a privacy notice or accessibility statement", supervisor="team", information_manager="team"
    ),
}

# A share with another force lends these to the advisers and supervisors of the team that it names, and nothing else.
SHARED_READ = frozenset(
    {
        Action.CASE_READ,
        Action.VISIT_READ,
        Action.FINDING_READ,
        Action.ADVICE_READ,
        Action.DOCUMENT_READ,
        Action.RECOMMENDATION_READ,
    }
)
SHARED_CONTRIBUTE = frozenset(
    {
        Action.CASE_NOTE,
        Action.DOCUMENT_ATTACH,
        Action.VISIT_PROPOSE,
        Action.VISIT_COMPLETE,
        Action.FINDING_RECORD,
    }
)
SHARED_WITH = frozenset({Role.ADVISER, Role.SUPERVISOR})
# What the adviser of a visit has for it alone, whoever has the case: ``access.of_own_visit()`` of the database. A share to
# contribute lends some of it for one's own visit only.
LENT_FOR_OWN_VISIT = frozenset({Action.VISIT_NO_ACCESS, Action.VISIT_SUPPLEMENT})
OF_OWN_VISIT = LENT_FOR_OWN_VISIT | {Action.VISIT_COMPLETE, Action.FINDING_RECORD}

# What an API client must have been given to use an action. What stands nowhere here needs no scope: it is everybody's, or one's
# own. Whatever else a tool reaches has one, or nothing is served (``access/catalogue.py``).
SCOPES: dict[Action, str] = {
    Action.ENQUIRY_SUBMIT: "enquiries.submit",
    Action.ENQUIRY_READ: "enquiries.read",
    Action.ENQUIRY_LIST: "enquiries.read",
    Action.ORGANISATION_READ: "organisations.read",
    Action.PREMISES_READ: "premises.read",
    Action.PREMISES_WRITE: "premises.write",
    Action.CASE_READ_HEADLINE: "cases.read",
    Action.CASE_READ: "cases.read",
    Action.CASE_NOTE: "notes.write",
    Action.DOCUMENT_ATTACH: "documents.write",
    Action.DOCUMENT_READ: "documents.read",
    Action.VISIT_PROPOSE: "visits.write",
    Action.VISIT_AMEND: "visits.write",
    Action.VISIT_COMPLETE: "visits.write",
    Action.VISIT_SUPPLEMENT: "visits.write",
    Action.VISIT_NO_ACCESS: "visits.write",
    Action.VISIT_CANCEL: "visits.write",
    Action.VISIT_READ: "visits.read",
    Action.FINDING_RECORD: "findings.write",
    Action.FINDING_READ: "findings.read",
    Action.INTERIM_ADVICE_RECORD: "interim_advice.write",
    Action.ADVICE_READ: "advice.read",
    Action.RECOMMENDATION_VERIFY: "recommendations.verify",
    Action.RECOMMENDATION_READ: "recommendations.read",
    Action.SEARCH_QUERY: "search.query",
    Action.EVENT_READ: "events.read",
}


def grantable() -> list[str]:
    """The scopes that open something: one whose every action is reached by acting alone opens nothing yet, and is not given."""
    open_now = {action for action, row in POLICY.items() if row.reach.get(Role.SERVICE) not in (None, Reach.ACTING)}
    return sorted({scope for action, scope in SCOPES.items() if action in open_now})


def unscoped() -> list[str]:
    """The actions by which a tool reaches records without having been given a scope: there may be none."""
    reach = {action: row.reach.get(Role.SERVICE) for action, row in POLICY.items()}
    return sorted(
        action.value for action, by in reach.items() if by not in (None, Reach.OWN, Reach.ALL) and action not in SCOPES
    )


def rows() -> list[tuple[str, str, str, str | None, str | None]]:
    """The matrix as ``access.policy`` holds it: action, role, reach, scope, share. What reaches nothing has no row."""
    found = []
    for action, row in POLICY.items():
        for role, reach in row.reach.items():
            shared = None
            if role in SHARED_WITH:
                shared = "read" if action in SHARED_READ else "contribute" if action in SHARED_CONTRIBUTE else None
            scope = SCOPES.get(action) if role is Role.SERVICE else None
            found.append((action.value, role.value, reach.value, scope, shared))
    return found
