"""PNG: every checksum holds, nothing stands behind IEND, text names are places."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests.golden.jpeg.make import CANARY
from tests.golden.png import make
from tests.golden.scenes import quarters

from medstack.formats.contract import Damaged, Excessive
from medstack.formats.png import PNG
from medstack.kit.streams import MemorySource

FILES = make.files()


def inspect(content: bytes):
    return PNG.inspect(MemorySource(content))


def test_text_chunks_date_size_and_name_the_picture() -> None:
    found = inspect(FILES["described.png"])
    assert found.metadata.captured_at == "2023-11-05T06:07:08"
    assert found.metadata.resolution_dpi == pytest.approx(600, abs=0.1)
    assert {(m.kind, m.place) for m in found.identity} == {
        ("author", "PNG Author"),
        ("comment", "PNG Comment"),
        ("title", "PNG Title"),
    }
    assert CANARY not in repr(found)


def test_an_exif_chunk_is_read_and_obeyed() -> None:
    found = inspect(FILES["turned.png"])
    assert "EXIF GPSInfo" in {m.place for m in found.identity}
    assert (found.metadata.width_px, found.metadata.height_px) == (32, 48)
    _, preview = PNG.render(MemorySource(FILES["turned.png"]))
    drawn = np.asarray(Image.open(io.BytesIO(preview.data)).convert("RGB")).astype(int)
    assert np.abs(drawn - np.rot90(quarters(48, 32))).mean() < 12


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_png_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    for cut in np.linspace(1, len(content) - 1, 20, dtype=int):
        with pytest.raises(Damaged):
            inspect(content[:cut])


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_flipped_bit_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    for at in np.linspace(0, len(content) - 1, 40, dtype=int):
        changed = bytearray(content)
        changed[at] ^= 0x10
        with pytest.raises(Damaged):
            inspect(bytes(changed))


def test_one_byte_after_the_end_is_damaged() -> None:
    with pytest.raises(Damaged, match="after the end"):
        inspect(FILES["colour.png"] + b"\n")


def test_a_bomb_of_60000_squared_is_refused_by_its_header() -> None:
    for act in (PNG.inspect, PNG.render):
        with pytest.raises(Excessive) as refusal:
            act(MemorySource(make.bomb(60_000, 60_000)))
        assert refusal.value.facts["found"] == 3_600_000_000


def test_a_chunk_whose_length_lies_is_damaged() -> None:
    content = FILES["colour.png"]
    with pytest.raises(Damaged, match="beyond"):
        inspect(content[:33] + b"\xff\xff\xff\xf0IDAT" + content[41:])


def test_an_unknown_critical_chunk_is_damaged() -> None:
    with pytest.raises(Damaged, match="nobody knows"):
        inspect(make.after_header(FILES["colour.png"], make.chunk(b"EVIL", b"x")))


def test_broken_pixels_under_a_good_checksum_are_damaged() -> None:
    content = FILES["colour.png"]
    end = content.index(b"IDAT") - 4
    with pytest.raises(Damaged):
        inspect(content[:end] + make.chunk(b"IDAT", b"x\x9cgarbage") + make.chunk(b"IEND", b""))


def test_transparency_is_drawn_on_white() -> None:
    _, preview = PNG.render(MemorySource(FILES["clear.png"]))
    drawn = Image.open(io.BytesIO(preview.data))
    assert drawn.mode == "RGB"
    assert np.asarray(drawn)[0, 0].min() > 200


def test_sixteen_bits_become_eight_without_wrapping() -> None:
    _, preview = PNG.render(MemorySource(FILES["deep.png"]))
    drawn = np.asarray(Image.open(io.BytesIO(preview.data)).convert("L"))
    assert drawn.max() > 230
    assert drawn.min() < 10


def test_an_animation_tells_its_frames() -> None:
    assert inspect(FILES["moving.png"]).metadata.extra["frameCount"] == 2
