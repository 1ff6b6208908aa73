"""ZIPs made for tests: plain, zip64, nested, glued together, and Office packages."""

from __future__ import annotations

import io
import zipfile

CONTENT_TYPES = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    b'content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
)


def zipped(*members: tuple[str, bytes], stored: bool = False, zip64: bool = False) -> bytes:
    """A ZIP of (name, content). zip64: local headers as streaming zippers write them."""
    out = io.BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(data)
    return out.getvalue()


def nested(content: bytes, levels: int) -> bytes:
    """`content` in a ZIP in a ZIP …; levels: how many ZIPs."""
    for level in range(levels):
        content = zipped((f"level{level}", content))
    return content


def package(*parts: tuple[str, bytes]) -> bytes:
    """An OOXML package with `parts`."""
    return zipped(("[Content_Types].xml", CONTENT_TYPES), *parts)
