"""A caller's Scope as SQL over the room's own columns. Every read goes through here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    cast,
    exists,
    false,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.ids import AccountId
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
    kept = select(_key(panel).label("shelf")).where(_key(panel).is_not(None))
    if scope.inbox_of is None:
        return kept
    both = union_all(kept, select(_inbox(scope.inbox_of))).subquery()
    return select(both.c.shelf)


def _key(panel: Subquery) -> ColumnElement[int]:
    """The one column of a panel, whatever it is called."""
    (column,) = panel.c
    return column


def _inbox(account_id: AccountId) -> ColumnElement[int]:
    return cast(literal(-account_id), BigInteger)


def levels(scope: Scope) -> ColumnElement[bool]:
    """Records of an access level the caller may read."""
    if not scope.levels:
        return false()
    if scope.levels >= frozenset(AccessLevel):
        return true()
    return aside(records.c.access_level).in_(sorted(scope.levels))


def visible(scope: Scope) -> ColumnElement[bool]:
    """The WHERE clause of every read: on a shelf the caller may look at, of a level he may read."""
    return and_(on_shelves(scope, aside(records.c.shelf)), levels(scope))


def on_shelves(scope: Scope, shelf: ColumnElement[int]) -> ColumnElement[bool]:
    """`shelf` is one the caller may look at: asked row by row, never by reading the panel."""
    if scope.panel is None:
        return true()
    panel = scope.panel.subquery()
    kept = exists(select(literal(1)).where(_key(panel) == shelf))
    return kept if scope.inbox_of is None else or_(shelf == _inbox(scope.inbox_of), kept)


def sees(tx: Tx, scope: Scope, shelf: int) -> bool:
    """Whether the caller may look at one shelf."""
    here = on_shelves(scope, cast(literal(shelf), BigInteger))
    return tx.execute(select(literal(1)).where(here)).first() is not None


def panel_keys(tx: Tx, scope: Scope, *, at_most: int) -> frozenset[int] | None:
    """The shelves a caller may look at; None for all, or for more than `at_most`."""
    allowed = shelves(scope)
    if allowed is None:
        return None
    rows = tx.execute(allowed.limit(at_most + 1)).all()
    return None if len(rows) > at_most else frozenset(row.shelf for row in rows)
