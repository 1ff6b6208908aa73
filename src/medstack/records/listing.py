"""Pages of records, newest first. What a page costs does not follow the archive's size.

No OFFSET, no COUNT: `walks` finds the ids of a plain list, `search` those of one with words, and
one more query fetches the rows, tags and all.
"""

from __future__ import annotations

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.ids import RecordId
from medstack.records import search, store, walks
from medstack.records.filters import LONGEST_PAGE, Ask, BadLimit, Filters, Page, bounds
from medstack.records.sight import sees


def page(
    tx: Tx, scope: Scope, filters: Filters, *, cursor: RecordId | None = None, limit: int = 50
) -> Page:
    """One page, continuing below `cursor`. Raises BadLimit unless 1 <= limit <= 200."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise BadLimit(limit=limit)
    ask = Ask(scope=scope, filters=filters, within=bounds(filters, cursor), limit=limit + 1)
    if filters.patient_key is not None and not sees(tx, scope, filters.patient_key):
        return Page(items=(), next_cursor=None)
    ids = walks.find(tx, ask) if filters.q is None else search.find(tx, ask)
    shown = tuple(RecordId(i) for i in ids[:limit])
    return Page(
        items=store.get_many(tx, scope, shown),
        next_cursor=shown[-1] if len(ids) > limit else None,
    )
