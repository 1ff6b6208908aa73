"""Forks, for each order on standard input, a process that tells the story and kills itself.

It dies at the n-th point: before or after a commit, before a file call of the store, or halfway
through a write. What its client was answered, and what its disk was promised, comes out on
standard output as it happens, a JSON line each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from tests.flows import crash_controls
from tests.flows.crash_story import PART_BYTES, Setting, Teller, opened

from medstack.db.tx import Tx
from medstack.flows import receive
from medstack.kit.errors import Problem
from medstack.vault.fs import Fs

CALLS = ("fsync", "link", "mkdir", "unlink")


class Points:
    """Counts; at the chosen point this process is gone, as by kill -9."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.passed = 0
        self._lock = threading.Lock()

    def point(self) -> None:
        with self._lock:
            if self.passed == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            self.passed += 1


def say(line: dict[str, Any]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


class MortalFs(Fs):
    """Each call is a point, and a write has one in its middle.

    Nothing is really synced; instead it is said what a loss of power would take along.
    """

    def __init__(self, points: Points) -> None:
        self._points = points
        self._paths: dict[int, str] = {}
        for name in CALLS:
            setattr(self, name, self._deadly(getattr(self, name)))

    def open(self, path: str, *args: Any) -> int:  # type: ignore[override]
        fd = os.open(path, *args)
        self._paths[fd] = path
        return fd

    def write(self, fd: int, data: memoryview) -> int:  # type: ignore[override]
        say({"dirty": self._paths[fd]})
        self._points.point()
        half = len(data) // 2
        os.write(fd, data[:half])
        self._points.point()
        return half + os.write(fd, data[half:])

    def fsync(self, fd: int) -> None:  # type: ignore[override]
        say({"synced": self._paths[fd]})

    def link(self, source: str, target: str) -> None:  # type: ignore[override]
        os.link(source, target)
        say({"named": target})

    def mkdir(self, path: str, mode: int) -> None:  # type: ignore[override]
        os.mkdir(path, mode)
        say({"named": path})

    def _deadly(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*args: Any) -> Any:
            self._points.point()
            return call(*args)

        return deadly


def hook_commits(points: Points) -> None:
    """Make every commit of this process a point before and a point after."""
    before, after = Tx.run_before, Tx.run_after

    def run_before(tx: Tx) -> None:
        before(tx)
        points.point()

    def run_after(tx: Tx) -> None:
        points.point()
        after(tx)

    Tx.run_before, Tx.run_after = run_before, run_after  # type: ignore[method-assign]


def live(order: dict[str, Any]) -> None:
    """The child's whole life."""
    setting = Setting(**order["setting"])
    points = Points(order["fatal"])
    receive.PART_BYTES = PART_BYTES
    with opened(
        setting.place,
        Path(setting.folder),
        setting.root,
        make_store=lambda root: crash_controls.store(order["control"], root, MortalFs(points)),
    ) as house:
        crash_controls.sabotage(order["control"])
        hook_commits(points)
        with suppress(Problem) if order["control"] else nullcontext():  # liars may get stuck
            Teller(house, setting, memory={}, say=say).tell()
        say({"points": points.passed})


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                live(json.loads(line))
                status = 0
            except Exception:  # noqa: BLE001 - the top of a process
                traceback.print_exc()
            os._exit(status)
        _, ended = os.waitpid(child, 0)
        say({"ended": os.waitstatus_to_exitcode(ended)})


if __name__ == "__main__":
    main()
