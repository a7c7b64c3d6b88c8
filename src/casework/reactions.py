"""What follows what: an action of a lower slice, and what higher slices do about it in the same transaction."""

from collections.abc import Mapping, Sequence

from casework.access.actions import Action
from casework.advice import actions as advice
from casework.visits import actions as visits
from casework.work.unit import Reaction

REACTIONS: Mapping[Action, Sequence[Reaction]] = {
    Action.FINDING_RECORD: (advice.tell_returned,),
    Action.VISIT_SUPPLEMENT: (advice.tell_returned,),
    Action.CASE_ALLOCATE: (visits.hand_on,),
    Action.CASE_HAND_OVER: (visits.hand_on,),
    Action.CASE_CLOSE: (visits.refuse_upcoming, advice.settle_open_recommendations),
}
