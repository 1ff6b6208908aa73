"""A worker process for the crash tests: runs jobs until told to stop, or until it kills itself.

Usage: worker_process.py JSON, the fields of `Orders`.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

from sqlalchemy import text

from medstack.db import Database
from medstack.jobs import JobRun, Jobs
from medstack.kit import log
from medstack.kit.clock import SystemClock
from medstack.kit.ids import TimeOrderedIds

EFFECT = text("INSERT INTO test_effects (item, step) VALUES (:item, :step) ON CONFLICT DO NOTHING")
CALL = text("INSERT INTO test_calls (item, step, pid) VALUES (:item, :step, :pid)")


@dataclass(frozen=True, kw_only=True)
class Orders:
    url: str
    key: str
    system_url: str
    kill_at: int = 0  # the how-manieth point of the run is the last; 0 = never
    steps: str = "abc"
    nap_s: float = 0.0  # inside every step
    lease_s: float = 1.5
    beat_s: float = 0.3
    max_deaths: int = 50
    concurrency: int = 2


class Worker:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        key = bytes.fromhex(orders.key) or None
        clock = SystemClock()
        self.db = Database.open(orders.url, key=key)
        self.jobs = Jobs(
            self.db,
            system_url=orders.system_url,
            system_key=key,
            clock=clock,
            ids=TimeOrderedIds(clock),
            concurrency=orders.concurrency,
            beat_s=orders.beat_s,
            lease_s=orders.lease_s,
            max_deaths=orders.max_deaths,
        )
        self.jobs.register("test.chaos", self.chaos, batch=4)
        self.jobs.register("test.killer", lambda run: os.kill(os.getpid(), signal.SIGKILL))
        self._points = itertools.count(1)

    def point(self) -> None:
        """A place to die."""
        if next(self._points) == self.orders.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def chaos(self, run: JobRun) -> None:
        for number, ids in enumerate(run.items):
            item = int(ids["item"])
            for step in self.orders.steps:
                run.step(f"{step}-{item}", lambda item=item, step=step: self.effect(item, step))
                self.point()
            run.progress(number + 1, len(run.items))
        with self.db.begin() as tx:
            run.fence(tx)
            for ids in run.items:
                tx.execute(EFFECT, {"item": ids["item"], "step": "final"})
                tx.execute(CALL, {"item": ids["item"], "step": "final", "pid": os.getpid()})
        self.point()

    def effect(self, item: int, step: str) -> int:
        self.point()
        with self.db.begin() as tx:
            tx.execute(CALL, {"item": item, "step": step, "pid": os.getpid()})
            tx.execute(EFFECT, {"item": item, "step": step})
        time.sleep(self.orders.nap_s)
        self.point()
        return item


def main() -> None:
    log.configure()
    worker = Worker(Orders(**json.loads(sys.argv[1])))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker.jobs.start()
    print("ready", flush=True)
    while not stop.wait(0.05):
        pass
    worker.jobs.stop()


if __name__ == "__main__":
    main()
