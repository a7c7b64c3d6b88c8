"""What follows what: an action of a lower slice, and what higher slices do about it in the same transaction."""

from collections.abc import Mapping, Sequence

from casework.access.actions import Action
from casework.work.unit import Reaction

REACTIONS: Mapping[Action, Sequence[Reaction]] = {}
