"""Every kind of file we take, one module (or folder) each.

Knows no patient, no table, no path: bytes go in, values come out. Third-party formats are
not discovered; a kind exists because it stands in this list.
"""

from __future__ import annotations

from medstack.formats.bmp import BMP
from medstack.formats.contract import Format, Unrecognised
from medstack.formats.csv import CSV
from medstack.formats.dicom import DICOM
from medstack.formats.docx import DOCX
from medstack.formats.jpeg import JPEG
from medstack.formats.mp4 import MP4
from medstack.formats.pdf import PDF
from medstack.formats.png import PNG
from medstack.formats.stl import STL
from medstack.formats.tiff import TIFF
from medstack.formats.txt import TXT
from medstack.formats.wav import WAV
from medstack.formats.xlsx import XLSX

FORMATS: tuple[Format, ...] = (
    JPEG,
    PNG,
    TIFF,
    BMP,
    DICOM,
    PDF,
    DOCX,
    XLSX,
    CSV,
    TXT,
    STL,
    MP4,
    WAV,
)


def format_of(kind: str) -> Format:
    """The module for `kind`. Raises Unrecognised."""
    for candidate in FORMATS:
        if candidate.kind == kind:
            return candidate
    raise Unrecognised("No module takes this kind of file.", kind=kind)
