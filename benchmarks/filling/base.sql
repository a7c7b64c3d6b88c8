-- What everything else is filled from: one row a premises, one a case, all by hashes of numbers, so that every run is the same.
-- How many of each is told by the variables.

-- A choice of 0 … of-1 that belongs to number and salt.
CREATE FUNCTION bench.pick(n bigint, salt bigint, of bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, salt) & 9223372036854775807) % of;

-- A UUIDv7 of that moment which belongs to number and salt.
CREATE FUNCTION bench.uid(at timestamptz, n bigint, salt int) RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN overlay(overlay(md5(n || ' ' || salt)
    PLACING lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' FROM 1 FOR 13) PLACING '8' FROM 17 FOR 1)::uuid;

-- A reference that no other number has: multiplying by an odd number only shuffles.
CREATE FUNCTION bench.ref(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN prefix || '-' || upper(overlay(lpad(to_hex((n * 618033988749) & 1099511627775), 10, '0') PLACING '-' FROM 6 FOR 0));

CREATE UNLOGGED TABLE bench.p AS
SELECT n, m.team_id, m.force_code, m.name, m.address, m.town, m.postcode,
       bench.uid(now() - interval '11 years' + n * interval '1 minute', n, 1) AS id
FROM generate_series(0, ${premises} - 1) n JOIN bench.museum m ON m.k = bench.pick(n, 1, ${museums});

CREATE UNLOGGED TABLE bench.c AS
SELECT x.*, CASE WHEN x.state <> 'open' THEN a.person_id END AS adviser_id, s.supervisor_id,
       state = 'closed' OR state = 'follow_up' OR state = 'active' AND bench.pick(x.n, 9, 10) < 6 AS visited
FROM (
    SELECT i AS n, bench.uid(at, i, 2) AS id, at::timestamptz(3) AS opened_at, p.team_id, p.force_code, p.id AS premises_id, p.name,
           bench.pick(i, 3, 100) < 3 AS restricted, bench.pick(i, 7, 10) < 8 AS asked,
           CASE WHEN dice < 800 THEN 'closed' WHEN dice < 835 THEN 'open' WHEN dice < 885 THEN 'allocated'
                WHEN dice < 950 THEN 'active' WHEN dice < 990 THEN 'follow_up' ELSE 'on_hold' END AS state,
           bench.uid(at - interval '3 days', i, 4) AS enquiry_id, bench.uid(at + interval '20 days', i, 5) AS visit_id,
           bench.uid(at + interval '30 days', i, 6) AS advice_id
    FROM (SELECT i, now() - interval '3650 days' + i * (interval '3649 days' / ${cases}) AS at, bench.pick(i, 2, 1000) AS dice
          FROM generate_series(0, ${cases} - 1) i) series
    JOIN bench.p p ON p.n = bench.pick(i, 5, ${premises})
) x
JOIN bench.size z ON z.team_id = x.team_id
JOIN bench.adviser a ON a.team_id = x.team_id AND a.k = bench.pick(x.n, 6, z.advisers)
JOIN bench.chief s ON s.team_id = x.team_id
ORDER BY x.n;

ANALYZE bench.p, bench.c;
