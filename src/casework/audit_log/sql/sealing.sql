-- Sealing: what was logged is put in batches, each a Merkle tree whose root is chained and signed outside the database.
-- The worker calls these functions and has no right to the tables. What is sealed takes nothing more (see access.refuse).

-- A part with its length before it, so that no two rows are written alike; an absent one is told from an empty one.
CREATE OR REPLACE FUNCTION audit.framed(part bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(pg_catalog.int4send(pg_catalog.length(part)) || part, '\xffffffff'::bytea);

CREATE OR REPLACE FUNCTION audit.framed(part text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(pg_catalog.int4send(pg_catalog.octet_length(part)) || pg_catalog.convert_to(part, 'UTF8'), '\xffffffff'::bytea);

CREATE OR REPLACE FUNCTION audit.milliseconds(moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (extract(epoch FROM moment) * 1000)::bigint;

-- The bytes of an event and of the records beneath it, as docs/processing-log.md writes them down.
CREATE OR REPLACE FUNCTION audit.header_bytes(e audit.event) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN audit.framed(pg_catalog.int8send(e.id)) || audit.framed(pg_catalog.int8send(audit.milliseconds(e.at)))
    || audit.framed(pg_catalog.uuid_send(e.request_id)) || audit.framed(pg_catalog.uuid_send(e.session_id))
    || audit.framed(e.principal_kind) || audit.framed(pg_catalog.uuid_send(e.principal_id))
    || audit.framed(pg_catalog.uuid_send(e.acting_for)) || audit.framed(e.roles::text) || audit.framed(e.action)
    || audit.framed(e.purpose) || audit.framed(e.decision) || audit.framed(e.client)
    -- left out where there is none: so it is in events from before it was kept
    || CASE WHEN e.client_request_id IS NULL THEN ''::bytea ELSE audit.framed(pg_catalog.uuid_send(e.client_request_id)) END;

CREATE OR REPLACE FUNCTION audit.object_bytes(o audit.event_object) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN audit.framed(pg_catalog.int8send(o."position")) || audit.framed(o.kind)
    || audit.framed(pg_catalog.uuid_send(o.object_id)) || audit.framed(pg_catalog.uuid_send(o.case_id))
    || audit.framed(o.operation) || audit.framed(o.fields::text) || audit.framed(o.facts::text);

-- Takes what waits into the next batch and makes its leaves; one sealer at a time, and NULL when there is nothing to seal.
-- The rows are locked by one statement and read by the next: a refusal that was written beneath an event while the lock
-- was waited for would be invisible to the statement that took it.
CREATE OR REPLACE FUNCTION audit.seal_next(
    at_most integer, OUT batch bigint, OUT count integer, OUT total bigint, OUT previous bytea, OUT sealed_at timestamptz,
    OUT leaves bytea[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
DECLARE ids bigint[]; last audit.head; taken bigint[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(7236837001) THEN RETURN; END IF;
    ids := ARRAY(SELECT q.event_id FROM audit.queue q ORDER BY q.event_id LIMIT at_most FOR UPDATE SKIP LOCKED);
    IF cardinality(ids) = 0 THEN RETURN; END IF;
    SELECT * INTO last FROM audit.head h ORDER BY h.batch DESC LIMIT 1;
    batch := greatest(last.batch, (SELECT max(r.lost_to) FROM audit.recovery r), 0) + 1;
    -- to the past goes no head, even if the clock does
    sealed_at := greatest(date_trunc('milliseconds', clock_timestamp()), last.sealed_at);
    WITH written AS MATERIALIZED (
        SELECT e.id, audit.header_bytes(e) AS header,
               -- 16 of the 32 bytes that two random UUIDs make: there is no other source of chance in the plain server
               substring(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) FOR 16) AS salt,
               coalesce((SELECT string_agg(audit.object_bytes(o), ''::bytea ORDER BY o.position)
                         FROM audit.event_object o WHERE o.event_id = e.id), ''::bytea) AS body
        FROM unnest(ids) AS i (id) JOIN audit.event e ON e.id = i.id
    ), digested AS MATERIALIZED (
        SELECT w.id, w.header, w.salt, sha256(w.salt || w.body) AS body_digest FROM written w
    ), sealed AS (
        INSERT INTO audit.seal (event_id, batch, place, salt, body_digest, leaf)
        SELECT d.id, seal_next.batch, row_number() OVER (ORDER BY d.id) - 1, d.salt, d.body_digest,
               sha256('\x00'::bytea || d.header || audit.framed(d.body_digest))
        FROM digested d
        RETURNING seal.event_id, seal.leaf
    )
    SELECT array_agg(s.event_id), array_agg(s.leaf ORDER BY s.event_id) INTO taken, leaves FROM sealed s;
    DELETE FROM audit.queue q WHERE q.event_id = ANY (taken);
    -- an event that is gone leaves its row in the queue: the backlog and the verifier tell of it
    count := cardinality(leaves);
    total := coalesce(last.total, 0) + count;
    previous := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
END $$;

-- The head of the batch that this very transaction took; it follows the newest one, or nothing is written.
CREATE OR REPLACE FUNCTION audit.seal_done(
    of_batch bigint, of_count integer, of_total bigint, of_root bytea, of_previous bytea, at timestamptz, of_hash bytea,
    by_key text, with_signature bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE last audit.head;
BEGIN
    SELECT * INTO last FROM audit.head h ORDER BY h.batch DESC LIMIT 1;
    IF of_batch <> greatest(last.batch, (SELECT max(r.lost_to) FROM audit.recovery r), 0) + 1
       OR of_total <> coalesce(last.total, 0) + of_count
       OR of_previous <> coalesce(last.hash, decode(repeat('00', 32), 'hex'))
       OR length(of_root) <> 32 OR length(of_hash) <> 32 OR length(with_signature) <> 64
       OR of_count <> (SELECT count(*) FROM audit.seal s WHERE s.batch = of_batch AND s.xmin = pg_current_xact_id()::xid)
    THEN
        RAISE EXCEPTION 'this head does not follow' USING ERRCODE = '42501';
    END IF;
    INSERT INTO audit.head (batch, count, total, root, previous, sealed_at, hash, key_id, signature)
    VALUES (of_batch, of_count, of_total, of_root, of_previous, at, of_hash, by_key, with_signature);
END $$;

-- How many events wait to be sealed, and for how many seconds the oldest has.
CREATE OR REPLACE FUNCTION audit.backlog(OUT waiting bigint, OUT oldest double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT (SELECT count(*) FROM audit.queue),
           (SELECT greatest(extract(epoch FROM now()) - 1577836800 - (q.event_id >> 12) / 1000.0, 0)
            FROM audit.queue q ORDER BY q.event_id LIMIT 1)
$$;

-- How many whole months from now the log has its partitions, all three of them.
CREATE OR REPLACE FUNCTION audit.months_ahead() RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC'); ready integer := -1; step integer := 0;
BEGIN
    WHILE (SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent IN ('audit.event'::regclass, 'audit.event_object'::regclass, 'audit.seal'::regclass)
             AND c.relname LIKE '%\_' || to_char(month + make_interval(months => step), 'YYYY\_MM')) = 3
    LOOP
        ready := step; step := step + 1;
    END LOOP;
    RETURN ready;
END $$;

-- Emptied every second: what is dead must go before the next look at the oldest has to pass it.
ALTER TABLE audit.queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                             autovacuum_vacuum_insert_threshold = -1);
