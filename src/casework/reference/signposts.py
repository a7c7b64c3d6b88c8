"""The packaged signposts: what is answered when everything behind the boundary fails, and to an urgent need always.

Rendered once, at import. Nothing here reads a file, asks the database or tells a log, and nothing of a request is kept.
"""

import json
import re
from typing import Any

from starlette.types import Scope

from casework.kernel.answers import FallbackAnswer
from casework.kernel.boundary import ENQUIRIES
from casework.reference.loading import packaged as packaged_file
from casework.reference.models import URGENT, Need
from casework.reference.schemas import Signposted, SignpostList, SignpostView

_WAYS = ("phone", "web", "hours", "other")
_NEED = re.compile(rb'(?:"need"\s*:\s*"|(?:^|&)need=)(%s)' % "|".join(URGENT).encode())


def _answer(view: SignpostList | Signposted) -> FallbackAnswer:
    body = view.model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return FallbackAnswer(200, headers, body)


_PACKAGED = {
    view.need: view
    for view in (
        SignpostView.model_validate({**entry, "how": {way: entry["how"].get(way) for way in _WAYS}, "force_code": None})
        for entry in packaged_file("signposts.json")
    )
}
_LIST = _answer(SignpostList(items=list(_PACKAGED.values())))
_URGENT = {need: _answer(Signposted(outcome="signposted", signpost=_PACKAGED[need])) for need in URGENT}


def packaged(need: str) -> dict[str, Any]:
    """The packaged signpost for a need, as it goes out."""
    return _PACKAGED[Need(need)].model_dump(mode="json")


def fallback(scope: Scope, body: bytes | None) -> FallbackAnswer | None:
    """The packaged answer to an urgent enquiry, or the whole list."""
    if scope["path"] == ENQUIRIES and scope["method"] == "POST":
        return _URGENT[_urgent_need(body or b"")]
    return _LIST


def _urgent_need(body: bytes) -> Need:
    """Which of the urgent needs a body names, however badly it is written; 999 where both, or neither to be told."""
    try:
        # Objects become tuples of their members here: of a need given twice, neither is lost.
        members = json.loads(body, object_pairs_hook=tuple)
        needs = {value for name, value in members if name == "need" and isinstance(value, str)}
    except (ValueError, TypeError, RecursionError):
        needs = {found.decode() for found in _NEED.findall(body)}
    if Need.SUSPICIOUS_ACTIVITY in needs and Need.EMERGENCY not in needs:
        return Need.SUSPICIOUS_ACTIVITY
    return Need.EMERGENCY
