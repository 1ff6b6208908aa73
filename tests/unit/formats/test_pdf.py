"""PDF: what is read, what real programs get wrong and is let through, what is refused."""

from __future__ import annotations

import pikepdf
import pytest
from tests.golden.jpeg.make import CANARY
from tests.golden.pdf import make

from medstack.formats import pdf, tasks
from medstack.formats.contract import Damaged, Encrypted, Excessive, IdentityMark, Inspection
from medstack.formats.pdf import PDF
from medstack.kit.streams import MemorySource


def inspected(content: bytes) -> Inspection:
    return PDF.inspect(MemorySource(content))


def refused(content: bytes, problem: type[Exception], match: str = ".") -> None:
    with pytest.raises(problem, match=match):
        inspected(content)


LETTER = make.saved(make.letter())


def test_a_letter_tells_its_pages_and_their_size() -> None:
    extra = inspected(LETTER).metadata.extra
    assert (extra["pageCount"], extra["pageWidthMm"], extra["pageHeightMm"]) == (2, 209.9, 297.0)
    assert (extra["isRepaired"], extra["isProtected"]) == (False, False)


def test_text_of_every_page_is_searchable() -> None:
    text = PDF.text(MemorySource(LETTER))
    assert "Bitte um Röntgenaufnahme Regio 36." in text
    assert text.index("Überweisung") < text.index("Seite zwei")


def test_text_is_capped_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "PAGE_TEXT_CAP", 5)
    assert [len(line) for line in PDF.text(MemorySource(LETTER)).split("\n")] == [5, 5]


def test_author_and_title_are_marked_by_place_and_never_repeated() -> None:
    found = inspected(make.described())
    assert found.metadata.captured_at == "2024-02-29T08:15:00+01:00"
    assert found.metadata.equipment == "Synthetic Scanner 3"
    assert {(m.kind, m.place) for m in found.identity} == {
        ("author", "PDF Info /Author"),
        ("title", "PDF Info /Title"),
        ("custom-property", "PDF Info"),
        ("author", "XMP creator"),
    }
    assert CANARY not in repr(found)


def test_forms_bookmarks_and_attachments_are_counted() -> None:
    extra = inspected(make.form()).metadata.extra
    assert (
        extra["formFieldCount"],
        extra["outlineCount"],
        extra["embeddedFileCount"],
        extra["signatureCount"],
    ) == (1, 2, 1, 0)


def test_a_signed_field_is_counted_as_a_signature() -> None:
    document = make.letter()
    field = document.make_indirect(
        pikepdf.Dictionary(
            FT=pikepdf.Name.Sig,
            T=pikepdf.String("s"),
            V=pikepdf.Dictionary(Type=pikepdf.Name.Sig),
        )
    )
    document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))
    assert inspected(make.saved(document)).metadata.extra["signatureCount"] == 1


def test_the_picture_shows_the_first_page() -> None:
    thumbnail, preview = PDF.render(MemorySource(make.scan()))
    assert (preview.width_px, preview.height_px) in {(1131, 1600), (1130, 1600)}
    assert (thumbnail.name, thumbnail.height_px) == ("thumbnail", 400)


def test_a_careless_cross_reference_is_let_through_and_said() -> None:
    assert inspected(make.shifted()).metadata.extra["isRepaired"] is True


def test_a_document_open_to_read_but_not_to_change_is_taken() -> None:
    assert inspected(make.protected()).metadata.extra["isProtected"] is True


@pytest.mark.parametrize("task", [tasks.inspect, tasks.render, tasks.text])
def test_a_document_that_needs_a_password_is_encrypted(task) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Encrypted):
        task(MemorySource(make.protected(user="secret")), kind="pdf")


@pytest.mark.parametrize("share", [n / 20 for n in range(1, 20)])
def test_a_document_cut_short_is_damaged_wherever_it_is_cut(share: float) -> None:
    refused(LETTER[: int(len(LETTER) * share)], Damaged)


def test_anything_but_space_behind_the_end_is_damaged() -> None:
    refused(LETTER + b"<script>", Damaged, "after the end")
    assert inspected(LETTER + b"\n" * 10_000).kind == "pdf"


def test_a_page_whose_content_cannot_be_unpacked_is_damaged() -> None:
    at = LETTER.index(b"stream\n") + 12
    refused(LETTER[:at] + b"\xff\xff\xff\xff" + LETTER[at + 4 :], Damaged)


def test_a_document_without_pages_is_damaged() -> None:
    document = pikepdf.new()
    refused(make.saved(document), Damaged, "no pages")


def test_a_page_tree_that_holds_itself_is_refused_in_time() -> None:
    document = make.letter()
    document.Root.Pages.Kids.append(document.Root.Pages)
    refused(make.saved(document), Damaged)


def test_bookmarks_that_run_in_a_circle_are_counted_once() -> None:
    document = make.letter()
    item = document.make_indirect(pikepdf.Dictionary(Title=pikepdf.String("x")))
    item.Next = item
    document.Root.Outlines = pikepdf.Dictionary(First=item, Last=item, Count=1)
    assert inspected(make.saved(document)).metadata.extra["outlineCount"] == 1


def test_an_image_of_too_many_pixels_is_excessive() -> None:
    document = make.letter()
    document.pages[0].Resources.XObject = pikepdf.Dictionary(
        Im0=document.make_stream(
            b"x", Subtype=pikepdf.Name.Image, Width=60_000, Height=60_000, BitsPerComponent=1
        )
    )
    refused(make.saved(document), Excessive)


@pytest.mark.parametrize("limit", ["MAX_PAGES", "MAX_OBJECTS"])
def test_more_than_we_read_is_excessive(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, limit, 1)
    refused(LETTER, Excessive)


def test_an_empty_author_names_nobody() -> None:
    document = make.letter()
    document.docinfo["/Author"] = pikepdf.String("")
    found = inspected(make.saved(document))
    assert IdentityMark(kind="author", place="PDF Info /Author") not in found.identity


def test_a_property_whose_name_is_no_text_is_marked_too() -> None:
    document = make.letter()
    document.docinfo["/Qq"] = pikepdf.String(CANARY)
    plain = make.saved(document, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    found = inspected(plain.replace(b"/Qq", b"/\xdf\xfc"))
    assert found.identity == (IdentityMark(kind="custom-property", place="PDF Info"),)
