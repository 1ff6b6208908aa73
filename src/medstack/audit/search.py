"""Listing events, newest first, with work that depends on the page and not on the log.

Every condition becomes a range of an index that is already in the log's order. Times do so by
way of the tiles that span them; several actions by merging one short list each.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, func, select, union_all

from medstack.audit import body as bodies
from medstack.audit.model import Event, Filter
from medstack.audit.store import TILE_LEAVES, LogDamaged
from medstack.audit.tables import details, events, subjects, tiles
from medstack.db import Tx

MAX_PAGE = 200


def listing(
    tx: Tx, chosen: Filter, *, before: int | None = None, limit: int = 50
) -> tuple[Event, ...]:
    """Events that pass the filter, newest first; the next page lies before the last one's seq.

    limit: 1 to MAX_PAGE, and one more to see whether another page follows.
    Raises LogDamaged if a row among them is no event.
    """
    limit = min(max(limit, 1), MAX_PAGE + 1)
    fitting = _within(tx, _touching(chosen), chosen)
    if before is not None:
        fitting = fitting.where(events.c.seq < before)
    newest = _newest(fitting, chosen.actions, limit).subquery()
    asked = (
        select(newest.c.seq, events.c.body, details.c.salt, details.c.body.label("detail"))
        .select_from(newest)
        .join(events, events.c.seq == newest.c.seq)
        .outerjoin(details, details.c.seq == newest.c.seq)
        .order_by(newest.c.seq.desc())
    )
    return tuple(_event(row) for row in tx.execute(asked))


def _touching(chosen: Filter) -> Select[Any]:
    """Numbers of the events by an actor, about a record, about a patient."""
    asked: Select[Any] = select(events.c.seq)
    if chosen.actor_id is not None:
        asked = asked.where(events.c.actor_id == chosen.actor_id)
    for kind, key in (("r", chosen.record), ("p", chosen.patient)):
        if key is not None:
            about = select(subjects.c.seq).where(subjects.c.kind == kind, subjects.c.key == key)
            asked = asked.where(events.c.seq.in_(about))
    return asked


def _within(tx: Tx, asked: Select[Any], chosen: Filter) -> Select[Any]:
    """Narrowed to the filter's times: exactly by the column, quickly by the numbers."""
    if chosen.since is None and chosen.until is None:
        return asked
    conditions, spans = [], []
    if chosen.since is not None:
        conditions.append(events.c.at >= chosen.since)
        spans.append(tiles.c.latest >= chosen.since)
    if chosen.until is not None:
        conditions.append(events.c.at < chosen.until)
        spans.append(tiles.c.earliest < chosen.until)
    numbers = select(func.min(tiles.c.number).label("a"), func.max(tiles.c.number).label("z"))
    spanned = tx.execute(numbers.where(*spans)).one()
    tail = _tail(tx)
    asked = asked.where(*conditions)
    asked = asked.where(events.c.seq >= (tail if spanned.a is None else spanned.a * TILE_LEAVES))
    in_tail = select(events.c.seq).where(events.c.seq >= tail, *conditions).limit(1)
    if spanned.z is not None and tx.execute(in_tail).first() is None:
        asked = asked.where(events.c.seq < (spanned.z + 1) * TILE_LEAVES)
    return asked


def _tail(tx: Tx) -> int:
    """The first event no tile has summed up yet; fewer than TILE_LEAVES follow."""
    last: int | None = tx.execute(select(func.max(tiles.c.number))).scalar_one()
    return 0 if last is None else (last + 1) * TILE_LEAVES


def _newest(fitting: Select[Any], actions: frozenset[str], limit: int) -> Select[Any]:
    """The newest of them; of several actions, the newest of each action's newest."""
    if not actions:
        return fitting.order_by(events.c.seq.desc()).limit(limit)
    each = [
        fitting.where(events.c.action == action).order_by(events.c.seq.desc()).limit(limit)
        for action in sorted(actions)
    ]
    if len(each) == 1:
        return each[0]
    both = union_all(*(select(one.subquery().c.seq) for one in each)).subquery()
    return select(both.c.seq).order_by(both.c.seq.desc()).limit(limit)


def _event(row: Row[Any]) -> Event:
    try:
        personal = None if row.detail is None else bodies.decode_details(row.detail)
        return bodies.event_of(bodies.decode(row.body), personal)
    except (TypeError, ValueError) as error:
        raise LogDamaged("An event cannot be read.", seq=row.seq) from error
