-- A person ends, or a part of theirs does. What they had in hand in that part is in nobody's hands from then on: their open cases and
-- visits to come are marked (`adviser_left_at`), the cases count as unallocated, their allocations end, and reviews asked of them are
-- asked no more. By membership alone: who is only locked out for a while (suspending.sql) has not left.
-- Owned by casework_mover, because the administrator whose act it is reaches none of these records.
GRANT CREATE ON SCHEMA access TO casework_mover;  -- only while it is made the owner; taken back below

-- Whether somebody plays a part in a team (in any team, where none is named), leaving out one membership.
CREATE OR REPLACE FUNCTION access.plays(person uuid, part text, in_team uuid, without uuid DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.membership m WHERE m.principal_id = person AND m.role = part AND m.ended_at IS NULL AND NOT m.pending
                   AND (in_team IS NULL OR m.team_id = in_team) AND m.id IS DISTINCT FROM without)
$$;

-- Whether they could still be sent to the case, as access.may_visit has it, and still be asked to review, as access.may_review has it.
CREATE OR REPLACE FUNCTION access.visits_for(person uuid, of_case uuid, without uuid DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.case_home h WHERE h.case_id = of_case AND (access.plays(person, 'adviser', h.team_id, without) OR EXISTS (
        SELECT FROM access.case_share s WHERE s.case_id = of_case AND s.mode = 'contribute' AND s.until > casework.now()
          AND access.plays(person, 'adviser', s.team_id, without))))
$$;
CREATE OR REPLACE FUNCTION access.reviews_for(person uuid, in_team uuid, without uuid DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT access.plays(person, 'reviewer', NULL, without) OR access.plays(person, 'supervisor', in_team, without)
$$;

-- Row by row, because a statement that changes nothing would still want an event of the log.
CREATE OR REPLACE FUNCTION access.let_go() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE person uuid := NEW.principal_id; moment timestamptz := date_trunc('milliseconds', casework.now()); c record; a casework.advice; signed record;
BEGIN
    SELECT * INTO signed FROM access.signing();
    FOR c IN SELECT x.id, x.team_id, x.restricted FROM casework.case_file x
             WHERE x.adviser_id = person AND x.state <> 'closed' AND x.adviser_left_at IS NULL AND NOT access.plays(person, 'adviser', x.team_id)
             ORDER BY x.id FOR UPDATE
    LOOP
        UPDATE casework.case_file x SET adviser_left_at = moment, version = x.version + 1, amended_at = moment WHERE x.id = c.id;
        INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id, reason_code)
        VALUES (c.id, c.team_id, c.restricted, access.current_action(), signed.person, signed.actor, 'person', person, 'adviser_left');
    END LOOP;
    -- Back in the part one day they hold none of this again; so with those who only work along.
    FOR c IN SELECT l.id FROM casework.allocation l
             WHERE l.adviser_id = person AND l.ended_at IS NULL AND NOT access.plays(person, 'adviser', l.team_id) LOOP
        UPDATE casework.allocation l SET ended_at = moment WHERE l.id = c.id;
    END LOOP;
    FOR c IN SELECT k.id FROM casework.collaborator k
             WHERE k.person_id = person AND k.ended_at IS NULL AND NOT access.plays(person, 'adviser', k.team_id) LOOP
        UPDATE casework.collaborator k SET ended_at = moment WHERE k.id = c.id;
    END LOOP;
    FOR c IN SELECT v.id FROM casework.site_visit v
             WHERE v.adviser_id = person AND v.state IN ('proposed', 'confirmed') AND v.adviser_left_at IS NULL
               AND NOT access.visits_for(person, v.case_id) ORDER BY v.id FOR UPDATE
    LOOP
        UPDATE casework.site_visit v SET adviser_left_at = moment, version = v.version + 1 WHERE v.id = c.id;
    END LOOP;
    FOR a IN SELECT * FROM casework.advice v
             WHERE v.reviewer_id = person AND v.state IN ('draft', 'in_review', 'returned') AND NOT access.reviews_for(person, v.team_id)
             ORDER BY v.id FOR UPDATE
    LOOP
        UPDATE casework.advice v SET reviewer_id = NULL, version = v.version + 1 WHERE v.id = a.id;
        INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id, reason_code, facts)
        VALUES (a.case_id, a.team_id, a.restricted, access.current_action(), signed.person, signed.actor, 'advice', a.id, 'reviewer_left',
                jsonb_build_object('reviewer_id', person));
        PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'reviewer_left', 'case_id', a.case_id, 'person_id', a.author_id),
                             format('messages.send:reviewer_left:%s', a.id), NULL);
    END LOOP;
    RETURN NEW;
END $$;

-- A share that is ended takes its advisers with it: of the visits to which they are still sent, nobody is left to make them.
CREATE OR REPLACE FUNCTION access.leave_visits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v record; moment timestamptz := date_trunc('milliseconds', casework.now());
BEGIN
    FOR v IN SELECT x.id FROM casework.site_visit x
             WHERE x.case_id = NEW.case_id AND x.state IN ('proposed', 'confirmed') AND x.adviser_left_at IS NULL
               AND NOT access.visits_for(x.adviser_id, x.case_id) ORDER BY x.id FOR UPDATE
    LOOP
        UPDATE casework.site_visit x SET adviser_left_at = moment, version = x.version + 1 WHERE x.id = v.id;
    END LOOP;
    RETURN NEW;
END $$;

-- What somebody holds, by team and kind, for whoever is about to end them, or one part of theirs. Counts, and nothing of a record.
CREATE OR REPLACE FUNCTION access.held_by(person uuid, part uuid) RETURNS TABLE (team_id uuid, team text, kind text, count integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE advising boolean := true; reviewing boolean := true; within uuid;
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF part IS NOT NULL THEN
        SELECT m.role = 'adviser', m.role IN ('reviewer', 'supervisor'), m.team_id INTO advising, reviewing, within
        FROM access.membership m WHERE m.id = part AND NOT m.pending;
    END IF;
    RETURN QUERY SELECT t.id, t.name, h.of_kind, count(*)::integer FROM (
            SELECT c.team_id AS team, 'open_case' AS of_kind FROM casework.case_file c
            WHERE advising AND c.adviser_id = person AND c.state <> 'closed' AND c.adviser_left_at IS NULL AND (within IS NULL OR c.team_id = within)
            UNION ALL SELECT v.team_id, CASE WHEN v.ends_at > casework.now() THEN 'visit_to_come' ELSE 'unlogged_visit' END FROM casework.site_visit v
            WHERE advising AND v.adviser_id = person AND v.state IN ('proposed', 'confirmed') AND v.adviser_left_at IS NULL
              AND (part IS NULL OR access.visits_for(person, v.case_id) AND NOT access.visits_for(person, v.case_id, part))
            UNION ALL SELECT k.team_id, 'collaboration' FROM casework.collaborator k
            WHERE advising AND k.person_id = person AND k.ended_at IS NULL AND (within IS NULL OR k.team_id = within)
            UNION ALL SELECT a.team_id, 'advice_draft' FROM casework.advice a
            WHERE advising AND a.author_id = person AND a.state IN ('draft', 'in_review', 'returned', 'approved') AND (within IS NULL OR a.team_id = within)
            UNION ALL SELECT a.team_id, 'review_asked' FROM casework.advice a
            WHERE reviewing AND a.reviewer_id = person AND a.state IN ('draft', 'in_review', 'returned')
              AND (part IS NULL OR NOT access.reviews_for(person, a.team_id, part))) h
        JOIN casework.team t ON t.id = h.team GROUP BY t.id, t.name, h.of_kind ORDER BY t.name, t.id, h.of_kind;
END $$;

-- For how many open cases of these strands somebody stands as the adviser.
CREATE OR REPLACE FUNCTION access.cases_in_strands(person uuid, strands text[]) RETURNS TABLE (strand text, count integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY SELECT c.strand, count(*)::integer FROM casework.case_file c
        WHERE c.adviser_id = person AND c.state <> 'closed' AND c.adviser_left_at IS NULL AND c.strand = ANY (strands) GROUP BY c.strand ORDER BY c.strand;
END $$;

DO $$ DECLARE made regprocedure; BEGIN
    FOREACH made IN ARRAY ARRAY['access.let_go()', 'access.leave_visits()', 'access.held_by(uuid, uuid)', 'access.cases_in_strands(uuid, text[])']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO casework_mover', made);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
GRANT EXECUTE ON FUNCTION access.plays(uuid, text, uuid, uuid), access.visits_for(uuid, uuid, uuid), access.reviews_for(uuid, uuid, uuid),
    access.holds(text) TO casework_mover;

CREATE OR REPLACE TRIGGER let_go AFTER UPDATE OF ended_at ON access.membership
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.role IN ('adviser', 'reviewer', 'supervisor'))
    EXECUTE FUNCTION access.let_go();

-- After keep_share, by its name: what the share lent is gone by then.
CREATE OR REPLACE TRIGGER leave_visits AFTER UPDATE OF ended_at ON casework.case_share
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_by IS NOT NULL AND NEW.mode = 'contribute')
    EXECUTE FUNCTION access.leave_visits();

-- Whoever is given something meanwhile: the giving and the end of the part wait for each other, and what comes second sees the first.
CREATE OR REPLACE FUNCTION access.await_parts(person uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT m.id FROM access.membership m WHERE m.principal_id = person AND m.ended_at IS NULL ORDER BY m.id FOR SHARE
$$;

-- A case that is given to somebody is in their hands; one that comes back with somebody who has left meanwhile is in nobody's.
CREATE OR REPLACE FUNCTION access.keep_adviser_of_case() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_ARGV[0] = 'given' OR NEW.state = 'closed' THEN NEW.adviser_left_at := NULL; END IF;
    IF NEW.adviser_id IS NOT NULL AND NEW.state <> 'closed' AND (TG_ARGV[0] = 'given' OR OLD.state = 'closed') THEN
        PERFORM access.await_parts(NEW.adviser_id);
        IF NOT access.plays(NEW.adviser_id, 'adviser', NEW.team_id) THEN
            NEW.adviser_left_at := date_trunc('milliseconds', casework.now());
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_adviser_given BEFORE UPDATE OF adviser_id ON casework.case_file
    FOR EACH ROW EXECUTE FUNCTION access.keep_adviser_of_case('given');
CREATE OR REPLACE TRIGGER keep_adviser_moved BEFORE UPDATE OF state ON casework.case_file
    FOR EACH ROW EXECUTE FUNCTION access.keep_adviser_of_case('moved');

-- A visit likewise; the mark ends with the visit.
CREATE OR REPLACE FUNCTION access.keep_adviser_of_visit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_ARGV[0] = 'given' OR NEW.state NOT IN ('proposed', 'confirmed') THEN NEW.adviser_left_at := NULL; END IF;
    IF TG_ARGV[0] = 'given' AND NEW.state IN ('proposed', 'confirmed') THEN
        PERFORM access.await_parts(NEW.adviser_id);
        IF NOT access.visits_for(NEW.adviser_id, NEW.case_id) THEN
            NEW.adviser_left_at := date_trunc('milliseconds', casework.now());
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_adviser_given BEFORE INSERT OR UPDATE OF adviser_id ON casework.site_visit
    FOR EACH ROW EXECUTE FUNCTION access.keep_adviser_of_visit('given');
CREATE OR REPLACE TRIGGER keep_adviser_moved BEFORE UPDATE OF state ON casework.site_visit
    FOR EACH ROW EXECUTE FUNCTION access.keep_adviser_of_visit('moved');

-- Whether somebody is fit to review is judged by whoever asks them, after this.
CREATE OR REPLACE FUNCTION access.keep_reviewer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.await_parts(NEW.reviewer_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_reviewer BEFORE UPDATE OF reviewer_id ON casework.advice
    FOR EACH ROW WHEN (NEW.reviewer_id IS NOT NULL) EXECUTE FUNCTION access.keep_reviewer();
