"""Our own parsers behind the walls: what they need from the machine, they still have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from medstack.demo.files import DemoFile, practice
from medstack.formats import tasks as formats
from medstack.formats.contract import Damaged
from medstack.kit.streams import MemorySource
from medstack.scanners import tasks as scanners
from medstack.scanners.contract import Outcome
from medstack.worker.sandbox import ProcessSandbox

FILES = practice(1, today=date(2026, 11, 21)).files
KINDS = {
    "dicom": "PANO_20251017.dcm",  # JPEG 2000
    "jpeg": "IMG_2154_1017.jpg",
    "tiff": "consent_20261112.tif",
    "pdf": "court_order.pdf",
    "docx": "note_20251121.docx",
    "xlsx": "lab_20260818.xlsx",
    "csv": "lab_20260818.csv",
    "txt": "dictation_20260529.txt",
}


@pytest.fixture(scope="module")
def real() -> Iterator[ProcessSandbox]:
    """As production builds it."""
    with ProcessSandbox() as made:
        yield made


def named(name: str) -> DemoFile:
    return next(file for file in FILES if file.name == name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_named_checked_drawn_and_read(real, kind):
    source = MemorySource(named(KINDS[kind]).make())
    extension = KINDS[kind].rsplit(".", 1)[-1]
    assert real.run(formats.identify, source, extension=extension) == kind
    assert real.run(formats.inspect, source, kind=kind).kind == kind
    drawn = real.run(formats.render, source, kind=kind)
    assert [rendition.name for rendition in drawn] == ["thumbnail", "preview"]
    assert isinstance(real.run(formats.text, source, kind=kind), str)


@pytest.mark.parametrize("kind", ["jpeg", "tiff", "dicom", "pdf"])
def test_a_torn_file_is_damaged_not_deadly(real, kind):
    whole = named(KINDS[kind]).make()
    with pytest.raises(Damaged):
        real.run(formats.inspect, MemorySource(whole[: len(whole) // 2]), kind=kind)


def test_the_built_in_scanner_finds_the_test_virus_and_passes_a_letter(real):
    virus = MemorySource(named("invoice_overdue.txt").make())
    letter = MemorySource(named("court_order.pdf").make())
    (found,) = real.run(scanners.structure, virus, kind="txt")
    assert found.outcome is Outcome.INFECTED
    (clean,) = real.run(scanners.structure, letter, kind="pdf")
    assert clean.outcome is Outcome.CLEAN


def test_what_is_inside_a_document_streams_out_whole(real):
    note = MemorySource(named("note_20251121.docx").make())
    pieces = list(real.stream(scanners.members, note, kind="docx"))
    assert sum(piece.is_last for piece in pieces) == 4
    assert any(b"<w:document" in piece.data for piece in pieces)
