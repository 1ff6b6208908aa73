"""A caller's Scope as SQL over the room's own columns. Every read goes through here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    cast,
    false,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.records.model import AccessLevel
from medstack.records.tables import records

# What the pipeline and maintenance see; never built from a request.
WHOLE_ARCHIVE = Scope(panel=None, levels=frozenset(AccessLevel))


class aside(FunctionElement[Any]):  # noqa: N801 - reads like the SQL it becomes
    """A column SQLite shall compare without looking for an index on it.

    SQLite has no statistics to go by, so each list names its index by hiding all others.
    PostgreSQL has them and sees the plain column.
    """

    inherit_cache = True
    name = "aside"

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(aside)
def _plain(element: aside, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(aside, "sqlite")
def _hidden(element: aside, compiler: SQLCompiler, **kw: Any) -> str:
    return "+" + compiler.process(element.clauses, **kw)


def shelves(scope: Scope) -> Select[Any] | None:
    """The shelves a caller may look at, as one column `shelf`; None for all of them."""
    if scope.panel is None:
        return None
    panel = scope.panel.subquery()
    kept = select(cast(panel.c[0], BigInteger).label("shelf")).where(panel.c[0].is_not(None))
    if scope.inbox_of is None:
        return kept
    both = union_all(kept, select(cast(literal(-scope.inbox_of), BigInteger))).subquery()
    return select(both.c.shelf)


def levels(scope: Scope) -> ColumnElement[bool]:
    """Records of an access level the caller may read."""
    if not scope.levels:
        return false()
    if scope.levels >= frozenset(AccessLevel):
        return true()
    return aside(records.c.access_level).in_(sorted(scope.levels))


def visible(scope: Scope) -> ColumnElement[bool]:
    """The WHERE clause of every read: on a shelf the caller may look at, of a level he may read."""
    allowed = shelves(scope)
    where = true() if allowed is None else aside(records.c.shelf).in_(allowed)
    return and_(where, levels(scope))


def sees(tx: Tx, scope: Scope, shelf: int) -> bool:
    """Whether the caller may look at one shelf."""
    allowed = shelves(scope)
    if allowed is None:
        return True
    asked = select(literal(1)).where(literal(shelf).in_(allowed))
    return tx.execute(asked).first() is not None


def panel_size(tx: Tx, scope: Scope, *, at_most: int) -> int | None:
    """How many shelves the caller may look at, counted to `at_most` + 1; None for all."""
    allowed = shelves(scope)
    if allowed is None:
        return None
    few = allowed.limit(at_most + 1).subquery()
    return int(tx.execute(select(func.count()).select_from(few)).scalar_one())
