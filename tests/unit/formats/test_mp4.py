"""MP4: boxes that add up, tables that point only into the film, and who is named."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from medstack.formats.contract import Damaged, Encrypted, Excessive, Unrecognised
from medstack.formats.mp4 import MP4
from medstack.formats.sniffing import identify, kinds_of
from medstack.kit.streams import MemorySource

FOLDER = Path(__file__).parents[2] / "golden" / "mp4"
FILES = {path.name: path.read_bytes() for path in FOLDER.glob("*.*p*") if path.suffix != ".py"}
CLIP = FILES["clip.mp4"]
CANARY = "Ptarmigan"


def inspect(content: bytes):
    return MP4.inspect(MemorySource(content))


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def with_user_data(body: bytes) -> bytes:
    """The clip (its moov is last) with more in moov."""
    at = CLIP.rindex(b"moov") - 4
    moov = CLIP[at + 8 :] + box(b"udta", body)
    return CLIP[:at] + box(b"moov", moov)


def patched(content: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """`content` with `value` written `offset` bytes behind the first `name`."""
    at = content.index(name) + len(name) + offset
    return content[:at] + value + content[at + len(value) :]


def test_size_time_and_codecs_are_read() -> None:
    found = inspect(CLIP)
    assert (found.metadata.width_px, found.metadata.height_px) == (64, 48)
    assert found.metadata.captured_at == "2024-06-07T08:09:10Z"
    extra = found.metadata.extra
    assert (extra["videoCodec"], extra["audioCodec"]) == ("h264", "aac")
    assert (extra["frameCount"], extra["framesPerS"]) == (10, 10)
    assert extra["durationS"] == pytest.approx(1.1, abs=0.1)


def test_fragments_are_counted_and_timed() -> None:
    extra = inspect(FILES["fragmented.mp4"]).metadata.extra
    assert (extra["fragmented"], extra["frameCount"], extra["durationS"]) == (True, 10, 1)


def test_an_unset_clock_is_no_capture_date() -> None:
    assert inspect(FILES["faststart.mp4"]).metadata.captured_at is None


def test_names_and_positions_are_marked_not_repeated() -> None:
    found = inspect(CLIP)
    assert {m.kind for m in found.identity} == {"title", "author", "gps-position"}
    assert CANARY not in repr(found)


def test_a_phones_user_data_names_device_and_place() -> None:
    said = (
        box(b"\xa9xyz", b"\0\x10\x15\xc7+51.5007-000.1/")
        + box(b"\xa9mak", b"\0\x09\0\0Synthetic")
        + box(b"\xa9mod", b"\0\x05\0\0Phone")
    )
    found = inspect(with_user_data(said))
    assert found.metadata.equipment == "Synthetic Phone"
    assert ("gps-position", "MP4 ©xyz") in {(m.kind, m.place) for m in found.identity}


def test_quicktime_keys_name_device_and_place() -> None:
    names = [b"com.apple.quicktime.location.ISO6709", b"com.apple.quicktime.model"]
    keys = struct.pack(">II", 0, 2) + b"".join(box(b"mdta", name) for name in names)
    values = [b"+51.5-000.1/", b"Phone 7"]
    items = b"".join(
        box(struct.pack(">I", n), box(b"data", struct.pack(">II", 1, 0) + value))
        for n, value in enumerate(values, 1)
    )
    meta = box(b"hdlr", bytes(24)) + box(b"keys", keys) + box(b"ilst", items)
    found = inspect(with_user_data(box(b"meta", bytes(4) + meta)))
    assert found.metadata.equipment == "Phone 7"
    assert ("gps-position", "MP4 key location") in {(m.kind, m.place) for m in found.identity}


@pytest.mark.parametrize(
    ("matrix", "turn", "size"),
    [
        ((0, 1, -1, 0), 90, (48, 64)),
        ((-1, 0, 0, -1), 180, (64, 48)),
        ((0, -1, 1, 0), 270, (48, 64)),
    ],
)
def test_a_film_held_upright_is_measured_upright(matrix, turn, size) -> None:
    a, b, c, d = (value << 16 for value in matrix)
    values = struct.pack(">5i", a, b, 0, c, d)
    found = inspect(patched(CLIP, b"tkhd", 40, values)).metadata
    assert (found.width_px, found.height_px) == size
    assert found.extra["rotationDeg"] == turn


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_mp4_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    for cut in np.linspace(1, len(content) - 1, 20, dtype=int):
        with pytest.raises(Damaged):
            inspect(content[:cut])


@pytest.mark.parametrize("extra", [b"\0", b"MZ\x90\0", b"PK\x03\x04" + bytes(30), bytes(16)])
def test_data_behind_the_last_box_is_damaged(extra: bytes) -> None:
    with pytest.raises(Damaged):
        inspect(CLIP + extra)


def test_a_chunk_outside_the_media_data_is_damaged() -> None:
    for offset in (0, 8, len(CLIP), 0xFFFFFFFF):
        with pytest.raises(Damaged, match="not there"):
            inspect(patched(CLIP, b"stco", 8, struct.pack(">I", offset)))


def test_a_table_longer_than_its_box_is_damaged() -> None:
    for name, at in ((b"stsz", 8), (b"stco", 4), (b"stsc", 4)):
        with pytest.raises(Damaged):
            inspect(patched(CLIP, name, at, b"\xff\xff\xff\xf0"))


def test_a_shared_sample_size_allocates_nothing_by_its_count() -> None:
    with pytest.raises(Damaged):
        inspect(patched(CLIP, b"stsz", 4, struct.pack(">II", 1, 0xFFFFFFFF)))


def test_media_kept_in_another_file_is_refused() -> None:
    with pytest.raises(Damaged, match="another file"):
        inspect(patched(CLIP, b"url ", 0, bytes(4)))


def test_a_protected_film_says_so() -> None:
    with pytest.raises(Encrypted):
        inspect(CLIP.replace(b"avc1", b"encv"))


def test_an_unknown_codec_is_refused_by_kind() -> None:
    with pytest.raises(Unrecognised) as refusal:
        inspect(CLIP.replace(b"avc1\0\0\0\0", b"xxxx\0\0\0\0"))
    assert refusal.value.facts["kind"] == "mp4"


def test_a_pixel_bomb_is_refused_by_its_header() -> None:
    at = CLIP.index(b"avc1\0\0\0\0") + 4 + 24
    bomb = CLIP[:at] + struct.pack(">HH", 60_000, 60_000) + CLIP[at + 4 :]
    with pytest.raises(Excessive):
        inspect(bomb)


def test_sound_without_picture_is_no_film() -> None:
    with pytest.raises(Unrecognised) as refusal:
        inspect(CLIP.replace(b"vide", b"soun"))
    assert refusal.value.facts["kind"] in ("m4a", "mp4")


def test_relatives_of_mp4_are_not_taken_for_it() -> None:
    for brand in (b"qt  ", b"heic", b"avif", b"M4A "):
        content = CLIP[:8] + brand + CLIP[12:]
        assert "mp4" not in kinds_of(MemorySource(content))
    assert identify(MemorySource(FILES["old.3gp"]), extension="3gp") == "mp4"


def test_boxes_nested_in_themselves_end() -> None:
    deep = b""
    for _ in range(2000):
        deep = box(b"udta", deep)
    assert inspect(with_user_data(deep)).kind == "mp4"
