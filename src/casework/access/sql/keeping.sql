-- What the functions of context.sql judge by is kept here, by trigger, from the tables that people write.

CREATE OR REPLACE FUNCTION access.keep_principal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE part uuid;
BEGIN
    -- First: a suspension that is on its way holds this row, and is seen by the statement after it.
    PERFORM FROM access.principal p WHERE p.id = NEW.id FOR UPDATE;
    INSERT INTO access.principal (id, kind, name, active)
    VALUES (NEW.id, TG_ARGV[0], NEW.name,
            NEW.active AND NOT EXISTS (SELECT FROM access.suspension s WHERE s.person_id = NEW.id AND s.ended_at IS NULL))
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = excluded.active;
    -- Who is no longer active is out at once, and is not let in again by an old token when they come back.
    IF NOT NEW.active THEN
        UPDATE access.principal p SET tokens_from = now() WHERE p.id = NEW.id;
        UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = NEW.id AND s.revoked_at IS NULL;
        -- Their roles end for good, those that wait too: whoever comes back is given each anew.
        IF TG_ARGV[0] = 'staff' THEN
            FOR part IN UPDATE access.membership m SET ended_at = now() WHERE m.principal_id = NEW.id AND m.ended_at IS NULL RETURNING m.id LOOP
                INSERT INTO audit.event_object (event_id, kind, object_id, operation)
                VALUES (audit.current_event(), 'membership', part, 'erasure');
            END LOOP;
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_principal AFTER INSERT OR UPDATE ON casework.person
    FOR EACH ROW EXECUTE FUNCTION access.keep_principal('staff');
CREATE OR REPLACE TRIGGER keep_principal AFTER INSERT OR UPDATE ON casework.api_client
    FOR EACH ROW EXECUTE FUNCTION access.keep_principal('client');

-- The local log-in is by e-mail address, so it follows the address.
CREATE OR REPLACE FUNCTION access.keep_login() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE access.credential c SET login = lower(NEW.email) WHERE c.principal_id = NEW.id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_login AFTER UPDATE OF email ON casework.person
    FOR EACH ROW EXECUTE FUNCTION access.keep_login();

CREATE OR REPLACE FUNCTION access.keep_client_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO access.client_grant (client_id, scopes) VALUES (NEW.id, NEW.scopes)
    ON CONFLICT (client_id) DO UPDATE SET scopes = excluded.scopes;
    -- Tokens carry the scopes they were issued with: fewer scopes end them.
    IF TG_OP = 'UPDATE' AND NOT OLD.scopes <@ NEW.scopes THEN
        UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = NEW.id AND s.revoked_at IS NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_client_grant AFTER INSERT OR UPDATE ON casework.api_client
    FOR EACH ROW EXECUTE FUNCTION access.keep_client_grant();

-- A tool plays one part, in its own team, with the scopes of its session.
CREATE OR REPLACE FUNCTION access.keep_client_membership() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO access.membership (principal_id, role, team_id) VALUES (NEW.id, 'service', NEW.team_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_client_membership AFTER INSERT ON casework.api_client
    FOR EACH ROW EXECUTE FUNCTION access.keep_client_membership();

CREATE OR REPLACE FUNCTION access.keep_case() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO access.case_home (case_id, team_id, restricted) VALUES (NEW.id, NEW.team_id, NEW.restricted)
    -- Written where it changes only: by when it was written one tells whether the case is new (access/sql/contacts.sql).
    ON CONFLICT (case_id) DO UPDATE SET team_id = excluded.team_id, restricted = excluded.restricted
    WHERE (case_home.team_id, case_home.restricted) IS DISTINCT FROM (excluded.team_id, excluded.restricted);
    INSERT INTO casework.case_headline (id, team_id, reference, state, adviser_id, premises_id, restricted, opened_at)
    VALUES (NEW.id, NEW.team_id, NEW.reference, NEW.state, NEW.adviser_id, NEW.premises_id, NEW.restricted, NEW.opened_at)
    ON CONFLICT (id) DO UPDATE SET team_id = excluded.team_id, state = excluded.state, adviser_id = excluded.adviser_id,
        premises_id = excluded.premises_id, restricted = excluded.restricted;
    IF TG_OP = 'UPDATE' AND NEW.restricted <> OLD.restricted THEN
        UPDATE access.case_grant g SET restricted = NEW.restricted WHERE g.case_id = NEW.id;
    END IF;
    -- Who reached the case through its former team reaches it no more.
    IF TG_OP = 'UPDATE' AND OLD.team_id <> NEW.team_id THEN
        DELETE FROM access.case_grant g WHERE g.case_id = NEW.id AND g.team_id = OLD.team_id;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.closed_at IS DISTINCT FROM OLD.closed_at THEN
        UPDATE access.session s SET expires_at = coalesce(casework.in_real_time(NEW.closed_at) + interval '90 days', s.created_at + interval '2 years')
        FROM access.enquiry_link l WHERE l.case_id = NEW.id AND s.enquiry_id = l.enquiry_id AND s.revoked_at IS NULL AND s.expires_at > now();
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_case AFTER INSERT OR UPDATE ON casework.case_file
    FOR EACH ROW EXECUTE FUNCTION access.keep_case();

CREATE OR REPLACE FUNCTION access.keep_allocation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.ended_at IS NULL THEN
        INSERT INTO access.case_grant (case_id, principal_id, kind, team_id, restricted)
        VALUES (NEW.case_id, NEW.adviser_id, 'allocated', NEW.team_id, NEW.restricted)
        ON CONFLICT (case_id, principal_id, kind) DO UPDATE SET team_id = excluded.team_id, restricted = excluded.restricted;
    -- Only what ends now: a row that ended long ago is written again when its case is restricted or moved.
    ELSIF OLD.ended_at IS NULL THEN
        DELETE FROM access.case_grant g
        WHERE g.case_id = NEW.case_id AND g.principal_id = NEW.adviser_id AND g.kind = 'allocated';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_allocation AFTER INSERT OR UPDATE ON casework.allocation
    FOR EACH ROW EXECUTE FUNCTION access.keep_allocation();

CREATE OR REPLACE FUNCTION access.keep_collaborator() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.ended_at IS NULL THEN
        INSERT INTO access.case_grant (case_id, principal_id, kind, team_id, restricted)
        VALUES (NEW.case_id, NEW.person_id, 'collaborator', NEW.team_id, NEW.restricted)
        ON CONFLICT (case_id, principal_id, kind) DO UPDATE SET team_id = excluded.team_id, restricted = excluded.restricted;
    ELSIF OLD.ended_at IS NULL THEN
        DELETE FROM access.case_grant g
        WHERE g.case_id = NEW.case_id AND g.principal_id = NEW.person_id AND g.kind = 'collaborator';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_collaborator AFTER INSERT OR UPDATE ON casework.collaborator
    FOR EACH ROW EXECUTE FUNCTION access.keep_collaborator();

-- A reviewer reaches the case while they are asked, and no longer: from the asking until the decision. What was returned
-- is with its author; to submit it again is to ask again.
CREATE OR REPLACE FUNCTION access.keep_review() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM access.reviewing r WHERE r.advice_id = NEW.id;
    IF NEW.reviewer_id IS NOT NULL AND NEW.state IN ('draft', 'in_review') THEN
        INSERT INTO access.reviewing (advice_id, case_id, reviewer_id) VALUES (NEW.id, NEW.case_id, NEW.reviewer_id);
    END IF;
    DELETE FROM access.case_grant g WHERE g.case_id = NEW.case_id AND g.kind = 'reviewer';
    INSERT INTO access.case_grant (case_id, principal_id, kind, team_id)
    SELECT DISTINCT r.case_id, r.reviewer_id, 'reviewer', NEW.team_id FROM access.reviewing r WHERE r.case_id = NEW.case_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_review AFTER INSERT OR UPDATE ON casework.advice
    FOR EACH ROW EXECUTE FUNCTION access.keep_review();

CREATE OR REPLACE FUNCTION access.keep_enquiry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO access.enquiry_link (enquiry_id, case_id, withheld) VALUES (NEW.id, NEW.case_id, NEW.case_withheld)
    ON CONFLICT (enquiry_id) DO UPDATE SET case_id = excluded.case_id, withheld = excluded.withheld;
    -- A tracking token outlives its enquiry, or its case, by 90 days.
    IF TG_OP = 'UPDATE' AND NEW.ended_at IS DISTINCT FROM OLD.ended_at THEN
        UPDATE access.session s SET expires_at = coalesce(casework.in_real_time(NEW.ended_at) + interval '90 days', s.created_at + interval '2 years')
        -- One that has run out is not brought back by a reopening: it is issued anew, to a verified contact.
        WHERE s.enquiry_id = NEW.id AND s.revoked_at IS NULL AND s.expires_at > now();
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_enquiry AFTER INSERT OR UPDATE ON casework.enquiry
    FOR EACH ROW EXECUTE FUNCTION access.keep_enquiry();

CREATE OR REPLACE FUNCTION access.keep_contact() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- Somebody else took over, or is no longer known to be who they said: what they could see ends with this transaction.
    IF TG_OP = 'UPDATE' AND (OLD.current AND NOT NEW.current OR OLD.verified_at IS NOT NULL AND NEW.verified_at IS NULL
                             OR NEW.email IS DISTINCT FROM OLD.email) THEN
        PERFORM access.end_second_step(NEW.id);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.current AND NOT NEW.current THEN
        UPDATE access.session s SET revoked_at = now() WHERE s.principal_id = NEW.id AND s.kind = 'enquirer' AND s.revoked_at IS NULL;
        UPDATE access.enquiry_link l SET contact_id = NULL, verified = false WHERE l.enquiry_id = NEW.enquiry_id AND l.contact_id = NEW.id;
    END IF;
    IF NEW.current THEN
        INSERT INTO access.enquiry_link (enquiry_id, contact_id, verified)
        VALUES (NEW.enquiry_id, NEW.id, NEW.verified_at IS NOT NULL)
        ON CONFLICT (enquiry_id) DO UPDATE SET contact_id = excluded.contact_id, verified = excluded.verified;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_contact AFTER INSERT OR UPDATE ON casework.contact
    FOR EACH ROW EXECUTE FUNCTION access.keep_contact();

CREATE OR REPLACE FUNCTION access.keep_directory() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO casework.organisation_directory (id, team_id, name, company_number, sector, town)
    VALUES (NEW.id, NEW.team_id, NEW.name, NEW.company_number, NEW.sector, NEW.town)
    ON CONFLICT (id) DO UPDATE SET team_id = excluded.team_id, name = excluded.name,
        company_number = excluded.company_number, sector = excluded.sector, town = excluded.town;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_directory AFTER INSERT OR UPDATE ON casework.organisation
    FOR EACH ROW EXECUTE FUNCTION access.keep_directory();

-- Issued advice never changes: only its end (superseded, withdrawn) may be told of it. What is in review or approved keeps its words:
-- to change them, it goes back first (advice/sql/content.sql).
CREATE OR REPLACE FUNCTION access.freeze_advice() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['state', 'ended_at', 'withdrawal_reason', 'untold', 'version', 'team_id', 'restricted'];
BEGIN
    IF OLD.state IN ('issued', 'superseded', 'withdrawn')
       AND (to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free
            OR NEW.state NOT IN ('issued', 'superseded', 'withdrawn')) THEN
        RAISE EXCEPTION 'issued advice never changes' USING ERRCODE = 'CW002';
    END IF;
    IF OLD.state IN ('in_review', 'approved') AND (NEW.title, NEW.introduction, NEW.correction_reason)
       IS DISTINCT FROM (OLD.title, OLD.introduction, OLD.correction_reason) THEN
        RAISE EXCEPTION 'what is being reviewed does not change' USING ERRCODE = 'CW002';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_frozen BEFORE UPDATE ON casework.advice
    FOR EACH ROW EXECUTE FUNCTION access.freeze_advice();

-- Nor does a recommendation of such advice, but for its two tracks; nor which findings it cites.
CREATE OR REPLACE FUNCTION access.freeze_recommendation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['answer', 'verification', 'version', 'team_id', 'restricted'];
BEGIN
    IF casework.is_settled(OLD.advice_id)
       AND (TG_OP = 'DELETE' OR to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'recommendations of advice that is in review, approved or issued never change' USING ERRCODE = 'CW002';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER keep_frozen BEFORE UPDATE OR DELETE ON casework.recommendation
    FOR EACH ROW EXECUTE FUNCTION access.freeze_recommendation();

CREATE OR REPLACE FUNCTION access.freeze_new_recommendation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF casework.is_settled(NEW.advice_id) THEN
        RAISE EXCEPTION 'advice that is in review, approved or issued takes no further recommendation' USING ERRCODE = 'CW002';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_frozen_new BEFORE INSERT ON casework.recommendation
    FOR EACH ROW EXECUTE FUNCTION access.freeze_new_recommendation();

-- The citations of a recommendation are part of it. The writer must see the recommendation, so that nothing slips by unseen.
CREATE OR REPLACE FUNCTION access.freeze_citation() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['team_id', 'restricted']; cited uuid := CASE WHEN TG_OP = 'INSERT' THEN NEW.recommendation_id ELSE OLD.recommendation_id END;
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - free IS NOT DISTINCT FROM to_jsonb(OLD) - free THEN RETURN NEW; END IF;
    IF TG_OP = 'UPDATE' OR NOT EXISTS (
        SELECT FROM casework.recommendation r WHERE r.id = cited AND NOT casework.is_settled(r.advice_id)) THEN
        RAISE EXCEPTION 'recommendations of advice that is in review, approved or issued never change' USING ERRCODE = 'CW002';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER keep_frozen BEFORE INSERT OR UPDATE OR DELETE ON casework.recommendation_finding
    FOR EACH ROW EXECUTE FUNCTION access.freeze_citation();

-- A finding is frozen once the advice that cites it is issued.
CREATE OR REPLACE FUNCTION access.freeze_finding() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['team_id', 'restricted'];
BEGIN
    IF OLD.frozen AND to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'a finding that issued advice cites never changes' USING ERRCODE = 'CW002';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_frozen BEFORE UPDATE ON casework.finding
    FOR EACH ROW EXECUTE FUNCTION access.freeze_finding();

-- What was said and decided stays as it was: notes, messages, timeline, reviews, answers and verifications are append only.
CREATE OR REPLACE FUNCTION access.append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['team_id', 'restricted'];
BEGIN
    -- Intelligence that somebody wrote into a message is taken out once it was handed over.
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'enquiry_message' AND access.doing(ARRAY['enquiry.hand_over'])
       AND to_jsonb(NEW) ->> 'body' IS NULL THEN
        free := free || ARRAY['body', 'removed_at'];
    END IF;
    -- Why its contact was replaced, and the like, may say it too.
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'case_event' AND access.doing(ARRAY['enquiry.hand_over'])
       AND to_jsonb(NEW) ->> 'reason' IS NULL THEN
        free := free || ARRAY['reason'];
    END IF;
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'CW002';
    END IF;
    RETURN NEW;
END $$;
DO $$ DECLARE kept text; BEGIN
    FOREACH kept IN ARRAY ARRAY['case_note', 'case_event', 'enquiry_message', 'quality_review', 'business_response',
                                'verification', 'open_reason', 'advice_content', 'visit_supplement'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON casework.%I
                        FOR EACH ROW EXECUTE FUNCTION access.append_only()', kept);
    END LOOP;
END $$;

-- Roles are given by an administrator to somebody else; administrator and auditor wait for a second administrator.
CREATE OR REPLACE FUNCTION access.grant_role(person uuid, new_role text, in_team uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE made uuid; me uuid := access.current_principal();
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') OR person = me OR me IS NULL
       OR NOT EXISTS (SELECT FROM access.principal p WHERE p.id = person AND p.kind = 'staff') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    INSERT INTO access.membership (principal_id, role, team_id, granted_by, pending)
    VALUES (person, new_role, in_team, me, new_role IN ('administrator', 'auditor'))
    RETURNING id INTO made;
    INSERT INTO audit.event_object (event_id, kind, object_id, operation, facts)
    VALUES (audit.current_event(), 'membership', made, 'collection',
            jsonb_build_object('role', new_role, 'team', in_team, 'person', person));
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION access.approve_role(membership uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); done uuid;
BEGIN
    IF NOT access.doing(ARRAY['person.approve_role']) OR NOT access.holds('person.approve_role') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    UPDATE access.membership m SET pending = false, approved_by = me
    WHERE m.id = membership AND m.pending AND m.ended_at IS NULL AND m.granted_by <> me AND m.principal_id <> me
    RETURNING m.id INTO done;
    IF done IS NOT NULL THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, operation)
        VALUES (audit.current_event(), 'membership', done, 'alteration');
    END IF;
    RETURN done IS NOT NULL;
END $$;

CREATE OR REPLACE FUNCTION access.end_role(membership uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); done uuid;
BEGIN
    IF NOT access.doing(ARRAY['person.manage']) OR NOT access.holds('person.manage') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    UPDATE access.membership m SET ended_at = now()
    WHERE m.id = membership AND m.ended_at IS NULL AND m.principal_id <> me RETURNING m.id INTO done;
    IF done IS NOT NULL THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, operation)
        VALUES (audit.current_event(), 'membership', done, 'erasure');
    END IF;
    RETURN done IS NOT NULL;
END $$;

-- The roles somebody holds, for those who manage people and for oneself.
DROP FUNCTION IF EXISTS access.roles_of(uuid);
CREATE FUNCTION access.roles_of(person uuid)
RETURNS TABLE (id uuid, role text, team_id uuid, pending boolean, granted_at timestamptz, granted_by uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF person <> coalesce(access.current_principal(), '00000000-0000-0000-0000-000000000000')
       AND NOT access.holds('person.manage') AND NOT access.holds('person.list') THEN RETURN; END IF;
    RETURN QUERY SELECT m.id, m.role, m.team_id, m.pending, m.granted_at, m.granted_by FROM access.membership m
        WHERE m.principal_id = person AND m.ended_at IS NULL ORDER BY m.granted_at, m.id;
END $$;

-- Who plays a part in a team whose people the caller may list: to find somebody to assign.
CREATE OR REPLACE FUNCTION access.people_with(wanted_role text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN coalesce((SELECT array_agg(DISTINCT m.principal_id) FROM access.membership m
        JOIN access.principal c ON c.id = m.principal_id
        WHERE m.role = wanted_role AND m.ended_at IS NULL AND NOT m.pending
          AND m.team_id = ANY (access.read_teams('person.list'))
          -- Who is locked out cannot be asked: they stand here for those alone who see the mark.
          AND (c.active OR access.reads_suspension(c.id))), '{}');
END $$;

-- What the caller may do at all: role by role, action by action, as far as it reaches.
CREATE OR REPLACE FUNCTION access.my_actions()
RETURNS TABLE (action text, role text, team_id uuid, reach text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT h.action, h.role, h.team_id, h.reach FROM access.holding h
        WHERE h.token_hash = access.current_hash()
        UNION ALL
        SELECT p.action, p.role, NULL, p.reach FROM access.policy p WHERE p.role = access.enquirer_role(access.current_hash())
        ORDER BY 1, 2, 3;
END $$;
