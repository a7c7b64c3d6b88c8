-- A visit as evidence: who may make it, what its own adviser may do about it, and what is said of its times.

-- Who is sent to a visit of this case: an adviser of its team, or of a team that contributes to it by a share.
CREATE OR REPLACE FUNCTION access.may_visit(person uuid, of_case uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (
        SELECT FROM access.case_home h
        WHERE h.case_id = of_case AND (access.is_adviser(person, h.team_id) OR EXISTS (
            SELECT FROM access.case_share s
            WHERE s.case_id = of_case AND s.mode = 'contribute' AND s.until > casework.now() AND access.is_adviser(person, s.team_id))))
$$;

-- Who may have been at a visit of this case that began then: whoever is or was an adviser of a team that had the case, or that
-- contributed to it, from then on. What happened is not refused because somebody has left since; of anybody else nothing is told.
CREATE OR REPLACE FUNCTION access.may_have_visited(person uuid, of_case uuid, began timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT access.may_visit(person, of_case) OR EXISTS (
        SELECT FROM access.membership m WHERE m.principal_id = person AND m.role = 'adviser' AND NOT m.pending AND m.team_id IN (
            SELECT h.team_id FROM access.case_home h WHERE h.case_id = of_case
            UNION SELECT t.from_team_id FROM casework.case_transfer t
            WHERE t.case_id = of_case AND t.state = 'accepted' AND t.decided_at > began
            UNION SELECT s.to_team_id FROM casework.case_share s
            WHERE s.case_id = of_case AND s.mode = 'contribute' AND least(s.until, s.ended_at) > began))
$$;

-- What the adviser of a visit may do about it, whoever has the case: log it, supplement it, and record what was found.
CREATE OR REPLACE FUNCTION access.of_own_visit() RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY['visit.complete', 'visit.no_access', 'visit.supplement', 'finding.record'];

-- Whose visit it is, as the functions below judge by. It ends with the visit that was not made, and when the case moves to another
-- team. That a case is restricted, that a share ends or a role, is judged when it is asked.
CREATE OR REPLACE FUNCTION access.keep_visiting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.state IN ('cancelled', 'no_access') OR TG_OP = 'UPDATE' AND NEW.team_id <> OLD.team_id THEN
        DELETE FROM access.visiting v WHERE v.visit_id = NEW.id;
    ELSIF TG_OP = 'INSERT' OR NEW.adviser_id <> OLD.adviser_id
          OR OLD.adviser_left_at IS NOT NULL AND NEW.adviser_left_at IS NULL AND NEW.state IN ('proposed', 'confirmed') THEN
        INSERT INTO access.visiting (visit_id, case_id, principal_id) VALUES (NEW.id, NEW.case_id, NEW.adviser_id)
        ON CONFLICT (visit_id) DO UPDATE SET principal_id = excluded.principal_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_visiting AFTER INSERT OR UPDATE ON casework.site_visit
    FOR EACH ROW EXECUTE FUNCTION access.keep_visiting();

-- Whether the caller may do this about a visit because it is their own: as an adviser of the case's team, or of one that contributes.
CREATE OR REPLACE FUNCTION access.own_visit(wanted text, of_visit uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF of_visit IS NULL OR wanted IS NULL OR wanted <> ALL (access.of_own_visit()) OR session_user = 'casework_public'
       OR access.acting_for() IS NOT NULL THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT FROM access.visiting v
        JOIN access.case_home h ON h.case_id = v.case_id AND NOT h.restricted
        JOIN access.held x ON x.principal_id = v.principal_id AND x.action = wanted AND x.reach = 'involved'
        WHERE v.visit_id = of_visit AND v.principal_id = access.current_principal()
          AND (x.team_id = h.team_id OR EXISTS (
              SELECT FROM access.case_share s WHERE s.case_id = v.case_id AND s.team_id = x.team_id
                AND s.mode = 'contribute' AND s.until > casework.now())));
END $$;

-- The same for what is being done: for the first lock of a write, for a policy, and for a line of the timeline.
CREATE OR REPLACE FUNCTION access.goes(of_visit uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN RETURN access.own_visit(access.current_action(), of_visit); END $$;

CREATE OR REPLACE FUNCTION access.write_visit(allowed text[], of_visit uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN RETURN access.doing(allowed) AND access.own_visit(access.current_action(), of_visit); END $$;

CREATE OR REPLACE FUNCTION access.visits_in(of_case uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(access.of_own_visit()) THEN RETURN false; END IF;
    RETURN EXISTS (SELECT FROM access.visiting v WHERE v.case_id = of_case AND access.goes(v.visit_id));
END $$;

-- Whether the caller may log a visit to this case in which this adviser was there: who may log any of it, and the adviser.
CREATE OR REPLACE FUNCTION access.may_log(of_case uuid, adviser uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN of_case = ANY (access.cases_of(access.current_hash(), 'visit.complete', of_case))
        OR adviser = access.current_principal() AND access.may_visit(adviser, of_case);
END $$;

-- Who was there beside the visit's adviser, as a supplement says; nobody, where it says nothing of that.
CREATE OR REPLACE FUNCTION access.said_to_be_there(changes jsonb) RETURNS SETOF uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT there.id::uuid FROM jsonb_array_elements(changes) AS c (change)
    CROSS JOIN jsonb_array_elements_text(CASE c.change ->> 'field' WHEN 'attended_by' THEN c.change -> 'new' ELSE '[]' END) AS there (id)
$$;

-- When a completed visit was made and who was there beside its adviser, by what was said of each last: when it was logged, or by a
-- supplement.
CREATE OR REPLACE FUNCTION access.last_said(of_visit uuid) RETURNS TABLE (arrived_at timestamptz, left_at timestamptz, attended_by uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH said AS (
        SELECT DISTINCT ON (c.change ->> 'field') c.change ->> 'field' AS field, c.change -> 'new' AS new
        FROM casework.visit_supplement s CROSS JOIN jsonb_array_elements(s.changes) AS c (change)
        WHERE s.visit_id = of_visit ORDER BY c.change ->> 'field', s.visit_version DESC)
    SELECT coalesce((SELECT (x.new #>> '{}')::timestamptz FROM said x WHERE x.field = 'arrived_at'), v.arrived_at),
           coalesce((SELECT (x.new #>> '{}')::timestamptz FROM said x WHERE x.field = 'left_at'), v.left_at),
           coalesce((SELECT ARRAY(SELECT t.id::uuid FROM jsonb_array_elements_text(x.new) AS t (id)) FROM said x WHERE x.field = 'attended_by'),
                    v.attended_by)
    FROM casework.site_visit v WHERE v.id = of_visit
$$;

-- What is not plausible about the times of a visit. Nothing is refused for it: it is marked, and takes a reason. Whoever logs
-- visits of one adviser at once waits here, so that none of two overlapping ones goes unmarked, whichever is logged first and
-- whoever was there as its adviser or beside them.
-- ``due_from``, ``due_until``: the appointment, if there was one; ``there``: who made the visit, its adviser first.
CREATE OR REPLACE FUNCTION access.time_marks(
    of_visit uuid, of_case uuid, place uuid, there uuid[], zone text,
    due_from timestamptz, due_until timestamptz, confirmed boolean, arrived timestamptz, gone timestamptz) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE marks text[] := '{}'; person uuid; here text;
BEGIN
    FOR person IN SELECT DISTINCT t.id FROM unnest(there) AS t (id) ORDER BY t.id LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('diary ' || person, 0));
    END LOOP;
    IF due_from IS NULL THEN marks := marks || 'without_appointment'::text;
    ELSIF NOT confirmed THEN marks := marks || 'unconfirmed'::text;
    END IF;
    IF gone <= due_from OR arrived < due_from - interval '4 hours' THEN marks := marks || 'before_due'::text;
    ELSIF arrived > due_until + interval '4 hours' THEN marks := marks || 'after_due'::text;
    END IF;
    IF arrived < (SELECT c.opened_at FROM casework.case_file c WHERE c.id = of_case) THEN marks := marks || 'before_case'::text; END IF;
    IF gone - arrived > interval '12 hours' THEN marks := marks || 'long'::text; END IF;
    here := (SELECT casework.fold(p.town) FROM casework.premises p WHERE p.id = place);
    -- One walk leads past several places of a town on a day; nothing else lets somebody be at two of them at once.
    IF EXISTS (
        SELECT FROM (
            SELECT v.id FROM casework.site_visit v
            WHERE v.state = 'completed' AND v.arrived_at < gone AND v.left_at > arrived AND (v.adviser_id = ANY (there) OR v.attended_by && there)
            UNION SELECT s.visit_id FROM casework.visit_supplement s JOIN casework.site_visit v ON v.id = s.visit_id
            WHERE jsonb_path_exists(s.changes, '$[*] ? (@.field == "arrived_at" || @.field == "left_at" || @.field == "attended_by")')
              AND (v.adviser_id = ANY (there) OR v.attended_by && there
                   OR EXISTS (SELECT FROM access.said_to_be_there(s.changes) AS x (id) WHERE x.id = ANY (there)))) near
        JOIN casework.site_visit o ON o.id = near.id AND o.id IS DISTINCT FROM of_visit
        CROSS JOIN LATERAL access.last_said(o.id) l LEFT JOIN casework.premises p ON p.id = o.premises_id
        WHERE (o.adviser_id = ANY (there) OR l.attended_by && there) AND l.arrived_at < gone AND l.left_at > arrived
          AND NOT coalesce((o.premises_id = place OR casework.fold(p.town) = here)
                           AND (l.arrived_at AT TIME ZONE time_marks.zone)::date = (arrived AT TIME ZONE time_marks.zone)::date, false)) THEN
        marks := marks || 'overlapping'::text;
    END IF;
    RETURN marks;
END $$;

-- A visit that was agreed and made when it was due needs no reason, whether its time was confirmed or not.
CREATE OR REPLACE FUNCTION access.needs_time_reason(marks text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN NOT marks <@ ARRAY['unconfirmed'];

-- A visit is logged as it was, once, and never changes afterwards; whoever logs it, by whichever door.
CREATE OR REPLACE FUNCTION access.keep_visit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['team_id', 'restricted', 'premises_id', 'version']; by_now timestamptz := casework.now() + interval '5 minutes';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state IN ('completed', 'no_access', 'cancelled') THEN
        -- Who was not told that it is cancelled still answers the proposed time.
        IF OLD.state = 'cancelled' AND to_jsonb(OLD) -> 'untold' <> '[]' THEN
            free := free || ARRAY['confirmed_at', 'confirmed_by', 'declined_at', 'declined_note'];
        END IF;
        IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
            RAISE EXCEPTION 'a visit that is over never changes' USING ERRCODE = 'CW002';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state = 'no_access' AND NEW.starts_at > by_now THEN
        RAISE EXCEPTION 'the visit has not begun' USING ERRCODE = '23514', CONSTRAINT = 'site_visit_begun_check';
    END IF;
    IF NEW.state <> 'completed' THEN RETURN NEW; END IF;
    IF NEW.arrived_at IS NULL OR NEW.left_at <= NEW.arrived_at OR NEW.left_at > by_now THEN
        RAISE EXCEPTION 'a visit is logged when it is over' USING ERRCODE = '23514', CONSTRAINT = 'site_visit_made_check';
    END IF;
    IF TG_OP = 'INSERT' AND access.current_principal() IS NOT NULL AND NOT access.may_log(NEW.case_id, NEW.adviser_id) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    NEW.time_marks := access.time_marks(
        NEW.id, NEW.case_id, NEW.premises_id, NEW.adviser_id || NEW.attended_by, NEW.zone,
        CASE TG_OP WHEN 'UPDATE' THEN NEW.starts_at END, CASE TG_OP WHEN 'UPDATE' THEN NEW.ends_at END,
        NEW.confirmed_at IS NOT NULL, NEW.arrived_at, NEW.left_at);
    IF NEW.time_reason IS NULL AND access.needs_time_reason(NEW.time_marks) THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = '23514', CONSTRAINT = 'site_visit_time_reason_check';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_visit BEFORE INSERT OR UPDATE ON casework.site_visit
    FOR EACH ROW EXECUTE FUNCTION access.keep_visit();

-- Advice in review or approved that cites what was seen at this visit goes back to its author. Whoever supplements the visit has
-- contributed to it, and whoever was there by what it says.
CREATE OR REPLACE FUNCTION access.keep_supplement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM casework.return_advice_of_visit(NEW.visit_id);
    PERFORM casework.contribute_to_visit(NEW.visit_id, NEW.recorded_by, 'supplement');
    PERFORM casework.contribute_to_visit(NEW.visit_id, p.person_id, 'visit') FROM access.said_to_be_there(NEW.changes) AS p (person_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_supplement AFTER INSERT ON casework.visit_supplement
    FOR EACH ROW EXECUTE FUNCTION access.keep_supplement();
