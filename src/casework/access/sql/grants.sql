-- Who may call which function. Everything else is closed; tables of access, audit, work and jobs are closed to every login role.
REVOKE ALL ON ALL TABLES IN SCHEMA access, audit, work FROM PUBLIC, casework_staff, casework_outside, casework_door;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA casework, access, audit, work FROM PUBLIC;

GRANT USAGE ON SCHEMA casework, access, audit, work TO casework_staff, casework_outside;
GRANT USAGE ON SCHEMA access TO casework_door;
-- What an auditor sees of a case; nobody's to write, and closed to the outside.
REVOKE ALL ON casework.case_outline FROM PUBLIC, casework_staff, casework_outside;
GRANT SELECT ON casework.case_outline TO casework_staff;

GRANT EXECUTE ON FUNCTION
    casework.new_id(), casework.fold(text), casework.name_key(text), casework.sort_key(text), casework.clock_offset(), casework.now(), casework.today(text), casework.ended(timestamptz), casework.level_holding(text, timestamptz), casework.notice_in_force(text, text), casework.notice_may_be_shown(uuid, text),
    access.begin(bytea, text, text, uuid, uuid, uuid, bytea, boolean), access.reaches(uuid), access.goes(uuid), access.refuse(bytea, text, uuid, text, uuid, bigint, uuid, uuid), access.standing_of(bytea, text, uuid, uuid), access.acting_for(),
    access.state(text), access.say(uuid, text, uuid, text, text, jsonb), access.current_hash(), access.current_action(), access.current_principal(), access.doing(text[]),
    access.own_enquiries(text[]), access.own_cases(text[]), access.own_write(text[]), access.name_of(uuid), access.told_reason(uuid),
    access.own_actions(text, text), access.enquirer_role(bytea), access.issue_tracking(bytea, uuid, uuid, interval),
    access.my_actions(), access.my_session(), access.own_sessions(), access.end_own_session(uuid),
    audit.consulted(bigint, text, uuid[], uuid[]),
    work.claim(bytea, bytea), work.release(bytea), work.finish(bytea, integer, text, text)
TO casework_staff, casework_outside;
GRANT EXECUTE ON FUNCTION access.caller_of(bytea) TO casework_staff, casework_outside;
GRANT EXECUTE ON FUNCTION access.explanation(uuid, uuid, text) TO casework_staff;
GRANT EXECUTE ON FUNCTION work.enqueue(text, jsonb, text, timestamptz) TO casework_staff;
-- The second step is the enquirer's alone; a job is written for them by the functions that need one. Staff who ask where an
-- enquiry of their own stands may ask, and learn nothing: without the right to, no role at all would look like no record.
GRANT EXECUTE ON FUNCTION access.own_step() TO casework_staff, casework_outside;
GRANT EXECUTE ON FUNCTION
    access.ask_code(bytea, bytea, integer), access.enter_code(bytea, bytea[], bytea, interval, integer), access.made_here(uuid)
TO casework_outside;
GRANT EXECUTE ON FUNCTION work.acknowledge(uuid) TO casework_staff, casework_outside;
GRANT EXECUTE ON FUNCTION access.settle_enquiry_transfer(uuid, integer, text, text, date) TO casework_staff;
GRANT EXECUTE ON FUNCTION access.arm_code(bigint, bytea), work.letters(bigint) TO casework_worker;

GRANT EXECUTE ON FUNCTION
    access.of_staff(), access.lent_places(), access.read_teams(text), access.headline_teams(), access.answering_teams(text), access.cases(text), access.write_teams(text[]), access.write_cases(text[]), access.write_case(text[], uuid),
    access.write_answering(text[]), access.may_visit(uuid, uuid), access.may_have_visited(uuid, uuid, timestamptz), access.may_log(uuid, uuid), access.write_visit(text[], uuid),
    access.time_marks(uuid, uuid, uuid, uuid[], text, timestamptz, timestamptz, boolean, timestamptz, timestamptz), access.needs_time_reason(text[]),
    access.is_adviser(uuid, uuid), access.is_force_address(text), access.verification_bar(uuid, boolean), access.may_open_case(uuid), access.assignable(uuid, uuid), access.announce_restriction(uuid), access.untold(uuid, boolean, boolean),
    access.open_in_emergency(text, text, text), access.decide_transfer(uuid, integer[], boolean, uuid, text),
    access.member_teams(text), access.holds(text), access.may_review(uuid, uuid, text), casework.is_settled(uuid), casework.hold_advice_citing(uuid[]), casework.could_review(uuid), casework.advice_readers(uuid), access.allowed_actions(text, text, uuid, uuid, boolean, uuid),
    access.grant_role(uuid, text, uuid), access.approve_role(uuid), access.end_role(uuid), access.roles_of(uuid),
    access.suspend(uuid, integer[], text), access.reinstate(uuid, integer[]), access.suspension_of(uuid), access.reads_suspension(uuid), access.shown_suspended(uuid),
    access.end_sessions_of(uuid), access.people_with(text), access.review_place(uuid), access.held_by(uuid, uuid), access.cases_in_strands(uuid, text[]),
    access.oversees(uuid, boolean), access.ask_change(uuid, text, uuid, text, boolean), access.approve_change(uuid), access.withdraw_change(uuid), access.changes(uuid, uuid, text),
    access.set_client_secret(uuid, bytea), access.set_password(uuid, text, text),
    access.link_identity(uuid, text, text), access.unlink_identity(uuid, uuid), access.identities_of(uuid),
    audit.case_log(uuid[], bigint, integer), audit.cases_asked(uuid[], text, uuid), audit.asked(uuid, text, uuid), audit.disclosed(text, uuid, uuid), work.lag(),
    casework.nation_of_site(uuid, uuid), casework.levels_of_site(uuid, uuid, timestamptz), casework.gravity(text),
    casework.levels_missing(), casework.active_leads(), access.deadlines_across(uuid, boolean),
    audit.first_id(timestamptz), audit.lines(uuid, uuid[], text, text, text, bigint, bigint, integer),
    audit.log_read(uuid, uuid[], bigint, bigint), audit.heads(bigint, integer), audit.backlog(), audit.months_ahead()
TO casework_staff;

GRANT EXECUTE ON FUNCTION
    access.credential_for(text), access.issue_token(uuid, bytea, text[], bytea, interval, uuid, uuid), access.refuse_session(uuid, uuid, uuid),
    access.open_session(bytea, text, uuid, text[], text, integer, interval, uuid, uuid),
    access.open_federated(bytea, uuid, text, text, timestamptz, timestamptz, integer, interval, uuid, uuid)
TO casework_door;

GRANT EXECUTE ON FUNCTION
    work.beat(text), work.purge_keys(interval, integer), work.purge_sessions(interval, integer), work.first_time(bigint, text),
    work.session_for(bigint), audit.make_partitions(integer), access.begin_system(text, text),
    audit.seal_next(integer),
    audit.seal_done(bigint, integer, bigint, bytea, bytea, timestamptz, bytea, text, bytea)
TO casework_worker;
-- The queue's library works on its tables itself; who caused a job and what is done is not for it to change.
GRANT USAGE ON SCHEMA jobs TO casework_worker;
GRANT ALL ON jobs.procrastinate_jobs, jobs.procrastinate_events, jobs.procrastinate_workers, jobs.procrastinate_periodic_defers
TO casework_worker;
GRANT ALL ON ALL SEQUENCES IN SCHEMA jobs TO casework_worker;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO casework_worker;
