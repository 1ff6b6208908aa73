"""Durable work: enqueued in a transaction, run at least once, seen through crashes.

Everybody may call `enqueue`, `get`, `listing`, `retry`, `cancel`; a worker process builds `Jobs`,
registers handlers and starts it. Knows no patient and no rule of care.
"""

from medstack.jobs.model import (
    BadJob,
    GivenUp,
    Handler,
    Job,
    JobFinished,
    JobState,
    JobUnfinished,
)
from medstack.jobs.node import Jobs
from medstack.jobs.run import JobRun
from medstack.jobs.store import cancel, enqueue, get, is_anyone_working, listing, prune, retry

__all__ = [
    "BadJob",
    "GivenUp",
    "Handler",
    "Job",
    "JobFinished",
    "JobRun",
    "JobState",
    "JobUnfinished",
    "Jobs",
    "cancel",
    "enqueue",
    "get",
    "is_anyone_working",
    "listing",
    "prune",
    "retry",
]
