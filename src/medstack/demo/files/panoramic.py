"""A panoramic radiograph: both jaws unrolled, condyle to condyle.

Pure picture. Millimetres from the middle of the film, x to the patient's left, y down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from medstack.demo.files.film import Film, blurred
from medstack.demo.files.noise import Plane, smooth_step
from medstack.demo.files.tooth import Tooth, tooth

ROWS, COLUMNS, MM_PER_PX, BITS = 640, 1280, 0.165, 12
Grey = NDArray[np.uint16]
State = Mapping[str, object]  # fields of Tooth that differ; {"missing": True} for a gap
Points = Sequence[tuple[float, float]]


def panoramic(states: Mapping[int, State], rng: np.random.Generator) -> Grey:
    """states: by FDI number (11 … 48). (640, 1280), 12 bits in 16."""
    film = Film(ROWS, COLUMNS, MM_PER_PX, rng)
    for quadrant in (1, 2, 3, 4):
        _quadrant(film, quadrant, states)
    mandible = _filled(_mandible())
    film.add_bone(_depth(mandible), density=0.98)
    film.loss += _lower_border(_depth(mandible))
    film.add_bone(_depth(_filled([_maxilla()]) - 0.9 * _filled(_sinuses())), density=0.66)
    film.loss += _landmarks() + _haze()
    film.loss -= 0.16 * blurred(_strokes(_canals(), 2.2), 3.0) * mandible
    film.loss = np.maximum(film.loss, 0.015)
    return film.exposed(bits=BITS, contrast=1.12, grain=0.016)


def _occlusion(x: float) -> float:
    """The smile: where the teeth meet, mm below the middle of the film."""
    return 7.0 - 12.0 * (x / 64.0) ** 2


def _quadrant(film: Film, quadrant: int, states: Mapping[int, State]) -> None:
    jaw, side = ("U" if quadrant < 3 else "L"), (-1 if quadrant in (1, 4) else 1)
    x = 0.2
    for place in range(1, 9):
        state = dict(states.get(quadrant * 10 + place, {}))
        is_missing = bool(state.pop("missing", False))
        shape = tooth(f"{jaw}{place}", **state)
        width = shape.width_mm * 0.93
        x += width / 2
        if not is_missing:
            _stand(film, shape, side * x, is_upper=jaw == "U", place=place)
        x += width / 2


def _stand(film: Film, shape: Tooth, x: float, *, is_upper: bool, place: int) -> None:
    away = shape.crown_mm * 0.86 + 0.4
    y = _occlusion(x) + (-away if is_upper else away) + film.rng.normal(0, 0.35)
    lean = (x / 64) * (0.20 if is_upper else 0.34) + film.rng.normal(0, 0.03)
    angle = np.pi + lean if is_upper else -lean
    if place == 8:
        angle += np.sign(x) * 0.22
    film.place(shape, *_on_film(x, y), angle=angle)


def _on_film(x: float, y: float) -> tuple[float, float]:
    return x + COLUMNS * MM_PER_PX / 2, y + ROWS * MM_PER_PX / 2


def _mandible() -> list[Points]:
    """Body with the crest between the teeth, both rami, condyles and coronoids."""
    crest = [(x, _occlusion(x) + 9.6) for x in np.linspace(-60, 60, 41)]
    half = [
        (66, 0), (68, -12), (69.5, -24), (71, -31), (73, -33.5), (76, -30),  # coronoid
        (80, -24), (84, -26), (86, -32), (87, -37), (91, -39.5), (95, -37.5),  # notch, condyle
        (95.5, -33), (93, -27), (92, -16), (90.5, -4), (87, 9), (81, 20),  # hind edge, angle
        (72, 28), (58, 34.5), (42, 38.5), (24, 40), (10, 41), (0, 41.5),  # lower border
    ]  # fmt: skip
    left = [(-x, y) for x, y in half]
    return [[*crest, *_curved([*half, *reversed(left)])]]


def _maxilla() -> Points:
    crest = [(x, _occlusion(x) - 9.6) for x in np.linspace(-62, 62, 41)]
    top = [(66, -20), (60, -30), (40, -27), (20, -25), (0, -24), (-20, -25), (-40, -27),
           (-60, -30), (-66, -20)]  # fmt: skip
    return [*crest, *top]


def _sinuses() -> list[Points]:
    one = [(22, -17), (30, -13), (42, -13.5), (54, -19), (58, -30), (52, -40), (34, -40), (22, -32)]
    return [one, [(-x, y) for x, y in one]]


def _canals() -> list[Points]:
    one = [(84, -12), (80, 2), (72, 14), (60, 22), (46, 26.5), (34, 27.5), (29, 25)]
    return [one, [(-x, y) for x, y in one]]


def _landmarks() -> Plane:
    """Palate, nose, orbits, zygomas and the outline of the sinuses, as soft bright lines."""
    palate = [[(-58, -25.5), (-30, -23.5), (0, -22.5), (30, -23.5), (58, -25.5)],
              [(-52, -28.5), (0, -26), (52, -28.5)]]  # fmt: skip
    septum = [[(0.5, -24), (-0.6, -34), (0.4, -52)]]
    nose = [[(9, -25), (13, -32), (12, -42), (8, -52)]]
    zygoma = [[(40, -52), (44, -40), (50, -30), (58, -27), (68, -30), (80, -36), (98, -40)]]
    orbit = [[(20, -53), (26, -47), (40, -45), (54, -48), (60, -53)]]
    both = [[(-x, y) for x, y in line] for line in (*nose, *zygoma, *orbit)]
    found: Plane = 0.30 * blurred(_strokes(palate, 1.6), 3.5)
    found += 0.20 * blurred(_strokes([*septum, *nose, *both[:1]], 1.6), 4.0)
    found += 0.26 * blurred(_strokes([*zygoma, *both[1:2]], 5.0), 9.0)
    found += 0.22 * blurred(_strokes([*orbit, *both[2:]], 2.6), 5.0)
    found += 0.10 * blurred(_filled([[*orbit[0], (40, -60)], [*both[2], (-40, -60)]]), 6.0)
    closed = [[*points, points[0]] for points in _sinuses()]
    found += 0.16 * blurred(_strokes(closed, 0.8), 2.0)
    hyoid = [[(30, 52), (44, 48), (56, 47), (66, 44)], [(-30, 52), (-44, 48), (-56, 47), (-66, 44)]]
    return np.asarray(found + 0.22 * blurred(_strokes(hyoid, 4.0), 12.0), np.float32)


def _lower_border(depth: Plane) -> Plane:
    """The thick cortical band along the mandible's lower edge."""
    y = ((np.arange(ROWS) - ROWS / 2) * MM_PER_PX)[:, None].astype(np.float32)
    band = np.exp(-(((depth - 1.2) / 0.9) ** 2)) * smooth_step(y, 8, 22)
    return np.asarray(0.20 * band, np.float32)


def _haze() -> Plane:
    """Neck, soft tissue and the spine's ghost in the middle; air beside the tongue."""
    x = ((np.arange(COLUMNS) - COLUMNS / 2) * MM_PER_PX)[None, :].astype(np.float32)
    y = ((np.arange(ROWS) - ROWS / 2) * MM_PER_PX)[:, None].astype(np.float32)
    found = 0.14 + 0.22 * np.exp(-((x / 26) ** 2)) * smooth_step(y, -70, 40)
    found = found + 0.26 * smooth_step(np.abs(x), 98, 104)
    edge = np.abs(x) + 0.12 * (y - 10)
    found *= 1 - 0.5 * smooth_step(edge, 96, 99) * (1 - smooth_step(edge, 100, 103))
    air = np.exp(-(((y + 17 + 9 * (x / 60) ** 2) / 3.2) ** 2)) * smooth_step(70 - np.abs(x), 0, 30)
    found = found - 0.13 * air
    throat = np.exp(-(((np.abs(x) - 70 - 0.25 * y) / 5) ** 2)) * smooth_step(y, -25, 5)
    nose = np.exp(-(((np.abs(x) - 6.5) / 4.5) ** 2)) * (1 - smooth_step(y, -34, -26))
    found -= 0.11 * throat + 0.12 * nose
    margin = np.minimum(ROWS * MM_PER_PX / 2 - np.abs(y), COLUMNS * MM_PER_PX / 2 - np.abs(x))
    return np.asarray(found * smooth_step(margin, 0.0, 0.8) - 2 * (margin < 0.5), np.float32)


def _filled(outlines: Sequence[Points]) -> Plane:
    image = Image.new("L", (COLUMNS, ROWS))
    for points in outlines:
        ImageDraw.Draw(image).polygon(_pixels(points), fill=255)
    return np.asarray(image, np.float32) / np.float32(255)


def _strokes(lines: Sequence[Points], width_mm: float) -> Plane:
    image = Image.new("L", (COLUMNS, ROWS))
    for points in lines:
        width = max(1, round(width_mm / MM_PER_PX))
        ImageDraw.Draw(image).line(_pixels(_curved(points)), fill=255, width=width, joint="curve")
    return np.asarray(image, np.float32) / np.float32(255)


def _curved(points: Points) -> list[tuple[float, float]]:
    """More points on a smooth line through `points` (Catmull and Rom's spline)."""
    padded = [points[0], *points, points[-1]]
    found = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for t in np.linspace(0, 1, 8, endpoint=False):
            weights = (
                -0.5 * t**3 + t**2 - 0.5 * t, 1.5 * t**3 - 2.5 * t**2 + 1,
                -1.5 * t**3 + 2 * t**2 + 0.5 * t, 0.5 * t**3 - 0.5 * t**2,
            )  # fmt: skip
            found.append(
                tuple(
                    float(sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)))
                    for axis in (0, 1)
                )
            )
    return [(x, y) for x, y in [*found, points[-1]]]


def _pixels(points: Points) -> list[tuple[float, float]]:
    return [(x / MM_PER_PX + COLUMNS / 2, y / MM_PER_PX + ROWS / 2) for x, y in points]


def _depth(mask: Plane) -> Plane:
    """Millimetres inside a mask's edge, told up to about 2 on each side."""
    radius_mm = 1.4
    return np.asarray((blurred(mask, radius_mm / MM_PER_PX) - 0.5) * radius_mm * 3, np.float32)
