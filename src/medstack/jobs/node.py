"""One process that runs jobs: it claims them, shows that it lives, and buries the dead.

The jobs table is the truth; the engine keeps the checkpoints. A batch that runs carries its
node's name. A node whose beats stop for `lease_s` is dead to the others, whose clocks need not
agree with its own: one of them removes its lease, by a conditional statement, and queues its
batches again. A node wrongly taken for dead finds its runs fenced off.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from medstack.db import Database
from medstack.jobs import rules, store
from medstack.jobs.execution import ATTEMPTS, BACKOFF_S, BATCH, Execution
from medstack.jobs.model import Batch, GivenUp, Handler
from medstack.kit import log
from medstack.kit.clock import Clock
from medstack.kit.ids import Ids, JobId

if TYPE_CHECKING:
    from medstack.jobs.engine import Engine

CONCURRENCY = 2
POLL_S = 0.1  # how late a job of another process may be noticed
BEAT_S = 3.0
LEASE_S = 15.0
STOP_S = 10.0
TIDY_EVERY_S = 3600.0
CHECKPOINTS_KEPT = timedelta(days=14)
_AFTER_ERROR_S = 1.0


class Jobs:
    """The jobs of one process. Made by wiring; started after every handler is registered."""

    def __init__(
        self,
        db: Database,
        *,
        system_url: str,
        system_key: bytes | None,
        clock: Clock,
        ids: Ids,
        executor_id: str | None = None,
        concurrency: int = CONCURRENCY,
        poll_s: float = POLL_S,
        beat_s: float = BEAT_S,
        lease_s: float = LEASE_S,
        max_deaths: int = rules.MAX_DEATHS,
    ) -> None:
        """system_url, system_key: of the engine's own database; the key for SQLite only.

        executor_id: unique per process and start; made up if None.
        max_deaths: processes one batch may take down before it is poisoned.
        """
        self._db = db
        self._clock = clock
        self._node = executor_id or f"node-{ids.new():x}"
        self._system = (system_url, system_key)
        self._concurrency = concurrency
        self._poll_s, self._beat_s, self._lease_s = poll_s, beat_s, lease_s
        self._execution = Execution(
            db, clock=clock, ids=ids, node=self._node, max_deaths=max_deaths
        )
        self._engine: Engine | None = None
        self._threads: list[threading.Thread] = []
        self._scout = threading.Lock()  # one idle thread at a time looks for work
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._running: dict[tuple[JobId, int], Batch] = {}
        self._strays: set[tuple[JobId, int]] = set()
        self._watched: dict[str, tuple[int, float]] = {}  # node → (beats, since when)

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
        """Run jobs of `name` by `handler`, at most `batch` of one group at once.

        A handler that raises is tried `attempts` times in all, `backoff_s` after the first
        failure and four times longer each time (a Busy may ask for more). When that is over, or
        the batch has taken too many processes down, `given_up(tx, items, code)` is called in the
        transaction that marks it failed or poisoned.
        """
        self._execution.register(
            name, handler, batch=batch, attempts=attempts, backoff_s=backoff_s, given_up=given_up
        )

    def start(self) -> None:
        """Begin to work. Raises RuntimeError if this process runs jobs already."""
        from medstack.jobs.engine import Engine

        url, key = self._system
        engine = Engine(url, key=key, node=self._node)
        engine.start()
        self._engine = engine
        self._tend()
        self._tidied_at = self._clock.monotonic()
        self._unsubscribe = self._db.subscribe(store.SIGNAL, self._wake.set)
        loops: list[Callable[[], None]] = [self._lease_loop] + [self._work_loop] * self._concurrency
        for number, loop in enumerate(loops):
            thread = threading.Thread(target=loop, name=f"jobs-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        log.event("jobs.started", node=self._node)

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Hand back what runs at its next step, and leave. What does not stop in time is
        handed back anyway; its run finds itself fenced off."""
        if self._engine is None:
            return
        self._execution.is_stopping = True
        self._stop.set()
        self._wake.set()
        self._unsubscribe()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._db.begin() as tx:
            for batch in tuple(self._running.values()):
                store.hand_back(tx, batch)
            store.leave(tx, self._node)
        self._engine.stop()
        self._engine = None
        log.event("jobs.stopped", node=self._node)

    def drain(self, timeout_s: float) -> None:
        """Wait until no job that this process has a handler for waits or runs, anywhere.

        For tests. Raises TimeoutError.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with self._db.read() as tx:
                if store.is_idle(tx, self._execution.registered):
                    return
            time.sleep(self._poll_s / 2)
        raise TimeoutError("jobs are still waiting or running")

    # -- working ---------------------------------------------------------------------------

    def _work_loop(self) -> None:
        while not self._stop.is_set():
            try:
                with self._scout:
                    batch = self._next()
                    if batch is not None and batch.deaths:
                        self._run_alone(batch)
                        continue
                if batch is not None:
                    self._run(batch)
            except Exception as error:  # noqa: BLE001 - the top of a thread
                log.failure("jobs.worker_failed", error, node=self._node)
                self._stop.wait(_AFTER_ERROR_S)

    def _next(self) -> Batch | None:
        """Wait for a batch and claim it; None when stopping."""
        while not self._stop.is_set():
            self._wake.clear()
            with self._db.read() as tx:
                is_due = store.is_due(tx, self._execution.registered)
            batch = self._execution.claim() if is_due else None
            if batch is not None:
                self._running[(batch.id, batch.generation)] = batch
                return batch
            self._wake.wait(self._poll_s)
        return None

    def _run_alone(self, batch: Batch) -> None:
        """Run a batch that a process died with: should it kill again, it kills no bystander."""
        while len(self._running) > 1 and not self._stop.is_set():
            self._wake.wait(self._poll_s)
        self._run(batch)

    def _run(self, batch: Batch) -> None:
        assert self._engine is not None
        try:
            self._engine.run(batch, lambda checkpoint: self._execution.run(batch, checkpoint))
        finally:
            del self._running[(batch.id, batch.generation)]
        with self._db.read() as tx:
            is_settled = store.settled(tx, batch)
        if is_settled:
            self._engine.forget(batch)

    # -- living and dying ------------------------------------------------------------------

    def _lease_loop(self) -> None:
        engine = self._engine
        assert engine is not None
        while not self._stop.wait(self._beat_s):
            try:
                self._tend()
                self._tidy(engine)
            except Exception as error:  # noqa: BLE001 - the top of a thread
                log.failure("jobs.lease_failed", error, node=self._node)

    def _tend(self) -> None:
        """Show that this node lives, and queue again what the dead left running."""
        running = set(self._running)
        with self._db.begin() as tx:
            store.beat(tx, self._node)
            lost = store.bury_strays(tx)
            seen = store.beats(tx)
            strays = store.running_on(tx, self._node) - running
            # Twice seen without a run: its thread ended without a word. Once may be a claim.
            lost += store.drop(tx, strays & self._strays)
        self._strays = strays
        for node in self._silent(seen):
            with self._db.begin() as tx:
                lost += store.bury(tx, node, beats=seen[node]) or 0
        if lost:
            log.event("jobs.taken_over", level=logging.WARNING, node=self._node, jobs=lost)
            self._wake.set()

    def _tidy(self, engine: Engine) -> None:
        """Now and then, drop checkpoints of batches that were cancelled or poisoned."""
        if self._clock.monotonic() - self._tidied_at >= TIDY_EVERY_S:
            self._tidied_at = self._clock.monotonic()
            engine.forget_before(self._clock.now() - CHECKPOINTS_KEPT)

    def _silent(self, seen: dict[str, int]) -> list[str]:
        """The nodes whose beats have not changed for a whole lease, by our own clock."""
        now = self._clock.monotonic()
        watched = {
            node: old if (old := self._watched.get(node)) and old[0] == count else (count, now)
            for node, count in seen.items()
            if node != self._node
        }
        self._watched = watched
        return [node for node, (_, since) in watched.items() if now - since >= self._lease_s]
