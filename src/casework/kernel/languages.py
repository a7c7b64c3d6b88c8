"""In which of the languages that the service has somebody reads."""

import re
from typing import Literal

Language = Literal["en", "cy"]
_RANGE = re.compile(r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*(?:;q=([01](?:\.[0-9]{0,3})?))?\Z")
_MOST = 20


def chosen(said: Language | None, accepted: str | None) -> Language:
    """What was said, else the better liked of English and Welsh in an ``Accept-Language`` (RFC 9110, 12.5.4), else English."""
    if said is not None:
        return said
    liked: dict[str, float] = {}
    for part in (accepted or "").split(",")[:_MOST]:
        found = _RANGE.match(part.replace(" ", "").replace("\t", ""))
        if found is not None:
            language = found[1].lower()
            liked[language] = max(liked.get(language, 0.0), float(found[2] or 1))
    anything = liked.get("*", 0.0)
    return "cy" if liked.get("cy", anything) > liked.get("en", anything) else "en"
