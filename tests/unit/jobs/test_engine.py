"""What the wrapped engine keeps, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS, WorkflowStatus
from tests.places import DATABASE_KEY, Place

from medstack.jobs.engine import Engine
from medstack.jobs.model import Batch
from medstack.jobs.run import Checkpoint
from medstack.kit.ids import JobId

CANARY = "Quicksilver-Wombat-7731"


@pytest.fixture
def engine(db_kind: str, db_place: Place, tmp_path: Path) -> Iterator[Engine]:
    on_sqlite = db_kind == "sqlite"
    made = Engine(
        f"sqlite:///{tmp_path / 'jobs.db'}" if on_sqlite else db_place.url,
        key=DATABASE_KEY if on_sqlite else None,
        node="node-1",
    )
    made.start()
    yield made
    made.stop()


def batch(generation: int) -> Batch:
    return Batch(
        id=JobId(1),
        name="test.work",
        items=({},),
        run_key=77,
        generation=generation,
        failures=0,
        deaths=0,
    )


def keys_run(engine: Engine, generation: int, keys: str) -> str:
    """Run a step for each key; returns the keys whose function was called."""
    called: list[str] = []

    def body(checkpoint: Checkpoint) -> None:
        for key in keys:
            checkpoint(key, lambda key=key: called.append(key))  # type: ignore[misc]

    engine.run(batch(generation), body)
    return "".join(called)


def test_a_later_run_repeats_no_finished_step_in_whatever_order(engine: Engine) -> None:
    assert keys_run(engine, 1, "abc") == "abc"
    assert keys_run(engine, 2, "xcbay") == "xy"
    assert keys_run(engine, 3, "yabcxz") == "z"


def test_a_step_that_raised_is_not_kept(engine: Engine) -> None:
    def body(checkpoint: Checkpoint) -> None:
        checkpoint("a", lambda: 1)
        checkpoint("b", lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        engine.run(batch(1), body)
    assert keys_run(engine, 2, "ab") == "b"


def test_what_an_exception_says_is_not_kept(engine: Engine) -> None:
    def fail() -> None:
        raise ValueError(CANARY)

    def body(checkpoint: Checkpoint) -> None:
        checkpoint("a", lambda: 1)
        with pytest.raises(ValueError, match=CANARY):
            checkpoint("b", fail)
        fail()

    with pytest.raises(ValueError, match=CANARY):
        engine.run(batch(1), body)
    kept = [everything(run) for run in DBOS.list_workflows()]
    assert len(kept) == 1
    assert "'a'" in kept[0]
    assert CANARY not in kept[0]


def everything(run: WorkflowStatus) -> str:
    return str([run.__dict__, DBOS.list_workflow_steps(run.workflow_id)])


FORGET: dict[str, Callable[[Engine], None]] = {
    "the batch": lambda engine: engine.forget(batch(1)),
    "what is old": lambda engine: engine.forget_before(datetime.now(UTC) + timedelta(hours=1)),
}


@pytest.mark.parametrize("what", FORGET)
def test_what_is_forgotten_is_run_again(engine: Engine, what: str) -> None:
    keys_run(engine, 1, "ab")
    FORGET[what](engine)
    assert keys_run(engine, 2, "ab") == "ab"


def test_what_is_recent_is_kept(engine: Engine) -> None:
    keys_run(engine, 1, "ab")
    engine.forget_before(datetime.now(UTC) - timedelta(hours=1))
    assert keys_run(engine, 2, "ab") == ""


def test_a_process_has_one_engine_at_a_time(engine: Engine, tmp_path: Path) -> None:
    other = Engine(f"sqlite:///{tmp_path / 'other.db'}", key=DATABASE_KEY, node="node-2")
    with pytest.raises(RuntimeError):
        other.start()
