"""WAV: as long as it says, whole frames, and a waveform to look at."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tests.golden.wav import make

from medstack.formats.contract import Damaged, Unrecognised
from medstack.formats.wav import WAV
from medstack.kit.streams import MemorySource

FILES = make.files()


def inspect(content: bytes):
    return WAV.inspect(MemorySource(content))


@pytest.mark.parametrize(
    ("name", "bits", "channels", "codec"),
    [
        ("heart", 16, 1, "pcm"),
        ("bytes", 8, 1, "pcm"),
        ("deep", 24, 2, "pcm"),
        ("float", 32, 1, "float"),
    ],
)
def test_duration_and_sample_type_are_read(name: str, bits: int, channels: int, codec: str) -> None:
    extra = inspect(FILES[f"{name}.wav"]).metadata.extra
    assert extra["durationS"] == pytest.approx(1.2, abs=0.001)
    assert (extra["bitsPerSample"], extra["channels"], extra["codec"]) == (bits, channels, codec)
    assert extra["sampleRateHz"] == 2000


@pytest.mark.parametrize("name", ["heart", "bytes", "deep", "float"])
def test_every_sample_type_is_as_loud(name: str) -> None:
    loudest = float(np.abs(make.heart()).max())
    assert inspect(FILES[f"{name}.wav"]).metadata.extra["peak"] == pytest.approx(loudest, abs=0.01)


def test_the_info_list_dates_and_names() -> None:
    found = inspect(FILES["heart.wav"])
    assert found.metadata.captured_at == "2024-05-06"
    assert {(m.kind, m.place) for m in found.identity} == {
        ("author", "WAV INFO IART"),
        ("title", "WAV INFO INAM"),
    }
    assert make.CANARY not in repr(found)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_wav_cut_anywhere_is_damaged(name: str) -> None:
    content = FILES[name]
    odd = name == "bytes.wav"  # its last byte is padding
    for cut in np.linspace(1, len(content) - 1 - odd, 20, dtype=int):
        with pytest.raises(Damaged):
            inspect(content[:cut])


def test_data_behind_the_riff_is_damaged() -> None:
    for extra in (b"MZ", b"chunk of something else"):
        with pytest.raises(Damaged, match="as long as"):
            inspect(FILES["heart.wav"] + extra)


def test_a_length_that_lies_is_damaged() -> None:
    content = bytearray(FILES["heart.wav"])
    at = content.index(b"data")
    for length in (0xFFFFFFFF, len(content) * 2, 3):
        struct.pack_into("<I", content, at + 4, length)
        with pytest.raises(Damaged):
            inspect(bytes(content))


def test_compressed_sound_is_refused_by_name() -> None:
    with pytest.raises(Unrecognised) as refusal:
        inspect(make.wave(bytes(64), codec=0x55, bits=16))
    assert refusal.value.facts["kind"] == "wav"


def test_samples_that_are_no_numbers_are_damaged() -> None:
    samples = np.array([0, np.nan, 0.5], "<f4").tobytes()
    with pytest.raises(Damaged):
        inspect(make.wave(samples, codec=3, bits=32))


def test_the_waveform_is_tall_where_it_is_loud() -> None:
    _, preview = WAV.render(MemorySource(FILES["heart.wav"]))
    assert (preview.width_px, preview.height_px) == (1600, 400)
    dark = np.asarray(Image.open(io.BytesIO(preview.data)).convert("L")) < 140
    beat, rest = int(0.1 / 1.2 * 1600), int(0.7 / 1.2 * 1600)
    assert np.ptp(np.nonzero(dark[:, beat - 40 : beat + 40])[0]) > 250
    assert np.ptp(np.nonzero(dark[:, rest - 40 : rest + 40])[0]) < 20


def test_one_sample_is_drawn_too() -> None:
    assert len(WAV.render(MemorySource(FILES["instant.wav"]))) == 2
