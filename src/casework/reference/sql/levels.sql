-- Threat levels: which entry holds at a moment, and what a site stands under.

-- Where a site lies: by its local authority, else by its police force; without a site, where the team's force is.
CREATE OR REPLACE FUNCTION casework.nation_of_site(site uuid, of_team uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT a.nation FROM casework.premises p JOIN casework.local_authority a ON a.code = p.local_authority_code WHERE p.id = site),
        (SELECT f.nation FROM casework.premises p JOIN casework.police_force f ON f.code = p.force_code AND f.has_area WHERE p.id = site),
        (SELECT f.nation FROM casework.team t JOIN casework.police_force f ON f.code = t.force_code WHERE t.id = of_team))
$$;

-- The entry of a kind that holds at a moment; of two that begin together, the one that was recorded later.
CREATE OR REPLACE FUNCTION casework.level_holding(of_kind text, at timestamptz) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT l.id FROM casework.threat_level l WHERE l.kind = of_kind AND l.since <= at AND l.state <> 'struck'
    ORDER BY l.since DESC, l.recorded_at DESC, l.id DESC LIMIT 1
$$;

-- What a site stands under at a moment: the national level, in Northern Ireland the one there as well, and the entries of both.
CREATE OR REPLACE FUNCTION casework.levels_of_site(site uuid, of_team uuid, at timestamptz)
RETURNS TABLE (nation text, threat_level text, northern_ireland_threat_level text, entries uuid[])
LANGUAGE sql STABLE AS $$
    SELECT s.nation, n.level, i.level, array_remove(ARRAY[n.id, i.id], NULL)
    FROM (SELECT casework.nation_of_site(site, of_team) AS nation) s
    LEFT JOIN casework.threat_level n ON n.id = casework.level_holding('national', at)
    LEFT JOIN casework.threat_level i ON s.nation = 'Northern Ireland' AND i.id = casework.level_holding('northern_ireland', at)
$$;

-- How grave a level is, to tell a raise.
CREATE OR REPLACE FUNCTION casework.gravity(of_level text) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN array_position(ARRAY['low', 'moderate', 'substantial', 'severe', 'critical'], of_level);

-- What was recorded stays as it was: it is confirmed or struck, and a struck entry stays struck.
CREATE OR REPLACE FUNCTION casework.keep_threat_level() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['state', 'confirmed_by', 'struck_by', 'struck_at', 'struck_reason', 'version'];
BEGIN
    IF OLD.state = 'struck' OR to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'a recorded threat level never changes' USING ERRCODE = 'CW002';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE UPDATE ON casework.threat_level FOR EACH ROW EXECUTE FUNCTION casework.keep_threat_level();

-- For the doctor: kinds of which no level holds though there is somebody who works under it, and how many active leads there are.
CREATE OR REPLACE FUNCTION casework.levels_missing() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN casework.level_holding('national', casework.now()) IS NULL THEN 'national' END,
        CASE WHEN casework.level_holding('northern_ireland', casework.now()) IS NULL AND EXISTS (
            SELECT FROM casework.team t JOIN casework.police_force f ON f.code = t.force_code WHERE f.nation = 'Northern Ireland')
            THEN 'northern_ireland' END], NULL)
$$;
CREATE OR REPLACE FUNCTION casework.active_leads() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT count(DISTINCT p.id) FROM access.membership m JOIN casework.person p ON p.id = m.principal_id AND access.lets_in(p.id)
    WHERE m.role = 'professional_lead' AND m.ended_at IS NULL
$$;
