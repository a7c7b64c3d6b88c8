-- Who is let into a case beyond its team: shares with another force, and emergencies.

-- What reach_cases judges by follows the shares: one that has not ended holds, except while the case is restricted and the
-- share was not made for that. Its date is judged when it is asked. A case that is restricted, or moves, writes its shares
-- again, so both are settled here.
CREATE OR REPLACE FUNCTION access.keep_share() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- A share that ended long ago says nothing about a newer one with the same team.
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NOT NULL THEN RETURN NEW; END IF;
    IF NEW.ended_at IS NULL AND (NOT NEW.restricted OR NEW.includes_restricted) THEN
        INSERT INTO access.case_share (case_id, team_id, mode, until)
        VALUES (NEW.case_id, NEW.to_team_id, NEW.mode, NEW.until)
        ON CONFLICT (case_id, team_id) DO UPDATE SET mode = excluded.mode, until = excluded.until;
    ELSE
        DELETE FROM access.case_share s WHERE s.case_id = NEW.case_id AND s.team_id = NEW.to_team_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_share AFTER INSERT OR UPDATE ON casework.case_share
    FOR EACH ROW EXECUTE FUNCTION access.keep_share();

-- A case of another team, opened by its reference for 24 hours. All of it stands or falls together: the record, the grant, the
-- line in the case's timeline, and (by trigger) the processing log.
-- verdict: opened; limit (``wait``: seconds); absent; known (the caller reads this case already).
CREATE OR REPLACE FUNCTION access.open_in_emergency(
    of_reference text, purpose text, why text, OUT verdict text, OUT opened uuid, OUT of_case uuid, OUT of_team uuid,
    OUT wait integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE me uuid := access.current_principal(); h casework.case_headline; earlier timestamptz; ends timestamptz;
BEGIN
    IF me IS NULL OR NOT access.doing(ARRAY['case.break_glass']) OR NOT access.holds('case.break_glass') THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    -- One at a time for each person, or two at once would both be the third.
    PERFORM FROM access.principal p WHERE p.id = me FOR NO KEY UPDATE;
    -- Before the case is looked for: a limit that only held for what exists would tell what exists.
    SELECT e.opened_at INTO earlier FROM casework.emergency_access e
    WHERE e.person_id = me AND e.opened_at > casework.now() - interval '24 hours' ORDER BY e.opened_at DESC OFFSET 2 LIMIT 1;
    IF FOUND THEN
        verdict := 'limit';
        wait := greatest(1, ceil(extract(epoch FROM earlier + interval '24 hours' - casework.now())))::integer;
        RETURN;
    END IF;
    SELECT * INTO h FROM casework.case_headline c WHERE c.reference = of_reference;
    IF h.id IS NULL THEN
        verdict := 'absent';
        RETURN;
    END IF;
    IF h.team_id = ANY (access.read_teams('case.read')) AND NOT h.restricted
       OR h.restricted AND h.team_id = ANY (access.answering_teams('case.read')) OR h.id = ANY (access.cases('case.read')) THEN
        verdict := 'known';
        RETURN;
    END IF;
    ends := date_trunc('milliseconds', casework.now() + interval '24 hours');
    of_case := h.id; of_team := h.team_id;
    INSERT INTO casework.emergency_access (case_id, team_id, restricted, person_id, purpose_code, reason, until)
    VALUES (h.id, h.team_id, h.restricted, me, purpose, why, ends) RETURNING id INTO opened;
    -- The grant names the case's own team, so that it ends with everything else when the case moves.
    INSERT INTO access.case_grant (case_id, principal_id, kind, team_id, restricted, until)
    VALUES (h.id, me, 'break_glass', h.team_id, h.restricted, ends)
    ON CONFLICT (case_id, principal_id, kind) DO UPDATE
    SET team_id = excluded.team_id, restricted = excluded.restricted, until = excluded.until;
    PERFORM access.say(h.id, 'emergency_access', opened, purpose, why, NULL);
    verdict := 'opened';
END $$;

-- Whether a case of the team may be given to this person, and the competences they hold. Told of advisers of that team only,
-- whose home may be another team; of everybody else, and of nobody, it tells the same.
CREATE OR REPLACE FUNCTION access.assignable(person uuid, in_team uuid, OUT adviser boolean, OUT competences text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    adviser := access.is_adviser(person, in_team);
    competences := CASE WHEN adviser THEN coalesce((SELECT p.competences FROM casework.person p WHERE p.id = person), '{}') ELSE '{}' END;
END $$;
