-- What a bank holiday that was added later does to deadlines that run. They lie in teams that whoever keeps the calendar does not
-- read: this one function, owned by a role that bypasses row security, tells no more than how many they are, and moves them.

-- The working day after a day, by the list that administrators keep.
CREATE OR REPLACE FUNCTION casework.next_working_day(of_nation text, after date) RETURNS date
LANGUAGE sql STABLE AS $$
    SELECT min(d.day) FROM (SELECT after + n AS day FROM generate_series(1, 60) n) d
    WHERE extract(isodow FROM d.day) < 6
      AND NOT EXISTS (SELECT FROM casework.bank_holiday b WHERE b.nation = of_nation AND b.day = d.day AND b.active)
$$;

-- A deadline was counted across the day if its count began before it and ends with it or later, and nobody set it by hand.
CREATE OR REPLACE FUNCTION access.deadlines_across(holiday uuid, recount boolean)
RETURNS TABLE (team_id uuid, team text, enquiries bigint, cases bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE h casework.bank_holiday; found_enquiries uuid[]; found_cases uuid[];
BEGIN
    IF NOT access.doing(ARRAY['reference.manage']) THEN RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501'; END IF;
    SELECT * INTO h FROM casework.bank_holiday b WHERE b.id = holiday AND b.active FOR UPDATE;
    IF h.id IS NULL OR recount AND h.recounted_at IS NOT NULL OR extract(isodow FROM h.day) > 5 THEN RETURN; END IF;
    found_enquiries := ARRAY(
        SELECT e.id FROM casework.enquiry e JOIN casework.team t ON t.id = e.team_id JOIN casework.police_force f ON f.code = t.force_code
        WHERE f.nation = h.nation AND e.state IN ('received', 'triaged', 'transferred') AND e.respond_by >= h.day
          AND (coalesce(e.reopened_at, e.received_at) AT TIME ZONE 'Europe/London')::date < h.day FOR UPDATE OF e);
    found_cases := ARRAY(
        SELECT c.id FROM casework.case_file c JOIN casework.team t ON t.id = c.team_id JOIN casework.police_force f ON f.code = t.force_code
        WHERE f.nation = h.nation AND c.state <> 'closed' AND c.due_counted_from < h.day AND c.due_on >= h.day FOR UPDATE OF c);
    IF recount THEN
        UPDATE casework.enquiry e SET respond_by = casework.next_working_day(h.nation, e.respond_by), version = e.version + 1
        WHERE e.id = ANY (found_enquiries);
        UPDATE casework.case_file c SET due_on = casework.next_working_day(h.nation, c.due_on), version = c.version + 1
        WHERE c.id = ANY (found_cases);
        UPDATE casework.bank_holiday b SET recounted_at = casework.now() WHERE b.id = h.id;
    END IF;
    RETURN QUERY
        SELECT t.id, t.name, count(*) FILTER (WHERE x.enquiry), count(*) FILTER (WHERE NOT x.enquiry)
        FROM (SELECT e.team_id AS of_team, true AS enquiry FROM casework.enquiry e WHERE e.id = ANY (found_enquiries)
              UNION ALL SELECT c.team_id, false FROM casework.case_file c WHERE c.id = ANY (found_cases)) x
        JOIN casework.team t ON t.id = x.of_team GROUP BY t.id, t.name ORDER BY t.name, t.id;
END $$;

GRANT USAGE ON SCHEMA casework, access TO casework_mover;
GRANT SELECT ON casework.team, casework.police_force, casework.bank_holiday TO casework_mover;
GRANT SELECT, UPDATE ON casework.enquiry, casework.case_file, casework.bank_holiday TO casework_mover;
GRANT EXECUTE ON FUNCTION access.doing(text[]), casework.next_working_day(text, date) TO casework_mover;
GRANT CREATE ON SCHEMA access TO casework_mover;
ALTER FUNCTION access.deadlines_across(uuid, boolean) OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
