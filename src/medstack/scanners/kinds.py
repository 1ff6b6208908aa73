"""What a file would be taken for by whoever opens it, by its first bytes alone.

Only so far as the rules ask: they look for a script in a picture, not in a note. Says nothing
about whether the file is sound; the formats decide that.
"""

from __future__ import annotations

HEAD_BYTES = 1024
_MAGICS = (
    (b"\xff\xd8\xff", 0, "jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "png"),
    (b"DICM", 128, "dicom"),
    (b"II*\0", 0, "tiff"),
    (b"MM\0*", 0, "tiff"),
    (b"BM", 0, "bmp"),
    (b"RIFF", 0, "wav"),
    (b"ftyp", 4, "mp4"),
    (b"PK\3\4", 0, "zip"),
    (b"PK\5\6", 0, "zip"),
)
_TEXT = bytes(sorted({*range(0x20, 0x100), *b"\t\n\r\f\v"}))


def kind_of(head: bytes) -> str:
    """A kind's name, "text" for what has no control bytes, "" where nothing is known.

    head: the first HEAD_BYTES. "BM" may start a text, so bytes a text has not must follow.
    """
    is_text = bool(head) and not head.translate(None, _TEXT)
    for magic, at, kind in _MAGICS:
        if head[at : at + len(magic)] == magic and not is_text:
            return kind
    if b"%PDF-" in head[:HEAD_BYTES]:
        return "pdf"
    return "text" if is_text else ""
