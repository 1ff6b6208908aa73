"""A small true double of `Jobs`: same tables, same rules, no engine, no thread, no process.

`drain` runs everything that waits, in the calling thread; delays are taken as passed.
"""

from __future__ import annotations

from collections.abc import Callable

from medstack.db import Database
from medstack.jobs import store
from medstack.jobs.execution import ATTEMPTS, BACKOFF_S, BATCH, Execution
from medstack.jobs.model import Batch, GivenUp, Handler, StepResult
from medstack.kit.clock import Clock, SystemClock
from medstack.kit.ids import Ids, TimeOrderedIds

NODE = "memory"


class MemoryJobs:
    """See `Jobs`. Checkpoints live as long as this object."""

    def __init__(self, db: Database, *, clock: Clock | None = None, ids: Ids | None = None) -> None:
        self._db = db
        clock = clock or SystemClock()
        ids = ids or TimeOrderedIds(clock)
        self._execution = Execution(db, clock=clock, ids=ids, node=NODE)
        self._kept: dict[tuple[int, str], StepResult] = {}

    def register(
        self,
        name: str,
        handler: Handler,
        *,
        batch: int = BATCH,
        attempts: int = ATTEMPTS,
        backoff_s: float = BACKOFF_S,
        given_up: GivenUp | None = None,
    ) -> None:
        """See `Jobs.register`."""
        self._execution.register(
            name, handler, batch=batch, attempts=attempts, backoff_s=backoff_s, given_up=given_up
        )

    def start(self) -> None:
        """Nothing to start: `drain` does the work."""

    def stop(self) -> None:
        """Nothing to stop."""

    def drain(self, timeout_s: float = 0) -> None:
        """Run everything that waits, and what that enqueues, until nothing does."""
        with self._db.begin() as tx:
            store.bury_strays(tx)  # a run that ended by an exception of the test itself
        while (batch := self._execution.claim(is_hurried=True)) is not None:
            self._execution.run(batch, self._keeper(batch))

    def _keeper(self, batch: Batch) -> Callable[[str, Callable[[], StepResult]], StepResult]:
        def checkpoint(key: str, fn: Callable[[], StepResult]) -> StepResult:
            place = (batch.run_key, key)
            if place not in self._kept:
                self._kept[place] = fn()
            return self._kept[place]

        return checkpoint
