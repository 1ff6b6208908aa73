"""Tracks of an MP4: what they hold, how long, and that every sample lies in the media data."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import Damaged, Encrypted, Unrecognised
from medstack.formats.mp4.boxes import Box, Boxes, maybe, one
from medstack.formats.mp4.fragments import Total
from medstack.formats.reading import within_pixel_budget

VIDEO = {
    b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc",
    b"mp4v": "mpeg4", b"vp09": "vp9", b"av01": "av1", b"s263": "h263",
}  # fmt: skip
AUDIO = {
    b"mp4a": "aac", b"ac-3": "ac3", b"ec-3": "eac3", b"alac": "alac", b"Opus": "opus",
    b"fLaC": "flac", b"samr": "amr", b"sawb": "amr", b"ipcm": "pcm", b"fpcm": "pcm",
}  # fmt: skip
_PROTECTED = frozenset({b"encv", b"enca", b"drms", b"drmi"})
_TABLE_BYTES = 256 * 1024 * 1024
_SELF_CONTAINED = 1

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track. Sizes are those shown, after the turn the file asks for."""

    handler: str  # vide, soun, or another four letters
    codec: str
    duration_s: float
    samples: int
    width_px: int = 0
    height_px: int = 0
    rotation_deg: int = 0
    channels: int = 0
    rate_hz: int = 0


def read_track(boxes: Boxes, trak: Box, media: list[Box], fragments: dict[int, Total]) -> Track:
    """Read and check one `trak`. media: the file's mdat boxes; fragments: by track id.

    Raises Damaged, Encrypted, or Unrecognised for a codec we do not take.
    """
    parts = boxes.children(trak)
    mdia = boxes.children(one(parts, b"mdia"))
    timescale, duration = _media_header(boxes.body(one(mdia, b"mdhd")))
    handler = boxes.body(one(mdia, b"hdlr"))[8:12].decode("latin-1")
    minf = boxes.children(one(mdia, b"minf"))
    _check_references(boxes, minf)
    stbl = boxes.children(one(minf, b"stbl"))
    entry_name, entry = _sample_entry(boxes, one(stbl, b"stsd"))
    codec = _codec(handler, entry_name)
    tkhd = boxes.body(one(parts, b"tkhd"))
    later = fragments.get(_track_id(tkhd), Total())
    samples = _check_samples(boxes, stbl, media, may_be_empty=later.samples > 0)
    track = Track(
        handler=handler,
        codec=codec,
        samples=samples + later.samples,
        duration_s=max(duration, later.ticks) / timescale,
    )
    if handler == "vide":
        return _shown(track, entry, tkhd)
    if handler == "soun" and len(entry) >= 28:
        channels, rate = struct.unpack(">H6xI", entry[16:28])
        return replace(track, channels=channels, rate_hz=rate >> 16)
    return track


def _shown(track: Track, entry: bytes, tkhd: bytes) -> Track:
    """`track` with its picture's size, upright."""
    width, height = struct.unpack(">HH", entry[24:28]) if len(entry) >= 28 else (0, 0)
    within_pixel_budget(width, height)
    turn = _rotation(tkhd)
    if turn % 180:
        width, height = height, width
    return replace(track, width_px=width, height_px=height, rotation_deg=turn)


def _track_id(tkhd: bytes) -> int:
    at = 20 if tkhd[:1] == b"\x01" else 12
    return int.from_bytes(tkhd[at : at + 4], "big")


def _media_header(body: bytes) -> tuple[int, int]:
    """Timescale and duration; an unknown duration is 0."""
    wide = body[:1] == b"\x01"
    if len(body) < (32 if wide else 20):
        raise Damaged("The MP4 media header is cut off.")
    timescale, duration = struct.unpack(">IQ", body[20:32]) if wide else struct.unpack(
        ">II", body[12:20]
    )  # fmt: skip
    if timescale == 0:
        raise Damaged("The MP4 measures time in nothing.")
    unknown = 0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF
    return timescale, 0 if duration == unknown else duration


def _check_references(boxes: Boxes, minf: list[Box]) -> None:
    """Media data must be in this file: a reference elsewhere could read or fetch anything."""
    dinf = maybe(minf, b"dinf")
    if dinf is None:
        return
    dref = one(boxes.children(dinf), b"dref")
    for entry in boxes.children(dref, skip=8):
        flags = int.from_bytes(boxes.body(entry)[1:4], "big")
        if not flags & _SELF_CONTAINED:
            raise Damaged("The MP4 keeps its pictures in another file.")


def _sample_entry(boxes: Boxes, stsd: Box) -> tuple[bytes, bytes]:
    """Name and start of the first sample entry."""
    entries = boxes.children(stsd, skip=8)
    if not entries:
        raise Damaged("The MP4 does not say how its samples are packed.")
    return entries[0].name, boxes.body(entries[0], _TABLE_BYTES)[:64]


def _codec(handler: str, name: bytes) -> str:
    if name in _PROTECTED:
        raise Encrypted("The film is protected against being played elsewhere.")
    known = {"vide": VIDEO, "soun": AUDIO}.get(handler)
    if known is None:
        return name.decode("latin-1").strip()
    if name not in known:
        raise Unrecognised("The film is packed in a way that is not taken.", kind="mp4")
    return known[name]


def _rotation(tkhd: bytes) -> int:
    """Degrees clockwise the picture is to be turned, by the matrix of the track header."""
    at = 52 if tkhd[:1] == b"\x01" else 40
    if len(tkhd) < at + 36:
        raise Damaged("The MP4 track header is cut off.")
    a, b, _, c, d = struct.unpack(">iiiii", tkhd[at : at + 20])
    signs = tuple((v > 0) - (v < 0) for v in (a, b, c, d))
    return {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}.get(signs, 0)


def _check_samples(boxes: Boxes, stbl: list[Box], media: list[Box], *, may_be_empty: bool) -> int:
    """Count the samples; each chunk of them must lie inside one mdat."""
    offsets = _offsets(boxes, stbl)
    count, sizes, same = _sizes(boxes, stbl)
    if not count and not len(offsets) and may_be_empty:
        return 0
    per_chunk = _samples_per_chunk(boxes, one(stbl, b"stsc"), len(offsets))
    if not count or int(per_chunk.sum()) != count:
        raise Damaged("The MP4 sample tables contradict each other.", samples=count)
    bounds = np.concatenate(([0], np.cumsum(per_chunk)))
    sums = bounds * same if same else np.concatenate(([0], np.cumsum(sizes)))[bounds]
    ends = offsets + np.diff(sums)
    homes = np.zeros(len(offsets), bool)
    for box in media:
        homes |= (offsets >= box.start) & (ends <= box.end)
    if not homes.all():
        raise Damaged("The MP4 points at pictures or sound that are not there.")
    return count


def _table(boxes: Boxes, box: Box, dtype: str, *, skip: int) -> NDArray[np.int64]:
    """`count` records behind the full-box header, count standing `skip` - 4 bytes in."""
    body = boxes.body(box, _TABLE_BYTES)
    if len(body) < skip:
        raise Damaged("An MP4 table is cut off.")
    count = int.from_bytes(body[skip - 4 : skip], "big")
    if len(body) - skip < count * np.dtype(dtype).itemsize:
        raise Damaged("An MP4 table is shorter than it says.", box=box.name.decode("latin-1"))
    return np.frombuffer(body, dtype, count, skip).astype(np.int64)


def _sizes(boxes: Boxes, stbl: list[Box]) -> tuple[int, Numbers, int]:
    """Number of samples, and their sizes, or the one size they share (then no list)."""
    stsz = maybe(stbl, b"stsz")
    if stsz is None:
        listed = _compact_sizes(boxes, one(stbl, b"stz2"))
        return len(listed), listed, 0
    body = boxes.body(stsz, _TABLE_BYTES)
    if len(body) < 12:
        raise Damaged("An MP4 table is cut off.")
    same, count = struct.unpack(">II", body[4:12])
    if same:
        return count, np.empty(0, np.int64), same
    listed = _table(boxes, stsz, ">u4", skip=12)
    return len(listed), listed, 0


def _compact_sizes(boxes: Boxes, stz2: Box) -> Numbers:
    body = boxes.body(stz2, _TABLE_BYTES)
    if len(body) < 12 or body[7] not in (8, 16):
        raise Damaged("An MP4 table has no such field size.")
    return _table(boxes, stz2, ">u1" if body[7] == 8 else ">u2", skip=12)


def _offsets(boxes: Boxes, stbl: list[Box]) -> Numbers:
    co64 = maybe(stbl, b"co64")
    if co64 is not None:
        offsets = _table(boxes, co64, ">i8", skip=8)
    else:
        offsets = _table(boxes, one(stbl, b"stco"), ">u4", skip=8)
    if (offsets < 0).any() or (offsets > 1 << 60).any():
        raise Damaged("The MP4 points at pictures or sound that are not there.")
    return offsets


def _samples_per_chunk(boxes: Boxes, stsc: Box, chunks: int) -> Numbers:
    """Runs of (first chunk, samples per chunk) spread over all chunks."""
    runs = _table(boxes, stsc, ">(3,)u4", skip=8).reshape(-1, 3)
    first = runs[:, 0]
    if chunks and (not len(runs) or first[0] != 1):
        raise Damaged("The MP4 sample tables contradict each other.")
    if (np.diff(first) <= 0).any() or (first > max(chunks, 1)).any():
        raise Damaged("The MP4 sample tables contradict each other.")
    lengths = np.diff(np.append(first, chunks + 1))
    return np.repeat(runs[:, 1], lengths)
