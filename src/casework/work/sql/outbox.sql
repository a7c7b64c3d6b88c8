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
    RETURN made;
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
