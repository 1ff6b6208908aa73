"""BMP golden files: what older imaging bridges write."""

from __future__ import annotations

import io
import struct

from PIL import Image
from tests.golden.scenes import arch, quarters


def encode(picture: Image.Image, dpi: int = 96) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "BMP", dpi=(dpi, dpi))
    return buffer.getvalue()


def run_length() -> bytes:
    """8 × 4, RLE8: four rows of one colour each."""
    palette = struct.pack("<I", 0) + struct.pack("<I", 0xFFFFFF) * 255
    data = bytes([8, 0, 0, 0, 8, 1, 0, 0, 8, 0, 0, 0, 8, 1, 0, 1])
    header = struct.pack("<IiiHHIIiiII", 40, 8, 4, 1, 8, 1, len(data), 0, 0, 256, 0)
    pixels_at = 14 + len(header) + len(palette)
    start = struct.pack("<2sI4xI", b"BM", pixels_at + len(data), pixels_at)
    return start + header + palette + data


def files() -> dict[str, bytes]:
    grey = Image.fromarray((arch(61, 40) * 255).astype("uint8"))
    return {
        "colour.bmp": encode(Image.fromarray(quarters(33, 20)), dpi=300),
        "grey.bmp": encode(grey),
        "bilevel.bmp": encode(grey.convert("1")),
        "runs.bmp": run_length(),
    }
