"""What a PDF would do, found by walking its objects: no text search, names can be spelt in hex.

Runs in the sandbox. Object streams and every direct object inside another are visited.
Source: ISO 32000-2, 12.6.4 (actions), 7.11.4 (embedded files), 13 (multimedia), 12.7.8 (XFA).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pikepdf

from medstack.kit.streams import Source, file_of
from medstack.scanners.contract import Outcome
from medstack.scanners.signatures import Found

HEADER_REACH = 1024  # readers accept the header anywhere in here (ISO 32000-1 H.3.4.1)
MAX_OBJECTS = 500_000
EMBEDDED_CAP_BYTES = 64 * 1024 * 1024

_ACTIONS = {
    "/JavaScript": "pdf.javascript",
    "/Launch": "pdf.launch",
    "/SubmitForm": "pdf.submit-form",
    "/ImportData": "pdf.import-data",
    "/GoToE": "pdf.remote-goto",
    "/GoToR": "pdf.remote-goto",
    "/Rendition": "pdf.rich-media",
    "/Movie": "pdf.rich-media",
    "/Sound": "pdf.rich-media",
    "/RichMediaExecute": "pdf.rich-media",
}
_KEYS = {
    "/JS": "pdf.javascript",
    "/JavaScript": "pdf.javascript",
    "/EF": "pdf.embedded-file",
    "/EmbeddedFiles": "pdf.embedded-file",
    "/RichMediaContent": "pdf.rich-media",
    "/XFA": "pdf.xfa",
}


# What pikepdf raises on documents beyond its repair; RuntimeError is its QpdfRuntimeError too.
UNREADABLE = (
    pikepdf.PdfError,
    pikepdf.PasswordError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
)


def looks_like_pdf(head: bytes) -> bool:
    return b"%PDF-" in head[:HEADER_REACH]


def findings(source: Source) -> Iterator[Found]:
    """Everything active in the document, each kind of thing once.

    A document that cannot be opened is a LIMIT: pdf.encrypted or pdf.unreadable.
    """
    try:
        with pikepdf.open(file_of(source), suppress_warnings=True) as document:
            seen: set[str] = set()
            for signature in _signatures(document):
                if signature not in seen:
                    seen.add(signature)
                    outcome = Outcome.LIMIT if signature == "pdf.too-large" else Outcome.ACTIVE
                    yield Found(outcome=outcome, signature=signature)
    except pikepdf.PasswordError:
        yield Found(outcome=Outcome.LIMIT, signature="pdf.encrypted")
    except UNREADABLE:
        yield Found(outcome=Outcome.LIMIT, signature="pdf.unreadable")


def embedded_files(source: Source, *, limit_bytes: int) -> Iterator[bytes]:
    """Decoded content of every attached file. Yields nothing where the PDF cannot be opened."""
    try:
        with pikepdf.open(file_of(source), suppress_warnings=True) as document:
            left = limit_bytes
            for stream in _embedded_streams(document):
                content = _decoded(stream, min(left, EMBEDDED_CAP_BYTES))
                left -= len(content)
                if content:
                    yield content
    except UNREADABLE:
        return  # findings() names the reason


def _decoded(stream: Any, limit: int) -> bytes:
    try:
        content = stream.read_bytes()
    except pikepdf.PdfError:
        content = stream.read_raw_bytes()
    return bytes(content[:limit])


def _embedded_streams(document: pikepdf.Pdf) -> Iterator[Any]:
    seen: set[tuple[int, int]] = set()
    for owner in _dictionaries(document):
        if _name(owner.get("/Type")) == "/EmbeddedFile" and isinstance(owner, pikepdf.Stream):
            found: list[Any] = [owner]
        else:
            files = owner.get("/EF")
            found = _values(files) if isinstance(files, pikepdf.Dictionary) else []
        for stream in found:
            if isinstance(stream, pikepdf.Stream) and stream.objgen not in seen:
                seen.add(stream.objgen)
                yield stream


def _signatures(document: pikepdf.Pdf) -> Iterator[str]:
    for count, owner in enumerate(_dictionaries(document)):
        if count == MAX_OBJECTS:
            yield "pdf.too-large"
            return
        for key, value in owner.items():
            if key in _KEYS:
                yield _KEYS[key]
            elif key == "/S" and _name(value) in _ACTIONS:
                yield _ACTIONS[_name(value)]
            elif key == "/Type" and _name(value) == "/EmbeddedFile":
                yield "pdf.embedded-file"


def _name(value: Any) -> str:
    """A name object's text; "" for anything else and for bytes that are no text."""
    try:
        return str(value) if isinstance(value, pikepdf.Name) else ""
    except UnicodeDecodeError:
        return ""


def _dictionaries(document: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary and stream, direct ones inside others included."""
    pending: list[Any] = [document.trailer]
    for top in document.objects:
        pending.append(top)
        while pending:
            this = pending.pop()
            if isinstance(this, pikepdf.Array):
                pending.extend(inner for inner in this if _is_direct_container(inner))
            elif isinstance(this, pikepdf.Dictionary | pikepdf.Stream):
                yield this
                pending.extend(inner for inner in _values(this) if _is_direct_container(inner))


def _values(owner: Any) -> list[Any]:
    # items() takes keys that are no UTF-8, which get() and as_dict() do not
    return [value for _, value in owner.items()]


def _is_direct_container(value: Any) -> bool:
    return (
        isinstance(value, pikepdf.Array | pikepdf.Dictionary | pikepdf.Stream)
        and not value.is_indirect
    )
