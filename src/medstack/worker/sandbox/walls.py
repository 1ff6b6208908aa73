"""The walls around a process that reads untrusted files.

Layers, each alone enough to stop most of what a hostile file can try: resource limits, no new
privileges, namespaces without a network, no capabilities, Landlock, seccomp. A layer the
platform lacks is reported, never passed over: `raise_walls` answers with what holds.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medstack.worker.sandbox import landlock, seccomp

Layers = dict[str, bool | str]

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _CLEAR_ALL = 24, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_HOLDING = "abi "
_OPEN_FILES = 64
_THREADS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one child may use. Time is counted while the parent waits for it."""

    memory_bytes: int = 2 * 1024**3  # beyond what the loaded libraries take
    seconds: float = 60.0  # for any file, and then
    bytes_per_second: int = 4 * 1024**2  # one second more for each so many bytes of it
    item_bytes: int = 32 * 1024**2  # one returned value
    output_bytes: int = 16 * 1024**3  # all values of one stream together

    def seconds_for(self, size_bytes: int) -> float:
        return self.seconds + size_bytes / self.bytes_per_second


def raise_walls(
    *,
    memory_bytes: int,
    readable: Iterable[Path],
    executable: Iterable[Path] = (),
) -> Layers:
    """Shut this process in, for good. Call before the first byte of a file is read."""
    may_exec = bool(tuple(executable))
    layers: Layers = {"limits": _limit(memory_bytes)}
    if sys.platform != "linux":
        absent = "not on this platform"
        return layers | dict.fromkeys(
            ("privileges", "namespaces", "capabilities", "landlock", "seccomp"), absent
        )
    layers["privileges"] = _give_up_privileges()
    layers["namespaces"] = _leave_namespaces()
    layers["landlock"] = _landlock(readable, executable)
    layers["capabilities"] = _drop_capabilities()
    layers["seccomp"] = _seccomp(may_exec=may_exec)
    return layers


def holds(state: bool | str) -> bool:
    """Does a layer of this state hold? True does, and so does the version of one that has some."""
    return state is True or (isinstance(state, str) and state.startswith(_HOLDING))


def limit_cpu(seconds: int) -> None:
    """Let this process use so much processor time from now on, then end it by SIGXCPU."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    end = int(spent.ru_utime + spent.ru_stime) + 1 + seconds
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (end, end + 1))  # one apart, to know it from OOM


def _limit(memory_bytes: int) -> bool:
    _lower(resource.RLIMIT_AS, _address_space() + memory_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if sys.platform != "linux":
        _lower(resource.RLIMIT_NPROC, 0)  # counts processes only, there
    if hasattr(resource, "RLIMIT_MSGQUEUE"):
        _lower(resource.RLIMIT_MSGQUEUE, 0)
    return True


def _lower(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except FileNotFoundError:  # no proc: allow what such libraries usually map
        return 512 * 1024**2
    return pages * resource.getpagesize()


def _give_up_privileges() -> bool | str:
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in (
        (_PR_SET_NO_NEW_PRIVS, 1),
        (_PR_SET_PDEATHSIG, int(signal.SIGKILL)),
        (_PR_SET_DUMPABLE, 0),
    ):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            return _reason()
    return True


def _leave_namespaces() -> bool | str:
    """A user namespace of our own, and with it a network that has no interface."""
    libc = ctypes.CDLL(None, use_errno=True)
    apart = _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS | _CLONE_NEWNS
    if libc.unshare(_CLONE_NEWUSER | apart) != 0:
        return True if libc.unshare(apart) == 0 else _reason()
    _lower(resource.RLIMIT_NPROC, _THREADS)  # only now does it count ours and not our user's
    return True


def _drop_capabilities() -> bool | str:
    """No capability is left or can come back, also where we run as root."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # past the last one, or we may not because we had none
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    return True if libc.capset(header, bytes(24)) == 0 else _reason()


def _landlock(readable: Iterable[Path], executable: Iterable[Path]) -> bool | str:
    try:
        version = landlock.restrict(readable, executable=executable)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return f"{_HOLDING}{version}" if version else "not in this kernel"


def _seccomp(*, may_exec: bool) -> bool | str:
    if not seccomp.is_supported():
        return "not on this architecture"
    try:
        seccomp.install(may_exec=may_exec)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return True


def _reason() -> str:
    return os.strerror(ctypes.get_errno())
