"""Refusals of the advice slice."""

from collections.abc import Mapping
from typing import Any

from casework.kernel.problems import Problem, ValidationFailed
from casework.work.troubles import by_constraint


class OwnAdvice(Problem):
    """Whoever contributed to a version of advice what stands in it neither is asked to review it nor reviews it, whatever other roles
    they hold. ``contributed`` names what it is; ``could_be_asked`` names who could review, the least busy
    first: those of the force, then those of other forces (``force`` names theirs) who offer to."""

    status, slug, title = 409, "own-advice", "Nobody reviews what they helped to write"


class ContentChanged(Problem):
    """What stands there now is not what was read: read the advice again, and decide with the ``content_sha256`` that it shows."""

    status, slug, title = 409, "content-changed", "The content is not what was reviewed"


class NoDeliveryPending(Problem):
    """It was recorded already, or never was one to record: a verified contact could read this version by the link when it was issued."""

    status, slug, title = 409, "no-delivery-pending", "No delivery of this advice is pending"


class NotAReviewer(Problem):
    """A reviewer holds the role reviewer, in any force, or is a supervisor of the team that keeps the case, and is let in just now.
    ``could_be_asked`` names who could review."""

    status, slug, title = 409, "not-a-reviewer", "This person reviews no advice"


class NothingRecommended(Problem):
    """Advice goes to review with one recommendation at least."""

    status, slug, title = 409, "nothing-recommended", "There is no recommendation yet"


class WorkingVersionExists(Problem):
    """A correction of this advice is being worked on already; one version is in the making at a time."""

    status, slug, title = 409, "working-version-exists", "A new version is in the making already"


class NoThreatLevel(Problem):
    """Nobody has recorded the threat level under which this would be issued (``missing``: which). A professional lead records it,
    or a supervisor provisionally: POST /v1/threat-levels."""

    status, slug, title = 409, "no-threat-level", "No threat level is recorded for the site"


class ThreatLevelChanged(Problem):
    """A threat level is not what it was when the advice was drafted. Judge whether the advice still holds, then issue it with
    ``confirm_threat_level`` set to the current level (``confirm_northern_ireland_threat_level`` where that one changed)."""

    status, slug, title = 409, "threat-level-changed", "The threat level changed since this was drafted"


class CaseNotRunning(Problem):
    """The case is on hold or closed. Resume or reopen it first."""

    status, slug, title = 409, "case-not-running", "The case is not being worked on"


class SupersededAdvice(Problem):
    """A newer version has taken this one's place; ``current_advice_id`` names it, if one stands."""

    status, slug, title = 409, "superseded-advice", "A newer version of this advice stands"


class AdviceUnfinished(Problem):
    """A case does not close over advice that is drafted, under review or approved but not issued."""

    status, slug, title = 409, "advice-unfinished", "Advice of this case is still in the making"


class RecommendationsOpen(Problem):
    """Recommendations are neither verified nor settled otherwise: the case closes with a reason for each of them
    (``open_recommendations``; words of ``reason_open_recommendation``)."""

    status, slug, title = 409, "recommendations-open", "Recommendations are still open"


class CriticalOpen(Problem):
    """A critical recommendation is open, and so only a supervisor of the team may close the case."""

    status, slug, title = 403, "critical-open", "Only a supervisor may close over a critical recommendation"


def not_right(pointer: str, code: str, message: str) -> ValidationFailed:
    """A field that is well formed but wrong here."""
    return ValidationFailed(errors=[{"pointer": pointer, "code": code, "message": message}])


def targets_over(lines: Mapping[int, Any]) -> ValidationFailed:
    """Advice does not go to review with a target that is over already; each such line is named, by its place in the advice."""
    return ValidationFailed(
        "A target date of this advice is over.",
        errors=[
            {
                "pointer": f"/recommendations/{place}/target_on",
                "code": "past",
                "message": f"Give recommendation {line['position']} another target date, or none.",
                "recommendation_id": str(line["id"]),
                "position": line["position"],
            }
            for place, line in lines.items()
        ],
    )


def wrong_visit() -> ValidationFailed:
    """A verification cites a visit that was made, on this case."""
    return not_right("/visit_id", "reference", "Name a completed visit of this case.")


def visit_before_issue() -> ValidationFailed:
    """A visit shows what was carried out after the business was told of it."""
    message = "This visit was made before the recommendation was issued: name a later one, or other evidence."
    return not_right("/visit_id", "before-issue", message)


def nobody_reads() -> ValidationFailed:
    """Advice that no verified contact can read reaches the business in another way, by a day."""
    message = "No verified contact can read it: say how it reaches the business (in_person, post, later), and by when (deliver_on)."
    return not_right("/deliver_by", "missing", message)


by_constraint["verification_visit_id_case_id_team_id_restricted_fkey"] = wrong_visit
by_constraint["advice_reviewer_id_fkey"] = lambda: not_right("/reviewer_id", "reference", "There is no such person.")
by_constraint["advice_reviewer_check"] = OwnAdvice
by_constraint["advice_independent"] = OwnAdvice
by_constraint["quality_review_independent"] = OwnAdvice
by_constraint["advice_approved_check"] = OwnAdvice
by_constraint["advice_approved_content_check"] = ContentChanged
by_constraint["advice_issued_content_check"] = ContentChanged
by_constraint["advice_reference_number_key"] = WorkingVersionExists
by_constraint["advice_reference_working_key"] = WorkingVersionExists
