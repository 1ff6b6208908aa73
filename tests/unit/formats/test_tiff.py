"""TIFF: pages, strips and tiles inside the file; deep radiographs drawn to be seen."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tests.golden.jpeg.make import CANARY
from tests.golden.tiff import make

from medstack.formats.contract import Damaged, Excessive, Unrecognised
from medstack.formats.tiff import TIFF
from medstack.kit.streams import MemorySource

FILES = make.files()


def inspect(content: bytes):
    return TIFF.inspect(MemorySource(content))


def with_tag(content: bytes, tag: int, value: int) -> bytes:
    """`content` (little endian) with one tag of its first page set to a LONG."""
    changed = bytearray(content)
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    for at in range(first + 2, first + 2 + count * 12, 12):
        if struct.unpack_from("<H", content, at)[0] == tag:
            struct.pack_into("<HII", changed, at + 2, 4, 1, value)
            return bytes(changed)
    raise AssertionError("the file has no such tag")


def test_pages_are_counted_and_the_first_measured() -> None:
    metadata = inspect(FILES["pages.tif"]).metadata
    assert metadata.extra["pageCount"] == 3
    assert (metadata.width_px, metadata.height_px) == (48, 32)


def test_tags_tell_device_and_resolution_and_who_is_named() -> None:
    found = inspect(FILES["described.tif"])
    assert found.metadata.equipment == "Synthetic Pan 3000"
    assert found.metadata.resolution_dpi == 400
    assert {m.kind for m in found.identity} == {"description", "author", "copyright"}
    assert CANARY not in repr(found)


def test_a_radiograph_of_twelve_bits_is_drawn_bright() -> None:
    assert inspect(FILES["radiograph.tif"]).metadata.extra["bitsPerSample"] == 16
    _, preview = TIFF.render(MemorySource(FILES["radiograph.tif"]))
    drawn = np.asarray(Image.open(io.BytesIO(preview.data)).convert("L"))
    assert drawn.max() > 230
    assert drawn.min() < 20


@pytest.mark.parametrize("name", ["colour.tif", "radiograph.tif", "tiled.tiff", "jpeg.tif"])
def test_a_tiff_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    for cut in np.linspace(1, len(content) - 2, 20, dtype=int):
        with pytest.raises(Damaged):
            inspect(content[:cut])


def test_strips_beyond_the_file_are_damaged() -> None:
    content = FILES["colour.tif"]
    with pytest.raises(Damaged, match="beyond"):
        inspect(with_tag(content, 0x117, len(content) * 2))


def test_pages_in_a_circle_are_damaged() -> None:
    content = bytearray(FILES["colour.tif"])
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + count * 12, first)
    with pytest.raises(Damaged, match="never ends"):
        inspect(bytes(content))


def test_a_pixel_bomb_is_refused_by_its_tags() -> None:
    bomb = with_tag(with_tag(FILES["colour.tif"], 0x100, 60_000), 0x101, 60_000)
    for act in (TIFF.inspect, TIFF.render):
        with pytest.raises(Excessive):
            act(MemorySource(bomb))


def test_a_raw_camera_file_is_refused_by_its_name() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "TIFF", tiffinfo={0xC612: 1})
    with pytest.raises(Unrecognised) as refusal:
        inspect(buffer.getvalue())
    assert refusal.value.facts["kind"] == "dng"
