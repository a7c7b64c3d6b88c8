-- Nobody approves what they helped to write. Who contributed to a version is kept here, by trigger, as long as what they contributed
-- stands in it: its text, a recommendation, a finding that it cites, the visit of such a finding, interim advice that it carries.
-- Owned by casework_mover, as advice/sql/content.sql is, and for the same reason.
GRANT CREATE ON SCHEMA casework TO casework_mover;  -- only while it is made the owner; taken back below

-- Whose work a write is: the person who calls, or for whom a tool acts.
CREATE OR REPLACE FUNCTION access.contributing() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce(access.acting_for(), (SELECT s.person FROM access.signing() s))
$$;

-- A contribution to a version in the making; nobody's is none, and issued advice takes no further one.
CREATE OR REPLACE FUNCTION casework.add_contributor(of_advice uuid, by_person uuid, of_what text, of_subject uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO casework.advice_contributor (advice_id, case_id, team_id, restricted, person_id, what, subject_id)
    SELECT a.id, a.case_id, a.team_id, a.restricted, by_person, of_what, of_subject FROM casework.advice a
    WHERE a.id = of_advice AND by_person IS NOT NULL AND a.state IN ('draft', 'in_review', 'returned', 'approved')
    ON CONFLICT DO NOTHING
$$;

-- Who made or logged a visit, or added to what was logged, as the timeline tells; and who was there by anything that was ever said
-- of it: that a later supplement leaves them out again is no reason to trust them with the review.
CREATE OR REPLACE FUNCTION casework.visit_contributors(of_visit uuid) RETURNS TABLE (person_id uuid, what text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT v.adviser_id, 'visit' FROM casework.site_visit v WHERE v.id = of_visit
    UNION SELECT there.id, 'visit' FROM casework.site_visit v CROSS JOIN unnest(v.attended_by) AS there (id) WHERE v.id = of_visit
    UNION SELECT access.said_to_be_there(s.changes), 'visit' FROM casework.visit_supplement s WHERE s.visit_id = of_visit
    UNION SELECT v.logged_by, 'visit' FROM casework.site_visit v WHERE v.id = of_visit AND v.logged_by IS NOT NULL
    UNION SELECT e.person_id, CASE e.action WHEN 'visit.complete' THEN 'visit' ELSE 'supplement' END
    FROM casework.site_visit v JOIN casework.case_event e ON e.case_id = v.case_id
    WHERE v.id = of_visit AND e.subject_kind = 'visit' AND e.subject_id = v.id AND e.person_id IS NOT NULL
      AND e.action IN ('visit.complete', 'visit.supplement')
$$;

-- For triggers beneath a visit (a supplement, who attended): this person contributed to whatever cites a finding of it.
CREATE OR REPLACE FUNCTION casework.contribute_to_visit(of_visit uuid, by_person uuid, of_what text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM casework.add_contributor(x.advice_id, by_person, of_what, of_visit) FROM (
        SELECT DISTINCT r.advice_id FROM casework.finding f
        JOIN casework.recommendation_finding c ON c.finding_id = f.id JOIN casework.recommendation r ON r.id = c.recommendation_id
        WHERE f.visit_id = of_visit) x;
END $$;

CREATE OR REPLACE FUNCTION casework.advice_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.title, NEW.introduction) IS DISTINCT FROM (OLD.title, OLD.introduction) THEN
            PERFORM casework.add_contributor(NEW.id, access.contributing(), 'introduction', NEW.id);
        END IF;
        RETURN NEW;
    END IF;
    PERFORM casework.add_contributor(NEW.id, NEW.author_id, 'version', NEW.id);
    -- The title and the introduction of a correction are those of the version before, until they are amended.
    PERFORM casework.add_contributor(NEW.id, CASE WHEN NEW.number = 1 THEN NEW.author_id END, 'introduction', NEW.id);
    PERFORM casework.add_contributor(NEW.id, c.person_id, 'introduction', NEW.id)
    FROM casework.advice v JOIN casework.advice_contributor c ON c.advice_id = v.id AND c.what = 'introduction'
    WHERE v.reference = NEW.reference AND v.number = NEW.number - 1;
    PERFORM casework.add_contributor(NEW.id, i.given_by, 'interim_advice', i.id)
    FROM casework.interim_advice i WHERE i.case_id = NEW.case_id AND i.carried_into IS NULL;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION casework.recommendation_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['position', 'version', 'answer', 'verification', 'team_id', 'restricted'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- What is left out is not seen in what is reviewed: whoever takes out what another wrote has written the version.
        PERFORM casework.add_contributor(OLD.advice_id, access.contributing(), 'version', OLD.advice_id)
        FROM casework.advice_contributor c WHERE c.advice_id = OLD.advice_id AND c.what = 'recommendation' AND c.subject_id = OLD.id
          AND c.person_id <> access.contributing() LIMIT 1;
        DELETE FROM casework.advice_contributor c WHERE c.advice_id = OLD.advice_id AND c.what = 'recommendation' AND c.subject_id = OLD.id;
        RETURN OLD;
    ELSIF TG_OP = 'INSERT' THEN
        -- A line that was copied is by those who wrote it, not by who copied it.
        PERFORM casework.add_contributor(NEW.advice_id, c.person_id, 'recommendation', NEW.id)
        FROM casework.advice a JOIN casework.advice v ON v.reference = a.reference AND v.id <> a.id
        JOIN casework.recommendation r ON r.advice_id = v.id AND r.line_id = NEW.line_id
        JOIN casework.advice_contributor c ON c.advice_id = v.id AND c.what = 'recommendation' AND c.subject_id = r.id
        WHERE a.id = NEW.advice_id;
        IF FOUND THEN RETURN NEW; END IF;
    ELSIF to_jsonb(NEW) - free IS NOT DISTINCT FROM to_jsonb(OLD) - free THEN
        RETURN NEW;
    END IF;
    PERFORM casework.add_contributor(NEW.advice_id, access.contributing(), 'recommendation', NEW.id);
    RETURN NEW;
END $$;

-- With a finding come those who recorded or amended it, and those of its visit; they go when it is cited no more.
CREATE OR REPLACE FUNCTION casework.citation_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE line casework.recommendation; f casework.finding;
BEGIN
    SELECT * INTO line FROM casework.recommendation r WHERE r.id = CASE TG_OP WHEN 'DELETE' THEN OLD.recommendation_id ELSE NEW.recommendation_id END;
    SELECT * INTO f FROM casework.finding x WHERE x.id = CASE TG_OP WHEN 'DELETE' THEN OLD.finding_id ELSE NEW.finding_id END;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM casework.advice_contributor k WHERE k.advice_id = line.advice_id AND (
            k.subject_id = f.id AND NOT EXISTS (
                SELECT FROM casework.recommendation r JOIN casework.recommendation_finding c ON c.recommendation_id = r.id
                WHERE r.advice_id = line.advice_id AND c.finding_id = f.id)
            OR k.subject_id = f.visit_id AND NOT EXISTS (
                SELECT FROM casework.recommendation r JOIN casework.recommendation_finding c ON c.recommendation_id = r.id
                JOIN casework.finding x ON x.id = c.finding_id WHERE r.advice_id = line.advice_id AND x.visit_id = f.visit_id));
        PERFORM casework.add_contributor(line.advice_id, access.contributing(), 'recommendation', line.id);
        RETURN OLD;
    END IF;
    PERFORM casework.add_contributor(line.advice_id, f.recorded_by, 'finding', f.id);
    PERFORM casework.add_contributor(line.advice_id, e.person_id, 'finding', f.id) FROM casework.case_event e
    WHERE e.case_id = f.case_id AND e.action = 'finding.record' AND e.subject_kind = 'finding' AND e.subject_id = f.id;
    PERFORM casework.add_contributor(line.advice_id, p.person_id, p.what, f.visit_id) FROM casework.visit_contributors(f.visit_id) p;
    -- To cite another finding is to write the line; to copy a citation is not.
    IF NOT EXISTS (
        SELECT FROM casework.advice a JOIN casework.advice v ON v.reference = a.reference AND v.id <> a.id
        JOIN casework.recommendation r ON r.advice_id = v.id AND r.line_id = line.line_id
        JOIN casework.recommendation_finding c ON c.recommendation_id = r.id AND c.finding_id = f.id WHERE a.id = line.advice_id) THEN
        PERFORM casework.add_contributor(line.advice_id, access.contributing(), 'recommendation', line.id);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION casework.finding_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF ROW(NEW.area, NEW.phase, NEW.methodology, NEW.existing_control, NEW.gap, NEW.likelihood, NEW.impact) IS DISTINCT FROM
       ROW(OLD.area, OLD.phase, OLD.methodology, OLD.existing_control, OLD.gap, OLD.likelihood, OLD.impact) THEN
        PERFORM casework.add_contributor(r.advice_id, access.contributing(), 'finding', NEW.id)
        FROM casework.recommendation_finding c JOIN casework.recommendation r ON r.id = c.recommendation_id WHERE c.finding_id = NEW.id;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION casework.interim_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM casework.add_contributor(a.id, p.person, 'interim_advice', NEW.id)
        FROM casework.advice a, unnest(ARRAY[NEW.given_by, access.contributing()]) AS p (person) WHERE a.case_id = NEW.case_id;
    ELSE
        DELETE FROM casework.advice_contributor k USING casework.advice a
        WHERE a.case_id = NEW.case_id AND k.advice_id = a.id AND k.what = 'interim_advice' AND k.subject_id = NEW.id
          AND k.advice_id IS DISTINCT FROM NEW.carried_into;
    END IF;
    RETURN NEW;
END $$;

-- Who becomes a contributor after they were asked is asked no more; what they wrote goes through. Its author hears that somebody
-- else is to be asked.
CREATE OR REPLACE FUNCTION casework.ask_no_longer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE a casework.advice; signed record;
BEGIN
    UPDATE casework.advice v SET reviewer_id = NULL, version = v.version + 1
    WHERE v.id = NEW.advice_id AND v.reviewer_id = NEW.person_id AND v.state IN ('draft', 'in_review', 'returned') RETURNING v.* INTO a;
    IF a.id IS NULL THEN RETURN NEW; END IF;
    SELECT * INTO signed FROM access.signing();
    INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id, reason_code, facts)
    VALUES (a.case_id, a.team_id, a.restricted, access.current_action(), signed.person, signed.actor, 'advice', a.id, 'reviewer_contributed',
            jsonb_build_object('reviewer_id', NEW.person_id, 'what', NEW.what));
    IF a.author_id IS DISTINCT FROM signed.person THEN
        PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'reviewer_needed', 'case_id', a.case_id, 'person_id', a.author_id),
                             format('messages.send:reviewer_needed:%s', a.id), NULL);
    END IF;
    RETURN NEW;
END $$;

-- The guards: a contributor is not asked, does not decide, and has not approved.
CREATE OR REPLACE FUNCTION casework.keep_independent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM casework.advice_contributor k WHERE k.advice_id = NEW.id AND (
                   k.person_id = NEW.reviewer_id AND NEW.reviewer_id IS DISTINCT FROM OLD.reviewer_id
                   OR k.person_id = NEW.approved_by AND NEW.approved_by IS DISTINCT FROM OLD.approved_by)) THEN
        RAISE EXCEPTION 'a contributor neither reviews nor approves' USING ERRCODE = '23514', CONSTRAINT = 'advice_independent';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION casework.keep_review_independent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM casework.advice a WHERE a.id = NEW.advice_id AND a.author_id = NEW.reviewer_id)
       OR EXISTS (SELECT FROM casework.advice_contributor k WHERE k.advice_id = NEW.advice_id AND k.person_id = NEW.reviewer_id) THEN
        RAISE EXCEPTION 'a contributor never reviews' USING ERRCODE = 'CW002', CONSTRAINT = 'quality_review_independent';
    END IF;
    RETURN NEW;
END $$;

-- Who could review this: the part, the competence, no contribution; the least to review first. Those of the force that keeps the case,
-- then those of other forces (whose force is named) who offer to.
DROP FUNCTION IF EXISTS casework.could_review(uuid);
CREATE FUNCTION casework.could_review(of_advice uuid) RETURNS TABLE (id uuid, name text, waiting integer, force text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE a casework.advice; c casework.case_file; doing text := access.current_action();
BEGIN
    SELECT * INTO a FROM casework.advice v WHERE v.id = of_advice;
    SELECT * INTO c FROM casework.case_file x WHERE x.id = a.case_id;
    IF doing IS NULL OR doing NOT IN ('advice.assign_reviewer', 'advice.submit') OR a.id IS NULL
       OR NOT (a.team_id = ANY (access.read_teams(doing)) OR access.write_case(ARRAY[doing], a.case_id)) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT p.id, p.name, (SELECT count(*) FROM casework.advice w WHERE w.reviewer_id = p.id AND w.state = 'in_review')::integer AS load,
            NULL::text
        FROM casework.person p JOIN access.principal n ON n.id = p.id AND n.active
        WHERE c.strand = ANY (p.competences) AND p.id IN (
            SELECT m.principal_id FROM access.membership m JOIN casework.team t ON t.id = m.team_id
            JOIN casework.team home ON home.id = a.team_id AND home.force_code = t.force_code
            WHERE m.ended_at IS NULL AND NOT m.pending AND (m.role = 'reviewer' OR m.role = 'supervisor' AND m.team_id = a.team_id))
          AND NOT EXISTS (SELECT FROM casework.advice_contributor k WHERE k.advice_id = a.id AND k.person_id = p.id)
        ORDER BY load, p.name, p.id LIMIT 20;
    RETURN QUERY SELECT p.id, p.name, (SELECT count(*) FROM casework.advice w WHERE w.reviewer_id = p.id AND w.state = 'in_review')::integer AS load,
            f.name
        FROM casework.review_offer o JOIN casework.person p ON p.id = o.person_id JOIN casework.team t ON t.id = o.team_id
        JOIN casework.police_force f ON f.code = t.force_code JOIN casework.team home ON home.id = a.team_id
        WHERE o.ended_at IS NULL AND o.until >= casework.today() AND c.strand = ANY (o.strands) AND t.force_code <> home.force_code
          AND NOT EXISTS (SELECT FROM casework.advice_contributor k WHERE k.advice_id = a.id AND k.person_id = p.id)
        ORDER BY load, p.name, p.id LIMIT 20;
END $$;

DO $$ DECLARE made regprocedure; BEGIN
    FOREACH made IN ARRAY ARRAY[
        'casework.add_contributor(uuid, uuid, text, uuid)', 'casework.visit_contributors(uuid)',
        'casework.contribute_to_visit(uuid, uuid, text)', 'casework.advice_written()', 'casework.recommendation_written()',
        'casework.citation_written()', 'casework.finding_written()', 'casework.interim_written()', 'casework.ask_no_longer()',
        'casework.keep_independent()', 'casework.keep_review_independent()', 'casework.could_review(uuid)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO casework_mover', made);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA casework FROM casework_mover;
GRANT EXECUTE ON FUNCTION access.contributing(), access.acting_for(), access.write_case(text[], uuid) TO casework_mover;
GRANT SELECT ON casework.review_offer, casework.police_force, casework.case_event, casework.person, access.principal, access.membership TO casework_mover;
GRANT SELECT ON casework.visit_supplement TO casework_mover;
GRANT EXECUTE ON FUNCTION access.said_to_be_there(jsonb) TO casework_mover;
GRANT SELECT, INSERT, DELETE ON casework.advice_contributor TO casework_mover;
GRANT EXECUTE ON FUNCTION casework.contribute_to_visit(uuid, uuid, text), access.contributing() TO casework_owner;

CREATE OR REPLACE TRIGGER written AFTER INSERT OR UPDATE ON casework.advice
    FOR EACH ROW EXECUTE FUNCTION casework.advice_written();
CREATE OR REPLACE TRIGGER written AFTER INSERT OR UPDATE OR DELETE ON casework.recommendation
    FOR EACH ROW EXECUTE FUNCTION casework.recommendation_written();
CREATE OR REPLACE TRIGGER written AFTER INSERT OR DELETE ON casework.recommendation_finding
    FOR EACH ROW EXECUTE FUNCTION casework.citation_written();
CREATE OR REPLACE TRIGGER written AFTER UPDATE ON casework.finding
    FOR EACH ROW EXECUTE FUNCTION casework.finding_written();
CREATE OR REPLACE TRIGGER written AFTER INSERT OR UPDATE OF carried_into ON casework.interim_advice
    FOR EACH ROW EXECUTE FUNCTION casework.interim_written();
CREATE OR REPLACE TRIGGER ask_no_longer AFTER INSERT ON casework.advice_contributor
    FOR EACH ROW EXECUTE FUNCTION casework.ask_no_longer();
CREATE OR REPLACE TRIGGER keep_independent BEFORE UPDATE ON casework.advice
    FOR EACH ROW EXECUTE FUNCTION casework.keep_independent();
CREATE OR REPLACE TRIGGER keep_independent BEFORE INSERT ON casework.quality_review
    FOR EACH ROW EXECUTE FUNCTION casework.keep_review_independent();
DROP FUNCTION IF EXISTS access.keep_review_independent();
