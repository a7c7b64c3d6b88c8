-- The processing log. Nobody may write to its tables; these functions write for whoever the session says is calling.

-- Event ids begin with the time (milliseconds since 2020, then 12 bits of a counter), so that a month's events, their
-- objects and their seals lie in partitions of the same bounds; below 2^53 until the year 2089.
CREATE OR REPLACE FUNCTION audit.first_id(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN ((extract(epoch FROM at) - 1577836800) * 1000)::bigint << 12;

DROP FUNCTION IF EXISTS audit.new_event_id();

-- The partitions of this month and those ahead, in UTC. Where none is ready nothing can be logged, and so nothing is served:
-- `casework migrate` makes them, the worker keeps a year ahead, and `casework doctor` tells when fewer are left than three.
CREATE OR REPLACE FUNCTION audit.make_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE month timestamptz; name text; of text; made integer := 0;
BEGIN
    FOR step IN 0..ahead LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => step)) AT TIME ZONE 'UTC';
        FOREACH of IN ARRAY ARRAY['event', 'event_object', 'seal'] LOOP
            name := of || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
            IF to_regclass('audit.' || name) IS NULL THEN
                EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%s) TO (%s)', name, of,
                    audit.first_id(month),
                    audit.first_id((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- One request in the log, and in the queue of what is to be sealed. For other definer functions only.
-- ``asked``: the id that the client gave to its request; ``request`` is ours.
DROP FUNCTION IF EXISTS audit.open_event(uuid, uuid, text, uuid, uuid, text[], text, text, text, text);
CREATE OR REPLACE FUNCTION audit.open_event(
    request uuid, session uuid, of_kind text, principal uuid, acting uuid, with_roles text[], wanted text, purpose text,
    decision text, client text, asked uuid DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    -- as audit.first_id counts, and then the number; a function of its own would cost as much as the row
    made bigint := (((extract(epoch FROM now()) - 1577836800) * 1000)::bigint << 12) | (nextval('audit.event_number') & 4095);
BEGIN
    INSERT INTO audit.event (id, request_id, client_request_id, session_id, principal_kind, principal_id, acting_for, roles, action,
                             purpose, decision, client)
    VALUES (made, request, asked, session, of_kind, principal, acting, with_roles, wanted, purpose, decision, client);
    INSERT INTO audit.queue (event_id, session_id, request_id, principal_kind, principal_id, allowed)
    VALUES (made, session, request, of_kind, principal, decision = 'allow');
    RETURN made;
END $$;

-- The event of this very transaction. A forged setting names an event of another transaction, and is refused.
-- VOLATILE, because a read begins and is logged in one statement: a stable function would not see its own event.
-- Asked of the queue, which is small: the log itself has a partition a month.
CREATE OR REPLACE FUNCTION audit.current_event() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE found_event bigint;
BEGIN
    SELECT q.event_id INTO found_event FROM audit.queue q
    WHERE q.event_id = nullif(current_setting('casework.event', true), '')::bigint
      AND q.allowed AND q.xmin = pg_current_xact_id()::xid;
    IF found_event IS NULL THEN
        RAISE EXCEPTION 'nothing is read or changed outside a logged request' USING ERRCODE = 'CW001';
    END IF;
    RETURN found_event;
END $$;

-- A read tells the log which records it hands out. Returns true so that a statement can depend on it.
CREATE OR REPLACE FUNCTION audit.consulted(event bigint, of_kind text, ids uuid[], of_cases uuid[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE this bigint;
BEGIN
    -- A read that finds nothing hands over {NULL}; there may be no event to tell, where it was refused.
    IF ids IS NULL OR cardinality(ids) = 0 OR cardinality(ids) = 1 AND ids[1] IS NULL THEN RETURN true; END IF;
    this := audit.current_event();  -- once: within the statement it would be asked for each row
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
    SELECT this, of_kind, x.id, x.case_id, 'consultation'
    FROM unnest(ids, of_cases) AS x (id, case_id) WHERE x.id IS NOT NULL;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION audit.disclosed(of_kind text, id uuid, of_case uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
    VALUES (audit.current_event(), of_kind, id, of_case, 'disclosure')
$$;

-- Reference data without an id of its own (postcodes, forces): nobody's record, so the statement is told, not each row.
DROP FUNCTION IF EXISTS audit.log_change() CASCADE;
CREATE OR REPLACE FUNCTION audit.log_rows() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE event bigint := audit.current_event(); touched bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN SELECT count(*) INTO touched FROM old_rows; ELSE SELECT count(*) INTO touched FROM new_rows; END IF;
    INSERT INTO audit.event_object (event_id, kind, operation, facts)
    VALUES (event, TG_TABLE_NAME, CASE TG_OP WHEN 'INSERT' THEN 'collection' WHEN 'UPDATE' THEN 'alteration' ELSE 'erasure' END,
            jsonb_build_object('rows', touched::text));
    RETURN NULL;
END $$;

-- Makes audit.log_<table>(), the trigger of a table whose rows are records: one line per record, the names of the fields that
-- were given or have changed, the state's old and new value, and every hash of content (a column named …sha256). Written out of the table's own columns, because a document of
-- each row, taken apart by name, cost twice as much as the line. (A JSON null is no value, like SQL's.)
CREATE OR REPLACE FUNCTION audit.make_log(of_table text, case_column text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $make$
DECLARE given text; changed text; moved text; stood text; hashes text; hashed text;
BEGIN
    SELECT string_agg(CASE WHEN c.needed THEN quote_literal(c.name)
                           ELSE format('CASE WHEN num_nonnulls(%s) = 1 THEN %L END', format(c.value, 'n'), c.name) END, ', ' ORDER BY c.name COLLATE "default"),
           string_agg(format('CASE WHEN %s IS DISTINCT FROM %s THEN %L END', format(c.value, 'n'), format(c.value, 'o'), c.name), ', ' ORDER BY c.name COLLATE "default"),
           CASE WHEN bool_or(c.name = 'state') THEN 'jsonb_build_object(''state'', n.state)' ELSE 'NULL::jsonb' END,
           CASE WHEN bool_or(c.name = 'state')
                THEN 'CASE WHEN n.state IS DISTINCT FROM o.state THEN jsonb_build_object(''from'', o.state, ''state'', n.state) END'
                ELSE 'NULL::jsonb' END,
           string_agg(format('%L, encode(n.%I, ''hex'')', c.name, c.name), ', ') FILTER (WHERE c.name LIKE '%sha256'),
           string_agg(format('%L, CASE WHEN n.%I IS DISTINCT FROM o.%I THEN encode(n.%I, ''hex'') END', c.name, c.name, c.name, c.name), ', ')
               FILTER (WHERE c.name LIKE '%sha256')
    INTO given, changed, stood, moved, hashes, hashed
    FROM (SELECT a.attname::text AS name, a.attnotnull AND NOT of_json AS needed,
                 CASE WHEN of_json THEN format('nullif(%%s.%I::jsonb, ''null'')', a.attname) ELSE format('%%s.%I', a.attname) END AS value
          FROM pg_attribute a, LATERAL (SELECT a.atttypid IN ('json'::regtype, 'jsonb'::regtype)) AS j (of_json)
          WHERE a.attrelid = ('casework.' || of_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attgenerated = '') c;  -- what the database computes, nobody gave or changed
    IF hashes IS NOT NULL THEN
        stood := format('nullif(coalesce(%s, ''{}'') || jsonb_strip_nulls(jsonb_build_object(%s)), ''{}'')', stood, hashes);
        moved := format('nullif(coalesce(%s, ''{}'') || jsonb_strip_nulls(jsonb_build_object(%s)), ''{}'')', moved, hashed);
    END IF;
    EXECUTE format($written$
        CREATE OR REPLACE FUNCTION audit.%I() RETURNS trigger
        LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $trigger$
        DECLARE event bigint := audit.current_event();
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, fields, facts)
                SELECT event, %2$L, n.id, %3$s, 'collection', array_remove(ARRAY[%4$s], NULL), %5$s FROM new_rows n;
            ELSIF TG_OP = 'UPDATE' THEN
                INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation, fields, facts)
                SELECT event, %2$L, n.id, %3$s, 'alteration', array_remove(ARRAY[%6$s], NULL), %7$s
                FROM new_rows n JOIN old_rows o ON o.id = n.id;
            ELSE
                INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
                SELECT event, %2$L, n.id, %3$s, 'erasure' FROM old_rows n;
            END IF;
            RETURN NULL;
        END $trigger$ $written$,
        'log_' || of_table, of_table, CASE WHEN case_column = '' THEN 'NULL::uuid' ELSE format('n.%I', case_column) END,
        given, stood, changed, moved);
END $make$;
