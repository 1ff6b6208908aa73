"""DBOS, wrapped: runs a function as a workflow whose finished steps outlive the process.

The only module that knows `dbos`. Each run of a batch is a workflow of its own, given the finished
steps of the batch's earlier runs; no workflow is ever resumed, so a handler may change between two
runs. Ids and codes are all it is handed; what a step raises (which may speak of a patient) is not
stored. On SQLite its database is encrypted as well. Source: DBOS Transact 3.4 for Python.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool
from sqlcipher3 import dbapi2

from medstack.db import postgres, sqlite
from medstack.jobs.model import Batch, StepResult
from medstack.jobs.run import Checkpoint
from medstack.kit import log

APPLICATION = "medstack"
VERSION = "jobs-1"  # pinned: DBOS would derive it from source, and an upgrade would strand work
WORKFLOW = "medstack.batch"
LOCK_TIMEOUT_S = 30.0
CONNECTIONS = 10  # on PostgreSQL
MOST_FORGOTTEN = 500  # at a time
THREADS = 4  # DBOS's own; our runs use the threads they are called in

_library = logging.getLogger("dbos")
_in_use = threading.Lock()


class Engine:
    """One process's DBOS; it lives in globals, so there is one at a time."""

    def __init__(self, url: str, *, key: bytes | None, node: str) -> None:
        """url: of the system database. key: 32 raw bytes for SQLite, None for PostgreSQL."""
        self._node = node
        self._sql = _sql_engine(url, key)
        self._quiet = _Quiet()
        self._runs: dict[str, Callable[[], None]] = {}

    def start(self) -> None:
        """Launch DBOS. Raises RuntimeError if this process runs one already."""
        if not _in_use.acquire(blocking=False):
            raise RuntimeError("this process runs a job engine already")
        _library.addHandler(self._quiet)  # before DBOS adds one that prints
        _library.propagate = False
        try:
            DBOS(config=self._config())
            self._workflow = DBOS.workflow(name=WORKFLOW)(self._performer())
            DBOS.launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut DBOS down and close its database."""
        DBOS.destroy(destroy_registry=True)
        self._sql.dispose()
        _library.removeHandler(self._quiet)
        _in_use.release()

    def run(self, batch: Batch, body: Callable[[Checkpoint], None]) -> None:
        """Call `body` in this thread, with a checkpoint function that knows the earlier runs."""
        workflow_id = _workflow_id(batch, batch.generation)
        finished = self._finished_steps(batch)
        escaped: list[Exception] = []

        def perform() -> None:
            try:
                body(lambda key, fn: _step(key, fn, finished))
            except Exception as error:  # noqa: BLE001 - raised below: DBOS would store its text
                escaped.append(error)

        self._runs[workflow_id] = perform
        try:
            with SetWorkflowID(workflow_id):
                self._workflow(workflow_id)
        finally:
            del self._runs[workflow_id]
        if escaped:
            raise escaped[0]

    def forget(self, batch: Batch) -> None:
        """Delete what is kept of the batch's runs."""
        DBOS.delete_workflows([_workflow_id(batch, n + 1) for n in range(batch.generation)])

    def forget_before(self, at: datetime) -> None:
        """Delete what is kept of runs started before `at` that nobody came back for."""
        old = DBOS.list_workflows(
            end_time=at.isoformat(), limit=MOST_FORGOTTEN, load_input=False, load_output=False
        )
        DBOS.delete_workflows([run.workflow_id for run in old if run.workflow_id not in self._runs])

    def _config(self) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "system_database_engine": self._sql,
            "application_version": VERSION,
            "executor_id": self._node,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "max_executor_threads": THREADS,
            "use_listen_notify": False,
        }

    def _performer(self) -> Callable[[str], None]:
        def perform(workflow_id: str) -> None:
            run = self._runs.get(workflow_id)
            if run is None:  # somebody resumed it with DBOS's own tools
                log.event("jobs.unknown_workflow", level=logging.WARNING)
                return
            run()

        return perform

    def _finished_steps(self, batch: Batch) -> dict[str, StepResult]:
        finished: dict[str, StepResult] = {}
        for generation in range(1, batch.generation):
            for step in DBOS.list_workflow_steps(_workflow_id(batch, generation)):
                finished[step["function_name"]] = step["output"]
        return finished


class _NotKept(BaseException):
    """Carries a step's exception past DBOS, which would store and print an Exception."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _step(key: str, fn: Callable[[], StepResult], finished: dict[str, StepResult]) -> StepResult:
    def attempt() -> StepResult:
        if key in finished:
            return finished[key]
        try:
            return fn()
        except Exception as error:
            raise _NotKept(error) from error

    try:
        return DBOS.run_step({"name": key}, attempt)
    except _NotKept as passed:
        raise passed.error  # noqa: B904 - its own cause is the one to show


def _workflow_id(batch: Batch, generation: int) -> str:
    return f"{batch.run_key}-{generation}"


def _sql_engine(url: str, key: bytes | None) -> SqlEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return postgres.engine(parsed, lock_timeout_s=LOCK_TIMEOUT_S, connections=CONNECTIONS)
    if not parsed.database or key is None:
        raise ValueError("a SQLite system database needs a path and a key")
    # DBOS counts on sqlite3's implicit transactions, begun IMMEDIATE.
    connect = sqlite.opener(
        parsed.database, key=key, lock_timeout_s=LOCK_TIMEOUT_S, isolation_level="IMMEDIATE"
    )
    return create_engine(
        "sqlite://",
        module=dbapi2,
        creator=connect,
        poolclass=QueuePool,
        pool_size=1,  # threads queue for it: 1.8 × the rate of meeting in SQLite's busy loop
        max_overflow=0,
        hide_parameters=True,
    )


class _Quiet(logging.Handler):
    """Turns DBOS's log records, whose texts are not ours to vouch for, into bare events."""

    def emit(self, record: logging.LogRecord) -> None:
        where = f"{record.module}:{record.lineno}"
        log.event("jobs.engine_message", level=record.levelno, where=where)
