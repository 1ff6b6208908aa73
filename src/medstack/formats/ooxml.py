"""Office Open XML packages: a ZIP that hides nothing, every part whole, every XML well-formed.

Document type declarations are refused in any part: the standard forbids them, and entities
live there. Parts are parsed as they stream; no tree is built.
Source: ECMA-376 part 2 (Open Packaging Conventions), 8.1.4 on DTDs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from medstack.formats.contract import Damaged, Encrypted, Excessive, IdentityMark
from medstack.formats.embedded import iso_stamp
from medstack.kit.streams import Source
from medstack.kit.zipwalk import (
    ArchiveBomb,
    BadArchive,
    Flaw,
    Limits,
    Member,
    chunks_of_member,
    walk,
)

LIMITS = Limits(members=10_000, total_bytes=1024 * 1024 * 1024)
XML_CAP_BYTES = 192 * 1024 * 1024  # all XML parts together
MAX_DEPTH = 200
CONTENT_TYPES = "[content_types].xml"
_XML_ENDINGS = (".xml", ".rels", ".vml")
_VALUE_CAP = 4096

_PROPERTY_MARKS = {
    "creator": ("author", "core.xml creator"),
    "lastModifiedBy": ("author", "core.xml lastModifiedBy"),
    "title": ("title", "core.xml title"),
    "subject": ("description", "core.xml subject"),
    "description": ("description", "core.xml description"),
    "keywords": ("keywords", "core.xml keywords"),
    "category": ("keywords", "core.xml category"),
    "Company": ("organisation", "app.xml Company"),
    "Manager": ("person-name", "app.xml Manager"),
    "HyperlinkBase": ("location", "app.xml HyperlinkBase"),
}


class Target(Protocol):
    """What receives a part's elements as they stream by."""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """What core.xml and app.xml tell."""

    created: str | None
    application: str | None
    marks: tuple[IdentityMark, ...]


class Package:
    """An opened package. Raises Damaged, Excessive, Encrypted on opening and on reading."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parts: dict[str, Member] = {}
        for member in _walked(source):
            name = member.text_name().lower()  # part names are compared so (OPC 6.2.2.3)
            if name in self._parts:
                raise Damaged("Two parts of the document have the same name.")
            self._parts[name] = member
        if CONTENT_TYPES not in self._parts:
            raise Damaged("The document does not say what its parts are.")
        types = _ContentTypes()
        self.parse(CONTENT_TYPES, types)
        self._types = types

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def names(self) -> list[str]:
        """Lower-case part names."""
        return list(self._parts)

    def parts_of_type(self, ending: str) -> list[str]:
        """Names of parts whose content type ends so, in the package's order."""
        return [name for name in self._parts if self._types.of(name).endswith(ending)]

    def verify(self) -> None:
        """Read every part to its checksum and every XML part to its end."""
        total = sum(m.size for name, m in self._parts.items() if _is_xml(name))
        if total > XML_CAP_BYTES:
            raise Excessive(
                "The document is larger than we read.",
                rule="xml-bytes",
                limit=XML_CAP_BYTES,
                found=total,
            )
        for name, member in self._parts.items():
            if _is_xml(name) and member.size:
                self.parse(name, _Nobody())
            else:
                for _ in self._chunks(member):
                    pass

    def parse(self, name: str, target: Target) -> None:
        """Stream the part's elements to `target`; tags are {namespace}local."""
        parser: Any = DefusedXMLParser(target=_Guard(target), forbid_dtd=True)
        try:
            for chunk in self._chunks(self._parts[name]):
                parser.feed(chunk)
            parser.close()
        except DefusedXmlException as cause:
            raise Damaged("A part declares entities, which the format forbids.") from cause
        except (ParseError, ValueError, LookupError) as cause:
            raise Damaged("A part is not well-formed XML.") from cause

    def _chunks(self, member: Member) -> Iterator[bytes]:
        try:
            yield from chunks_of_member(self._source, member)
        except BadArchive as cause:
            raise Damaged("A part is damaged.", rule=str(cause.facts["rule"])) from cause

    def properties(self) -> Properties:
        """Core, extended and custom properties; values stay here but date and program."""
        values: dict[str, str] = {}
        for name in ("docprops/core.xml", "docprops/app.xml"):
            if name in self:
                collector = _Values()
                self.parse(name, collector)
                values |= collector.values
        marks = [
            IdentityMark(kind=kind, place=place)
            for key, (kind, place) in _PROPERTY_MARKS.items()
            if values.get(key, "").strip()
        ]
        if "docprops/custom.xml" in self:
            marks.append(IdentityMark(kind="custom-property", place="custom.xml"))
        return Properties(
            created=iso_stamp(values.get("created", "")),
            application=values.get("Application", "").strip()[:200] or None,
            marks=tuple(marks),
        )


def _walked(source: Source) -> tuple[Member, ...]:
    try:
        archive = walk(source, limits=LIMITS)
        archive.require_sound()
    except ArchiveBomb as cause:
        raise Excessive(str(cause), **cause.facts) from cause
    except BadArchive as cause:
        if cause.facts["rule"] == Flaw.ENCRYPTED:
            raise Encrypted("Parts of the document open with a password only.") from cause
        raise Damaged(cause.detail or cause.title, rule=str(cause.facts["rule"])) from cause
    return tuple(member for member in archive.members if not member.is_directory)


def _is_xml(name: str) -> bool:
    return name.endswith(_XML_ENDINGS)


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


class _Nobody:
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        return None

    def end(self, tag: str) -> None:
        return None

    def data(self, text: str) -> None:
        return None


class _Guard:
    """Passes everything on, and counts how deep the elements go."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Excessive(
                "A part's elements are nested deeper than we read.",
                rule="xml-depth",
                limit=MAX_DEPTH,
                found=self._depth,
            )
        self._target.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._target.end(tag)

    def data(self, text: str) -> None:
        self._target.data(text)

    def close(self) -> None:
        return None


@dataclass(slots=True)
class _ContentTypes(_Nobody):
    by_ending: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, str] = field(default_factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        told = attributes.get("ContentType", "").strip().lower()
        if local(tag) == "Default":
            self.by_ending[attributes.get("Extension", "").lower()] = told
        elif local(tag) == "Override":
            self.by_name[attributes.get("PartName", "").lower().lstrip("/")] = told

    def of(self, name: str) -> str:
        return self.by_name.get(name) or self.by_ending.get(name.rpartition(".")[2], "")


@dataclass(slots=True)
class _Values(_Nobody):
    """The text of every element, by local name."""

    values: dict[str, str] = field(default_factory=dict)
    name: str = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.name = local(tag)

    def data(self, text: str) -> None:
        if self.name:
            self.values[self.name] = (self.values.get(self.name, "") + text)[:_VALUE_CAP]

    def end(self, tag: str) -> None:
        self.name = ""
