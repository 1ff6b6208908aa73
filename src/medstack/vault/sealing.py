"""One sealed object: Tink's AES256-GCM-HKDF-SHA256 streaming format, 64 KiB segments.

Pure bytes: written by pushing, in bounded memory; read back at any offset. Opens no file and
keeps no key it was not handed. Any Tink library or WebCrypto can read what is written here.
Source: Tink wire format, "AES-GCM-HKDF-STREAMING"; segment nonces after Hoang et al., STREAM.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from medstack.kit.errors import Broken

KEY_BYTES = 32
SEGMENT_BYTES = 64 * 1024  # of ciphertext, tag included; the last may be shorter
TAG_BYTES = 16
SALT_BYTES = 32
PREFIX_BYTES = 7
HEADER_BYTES = 1 + SALT_BYTES + PREFIX_BYTES  # stands at the head of segment 0
ROOM_BYTES = SEGMENT_BYTES - TAG_BYTES  # plaintext of a full segment (segment 0: less the header)
_BATCH_SEGMENTS = 16

Buffer = bytes | bytearray | memoryview


class Altered(Broken):
    """Sealed bytes are not what we wrote: changed, reordered, or of another object."""

    code = "sealed-bytes-altered"
    title = "Stored bytes were altered"


class WrongSize(Broken):
    """A sealed object is shorter or longer than its row says. `facts`: recorded, found."""

    code = "sealed-size-wrong"
    title = "Stored bytes are missing or were added"


def segment_count(size: int) -> int:
    """How many segments hold `size` bytes of plaintext; an empty object has one."""
    return max(1, -(-(size + HEADER_BYTES) // ROOM_BYTES))


def sealed_size(size: int) -> int:
    """Bytes an object of `size` bytes of plaintext takes when sealed."""
    return HEADER_BYTES + size + TAG_BYTES * segment_count(size)


class SegmentCipher:
    """The derived key of one sealed object; opaque, and safe to share between threads."""

    __slots__ = ("aead", "prefix")

    def __init__(self, aead: AESGCM, prefix: bytes) -> None:
        self.aead = aead
        self.prefix = prefix

    @classmethod
    def derive(cls, key: Buffer, header: bytes, *, aad: bytes) -> SegmentCipher:
        """The cipher of the object that begins with `header`. Raises Altered."""
        if len(header) != HEADER_BYTES or header[0] != HEADER_BYTES:
            raise Altered("The header is not one of ours.")
        salt, prefix = header[1 : 1 + SALT_BYTES], header[1 + SALT_BYTES :]
        derived = bytearray(KEY_BYTES)
        HKDF(hashes.SHA256(), KEY_BYTES, salt, aad).derive_into(key, derived)
        cipher = cls(AESGCM(derived), prefix)
        derived[:] = bytes(KEY_BYTES)
        return cipher

    def nonce(self, index: int, *, is_last: bool) -> bytes:
        return self.prefix + index.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")


class Sealer:
    """Seals what is pushed into it and hands the sealed bytes on, about 1 MiB at a time.

    sink: is given a view that stays as it is until the next call of `sink` returns. It begins on
        a page of memory, and all but the last are whole pages: fit to go past a page cache.
    Call `finish` exactly once. Not to be shared between threads.
    """

    def __init__(
        self,
        key: Buffer,
        *,
        aad: bytes,
        sink: Callable[[memoryview], object],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        header = bytes([HEADER_BYTES]) + random(SALT_BYTES + PREFIX_BYTES)
        self._cipher = SegmentCipher.derive(key, header, aad=aad)
        self._sink = sink
        self._out, self._other = (
            memoryview(mmap.mmap(-1, _BATCH_SEGMENTS * SEGMENT_BYTES)) for _ in range(2)
        )
        self._out[:HEADER_BYTES] = header
        self._ready = HEADER_BYTES  # bytes of _out waiting for the sink
        self._held = memoryview(bytearray(ROOM_BYTES))  # not sealed yet: it may be the last
        self._filled = 0
        self._room = ROOM_BYTES - HEADER_BYTES
        self._index = 0
        self.size = 0
        self.sealed_size = 0

    def write(self, data: Buffer) -> None:
        """Take any number of bytes; copies what it keeps."""
        view = memoryview(data).cast("B")
        self.size += len(view)
        while len(view) > self._room - self._filled:
            take = self._room - self._filled
            if self._filled:
                self._held[self._filled : self._room] = view[:take]
                self._seal(self._held[: self._room], is_last=False)
                self._filled = 0
            else:
                self._seal(view[:take], is_last=False)
            view = view[take:]
        self._held[self._filled : self._filled + len(view)] = view
        self._filled += len(view)

    def finish(self) -> int:
        """Seal the last segment and hand on the rest. Returns the sealed size."""
        self._seal(self._held[: self._filled], is_last=True)
        self._flush()
        return self.sealed_size

    def _seal(self, plain: memoryview, *, is_last: bool) -> None:
        if self._ready + len(plain) + TAG_BYTES > len(self._out):
            self._flush()
        end = self._ready + len(plain) + TAG_BYTES
        nonce = self._cipher.nonce(self._index, is_last=is_last)
        self._cipher.aead.encrypt_into(nonce, plain, None, self._out[self._ready : end])
        self._ready = end
        self._index += 1
        self._room = ROOM_BYTES

    def _flush(self) -> None:
        self._sink(self._out[: self._ready])
        self._out, self._other = self._other, self._out
        self.sealed_size += self._ready
        self._ready = 0


class SegmentMemory(Protocol):
    """Remembers plaintext segments of one object for a while, or not at all."""

    def get(self, index: int) -> bytes | None: ...

    def put(self, index: int, segment: bytes) -> None: ...


class Unsealer:
    """Plaintext of one sealed object at any offset; safe to share between threads.

    size: recorded bytes of plaintext. The caller has compared the object's sealed size with
        the recorded one: an intact segment of a shortened object authenticates.
    read: returns sealed bytes at (offset, length), fewer at the end of the object.
    """

    __slots__ = ("_cipher", "_last", "_read", "_sealed_size", "_size")

    def __init__(
        self, cipher: SegmentCipher, *, size: int, read: Callable[[int, int], bytes]
    ) -> None:
        self._cipher = cipher
        self._read = read
        self._size = size
        self._sealed_size = sealed_size(size)
        self._last = segment_count(size) - 1

    def read_at(self, offset: int, length: int, memory: SegmentMemory | None = None) -> bytes:
        """Return plaintext [offset, offset + length), fewer bytes only at the end.

        memory: is asked for the first and last segment, and given them if read in part.
        Raises Altered, or WrongSize if sealed bytes are missing.
        """
        end = min(offset + length, self._size)
        if offset >= end:
            return b""
        first, start = divmod(offset + HEADER_BYTES, ROOM_BYTES)
        last, stop = divmod(end - 1 + HEADER_BYTES, ROOM_BYTES)
        if first == 0:
            start -= HEADER_BYTES
        if last == 0:
            stop -= HEADER_BYTES
        return _cut(self._run(first, last, memory), start, stop + 1)

    def verify(self) -> None:
        """Authenticate every segment; an empty object has one too. Raises as `read_at`."""
        for first in range(0, self._last + 1, _BATCH_SEGMENTS):
            self._open(first, min(first + _BATCH_SEGMENTS - 1, self._last))

    def _run(self, first: int, last: int, memory: SegmentMemory | None) -> list[bytes]:
        if memory is None:
            return self._open(first, last)
        head = memory.get(first)
        if first == last:
            if head is None:
                head = self._open(first, first)[0]
                memory.put(first, head)
            return [head]
        tail = memory.get(last)
        run = self._open(first + (head is not None), last - (tail is not None))
        if head is None:
            memory.put(first, run[0])
        else:
            run.insert(0, head)
        if tail is None:
            memory.put(last, run[-1])
        else:
            run.append(tail)
        return run

    def _open(self, first: int, last: int) -> list[bytes]:
        """Read, authenticate and decrypt the segments first..last; none if first > last."""
        if first > last:
            return []
        begin = first * SEGMENT_BYTES
        want = min((last + 1) * SEGMENT_BYTES, self._sealed_size) - begin
        sealed = memoryview(self._read(begin, want))
        if len(sealed) != want:
            raise WrongSize(recorded=self._sealed_size, found=begin + len(sealed))
        decrypt, nonce, final = self._cipher.aead.decrypt, self._cipher.nonce, self._last
        at = HEADER_BYTES if first == 0 else 0
        plain = []
        try:
            for index in range(first, last + 1):
                stop = (index - first + 1) * SEGMENT_BYTES
                plain.append(decrypt(nonce(index, is_last=index == final), sealed[at:stop], None))
                at = stop
        except InvalidTag as error:
            raise Altered("A segment failed its check.", segment=index) from error
        return plain


def _cut(run: list[bytes], start: int, stop: int) -> bytes:
    """Join the segments of a run, from `start` in the first to `stop` in the last."""
    if len(run) == 1:
        return run[0][start:stop]
    pieces: list[bytes | memoryview] = list(run)
    pieces[0] = memoryview(run[0])[start:]
    pieces[-1] = memoryview(run[-1])[:stop]
    return b"".join(pieces)
