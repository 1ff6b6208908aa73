"""The log's rows: append, prove, checkpoint, erase. Lists are in `search`, checks in `verify`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from medstack.audit import body as bodies
from medstack.audit import merkle, notes
from medstack.audit.merkle import Edge
from medstack.audit.model import Draft
from medstack.audit.tables import checkpoints, details, events, head, subjects, tiles
from medstack.db import Tx
from medstack.kit.errors import Broken
from medstack.kit.ids import PatientKey

TILE_LEAVES = 256
_HEAD = 1

# Built once: every request waits for these, and building one costs as much as running it.
_THE_HEAD = select(head.c.size, head.c.peaks).where(head.c.id == _HEAD)
_THE_HEAD_LOCKED = _THE_HEAD.with_for_update()
_SET_HEAD = (
    update(head)
    .where(head.c.id == _HEAD)
    .values(size=bindparam("new_size"), peaks=bindparam("new_peaks"))
)
_ADD_EVENTS, _ADD_SUBJECTS, _ADD_DETAILS = insert(events), insert(subjects), insert(details)


class LogDamaged(Broken):
    """A row of the audit log cannot be read. `medstack audit verify` says what else is wrong."""

    code = "audit-log-damaged"
    title = "The audit log was altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """One draft as the tables will hold it."""

    event: dict[str, Any]
    subjects: list[dict[str, Any]]
    details: list[dict[str, Any]]


def append(tx: Tx, drafts: Sequence[Draft], *, now: Callable[[], datetime]) -> None:
    """Give the drafts their numbers and add them to the tree. Last act of a transaction."""
    before = _locked_edge(tx)
    at = now()
    rows = [_rows(draft, seq=seq, at=at) for seq, draft in enumerate(drafts, start=before.size)]
    edge = before.extend(row.event["leaf_hash"] for row in rows)
    tx.execute(_ADD_EVENTS, [row.event for row in rows])
    if touched := [subject for row in rows for subject in row.subjects]:
        tx.execute(_ADD_SUBJECTS, touched)
    if kept := [detail for row in rows for detail in row.details]:
        tx.execute(_ADD_DETAILS, kept)
    tx.execute(_SET_HEAD, {"new_size": edge.size, "new_peaks": edge.to_bytes()})
    _close_tiles(tx, before.size, edge.size)


def _rows(draft: Draft, *, seq: int, at: datetime) -> _Rows:
    sealed, kept = "", []
    if draft.personal:
        salt, detail = secrets.token_bytes(bodies.SALT_BYTES), bodies.encode_details(draft.personal)
        sealed = bodies.commitment(salt, detail)
        kept.append({"seq": seq, "salt": salt, "body": detail})
    raw = bodies.encode(bodies.body_of(draft, seq=seq, at=at, details=sealed))
    event = {
        "seq": seq,
        "body": raw,
        "leaf_hash": merkle.leaf_hash(raw),
        "at": at,
        "actor_id": draft.actor.account_id,
        "action": draft.action.value,
    }
    touched = [{"kind": "r", "key": key, "seq": seq} for key in draft.records]
    touched += [{"kind": "p", "key": key, "seq": seq} for key in draft.patients]
    return _Rows(event=event, subjects=touched, details=kept)


def _locked_edge(tx: Tx) -> Edge:
    """The tree's edge, held against every other transaction until this one ends."""
    row = tx.execute(_THE_HEAD_LOCKED).one_or_none()
    if row is None:  # the first event of all: nothing to lock yet
        tx.exclusive("audit.head")
        row = tx.execute(_THE_HEAD_LOCKED).one_or_none()
    if row is None:
        tx.execute(insert(head).values(id=_HEAD, size=0, peaks=b""))
        return Edge()
    return _edge_of(row)


def edge(tx: Tx) -> Edge:
    """The tree as it stands, by its own account. Raises LogDamaged."""
    row = tx.execute(_THE_HEAD).one_or_none()
    return Edge() if row is None else _edge_of(row)


def _edge_of(row: Row[Any]) -> Edge:
    try:
        return Edge.from_bytes(row.size, row.peaks)
    except (TypeError, ValueError, AttributeError) as error:
        raise LogDamaged("The log's head cannot be read.") from error


def _close_tiles(tx: Tx, old: int, size: int) -> None:
    """Sum up every stretch of TILE_LEAVES that the tree has just completed."""
    for number in range(old // TILE_LEAVES, size // TILE_LEAVES):
        start = number * TILE_LEAVES
        chosen = events.c.seq.between(start, start + TILE_LEAVES - 1)
        asked = select(events.c.leaf_hash, events.c.at).where(chosen).order_by(events.c.seq)
        rows = tx.execute(asked).all()
        tile = {
            "number": number,
            "hash": Edge().extend(row.leaf_hash for row in rows).root,
            "earliest": min(row.at for row in rows),
            "latest": max(row.at for row in rows),
        }
        tx.execute(insert(tiles).values(tile))


def subtree(tx: Tx, start: int, end: int) -> bytes:
    """Hash of the leaves [start, end) of one subtree, as stored. Raises LogDamaged."""
    first, whole = start // TILE_LEAVES, end // TILE_LEAVES
    if start % TILE_LEAVES or first == whole:
        return _root(_leaves(tx, start, end), count=end - start)
    hashes = _tiles(tx, first, whole)
    rest = end - whole * TILE_LEAVES
    if rest:
        hashes.append(_root(_leaves(tx, end - rest, end), count=rest))
    return _root(hashes, count=whole - first + bool(rest))


def _root(hashes: Sequence[bytes], *, count: int) -> bytes:
    if len(hashes) != count or not all(isinstance(one, bytes) for one in hashes):
        raise LogDamaged("Stored hashes are missing.")
    try:
        return Edge().extend(hashes).root
    except ValueError as error:
        raise LogDamaged("A stored hash has the wrong length.") from error


def _leaves(tx: Tx, start: int, end: int) -> list[bytes]:
    chosen = events.c.seq.between(start, end - 1)
    asked = select(events.c.leaf_hash).where(chosen).order_by(events.c.seq)
    return list(tx.execute(asked).scalars())


def _tiles(tx: Tx, first: int, end: int) -> list[bytes]:
    chosen = tiles.c.number.between(first, end - 1)
    return list(tx.execute(select(tiles.c.hash).where(chosen).order_by(tiles.c.number)).scalars())


def edge_at(tx: Tx, size: int) -> Edge:
    """The edge the tree had at an earlier size, from stored hashes. Raises LogDamaged."""
    peaks, start = [], 0
    for bit in reversed(range(size.bit_length())):
        if size >> bit & 1:
            peaks.append(subtree(tx, start, start + (1 << bit)))
            start += 1 << bit
    return Edge(size=size, peaks=tuple(peaks))


def prove_inclusion(tx: Tx, seq: int, *, size: int) -> tuple[bytes, ...]:
    """That event `seq` is in the log of the first `size` events. Raises ValueError, LogDamaged."""
    return merkle.inclusion_proof(seq, size, lambda start, end: subtree(tx, start, end))


def prove_consistency(tx: Tx, old: int, *, size: int) -> tuple[bytes, ...]:
    """That the log of `size` events continues that of `old`. Raises ValueError, LogDamaged."""
    return merkle.consistency_proof(old, size, lambda start, end: subtree(tx, start, end))


def checkpoint(tx: Tx, signer: notes.Signer) -> str:
    """Sign the log as it stands, before this transaction's own events; kept, and returned.

    Only a copy outside the reach of whoever may rewrite this database proves anything
    against them.
    """
    now = edge(tx)
    note = notes.write_checkpoint(signer, size=now.size, root=now.root)
    tx.execute(delete(checkpoints).where(checkpoints.c.size == now.size))
    tx.execute(insert(checkpoints).values(size=now.size, note=note))
    return note


def latest_checkpoint(tx: Tx) -> str | None:
    """The newest checkpoint this database keeps of itself."""
    asked = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    return tx.execute(asked).scalar_one_or_none()


def erase_details(tx: Tx, patient: PatientKey) -> int:
    """Erase the personal details of every event about one patient; the events stay whole.

    Returns how many events lost theirs. The caller writes `audit.details-erased`.
    """
    about = select(subjects.c.seq).where(subjects.c.kind == "p", subjects.c.key == patient)
    return tx.execute(delete(details).where(details.c.seq.in_(about))).rowcount
