"""Row-level security, rendered from one table of scopes: what of each table may be read by which action, written by which.

One shape for staff (``docs/decisions/0003``): a row is reached through the reader's teams unless it is restricted, or
through a case reached otherwise. The outside (enquirers, anonymous businesses) has policies and column grants of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from casework.access.actions import Action as A


@dataclass(frozen=True, slots=True)
class Outside:
    """What the public's login role may do with a table: columns it sees and the rows it reaches."""

    select: tuple[str, ...] = ()
    using: str = ""
    insert: tuple[str, ...] = ()
    check: str = ""
    update: tuple[str, ...] = ()
    may_update: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """How a table is guarded. ``using``/``check`` replace the common shape where a table is not a team's."""

    table: str
    read: A
    insert: tuple[A, ...] = ()
    update: tuple[A, ...] = ()
    case: str | None = None
    """The column that names the case; ``None`` where rows belong to a team only."""
    using: str | None = None
    check: str | None = None
    outside: Outside = field(default_factory=Outside)
    delete: bool = False
    key: str = "id"
    visit: str | None = None
    """The column that names the visit, where its own adviser may write what an action of theirs allows."""
    casework: str | None = None
    """Which rows are for those people alone who read findings and advice of the case, whatever else reaches them."""
    place: str | None = None
    """The column that names the place, where a share of its case opens it to be read (``access.lent_places``)."""

    def rows(self, teams: str, answering: str, reached: str) -> str:
        """The common shape, of two arrays of teams and of what tells that the case is reached by itself."""
        if self.case is None:
            return f"team_id = ANY ({teams})"
        return f"team_id = ANY ({teams}) AND NOT restricted OR restricted AND team_id = ANY ({answering}) OR {reached}"


def _words(actions: tuple[A, ...]) -> str:
    return "ARRAY[" + ", ".join(f"'{a.value}'" for a in actions) + "]"


EVERYBODY = "true"
OWN_OFFER = "person_id = (SELECT access.current_principal()) OR team_id = ANY ((SELECT access.read_teams('person.offer_review'))::uuid[])"
PUBLISHED = "state IN ('approved', 'superseded')"
IN_ENQUIRY = (
    "team_id = ANY ((SELECT access.{function}({argument}))::uuid[]) AND NOT restricted"
    " OR restricted AND enquiry_id IN (SELECT e.id FROM casework.enquiry e WHERE e.restricted)"
)
# The same to write, with the actions of the policy at hand in place of {words}: as far as the current one reaches, for one role
# may read what another role of the same person may not change.
IN_ENQUIRY_WRITTEN = (
    "team_id = ANY ((SELECT access.write_teams({words}))::uuid[]) AND NOT restricted"
    " OR restricted AND enquiry_id IN (SELECT e.id FROM casework.enquiry e"
    " WHERE e.restricted AND (e.team_id = ANY ((SELECT access.write_answering({words}))::uuid[])"
    " OR e.case_id = ANY ((SELECT access.write_cases({words}))::uuid[])))"
)
# The line of a transfer is read at both ends; the enquiry at the end where it is. An offer that was taken back is nobody else's.
PASSED_ENQUIRY = (
    "NOT restricted AND (from_team_id = ANY ((SELECT access.read_teams('enquiry.read'))::uuid[])"
    " OR state <> 'withdrawn' AND to_team_id = ANY ((SELECT access.read_teams('enquiry.receive'))::uuid[]))"
)
# Who was asked to receive a case, and who offered it, see that line for good. It tells nothing of the case once the offer has
# ended (access/sql/moving.sql), and while it stands the receiving team sees no more than it. The line of a restricted case holds
# its title, so it is for those who answer for restricted cases.
OFFERED_CASE = (
    "team_id = ANY ((SELECT access.read_teams('case.read'))::uuid[]) AND NOT restricted"
    " OR restricted AND team_id = ANY ((SELECT access.answering_teams('case.read'))::uuid[])"
    " OR case_id = ANY ((SELECT access.cases('case.read'))::uuid[])"
    " OR to_team_id = ANY ((SELECT access.read_teams('case.receive'))::uuid[]) AND NOT restricted"
    " OR to_team_id = ANY ((SELECT access.answering_teams('case.receive'))::uuid[])"
    " OR from_team_id = ANY ((SELECT access.read_teams('case.transfer'))::uuid[])"
)
# Who answers for the team's cases sees who opened them in an emergency, and so does the auditor.
OPENED_IN_EMERGENCY = (
    "team_id = ANY ((SELECT access.read_teams('case.read'))::uuid[]) AND NOT restricted"
    " OR restricted AND team_id = ANY ((SELECT access.answering_teams('case.read'))::uuid[])"
    " OR case_id = ANY ((SELECT access.cases('case.read'))::uuid[])"
    " OR team_id = ANY ((SELECT access.read_teams('case.access_log'))::uuid[])"
)
TRIAGE = (
    A.ENQUIRY_TRIAGE,
    A.ENQUIRY_ACCEPT,
    A.ENQUIRY_SIGNPOST,
    A.ENQUIRY_REFUSE,
    A.ENQUIRY_MARK_DUPLICATE,
    A.ENQUIRY_REOPEN,
    A.ENQUIRY_WITHDRAW,
    A.ENQUIRY_HAND_OVER,
    A.ENQUIRY_REISSUE_TOKEN,
    A.ENQUIRY_MESSAGE,
    A.CONTACT_VERIFY,
    A.CONTACT_UNVERIFY,
    A.CONTACT_REPLACE,
    A.ENQUIRY_TRANSFER,
)
CONTACTS = (A.CONTACT_VERIFY, A.CONTACT_UNVERIFY, A.CONTACT_REPLACE, A.ENQUIRY_HAND_OVER)
VISITING = (
    A.VISIT_AMEND,
    A.VISIT_CONFIRM,
    A.VISIT_COMPLETE,
    A.VISIT_SUPPLEMENT,
    A.VISIT_NO_ACCESS,
    A.VISIT_CANCEL,
)
ADVISING = (
    A.ADVICE_DRAFT,
    A.ADVICE_SUBMIT,
    A.ADVICE_TAKE_BACK,
    A.ADVICE_ASSIGN_REVIEWER,
    A.ADVICE_REVIEW,
    A.ADVICE_ISSUE,
    A.ADVICE_WITHDRAW,
)
# Whatever moves a case or stands in its timeline.
CASEWORK = (
    A.CASE_OPEN,
    A.ENQUIRY_ACCEPT,
    A.CASE_AMEND,
    A.CASE_TAKE,
    A.CASE_ALLOCATE,
    A.CASE_HAND_OVER,
    A.CASE_COLLABORATE,
    A.CASE_UNCOLLABORATE,
    A.CASE_SHARE,
    A.CASE_UNSHARE,
    A.CASE_TRANSFER,
    A.CASE_HOLD,
    A.CASE_RESUME,
    A.CASE_CLOSE,
    A.CASE_REOPEN,
    A.CASE_RESTRICT,
    A.CASE_UNRESTRICT,
    A.CASE_NOTE,
    A.VISIT_PROPOSE,
    *VISITING,
    A.FINDING_RECORD,
    *ADVISING,
    A.INTERIM_ADVICE_RECORD,
    A.RECOMMENDATION_RESPOND,
    A.RECOMMENDATION_VERIFY,
    A.CONTACT_VERIFY,
    A.CONTACT_UNVERIFY,
    A.CONTACT_REPLACE,
    A.ENQUIRY_MESSAGE,
    A.ENQUIRY_HAND_OVER,
)
OWN_CASES = "{column} = ANY ((SELECT access.own_cases({actions}))::uuid[])"
OWN_WRITE = "{column} = ANY ((SELECT access.own_cases(access.own_write({actions})))::uuid[])"


def _own(column: str, *actions: A) -> str:
    return OWN_CASES.format(column=column, actions=_words(actions))


def _own_write(column: str, *actions: A) -> str:
    return OWN_WRITE.format(column=column, actions=_words(actions))


def _reference(
    table: str,
    key: str = "id",
    *,
    manage: A = A.REFERENCE_MANAGE,
    change: tuple[A, ...] = (),
    delete: bool = False,
    outside: tuple[str, ...] = ("*",),
) -> Scope:
    changing = change or (manage,)
    doing = "(SELECT access.doing({words}))"
    return Scope(
        table,
        A.REFERENCE_READ,
        (manage,),
        changing,
        using=EVERYBODY,
        check=doing,
        key=key,
        delete=delete,
        outside=Outside(select=outside, using=EVERYBODY),
    )


# The lines of a timeline that tell of findings, advice and what was said of a visit afterwards; a line of a note follows the note.
OF_CASEWORK = (
    "split_part(action, '.', 1) IN ('advice', 'finding', 'interim_advice', 'recommendation')"
    # Also where another action moved them, such as a reviewer's leaving.
    " OR coalesce(subject_kind, '') IN ('advice', 'finding', 'interim_advice', 'recommendation')"
    f" OR action = '{A.VISIT_SUPPLEMENT.value}'"
    f" OR action = '{A.CASE_NOTE.value}' AND NOT EXISTS (SELECT FROM casework.case_note n WHERE n.id = subject_id)"
)

SCOPES: tuple[Scope, ...] = (
    _reference("police_force", "code", manage=A.TEAM_MANAGE),
    _reference("local_authority", "code"),
    _reference("postcode", "postcode"),
    _reference("lookup"),
    _reference("signpost"),
    _reference(
        "threat_level",
        manage=A.THREAT_LEVEL_SET,
        change=(A.THREAT_LEVEL_SET, A.THREAT_LEVEL_STRIKE),
        outside=(
            "id",
            "kind",
            "level",
            "since",
            "source_url",
            "state",
            "recorded_at",
            "struck_at",
            "struck_reason",
            "version",
        ),
    ),
    _reference("bank_holiday", outside=("id", "nation", "day", "name", "active", "version")),
    Scope(
        "notice",
        A.NOTICE_APPROVE,
        (A.NOTICE_PUBLISH,),
        (A.NOTICE_PUBLISH, A.NOTICE_APPROVE),
        using=f"{PUBLISHED} OR team_id = ANY ((SELECT access.read_teams('notice.approve'))::uuid[])",
        check="team_id = ANY ((SELECT access.write_teams({words}))::uuid[])",
        outside=Outside(
            select=(
                "id",
                "kind",
                "force_code",
                "number",
                "state",
                "title",
                "text",
                "controller",
                "data_protection_officer",
                "complaints",
                "title_cy",
                "text_cy",
                "controller_cy",
                "data_protection_officer_cy",
                "complaints_cy",
                "approved_at",
                "ended_at",
            ),
            using=PUBLISHED,
        ),
    ),
    _reference("team", manage=A.TEAM_MANAGE),
    Scope(
        "person",
        A.PERSON_LIST,
        (A.PERSON_MANAGE,),
        (A.PERSON_MANAGE,),
        using="team_id = ANY ((SELECT access.read_teams('person.list'))::uuid[]) OR id = (SELECT access.current_principal())",
        # never oneself
        check=f"(SELECT access.doing({_words((A.PERSON_MANAGE,))})) AND id <> (SELECT access.current_principal())",
    ),
    Scope(
        "review_offer",
        A.PERSON_OFFER_REVIEW,
        (A.PERSON_OFFER_REVIEW,),
        (A.PERSON_OFFER_REVIEW,),
        # What stands is found by whoever may ask for a review.
        using=f"{OWN_OFFER} OR ended_at IS NULL AND until >= (SELECT casework.today())"
        " AND (SELECT access.holds('advice.assign_reviewer'))",
        check="(SELECT access.doing({words})) AND (SELECT access.holds('person.offer_review')) AND (" + OWN_OFFER + ")",
    ),
    Scope("api_client", A.CLIENT_MANAGE, (A.CLIENT_MANAGE,), (A.CLIENT_MANAGE,)),
    Scope(
        "organisation",
        A.ORGANISATION_READ,
        (A.ORGANISATION_WRITE,),
        (A.ORGANISATION_WRITE,),
        using="team_id = ANY ((SELECT access.member_teams('organisation.read'))::uuid[])",
    ),
    Scope("organisation_directory", A.ORGANISATION_READ),
    Scope(
        "premises",
        A.PREMISES_READ,
        (A.PREMISES_WRITE, A.PREMISES_IMPORT),
        (A.PREMISES_WRITE, A.PREMISES_IMPORT, A.PREMISES_MERGE, A.PREMISES_UNMERGE),
        place="id",
    ),
    Scope("premises_area", A.PREMISES_READ, (A.PREMISES_WRITE,), (A.PREMISES_WRITE,), place="premises_id"),
    Scope("premises_party", A.PREMISES_READ, (A.PREMISES_WRITE,), (A.PREMISES_WRITE,), place="premises_id"),
    Scope(
        "premises_alias",
        A.PREMISES_READ,
        (A.PREMISES_WRITE, A.PREMISES_MERGE),
        (A.PREMISES_WRITE,),
        place="premises_id",
    ),
    Scope(
        "enquiry",
        A.ENQUIRY_READ,
        (A.ENQUIRY_SUBMIT,),
        # Where a case is closed, its enquiries that were handed over read as before, or as it is.
        (*TRIAGE, A.CASE_CLOSE),
        case="case_id",
        outside=Outside(
            select=(
                "id",
                "team_id",
                "restricted",
                "reference",
                "state",
                "force_code",
                "site_name",
                "organisation_name",
                "case_id",
                "received_at",
                "respond_by",
                "ended_at",
                "signposted_to",
                "shown_stage",
                "shown_ended_at",
                "version",
            ),
            using=f"id = ANY ((SELECT access.own_enquiries({_words((A.ENQUIRY_READ,))}))::uuid[])",
            # the rest is the database's to set
            insert=(
                "id",
                "team_id",
                "reference",
                "channel",
                "force_code",
                "organisation_name",
                "site_name",
                "site_address",
                "town",
                "postcode",
                "local_authority_code",
                "sector",
                "description",
                "respond_by",
                "notice_id",
            ),
            check=f"(SELECT access.doing({_words((A.ENQUIRY_SUBMIT,))})) AND state = 'received' AND case_id IS NULL AND NOT restricted"
            " AND channel = 'web'"
            " AND EXISTS (SELECT FROM casework.team t WHERE t.id = team_id AND t.intake)",
            update=("state", "ended_at", "shown_stage", "shown_ended_at", "version"),
            may_update=f"id = ANY ((SELECT access.own_enquiries(access.own_write({_words((A.ENQUIRY_WITHDRAW,))})))::uuid[])",
        ),
    ),
    Scope(
        "contact",
        A.ENQUIRY_READ,
        (A.ENQUIRY_SUBMIT, A.CONTACT_REPLACE),
        CONTACTS,
        using=IN_ENQUIRY.format(function="read_teams", argument="'enquiry.read'"),
        check=IN_ENQUIRY_WRITTEN,
        outside=Outside(
            # unverified and current, as the database sets them
            insert=("id", "enquiry_id", "team_id", "name", "job_title", "email", "phone", "phone_extension", "relay"),
            check=f"(SELECT access.doing({_words((A.ENQUIRY_SUBMIT,))})) AND access.made_here(enquiry_id)",
        ),
    ),
    Scope(
        "enquiry_message",
        A.ENQUIRY_READ,
        (A.ENQUIRY_MESSAGE,),
        (A.ENQUIRY_HAND_OVER,),
        using=IN_ENQUIRY.format(function="read_teams", argument="'enquiry.read'"),
        check=IN_ENQUIRY_WRITTEN,
        outside=Outside(
            select=("id", "enquiry_id", "team_id", "restricted", "author", "body", "created_at", "removed_at"),
            using=f"enquiry_id = ANY ((SELECT access.own_enquiries({_words((A.ENQUIRY_READ,))}))::uuid[])",
            insert=("id", "enquiry_id", "team_id", "restricted", "author", "body"),
            check=f"enquiry_id = ANY ((SELECT access.own_enquiries(access.own_write({_words((A.ENQUIRY_MESSAGE,))})))::uuid[])"
            " AND author = 'business' AND person_id IS NULL",
        ),
    ),
    Scope(
        "enquiry_transfer",
        A.ENQUIRY_READ,
        (A.ENQUIRY_TRANSFER,),
        (A.ENQUIRY_HAND_OVER,),
        using=PASSED_ENQUIRY,
        check=IN_ENQUIRY_WRITTEN,
    ),
    Scope("case_file", A.CASE_READ, (A.CASE_OPEN, A.ENQUIRY_ACCEPT), CASEWORK, case="id"),
    Scope(
        "case_headline",
        A.CASE_READ_HEADLINE,
        # In full. What an auditor sees of it is the view casework.case_outline.
        using="team_id = ANY ((SELECT access.headline_teams())::uuid[])",
        outside=Outside(select=("id", "state"), using=_own("id", A.ENQUIRY_READ)),
    ),
    Scope(
        "allocation",
        A.CASE_READ,
        (A.CASE_ALLOCATE, A.CASE_TAKE, A.CASE_HAND_OVER, A.ENQUIRY_ACCEPT, A.CASE_OPEN),
        (A.CASE_ALLOCATE, A.CASE_TAKE, A.CASE_HAND_OVER),
        case="case_id",
    ),
    Scope("collaborator", A.CASE_READ, (A.CASE_COLLABORATE,), (A.CASE_UNCOLLABORATE,), case="case_id"),
    Scope("case_note", A.CASE_READ, (A.CASE_NOTE,), (), case="case_id", casework="audience <> 'desk'"),
    Scope("case_share", A.CASE_READ, (A.CASE_SHARE,), (A.CASE_SHARE, A.CASE_UNSHARE), case="case_id"),
    Scope("emergency_access", A.CASE_READ, case="case_id", using=OPENED_IN_EMERGENCY),
    Scope("case_transfer", A.CASE_READ, (A.CASE_TRANSFER,), (A.CASE_TRANSFER,), case="case_id", using=OFFERED_CASE),
    Scope("case_event", A.CASE_READ, case="case_id", casework=OF_CASEWORK),
    Scope(
        "site_visit",
        A.VISIT_READ,
        (A.VISIT_PROPOSE,),
        (*VISITING, A.CASE_HAND_OVER, A.CASE_ALLOCATE),
        case="case_id",
        visit="id",
        outside=Outside(
            select=(
                "id",
                "case_id",
                "team_id",
                "restricted",
                "state",
                "kind",
                "starts_at",
                "ends_at",
                "zone",
                "place_note",
                "adviser_id",
                "confirmed_at",
                "untold",
                "version",
            ),
            using=_own("case_id", A.VISIT_READ),
            update=("state", "confirmed_at", "confirmed_by", "declined_at", "declined_note", "version"),
            may_update=_own_write("case_id", A.VISIT_CONFIRM),
        ),
    ),
    Scope(
        "finding",
        A.FINDING_READ,
        (A.VISIT_COMPLETE, A.FINDING_RECORD),
        (A.FINDING_RECORD, A.ADVICE_ISSUE),
        case="case_id",
        visit="visit_id",
    ),
    Scope("visit_supplement", A.FINDING_READ, (A.VISIT_SUPPLEMENT,), (), case="case_id", visit="visit_id"),
    Scope(
        "advice",
        A.ADVICE_READ,
        (A.ADVICE_DRAFT,),
        ADVISING,
        case="case_id",
        outside=Outside(
            select=(
                "id",
                "case_id",
                "team_id",
                "restricted",
                "reference",
                "number",
                "state",
                "title",
                "introduction",
                "correction_reason",
                "issued_threat_level",
                "issued_northern_ireland_threat_level",
                "issued_under",
                "follow_up_on",
                "issued_at",
                "ended_at",
                "untold",
                "version",
            ),
            using="state IN ('issued', 'superseded', 'withdrawn') AND " + _own("case_id", A.ADVICE_READ),
        ),
    ),
    Scope("advice_content", A.ADVICE_READ, case="case_id"),
    Scope("advice_contributor", A.ADVICE_READ, case="case_id"),
    Scope("advice_delivery", A.ADVICE_READ, (A.ADVICE_ISSUE,), (A.ADVICE_ISSUE,), case="case_id"),
    Scope("quality_review", A.ADVICE_READ, (A.ADVICE_REVIEW,), (), case="case_id"),
    Scope(
        "recommendation",
        A.RECOMMENDATION_READ,
        (A.ADVICE_DRAFT,),
        (A.ADVICE_DRAFT, A.ADVICE_ISSUE, A.RECOMMENDATION_RESPOND, A.RECOMMENDATION_VERIFY),
        case="case_id",
        delete=True,
        outside=Outside(
            select=(
                "id",
                "case_id",
                "team_id",
                "restricted",
                "advice_id",
                "line_id",
                "position",
                "action",
                "principle",
                "domain",
                "priority",
                "responsible_party",
                "target_on",
                "cost_band",
                "guidance",
                "answer",
                "verification",
                "created_at",
                "version",
            ),
            using="advice_id IN (SELECT a.id FROM casework.advice a) AND " + _own("case_id", A.RECOMMENDATION_READ),
            update=("answer", "version"),
            may_update=_own_write("case_id", A.RECOMMENDATION_RESPOND),
        ),
    ),
    Scope("recommendation_finding", A.RECOMMENDATION_READ, (A.ADVICE_DRAFT,), (), case="case_id", delete=True),
    Scope(
        "business_response",
        A.RECOMMENDATION_READ,
        (A.RECOMMENDATION_RESPOND,),
        (),
        case="case_id",
        outside=Outside(
            select=(
                "id",
                "case_id",
                "team_id",
                "restricted",
                "recommendation_id",
                "answer",
                "reason_code",
                "note",
                "responded_at",
            ),
            using=_own("case_id", A.RECOMMENDATION_READ),
            insert=(
                "id",
                "recommendation_id",
                "case_id",
                "team_id",
                "restricted",
                "answer",
                "reason_code",
                "note",
                "person_id",
            ),
            check=_own_write("case_id", A.RECOMMENDATION_RESPOND) + " AND person_id IS NULL",
        ),
    ),
    Scope(
        "verification",
        A.RECOMMENDATION_READ,
        (A.RECOMMENDATION_VERIFY,),
        (),
        case="case_id",
        outside=Outside(
            select=("id", "recommendation_id", "case_id", "state", "verified_at"),
            using=_own("case_id", A.RECOMMENDATION_READ),
        ),
    ),
    Scope("open_reason", A.RECOMMENDATION_READ, (A.CASE_CLOSE,), (), case="case_id"),
    Scope(
        "interim_advice",
        A.ADVICE_READ,
        (A.INTERIM_ADVICE_RECORD,),
        (A.ADVICE_ISSUE,),
        case="case_id",
        outside=Outside(
            select=("id", "case_id", "given_at", "given_to", "advice", "carried_into"),
            using="carried_into IN (SELECT a.id FROM casework.advice a) AND " + _own("case_id", A.ADVICE_READ),
        ),
    ),
)

BY_TABLE = {scope.table: scope for scope in SCOPES}
# Written by definer functions as the owner, so the owner (under FORCE like everybody) needs a policy on them.
KEPT = ("case_headline", "case_event", "organisation_directory", "emergency_access", "notice", "review_offer")
# Read by definer functions: which teams there are, in which of them a person stands, and whom to write to about what.
JUDGED_BY = ("team", "person", "police_force", "local_authority", "threat_level", "enquiry", "contact", "case_file")
# Read by the job that tells authors of a raised threat level: whose advice is not issued yet, and where its site lies.
TOLD_OF = ("advice", "premises")
# Compared by definer functions while a visit is logged or corrected: with the other visits of who made it, what was said of them
# since, and their towns; and with the teams that had the case, or contributed to it, when it was made.
COMPARED = ("site_visit", "visit_supplement", "premises", "case_transfer", "case_share")
LOGGING = (A.VISIT_PROPOSE, A.VISIT_COMPLETE, A.VISIT_SUPPLEMENT)
# Looked up by definer functions while somebody asks why a record can be seen, or reads the log, and at no other time.
LOCATED = (
    "enquiry",
    "enquiry_message",
    "enquiry_transfer",
    "site_visit",
    "finding",
    "advice",
    "interim_advice",
    "recommendation",
    "premises",
    "premises_area",
    "premises_party",
    "premises_alias",
    "organisation",
)


def _policy(scope: Scope, verb: str, role: str, using: str = "", check: str = "") -> str:
    clauses = (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")
    return f"CREATE POLICY {role.removeprefix('casework_')}_{verb.lower()} ON casework.{scope.table} FOR {verb} TO {role}{clauses}"


def _read(scope: Scope) -> str:
    read = _reached(scope, scope.read)
    if scope.place:
        read += f" OR {scope.place} = ANY ((SELECT access.lent_places())::uuid[])"
    return f"({read})" + _among_casework(scope) if scope.casework else read


def _reached(scope: Scope, action: A) -> str:
    return scope.rows(
        f"(SELECT access.read_teams('{action}'))::uuid[]",
        f"(SELECT access.answering_teams('{action}'))::uuid[]",
        f"{scope.case} = ANY ((SELECT access.cases('{action}'))::uuid[])",
    )


def _among_casework(scope: Scope) -> str:
    """What else is asked of whoever would read or write a row of casework."""
    if scope.casework is None:
        return ""
    return f" AND (NOT ({scope.casework}) OR (SELECT access.of_staff()) AND ({_reached(scope, A.ADVICE_READ)}))"


def _written(scope: Scope, words: str) -> str:
    # A list is compared with an array, made once. What is written is a row or a few: each is asked about by itself.
    reached = f"access.write_case({words}, {scope.case})"
    if scope.visit is not None:
        reached += f" OR access.write_visit({words}, {scope.visit})"
    written = scope.rows(
        f"(SELECT access.write_teams({words}))::uuid[]",
        f"(SELECT access.write_answering({words}))::uuid[]",
        reached,
    )
    return f"({written})" + _among_casework(scope) if scope.casework else written


def _columns(columns: tuple[str, ...]) -> str:
    return "" if columns == ("*",) else " (" + ", ".join(columns) + ")"


def _staff(scope: Scope) -> Iterator[str]:
    yield _policy(scope, "SELECT", "casework_staff", scope.using or _read(scope))
    yield f"GRANT SELECT ON casework.{scope.table} TO casework_staff"
    for verb, actions in (("INSERT", scope.insert), ("UPDATE", scope.update)):
        if actions:
            words = _words(actions)
            reach = (scope.check or "").replace("{words}", words) or _written(scope, words)
            using = "" if verb == "INSERT" else reach
            yield _policy(scope, verb, "casework_staff", using, reach)
            yield f"GRANT {verb} ON casework.{scope.table} TO casework_staff"
    if scope.delete:
        words = _words(scope.insert)
        reach = (scope.check or "").replace("{words}", words) or _written(scope, words)
        yield _policy(scope, "DELETE", "casework_staff", reach)
        yield f"GRANT DELETE ON casework.{scope.table} TO casework_staff"


def _outside(scope: Scope) -> Iterator[str]:
    outside = scope.outside
    if outside.select:
        yield _policy(scope, "SELECT", "casework_outside", outside.using)
        yield f"GRANT SELECT{_columns(outside.select)} ON casework.{scope.table} TO casework_outside"
    if outside.insert:
        yield _policy(scope, "INSERT", "casework_outside", check=outside.check)
        yield f"GRANT INSERT{_columns(outside.insert)} ON casework.{scope.table} TO casework_outside"
    if outside.update:
        yield _policy(scope, "UPDATE", "casework_outside", outside.may_update, outside.may_update)
        yield f"GRANT UPDATE{_columns(outside.update)} ON casework.{scope.table} TO casework_outside"


def statements() -> Iterator[str]:
    """Everything that guards the tables, as SQL that may be run again: security, policies, grants, log triggers."""
    for scope in SCOPES:
        table = f"casework.{scope.table}"
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"REVOKE ALL ON {table} FROM PUBLIC, casework_staff, casework_outside"
        yield (
            f"DO $$ DECLARE p text; BEGIN FOR p IN SELECT policyname FROM pg_policies WHERE schemaname = 'casework'"
            f" AND tablename = '{scope.table}' LOOP EXECUTE format('DROP POLICY %I ON {table}', p); END LOOP; END $$"
        )
        yield from _staff(scope)
        yield from _outside(scope)
        yield from _log_triggers(scope)
    for table in KEPT:
        yield f"CREATE POLICY owner_all ON casework.{table} TO casework_owner USING (true) WITH CHECK (true)"
    for table in JUDGED_BY:
        yield f"CREATE POLICY owner_select ON casework.{table} FOR SELECT TO casework_owner USING (true)"
    for table in TOLD_OF:
        telling = f"(SELECT access.doing({_words((A.THREAT_LEVEL_SET,))}))"
        yield f"CREATE POLICY owner_tell ON casework.{table} FOR SELECT TO casework_owner USING ({telling})"
    for table in COMPARED:
        logging = f"(SELECT access.doing({_words(LOGGING)}))"
        yield f"CREATE POLICY owner_compare ON casework.{table} FOR SELECT TO casework_owner USING ({logging})"
    for table in LOCATED:
        looking = f"(SELECT access.doing({_words((A.ACCESS_EXPLAIN, A.AUDIT_READ, A.CASE_ACCESS_LOG))}))"
        yield f"CREATE POLICY owner_locate ON casework.{table} FOR SELECT TO casework_owner USING ({looking})"


def _log_triggers(scope: Scope) -> Iterator[str]:
    table, recorded = f"casework.{scope.table}", scope.key == "id"
    if recorded:
        yield f"SELECT audit.make_log('{scope.table}', '{scope.case or ''}')"
    function = f"audit.log_{scope.table}()" if recorded else "audit.log_rows()"
    for verb, tables in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        yield (
            f"CREATE OR REPLACE TRIGGER log_{verb.lower()} AFTER {verb} ON {table} REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}"
        )
