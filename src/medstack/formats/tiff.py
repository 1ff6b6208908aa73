"""TIFF 6.0 scans and radiographs: every page's strips and tiles lie inside the file.

Structure is checked by our own directory reader, pixels by libvips, page by page.
"""

from __future__ import annotations

from dataclasses import dataclass

from medstack.formats.contract import Damaged, Excessive, FileMetadata, Inspection, Rendition
from medstack.formats.contract import Unrecognised as NotTaken
from medstack.formats.embedded import Embedded, merged, unreadable
from medstack.formats.exif import of_directories
from medstack.formats.iptc import read_iptc, read_photoshop
from medstack.formats.pictures import (
    VipsImage,
    decode_fully,
    opened,
    renditions,
    renditions_of_source,
)
from medstack.formats.reading import PIXEL_BUDGET, within_pixel_budget
from medstack.formats.tiffdir import Directory, TiffBlock
from medstack.formats.xmp import read_xmp
from medstack.kit.streams import Source

_WIDTH, _HEIGHT, _BITS, _COMPRESSION = 0x100, 0x101, 0x102, 0x103
_SAMPLES = 0x115
_PIECES = ((0x111, 0x117), (0x144, 0x145))  # strips, tiles: offsets and byte counts
_XMP, _IPTC, _PHOTOSHOP = 0x2BC, 0x83BB, 0x8649
_RAW_CAMERA_TAGS = frozenset({0xC612})  # DNGVersion
_NEW_JPEG = 7
_COMPRESSIONS = {
    1: "none",
    2: "ccitt",
    3: "ccitt",
    4: "ccitt",
    5: "lzw",
    _NEW_JPEG: "jpeg",
    8: "deflate",
    32946: "deflate",
    32773: "packbits",
    50000: "zstd",
    50001: "webp",
}
_ALL_PAGES_BUDGET = 4 * PIXEL_BUDGET
_TURNED = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    width: int
    height: int
    bits: int
    samples: int
    compression: str


class Tiff:
    """One or more pages; the first is the picture, all are decoded once."""

    kind = "tiff"
    media_type = "image/tiff"
    extensions = ("tif", "tiff")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        return head[:4] in (b"II*\0", b"MM\0*")

    def inspect(self, source: Source) -> Inspection:
        tiff, pages = _checked(source)
        for number in range(len(pages)):
            decode_fully(source, "tiffload_source", page=number)
        embedded = _embedded(tiff)
        width, height = pages[0].width, pages[0].height
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
                extra={
                    "pageCount": len(pages),
                    "bitsPerSample": pages[0].bits,
                    "components": pages[0].samples,
                    "compression": pages[0].compression,
                },
            ),
            identity=embedded.marks,
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        _tiff, pages = _checked(source)
        first = pages[0]
        if first.bits > 8 and first.samples == 1:
            with opened(source, "tiffload_source", access="sequential", fail_on="error") as image:
                return renditions(_stretched(image.autorot().copy_memory()))
        return renditions_of_source(source)

    def text(self, source: Source) -> str:
        return ""


def _stretched(image: VipsImage) -> VipsImage:
    """Deep grey values over the screen's 256: sensors use 10 to 14 bits of their 16."""
    low, high = image.min(), image.max()
    scale = 255 / (high - low) if high > low else 1
    return ((image - low) * scale).cast("uchar").copy(interpretation="b-w")


def _checked(source: Source) -> tuple[TiffBlock, list[_Page]]:
    """Everything that can be known before the first pixel is decoded."""
    tiff = TiffBlock(source)
    pages = [_page(tiff, directory, source.size) for directory in tiff.directories()]
    if not pages:
        raise Damaged("The TIFF has no page.")
    total = sum(page.width * page.height for page in pages)
    if total > _ALL_PAGES_BUDGET:
        raise Excessive(
            f"The pages have {total} pixels together; at most {_ALL_PAGES_BUDGET} are decoded.",
            rule="pixel-budget",
            limit=_ALL_PAGES_BUDGET,
            found=total,
        )
    return tiff, pages


def _page(tiff: TiffBlock, directory: Directory, size: int) -> _Page:
    if _RAW_CAMERA_TAGS & set(directory.entries):
        raise NotTaken("Raw camera files are not taken.", kind="dng")
    width = tiff.integer(directory, _WIDTH, 0)
    height = tiff.integer(directory, _HEIGHT, 0)
    within_pixel_budget(width, height)
    compression = _COMPRESSIONS.get(tiff.integer(directory, _COMPRESSION, 1))
    if compression is None:
        raise NotTaken("The TIFF is packed in a way that is not taken.", kind="tiff")
    _check_pieces(tiff, directory, size)
    return _Page(
        width=width,
        height=height,
        bits=tiff.integer(directory, _BITS, 1),
        samples=tiff.integer(directory, _SAMPLES, 1),
        compression=compression,
    )


def _check_pieces(tiff: TiffBlock, directory: Directory, size: int) -> None:
    """Strips or tiles: as many lengths as offsets, each inside the file."""
    for offsets_tag, lengths_tag in _PIECES:
        offsets = directory.entries.get(offsets_tag)
        lengths = directory.entries.get(lengths_tag)
        if offsets is None:
            continue
        if lengths is None or offsets.count != lengths.count or not offsets.count:
            raise Damaged("The TIFF does not say how long its picture data is.")
        pieces = zip(tiff.integers(offsets), tiff.integers(lengths), strict=True)
        if any(offset + length > size for offset, length in pieces):
            raise Damaged("The TIFF's picture data reaches beyond the file.", size=size)
        return
    raise Damaged("The TIFF page has no picture data.")


def _embedded(tiff: TiffBlock) -> Embedded:
    first = tiff.directory(tiff.first_offset)
    readers = ((_XMP, read_xmp), (_IPTC, read_iptc), (_PHOTOSHOP, read_photoshop))
    blocks = [read(tiff.raw(first.entries[tag])) for tag, read in readers if tag in first.entries]
    return merged(_exif(tiff), *blocks)


def _exif(tiff: TiffBlock) -> Embedded:
    try:
        return of_directories(tiff)
    except Damaged:  # a camera's sub-directory; the pages have been checked apart
        return unreadable("EXIF")


TIFF = Tiff()
