"""The shape of a dental arch as a height field: what a scanner measures, what a mirror shows.

Millimetres. x to the right, y towards the back, height towards the opposite jaw. One function of
place gives the whole surface: gums, ridge, and crowns with their cusps and grooves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medstack.demo.files.noise import Plane, smooth_step

# Crown of each tooth along the arch: half width, depth (cheek to tongue), height, cusps.
_UPPER = ((4.2, 3.6, 9.0, 0), (3.3, 3.2, 8.4, 0), (3.8, 4.0, 9.2, 1), (3.5, 4.5, 7.6, 2),
          (3.4, 4.6, 7.4, 2), (5.1, 5.5, 7.0, 4), (4.8, 5.5, 6.6, 4))  # fmt: skip
_LOWER = ((2.6, 3.0, 8.2, 0), (2.9, 3.2, 8.2, 0), (3.4, 3.8, 8.8, 1), (3.5, 3.9, 7.6, 2),
          (3.6, 4.2, 7.4, 2), (5.4, 5.2, 6.8, 4), (5.2, 5.1, 6.6, 4))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A sampled arch. All planes have one shape."""

    height: Plane
    tooth: Plane  # 1 on enamel, 0 on gum
    edge: Plane  # mm outside the outline of the whole arch; negative inside


def arch(
    x: Plane, y: Plane, *, is_upper: bool, missing: frozenset[int], rng: np.random.Generator
) -> Surface:
    """Sample an arch. missing: places 1 … 7, negative on the patient's right."""
    teeth = _UPPER if is_upper else _LOWER
    steep = 0.033 if is_upper else 0.034
    along, across = _coordinates(x, y, steep)
    reach = sum(2 * half for half, *_ in teeth)
    height, enamel = _gum(along, across, x, y, is_upper=is_upper)
    for side in (-1, 1):
        at = 0.0
        for place, (half, deep, tall, cusps) in enumerate(teeth, start=1):
            at += half
            jitter = rng.normal(0, 0.18, 3)
            if side * place not in missing:
                u = along - side * at - jitter[0] * 0.4
                w = across - jitter[1]
                turn = jitter[2] * 0.25 * (1 if place < 6 else 0.4)
                near = _window((np.abs(u) < half * 1.25) & (np.abs(w) < deep * 1.25))
                u, w = u[near], w[near]
                crown, share = _crown(
                    u + w * turn, w - u * turn, half=half, deep=deep, tall=tall, cusps=cusps
                )
                enamel[near] = np.maximum(enamel[near], share * (crown > height[near]))
                height[near] = np.maximum(height[near], crown)
            at += half
    outer = np.abs(across) - 10.5
    ends = (np.abs(along) - reach - 4.0) * 0.9
    edge = np.maximum(outer, ends)
    if is_upper:  # the palate belongs to the model
        inside = (across > 0) & (np.abs(x) < 34) & (y < _depth(reach, steep))
        edge = np.where(inside, np.minimum(edge, -1.0), edge)
    return Surface(height=height, tooth=enamel, edge=edge.astype(np.float32))


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest rectangle that holds all of `mask`."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _coordinates(x: Plane, y: Plane, steep: float) -> tuple[Plane, Plane]:
    """Along the arch from the midline, and across it (positive towards the tongue)."""
    slope = 2 * steep * x
    foot = np.array(x, dtype=np.float32) + 0 * y
    for _ in range(3):  # towards the nearest point of the parabola y = steep x²
        slope = 2 * steep * foot
        miss = (foot - x) + slope * (steep * foot**2 - y)
        bend = 1 + slope**2 + 2 * steep * (steep * foot**2 - y)
        foot = foot - np.clip(miss / np.where(np.abs(bend) < 0.25, 0.25, bend), -6, 6)
    side = np.sign(y - steep * x**2)
    across = side * np.hypot(x - foot, y - steep * foot**2)
    twice = 2 * steep * foot
    along = 0.5 * (foot * np.sqrt(1 + twice**2) + np.arcsinh(twice) / (2 * steep))
    return along.astype(np.float32), across.astype(np.float32)


def _depth(along: float, steep: float) -> float:
    """How far back the arch's curve is after `along` mm."""
    xs = np.linspace(0, 60, 600)
    lengths = 0.5 * (
        xs * np.sqrt(1 + (2 * steep * xs) ** 2) + np.arcsinh(2 * steep * xs) / (2 * steep)
    )
    return float(steep * np.interp(along, lengths, xs) ** 2)


def _gum(along: Plane, across: Plane, x: Plane, y: Plane, *, is_upper: bool) -> tuple[Plane, Plane]:
    ridge = 11.0 - 0.085 * np.abs(across) ** 2.1
    ridge += 0.5 * np.cos(along * 0.85) * np.exp(-((across / 5) ** 2))
    floor = np.full_like(ridge, 2.0)
    if is_upper:
        back = (y - 0.033 * x**2) / np.sqrt(1 + (0.066 * x) ** 2)
        vault = 10.0 - 12.5 * np.clip(1 - (x / 25) ** 2, 0, 1) * smooth_step(back, 2, 17)
        folds = 0.55 * np.sin(y * 1.05 + 0.0045 * x**2 + 0.6 * np.sign(x))
        folds = folds * np.exp(-(((back - 11) / 6) ** 2)) * np.exp(-((x / 13) ** 2))
        seam = 0.7 * np.exp(-((x / 0.9) ** 2)) * smooth_step(back, 6, 10)
        seam = seam + 1.2 * np.exp(-((x / 2.2) ** 2) - ((back - 7) / 2.5) ** 2)
        floor = floor + smooth_step(back, -1, 3) * (vault + folds + seam - floor)
    height = np.maximum(ridge, floor)
    height = height + np.log1p(np.exp(-np.abs(ridge - floor))) * 0.7
    return height.astype(np.float32), np.zeros_like(height, dtype=np.float32)


def _crown(
    u: Plane, w: Plane, *, half: float, deep: float, tall: float, cusps: int
) -> tuple[Plane, Plane]:
    """Height of one crown over the gum, and where it is enamel."""
    round_ = 3.4 if cusps >= 2 else 2.6
    away = (np.abs(u / half / 0.985) ** round_ + np.abs(w / deep) ** round_) ** (1 / round_)
    wall = np.clip(1 - away, 0, 1)
    rise = 1 - np.exp(-wall * 9.0)
    if cusps == 0:  # an edge like a chisel, towards the lip
        top = tall - 0.9 * ((w + 0.5) / deep * 2) ** 2 * (1 + 0.4 * np.sign(w))
        top = top - 0.10 * np.cos(u / half * 5)
    elif cusps == 1:
        top = tall + 0.6 - 1.1 * np.abs(u / half) - 1.5 * ((w + 0.5) / deep * 1.6) ** 2
    elif cusps == 2:
        top = tall - 1.5 * np.exp(-((w / deep / 0.26) ** 2)) - 0.9 * (u / half) ** 2
        top = top - 0.4 * np.clip(w / deep, 0, 1)
    else:
        hills = [
            np.exp(-(((u / half - a) / 0.40) ** 2) - ((w / deep - b) / 0.42) ** 2)
            for a, b in ((-0.48, -0.5), (0.44, -0.52), (-0.44, 0.5), (0.5, 0.46))
        ]
        groove = np.exp(-((u / half / 0.10) ** 2)) * np.abs(w / deep)
        groove = groove + np.exp(-(((w / deep + 0.12 * u / half) / 0.10) ** 2))
        top = tall - 1.7 + 2.0 * np.maximum.reduce(hills) - 0.28 * groove
        top = top - 0.5 * np.hypot(u / half, w / deep) ** 4
    height = 9.6 + (top - 0.6) * rise
    share = smooth_step(wall, 0.0, 0.06)
    return np.where(away < 1, height, -99).astype(np.float32), share
