-- Why somebody can or cannot see a record, and whose token it is. Nothing here tells what a record holds.

-- Whose live token this is, for the rate limits of the process that has just served it.
CREATE OR REPLACE FUNCTION access.caller_of(hash bytea, OUT kind text, OUT principal uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.kind, s.principal_id FROM access.session s
    WHERE s.token_hash = hash AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

-- Where a record lives, whichever table holds it, and by which action it is read. The owner's policies on these tables let
-- it look while an explanation is asked for, and at no other time.
CREATE OR REPLACE FUNCTION access.locate(record uuid)
RETURNS TABLE (kind text, read_by text, case_id uuid, team_id uuid, restricted boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT 'case', 'case.read', h.case_id, h.team_id, h.restricted FROM access.case_home h WHERE h.case_id = record
    UNION ALL SELECT 'enquiry', 'enquiry.read', x.case_id, x.team_id, x.restricted FROM casework.enquiry x WHERE x.id = record
    UNION ALL SELECT 'visit', 'visit.read', x.case_id, x.team_id, x.restricted FROM casework.site_visit x WHERE x.id = record
    UNION ALL SELECT 'finding', 'finding.read', x.case_id, x.team_id, x.restricted FROM casework.finding x WHERE x.id = record
    UNION ALL SELECT 'advice', 'advice.read', x.case_id, x.team_id, x.restricted FROM casework.advice x WHERE x.id = record
    UNION ALL SELECT 'interim_advice', 'advice.read', x.case_id, x.team_id, x.restricted
              FROM casework.interim_advice x WHERE x.id = record
    UNION ALL SELECT 'recommendation', 'recommendation.read', x.case_id, x.team_id, x.restricted
              FROM casework.recommendation x WHERE x.id = record
    UNION ALL SELECT 'premises', 'premises.read', NULL, x.team_id, false FROM casework.premises x WHERE x.id = record
    UNION ALL SELECT 'organisation', 'organisation.read', NULL, x.team_id, false FROM casework.organisation x WHERE x.id = record
$$;

-- The principals about whom a supervisor may ask: who stands in one of the teams, or plays a part there.
CREATE OR REPLACE FUNCTION access.stands_in(person uuid, teams uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.membership m
                   WHERE m.principal_id = person AND m.team_id = ANY (teams) AND m.ended_at IS NULL AND NOT m.pending)
        OR EXISTS (SELECT FROM casework.person p WHERE p.id = person AND p.team_id = ANY (teams))
$$;

-- The words of a reason, by its code; whether it opens the record.
CREATE OR REPLACE FUNCTION access.reason_said(code text, OUT opens boolean, OUT message text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT w.opens, w.message FROM (VALUES
        ('reaches-everywhere', true, 'The role reaches records of every team.'),
        ('same-team', true, 'The role reaches the records of its team, and the record is one of them.'),
        ('answers-for-restricted', true, 'The record is restricted; the role answers for restricted records of its team.'),
        ('allocated', true, 'The case is allocated to the person.'),
        ('collaborator', true, 'The person was asked to work along on the case.'),
        ('reviewer', true, 'The person is asked to review advice of the case.'),
        ('shared', true, 'The case is shared with the team in which the role is held.'),
        ('emergency-access', true, 'The person opened the case in an emergency.'),
        ('headline', false, 'The role sees that the case exists, but not what it holds.'),
        ('outline', false, 'The role sees the reference, the state and the team of every case, and nothing else of it.'),
        ('directory', false, 'Every organisation has a line in the directory; in full, the role reads those of its team.'),
        ('another-team', false, 'The role reaches the records of its team only, and the record belongs to another.'),
        ('restricted', false, 'The record is restricted, and the person is not in its circle.'),
        ('not-involved', false, 'The role reaches only what the person is allocated, works along on, or reviews.'),
        ('role-has-no-reach', false, 'The role does not read records of this kind.'),
        ('scope-missing', false, 'The tool has not been given the scope that reading records of this kind needs.'),
        ('share-ended', false, 'The case was shared with the team in which the role is held, until then.'),
        ('emergency-access-ended', false, 'The person opened the case in an emergency; that ended then.'),
        ('role-awaits-approval', false, 'The role waits for a second administrator.'),
        ('role-ended', false, 'The role was ended then.'),
        ('inactive', false, 'The account is switched off, so no role counts.'),
        ('no-role', false, 'No role is held.')
    ) AS w (code, opens, message) WHERE w.code = reason_said.code
$$;

-- Every reason for one principal and one record: role by role, as access.reach_teams, reach_answering and reach_cases judge.
CREATE OR REPLACE FUNCTION access.reasons(person uuid, with_scopes text[], r_kind text, read_by text, of_case uuid, of_team uuid, is_restricted boolean)
RETURNS TABLE (code text, role text, team_id uuid, until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE m record; p record; g record; found_one boolean; wanted_kinds text[];
BEGIN
    IF NOT EXISTS (SELECT FROM access.principal c WHERE c.id = person AND c.active) THEN
        RETURN QUERY SELECT 'inactive', NULL::text, NULL::uuid, NULL::timestamptz;
    END IF;
    IF NOT EXISTS (SELECT FROM access.membership x WHERE x.principal_id = person AND x.ended_at IS NULL) THEN
        RETURN QUERY SELECT 'no-role', NULL::text, NULL::uuid, NULL::timestamptz;
    END IF;
    FOR m IN SELECT x.role, x.team_id, x.pending, x.ended_at FROM access.membership x
             WHERE x.principal_id = person ORDER BY x.ended_at DESC NULLS FIRST, x.role, x.team_id LIMIT 50
    LOOP
        role := m.role; team_id := m.team_id; until := NULL; found_one := false;
        IF m.ended_at IS NOT NULL THEN
            code := 'role-ended'; until := m.ended_at; RETURN NEXT; CONTINUE;
        ELSIF m.pending THEN
            code := 'role-awaits-approval'; RETURN NEXT; CONTINUE;
        END IF;
        SELECT x.reach, x.shared, x.scope INTO p FROM access.policy x WHERE x.role = m.role AND x.action = read_by
            AND x.reach <> 'acting';
        IF NOT FOUND THEN
            code := 'role-has-no-reach'; RETURN NEXT;
        ELSIF with_scopes IS NOT NULL AND p.scope IS NOT NULL AND p.scope <> ALL (with_scopes) THEN
            code := 'scope-missing'; RETURN NEXT; CONTINUE;
        ELSE
            wanted_kinds := CASE p.reach
                WHEN 'assigned' THEN ARRAY['allocated'] WHEN 'involved' THEN ARRAY['allocated', 'collaborator']
                WHEN 'reviewing' THEN ARRAY['reviewer']
                WHEN 'team' THEN CASE WHEN m.role = 'adviser' AND is_restricted THEN ARRAY['allocated', 'collaborator'] END END;
            IF r_kind = 'organisation' THEN  -- in full where the role is held; elsewhere its line in the directory
                code := CASE WHEN m.team_id = of_team THEN 'same-team' ELSE 'directory' END;
                found_one := true; RETURN NEXT;
            ELSIF p.reach = 'all' AND NOT is_restricted THEN
                code := 'reaches-everywhere'; found_one := true; RETURN NEXT;
            ELSIF p.reach = 'team' AND m.team_id = of_team AND NOT is_restricted THEN
                code := 'same-team'; found_one := true; RETURN NEXT;
            ELSIF p.reach = 'team' AND m.team_id = of_team AND of_case IS NOT NULL
                  AND m.role IN ('supervisor', 'information_manager') THEN
                code := 'answers-for-restricted'; found_one := true; RETURN NEXT;
            END IF;
            FOR g IN SELECT x.kind, x.until FROM access.case_grant x
                     WHERE x.case_id = of_case AND x.principal_id = person AND x.kind = ANY (wanted_kinds)
                       AND (x.kind = 'reviewer' OR x.team_id = m.team_id) AND (p.reach <> 'team' OR x.restricted)
            LOOP
                code := g.kind; until := g.until; found_one := true; RETURN NEXT;
            END LOOP;
            until := NULL;
        END IF;
        FOR g IN SELECT s.mode, s.until FROM access.case_share s
                 WHERE s.case_id = of_case AND s.team_id = m.team_id AND (p.shared = 'read' OR p.shared = s.mode)
        LOOP
            code := CASE WHEN g.until > casework.now() THEN 'shared' ELSE 'share-ended' END; until := g.until;
            found_one := found_one OR g.until > casework.now(); RETURN NEXT;
        END LOOP;
        IF p.shared = 'read' AND m.role = 'supervisor' THEN
            FOR g IN SELECT x.until FROM access.case_grant x
                     WHERE x.case_id = of_case AND x.principal_id = person AND x.kind = 'break_glass'
            LOOP
                code := CASE WHEN g.until > casework.now() THEN 'emergency-access' ELSE 'emergency-access-ended' END; until := g.until;
                found_one := found_one OR g.until > casework.now(); RETURN NEXT;
            END LOOP;
        END IF;
        until := NULL;
        IF NOT found_one AND p.reach IS NOT NULL THEN
            code := CASE WHEN p.reach IN ('team', 'all') AND (p.reach = 'all' OR m.team_id = of_team) THEN 'restricted'
                         WHEN p.reach = 'team' THEN 'another-team' ELSE 'not-involved' END;
            RETURN NEXT;
        END IF;
        IF r_kind = 'case' AND NOT found_one AND EXISTS (
            SELECT FROM access.policy x WHERE x.role = m.role AND x.action = 'case.read_headline'
              AND (x.reach = 'all' OR x.reach = 'team' AND m.team_id = of_team)
              AND (with_scopes IS NULL OR x.scope IS NULL OR x.scope = ANY (with_scopes)))
        THEN
            code := CASE m.role WHEN 'auditor' THEN 'outline' ELSE 'headline' END; RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- The explanation, or NULL where the record or the person is beyond the asker's reach: told as absent. The record is named by
-- its id or by its reference; of advice that is its newest version.
-- The verdict is not made of the reasons but of the very functions that judge a request.
DROP FUNCTION IF EXISTS access.explanation(uuid, uuid);
CREATE OR REPLACE FUNCTION access.explanation(person uuid, named uuid, reference text, OUT body json, OUT record uuid, OUT of_case uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE ours uuid[]; r record; c access.principal; with_scopes text[]; sees text := 'no'; listed json; meant uuid := named;
BEGIN
    IF NOT access.doing(ARRAY['access.explain']) THEN RETURN; END IF;
    ours := access.read_teams('access.explain');
    IF reference IS NOT NULL THEN
        meant := coalesce(
            (SELECT f.id FROM casework.case_file f WHERE f.reference = explanation.reference),
            (SELECT e.id FROM casework.enquiry e WHERE e.reference = explanation.reference),
            (SELECT a.id FROM casework.advice a WHERE a.reference = explanation.reference ORDER BY a.number DESC LIMIT 1));
    END IF;
    SELECT * INTO r FROM access.locate(meant) l WHERE l.team_id = ANY (ours);
    SELECT * INTO c FROM access.principal x WHERE x.id = person;
    -- Whoever reaches every team may ask about everybody, also about somebody who stands in none any more.
    IF r.kind IS NULL OR c.id IS NULL
       OR NOT access.stands_in(person, ours) AND EXISTS (SELECT FROM casework.team t WHERE t.id <> ALL (ours)) THEN
        RETURN;
    END IF;
    IF c.kind = 'client' THEN
        SELECT coalesce(g.scopes, '{}') INTO with_scopes FROM access.client_grant g WHERE g.client_id = person;
        with_scopes := coalesce(with_scopes, '{}');
    END IF;
    IF r.kind = 'organisation' THEN
        IF EXISTS (SELECT FROM access.held h WHERE h.principal_id = person AND h.action = r.read_by AND h.team_id = r.team_id
                   AND (with_scopes IS NULL OR h.scope IS NULL OR h.scope = ANY (with_scopes))) THEN
            sees := 'readable';
        ELSIF EXISTS (SELECT FROM access.held h WHERE h.principal_id = person AND h.action = r.read_by
                      AND (with_scopes IS NULL OR h.scope IS NULL OR h.scope = ANY (with_scopes))) THEN
            sees := 'headline';
        END IF;
    ELSIF r.team_id = ANY (access.reach_teams(person, with_scopes, r.read_by)) AND NOT r.restricted
       OR r.restricted AND r.case_id IS NOT NULL AND r.team_id = ANY (access.reach_answering(person, with_scopes, r.read_by))
       OR r.case_id = ANY (access.reach_cases(person, with_scopes, r.read_by, NULL))
       OR r.kind = 'premises' AND with_scopes IS NULL AND meant = ANY (access.reach_places(person)) THEN
        sees := 'readable';
    ELSIF r.kind = 'case' AND r.team_id = ANY (access.reach_teams(person, with_scopes, 'case.read_headline')) THEN
        sees := 'headline';
    END IF;
    SELECT json_agg(json_build_object('code', w.code, 'opens', s.opens AND c.active, 'message', s.message, 'role', w.role,
                        'team_id', w.team_id,
                        'until', to_char(w.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
    INTO listed
    FROM (SELECT x.code, x.role, x.team_id, x.until
          FROM access.reasons(person, with_scopes, r.kind, r.read_by, r.case_id, r.team_id, r.restricted) x
          UNION ALL  -- a place is lent with its case
          SELECT 'shared', h.role, h.team_id, s.until FROM access.held h
          JOIN access.case_share s ON s.team_id = h.team_id AND s.until > casework.now()
          JOIN casework.case_headline ch ON ch.id = s.case_id AND ch.premises_id = meant
          WHERE r.kind = 'premises' AND h.principal_id = person AND h.action = 'case.read' AND h.shared = 'read') w,
         LATERAL access.reason_said(w.code) s;
    of_case := r.case_id;
    record := meant;
    body := json_build_object('person', person, 'name', c.name, 'record', meant, 'kind', r.kind, 'verdict', sees,
                              'restricted', r.restricted, 'reasons', coalesce(listed, '[]'));
END $$;
