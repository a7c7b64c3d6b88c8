-- The schemas, and the function that makes identifiers. First of all definitions: tables refer to it.
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
