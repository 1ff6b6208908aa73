"""WAV recordings of heart, lung and joint sounds: RIFF WAVE with PCM or float samples.

Chunks are walked by their own lengths; the preview is the waveform, drawn from the samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import (
    Damaged,
    FileMetadata,
    IdentityMark,
    Inspection,
    Rendition,
    Unrecognised,
)
from medstack.formats.embedded import iso_stamp
from medstack.formats.pictures import renditions_of_array
from medstack.formats.reading import exactly
from medstack.kit.streams import Source

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_DEPTHS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}
_MAX_CHANNELS, _MAX_RATE_HZ, _MAX_CHUNKS = 64, 1_000_000, 10_000
_INFO_PLACES = {
    b"IART": "author",
    b"ICMT": "comment",
    b"ICOP": "copyright",
    b"ICRD": "",
    b"IENG": "person-name",
    b"IKEY": "keywords",
    b"INAM": "title",
    b"ISBJ": "title",
    b"ISRC": "title",
    b"ITCH": "person-name",
    b"ICMS": "person-name",
}
_TEXT_CHUNKS = {b"bext": "author", b"iXML": "comment", b"_PMX": "comment", b"id3 ": "comment"}
_PREVIEW_PX = (1600, 400)
_BLOCK_FRAMES = 1 << 16
_GROUND, _LINE, _AXIS = (246, 247, 248), (74, 85, 96), (205, 210, 215)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """The samples' shape."""

    codec: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


@dataclass(slots=True, kw_only=True)
class _Recording:
    """What the chunks say, gathered while they are walked."""

    format: _Format | None = None
    data: tuple[int, int] | None = None
    captured_at: str | None = None
    marks: list[IdentityMark] = field(default_factory=list)


class Wav:
    """One recording whose data chunk is as long as it says and holds whole frames."""

    kind = "wav"
    media_type = "audio/wav"
    extensions = ("wav", "wave")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return head[:4] == b"RIFF" and head[8:12] == b"WAVE"

    def inspect(self, source: Source) -> Inspection:
        recording, shape, frames = _checked(source)
        low, high = _peaks(source, recording, shape, frames, 1)
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(
                captured_at=recording.captured_at,
                extra={
                    "durationS": round(frames / shape.rate_hz, 3),
                    "sampleRateHz": shape.rate_hz,
                    "channels": shape.channels,
                    "bitsPerSample": shape.bits,
                    "codec": "float" if shape.codec == _FLOAT else "pcm",
                    "peak": round(float(max(abs(low[0]), abs(high[0]))), 4),
                },
            ),
            identity=tuple(dict.fromkeys(recording.marks)),
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        recording, shape, frames = _checked(source)
        width, height = _PREVIEW_PX
        low, high = _peaks(source, recording, shape, frames, width)
        return renditions_of_array(_drawn(low, high, height))

    def text(self, source: Source) -> str:
        return ""


def _checked(source: Source) -> tuple[_Recording, _Format, int]:
    """The chunks, true against the file; the number of frames, at least one."""
    recording = _Recording()
    for name, start, end in _chunks(source):
        _take(recording, source, name, start, end)
    shape, data = recording.format, recording.data
    if shape is None or data is None:
        raise Damaged("The WAV has no format or no samples.")
    size = data[1] - data[0]
    if size % shape.frame_bytes or not size:
        raise Damaged("The WAV ends inside a sample.", size=size, frame=shape.frame_bytes)
    return recording, shape, size // shape.frame_bytes


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of every chunk; together they are the file."""
    riff, declared, form = struct.unpack("<4sI4s", exactly(source, 0, 12))
    if riff != b"RIFF" or form != b"WAVE":
        raise Damaged("The WAV header is not one.")
    if declared + 8 not in (source.size, source.size - source.size % 2, source.size + 1):
        raise Damaged("The WAV is not as long as it says.", declared=declared + 8, size=source.size)
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at >= source.size:
            return
        name, length = struct.unpack("<4sI", exactly(source, at, 8))
        if at + 8 + length > source.size:
            raise Damaged("A WAV chunk reaches beyond the file.", at=at, size=source.size)
        yield name, at + 8, at + 8 + length
        at += 8 + length + length % 2
    raise Damaged("The WAV has too many chunks.", found=_MAX_CHUNKS)


def _take(recording: _Recording, source: Source, name: bytes, start: int, end: int) -> None:
    if name == b"fmt ":
        if recording.format is not None:
            raise Damaged("The WAV has two formats.")
        recording.format = _format(exactly(source, start, min(end - start, 64)))
    elif name == b"data":
        if recording.data is not None:
            raise Damaged("The WAV has two blocks of samples.")
        recording.data = (start, end)
    elif name == b"LIST" and exactly(source, start, min(4, end - start)) == b"INFO":
        _take_info(recording, exactly(source, start + 4, min(end - start - 4, 1 << 20)))
    elif name in _TEXT_CHUNKS and end > start:
        place = f"WAV {name.decode('ascii').strip()}"
        recording.marks.append(IdentityMark(kind=_TEXT_CHUNKS[name], place=place))


def _take_info(recording: _Recording, info: bytes) -> None:
    """RIFF INFO: dates are read, names are marked."""
    at = 0
    while at + 8 <= len(info):
        name, length = struct.unpack("<4sI", info[at : at + 8])
        value = info[at + 8 : at + 8 + length].strip(b"\0 ")
        if name == b"ICRD":
            recording.captured_at = iso_stamp(value.decode("latin-1"))
        elif _INFO_PLACES.get(name) and value:
            place = f"WAV INFO {name.decode('ascii')}"
            recording.marks.append(IdentityMark(kind=_INFO_PLACES[name], place=place))
        at += 8 + length + length % 2


def _format(raw: bytes) -> _Format:
    if len(raw) < 16:
        raise Damaged("The WAV format chunk is too short.")
    codec, channels, rate, _per_second, block, bits = struct.unpack("<HHIIHH", raw[:16])
    if codec == _EXTENSIBLE and len(raw) >= 40 and raw[26:40] == _SUBFORMAT_TAIL:
        codec = int.from_bytes(raw[24:26], "little")
    if codec not in _DEPTHS:
        raise Unrecognised("The WAV holds compressed sound, which is not taken.", kind="wav")
    shape = _Format(codec=codec, channels=channels, rate_hz=rate, bits=bits)
    possible = 1 <= channels <= _MAX_CHANNELS and 1 <= rate <= _MAX_RATE_HZ
    if not possible or bits not in _DEPTHS[codec] or block != shape.frame_bytes:
        raise Damaged("The WAV format chunk contradicts itself.", channels=channels, bits=bits)
    return shape


def _peaks(
    source: Source, recording: _Recording, shape: _Format, frames: int, buckets: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest sample, -1 to 1, of each of `buckets` equal stretches of time.

    Raises Damaged if a floating-point sample is not a number.
    """
    low, high = np.full(buckets, np.inf), np.full(buckets, -np.inf)
    assert recording.data is not None
    start = recording.data[0]
    for first in range(0, frames, _BLOCK_FRAMES):
        count = min(_BLOCK_FRAMES, frames - first)
        raw = exactly(source, start + first * shape.frame_bytes, count * shape.frame_bytes)
        samples = _samples(raw, shape).reshape(count, shape.channels)
        bucket = (first + np.arange(count)) * buckets // frames
        np.minimum.at(low, bucket, samples.min(axis=1))
        np.maximum.at(high, bucket, samples.max(axis=1))
    empty = low > high  # fewer samples than buckets: hold the one before
    holds = np.maximum.accumulate(np.where(empty, 0, np.arange(buckets)))
    return low[holds], high[holds]


def _samples(raw: bytes, shape: _Format) -> NDArray[np.float64]:
    """Samples of one block as -1 to 1, channels interleaved."""
    if shape.codec == _FLOAT:
        values = np.frombuffer(raw, f"<f{shape.bits // 8}").astype(np.float64)
        if not np.isfinite(values).all():
            raise Damaged("A WAV sample is not a number.")
        return np.clip(values, -1e6, 1e6)
    if shape.bits == 8:
        return (np.frombuffer(raw, np.uint8).astype(np.float64) - 128) / 128
    if shape.bits == 24:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return wide.view("<i4").ravel().astype(np.float64) / 2**31
    scale = 2.0 ** (shape.bits - 1)
    return np.frombuffer(raw, f"<i{shape.bits // 8}").astype(np.float64) / scale


def _drawn(low: NDArray[np.float64], high: NDArray[np.float64], height: int) -> NDArray[np.uint8]:
    """The waveform, scaled to its own peak, grey-blue on near white."""
    joined_low, joined_high = low.copy(), high.copy()  # each stretch reaches to the one before
    joined_low[1:], joined_high[1:] = np.minimum(low[1:], high[:-1]), np.maximum(high[1:], low[:-1])
    peak = max(float(np.abs(low).max()), float(np.abs(high).max()), 1e-9)
    middle, reach = height // 2, height * 0.46
    rows = np.arange(height)[:, None]
    top = np.floor(middle - joined_high / peak * reach)[None]
    bottom = np.ceil(middle - joined_low / peak * reach)[None]
    picture = np.full((height, low.size, 3), _GROUND, np.uint8)
    picture[middle] = _AXIS
    picture[(rows >= top) & (rows <= bottom)] = _LINE
    return picture


WAV = Wav()
