"""All the SQL about contents, parts and objects. Opens no key.

Locks are taken in one order, content before object and both by rising key, so that two
transactions never wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy import Select, case, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from medstack.db import Tx
from medstack.db.types import Timestamp
from medstack.kit.errors import Broken, Conflict, Missing
from medstack.kit.ids import ContentId
from medstack.vault.parts import SealedPart
from medstack.vault.tables import content, data_key, part, stored_object, subject_key

T = TypeVar("T")
Lock = Literal["none", "share", "update"]


class PartPlaced(Conflict):
    """A part belongs to one content, once, and not after the sweeper took it for litter."""

    code = "part-placed"
    title = "This part was placed before, or waited too long"


class PartUnknown(Broken):
    """A content names a part or a key that is not there."""

    code = "part-missing"
    title = "A stored file lacks one of its parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRow:
    id: ContentId
    subject_key_id: int
    data_key_id: int
    size: int
    part_count: int
    chain: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    position: int
    object_name: str
    data_key_id: int
    size: int
    sealed_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    name: str
    sealed_size: int
    uses: int


def add_content(tx: Tx, row: ContentRow, now: datetime) -> None:
    tx.execute(
        insert(content).values(
            id=row.id,
            subject_key_id=row.subject_key_id,
            data_key_id=row.data_key_id,
            size=row.size,
            part_count=row.part_count,
            chain=row.chain,
            created_at=now,
        )
    )


def get_content(tx: Tx, content_id: ContentId, *, lock: Lock = "none") -> ContentRow:
    """Raises Missing.

    share: what is read next in this transaction fits the row, also where others write. A
        reading transaction needs no lock for that: it sees one snapshot.
    """
    wanted = _contents().where(content.c.id == content_id)
    if lock != "none" and tx.may_write:
        wanted = wanted.with_for_update(read=lock == "share")
    row = tx.execute(wanted).one_or_none()
    if row is None:
        raise Missing
    return ContentRow(**row._mapping)


def lock_contents(tx: Tx, content_ids: Collection[ContentId]) -> dict[ContentId, ContentRow]:
    """Raises Missing if one of them is not there."""
    wanted = _contents().where(content.c.id.in_(content_ids)).order_by(content.c.id)
    rows = [ContentRow(**row._mapping) for row in tx.execute(wanted.with_for_update())]
    if len(rows) < len(set(content_ids)):
        raise Missing
    return {row.id: row for row in rows}


def contents_after(tx: Tx, after: int, limit: int) -> list[ContentRow]:
    wanted = _contents().where(content.c.id > after).order_by(content.c.id).limit(limit)
    return [ContentRow(**row._mapping) for row in tx.execute(wanted)]


def all_contents(tx: Tx) -> set[ContentId]:
    return {ContentId(found) for found in tx.execute(select(content.c.id)).scalars()}


def contents_of(tx: Tx, subject_key_id: int) -> list[ContentId]:
    """A subject's contents, locked."""
    wanted = select(content.c.id).where(content.c.subject_key_id == subject_key_id)
    return list(tx.execute(wanted.order_by(content.c.id).with_for_update()).scalars())


def grow_content(
    tx: Tx, content_id: ContentId, *, size: int, part_count: int, chain: bytes
) -> None:
    values = {"size": size, "part_count": part_count, "chain": chain}
    tx.execute(update(content).where(content.c.id == content_id).values(values))


def hang_content(tx: Tx, content_id: ContentId, *, subject_key_id: int) -> None:
    tx.execute(
        update(content).where(content.c.id == content_id).values(subject_key_id=subject_key_id)
    )


def add_data_key(tx: Tx, key_id: int, content_id: ContentId, wrapped: bytes) -> None:
    tx.execute(insert(data_key).values(id=key_id, content_id=content_id, wrapped=wrapped))


def rewrap_data_key(tx: Tx, key_id: int, wrapped: bytes) -> None:
    tx.execute(update(data_key).where(data_key.c.id == key_id).values(wrapped=wrapped))


def data_keys(tx: Tx, content_id: ContentId) -> dict[int, bytes]:
    """Wrapped keys of a content, by id."""
    rows = tx.execute(
        select(data_key.c.id, data_key.c.wrapped).where(data_key.c.content_id == content_id)
    )
    return {row.id: row.wrapped for row in rows}


def parts_of(tx: Tx, content_id: ContentId) -> list[PartRow]:
    rows = tx.execute(
        select(
            part.c.position,
            part.c.object_name,
            part.c.data_key_id,
            part.c.size,
            part.c.sealed_size,
        )
        .where(part.c.content_id == content_id)
        .order_by(part.c.position)
    )
    return [PartRow(**row._mapping) for row in rows]


def add_parts(tx: Tx, content_id: ContentId, rows: Sequence[PartRow]) -> None:
    if rows:
        values = [
            {
                "content_id": content_id,
                "position": row.position,
                "object_name": row.object_name,
                "data_key_id": row.data_key_id,
                "size": row.size,
                "sealed_size": row.sealed_size,
            }
            for row in rows
        ]
        tx.execute(insert(part), values)


# Objects


def add_object(tx: Tx, placed: SealedPart) -> None:
    """Raises PartPlaced."""
    fresh = {"name": placed.object_name, "sealed_size": placed.sealed_size, "uses": 1}
    if not _insert_absent(tx, fresh):
        raise PartPlaced


def condemn_orphan(tx: Tx, name: str, sealed_size: int, now: datetime) -> bool:
    """Take a stored object for litter, so that no append can place it; False if it has a row."""
    return _insert_absent(
        tx, {"name": name, "sealed_size": sealed_size, "uses": 0, "condemned_at": now}
    )


def use_objects(tx: Tx, uses: dict[str, int]) -> None:
    """Count further parts lying in these objects. Raises PartUnknown."""
    for name in sorted(uses):
        done = tx.execute(
            update(stored_object)
            .where(stored_object.c.name == name, stored_object.c.uses > 0)
            .values(uses=stored_object.c.uses + uses[name])
        )
        if done.rowcount != 1:
            raise PartUnknown


def drop_contents(tx: Tx, content_ids: Sequence[ContentId], now: datetime) -> set[str]:
    """Delete contents with their keys and parts; returns the objects now condemned.

    The contents are locked by the caller.
    """
    uses: dict[str, int] = {}
    for some in _batches(content_ids):
        counted = tx.execute(
            select(part.c.object_name, func.count().label("parts"))
            .where(part.c.content_id.in_(some))
            .group_by(part.c.object_name)
        )
        for row in counted:
            uses[row.object_name] = uses.get(row.object_name, 0) + row.parts
        for table, owner in ((part, part.c.content_id), (data_key, data_key.c.content_id)):
            tx.execute(delete(table).where(owner.in_(some)))
        tx.execute(delete(content).where(content.c.id.in_(some)))
    return {name for name in sorted(uses) if _unuse(tx, name, uses[name], now)}


def drop_subject_key(tx: Tx, subject_key_id: int) -> None:
    tx.execute(delete(subject_key).where(subject_key.c.id == subject_key_id))


def condemned(tx: Tx, before: datetime, limit: int) -> list[str]:
    wanted = (
        select(stored_object.c.name)
        .where(stored_object.c.condemned_at.is_not(None), stored_object.c.condemned_at <= before)
        .order_by(stored_object.c.condemned_at, stored_object.c.name)
    )
    return list(tx.execute(wanted.limit(limit)).scalars())


def drop_objects(tx: Tx, names: Sequence[str]) -> None:
    """Delete the rows of condemned objects whose bytes are gone."""
    for some in _batches(names):
        tx.execute(
            delete(stored_object).where(stored_object.c.name.in_(some), stored_object.c.uses == 0)
        )


def objects_after(tx: Tx, after: str, limit: int) -> list[ObjectRow]:
    """Objects in order of name, in the order the stores list them."""
    wanted = (
        select(stored_object.c.name, stored_object.c.sealed_size, stored_object.c.uses)
        .where(stored_object.c.name > after)
        .order_by(stored_object.c.name)
        .limit(limit)
    )
    return [ObjectRow(**row._mapping) for row in tx.execute(wanted)]


def known_objects(tx: Tx, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in _batches(names):
        wanted = select(stored_object.c.name).where(stored_object.c.name.in_(some))
        found.update(tx.execute(wanted).scalars())
    return found


def counted_uses(tx: Tx, names: Sequence[str]) -> dict[str, int]:
    """How many parts really lie in each of these objects."""
    counts: dict[str, int] = {}
    for some in _batches(names):
        rows = tx.execute(
            select(part.c.object_name, func.count().label("parts"))
            .where(part.c.object_name.in_(some))
            .group_by(part.c.object_name)
        )
        counts.update({row.object_name: row.parts for row in rows})
    return counts


def _contents() -> Select[tuple[int, int, int, int, int, bytes]]:
    return select(
        content.c.id,
        content.c.subject_key_id,
        content.c.data_key_id,
        content.c.size,
        content.c.part_count,
        content.c.chain,
    )


def _insert_absent(tx: Tx, values: dict[str, object]) -> bool:
    make = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    statement = make(stored_object).values(values).on_conflict_do_nothing()
    return tx.execute(statement.returning(stored_object.c.name)).first() is not None


def _unuse(tx: Tx, name: str, count: int, now: datetime) -> bool:
    """Count parts off an object; True if it was condemned because none is left."""
    left = stored_object.c.uses - count
    row = tx.execute(
        update(stored_object)
        .where(stored_object.c.name == name)
        .values(uses=left, condemned_at=case((left == 0, literal(now, Timestamp))))
        .returning(stored_object.c.uses)
    ).one()
    return bool(row.uses == 0)


_BATCH = 500


def _batches(many: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(many), _BATCH):
        yield many[start : start + _BATCH]
