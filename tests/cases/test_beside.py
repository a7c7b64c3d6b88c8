"""What two people do at the same moment: nothing slips in beneath a case beside its closing or its moving."""

from concurrent.futures import ThreadPoolExecutor

import asyncpg

from tests.support.callers import ok
from tests.support.story import allocated_case, moment
from tests.support.world import Team, World


def test_no_visit_slips_in_beside_a_closing(world: World, team: Team) -> None:
    """A case with a visit to come does not close, and a closed one takes none; both at once is one of the two."""
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    for _ in range(8):
        case = allocated_case(team, adviser, supervisor)
        path = f"/v1/cases/{case['id']}"
        visit = {"starts_at": moment(days=9), "ends_at": moment(days=9, hours=1), "adviser_id": supervisor.person_id}

        def propose(path: str = path, visit: dict[str, str] = visit) -> int:
            return supervisor.post(f"{path}/visits", visit).status_code

        def close(path: str = path, case: dict[str, int] = case) -> int:
            return adviser.post(f"{path}/closure", {"reason_code": "no_reply"}, match=case["version"]).status_code

        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(propose), pool.submit(close)]
            answers = [each.result() for each in done]
        assert all(answer < 500 for answer in answers), answers
        state = ok(supervisor.get(path))["state"]
        visits = ok(supervisor.get("/v1/visits", case_id=case["id"]))["items"]
        assert (state == "closed") != bool(visits), (answers, state)
        for each in visits:
            reason = {"reason_code": "other", "note": "Test."}
            ok(supervisor.post(f"/v1/visits/{each['id']}/cancellation", reason, match=each["version"]))


def test_a_child_waits_for_whoever_moves_its_case(world: World, team: Team) -> None:
    """Deterministically: while somebody holds the case, a note waits, and is told to try again when it takes too long."""
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)

    async def hold(connection: asyncpg.Connection) -> int:
        async with connection.transaction():
            await connection.execute("SELECT FROM casework.case_file WHERE id = $1 FOR NO KEY UPDATE", case["id"])
            import asyncio

            note = {"body": "Beside."}
            answer = await asyncio.to_thread(adviser.post, f"/v1/cases/{case['id']}/notes", note)
            return answer.status_code

    assert world.run_as("casework_migrate", hold) == 409
    ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "After."}), 201)
