"""Word golden files, written part by part."""

from __future__ import annotations

import io
import zipfile

from tests.golden.jpeg.make import CANARY

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WML = "application/vnd.openxmlformats-officedocument.wordprocessingml"
DOCUMENT_TYPE = f"{WML}.document.main+xml"

BODY = (
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Arztbrief</w:t></w:r></w:p>'
    "<w:p><w:r><w:t>Die Wunde heilt </w:t></w:r><w:r><w:t>reizlos ab.</w:t></w:r></w:p>"
    "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Zahn</w:t></w:r></w:p></w:tc>"
    "<w:tc><w:p><w:r><w:t>Befund</w:t></w:r></w:p></w:tc></w:tr>"
    "<w:tr><w:tc><w:p><w:r><w:t>26</w:t></w:r></w:p></w:tc>"
    "<w:tc><w:p><w:r><w:t>Füllung</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
)


def word(inner: str, root: str = "document") -> str:
    body = f"<w:body>{inner}</w:body>" if root == "document" else inner
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} xmlns:w="{WORD}">{body}</w:{root}>'


def content_types(main_type: str = DOCUMENT_TYPE, *more: tuple[str, str]) -> str:
    overrides = "".join(
        f'<Override PartName="{name}" ContentType="{told}"/>'
        for name, told in (("/word/document.xml", main_type), *more)
    )
    return (
        f'<?xml version="1.0"?><Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f"{overrides}</Types>"
    )


RELS = (
    f'<?xml version="1.0"?><Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>'
    "</Relationships>"
)


def package(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP with a fixed date, so that making it twice makes the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def document(body: str = BODY, **parts: str | bytes) -> bytes:
    """A document; parts: further ones, `__` for a slash and a single `_` for the dot."""
    more = {name.replace("__", "/").replace("_", "."): part for name, part in parts.items()}
    return package(
        {
            "[Content_Types].xml": content_types(),
            "_rels/.rels": RELS,
            "word/document.xml": word(body),
            **more,
        }
    )


def described() -> bytes:
    core = (
        '<?xml version="1.0"?><cp:coreProperties '
        f'xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<dc:creator>{CANARY}</dc:creator><cp:lastModifiedBy>{CANARY}</cp:lastModifiedBy>"
        f"<dc:title>{CANARY}</dc:title>"
        "<dcterms:created>2025-11-03T08:30:00Z</dcterms:created></cp:coreProperties>"
    )
    app = (
        '<?xml version="1.0"?><Properties xmlns="http://schemas.openxmlformats.org/'
        'officeDocument/2006/extended-properties"><Application>Synthetic Writer</Application>'
        f"<Company>{CANARY}</Company></Properties>"
    )
    changed = (
        f'<w:p><w:ins w:author="{CANARY}"><w:r><w:t>neu</w:t></w:r></w:ins>'
        f'<w:del w:author="{CANARY}"><w:r><w:delText>alt</w:delText></w:r></w:del></w:p>'
    )
    note = word("<w:p><w:r><w:t>Kopfzeile der Praxis</w:t></w:r></w:p>", "hdr")
    types = content_types(DOCUMENT_TYPE, ("/word/header1.xml", f"{WML}.header+xml"))
    return package(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": RELS,
            "docProps/core.xml": core,
            "docProps/app.xml": app,
            "word/document.xml": word(BODY + changed),
            "word/header1.xml": note,
        }
    )


def files() -> dict[str, bytes]:
    return {"letter.docx": document(), "described.docx": described()}
