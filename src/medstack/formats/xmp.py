"""XMP packets (ISO 16684-1): capture date, camera, and where a person is named.

Parsed without entities or external anything; reports places, never values.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from medstack.formats.contract import IdentityMark
from medstack.formats.embedded import Embedded, iso_stamp, maker_and_model, unreadable

_PLACES = {
    "creator": "author",
    "Author": "author",
    "AuthorsPosition": "author",
    "CaptionWriter": "author",
    "Credit": "author",
    "CreatorContactInfo": "contact",
    "rights": "copyright",
    "Owner": "person-name",
    "OwnerName": "person-name",
    "CameraOwnerName": "person-name",
    "PersonInImage": "person-name",
    "title": "title",
    "Headline": "title",
    "description": "description",
    "Description": "description",
    "UserComment": "comment",
    "subject": "keywords",
    "Keywords": "keywords",
    "SerialNumber": "device-serial",
    "BodySerialNumber": "device-serial",
    "LensSerialNumber": "device-serial",
    "GPSLatitude": "gps-position",
    "GPSLongitude": "gps-position",
    "Location": "location",
    "LocationCreated": "location",
    "LocationShown": "location",
    "City": "location",
    "Sublocation": "location",
    "Manager": "person-name",
    "Company": "organisation",
}
_RDF_STRUCTURE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DATES = ("DateTimeOriginal", "DateCreated", "CreateDate")
_MAX_PACKET_BYTES = 16 * 1024 * 1024


def read_xmp(packet: bytes) -> Embedded:
    """Read one XMP packet; a packet that is not well-formed is reported as unreadable."""
    if len(packet) > _MAX_PACKET_BYTES:
        return unreadable("XMP")
    try:
        root = fromstring(packet.strip(b"\0 \t\r\n"))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return unreadable("XMP")
    values = dict(_properties(root))
    return Embedded(
        captured_at=next(filter(None, (iso_stamp(values.get(n, "")) for n in _DATES)), None),
        equipment=maker_and_model(values.get("Make", ""), values.get("Model", "")),
        marks=tuple(
            dict.fromkeys(
                IdentityMark(kind=kind, place=f"XMP {name}")
                for name, kind in _PLACES.items()
                if values.get(name)
            )
        ),
    )


def _properties(root: Element) -> Iterator[tuple[str, str]]:
    """Every property that says something: local name and its text; arrays by all their items."""
    for element in root.iter():
        for name, value in element.attrib.items():
            if value.strip() and not name.startswith(_RDF_STRUCTURE):
                yield _local(name), value
        if not element.tag.startswith(_RDF_STRUCTURE):
            words = " ".join("".join(element.itertext()).split())
            words = words or " ".join(v for e in element.iter() for v in e.attrib.values())
            if words:
                yield _local(element.tag), words


def _local(name: str) -> str:
    return name.rpartition("}")[2]
