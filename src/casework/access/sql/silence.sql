-- Of what ends for a reason that the business is not told of, or after a hand-over, it goes on reading as before, unless staff say
-- that it is told. Withdrawn advice and a cancelled visit keep the enquiries that are not told of it: a case may have several.

-- The enquiries of a case that are told of no end. ``quiet``: the reason is none that is told; ``tell``: staff said that it is.
CREATE OR REPLACE FUNCTION access.untold(of_case uuid, quiet boolean, tell boolean) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF tell OR NOT access.doing(ARRAY['advice.withdraw', 'visit.cancel']) THEN RETURN '{}'; END IF;
    RETURN coalesce((SELECT array_agg(e.id ORDER BY e.id) FROM casework.enquiry e
                     WHERE e.case_id = of_case AND (quiet OR e.handed_over_at IS NOT NULL)), '{}');
END $$;

-- Why advice was withdrawn, for the business that was told that it is. The outside may not read the column itself.
CREATE OR REPLACE FUNCTION access.told_reason(of_advice uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT a.withdrawal_reason FROM casework.advice a
    WHERE a.id = of_advice AND a.case_id = ANY (access.own_cases(ARRAY['advice.read']))
      AND NOT a.untold && access.own_enquiries(ARRAY['advice.read'])
$$;

-- Owned by casework_mover, which row security does not bind: the business's own policies judge by what it may read itself.
GRANT CREATE ON SCHEMA access TO casework_mover;  -- only while it is made the owner
ALTER FUNCTION access.told_reason(uuid) OWNER TO casework_mover;
REVOKE CREATE ON SCHEMA access FROM casework_mover;
GRANT USAGE ON SCHEMA casework, access TO casework_mover;
GRANT SELECT ON casework.advice TO casework_mover;
GRANT EXECUTE ON FUNCTION access.own_cases(text[]), access.own_enquiries(text[]) TO casework_mover;
