"""An external ffmpeg, found at run time, behind the same walls as our own parsers.

The film is handed over as a sealed memory file, the answer comes back through a pipe; ffmpeg sees
no path, no network and no other process. Only the QuickTime family is demuxed, so a playlist
dressed as a film can name nothing to fetch.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import struct
import time

from medstack.kit.streams import Source, chunks_of
from medstack.worker.sandbox.nursery import exit_code
from medstack.worker.sandbox.orders import Order
from medstack.worker.sandbox.parent import ProcessSandbox

POSTER_PX = 1600  # longest side
_HELD_BYTES = 256 * 1024**2  # of a longer film only the head is tried
_POSTER_BYTES = 16 * 1024**2
_MEMORY_BYTES = 1024**3
_SECONDS = 30
_PIPE_BYTES = 64 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_INPUT = ("-protocol_whitelist", "file,pipe,fd", "-f", "mov", "-i", "file:/proc/self/fd/0")
_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "quiet", "-threads", "1")
# Scaled before the choice, so that the candidates take little memory.
_PICK = f"scale='min({POSTER_PX},iw)':'min({POSTER_PX},ih)':force_original_aspect_ratio=decrease"


class Ffmpeg:
    """Pictures and checks of films. Without ffmpeg on this machine every answer is None."""

    def __init__(self, sandbox: ProcessSandbox, *, program: str | None = None) -> None:
        self._nursery = sandbox.nursery
        self._program = program or shutil.which("ffmpeg")

    @property
    def is_there(self) -> bool:
        return self._program is not None

    def poster(self, source: Source) -> bytes | None:
        """One telling early frame as PNG, longest side POSTER_PX; None if none can be had."""
        image = ("-an", "-frames:v", "1", "-vf", f"{_PICK},thumbnail=24")
        answer = self._run(source, (*_INPUT, *image, "-f", "image2pipe", "-c:v", "png", "pipe:1"))
        if answer is None or answer[0] != 0:
            return None
        return answer[1] if _is_small_png(answer[1]) else None

    def plays(self, source: Source) -> bool | None:
        """Does the first second decode without an error? None when that cannot be asked."""
        check = ("-xerror", "-err_detect", "explode", *_INPUT, "-t", "1", "-f", "null", "-")
        if source.size > _HELD_BYTES:
            return None
        answer = self._run(source, check)
        return None if answer is None else answer[0] == 0

    def _run(self, source: Source, arguments: tuple[str, ...]) -> tuple[int, bytes] | None:
        if self._program is None or not hasattr(os, "memfd_create"):
            return None
        film = _in_memory(source)
        reading, writing = os.pipe()
        try:
            order = Order(
                memory_bytes=_MEMORY_BYTES,
                argv=(self._program, *_QUIET, *arguments),
                cpu_s=_SECONDS,
            )
            status = self._nursery.order(order, film, writing)
        finally:
            os.close(film)
            os.close(writing)
        with status:  # leaving this hangs up, and that kills what still runs
            try:
                output = _read_all(reading)
            finally:
                os.close(reading)
            return None if output is None else (exit_code(status), output)


def _in_memory(source: Source) -> int:
    """The film, or its head, in a sealed memory file."""
    fd = os.memfd_create("film", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for piece in chunks_of(source, 0, _HELD_BYTES):
            view = memoryview(piece)
            while view:
                view = view[os.write(fd, view) :]
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _read_all(fd: int) -> bytes | None:
    """What the program writes; None when it writes too much or takes too long."""
    found = bytearray()
    waiter = select.poll()
    waiter.register(fd, select.POLLIN)
    until = time.monotonic() + _SECONDS
    while waiter.poll(max(0.0, until - time.monotonic()) * 1000):
        piece = os.read(fd, _PIPE_BYTES)
        if not piece:
            return bytes(found)
        found += piece
        if len(found) > _POSTER_BYTES:
            return None
    return None


def _is_small_png(data: bytes) -> bool:
    if not data.startswith(_PNG) or len(data) < 24:
        return False
    sides: tuple[int, int] = struct.unpack(">II", data[16:24])
    return all(0 < side <= POSTER_PX for side in sides)
