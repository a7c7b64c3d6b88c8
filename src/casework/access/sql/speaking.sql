-- Who hears of what a business writes, and of what it answers.

-- Who spoke last on an enquiry. A message of the business marks it, one of ours takes the mark away; whoever wrote it need not be able
-- to change the enquiry. Once all has ended nothing waits for an answer by itself, so somebody is told: the last adviser, or else
-- the team's coordinators, or else its mailbox. Once, until we answer, however much is written.
CREATE OR REPLACE FUNCTION access.keep_spoken() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE e casework.enquiry; ended timestamptz; said text := 'business_spoke';
BEGIN
    SELECT * INTO e FROM casework.enquiry x WHERE x.id = NEW.enquiry_id FOR NO KEY UPDATE;
    IF NEW.author = 'staff' THEN
        UPDATE casework.enquiry x SET business_spoke_at = NULL WHERE x.id = e.id AND x.business_spoke_at IS NOT NULL;
        RETURN NEW;
    END IF;
    UPDATE casework.enquiry x SET business_spoke_at = NEW.created_at WHERE x.id = e.id;
    ended := coalesce(e.shown_ended_at, e.ended_at, (SELECT c.closed_at FROM casework.case_file c WHERE c.id = e.case_id AND c.state = 'closed'));
    IF ended IS NOT NULL AND (e.business_spoke_at IS NULL OR e.business_spoke_at < ended) THEN
        -- What the business was answered (enquiries/queries.py) depends on what it reads of the end.
        IF e.state = 'duplicate' THEN said := 'business_spoke_joined';
        ELSIF e.shown_stage <> 'withdrawn' AND (e.state <> 'accepted' OR starts_with(e.shown_stage, 'accepted_')) THEN said := 'business_spoke_untold';
        END IF;
        PERFORM work.enqueue('messages.send', jsonb_build_object('kind', said, 'enquiry_id', e.id, 'to', 'last adviser'),
                             'messages.send:business_spoke:' || e.id, NULL);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_spoken AFTER INSERT ON casework.enquiry_message
    FOR EACH ROW EXECUTE FUNCTION access.keep_spoken();

-- What the business answers to a recommendation when its case is closed is told to the same people. What has not gone out is not said twice.
CREATE OR REPLACE FUNCTION access.keep_answered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE answering uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM casework.case_file c WHERE c.id = NEW.case_id AND c.state = 'closed') THEN RETURN NEW; END IF;
    FOREACH answering IN ARRAY access.own_enquiries(ARRAY['recommendation.respond']) LOOP
        PERFORM work.enqueue('messages.send', jsonb_build_object('kind', 'business_answered', 'enquiry_id', answering, 'to', 'last adviser'),
                             'messages.send:business_answered:' || answering, NULL);
    END LOOP;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_answered AFTER INSERT ON casework.business_response
    FOR EACH ROW WHEN (NEW.person_id IS NULL) EXECUTE FUNCTION access.keep_answered();

GRANT CREATE ON SCHEMA access TO casework_mover;
ALTER FUNCTION access.keep_spoken() OWNER TO casework_mover;
ALTER FUNCTION access.keep_answered() OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
GRANT USAGE ON SCHEMA casework, work TO casework_mover;
GRANT SELECT, UPDATE ON casework.enquiry TO casework_mover;
GRANT SELECT ON casework.case_file TO casework_mover;
GRANT EXECUTE ON FUNCTION work.enqueue(text, jsonb, text, timestamptz), access.own_enquiries(text[]) TO casework_mover;
