"""A process that has already imported the parsers, and forks a fresh child for each file.

Runs as `python -m medstack.worker.sandbox.zygote`. Has one thread, an empty environment, and
no key, database or file of a patient: forking it copies nothing worth stealing. Each order comes
over the control socket with descriptors attached; the child's end is told on its status socket,
and hanging up that socket is the order to kill it. Ends when the parent does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import msgspec

from medstack.worker.sandbox import child, program
from medstack.worker.sandbox.orders import FAILED, ORDER_BYTES, READY, STATUS, Order

_ORPHAN_CHECK_S = 5.0
_NOTHING = "/dev/null"


@dataclass(slots=True)
class Zygote:
    """The loop: orders in, children out, their ends reported."""

    control: socket.socket
    modules: tuple[str, ...]
    _children: dict[int, socket.socket] = field(default_factory=dict)
    _waiting: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def tend(self) -> None:
        """Serve orders until the parent hangs up."""
        parent = os.getppid()
        bell = self._ring_on_child_end()
        self._waiting.register(self.control, selectors.EVENT_READ)
        self._waiting.register(bell, selectors.EVENT_READ)
        while os.getppid() == parent:
            for key, _ in self._waiting.select(_ORPHAN_CHECK_S):
                if key.fileobj is self.control:
                    if not self._take_order():
                        return
                elif key.fileobj == bell:
                    os.read(bell, 4096)
                else:
                    self._kill(key.data)
            self._reap()

    def end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _ring_on_child_end(self) -> int:
        bell, rope = os.pipe()
        os.set_blocking(rope, False)
        os.set_blocking(bell, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(rope, warn_on_full_buffer=False)
        return bell

    def _take_order(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self.control, ORDER_BYTES, 3)
        if not message:
            return False
        order = msgspec.msgpack.decode(message, type=Order)
        pid = os.fork()
        if pid == 0:
            self._become(order, fds)
        for fd in fds[1:]:
            os.close(fd)
        status = socket.socket(fileno=fds[0])
        self._children[pid] = status
        self._waiting.register(status, selectors.EVENT_READ, pid)
        return True

    def _become(self, order: Order, fds: list[int]) -> NoReturn:
        """The child's first steps: drop all that is the zygote's, then be what was ordered."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _volunteer_for_the_oom_killer()
            kept = _keep_only(fds[1:])
            if order.argv:
                program.become(order.argv, kept, memory_bytes=order.memory_bytes, cpu_s=order.cpu_s)
            child.live(kept[0], modules=self.modules, memory_bytes=order.memory_bytes)
        finally:
            os._exit(1)

    def _kill(self, pid: int) -> None:
        """The parent hung up the status socket: the child is not wanted any more."""
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still this child's
        self._waiting.unregister(self._children[pid])

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            told = self._children.pop(pid)
            with contextlib.suppress(KeyError):  # already unregistered when it was killed
                self._waiting.unregister(told)
            with contextlib.suppress(OSError):  # nobody listens any more
                told.send(STATUS.pack(os.waitstatus_to_exitcode(status)))
            told.close()


def _keep_only(fds: list[int]) -> list[int]:
    """Close everything but `fds`; the standard streams lead nowhere. Returns their new numbers."""
    high = [os.dup2(fd, 100 + index, inheritable=False) for index, fd in enumerate(fds)]
    nothing = os.open(_NOTHING, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, 100)
    os.closerange(100 + len(high), os.sysconf("SC_OPEN_MAX"))
    return high


def _demand_one_thread() -> None:
    """A lock another thread holds while we fork stays locked in the child for ever."""
    running = Path("/proc/self/task")
    if running.exists() and len(list(running.iterdir())) > 1:
        raise RuntimeError("an import started a thread")


def _volunteer_for_the_oom_killer() -> None:
    with contextlib.suppress(OSError):  # no proc, no such killer
        Path("/proc/self/oom_score_adj").write_text("1000")


def main() -> None:
    """Import everything, say so, tend. argv: descriptor, task modules, what else to import."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    modules, preload = (tuple(filter(None, names.split(","))) for names in sys.argv[2:4])
    os.chdir("/")
    os.umask(0o077)
    try:
        for name in (*preload, *modules):
            importlib.import_module(name)
        _demand_one_thread()
    except Exception:  # noqa: BLE001  told to the parent, which raises it
        control.send(FAILED + traceback.format_exc()[-ORDER_BYTES:].encode())
        sys.exit(1)
    gc.collect()
    gc.freeze()
    control.send(READY)
    zygote = Zygote(control, modules)
    try:
        zygote.tend()
    finally:
        zygote.end()


if __name__ == "__main__":
    main()
