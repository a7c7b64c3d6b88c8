-- The enquirer's second step. A tracking token proves that a link was passed on; a code that was sent to the contact, whom
-- staff have verified, opens more. The code itself is nowhere in the database, nor is the key that it is made and hashed with.
-- The public's connections ask for a code and enter one. Only the worker, in the job of that very code, gives it its hash: who
-- can make the public's connections say anything still cannot choose a code, nor read what would confirm one.

-- The enquirer of this transaction; nothing for anybody else. For the functions below.
CREATE OR REPLACE FUNCTION access.own_link(OUT contact uuid, OUT enquiry uuid, OUT of_case uuid, OUT verified boolean, OUT hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.principal_id, s.enquiry_id, l.case_id, l.verified, s.token_hash
    FROM access.session s JOIN access.enquiry_link l ON l.enquiry_id = s.enquiry_id AND l.contact_id = s.principal_id
    WHERE s.token_hash = access.current_hash() AND s.kind = 'enquirer' AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

-- What the enquirer is still asked for: shown to them on their tracking page.
CREATE OR REPLACE FUNCTION access.own_step(OUT verified boolean, OUT step text, OUT until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.verified,
           CASE WHEN NOT l.verified THEN 'awaiting_verification'
                WHEN s.confirmed_until > now() THEN 'confirmed' ELSE 'code_required' END,
           CASE WHEN l.verified AND s.confirmed_until > now() THEN s.confirmed_until END
    FROM access.own_link() l JOIN access.session s ON s.token_hash = l.hash
$$;

-- Ask for a code: one a contact, a new one replaces the one before. verdict: sent, awaiting_verification, no_email or too_many.
CREATE OR REPLACE FUNCTION access.ask_code(an_hour integer, OUT verdict text, OUT wait integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE l record; c access.one_time_code; recent timestamptz[]; made uuid := gen_random_uuid();
BEGIN
    SELECT * INTO l FROM access.own_link();
    IF l.contact IS NULL OR NOT access.doing(ARRAY['session.manage_own']) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF NOT l.verified THEN verdict := 'awaiting_verification'; RETURN; END IF;
    IF NOT EXISTS (SELECT FROM casework.contact k WHERE k.id = l.contact AND k.current AND k.email IS NOT NULL) THEN
        verdict := 'no_email'; RETURN;
    END IF;
    -- Whoever asks at the same moment waits here, so that the hour is counted right.
    INSERT INTO access.one_time_code (contact_id, enquiry_id, code_hash, expires_at, tries_left)
    VALUES (l.contact, l.enquiry, '', now(), 0) ON CONFLICT (contact_id) DO NOTHING;
    SELECT * INTO c FROM access.one_time_code x WHERE x.contact_id = l.contact FOR UPDATE;
    recent := ARRAY(SELECT a FROM unnest(c.asked_at) a WHERE a > now() - interval '1 hour' ORDER BY a);
    IF cardinality(recent) >= least(an_hour, 20) THEN
        verdict := 'too_many';
        wait := greatest(1, ceil(extract(epoch FROM recent[1] + interval '1 hour' - now())));
        RETURN;
    END IF;
    -- Until the worker has sent it there is nothing that anybody could enter.
    UPDATE access.one_time_code x
    SET id = made, enquiry_id = l.enquiry, code_hash = uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
        sent_at = now(), expires_at = now(), tries_left = 5, used_at = NULL, asked_at = recent || now()
    WHERE x.contact_id = l.contact;
    PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'code', 'code_id', made), NULL, NULL);
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
    VALUES (audit.current_event(), 'one_time_code', made, l.of_case, 'collection');
    verdict := 'sent';
END $$;

-- Enter a code. A try counts before it is judged, whoever else tries at the same moment: the row is locked meanwhile. The
-- caller commits a wrong one too. verdict: confirmed, wrong, expired (no code, used, too old, or tried too often), awaiting_verification.
CREATE OR REPLACE FUNCTION access.enter_code(hashes bytea[], lasts interval, OUT verdict text, OUT tries integer, OUT until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE l record; c access.one_time_code;
BEGIN
    SELECT * INTO l FROM access.own_link();
    IF l.contact IS NULL OR NOT access.doing(ARRAY['session.manage_own']) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF NOT l.verified THEN verdict := 'awaiting_verification'; RETURN; END IF;
    UPDATE access.one_time_code x SET tries_left = x.tries_left - 1
    WHERE x.contact_id = l.contact AND x.enquiry_id = l.enquiry AND x.used_at IS NULL AND x.tries_left > 0 AND x.expires_at > now()
    RETURNING * INTO c;
    IF c.id IS NULL THEN
        -- A reply that was lost on the way: the same code, once more, changes nothing and lengthens nothing.
        SELECT s.confirmed_until INTO until FROM access.session s, access.one_time_code x
        WHERE s.token_hash = l.hash AND s.confirmed_until > now()
          AND x.contact_id = l.contact AND x.used_at IS NOT NULL AND x.code_hash = ANY (hashes);
        verdict := CASE WHEN until IS NULL THEN 'expired' ELSE 'confirmed' END;
        RETURN;
    END IF;
    IF c.code_hash = ANY (hashes) THEN
        UPDATE access.one_time_code x SET used_at = now() WHERE x.id = c.id;
        UPDATE access.session s SET confirmed_until = least(now() + least(lasts, interval '24 hours'), s.expires_at)
        WHERE s.token_hash = l.hash RETURNING s.confirmed_until INTO until;
        verdict := 'confirmed';
    ELSE
        verdict := 'wrong'; tries := c.tries_left;
    END IF;
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, facts)
    VALUES (audit.current_event(), 'one_time_code', c.id, l.of_case, CASE verdict WHEN 'confirmed' THEN 'alteration' ELSE 'refusal' END,
            jsonb_build_object('why', verdict));
END $$;

-- The worker is about to send a code: from now on it can be entered, for ten minutes. Only the job that was made for it may say so.
CREATE OR REPLACE FUNCTION access.arm_code(job bigint, hash bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- An old one is not sent: who asked has given up, or asked again.
    UPDATE access.one_time_code x SET code_hash = hash, expires_at = now() + interval '10 minutes'
    FROM jobs.procrastinate_jobs j
    WHERE j.id = job AND j.status = 'doing' AND j.task_name = 'messages.send' AND x.id = (j.args ->> 'code_id')::uuid
      AND x.used_at IS NULL AND x.tries_left > 0 AND x.sent_at > now() - interval '1 hour';
    RETURN FOUND;
END $$;

-- Whatever a contact could see beyond the status ends: the codes, and what codes have opened.
CREATE OR REPLACE FUNCTION access.end_second_step(of_contact uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    DELETE FROM access.one_time_code x WHERE x.contact_id = of_contact;
    UPDATE access.session s SET confirmed_until = NULL
    WHERE s.principal_id = of_contact AND s.kind = 'enquirer' AND s.confirmed_until IS NOT NULL;
$$;

-- Whether an enquiry was made in this very transaction and has no contact yet: the public names one for its own only.
CREATE OR REPLACE FUNCTION access.made_here(of_enquiry uuid) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.enquiry_link l
                   WHERE l.enquiry_id = of_enquiry AND l.contact_id IS NULL AND l.xmin = pg_current_xact_id()::xid)
$$;

-- Until when a tracking token of an enquiry may live: two years, or 90 days after the end of the enquiry or its case.
CREATE OR REPLACE FUNCTION access.token_end(of_enquiry uuid) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT least(now() + interval '2 years', casework.in_real_time(coalesce(f.closed_at, e.ended_at)) + interval '90 days')
    FROM casework.enquiry e LEFT JOIN casework.case_file f ON f.id = e.case_id WHERE e.id = of_enquiry
$$;

-- A tracking token for the current contact of an enquiry; earlier ones end. On submission for the enquiry that this transaction
-- has just made; afterwards by whoever may reissue, within their reach, and to a verified contact only.
CREATE OR REPLACE FUNCTION access.issue_tracking(hash bytea, of_enquiry uuid, of_contact uuid, lasts interval) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE l access.enquiry_link; allowed boolean := false; ends timestamptz;
BEGIN
    IF access.doing(ARRAY['enquiry.submit']) THEN
        -- Made in this transaction, so there is no earlier token or code to end, nor an end of its own in sight.
        IF EXISTS (SELECT FROM access.session s WHERE s.enquiry_id = of_enquiry)
           OR NOT EXISTS (SELECT FROM access.enquiry_link x WHERE x.enquiry_id = of_enquiry AND x.contact_id = of_contact
                          AND x.xmin = pg_current_xact_id()::xid) THEN
            RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
        END IF;
        INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)
        VALUES (hash, 'enquirer', of_contact, of_enquiry, now() + least(lasts, interval '2 years'));
        RETURN;
    END IF;
    ends := access.token_end(of_enquiry);
    SELECT * INTO l FROM access.enquiry_link x WHERE x.enquiry_id = of_enquiry AND x.contact_id = of_contact;
    IF access.doing(ARRAY['enquiry.reissue_token']) THEN
        allowed := coalesce(l.verified, false) AND EXISTS (
            SELECT FROM casework.enquiry e WHERE e.id = of_enquiry
              AND (e.team_id = ANY (access.read_teams('enquiry.reissue_token')) AND NOT e.restricted
                   OR e.restricted AND e.team_id = ANY (access.answering_teams('enquiry.reissue_token'))
                   OR e.case_id = ANY (access.cases('enquiry.reissue_token'))));
    END IF;
    IF NOT allowed OR l.enquiry_id IS NULL THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF ends <= now() THEN
        RAISE EXCEPTION 'this ended more than 90 days ago: its tracking page is closed' USING ERRCODE = 'CW002';
    END IF;
    UPDATE access.session s SET revoked_at = now() WHERE s.enquiry_id = of_enquiry AND s.revoked_at IS NULL;
    PERFORM access.end_second_step(of_contact);
    INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)
    VALUES (hash, 'enquirer', of_contact, of_enquiry, least(now() + lasts, ends));
END $$;
