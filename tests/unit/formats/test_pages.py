"""Pictures of documents: they show what is there and never fail on what a text may hold."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from medstack.formats import pages
from medstack.formats.contract import Rendition


def pixels(renditions: tuple[Rendition, ...]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(renditions[1].data)).convert("L"))


def ink(renditions: tuple[Rendition, ...]) -> int:
    return int((pixels(renditions) < 128).sum())


def test_an_empty_page_is_white() -> None:
    assert pixels(pages.page_of([])).min() == 255


def test_a_page_is_upright_and_a_table_lies_down() -> None:
    page, table = pages.page_of([])[1], pages.table_of([["a"]])[1]
    assert (page.width_px, page.height_px) == pages.PAGE_PX
    assert (table.width_px, table.height_px) == pages.TABLE_PX


def test_words_leave_ink_and_headings_more_of_it() -> None:
    plain = ink(pages.page_of([pages.Line(text="Arztbrief")]))
    heading = ink(pages.page_of([pages.Line(text="Arztbrief", level=1)]))
    assert 0 < plain < heading


def test_letters_with_umlauts_are_drawn_as_letters() -> None:
    assert ink(pages.page_of([pages.Line(text="Größe: über 3 µm – „gut“ €")])) > 500


def test_a_script_without_glyphs_becomes_bars_not_boxes() -> None:
    drawn = pages.page_of([pages.Line(text="здоровье 漢字")])
    assert ink(drawn) == 0
    assert pixels(drawn).min() < 255


def test_an_accent_the_font_lacks_is_left_off() -> None:
    same = pages.page_of([pages.Line(text="Capek")])
    assert pages.page_of([pages.Line(text="Čapek")]) == same


def test_nothing_is_drawn_over_the_edge() -> None:
    drawn = pixels(pages.page_of([pages.Line(text="x" * 5000)] * 200))
    assert drawn[:, :40].min() == drawn[:, -40:].min() == 255
    assert drawn[-40:, :].min() == 255


def test_a_wide_table_is_shrunk_onto_its_page() -> None:
    drawn = pixels(pages.table_of([["wide column text " * 9] * 40] * 60))
    assert drawn[:, -8:].min() == 255


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=200), level=st.integers(0, 3), mono=st.booleans())
def test_any_text_can_be_drawn(text: str, level: int, mono: bool) -> None:
    assert len(pages.page_of([pages.Line(text=text, level=level, is_monospaced=mono)])) == 2
    assert len(pages.table_of([[text, text]], title=text)) == 2
