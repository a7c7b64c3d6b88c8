"""Mutants of a statement: each condition of each WHERE and JOIN let go of in turn, and all of them together.

A condition is not cut out but made always true (``… OR TRUE``), so that every parameter keeps its place and its type.
"""

import re
from collections.abc import Iterator
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError


def mutants(text: str) -> Iterator[str]:
    """The statement again and again, each time with less to hold it."""
    try:
        # The parser takes ``begin`` for the word that starts a transaction.
        tree = parse_one(text.replace("access.begin(", "access_begin("), read="postgres")
    except SqlglotError:
        return
    count = len(_conditions(tree))
    for which in [*range(count), None] if count > 1 else range(count):
        yield re.sub(
            "access_begin", "access.begin", _loosened(tree, which).sql(dialect="postgres"), flags=re.IGNORECASE
        )


def parses(text: str) -> bool:
    """Whether the parser can read the statement at all."""
    try:
        parse_one(text.replace("access.begin(", "access_begin("), read="postgres")
    except SqlglotError:
        return False
    return True


def _conditions(tree: exp.Expression) -> list[Any]:
    """The conjuncts of every WHERE and every JOIN … ON, but those that are constants."""
    found = []
    for node in tree.walk():
        held = node.this if isinstance(node, exp.Where) else node.args.get("on") if isinstance(node, exp.Join) else None
        if held is not None:
            found += [each for each in _conjuncts(held) if not isinstance(each, exp.Boolean)]
    return found


def _conjuncts(held: Any) -> list[Any]:
    if isinstance(held, exp.Paren):
        return _conjuncts(held.this)
    return [*_conjuncts(held.left), *_conjuncts(held.right)] if isinstance(held, exp.And) else [held]


def _loosened(tree: exp.Expression, which: int | None) -> exp.Expression:
    """A copy in which one condition, or each, holds nothing any more."""
    copy = tree.copy()
    for place, condition in enumerate(_conditions(copy)):
        if which is None or place == which:
            condition.replace(exp.Paren(this=exp.Or(this=exp.Paren(this=condition.copy()), expression=exp.true())))
    if isinstance(copy, exp.Update | exp.Insert | exp.Delete):
        # What was touched is told whole, so that it can be judged.
        copy.set("returning", exp.Returning(expressions=[exp.Star()]))
    return copy
