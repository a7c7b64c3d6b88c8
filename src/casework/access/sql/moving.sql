-- What takes a row out of its actor's sight. Owned by casework_mover, which row security does not bind: a plain UPDATE would
-- fail the policies of both teams. Each function judges its caller itself, before it looks at anything.
GRANT CREATE ON SCHEMA access TO casework_mover;  -- only while it is made the owner; taken back below

-- The columns that a table has today, but for those that it fills itself and those named: a fact that is added goes along from that day.
CREATE OR REPLACE FUNCTION access.facts_of(of_table regclass, behind text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = of_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> ALL (behind)
$$;

-- A place in the keeping of another team: the one it keeps already under the same UPRN, or a copy of the facts.
CREATE OR REPLACE FUNCTION access.place_in(place uuid, in_team uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE made uuid; part text; own text[] := ARRAY['id', 'team_id', 'version', 'created_at'];
BEGIN
    SELECT q.id INTO made FROM casework.premises p JOIN casework.premises q ON q.uprn = p.uprn AND q.team_id = in_team AND q.state <> 'merged'
    WHERE p.id = place ORDER BY q.created_at, q.id LIMIT 1;
    IF FOUND THEN RETURN made; END IF;
    -- What was merged is a place by itself there, open; its source tells the place that it came in as, and no copy of it.
    EXECUTE format($copy$
        INSERT INTO casework.premises (team_id, state, closed_on, %1$s)
        SELECT $2, CASE p.state WHEN 'merged' THEN 'open' ELSE p.state END, CASE p.state WHEN 'merged' THEN NULL ELSE p.closed_on END, %1$s
        FROM casework.premises p WHERE p.id = $1 RETURNING id$copy$,
        access.facts_of('casework.premises', own || ARRAY['state', 'closed_on', 'merged_into', 'source', 'source_ref', 'source_facts']))
    INTO made USING place, in_team;
    -- As it is now: what has ended stays behind.
    FOREACH part IN ARRAY ARRAY['premises_area', 'premises_alias', 'premises_party'] LOOP
        EXECUTE format($copy$
            INSERT INTO casework.%1$I (premises_id, team_id, %2$s)
            SELECT $1, $2, %2$s FROM casework.%1$I x WHERE x.premises_id = $3 AND NOT casework.ended(x.ended_at)$copy$,
            part, access.facts_of(format('casework.%I', part)::regclass, own || ARRAY['premises_id']))
        USING made, in_team, place;
    END LOOP;
    RETURN made;
END $$;

-- Everybody whom the case was open to by name: its adviser, who works along, other forces, emergencies, reviewers.
CREATE OR REPLACE FUNCTION access.end_circle(of_case uuid, by_person uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE moment timestamptz := date_trunc('milliseconds', casework.now()); draft casework.advice;
BEGIN
    UPDATE casework.allocation a SET ended_at = moment WHERE a.case_id = of_case AND a.ended_at IS NULL;
    UPDATE casework.collaborator c SET ended_at = moment WHERE c.case_id = of_case AND c.ended_at IS NULL;
    UPDATE casework.case_share s SET ended_at = moment, ended_by = by_person WHERE s.case_id = of_case AND s.ended_at IS NULL;
    UPDATE casework.emergency_access e SET until = moment WHERE e.case_id = of_case AND e.until > moment;
    -- What is being reviewed goes back to who drafts, asked of somebody or not; whom to ask is for the new team to say.
    FOR draft IN SELECT * FROM casework.advice v
             WHERE v.case_id = of_case AND (v.state = 'in_review' OR v.reviewer_id IS NOT NULL AND v.state IN ('draft', 'returned'))
             ORDER BY v.id FOR NO KEY UPDATE
    LOOP
        UPDATE casework.advice v
        SET reviewer_id = NULL, version = v.version + 1, state = CASE draft.state WHEN 'in_review' THEN 'returned' ELSE draft.state END,
            return_reason = CASE draft.state WHEN 'in_review' THEN 'case_moved' ELSE draft.return_reason END
        WHERE v.id = draft.id;
        CONTINUE WHEN draft.state <> 'in_review';
        INSERT INTO casework.case_event (case_id, team_id, restricted, action, person_id, actor, subject_kind, subject_id, reason_code, facts)
        VALUES (draft.case_id, draft.team_id, draft.restricted, 'case.receive', by_person, 'staff', 'advice', draft.id, 'case_moved',
                jsonb_build_object('from', draft.state, 'state', 'returned'));
    END LOOP;
END $$;

-- The case with everything beneath it (by the composite keys) into the keeping of another team, open and without an adviser.
-- A place is kept by one team, so enquiries let go of theirs while the key takes them along, and visits follow. A visit to come is in
-- nobody's hands there, like that of an adviser who left, until whoever allocates the case says who makes it.
CREATE OR REPLACE FUNCTION access.move_case(of_case uuid, to_team uuid, named uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE place uuid; home uuid; places jsonb := '{}'; asked jsonb; moment timestamptz := date_trunc('milliseconds', casework.now());
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
        held_from = NULL, held_on = NULL, reason_code = NULL, version = c.version + 1, amended_at = moment
    WHERE c.id = of_case;
    UPDATE casework.enquiry e SET premises_id = (places ->> (asked ->> e.id::text))::uuid, version = e.version + 1
    WHERE asked ? e.id::text AND e.case_id = of_case;
    UPDATE casework.site_visit v
    SET premises_id = (places ->> v.premises_id::text)::uuid, version = v.version + 1,
        adviser_left_at = CASE WHEN v.state IN ('proposed', 'confirmed') THEN coalesce(v.adviser_left_at, moment) END
    WHERE v.case_id = of_case AND (v.premises_id IS NOT NULL OR v.state IN ('proposed', 'confirmed'));
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
    access.facts_of(regclass, text[]), casework.new_id(), casework.fold(text), casework.name_key(text), casework.sort_key(text), casework.now(), casework.clock_offset(),
    casework.ended(timestamptz) TO casework_mover;
GRANT SELECT ON casework.team TO casework_mover;
GRANT SELECT, UPDATE ON casework.case_file, casework.case_transfer, casework.allocation, casework.collaborator, casework.case_share,
    casework.emergency_access, casework.advice, casework.enquiry, casework.site_visit TO casework_mover;
GRANT SELECT, INSERT ON casework.premises, casework.premises_area, casework.premises_alias, casework.premises_party TO casework_mover;
GRANT INSERT ON casework.case_event TO casework_mover;
