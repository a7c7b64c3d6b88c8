-- What opens and ends sessions. Only casework_door may open one: the connections that serve requests cannot make a session.

CREATE OR REPLACE FUNCTION access.credential_for(wanted_login text, OUT principal uuid, OUT hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.principal_id, c.password_hash
    FROM access.credential c JOIN access.principal p ON p.id = c.principal_id AND p.active
    WHERE c.login = lower(wanted_login)
$$;

CREATE OR REPLACE FUNCTION access.open_session(
    hash bytea, of_kind text, principal uuid, with_scopes text[], for_client text, idle integer, lasts interval, request uuid)
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
    PERFORM audit.open_event(request, made, of_kind, principal, NULL, '{}', 'session.manage_own', NULL, 'allow', for_client);
    RETURN made;
END $$;

-- A token for an API client that knows its secret (RFC 6749, 4.4), with the scopes asked for or all that it has.
-- verdict: issued, invalid_client or invalid_scope. The client's rows are locked meanwhile, so that a secret replaced
-- or a scope taken at the same moment ends this token as well.
CREATE OR REPLACE FUNCTION access.issue_token(
    client uuid, secret bytea, asked text[], hash bytea, lasts interval, request uuid,
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
        scopes := coalesce(asked, given);
        verdict := CASE WHEN scopes <@ given THEN 'issued' ELSE 'invalid_scope' END;
    END IF;
    IF verdict = 'issued' THEN
        PERFORM access.open_session(hash, 'client', client, scopes, NULL, NULL, lasts, request);
    ELSE
        scopes := NULL;
        PERFORM access.refuse_session(client, request);
    END IF;
END $$;

-- A log-in that failed is told to the log by the principal it was meant for, if there is one; never by what was typed.
DROP FUNCTION IF EXISTS access.refuse_session(uuid, uuid);
CREATE FUNCTION access.refuse_session(principal uuid, request uuid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT audit.open_event(request, NULL, 'public', (SELECT p.id FROM access.principal p WHERE p.id = principal), NULL, '{}',
                            'session.manage_own', NULL, 'unauthenticated', NULL)
$$;

-- The sessions of the caller, and their end.
CREATE OR REPLACE FUNCTION access.own_sessions()
RETURNS TABLE (id uuid, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, client text, is_this boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT s.id, s.created_at, s.last_seen_at, s.expires_at, s.client, s.token_hash = access.current_hash()
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
    UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = person AND s.revoked_at IS NULL AND s.expires_at > now();
    GET DIAGNOSTICS ended = ROW_COUNT;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation)
    VALUES (audit.current_event(), 'session', person, 'erasure');
    RETURN ended;
END $$;

-- A tracking token for the current contact of an enquiry; earlier ones end. On submission the contact is told by the caller,
-- who has just made both; afterwards only whoever may reissue.
CREATE OR REPLACE FUNCTION access.issue_tracking(hash bytea, of_enquiry uuid, of_contact uuid, lasts interval) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['enquiry.submit', 'enquiry.reissue_token'])
       OR NOT EXISTS (SELECT FROM access.enquiry_link l WHERE l.enquiry_id = of_enquiry AND l.contact_id = of_contact)
       OR (access.doing(ARRAY['enquiry.submit'])
           AND EXISTS (SELECT FROM access.session s WHERE s.enquiry_id = of_enquiry))
       OR (access.doing(ARRAY['enquiry.reissue_token'])
           AND NOT EXISTS (SELECT FROM audit.event_object o
                           WHERE o.event_id = audit.current_event() AND o.object_id = of_enquiry AND o.operation = 'alteration'))
    THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    UPDATE access.session s SET revoked_at = now() WHERE s.enquiry_id = of_enquiry AND s.revoked_at IS NULL;
    INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)
    VALUES (hash, 'enquirer', of_contact, of_enquiry, now() + least(lasts, interval '2 years'));
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

-- The first administrator, made once on the host's command line and told to the log.
CREATE OR REPLACE FUNCTION access.bootstrap(person uuid, in_team uuid, new_login text, hash text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- Two, because the second could never be approved: whoever gives the role may not approve it (decision 0009).
    LOCK TABLE access.membership IN SHARE ROW EXCLUSIVE MODE;
    IF (SELECT count(*) FROM access.membership m WHERE m.role = 'administrator' AND m.ended_at IS NULL AND NOT m.pending) >= 2 THEN
        RAISE EXCEPTION 'there are two administrators already' USING ERRCODE = 'CW002';
    END IF;
    INSERT INTO access.membership (principal_id, role, team_id) VALUES (person, 'administrator', in_team);
    INSERT INTO access.credential (principal_id, login, password_hash) VALUES (person, lower(new_login), hash);
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'membership', person, 'collection', jsonb_build_object('role', 'administrator'));
END $$;
