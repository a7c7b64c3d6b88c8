"""What must hold in the database before anything is served: every table guarded, logged and owned by nobody who logs in."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from casework.access import policy, rls
from casework.kernel.statements import Connection

LOGINS = ("casework_api", "casework_public", "casework_door", "casework_worker")
DEFINER_OWNERS = ("casework_owner", "casework_mover")

_TABLES = """
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS secured,
       pg_get_userbyid(c.relowner) AS owner,
       ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE 'log\\_%' AND t.tgenabled = 'O')
           AS triggers,
       ARRAY(SELECT DISTINCT p.polcmd::text FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'casework' AND c.relkind IN ('r', 'p')"""
_COMPOSITE = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'casework' AND c.relkind IN ('r', 'p')
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'case_id' AND a.attnum > 0)
  AND NOT EXISTS (
    SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confupdtype = 'c' AND (
      SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
    ) @> ARRAY['case_id', 'team_id', 'restricted'])"""
_LOGINS = """
SELECT r.rolname FROM pg_roles r
WHERE r.rolname = ANY ($1) AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb
   OR pg_has_role(r.oid, 'casework_owner', 'MEMBER') OR pg_has_role(r.oid, 'casework_mover', 'MEMBER')
   OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid))"""
_DEFINERS = """
SELECT n.nspname || '.' || p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('casework', 'access', 'audit', 'work') AND p.prosecdef
  AND (pg_get_userbyid(p.proowner) <> ALL ($1)
       OR NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=%'))"""
_PUBLIC = """
SELECT n.nspname || '.' || p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('casework', 'access', 'audit', 'work') AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'internal')  -- a range type's own constructors"""
_OPEN = """
SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest($1::text[]) r
WHERE n.nspname IN ('access', 'audit', 'work', 'jobs') AND c.relkind IN ('r', 'v', 'p', 'm')
  AND has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE')"""


def digest(offers: Iterable[Sequence[object]]) -> str:
    """What the matrix and the offers of this code amount to; the database must hold the same."""
    content = json.dumps([sorted(map(list, policy.rows()), key=str), sorted((list(o) for o in offers), key=str)])
    return hashlib.sha256(content.encode()).hexdigest()


def mail_domains(domains: Iterable[str]) -> str:
    """The forces' mail domains as the database keeps them."""
    return " ".join(sorted({domain.lower().strip(".@") for domain in domains}))


async def faults(
    connection: Connection, offers: Iterable[Sequence[object]], head: str, domains: Iterable[str]
) -> list[str]:
    """Everything that is wrong with the database, in words; empty when it may be served."""
    found: list[str] = []
    revision = await connection.fetchval("SELECT access.state('revision')")
    if revision != head:
        found.append(f"the database is at revision {revision}, this code needs {head}: run `casework migrate`")
    if await connection.fetchval("SELECT access.state('digest')") != digest(offers):
        found.append("the matrix in the database is not this code's: run `casework migrate`")
    if await connection.fetchval("SELECT access.state('force_mail_domains')") != mail_domains(domains):
        found.append("the database knows other CASEWORK_FORCE_MAIL_DOMAINS: run `casework migrate`")
    judged = (await connection.fetchval("SELECT access.state('unscoped')") or "").split()
    unscoped = {*policy.unscoped(), *judged}
    found += [f"a tool reaches {action} without a scope" for action in sorted(unscoped)]
    seen = set()
    for row in await connection.fetch(_TABLES):
        table = row["relname"]
        seen.add(table)
        scope = rls.BY_TABLE.get(table)
        if scope is None:
            found.append(f"table {table} has no scope in access/rls.py")
        if not row["secured"]:
            found.append(f"table {table} has no forced row security")
        if set(row["triggers"]) != {"log_insert", "log_update", "log_delete"}:
            found.append(f"table {table} lacks a log trigger")
        if "r" not in row["policies"]:
            found.append(f"table {table} has no policy for reading")
        if row["owner"] != "casework_owner":
            found.append(f"table {table} is owned by {row['owner']}")
    found += [f"table {table} is missing" for table in rls.BY_TABLE.keys() - seen]
    found += [
        f"table {r['relname']} carries a case without its team and restriction"
        for r in await connection.fetch(_COMPOSITE)
    ]
    found += [f"role {r['rolname']} may do too much" for r in await connection.fetch(_LOGINS, LOGINS)]
    found += [
        f"function {r['name']} has the wrong owner or no search_path"
        for r in await connection.fetch(_DEFINERS, DEFINER_OWNERS)
    ]
    found += [f"function {r['name']} is open to everybody" for r in await connection.fetch(_PUBLIC)]
    found += [
        f"{r['name']} is open to a login role"
        for r in await connection.fetch(_OPEN, ("casework_api", "casework_public", "casework_door"))
    ]
    return found
