"""JPEG golden files: every block a camera or program writes beside the pixels."""

from __future__ import annotations

import io
import struct
from typing import Any

from PIL import Image
from tests.golden.scenes import quarters

# What must never be found in a rendition or in a mark.
CANARY = "Canary Ptarmigan"

_XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="2024-02-29T07:08:09+01:00"
 exif:GPSLatitude="51,30N"><dc:creator><rdf:Seq><rdf:li>{CANARY}</rdf:li></rdf:Seq></dc:creator>
 </rdf:Description></rdf:RDF></x:xmpmeta>"""


def exif(orientation: int = 1) -> Image.Exif:
    """A phone's EXIF: camera, capture date, owner, serial, position."""
    block: Any = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = CANARY
    block[0x010F], block[0x0110] = "Synthetic", "Synthetic Intraoral 5"
    block[0x011A], block[0x011B], block[0x0128] = 300.0, 300.0, 2
    block[0x013B] = CANARY
    sub = block.get_ifd(0x8769)
    sub[0x9003], sub[0x9011] = "2024:03:15 10:20:30", "+02:00"
    sub[0xA430], sub[0xA431] = CANARY, "SN-0001"
    gps = block.get_ifd(0x8825)
    gps[1], gps[2] = "N", (51.0, 30.0, 26.0)
    gps[3], gps[4] = "W", (0.0, 7.0, 39.0)
    return block


def encode(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **{"quality": 88, **options})
    return buffer.getvalue()


def photo(orientation: int = 1) -> bytes:
    return encode(Image.fromarray(quarters(96, 64)), exif=exif(orientation))


def after_soi(stream: bytes, marker: int, payload: bytes) -> bytes:
    """`stream` with one more segment right behind SOI."""
    segment = struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
    return stream[:2] + segment + stream[2:]


def marked() -> bytes:
    """XMP, IPTC and a comment, no EXIF."""
    iptc = b"".join(
        struct.pack(">BBBH", 0x1C, 2, number, len(CANARY)) + CANARY.encode()
        for number in (80, 90, 120)
    )
    resource = b"8BIM" + struct.pack(">H2xI", 0x0404, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    stream = encode(Image.fromarray(quarters(40, 24)), comment=CANARY.encode())
    stream = after_soi(stream, 0xED, b"Photoshop 3.0\0" + resource)
    return after_soi(stream, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _XMP.encode())


def with_companion() -> bytes:
    """Two pictures in one file, as phones write gain maps: an MPF index in the first."""
    first = encode(Image.fromarray(quarters(48, 32)))
    second = encode(Image.fromarray(quarters(24, 16)).convert("L"))

    def indexed(offset: int, size: int) -> bytes:
        entries = struct.pack("<IIIHH", 0x030000, size, 0, 0, 0)
        entries += struct.pack("<IIIHH", 0, len(second), offset, 0, 0)
        body = struct.pack("<HHHI4s", 2, 0xB000, 7, 4, b"0100")
        body += struct.pack("<HHII", 0xB002, 7, len(entries), 8 + 2 + 24 + 4)
        body += struct.pack("<I", 0)
        block = b"II*\0" + struct.pack("<I", 8) + body + entries
        return after_soi(first, 0xE2, b"MPF\0" + block)

    size = len(indexed(0, 0))
    return indexed(size - 10, size) + second  # offsets count from the index's byte order mark


def camera_directory(*blocks: tuple[int, bytes, bytes]) -> bytes:
    """What Samsung cameras append: (type, name, content) blocks and their directory."""
    bodies = [struct.pack("<2xHI", kind, len(name)) + name + data for kind, name, data in blocks]
    entries, back = b"", sum(map(len, bodies))
    for (kind, _, _), body in zip(blocks, bodies, strict=True):
        entries += struct.pack("<2xHII", kind, back, len(body))
        back -= len(body)
    directory = b"SEFH" + struct.pack("<II", 107, len(blocks)) + entries
    return b"".join(bodies) + directory + struct.pack("<I", len(directory)) + b"SEFT"


def files() -> dict[str, bytes]:
    coloured = Image.fromarray(quarters(96, 64))
    return {
        "photo.jpg": photo(),
        "portrait.jpg": photo(orientation=6),
        "progressive.jpg": encode(coloured, progressive=True),
        "grey.jpg": encode(coloured.convert("L"), dpi=(200, 200)),
        "cmyk.jpg": encode(coloured.convert("CMYK")),
        "marked.jpg": marked(),
        "companion.jpg": with_companion(),
        "camera.jpg": photo() + camera_directory((0x0A01, b"Image_UTC_Data", b"1710490830123")),
        "pixel.jpeg": encode(Image.new("RGB", (1, 1))),
    }
