"""The verbs of advice, from the first draft to what was verified."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from casework.advice import problems, queries
from casework.advice.lifecycle import AdviceState, Decision, DeliverBy, Priority
from casework.advice.schemas import (
    AdviceAmendment,
    AdviceCorrection,
    AdviceDrafting,
    AdviceIssuing,
    AdviceSubmission,
    AdviceTakingBack,
    AdviceWithdrawing,
    AnswerGiven,
    DeliveryRecording,
    InterimRecording,
    Progress,
    RecommendationAmendment,
    RecommendationDrafting,
    RecommendationOrder,
    Responding,
    ReviewerAsking,
    Reviewing,
    Verifying,
)
from casework.cases.actions import begin_work, follow_up
from casework.cases.lifecycle import RUNNING, CaseState
from casework.cases.problems import CompetenceMissing
from casework.kernel.problems import StateConflict
from casework.reference.actions import Levels, require_reason, require_word, threat_levels_now
from casework.work.messages import Notice, PersonNotice, notify, notify_person
from casework.work.times import CLOCKS_APART, require_ahead, require_behind
from casework.work.unit import Answer, Creation, Guarded, Work, given_fields

TARGET_AHEAD = "Give a day that is still to come: today, or later."

SENTENCE = 6
"""How many words evidence has at least, where no visit is cited."""


async def _created(work: Work, creation: Creation, stated: Any, **values: Any) -> tuple[UUID, bool]:
    """The id of a record, and whether it is new: from a repeat under the client's id nothing follows a second time."""
    known = stated.id is not None and await work.row(creation.shown, id=stated.id) is not None
    return await work.create(creation, stated, **values), not known


async def _advance(work: Work, change: Guarded, advice_id: UUID, **values: Any) -> Record:
    """Advance advice in the making; nothing is made ready on a case that is closed. Returns where the advice stands."""
    await work.advance(change, id=advice_id, **values)
    return await _unclosed(work, advice_id)


async def _unclosed(work: Work, advice_id: UUID) -> Record:
    standing = await work.obtain(queries.STANDING, id=advice_id)
    if standing["case_state"] == CaseState.CLOSED:
        _require_running(standing)
    return standing


def _require_running(standing: Record) -> None:
    if standing["case_state"] not in RUNNING:
        raise problems.CaseNotRunning(f"The case is {standing['case_state']}.", state=standing["case_state"])


async def _levels(work: Work, site: Record | None) -> Levels | None:
    """The threat levels in force at the site of a case; ``None`` where the case is not seen, which what follows says."""
    return await threat_levels_now(work, site["premises_id"], site["team_id"]) if site is not None else None


def _drafted_under(levels: Levels | None) -> dict[str, str | None]:
    """The stamps of a draft; null where nobody has recorded a level, for drafting goes on."""
    return {
        "drafted_threat_level": levels.national if levels else None,
        "drafted_northern_ireland_threat_level": levels.northern_ireland if levels else None,
    }


async def draft(work: Work, case_id: UUID, drafting: AdviceDrafting) -> Answer:
    """Begin the first version of advice on a case."""
    levels = _drafted_under(await _levels(work, await work.row(queries.SITE_OF_CASE, case_id=case_id)))
    advice_id, new = await _created(work, queries.DRAFT, drafting, reference="ADV", case_id=case_id, **levels)
    if new:
        await begin_work(work, case_id)
        work.say(case_id, subject=("advice", advice_id))
    return await work.show(queries.ADVICE_SHOWN, advice_id, location=f"/v1/advice/{advice_id}")


async def correct(work: Work, advice_id: UUID, correction: AdviceCorrection) -> Answer:
    """Begin a further version of issued advice, as a copy of it. The issued one stands until the new one is issued."""
    standing = await work.row(queries.STANDING, id=advice_id)
    levels = _drafted_under(await _levels(work, standing))
    made, new = await _created(work, queries.CORRECT, correction, corrects=advice_id, **levels)
    if new and standing is not None:
        _require_running(standing)
        await work.rows(queries.COPY_RECOMMENDATIONS, id=made, corrects=advice_id)
        await work.rows(queries.COPY_CITATIONS, id=made, corrects=advice_id)
        await begin_work(work, standing["case_id"])
        work.say(standing["case_id"], subject=("advice", made), reason=correction.correction_reason)
    return await work.show(queries.ADVICE_SHOWN, made, location=f"/v1/advice/{made}")


async def amend(work: Work, advice_id: UUID, amendment: AdviceAmendment) -> Answer:
    """Change the text of a draft."""
    given = given_fields(amendment)
    await _advance(work, queries.amend(frozenset(given)), advice_id, **given)
    return await work.show(queries.ADVICE_SHOWN, advice_id)


async def _cite(work: Work, recommendation_id: UUID, finding_ids: list[UUID]) -> None:
    cited = await work.rows(queries.CITE, id=recommendation_id, finding_ids=finding_ids)
    if len(cited) != len(finding_ids):
        raise problems.not_right("/finding_ids", "reference", "Cite findings of this case only.")


async def recommend(work: Work, advice_id: UUID, drafting: RecommendationDrafting) -> Answer:
    """Add a recommendation at the end of a draft."""
    await require_word(work, "cost_bands", drafting.cost_band, "/cost_band")
    # The version of the advice goes first: its row makes two who add at once wait for one another.
    await _advance(work, queries.TOUCH, advice_id)
    made, new = await _created(work, queries.ADD, drafting, advice_id=advice_id)
    if new:  # a repeat is not judged by the day on which it comes
        require_ahead(work, "/target_on", drafting.target_on, TARGET_AHEAD)
        await _cite(work, made, drafting.finding_ids)
    return await work.show(queries.RECOMMENDATION_SHOWN, made, location=f"/v1/recommendations/{made}")


async def amend_recommendation(work: Work, recommendation_id: UUID, amendment: RecommendationAmendment) -> Answer:
    """Change a recommendation of a draft."""
    given = given_fields(amendment)
    finding_ids = given.pop("finding_ids", None)
    await require_word(work, "cost_bands", given.get("cost_band"), "/cost_band")
    target = given.get("target_on")
    before = await work.row(queries.TARGET, id=recommendation_id) if target is not None else None
    await _change(work, recommendation_id, given)
    if before is not None and before["target_on"] != target:
        require_ahead(work, "/target_on", target, TARGET_AHEAD)
    if finding_ids is not None:
        cited = {row["finding_id"] for row in await work.rows(queries.CITED, id=recommendation_id)}
        if cited != set(finding_ids):  # to cite is to contribute, and whoever changes nothing does not
            await work.rows(queries.UNCITE, id=recommendation_id)
            await _cite(work, recommendation_id, finding_ids)
    return await work.show(queries.RECOMMENDATION_SHOWN, recommendation_id)


async def _change(work: Work, recommendation_id: UUID, given: Mapping[str, Any]) -> UUID:
    """Advance a recommendation and its advice with it; returns the advice."""
    await work.row(queries.HOLD, id=recommendation_id)
    changed = await work.advance(queries.amend_recommendation(frozenset(given)), id=recommendation_id, **given)
    # Whoever submitted the advice in between had not seen this change. (Its own If-Match is the recommendation's.)
    touched = await work.obtain(
        queries.TOUCH.change, StateConflict("The advice is no draft any more."), id=changed["advice_id"]
    )
    advice_id: UUID = touched["id"]
    await _unclosed(work, advice_id)
    return advice_id


async def remove_recommendation(work: Work, recommendation_id: UUID) -> Answer:
    """Take a recommendation out of a draft; the answer is the advice without it."""
    advice_id = await _change(work, recommendation_id, {})
    await work.rows(queries.UNCITE, id=recommendation_id)
    removed = await work.obtain(queries.REMOVE, id=recommendation_id)
    await work.rows(queries.CLOSE_UP, id=advice_id, removed=removed["position"])
    return await work.show(queries.ADVICE_SHOWN, advice_id)


async def reorder(work: Work, advice_id: UUID, ordering: RecommendationOrder) -> Answer:
    """Number the recommendations of a draft anew, in the order given."""
    await _advance(work, queries.amend(frozenset()), advice_id)
    numbered = {row["id"] for row in await work.rows(queries.NUMBERED, id=advice_id)}
    given = ordering.recommendation_ids
    for index, recommendation_id in enumerate(given):
        at = f"/recommendation_ids/{index}"
        if recommendation_id not in numbered:
            raise problems.not_right(at, "reference", "This is no recommendation of this advice.")
        if recommendation_id in given[:index]:
            raise problems.not_right(at, "duplicate", "Name each recommendation once.")
    if len(given) < len(numbered):
        raise problems.not_right("/recommendation_ids", "incomplete", "Name every recommendation of this advice.")
    await work.rows(queries.REORDER, id=advice_id, ids=given)
    return await work.show(queries.ADVICE_SHOWN, advice_id)


async def ask_reviewer(work: Work, advice_id: UUID, asking: ReviewerAsking) -> Answer:
    """Ask somebody to review, of this force or another; from now until the decision they may read the case."""
    found = await work.row(queries.ASKED, id=advice_id)
    if found is not None and found["askable"]:
        contributed = await _contributed(work, advice_id, asking.reviewer_id)
        if contributed:
            raise problems.OwnAdvice(contributed=contributed, could_be_asked=await _could_be_asked(work, advice_id))
    standing = await _advance(work, queries.ASSIGN, advice_id, reviewer_id=asking.reviewer_id)
    fit = await _fitness(work, asking.reviewer_id, standing)
    if not fit["part"]:
        raise problems.NotAReviewer(could_be_asked=await _could_be_asked(work, advice_id))
    _require_competence(fit, standing)
    work.say(standing["case_id"], subject=("advice", advice_id), facts={"reviewer_id": str(asking.reviewer_id)})
    return await work.show(queries.ADVICE_SHOWN, advice_id)


async def _could_be_asked(work: Work, advice_id: UUID) -> list[dict[str, Any]]:
    """Who could review a version, as a refusal names them: the least busy first, those of other forces last."""
    return [{**each, "id": str(each["id"])} for each in await work.rows(queries.COULD_REVIEW, id=advice_id)]


async def _contributed(work: Work, advice_id: UUID, person: UUID | None) -> list[dict[str, str]]:
    """What somebody contributed to a version, as a refusal names it."""
    rows = await work.rows(queries.CONTRIBUTED, id=advice_id, person=person)
    return [{"what": each["what"], "id": str(each["subject_id"])} for each in rows]


async def _fitness(work: Work, person: UUID | None, standing: Record) -> Record:
    return await work.obtain(
        queries.MAY_REVIEW, person=person, team_id=standing["team_id"], competence=standing["strand"]
    )


def _require_competence(fit: Record, standing: Record) -> None:
    if not fit["competent"]:
        competence = standing["strand"]
        raise CompetenceMissing(f"To review this needs the competence {competence}.", competence=competence)


async def submit(work: Work, advice_id: UUID, _: AdviceSubmission) -> Answer:
    """Hand a draft to review."""
    standing = await _advance(work, queries.SUBMIT, advice_id)
    await work.obtain(queries.RECOMMENDED, problems.NothingRecommended(), id=advice_id)
    lines = await work.rows(queries.TARGETS, id=advice_id)
    today = work.clock.today()
    over = {
        place: line for place, line in enumerate(lines) if line["target_on"] is not None and line["target_on"] < today
    }
    if over:
        raise problems.targets_over(over)
    work.say(standing["case_id"], subject=("advice", advice_id))
    if standing["reviewer_id"] is None:
        _warn_if_nobody(work, await work.rows(queries.COULD_REVIEW, id=advice_id))
    return await work.show(queries.ADVICE_SHOWN, advice_id)


def _warn_if_nobody(work: Work, could_review: Sequence[Record]) -> None:
    """Where nobody of the force is independent, name those of other forces who offer to review."""
    if any(each["force"] is None for each in could_review):
        return
    offering = ", ".join(f"{each['name']} ({each['force']})" for each in could_review[:5])
    work.warn(
        "",
        "nobody-independent",
        "Everybody of this force who could review this has contributed to it: ask another force."
        + (f" These offer to: {offering}." if offering else ""),
    )


async def take_back(work: Work, advice_id: UUID, taking: AdviceTakingBack) -> Answer:
    """Take submitted advice back before it is decided. Whoever was asked to review it is told, and reads it no more."""
    taken = await work.advance(queries.TAKE_BACK, id=advice_id)
    work.say(taken["case_id"], subject=("advice", advice_id), reason=taking.reason)
    if taken["reviewer_id"] not in (None, work.caller.person):
        notify_person(work, taken["reviewer_id"], PersonNotice.ADVICE_TAKEN_BACK, case_id=taken["case_id"])
    return await work.show(queries.ADVICE_SHOWN, advice_id)


async def tell_returned(work: Work, row: Mapping[str, Any]) -> None:
    """Name in the answer, as warnings, the advice of a case that this write has taken back to its author."""
    for each in await work.rows(queries.RETURNED_HERE, case_id=row["case_id"]):
        work.warn(
            "",
            "advice-returned",
            f"{each['reference']}/{each['number']} is with its author again: its content has changed.",
        )


async def review(work: Work, advice_id: UUID, reviewing: Reviewing) -> Answer:
    """Return or approve advice. The answer is the review: whoever was asked from elsewhere reads the advice no more."""
    if reviewing.decision is Decision.RETURNED and reviewing.comment is None:
        raise problems.not_right("/comment", "missing", "Say what is to be done before it can be approved.")
    standing = await work.row(queries.REVIEWED, id=advice_id)
    if standing is not None and standing["decidable"]:
        contributed = await _contributed(work, advice_id, work.caller.person)
        if contributed or standing["author_id"] == work.caller.person:
            raise problems.OwnAdvice(contributed=contributed)
    if standing is not None and standing["decidable"] and standing["within"]:
        _require_competence(await _fitness(work, work.caller.person, standing), standing)
        if standing["content_sha256"] != reviewing.content_sha256:
            raise problems.ContentChanged(content_sha256=standing["content_sha256"])
    review_id = await work.create(queries.REVIEW, reviewing, advice_id=advice_id)
    assert standing is not None
    work.say(standing["case_id"], subject=("advice", advice_id), facts={"decision": reviewing.decision.value})
    answer = await work.show(queries.REVIEW_SHOWN, review_id)
    approved = reviewing.decision is Decision.APPROVED
    await work.advance(
        queries.DECIDE,
        id=advice_id,
        state=reviewing.decision.value,
        approved_by=work.caller.person if approved else None,
    )
    return answer


async def issue(work: Work, advice_id: UUID, issuing: AdviceIssuing) -> Answer:
    """Issue approved advice: from here on it never changes, and the version before it is superseded."""
    require_ahead(work, "/follow_up_on", issuing.follow_up_on, "Give a date after today.", from_tomorrow=True)
    _require_delivery(work, issuing)
    standing = await work.row(queries.STANDING, id=advice_id)
    levels = await _levels(work, standing)
    issued = await work.advance(
        queries.ISSUE,
        id=advice_id,
        national=levels.national if levels else None,
        northern_ireland=levels.northern_ireland if levels else None,
        entries=list(levels.entries) if levels else [],
        follow_up_on=issuing.follow_up_on,
    )
    assert standing is not None
    assert levels is not None
    _require_running(standing)
    _require_levels(issued, levels, issuing)
    await work.rows(queries.FREEZE, id=advice_id)
    for superseded in await work.rows(queries.SUPERSEDE, id=advice_id, reference=issued["reference"]):
        await work.rows(queries.SETTLE_SUPERSEDED, superseded=superseded["id"])
    await work.rows(queries.CARRY, id=advice_id, case_id=issued["case_id"])
    await _deliver(work, advice_id, issuing)
    await follow_up(work, issued["case_id"], issuing.follow_up_on)
    await tell_returned(work, dict(issued))
    work.say(issued["case_id"], subject=("advice", advice_id))
    notify(work, Notice.ADVICE, case_id=issued["case_id"])
    return await work.show(queries.ADVICE_SHOWN, advice_id)


def _require_delivery(work: Work, issuing: AdviceIssuing) -> None:
    """How advice is delivered, and the day of it, are said together."""
    if issuing.deliver_by is None:
        if issuing.deliver_on is not None:
            raise problems.not_right("/deliver_by", "missing", "Say how: in_person, post or later.")
        return
    if issuing.deliver_on is None:
        raise problems.not_right("/deliver_on", "missing", "Say on which day, or by when.")
    later = issuing.deliver_by is DeliverBy.LATER
    message = "Give a date after today." if later else "Give a day that is not over: today, or later."
    require_ahead(work, "/deliver_on", issuing.deliver_on, message, from_tomorrow=later)


async def _deliver(work: Work, advice_id: UUID, issuing: AdviceIssuing) -> None:
    """Keep whom the version reaches, and how it is delivered otherwise; one of the two there must be."""
    reached = await work.rows(queries.REACHED, id=advice_id)
    if issuing.deliver_by is not None:
        await work.rows(
            queries.PLAN_DELIVERY, id=advice_id, deliver_by=issuing.deliver_by.value, due_on=issuing.deliver_on
        )
    elif not reached:
        raise problems.nobody_reads()


async def record_delivery(work: Work, advice_id: UUID, recording: DeliveryRecording) -> Answer:
    """Record that a pending delivery is done; once, while the version stands issued."""
    touched = await work.advance(queries.TOUCH_ISSUED, id=advice_id)
    require_behind(work, "/delivered_at", recording.delivered_at, "Give the moment of it; it may not be to come.")
    if recording.delivered_at < touched["issued_at"] - CLOCKS_APART:
        raise problems.not_right("/delivered_at", "before-issue", "Give a moment after the advice was issued.")
    await work.obtain(
        queries.DELIVERED,
        problems.NoDeliveryPending(),
        id=advice_id,
        delivered_by=recording.delivered_by.value,
        delivered_to=recording.delivered_to,
        delivered_at=recording.delivered_at,
    )
    work.say(touched["case_id"], subject=("advice", advice_id), facts={"delivered_by": recording.delivered_by.value})
    return await work.show(queries.ADVICE_SHOWN, advice_id)


_CONFIRM = ("confirm_threat_level", "confirm_northern_ireland_threat_level")


def _require_levels(issued: Record, levels: Levels, issuing: AdviceIssuing) -> None:
    """Issued under recorded levels only, and under those it was drafted under, or that the issuer confirms."""
    if levels.missing:
        raise problems.NoThreatLevel(missing=levels.missing)
    drafted = issued["drafted_threat_level"], issued["drafted_northern_ireland_threat_level"]
    current = levels.national, levels.northern_ireland
    confirmed = issuing.confirm_threat_level, issuing.confirm_northern_ireland_threat_level
    if current != tuple(said or before for said, before in zip(confirmed, drafted, strict=True)):
        raise problems.ThreatLevelChanged(
            "It is not what it was when this was drafted. Judge whether the advice still holds; then send the current level in "
            + " and ".join(
                name
                for name, said, before, now in zip(_CONFIRM, confirmed, drafted, current, strict=True)
                if now != (said or before)
            )
            + ".",
            drafted=drafted[0],
            current=current[0],
            drafted_northern_ireland=drafted[1],
            current_northern_ireland=current[1],
        )


async def withdraw(work: Work, advice_id: UUID, withdrawing: AdviceWithdrawing) -> Answer:
    """Withdraw issued advice; it stays readable as withdrawn."""
    tell = withdrawing.tell_business
    withdrawn = await work.advance(queries.WITHDRAW, id=advice_id, reason=withdrawing.reason, tell=tell)
    work.say(withdrawn["case_id"], subject=("advice", advice_id), reason=withdrawing.reason)
    notify(work, Notice.ADVICE_WITHDRAWN, case_id=withdrawn["case_id"], tell_business=tell)
    return await work.show(queries.ADVICE_SHOWN, advice_id)


async def record_interim(work: Work, case_id: UUID, recording: InterimRecording) -> Answer:
    """Record advice given by voice or in urgency; the next issued version carries it, once that was reviewed with it."""
    require_behind(
        work, "/given_at", recording.given_at, "Give the moment at which it was said; it may not be to come."
    )
    made, new = await _created(work, queries.RECORD_INTERIM, recording, case_id=case_id)
    if new:
        work.say(case_id, subject=("interim_advice", made))
        await tell_returned(work, {"case_id": case_id})
    return await work.show(queries.INTERIM_SHOWN, made)


async def respond(work: Work, recommendation_id: UUID, responding: Responding) -> Answer:
    """Record the answer of the business; the last one counts."""
    if responding.answer is AnswerGiven.DECLINED and responding.reason_code is None:
        raise problems.not_right("/reason_code", "missing", "Say why, with a word of reason_decline.")
    await require_reason(work, "reason_decline", responding.reason_code, responding.note)
    creation = queries.RESPOND if work.caller.person else queries.OWN_RESPOND
    made, new = await _created(
        work, creation, responding, recommendation_id=recommendation_id, person_id=work.caller.person
    )
    if new:
        case_id = await _standing_case(work, recommendation_id)
        await work.obtain(queries.ANSWERED, id=recommendation_id, answer=responding.answer.value)
        work.say(
            case_id,
            subject=("recommendation", recommendation_id),
            reason_code=responding.reason_code,
            facts={"answer": responding.answer.value},
        )
    return await work.show(creation.shown, made)


async def verify(work: Work, recommendation_id: UUID, verifying: Verifying) -> Answer:
    """Record how far a recommendation was carried out, and what shows it."""
    if verifying.state is Progress.VERIFIED and verifying.visit_id is None:
        if verifying.evidence is None:
            raise problems.not_right("/evidence", "missing", "Name the visit that showed it, or other evidence.")
        if len(verifying.evidence.split()) < SENTENCE:
            raise problems.not_right("/evidence", "too-short", "Say in a sentence what was seen, where and when.")
    if verifying.state is Progress.NOT_APPLICABLE and verifying.reason is None:
        raise problems.not_right("/reason", "missing", "Say why the recommendation does not apply.")
    if verifying.state is not Progress.NOT_APPLICABLE and verifying.reason is not None:
        raise problems.not_right(
            "/reason", "out-of-place", "A reason belongs to what does not apply; evidence to the rest."
        )
    made, new = await _created(work, queries.VERIFY, verifying, recommendation_id=recommendation_id)
    if new:
        case_id = await _standing_case(work, recommendation_id)
        if verifying.visit_id is not None:
            wrong = problems.wrong_visit()
            seen = await work.obtain(queries.COMPLETED_VISIT, wrong, visit_id=verifying.visit_id, case_id=case_id)
            issued = await work.obtain(queries.FIRST_ISSUED, id=recommendation_id)
            if seen["arrived_at"] <= issued["at"]:
                raise problems.visit_before_issue()
        await work.obtain(queries.VERIFIED, id=recommendation_id, state=verifying.state.value)
        work.say(case_id, subject=("recommendation", recommendation_id), facts={"verification": verifying.state.value})
    return await work.show(queries.VERIFICATION_SHOWN, made)


async def _standing_case(work: Work, recommendation_id: UUID) -> UUID:
    """The case of a recommendation whose advice stands issued; 409 when it does not."""
    place = await work.obtain(queries.PLACE if work.caller.person else queries.OWN_PLACE, id=recommendation_id)
    if place["state"] == AdviceState.SUPERSEDED:
        current = place["current_advice_id"]
        raise problems.SupersededAdvice(current_advice_id=str(current) if current else None)
    if place["state"] != AdviceState.ISSUED:
        raise StateConflict(
            f"This is not possible while the advice is {place['state']}.",
            state=place["state"],
            possible_from=[AdviceState.ISSUED.value],
        )
    case_id: UUID = place["case_id"]
    return case_id


async def settle_open_recommendations(work: Work, row: Mapping[str, Any]) -> None:
    """What closing a case asks of its advice: none in the making, and a reason for each recommendation that stays open."""
    case_id = row["case_id"]
    given = {each.recommendation_id: each for each in row["closing"].open_recommendations}
    still_open = {each["id"]: each for each in await work.rows(queries.OPEN_OF_CASE, case_id=case_id)}
    critical = [each for each in still_open.values() if each["priority"] == Priority.CRITICAL]
    # By the team, not by the roles at large: who supervises elsewhere does not answer for this case.
    if critical and critical[0]["team_id"] not in work.caller.teams:
        raise problems.CriticalOpen(recommendations=_told(critical))
    unfinished = await work.rows(queries.UNFINISHED, case_id=case_id)
    if unfinished:
        raise problems.AdviceUnfinished(
            advice=[{"id": str(each["id"]), "state": each["state"], "title": each["title"]} for each in unfinished]
        )
    unexplained = [each for each in still_open.values() if each["id"] not in given]
    if unexplained:
        raise problems.RecommendationsOpen(recommendations=_told(unexplained))
    for index, (recommendation_id, said) in enumerate(given.items()):
        if recommendation_id not in still_open:
            raise problems.not_right(
                f"/open_recommendations/{index}/recommendation_id", "reference", "This is no open recommendation here."
            )
        await work.obtain(
            queries.STATE_REASON, recommendation_id=recommendation_id, reason_code=said.reason_code, note=said.note
        )


def _told(recommendations: list[Record]) -> list[dict[str, str]]:
    return [{"id": str(each["id"]), "action": each["action"], "priority": each["priority"]} for each in recommendations]
