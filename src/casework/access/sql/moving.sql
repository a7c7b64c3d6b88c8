-- What takes a row out of its actor's sight. Owned by casework_mover, which row security does not bind: a plain UPDATE would
-- fail the policies of both teams. Each function judges its caller itself, before it looks at anything.
GRANT CREATE ON SCHEMA access TO casework_mover;  -- only while it is made the owner; taken back below

-- A place in the keeping of another team: the one it keeps already under the same UPRN, or a copy of the facts.
CREATE OR REPLACE FUNCTION access.place_in(place uuid, in_team uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE made uuid;
BEGIN
    SELECT q.id INTO made FROM casework.premises p JOIN casework.premises q ON q.uprn = p.uprn AND q.team_id = in_team AND q.state <> 'merged'
    WHERE p.id = place ORDER BY q.created_at, q.id LIMIT 1;
    IF FOUND THEN RETURN made; END IF;
    INSERT INTO casework.premises (
        team_id, force_code, state, closed_on, complex_id, name, address, town, postcode, uprn, local_authority_code, latitude,
        longitude, sector, schedule_1_use, expected_peak_occupancy, occupancy_basis, occupancy_on, priority, priority_reason)
    SELECT in_team, p.force_code, CASE p.state WHEN 'merged' THEN 'open' ELSE p.state END,
           CASE p.state WHEN 'merged' THEN NULL ELSE p.closed_on END, p.complex_id, p.name, p.address, p.town, p.postcode, p.uprn,
           p.local_authority_code, p.latitude, p.longitude, p.sector, p.schedule_1_use, p.expected_peak_occupancy,
           p.occupancy_basis, p.occupancy_on, p.priority, p.priority_reason
    FROM casework.premises p WHERE p.id = place RETURNING id INTO made;
    -- As it is now: what has ended stays behind.
    INSERT INTO casework.premises_area (premises_id, team_id, name, description, ended_at)
    SELECT made, in_team, a.name, a.description, a.ended_at FROM casework.premises_area a WHERE a.premises_id = place AND NOT casework.ended(a.ended_at);
    INSERT INTO casework.premises_alias (premises_id, team_id, name, postcode, ended_at)
    SELECT made, in_team, a.name, a.postcode, a.ended_at FROM casework.premises_alias a WHERE a.premises_id = place AND NOT casework.ended(a.ended_at);
    INSERT INTO casework.premises_party (premises_id, team_id, role, name, organisation_id, phone, phone_extension, relay, email, ended_at)
    SELECT made, in_team, r.role, r.name, r.organisation_id, r.phone, r.phone_extension, r.relay, r.email, r.ended_at
    FROM casework.premises_party r WHERE r.premises_id = place AND NOT casework.ended(r.ended_at);
    RETURN made;
END $$;

-- Everybody whom the case was open to by name: its adviser, who works along, other forces, emergencies, reviewers.
CREATE OR REPLACE FUNCTION access.end_circle(of_case uuid, by_person uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE moment timestamptz := date_trunc('milliseconds', casework.now());
BEGIN
    UPDATE casework.allocation a SET ended_at = moment WHERE a.case_id = of_case AND a.ended_at IS NULL;
    UPDATE casework.collaborator c SET ended_at = moment WHERE c.case_id = of_case AND c.ended_at IS NULL;
    UPDATE casework.case_share s SET ended_at = moment, ended_by = by_person WHERE s.case_id = of_case AND s.ended_at IS NULL;
    UPDATE casework.emergency_access e SET until = moment WHERE e.case_id = of_case AND e.until > moment;
    -- What is being reviewed goes back to who drafts; whom to ask is for the new team to say.
    UPDATE casework.advice v SET reviewer_id = NULL, state = CASE v.state WHEN 'in_review' THEN 'draft' ELSE v.state END, version = v.version + 1
    WHERE v.case_id = of_case AND v.reviewer_id IS NOT NULL AND v.state IN ('draft', 'in_review', 'returned');
END $$;

-- The case with everything beneath it (by the composite keys) into the keeping of another team, open and without an adviser.
-- A place is kept by one team, so enquiries let go of theirs while the key takes them along, and visits follow.
CREATE OR REPLACE FUNCTION access.move_case(of_case uuid, to_team uuid, named uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE place uuid; home uuid; places jsonb := '{}'; asked jsonb;
BEGIN
    SELECT c.premises_id INTO home FROM casework.case_file c WHERE c.id = of_case;
    FOR place IN
        SELECT home WHERE home IS NOT NULL
        UNION SELECT e.premises_id FROM casework.enquiry e WHERE e.case_id = of_case AND e.premises_id IS NOT NULL
        UNION SELECT v.premises_id FROM casework.site_visit v WHERE v.case_id = of_case AND v.premises_id IS NOT NULL
    LOOP
        places := places || jsonb_build_object(place,
            CASE WHEN place = home AND named IS NOT NULL THEN named ELSE access.place_in(place, to_team) END);
    END LOOP;
    SELECT coalesce(jsonb_object_agg(e.id, e.premises_id), '{}') INTO asked
    FROM casework.enquiry e WHERE e.case_id = of_case AND e.premises_id IS NOT NULL;
    UPDATE casework.enquiry e SET premises_id = NULL WHERE asked ? e.id::text AND e.case_id = of_case;
    UPDATE casework.case_file c
    SET team_id = to_team, premises_id = coalesce((places ->> home::text)::uuid, named), adviser_id = NULL, state = 'open',
        held_from = NULL, held_on = NULL, reason_code = NULL, version = c.version + 1, amended_at = date_trunc('milliseconds', casework.now())
    WHERE c.id = of_case;
    UPDATE casework.enquiry e SET premises_id = (places ->> (asked ->> e.id::text))::uuid, version = e.version + 1
    WHERE asked ? e.id::text AND e.case_id = of_case;
    UPDATE casework.site_visit v SET premises_id = (places ->> v.premises_id::text)::uuid, version = v.version + 1
    WHERE v.case_id = of_case AND v.premises_id IS NOT NULL;
END $$;

-- An offer is accepted or returned by the team that it names. verdict: done; absent; stale; state (``standing``); closed; premises.
CREATE OR REPLACE FUNCTION access.decide_transfer(
    of_transfer uuid, known integer[], accepting boolean, named uuid, said text, OUT verdict text, OUT standing text, OUT current integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE t casework.case_transfer; c casework.case_file; me uuid := access.current_principal(); mine uuid[]; answering uuid[];
BEGIN
    IF me IS NULL OR NOT access.doing(ARRAY['case.receive']) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    mine := access.read_teams('case.receive');
    answering := access.answering_teams('case.receive');
    verdict := 'absent';
    SELECT * INTO t FROM casework.case_transfer x WHERE x.id = of_transfer
        AND (x.to_team_id = ANY (mine) AND NOT x.restricted OR x.to_team_id = ANY (answering));
    IF t.id IS NULL THEN RETURN; END IF;
    -- The case before its offer, as everybody locks them; then the offer as it stands now.
    SELECT * INTO c FROM casework.case_file x WHERE x.id = t.case_id FOR UPDATE;
    SELECT * INTO t FROM casework.case_transfer x WHERE x.id = of_transfer FOR UPDATE;
    standing := t.state; current := t.version;
    verdict := CASE
        WHEN t.version <> ALL (known) THEN 'stale'
        WHEN t.state <> 'offered' OR c.team_id <> t.from_team_id THEN 'state'
        WHEN accepting AND c.state = 'closed' THEN 'closed'
        WHEN named IS NOT NULL AND NOT EXISTS (
            SELECT FROM casework.premises p WHERE p.id = named AND p.team_id = t.to_team_id AND p.state <> 'merged') THEN 'premises'
        ELSE 'done' END;
    IF verdict <> 'done' THEN RETURN; END IF;
    UPDATE casework.case_transfer x
    SET state = CASE WHEN accepting THEN 'accepted' ELSE 'returned' END, decided_by = me, decision_note = said,
        decided_at = date_trunc('milliseconds', casework.now()), title = NULL, note = NULL, version = x.version + 1
    WHERE x.id = t.id;
    IF accepting THEN
        PERFORM access.end_circle(t.case_id, me);
        PERFORM access.move_case(t.case_id, t.to_team_id, named);
    END IF;
    INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id, reason, facts)
    SELECT t.case_id, CASE WHEN accepting THEN t.to_team_id ELSE t.from_team_id END, c.restricted, 'case.receive', me, 'staff',
           'case_transfer', t.id, said,
           jsonb_build_object('decision', CASE WHEN accepting THEN 'accepted' ELSE 'returned' END, 'from', f.name, 'to', o.name)
    FROM casework.team f, casework.team o WHERE f.id = t.from_team_id AND o.id = t.to_team_id;
END $$;

ALTER FUNCTION access.place_in(uuid, uuid) OWNER TO casework_mover;
ALTER FUNCTION access.end_circle(uuid, uuid) OWNER TO casework_mover;
ALTER FUNCTION access.move_case(uuid, uuid, uuid) OWNER TO casework_mover;
ALTER FUNCTION access.decide_transfer(uuid, integer[], boolean, uuid, text) OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;

-- What they touch, and nothing else.
GRANT USAGE ON SCHEMA casework, access TO casework_mover;
GRANT EXECUTE ON FUNCTION access.doing(text[]), access.read_teams(text), access.answering_teams(text), access.current_principal(),
    casework.new_id(), casework.fold(text), casework.name_key(text), casework.sort_key(text), casework.now(), casework.clock_offset(),
    casework.ended(timestamptz) TO casework_mover;
GRANT SELECT ON casework.team TO casework_mover;
GRANT SELECT, UPDATE ON casework.case_file, casework.case_transfer, casework.allocation, casework.collaborator, casework.case_share,
    casework.emergency_access, casework.advice, casework.enquiry, casework.site_visit TO casework_mover;
GRANT SELECT, INSERT ON casework.premises, casework.premises_area, casework.premises_alias, casework.premises_party TO casework_mover;
GRANT INSERT ON casework.case_event TO casework_mover;
