-- An enquiry passed to another force leaves its actor's sight, so row security cannot judge the row that results: this one
-- function, owned by a role that bypasses it, does nothing else, and judges everything itself.

-- What became of an offer: accepted or returned by whoever may receive in the team it is offered to, withdrawn by whoever may
-- transfer in the team that offers it. False where it stands offered no more, or was changed since it was read.
CREATE OR REPLACE FUNCTION access.settle_enquiry_transfer(
    transfer uuid, seen integer, outcome text, why text, answer_by date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE t casework.enquiry_transfer; there casework.team;
BEGIN
    SELECT * INTO t FROM casework.enquiry_transfer x WHERE x.id = transfer FOR UPDATE;
    IF t.id IS NULL OR NOT (CASE
        WHEN outcome IN ('accepted', 'returned') THEN
            access.doing(ARRAY['enquiry.receive']) AND t.to_team_id = ANY (access.read_teams('enquiry.receive'))
        WHEN outcome = 'withdrawn' THEN
            access.doing(ARRAY['enquiry.transfer']) AND t.from_team_id = ANY (access.read_teams('enquiry.transfer'))
        ELSE false END)
    THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    IF t.state <> 'offered' OR t.version <> seen THEN RETURN false; END IF;
    UPDATE casework.enquiry_transfer x
    SET state = outcome, decided_by = access.current_principal(), decided_at = date_trunc('milliseconds', casework.now()),
        decision_note = why, version = x.version + 1
    WHERE x.id = t.id;
    IF outcome = 'accepted' THEN
        SELECT * INTO there FROM casework.team x WHERE x.id = t.to_team_id;
        -- Contact, messages and the transfers themselves follow by their keys. What the sender knew of its own places and
        -- organisations stays with the sender.
        UPDATE casework.enquiry e
        SET team_id = there.id, force_code = there.force_code, state = 'received', premises_id = NULL, organisation_id = NULL,
            duplicate_of = NULL, respond_by = greatest(answer_by, casework.today()), version = e.version + 1
        WHERE e.id = t.enquiry_id AND e.state = 'transferred';
    ELSE
        UPDATE casework.enquiry e SET state = t.state_before, version = e.version + 1
        WHERE e.id = t.enquiry_id AND e.state = 'transferred';
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the enquiry is not being transferred' USING ERRCODE = 'CW002';
    END IF;
    RETURN true;
END $$;

-- What repeats an enquiry goes with it: to the first, where it is found to be a repeat itself; back to the queue, where it ends or
-- leaves for another force. Also where the business withdraws it, which sees no other enquiry.
CREATE OR REPLACE FUNCTION access.keep_duplicates() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE home text; answer_by date := casework.today('Europe/London');
BEGIN
    IF NEW.state = 'duplicate' THEN
        UPDATE casework.enquiry e SET duplicate_of = NEW.duplicate_of, version = e.version + 1
        WHERE e.duplicate_of = NEW.id AND e.state = 'duplicate';
    ELSIF NEW.state IN ('signposted', 'refused', 'withdrawn') OR NEW.team_id <> OLD.team_id THEN
        -- What comes back is answered as soon as what comes in: within five working days.
        SELECT f.nation INTO home FROM casework.team t JOIN casework.police_force f ON f.code = t.force_code WHERE t.id = OLD.team_id;
        FOR _ IN 1..5 LOOP answer_by := casework.next_working_day(home, answer_by); END LOOP;
        UPDATE casework.enquiry e
        SET state = CASE WHEN e.strand IS NULL THEN 'received' ELSE 'triaged' END, duplicate_of = NULL, ended_at = NULL,
            respond_by = greatest(e.respond_by, answer_by), version = e.version + 1
        WHERE e.duplicate_of = NEW.id AND e.state = 'duplicate';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER keep_duplicates AFTER UPDATE ON casework.enquiry FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.team_id IS DISTINCT FROM NEW.team_id
          OR OLD.duplicate_of IS DISTINCT FROM NEW.duplicate_of)
    EXECUTE FUNCTION access.keep_duplicates();

GRANT USAGE ON SCHEMA casework, access TO casework_mover;
GRANT SELECT ON casework.team, casework.police_force, casework.bank_holiday TO casework_mover;
GRANT SELECT, UPDATE ON casework.enquiry, casework.enquiry_transfer TO casework_mover;
GRANT EXECUTE ON FUNCTION access.doing(text[]), access.read_teams(text), access.current_principal(),
    casework.now(), casework.today(text), casework.clock_offset(), casework.next_working_day(text, date) TO casework_mover;
-- To be given a function one must be able to make one there; and no longer.
GRANT CREATE ON SCHEMA access TO casework_mover;
ALTER FUNCTION access.settle_enquiry_transfer(uuid, integer, text, text, date) OWNER TO casework_mover;
ALTER FUNCTION access.keep_duplicates() OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
