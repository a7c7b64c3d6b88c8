-- Every table from bench.p and bench.c. Statements are apart by an empty line and independent of each other: several run at a time.
-- The mirrors in access are what the triggers would have written (they are off).

INSERT INTO casework.premises (id, team_id, force_code, name, address, town, postcode, created_at)
SELECT id, team_id, force_code, name || ' ' || n, address, town, postcode, now() - interval '11 years' + n * interval '1 minute' FROM bench.p ORDER BY n;

INSERT INTO casework.case_file (id, team_id, restricted, reference, state, kind, strand, title, summary, premises_id, adviser_id,
    opened_at, held_from, held_on, closed_at, reason_code, due_on, amended_at)
SELECT id, team_id, restricted, bench.ref('CASE', n), state, CASE WHEN asked THEN 'enquiry' ELSE 'proactive' END,
       (ARRAY['pal', 'pal', 'pal', 'hss', 'events'])[1 + bench.pick(n, 10, 5)], 'Advice for ' || name,
       'Two thousand visitors are expected at ' || name || '; the queue stands along the road and the yard is open to vehicles.',
       premises_id, adviser_id, opened_at, CASE WHEN state = 'on_hold' THEN 'active' END,
       CASE WHEN state = 'on_hold' THEN current_date - 7 END, CASE WHEN state = 'closed' THEN opened_at + interval '60 days' END,
       CASE state WHEN 'closed' THEN 'advice_given' WHEN 'on_hold' THEN 'waiting_for_business' END, (opened_at + interval '90 days')::date,
       opened_at + interval '40 days'
FROM bench.c ORDER BY n;

INSERT INTO casework.case_headline (id, team_id, reference, state, adviser_id, premises_id, restricted, opened_at)
SELECT id, team_id, bench.ref('CASE', n), state, adviser_id, premises_id, restricted, opened_at FROM bench.c ORDER BY n;

INSERT INTO access.case_home (case_id, team_id, restricted) SELECT id, team_id, restricted FROM bench.c ORDER BY n;

INSERT INTO casework.allocation (id, case_id, team_id, restricted, adviser_id, allocated_by, allocated_at)
SELECT bench.uid(opened_at, n, 10), id, team_id, restricted, adviser_id, supervisor_id, opened_at + interval '2 days'
FROM bench.c WHERE adviser_id IS NOT NULL ORDER BY n;

INSERT INTO access.case_grant (case_id, principal_id, kind, team_id, restricted)
SELECT id, adviser_id, 'allocated', team_id, restricted FROM bench.c WHERE adviser_id IS NOT NULL ORDER BY n;

INSERT INTO casework.case_event (id, case_id, team_id, restricted, action, person_id, actor, at)
SELECT bench.uid(opened_at, n * 2 + e, 11), id, team_id, restricted, (ARRAY['case.open', 'case.allocate'])[1 + e], supervisor_id, 'staff',
       opened_at + e * interval '2 days'
FROM bench.c, generate_series(0, 1) e WHERE e = 0 OR adviser_id IS NOT NULL ORDER BY n, e;

INSERT INTO casework.enquiry (id, team_id, restricted, reference, state, force_code, site_name, town, description, premises_id, case_id,
    strand, received_at, respond_by)
SELECT enquiry_id, team_id, restricted, bench.ref('ENQ', n), 'accepted', force_code, name, 'Town',
       'We worry about the queue at the gate and about vehicles in the yard of ' || name || '.', premises_id, id, 'pal',
       opened_at - interval '3 days', opened_at::date + 4
FROM bench.c WHERE asked ORDER BY n;

INSERT INTO casework.enquiry (id, team_id, reference, state, force_code, site_name, description, reason_code, received_at, respond_by, ended_at)
SELECT bench.uid(opened_at, n, 12), team_id, bench.ref('ENX', n), became, force_code, name, 'We would like to be advised before the fair.',
       CASE WHEN became IN ('refused', 'signposted') THEN 'out_of_scope' END, opened_at, opened_at::date + 7,
       CASE WHEN became IN ('refused', 'signposted') THEN opened_at + interval '2 days' END
FROM (SELECT c.*, (ARRAY['received', 'triaged', 'refused', 'signposted', 'signposted'])[1 + bench.pick(n, 13, 5)] AS became
      FROM bench.c c WHERE bench.pick(n, 12, 10) = 0) x ORDER BY n;

INSERT INTO casework.contact (id, enquiry_id, team_id, name, phone, created_at)
SELECT bench.uid(opened_at, n, 23), bench.uid(opened_at, n, 12), team_id, 'Ana Kowalska', '01632 960123', opened_at
FROM bench.c WHERE bench.pick(n, 12, 10) = 0 ORDER BY n;

INSERT INTO access.enquiry_link (enquiry_id, contact_id)
SELECT bench.uid(opened_at, n, 12), bench.uid(opened_at, n, 23) FROM bench.c WHERE bench.pick(n, 12, 10) = 0 ORDER BY n;

INSERT INTO casework.contact (id, enquiry_id, team_id, restricted, name, job_title, email, verified_at, verification_method, created_at)
SELECT bench.uid(opened_at, n, 14), enquiry_id, team_id, restricted, 'Jo Field', 'Operations manager', 'jo' || n || '@bench.example', opened_at,
       'call_back', opened_at - interval '3 days'
FROM bench.c WHERE asked ORDER BY n;

INSERT INTO access.enquiry_link (enquiry_id, case_id, contact_id, verified)
SELECT enquiry_id, id, bench.uid(opened_at, n, 14), true FROM bench.c WHERE asked ORDER BY n;

INSERT INTO casework.site_visit (id, case_id, team_id, restricted, state, premises_id, adviser_id, starts_at, ends_at, arrived_at, left_at,
    attendance, notes, created_at)
SELECT visit_id, id, team_id, restricted, 'completed', premises_id, adviser_id, opened_at + interval '20 days', opened_at + interval '490 hours',
       opened_at + interval '20 days', opened_at + interval '482 hours', '[{"name": "Jo Field", "role": "Operations manager"}]',
       'Walked the site with the manager.', opened_at + interval '10 days'
FROM bench.c WHERE visited ORDER BY n;

INSERT INTO casework.site_visit (id, case_id, team_id, restricted, premises_id, adviser_id, starts_at, ends_at)
SELECT bench.uid(opened_at, n, 15), id, team_id, restricted, premises_id, adviser_id, at, at + interval '2 hours'
FROM (SELECT c.*, now() + interval '1 day' + row_number() OVER (PARTITION BY adviser_id ORDER BY n) * interval '3 hours' AS at
      FROM bench.c c WHERE state = 'allocated') x ORDER BY n;

INSERT INTO casework.finding (id, visit_id, case_id, team_id, restricted, area, phase, methodology, gap, likelihood, impact, frozen, recorded_by, recorded_at)
SELECT bench.uid(opened_at + interval '20 days', n * 2 + f, 16), visit_id, id, team_id, restricted, (ARRAY['Service road', 'Ticket hall'])[1 + f],
       (ARRAY['egress', 'ingress'])[1 + f], (ARRAY['vaw', 'mta'])[1 + f], 'The crowd leaves onto the road while it is open to vehicles.',
       1 + bench.pick(n, 17, 4), 1 + bench.pick(n, 18, 4), state <> 'active', adviser_id, opened_at + interval '20 days'
FROM bench.c, generate_series(0, 1) f WHERE visited AND (f = 0 OR n % 2 = 0) ORDER BY n, f;

INSERT INTO casework.advice (id, case_id, team_id, restricted, reference, state, author_id, approved_by, title, introduction, follow_up_on,
    issued_at, issued_by, content_sha256, approved_sha256, issued_sha256, created_at)
SELECT advice_id, id, team_id, restricted, bench.ref('ADV', n), CASE state WHEN 'active' THEN 'draft' ELSE 'issued' END, adviser_id,
       CASE WHEN state <> 'active' THEN supervisor_id END, 'Advice for ' || name, 'After our visit.', (opened_at + interval '120 days')::date,
       CASE WHEN state <> 'active' THEN opened_at + interval '40 days' END, CASE WHEN state <> 'active' THEN adviser_id END,
       CASE WHEN state <> 'active' THEN sha256('filled') END, CASE WHEN state <> 'active' THEN sha256('filled') END,
       CASE WHEN state <> 'active' THEN sha256('filled') END, opened_at + interval '30 days'
FROM bench.c WHERE visited ORDER BY n;

INSERT INTO casework.quality_review (id, advice_id, case_id, team_id, restricted, reviewer_id, decision, decided_at)
SELECT bench.uid(opened_at, n, 19), advice_id, id, team_id, restricted, supervisor_id, 'approved', opened_at + interval '35 days'
FROM bench.c WHERE visited AND state <> 'active' ORDER BY n;

INSERT INTO casework.recommendation (id, advice_id, case_id, team_id, restricted, position, action, principle, domain, priority, answer, created_at)
SELECT bench.uid(opened_at, n * 3 + r, 20), advice_id, id, team_id, restricted, r + 1, 'Close the service road to vehicles while the crowd leaves.',
       (ARRAY['deter', 'delay', 'detect'])[1 + r], 'physical', (ARRAY['high', 'medium', 'low'])[1 + r],
       CASE WHEN r = 0 AND state <> 'active' THEN 'accepted' ELSE 'no_answer' END, opened_at + interval '31 days'
FROM bench.c, generate_series(0, 2) r WHERE visited ORDER BY n, r;

INSERT INTO casework.recommendation_finding (id, recommendation_id, finding_id, case_id, team_id, restricted)
SELECT bench.uid(opened_at, n, 21), bench.uid(opened_at, n * 3, 20), bench.uid(opened_at + interval '20 days', n * 2, 16), id, team_id, restricted
FROM bench.c WHERE visited ORDER BY n;

INSERT INTO casework.business_response (id, recommendation_id, case_id, team_id, restricted, answer, responded_at)
SELECT bench.uid(opened_at, n, 22), bench.uid(opened_at, n * 3, 20), id, team_id, restricted, 'accepted', opened_at + interval '50 days'
FROM bench.c WHERE visited AND state <> 'active' ORDER BY n
