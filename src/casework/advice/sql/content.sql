-- What is approved is what is issued. A review is of *content*, not of a row: it is written down at submission, its hash goes with
-- the decision and the issue, and whatever changes it meanwhile takes the advice back to its author.
-- Owned by casework_mover, which row security does not bind: whoever changes a finding need not reach the advice that cites it.
GRANT CREATE ON SCHEMA casework TO casework_mover;  -- only while it is made the owner; taken back below

-- The content of a version of advice: title, introduction, lines in order, the findings they cite, the interim advice that would be
-- carried, and the words of its codes. Canonical JSON (RFC 8785: members by name, no white space), so that the same content is the
-- same bytes. No state, no name of ours, no date of the record and no threat level: what may change without a reviewer is not in it.
-- ``words``: those of an earlier day, where it is to be compared with what was written then; else those of the look-ups now.
CREATE OR REPLACE FUNCTION casework.content_of(
    of_advice uuid, of_case uuid, title text, introduction text, correction_reason text, words json DEFAULT NULL) RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE lines json[]; findings json[]; spoken json[]; cited uuid[]; body text;
BEGIN
    cited := ARRAY(
        SELECT f.id FROM casework.finding f
        WHERE f.id IN (SELECT c.finding_id FROM casework.recommendation_finding c
                       JOIN casework.recommendation r ON r.id = c.recommendation_id WHERE r.advice_id = of_advice)
        ORDER BY f.recorded_at, f.id);
    lines := ARRAY(
        SELECT row_to_json(x) FROM (
            SELECT r.action, r.cost_band, r.domain,
                   array_to_json(ARRAY(SELECT array_position(cited, c.finding_id) FROM casework.recommendation_finding c
                                       WHERE c.recommendation_id = r.id ORDER BY 1)) AS findings,
                   r.guidance, r.line_id, r.position AS number, r.principle, r.priority, r.responsible_party, r.target_on
            FROM casework.recommendation r WHERE r.advice_id = of_advice ORDER BY r.position) x);
    findings := ARRAY(
        SELECT row_to_json(x) FROM (
            SELECT f.area, f.existing_control, f.gap, f.id, f.impact, f.likelihood, f.methodology, n.number, f.phase
            FROM unnest(cited) WITH ORDINALITY AS n (id, number) JOIN casework.finding f ON f.id = n.id ORDER BY n.number) x);
    spoken := ARRAY(
        SELECT row_to_json(x) FROM (
            SELECT i.advice, to_char(i.given_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS given_at, i.given_to
            FROM casework.interim_advice i WHERE i.case_id = of_case AND i.carried_into IS NULL ORDER BY i.given_at, i.id) x);
    IF words IS NULL THEN
        SELECT '{' || coalesce(string_agg(to_json(k.kind)::text || ':{' || k.said || '}', ',' ORDER BY k.kind COLLATE "C"), '') || '}' INTO words
        FROM (SELECT l.kind, string_agg(to_json(l.code)::text || ':' || to_json(l.label)::text, ',' ORDER BY l.code COLLATE "C") AS said
              FROM casework.lookup l
              WHERE (l.kind, l.code) IN (
                  SELECT u.kind, u.code FROM casework.recommendation r,
                      LATERAL (VALUES ('cost_bands', r.cost_band), ('domains', r.domain), ('principles', r.principle),
                                      ('priorities', r.priority)) AS u (kind, code) WHERE r.advice_id = of_advice
                  UNION SELECT u.kind, u.code FROM casework.finding f,
                      LATERAL (VALUES ('attack_methodologies', f.methodology), ('phases_of_use', f.phase),
                                      ('impact_levels', f.impact::text), ('likelihood_levels', f.likelihood::text)) AS u (kind, code)
                  WHERE f.id = ANY (cited))
              GROUP BY l.kind) k;
    END IF;
    SELECT row_to_json(x) INTO body FROM (
        SELECT 1 AS content_format, content_of.correction_reason, array_to_json(findings) AS findings,
               array_to_json(spoken) AS interim_advice, content_of.introduction, array_to_json(lines) AS lines, content_of.title,
               content_of.words) x;
    RETURN convert_to(body, 'UTF8');
END $$;

-- The hashes of a version follow its state. At submission the content is written, in the words of the day; when it is approved, and
-- when it is issued, it is made out again, so that the CHECKs of the table compare what is there with what was reviewed.
CREATE OR REPLACE FUNCTION casework.keep_content() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE written bytea; hash bytea; said json;
BEGIN
    IF NEW.state = OLD.state THEN RETURN NEW; END IF;
    IF NEW.state <> 'returned' THEN
        NEW.return_reason := NULL;
    END IF;
    IF NEW.state IN ('draft', 'returned') THEN
        NEW.content_sha256 := NULL; NEW.approved_sha256 := NULL; NEW.approved_by := NULL;
        IF NEW.state = 'returned' THEN NEW.return_reason := coalesce(NEW.return_reason, 'review'); END IF;
    ELSIF NEW.state = 'in_review' THEN
        -- Whoever is changing one of these findings is waited for: what they wrote is reviewed, or nothing is submitted.
        PERFORM FROM casework.finding f WHERE f.id IN (
            SELECT c.finding_id FROM casework.recommendation_finding c JOIN casework.recommendation r ON r.id = c.recommendation_id
            WHERE r.advice_id = NEW.id) ORDER BY f.id FOR SHARE;
        written := casework.content_of(NEW.id, NEW.case_id, NEW.title, NEW.introduction, NEW.correction_reason);
        NEW.content_sha256 := sha256(written);
        INSERT INTO casework.advice_content (advice_id, case_id, team_id, restricted, content, sha256)
        VALUES (NEW.id, NEW.case_id, NEW.team_id, NEW.restricted, written, NEW.content_sha256);
    ELSIF NEW.state IN ('approved', 'issued') THEN
        SELECT convert_from(c.content, 'UTF8')::json -> 'words' INTO said FROM casework.advice_content c
        WHERE c.advice_id = NEW.id AND c.sha256 = NEW.content_sha256 ORDER BY c.made_at DESC, c.id DESC LIMIT 1;
        hash := sha256(casework.content_of(NEW.id, NEW.case_id, NEW.title, NEW.introduction, NEW.correction_reason, said));
        IF NEW.state = 'approved' THEN NEW.approved_sha256 := hash; ELSE NEW.issued_sha256 := hash; END IF;
    END IF;
    RETURN NEW;
END $$;

-- Who signs for what a trigger writes in the timeline: the person and the kind of the session.
CREATE OR REPLACE FUNCTION access.signing(OUT person uuid, OUT actor text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    SELECT CASE WHEN s.kind = 'staff' THEN s.principal_id END, s.kind INTO person, actor
    FROM access.session s WHERE s.token_hash = access.current_hash();
    actor := coalesce(actor, 'system');
END $$;

-- Takes those of these versions that are in review or approved back to their authors, because their content has changed: another
-- version, a line of the timeline, and a letter to the author and to whoever reviews or has approved, but for who caused it.
CREATE OR REPLACE FUNCTION casework.return_advice(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE a casework.advice; signed record; told uuid; returned uuid[] := '{}';
BEGIN
    FOR a IN SELECT * FROM casework.advice v
             WHERE v.id = ANY (ids) AND v.state IN ('draft', 'in_review', 'returned', 'approved') ORDER BY v.id FOR NO KEY UPDATE LOOP
        CONTINUE WHEN a.state NOT IN ('in_review', 'approved');
        SELECT * INTO signed FROM access.signing();
        UPDATE casework.advice v SET state = 'returned', return_reason = 'content_changed', version = v.version + 1 WHERE v.id = a.id;
        INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id, reason_code, facts)
        VALUES (a.case_id, a.team_id, a.restricted, access.current_action(), signed.person, signed.actor, 'advice', a.id, 'content_changed',
                jsonb_build_object('from', a.state, 'state', 'returned'));
        FOR told IN SELECT DISTINCT x.id FROM unnest(ARRAY[a.author_id, a.reviewer_id, a.approved_by]) AS x (id)
                    WHERE x.id IS NOT NULL AND x.id IS DISTINCT FROM signed.person LOOP
            PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'advice_returned', 'case_id', a.case_id, 'person_id', told),
                                 format('messages.send:advice_returned:%s:%s', a.id, told), NULL);
        END LOOP;
        returned := returned || a.id;
    END LOOP;
    RETURN returned;
END $$;

-- The same for all advice that cites one of these findings, and for all that cites a finding of a visit. For triggers, of which the
-- function is a definer's: no login role may call them.
CREATE OR REPLACE FUNCTION casework.return_advice_citing(finding_ids uuid[]) RETURNS uuid[]
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT casework.return_advice(ARRAY(
        SELECT DISTINCT r.advice_id FROM casework.recommendation_finding c JOIN casework.recommendation r ON r.id = c.recommendation_id
        WHERE c.finding_id = ANY (finding_ids)))
$$;
CREATE OR REPLACE FUNCTION casework.return_advice_of_visit(of_visit uuid) RETURNS uuid[]
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT casework.return_advice_citing(ARRAY(SELECT f.id FROM casework.finding f WHERE f.visit_id = of_visit))
$$;

-- Whoever is about to change a finding waits first for those who submit, decide or issue what cites it: everybody locks the advice
-- before its findings, so that two never wait for one another.
CREATE OR REPLACE FUNCTION casework.hold_advice_citing(finding_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM casework.advice v
    WHERE v.state IN ('draft', 'in_review', 'returned', 'approved') AND v.id IN (
        SELECT r.advice_id FROM casework.recommendation_finding c JOIN casework.recommendation r ON r.id = c.recommendation_id
        WHERE c.finding_id = ANY (finding_ids))
    ORDER BY v.id FOR NO KEY UPDATE;
END $$;

CREATE OR REPLACE FUNCTION casework.finding_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF ROW(NEW.area, NEW.phase, NEW.methodology, NEW.existing_control, NEW.gap, NEW.likelihood, NEW.impact) IS DISTINCT FROM
       ROW(OLD.area, OLD.phase, OLD.methodology, OLD.existing_control, OLD.gap, OLD.likelihood, OLD.impact) THEN
        PERFORM casework.return_advice_citing(ARRAY[NEW.id]);
    END IF;
    RETURN NEW;
END $$;

-- Interim advice that is new would be carried into every version in the making; once one has carried it, into no other.
CREATE OR REPLACE FUNCTION casework.interim_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.carried_into IS DISTINCT FROM OLD.carried_into THEN
        PERFORM casework.return_advice(ARRAY(
            SELECT v.id FROM casework.advice v WHERE v.case_id = NEW.case_id AND v.id IS DISTINCT FROM NEW.carried_into));
    END IF;
    RETURN NEW;
END $$;

-- Whether a version is beyond change: in review, approved, or issued once. The triggers that keep it so ask for whoever writes.
CREATE OR REPLACE FUNCTION casework.is_settled(of_advice uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM casework.advice v WHERE v.id = of_advice AND v.state NOT IN ('draft', 'returned'))
$$;

DO $$ DECLARE made regprocedure; BEGIN
    FOREACH made IN ARRAY ARRAY[
        'casework.content_of(uuid, uuid, text, text, text, json)', 'casework.keep_content()', 'casework.return_advice(uuid[])',
        'casework.return_advice_citing(uuid[])', 'casework.return_advice_of_visit(uuid)', 'casework.hold_advice_citing(uuid[])',
        'casework.finding_changed()', 'casework.interim_changed()', 'casework.is_settled(uuid)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO casework_mover', made);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA casework FROM casework_mover;
GRANT USAGE ON SCHEMA work TO casework_mover;
GRANT EXECUTE ON FUNCTION access.signing(), access.current_action(), work.enqueue(text, jsonb, text, timestamptz) TO casework_mover;
GRANT SELECT ON casework.recommendation, casework.recommendation_finding, casework.interim_advice, casework.lookup TO casework_mover;
GRANT SELECT, UPDATE ON casework.finding TO casework_mover;  -- to lock what is being submitted
GRANT SELECT, INSERT ON casework.advice_content TO casework_mover;
GRANT EXECUTE ON FUNCTION casework.return_advice_citing(uuid[]), casework.return_advice_of_visit(uuid), casework.is_settled(uuid)
TO casework_owner;

CREATE OR REPLACE TRIGGER keep_content BEFORE UPDATE ON casework.advice
    FOR EACH ROW EXECUTE FUNCTION casework.keep_content();
CREATE OR REPLACE TRIGGER content_changed AFTER UPDATE ON casework.finding
    FOR EACH ROW EXECUTE FUNCTION casework.finding_changed();
CREATE OR REPLACE TRIGGER content_changed AFTER INSERT OR UPDATE OF carried_into ON casework.interim_advice
    FOR EACH ROW EXECUTE FUNCTION casework.interim_changed();
