"""A tooth as X-rays see it: how much of it the beam passes, point by point.

Shapes are profiles along the tooth's axis: across is u, along is v, in millimetres, with v = 0 at
the neck, negative in the crown and positive in the roots. Chords through round cross-sections
give the shading a film has. Sizes: Wheeler's Dental Anatomy, table of average dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from medstack.demo.files.noise import Plane, smooth_step

MARGIN_MM = 1.6  # how far round a tooth its distance is still told
_DENTIN, _ENAMEL, _PULP, _METAL, _COMPOSITE, _GUTTA = 0.100, 0.265, 0.105, 1.6, 0.34, 0.60


@dataclass(frozen=True, slots=True, kw_only=True)
class Tooth:
    """Shape and state of one tooth."""

    width_mm: float
    crown_mm: float
    root_mm: float
    roots: tuple[float, ...] = (0.0,)  # where each ends, as a share of the width
    cusps: int = 1
    depth_mm: float = 8.0  # through the beam
    filling: str = ""  # amalgam, composite, crown, root
    caries: float = 0.0  # side and size: -1 … 1
    lesion_mm: float = 0.0  # radius of a dark spot at the apex


_SHAPES = {  # width, crown, root, root ends, cusps, depth: upper, then lower
    "U1": (8.5, 10.5, 13.0, (0.02,), 1, 7.0),
    "U2": (6.5, 9.0, 13.0, (0.08,), 1, 6.0),
    "U3": (7.5, 10.0, 17.0, (0.06,), 3, 8.0),
    "U4": (7.0, 8.5, 14.0, (-0.12, 0.14), 3, 9.0),
    "U5": (7.0, 8.5, 14.0, (0.05,), 3, 9.0),
    "U6": (10.0, 7.5, 12.5, (-0.36, 0.02, 0.38), 2, 11.0),
    "U7": (9.2, 7.0, 11.5, (-0.24, 0.04, 0.28), 2, 11.0),
    "U8": (8.6, 6.5, 10.5, (-0.10, 0.14), 2, 10.0),
    "L1": (5.2, 9.0, 12.5, (0.0,), 1, 6.0),
    "L2": (5.6, 9.5, 14.0, (0.05,), 1, 6.0),
    "L3": (7.0, 11.0, 16.0, (0.06,), 3, 7.5),
    "L4": (7.0, 8.5, 14.0, (0.06,), 3, 7.5),
    "L5": (7.2, 8.0, 14.5, (0.08,), 3, 8.0),
    "L6": (11.0, 7.5, 14.0, (-0.30, 0.36), 2, 10.5),
    "L7": (10.5, 7.0, 13.0, (-0.20, 0.34), 2, 10.0),
    "L8": (10.0, 7.0, 11.0, (-0.08, 0.30), 2, 9.5),
}


def tooth(name: str, **state: object) -> Tooth:
    """An average tooth by jaw and place ("U6" is an upper first molar), in a given state."""
    width, crown, root, roots, cusps, depth = _SHAPES[name]
    made = Tooth(
        width_mm=width, crown_mm=crown, root_mm=root, roots=roots, cusps=cusps, depth_mm=depth
    )
    return replace(made, **state)  # type: ignore[arg-type]  # the caller names Tooth's fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What one tooth adds to a film."""

    attenuation: Plane
    distance: Plane  # mm inside the outline; negative outside, told up to MARGIN_MM
    dark: Plane = field(default_factory=lambda: np.zeros((1, 1), np.float32))  # 0 … 1, bone lost


def cast(tooth: Tooth, u: Plane, v: Plane) -> Shadow:
    """Project `tooth` on points (u, v) in mm of its own frame."""
    crown, enamel = _crown(tooth, u, v)
    roots = [_root(tooth, end, u, v) for end in tooth.roots]
    root = np.maximum.reduce([distance for distance, _ in roots])
    if len(roots) > 1:
        trunk = tooth.width_mm * 0.41 * (1 - 0.02 * v) - np.abs(u)
        root = np.maximum(root, _rounded(trunk, 3.4 - v, radius=1.2))
    seam = smooth_step(v, -0.9, 0.7)
    distance = np.where(v < -0.9, crown, np.where(v > 0.7, root, crown * (1 - seam) + root * seam))
    half = tooth.width_mm / 2
    through = tooth.depth_mm * _chord(distance, half)
    core = tooth.depth_mm * _chord(np.minimum(distance, crown - enamel), half - 0.6)
    core = np.where(v < -0.1, core, through)
    shell = np.maximum(through - core, 0)
    found = np.asarray(_DENTIN * core + _ENAMEL * shell, np.float32)
    found -= _PULP * _pulp(tooth, u, v, [canal for _, canal in roots])
    found = _restored(tooth, found, u, v, crown=crown, roots=roots)
    if tooth.caries:
        found *= 1 - 0.6 * _decay(tooth, u, v)
    return Shadow(
        attenuation=found,
        distance=distance.astype(np.float32),
        dark=_lesion(tooth, u, v),
    )


def _crown(tooth: Tooth, u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """Distance inside the crown's outline, and how thick the enamel is at each height."""
    half, height = tooth.width_mm / 2, tooth.crown_mm
    s = np.clip(-v / height, 0, 1.2)
    bulge = 0.80 + 0.20 * np.sin(np.clip(s, 0, 1) ** 0.8 * np.pi * 0.75)
    beside = half * bulge - np.abs(u)
    across = u / tooth.width_mm
    if tooth.cusps == 2:
        dip = 0.055 * np.cos(4 * np.pi * across) + 0.055 + 0.3 * np.clip(np.abs(across) - 0.3, 0, 1)
    elif tooth.cusps == 3:
        dip = 0.55 * np.abs(across) ** 1.3
    else:
        dip = 0.10 * across**2 + 0.010 * np.cos(6 * np.pi * across)
    above = v + height * (1 - dip)
    inside = _rounded(beside, above, radius=min(2.0, half * 0.5))
    enamel = 0.25 + 1.55 * smooth_step(s, -0.05, 0.85)
    return inside, np.where(v < -0.1, enamel, 0.0)


def _root(tooth: Tooth, end: float, u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """Distance inside one root, and the share of its canal at each point."""
    count = len(tooth.roots)
    neck_half = tooth.width_mm * 0.40
    start = 0.0 if count == 1 or abs(end) < 0.05 else np.sign(end) * 0.19
    half = neck_half if count == 1 else neck_half * 0.56
    t = np.clip(v / tooth.root_mm, 0, 1.3)
    centre = tooth.width_mm * (start + (end - start) * t**1.35)
    taper = half * np.sqrt(np.clip(1 - t**2.6, 0, 1)) * (1 - 0.30 * t)
    slope = 1 / np.sqrt(1 + (half * 1.1 / tooth.root_mm) ** 2)
    beyond = tooth.root_mm - v
    inside = np.minimum((taper - np.abs(u - centre)) * slope, beyond + 0.05)
    outside = -np.hypot(u - centre, np.minimum(beyond, 0))
    inside = np.where(beyond < 0, np.maximum(outside, np.minimum(inside, 0)), inside)
    canal_half = (0.40 if count == 1 else 0.30) * (1 - 0.62 * np.clip(t, 0, 1))
    canal = smooth_step(canal_half - np.abs(u - centre), -0.28, 0.26)
    canal = canal * smooth_step(v, -1.0, 0.6) * smooth_step(beyond, 0.2, 1.2)
    return inside, canal


def _chamber(tooth: Tooth, u: Plane, v: Plane) -> Plane:
    is_wide = len(tooth.roots) > 1
    half = tooth.width_mm * (0.20 if is_wide else 0.10)
    horns = 0.07 * tooth.crown_mm * np.cos(2.6 * np.pi * u / tooth.width_mm) if is_wide else 0.0
    narrowing = half * (1 - 0.05 * (v + 2)) - np.abs(u)
    inside = _rounded(narrowing, v + tooth.crown_mm * 0.40 - horns, radius=half * 0.9)
    return _rounded(inside, (2.4 if is_wide else 4.0) - v, radius=half * 0.9)


def _pulp(tooth: Tooth, u: Plane, v: Plane, canals: list[Plane]) -> Plane:
    """Millimetres of pulp the beam passes."""
    share = smooth_step(_chamber(tooth, u, v), -0.45, 0.55)
    return np.asarray(2.9 * np.maximum.reduce([share, *canals]), dtype=np.float32)


def _restored(
    tooth: Tooth,
    found: Plane,
    u: Plane,
    v: Plane,
    *,
    crown: Plane,
    roots: list[tuple[Plane, Plane]],
) -> Plane:
    inside = smooth_step(crown, -0.05, 0.1)
    top = -tooth.crown_mm
    if tooth.filling == "root":
        canals: Plane = np.maximum.reduce([canal for _, canal in roots])
        plug = smooth_step(_chamber(tooth, u, v), 0.0, 0.3)
        found = found + _GUTTA * canals
        return np.asarray(found + _COMPOSITE * 1.6 * np.maximum(plug - canals, 0), np.float32)
    if tooth.filling == "crown":
        cap = smooth_step(-0.7 - v + 0.25 * np.cos(u * 0.9), -0.1, 0.1) * inside
        return found + _METAL * cap
    if tooth.filling in ("amalgam", "composite"):
        wide = tooth.width_mm
        wavy = 0.25 * np.sin(u * 2.1 + wide)
        pit = _rounded(wide * 0.33 - np.abs(u - wide * 0.12), top + 2.7 + wavy - v, radius=0.7)
        box = _rounded(1.5 - np.abs(u - wide * 0.40), top + 4.5 - v, radius=0.7)
        share = smooth_step(np.maximum(pit, box), -0.08, 0.12) * inside
        return found + share * (_METAL if tooth.filling == "amalgam" else _COMPOSITE)
    return found


def _decay(tooth: Tooth, u: Plane, v: Plane) -> Plane:
    side, size = np.sign(tooth.caries), abs(tooth.caries)
    centre = side * tooth.width_mm * (0.49 - 0.08 * size)
    away = np.hypot((u - centre) / (0.6 + 1.5 * size), (v + tooth.crown_mm * 0.40) / (0.5 + size))
    return 1 - smooth_step(away, 0.1, 1.2)


def _lesion(tooth: Tooth, u: Plane, v: Plane) -> Plane:
    if not tooth.lesion_mm:
        return np.zeros_like(u + v)
    dx, dy = u - tooth.roots[0] * tooth.width_mm, v - tooth.root_mm - 0.5
    ragged = 1 + 0.12 * np.sin(3 * np.arctan2(dy, dx) + tooth.root_mm)
    return 1 - smooth_step(np.hypot(dx, dy) * ragged, tooth.lesion_mm * 0.35, tooth.lesion_mm * 1.3)


def _chord(distance: Plane, radius: float) -> Plane:
    """Share of the full depth passed at `distance` inside the outline of something round."""
    x = np.clip(distance / radius, 0, 1)
    return np.asarray(np.sqrt(x * (2 - x)), dtype=np.float32)


def _rounded(a: Plane, b: Plane, *, radius: float) -> Plane:
    """Distance inside two edges that meet in a round corner."""
    corner = radius - np.hypot(np.maximum(radius - a, 0), np.maximum(radius - b, 0))
    return np.asarray(np.where((a < radius) & (b < radius), corner, np.minimum(a, b)), np.float32)
