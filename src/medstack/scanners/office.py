"""What an OOXML document brings along: macros, controls, embedded objects, outside targets, DDE.

Runs in the sandbox, on an archive already walked. Part names decide nothing a content type or a
relationship could spell otherwise: all three are looked at.
Source: ECMA-376 parts 1 and 2; [MS-OFFMACRO2] (vbaProject); [MS-DDE] fields in WordprocessingML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from medstack.kit.streams import Source, file_of
from medstack.kit.zipwalk import Archive, BadArchive, Member, source_of_member
from medstack.scanners.contract import Outcome
from medstack.scanners.signatures import Found

CONTENT_TYPES = "[content_types].xml"

_BY_NAME = (
    (re.compile(r"vba(project|data|projectsignature)\w*\.(bin|xml)$"), "office.macro"),
    (re.compile(r"(^|/)xl/(intl)?macrosheets/"), "office.macro"),
    (re.compile(r"(^|/)activex/"), "office.activex"),
    (re.compile(r"(^|/)oleobject[^/]*\.bin$"), "office.ole-object"),
    (re.compile(r"(^|/)embeddings/[^/]+\.bin$"), "office.ole-object"),
    (re.compile(r"(^|/)embeddings/[^/]+$"), "office.embedded-package"),
)
_BY_CONTENT_TYPE = (
    ("macroenabled", "office.macro"),
    ("vbaproject", "office.macro"),
    ("activex", "office.activex"),
    ("ms-excel.macrosheet", "office.macro"),
    ("oleobject", "office.ole-object"),
)
_HARMLESS_TARGETS = ("hyperlink", "externallinkpath", "externallinklongpath", "xlpathmissing")
_CODE_TARGETS = ("attachedtemplate", "oleobject", "subdocument", "frame", "control")
_REMOTE = re.compile(
    r"(https?|ftps?|smb|mhtml|mk|ms-[a-z]+|x-usc|search-ms):|\\\\|//|file:/{2,5}[^/]*\."
)
_LOCAL_FILE = re.compile(r"file:/{0,3}[a-z]:|[a-z]:\\|[^:]*$")
_DDE = re.compile(r"\bDDE(AUTO)?\b", re.IGNORECASE)
_PARSED_CAP_BYTES = 256 * 1024 * 1024


def is_office(archive: Archive) -> bool:
    return any(_name(member) == CONTENT_TYPES for member in archive.members)


def findings(source: Source, archive: Archive) -> Iterator[Found]:
    """Everything active in the package, each kind of thing once."""
    seen: set[Found] = set()
    for found in _all(source, archive):
        if found not in seen:
            seen.add(found)
            yield found


def _all(source: Source, archive: Archive) -> Iterator[Found]:
    for member in archive.members:
        name = _name(member)
        signature = next((told for rule, told in _BY_NAME if rule.search(name)), None)
        if signature is not None:
            yield _active(signature)
        if name.endswith((".xml", ".rels", ".vml")) and not member.is_encrypted:
            yield from _of_xml(source, member, name)


def _active(signature: str) -> Found:
    return Found(outcome=Outcome.ACTIVE, signature=signature)


def _name(member: Member) -> str:
    try:
        return member.text_name().lower().lstrip("/")
    except BadArchive:
        return ""


def _of_xml(source: Source, member: Member, name: str) -> Iterator[Found]:
    if member.size > _PARSED_CAP_BYTES:
        yield Found(outcome=Outcome.LIMIT, signature="office.too-large")
        return
    try:
        yield from _parsed(source_of_member(source, member), name)
    except DefusedXmlException:
        yield Found(outcome=Outcome.FORBIDDEN, signature="xml.entities")
    except (ParseError, ValueError, LookupError):
        yield Found(outcome=Outcome.FORBIDDEN, signature="xml.malformed")
    except BadArchive:
        return  # broken content: found when the member itself is read through


def _parsed(source: Source, name: str) -> Iterator[Found]:
    fields = _Fields()
    for _, element in iterparse(file_of(source), events=("end",), forbid_dtd=True):
        tag = element.tag.rpartition("}")[2]
        if name == CONTENT_TYPES:
            yield from _of_content_type(element.get("ContentType", ""))
        elif name.endswith(".rels"):
            yield from _of_relationship(
                element.get("Type", ""), element.get("TargetMode", ""), element.get("Target", "")
            )
        elif tag == "ddeLink" or fields.take(tag, element.get(_INSTRUCTION) or element.text or ""):
            yield _active("office.dde")
        if tag in ("p", "row", "si", "tbl"):
            element.clear()  # keeps memory flat; nothing above it is asked for its children


_INSTRUCTION = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}instr"


@dataclass(slots=True)
class _Fields:
    """Field instructions of a text, put together where the document splits them in runs."""

    text: str = ""

    def take(self, tag: str, text: str) -> bool:
        """Add what an element says; true if a DDE field has come together."""
        if tag == "fldSimple":
            return _DDE.search(text) is not None
        if tag in ("instrText", "delInstrText"):
            self.text = (self.text + text)[-4096:]
            return _DDE.search(self.text) is not None
        if tag == "p":
            self.text = ""
        return False


def _of_content_type(told: str) -> Iterator[Found]:
    lowered = told.lower()
    for piece, signature in _BY_CONTENT_TYPE:
        if piece in lowered:
            yield _active(signature)


def _of_relationship(kind: str, mode: str, target: str) -> Iterator[Found]:
    """An outside target that is fetched or opened without a click."""
    kind = kind.rpartition("/")[2].lower()
    if kind == "vbaproject":
        yield _active("office.macro")
    if mode.lower() != "external" or kind in _HARMLESS_TARGETS:
        return
    if kind in _CODE_TARGETS:
        is_here = _LOCAL_FILE.match(target.lower()) and not _REMOTE.match(target.lower())
        yield _active("office.local-template" if is_here else "office.remote-template")
    else:
        yield _active("office.external-target")
