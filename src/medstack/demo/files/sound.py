"""Heart sounds as an electronic stethoscope records them: WAV, 4 kHz, 16 bits, one channel."""

from __future__ import annotations

import struct

import numpy as np

from medstack.demo.files.noise import Plane

RATE = 4000


def heart(
    rng: np.random.Generator, *, seconds: float, rate_per_min: float, murmur: str = ""
) -> bytes:
    """murmur: "", systolic (mitral regurgitation's even hiss) or ejection (a diamond)."""
    samples = int(seconds * RATE)
    wave = 0.004 * _band(rng, samples, 20, 160)
    at = 0.25
    while at < seconds - 0.7:
        beat = 60 / rate_per_min * (1 + rng.normal(0, 0.025))
        systole = 0.31 * (beat / 0.83) ** 0.35
        strength = 1 + rng.normal(0, 0.06)
        _thump(wave, at, 0.115, 46, 0.62 * strength)
        _thump(wave, at + 0.022, 0.09, 66, 0.34 * strength)
        _thump(wave, at + systole, 0.075, 72, 0.42 * strength)
        _thump(wave, at + systole + 0.014, 0.06, 95, 0.20 * strength)
        if murmur:
            _hiss(wave, rng, at + 0.06, systole - 0.07, is_diamond=murmur == "ejection")
        at += beat
    wave *= 1 + 0.12 * np.sin(np.arange(samples) / RATE * 2 * np.pi * 0.25)  # breathing
    return _wav(np.clip(wave * 0.8, -1, 1))


def _thump(wave: Plane, at: float, length: float, hertz: float, loud: float) -> None:
    start, count = int(at * RATE), int(length * RATE)
    t = np.arange(count) / RATE
    shape = np.sin(np.pi * np.arange(count) / count) ** 1.5 * np.exp(-t * 14)
    sweep = np.sin(2 * np.pi * (hertz * t - 90 * t**2))
    piece = wave[start : start + count]
    piece += (loud * shape * sweep)[: len(piece)]


def _hiss(
    wave: Plane, rng: np.random.Generator, at: float, length: float, *, is_diamond: bool
) -> None:
    start, count = int(at * RATE), int(length * RATE)
    t = np.linspace(0, 1, count)
    shape = 1 - np.abs(2 * t - 1) if is_diamond else np.minimum(1, 8 * np.minimum(t, 1 - t))
    piece = wave[start : start + count]
    piece += (0.11 * shape * _band(rng, count, 120, 420))[: len(piece)]


def _band(rng: np.random.Generator, count: int, low: float, high: float) -> Plane:
    """Noise between two frequencies, deviation 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    found = np.fft.irfft(spectrum * ((hertz > low) & (hertz < high)), count)
    return np.asarray(found / found.std(), np.float32)


def _wav(wave: Plane) -> bytes:
    """RIFF: format 1, little endian."""
    content = (wave * 32767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
