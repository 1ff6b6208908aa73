"""From a claimed batch to its settled state: the same for the engine and for its double."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from medstack.db import Database, Tx
from medstack.jobs import rules, store
from medstack.jobs.model import Batch, GivenUp, Handler, JobState, Registration
from medstack.jobs.run import Cancelled, Checkpoint, HandedBack, JobRun, Superseded
from medstack.kit import log
from medstack.kit.clock import Clock
from medstack.kit.errors import Busy
from medstack.kit.ids import Ids

BATCH = 64
ATTEMPTS = 3
BACKOFF_S = 2.0
SETTLE_WAITS_S = (0.2, 1.0, 5.0)


class Execution:
    """Knows the handlers; claims, runs and settles batches for one process."""

    def __init__(
        self,
        db: Database,
        *,
        clock: Clock,
        ids: Ids,
        node: str,
        max_deaths: int = rules.MAX_DEATHS,
    ) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._node = node
        self._max_deaths = max_deaths
        self.registered: dict[str, Registration] = {}
        self.is_stopping = False

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
        if name in self.registered:
            raise ValueError("a job's name has one handler")
        self.registered[rules.checked_name(name)] = Registration(
            name=name,
            handler=handler,
            batch=batch,
            attempts=attempts,
            backoff_s=backoff_s,
            given_up=given_up,
        )

    def claim(self, *, is_hurried: bool = False) -> Batch | None:
        """Take the next batch that may run; None if there is none.

        A batch that took too many processes down is set aside here, as poisoned.
        """
        while True:
            with self._db.begin() as tx:
                batch = store.claim(
                    tx, self.registered, node=self._node, ids=self._ids, is_hurried=is_hurried
                )
            if batch is None or batch.deaths < self._max_deaths:
                return batch
            log.event("jobs.poisoned", level=logging.ERROR, job=batch.id)
            self._give_up(batch, JobState.POISONED, rules.POISONED)

    def run(self, batch: Batch, checkpoint: Checkpoint) -> None:
        """Run the batch's handler and settle the batch accordingly."""
        run = JobRun(
            batch,
            db=self._db,
            clock=self._clock,
            checkpoint=checkpoint,
            is_stopping=lambda: self.is_stopping,
        )
        try:
            self.registered[batch.name].handler(run)
            run.write_progress()
        except Cancelled:
            self._settle(lambda tx: store.finish(tx, batch, JobState.CANCELLED))
        except HandedBack:
            self._settle(lambda tx: store.hand_back(tx, batch))
        except Superseded:
            log.event("jobs.superseded", job=batch.id, attempt=batch.generation)
        except Exception as error:  # noqa: BLE001 - the top of a job
            log.failure("jobs.attempt_failed", error, job=batch.id, handler=batch.name)
            self._failed(batch, error)
        else:
            self._settle(lambda tx: store.finish(tx, batch, JobState.DONE))

    def _failed(self, batch: Batch, error: Exception) -> None:
        plan, code = self.registered[batch.name], rules.error_code(error)
        failures = batch.failures + 1
        if failures >= plan.attempts:
            log.event(
                "jobs.failed", level=logging.ERROR, job=batch.id, handler=batch.name, code=code
            )
            self._give_up(batch, JobState.FAILED, code)
            return
        wait_s = rules.backoff_s(error, failures=failures, first_s=plan.backoff_s)
        self._settle(lambda tx: store.try_again(tx, batch, after_s=wait_s, error_code=code))

    def _give_up(self, batch: Batch, state: JobState, code: str) -> None:
        """End the batch for good; whoever asked to hear of it does, in the same transaction."""
        given_up = self.registered[batch.name].given_up

        def end(tx: Tx) -> bool:
            return store.finish(tx, batch, state, error_code=code)

        def end_and_tell(tx: Tx) -> bool:
            is_mine = end(tx)
            if is_mine and given_up is not None:
                given_up(tx, batch.items, code)
            return is_mine

        try:
            self._settle(end_and_tell)
        except Exception as error:  # noqa: BLE001 - else a bad hook would keep the job alive
            log.failure("jobs.given_up_failed", error, job=batch.id, handler=batch.name)
            self._settle(end)

    def _settle(self, change: Callable[[Tx], bool]) -> None:
        """Write how a run ended, with patience: a result that cannot be written is lost."""
        for wait_s in SETTLE_WAITS_S:
            try:
                with self._db.begin() as tx:
                    change(tx)
                return
            except Busy as error:
                log.failure("jobs.settle_waits", error)
                time.sleep(wait_s)
        with self._db.begin() as tx:
            change(tx)
