-- The processing log: ${events} requests over five years and a half. A hundred cases of the driven team have been looked at ${often} times each;
-- of a hundred requests ninety-eight touched one record, two a page of twenty-five.
-- An id is milliseconds since 2020, then twelve bits of a number: the order of ids is the order of moments.

CREATE UNLOGGED TABLE bench.e AS
SELECT i AS n, (((extract(epoch FROM at) - 1577836800) * 1000)::bigint << 12) | (i & 4095) AS id, at::timestamptz(3) AS at, c.id AS case_id, c.n AS case_n,
       coalesce(c.adviser_id, c.supervisor_id) AS principal_id, bench.pick(i, 32, 50) = 0 AS page
FROM (SELECT i, now() - interval '2000 days' + i * (interval '1999 days' / ${events}) AS at FROM generate_series(0, ${events} - 1) i) series
JOIN bench.c c ON c.n = CASE WHEN i % ${every} = 0 THEN (SELECT array_agg(b.n ORDER BY b.n) FROM bench.busy b)[1 + (i / ${every}) % 100]
                             ELSE bench.pick(i, 31, ${cases}) END;

INSERT INTO audit.event (id, at, request_id, principal_kind, principal_id, roles, action, decision) ${overriding}
SELECT id, at, bench.uid(at, n, 33), 'staff', principal_id, ARRAY['adviser'], 'case.read', 'allow' FROM bench.e ORDER BY n;

INSERT INTO audit.event_object (event_id, kind, object_id, case_id, operation)
SELECT e.id, 'case_file', c.id, c.id, 'consultation'
FROM bench.e e CROSS JOIN LATERAL generate_series(0, CASE WHEN e.page THEN 24 ELSE 0 END) o
JOIN bench.c c ON c.n = (e.case_n + o) % ${cases};

DROP TABLE bench.e;
