"""What a handler is given: its items, its checkpoints, and whether it should go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from medstack.db import Database, Tx
from medstack.jobs import rules, store
from medstack.jobs.model import Batch, Ids, StepResult
from medstack.kit.clock import Clock
from medstack.kit.ids import JobId

R = TypeVar("R", bound=StepResult)
Checkpoint = Callable[[str, Callable[[], StepResult]], StepResult]
PROGRESS_EVERY_S = 0.25


class Halt(BaseException):
    """Ends a run that should not go on; no handler's `except Exception` stops it."""


class Cancelled(Halt):
    """Somebody cancelled the batch."""


class Superseded(Halt):
    """Another process has taken the batch over."""


class HandedBack(Halt):
    """This process is stopping; the batch goes back to the queue."""


class JobRun:
    """One run of a batch. Used by its handler's thread only.

    A run may end at any instant and be repeated elsewhere: whatever a step does must be safe to
    do twice. Steps that finished in an earlier run of the batch are not repeated.
    """

    def __init__(
        self,
        batch: Batch,
        *,
        db: Database,
        clock: Clock,
        checkpoint: Checkpoint,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._batch = batch
        self._db = db
        self._clock = clock
        self._checkpoint = checkpoint
        self._is_stopping = is_stopping
        self._keys: set[str] = set()
        self._progress: tuple[int, int] | None = None
        self._written_at: float | None = None

    @property
    def id(self) -> JobId:
        return self._batch.id

    @property
    def items(self) -> tuple[Ids, ...]:
        """The ids of every job in the batch, in the order they were enqueued."""
        return self._batch.items

    @property
    def attempt(self) -> int:
        """1 for the first run of the batch."""
        return self._batch.generation

    def step(self, key: str, fn: Callable[[], R]) -> R:
        """Run `fn` unless an earlier run finished this step; return its result either way.

        key: a short code, used once a run. fn returns an id, a list of ids, a short code or None.
        What it raises is raised here, and nothing is kept. Ends the run if it was cancelled,
        taken over, or this process is stopping.
        """
        if rules.checked_step(key) in self._keys:
            raise ValueError("a step's key is used once a run")
        self._keys.add(key)
        self._halt_if_told()
        return cast(R, self._checkpoint(key, lambda: rules.checked_result(fn())))

    def progress(self, done: int, total: int) -> None:
        """Show how far the run is; written a few times a second at most."""
        self._progress = (done, total)
        now = self._clock.monotonic()
        if self._written_at is None or now - self._written_at >= PROGRESS_EVERY_S:
            self._written_at = now
            self.write_progress()

    @property
    def is_cancelled(self) -> bool:
        """True once a handler should stop: the next step would end the run."""
        if self._is_stopping():
            return True
        with self._db.read() as tx:
            is_mine, is_cancelled = store.standing(tx, self._batch)
        return is_cancelled or not is_mine

    def fence(self, tx: Tx) -> None:
        """Make `tx` commit only if this run is still the batch's own.

        For effects that would harm if a run believed dead came back and did them again.
        """
        if not store.hold(tx, self._batch):
            raise Superseded

    def write_progress(self) -> None:
        """Write what `progress` was last told, if anything."""
        if self._progress is None:
            return
        done, total = self._progress
        self._progress = None
        with self._db.begin() as tx:
            store.advance(tx, self._batch, done=done, total=total)

    def _halt_if_told(self) -> None:
        with self._db.read() as tx:
            is_mine, is_cancelled = store.standing(tx, self._batch)
        if not is_mine:
            raise Superseded
        if is_cancelled:
            raise Cancelled
        if self._is_stopping():
            raise HandedBack
