"""Tasks that try to do harm, as a parser taken over by a file would. Run only in the sandbox."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medstack.formats.contract import Damaged, Inspection
from medstack.kit.errors import Broken
from medstack.kit.streams import Source, chunks_of
from medstack.worker.sandbox.wire import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    size: int
    total: int


def tally(source: Source) -> Tally:
    return Tally(size=source.size, total=sum(sum(piece) for piece in chunks_of(source)))


def echo(source: Source, *, text: str = "", times: int = 1) -> str:
    return text * times


def pieces(source: Source, *, length: int) -> Iterator[bytes]:
    yield from chunks_of(source, chunk_bytes=length)


def endless(source: Source) -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def damaged(source: Source) -> str:
    raise Damaged("Line 3 is\nnot \x1b[31mred.", line=3, parts=("a", "b"))


def broken(source: Source) -> str:
    raise Broken("we never said this")


def stumble(source: Source) -> str:
    raise ValueError("Marlowe, Anna K.")


def attempt(source: Source, *, what: str) -> str:
    """Try `what`; say the errno by name when it is refused, or that it worked."""
    try:
        _ATTEMPTS[what]()
    except OSError as error:
        return f"refused {type(error).__name__}"
    return "worked"


def _read_passwd() -> None:
    Path("/etc/passwd").read_bytes()


def _list_root() -> None:
    os.listdir("/")


def _write_file() -> None:
    Path("/tmp/sandbox-escape").write_bytes(b"x" * 10)


def _connect() -> None:
    with socket.socket() as there:
        there.connect(("127.0.0.1", 22))


def _unix_socket() -> None:
    for end in socket.socketpair():
        end.close()


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _exec() -> None:
    os.execv("/bin/true", ["/bin/true"])


def _spawn() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def _parent_memory() -> None:
    with open(f"/proc/{os.getppid() or 1}/mem", "rb") as memory:
        memory.read(1)


def _libc_call(number: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")


def _vm_read() -> None:
    _libc_call(310, os.getppid() or 1, 0, 0, 0, 0, 0)


def _ptrace() -> None:
    _libc_call(101, 16, os.getppid() or 1, 0, 0)


def _io_uring() -> None:
    _libc_call(425, 1, 0)


def _unshare() -> None:
    _libc_call(272, 0x10000000)


def _chmod() -> None:
    os.chmod("/etc/passwd", 0o644)


def _kill_parent() -> None:
    os.kill(os.getppid() or 1, signal.SIGTERM)


def _raise_limit() -> None:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    except ValueError as error:
        raise PermissionError from error


def _other_descriptors() -> None:
    found = []
    for fd in range(3, 4096):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.append(fd)
    if len(found) == 1:
        raise FileNotFoundError


_ATTEMPTS = {
    name.removeprefix("_"): value
    for name, value in list(globals().items())
    if name.startswith("_") and callable(value) and name not in ("_libc_call",)
}


def environment(source: Source) -> dict[str, str]:
    return dict(os.environ) | {"cwd": os.getcwd()}


def fork_bomb(source: Source) -> int:
    born = 0
    for _ in range(100_000):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            return born
        born += 1
    return born


def allocate(source: Source, *, gib: int) -> int:
    return len(bytearray(gib * 1024**3))


def allocate_and_die(source: Source, *, gib: int) -> int:
    area = mmap.mmap(-1, gib * 1024**3)
    return len(area)


def spin(source: Source) -> int:
    while True:
        pass


def sleep(source: Source) -> int:
    time.sleep(3600)
    return 0


def exit_quietly(source: Source) -> int:
    os._exit(0)


def fault(source: Source) -> int:
    return len(ctypes.string_at(0))


def abort(source: Source) -> int:
    os.abort()


def lie_about_type(source: Source) -> Inspection:
    return {"kind": 7, "media_type": ["not", "text"]}  # type: ignore[return-value]


def lie_in_a_stream(source: Source) -> Iterator[int]:
    yield 1
    yield "two"  # type: ignore[misc]


def undeclared(source: Source):  # type: ignore[no-untyped-def]
    return 1


def _own_socket() -> int:
    for fd in range(3, 4096):
        try:
            os.fstat(fd)
        except OSError:
            continue
        return fd
    raise AssertionError


def speak(source: Source, *, frame: str) -> int:
    """Write raw bytes to the parent, as injected code would."""
    os.write(_own_socket(), bytes.fromhex(frame))
    time.sleep(3600)
    return 0


def ask_for_too_much(source: Source) -> int:
    import struct

    os.write(_own_socket(), struct.pack("<IB", 12, Kind.READ) + struct.pack("<QI", 0, 1 << 31))
    time.sleep(3600)
    return 0


def threads(source: Source, *, count: int) -> int:
    import threading

    seen: list[int] = []
    started = [threading.Thread(target=seen.append, args=(n,)) for n in range(count)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return len(seen)


def picture_size(source: Source) -> list[int]:
    """Decode with libvips, to know that its threads and modules work behind the walls."""
    import pyvips

    image = pyvips.Image.new_from_buffer(source.read_at(0, source.size), "", fail_on="error")
    return [image.width, image.height, int(image.avg())]
