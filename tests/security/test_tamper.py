"""What a superuser may try with the sealed log, and that each is found; untouched, it is clean."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from casework.audit_log import notes, proofs, sealing
from casework.audit_log.hashing import HeadFacts, digest_of, leaf_of, path_of, root_of
from casework.audit_log.reconciling import reconcile
from casework.audit_log.recovering import recover
from casework.audit_log.rows import EVENTS, HEADS, OBJECTS, body_bytes, header_bytes
from casework.kernel.keys import SEAL, Keys, Signer
from casework.kernel.settings import Settings
from tests.security.sealed import Sealed, words
from tests.support import cluster
from tests.support.callers import ok
from tests.support.server import serving
from tests.support.story import allocated_case
from tests.support.world import World


@pytest.fixture(scope="module")
def log(test_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    """A database of its own with a little story in it, sealed in three batches and more; nothing waits."""
    cluster.template()
    name = f"casework_tamper_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.urandom(3).hex()}"
    addresses = cluster.clone(name)
    with serving(test_settings, addresses) as base_url:
        world = World(base_url, addresses, name)
        sealed = Sealed(world, tmp_path_factory.mktemp("seal"))
        team = world.team()
        adviser = team.person("adviser")
        sealed.seal()
        case = allocated_case(team, adviser)
        sealed.seal()
        for _ in range(5):
            ok(adviser.get(f"/v1/cases/{case['id']}"))
        ok(adviser.get("/v1/cases"))
        assert sealed.seal() == 1
        yield sealed
        world.close()


# Attacks on what is sealed. Each is SQL that a superuser runs; ``of`` picks an event of the last batch.
OF = "(SELECT event_id FROM audit.seal ORDER BY batch DESC, place LIMIT 1)"
ATTACKS = {
    "header altered": f"UPDATE audit.event SET decision = 'forbidden' WHERE id = {OF}",
    "purpose altered": f"UPDATE audit.event SET purpose = 'supervision' WHERE id = {OF}",
    "moved to another person": f"UPDATE audit.event SET principal_id = gen_random_uuid() WHERE id = {OF}",
    "time altered": f"UPDATE audit.event SET at = at - interval '1 day' WHERE id = {OF}",
    "acting for somebody invented": f"UPDATE audit.event SET acting_for = gen_random_uuid() WHERE id = {OF}",
    "the client's request invented": f"UPDATE audit.event SET client_request_id = gen_random_uuid() WHERE id = {OF}",
    "body altered": f"UPDATE audit.event_object SET object_id = gen_random_uuid() WHERE event_id = {OF}",
    "facts altered": f'UPDATE audit.event_object SET facts = \'{{"state": "closed"}}\' WHERE event_id = {OF}',
    "field names altered": f"UPDATE audit.event_object SET fields = ARRAY['title'] WHERE event_id = {OF}",
    "event deleted": f"DELETE FROM audit.event WHERE id = {OF}",
    "event and its records deleted": f"WITH o AS (DELETE FROM audit.event_object WHERE event_id = {OF}) DELETE FROM audit.event WHERE id = {OF}",
    "event, records and seal deleted": f"""WITH o AS (DELETE FROM audit.event_object WHERE event_id = {OF}),
        s AS (DELETE FROM audit.seal WHERE event_id = {OF}) DELETE FROM audit.event WHERE id = {OF}""",
    "object deleted": f"DELETE FROM audit.event_object WHERE event_id = {OF}",
    "object added": f"""INSERT INTO audit.event_object (event_id, kind, object_id, operation)
        VALUES ({OF}, 'case_file', gen_random_uuid(), 'consultation')""",
    "order of records swapped": """UPDATE audit.event_object o SET position = -position OVERRIDING
        WHERE false""",
    "order of events swapped": """UPDATE audit.seal s SET place = 1 - place
        WHERE batch = (SELECT max(batch) FROM audit.head) AND place < 2""",
    "back-dated insert": """WITH e AS (INSERT INTO audit.event (id, at, principal_kind, roles, action, decision)
        VALUES (audit.first_id(now() - interval '1 hour'), now() - interval '1 hour', 'staff', '{adviser}', 'case.read', 'allow') RETURNING id)
        SELECT 1 FROM e""",
    "records beneath no event": """INSERT INTO audit.event_object (event_id, kind, operation)
        VALUES (audit.first_id(now()), 'case_file', 'consultation')""",
    "last batch cut": """WITH b AS (SELECT max(batch) AS n FROM audit.head), h AS (DELETE FROM audit.head USING b WHERE batch = n),
        s AS (DELETE FROM audit.seal USING b WHERE batch = n RETURNING event_id),
        o AS (DELETE FROM audit.event_object USING s WHERE audit.event_object.event_id = s.event_id)
        DELETE FROM audit.event USING s WHERE id = s.event_id""",
    "batch in the middle cut": """WITH h AS (DELETE FROM audit.head WHERE batch = 2),
        s AS (DELETE FROM audit.seal WHERE batch = 2 RETURNING event_id),
        o AS (DELETE FROM audit.event_object USING s WHERE audit.event_object.event_id = s.event_id)
        DELETE FROM audit.event USING s WHERE id = s.event_id""",
    "everything truncated": "TRUNCATE audit.event, audit.event_object, audit.seal, audit.head, audit.queue",
    "head's signature replaced": "UPDATE audit.head SET signature = decode(repeat('ab', 64), 'hex') WHERE batch = 2",
    "head's count altered": "UPDATE audit.head SET count = count + 1 WHERE batch = 2",
    "head's time altered": "UPDATE audit.head SET sealed_at = sealed_at - interval '1 day' WHERE batch = 2",
    "seal row altered": "UPDATE audit.seal SET leaf = sha256(leaf) WHERE batch = 2 AND place = 0",
    "digest altered": "UPDATE audit.seal SET body_digest = sha256(body_digest) WHERE batch = 2 AND place = 0",
    "salt blanked without a record": "UPDATE audit.seal SET salt = NULL WHERE batch = 2 AND place = 0",
    "unsealed and queued again": f"WITH s AS (DELETE FROM audit.seal WHERE event_id = {OF}) INSERT INTO audit.queue (event_id, principal_kind, allowed) VALUES ({OF}, 'staff', true)",
    "sealed event queued again": f"INSERT INTO audit.queue (event_id, principal_kind, allowed) VALUES ({OF}, 'staff', true)",
    "queue row without its event": "INSERT INTO audit.queue (event_id, principal_kind, allowed) VALUES (audit.first_id(now()), 'staff', true)",
    "event of nobody's queue": """INSERT INTO audit.event (id, principal_kind, roles, action, decision)
        VALUES (audit.first_id(now()), 'staff', '{}', 'case.read', 'allow')""",
    "recovery record invented": """INSERT INTO audit.recovery (last_batch, last_hash, lost_to, reason, operator, key_id, signature)
        VALUES (1, '\\x00', 3, 'a restore', 'nobody', '00000000', decode(repeat('ab', 64), 'hex'))""",
    "partition of the month dropped": "partition",
    "partition of the month detached": "detach",
}
del ATTACKS["order of records swapped"]


def test_what_nobody_touched_is_clean(log: Sealed) -> None:
    report = log.verified()
    assert (report.code, words(report)) == (0, "")
    assert report.heads >= 3
    assert report.events > 10


@pytest.mark.parametrize("attack", ATTACKS)
def test_tampering_is_found(log: Sealed, attack: str) -> None:
    async def tamper(connection: Any) -> None:
        done = ATTACKS[attack]
        if done in ("partition", "detach"):
            month = datetime.now(UTC).strftime("%Y_%m")
            for table in ("event_object", "event", "seal"):
                await connection.execute(f"ALTER TABLE audit.{table} DETACH PARTITION audit.{table}_{month}")
                if done == "partition":
                    await connection.execute(f"DROP TABLE audit.{table}_{month}")
            return
        status = await connection.execute(done)
        assert not status.endswith(" 0"), f"the attack did nothing: {status}"

    report = log.verified(tamper)
    assert report.code == 1, words(report)


def test_the_order_of_the_records_beneath_an_event_is_sealed(log: Sealed) -> None:
    async def tamper(connection: Any) -> None:
        event, low, high = await connection.fetchrow(
            "SELECT event_id, min(position), max(position) FROM audit.event_object GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
        )
        await connection.execute("ALTER TABLE audit.event_object ALTER position DROP IDENTITY")
        for before, after in ((low, -1), (high, low), (-1, high)):
            await connection.execute(
                "UPDATE audit.event_object SET position = $3 WHERE event_id = $1 AND position = $2",
                event,
                before,
                after,
            )

    assert "the records beneath it" in words(log.verified(tamper))


async def rewrite(connection: Any, signer: Signer, change: str) -> None:
    """Change the past and compute everything anew: leaves, roots, chain and signatures."""
    await connection.execute(change)
    previous, total = bytes(32), 0
    for old in await connection.fetch(HEADS, 1):
        rows = await connection.fetch(EVENTS, old["batch"], old["batch"])
        beneath: dict[int, list[Any]] = {}
        for record in await connection.fetch(OBJECTS, [row["event_id"] for row in rows]):
            beneath.setdefault(record[0], []).append(record)
        leaves = []
        for row in rows:
            digest = digest_of(row["salt"], body_bytes(beneath.get(row["event_id"], ())))
            leaves.append(leaf_of(header_bytes(row), digest))
            await connection.execute(
                "UPDATE audit.seal SET body_digest = $2, leaf = $3 WHERE event_id = $1",
                row["event_id"],
                digest,
                leaves[-1],
            )
        total += len(rows)
        at = sealing.milliseconds(old["sealed_at"])
        head = HeadFacts(old["batch"], len(rows), total, root_of(leaves), previous, at)
        await connection.execute(
            "UPDATE audit.head SET count = $2, total = $3, root = $4, previous = $5, hash = $6, key_id = $7, signature = $8"
            " WHERE batch = $1",
            head.batch, head.count, head.total, head.root, head.previous, head.hash,
            notes.key_id(signer.public[0]), signer.sign(notes.body(head).encode()),
        )  # fmt: skip
        previous = head.hash


CHANGE = f"UPDATE audit.event SET principal_id = gen_random_uuid() WHERE id = {OF}"


def test_a_chain_that_was_computed_anew_with_another_key_is_found(log: Sealed, tmp_path: Path) -> None:
    forger = Signer(Keys(tmp_path, SEAL))
    report = log.verified(lambda connection: rewrite(connection, forger, CHANGE), anchored=False)
    assert "signed by a key that is not ours" in words(report)
    assert report.code == 1


def test_a_chain_that_was_computed_anew_with_the_stolen_key_is_found_by_what_was_kept_outside(log: Sealed) -> None:
    def stolen(connection: Any) -> Any:
        return rewrite(connection, log.signer, CHANGE)

    assert log.verified(stolen, anchored=False).code == 0, "nobody can tell, without a checkpoint"
    report = log.verified(stolen)
    assert (report.code, "a checkpoint was kept" in words(report)) == (1, True)


def test_a_cut_end_is_found_only_by_what_was_kept_outside(log: Sealed) -> None:
    async def cut(connection: Any) -> None:
        await connection.execute(ATTACKS["last batch cut"])

    assert log.verified(cut, anchored=False).code == 0
    assert "anchored, and gone" in words(log.verified(cut))


def test_a_forged_checkpoint_is_no_proof_of_tampering(log: Sealed, tmp_path: Path) -> None:
    forger = Signer(Keys(tmp_path, SEAL))
    head = HeadFacts(999, 1, 1, bytes(32), bytes(32), 0)
    forged = notes.kept(notes.signed(head, notes.key_id(forger.public[0]), forger.sign(notes.body(head).encode())))
    log.anchors += forged
    try:
        report = log.verified()
    finally:
        log.anchors.pop()
    assert (report.code, "not signed by us" in words(report)) == (2, True)


def test_a_back_dated_event_that_is_sealed_as_usual_is_found(log: Sealed) -> None:
    """A superuser puts in an event of last night, and lets the sealer take it."""

    async def tamper(connection: Any) -> None:
        await connection.execute(
            """WITH e AS (INSERT INTO audit.event (id, at, principal_kind, roles, action, decision)
               VALUES (audit.first_id(date_trunc('month', now()) + interval '1 hour'), date_trunc('month', now()) + interval '1 hour',
                       'staff', '{}', 'case.read', 'allow') RETURNING id)
               INSERT INTO audit.queue (event_id, principal_kind, allowed) SELECT id, 'staff', true FROM e"""
        )
        assert (await sealing.seal(connection, log.signer)).count == 1

    assert "was put in later than it says" in words(log.verified(tamper))


def test_a_restore_that_its_operator_signed_for_is_explained_and_never_clean(log: Sealed) -> None:
    """The end is gone, sealing went on, and only then somebody signed: explained. Without a signature: tampered."""

    async def restored(connection: Any) -> None:
        await connection.execute(ATTACKS["last batch cut"])
        lost = await recover(connection, log.signer, log.anchors, "ops", "disk of 3 May", datetime.now(UTC))
        assert lost == (log.anchors[-1].batch, log.anchors[-1].batch)
        await connection.execute("SELECT access.begin_system('person.manage', 'tests')")
        head = await sealing.seal(connection, log.signer)
        assert head is not None
        assert head.batch == lost[1] + 1, "a lost number is not given again"

    report = log.verified(restored)
    assert (report.code, "ops explained it as 'disk of 3 May'" in words(report)) == (2, True), words(report)

    async def and_cut_more(connection: Any) -> None:
        await restored(connection)
        await connection.execute("DELETE FROM audit.head WHERE batch = 2")

    assert log.verified(and_cut_more).code == 1


def test_nothing_lost_needs_no_recovery(log: Sealed) -> None:
    async def untouched(connection: Any) -> None:
        assert await recover(connection, log.signer, log.anchors, "ops", "none", datetime.now(UTC)) is None

    assert log.verified(untouched).code == 0


def test_what_waits_for_long_cannot_be_told(log: Sealed) -> None:
    async def late(connection: Any) -> None:
        await connection.execute(
            """WITH e AS (INSERT INTO audit.event (id, at, principal_kind, roles, action, decision)
               VALUES (audit.first_id(now() - interval '2 minutes'), now() - interval '2 minutes', 'system', '{}', 'x', 'allow') RETURNING id)
               INSERT INTO audit.queue (event_id, principal_kind, allowed) SELECT id, 'system', true FROM e"""
        )

    report = log.verified(late)
    assert (report.code, "does a worker run" in words(report)) == (2, True), words(report)


def test_verifying_from_a_later_batch_looks_at_less(log: Sealed) -> None:
    whole, part = log.verified(), log.verified(start=2)
    assert (part.code, part.heads) == (0, whole.heads - 1), words(part)


UNSEALED = {
    "removed with its queue row": "WITH q AS (DELETE FROM audit.queue WHERE event_id = $1) DELETE FROM audit.event WHERE id = $1",
    "its queue row removed": "DELETE FROM audit.queue WHERE event_id = $1",
    "its action altered": "UPDATE audit.event SET action = 'signpost.list' WHERE id = $1",
    "its decision altered": "UPDATE audit.event SET decision = 'forbidden' WHERE id = $1",
    "another request's": "UPDATE audit.event SET request_id = gen_random_uuid() WHERE id = $1",
}


@pytest.mark.parametrize("attack", UNSEALED)
def test_what_is_changed_before_it_is_sealed_is_missed_by_the_services_own_lines(log: Sealed, attack: str) -> None:
    async def tamper(connection: Any) -> None:
        event = await connection.fetchval("SELECT access.begin_system('case.read', 'tests')")
        line = {"event": "request", "event_id": event, "action": "case.read", "decision": "allow", "request_id": None}
        assert (await reconcile(connection, [json.dumps(line)])).code == 0
        await connection.execute(UNSEALED[attack], event)
        assert (await reconcile(connection, [json.dumps(line)])).code == 1

    log.verified(tamper)


def test_the_proof_of_an_event_is_checked_by_a_script_that_shares_no_code(log: Sealed, tmp_path: Path) -> None:
    key = notes.verifier_key(log.signer.public[0])
    script = Path(__file__).parents[2] / "docs" / "verify_inclusion.py"
    assert "casework" not in script.read_text().split('"""', 2)[2]
    found: dict[str, Any] = {}

    async def ask(connection: Any) -> None:
        for row in await connection.fetch("SELECT event_id FROM audit.seal WHERE batch = 2 ORDER BY place"):
            found[str(row["event_id"])] = await proofs.proof(connection, row["event_id"])
        assert await proofs.proof(connection, 1) is None

    log.verified(ask)
    assert any(proof["records"] for proof in found.values())

    def checked(proof: dict[str, Any]) -> int:
        (tmp_path / "proof.json").write_text(json.dumps(proof))
        command = [sys.executable, str(script), str(tmp_path / "proof.json"), key]
        return subprocess.run(command, capture_output=True, check=False).returncode

    last = list(found.values())[-1]
    for proof in [*islice(found.values(), 3), last]:
        assert checked(proof) == 0
    for part, name, value in (("event", "action", "case.close"), ("head", "total", 1), ("event", "principal_id", None)):
        assert checked({**last, part: {**last[part], name: value}}) != 0
    assert checked({**last, "records": [*last["records"], *last["records"]]}) != 0 or not last["records"]
    assert checked({**last, "checkpoint": last["checkpoint"].replace("batch 2", "batch 3")}) != 0


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_the_tree_is_that_of_rfc_6962(count: int) -> None:
    import hashlib

    def sha(value: bytes) -> bytes:
        return hashlib.sha256(value).digest()

    def recursive(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        k = 1 << (len(leaves) - 1).bit_length() - 1
        return sha(b"\x01" + recursive(leaves[:k]) + recursive(leaves[k:]))

    leaves = [sha(struct.pack(">i", n)) for n in range(count)]
    assert root_of(leaves) == recursive(leaves)
    assert all(len(path_of(leaves, n)) <= (count - 1).bit_length() for n in range(count))
