"""Real processes, really killed: every job is finished by another, no effect happens twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.places import DATABASE_KEY, Place
from tests.unit.jobs.worker_process import Orders

from medstack import jobs
from medstack.db import Database
from medstack.jobs import JobState
from medstack.kit.ids import JobId

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).parent / "worker_process.py"
KILLS = 12
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(db: Database, db_place: Place, tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes, and ends those that are left."""
    with db.begin() as tx:
        key = "PRIMARY KEY (item, step)"
        tx.execute(text(f"CREATE TABLE test_effects (item BIGINT, step TEXT, {key})"))
        tx.execute(text("CREATE TABLE test_calls (item BIGINT, step TEXT, pid BIGINT)"))
    on_sqlite = db.dialect == "sqlite"
    engine = tmp_path / "engine"
    engine.mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def launch(**more: object) -> subprocess.Popen[bytes]:
        orders = Orders(
            url=db_place.url,
            key=DATABASE_KEY.hex() if on_sqlite else "",
            system_url=f"sqlite:///{engine / 'jobs.db'}" if on_sqlite else db_place.url,
            **more,  # type: ignore[arg-type]
        )
        with (
            (tmp_path / f"stdout-{len(started)}").open("wb") as stdout,
            (tmp_path / f"stderr-{len(started)}").open("wb") as stderr,
        ):
            child = subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(asdict(orders))],
                env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
                stdout=stdout,
                stderr=stderr,
            )
        started.append(child)
        return child

    yield launch
    for number, child in enumerate(started):
        child.kill()
        child.wait()
        print(number, (tmp_path / f"stderr-{number}").read_text())  # shown if the test failed


def enqueue(db: Database, count: int, *, group: str = "") -> list[JobId]:
    with db.begin() as tx:
        return [jobs.enqueue(tx, "test.chaos", group=group, item=n) for n in range(count)]


def wait_for(claim: Callable[[], bool], timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def states(db: Database, name: str = "test.chaos") -> set[JobState]:
    with db.read() as tx:
        return {job.state for job in jobs.listing(tx, name=name, limit=200)}


def rows(db: Database, table: str) -> list[tuple[int, str]]:
    with db.read() as tx:
        found = tx.execute(text(f"SELECT item, step FROM {table} ORDER BY item, step"))
        return [(row.item, row.step) for row in found]


def all_steps(count: int, steps: str = "abc") -> list[tuple[int, str]]:
    return [(item, step) for item in range(count) for step in (*steps, "final")]


@pytest.mark.slow
def test_after_a_dozen_kills_everything_is_done_and_nothing_twice(
    db: Database, start: Start
) -> None:
    enqueue(db, 30)
    with db.begin() as tx:
        for n in range(30, 60):
            jobs.enqueue(tx, "test.chaos", group=f"study-{n % 3}", item=n)
    chance = random.Random(20260301)
    for _ in range(KILLS):
        # Few enough points that work is left for the last process.
        victim = start(kill_at=chance.randint(1, 25))
        assert victim.wait(60) == -signal.SIGKILL
    start()
    wait_for(lambda: states(db) == {JobState.DONE})
    assert rows(db, "test_effects") == all_steps(60)
    # A step runs again only where a kill fell between its effect and its checkpoint.
    again = len(rows(db, "test_calls")) - len(all_steps(60))
    assert 0 <= again <= KILLS * 2 * 4


@pytest.mark.slow
def test_a_kill_between_effect_and_checkpoint_repeats_that_step_alone(
    db: Database, start: Start
) -> None:
    enqueue(db, 1)
    victim = start(kill_at=5)  # before a, after a, between; before b, after b: here
    assert victim.wait(60) == -signal.SIGKILL
    start()
    wait_for(lambda: states(db) == {JobState.DONE})
    calls = [(0, "a"), (0, "b"), (0, "b"), (0, "c"), (0, "final")]
    assert (rows(db, "test_calls"), rows(db, "test_effects")) == (calls, all_steps(1))


@pytest.mark.slow
def test_two_processes_share_the_work_and_one_takes_over_from_the_other(
    db: Database, start: Start
) -> None:
    enqueue(db, 40)
    one, other = start(nap_s=0.02), start(nap_s=0.02)
    wait_for(lambda: len(rows(db, "test_effects")) > 60)
    other.kill()
    wait_for(lambda: states(db) == {JobState.DONE})
    assert one.poll() is None
    assert rows(db, "test_effects") == all_steps(40)


@pytest.mark.slow
def test_a_job_that_kills_its_process_is_set_aside_and_its_neighbours_are_not(
    db: Database, start: Start
) -> None:
    with db.begin() as tx:
        killer = jobs.enqueue(tx, "test.killer")
    enqueue(db, 6)
    for _ in range(5):
        assert start(max_deaths=5, nap_s=0.05).wait(60) == -signal.SIGKILL
    start(max_deaths=5)
    wait_for(lambda: states(db, "test.killer") == {JobState.POISONED})
    wait_for(lambda: states(db) == {JobState.DONE})
    with db.read() as tx:
        poisoned = jobs.get(tx, killer)
        neighbours = jobs.listing(tx, name="test.chaos")
    assert (poisoned.error_code, poisoned.deaths) == ("job-poisoned", 5)
    assert max(job.deaths for job in neighbours) <= 1


@pytest.mark.slow
def test_a_process_wrongly_taken_for_dead_finds_itself_fenced_off(
    db: Database, start: Start
) -> None:
    enqueue(db, 1)
    mute = start(nap_s=3, beat_s=3600)  # works, but shows no sign of life
    wait_for(lambda: (0, "a") in rows(db, "test_calls"))
    start()
    wait_for(lambda: states(db) == {JobState.DONE})
    done = rows(db, "test_calls")
    time.sleep(4)  # the mute one wakes, and would go on
    assert mute.poll() is None
    assert rows(db, "test_calls") == done
    assert done.count((0, "final")) == 1
    assert rows(db, "test_effects") == all_steps(1)


@pytest.mark.slow
def test_a_stopped_process_hands_its_work_to_the_next_version(db: Database, start: Start) -> None:
    [job_id] = enqueue(db, 1)
    old = start(nap_s=0.4)
    wait_for(lambda: (0, "b") in rows(db, "test_calls"))
    old.terminate()
    assert old.wait(60) == 0
    with db.read() as tx:
        handed = jobs.get(tx, job_id)
    assert (handed.state, handed.deaths, handed.failures) == (JobState.QUEUED, 0, 0)
    start(steps="xabcd")  # another order, other steps
    wait_for(lambda: states(db) == {JobState.DONE})
    assert rows(db, "test_calls") == sorted(all_steps(1, "abcdx"))


@pytest.mark.slow
def test_the_engine_says_nothing_by_itself_and_keeps_nothing_in_clear(
    db: Database, start: Start, tmp_path: Path
) -> None:
    enqueue(db, 3)
    worker = start()
    wait_for(lambda: states(db) == {JobState.DONE})
    kept = [path for path in (tmp_path / "engine").iterdir() if b"medstack" in path.read_bytes()]
    worker.terminate()
    assert worker.wait(60) == 0
    assert (tmp_path / "stdout-0").read_bytes() == b"ready\n"
    lines = [json.loads(line) for line in (tmp_path / "stderr-0").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["jobs.started", "jobs.stopped"]
    assert kept == []
