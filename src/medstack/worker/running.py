"""The worker process: runs jobs until told to stop, and tends the house in between."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from medstack.flows import tending
from medstack.flows.house import House
from medstack.jobs import Jobs
from medstack.kit import log
from medstack.kit.errors import Problem

EXPIRE_EVERY_S = 1.0
RETRY_EVERY_S = 15.0
SWEEP_EVERY_S = 600.0


def run(house: House, engine: Jobs) -> None:
    """Work until SIGTERM or SIGINT; what is unfinished then is finished by the next worker."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    engine.start()
    log.event("worker.started")
    try:
        tend(house, told)
    finally:
        engine.stop()
        log.event("worker.stopped")


def tend(house: House, told: threading.Event) -> None:
    """Do each chore when its time has come, until told to stop."""
    chores = (
        (EXPIRE_EVERY_S, tending.expire_uploads),
        (RETRY_EVERY_S, tending.retry_waiting),
        (SWEEP_EVERY_S, tending.sweep),
    )
    due = [house.clock.monotonic()] * len(chores)
    while not told.wait(0.25):
        for place, (every_s, chore) in enumerate(chores):
            if house.clock.monotonic() < due[place]:
                continue
            due[place] = house.clock.monotonic() + every_s
            try:
                done = chore(house)
            except Problem as problem:  # a busy database, a full disk: again next time
                log.failure("worker.chore_failed", problem, code=problem.code)
            else:
                if done:
                    log.event("worker.chore", chore=chore.__name__, done=done)
