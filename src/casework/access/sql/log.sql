-- The processing log. Nobody may write to its tables; these functions write for whoever the session says is calling.

-- The event of this very transaction. A forged setting names an event of another transaction, and is refused.
-- VOLATILE, because a read begins and is logged in one statement: a stable function would not see its own event.
CREATE OR REPLACE FUNCTION audit.current_event() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE found_event bigint;
BEGIN
    SELECT e.id INTO found_event FROM audit.event e
    WHERE e.id = nullif(current_setting('casework.event', true), '')::bigint
      AND e.decision = 'allow' AND e.xmin = pg_current_xact_id()::xid;
    IF found_event IS NULL THEN
        RAISE EXCEPTION 'nothing is read or changed outside a logged request' USING ERRCODE = 'CW001';
    END IF;
    RETURN found_event;
END $$;

-- A read tells the log which records it hands out. Returns true so that a statement can depend on it.
CREATE OR REPLACE FUNCTION audit.consulted(event bigint, of_kind text, ids uuid[], of_cases uuid[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF ids IS NULL OR cardinality(ids) = 0 THEN RETURN true; END IF;
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
    SELECT audit.current_event(), of_kind, x.id, x.case_id, 'consultation'
    FROM unnest(ids, of_cases) AS x (id, case_id) WHERE x.id IS NOT NULL;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION audit.disclosed(of_kind text, id uuid, of_case uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
    VALUES (audit.current_event(), of_kind, id, of_case, 'disclosure')
$$;

-- The trigger on every scoped table: one row per record, the names of the fields that changed, and the state's old and new value.
CREATE OR REPLACE FUNCTION audit.log_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    event bigint := audit.current_event();
    case_column text := TG_ARGV[0];
    touched bigint;
BEGIN
    -- Reference data without an id of its own (postcodes, forces): nobody's record, so the statement is told, not each row.
    IF TG_ARGV[1] <> 'id' THEN
        IF TG_OP = 'DELETE' THEN SELECT count(*) INTO touched FROM old_rows; ELSE SELECT count(*) INTO touched FROM new_rows; END IF;
        INSERT INTO audit.event_object (event_id, kind, operation, facts)
        VALUES (event, TG_TABLE_NAME, CASE TG_OP WHEN 'INSERT' THEN 'collection' WHEN 'UPDATE' THEN 'alteration' ELSE 'erasure' END,
                jsonb_build_object('rows', touched::text));
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, fields, facts)
        SELECT event, TG_TABLE_NAME, (n.doc ->> 'id')::uuid, (n.doc ->> case_column)::uuid, 'collection',
               ARRAY(SELECT jsonb_object_keys(jsonb_strip_nulls(n.doc)) ORDER BY 1),
               CASE WHEN n.doc ? 'state' THEN jsonb_build_object('state', n.doc -> 'state') END
        FROM (SELECT to_jsonb(r) AS doc FROM new_rows r OFFSET 0) n;  -- made once a row, however often it is named
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, fields, facts)
        SELECT event, TG_TABLE_NAME, (n.doc ->> 'id')::uuid, (n.doc ->> case_column)::uuid, 'alteration',
               ARRAY(SELECT key FROM jsonb_each(n.doc) WHERE value IS DISTINCT FROM o.doc -> key ORDER BY key),
               CASE WHEN n.doc -> 'state' IS DISTINCT FROM o.doc -> 'state'
                    THEN jsonb_build_object('from', o.doc -> 'state', 'state', n.doc -> 'state') END
        FROM (SELECT to_jsonb(r) AS doc FROM new_rows r OFFSET 0) n
        JOIN (SELECT to_jsonb(r) AS doc FROM old_rows r OFFSET 0) o ON o.doc ->> 'id' = n.doc ->> 'id';
    ELSE
        INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
        SELECT event, TG_TABLE_NAME, (o.doc ->> 'id')::uuid, (o.doc ->> case_column)::uuid, 'erasure'
        FROM (SELECT to_jsonb(r) AS doc FROM old_rows r) o;
    END IF;
    RETURN NULL;
END $$;

-- Who has seen or changed a case: read through this function only, never from the tables.
CREATE OR REPLACE FUNCTION audit.case_log(of_case uuid, before_event bigint, page integer)
RETURNS TABLE (event_id bigint, at timestamptz, principal_kind text, principal_id uuid, roles text[], action text,
               purpose text, decision text, client text, request_id uuid, objects json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT access.doing(ARRAY['case.access_log']) OR NOT EXISTS (
        SELECT FROM access.case_home c WHERE c.case_id = of_case
        AND (c.team_id = ANY (access.read_teams('case.access_log')) OR c.case_id = ANY (access.cases('case.access_log'))))
    THEN RETURN; END IF;
    RETURN QUERY
    SELECT e.id, e.at, e.principal_kind, e.principal_id, e.roles, e.action, e.purpose,
           -- a read that was begun, and then found nothing for its caller, was a refusal
           coalesce((SELECT 'refused:' || (x.facts ->> 'why') FROM audit.event_object x
                     WHERE x.event_id = e.id AND x.operation = 'refusal' LIMIT 1), e.decision),
           e.client, e.request_id,
           (SELECT json_agg(json_build_object('kind', x.kind, 'id', x.object_id, 'operation', x.operation,
                                              'fields', x.fields, 'facts', x.facts) ORDER BY x.position)
            FROM audit.event_object x WHERE x.event_id = e.id AND x.case_id = of_case)
    FROM (SELECT DISTINCT o.event_id FROM audit.event_object o
          WHERE o.case_id = of_case AND o.event_id < before_event
          ORDER BY o.event_id DESC LIMIT page) seen
    JOIN audit.event e ON e.id = seen.event_id
    ORDER BY e.id DESC;
END $$;
