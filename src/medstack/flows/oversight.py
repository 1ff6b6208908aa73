"""Watching over the house: is it well, and what stands in it."""

from __future__ import annotations

from sqlalchemy import literal, select

from medstack.flows.house import House


def heartbeat(house: House) -> None:
    """Return once the database answers. Raises DatabaseBusy, DatabaseUnreachable and their kin."""
    with house.db.read() as tx:
        tx.execute(select(literal(1)))
