-- Messages that go out. A job carries ids only; whom to write to, and about which reference, is read when it runs, by the worker alone.

-- The acknowledgement of an enquiry that this very transaction has made: all that the public's connections may have sent by themselves.
CREATE OR REPLACE FUNCTION work.acknowledge(of_enquiry uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['enquiry.submit']) OR NOT EXISTS (
        SELECT FROM access.enquiry_link l WHERE l.enquiry_id = of_enquiry AND l.xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'received', 'enquiry_id', of_enquiry), NULL, NULL);
END $$;

-- The letters of a job that is being done just now, less those it has sent already: to the contact of an enquiry, to those of a
-- case, to a team's mailbox, or to one of us. Never a finding, a colleague's name or a time: they are not even among what can be answered.
CREATE OR REPLACE FUNCTION work.letters(job bigint)
RETURNS TABLE (step text, kind text, recipient text, reference text, nation text, team text, phone text, mailbox text, hours text,
               contact_id uuid, code_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE a jsonb; event bigint;
BEGIN
    SELECT j.args INTO a FROM jobs.procrastinate_jobs j WHERE j.id = job AND j.status = 'doing' AND j.task_name = 'messages.send';
    IF a IS NULL THEN RETURN; END IF;
    event := access.begin_system(CASE WHEN a ->> 'threat_level_id' IS NULL THEN 'enquiry.message' ELSE 'threat_level.set' END, 'job messages.send');
    IF a ->> 'to' = 'adviser' THEN
        -- The case's adviser is told of what others do about its contacts; where it has none, the team.
        RETURN QUERY SELECT 'sent:' || coalesce(p.id, t.id), a ->> 'kind', coalesce(p.email, t.mailbox), e.reference, f.nation, t.name,
                            t.phone || coalesce(' ext. ' || t.phone_extension, ''), t.mailbox, t.hours, NULL::uuid, NULL::uuid
            FROM casework.enquiry e JOIN casework.case_file c ON c.id = e.case_id
            JOIN casework.team t ON t.id = e.team_id JOIN casework.police_force f ON f.code = t.force_code
            LEFT JOIN casework.person p ON p.id = c.adviser_id AND c.adviser_left_at IS NULL AND access.lets_in(p.id)
            WHERE e.id = (a ->> 'enquiry_id')::uuid AND coalesce(p.email, t.mailbox) IS NOT NULL
              AND NOT EXISTS (SELECT FROM jobs.cause j JOIN audit.event v ON v.id = j.event_id
                              WHERE j.job_id = job AND p.id IN (v.principal_id, v.acting_for))
              AND NOT EXISTS (SELECT FROM jobs.effect x WHERE x.job_id = job AND x.step = 'sent:' || coalesce(p.id, t.id));
        RETURN;
    END IF;
    IF a ->> 'to' = 'last adviser' THEN
        -- A business has written when all had ended: its last adviser, else each coordinator of the team, else its mailbox.
        RETURN QUERY WITH asked AS (
            SELECT e.reference, t.id AS team_id, t.name, t.phone || coalesce(' ext. ' || t.phone_extension, '') AS phone, t.mailbox, t.hours, f.nation,
                   (SELECT p.id FROM casework.case_file c JOIN casework.person p ON p.id = c.adviser_id AND access.lets_in(p.id)
                    WHERE c.id = e.case_id AND EXISTS (SELECT FROM access.membership m WHERE m.principal_id = p.id AND m.team_id = e.team_id
                                                         AND m.role = 'adviser' AND m.ended_at IS NULL AND NOT m.pending)) AS adviser
            FROM casework.enquiry e JOIN casework.team t ON t.id = e.team_id JOIN casework.police_force f ON f.code = t.force_code
            WHERE e.id = (a ->> 'enquiry_id')::uuid
        ), people AS (
            SELECT p.id, p.email::text AS address FROM asked q JOIN casework.person p ON access.lets_in(p.id) AND CASE WHEN q.adviser IS NOT NULL
                THEN p.id = q.adviser
                ELSE EXISTS (SELECT FROM access.membership m WHERE m.principal_id = p.id AND m.team_id = q.team_id
                             AND m.role = 'coordinator' AND m.ended_at IS NULL AND NOT m.pending) END
        ), told AS (
            SELECT * FROM people
            UNION ALL SELECT q.team_id, q.mailbox::text FROM asked q WHERE q.mailbox IS NOT NULL AND NOT EXISTS (SELECT FROM people)
        )
        SELECT 'sent:' || x.id, a ->> 'kind', x.address, q.reference, q.nation, q.name, q.phone, q.mailbox, q.hours, NULL::uuid, NULL::uuid
        FROM told x CROSS JOIN asked q
        WHERE NOT EXISTS (SELECT FROM jobs.effect y WHERE y.job_id = job AND y.step = 'sent:' || x.id);
        RETURN;
    END IF;
    IF a ->> 'to' = 'overseers' THEN
        -- Administrators and auditors, each once; by the team of whom it is about, never by a name.
        RETURN QUERY SELECT 'sent:' || p.id, a ->> 'kind', p.email, t.name, f.nation, t.name, NULL::text, NULL::text, NULL::text,
                            NULL::uuid, NULL::uuid
            FROM casework.person who JOIN casework.team t ON t.id = who.team_id JOIN casework.police_force f ON f.code = t.force_code
            JOIN casework.person p ON access.lets_in(p.id) AND p.id <> who.id AND EXISTS (
                SELECT FROM access.membership m WHERE m.principal_id = p.id AND m.role IN ('administrator', 'auditor')
                  AND m.ended_at IS NULL AND NOT m.pending)
            WHERE who.id = (a ->> 'person_id')::uuid
              AND NOT EXISTS (SELECT FROM jobs.effect x WHERE x.job_id = job AND x.step = 'sent:' || p.id);
        RETURN;
    END IF;
    IF a ->> 'team_id' IS NOT NULL THEN
        RETURN QUERY SELECT 'sent:' || t.id, a ->> 'kind', t.mailbox, coalesce(h.reference, e.reference), f.nation, t.name,
                            t.phone || coalesce(' ext. ' || t.phone_extension, ''), t.mailbox, t.hours, NULL::uuid, NULL::uuid
            FROM casework.team t JOIN casework.police_force f ON f.code = t.force_code
            LEFT JOIN casework.case_headline h ON h.id = (a ->> 'case_id')::uuid
            LEFT JOIN casework.enquiry e ON e.id = (a ->> 'enquiry_id')::uuid
            WHERE t.id = (a ->> 'team_id')::uuid AND t.mailbox IS NOT NULL
              AND NOT EXISTS (SELECT FROM jobs.effect x WHERE x.job_id = job AND x.step = 'sent:' || t.id);
        RETURN;
    END IF;
    -- The authors of what stands under a level that was raised and is not issued yet; nobody, once the entry holds no more.
    IF a ->> 'threat_level_id' IS NOT NULL THEN
        RETURN QUERY WITH held AS (
            SELECT v.id, v.case_id, v.reference, v.author_id
            FROM casework.threat_level l
            JOIN casework.advice v ON v.state IN ('draft', 'in_review', 'returned', 'approved')
            JOIN casework.case_file c ON c.id = v.case_id
            WHERE l.id = (a ->> 'threat_level_id')::uuid AND l.id = casework.level_holding(l.kind, casework.now())
              AND (l.kind = 'national' OR casework.nation_of_site(c.premises_id, v.team_id) = 'Northern Ireland')
        ), told AS (
            INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, facts)
            SELECT event, 'advice', h.id, h.case_id, 'consultation', jsonb_build_object('message', a ->> 'kind') FROM held h
        )
        SELECT 'sent:' || p.id, a ->> 'kind', p.email, string_agg(h.reference, ', ' ORDER BY h.reference), NULL::text, t.name,
               NULL::text, t.mailbox, NULL::text, NULL::uuid, NULL::uuid
        FROM held h JOIN casework.person p ON p.id = h.author_id AND access.lets_in(p.id) JOIN casework.team t ON t.id = p.team_id
        WHERE NOT EXISTS (SELECT FROM jobs.effect x WHERE x.job_id = job AND x.step = 'sent:' || p.id)
        GROUP BY p.id, p.email, t.name, t.mailbox;
        RETURN;
    END IF;
    IF a ->> 'person_id' IS NOT NULL THEN
        RETURN QUERY SELECT 'sent:' || p.id, a ->> 'kind', p.email, h.reference, f.nation, t.name,
                            t.phone || coalesce(' ext. ' || t.phone_extension, ''), t.mailbox, t.hours, NULL::uuid, NULL::uuid
            FROM casework.person p JOIN casework.team t ON t.id = p.team_id JOIN casework.police_force f ON f.code = t.force_code
            JOIN casework.case_headline h ON h.id = (a ->> 'case_id')::uuid
            WHERE p.id = (a ->> 'person_id')::uuid AND access.lets_in(p.id)
              AND NOT EXISTS (SELECT FROM jobs.effect x WHERE x.job_id = job AND x.step = 'sent:' || p.id);
        RETURN;
    END IF;
    RETURN QUERY WITH found AS (
        SELECT e.id, e.case_id, e.reference, e.team_id, c.id AS contact, c.email, o.id AS code
        FROM casework.contact c JOIN casework.enquiry e ON e.id = c.enquiry_id
        LEFT JOIN access.one_time_code o ON o.contact_id = c.id AND o.id = (a ->> 'code_id')::uuid
        WHERE c.email IS NOT NULL
          AND CASE WHEN a ->> 'contact_id' IS NULL THEN c.current ELSE c.id = (a ->> 'contact_id')::uuid AND NOT c.current END
          -- What ends after a hand-over is told only where staff said so.
          AND (e.handed_over_at IS NULL OR a ->> 'tell' = 'business' OR a ->> 'kind' <> ALL (ARRAY[
                'advice_withdrawn', 'refused', 'signposted', 'closed', 'contact_named', 'contact_ended', 'visit_cancelled']))
          AND CASE WHEN a ->> 'kind' = 'code' THEN c.verified_at IS NOT NULL AND o.id IS NOT NULL
                   -- Who is not verified learns from us neither that there is a visit nor that there is advice.
                   WHEN a ->> 'case_id' IS NOT NULL
                       THEN e.case_id = (a ->> 'case_id')::uuid AND c.verified_at IS NOT NULL AND NOT e.case_withheld
                   ELSE e.id = (a ->> 'enquiry_id')::uuid END
          AND NOT EXISTS (SELECT FROM jobs.effect x WHERE x.job_id = job AND x.step = 'sent:' || c.id)
    ), told AS (
        INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, facts)
        SELECT event, 'enquiry', n.id, n.case_id, 'disclosure', jsonb_build_object('message', a ->> 'kind') FROM found n
    )
    SELECT 'sent:' || n.contact, a ->> 'kind', n.email, n.reference, f.nation, t.name,
           t.phone || coalesce(' ext. ' || t.phone_extension, ''), t.mailbox, t.hours, n.contact, n.code
    FROM found n JOIN casework.team t ON t.id = n.team_id JOIN casework.police_force f ON f.code = t.force_code;
END $$;
