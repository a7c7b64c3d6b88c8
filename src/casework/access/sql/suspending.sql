-- Locked out at once: from the next request on nothing is let in, neither by the person nor by a tool for them. Nothing changes hands and
-- no role ends, because a suspension is lifted, or made final by somebody else, within a week. `access.principal.active` is what every door
-- asks; it is true while the person is active and not suspended.

-- Whether somebody is let in just now. Letters go to nobody else: who is locked out reads no more of a case.
CREATE OR REPLACE FUNCTION access.lets_in(person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.principal p WHERE p.id = person AND p.active)
$$;

-- Whether the caller's reach for suspending includes a person: they stand in such a team, or play a part there.
CREATE OR REPLACE FUNCTION access.reaches_person(person uuid, wanted text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE teams uuid[] := access.read_teams(wanted);
BEGIN
    RETURN EXISTS (SELECT FROM casework.person p WHERE p.id = person AND p.team_id = ANY (teams))
        OR EXISTS (SELECT FROM access.membership m WHERE m.principal_id = person AND m.ended_at IS NULL AND NOT m.pending
                   AND m.team_id = ANY (teams));
END $$;

-- verdict: done, out_of_reach, stale, already or last.
CREATE OR REPLACE FUNCTION access.suspend(person uuid, versions integer[], why text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); made uuid;
BEGIN
    IF NOT access.doing(ARRAY['person.suspend']) OR NOT access.holds('person.suspend') OR me IS NULL OR person = me THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF NOT access.reaches_person(person, 'person.suspend') THEN RETURN 'out_of_reach'; END IF;
    -- One administrator is let in at least: whoever was locked out could not be let in again, and nobody be given a role.
    PERFORM access.await_administrators();
    IF access.administrators_beside('{}') > 0 AND access.administrators_beside(ARRAY[person]) = 0 THEN RETURN 'last'; END IF;
    -- First, so that whoever is logging in at this moment is either refused or ended.
    PERFORM FROM access.principal p WHERE p.id = person FOR UPDATE;
    IF NOT EXISTS (SELECT FROM casework.person p WHERE p.id = person AND p.version = ANY (versions)) THEN RETURN 'stale'; END IF;
    INSERT INTO access.suspension (person_id, reason, suspended_by) VALUES (person, why, me)
    ON CONFLICT (person_id) WHERE ended_at IS NULL DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN RETURN 'already'; END IF;
    UPDATE access.principal p SET active = false, tokens_from = now() WHERE p.id = person;
    UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = person AND s.revoked_at IS NULL;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'person', person, 'alteration', jsonb_build_object('why', 'suspended'));
    PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'person_suspended', 'to', 'overseers', 'person_id', person), NULL, NULL);
    RETURN 'done';
END $$;

-- Lifted by somebody else. verdict: done, out_of_reach, stale, none or same_person.
CREATE OR REPLACE FUNCTION access.reinstate(person uuid, versions integer[]) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); live access.suspension;
BEGIN
    IF NOT access.doing(ARRAY['person.suspend']) OR NOT access.holds('person.suspend') OR me IS NULL OR person = me THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF NOT access.reaches_person(person, 'person.suspend') THEN RETURN 'out_of_reach'; END IF;
    IF NOT EXISTS (SELECT FROM casework.person p WHERE p.id = person AND p.version = ANY (versions)) THEN RETURN 'stale'; END IF;
    SELECT * INTO live FROM access.suspension s WHERE s.person_id = person AND s.ended_at IS NULL FOR UPDATE;
    IF live.id IS NULL THEN RETURN 'none'; END IF;
    IF live.suspended_by = me THEN RETURN 'same_person'; END IF;
    UPDATE access.suspension s SET ended_at = now(), ended_by = me, outcome = 'lifted' WHERE s.id = live.id;
    UPDATE access.principal p SET active = x.active FROM casework.person x WHERE x.id = person AND p.id = person;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'person', person, 'alteration', jsonb_build_object('why', 'reinstated'));
    RETURN 'done';
END $$;

-- Whether the caller is told if somebody is locked out: who manages people, and who suspends as far as they reach.
CREATE OR REPLACE FUNCTION access.reads_suspension(person uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN access.holds('person.manage') OR access.holds('person.suspend') AND access.reaches_person(person, 'person.suspend');
END $$;

-- For a list of people: whether somebody is locked out; null for whoever is not told.
CREATE OR REPLACE FUNCTION access.shown_suspended(person uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.reads_suspension(person) THEN RETURN NULL; END IF;
    RETURN EXISTS (SELECT FROM access.suspension s WHERE s.person_id = person AND s.ended_at IS NULL);
END $$;

-- Whether somebody is locked out just now, and how it stands.
CREATE OR REPLACE FUNCTION access.suspension_of(person uuid)
RETURNS TABLE (reason text, suspended_at timestamptz, suspended_by uuid, decide_by timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.reads_suspension(person) THEN RETURN; END IF;
    RETURN QUERY SELECT s.reason, s.suspended_at, s.suspended_by, s.suspended_at + interval '7 days'
        FROM access.suspension s WHERE s.person_id = person AND s.ended_at IS NULL;
END $$;

-- Made final by deactivating the person, which is somebody else's to do than who suspended them.
CREATE OR REPLACE FUNCTION access.keep_suspension_final() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE live access.suspension; me uuid := access.current_principal();
BEGIN
    SELECT * INTO live FROM access.suspension s WHERE s.person_id = NEW.id AND s.ended_at IS NULL FOR UPDATE;
    IF live.id IS NULL THEN RETURN NEW; END IF;
    IF live.suspended_by = me THEN
        RAISE EXCEPTION 'somebody else makes a suspension final' USING ERRCODE = 'CW002', CONSTRAINT = 'suspension_final';
    END IF;
    UPDATE access.suspension s SET ended_at = now(), ended_by = me, outcome = 'final' WHERE s.id = live.id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_suspension_final BEFORE UPDATE OF active ON casework.person
    FOR EACH ROW WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION access.keep_suspension_final();
