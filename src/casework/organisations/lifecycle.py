"""What an organisation offers; it has no states."""

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle

ORGANISATION = Lifecycle("organisation", [], offers={Action.ORGANISATION_WRITE: None})
