"""Writing an event: gathered while a transaction runs, appended as its last act.

The log's head is locked only then, for as long as a few inserts take, and every event of the
transaction stands or falls with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

from medstack.audit import body as bodies
from medstack.audit import store
from medstack.audit.actions import Action, Outcome
from medstack.audit.model import Draft
from medstack.db import Tx
from medstack.kit.actor import Actor
from medstack.kit.clock import Clock, SystemClock
from medstack.kit.errors import Fact
from medstack.kit.ids import PatientKey, RecordId

Key = TypeVar("Key", bound=int)

_MACHINE = SystemClock()
_waiting: WeakKeyDictionary[Tx, list[Draft]] = WeakKeyDictionary()  # gone with its Tx


def write(
    tx: Tx,
    action: Action,
    *,
    actor: Actor,
    outcome: Outcome | str = Outcome.OK,
    record: RecordId | Iterable[RecordId] | None = None,
    patient: PatientKey | Iterable[PatientKey] | None = None,
    personal: Mapping[str, str] | None = None,
    clock: Clock = _MACHINE,
    **facts: Fact,
) -> None:
    """Add an event to the log, in the caller's transaction.

    record, patient: everything the event shows or touches; all of them for a list.
    personal: what may have to be erased one day: a search's words, a stated purpose.
    clock: read when the transaction commits; the machine's own unless a test says otherwise.
    facts: numbers, truths and code words such as `code="right-missing"`. A text that does not
        look like a code word is kept with the personal details instead.
    Raises ValueError for an outcome that is none; at the commit, what the database raises:
    without its event nothing happens.
    """
    queue = _waiting.get(tx)
    if queue is None:
        queue = _waiting[tx] = []
    if not queue:
        tx.before_commit(partial(_flush, tx, queue, clock))
    queue.append(
        Draft(
            action=Action(action),
            actor=actor,
            outcome=Outcome(outcome),
            records=_several(record),
            patients=_several(patient),
            facts={name: fact for name, fact in facts.items() if bodies.is_code(fact)},
            personal=_personal(actor, personal, facts),
        )
    )


def _flush(tx: Tx, queue: list[Draft], clock: Clock) -> None:
    drafts = tuple(queue)
    queue.clear()
    store.append(tx, drafts, now=clock.now)


def _several(given: Key | Iterable[Key] | None) -> tuple[Key, ...]:
    if given is None:
        return ()
    if isinstance(given, int):
        return (given,)
    return tuple(dict.fromkeys(given))


def _personal(
    actor: Actor, given: Mapping[str, str] | None, facts: Mapping[str, Fact]
) -> dict[str, str]:
    kept = {
        name: " ".join(fact) if isinstance(fact, tuple) else str(fact)
        for name, fact in facts.items()
        if not bodies.is_code(fact)
    }
    if actor.reason:
        kept["purpose"] = actor.reason
    return kept | dict(given or {})
