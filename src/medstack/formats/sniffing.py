"""What kind of file bytes are: every kind they could pass for, then exactly one or a refusal.

Goes by content. Name and declared type can only contradict it, never decide, except between
plain text and CSV, which nothing in the bytes tells apart.
"""

from __future__ import annotations

import struct

from medstack.formats import FORMATS
from medstack.formats.contract import HEAD_BYTES, Ambiguous, Damaged, Empty, Mismatch, Unrecognised
from medstack.formats.known import KNOWN, SOFT, holds_markup
from medstack.kit.streams import Source

_TEXT_KINDS = ("csv", "txt")
_ARCHIVE, _PACKAGES = "zip", frozenset({"docx", "xlsx"})  # a package is an archive, once whole
_ZIP_BASED = frozenset({"docx", "xlsx"})
_EOCD_BYTES = 22
_EOCD_REACH = _EOCD_BYTES + 0xFFFF
_ZIP64_LOCATOR_BYTES = 20

# Media types that say less than they seem to: browsers and file managers attach them to anything.
_NEUTRAL_TYPES = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "text/plain", "application/unknown"}
)
_TYPE_ALIASES = {
    "image/jpg": "jpeg",
    "image/pjpeg": "jpeg",
    "image/x-png": "png",
    "image/tif": "tiff",
    "image/x-bmp": "bmp",
    "image/x-ms-bmp": "bmp",
    "application/x-pdf": "pdf",
    "text/comma-separated-values": "csv",
    "application/csv": "csv",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "application/sla": "stl",
    "application/vnd.ms-pki.stl": "stl",
    "model/x.stl-binary": "stl",
    "model/x.stl-ascii": "stl",
    "text/html": "html",
    "image/svg+xml": "svg",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/webp": "webp",
    "application/zip": "zip",
    "application/x-msdownload": "exe",
    "text/javascript": "script",
    "video/quicktime": "mov",
    "audio/mpeg": "mp3",
}


def kinds_of(source: Source) -> list[str]:
    """Every kind the bytes could pass for, those we take first, then those we only name.

    A kind that is a special case of another (DOCX of ZIP, a dual-personality DICOM of TIFF)
    stands for both. More than one name means a polyglot; [] means nothing we know.
    """
    head = source.read_at(0, HEAD_BYTES)
    tail = source.read_at(max(0, source.size - HEAD_BYTES), HEAD_BYTES)
    taken = [f.kind for f in FORMATS if f.sniff(head, tail, source.size)]
    named = [k.kind for k in KNOWN if k.probe(head, tail, source.size)]
    found = [*taken, *named]
    if "zip" not in found and _ends_in_zip_directory(source):
        found.append("zip")
    return _without_general(found, head, tail)


def _without_general(found: list[str], head: bytes, tail: bytes) -> list[str]:
    """Drop what a more special kind explains, add markup hidden in what is not text."""
    dropped: set[str] = set()
    if _ZIP_BASED & set(found):
        dropped.add("zip")
    if "dicom" in found:
        dropped |= _explained_by_dicom(head)
    hard = [k for k in found if k not in _TEXT_KINDS and k not in SOFT and k not in dropped]
    if hard:
        dropped |= {*_TEXT_KINDS, *SOFT}
        found = [*found, *_hidden_markup(hard, head, tail)]
    return [kind for kind in dict.fromkeys(found) if kind not in dropped]


def _explained_by_dicom(head: bytes) -> set[str]:
    """PS3.10 7.1 lets the preamble be a TIFF header; an encapsulated PDF starts after it."""
    explained = {"tiff"} if head[128:132] == b"DICM" else set()
    if head.find(b"%PDF") >= 132:
        explained.add("pdf")
    return explained


def _hidden_markup(hard: list[str], head: bytes, tail: bytes) -> list[str]:
    """Languages a browser or server would find in parts of a binary that are not its content."""
    if "pdf" in hard:  # XFA forms may hold markup inside; only what lies outside counts
        start, end = head.find(b"%PDF"), tail.rfind(b"%%EOF")
        regions = head[: max(start, 0)] + b"\n" + (tail[end:] if end >= 0 else b"")
    elif "dicom" in hard:
        regions = head[:128]
    elif _ZIP_BASED & set(hard):
        return []
    else:
        regions = head + b"\n" + tail
    found = holds_markup(regions)
    return [found] if found else []


def _ends_in_zip_directory(source: Source) -> bool:
    """A ZIP appended to something else: an end record whose central directory is really there."""
    reach = min(source.size, _EOCD_REACH + _ZIP64_LOCATOR_BYTES)
    base = source.size - reach
    tail = source.read_at(base, reach)
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if _is_end_record(source, tail, at, base):
            return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False


def _is_end_record(source: Source, tail: bytes, at: int, base: int) -> bool:
    record = tail[at : at + _EOCD_BYTES]
    if len(record) < _EOCD_BYTES:
        return False
    directory_bytes, _offset, comment_bytes = struct.unpack("<IIH", record[12:22])
    if at + _EOCD_BYTES + comment_bytes != len(tail):
        return False
    if tail[max(0, at - _ZIP64_LOCATOR_BYTES) : at].startswith(b"PK\x06\x07"):
        return True
    start = base + at - directory_bytes
    return directory_bytes == 0 or (start >= 0 and source.read_at(start, 4) == b"PK\x01\x02")


def identify(source: Source, *, extension: str = "", declared_media_type: str = "") -> str:
    """Name the one kind we take that `source` is.

    extension: of the sender's name, with or without its dot; unknown ones say nothing.
    Raises Empty, Damaged (half a package), Ambiguous (polyglot, or content, name and declared
    type all disagree), Mismatch (name or declared type alone disagrees), Unrecognised.
    """
    if source.size == 0:
        raise Empty("The file is empty. Export it again.", size=0)
    promised = _kind_by_extension(extension)
    announced = _kind_by_media_type(declared_media_type)
    kinds = kinds_of(source)
    if kinds == [_ARCHIVE] and promised in _PACKAGES:
        raise Damaged("A ZIP archive that is no whole document.", promised=promised)
    kind = _only(_choose_text(kinds, promised, announced))
    _cross_check(kind, promised=promised, announced=announced)
    return kind


def _only(kinds: list[str]) -> str:
    """The single taken kind among `kinds`, or the refusal."""
    if len(kinds) > 1:
        raise Ambiguous("The content reads as: " + ", ".join(kinds) + ".", kinds=tuple(kinds))
    if not kinds:
        raise Unrecognised("Nothing we know starts like this file.", kind="")
    if kinds[0] not in {f.kind for f in FORMATS}:
        raise Unrecognised(f"Files of the kind {kinds[0]} are not taken.", kind=kinds[0])
    return kinds[0]


def _choose_text(kinds: list[str], promised: str, announced: str) -> list[str]:
    """Text is what its name says: CSV or plain; or a script or markup, which is refused."""
    texts = [kind for kind in kinds if kind in _TEXT_KINDS]
    if not texts:
        return kinds
    if promised in _TEXT_KINDS:
        return [promised]
    if promised and promised in {k.kind for k in KNOWN}:
        return [promised]
    soft = [kind for kind in kinds if kind in SOFT]
    if soft:
        return soft
    if announced in texts:
        return [announced]
    return ["txt"] if "txt" in texts else texts


def _cross_check(kind: str, *, promised: str, announced: str) -> None:
    """Content against name against declared type; two that agree outvote a declared type."""
    if promised == kind:
        return
    if promised and announced and announced not in (kind, promised):
        raise Ambiguous(
            f"The content is {kind}, the name says {promised}, the declared type {announced}.",
            kinds=(kind, promised, announced),
        )
    contradiction = promised or announced
    if contradiction and contradiction != kind:
        raise Mismatch(
            f"The content is {kind}, but the {'name' if promised else 'declared type'} "
            f"says {contradiction}.",
            kind=kind,
            promised=contradiction,
        )


def _kind_by_extension(extension: str) -> str:
    wanted = extension.removeprefix(".").lower()
    promises = [(f.kind, f.extensions) for f in FORMATS] + [(k.kind, k.extensions) for k in KNOWN]
    return next((kind for kind, extensions in promises if wanted in extensions), "")


def _kind_by_media_type(declared: str) -> str:
    wanted = declared.partition(";")[0].strip().lower()
    if wanted in _NEUTRAL_TYPES:
        return ""
    for entry in FORMATS:
        if wanted == entry.media_type:
            return entry.kind
    return _TYPE_ALIASES.get(wanted, "")
