"""A refusal is recorded like a success: in a transaction of its own, because the refused one
is undone.

What was asked for stands in the event as an id or code; what the caller typed never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medstack import audit
from medstack.audit import Action, Outcome
from medstack.flows.house import House
from medstack.kit.actor import Actor
from medstack.kit.errors import Denied, Missing
from medstack.kit.ids import RecordId, id_out


@contextmanager
def refusals_recorded(
    house: House,
    actor: Actor,
    attempted: Action,
    *,
    record: RecordId | None = None,
    asked: int | str | None = None,
) -> Iterator[None]:
    """Write `access.refused` when the block is denied or finds nothing; the refusal goes on up.

    attempted: what would have been recorded, had it gone well.
    record, asked: what was asked for, a record or something else by id or chart number.
    """
    try:
        yield
    except (Denied, Missing) as refusal:
        with house.db.begin() as tx:
            audit.write(
                tx,
                Action.ACCESS_REFUSED,
                actor=actor,
                outcome=Outcome.REFUSED,
                attempted=attempted.value,
                record=record,
                code=refusal.code,
                asked=id_out(asked) if isinstance(asked, int) else asked,
            )
        raise
