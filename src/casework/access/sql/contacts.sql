-- Nobody becomes the business alone. Each half of what opens a case to a contact is another person's: to bring the contact in, to be
-- shown the token, or to open to it what a case held before, and to say that they were verified.

-- The member of staff who acts, or for whom a tool does; NULL for the outside and on the host.
CREATE OR REPLACE FUNCTION access.acting_person() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT CASE s.kind WHEN 'staff' THEN s.principal_id WHEN 'client' THEN access.acting_for() END
    FROM access.session s WHERE s.token_hash = access.current_hash()
$$;

CREATE OR REPLACE FUNCTION access.introduce(contact uuid, what text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO access.introduction (contact_id, person_id, what)
    SELECT contact, p, what FROM access.acting_person() p WHERE p IS NOT NULL ON CONFLICT DO NOTHING
$$;

CREATE OR REPLACE FUNCTION access.keep_introduction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.introduce(NEW.id, CASE WHEN access.doing(ARRAY['contact.replace']) THEN 'replaced' ELSE 'submitted' END);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_introduction AFTER INSERT ON casework.contact
    FOR EACH ROW EXECUTE FUNCTION access.keep_introduction();

-- The mailbox behind an address: in lower case, without what may be added to a name (jo+news@…).
CREATE OR REPLACE FUNCTION access.mailbox(address text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog
RETURN regexp_replace(lower(address), '\+[^@]*@', '@');

-- Whether an address is of a force: of one of the domains that `casework migrate` was told (CASEWORK_FORCE_MAIL_DOMAINS), or below one.
CREATE OR REPLACE FUNCTION access.is_force_address(address text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM access.setting s, string_to_table(s.value, ' ') AS d (domain)
                   WHERE s.name = 'force_mail_domains' AND d.domain <> ''
                     AND right('.' || split_part(lower(address), '@', 2), length(d.domain) + 1) = '.' || d.domain)
$$;

-- Why the caller may not verify this contact; NULL where they may. ``excepted``: they say why an address of the force or of a colleague is
-- verified all the same, which a supervisor of the team may, for anybody but themselves.
CREATE OR REPLACE FUNCTION access.verification_bar(of_contact uuid, excepted boolean) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE c casework.contact; me uuid := access.acting_person(); found text;
BEGIN
    SELECT i.what INTO found FROM access.introduction i WHERE i.contact_id = of_contact AND i.person_id = me ORDER BY i.what LIMIT 1;
    IF found IS NOT NULL THEN RETURN found; END IF;
    SELECT * INTO c FROM casework.contact k WHERE k.id = of_contact;
    IF c.email IS NULL THEN RETURN NULL; END IF;
    SELECT CASE WHEN bool_or(p.id = me) THEN 'own_address' WHEN count(*) > 0 THEN 'colleague' END INTO found
    FROM casework.person p WHERE p.email IN (lower(c.email), access.mailbox(c.email));
    IF found = 'own_address' THEN RETURN found; END IF;
    IF access.is_force_address(c.email) THEN found := 'force_address'; END IF;
    IF found IS NOT NULL AND excepted AND EXISTS (
        SELECT FROM access.held h WHERE h.principal_id = me AND h.action = 'contact.verify' AND h.role = 'supervisor' AND h.team_id = c.team_id)
    THEN
        RETURN NULL;
    END IF;
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION access.keep_verification_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF access.current_hash() IS NOT NULL AND (
        TG_OP = 'INSERT' OR NEW.email IS DISTINCT FROM OLD.email
        OR (NEW.verified_at, NEW.verified_by) IS DISTINCT FROM (OLD.verified_at, OLD.verified_by)
           AND (access.acting_person() IS NULL OR access.verification_bar(NEW.id, NEW.verification_exception IS NOT NULL) IS NOT NULL))
    THEN
        RAISE EXCEPTION 'somebody else verifies this contact' USING ERRCODE = 'CW002', CONSTRAINT = 'contact_own';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_verification_apart BEFORE INSERT OR UPDATE ON casework.contact
    FOR EACH ROW WHEN (NEW.verified_at IS NOT NULL) EXECUTE FUNCTION access.keep_verification_apart();

-- Whether the caller may open to an enquiry what a case held before: its adviser, or a supervisor of its team. No tool may.
CREATE OR REPLACE FUNCTION access.may_open_case(of_case uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (
        SELECT FROM access.session s JOIN access.case_home h ON h.case_id = of_case
        JOIN access.held x ON x.principal_id = s.principal_id AND x.action = 'enquiry.accept' AND x.team_id = h.team_id
        WHERE s.token_hash = access.current_hash() AND s.kind = 'staff' AND (x.role = 'supervisor' OR EXISTS (
            SELECT FROM access.case_grant g WHERE g.case_id = of_case AND g.principal_id = s.principal_id AND g.kind = 'allocated')))
$$;

-- An enquiry that joins a case of others opens nothing of it, unless whoever joins it may open it. A case made for it holds nothing
-- from before. Whoever verified the contact does not open the case to it, and whoever opened it does not verify the contact.
CREATE OR REPLACE FUNCTION access.keep_case_withheld() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE opens boolean; verified boolean; joins boolean := NEW.case_id IS DISTINCT FROM OLD.case_id;
BEGIN
    IF access.current_hash() IS NULL OR NOT joins AND (NEW.case_withheld OR NOT OLD.case_withheld) THEN RETURN NEW; END IF;
    IF joins AND EXISTS (SELECT FROM access.case_home h WHERE h.case_id = NEW.case_id AND h.xmin = pg_current_xact_id()::xid) THEN
        RETURN NEW;
    END IF;
    opens := access.may_open_case(NEW.case_id);
    verified := EXISTS (SELECT FROM casework.contact c WHERE c.enquiry_id = NEW.id AND c.current AND c.verified_by = access.acting_person());
    IF opens AND NOT verified THEN
        PERFORM access.introduce(c.id, 'opened') FROM casework.contact c WHERE c.enquiry_id = NEW.id AND c.current;
    ELSIF joins THEN
        NEW.case_withheld := true;
    ELSE
        RAISE EXCEPTION 'its adviser or a supervisor opens a case to an enquiry' USING ERRCODE = 'CW002',
            CONSTRAINT = CASE WHEN opens THEN 'enquiry_case_own_verification' ELSE 'enquiry_case_withheld' END;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_case_withheld BEFORE UPDATE OF case_id, case_withheld ON casework.enquiry
    FOR EACH ROW WHEN (NEW.case_id IS NOT NULL) EXECUTE FUNCTION access.keep_case_withheld();
