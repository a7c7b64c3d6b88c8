-- What one administrator asks and another approves about those who administer and oversee: to take such a role, to deactivate one, to
-- change an address, by which one logs in. (Giving such a role waits as a membership, in keeping.sql.) Until it is approved it has no
-- effect; the tables themselves refuse the change without an approval of the same transaction.

-- Whether somebody administers or oversees; ``waiting`` counts those whose role waits for approval.
CREATE OR REPLACE FUNCTION access.oversees(person uuid, waiting boolean) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.membership m WHERE m.principal_id = person AND m.role IN ('administrator', 'auditor')
                   AND m.ended_at IS NULL AND (waiting OR NOT m.pending))
$$;

-- How many active administrators there are beside these people.
CREATE OR REPLACE FUNCTION access.administrators_beside(people uuid[]) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT count(DISTINCT m.principal_id)::integer FROM access.membership m JOIN access.principal p ON p.id = m.principal_id AND p.active
    WHERE m.role = 'administrator' AND m.ended_at IS NULL AND NOT m.pending AND m.principal_id <> ALL (people)
$$;

-- Whether somebody is an administrator who is let in just now.
CREATE OR REPLACE FUNCTION access.administers(person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.membership m JOIN access.principal p ON p.id = m.principal_id AND p.active
                   WHERE m.principal_id = person AND m.role = 'administrator' AND m.ended_at IS NULL AND NOT m.pending)
$$;

-- Whether too few would be left to approve anything; ``part``: the one role that is to end, where it is not all of them.
CREATE OR REPLACE FUNCTION access.leaves_too_few(person uuid, part uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.membership m WHERE m.principal_id = person AND m.role = 'administrator' AND m.ended_at IS NULL
                   AND NOT m.pending AND (part IS NULL OR m.id = part))
       AND NOT (part IS NOT NULL AND EXISTS (
            SELECT FROM access.membership o WHERE o.principal_id = person AND o.role = 'administrator' AND o.ended_at IS NULL
              AND NOT o.pending AND o.id <> part))
       AND access.administrators_beside(ARRAY[person]) < 2
$$;

-- Everything that changes how many administrators there are waits for each other.
CREATE OR REPLACE FUNCTION access.await_administrators() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog
AS $$ SELECT pg_advisory_xact_lock(hashtextextended('administrators', 0)) $$;

-- verdict: asked, another (something else is asked already; with its id), last or suspender.
CREATE OR REPLACE FUNCTION access.ask_change(person uuid, of_kind text, part uuid, to_email text, lets_go boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); made uuid; stale uuid; waits access.person_change;
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') OR me IS NULL OR person = me THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF of_kind <> 'email' AND access.leaves_too_few(person, part) THEN RETURN 'last'; END IF;
    IF of_kind = 'deactivation' AND EXISTS (
        SELECT FROM access.suspension s WHERE s.person_id = person AND s.ended_at IS NULL AND s.suspended_by = me) THEN RETURN 'suspender'; END IF;
    -- What somebody asked who is let in no more, or administers no more, cannot be approved: it makes room for what is asked anew.
    FOR stale IN SELECT c.id FROM access.person_change c
                 WHERE c.person_id = person AND c.kind = of_kind AND c.membership_id IS NOT DISTINCT FROM part AND c.state = 'waiting'
                   AND NOT access.administers(c.asked_by) FOR UPDATE LOOP
        UPDATE access.person_change c SET state = 'withdrawn', decided_by = me, decided_at = now() WHERE c.id = stale;
        INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
        VALUES (audit.current_event(), 'person_change', stale, 'alteration', '{"from": "waiting", "state": "withdrawn", "why": "asker"}');
    END LOOP;
    INSERT INTO access.person_change (person_id, kind, membership_id, email, leaving, asked_by)
    VALUES (person, of_kind, part, lower(to_email), lets_go, me)
    ON CONFLICT (coalesce(membership_id, person_id), kind) WHERE state = 'waiting' DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        SELECT * INTO waits FROM access.person_change c
        WHERE c.person_id = person AND c.kind = of_kind AND c.state = 'waiting' AND c.membership_id IS NOT DISTINCT FROM part;
        RETURN CASE WHEN waits.asked_by = me AND waits.email IS NOT DISTINCT FROM lower(to_email) AND waits.leaving = lets_go THEN 'asked'
                    ELSE concat_ws(' ', 'another', waits.id) END;
    END IF;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'person_change', made, 'collection', jsonb_build_object('kind', of_kind, 'person', person));
    RETURN 'asked';
END $$;

-- What is asked of a person takes effect. By casework_mover, because the one who approves may not write the person themselves.
CREATE OR REPLACE FUNCTION access.carry_out(of_change uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE c access.person_change;
BEGIN
    SELECT * INTO c FROM access.person_change x WHERE x.id = of_change AND x.state = 'approved';
    IF c.kind = 'role' THEN
        UPDATE access.membership m SET ended_at = now() WHERE m.id = c.membership_id AND m.ended_at IS NULL;
    ELSIF c.kind = 'deactivation' THEN
        UPDATE casework.person p SET active = false, version = p.version + 1 WHERE p.id = c.person_id AND p.active;
    ELSIF c.kind = 'email' THEN
        UPDATE casework.person p SET email = c.email, version = p.version + 1 WHERE p.id = c.person_id;
    END IF;
END $$;

-- verdict: done, absent, decided, requester, oneself, third (for the host), asker or last.
CREATE OR REPLACE FUNCTION access.settle_change(of_change uuid, me uuid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE c access.person_change; third boolean;
BEGIN
    PERFORM access.await_administrators();
    SELECT * INTO c FROM access.person_change x WHERE x.id = of_change FOR UPDATE;
    IF c.id IS NULL THEN RETURN 'absent'; END IF;
    IF c.state <> 'waiting' THEN RETURN 'decided'; END IF;
    IF c.asked_by = me THEN RETURN 'requester'; END IF;
    third := access.administrators_beside(ARRAY[c.asked_by, c.person_id]) > 0;
    IF third AND me = c.person_id THEN RETURN 'oneself'; END IF;
    IF third AND me IS NULL THEN RETURN 'third'; END IF;
    -- What somebody asked who is no administrator any more does not stand: so two cannot remove each other.
    IF NOT access.administers(c.asked_by) THEN RETURN 'asker'; END IF;
    IF me IS NOT NULL AND c.kind <> 'email' AND access.leaves_too_few(c.person_id, c.membership_id) THEN RETURN 'last'; END IF;
    UPDATE access.person_change x SET state = 'approved', decided_by = me, decided_at = now(), alone = NOT third WHERE x.id = c.id;
    PERFORM access.carry_out(c.id);
    IF c.kind = 'deactivation' THEN
        UPDATE access.person_change x SET state = 'withdrawn', decided_by = me, decided_at = now()
        WHERE x.person_id = c.person_id AND x.state = 'waiting';
    END IF;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'person_change', c.id, 'alteration',
            jsonb_build_object('from', 'waiting', 'state', 'approved', 'kind', c.kind, 'person', c.person_id));
    IF c.kind = 'role' THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, operation)
        VALUES (audit.current_event(), 'membership', c.membership_id, 'erasure');
    END IF;
    RETURN 'done';
END $$;

CREATE OR REPLACE FUNCTION access.approve_change(of_change uuid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal();
BEGIN
    IF NOT access.doing(ARRAY['person.approve_role']) OR NOT access.holds('person.approve_role') OR me IS NULL THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    RETURN access.settle_change(of_change, me);
END $$;

-- Taken back by who asked, or refused by another administrator; never by the person concerned. verdict: done, absent, decided, oneself.
CREATE OR REPLACE FUNCTION access.withdraw_change(of_change uuid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); c access.person_change;
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') OR me IS NULL THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    SELECT * INTO c FROM access.person_change x WHERE x.id = of_change FOR UPDATE;
    IF c.id IS NULL THEN RETURN 'absent'; END IF;
    IF c.person_id = me THEN RETURN 'oneself'; END IF;
    IF c.state <> 'waiting' THEN RETURN 'decided'; END IF;
    UPDATE access.person_change x SET state = 'withdrawn', decided_by = me, decided_at = now() WHERE x.id = c.id;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'person_change', c.id, 'alteration', '{"from": "waiting", "state": "withdrawn"}');
    RETURN 'done';
END $$;

-- What waits, the oldest first, or one that was asked, however it stands. Roles that are to be given stand among them.
CREATE OR REPLACE FUNCTION access.changes(of_change uuid, of_person uuid, of_kind text)
RETURNS TABLE (id uuid, kind text, state text, person_id uuid, role text, team_id uuid, email text, email_asked text, leaving boolean,
               asked_by uuid, asked_at timestamptz, decided_by uuid, decided_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE ids uuid[];
BEGIN
    IF NOT access.holds('person.manage') AND NOT access.holds('person.approve_role') THEN RETURN; END IF;
    RETURN QUERY SELECT x.* FROM (
        SELECT c.id, c.kind, c.state, c.person_id, m.role, m.team_id, CASE WHEN c.kind = 'email' THEN p.email END, c.email AS asked, c.leaving,
               c.asked_by, c.asked_at, c.decided_by, c.decided_at
        FROM access.person_change c JOIN casework.person p ON p.id = c.person_id LEFT JOIN access.membership m ON m.id = c.membership_id
        UNION ALL
        SELECT m.id, 'new_role', CASE WHEN NOT m.pending THEN 'approved' WHEN m.ended_at IS NULL THEN 'waiting' ELSE 'withdrawn' END,
               m.principal_id, m.role, m.team_id, NULL, NULL, false, m.granted_by, m.granted_at, m.approved_by,
               CASE WHEN m.pending THEN m.ended_at END
        FROM access.membership m WHERE m.granted_by IS NOT NULL
          AND (m.pending AND m.ended_at IS NULL OR m.id = of_change AND (m.pending OR m.approved_by IS NOT NULL))) x
    WHERE (of_change IS NULL AND x.state = 'waiting' OR x.id = of_change) AND (of_person IS NULL OR x.person_id = of_person)
      AND (of_kind IS NULL OR x.kind = of_kind)
    ORDER BY x.asked_at, x.id LIMIT 200;
END $$;

-- The guards of the tables themselves.
CREATE OR REPLACE FUNCTION access.approved_now(person uuid, of_kind text, part uuid, to_email text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.person_change c WHERE c.person_id = person AND c.state = 'approved' AND c.kind = of_kind
                   AND c.xmin = pg_current_xact_id()::xid AND (part IS NULL OR c.membership_id = part)
                   AND (to_email IS NULL OR c.email = to_email))
$$;
CREATE OR REPLACE FUNCTION access.keep_two_for_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.active AND NOT NEW.active AND access.oversees(NEW.id, false) AND NOT access.approved_now(NEW.id, 'deactivation', NULL, NULL)
       OR NEW.email IS DISTINCT FROM OLD.email AND access.oversees(NEW.id, true) AND NOT access.approved_now(NEW.id, 'email', NULL, NEW.email) THEN
        RAISE EXCEPTION 'this takes two administrators' USING ERRCODE = 'CW002', CONSTRAINT = 'two_administrators';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_two BEFORE UPDATE OF active, email ON casework.person
    FOR EACH ROW EXECUTE FUNCTION access.keep_two_for_person();

CREATE OR REPLACE FUNCTION access.keep_two_for_role() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.approved_now(OLD.principal_id, 'role', OLD.id, NULL) AND NOT access.approved_now(OLD.principal_id, 'deactivation', NULL, NULL) THEN
        RAISE EXCEPTION 'this takes two administrators' USING ERRCODE = 'CW002', CONSTRAINT = 'two_administrators';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_two BEFORE UPDATE OF ended_at ON access.membership
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NOT OLD.pending AND OLD.role IN ('administrator', 'auditor'))
    EXECUTE FUNCTION access.keep_two_for_role();

GRANT CREATE ON SCHEMA access TO casework_mover;
ALTER FUNCTION access.carry_out(uuid) OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
GRANT SELECT ON access.person_change TO casework_mover;
GRANT SELECT, UPDATE ON access.membership, casework.person TO casework_mover;
GRANT EXECUTE ON FUNCTION access.carry_out(uuid) TO casework_owner;
