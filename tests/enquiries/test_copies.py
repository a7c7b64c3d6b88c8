"""What was handed over goes with its copies: a name that had to be taken out of an enquiry stands nowhere else."""

import secrets

import pytest

from tests.enquiries.building import asked
from tests.support.callers import ok
from tests.support.story import moment
from tests.support.world import Team, World

HANDED = {"to": "Force intelligence bureau", "at": moment(hours=-1)}
KEPT = ("casework.enquiry", "casework.contact", "casework.case_file", "casework.case_transfer", "casework.enquiry_transfer",
        "casework.case_event", "casework.enquiry_message", "work.idempotency_key", "audit.event_object", "jobs.procrastinate_jobs")  # fmt: skip


def stands_in(world: World, text: str) -> list[str]:
    return [table for table in KEPT if world.sql(f"SELECT FROM {table} t WHERE t::text LIKE $1", f"%{text}%")]


@pytest.mark.parametrize("called", [None, "Threats against {0}", "About {0}, and what {0} wrote"])
def test_a_case_that_is_called_after_what_was_removed_is_not_called_so_any_more(
    world: World, team: Team, other_team: Team, called: str | None
) -> None:
    """Attack A10: the title, the list, and what another force is offered."""
    name = f'J. "Jo" Suspect-{secrets.token_hex(4)}'
    enquiry = asked(world, team, site_name=name, organisation_name=f"{name} Ltd", site_address=f"The house of {name}")
    case = ok(enquiry.move("acceptance", {"title": called.format(name)} if called else {}), 201)
    supervisor, path = enquiry.staff("supervisor"), f"/v1/cases/{case['id']}"
    offer = {"to_team_id": other_team.id, "reason_code": "business_moved", "note": f"It is about {name}."}
    offered = ok(supervisor.post(f"{path}/transfer", offer, match=ok(supervisor.get(path))["version"]), 201)
    assert name in ok(supervisor.get(path))["title"]
    ok(enquiry.move("contact-replacement", {"name": "Jo", "phone": "01632 960001", "reason": f"{name} was arrested."}))
    before = ok(supervisor.get(path))["version"]
    ok(enquiry.move("hand-over", {**HANDED, "site_name": True}))
    seen = ok(supervisor.get(path))
    assert "(removed)" in seen["title"]
    assert seen["version"] > before
    (there,) = (each for each in ok(other_team.person("supervisor").get("/v1/case-transfers"))["items"] if each["id"] == offered["id"])  # fmt: skip
    assert "(removed)" in there["title"]
    assert "(removed)" in there["note"]
    marked = name.rpartition("-")[2]
    assert stands_in(world, marked) == []
    lines = ok(supervisor.get(f"{path}/timeline"))["items"]
    assert marked not in str(lines)
    assert "contact.replace" in {line["action"] for line in lines}


def test_what_was_not_removed_stays(world: World, team: Team) -> None:
    enquiry = asked(world, team, site_name="Market Hall")
    case = ok(enquiry.move("acceptance"), 201)
    ok(enquiry.move("hand-over", HANDED))
    assert ok(enquiry.staff("supervisor").get(f"/v1/cases/{case['id']}"))["title"] == "Market Hall"
    assert enquiry.read()["site_name"] == "Market Hall"


def test_what_two_forces_wrote_of_an_offer_goes_too(world: World, team: Team, other_team: Team) -> None:
    enquiry, there = asked(world, team), other_team.person("coordinator")
    offer = ok(enquiry.move("transfer", {"to_team_id": other_team.id, "note": "About J. Suspect."}), 201)
    path = f"/v1/enquiry-transfers/{offer['id']}"
    ok(there.post(f"{path}/return", {"note": "J. Suspect is known to you."}, match=offer["version"]))
    ok(enquiry.move("hand-over", HANDED))
    for reader in (there, enquiry.staff("supervisor")):
        seen = ok(reader.get(path))
        assert (seen["state"], seen["note"], seen["decision_note"]) == ("returned", None, None)
