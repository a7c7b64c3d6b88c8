-- Whether what has this end is over; an end may be stated before it comes.
CREATE OR REPLACE FUNCTION casework.ended(at timestamptz) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(at <= casework.now(), false);

-- Who is calling, and how far they reach. Definer functions: the tables they read are closed to every login role.

-- What an active principal holds, per action. Everything below judges by this one view. A reach of "acting" is not in it:
-- nobody has agreed to any tool yet, so it reaches nothing and allows nothing.
CREATE OR REPLACE VIEW access.held AS
SELECT m.principal_id, m.role, m.team_id, p.action, p.reach, p.shared, p.scope
FROM access.membership m
JOIN access.principal c ON c.id = m.principal_id AND c.active
JOIN access.policy p ON p.role = m.role
WHERE m.ended_at IS NULL AND NOT m.pending AND p.reach <> 'acting';

-- The same for the holder of a live session; a tool holds what the scopes of its token allow.
CREATE OR REPLACE VIEW access.holding AS
SELECT s.token_hash, h.principal_id, h.role, h.team_id, h.action, h.reach, h.shared
FROM access.session s
JOIN access.held h ON h.principal_id = s.principal_id
WHERE s.revoked_at IS NULL AND s.expires_at > now() AND (s.idle_until IS NULL OR s.idle_until > now())
  AND s.kind IN ('staff', 'client')
  AND (s.kind = 'staff' OR h.scope IS NULL OR h.scope = ANY (s.scopes));

-- The small ones are of one expression (RETURN), bound when they are made, and become part of the statement that names them.

-- The person for whom a tool acts in this transaction, as access.begin left it. Forged, it narrows only: see teams_of.
CREATE OR REPLACE FUNCTION access.acting_for() RETURNS uuid
LANGUAGE sql STABLE
RETURN nullif(current_setting('casework.acting', true), '')::uuid;

-- How far a principal reaches by team, with these scopes (NULL: a person, who needs none). Each team once, whatever the number of
-- parts somebody plays there: a list takes one branch a team, and would show every row of it as often as the team is named.
CREATE OR REPLACE FUNCTION access.reach_teams(principal uuid, with_scopes text[], wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE everywhere boolean; teams uuid[];
BEGIN
    SELECT bool_or(h.reach = 'all'), array_agg(DISTINCT h.team_id) FILTER (WHERE h.reach = 'team')
    INTO everywhere, teams
    FROM access.held h
    WHERE h.principal_id = principal AND h.action = wanted
      AND (with_scopes IS NULL OR h.scope IS NULL OR h.scope = ANY (with_scopes));
    IF everywhere THEN
        SELECT array_agg(t.id) INTO teams FROM casework.team t;
    END IF;
    RETURN coalesce(teams, '{}');
END $$;

-- The teams for whose restricted cases somebody answers. By the team, because there may be thousands of those cases: their
-- ids, compared with each row of a list, made a supervisor's queue two hundred times as slow as an adviser's.
CREATE OR REPLACE FUNCTION access.reach_answering(principal uuid, with_scopes text[], wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF with_scopes IS NOT NULL THEN RETURN '{}'; END IF;  -- a tool never does
    RETURN coalesce((SELECT array_agg(DISTINCT h.team_id) FROM access.held h
        WHERE h.principal_id = principal AND h.action = wanted AND h.reach = 'team'
          AND h.role IN ('supervisor', 'information_manager')), '{}');
END $$;

-- Cases reached otherwise than by the team: one's own, restricted ones of one's circle, shared ones, broken glass.
-- ``single``: that one, if it is among them; to ask for one costs the same however many somebody has.
DROP FUNCTION IF EXISTS access.reach_cases(uuid, text[], text);
CREATE OR REPLACE FUNCTION access.reach_cases(principal uuid, with_scopes text[], wanted text, single uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE h record; kinds text[]; reached uuid[] := '{}';
BEGIN
    -- One small look-up for each role held, rather than one query with every branch: most callers need one of them.
    FOR h IN SELECT x.role, x.team_id, x.reach, x.shared FROM access.held x
             WHERE x.principal_id = principal AND x.action = wanted
               AND (with_scopes IS NULL OR x.scope IS NULL OR x.scope = ANY (with_scopes))
    LOOP
        kinds := CASE WHEN h.reach = 'assigned' THEN ARRAY['allocated']
                      WHEN h.reach = 'involved' OR h.reach = 'team' AND h.role = 'adviser' THEN ARRAY['allocated', 'collaborator']
                      WHEN h.reach = 'reviewing' THEN ARRAY['reviewer'] END;
        IF kinds IS NULL THEN NULL;
        ELSIF single IS NOT NULL THEN
            reached := reached || ARRAY(SELECT g.case_id FROM access.case_grant g
                WHERE g.case_id = single AND g.principal_id = principal AND g.kind = ANY (kinds)
                  AND (h.reach = 'reviewing' OR g.team_id = h.team_id) AND (h.reach <> 'team' OR g.restricted));
        ELSIF h.reach = 'team' THEN
            reached := reached || ARRAY(SELECT g.case_id FROM access.case_grant g
                WHERE g.principal_id = principal AND g.restricted AND g.kind = ANY (kinds) AND g.team_id = h.team_id);
        ELSE
            reached := reached || ARRAY(SELECT g.case_id FROM access.case_grant g
                WHERE g.principal_id = principal AND g.kind = ANY (kinds)
                  AND (h.reach = 'reviewing' OR g.team_id = h.team_id));
        END IF;
        IF h.shared IS NOT NULL THEN
            reached := reached || ARRAY(SELECT s.case_id FROM access.case_share s
                WHERE s.team_id = h.team_id AND s.until > casework.now() AND (h.shared = 'read' OR h.shared = s.mode)
                  AND (single IS NULL OR s.case_id = single));
            IF h.shared = 'read' AND h.role = 'supervisor' THEN
                reached := reached || ARRAY(SELECT g.case_id FROM access.case_grant g
                    WHERE g.principal_id = principal AND g.kind = 'break_glass' AND g.until > casework.now()
                      AND (single IS NULL OR g.case_id = single));
            END IF;
        END IF;
    END LOOP;
    -- Each case once, for as many reasons as there are.
    RETURN CASE WHEN cardinality(reached) > 1 THEN ARRAY(SELECT DISTINCT c.id FROM unnest(reached) AS c (id)) ELSE reached END;
END $$;

-- The places of cases that are shared with a team in which a person is to read them, until the share ends. What a share lends is
-- kept in access.case_share, which ends with it, with a transfer and with a restriction that it does not name. Of a tool, none.
CREATE OR REPLACE FUNCTION access.reach_places(person uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN coalesce((SELECT array_agg(DISTINCT c.premises_id) FROM access.held h
        JOIN access.case_share s ON s.team_id = h.team_id AND s.until > casework.now()
        JOIN casework.case_headline c ON c.id = s.case_id
        WHERE h.principal_id = person AND h.action = 'case.read' AND h.shared = 'read' AND c.premises_id IS NOT NULL), '{}');
END $$;

-- The same for the holder of a live session. A tool that acts for a person reaches what both of them reach.
CREATE OR REPLACE FUNCTION access.teams_of(hash bytea, wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE s record; teams uuid[]; person uuid;
BEGIN
    SELECT x.principal_id, CASE WHEN x.kind = 'client' THEN coalesce(x.scopes, '{}') END AS scopes INTO s
    FROM access.session x
    WHERE x.token_hash = hash AND x.revoked_at IS NULL AND x.expires_at > now()
      AND (x.idle_until IS NULL OR x.idle_until > now()) AND x.kind IN ('staff', 'client');
    IF NOT FOUND THEN RETURN '{}'; END IF;
    teams := access.reach_teams(s.principal_id, s.scopes, wanted);
    person := nullif(current_setting('casework.acting', true), '')::uuid;
    IF person IS NOT NULL THEN
        teams := ARRAY(SELECT unnest(teams) INTERSECT SELECT unnest(access.reach_teams(person, NULL, wanted)));
    END IF;
    RETURN teams;
END $$;

DROP FUNCTION IF EXISTS access.cases_of(bytea, text);
CREATE OR REPLACE FUNCTION access.cases_of(hash bytea, wanted text, single uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE s record; person uuid; teams uuid[];
BEGIN
    SELECT x.principal_id, CASE WHEN x.kind = 'client' THEN coalesce(x.scopes, '{}') END AS scopes INTO s
    FROM access.session x
    WHERE x.token_hash = hash AND x.revoked_at IS NULL AND x.expires_at > now()
      AND (x.idle_until IS NULL OR x.idle_until > now()) AND x.kind IN ('staff', 'client');
    IF NOT FOUND THEN RETURN '{}'; END IF;
    person := nullif(current_setting('casework.acting', true), '')::uuid;
    IF person IS NULL THEN
        RETURN access.reach_cases(s.principal_id, s.scopes, wanted, single);
    END IF;
    -- What the person reaches by the case, as far as the tool reaches its team; a tool never sees a restricted one.
    teams := access.reach_teams(s.principal_id, s.scopes, wanted);
    RETURN ARRAY(SELECT h.case_id FROM access.case_home h
                 WHERE h.case_id = ANY (access.reach_cases(person, NULL, wanted, single)) AND h.team_id = ANY (teams) AND NOT h.restricted);
END $$;

-- Nobody for whom a tool acts answers for restricted cases, nor does the tool.
CREATE OR REPLACE FUNCTION access.answering_of(hash bytea, wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE staff uuid;
BEGIN
    IF nullif(current_setting('casework.acting', true), '') IS NOT NULL THEN RETURN '{}'; END IF;
    SELECT x.principal_id INTO staff FROM access.session x
    WHERE x.token_hash = hash AND x.revoked_at IS NULL AND x.expires_at > now()
      AND (x.idle_until IS NULL OR x.idle_until > now()) AND x.kind = 'staff';
    IF NOT FOUND THEN RETURN '{}'; END IF;
    RETURN access.reach_answering(staff, NULL, wanted);
END $$;

-- The session of this transaction, as access.begin left it: its hash, which no caller can invent.
CREATE OR REPLACE FUNCTION access.current_hash() RETURNS bytea
LANGUAGE sql STABLE
RETURN decode(nullif(current_setting('casework.session', true), ''), 'hex');

CREATE OR REPLACE FUNCTION access.current_action() RETURNS text
LANGUAGE sql STABLE
RETURN nullif(current_setting('casework.action', true), '');

CREATE OR REPLACE FUNCTION access.current_principal() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.principal_id FROM access.session s
    WHERE s.token_hash = access.current_hash() AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

-- Whether a person calls, and not a tool, whoever it acts for.
CREATE OR REPLACE FUNCTION access.of_staff() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.session s WHERE s.token_hash = access.current_hash() AND s.kind = 'staff'
                   AND s.revoked_at IS NULL AND s.expires_at > now())
$$;

CREATE OR REPLACE FUNCTION access.read_teams(wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN RETURN access.teams_of(decode(nullif(current_setting('casework.session', true), ''), 'hex'), wanted); END $$;

-- The teams whose headlines the caller sees in full. An auditor's part is left out: by it somebody sees casework.case_outline only.
CREATE OR REPLACE FUNCTION access.headline_teams() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE everywhere boolean; teams uuid[]; theirs uuid[]; person uuid := access.acting_for();
BEGIN
    SELECT bool_or(h.reach = 'all'), array_agg(DISTINCT h.team_id) FILTER (WHERE h.reach = 'team')
    INTO everywhere, teams
    FROM access.holding h
    WHERE h.token_hash = access.current_hash() AND h.action = 'case.read_headline' AND h.role <> 'auditor';
    IF everywhere THEN SELECT array_agg(t.id) INTO teams FROM casework.team t; END IF;
    IF person IS NOT NULL THEN
        SELECT bool_or(h.reach = 'all'), array_agg(DISTINCT h.team_id) FILTER (WHERE h.reach = 'team')
        INTO everywhere, theirs
        FROM access.held h
        WHERE h.principal_id = person AND h.action = 'case.read_headline' AND h.role <> 'auditor';
        IF everywhere IS NOT TRUE THEN teams := ARRAY(SELECT unnest(teams) INTERSECT SELECT unnest(theirs)); END IF;
    END IF;
    RETURN coalesce(teams, '{}');
END $$;

-- Of every headline that the caller sees at all, what each of them sees of it. Row security hides rows and not columns, so the
-- columns are the view's; who sees more of it has the table. What a filter says reaches no row before the view's own WHERE.
CREATE OR REPLACE VIEW casework.case_outline WITH (security_barrier) AS
SELECT h.id, h.team_id, h.reference, h.state
FROM casework.case_headline h
WHERE h.team_id = ANY ((SELECT access.read_teams('case.read_headline'))::uuid[]);

CREATE OR REPLACE FUNCTION access.cases(wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN RETURN access.cases_of(decode(nullif(current_setting('casework.session', true), ''), 'hex'), wanted, NULL); END $$;

-- Places that a share opens to the caller, to read and for nothing else.
CREATE OR REPLACE FUNCTION access.lent_places() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF access.acting_for() IS NOT NULL OR NOT access.of_staff() OR NOT access.holds('premises.read') THEN RETURN '{}'; END IF;
    RETURN access.reach_places(access.current_principal());
END $$;

-- A table may be written only by the actions that its scope names, and only as far as the current one reaches.
CREATE OR REPLACE FUNCTION access.write_teams(allowed text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE doing text := nullif(current_setting('casework.action', true), '');
BEGIN
    IF doing IS NULL OR doing <> ALL (allowed) THEN RETURN '{}'; END IF;
    RETURN access.read_teams(doing);
END $$;

CREATE OR REPLACE FUNCTION access.write_cases(allowed text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE doing text := nullif(current_setting('casework.action', true), '');
BEGIN
    IF doing IS NULL OR doing <> ALL (allowed) THEN RETURN '{}'; END IF;
    RETURN access.cases(doing);
END $$;

-- Whether one case is among them: what is written is a row or a few, and somebody's cases may be hundreds.
CREATE OR REPLACE FUNCTION access.write_case(allowed text[], of_case uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE doing text := nullif(current_setting('casework.action', true), '');
BEGIN
    IF of_case IS NULL OR doing IS NULL OR doing <> ALL (allowed) THEN RETURN false; END IF;
    RETURN of_case = ANY (access.cases_of(decode(nullif(current_setting('casework.session', true), ''), 'hex'), doing, of_case));
END $$;

-- The same for the first lock of a write: whether the current action reaches this case by itself; the business, its own.
CREATE OR REPLACE FUNCTION access.reaches(of_case uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE doing text := nullif(current_setting('casework.action', true), '');
BEGIN
    IF session_user = 'casework_public' THEN RETURN coalesce(of_case = ANY (access.own_cases(access.own_write(ARRAY[doing]))), false); END IF;
    RETURN access.write_case(ARRAY[doing], of_case);
END $$;

CREATE OR REPLACE FUNCTION access.write_answering(allowed text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE doing text := nullif(current_setting('casework.action', true), '');
BEGIN
    IF doing IS NULL OR doing <> ALL (allowed) THEN RETURN '{}'; END IF;
    RETURN access.answering_teams(doing);
END $$;

CREATE OR REPLACE FUNCTION access.doing(allowed text[]) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('casework.action', true), '') = ANY (allowed), false);

-- The teams in which the caller holds the action at all, however far it reaches: where a wider reach sees less of the row.
CREATE OR REPLACE FUNCTION access.member_teams(wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN coalesce((SELECT array_agg(DISTINCT h.team_id) FROM access.holding h
        WHERE h.token_hash = access.current_hash() AND h.action = wanted
          AND (access.acting_for() IS NULL OR EXISTS (
              SELECT FROM access.held p WHERE p.principal_id = access.acting_for() AND p.action = wanted AND p.team_id = h.team_id))),
        '{}');
END $$;

-- The teams in which the caller holds the action as somebody who answers for restricted cases; a tool never does.
CREATE OR REPLACE FUNCTION access.answering_teams(wanted text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN RETURN access.answering_of(decode(nullif(current_setting('casework.session', true), ''), 'hex'), wanted); END $$;

-- Whether a case of the team may be given to this person: an adviser there, now.
CREATE OR REPLACE FUNCTION access.is_adviser(person uuid, in_team uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (
        SELECT FROM access.membership m JOIN access.principal c ON c.id = m.principal_id AND c.active
        WHERE m.principal_id = person AND m.team_id = in_team AND m.role = 'adviser' AND m.ended_at IS NULL AND NOT m.pending)
$$;

-- Who restricts a case must still see it while it is being written: row security judges the new row by what stood here
-- before the statement, so this is told first. Says nothing and does nothing beyond the caller's reach.
CREATE OR REPLACE FUNCTION access.announce_restriction(of_case uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE access.case_home h SET restricted = true
    WHERE h.case_id = of_case AND access.doing(ARRAY['case.restrict'])
      AND (h.team_id = ANY (access.read_teams('case.restrict')) OR h.case_id = ANY (access.cases('case.restrict')));
    IF FOUND THEN
        UPDATE access.case_grant g SET restricted = true WHERE g.case_id = of_case;
    END IF;
END $$;

-- The name of a colleague, where a record that the caller may read names one. The outside is told the names of those who
-- work, or worked, in a team that has to do with its own case; of nobody else, whatever id it holds.
CREATE OR REPLACE FUNCTION access.name_of(person uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF session_user = 'casework_public' THEN  -- by itself: a list asks this for every row, and a plain test costs nothing
        IF NOT EXISTS (
            SELECT FROM access.case_home h
            JOIN access.membership m ON m.principal_id = person AND (
                m.team_id = h.team_id
                OR m.team_id IN (SELECT s.team_id FROM access.case_share s WHERE s.case_id = h.case_id))
            WHERE h.case_id = ANY (access.own_cases(ARRAY['visit.read', 'advice.read'])))
        THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN (SELECT c.name FROM access.principal c WHERE c.id = person);
END $$;

-- Whether anybody of staff is calling who holds this action at all: for directory facts that every team may see.
CREATE OR REPLACE FUNCTION access.holds(wanted text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN EXISTS (SELECT FROM access.holding h WHERE h.token_hash = access.current_hash() AND h.action = wanted)
       AND (access.acting_for() IS NULL
            OR EXISTS (SELECT FROM access.held p WHERE p.principal_id = access.acting_for() AND p.action = wanted));
END $$;

-- Whether somebody may review: by the part they play (a reviewer of any force, or a supervisor of the team), and by the
-- competence that the case needs.
CREATE OR REPLACE FUNCTION access.may_review(person uuid, in_team uuid, competence text, OUT part boolean, OUT competent boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.membership m JOIN access.principal c ON c.id = m.principal_id AND c.active
                   WHERE m.principal_id = person AND m.ended_at IS NULL AND NOT m.pending
                     AND (m.role = 'reviewer' OR m.role = 'supervisor' AND m.team_id = in_team)),
           EXISTS (SELECT FROM casework.person p WHERE p.id = person AND competence = ANY (p.competences))
$$;

-- Until when what this transaction was begun with confirms somebody: given to this contact, beside this very tracking token.
CREATE OR REPLACE FUNCTION access.confirmed_until(of_session bytea, of_contact uuid) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.expires_at FROM access.confirmation c
    WHERE c.token_hash = decode(nullif(current_setting('casework.confirmation', true), ''), 'hex')
      AND c.session_hash = of_session AND c.contact_id = of_contact AND c.expires_at > now() AND c.idle_until > now()
$$;

-- The part an enquirer plays: verified once staff have verified the contact *and* this device has entered a one-time code that
-- was sent to them (a token alone proves that a link was forwarded).
CREATE OR REPLACE FUNCTION access.enquirer_role(hash bytea) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT CASE WHEN l.verified AND access.confirmed_until(s.token_hash, s.principal_id) IS NOT NULL THEN 'verified_enquirer' ELSE 'enquirer' END
    FROM access.session s JOIN access.enquiry_link l ON l.enquiry_id = s.enquiry_id AND l.contact_id = s.principal_id
    WHERE s.token_hash = hash AND s.kind = 'enquirer' AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

CREATE OR REPLACE FUNCTION access.own_enquiries(allowed text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE hash bytea := access.current_hash();
BEGIN
    RETURN coalesce((SELECT array_agg(DISTINCT s.enquiry_id)
        FROM access.session s
        JOIN access.policy p ON p.role = access.enquirer_role(hash) AND p.action = ANY (allowed) AND p.reach = 'own'
        WHERE s.token_hash = hash), '{}');
END $$;

CREATE OR REPLACE FUNCTION access.own_cases(allowed text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN coalesce((SELECT array_agg(DISTINCT l.case_id) FROM access.enquiry_link l
        WHERE l.enquiry_id = ANY (access.own_enquiries(allowed)) AND l.case_id IS NOT NULL AND NOT l.withheld), '{}');
END $$;

CREATE OR REPLACE FUNCTION access.own_write(allowed text[]) RETURNS text[]
LANGUAGE sql STABLE
RETURN CASE WHEN access.doing(allowed) THEN ARRAY[access.current_action()] ELSE '{}' END;

-- Whom the log names as the one for whom somebody acts.
CREATE OR REPLACE FUNCTION access.named_by(of_kind text, acting uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.id FROM access.principal c WHERE of_kind = 'client' AND c.id = acting AND c.kind = 'staff'
$$;

-- The first word of every transaction. Resolves the bearer, judges the action, opens the log's event, sets the context.
-- decision: allow, unauthenticated or forbidden. A refusal is logged too, and reaches no row.
-- ``acting``: the person for whom a tool acts; both must hold the action. ``asked``: the client's own id of its request.
-- ``confirming``: the hash of what an enquirer's device was given for a one-time code.
-- ``listing``: whether the cases reached by themselves are wanted as a list; a write asks of each (access.reaches).
DROP FUNCTION IF EXISTS access.begin(bytea, text, text, uuid);
DROP FUNCTION IF EXISTS access.begin(bytea, text, text, uuid, uuid);
DROP FUNCTION IF EXISTS access.begin(bytea, text, text, uuid, uuid, boolean);
DROP FUNCTION IF EXISTS access.begin(bytea, text, text, uuid, uuid, uuid, boolean);
DROP FUNCTION IF EXISTS access.begin(bytea, text, text, uuid, uuid, uuid, bytea, boolean);
CREATE FUNCTION access.begin(
    hash bytea, wanted text, purpose text, request uuid, acting uuid, asked uuid DEFAULT NULL, confirming bytea DEFAULT NULL,
    listing boolean DEFAULT true,
    OUT decision text, OUT kind text, OUT principal uuid, OUT roles text[], OUT teams uuid[], OUT cases uuid[],
    OUT enquiry uuid, OUT event bigint, OUT answering uuid[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE s access.session; scopes text[]; everywhere boolean;
BEGIN
    kind := 'public'; roles := '{}'; teams := '{}'; cases := '{}'; answering := '{}'; decision := 'unauthenticated';
    PERFORM set_config('casework.acting', coalesce(acting::text, ''), true),
            set_config('casework.confirmation', coalesce(encode(confirming, 'hex'), ''), true);
    IF hash IS NULL THEN
        roles := ARRAY['public'];
        decision := CASE WHEN EXISTS (SELECT FROM access.policy p WHERE p.action = wanted AND p.role = 'public')
                    THEN 'allow' ELSE 'unauthenticated' END;
    ELSE
        SELECT * INTO s FROM access.session x
        WHERE x.token_hash = hash AND x.revoked_at IS NULL AND x.expires_at > now()
          AND (x.idle_until IS NULL OR x.idle_until > now())
          -- an enquirer's token opens nothing on the staff's connections, nor a staff token on the public's
          AND (x.kind = 'enquirer') = (session_user = 'casework_public');
        IF s.kind = 'enquirer' THEN
            kind := s.kind;
            roles := coalesce(ARRAY[access.enquirer_role(hash)], '{}');
            IF roles[1] IS NULL THEN
                roles := '{}';
            ELSE
                principal := s.principal_id; enquiry := s.enquiry_id;
                IF roles[1] = 'verified_enquirer' THEN
                    UPDATE access.confirmation c SET idle_until = now() + make_interval(mins => c.idle_minutes)
                    WHERE c.token_hash = confirming AND c.idle_until < now() + make_interval(mins => c.idle_minutes - 1);
                END IF;
                decision := CASE WHEN EXISTS (SELECT FROM access.policy p WHERE p.action = wanted AND p.role = roles[1])
                            THEN 'allow' ELSE 'forbidden' END;
                -- the case of the business, where this action of its part reaches its own
                SELECT coalesce(array_agg(DISTINCT l.case_id), '{}') INTO cases
                FROM access.enquiry_link l
                JOIN access.policy p ON p.action = wanted AND p.role = roles[1] AND p.reach = 'own'
                WHERE l.enquiry_id = s.enquiry_id AND l.case_id IS NOT NULL AND NOT l.withheld;
            END IF;
        ELSIF s.kind IS NOT NULL AND EXISTS (SELECT FROM access.principal c WHERE c.id = s.principal_id AND c.active) THEN
            kind := s.kind; principal := s.principal_id;
            IF kind = 'client' THEN scopes := coalesce(s.scopes, '{}'); END IF;
            SELECT coalesce(array_agg(DISTINCT h.role), '{}'), coalesce(bool_or(h.reach = 'all'), false),
                   coalesce(array_agg(DISTINCT h.team_id) FILTER (WHERE h.reach = 'team'), '{}'),
                   coalesce(array_agg(DISTINCT h.team_id) FILTER (WHERE h.reach = 'team' AND kind = 'staff' AND acting IS NULL
                                                                  AND h.role IN ('supervisor', 'information_manager')), '{}')
            INTO roles, everywhere, teams, answering
            FROM access.held h
            WHERE h.principal_id = s.principal_id AND h.action = wanted
              AND (scopes IS NULL OR h.scope IS NULL OR h.scope = ANY (scopes));
            decision := CASE WHEN roles = '{}' THEN 'forbidden' ELSE 'allow' END;
            IF decision = 'allow' AND acting IS NOT NULL
               AND (NOT EXISTS (SELECT FROM access.principal c WHERE c.id = acting AND c.kind = 'staff')
                    OR NOT EXISTS (SELECT FROM access.held p WHERE p.principal_id = acting AND p.action = wanted)) THEN
                decision := 'forbidden';
            END IF;
            IF everywhere OR acting IS NOT NULL THEN teams := access.teams_of(hash, wanted); END IF;
            IF decision <> 'allow' THEN
                teams := '{}'; answering := '{}';
            ELSIF NOT listing THEN
                NULL;
            ELSIF acting IS NULL THEN
                cases := access.reach_cases(principal, scopes, wanted, NULL);
            ELSE
                cases := access.cases_of(hash, wanted, NULL);
            END IF;
            IF s.last_seen_at < now() - interval '1 minute' THEN
                UPDATE access.session x
                SET last_seen_at = now(), idle_until = now() + make_interval(mins => x.idle_minutes)
                WHERE x.token_hash = hash;
            END IF;
        END IF;
    END IF;
    IF acting IS NOT NULL THEN
        -- Nobody but a tool acts for another; and the log names only people that there are, and only beside a tool.
        IF kind <> 'client' THEN
            decision := CASE decision WHEN 'allow' THEN 'forbidden' ELSE decision END;
            teams := '{}'; cases := '{}'; answering := '{}';
        END IF;
        acting := access.named_by(kind, acting);
    END IF;
    event := audit.open_event(request, s.id, kind, principal, acting, roles, wanted, purpose, decision, s.client, asked);
    PERFORM set_config('casework.session', CASE WHEN decision = 'allow' THEN coalesce(encode(hash, 'hex'), '') ELSE '' END, true),
            set_config('casework.action', CASE WHEN decision = 'allow' THEN wanted ELSE '' END, true),
            set_config('casework.event', event::text, true);
END $$;

-- What runs on the host without a person: imports and upkeep. Only casework_migrate and casework_worker may call it.
CREATE OR REPLACE FUNCTION access.begin_system(wanted text, operator text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE event bigint;
BEGIN
    event := audit.open_event(NULL, NULL, 'system', NULL, NULL, ARRAY['system'], wanted, NULL, 'allow', operator);
    PERFORM set_config('casework.acting', '', true),
            set_config('casework.session', '', true), set_config('casework.action', wanted, true),
            set_config('casework.event', event::text, true);
    RETURN event;
END $$;

-- How a caller stands to a case for an action: reached, headline (one sees that it exists), or absent. The same rule as
-- the policies, over the mirror of the cases, so that a refusal can be told without reading, and logging, the case itself.
DROP FUNCTION IF EXISTS access.standing_of(bytea, text, uuid);
CREATE OR REPLACE FUNCTION access.standing_of(hash bytea, wanted text, of_case uuid, acting uuid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE h access.case_home; teams uuid[]; cases uuid[]; answering uuid[]; heads uuid[]; readable uuid[]; answered uuid[];
BEGIN
    PERFORM set_config('casework.acting', coalesce(acting::text, ''), true);
    -- All of it before the case is looked for: a foreign one must take as long as one that is not there.
    teams := access.teams_of(hash, wanted); cases := access.cases_of(hash, wanted, NULL);
    answering := access.answering_of(hash, wanted);
    heads := access.teams_of(hash, 'case.read_headline'); readable := access.cases_of(hash, 'case.read', NULL);
    answered := access.answering_of(hash, 'case.read');
    SELECT * INTO h FROM access.case_home c WHERE c.case_id = of_case;
    RETURN CASE WHEN h.team_id = ANY (teams) AND NOT h.restricted OR h.restricted AND h.team_id = ANY (answering)
                     OR h.case_id = ANY (cases) THEN 'reached'
                WHEN h.team_id = ANY (heads) OR h.restricted AND h.team_id = ANY (answered)
                     OR h.case_id = ANY (readable) THEN 'headline' ELSE 'absent' END;
END $$;

-- A refusal after the beginning (absent, stale, wrong state). What was written was rolled back with its event, so it is
-- told by an event of its own; a read that found nothing has its event already (``begun``), and is told beneath that,
-- unless that was sealed meanwhile: what is sealed takes nothing more.
-- ``of_case``: the case it was about, so that the case's own log tells who was refused.
DROP FUNCTION IF EXISTS access.refuse(bytea, text, uuid, text, uuid, bigint);
DROP FUNCTION IF EXISTS access.refuse(bytea, text, uuid, text, uuid, bigint, uuid);
CREATE OR REPLACE FUNCTION access.refuse(
    hash bytea, wanted text, request uuid, why text, of_case uuid, begun bigint, acting uuid, asked uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE s access.session; told bigint; named uuid;
BEGIN
    IF why !~ '^[a-z][a-z0-9-]{0,59}$' OR NOT EXISTS (SELECT FROM access.policy p WHERE p.action = wanted) THEN
        RAISE EXCEPTION 'a refusal is told by its slug' USING ERRCODE = '42501';
    END IF;
    SELECT * INTO s FROM access.session x WHERE x.token_hash = hash;
    SELECT c.case_id INTO named FROM access.case_home c WHERE c.case_id = of_case;
    SELECT q.event_id INTO told FROM audit.queue q
    WHERE q.event_id = begun AND q.session_id IS NOT DISTINCT FROM s.id AND q.request_id IS NOT DISTINCT FROM request
    FOR UPDATE;
    IF told IS NULL THEN
        told := audit.open_event(request, s.id, coalesce(s.kind, 'public'), s.principal_id, access.named_by(s.kind, acting), '{}',
                                 wanted, NULL, 'refused:' || why, s.client, asked);
    END IF;
    IF named IS NOT NULL OR begun IS NOT NULL THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, facts)
        VALUES (told, 'case_file', named, named, 'refusal', jsonb_build_object('why', why));
    END IF;
END $$;

-- What a record offers this caller: authority and state together, from the same tables that judge the request itself.
-- ``of_visit``: the visit that it is, or was found at, for what its own adviser may do about it.
DROP FUNCTION IF EXISTS access.allowed_actions(text, text, uuid, uuid, boolean);
CREATE OR REPLACE FUNCTION access.allowed_actions(
    of_kind text, in_state text, of_case uuid, of_team uuid, is_restricted boolean, of_visit uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE s record; grants text[]; person uuid := nullif(current_setting('casework.acting', true), '')::uuid;
BEGIN
    SELECT x.principal_id, CASE WHEN x.kind = 'client' THEN coalesce(x.scopes, '{}') END AS scopes INTO s
    FROM access.session x
    WHERE x.token_hash = decode(nullif(current_setting('casework.session', true), ''), 'hex')
      AND x.revoked_at IS NULL AND x.expires_at > now() AND (x.idle_until IS NULL OR x.idle_until > now())
      AND x.kind IN ('staff', 'client');
    IF NOT FOUND THEN RETURN '[]'; END IF;
    IF of_case IS NOT NULL THEN
        SELECT coalesce(array_agg(g.kind), '{}') INTO grants FROM access.case_grant g
        WHERE g.case_id = of_case AND g.principal_id = s.principal_id AND (g.until IS NULL OR g.until > casework.now());
    END IF;
    RETURN coalesce((
        SELECT json_agg(DISTINCT o.action ORDER BY o.action)
        FROM access.offer o
        JOIN access.held h ON h.principal_id = s.principal_id AND h.action = o.action
        WHERE o.kind = of_kind AND (o.from_states IS NULL OR in_state = ANY (o.from_states))
          AND (s.scopes IS NULL OR h.scope IS NULL OR h.scope = ANY (s.scopes))
          AND (person IS NULL
               OR EXISTS (SELECT FROM access.held p WHERE p.principal_id = person AND p.action = o.action))
          AND o.action <> CASE WHEN is_restricted THEN 'case.restrict' ELSE 'case.unrestrict' END AND (
            h.reach = 'all'
            OR (h.reach = 'team' AND h.team_id = of_team
                AND (NOT is_restricted OR h.role IN ('supervisor', 'information_manager')
                     OR h.role = 'adviser' AND grants && ARRAY['allocated', 'collaborator']))
            OR (h.reach = 'involved' AND h.team_id = of_team AND grants && ARRAY['allocated', 'collaborator'])
            OR (h.reach = 'assigned' AND h.team_id = of_team AND 'allocated' = ANY (grants))
            OR (h.reach = 'reviewing' AND 'reviewer' = ANY (grants))
            OR access.own_visit(o.action, of_visit)
            OR (h.shared IS NOT NULL AND EXISTS (
                SELECT FROM access.case_share x WHERE x.case_id = of_case AND x.team_id = h.team_id AND x.until > casework.now()
                  AND (h.shared = 'read' OR h.shared = x.mode))))
    ), '[]');
END $$;

-- The same for the business on its own enquiry, visit or recommendation.
CREATE OR REPLACE FUNCTION access.own_actions(of_kind text, in_state text) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN coalesce((
        SELECT json_agg(DISTINCT o.action ORDER BY o.action)
        FROM access.offer o
        JOIN access.policy p ON p.action = o.action AND p.role = access.enquirer_role(access.current_hash()) AND p.reach = 'own'
        WHERE o.kind = of_kind AND (o.from_states IS NULL OR in_state = ANY (o.from_states))), '[]');
END $$;

-- A line of a case's timeline. The action and the person are the session's, so nobody can sign for somebody else.
CREATE OR REPLACE FUNCTION access.say(
    of_case uuid, subject_kind text, subject_id uuid, reason_code text, reason text, facts jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE h access.case_home; s access.session; doing text := access.current_action();
BEGIN
    SELECT * INTO h FROM access.case_home c WHERE c.case_id = of_case;
    SELECT * INTO s FROM access.session x WHERE x.token_hash = access.current_hash();
    IF doing IS NULL OR h.case_id IS NULL OR NOT (
        h.team_id = ANY (access.read_teams(doing)) OR access.write_case(ARRAY[doing], of_case) OR access.visits_in(of_case)
        OR of_case = ANY (access.own_cases(ARRAY[doing])))
    THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id,
                                     reason_code, reason, facts)
    VALUES (of_case, h.team_id, h.restricted, doing, CASE WHEN s.kind = 'staff' THEN s.principal_id END, s.kind,
            subject_kind, subject_id, reason_code, reason, facts);
END $$;

-- What `casework migrate` left behind: the revision of the tables and the digest of the matrix. Start-up compares them. And
-- the actions by which a tool reaches records without a scope, by the rows that judge: start-up wants none.
CREATE OR REPLACE FUNCTION access.state(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF wanted = 'revision' THEN
        RETURN (SELECT v.version_num FROM work.alembic_version v);
    END IF;
    IF wanted = 'unscoped' THEN
        RETURN (SELECT string_agg(p.action, ' ' ORDER BY p.action) FROM access.policy p
                WHERE p.role = 'service' AND p.reach NOT IN ('own', 'all') AND p.scope IS NULL);
    END IF;
    IF wanted = 'suspensions_overdue' THEN
        RETURN (SELECT count(*) FROM access.suspension s WHERE s.ended_at IS NULL AND s.suspended_at < now() - interval '7 days');
    END IF;
    RETURN (SELECT s.value FROM access.setting s WHERE s.name = wanted);
END $$;
