-- Beside the queue's own tables, closed to the worker: who caused a job, and which of its effects have committed.
CREATE TABLE IF NOT EXISTS jobs.cause (
    job_id bigint PRIMARY KEY REFERENCES jobs.procrastinate_jobs ON DELETE CASCADE,
    event_id bigint NOT NULL);
CREATE TABLE IF NOT EXISTS jobs.effect (
    job_id bigint REFERENCES jobs.procrastinate_jobs ON DELETE CASCADE,
    step text, at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, step));

-- A job is written in the transaction whose action causes it. The queue's own functions live in the schema "jobs";
-- this wrapper is all that a login role may call, and a duplicate lock is no reason to abort the business.
CREATE OR REPLACE FUNCTION work.enqueue(task text, arguments jsonb, queueing_lock text, not_before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = jobs, pg_catalog AS $$
DECLARE made bigint;
BEGIN
    IF queueing_lock IS NOT NULL AND EXISTS (
        SELECT FROM jobs.procrastinate_jobs j WHERE j.queueing_lock = enqueue.queueing_lock AND j.status = 'todo') THEN
        RETURN NULL;
    END IF;
    INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    VALUES ('casework', task, 0, NULL, enqueue.queueing_lock, arguments, not_before)
    ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NOT NULL THEN
        INSERT INTO jobs.cause (job_id, event_id) VALUES (made, audit.current_event());
    END IF;
    RETURN made;
END $$;

-- True once for a job and step: the mark commits with the effect. A second run waits here for the first.
CREATE OR REPLACE FUNCTION work.first_time(job bigint, of_step text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO jobs.effect (job_id, step) VALUES (job, of_step) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

-- A session for one transaction, of the person or client who caused the job; NULL where nobody of ours did. Nobody knows
-- a token of this hash, and now() is the transaction's beginning, so that it is over when the transaction is.
DROP FUNCTION IF EXISTS work.session_for(bigint);
CREATE FUNCTION work.session_for(job bigint, OUT hash bytea, OUT acting uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE e audit.event; s access.session; made CONSTANT bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
BEGIN
    SELECT a.* INTO e FROM jobs.cause c JOIN jobs.procrastinate_jobs j ON j.id = c.job_id AND j.status = 'doing'
    JOIN audit.event a ON a.id = c.event_id WHERE c.job_id = job;
    IF e.id IS NULL OR e.principal_kind NOT IN ('staff', 'client') THEN RETURN; END IF;
    SELECT * INTO s FROM access.session x WHERE x.id = e.session_id;
    INSERT INTO access.session (token_hash, kind, principal_id, scopes, client, expires_at)
    VALUES (made, e.principal_kind, e.principal_id, s.scopes, 'worker', now() + interval '1 millisecond');
    hash := made; acting := e.acting_for;
END $$;

-- Dead sessions, long after anything may ask who held them.
CREATE OR REPLACE FUNCTION work.purge_sessions(older_than interval, at_most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE gone integer;
BEGIN
    DELETE FROM access.session s WHERE s.token_hash IN (
        SELECT x.token_hash FROM access.session x WHERE x.expires_at < now() - older_than LIMIT at_most);
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM access.confirmation c WHERE c.expires_at < now() - older_than;
    DELETE FROM access.one_time_code x WHERE x.sent_at < now() - older_than;
    RETURN gone;
END $$;

CREATE OR REPLACE FUNCTION work.beat(worker text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO work.worker_beat (name, beat_at) VALUES (worker, now())
    ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at
$$;

-- For /health/ready: seconds since any worker lived, and of the oldest job that should have run.
CREATE OR REPLACE FUNCTION work.lag(OUT silent_for double precision, OUT oldest_job double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT (SELECT extract(epoch FROM now() - max(b.beat_at)) FROM work.worker_beat b),
           (SELECT extract(epoch FROM now() - min(coalesce(j.scheduled_at, e.at)))
            FROM jobs.procrastinate_jobs j
            JOIN jobs.procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
            WHERE j.status = 'todo' AND coalesce(j.scheduled_at, now()) <= now())
$$;
