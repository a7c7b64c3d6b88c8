"""A kept answer is given again only to whom a fresh read would show the record."""

from typing import Any

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, enquirer_of, open_case, proposed_visit
from tests.support.world import Team, World

KEY = "the-key-of-the-first-attempt"
NOTE = {"body": "The gate stands open at night."}


def draft(adviser: Caller, case: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = ok(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice"}), 201)
    return made


def recommend(caller: Caller, advice: dict[str, Any]) -> Any:
    body = {"action": "Fit a bollard.", "principle": "delay", "domain": "physical", "priority": "high"}
    return caller.post(f"/v1/advice/{advice['id']}/recommendations", body, key=KEY)


def restrict(team: Team, case: dict[str, Any]) -> None:
    supervisor = team.person("supervisor")
    version = ok(supervisor.get(f"/v1/cases/{case['id']}"))["version"]
    ok(supervisor.post(f"/v1/cases/{case['id']}/restriction", {"reason_code": "sensitive_site"}, match=version))


def test_after_a_restriction(world: World, team: Team) -> None:
    """The path names advice and not the case: the record itself is asked for."""
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice = draft(adviser, case)
    first = ok(recommend(adviser, advice), 201)
    assert ok(recommend(adviser, advice), 201) == first
    successor = team.person("adviser")
    version = ok(team.person("supervisor").get(f"/v1/cases/{case['id']}"))["version"]
    body = {"adviser_id": successor.person_id}
    ok(team.person("supervisor").post(f"/v1/cases/{case['id']}/allocation", body, match=version))
    restrict(team, case)
    assert adviser.get(f"/v1/advice/{advice['id']}").status_code == 404
    refused(recommend(adviser, advice), 403, "forbidden")


def test_after_a_move_to_another_team(world: World, team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice = draft(adviser, case)
    ok(recommend(adviser, advice), 201)
    world.logged_sql(
        "UPDATE casework.case_file SET team_id = $2, adviser_id = NULL, state = 'open' WHERE id = $1",
        case["id"],
        other_team.id,
    )
    world.sql("DELETE FROM access.case_grant WHERE case_id = $1", case["id"])
    assert recommend(adviser, advice).status_code in (403, 404)


def test_after_the_role_has_ended(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice = draft(adviser, case)
    ok(recommend(adviser, advice), 201)
    world.logged_sql("UPDATE access.membership SET ended_at = now() WHERE principal_id = $1", adviser.person_id)
    refused(recommend(adviser, advice), 403, "forbidden")


def test_after_the_verification_was_withdrawn(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    business = enquirer_of(world, team, case)

    def confirm() -> Any:
        return business.post(
            f"/v1/visits/{visit['id']}/confirmation", {"decision": "confirm"}, key=KEY, match=visit["version"]
        )

    first = ok(confirm())
    assert ok(confirm()) == first
    world.sql("UPDATE access.enquiry_link SET verified = false WHERE case_id = $1", case["id"])
    refused(confirm(), 403, "forbidden")


def test_what_a_verified_enquirer_was_answered_is_not_an_unverified_ones(world: World, team: Team) -> None:
    """Both may write messages; an answer given as the one is not given again as the other."""
    case = open_case(team.person("adviser"), team)
    business = enquirer_of(world, team, case)
    enquiry = world.sql("SELECT enquiry_id FROM access.enquiry_link WHERE case_id = $1", case["id"])[0]["enquiry_id"]

    def write() -> Any:
        return business.post(f"/v1/enquiries/{enquiry}/messages", NOTE, key=KEY)

    first = ok(write(), 201)
    replayed = write()
    assert ok(replayed, 201) == first
    assert "part" not in replayed.headers
    world.sql("UPDATE access.enquiry_link SET verified = false WHERE case_id = $1", case["id"])
    refused(write(), 403, "forbidden")
    assert len(world.sql("SELECT FROM casework.enquiry_message WHERE enquiry_id = $1", enquiry)) == 1


def test_the_public_is_told_no_name_but_of_who_works_on_its_case(world: World, team: Team, other_team: Team) -> None:
    adviser, stranger = team.person("adviser"), other_team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    business = enquirer_of(world, team, case)
    assert ok(business.get(f"/v1/visits/{visit['id']}"))["adviser"] == adviser.name
    from casework.access.tokens import hash_token

    async def names(connection: Any) -> Any:
        async with connection.transaction():
            await connection.fetchrow(
                "SELECT decision FROM access.begin($1, 'visit.read', NULL, NULL, NULL, NULL, $2)",
                hash_token(business.token or ""),
                hash_token(business.confirmation or ""),
            )
            return [
                await connection.fetchval("SELECT access.name_of($1)", person)
                for person in (adviser.person_id, stranger.person_id)
            ]

    assert world.run_as("casework_public", names) == [adviser.name, None]
