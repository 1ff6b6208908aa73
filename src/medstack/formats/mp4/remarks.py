"""What a film says about its making, and where it names somebody or some place.

User data (3GPP TS 26.244, QuickTime), iTunes lists and QuickTime keys. Places, never values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from medstack.formats.contract import Damaged, IdentityMark
from medstack.formats.embedded import Embedded, iso_stamp, maker_and_model, merged
from medstack.formats.mp4.boxes import Box, Boxes, maybe
from medstack.formats.xmp import read_xmp

_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_NAMED = {
    b"\xa9xyz": "gps-position",
    b"loci": "gps-position",
    b"\xa9nam": "title",
    b"titl": "title",
    b"\xa9ART": "author",
    b"aART": "author",
    b"\xa9aut": "author",
    b"auth": "author",
    b"\xa9wrt": "author",
    b"\xa9dir": "author",
    b"\xa9prd": "author",
    b"perf": "person-name",
    b"\xa9prf": "person-name",
    b"\xa9cmt": "comment",
    b"\xa9des": "description",
    b"desc": "description",
    b"ldes": "description",
    b"dscp": "description",
    b"\xa9inf": "description",
    b"\xa9cpy": "copyright",
    b"cprt": "copyright",
    b"\xa9alb": "title",
    b"albm": "title",
    b"kywd": "keywords",
    b"\xa9key": "keywords",
    b"CAME": "device-serial",
    b"MUID": "unique-id",
    b"GPMF": "gps-position",
}
_KEYS = {
    "location": "gps-position",
    "author": "author",
    "artist": "author",
    "director": "author",
    "producer": "author",
    "displayname": "title",
    "title": "title",
    "comment": "comment",
    "description": "description",
    "information": "description",
    "copyright": "copyright",
    "keywords": "keywords",
    "identifier": "unique-id",
}
_TELEMETRY = {"gpmd": "gps-position", "camm": "gps-position", "mebx": "unreadable"}


@dataclass(slots=True, kw_only=True)
class _Notes:
    values: dict[str, str] = field(default_factory=dict)
    marks: list[IdentityMark] = field(default_factory=list)


def remarks_of(boxes: Boxes, top: list[Box], moov: list[Box], codecs: list[str]) -> Embedded:
    """Everything said outside the pictures. Raises Damaged where boxes break."""
    notes = _Notes()
    for holder in (*top, *moov, *(c for t in moov if t.name == b"trak" for c in boxes.children(t))):
        if holder.name == b"udta":
            _take_user_data(boxes, holder, notes)
        elif holder.name == b"meta":
            _take_meta(boxes, holder, notes)
    xmp = [read_xmp(packet) for packet in _packets(boxes, top)]
    for codec in codecs:
        if codec in _TELEMETRY:
            notes.marks.append(IdentityMark(kind=_TELEMETRY[codec], place=f"MP4 track {codec}"))
    said = Embedded(
        captured_at=iso_stamp(notes.values.get("creationdate", "")) or _created(boxes, moov),
        equipment=maker_and_model(notes.values.get("make", ""), notes.values.get("model", "")),
        marks=tuple(notes.marks),
    )
    return merged(said, *xmp)


def _created(boxes: Boxes, moov: list[Box]) -> str | None:
    """The movie header's creation time: UTC by the standard, zero where unknown."""
    mvhd = maybe(moov, b"mvhd")
    if mvhd is None:
        raise Damaged("The MP4 has no movie header.")
    body = boxes.body(mvhd)
    wide = body[:1] == b"\x01"
    seconds = int.from_bytes(body[4 : 12 if wide else 8], "big")
    if not 0 < seconds < 1 << 33:
        return None
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _take_user_data(boxes: Boxes, udta: Box, notes: _Notes) -> None:
    for box in boxes.children(udta):
        if box.name == b"meta":
            _take_meta(boxes, box, notes)
        elif box.name == b"XMP_":
            notes.marks.extend(read_xmp(boxes.body(box, 1 << 24)).marks)
        elif box.name in _NAMED and box.size > 4:
            _mark(notes, box)
        elif box.name in (b"\xa9mak", b"\xa9mod", b"\xa9day"):
            _keep(notes, box.name, boxes.body(box)[4:])


def _take_meta(boxes: Boxes, meta: Box, notes: _Notes) -> None:
    """A meta box is a full box in MP4, a plain one in QuickTime."""
    is_plain = boxes.body(meta, 1 << 24)[4:8] == b"hdlr"
    parts = boxes.children(meta, skip=0 if is_plain else 4)
    ilst, keys = maybe(parts, b"ilst"), maybe(parts, b"keys")
    if ilst is None:
        return
    names = list(_key_names(boxes.body(keys))) if keys is not None else []
    for item in boxes.children(ilst):
        number = int.from_bytes(item.name, "big")
        if names and 1 <= number <= len(names):
            _take_key(boxes, item, names[number - 1], notes)
        elif item.name in _NAMED:
            _mark(notes, item)
        elif item.name in (b"\xa9mak", b"\xa9mod", b"\xa9day"):
            _keep(notes, item.name, boxes.body(item)[16:])


def _key_names(body: bytes) -> Iterator[str]:
    at = 8
    while at + 8 <= len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        if size < 8:
            return
        yield body[at + 8 : at + size].decode("utf-8", "replace")
        at += size


def _take_key(boxes: Boxes, item: Box, name: str, notes: _Notes) -> None:
    """com.apple.quicktime.location.ISO6709 and its like."""
    words = name.lower().split(".")
    for word in words:
        if word in _KEYS:
            notes.marks.append(IdentityMark(kind=_KEYS[word], place=f"MP4 key {word}"))
            return
    if words[-1] in ("make", "model", "creationdate"):
        notes.values[words[-1]] = _text(boxes.body(item)[16:])


def _mark(notes: _Notes, box: Box) -> None:
    name = box.name.decode("latin-1").replace("\xa9", "©")
    notes.marks.append(IdentityMark(kind=_NAMED[box.name], place=f"MP4 {name}"))


def _keep(notes: _Notes, name: bytes, value: bytes) -> None:
    key = {b"\xa9mak": "make", b"\xa9mod": "model", b"\xa9day": "creationdate"}[name]
    notes.values[key] = _text(value)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip("\0 ")[:200]


def _packets(boxes: Boxes, top: list[Box]) -> Iterator[bytes]:
    for box in top:
        if box.name == b"uuid" and 16 < box.size < 1 << 24:
            body = boxes.body(box, 1 << 24)
            if body.startswith(_XMP_UUID):
                yield body[16:]
