-- The roles of the cluster. Run by a superuser, safe to repeat. Passwords are set apart from this, never written here.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['casework_owner', 'casework_mover', 'casework_staff', 'casework_outside',
                                  'casework_migrate', 'casework_api', 'casework_public', 'casework_door', 'casework_worker']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$;

ALTER ROLE casework_owner NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
-- Owns the few reviewed functions that move a row out of its actor's sight.
ALTER ROLE casework_mover NOLOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE;
-- Policies name these two groups; the login roles only belong to them.
ALTER ROLE casework_staff NOLOGIN NOSUPERUSER NOBYPASSRLS;
ALTER ROLE casework_outside NOLOGIN NOSUPERUSER NOBYPASSRLS;
ALTER ROLE casework_migrate LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE casework_api LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE casework_public LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE casework_door LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE casework_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;

GRANT casework_owner, casework_mover TO casework_migrate WITH INHERIT TRUE, SET TRUE;
GRANT casework_staff TO casework_api, casework_worker WITH INHERIT TRUE, SET FALSE;
GRANT casework_outside TO casework_public WITH INHERIT TRUE, SET FALSE;

ALTER ROLE casework_api SET statement_timeout = '5s';
ALTER ROLE casework_public SET statement_timeout = '5s';
ALTER ROLE casework_door SET statement_timeout = '5s';
ALTER ROLE casework_api SET lock_timeout = '2s';
ALTER ROLE casework_public SET lock_timeout = '2s';
ALTER ROLE casework_worker SET lock_timeout = '2s';
ALTER ROLE casework_migrate SET lock_timeout = '2s';
ALTER ROLE casework_api SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE casework_public SET idle_in_transaction_session_timeout = '10s';
-- Every plan is made once for all parameters: planning costs five times the execution of these statements.
ALTER ROLE casework_api SET plan_cache_mode = 'force_generic_plan';
ALTER ROLE casework_public SET plan_cache_mode = 'force_generic_plan';
-- A list names a team per branch and reads its index in order; a bitmap would fetch and sort the whole team instead.
-- (Search by GIN index needs bitmaps: its functions switch them on for themselves.)
ALTER ROLE casework_api SET enable_bitmapscan = off;
ALTER ROLE casework_api SET random_page_cost = 1.1;
-- A plan that was made while a table was small is kept for as long as the connection: it must stay good when the table has
-- grown. (Found by measuring: a look-up in the log, planned on the first request as a scan, made lists twenty times slower.)
ALTER ROLE casework_api SET enable_seqscan = off;
ALTER ROLE casework_public SET enable_seqscan = off;
ALTER ROLE casework_door SET enable_seqscan = off;
ALTER ROLE casework_api SET jit = off;
ALTER ROLE casework_public SET jit = off;
