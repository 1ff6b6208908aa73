"""The bytes of one member: as a checked stream, or as a Source that can be read anywhere.

Memory stays bounded: a deflated member is read at an offset from the nearest of a few saved
decoder states, never unpacked whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from medstack.kit.streams import CHUNK_BYTES, Source, chunks_of
from medstack.kit.zipwalk.model import MIB, BadArchive, Flaw, Member

STORED = 0
DEFLATED = 8
METHODS = (STORED, DEFLATED)
_CHECKPOINTS = 64  # a saved state is about 45 kB


class _Decoder(Protocol):
    """What we use of zlib's decompression object, which has no public name."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...
    def copy(self) -> _Decoder: ...


class Window:
    """A stretch of another source, as a source of its own. Closing it closes nothing."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._start = max(0, start)
        self._size = max(0, min(end, source.size) - self._start)

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        return self._source.read_at(self._start + offset, length) if length > 0 else b""

    def close(self) -> None:
        return None


def chunks_of_member(source: Source, member: Member) -> Iterator[bytes]:
    """Yield the member's content, at most CHUNK_BYTES at a time.

    Raises BadArchive if it is encrypted, of another method, or differs from its size or
    checksum: what was yielded until then is not to be trusted.
    """
    _require_readable(member)
    crc = given = 0
    for piece in _unpack(source, member):
        given += len(piece)
        if given > member.size:
            raise BadArchive(rule=Flaw.CONTENT, member=member.index)
        crc = zlib.crc32(piece, crc)
        yield piece
    if given != member.size or crc != member.crc:
        raise BadArchive(rule=Flaw.CONTENT, member=member.index)


def source_of_member(source: Source, member: Member) -> Source:
    """The member's content for random reading. The checksum is not verified here.

    Raises BadArchive if the member is encrypted or of another method.
    """
    _require_readable(member)
    packed = Window(source, member.data_at, member.data_at + member.packed_bytes)
    return packed if member.method == STORED else Inflated(packed, member.size, member.index)


def _require_readable(member: Member) -> None:
    if member.is_encrypted:
        raise BadArchive(rule=Flaw.ENCRYPTED, member=member.index)
    if member.method not in METHODS:
        raise BadArchive(rule=Flaw.METHOD, member=member.index)


def _unpack(source: Source, member: Member) -> Iterator[bytes]:
    packed = chunks_of(source, member.data_at, member.data_at + member.packed_bytes)
    if member.method == STORED:
        yield from packed
        return
    decoder: _Decoder = zlib.decompressobj(-15)
    try:
        for piece in packed:
            if decoder.eof:  # the stream ended before its member did
                raise BadArchive(rule=Flaw.CONTENT, member=member.index)
            yield from _decode(decoder, piece)
    except zlib.error as error:
        raise BadArchive(rule=Flaw.CONTENT, member=member.index) from error
    if not decoder.eof or decoder.unused_data:
        raise BadArchive(rule=Flaw.CONTENT, member=member.index)


def _decode(decoder: _Decoder, piece: bytes) -> Iterator[bytes]:
    """Everything `piece` unpacks to; output that fills a chunk may leave more inside."""
    out = decoder.decompress(piece, CHUNK_BYTES)
    while out:
        yield out
        full = len(out) == CHUNK_BYTES
        if decoder.eof or not (decoder.unconsumed_tail or full):
            return
        out = decoder.decompress(decoder.unconsumed_tail, CHUNK_BYTES)


class Inflated:
    """A deflated stretch read at any offset. Raises BadArchive where the stream is broken."""

    def __init__(self, packed: Source, size: int, index: int) -> None:
        self._packed = packed
        self._size = size
        self._index = index
        self._spacing = max(MIB, size // _CHECKPOINTS)
        self._now = _State(zlib.decompressobj(-15))
        self._saved = [self._now.copy()]
        self._piece_at, self._piece = 0, b""  # the last output, for reading on in small steps

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self._size)
        parts: list[bytes] = []
        while offset < end:
            if not self._piece_at <= offset < self._piece_at + len(self._piece):
                self._decode_to(offset)
            part = self._piece[offset - self._piece_at : end - self._piece_at]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _decode_to(self, offset: int) -> None:
        """Make the piece that holds `offset` the current one."""
        best = max((s for s in self._saved if s.out_at <= offset), key=lambda s: s.out_at)
        if not best.out_at <= self._now.out_at <= offset:
            self._now = best.copy()
        try:
            while self._now.out_at <= offset:
                self._piece_at = self._now.out_at
                self._piece = self._now.step(self._packed)
                if self._now.out_at >= self._saved[-1].out_at + self._spacing:
                    self._saved.append(self._now.copy())
        except (zlib.error, EOFError) as error:
            self._piece = b""
            raise BadArchive(rule=Flaw.CONTENT, member=self._index) from error

    def close(self) -> None:
        return None


class _State:
    """A decoder and where it stands in what it reads and what it has given."""

    def __init__(
        self, decoder: _Decoder, in_at: int = 0, out_at: int = 0, held: bytes = b""
    ) -> None:
        self.decoder = decoder
        self.in_at = in_at
        self.out_at = out_at
        self.held = held  # read from the source, not yet decoded

    def copy(self) -> _State:
        return _State(self.decoder.copy(), self.in_at, self.out_at, self.held)

    def step(self, packed: Source) -> bytes:
        """The next piece of output, never empty. Raises EOFError at the end of the stream."""
        while True:
            if not self.held and self.in_at < packed.size:
                self.held = packed.read_at(self.in_at, 16 * 1024)
                self.in_at += len(self.held)
            was_empty = not self.held
            out = self.decoder.decompress(self.held, 64 * 1024)
            self.held = self.decoder.unconsumed_tail
            if out:
                self.out_at += len(out)
                return out
            if self.decoder.eof or was_empty:
                raise EOFError
