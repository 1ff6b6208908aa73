"""JPEG: whole to EOI, upright, and honest about who is named where."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.golden.jpeg import make
from tests.golden.scenes import quarters

from medstack.formats.contract import Ambiguous, Damaged, Excessive, IdentityMark
from medstack.formats.jpeg import JPEG
from medstack.formats.sniffing import identify
from medstack.kit.streams import MemorySource

TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.rot90(np.fliplr(a), 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.fliplr(a), -1),
    8: lambda a: np.rot90(a, 1),
}


def inspect(content: bytes):
    return JPEG.inspect(MemorySource(content))


def corners(picture: np.ndarray) -> list[tuple[int, ...]]:
    """Which of the four colours is in each quarter, clockwise from top left."""
    height, width = picture.shape[:2]
    spots = [(1, 1), (1, 3), (3, 3), (3, 1)]
    return [tuple(int(v > 128) for v in picture[height * y // 4, width * x // 4]) for y, x in spots]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_renditions_stand_upright_whatever_the_camera_did(orientation: int) -> None:
    content = make.photo(orientation)
    thumbnail, preview = JPEG.render(MemorySource(content))
    expected = TURNS[orientation](quarters(96, 64))
    for rendition in (thumbnail, preview):
        drawn = np.asarray(Image.open(io.BytesIO(rendition.data)).convert("RGB"))
        assert drawn.shape == expected.shape
        assert corners(drawn) == corners(expected)
    metadata = inspect(content).metadata
    assert (metadata.height_px, metadata.width_px) == expected.shape[:2]


def test_the_camera_tells_when_with_what_and_how_fine() -> None:
    metadata = inspect(make.photo()).metadata
    assert metadata.captured_at == "2024-03-15T10:20:30+02:00"
    assert metadata.equipment == "Synthetic Intraoral 5"
    assert metadata.resolution_dpi == 300


def test_every_place_a_phone_names_somebody_is_marked() -> None:
    assert {(m.kind, m.place) for m in inspect(make.photo()).identity} == {
        ("description", "EXIF ImageDescription"),
        ("author", "EXIF Artist"),
        ("person-name", "EXIF CameraOwnerName"),
        ("device-serial", "EXIF BodySerialNumber"),
        ("gps-position", "EXIF GPSInfo"),
    }


def test_xmp_iptc_and_comment_are_marked_and_dated() -> None:
    found = inspect(make.marked())
    assert {m.place for m in found.identity} == {
        "XMP creator",
        "XMP GPSLatitude",
        "IPTC By-line",
        "IPTC City",
        "IPTC Caption-Abstract",
        "JPEG comment",
    }
    assert found.metadata.captured_at == "2024-02-29T07:08:09+01:00"


@pytest.mark.parametrize("content", [make.photo(), make.marked()])
def test_a_mark_and_a_rendition_never_repeat_a_value(content: bytes) -> None:
    canary = make.CANARY.encode()
    assert canary in content
    assert make.CANARY not in repr(inspect(content))
    for rendition in JPEG.render(MemorySource(content)):
        for trace in (canary, b"Exif", b"http://ns.adobe.com", b"GPS", b"8BIM"):
            assert trace not in rendition.data


def test_a_plain_picture_names_nobody() -> None:
    assert inspect(make.files()["progressive.jpg"]).identity == ()


@pytest.mark.parametrize("name", sorted(make.files()))
def test_a_jpeg_cut_anywhere_is_damaged(name: str) -> None:
    content = make.files()[name]
    for cut in np.linspace(1, len(content) - 1, 20, dtype=int):
        with pytest.raises(Damaged):
            inspect(content[:cut])


def test_one_byte_after_the_end_is_damaged() -> None:
    with pytest.raises(Damaged, match="after the end"):
        inspect(make.photo() + b"\0")


def test_a_companion_the_index_names_is_allowed_and_counted() -> None:
    content = make.with_companion()
    assert inspect(content).metadata.extra["companionPictures"] == 1
    with pytest.raises(Damaged):
        inspect(content + b"x")


def test_an_index_may_not_cover_something_else() -> None:
    content = make.with_companion()
    start = content.rfind(b"\xff\xd8\xff")
    with pytest.raises(Damaged):
        inspect(content[:start] + b"#!/bin/sh\n".ljust(len(content) - start, b"\n"))


def test_a_cameras_own_directory_is_allowed_and_marked() -> None:
    plain = {m.place for m in inspect(make.photo()).identity}
    found = {m.place for m in inspect(make.files()["camera.jpg"]).identity}
    assert found - plain == {"JPEG camera directory"}


def test_a_film_behind_a_photo_is_told() -> None:
    film = make.camera_directory((0x0A30, b"MotionPhoto_Data", bytes(40)))
    for picture in (make.photo(), make.with_companion()):
        marks = inspect(picture + film).identity
        assert IdentityMark(kind="embedded-film", place="JPEG camera directory") in marks


def test_a_directory_that_does_not_explain_every_byte_is_damaged() -> None:
    directory = make.camera_directory((1, b"a", b"1"), (2, b"b", b"22"))
    for content in (
        make.photo() + b"x" + directory,
        make.photo() + directory[1:],
        make.photo() + directory[:9] + b"x" + directory[9:],
        make.photo() + directory.replace(b"SEFH", b"SEFX"),
        make.photo() + directory + b"SEFT",
    ):
        with pytest.raises(Damaged):
            inspect(content)


def test_a_zip_behind_a_jpeg_is_two_kinds_at_once() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("hidden.txt", "hidden")
    with pytest.raises(Ambiguous) as refusal:
        identify(MemorySource(make.photo() + archive.getvalue()), extension="jpg")
    assert refusal.value.facts["kinds"] == ("jpeg", "zip")


def test_a_script_in_a_comment_is_two_kinds_at_once() -> None:
    content = make.after_soi(make.photo(), 0xFE, b"*/<script>alert(1)</script>/*")
    with pytest.raises(Ambiguous):
        identify(MemorySource(content), extension="jpg")


def test_a_pixel_bomb_is_refused_by_its_header() -> None:
    content = make.photo()
    at = content.index(b"\xff\xc0") + 5
    bomb = content[:at] + struct.pack(">HH", 60_000, 60_000) + content[at + 4 :]
    with pytest.raises(Excessive) as refusal:
        inspect(bomb)
    assert refusal.value.facts["rule"] == "pixel-budget"
    with pytest.raises(Excessive):
        JPEG.render(MemorySource(bomb))


def test_sloppy_exif_does_not_lose_the_picture() -> None:
    content = make.after_soi(make.files()["progressive.jpg"], 0xE1, b"Exif\0\0II*\0\xff\xff\xff\0")
    assert inspect(content).identity == (IdentityMark(kind="unreadable", place="EXIF"),)


def test_entities_in_xmp_are_not_expanded() -> None:
    packet = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    segment = b"http://ns.adobe.com/xap/1.0/\0" + packet
    content = make.after_soi(make.files()["progressive.jpg"], 0xE1, segment)
    assert inspect(content).identity == (IdentityMark(kind="unreadable", place="XMP"),)


def test_colours_of_print_become_colours_of_the_screen() -> None:
    _, preview = JPEG.render(MemorySource(make.files()["cmyk.jpg"]))
    drawn = np.asarray(Image.open(io.BytesIO(preview.data)).convert("RGB"))
    assert corners(drawn)[0] == (1, 0, 0)


def test_a_large_picture_is_drawn_small_and_a_small_one_as_it_is() -> None:
    large = make.encode(Image.new("RGB", (2000, 1000), "teal"))
    assert [(r.name, r.width_px, r.height_px) for r in JPEG.render(MemorySource(large))] == [
        ("thumbnail", 400, 200),
        ("preview", 1600, 800),
    ]
    tiny = make.files()["pixel.jpeg"]
    assert [(r.width_px, r.height_px) for r in JPEG.render(MemorySource(tiny))] == [(1, 1), (1, 1)]
