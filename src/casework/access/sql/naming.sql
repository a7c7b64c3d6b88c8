-- By which reference a record is known, and whose it is. For whoever reads the log or asks for an explanation: the owner's
-- policies on these tables let it look while they do, and at no other time. Never a title or a name.

-- The records that somebody means by a reference: a case; an enquiry with what was said in it and its contacts; every version of
-- advice. ``teams`` NULL: of every team.
CREATE OR REPLACE FUNCTION access.named(typed text, teams uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT ARRAY(
        SELECT c.id FROM casework.case_file c WHERE c.reference = typed AND (teams IS NULL OR c.team_id = ANY (teams))
        UNION ALL SELECT a.id FROM casework.advice a WHERE a.reference = typed AND (teams IS NULL OR a.team_id = ANY (teams))
        UNION ALL SELECT x.id FROM casework.enquiry e, LATERAL (
            SELECT e.id
            UNION ALL SELECT k.id FROM casework.contact k WHERE k.enquiry_id = e.id
            UNION ALL SELECT m.id FROM casework.enquiry_message m WHERE m.enquiry_id = e.id
            UNION ALL SELECT t.id FROM casework.enquiry_transfer t WHERE t.enquiry_id = e.id) x
        WHERE e.reference = typed AND (teams IS NULL OR e.team_id = ANY (teams)))
$$;

-- The records of a place: itself, its areas, parties and aliases, and the cases and enquiries about it.
CREATE OR REPLACE FUNCTION access.at_place(place uuid, teams uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT ARRAY(
        SELECT x.id FROM (
            SELECT p.id, p.team_id FROM casework.premises p WHERE p.id = place
            UNION ALL SELECT a.id, a.team_id FROM casework.premises_area a WHERE a.premises_id = place
            UNION ALL SELECT r.id, r.team_id FROM casework.premises_party r WHERE r.premises_id = place
            UNION ALL SELECT l.id, l.team_id FROM casework.premises_alias l WHERE l.premises_id = place
            UNION ALL SELECT c.id, c.team_id FROM casework.case_file c WHERE c.premises_id = place
            UNION ALL SELECT e.id, e.team_id FROM casework.enquiry e WHERE e.premises_id = place) x
        WHERE teams IS NULL OR x.team_id = ANY (teams))
$$;

CREATE OR REPLACE FUNCTION access.case_reference(of_case uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.reference FROM casework.case_file c WHERE c.id = of_case
$$;

-- The reference of a record in the log; of what belongs to an enquiry, the enquiry's. NULL for what has none.
CREATE OR REPLACE FUNCTION access.reference_of(of_kind text, record uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN CASE
        WHEN record IS NULL THEN NULL
        WHEN of_kind IN ('case_file', 'case_headline', 'access_log') THEN access.case_reference(record)
        WHEN of_kind = 'enquiry' THEN (SELECT e.reference FROM casework.enquiry e WHERE e.id = record)
        WHEN of_kind = 'advice' THEN (SELECT a.reference FROM casework.advice a WHERE a.id = record)
        WHEN of_kind IN ('contact', 'enquiry_message', 'enquiry_transfer') THEN (
            SELECT e.reference FROM casework.enquiry e WHERE e.id = coalesce(
                (SELECT k.enquiry_id FROM casework.contact k WHERE k.id = record),
                (SELECT m.enquiry_id FROM casework.enquiry_message m WHERE m.id = record),
                (SELECT t.enquiry_id FROM casework.enquiry_transfer t WHERE t.id = record)))
        -- what somebody looked up in the log, or asked an explanation of
        WHEN of_kind IN ('processing_log', 'access_explanation') THEN coalesce(
            access.case_reference(record), access.reference_of('enquiry', record), access.reference_of('advice', record))
    END;
END $$;

-- Whether a record without a case is one of these teams': by its own team, or because it is about one of their people. NULL for
-- what is nobody's (look-ups, the directory of forces and teams). What is not known any more is nobody's to see.
CREATE OR REPLACE FUNCTION access.belongs(of_kind text, record uuid, facts jsonb, teams uuid[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE about uuid;
BEGIN
    IF record IS NULL OR of_kind IN ('team', 'police_force', 'local_authority', 'postcode', 'lookup', 'signpost', 'threat_level',
                                     'bank_holiday') THEN
        RETURN NULL;
    ELSIF of_kind IN ('person', 'api_client', 'credential', 'client_secret', 'session', 'membership', 'identity') THEN
        about := coalesce((facts ->> 'person')::uuid,
                          (SELECT s.principal_id FROM access.session s WHERE of_kind = 'session' AND s.id = record),
                          (SELECT m.principal_id FROM access.membership m WHERE of_kind = 'membership' AND m.id = record), record);
        RETURN access.stands_in(about, teams);
    END IF;
    RETURN EXISTS (
        SELECT FROM casework.enquiry x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.contact x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.enquiry_message x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.enquiry_transfer x
            WHERE x.id = record AND (x.team_id = ANY (teams) OR x.from_team_id = ANY (teams)
                                     OR x.to_team_id = ANY (teams) AND x.state <> 'withdrawn')
        UNION ALL SELECT FROM access.one_time_code c JOIN casework.enquiry x ON x.id = c.enquiry_id
            WHERE c.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.premises x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.premises_area x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.premises_party x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.premises_alias x WHERE x.id = record AND x.team_id = ANY (teams)
        UNION ALL SELECT FROM casework.organisation x WHERE x.id = record AND x.team_id = ANY (teams)
    ) OR of_kind IN ('processing_log', 'access_explanation') AND access.stands_in(record, teams);
END $$;
