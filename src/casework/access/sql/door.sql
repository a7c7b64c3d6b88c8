-- What opens and ends sessions. Only casework_door may open one: the connections that serve requests cannot make a session.

CREATE OR REPLACE FUNCTION access.credential_for(wanted_login text, OUT principal uuid, OUT hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.principal_id, c.password_hash
    FROM access.credential c JOIN access.principal p ON p.id = c.principal_id AND p.active
    WHERE c.login = lower(wanted_login)
$$;

DROP FUNCTION IF EXISTS access.open_session(bytea, text, uuid, text[], text, integer, interval, uuid);
CREATE OR REPLACE FUNCTION access.open_session(
    hash bytea, of_kind text, principal uuid, with_scopes text[], for_client text, idle integer, lasts interval, request uuid,
    asked uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE made uuid;
BEGIN
    -- Somebody who was deactivated while their password was checked gets no session.
    PERFORM FROM access.principal p WHERE p.id = principal AND p.active AND p.kind = of_kind FOR SHARE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    INSERT INTO access.session (token_hash, kind, principal_id, scopes, client, idle_minutes, idle_until, expires_at)
    VALUES (hash, of_kind, principal, with_scopes, for_client, idle, now() + make_interval(mins => idle), now() + lasts)
    RETURNING id INTO made;
    PERFORM audit.open_event(request, made, of_kind, principal, NULL, '{}', 'session.manage_own', NULL, 'allow', for_client, asked);
    RETURN made;
END $$;

-- A token for an API client that knows its secret (RFC 6749, 4.4), with the scopes asked for or all that it has.
-- verdict: issued, invalid_client or invalid_scope. The client's rows are locked meanwhile, so that a secret replaced
-- or a scope taken at the same moment ends this token as well.
DROP FUNCTION IF EXISTS access.issue_token(uuid, bytea, text[], bytea, interval, uuid);
CREATE OR REPLACE FUNCTION access.issue_token(
    client uuid, secret bytea, wanted text[], hash bytea, lasts interval, request uuid, asked uuid DEFAULT NULL,
    OUT verdict text, OUT scopes text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE given text[];
BEGIN
    verdict := 'invalid_client';
    SELECT g.scopes INTO given
    FROM access.client_secret s
    JOIN access.principal p ON p.id = s.client_id AND p.active AND p.kind = 'client'
    JOIN access.client_grant g ON g.client_id = s.client_id
    WHERE s.client_id = client AND s.secret_hash = secret
    FOR SHARE;
    IF FOUND THEN
        scopes := coalesce(wanted, given);
        verdict := CASE WHEN scopes <@ given THEN 'issued' ELSE 'invalid_scope' END;
    END IF;
    IF verdict = 'issued' THEN
        PERFORM access.open_session(hash, 'client', client, scopes, NULL, NULL, lasts, request, asked);
    ELSE
        scopes := NULL;
        PERFORM access.refuse_session(client, request, asked);
    END IF;
END $$;

-- A log-in that failed is told to the log by the principal it was meant for, if there is one; never by what was typed.
DROP FUNCTION IF EXISTS access.refuse_session(uuid, uuid);
CREATE OR REPLACE FUNCTION access.refuse_session(principal uuid, request uuid, asked uuid DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT audit.open_event(request, NULL, 'public', (SELECT p.id FROM access.principal p WHERE p.id = principal), NULL, '{}',
                            'session.manage_own', NULL, 'unauthenticated', NULL, asked)
$$;

-- The first sight of an identity provider's token, which access/federation.py has verified: a session by its hash for the
-- person whose identity that is. Whether there is anything to begin with now.
-- ``content`` stands for what was signed, and becomes the session's id: the same token written in another way (an ECDSA
-- signature has a twin) is no second token, so what was revoked stays so. Nor does a token count that was issued before
-- the person's sessions were last ended: it could have been kept back.
DROP FUNCTION IF EXISTS access.open_federated(bytea, uuid, text, text, timestamptz, timestamptz, integer, interval, uuid);
CREATE OR REPLACE FUNCTION access.open_federated(
    hash bytea, content uuid, of_issuer text, of_subject text, issued timestamptz, until timestamptz, idle integer,
    lasts interval, request uuid, asked uuid DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE person access.principal; made uuid;
BEGIN
    -- Locked meanwhile, so that unlinking or deactivating at the same moment ends this session as well.
    SELECT p.* INTO person FROM access.identity i JOIN access.principal p ON p.id = i.principal_id
    WHERE i.issuer = of_issuer AND i.subject = of_subject FOR SHARE;
    IF person.id IS NULL OR NOT person.active OR person.kind <> 'staff' OR issued < person.tokens_from THEN
        PERFORM access.refuse_session(person.id, request, asked);
        RETURN false;
    END IF;
    INSERT INTO access.session (token_hash, id, kind, principal_id, issuer, idle_minutes, idle_until, expires_at)
    VALUES (hash, content, 'staff', person.id, of_issuer, idle, now() + make_interval(mins => idle), least(until, now() + lasts))
    ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NOT NULL THEN
        PERFORM audit.open_event(request, made, 'staff', person.id, NULL, '{}', 'session.manage_own', NULL, 'allow', NULL, asked);
    END IF;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION access.log_in_of(s access.session) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN s.kind = 'client' THEN 'client_credentials' WHEN s.kind = 'enquirer' THEN 'tracking_token'
                WHEN s.issuer IS NOT NULL THEN 'federated' ELSE 'local' END
$$;

-- How the caller of this transaction came in.
CREATE OR REPLACE FUNCTION access.my_session(OUT log_in text, OUT issuer text, OUT expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT access.log_in_of(s), s.issuer, s.expires_at FROM access.session s WHERE s.token_hash = access.current_hash()
$$;

-- The sessions of the caller, and their end.
DROP FUNCTION IF EXISTS access.own_sessions();
CREATE FUNCTION access.own_sessions()
RETURNS TABLE (id uuid, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, log_in text, is_this boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT s.id, s.created_at, s.last_seen_at, s.expires_at, access.log_in_of(s), s.token_hash = access.current_hash()
        FROM access.session s
        WHERE s.principal_id = access.current_principal() AND s.revoked_at IS NULL AND s.expires_at > now()
          AND (s.idle_until IS NULL OR s.idle_until > now())
        ORDER BY s.created_at DESC, s.id;
END $$;

CREATE OR REPLACE FUNCTION access.end_own_session(wanted uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE done uuid;
BEGIN
    UPDATE access.session s SET revoked_at = now()
    WHERE s.revoked_at IS NULL AND s.principal_id = access.current_principal()
      AND (s.id = wanted OR wanted IS NULL AND s.token_hash = access.current_hash())
    RETURNING s.id INTO done;
    IF done IS NOT NULL THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, operation)
        VALUES (audit.current_event(), 'session', done, 'erasure');
    END IF;
    RETURN done IS NOT NULL;
END $$;

-- Another's sessions: by a supervisor of a team in which the person stands or plays a part, or an administrator.
-- How many ended; NULL where the caller's reach does not include the person.
CREATE OR REPLACE FUNCTION access.end_sessions_of(person uuid) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE ended integer;
BEGIN
    IF NOT access.doing(ARRAY['session.revoke']) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    -- A role that waits for approval puts nobody into anybody's reach.
    IF NOT EXISTS (SELECT FROM casework.person p
                   WHERE p.id = person AND p.team_id = ANY (access.read_teams('session.revoke')))
       AND NOT EXISTS (SELECT FROM access.membership m
                       WHERE m.principal_id = person AND m.ended_at IS NULL AND NOT m.pending
                         AND m.team_id = ANY (access.read_teams('session.revoke')))
    THEN
        RETURN NULL;
    END IF;
    -- First, so that a token which is being let in at this moment is either refused or ended.
    UPDATE access.principal p SET tokens_from = now() WHERE p.id = person;
    UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = person AND s.revoked_at IS NULL AND s.expires_at > now();
    GET DIAGNOSTICS ended = ROW_COUNT;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation)
    VALUES (audit.current_event(), 'session', person, 'erasure');
    RETURN ended;
END $$;

-- An API client's secret, set or replaced by whoever manages clients; its running tokens end.
CREATE OR REPLACE FUNCTION access.set_client_secret(client uuid, secret bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['client.manage']) OR NOT access.holds('client.manage') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    INSERT INTO access.client_secret (client_id, secret_hash) VALUES (client, secret)
    ON CONFLICT (client_id) DO UPDATE SET secret_hash = excluded.secret_hash;
    UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = set_client_secret.client AND s.revoked_at IS NULL;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation)
    VALUES (audit.current_event(), 'client_secret', client, 'alteration');
END $$;

-- A password for the local log-in (trial and tests), set by whoever manages people; sessions of the person end.
CREATE OR REPLACE FUNCTION access.set_password(person uuid, new_login text, hash text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage')
       OR person IS NOT DISTINCT FROM access.current_principal() THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    -- Whoever could log in as the second administrator could approve what they asked for themselves.
    IF EXISTS (SELECT FROM access.membership m WHERE m.principal_id = person AND m.ended_at IS NULL
               AND m.role IN ('administrator', 'auditor')) THEN
        RAISE EXCEPTION 'nobody sets the password of an administrator or auditor through the API' USING ERRCODE = 'CW002';
    END IF;
    INSERT INTO access.credential (principal_id, login, password_hash) VALUES (person, lower(new_login), hash)
    ON CONFLICT (principal_id) DO UPDATE SET login = excluded.login, password_hash = excluded.password_hash;
    UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = person AND s.revoked_at IS NULL;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation)
    VALUES (audit.current_event(), 'credential', person, 'alteration');
END $$;

-- Who somebody is at an identity provider. On the host by this alone; through the API by link_identity.
CREATE OR REPLACE FUNCTION access.bind_identity(person uuid, of_issuer text, of_subject text, linker uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE made uuid; event bigint := audit.current_event();
BEGIN
    IF NOT EXISTS (SELECT FROM access.principal p WHERE p.id = person AND p.kind = 'staff') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    INSERT INTO access.identity (issuer, subject, principal_id, linked_by) VALUES (of_issuer, of_subject, person, linker)
    ON CONFLICT (issuer, subject) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        SELECT i.id INTO made FROM access.identity i
        WHERE i.issuer = of_issuer AND i.subject = of_subject AND i.principal_id = person;
        IF made IS NULL THEN
            RAISE EXCEPTION 'somebody else has this identity; unlink it there first' USING ERRCODE = 'CW002';
        END IF;
        RETURN made;
    END IF;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (event, 'identity', made, 'collection', jsonb_build_object('person', person));
    RETURN made;
END $$;

-- The same rule as for passwords: never one's own, and never by one person alone for whoever approves and oversees.
CREATE OR REPLACE FUNCTION access.link_identity(person uuid, of_issuer text, of_subject text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal();
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') OR me IS NULL OR person = me THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF EXISTS (SELECT FROM access.membership m WHERE m.principal_id = person AND m.ended_at IS NULL
               AND m.role IN ('administrator', 'auditor')) THEN
        RAISE EXCEPTION 'nobody links the identity of an administrator or auditor through the API; use `casework people link` on the host'
            USING ERRCODE = 'CW002';
    END IF;
    RETURN access.bind_identity(person, of_issuer, of_subject, me);
END $$;

-- The sessions that came in by it end with it, and its tokens that were not seen yet open nothing, even if it is linked again.
CREATE OR REPLACE FUNCTION access.unlink_identity(person uuid, identity uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); gone access.identity;
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') OR me IS NULL OR person = me THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    DELETE FROM access.identity i WHERE i.id = identity AND i.principal_id = person RETURNING * INTO gone;
    IF gone.id IS NULL THEN RETURN false; END IF;
    UPDATE access.principal p SET tokens_from = now() WHERE p.id = person;
    UPDATE access.session s SET revoked_at = now()
    WHERE s.principal_id = person AND s.issuer = gone.issuer AND s.revoked_at IS NULL;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'identity', gone.id, 'erasure', jsonb_build_object('person', person));
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION access.identities_of(person uuid)
RETURNS TABLE (id uuid, issuer text, subject text, linked_at timestamptz, linked_by uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') THEN RETURN; END IF;
    RETURN QUERY SELECT i.id, i.issuer, i.subject, i.linked_at, i.linked_by FROM access.identity i
        WHERE i.principal_id = person ORDER BY i.linked_at, i.id;
END $$;

-- Who begins, made on the host's command line and told to the log: the first two administrators, and for a trial an auditor.
DROP FUNCTION IF EXISTS access.bootstrap(uuid, uuid, text, text);
CREATE OR REPLACE FUNCTION access.bootstrap(person uuid, in_team uuid, new_login text, hash text, of_role text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE at_most CONSTANT jsonb := '{"administrator": 2, "auditor": 1}';
BEGIN
    -- Two administrators, because the second could never be approved: whoever gives the role may not approve it (decision 0009).
    LOCK TABLE access.membership IN SHARE ROW EXCLUSIVE MODE;
    IF at_most ->> of_role IS NULL THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    ELSIF (SELECT count(*) FROM access.membership m WHERE m.role = of_role AND m.ended_at IS NULL AND NOT m.pending)
          >= (at_most ->> of_role)::integer THEN
        RAISE EXCEPTION 'there are as many already' USING ERRCODE = 'CW002';
    END IF;
    INSERT INTO access.membership (principal_id, role, team_id) VALUES (person, of_role, in_team);
    INSERT INTO access.credential (principal_id, login, password_hash) VALUES (person, lower(new_login), hash);
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'membership', person, 'collection', jsonb_build_object('role', of_role));
END $$;
