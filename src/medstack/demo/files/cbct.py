"""A cone-beam scan of the jaws: a phantom cut into axial slices, in Hounsfield units.

Pure arithmetic on arrays. Slices run from the chin upwards; teeth, canals, cortical plates and
the spine are where anatomy has them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medstack.demo.files.film import blurred
from medstack.demo.files.noise import Plane, patch, rng_for, smooth_step, texture

SLICES, SIDE = 48, 256
MM_PER_PX, MM_PER_SLICE = 0.5, 1.0
_AIR, _FAT, _SOFT, _SPONGY, _CORTEX, _DENTIN, _ENAMEL = -1000, -90, 45, 380, 1350, 1500, 2600
_METAL = 3071
Slice = NDArray[np.int16]

# Along the arch, mm from the midline on one side: half width, depth (cheek to tongue).
_UPPER = ((4.2, 4.0, 3.2), (11.6, 3.1, 3.0), (18.4, 3.6, 3.9), (25.4, 3.3, 4.4), (32.2, 3.3, 4.4),
          (40.6, 4.8, 5.3), (50.2, 4.5, 5.2))  # fmt: skip
_LOWER = ((2.7, 2.5, 2.9), (8.1, 2.7, 3.1), (14.3, 3.3, 3.7), (21.2, 3.4, 3.8), (28.2, 3.5, 4.1),
          (37.3, 5.3, 5.0), (48.0, 5.0, 4.9))  # fmt: skip


@lru_cache(maxsize=2)
def volume(seed: int, *, implant: bool = False, missing: int = 0) -> tuple[Slice, ...]:
    """All slices, chin first. missing: place 1 … 7 of the lower left tooth that is not there."""
    return tuple(_slice(seed, z, implant=implant, missing=missing) for z in range(SLICES))


def _slice(seed: int, z: int, *, implant: bool, missing: int) -> Slice:
    """One axial cut. z: 0 at the lower border of the chin; the teeth meet at 28."""
    rng = rng_for(seed, "slice", z)
    x = ((np.arange(SIDE) - SIDE / 2) * MM_PER_PX)[None, :].astype(np.float32)
    y = ((np.arange(SIDE) - SIDE / 2) * MM_PER_PX)[:, None].astype(np.float32)
    hu = _head(x, y, z, rng_for(seed, "head"))
    along, across = _arch(x, y, 25.0 if z < 28 else 26.5)
    is_lower = z < 28
    jaw = _lower_jaw if is_lower else _upper_jaw
    hu = jaw(hu, along, across, z, _weave(seed, z))
    hu = _spine(hu, x, y, z)
    hu = _teeth(hu, along, across, z, is_lower=is_lower, missing=missing if is_lower else 0)
    if implant and 12 <= z <= 26:
        place = _LOWER[5][0]
        screw = 2.0 + 0.25 * (z % 2)
        hu = np.where(np.hypot(along - place, across) < screw, _METAL, hu)
    grain = 34 + 12 * np.exp(-((z - 28) ** 2) / 40)
    hu = blurred(hu, 0.7) + grain * rng.standard_normal(hu.shape, dtype=np.float32)
    return np.asarray(np.clip(hu, -1000, 3071), np.int16)


def _head(x: Plane, y: Plane, z: int, rng: np.random.Generator) -> Plane:
    wide, deep = 55 + 0.12 * z, 58 + 0.05 * z
    edge = 1 - np.hypot(x / wide, (y - 2) / deep)
    hu = np.where(edge > 0, _FAT, _AIR).astype(np.float32)
    muscle = smooth_step(edge, 0.05, 0.09)
    cloud = patch(texture(26.0, 0.6, 3), hu.shape, rng)
    hu += muscle * (_SOFT - _FAT - 40 * smooth_step(cloud, 0.5, 1.4))
    for wide, deep, at, below in (
        (21, 25, 0, -3),
        (9, 20, 41, 4),
        (9, 20, -41, 4),
        (12, 9, 26, 42),
    ):
        sheath = np.abs(np.hypot((x - at) / wide, (y - below) / deep) - 1) * wide
        hu -= 75 * np.exp(-((sheath / 0.8) ** 2)) * muscle
    throat = np.hypot(x / (8 + 0.05 * z), (y - 24) / 5.5)
    hu = np.where(throat < 1, _AIR, hu)
    if 26 <= z <= 30:  # between the teeth: lips apart, air above the tongue
        mouth = np.hypot(x / 21, (y + 20) / 15)
        hu = np.where((mouth < 1) & (z >= 28), _AIR + 900 * smooth_step(mouth, 0.8, 1), hu)
    if z > 40:
        for side in (-1, 1):
            sinus = np.hypot((x - side * 24) / (4 + 0.9 * (z - 40)), (y + 12) / (5 + (z - 40)))
            hu = np.where(sinus < 1, _AIR, np.where(sinus < 1.12, _CORTEX, hu))
    return np.asarray(hu, np.float32)


def _arch(x: Plane, y: Plane, half: float) -> tuple[Plane, Plane]:
    """Coordinates along the dental arch (0 in front, + to the patient's left) and across it."""
    front = -42.0
    steep = 0.0215 * 25 / half
    curve_y = front + steep * x**2
    slope = 2 * steep * x
    across = (y - curve_y) / np.sqrt(1 + slope**2)
    foot = x + across * slope / np.sqrt(1 + slope**2)
    twice = 2 * steep * foot
    along = 0.5 * (foot * np.sqrt(1 + twice**2) + np.arcsinh(twice) / (2 * steep))
    return np.asarray(along, np.float32), np.asarray(across, np.float32)


def _lower_jaw(hu: Plane, along: Plane, across: Plane, z: int, weave: Plane) -> Plane:
    thick = 5.4 + 1.4 * np.sin(min(z, 20) / 20 * np.pi) - 0.30 * max(0, z - 15)
    away = np.abs(along)
    floor = 2.5 * smooth_step(away, 0, 60) - 1
    crest = 20.5 + 16 * smooth_step(away, 56, 70)
    inside = np.minimum(thick - np.abs(across), (76.0 - away) * 0.8)
    inside = np.minimum(inside, np.minimum(z - floor, crest - z))
    bone = np.where(inside > 1.9, _SPONGY + 190 * weave, _CORTEX)
    nerve = np.hypot(across + 0.4, z - (10 - 4 * smooth_step(away, 58, 30)))
    bone = np.where((away > 26) & (nerve < 2.1) & (inside > 0.5), 900, bone)
    bone = np.where((away > 26) & (nerve < 1.4), 60, bone)
    return np.asarray(np.where(inside > 0, bone, hu), np.float32)


def _upper_jaw(hu: Plane, along: Plane, across: Plane, z: int, weave: Plane) -> Plane:
    thick = 5.6 + 0.14 * (z - 34)
    away = np.abs(along)
    inside = np.minimum(np.minimum(thick - np.abs(across), (58.0 - away) * 0.8), z - 35.0)
    if z > 44:  # the palate closes behind the arch
        is_palate = (across > thick - 2) & (away < 36) & (across < 34) & (hu > -500)
        hu = np.where(is_palate, _CORTEX - 300, hu)
    bone = np.where(inside > 1.2, _SPONGY - 60 + 170 * weave, _CORTEX - 150)
    return np.asarray(np.where(inside > 0, bone, hu), np.float32)


def _weave(seed: int, z: int) -> Plane:
    """Trabeculae, alike in neighbouring slices."""
    low, share = divmod(z, 3)
    layers = []
    for layer in (low, low + 1):
        rng = rng_for(seed, "weave", layer)
        fine = patch(texture(5.0, 0.5), (SIDE, SIDE), rng)
        layers.append(fine + 0.6 * patch(texture(11.0, 0.5, 1), (SIDE, SIDE), rng))
    return np.asarray(layers[0] * (1 - share / 3) + layers[1] * (share / 3), np.float32)


def _teeth(
    hu: Plane, along: Plane, across: Plane, z: int, *, is_lower: bool, missing: int
) -> Plane:
    """height: mm from the occlusal plane towards the root."""
    height = (27.5 - z) if is_lower else (z - 28.0)
    for place, (centre, half, deep) in enumerate(_LOWER if is_lower else _UPPER, start=1):
        is_molar = place >= 6
        crown, length = (7.5, 19.5) if is_molar else (8.5, 22.0)
        if height > length:
            continue
        for side in (-1, 1):
            if side == 1 and place == missing:
                continue
            here = along - side * centre
            if height <= crown:
                swell = 1 - 0.2 * ((height - 3) / 6) ** 2
                away = np.hypot(here / (half * swell), across / (deep * swell))
                away = (away + np.maximum(np.abs(here) / half, np.abs(across) / deep)) / 2 / 0.94
                body = np.where(away < 0.74, _DENTIN, _ENAMEL)
                hu = np.where(away < 1, body, hu)
                if height > crown * 0.45:
                    hu = np.where(away < 0.28, 350, hu)
                continue
            t = (height - crown) / (length - crown)
            for offset in (-0.42, 0.42) if is_molar and t > 0.25 else (0.0,):
                wide = half * (0.40 if offset else 0.78) * np.sqrt(max(1 - t**2, 0.0))
                thick = deep * 0.72 * np.sqrt(max(1 - t**2, 0.0)) + 0.01
                away = np.hypot((here - offset * half) / (wide + 0.01), across / thick)
                gap = 1 + 0.28 / (wide + 0.2)
                hu = np.where((away < gap) & (away >= 1), np.minimum(hu, 250), hu)
                hu = np.where(away < 1, np.where(away < 0.2, 400, _DENTIN), hu)
    return hu


def _spine(hu: Plane, x: Plane, y: Plane, z: int) -> Plane:
    body = np.hypot(x / 9.5, (y - 40) / 7.5)
    arch = np.abs(np.hypot(x / 11, (y - 52) / 7) - 1)
    disc = z % 18 < 3
    found = np.where(body < 1, 120 if disc else 420, hu)
    if not disc:
        found = np.where((body < 1) & (body > 0.82), 900, found)
        found = np.where((arch < 0.17) & (y > 47), 900, found)
    wings = np.hypot((np.abs(x) - 14) / 4.5, (y - 43) / 3.5)
    return np.asarray(np.where((wings < 1) & (not disc), 700, found), np.float32)
