-- The schemas, and the functions that make identifiers and moments. First of all definitions: tables refer to them.
CREATE SCHEMA IF NOT EXISTS casework;
CREATE SCHEMA IF NOT EXISTS access;
CREATE SCHEMA IF NOT EXISTS audit;
CREATE SCHEMA IF NOT EXISTS work;
CREATE SEQUENCE IF NOT EXISTS audit.event_number;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- UUIDv7 (RFC 9562): the first 48 bits are milliseconds, so that new rows lie together. PostgreSQL 17 has none of its own.
-- One expression, bound when it is made: it becomes part of the statement that inserts.
CREATE OR REPLACE FUNCTION casework.new_id() RETURNS uuid
LANGUAGE sql VOLATILE
RETURN encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid;

-- A range over identifiers lets an exclusion constraint compare them without an extension.
DO $$ BEGIN
    IF to_regtype('casework.uuidrange') IS NULL THEN
        CREATE TYPE casework.uuidrange AS RANGE (subtype = uuid);
    END IF;
END $$;

-- The clock of the field's rules: what people see as dates, and whatever a rule compares with them (docs/decisions/0018).
-- Sessions, tokens, codes, the log, seals and jobs keep the real time, now(). The two differ by an offset, which a trial may
-- set (`casework clock`). Only connections of a service that calls itself a trial honour it (kernel/database.open_pool).
CREATE OR REPLACE FUNCTION casework.clock_offset() RETURNS interval
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF current_setting('casework.environment', true) IS DISTINCT FROM 'development' THEN RETURN '0'; END IF;
    RETURN coalesce((SELECT s.value::interval FROM access.setting s WHERE s.name = 'clock_offset'), '0');
END $$;

-- Of one expression, so that it becomes part of the statement that names it; in production it asks nobody.
CREATE OR REPLACE FUNCTION casework.now() RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN current_setting('casework.environment', true) = 'development'
            THEN pg_catalog.now() + casework.clock_offset() ELSE pg_catalog.now() END;

-- The day on the calendar at the site.
CREATE OR REPLACE FUNCTION casework.today(zone text DEFAULT 'Europe/London') RETURNS date
LANGUAGE sql STABLE
RETURN (casework.now() AT TIME ZONE zone)::date;

-- When a moment of the field is, or was, in real time: for tokens that end with something of the field.
CREATE OR REPLACE FUNCTION casework.in_real_time(moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN moment - casework.clock_offset();
