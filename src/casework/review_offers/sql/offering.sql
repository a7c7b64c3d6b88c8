-- Offers to review for other forces: of reviewers alone, and only while they are reviewers who are let in.

-- Where somebody reviews, and whether their offers are the caller's to make: one's own, or those of the caller's teams.
CREATE OR REPLACE FUNCTION access.review_place(person uuid, OUT team_id uuid, OUT within boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE mine uuid[] := access.read_teams('person.offer_review');
BEGIN
    SELECT m.team_id INTO team_id FROM access.membership m
    JOIN access.principal c ON c.id = m.principal_id AND c.active JOIN casework.person p ON p.id = m.principal_id
    WHERE m.principal_id = person AND m.role = 'reviewer' AND m.ended_at IS NULL AND NOT m.pending
    ORDER BY m.team_id = ANY (mine) DESC, m.team_id = p.team_id DESC, m.granted_at, m.id LIMIT 1;
    within := person = access.current_principal() AND access.holds('person.offer_review')
        OR team_id = ANY (mine) OR team_id IS NULL AND access.reaches_person(person, 'person.offer_review');
    within := coalesce(within, false);
END $$;

CREATE OR REPLACE FUNCTION casework.keep_review_offer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.ended_at IS NOT NULL OR (NEW.id, NEW.person_id, NEW.team_id, NEW.offered_by, NEW.offered_at)
                             IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.team_id, OLD.offered_by, OLD.offered_at)) THEN
        RAISE EXCEPTION 'an offer that has ended never changes, and none becomes another''s' USING ERRCODE = 'CW002';
    END IF;
    IF NEW.ended_at IS NULL AND NOT EXISTS (
        SELECT FROM access.membership m JOIN access.principal c ON c.id = m.principal_id AND c.active
        WHERE m.principal_id = NEW.person_id AND m.team_id = NEW.team_id AND m.role = 'reviewer' AND m.ended_at IS NULL AND NOT m.pending) THEN
        RAISE EXCEPTION 'only a reviewer offers to review' USING ERRCODE = 'CW002', CONSTRAINT = 'review_offer_reviewer';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE INSERT OR UPDATE ON casework.review_offer
    FOR EACH ROW EXECUTE FUNCTION casework.keep_review_offer();

-- The offer ends with what it rests upon, for good: a role that is given again, or a suspension that is lifted, brings none back.
CREATE OR REPLACE FUNCTION access.end_review_offer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE whose uuid := CASE TG_TABLE_NAME WHEN 'membership' THEN (to_jsonb(NEW) ->> 'principal_id')::uuid ELSE NEW.id END; o casework.review_offer;
BEGIN
    SELECT * INTO o FROM casework.review_offer r WHERE r.person_id = whose AND r.ended_at IS NULL
      AND (TG_TABLE_NAME <> 'membership' OR r.team_id = (to_jsonb(NEW) ->> 'team_id')::uuid) FOR UPDATE;
    IF o.id IS NOT NULL THEN
        UPDATE casework.review_offer r SET ended_at = date_trunc('milliseconds', casework.now()), ended_because = 'no_longer_reviewer',
            version = r.version + 1 WHERE r.id = o.id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER end_review_offer AFTER UPDATE OF ended_at ON access.membership
    FOR EACH ROW WHEN (NEW.role = 'reviewer' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION access.end_review_offer();
CREATE OR REPLACE TRIGGER end_review_offer AFTER UPDATE OF active ON access.principal
    FOR EACH ROW WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION access.end_review_offer();

-- A competence that is taken away is offered no longer.
CREATE OR REPLACE FUNCTION casework.narrow_review_offer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE o casework.review_offer; left_over text[];
BEGIN
    SELECT * INTO o FROM casework.review_offer r WHERE r.person_id = NEW.id AND r.ended_at IS NULL FOR UPDATE;
    IF o.id IS NULL OR o.strands <@ NEW.competences THEN RETURN NEW; END IF;
    left_over := ARRAY(SELECT s FROM unnest(o.strands) WITH ORDINALITY AS x (s, place) WHERE s = ANY (NEW.competences) ORDER BY place);
    IF left_over = '{}' THEN
        UPDATE casework.review_offer r SET ended_at = date_trunc('milliseconds', casework.now()), ended_because = 'no_longer_competent',
            version = r.version + 1 WHERE r.id = o.id;
    ELSE
        UPDATE casework.review_offer r SET strands = left_over, version = r.version + 1 WHERE r.id = o.id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER narrow_review_offer AFTER UPDATE OF competences ON casework.person
    FOR EACH ROW EXECUTE FUNCTION casework.narrow_review_offer();
