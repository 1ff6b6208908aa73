"""Where everything lies in a DICOM file: PS3.5 7 and PS3.10 7, walked element by element.

Every length is checked against the file before anybody reads by it, so the library that
parses values afterwards cannot be made to allocate or loop. Reads no value itself, except
the transfer syntax. The walk ends at the last byte of the file or raises Damaged.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from medstack.formats.contract import Ambiguous, Damaged, Excessive
from medstack.formats.reading import exactly
from medstack.kit.streams import MemorySource, Source, chunks_of

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"

PIXEL_DATA = 0x7FE00010
PIXEL_ELEMENTS = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})
_TRANSFER_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
VRS = _LONG_VRS | {
    *(b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT"),
    *(b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
}
_MAX_DEPTH = 32
_MAX_ELEMENTS = 2_000_000
_MAX_INFLATED_BYTES = 1024 * 1024 * 1024
_MAX_INFLATION = 1032  # deflate cannot do more; a declared bound, not a guess
_PREAMBLE_BYTES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How elements are written in one part of a file."""

    is_implicit: bool
    is_little: bool

    @property
    def order(self) -> str:
        return "<" if self.is_little else ">"


META_ENCODING = Encoding(is_implicit=False, is_little=True)
_IMPLICIT = Encoding(is_implicit=True, is_little=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of the top level: where its value lies, end exclusive."""

    tag: int
    vr: bytes  # b"" in implicit encodings
    start: int
    end: int
    is_undefined: bool  # of undefined length: the value ends with its own delimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A whole file, measured."""

    source: Source  # of the data set: the file, or what it inflates to
    has_preamble: bool
    meta: tuple[int, int]  # the file meta group's bytes in the file
    transfer_syntax: str
    encoding: Encoding
    start: int  # of the data set in `source`
    elements: dict[int, Element] = field(default_factory=dict)
    fragments: tuple[tuple[int, int], ...] = ()  # of encapsulated pixel data, table first


def measure(source: Source) -> Layout:
    """Walk the whole file. Raises Damaged, Excessive, or Ambiguous for a foreign preamble."""
    has_preamble = exactly(source, 0, min(132, source.size))[128:] == b"DICM"
    meta_start = 0
    if has_preamble:
        _check_preamble(source)
        meta_start = _PREAMBLE_BYTES + 4
    meta_end, transfer_syntax = _meta(source, meta_start)
    body, start = source, meta_end
    if transfer_syntax == DEFLATED_LITTLE:
        body, start = _inflated(source, meta_end), 0
    encoding = _encoding(body, start, transfer_syntax)
    walk = _Walk(body, encoding)
    elements = walk.top_level(start)
    return Layout(
        source=body,
        has_preamble=has_preamble,
        meta=(meta_start, meta_end),
        transfer_syntax=transfer_syntax or _syntax_of(encoding),
        encoding=encoding,
        start=start,
        elements=elements,
        fragments=tuple(walk.fragments),
    )


def _check_preamble(source: Source) -> None:
    """PS3.10 7.1: zero, or the start of another format; of those only TIFF is harmless.

    Some scanners leave a stray byte further in, where no other format could start.
    """
    if source.read_at(0, 4) not in (b"\0\0\0\0", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        raise Ambiguous("The bytes before the DICOM header belong to something else.")


def _meta(source: Source, start: int) -> tuple[int, str]:
    """The end of group 0002 and the transfer syntax it names, "" where it names none."""
    walk = _Walk(source, META_ENCODING)
    at, syntax = start, ""
    while source.read_at(at, 2) == b"\x02\0":
        element, at = walk.element(at, source.size)
        if element.tag == _TRANSFER_SYNTAX:
            raw = exactly(source, element.start, min(64, element.end - element.start))
            syntax = raw.rstrip(b"\0 ").decode("ascii", "replace")
    return at, syntax


def _inflated(source: Source, start: int) -> Source:
    """The data set of a deflated file, unpacked up to a bound. Raises Damaged, Excessive."""
    limit = min(_MAX_INFLATED_BYTES, (source.size - start) * _MAX_INFLATION)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, room = [], limit + 1
    try:
        for packed in chunks_of(source, start):
            pieces.append(unpacker.decompress(packed, room))
            room -= len(pieces[-1])
            if room <= 0:
                raise Excessive(
                    "The DICOM data set unpacks to more than is safe.",
                    rule="inflated-size",
                    limit=limit,
                )
    except zlib.error as cause:
        raise Damaged("The deflated DICOM data set is broken.") from cause
    body = b"".join(pieces)
    gzip_trailer = struct.pack("<II", zlib.crc32(body), len(body))  # some writers leave it on
    if not unpacker.eof or unpacker.unused_data not in (b"", b"\0", gzip_trailer):
        raise Damaged("The deflated DICOM data set does not end where the file does.")
    return MemorySource(body)


def _encoding(source: Source, start: int, syntax: str) -> Encoding:
    """The encoding the first element is written in: some writers name the other one."""
    first = exactly(source, start, min(8, source.size - start))
    if first[4:6] not in VRS:
        return _IMPLICIT
    is_big = syntax == EXPLICIT_BIG or (not syntax and first[0] == 0)
    return Encoding(is_implicit=False, is_little=not is_big)


def _syntax_of(encoding: Encoding) -> str:
    if encoding.is_implicit:
        return IMPLICIT_LITTLE
    return EXPLICIT_LITTLE if encoding.is_little else EXPLICIT_BIG


class _Walk:
    """One pass over the elements of a source."""

    def __init__(self, source: Source, encoding: Encoding) -> None:
        self._source = source
        self._encoding = encoding
        self._seen = 0
        self.fragments: list[tuple[int, int]] = []

    def top_level(self, start: int) -> dict[int, Element]:
        """Every element from `start` to the end of the source, by tag."""
        elements: dict[int, Element] = {}
        at = start
        while at < self._source.size:
            element, at = self.element(at, self._source.size)
            if element.tag in elements:
                raise Damaged("A DICOM element stands twice.", at=element.start)
            elements[element.tag] = element
        if not elements:
            raise Damaged("The DICOM file has no data set.")
        return elements

    def element(self, at: int, end: int) -> tuple[Element, int]:
        """The element at `at`, and where the next begins."""
        tag, vr, start, length = self._header(at, self._encoding)
        if tag >> 16 == 0 or tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
            raise Damaged("A DICOM element is out of place.", at=at)
        if length == _UNDEFINED:
            stop = self._undefined(tag, vr, start, end, self._encoding, depth=0)
        else:
            stop = start + length
            if stop > end:
                raise Damaged("A DICOM element reaches beyond the file.", at=at, size=end)
        found = Element(tag=tag, vr=vr, start=start, end=stop, is_undefined=length == _UNDEFINED)
        return found, stop

    def _header(self, at: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
        """Tag, VR, start of the value and its length."""
        self._seen += 1
        if self._seen > _MAX_ELEMENTS:
            raise Excessive(
                "The DICOM file has too many elements.",
                rule="dicom-elements",
                limit=_MAX_ELEMENTS,
                found=self._seen,
            )
        raw = exactly(self._source, at, 8)
        group, number = struct.unpack(encoding.order + "HH", raw[:4])
        tag = group << 16 | number
        if encoding.is_implicit or group == 0xFFFE:
            return tag, b"", at + 8, struct.unpack(encoding.order + "I", raw[4:])[0]
        vr = raw[4:6]
        if not (vr.isalpha() and vr.isupper()):
            raise Damaged("A DICOM element has no value representation.", at=at)
        if vr in _LONG_VRS:
            long = exactly(self._source, at + 8, 4)
            return tag, vr, at + 12, struct.unpack(encoding.order + "I", long)[0]
        return tag, vr, at + 8, struct.unpack(encoding.order + "H", raw[6:])[0]

    def _undefined(
        self, tag: int, vr: bytes, at: int, end: int, encoding: Encoding, *, depth: int
    ) -> int:
        """Where a value of undefined length ends, behind its delimiter."""
        if depth > _MAX_DEPTH:
            raise Damaged("The DICOM sequences are nested too deep.", at=at)
        if tag == PIXEL_DATA and depth == 0:
            self.fragments = list(self._fragments(at, end))
            return self.fragments.pop()[1]
        if vr == b"UN":
            encoding = _IMPLICIT  # PS3.5 6.2.2 note 2
        elif vr not in (b"", b"SQ"):
            raise Damaged("A DICOM element has no length.", at=at)
        while True:
            item, _, start, length = self._header(at, encoding)
            if item == _SEQUENCE_END:
                return start
            if item != _ITEM:
                raise Damaged("A DICOM sequence holds something else than items.", at=at)
            at = self._item_end(start, length, end, encoding, depth=depth)

    def _item_end(self, at: int, length: int, end: int, encoding: Encoding, *, depth: int) -> int:
        if length != _UNDEFINED:
            if at + length > end:
                raise Damaged("A DICOM item reaches beyond the file.", at=at)
            return at + length
        while True:
            tag, vr, start, size = self._header(at, encoding)
            if tag == _ITEM_END:
                return start
            if size == _UNDEFINED:
                at = self._undefined(tag, vr, start, end, encoding, depth=depth + 1)
            elif start + size > end:
                raise Damaged("A DICOM element reaches beyond the file.", at=at)
            else:
                at = start + size

    def _fragments(self, at: int, end: int) -> Iterator[tuple[int, int]]:
        """Start and end of every fragment, the offset table first; the delimiter last."""
        while True:
            tag, _, start, length = self._header(at, self._encoding)
            if tag == _SEQUENCE_END:
                yield at, start
                return
            if tag != _ITEM or start + length > end:
                raise Damaged("The DICOM pixel data is cut off.", at=at)
            yield start, start + length
            at = start + length
