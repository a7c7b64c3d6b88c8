-- The enquirer's second step. A tracking token proves that a link was passed on; a code that was sent to the contact, whom
-- staff have verified, opens more. The code itself is nowhere in the database, nor is the key that it is made and hashed with.
-- A code opens the device that entered it, not the link: T alone, wherever it has got to, stays at status and messages.
-- The public's connections ask for a code and enter one. Only the worker, in the job of that very code, gives it its hash: who
-- can make the public's connections say anything still cannot choose a code, nor read what would confirm one.

-- The enquirer of this transaction; nothing for anybody else. For the functions below.
CREATE OR REPLACE FUNCTION access.own_link(OUT contact uuid, OUT enquiry uuid, OUT of_case uuid, OUT verified boolean, OUT hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.principal_id, s.enquiry_id, l.case_id, l.verified, s.token_hash
    FROM access.session s JOIN access.enquiry_link l ON l.enquiry_id = s.enquiry_id AND l.contact_id = s.principal_id
    WHERE s.token_hash = access.current_hash() AND s.kind = 'enquirer' AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

-- What the enquirer is still asked for on this device: shown to them on their tracking page.
CREATE OR REPLACE FUNCTION access.own_step(OUT verified boolean, OUT step text, OUT until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.verified,
           CASE WHEN NOT l.verified THEN 'awaiting_verification' WHEN c.until IS NOT NULL THEN 'confirmed' ELSE 'code_required' END,
           CASE WHEN l.verified THEN c.until END
    FROM access.own_link() l CROSS JOIN LATERAL (SELECT access.confirmed_until(l.hash, l.contact) AS until) c
    WHERE l.contact IS NOT NULL
$$;

-- Whoever asks for a code, enters one, or ends what codes have opened does so alone for this contact, until the transaction ends.
CREATE OR REPLACE FUNCTION access.alone_with(of_contact uuid) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('second step of ' || of_contact, 0))
$$;

-- Ask for a code, which is for this request alone. A network address has one live request for a contact; its next one replaces
-- it. In a day ten are sent; who asks for more is refused, and staff are told once.
-- verdict: sent, awaiting_verification, no_email or too_many.
DROP FUNCTION IF EXISTS access.ask_code(integer);
CREATE OR REPLACE FUNCTION access.ask_code(request bytea, network bytea, an_hour integer, OUT verdict text, OUT wait integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    a_day CONSTANT integer := 10; l record; made uuid := gen_random_uuid(); day timestamptz[]; hour timestamptz[]; over boolean;
    free timestamptz; last uuid; of_team uuid;
BEGIN
    PERFORM access.alone_with(o.contact) FROM access.own_link() o;
    SELECT * INTO l FROM access.own_link();  -- as it stands now that nobody else is at it
    IF l.contact IS NULL OR NOT access.doing(ARRAY['session.manage_own']) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF NOT l.verified THEN verdict := 'awaiting_verification'; RETURN; END IF;
    IF NOT EXISTS (SELECT FROM casework.contact k WHERE k.id = l.contact AND k.current AND k.email IS NOT NULL) THEN
        verdict := 'no_email'; RETURN;
    END IF;
    DELETE FROM access.one_time_code x WHERE x.contact_id = l.contact AND x.sent_at <= now() - interval '1 day';
    SELECT array_agg(x.sent_at ORDER BY x.sent_at),
           array_agg(x.sent_at ORDER BY x.sent_at) FILTER (WHERE x.network_hash = network AND x.sent_at > now() - interval '1 hour'),
           (array_agg(x.id ORDER BY x.sent_at DESC))[1], coalesce(bool_or(x.told_at IS NOT NULL), false)
    INTO day, hour, last, over FROM access.one_time_code x WHERE x.contact_id = l.contact;
    free := CASE WHEN cardinality(day) >= a_day THEN day[1] + interval '1 day'
                 WHEN cardinality(hour) >= least(an_hour, a_day) THEN hour[1] + interval '1 hour' END;
    IF free IS NOT NULL THEN
        verdict := 'too_many'; wait := greatest(1, ceil(extract(epoch FROM free - now())));
        IF cardinality(day) >= a_day AND NOT over THEN
            UPDATE access.one_time_code x SET told_at = now() WHERE x.id = last;
            SELECT e.team_id INTO of_team FROM casework.enquiry e WHERE e.id = l.enquiry;
            PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'codes_used_up', 'team_id', of_team, 'enquiry_id', l.enquiry),
                                 NULL, NULL);
            INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, facts)
            VALUES (audit.current_event(), 'one_time_code', last, l.of_case, 'refusal', jsonb_build_object('why', verdict));
        END IF;
        RETURN;
    END IF;
    UPDATE access.one_time_code x SET tries_left = 0
    WHERE x.contact_id = l.contact AND x.network_hash = network AND x.used_at IS NULL AND x.tries_left > 0;
    -- Until the worker has sent it there is nothing that anybody could enter.
    INSERT INTO access.one_time_code (id, contact_id, enquiry_id, request_hash, network_hash, code_hash, expires_at, tries_left)
    VALUES (made, l.contact, l.enquiry, request, network, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), now(), 5);
    PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'code', 'code_id', made), NULL, NULL);
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
    VALUES (audit.current_event(), 'one_time_code', made, l.of_case, 'collection');
    verdict := 'sent';
END $$;

-- Enter the code of a request. A try counts before it is judged, and the caller commits a wrong one too. The right one gives the
-- device a token of its own, which counts beside this tracking token and no other.
-- verdict: confirmed, wrong, expired (no such request, used, too old, or tried too often), awaiting_verification.
DROP FUNCTION IF EXISTS access.enter_code(bytea[], interval);
CREATE OR REPLACE FUNCTION access.enter_code(
    request bytea, hashes bytea[], given bytea, lasts interval, idle integer, OUT verdict text, OUT tries integer, OUT until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE l record; c access.one_time_code;
BEGIN
    PERFORM access.alone_with(o.contact) FROM access.own_link() o;
    SELECT * INTO l FROM access.own_link();
    IF l.contact IS NULL OR NOT access.doing(ARRAY['session.manage_own']) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF NOT l.verified THEN verdict := 'awaiting_verification'; RETURN; END IF;
    UPDATE access.one_time_code x SET tries_left = x.tries_left - 1
    WHERE x.request_hash = request AND x.contact_id = l.contact AND x.enquiry_id = l.enquiry
      AND x.used_at IS NULL AND x.tries_left > 0 AND x.expires_at > now()
    RETURNING * INTO c;
    IF c.id IS NULL THEN verdict := 'expired'; RETURN; END IF;
    IF c.code_hash = ANY (hashes) THEN
        UPDATE access.one_time_code x SET used_at = now() WHERE x.id = c.id;
        INSERT INTO access.confirmation (token_hash, contact_id, session_hash, idle_minutes, idle_until, expires_at)
        SELECT given, l.contact, l.hash, idle, now() + make_interval(mins => idle),
               least(now() + least(lasts, interval '24 hours'), s.expires_at)
        FROM access.session s WHERE s.token_hash = l.hash
        RETURNING expires_at INTO until;
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
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.alone_with(of_contact);
    DELETE FROM access.one_time_code x WHERE x.contact_id = of_contact;
    DELETE FROM access.confirmation c WHERE c.contact_id = of_contact;
END $$;

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
    IF EXISTS (SELECT FROM casework.contact c WHERE c.id = of_contact AND c.verified_by = access.acting_person()) THEN
        RAISE EXCEPTION 'who verified a contact is not shown its token' USING ERRCODE = 'CW002', CONSTRAINT = 'contact_own_token';
    END IF;
    PERFORM access.introduce(of_contact, 'token');
    UPDATE access.session s SET revoked_at = now() WHERE s.enquiry_id = of_enquiry AND s.revoked_at IS NULL;
    PERFORM access.end_second_step(of_contact);
    INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)
    VALUES (hash, 'enquirer', of_contact, of_enquiry, least(now() + lasts, ends));
END $$;
