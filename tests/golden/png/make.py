"""PNG golden files: depths, text chunks, eXIf, resolution, animation."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, PngImagePlugin
from tests.golden.jpeg.make import CANARY, exif
from tests.golden.scenes import arch, quarters


def encode(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def after_header(png: bytes, extra: bytes) -> bytes:
    """`png` with `extra` chunks right behind IHDR."""
    return png[:33] + extra + png[33:]


def bomb(width: int, height: int) -> bytes:
    """A bilevel picture of the given size, small when packed."""
    packed = zlib.compress(bytes((width + 7) // 8 + 1) * 64, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def described() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", CANARY)
    notes.add_text("Comment", CANARY, zip=True)
    notes.add_itxt("Title", CANARY)
    notes.add_text("Software", "Synthetic Viewer")
    notes.add_text("Creation Time", "2023-11-05 06:07:08")
    return encode(Image.fromarray(quarters(48, 32)), pnginfo=notes, dpi=(600, 600))


def files() -> dict[str, bytes]:
    deep = (arch(64, 40) * 65535).astype("uint16")
    frames = [Image.fromarray(quarters(24, 16)), Image.fromarray(quarters(24, 16)[::-1].copy())]
    clear = Image.fromarray(quarters(24, 16)).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((24, 16)))
    return {
        "colour.png": encode(Image.fromarray(quarters(48, 32))),
        "described.png": described(),
        "turned.png": encode(Image.fromarray(quarters(48, 32)), exif=exif(8)),
        "deep.png": encode(Image.fromarray(deep)),
        "palette.png": encode(Image.fromarray(quarters(48, 32)).convert("P")),
        "clear.png": encode(clear),
        "moving.png": encode(frames[0], save_all=True, append_images=frames[1:], duration=100),
    }
