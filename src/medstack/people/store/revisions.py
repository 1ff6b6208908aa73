"""Changing a row only if nobody else did since it was read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, select, update

from medstack.db import Tx
from medstack.kit.errors import Missing
from medstack.people.problems import Stale


def change(
    tx: Tx, table: Table, key: str, *, of: int, revision: int, values: dict[str, Any]
) -> int:
    """Write `values` over the row whose column `key` is `of`; returns the new revision.

    Raises Stale if its revision is not the one given, Missing if there is no such row.
    """
    at = table.c[key] == of
    unchanged = at & (table.c.revision == revision)
    done = tx.execute(update(table).where(unchanged).values(**values, revision=revision + 1))
    if done.rowcount == 1:
        return revision + 1
    now = tx.execute(select(table.c.revision).where(at)).scalar_one_or_none()
    if now is None:
        raise Missing()
    raise Stale("Load it again and repeat your change.", revision=now)
