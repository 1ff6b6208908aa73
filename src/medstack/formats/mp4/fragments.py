"""Films recorded in fragments: samples and time told by each `moof`, ISO/IEC 14496-12 8.8."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from medstack.formats.contract import Damaged
from medstack.formats.mp4.boxes import Box, Boxes, maybe, one

_BASE_OFFSET, _ENTRY_INDEX, _DURATION, _SIZE = 0x1, 0x2, 0x8, 0x10  # tfhd flags
_RUN_OFFSET, _RUN_FIRST_FLAGS = 0x1, 0x4  # trun flags, then one word a sample each:
_RUN_WORDS = (0x100, 0x200, 0x400, 0x800)  # duration, size, flags, composition offset
_RUN_BYTES = 64 * 1024 * 1024
_NO_DEFAULTS = (0, 0)


@dataclass(slots=True, kw_only=True)
class Total:
    """All fragments of one track together."""

    samples: int = 0
    ticks: int = 0  # in the track's timescale
    size_bytes: int = 0


def totals_of(boxes: Boxes, top: list[Box], moov: list[Box]) -> dict[int, Total]:
    """Samples and time of every track, by track id. Raises Damaged.

    What the fragments say they hold must fit the media data of the file.
    """
    defaults = _defaults(boxes, moov)
    totals: dict[int, Total] = {}
    for moof in (box for box in top if box.name == b"moof"):
        for traf in (box for box in boxes.children(moof) if box.name == b"traf"):
            _add(boxes, boxes.children(traf), defaults, totals)
    held = sum(box.size for box in top if box.name == b"mdat")
    if sum(total.size_bytes for total in totals.values()) > held:
        raise Damaged("The MP4 points at pictures or sound that are not there.")
    return totals


def _defaults(boxes: Boxes, moov: list[Box]) -> dict[int, tuple[int, int]]:
    """Track id to default duration and size, from the movie's `trex` boxes."""
    mvex = maybe(moov, b"mvex")
    bodies = [boxes.body(b) for b in boxes.children(mvex) if b.name == b"trex"] if mvex else []
    found = {}
    for body in bodies:
        if len(body) < 24:
            raise Damaged("An MP4 table is cut off.")
        track, _, duration, size = struct.unpack(">4I", body[4:20])
        found[track] = (duration, size)
    return found


def _add(
    boxes: Boxes,
    traf: list[Box],
    defaults: dict[int, tuple[int, int]],
    totals: dict[int, Total],
) -> None:
    track, duration, size = _header(boxes.body(one(traf, b"tfhd")), defaults)
    total = totals.setdefault(track, Total())
    for run in (box for box in traf if box.name == b"trun"):
        _add_run(boxes.body(run, _RUN_BYTES), duration, size, total)


def _header(body: bytes, defaults: dict[int, tuple[int, int]]) -> tuple[int, int, int]:
    """Track id, and the duration and size of samples whose run does not tell."""
    if len(body) < 8:
        raise Damaged("An MP4 table is cut off.")
    flags, track = int.from_bytes(body[1:4], "big"), int.from_bytes(body[4:8], "big")
    duration, size = defaults.get(track, _NO_DEFAULTS)
    at = 8 + 8 * bool(flags & _BASE_OFFSET) + 4 * bool(flags & _ENTRY_INDEX)
    if flags & _DURATION:
        duration, at = int.from_bytes(body[at : at + 4], "big"), at + 4
    if flags & _SIZE:
        size = int.from_bytes(body[at : at + 4], "big")
    return track, duration, size


def _add_run(body: bytes, duration: int, size: int, total: Total) -> None:
    if len(body) < 8:
        raise Damaged("An MP4 table is cut off.")
    flags, count = int.from_bytes(body[1:4], "big"), int.from_bytes(body[4:8], "big")
    start = 8 + 4 * bool(flags & _RUN_OFFSET) + 4 * bool(flags & _RUN_FIRST_FLAGS)
    words = [flag for flag in _RUN_WORDS if flags & flag]
    if len(body) < start + count * 4 * len(words):
        raise Damaged("An MP4 table is shorter than it says.", box="trun")
    told = np.frombuffer(body, ">u4", count * len(words), start).reshape(count, len(words))
    columns = {flag: told[:, n].astype(np.int64).sum() for n, flag in enumerate(words)}
    total.samples += count
    total.ticks += int(columns.get(_RUN_WORDS[0], count * duration))
    total.size_bytes += int(columns.get(_RUN_WORDS[1], count * size))
