"""Where children come from: keeps the zygote, a few spare children, and their ends.

Ordering a child is sending one message; nobody waits for the fork. Spare children have their
walls up before a file asks for one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import msgspec

from medstack.kit.errors import Busy
from medstack.worker.sandbox.orders import FAILED, ORDER_BYTES, READY, STATUS, Order
from medstack.worker.sandbox.walls import Layers
from medstack.worker.sandbox.wire import Channel, Hangup, Kind, Malformed

_START_S = 60.0
_STATUS_S = 2.0
STILL_RUNNING = 256  # no exit code is
_END_S = 5.0
_ATTEMPTS = 3
_MESSAGES = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_STREAM)
_QUIET = {  # one thread in the zygote, or its forks are not safe
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_DISC_THRESHOLD": "1000g",  # a child may write no file
    "MALLOC_ARENA_MAX": "2",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class SandboxUnavailable(Busy):
    """No child could be started: the machine's trouble, not the file's."""

    code = "sandbox-unavailable"
    title = "Files cannot be read safely just now"


class Child:
    """One ordered process. Dropping it kills it."""

    def __init__(self, channel_fd: int, status: socket.socket, *, seconds: float) -> None:
        self.channel = Channel(channel_fd, seconds=seconds)
        self._status = status
        self._exit_code: int | None = None
        self.layers: Layers = {}

    def meet(self) -> None:
        """Wait until its walls are up. Raises Hangup, Malformed or OutOfTime."""
        kind, payload = self.channel.receive(most_bytes=4096)
        if kind is not Kind.READY:
            raise Malformed
        self.layers = msgspec.msgpack.decode(payload, type=Layers)

    def exit_code(self) -> int:
        """How it ended, as `exit_code` below tells it."""
        if self._exit_code is None:
            self._exit_code = exit_code(self._status)
        return self._exit_code

    def drop(self) -> None:
        self.channel.close()
        self._status.close()


def exit_code(status: socket.socket) -> int:
    """Wait for the zygote's word on a child; negative numbers are signals.

    A child that hung up and lives on counts as STILL_RUNNING; whoever drops it kills it.
    Raises SandboxUnavailable when the zygote itself is gone.
    """
    status.settimeout(_STATUS_S)
    try:
        told = status.recv(STATUS.size)
    except TimeoutError:
        return STILL_RUNNING
    except OSError as error:
        raise SandboxUnavailable from error
    if len(told) != STATUS.size:
        raise SandboxUnavailable
    code: int = STATUS.unpack(told)[0]
    return code


class Nursery:
    """One zygote, started at first need, replaced when it is gone. Safe across threads."""

    def __init__(
        self,
        *,
        modules: tuple[str, ...],
        preload: tuple[str, ...],
        memory_bytes: int,
        spares: int,
    ) -> None:
        self._names = (",".join(modules), ",".join(preload))
        self._memory_bytes = memory_bytes
        self._spares = spares
        self._lock = threading.Lock()
        self._ready: list[tuple[int, socket.socket]] = []
        self._zygote: _Zygote | None = None

    @contextlib.contextmanager
    def child(self, *, seconds: float) -> Iterator[Child]:
        """A child with its walls up; killed on leaving. Raises SandboxUnavailable."""
        child = self._met(seconds)
        try:
            yield child
        finally:
            child.drop()

    def order(self, order: Order, *fds: int) -> socket.socket:
        """Send one order with the child's descriptors; returns our end of its status socket."""
        with self._lock:
            return self._order(order, *fds)

    def close(self) -> None:
        with self._lock:
            self._drop_spares()
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def _met(self, seconds: float) -> Child:
        """Meet a child; another one when it, or the zygote, was gone before it could speak."""
        for _ in range(_ATTEMPTS):
            child = Child(*self._take(), seconds=seconds)
            try:
                child.meet()
            except Hangup:
                child.drop()
                with self._lock:
                    self._drop_spares()
                continue
            except BaseException:
                child.drop()
                raise
            return child
        raise SandboxUnavailable

    def _take(self) -> tuple[int, socket.socket]:
        with self._lock:
            self._revive()
            taken = self._ready.pop(0) if self._ready else self._fork()
            while len(self._ready) < self._spares:
                self._ready.append(self._fork())
            return taken

    def _fork(self) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            status = self._order(Order(memory_bytes=self._memory_bytes), theirs.fileno())
        ours.setblocking(False)
        return ours.detach(), status

    def _order(self, order: Order, *fds: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._revive().send(order, theirs.fileno(), *fds)
        return ours

    def _revive(self) -> _Zygote:
        """The zygote; a new one in a forked process or when the old one has ended."""
        if self._zygote is not None and not self._zygote.is_ours_and_alive():
            self._drop_spares()
            self._zygote.close()
            self._zygote = None
        if self._zygote is None:
            self._zygote = _Zygote(self._names)
        return self._zygote

    def _drop_spares(self) -> None:
        for fd, status in self._ready:
            os.close(fd)
            status.close()
        self._ready.clear()


class _Zygote:
    """The parent's handle on `python -m medstack.worker.sandbox.zygote`."""

    def __init__(self, names: tuple[str, str]) -> None:
        self._owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, _MESSAGES)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own module, no shell
                [sys.executable, "-sP", "-m", "medstack.worker.sandbox.zygote",
                 str(theirs.fileno()), *names],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_QUIET | {"PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
                start_new_session=True,
            )  # fmt: skip
        self._await_ready()

    def is_ours_and_alive(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def send(self, order: Order, *fds: int) -> None:
        try:
            socket.send_fds(self._control, [msgspec.msgpack.encode(order)], list(fds))
        except OSError as error:
            raise SandboxUnavailable from error

    def close(self) -> None:
        self._control.close()
        if self._owner != os.getpid():
            return
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await_ready(self) -> None:
        self._control.settimeout(_START_S)
        try:
            word = self._control.recv(ORDER_BYTES)
        except TimeoutError:
            word = b""
        if word != READY:
            self.close()
            told = word.removeprefix(FAILED).decode(errors="replace")
            raise SandboxUnavailable from RuntimeError(told or "the zygote did not start")
