"""BMP: the headers agree with the file, and the picture decodes."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tests.golden.bmp import make
from tests.golden.scenes import quarters

from medstack.formats.bmp import BMP
from medstack.formats.contract import Damaged, Excessive
from medstack.kit.streams import MemorySource

FILES = make.files()


def test_size_and_resolution_are_read() -> None:
    metadata = BMP.inspect(MemorySource(FILES["colour.bmp"])).metadata
    assert (metadata.width_px, metadata.height_px) == (33, 20)
    assert metadata.resolution_dpi == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_bmp_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    for cut in np.linspace(1, len(content) - 1, 20, dtype=int):
        with pytest.raises(Damaged):
            BMP.inspect(MemorySource(content[:cut]))


def test_data_behind_the_picture_is_damaged() -> None:
    with pytest.raises(Damaged, match="after the end"):
        BMP.inspect(MemorySource(FILES["colour.bmp"] + b"hidden"))


def test_a_pixel_bomb_is_refused_by_its_header() -> None:
    content = FILES["colour.bmp"]
    bomb = content[:18] + struct.pack("<ii", 60_000, -60_000) + content[26:]
    with pytest.raises(Excessive):
        BMP.inspect(MemorySource(bomb))


def test_the_picture_drawn_is_the_picture_stored() -> None:
    _, preview = BMP.render(MemorySource(FILES["colour.bmp"]))
    drawn = np.asarray(Image.open(io.BytesIO(preview.data)).convert("RGB")).astype(int)
    assert np.abs(drawn - quarters(33, 20)).mean() < 12


def test_rows_stored_top_down_are_not_turned_over() -> None:
    content = FILES["colour.bmp"]
    row = (33 * 24 + 31) // 32 * 4
    rows = [content[54 + i * row : 54 + (i + 1) * row] for i in range(20)]
    turned = content[:22] + struct.pack("<i", -20) + content[26:54] + b"".join(reversed(rows))
    assert BMP.render(MemorySource(turned)) == BMP.render(MemorySource(content))
