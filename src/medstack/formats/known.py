"""Kinds we can name and do not take, so that a refusal says what the file is.

A probe looks at the first and last 4 KiB only, never raises, and may be wrong only towards
silence: what it claims is what programs that open such files would go by.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Probe = Callable[[bytes, bytes, int], bool]

SOFT = frozenset({"json", "obj"})  # plain text that a note or a list may look like by chance

_TEXT_BYTES = bytes([9, 10, 12, 13, *range(0x20, 0x7F), *range(0x80, 0x100)])
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MARKUP_LEAD = re.compile(rb"\s*(?:<!--.*?-->\s*)*", re.DOTALL)
_HTML_START = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|svg\s+onload|table|meta|title)\b", re.I
)
_HTML_ANYWHERE = re.compile(rb"<!doctype\s+html|<html[\s>]|<script[\s>]|</html>|</script>", re.I)
_SCRIPT_START = re.compile(rb"#!\s*/|<\?php|<\?=|<%@|@echo\s+off|#requires\s", re.I)
_SCRIPT_ANYWHERE = re.compile(rb"<\?php", re.I)
_JSON_START = re.compile(rb'\s*(?:\{\s*(?:"|\})|\[\s*(?:[{\["\]]|-?\d|true|false|null))')
_JSON_END = re.compile(rb"[}\]]\s*\Z")
_OBJ_LINE = re.compile(rb"^(?:v|vn|vt)\s+-?\d+\.?\d*\s+-?\d", re.MULTILINE)
_XML_START = re.compile(rb"\s*<\?xml\s")
_SVG = re.compile(rb"<svg[\s>]", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A kind with a name, the extensions that promise it, and how to tell it."""

    kind: str
    extensions: tuple[str, ...]
    probe: Probe


def starts(*magics: bytes, at: int = 0) -> Probe:
    """A probe for any of `magics` at byte `at`."""
    return lambda head, _tail, _size: head[at:].startswith(magics)


def brand_of(head: bytes) -> bytes:
    """The major brand of an ISO base media file, b"" where there is none."""
    return head[8:12] if head[4:8] == b"ftyp" else b""


def _branded(*brands: bytes) -> Probe:
    return lambda head, _tail, _size: brand_of(head) in brands


def _riff(form: bytes) -> Probe:
    return lambda head, _tail, _size: head[:4] == b"RIFF" and head[8:12] == form


def _never(_head: bytes, _tail: bytes, _size: int) -> bool:
    return False


def is_text(head: bytes) -> bool:
    """Text in an 8-bit encoding or UTF-8: no NUL and no control bytes but white space."""
    return not head.translate(None, _TEXT_BYTES)


def _is_program(head: bytes, _tail: bytes, _size: int) -> bool:
    """DOS, Windows: MZ, then either the offset of a PE header or any binary."""
    return head[:2] == b"MZ" and b"\0" in head


def _lead(head: bytes) -> bytes:
    """`head` without byte order mark, leading space and comments."""
    for bom in _BOMS:
        head = head.removeprefix(bom)
    if b"\0" in head[:64]:
        head = head.replace(b"\0", b"")  # UTF-16 read as ASCII is enough for markup
    match = _MARKUP_LEAD.match(head)
    return head[match.end() :] if match else head


def is_html(head: bytes, _tail: bytes, _size: int) -> bool:
    return bool(_HTML_START.match(_lead(head)))


def is_script(head: bytes, _tail: bytes, _size: int) -> bool:
    return bool(_SCRIPT_START.match(_lead(head)))


def holds_markup(region: bytes) -> str:
    """ "html" or "script" if a browser or PHP would find its own language in `region`."""
    if _HTML_ANYWHERE.search(region):
        return "html"
    return "script" if _SCRIPT_ANYWHERE.search(region) else ""


def _is_svg(head: bytes, _tail: bytes, _size: int) -> bool:
    return bool(_SVG.search(head)) and is_text(head) and _lead(head).startswith(b"<")


def _is_xml(head: bytes, tail: bytes, size: int) -> bool:
    return bool(_XML_START.match(_lead(head))) and not _is_svg(head, tail, size)


def _is_json(head: bytes, tail: bytes, _size: int) -> bool:
    lead = _lead(head)
    return is_text(head) and bool(_JSON_START.match(lead)) and bool(_JSON_END.search(tail))


def _is_obj(head: bytes, _tail: bytes, _size: int) -> bool:
    return is_text(head) and len(_OBJ_LINE.findall(head)) >= 3


def _is_mov(head: bytes, _tail: bytes, _size: int) -> bool:
    """QuickTime, by brand or by an old file's first atom."""
    if brand_of(head):
        return brand_of(head) == b"qt  "
    return head[4:8] in (b"moov", b"mdat", b"wide", b"pnot") and head[:4] < b"\x10\0\0\0"


def _is_mp3(head: bytes, _tail: bytes, _size: int) -> bool:
    is_frame = head[:2] in (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")
    return head.startswith(b"ID3") or (is_frame and head[2:3] > b"\x0f")


KNOWN: tuple[Known, ...] = (
    Known(kind="exe", extensions=("exe", "dll", "scr", "com", "sys", "cpl"), probe=_is_program),
    Known(kind="elf", extensions=("so", "elf"), probe=starts(b"\x7fELF")),
    Known(
        kind="mach-o",
        extensions=("dylib",),
        probe=starts(b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
    ),
    Known(
        kind="shortcut", extensions=("lnk", "url"), probe=starts(b"L\0\0\0\x01\x14\x02\0", b"[Inte")
    ),
    Known(kind="html", extensions=("html", "htm", "xhtml", "hta", "mht", "mhtml"), probe=is_html),
    Known(
        kind="script",
        extensions=(
            *("js", "mjs", "vbs", "vbe", "jse", "wsf", "bat", "cmd", "ps1", "psm1", "sh"),
            *("py", "pl", "rb", "php", "phtml", "jsp", "asp", "aspx", "applescript"),
        ),
        probe=is_script,
    ),
    Known(kind="svg", extensions=("svg", "svgz"), probe=_is_svg),
    Known(kind="xml", extensions=("xml", "xsl", "cda"), probe=_is_xml),
    Known(kind="json", extensions=("json", "ndjson"), probe=_is_json),
    Known(kind="rtf", extensions=("rtf",), probe=starts(b"{\\rt")),
    Known(
        kind="ole",
        extensions=("doc", "xls", "ppt", "msi", "msg"),
        probe=starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ),
    Known(kind="xlsb", extensions=("xlsb",), probe=_never),
    Known(kind="pptx", extensions=("pptx", "pptm", "ppsx"), probe=_never),
    Known(kind="odf", extensions=("odt", "ods", "odp"), probe=_never),
    Known(kind="zip", extensions=("zip", "jar", "apk"), probe=starts(b"PK\x03\x04", b"PK\x05\x06")),
    Known(kind="gzip", extensions=("gz", "tgz"), probe=starts(b"\x1f\x8b\x08")),
    Known(kind="bzip2", extensions=("bz2",), probe=starts(b"BZh")),
    Known(kind="xz", extensions=("xz",), probe=starts(b"\xfd7zXZ\0")),
    Known(kind="zstd", extensions=("zst",), probe=starts(b"\x28\xb5\x2f\xfd")),
    Known(kind="7z", extensions=("7z",), probe=starts(b"7z\xbc\xaf\x27\x1c")),
    Known(kind="rar", extensions=("rar",), probe=starts(b"Rar!\x1a\x07")),
    Known(kind="cab", extensions=("cab",), probe=starts(b"MSCF\0\0\0\0")),
    Known(kind="tar", extensions=("tar",), probe=starts(b"ustar", at=257)),
    Known(kind="iso", extensions=("iso",), probe=_never),
    Known(kind="gif", extensions=("gif",), probe=starts(b"GIF87a", b"GIF89a")),
    Known(kind="webp", extensions=("webp",), probe=_riff(b"WEBP")),
    Known(
        kind="heic",
        extensions=("heic", "heif"),
        probe=_branded(b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"),
    ),
    Known(kind="avif", extensions=("avif",), probe=_branded(b"avif", b"avis")),
    Known(
        kind="jpeg2000",
        extensions=("jp2", "j2k", "jpx"),
        probe=starts(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    ),
    Known(
        kind="jpeg-xl", extensions=("jxl",), probe=starts(b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a")
    ),
    Known(kind="psd", extensions=("psd", "psb"), probe=starts(b"8BPS\0")),
    Known(kind="bigtiff", extensions=("btf",), probe=starts(b"II+\0", b"MM\0+")),
    Known(kind="ico", extensions=("ico", "cur"), probe=starts(b"\0\0\x01\0\x01\0", b"\0\0\x02\0")),
    Known(kind="mov", extensions=("mov", "qt"), probe=_is_mov),
    Known(kind="m4a", extensions=("m4a", "m4b"), probe=_branded(b"M4A ", b"M4B ")),
    Known(kind="matroska", extensions=("mkv", "webm"), probe=starts(b"\x1a\x45\xdf\xa3")),
    Known(kind="avi", extensions=("avi",), probe=_riff(b"AVI ")),
    Known(kind="wmv", extensions=("wmv", "wma", "asf"), probe=starts(b"\x30\x26\xb2\x75\x8e\x66")),
    Known(kind="mpeg", extensions=("mpg", "mpeg"), probe=starts(b"\0\0\x01\xba", b"\0\0\x01\xb3")),
    Known(kind="mp3", extensions=("mp3",), probe=_is_mp3),
    Known(kind="ogg", extensions=("ogg", "oga", "ogv", "opus"), probe=starts(b"OggS")),
    Known(kind="flac", extensions=("flac",), probe=starts(b"fLaC")),
    Known(kind="ply", extensions=("ply",), probe=starts(b"ply\n", b"ply\r")),
    Known(kind="obj", extensions=("obj", "mtl"), probe=_is_obj),
    Known(kind="sqlite", extensions=("sqlite", "db"), probe=starts(b"SQLite format 3\0")),
    Known(kind="eml", extensions=("eml",), probe=_never),
    Known(kind="postscript", extensions=("ps", "eps"), probe=starts(b"%!PS", b"\xc5\xd0\xd3\xc6")),
)
