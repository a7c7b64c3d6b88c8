-- How issued advice reaches the business.

-- The contacts who can read issued advice of a case by their link: verified, with an address for the one-time code, a link that is
-- alive, and a case that is not kept from them. Asked while advice is issued, and at no other time.
CREATE OR REPLACE FUNCTION casework.advice_readers(of_case uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.id FROM casework.enquiry e JOIN casework.contact c ON c.enquiry_id = e.id
    WHERE access.doing(ARRAY['advice.issue']) AND e.case_id = of_case AND NOT e.case_withheld
      AND c.current AND c.verified_at IS NOT NULL AND c.email IS NOT NULL
      AND EXISTS (SELECT FROM access.session s WHERE s.principal_id = c.id AND s.kind = 'enquirer'
                  AND s.revoked_at IS NULL AND s.expires_at > now())
    ORDER BY c.id
$$;

-- A delivery is recorded as done once; what was planned, and whom it reached, stays.
CREATE OR REPLACE FUNCTION casework.keep_delivery() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE free text[] := ARRAY['team_id', 'restricted'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.delivered_at IS NULL THEN
        free := free || ARRAY['delivered_by', 'delivered_to', 'delivered_at', 'recorded_by', 'recorded_at'];
    END IF;
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'a delivery is recorded once, and stays' USING ERRCODE = 'CW002';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_delivery BEFORE UPDATE OR DELETE ON casework.advice_delivery
    FOR EACH ROW EXECUTE FUNCTION casework.keep_delivery();
