"""The values of durable work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from medstack.db import Tx
from medstack.kit.errors import Conflict, Invalid
from medstack.kit.ids import JobId

if TYPE_CHECKING:
    from medstack.jobs.run import JobRun

Ids = dict[str, int | str]
StepResult = int | str | list[int] | None


class JobState(StrEnum):
    """queued → running → done, failed, poisoned or cancelled; running → queued to try again."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # its handler raised at every attempt
    POISONED = "poisoned"  # it took too many processes down with it
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class BadJob(Invalid):
    """A job carries something other than ids and short codes."""

    code = "bad-job"
    title = "A job carries ids and short codes only"


class JobFinished(Conflict):
    code = "job-finished"
    title = "This job has finished already"


class JobUnfinished(Conflict):
    code = "job-unfinished"
    title = "This job has not finished yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work somebody enqueued, as far as it has come.

    The jobs of a batch share state, progress and times; `batch_id` is the first one's id.
    """

    id: JobId
    batch_id: JobId
    name: str
    group: str
    priority: int
    ids: Ids
    state: JobState
    attempts: int  # runs started
    failures: int  # of them, those that raised
    deaths: int  # of them, those whose process died
    done: int
    total: int  # 0 until the handler says
    error_code: str | None
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one run works on: the claim of one process on one or more jobs."""

    id: JobId  # of the job that leads it
    name: str
    items: tuple[Ids, ...]  # in the order they were enqueued
    run_key: int  # the same for every run of the batch
    generation: int  # 1, 2, 3 …: this run; a later claim fences it off
    failures: int
    deaths: int


Handler = Callable[["JobRun"], None]
GivenUp = Callable[[Tx, tuple[Ids, ...], str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How the jobs of one name are run."""

    name: str
    handler: Handler
    batch: int  # most jobs of one group in one run
    attempts: int  # runs that may raise before the job has failed
    backoff_s: float  # before the second attempt; four times longer each time
    given_up: GivenUp | None  # in the transaction that makes it failed or poisoned
