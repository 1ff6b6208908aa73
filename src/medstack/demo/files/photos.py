"""Photographs from inside the mouth: from the front, from both sides, and in the mirror.

Shaded shapes, no picture of anybody. Written as JPEG with the EXIF a camera writes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from medstack.demo.files import mouth
from medstack.demo.files.film import blurred
from medstack.demo.files.noise import Plane, patch, smooth_step, texture

_ROWS, _COLUMNS, _ENLARGED = 427, 640, 2
_ENAMEL = np.array([238, 228, 205], np.float32)
_NECK = np.array([214, 184, 138], np.float32)
_GUM = np.array([206, 116, 112], np.float32)
_DEEP = np.array([118, 38, 40], np.float32)
_LIP = np.array([176, 88, 86], np.float32)
_STEEP = 0.030

# From the front: width, height of the crown as one sees it.
_UPPER = ((8.6, 10.2), (6.6, 8.6), (7.6, 9.8), (7.0, 8.0), (6.8, 7.4), (10.0, 6.8), (9.4, 6.2))
_LOWER = ((5.3, 8.6), (5.8, 8.6), (6.9, 9.4), (7.0, 8.0), (7.2, 7.4), (11.0, 6.6), (10.4, 6.0))

Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teeth:
    """What the mouth looks like. Places 1 … 8 on the patient's left, negative on the right."""

    shade: float = 0.0  # 0 fresh, 1 well used
    crowding: float = 0.3
    inflammation: float = 0.0
    missing_upper: frozenset[int] = frozenset()
    missing_lower: frozenset[int] = frozenset()
    has_brackets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What the EXIF block says."""

    taken_at: datetime
    orientation: int = 1
    gps: tuple[float, float] | None = None  # degrees north, degrees east


def frontal(teeth: Teeth, rng: np.random.Generator, *, yaw: float = 0.0) -> Image.Image:
    """Teeth in contact. yaw: radians the camera stands to the patient's left."""
    x = ((np.arange(_COLUMNS) - _COLUMNS / 2) * 0.105)[None, :].astype(np.float32)
    y = ((np.arange(_ROWS) - _ROWS / 2) * 0.105)[:, None].astype(np.float32)
    canvas = _gums(x, y, teeth, rng)
    upper = _row(_UPPER, teeth.missing_upper, rng, yaw=yaw, crowding=teeth.crowding, lip=0.0)
    lower = _row(_LOWER, teeth.missing_lower, rng, yaw=yaw, crowding=teeth.crowding, lip=2.4)
    lower_tips, upper_tips = -0.4, 2.0
    for stand in lower:
        _paint(canvas, x, y, stand, lower_tips, is_upper=False, teeth=teeth)
    shadow = 0.42 * np.exp(-(((y - upper_tips - 0.5) / 1.1) ** 2))
    canvas *= (1 - shadow * (np.abs(x) < 30))[..., None]
    for stand in upper:
        _paint(canvas, x, y, stand, upper_tips, is_upper=True, teeth=teeth)
    return _finished(_lips(canvas, x, y, yaw), rng)


def occlusal(teeth: Teeth, rng: np.random.Generator, *, is_upper: bool) -> Image.Image:
    """One arch in the mirror."""
    x = ((np.arange(_COLUMNS) - _COLUMNS / 2) * 0.15)[None, :].astype(np.float32)
    y = (np.arange(_ROWS) * 0.15 - 8.0)[:, None].astype(np.float32)
    x, y = np.broadcast_arrays(x, y)
    missing = teeth.missing_upper if is_upper else teeth.missing_lower
    surface = mouth.arch(x, y, is_upper=is_upper, missing=missing, rng=rng)
    height = blurred(surface.height, 1.0)
    light, shine = _lit(height, 0.15)
    gum = _flesh(x.shape, teeth, rng)
    deep = smooth_step(height, 16.5, 10.0)[..., None]
    enamel = (_ENAMEL - teeth.shade * 26) * (1 - 0.4 * deep) + _NECK * 0.4 * deep
    share = blurred(surface.tooth, 0.8)[..., None]
    canvas = (gum * (1 - share) + enamel * share) * light[..., None]
    canvas += 255 * (shine * (0.08 + 0.16 * share[..., 0]))[..., None]
    beyond = smooth_step(surface.edge, -1.5, 2.5)[..., None]
    tongue = _flesh(x.shape, teeth, rng) * (0.55 + 0.25 * smooth_step(y, 10, 45))[..., None]
    around = tongue if not is_upper else _DEEP * 0.7 + 0 * tongue
    canvas = canvas * (1 - beyond) + around * beyond
    if not is_upper:  # a mirror turns the lower arch upside down
        canvas = canvas[::-1]
    return _finished(canvas * _corners(x.shape)[..., None], rng)


def jpeg(image: Image.Image, camera: Camera, *, quality: int = 87) -> bytes:
    """The photograph as the camera stores it: turned by its orientation, with EXIF and GPS."""
    turn = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
            8: Image.Transpose.ROTATE_270}[camera.orientation]  # fmt: skip
    stored = image if turn is None else image.transpose(turn)
    target = io.BytesIO()
    stored.save(target, "JPEG", quality=quality, exif=_exif(camera), dpi=(300, 300))
    return target.getvalue()


def _exif(camera: Camera) -> Image.Exif:
    exif = Image.Exif()
    taken = f"{camera.taken_at:%Y:%m:%d %H:%M:%S}"
    exif[0x010F], exif[0x0110] = "Harbour Optics", "HO-7 Macro"
    exif[0x0112], exif[0x0132] = camera.orientation, taken
    exif[0x013B] = "Harbour Street Dental"
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = inner[0x9004] = taken
    inner[0x829A], inner[0x829D] = IFDRational(1, 160), IFDRational(22, 1)
    inner[0x8827], inner[0x920A], inner[0xA431] = 200, IFDRational(100, 1), "HO7-0052217"
    if camera.gps is not None:
        place = exif.get_ifd(0x8825)
        for tag, degrees, letters in ((1, camera.gps[0], "NS"), (3, camera.gps[1], "EW")):
            whole, rest = divmod(abs(degrees) * 3600, 3600)
            minutes, seconds = divmod(rest, 60)
            place[tag] = letters[degrees < 0]
            place[tag + 1] = (
                IFDRational(int(whole), 1), IFDRational(int(minutes), 1),
                IFDRational(int(seconds * 100), 100),
            )  # fmt: skip
    return exif


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    x: float
    depth: float
    facing: float  # how much of its width one sees
    width: float
    height: float
    turn: float
    is_molar: bool


def _row(
    sizes: tuple[tuple[float, float], ...],
    missing: frozenset[int],
    rng: np.random.Generator,
    *,
    yaw: float,
    crowding: float,
    lip: float,
) -> list[_Stand]:
    """The teeth of one arch as the camera sees them, farthest first."""
    found = []
    for side in (-1, 1):
        along = 0.0
        for place, (width, height) in enumerate(sizes, start=1):
            along += width / 2
            ax = side * _x_at(along)
            ay = _STEEP * ax**2 + lip
            turn = rng.normal(0, 0.05 * crowding)
            slope = np.arctan(2 * _STEEP * ax)
            facing = float(np.cos(slope - yaw))
            if side * place not in missing and facing > 0.16:
                found.append(
                    _Stand(
                        x=float(ax * np.cos(yaw) + (ay - 12) * np.sin(yaw)),
                        depth=float(ay * np.cos(yaw) - ax * np.sin(yaw)),
                        facing=facing, width=width, height=height * float(rng.normal(1, 0.015)),
                        turn=turn, is_molar=place >= 6,
                    )
                )  # fmt: skip
            along += width / 2
    if found:  # the camera looks at the middle of what it sees
        middle = (min(one.x for one in found) + max(one.x for one in found)) / 2
        found = [replace(one, x=one.x - middle) for one in found]
    return sorted(found, key=lambda stand: -stand.depth)


def _x_at(along: float) -> float:
    xs = np.linspace(0, 50, 400)
    twice = 2 * _STEEP * xs
    lengths = 0.5 * (xs * np.sqrt(1 + twice**2) + np.arcsinh(twice) / (2 * _STEEP))
    return float(np.interp(along, lengths, xs))


def _paint(
    canvas: Pixels, x: Plane, y: Plane, stand: _Stand, tips: float, *, is_upper: bool, teeth: Teeth
) -> None:
    """One tooth, shaded as something round and wet."""
    size = 1 - 0.006 * stand.depth
    half, height = stand.width * stand.facing * 0.505 * size, stand.height * size
    columns = np.flatnonzero(np.abs(x[0] - stand.x) < half + 1.5)
    if not len(columns):
        return
    window = slice(columns[0], columns[-1] + 1)
    towards = -1 if is_upper else 1
    tip = tips - towards * -0.05 * stand.depth * (1 if is_upper else 0.4)
    u = (x[:, window] - stand.x).astype(np.float32)
    v = ((y - tip) * towards + u * stand.turn).astype(np.float32)  # 0 at the tip, up to the neck
    s = v / np.float32(height)
    waist = half * (0.80 + 0.20 * np.sin(np.clip(1 - s, 0, 1) ** 0.75 * np.pi * 0.72))
    across = (u / waist).astype(np.float32)
    inside = _outline(across, v, waist, height, is_molar=stand.is_molar)
    share = smooth_step(inside, -0.02, 0.16)
    colour = _shaded(across, s, stand, teeth)
    if teeth.has_brackets:
        colour = _bracket(colour, u / np.float32(stand.facing), s)
    dark = smooth_step(inside, -0.9, 0.05) * (1 - share) * 0.45 * (s < 0.75)
    area = canvas[:, window]
    area *= 1 - dark[..., None]
    area += share[..., None] * (colour - area)


def _outline(across: Plane, v: Plane, waist: Plane, height: float, *, is_molar: bool) -> Plane:
    """Millimetres inside a crown seen from the cheek."""
    edge = 0.35 * across**2 - 0.05 * np.cos(across * 6)
    if is_molar:
        edge = 0.5 + 0.45 * np.cos(across * 5.5)
    neck = height * (1.02 - 0.16 * across**2)
    beside = (1 - np.abs(across)) * waist
    inside = np.minimum(beside, np.minimum(v - edge, neck - v))
    corner = np.hypot(np.maximum(1.1 - beside, 0), np.maximum(1.1 - (v - edge), 0))
    return np.asarray(np.minimum(inside, 1.1 - corner), np.float32)


def _shaded(across: Plane, s: Plane, stand: _Stand, teeth: Teeth) -> Pixels:
    """A crown's colours: warmer at the neck, glassy at the edge, two wet spots."""
    bow = np.clip(1 - np.abs(across) ** 2.6, 0, 1) ** 0.5
    rise = np.clip(1 - (np.abs(s - 0.45) / 0.62) ** 2.4, 0, 1) ** 0.4
    light = (0.50 + 0.50 * bow) * (0.62 + 0.38 * rise)
    light *= 1 - 0.016 * max(stand.depth, 0.0)
    yellow = smooth_step(s, 0.45, 1.05)[..., None] * (0.6 + 0.4 * teeth.shade)
    colour = (_ENAMEL - teeth.shade * np.array([14, 22, 40])) * (1 - yellow) + _NECK * yellow
    glass = (smooth_step(s, 0.20, 0.02) * (0.0 if stand.is_molar else 0.22))[..., None]
    colour = colour * (1 - glass) + np.array([168, 178, 188]) * glass
    spot = np.exp(-(((across + 0.30) / 0.17) ** 2) - ((s - 0.55) / 0.22) ** 2)
    spot = spot + 0.5 * np.exp(-(((across - 0.34) / 0.10) ** 2) - ((s - 0.5) / 0.18) ** 2)
    return np.asarray(colour * light[..., None] + (78 * spot * stand.facing)[..., None], np.float32)


def _bracket(colour: Pixels, u: Plane, s: Plane) -> Pixels:
    wire = np.exp(-(((s - 0.48) / 0.022) ** 2))
    body = smooth_step(1.7 - np.abs(u), 0, 0.25) * smooth_step(0.16 - np.abs(s - 0.48), 0, 0.03)
    slot = 1 - 0.45 * np.exp(-(((np.abs(u) - 0.85) / 0.22) ** 2))
    metal = (168 + 60 * np.cos(u * 1.7 + s * 9))[..., None] * np.array([0.97, 1.0, 1.03])
    metal = metal * slot[..., None]
    share = np.maximum(body, wire)[..., None]
    return np.asarray(colour * (1 - share) + metal * share, np.float32)


def _gums(x: Plane, y: Plane, teeth: Teeth, rng: np.random.Generator) -> Pixels:
    shape = (y.shape[0], x.shape[1])
    flesh = _flesh(shape, teeth, rng)
    roots = 0.5 + 0.5 * np.cos(x * 0.82 + 0.4) * np.exp(-((x / 22) ** 2))
    away = np.abs(y - 0.8)
    light = 0.86 + 0.16 * roots * smooth_step(away, 7, 11) + 0.06 * smooth_step(away, 7, 10)
    light = light - 0.30 * smooth_step(away, 13, 21) - 0.009 * np.abs(x)
    flesh *= np.clip(light, 0.2, 1.1)[..., None]
    scallop = 0.9 * np.cos(x * 0.9)
    margin = smooth_step(away + scallop, 4.4, 5.6) * smooth_step(np.abs(x), 34, 26)
    gap = (1 - margin)[..., None]
    flesh = flesh * (1 - gap) + _DEEP * 0.40 * gap
    return np.asarray(flesh, np.float32)


def _flesh(shape: tuple[int, int], teeth: Teeth, rng: np.random.Generator) -> Pixels:
    """Gum with its stipple and vessels, redder where it is inflamed."""
    fine = patch(texture(3.4, 0.5, 3), shape, rng)
    cloud = patch(texture(60.0, 0.7, 4), shape, rng)
    vessels = np.clip(1 - np.abs(patch(texture(40.0, 0.4, 6), shape, rng)) * 7, 0, 1)
    colour = _GUM + teeth.inflammation * np.array([-8, -26, -20], np.float32)
    light = 1 + 0.018 * fine + 0.035 * cloud
    flesh = colour * light[..., None] - vessels[..., None] * np.array([8, 20, 16], np.float32)
    return np.asarray(flesh, np.float32)


def _lips(canvas: Pixels, x: Plane, y: Plane, yaw: float) -> Pixels:
    """The retracted lips round the picture."""
    shift = 6 * np.sin(yaw)
    away = ((np.abs((x - shift) / 33.5)) ** 2.6 + (np.abs(y / 21.0)) ** 2.6) ** (1 / 2.6)
    share = smooth_step(away, 0.95, 1.03)[..., None]
    roll = 0.75 + 0.35 * np.exp(-(((away - 1.10) / 0.06) ** 2)) - 0.5 * smooth_step(away, 1.1, 1.5)
    shade = 1 - 0.55 * smooth_step(away, 0.72, 0.98)
    return np.asarray(
        canvas * shade[..., None] * (1 - share) + _LIP * roll[..., None] * share, np.float32
    )


def _lit(height: Plane, mm_per_px: float) -> tuple[Plane, Plane]:
    """Light from above and a ring flash: diffuse share and wet shine."""
    down, across = np.gradient(height, mm_per_px)
    long = np.sqrt(1 + across**2 + down**2)
    facing = 1 / long
    diffuse = 0.55 + 0.45 * np.clip((1 - 0.16 * across - 0.24 * down) / long, 0, 1)
    shine = np.clip((1 - 0.10 * across - 0.20 * down) / long / 1.03, 0, 1) ** 40
    return np.asarray(diffuse * (0.72 + 0.28 * facing), np.float32), np.asarray(shine, np.float32)


def _corners(shape: tuple[int, int]) -> Plane:
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    return np.asarray(1 - 0.45 * smooth_step(np.hypot(x, y), 0.75, 1.4), np.float32)


def _finished(canvas: Pixels, rng: np.random.Generator) -> Image.Image:
    """Enlarge, add the sensor's grain."""
    small = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8), "RGB")
    size = (_COLUMNS * _ENLARGED, _ROWS * _ENLARGED)
    large = np.asarray(small.resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = patch(texture(2.4, 0.7, 9), size[::-1], rng) * 2.2
    return Image.fromarray(np.clip(large + grain[..., None], 0, 255).astype(np.uint8), "RGB")
