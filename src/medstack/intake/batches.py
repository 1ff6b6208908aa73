"""Batches: files sent together, and the running total that has a limit of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from medstack.db import Tx
from medstack.intake.model import Batch
from medstack.intake.rules import BATCH_CONTEXT_LENGTH, BATCH_TITLE_LENGTH, BadBatch, BatchTooLarge
from medstack.intake.tables import batches
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, BatchId


def open_batch(tx: Tx, batch: Batch) -> Batch:
    """Begin a batch. Raises BadBatch for a title or context no batch has."""
    for rule, text, limit in (
        ("title", batch.title, BATCH_TITLE_LENGTH),
        ("context", batch.context, BATCH_CONTEXT_LENGTH),
    ):
        if len(text) > limit or not text.isprintable():
            raise BadBatch(rule=rule, limit=limit)
    row = {name: getattr(batch, name) for name in batches.c.keys()}  # noqa: SIM118 - no dict
    tx.execute(insert(batches).values(row))
    return batch


def get_batch(tx: Tx, batch_id: BatchId, account_id: AccountId) -> Batch:
    """Raises Missing if it is not there, or another account's."""
    where = (batches.c.id == batch_id, batches.c.account_id == account_id)
    row = tx.execute(select(batches).where(*where)).first()
    if row is None:
        raise Missing
    return _batch_out(row)


def count(
    tx: Tx,
    batch_id: BatchId,
    account_id: AccountId,
    *,
    files: int,
    size: int,
    limit: int | None = None,
) -> None:
    """Add to a batch's totals in one conditional UPDATE, so parallel uploads never overshoot.

    limit: bytes the whole batch may have; None, or giving back, is always allowed.
    Raises Missing, BatchTooLarge.
    """
    here = update(batches).where(batches.c.id == batch_id, batches.c.account_id == account_id)
    if limit is not None and size > 0:
        here = here.where(batches.c.size + size <= limit)
    totals = {"files": batches.c.files + files, "size": batches.c.size + size}
    if tx.execute(here.values(totals)).rowcount == 0:
        batch = get_batch(tx, batch_id, account_id)
        left = max(0, (limit or 0) - batch.size)
        raise BatchTooLarge(
            f"{left} bytes are left of {limit}. Send the rest in a batch of its own.",
            rule="limits.batch",
            limit=limit,
            left=left,
        )


def _batch_out(row: Row[Any]) -> Batch:
    return Batch(
        id=BatchId(row.id),
        account_id=AccountId(row.account_id),
        title=row.title,
        context=row.context,
        files=row.files,
        size=row.size,
        created_at=row.created_at,
    )
