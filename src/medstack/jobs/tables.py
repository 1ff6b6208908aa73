"""The tables of durable work. They carry ids, codes and times, nothing a patient said."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from medstack.db.schema import metadata
from medstack.db.types import Json, Timestamp

# On SQLite only INTEGER counts up by itself; it is 64 bits wide there too.
_Serial = BigInteger().with_variant(Integer, "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("name", Text, nullable=False),
    Column("batch_group", Text, nullable=False),  # "" = never joins others
    Column("priority", Integer, nullable=False),  # larger = sooner
    Column("ids", Json, nullable=False),
    Column("state", Text, nullable=False),
    # The first job of a batch leads it; the others name it and share its state.
    Column("lead_id", _Serial, ForeignKey("jobs.id", ondelete="CASCADE")),
    Column("run_key", BigInteger),  # names the checkpoints of all its runs
    Column("generation", Integer, nullable=False),  # runs started; fences off older ones
    Column("failures", Integer, nullable=False),  # runs that raised
    Column("deaths", Integer, nullable=False),  # runs whose process died
    Column("node", Text),  # the process running it
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("error_code", Text),
    Column("cancel_asked", Boolean, nullable=False, server_default=false()),
    Column("not_before", Timestamp),
    Column("enqueued_at", Timestamp, nullable=False),
    Column("started_at", Timestamp),
    Column("finished_at", Timestamp),
    sqlite_autoincrement=True,  # an id is never used again
)
_waiting = jobs.c.state == "queued"
_running = jobs.c.state == "running"
Index(
    "ix_jobs_waiting",
    jobs.c.priority.desc(),
    jobs.c.id,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)
Index(
    "ix_jobs_waiting_group",
    jobs.c.batch_group,
    jobs.c.name,
    jobs.c.id,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)
Index("ix_jobs_running", jobs.c.node, sqlite_where=_running, postgresql_where=_running)
_joined = jobs.c.lead_id.is_not(None)
Index("ix_jobs_lead", jobs.c.lead_id, sqlite_where=_joined, postgresql_where=_joined)
Index("ix_jobs_finished", jobs.c.finished_at)

# A process that runs jobs. One that stops counting its beats is dead.
job_nodes = Table(
    "job_nodes",
    metadata,
    Column("node", Text, primary_key=True),
    Column("beats", BigInteger, nullable=False),
    Column("seen_at", Timestamp, nullable=False),
)
