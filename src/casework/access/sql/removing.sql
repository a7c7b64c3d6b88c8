-- What was handed over is taken out of the enquiry, and each copy of it goes too: in what a case is called after the site, in what was
-- offered to another force under that name, in why a contact was replaced, and in answers that are kept under a key.

CREATE OR REPLACE FUNCTION access.keep_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE removed CONSTANT text := '(removed)'; gone text; title text; called text[] := '{}';
BEGIN
    UPDATE casework.case_event v SET reason = NULL
    WHERE v.case_id = NEW.case_id AND v.subject_kind = 'enquiry' AND v.subject_id = NEW.id AND v.reason IS NOT NULL;
    FOREACH gone IN ARRAY array_remove(ARRAY[
        CASE WHEN NEW.site_name IS DISTINCT FROM OLD.site_name THEN OLD.site_name END,
        CASE WHEN NEW.organisation_name IS DISTINCT FROM OLD.organisation_name THEN OLD.organisation_name END,
        CASE WHEN NEW.site_address IS DISTINCT FROM OLD.site_address THEN OLD.site_address END], NULL)
    LOOP
        SELECT c.title INTO title FROM casework.case_file c
        WHERE c.id = NEW.case_id AND (c.title = gone OR length(gone) > 3 AND strpos(c.title, gone) > 0);
        IF title IS NOT NULL THEN
            UPDATE casework.case_file c SET title = replace(c.title, gone, removed), version = c.version + 1 WHERE c.id = NEW.case_id;
        END IF;
        called := called || ARRAY(
            SELECT x FROM casework.case_transfer t, unnest(ARRAY[t.title, t.note, t.decision_note]) AS x
            WHERE t.case_id = NEW.case_id AND strpos(x, gone) > 0);
        UPDATE casework.case_transfer t
        SET title = replace(t.title, gone, removed), note = replace(t.note, gone, removed),
            decision_note = replace(t.decision_note, gone, removed), version = t.version + 1
        WHERE t.case_id = NEW.case_id AND length(gone) > 3 AND strpos(concat_ws(' ', t.title, t.note, t.decision_note), gone) > 0;
        UPDATE casework.case_event v SET reason = NULL WHERE v.case_id = NEW.case_id AND length(gone) > 3 AND strpos(v.reason, gone) > 0;
        called := called || gone || title;
    END LOOP;
    -- As a whole value of the answer: a part of one may be anybody's word.
    FOREACH gone IN ARRAY array_remove(called, NULL) LOOP
        UPDATE work.idempotency_key k SET body = replace(k.body, to_json(gone)::text, to_json(removed)::text)
        WHERE strpos(k.body, to_json(gone)::text) > 0;
    END LOOP;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_removed AFTER UPDATE OF handed_over_at ON casework.enquiry
    FOR EACH ROW WHEN (NEW.handed_over_at IS NOT NULL) EXECUTE FUNCTION access.keep_removed();

-- It touches cases that its actor may not change, as what moves them does (access/sql/moving.sql).
GRANT CREATE ON SCHEMA access TO casework_mover;
ALTER FUNCTION access.keep_removed() OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
GRANT USAGE ON SCHEMA work TO casework_mover;
GRANT SELECT, UPDATE ON casework.case_event, casework.case_file, casework.case_transfer, work.idempotency_key TO casework_mover;
