"""EXIF 2.32: orientation, capture date, camera, resolution, and where a person is named.

Reads a TIFF-structured block from memory; reports places, never values.
"""

from __future__ import annotations

from medstack.formats.contract import Damaged, IdentityMark
from medstack.formats.embedded import (
    Embedded,
    iso_stamp,
    maker_and_model,
    sane_dpi,
    unreadable,
)
from medstack.formats.tiffdir import Directory, Entry, TiffBlock
from medstack.kit.streams import MemorySource

_EXIF_POINTER, _GPS_POINTER = 0x8769, 0x8825
_CM_PER_INCH = 2.54

_IMAGE_PLACES = {
    0x010D: ("title", "DocumentName"),
    0x010E: ("description", "ImageDescription"),
    0x013B: ("author", "Artist"),
    0x013C: ("device-name", "HostComputer"),
    0x8298: ("copyright", "Copyright"),
    0x9C9B: ("title", "XPTitle"),
    0x9C9C: ("comment", "XPComment"),
    0x9C9D: ("author", "XPAuthor"),
    0x9C9E: ("keywords", "XPKeywords"),
    0x9C9F: ("title", "XPSubject"),
    0xC62F: ("device-serial", "CameraSerialNumber"),
}
_EXIF_PLACES = {
    0x927C: ("maker-note", "MakerNote"),
    0x9286: ("comment", "UserComment"),
    0xA420: ("unique-id", "ImageUniqueID"),
    0xA430: ("person-name", "CameraOwnerName"),
    0xA431: ("device-serial", "BodySerialNumber"),
    0xA435: ("device-serial", "LensSerialNumber"),
    0xA436: ("title", "ImageTitle"),
    0xA437: ("person-name", "Photographer"),
    0xA438: ("person-name", "ImageEditor"),
}
_CHARSETS = (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0")
_GPS_WITHOUT_PLACE = {0x0000}  # GPSVersionID alone says nothing


def read_exif(block: bytes) -> Embedded:
    """Read an EXIF block that starts at its byte order mark.

    A block that breaks its structure is reported as unreadable, not refused: cameras write
    such blocks, and the picture beside it is whole.
    """
    try:
        return of_directories(TiffBlock(MemorySource(block)), thumbnail=True)
    except Damaged:
        return unreadable("EXIF")


def of_directories(tiff: TiffBlock, *, thumbnail: bool = False) -> Embedded:
    """EXIF facts of a TIFF structure's first directory and its sub-directories.

    thumbnail: a second directory is EXIF's embedded thumbnail, not a page.
    """
    image = tiff.directory(tiff.first_offset)
    exif = _sub_directory(tiff, image, _EXIF_POINTER)
    gps = _sub_directory(tiff, image, _GPS_POINTER)
    marks = [
        *_marks(tiff, image, _IMAGE_PLACES),
        *_marks(tiff, exif, _EXIF_PLACES),
        *_gps_marks(gps),
    ]
    if thumbnail and image.next_offset:
        marks.append(IdentityMark(kind="embedded-picture", place="EXIF thumbnail"))
    orientation = tiff.integer(image, 0x0112, 1)
    return Embedded(
        orientation=orientation if 1 <= orientation <= 8 else 1,
        captured_at=_captured_at(tiff, exif),
        equipment=maker_and_model(tiff.text(image, 0x010F), tiff.text(image, 0x0110)),
        resolution_dpi=_dpi(tiff, image),
        marks=tuple(marks),
    )


def _sub_directory(tiff: TiffBlock, parent: Directory, tag: int) -> Directory:
    offset = tiff.integer(parent, tag, 0)
    return tiff.directory(offset) if offset else Directory()


def _marks(
    tiff: TiffBlock, directory: Directory, places: dict[int, tuple[str, str]]
) -> list[IdentityMark]:
    return [
        IdentityMark(kind=kind, place=f"EXIF {name}")
        for tag, (kind, name) in places.items()
        if tag in directory.entries and _says_something(tiff, directory.entries[tag])
    ]


def _says_something(tiff: TiffBlock, entry: Entry) -> bool:
    value = tiff.raw(entry)
    for charset in _CHARSETS:
        value = value.removeprefix(charset)
    return bool(value.strip(b"\0 \t\r\n"))


def _gps_marks(gps: Directory) -> list[IdentityMark]:
    if set(gps.entries) - _GPS_WITHOUT_PLACE:
        return [IdentityMark(kind="gps-position", place="EXIF GPSInfo")]
    return []


def _captured_at(tiff: TiffBlock, exif: Directory) -> str | None:
    """DateTimeOriginal, else DateTimeDigitized; DateTime is when a program last wrote."""
    for stamp_tag, zone_tag in ((0x9003, 0x9011), (0x9004, 0x9012)):
        found = iso_stamp(tiff.text(exif, stamp_tag), tiff.text(exif, zone_tag))
        if found:
            return found
    return None


def _dpi(tiff: TiffBlock, image: Directory) -> float | None:
    value = tiff.rational(image, 0x011A)
    unit = tiff.integer(image, 0x0128, 2)
    if value is None or unit not in (2, 3):
        return None
    return sane_dpi(value * _CM_PER_INCH if unit == 3 else value)
