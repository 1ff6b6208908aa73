"""Bitewing and periapical radiographs: a row of teeth in front of a sensor.

Pure pictures: which tooth stands where and in what state is the caller's story.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medstack.demo.files.film import Film
from medstack.demo.files.noise import Plane, patch, smooth_step, texture
from medstack.demo.files.tooth import Tooth

MM_PER_PX = 0.055
BITS = 12
Grey = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Teeth side by side, left to right on the film; None is a gap of 8 mm."""

    teeth: tuple[Tooth | None, ...]
    bone_loss_mm: float = 0.0


def bitewing(upper: Row, lower: Row, rng: np.random.Generator) -> Grey:
    """Both rows' crowns biting together. (480, 640), 12 bits in 16."""
    film = Film(480, 640, MM_PER_PX, rng)
    bite = 13.5 + rng.uniform(-0.8, 0.8)
    shift = rng.uniform(-2.5, 2.5)
    for row, is_upper in ((upper, True), (lower, False)):
        neck = bite + (-7.4 if is_upper else 7.8)
        _stand(film, row, neck=neck, is_upper=is_upper, shift=shift + rng.uniform(-1.5, 1.5))
    for row, is_upper in ((upper, True), (lower, False)):
        neck = bite + (-7.4 if is_upper else 7.8)
        film.add_bone(_below(film, row, neck, is_upper=is_upper))
    film.add_tissue(_gums(film, bite))
    return _framed(film)


def periapical(row: Row, *, is_upper: bool, is_tall: bool, rng: np.random.Generator) -> Grey:
    """One row with its whole roots. (480, 640), or (640, 480) for front teeth."""
    rows, columns = (640, 480) if is_tall else (480, 640)
    film = Film(rows, columns, MM_PER_PX, rng)
    height = rows * MM_PER_PX
    crown = 8.0
    neck = height - crown - 1.2 if is_upper else crown + 1.2
    _stand(film, row, neck=neck, is_upper=is_upper, shift=rng.uniform(-1.0, 1.0))
    film.add_bone(_below(film, row, neck, is_upper=is_upper), density=1.05)
    film.add_tissue(0.9)
    return _framed(film)


def _stand(film: Film, row: Row, *, neck: float, is_upper: bool, shift: float) -> None:
    widths = [8.0 if tooth is None else tooth.width_mm * 0.97 for tooth in row.teeth]
    x = film.columns * film.mm_per_px / 2 - sum(widths) / 2 + shift
    turn = np.pi if is_upper else 0.0
    for tooth, width in zip(row.teeth, widths, strict=True):
        x += width / 2
        if tooth is not None:
            tilt = film.rng.normal(0, 0.035)
            drop = film.rng.normal(0, 0.15) + (tooth.crown_mm - 7.6) * 0.8
            film.place(tooth, x, neck - drop if is_upper else neck + drop, angle=turn + tilt)
        x += width / 2


def _below(film: Film, row: Row, neck: float, *, is_upper: bool) -> Plane:
    """Depth in mm below the bone's crest."""
    x = np.arange(film.columns, dtype=np.float32)[None, :] * film.mm_per_px
    y = np.arange(film.rows, dtype=np.float32)[:, None] * film.mm_per_px
    wave = 0.35 * np.sin(x * 0.55 + film.rng.uniform(0, 6)) + 0.2 * np.sin(x * 1.3)
    crest = 1.7 + row.bone_loss_mm + wave
    depth = (neck - y) - crest if is_upper else (y - neck) - crest
    return np.asarray(depth, np.float32)


def _gums(film: Film, bite: float) -> Plane:
    y = np.arange(film.rows, dtype=np.float32)[:, None] * film.mm_per_px
    away = np.abs(y - bite)
    cheek = 0.55 + 0.9 * smooth_step(away, 2.0, 8.0)
    cloud = patch(texture(220.0, 0.8, 5), film.loss.shape, film.rng)
    return np.asarray(cheek + 0.06 * cloud, np.float32)


def _framed(film: Film) -> Grey:
    """Expose, and cut the corners a sensor cuts."""
    grey = film.exposed(bits=BITS)
    rows, columns = grey.shape
    y = np.minimum(np.arange(rows), np.arange(rows)[::-1])[:, None]
    x = np.minimum(np.arange(columns), np.arange(columns)[::-1])[None, :]
    corner = (x < 46) & (y < 46) & (np.hypot(46 - x, 46 - y) > 46)
    grey[corner] = 0
    return np.asarray(grey, np.uint16)
