-- Reading the processing log. No login role may look into its tables: these functions judge who asks, and show what is theirs.

-- A record beneath an event, as every reader of the log is shown it: by its id and, where it has one, its reference.
CREATE OR REPLACE FUNCTION audit.told(o audit.event_object) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT json_build_object('kind', o.kind, 'id', o.object_id, 'reference', access.reference_of(o.kind, o.object_id),
                             'case_id', o.case_id, 'case_reference', access.case_reference(o.case_id),
                             'operation', o.operation, 'fields', o.fields, 'facts', o.facts)
$$;

-- One line of the log as JSON. ``seen_teams`` NULL: an auditor, who sees every record beneath it; otherwise the records of
-- these teams' cases and their other records, and what is nobody's where the event is by people of theirs (``ours``).
DROP FUNCTION IF EXISTS audit.entry(audit.event, uuid[], boolean);
CREATE FUNCTION audit.entry(e audit.event, seen_teams uuid[], ours boolean) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT json_build_object(
        'event', e.id, 'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'kind', e.principal_kind, 'person_id', e.principal_id, 'name', access.name_of(e.principal_id),
        'acting_for_id', e.acting_for, 'acting_for_name', access.name_of(e.acting_for),
        'roles', e.roles, 'action', e.action, 'purpose', e.purpose,
        'decision', coalesce((SELECT 'refused:' || (x.facts ->> 'why') FROM audit.event_object x
                              WHERE x.event_id = e.id AND x.operation = 'refusal' LIMIT 1), e.decision),
        'client', e.client, 'request_id', e.request_id, 'client_request_id', e.client_request_id,
        'objects', coalesce((
            SELECT json_agg(audit.told(x) ORDER BY x.position)
            FROM (SELECT o.* FROM audit.event_object o
                  LEFT JOIN access.case_home h ON h.case_id = o.case_id
                  WHERE o.event_id = e.id
                    AND (seen_teams IS NULL OR h.team_id = ANY (seen_teams)
                         OR o.case_id IS NULL AND coalesce(access.belongs(o.kind, o.object_id, o.facts, seen_teams), ours))
                  ORDER BY o.position LIMIT 200) x), '[]'))
$$;

-- The teams whose part of the log the caller reads: NULL for all of it, an empty array for nothing.
CREATE OR REPLACE FUNCTION audit.readable() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT CASE WHEN NOT access.doing(ARRAY['audit.read']) THEN '{}'::uuid[]
                WHEN access.acting_for() IS NULL AND EXISTS (
                    SELECT FROM access.holding h
                    WHERE h.token_hash = access.current_hash() AND h.action = 'audit.read' AND h.reach = 'all') THEN NULL
                ELSE access.read_teams('audit.read') END
$$;

-- Who belongs to these teams now, tools included.
CREATE OR REPLACE FUNCTION audit.people_of(teams uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT ARRAY(SELECT DISTINCT m.principal_id FROM access.membership m
                 WHERE m.team_id = ANY (teams) AND m.ended_at IS NULL AND NOT m.pending)
$$;

-- The records that are asked for: one by its id, those meant by a reference, or those of a place, as far as the log is the
-- caller's to read; NULL where none is named.
CREATE OR REPLACE FUNCTION audit.asked(record uuid, reference text, place uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN CASE WHEN record IS NOT NULL THEN ARRAY[record]
                WHEN reference IS NOT NULL THEN access.named(reference, audit.readable())
                WHEN place IS NOT NULL THEN access.at_place(place, audit.readable()) END;
END $$;

-- Lines of the log between two event ids, newest first. Put together for the filters given, so that each is answered by
-- its own index: the records', the person's, or for a team those of its people and its cases, merged.
DROP FUNCTION IF EXISTS audit.lines(uuid, uuid, text, text, text, bigint, bigint, integer);
CREATE OR REPLACE FUNCTION audit.lines(
    person uuid, records uuid[], wanted text, of_decision text, of_purpose text, since bigint, before bigint, page integer)
RETURNS TABLE (event_id bigint, entry json)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = 'force_custom_plan' AS $$
DECLARE
    teams uuid[] := audit.readable();
    people uuid[] := audit.people_of(teams);
    -- $1 person, $2 records, $3 action, $4 decision, $5 purpose, $6 since, $7 before, $8 page, $9 teams, $10 people
    narrow text := 'e.id >= $6 AND e.id < $7';
    near text := 'o.event_id >= $6 AND o.event_id < $7';
    ours text := ' AND (e.principal_id = ANY ($10) OR e.acting_for = ANY ($10) OR EXISTS (
        SELECT FROM audit.event_object o JOIN access.case_home h ON h.case_id = o.case_id
        WHERE o.event_id = e.id AND h.team_id = ANY ($9)))';
    -- About a record: what is told of it, as far as audit.entry shows it. That somebody of ours saw another team's is theirs to know.
    shown text := ' AND (h.team_id = ANY ($9) OR o.case_id IS NULL AND coalesce(
        access.belongs(o.kind, o.object_id, o.facts, $9), e.principal_id = ANY ($10) OR e.acting_for = ANY ($10), false))';
    about text;
    source text;
BEGIN
    IF cardinality(teams) = 0 OR cardinality(records) = 0 THEN RETURN; END IF;
    narrow := narrow || CASE WHEN wanted IS NOT NULL THEN ' AND e.action = $3' ELSE '' END
        || CASE of_decision WHEN 'allowed' THEN ' AND e.decision = ''allow'' AND NOT EXISTS (' || 'SELECT FROM audit.event_object o
              WHERE o.event_id = e.id AND o.operation = ''refusal'')'
           WHEN 'refused' THEN ' AND (e.decision <> ''allow'' OR EXISTS (SELECT FROM audit.event_object o
              WHERE o.event_id = e.id AND o.operation = ''refusal''))' ELSE '' END
        || CASE WHEN of_purpose IS NOT NULL THEN ' AND e.purpose = $5' ELSE '' END
        || CASE WHEN person IS NOT NULL AND records IS NOT NULL THEN ' AND (e.principal_id = $1 OR e.acting_for = $1)' ELSE '' END;
    IF records IS NOT NULL THEN
        about := 'SELECT e.id FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id'
            || CASE WHEN teams IS NULL THEN '' ELSE ' LEFT JOIN access.case_home h ON h.case_id = o.case_id' END
            || ' WHERE ' || near || ' AND ' || narrow || CASE WHEN teams IS NULL THEN '' ELSE shown END;
        source := 'SELECT z.id FROM unnest($2) AS r (id), LATERAL (' || about || ' AND o.case_id = r.id UNION ' || about
            || ' AND o.object_id = r.id AND o.object_id IS DISTINCT FROM o.case_id) z GROUP BY z.id';
    ELSIF person IS NOT NULL THEN
        source := 'SELECT e.id FROM audit.event e WHERE e.principal_id = $1 AND ' || narrow
            || CASE WHEN teams IS NULL THEN '' ELSE ours END
            || ' UNION SELECT e.id FROM audit.event e WHERE e.acting_for = $1 AND ' || narrow
            || CASE WHEN teams IS NULL THEN '' ELSE ours END;
    ELSIF before = since + 1 THEN
        source := 'SELECT e.id FROM audit.event e WHERE ' || narrow || CASE WHEN teams IS NULL THEN '' ELSE ours END;
    ELSIF teams IS NULL AND of_decision = 'refused' THEN
        source := 'SELECT e.id FROM audit.event e WHERE e.decision <> ''allow'' AND ' || narrow
            || ' UNION SELECT e.id FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id
                 WHERE o.operation = ''refusal'' AND ' || near || ' AND ' || narrow;
    ELSIF teams IS NULL THEN
        source := 'SELECT e.id FROM audit.event e WHERE ' || narrow;
    ELSE
        source := 'SELECT y.id FROM unnest($10) AS p (id), LATERAL (
                       SELECT e.id FROM audit.event e WHERE e.principal_id = p.id AND ' || narrow || ' ORDER BY e.id DESC LIMIT $8) y
                   UNION SELECT y.id FROM unnest($10) AS p (id), LATERAL (
                       SELECT e.id FROM audit.event e WHERE e.acting_for = p.id AND ' || narrow || ' ORDER BY e.id DESC LIMIT $8) y
                   UNION SELECT z.id FROM access.case_home h, LATERAL (
                       SELECT e.id FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id
                       WHERE o.case_id = h.case_id AND ' || near || ' AND ' || narrow || ' ORDER BY o.event_id DESC LIMIT $8) z
                   WHERE h.team_id = ANY ($9)';
    END IF;
    RETURN QUERY EXECUTE
        'SELECT e.id, audit.entry(e, $9, coalesce(e.principal_id = ANY ($10) OR e.acting_for = ANY ($10), false))
         FROM (SELECT s.id FROM (' || source || ') s ORDER BY s.id DESC LIMIT $8) n JOIN audit.event e ON e.id = n.id ORDER BY e.id DESC'
        USING person, records, wanted, of_decision, of_purpose, since, before, page, teams, people;
END $$;

-- That the log was read is told beneath the reader's own event: which part of it, and about whom. Of the records asked for,
-- those of cases that the reader may see the log of.
DROP FUNCTION IF EXISTS audit.log_read(uuid, uuid, bigint, bigint);
CREATE OR REPLACE FUNCTION audit.log_read(person uuid, records uuid[], oldest bigint, newest bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE teams uuid[] := audit.readable();
BEGIN
    IF newest IS NULL THEN RETURN true; END IF;
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, facts)
    SELECT audit.current_event(), 'processing_log', coalesce(r.id, person), h.case_id, 'consultation',
           jsonb_build_object('oldest', oldest::text, 'newest', newest::text)
    FROM unnest(coalesce(records, ARRAY[NULL::uuid])) AS r (id) LEFT JOIN access.case_home h ON h.case_id = r.id
    WHERE h.case_id IS NULL OR teams IS NULL OR h.team_id = ANY (teams);
    RETURN true;
END $$;

-- The cases whose own log the caller reads, of those named by their ids, by a reference (its own, or that of its enquiry or
-- advice), or by their place.
CREATE OR REPLACE FUNCTION audit.cases_asked(of_cases uuid[], reference text, place uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE named uuid[] := of_cases; teams uuid[];
BEGIN
    IF NOT access.doing(ARRAY['case.access_log']) THEN RETURN '{}'; END IF;
    IF reference IS NOT NULL THEN
        named := ARRAY(SELECT c.id FROM casework.case_file c WHERE c.reference = cases_asked.reference
                       UNION SELECT e.case_id FROM casework.enquiry e WHERE e.reference = cases_asked.reference AND e.case_id IS NOT NULL
                       UNION SELECT a.case_id FROM casework.advice a WHERE a.reference = cases_asked.reference);
    ELSIF place IS NOT NULL THEN
        named := ARRAY(SELECT c.id FROM casework.case_file c WHERE c.premises_id = place);
    END IF;
    teams := access.read_teams('case.access_log');
    RETURN ARRAY(SELECT h.case_id FROM access.case_home h WHERE h.case_id = ANY (named)
                 AND (h.team_id = ANY (teams) OR h.case_id = ANY (access.cases('case.access_log'))));
END $$;

-- Who has seen or changed cases that audit.cases_asked let through: read through this function only, never from the tables.
DROP FUNCTION IF EXISTS audit.case_log(uuid, bigint, integer);
DROP FUNCTION IF EXISTS audit.case_log(uuid[], bigint, integer);
CREATE FUNCTION audit.case_log(of_cases uuid[], before_event bigint, page integer)
RETURNS TABLE (event_id bigint, at timestamptz, principal_kind text, principal_id uuid, acting_for uuid, roles text[], action text,
               purpose text, decision text, client text, request_id uuid, client_request_id uuid, objects json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE reached uuid[] := audit.cases_asked(of_cases, NULL, NULL); wanted bigint[]; first bigint; last bigint;
BEGIN
    IF cardinality(reached) = 0 THEN RETURN; END IF;
    -- The page first, then what it says: between its ends lie a few months, and only their partitions are opened then.
    SELECT array_agg(seen.event_id), min(seen.event_id), max(seen.event_id) INTO wanted, first, last
    FROM (SELECT DISTINCT x.event_id FROM unnest(reached) AS c (id), LATERAL (
              SELECT DISTINCT o.event_id FROM audit.event_object o
              WHERE o.case_id = c.id AND o.event_id < before_event
              ORDER BY o.event_id DESC LIMIT page) x
          ORDER BY x.event_id DESC LIMIT page) seen;
    RETURN QUERY
    SELECT e.id, e.at, e.principal_kind, e.principal_id, e.acting_for, e.roles, e.action, e.purpose,
           -- a read that was begun, and then found nothing for its caller, was a refusal
           coalesce(refused.decision, e.decision), e.client, e.request_id, e.client_request_id, told.objects
    FROM audit.event e
    LEFT JOIN (
        SELECT x.event_id, min('refused:' || (x.facts ->> 'why')) AS decision
        FROM audit.event_object x
        WHERE x.event_id BETWEEN first AND last AND x.event_id = ANY (wanted) AND x.operation = 'refusal' GROUP BY x.event_id
    ) refused ON refused.event_id = e.id
    LEFT JOIN (
        SELECT x.event_id, json_agg(audit.told(x) ORDER BY x.position) AS objects
        FROM audit.event_object x
        WHERE x.event_id BETWEEN first AND last AND x.event_id = ANY (wanted) AND x.case_id = ANY (reached) GROUP BY x.event_id
    ) told ON told.event_id = e.id
    WHERE e.id BETWEEN first AND last AND e.id = ANY (wanted)
    ORDER BY e.id DESC;
END $$;

-- A head as JSON, with its checkpoint: the text that was signed, and the signature beneath it (audit_log/notes.py).
CREATE OR REPLACE FUNCTION audit.head_json(h audit.head) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT json_build_object(
        'batch', h.batch, 'count', h.count, 'total', h.total, 'root', encode(h.root, 'hex'),
        'previous', encode(h.previous, 'hex'), 'hash', encode(h.hash, 'hex'), 'sealed_at', at.written, 'key_id', h.key_id,
        'checkpoint', format(E'%s\n%s\n%s\nbatch %s of %s\nroot %s\nprevious %s\ntime %s\n\n\u2014 %s %s\n', 'ctsa-casework/processing-log',
            h.total, encode(h.hash, 'base64'), h.batch, h.count, encode(h.root, 'base64'), encode(h.previous, 'base64'), at.written,
            'ctsa-casework/processing-log', replace(encode(decode(h.key_id, 'hex') || h.signature, 'base64'), E'\n', '')))
    FROM to_char(h.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at (written)
$$;

-- The heads of the sealed batches, newest first.
CREATE OR REPLACE FUNCTION audit.heads(before bigint, page integer) RETURNS TABLE (batch bigint, entry json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['audit.verify']) OR NOT access.holds('audit.verify') THEN RETURN; END IF;
    RETURN QUERY SELECT h.batch, audit.head_json(h) FROM audit.head h WHERE h.batch < before ORDER BY h.batch DESC LIMIT page;
END $$;
