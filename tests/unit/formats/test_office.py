"""Word and Excel: what is read, what is refused, what is never repeated."""

from __future__ import annotations

import pytest
from tests.golden.docx import make as word
from tests.golden.jpeg.make import CANARY
from tests.golden.xlsx import make as excel

from medstack.formats import ooxml, tasks, xlsx
from medstack.formats.contract import Damaged, Encrypted, Excessive, IdentityMark, Inspection
from medstack.formats.docx import DOCX
from medstack.formats.xlsx import XLSX
from medstack.kit.streams import MemorySource


def inspected(content: bytes) -> Inspection:
    kind = tasks.identify(MemorySource(content))
    return tasks.inspect(MemorySource(content), kind=kind)


def refused(content: bytes, problem: type[Exception], match: str = ".") -> None:
    with pytest.raises(problem, match=match):
        DOCX.inspect(MemorySource(content))


# -- Word --------------------------------------------------------------------------------------


def test_a_word_document_tells_what_is_in_it() -> None:
    found = inspected(word.document())
    assert (found.kind, found.extension) == ("docx", "docx")
    assert found.metadata.extra == {
        "paragraphCount": 6,
        "tableCount": 1,
        "imageCount": 0,
        "hasMacros": False,
        "hasTrackedChanges": False,
    }


def test_runs_are_joined_and_cells_set_apart() -> None:
    text = DOCX.text(MemorySource(word.document()))
    assert text.splitlines() == [
        "Arztbrief",
        "Die Wunde heilt reizlos ab.",
        "Zahn \tBefund",
        "26 \tFüllung",
    ]


def test_headers_are_searchable_and_deletions_are_not() -> None:
    text = DOCX.text(MemorySource(word.described()))
    assert "Kopfzeile der Praxis" in text
    assert "neu" in text
    assert "alt" not in text.split()


def test_places_that_name_people_are_marked_and_names_are_not_repeated() -> None:
    found = inspected(word.described())
    assert found.metadata.captured_at == "2025-11-03T08:30:00Z"
    assert found.metadata.equipment == "Synthetic Writer"
    assert {(m.kind, m.place) for m in found.identity} == {
        ("author", "core.xml creator"),
        ("author", "core.xml lastModifiedBy"),
        ("title", "core.xml title"),
        ("organisation", "app.xml Company"),
        ("author", "tracked changes"),
    }
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    ("told", "extension"),
    [
        ("application/vnd.ms-word.document.macroEnabled.main+xml", "docm"),
        ("application/vnd.ms-word.template.macroEnabledTemplate.main+xml", "dotm"),
        (f"{word.WML}.template.main+xml", "dotx"),
    ],
)
def test_macros_and_templates_are_known_by_content_type(told: str, extension: str) -> None:
    content = word.package(
        {
            "[Content_Types].xml": word.content_types(told),
            "_rels/.rels": word.RELS,
            "word/document.xml": word.word(word.BODY),
            "word/vbaProject.bin": b"x",
        }
    )
    found = inspected(content)
    assert (found.kind, found.extension) == ("docx", extension)
    assert found.metadata.extra["hasMacros"] is True


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))


@pytest.mark.parametrize(
    "xml",
    [
        f"<!DOCTYPE x [{LAUGHS}]><x>&l9;</x>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>',
    ],
)
@pytest.mark.parametrize("part", ["word__document_xml", "docProps__core_xml", "word__any_xml"])
def test_entities_are_refused_in_every_part(xml: str, part: str) -> None:
    refused(word.document(**{part: xml}), Damaged, "entities")


def test_a_part_that_is_not_well_formed_is_damaged() -> None:
    refused(word.document(word__styles_xml="<a><b></a>"), Damaged, "well-formed")


def test_elements_nested_without_end_are_excessive() -> None:
    refused(word.document(word__deep_xml="<a>" * 300 + "</a>" * 300), Excessive)


def test_too_much_xml_is_excessive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ooxml, "XML_CAP_BYTES", 1000)
    refused(word.document(), Excessive)


def test_a_package_without_a_main_part_is_damaged() -> None:
    refused(
        word.package(
            {"[Content_Types].xml": word.content_types("text/plain"), "word/document.xml": "<x/>"}
        ),
        Damaged,
        "main part",
    )


def test_two_parts_whose_names_differ_in_case_are_damaged() -> None:
    refused(word.document(word__a_xml="<a/>", word__A_xml="<a/>"), Damaged, "same name")


def test_data_glued_to_either_end_is_damaged() -> None:
    refused(word.document() + b"tail", Damaged, "after the end")
    refused(b"head" + word.document(), Damaged, "before the first")


def test_a_protected_part_is_encrypted() -> None:
    content = bytearray(word.document())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(content), Encrypted)


# -- Excel -------------------------------------------------------------------------------------


def test_a_workbook_tells_what_is_in_it() -> None:
    found = inspected(excel.laboratory())
    assert (found.kind, found.extension) == ("xlsx", "xlsx")
    assert found.metadata.extra == {
        "sheetCount": 2,
        "rowCount": 5,
        "columnCount": 4,
        "cellCount": 14,
        "formulaCount": 1,
        "hasMacros": False,
    }


def test_cells_of_every_sheet_are_searchable() -> None:
    text = XLSX.text(MemorySource(excel.laboratory()))
    assert "2025-06-01 12:00\tHämoglobin\t13.9\tg/dl" in text
    assert text.splitlines()[-2:] == ["Zweites", "\tTRUE"]


def test_an_author_of_a_workbook_is_marked_by_place() -> None:
    found = inspected(excel.described())
    assert IdentityMark(kind="author", place="core.xml creator") in found.identity
    assert IdentityMark(kind="author", place="comments.xml") in found.identity
    assert CANARY not in repr(found)


def test_a_dimension_that_lies_costs_nothing() -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'
    )
    content = excel.repacked(excel.laboratory(), {"xl/worksheets/sheet1.xml": sheet.encode()})
    assert inspected(content).metadata.extra["columnCount"] == 16384
    assert XLSX.text(MemorySource(content)).startswith("Labor\n1")
    assert XLSX.render(MemorySource(content))


def test_too_many_cells_are_excessive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_CELLS", 5)
    with pytest.raises(Excessive):
        XLSX.inspect(MemorySource(excel.laboratory()))


def test_a_workbook_whose_sheet_is_missing_is_damaged() -> None:
    content = excel.repacked(excel.laboratory(), {"xl/worksheets/sheet1.xml": None})
    with pytest.raises(Damaged):
        XLSX.inspect(MemorySource(content))


@pytest.mark.parametrize("task", [tasks.inspect, tasks.render, tasks.text])
def test_a_workbook_whose_bytes_are_broken_is_damaged_whatever_is_asked(task) -> None:  # type: ignore[no-untyped-def]
    content = bytearray(excel.laboratory())
    at = content.index(b"xl/workbook.xml") + 40
    content[at : at + 8] = b"\xff" * 8
    with pytest.raises(Damaged):
        task(MemorySource(bytes(content)), kind="xlsx")


def test_a_document_renamed_stays_what_it_is() -> None:
    assert tasks.identify(MemorySource(word.document())) == "docx"
    assert tasks.identify(MemorySource(excel.laboratory())) == "xlsx"
