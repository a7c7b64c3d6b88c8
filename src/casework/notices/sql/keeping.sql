-- Notices: which version is in force, that none changes once it was approved, and that nobody approves what they wrote.

-- A force's own version goes before what holds everywhere.
CREATE OR REPLACE FUNCTION casework.notice_in_force(of_kind text, of_force text) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT n.id FROM casework.notice n
    WHERE n.kind = of_kind AND n.state = 'approved' AND (n.force_code IS NULL OR n.force_code = of_force)
    ORDER BY n.force_code NULLS LAST LIMIT 1
$$;

-- Whether somebody of this force's area can have been shown it: a privacy notice that is or was in force, of the force or of everybody.
CREATE OR REPLACE FUNCTION casework.notice_may_be_shown(notice uuid, of_force text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM casework.notice n WHERE n.id = notice AND n.kind = 'privacy' AND n.state IN ('approved', 'superseded')
                   AND (n.force_code IS NULL OR n.force_code = of_force))
$$;

CREATE OR REPLACE FUNCTION casework.keep_notice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    free text[] := ARRAY['state', 'number', 'writers', 'approved_by', 'approved_at', 'ended_at', 'version'];
    me uuid := access.acting_person(); stamp timestamptz := date_trunc('milliseconds', casework.now()); wanted text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a notice is never removed' USING ERRCODE = 'CW002';
    ELSIF TG_OP = 'INSERT' THEN
        -- What is packaged is put in force on the host; what a person writes is a draft.
        IF access.current_hash() IS NOT NULL OR NEW.force_code IS NOT NULL THEN
            NEW.state := 'draft'; NEW.writers := ARRAY[me]; NEW.ended_at := NULL;
        END IF;
        NEW.number := NULL; NEW.approved_by := NULL; NEW.approved_at := NULL;
        IF NEW.state = 'draft' THEN RETURN NEW; END IF;
    ELSE
        IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
            IF OLD.state <> 'draft' OR NEW.state <> 'draft' THEN
                RAISE EXCEPTION 'a notice that was approved or withdrawn never changes' USING ERRCODE = 'CW002';
            END IF;
            NEW.writers := CASE WHEN me = ANY (OLD.writers) THEN OLD.writers ELSE OLD.writers || me END;
        ELSE
            NEW.writers := OLD.writers;
        END IF;
        wanted := NEW.state;
        NEW.number := OLD.number; NEW.approved_by := OLD.approved_by; NEW.approved_at := OLD.approved_at; NEW.ended_at := OLD.ended_at;
        IF wanted = OLD.state THEN RETURN NEW; END IF;
        IF (OLD.state, wanted) NOT IN (('draft', 'approved'), ('draft', 'withdrawn'), ('approved', 'superseded')) THEN
            RAISE EXCEPTION 'a notice does not go from % to %', OLD.state, wanted USING ERRCODE = 'CW002';
        END IF;
        IF wanted <> 'approved' THEN
            NEW.ended_at := stamp;
            RETURN NEW;
        END IF;
        NEW.approved_by := me;
    END IF;
    -- One at a time: which number it has, and what it supersedes, is judged before it is written.
    PERFORM pg_advisory_xact_lock(hashtextextended(format('notice:%s:%s', NEW.kind, NEW.force_code), 0));
    UPDATE casework.notice n SET state = 'superseded', version = n.version + 1
    WHERE n.kind = NEW.kind AND n.force_code IS NOT DISTINCT FROM NEW.force_code AND n.state = 'approved';
    NEW.number := 1 + coalesce((SELECT max(n.number) FROM casework.notice n
                                WHERE n.kind = NEW.kind AND n.force_code IS NOT DISTINCT FROM NEW.force_code), 0);
    NEW.approved_at := stamp;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON casework.notice
    FOR EACH ROW EXECUTE FUNCTION casework.keep_notice();

-- Which privacy notice was shown with an enquiry is told once, when it comes in.
CREATE OR REPLACE FUNCTION casework.keep_notice_shown() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'which notice was shown never changes' USING ERRCODE = 'CW002';
    END IF;
    NEW.notice_id := coalesce(NEW.notice_id, casework.notice_in_force('privacy', NEW.force_code));
    IF NEW.notice_id IS NOT NULL AND NOT casework.notice_may_be_shown(NEW.notice_id, NEW.force_code) THEN
        RAISE EXCEPTION 'no notice of this force' USING ERRCODE = 'CW002', CONSTRAINT = 'enquiry_notice';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_notice_shown BEFORE INSERT ON casework.enquiry
    FOR EACH ROW EXECUTE FUNCTION casework.keep_notice_shown();
CREATE OR REPLACE TRIGGER keep_notice_shown_for_good BEFORE UPDATE OF notice_id ON casework.enquiry
    FOR EACH ROW WHEN (OLD.notice_id IS DISTINCT FROM NEW.notice_id) EXECUTE FUNCTION casework.keep_notice_shown();
