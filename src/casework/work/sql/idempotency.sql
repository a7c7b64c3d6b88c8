-- A key is claimed in the transaction that does the work, so key and effect stand or fall together.
-- A second request with the key waits for the first (unique index); when it ended well, its answer is given again.
CREATE OR REPLACE FUNCTION work.claim(
    key bytea, print bytea,
    OUT claim text, OUT status integer, OUT headers text, OUT body text, OUT salt bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE who text; k work.idempotency_key; event bigint;
BEGIN
    -- A join calls its function whatever its condition says: without a key, or refused, there is nothing to claim.
    IF key IS NULL OR access.current_action() IS NULL THEN RETURN; END IF;
    event := audit.current_event();  -- once: asked in the condition it would be asked for each row
    SELECT q.principal_kind || ':' || coalesce(q.principal_id::text, '') INTO who
    FROM audit.queue q WHERE q.event_id = event;
    INSERT INTO work.idempotency_key AS i (caller, key_hash, fingerprint) VALUES (who, key, print)
    ON CONFLICT DO NOTHING RETURNING i.salt INTO salt;
    IF FOUND THEN
        claim := 'new';
        RETURN;
    END IF;
    -- The replay writes: with a standby, its commit waits until the first attempt's row is safe there too.
    UPDATE work.idempotency_key i SET touched_at = now() WHERE i.caller = who AND i.key_hash = key RETURNING * INTO k;
    IF k.fingerprint IS DISTINCT FROM print THEN
        claim := 'reused';
    ELSE
        claim := 'replay'; status := k.status; headers := k.headers; body := k.body; salt := k.salt;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION work.finish(key bytea, answered integer, with_headers text, with_body text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE event bigint := audit.current_event();
BEGIN
    UPDATE work.idempotency_key i SET status = answered, headers = with_headers, body = with_body
    FROM audit.queue q
    WHERE q.event_id = event AND i.key_hash = key AND i.caller = q.principal_kind || ':' || coalesce(q.principal_id::text, '');
END $$;

-- A refusal that is committed all the same (a try that counts) leaves the key as any other refusal does: free.
CREATE OR REPLACE FUNCTION work.release(key bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE event bigint := audit.current_event();
BEGIN
    DELETE FROM work.idempotency_key i USING audit.queue q
    WHERE q.event_id = event AND i.key_hash = key AND i.status IS NULL
      AND i.caller = q.principal_kind || ':' || coalesce(q.principal_id::text, '');
END $$;

-- Kept 72 hours, the horizon of everything that may still ask again; purged in steps.
CREATE OR REPLACE FUNCTION work.purge_keys(older_than interval, at_most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE gone integer;
BEGIN
    DELETE FROM work.idempotency_key i WHERE (i.caller, i.key_hash) IN (
        SELECT x.caller, x.key_hash FROM work.idempotency_key x
        WHERE x.created_at < now() - older_than ORDER BY x.created_at LIMIT at_most);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
