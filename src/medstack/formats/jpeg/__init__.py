"""JPEG photographs and scans: ITU-T T.81 streams with JFIF, EXIF, XMP and IPTC blocks."""

from __future__ import annotations

from medstack.formats.contract import Damaged, FileMetadata, IdentityMark, Inspection, Rendition
from medstack.formats.embedded import Embedded, merged, sane_dpi
from medstack.formats.exif import read_exif
from medstack.formats.iptc import read_photoshop
from medstack.formats.jpeg.companions import end_of_companions
from medstack.formats.jpeg.structure import APP0, APP1, APP2, APP13, COM, Stream, walk
from medstack.formats.jpeg.trailer import marks_of_trailer
from medstack.formats.pictures import decode_fully, renditions_of_source
from medstack.formats.reading import within_pixel_budget
from medstack.formats.xmp import read_xmp
from medstack.kit.streams import Source

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_XMP_EXTENSION_HEADER_BYTES = 40  # GUID, full length, offset
_PHOTOSHOP = b"Photoshop 3.0\0"
_ICC = b"ICC_PROFILE\0"
_TURNED = frozenset({5, 6, 7, 8})  # orientations that swap width and height


class Jpeg:
    """One picture, whole to its EOI.

    Behind it may stand the pictures its own MPF index names and a Samsung camera's directory;
    anything else is Damaged.
    """

    kind = "jpeg"
    media_type = "image/jpeg"
    extensions = ("jpg", "jpeg", "jpe", "jfif")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return head.startswith(b"\xff\xd8\xff")

    def inspect(self, source: Source) -> Inspection:
        stream, embedded, companions = _checked(source)
        decode_fully(source, "jpegload_source")
        width, height = stream.frame.width_px, stream.frame.height_px
        if embedded.orientation in _TURNED:
            width, height = height, width
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(
                width_px=width,
                height_px=height,
                resolution_dpi=embedded.resolution_dpi,
                captured_at=embedded.captured_at,
                equipment=embedded.equipment,
                extra=_extra(stream, companions),
            ),
            identity=embedded.marks,
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        _checked(source)
        return renditions_of_source(source)

    def text(self, source: Source) -> str:
        return ""


def _checked(source: Source) -> tuple[Stream, Embedded, int]:
    """Everything that can be known before the first pixel is decoded."""
    stream = walk(source)
    within_pixel_budget(stream.frame.width_px, stream.frame.height_px)
    end, companions = end_of_companions(source, stream)
    embedded = _embedded(stream)
    if end != source.size:
        trailing = marks_of_trailer(source, end)
        if trailing is None:
            raise Damaged("There is data after the end of the picture.", at=end, size=source.size)
        embedded = merged(embedded, Embedded(marks=trailing))
    return stream, embedded, companions


def _extra(stream: Stream, companions: int) -> dict[str, str | int | float | bool]:
    extra: dict[str, str | int | float | bool] = {
        "components": stream.frame.components,
        "progressive": stream.frame.is_progressive,
        "colorProfile": bool(_payloads(stream, APP2, _ICC)),
    }
    return extra | ({"companionPictures": companions} if companions else {})


def _embedded(stream: Stream) -> Embedded:
    exif = [read_exif(block) for block in _payloads(stream, APP1, _EXIF)]
    xmp = [read_xmp(packet) for packet in _payloads(stream, APP1, _XMP)]
    extension = _extended_xmp(stream)
    photoshop = b"".join(_payloads(stream, APP13, _PHOTOSHOP))
    return merged(
        *exif,
        *xmp,
        *([read_xmp(extension)] if extension else []),
        *([read_photoshop(photoshop)] if photoshop else []),
        Embedded(resolution_dpi=_jfif_dpi(stream), marks=_comments(stream)),
    )


def _payloads(stream: Stream, marker: int, signature: bytes) -> list[bytes]:
    return [
        segment.payload[len(signature) :]
        for segment in stream.segments
        if segment.marker == marker and segment.payload.startswith(signature)
    ]


def _extended_xmp(stream: Stream) -> bytes:
    """The packet that did not fit one segment, put together by the offsets it carries."""
    parts = _payloads(stream, APP1, _XMP_EXTENSION)
    parts.sort(key=lambda part: part[36:_XMP_EXTENSION_HEADER_BYTES])
    return b"".join(part[_XMP_EXTENSION_HEADER_BYTES:] for part in parts)


def _jfif_dpi(stream: Stream) -> float | None:
    for payload in _payloads(stream, APP0, b"JFIF\0"):
        unit, across = payload[2:3], int.from_bytes(payload[3:5], "big")
        if unit == b"\x01":
            return sane_dpi(across)
        if unit == b"\x02":
            return sane_dpi(across * 2.54)
    return None


def _comments(stream: Stream) -> tuple[IdentityMark, ...]:
    if any(s.marker == COM and s.payload.strip(b"\0 \r\n") for s in stream.segments):
        return (IdentityMark(kind="comment", place="JPEG comment"),)
    return ()


JPEG = Jpeg()
