"""What the built-in engine sees in files, and what it leaves alone."""

from __future__ import annotations

import io
import struct

import pikepdf
import pytest
from tests.archives import nested, package, zipped

from medstack.kit.errors import Unsupported
from medstack.kit.sandbox import InProcess, ParserDied
from medstack.kit.streams import MemorySource
from medstack.kit.zipwalk import Limits
from medstack.scanners import BuiltIn, parts
from medstack.scanners.contract import Outcome
from medstack.scanners.eicar import eicar_file
from medstack.scanners.policy import Action, decide

ENGINE = BuiltIn(InProcess())
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x04cd" + b"pixels\xff\x00" * 50 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IEND\xae\x42\x60\x82"


def program() -> bytes:
    """A Windows program's headers and nothing behind them."""
    return (
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"
        + bytes(44)
        + struct.pack("<I", 0x80)
        + bytes(64)
        + b"PE\0\0\x64\x86"
        + bytes(200)
    )


ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(100)


def signatures(content: bytes, kind: str = "") -> set[str]:
    return {v.signature for v in ENGINE.scan(MemorySource(content), kind=kind)} - {""}


def outcome(content: bytes, kind: str = "") -> Outcome:
    return ENGINE.scan(MemorySource(content), kind=kind)[0].outcome


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (program(), "executable.windows"),
        (b"MZ" + struct.pack("<6H", 100, 3, 0, 32, 0, 0xFFFF) + bytes(500), "executable.dos"),
        (ELF, "executable.elf"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01" + bytes(40), "executable.mach-o"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(40), "executable.mach-o"),
        (b"\xca\xfe\xba\xbe\0\0\0\x41\0\x20" + bytes(40), "executable.java"),
        (b"\0asm\x01\0\0\0" + bytes(8), "executable.other"),
        (b"#!/bin/sh\nrm -rf /\n", "script.shell"),
        (b"\r\n@ECHO OFF\r\n", "script.shell"),
        (b"\xef\xbb\xbf <!DOCTYPE html><p>", "script.html"),
        (b"<!-- hi --><script>alert(1)</script>", "script.html"),
        (b'<svg onload="x">', "script.html"),
        (b"<?php echo 1;", "script.server-page"),
        (b"[AutoRun]\r\nopen=viewer.exe", "script.autorun"),
    ],
)
def test_a_program_or_script_is_forbidden(content: bytes, signature: str) -> None:
    assert signature in signatures(content)
    assert outcome(content) is Outcome.FORBIDDEN


@pytest.mark.parametrize(
    "content",
    [
        b"MZ is how the referring doctor signs.\n",
        b"The patient's #! mark\n",
        b"a <html> tag inside a sentence, not at the front\n",
        b"value,-5|abc\n+49 30 123|4,'x'\n",
        b"BP 120/80 | pulse 72\n=SUM(A1:A3)\n",
        b"see |+cmd| and |-cmd|; it's 'x'!A\n",
    ],
)
def test_ordinary_text_is_clean(content: bytes) -> None:
    assert signatures(content, "txt") == set()
    assert signatures(content, "csv") == set()


def test_a_cell_that_starts_a_program_is_active() -> None:
    content = b"name,value\r\nx,=cmd|' /C calc'!A0\r\n"
    assert signatures(content, "csv") == {"csv.dde"}
    assert outcome(content, "csv") is Outcome.ACTIVE


@pytest.mark.parametrize("inside", [program(), ELF])
def test_a_program_hidden_in_another_file_is_found(inside: bytes) -> None:
    assert "executable.embedded" in signatures(b"BM" + bytes(5_000_000) + inside, "bmp")


@pytest.mark.parametrize(
    ("content", "kind", "signature"),
    [
        (JPEG + b"<script>alert(1)</script>", "jpeg", "script.after-end"),
        (JPEG + b"%PDF-1.7\n", "jpeg", "polyglot.after-end"),
        (JPEG + zipped(("a", b"x")), "jpeg", "zip.prefix"),
        (PNG + b"<?php system($_GET[0]);", "png", "script.after-end"),
        (PNG + b"Rar!\x1a\x07\x01\0", "png", "polyglot.after-end"),
        (JPEG[:6] + b"<?php echo shell_exec($x); ?>" + JPEG[6:], "jpeg", "script.in-picture"),
        (b"\0" * 20 + b"%PDF-1.4" + JPEG, "jpeg", "polyglot.pdf"),
        (b"%PDF-1.7" + bytes(120) + b"DICM", "dicom", "polyglot.pdf"),
        (b"PK\3\4" + bytes(124) + b"DICM", "dicom", "polyglot.preamble"),
        (program()[:0x86].ljust(128, b"\0") + b"DICM", "dicom", "executable.windows"),
        (b"GIF89a-ish <x> %PDF-1.7\n%%EOF", "pdf", "polyglot.pdf-prefix"),
    ],
)
def test_two_kinds_in_one_file_are_forbidden(content: bytes, kind: str, signature: str) -> None:
    assert signature in signatures(content, kind)
    assert outcome(content, kind) is Outcome.FORBIDDEN


def test_what_nobody_named_is_taken_for_what_it_looks_like() -> None:
    hidden = JPEG[:6] + b"<?php echo shell_exec($x); ?>" + JPEG[6:]
    assert signatures(hidden) == {"script.in-picture"}
    assert signatures(zipped(("photo.jpg", hidden))) == {"script.in-picture"}
    assert signatures(b"x,y\n=cmd|' /C calc'!A0,1\n") == {"csv.dde"}
    assert signatures(b"GIF89a <x> %PDF-1.7\n%%EOF") >= {"polyglot.pdf-prefix"}


@pytest.mark.parametrize(("content", "kind"), [(JPEG, "jpeg"), (PNG, "png")])
def test_a_plain_picture_is_clean(content: bytes, kind: str) -> None:
    assert signatures(content, kind) == set()


def test_zeros_behind_a_picture_are_left_to_its_own_module() -> None:
    assert signatures(JPEG + bytes(100), "jpeg") == set()


# -- archives ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        zipped(("a", eicar_file())),
        zipped(("a", eicar_file()), stored=True),
        zipped(("a", eicar_file()), zip64=True),
        nested(eicar_file(), 3),
        package(("word/document.xml", b"<x>" + eicar_file() + b"</x>")),
        zipped(("a", eicar_file())) + zipped(("b", b"harmless")),
        zipped(("a", b"harmless")) + b"--" + zipped(("b", eicar_file())),
        zipped(("pad", b"x" * 5_000_000), ("b", bytes(4_194_300) + eicar_file())),
    ],
    ids=["zip", "stored", "zip64", "nested", "docx", "first", "second", "border"],
)
def test_eicar_in_an_archive_is_infected(content: bytes) -> None:
    assert outcome(content) is Outcome.INFECTED


def test_a_verdict_tells_which_member() -> None:
    verdict = ENGINE.scan(MemorySource(zipped(("a", b"x"), ("b", eicar_file()))), kind="")[0]
    assert verdict.member == 2


def test_a_program_in_an_archive_is_forbidden() -> None:
    assert signatures(zipped(("images/1.dcm", b"x"), ("viewer.exe", program()))) == {
        "executable.windows"
    }


def test_a_fourth_level_is_beyond_this_engine() -> None:
    verdicts = ENGINE.scan(MemorySource(nested(b"x", 4)), kind="")
    assert [(v.outcome, v.signature) for v in verdicts] == [(Outcome.LIMIT, "zip.depth")]


def test_a_bomb_is_forbidden() -> None:
    assert signatures(zipped(("a", bytes(100 * 1024 * 1024)))) == {"zip.bomb"}


def test_nesting_does_not_multiply_what_may_be_unpacked() -> None:
    inner = zipped(("a", bytes(30_000_000)))
    outer = zipped(*((f"{n}.zip", inner) for n in range(5)))
    walked = parts.parts_of(MemorySource(outer), "", limits=Limits(total_bytes=100_000_000))
    with pytest.raises(Exception, match="unpacks to more"):
        list(walked)


def test_an_encrypted_member_is_beyond_this_engine() -> None:
    data = bytearray(zipped(("a", b"1"), stored=True))
    data[6] |= 1
    data[32 + 8] |= 1
    verdicts = ENGINE.scan(MemorySource(bytes(data)), kind="")
    assert [(v.outcome, v.signature) for v in verdicts] == [(Outcome.LIMIT, "zip.encrypted")]


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "C:\\a.txt"])
def test_names_that_lead_outside_are_forbidden(name: str) -> None:
    assert signatures(zipped((name, b"x"))) == {"zip.unsafe-name"}


BROKEN = bytearray(zipped(("a", b"123456"), stored=True))
BROKEN[33] ^= 1
DAMAGED = [bytes(BROKEN), zipped(("a", b"x" * 5000))[:40], zipped(("a", b"x"))[:-10]]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_archive_is_left_to_validation(content: bytes) -> None:
    verdicts = ENGINE.scan(MemorySource(content), kind="")
    assert [(v.outcome, v.signature) for v in verdicts] == [(Outcome.LIMIT, "zip.damaged")]
    assert decide(verdicts).action is Action.PASS


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_archive_inside_another_is_forbidden(content: bytes) -> None:
    assert outcome(zipped(("in.zip", content))) is Outcome.FORBIDDEN


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (OLE + "_VBA_PROJECT".encode("utf-16-le"), "office.macro"),
        (OLE + b"\x01\0" + "Ole10Native".encode("utf-16-le"), "office.ole-object"),
        (b"{\\rtf1\\ansi{\\object\\objemb{\\*\\objdata 0105}}}", "rtf.object"),
        (b"{\\rtf1{\\field{\\*\\fldinst DDEAUTO c:x}}}", "rtf.object"),
    ],
)
def test_an_active_document_of_the_old_kinds_is_said_to_be_one(
    content: bytes, signature: str
) -> None:
    assert signatures(content) == {signature}
    assert outcome(content) is Outcome.ACTIVE


# -- Office ------------------------------------------------------------------------------------

RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/{kind}" Target="{target}" TargetMode="External"/></Relationships>'
)
WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">{}</w:document>'


def rels(kind: str, target: str) -> bytes:
    return package(("word/_rels/document.xml.rels", RELS.format(kind=kind, target=target).encode()))


def word(body: str) -> bytes:
    return package(("word/document.xml", WORD.format(body).encode()))


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (package(("word/vbaProject.bin", b"x")), "office.macro"),
        (package(("xl/macrosheets/sheet1.xml", b"<x/>")), "office.macro"),
        (
            zipped(
                (
                    "[Content_Types].xml",
                    b'<Types><Override PartName="/w" ContentType='
                    b'"application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>',
                )
            ),
            "office.macro",
        ),
        (package(("word/activeX/activeX1.bin", b"x")), "office.activex"),
        (package(("word/embeddings/oleObject1.bin", b"x")), "office.ole-object"),
        (package(("xl/embeddings/Book1.xlsx", b"x")), "office.embedded-package"),
        (rels("attachedTemplate", "https://x.test/a.dotm"), "office.remote-template"),
        (rels("attachedTemplate", r"\\server\share\a.dotm"), "office.remote-template"),
        (rels("oleObject", "http://x.test/a"), "office.remote-template"),
        (rels("attachedTemplate", "file:///C:/Vorlagen/Brief.dotx"), "office.local-template"),
        (rels("image", "https://x.test/pixel.png"), "office.external-target"),
        (
            word('<w:p><w:r><w:fldSimple w:instr=" DDEAUTO c:\\\\x.exe"/></w:r></w:p>'),
            "office.dde",
        ),
        (
            word(
                "<w:p><w:r><w:instrText>DDE</w:instrText></w:r>"
                "<w:r><w:instrText>AUTO c:\\x</w:instrText></w:r></w:p>"
            ),
            "office.dde",
        ),
    ],
)
def test_an_active_office_document_is_said_to_be_one(content: bytes, signature: str) -> None:
    assert signatures(content, "docx") == {signature}
    assert outcome(content, "docx") is Outcome.ACTIVE


def test_a_hyperlink_is_no_finding() -> None:
    assert signatures(rels("hyperlink", "https://x.test/"), "docx") == set()


def test_the_word_dde_in_a_sentence_is_no_finding() -> None:
    assert signatures(word("<w:p><w:r><w:t>DDE</w:t></w:r></w:p>"), "docx") == set()


@pytest.mark.parametrize(
    "dtd",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    ],
)
def test_entities_are_forbidden(dtd: bytes) -> None:
    assert signatures(package(("word/document.xml", dtd)), "docx") == {"xml.entities"}


# -- PDF ---------------------------------------------------------------------------------------


def pdf_with(action: dict[str, object] | None = None, attached: bytes | None = None) -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    if action is not None:
        document.Root.OpenAction = pikepdf.Dictionary(action)  # type: ignore[arg-type]
    if attached is not None:
        document.attachments["a"] = attached
    out = io.BytesIO()
    document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


@pytest.mark.parametrize(
    ("action", "signature"),
    [
        ({"/S": pikepdf.Name.JavaScript, "/JS": pikepdf.String("x")}, "pdf.javascript"),
        ({"/S": pikepdf.Name.Launch, "/F": pikepdf.String("cmd")}, "pdf.launch"),
        ({"/S": pikepdf.Name.SubmitForm}, "pdf.submit-form"),
    ],
)
def test_an_action_inside_an_object_stream_is_found(
    action: dict[str, object], signature: str
) -> None:
    content = pdf_with(action)
    assert signature.encode() not in content
    assert signatures(content, "pdf") == {signature}
    assert outcome(content, "pdf") is Outcome.ACTIVE


def test_a_plain_pdf_is_clean() -> None:
    assert signatures(pdf_with(), "pdf") == set()


def test_an_attachment_is_named_and_looked_through() -> None:
    assert signatures(pdf_with(attached=b"harmless"), "pdf") == {"pdf.embedded-file"}
    assert outcome(pdf_with(attached=eicar_file()), "pdf") is Outcome.INFECTED
    assert "executable.windows" in signatures(pdf_with(attached=program()), "pdf")
    assert outcome(pdf_with(attached=zipped(("a", eicar_file()))), "pdf") is Outcome.INFECTED


def test_a_pdf_inside_a_dicom_object_is_looked_through() -> None:
    inside = pdf_with(attached=zipped(("a", eicar_file())))
    content = bytes(128) + b"DICM" + bytes(200) + inside + b"\0"
    assert eicar_file() not in content
    assert outcome(content, "dicom") is Outcome.INFECTED


def test_a_name_that_is_no_text_hides_nothing() -> None:
    content = pdf_with({"/S": pikepdf.Name.JavaScript, "/JS": pikepdf.String("x"), "/Q": 1})
    document = pikepdf.open(io.BytesIO(content))
    out = io.BytesIO()
    document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable, qdf=True)
    broken = out.getvalue().replace(b"/Q 1", b"/\xc3 1")
    assert b"/\xc3 1" in broken
    assert signatures(broken, "pdf") == {"pdf.javascript"}


def test_a_protected_pdf_is_beyond_this_engine() -> None:
    document = pikepdf.new()
    document.add_blank_page()
    out = io.BytesIO()
    document.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    verdicts = ENGINE.scan(MemorySource(out.getvalue()), kind="pdf")
    assert [(v.outcome, v.signature) for v in verdicts] == [(Outcome.LIMIT, "pdf.encrypted")]


# -- the engine itself -------------------------------------------------------------------------


class Dying(InProcess):
    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def run(self, task, source, **params):  # type: ignore[no-untyped-def]
        raise self.problem


def test_a_parser_that_dies_is_a_limit_not_an_exception() -> None:
    verdict = BuiltIn(Dying(ParserDied(why="memory"))).scan(MemorySource(b"x"), kind="")[0]
    assert (verdict.outcome, verdict.signature) == (Outcome.LIMIT, "parser-died.memory")


def test_any_other_problem_is_an_error_of_the_engine() -> None:
    verdict = BuiltIn(Dying(Unsupported())).scan(MemorySource(b"x"), kind="")[0]
    assert verdict.outcome is Outcome.ERROR
    assert not verdict.is_final
