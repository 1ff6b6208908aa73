"""Stored bytes or keys that are not what was stored: said in the log, at the moment they are met.

Refuses nothing by itself and repairs nothing; the problem goes on up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medstack import audit
from medstack.audit import Action, Outcome
from medstack.flows.house import House
from medstack.kit.actor import Actor
from medstack.kit.errors import Broken
from medstack.kit.ids import RecordId
from medstack.kit.streams import Source


@contextmanager
def damage_recorded(house: House, actor: Actor, record: RecordId) -> Iterator[None]:
    """Write `integrity.failed` when the block meets damage, in a transaction of its own."""
    try:
        yield
    except Broken as damage:
        with house.db.begin() as tx:
            audit.write(
                tx,
                Action.INTEGRITY_FAILED,
                actor=actor,
                outcome=Outcome.FAILED,
                record=record,
                code=damage.code,
            )
        raise


class Watched:
    """A Source of a record's content that says in the log when its bytes are not whole."""

    def __init__(self, source: Source, house: House, actor: Actor, record: RecordId) -> None:
        self._source = source
        self._house, self._actor, self._record = house, actor, record

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        """As Source has it. Raises Broken leaves, recorded."""
        with damage_recorded(self._house, self._actor, self._record):
            return self._source.read_at(offset, length)

    def close(self) -> None:
        self._source.close()
