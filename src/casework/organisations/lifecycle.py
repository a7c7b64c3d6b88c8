"""What an organisation offers; it has no states."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle


class OrganisationMatchedOn(StrEnum):
    """Why an organisation may be the one that is meant."""

    COMPANY_NUMBER = "company_number"
    """The same company, by its number at Companies House."""
    NAME = "name"
    SIMILAR_NAME = "similar_name"
    TOWN = "town"


ORGANISATION = Lifecycle("organisation", [], offers={Action.ORGANISATION_WRITE: None})
