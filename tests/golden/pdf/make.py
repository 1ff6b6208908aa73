"""PDF golden files: pages, forms, attachments, a scan, another structure of the same."""

from __future__ import annotations

import io
import re
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image
from tests.golden.jpeg.make import CANARY
from tests.golden.scenes import quarters

A4 = Array([0, 0, 595, 842])


def text_page(document: pikepdf.Pdf, *lines: str) -> pikepdf.Page:
    """A page of Helvetica."""
    shown = b"".join(
        b"(%s) Tj T* " % re.sub(rb"([()\\])", rb"\\\1", line.encode("cp1252")) for line in lines
    )
    font = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type1,
        BaseFont=Name.Helvetica,
        Encoding=Name.WinAnsiEncoding,
    )
    page = Dictionary(
        Type=Name.Page,
        MediaBox=A4,
        Resources=Dictionary(Font=Dictionary(F1=document.make_indirect(font))),
        Contents=document.make_stream(b"BT /F1 14 Tf 18 TL 72 770 Td " + shown + b"ET"),
    )
    document.pages.append(pikepdf.Page(document.make_indirect(page)))
    return document.pages[-1]


def saved(document: pikepdf.Pdf, **options: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer, deterministic_id=True, **options)
    return buffer.getvalue()


def letter() -> pikepdf.Pdf:
    document = pikepdf.new()
    text_page(document, "Überweisung", "", "Bitte um Röntgenaufnahme Regio 36.", "Dank im Voraus.")
    text_page(document, "Seite zwei", "Anamnese unauffällig.")
    return document


def described() -> bytes:
    document = letter()
    document.docinfo = document.make_indirect(
        Dictionary(
            Author=String(CANARY),
            Title=String(CANARY),
            Producer=String("Synthetic Scanner 3"),
            CreationDate=String("D:20240229081500+01'00'"),
            Praxis=String(CANARY),
        )
    )
    with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
        xmp["dc:creator"] = [CANARY]
    return saved(document, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def form() -> bytes:
    document = letter()
    page = document.pages[0]
    field = document.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T=String("einwilligung"),
            V=String("ja"),
            Rect=Array([72, 500, 300, 520]),
            P=page.obj,
        )
    )
    page.obj.Annots = Array([field])
    document.Root.AcroForm = Dictionary(Fields=Array([field]))
    with document.open_outline() as outline:
        first = pikepdf.OutlineItem("Eins", 0)
        first.children.append(pikepdf.OutlineItem("Zwei", 1))
        outline.root.append(first)
    attachment = pikepdf.AttachedFileSpec(
        document, b"harmless", creation_date="D:20240101000000Z", mod_date="D:20240101000000Z"
    )
    document.attachments["werte.txt"] = attachment
    return saved(document)


def scan() -> bytes:
    document = pikepdf.new()
    buffer = io.BytesIO()
    Image.fromarray(quarters(240, 320)).save(buffer, "JPEG", quality=80)
    image = document.make_stream(
        buffer.getvalue(),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=240,
        Height=320,
        ColorSpace=Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=Name.DCTDecode,
    )
    page = Dictionary(
        Type=Name.Page,
        MediaBox=A4,
        Resources=Dictionary(XObject=Dictionary(Im0=image)),
        Contents=document.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q"),
    )
    document.pages.append(pikepdf.Page(document.make_indirect(page)))
    return saved(document)


def shifted() -> bytes:
    """A cross-reference table whose offsets are off: what careless programs write."""
    plain = saved(letter(), object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return plain.replace(b"1 0 obj", b"% written by hand\n1 0 obj", 1)


def protected(user: str = "") -> bytes:
    """Encryption is salted anew each time: made in tests, not kept as a file."""
    buffer = io.BytesIO()
    letter().save(buffer, encryption=pikepdf.Encryption(owner="owner", user=user))
    return buffer.getvalue()


def files() -> dict[str, bytes]:
    return {
        "letter.pdf": saved(letter()),
        "described.pdf": described(),
        "form.pdf": form(),
        "scan.pdf": scan(),
        "shifted.pdf": shifted(),
        "padded.pdf": saved(letter()) + b"\r\n\0\0\0\0",
    }
