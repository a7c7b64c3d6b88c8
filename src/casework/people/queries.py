"""Every statement about people and sessions."""

from casework.kernel.statements import written
from casework.work.composing import BEGIN, BEGINNING

ME = written(
    f"""
    SELECT ctx.decision, NULL::int AS version, CASE WHEN ctx.decision = 'allow' THEN json_build_object(
        'id', ctx.principal, 'kind', ctx.kind, 'name', access.name_of(ctx.principal),
        'email', p.email, 'competences', coalesce(p.competences, '{{}}'),
        'roles', (SELECT coalesce(json_agg(json_build_object('role', r.role, 'team_id', r.team_id, 'team', t.name)), '[]')
                  FROM access.roles_of(ctx.principal) r JOIN casework.team t ON t.id = r.team_id WHERE NOT r.pending),
        'actions', (SELECT coalesce(json_agg(json_build_object(
                        'action', a.action, 'role', a.role, 'team_id', a.team_id, 'reach', a.reach)), '[]')
                    FROM access.my_actions() a)) END AS body
    FROM {BEGIN} LEFT JOIN LATERAL (
        SELECT x.email, x.competences FROM casework.person x WHERE x.id = ctx.principal AND ctx.decision = 'allow' OFFSET 0
    ) p ON true""",  # noqa: S608 — constants of the code
    **BEGINNING,
)
