"""STL: the count explains the size, every corner is somewhere, and the picture shows a mesh."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image
from tests.golden.stl import make

from medstack.formats.contract import Damaged, Excessive
from medstack.formats.sniffing import identify, kinds_of
from medstack.formats.stl import STL
from medstack.formats.stl.reader import MAX_FACETS, read_mesh
from medstack.formats.stl.shading import draw
from medstack.kit.streams import MemorySource

FILES = make.files()


class Claimed:
    """A source that only says how large it is, and fails when asked for more than its head."""

    def __init__(self, head: bytes, size: int) -> None:
        self._head, self.size = head, size

    def read_at(self, offset: int, length: int) -> bytes:
        assert offset + length <= 4096, "read before the budget was checked"
        return self._head[offset : offset + length]

    def close(self) -> None:
        return None


@pytest.mark.parametrize("name", sorted(FILES))
def test_counts_and_extent_are_read(name: str) -> None:
    extra = STL.inspect(MemorySource(FILES[name])).metadata.extra
    if name == "arch.stl":
        assert extra["triangleCount"] == len(make.arch())
        return
    assert extra["triangleCount"] == 12
    assert [extra[f"size{axis}"] for axis in "XYZ"] == [10, 10, 10]
    assert extra["encoding"] == ("binary" if name == "solid-binary.stl" else "ascii")


def test_both_encodings_hold_the_same_triangles() -> None:
    text = read_mesh(MemorySource(make.ascii_text(make.arch()))).triangles
    raw = read_mesh(MemorySource(make.binary(make.arch()))).triangles
    np.testing.assert_allclose(text, raw, rtol=1e-5, atol=1e-6)


def test_binary_is_told_by_its_size_not_by_its_first_word() -> None:
    assert kinds_of(MemorySource(FILES["solid-binary.stl"])) == ["stl"]


def test_a_note_about_solid_food_is_no_mesh() -> None:
    assert "stl" not in kinds_of(MemorySource(b"solid food only after three days\n" * 5))


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_stl_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    last = len(content) - 1 if "binary" in name or name == "arch.stl" else len(content) - 30
    for cut in np.linspace(1, last, 20, dtype=int):
        with pytest.raises(Damaged):
            STL.inspect(MemorySource(content[:cut]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_corner_that_is_nowhere_is_damaged(value: float) -> None:
    triangles = make.cube()
    triangles[3, 1, 2] = value
    for content in (make.binary(triangles), make.ascii_text(triangles)):
        with pytest.raises(Damaged, match="nowhere"):
            STL.inspect(MemorySource(content))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"vertex", b"vortex"),
        (b"endloop", b""),
        (b"1.000000e+01", b"ten"),
        (b"solid", b"solid\n<script>"),
    ],
)
def test_ascii_that_says_something_else_is_damaged(old: bytes, new: bytes) -> None:
    content = make.ascii_text(make.cube()).replace(old, new, 1)
    with pytest.raises(Damaged):
        STL.inspect(MemorySource(content))


def test_text_behind_the_last_solid_is_damaged() -> None:
    with pytest.raises(Damaged):
        STL.inspect(MemorySource(FILES["cube.stl"] + b"#!/bin/sh\n"))


def test_a_byte_more_or_less_is_damaged() -> None:
    for content in (FILES["arch.stl"] + b"\0", FILES["arch.stl"][:-1]):
        with pytest.raises(Damaged):
            STL.inspect(MemorySource(content))


def test_too_many_triangles_are_refused_by_the_header() -> None:
    count = MAX_FACETS + 1
    head = bytes(80) + struct.pack("<I", count)
    with pytest.raises(Excessive) as refusal:
        STL.inspect(Claimed(head, 84 + 50 * count))
    assert refusal.value.facts["rule"] == "mesh-facets"


def test_a_name_in_the_header_is_marked_not_repeated() -> None:
    for name, place in (("arch.stl", "STL header"), ("cube.stl", "STL solid name")):
        found = STL.inspect(MemorySource(FILES[name]))
        assert [m.place for m in found.identity] == [place]
        assert make.CANARY not in repr(found)
    assert STL.inspect(MemorySource(make.binary(make.cube()))).identity == ()


def test_the_picture_shows_a_light_mesh_on_a_darker_ground() -> None:
    _, preview = STL.render(MemorySource(FILES["arch.stl"]))
    drawn = np.asarray(Image.open(io.BytesIO(preview.data)).convert("L")).astype(int)
    ground = drawn[2, 2]
    mesh = drawn > ground + 30
    assert 0.1 < mesh.mean() < 0.7
    assert drawn[mesh].std() > 10  # shaded, not a silhouette
    assert not mesh[:10].any() or not mesh[-10:].any()


def test_a_hidden_triangle_stays_hidden() -> None:
    near = make.cube()
    far = make.cube()[:2] * 0.2 + 4.9  # inside the cube
    np.testing.assert_array_equal(draw(near), draw(np.concatenate([near, far])))


def test_a_mesh_wound_inside_out_looks_the_same() -> None:
    np.testing.assert_array_equal(draw(make.cube()), draw(make.cube()[:, ::-1].copy()))


@pytest.mark.parametrize("triangles", [np.zeros((3, 3, 3)), np.full((1, 3, 3), 1e30)])
def test_a_mesh_without_extent_is_drawn_as_nothing(triangles: np.ndarray) -> None:
    assert draw(triangles.astype(np.float32)).shape[2] == 3


def test_three_hundred_thousand_triangles_take_about_a_second() -> None:
    triangles = make.arch(1200, 10, 126)
    assert len(triangles) > 290_000
    started = time.process_time()
    draw(triangles)
    assert time.process_time() - started < 4  # a second on a quiet machine


def test_triangles_as_large_as_the_picture_do_not_take_for_ever() -> None:
    rng = np.random.default_rng(7)
    started = time.process_time()
    draw(rng.random((50_000, 3, 3)).astype(np.float32))
    assert time.process_time() - started < 8


def test_a_mesh_is_identified_whatever_browsers_call_it() -> None:
    for declared in ("model/stl", "application/vnd.ms-pki.stl", "application/octet-stream", ""):
        source = MemorySource(FILES["arch.stl"])
        assert identify(source, extension="STL", declared_media_type=declared) == "stl"
