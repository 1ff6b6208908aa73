"""Seeded randomness and textures, the same on every run and machine.

Every file draws from a generator named by the practice's seed and the file's own words, so
one file can be made without making the others.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
_SIDE = 1024  # textures repeat after so many samples, without a seam


def rng_for(seed: int, *words: str | int) -> np.random.Generator:
    """A generator that depends on `seed` and `words` and nothing else."""
    return np.random.Generator(
        np.random.PCG64([seed, *(zlib.crc32(str(word).encode()) for word in words)])
    )


@lru_cache(maxsize=16)
def texture(wavelength_px: float, spread: float, number: int = 0) -> Plane:
    """Band-limited noise, (1024, 1024), mean 0, deviation 1, periodic.

    wavelength_px: middle of the band; spread: its width as a share of the middle frequency.
    """
    white = rng_for(number, "texture").standard_normal((_SIDE, _SIDE))
    rows = np.fft.fftfreq(_SIDE)[:, None]
    columns = np.fft.rfftfreq(_SIDE)[None, :]
    frequency = np.hypot(rows, columns) * wavelength_px
    band = np.exp(-(((frequency - 1) / spread) ** 2))
    found = np.fft.irfft2(np.fft.rfft2(white) * band, s=(_SIDE, _SIDE))
    return np.asarray((found - found.mean()) / found.std(), dtype=np.float32)


def patch(source: Plane, shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """A piece of a texture from anywhere in it, repeated where `shape` is larger."""
    down, across = (int(rng.integers(_SIDE)) for _ in range(2))
    rows = (np.arange(shape[0]) + down) % _SIDE
    columns = (np.arange(shape[1]) + across) % _SIDE
    return source[rows[:, None], columns[None, :]]


def smooth_step(values: NDArray[np.floating[Any]], low: float, high: float) -> Plane:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
