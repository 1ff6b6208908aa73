"""Drawn heads where a practice keeps photographs of faces: nobody real, plainly a drawing.

Frontal at rest, frontal smiling, and profile, in the poses an orthodontist asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from medstack.demo.files.noise import patch, rng_for, smooth_step, texture

WIDTH, HEIGHT = 800, 1000
Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a drawn person looks like."""

    skin: Colour = (222, 178, 150)
    hair: Colour = (70, 48, 34)
    cloth: Colour = (52, 96, 120)
    is_long_haired: bool = False
    breadth: float = 1.0


HEADS = (
    Head(skin=(226, 186, 162), hair=(150, 146, 142), is_long_haired=True),
    Head(skin=(120, 78, 54), hair=(26, 20, 18), cloth=(120, 70, 50)),
    Head(skin=(224, 180, 150), hair=(120, 84, 48), breadth=1.05),
    Head(skin=(230, 194, 162), hair=(28, 24, 26), cloth=(94, 72, 120), is_long_haired=True),
    Head(skin=(206, 156, 122), hair=(52, 34, 24), cloth=(60, 110, 84), is_long_haired=True),
    Head(skin=(160, 110, 78), hair=(24, 20, 20), cloth=(150, 120, 60), is_long_haired=True),
)


def portrait(head: Head, *, pose: str, seed: int) -> Image.Image:
    """pose: rest, smile or profile."""
    image = _backdrop()
    draw = _profile if pose == "profile" else _front
    draw(image, head, is_smiling=pose == "smile")
    rng = rng_for(seed, "portrait", pose)
    grain = patch(texture(2.2, 0.7, 9), (HEIGHT, WIDTH), rng) * 2.5
    found = np.asarray(image, np.float32) + grain[..., None]
    return Image.fromarray(np.clip(found, 0, 255).astype(np.uint8), "RGB")


def _backdrop() -> Image.Image:
    y = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]
    light = 1.06 - 0.25 * y - 0.12 * smooth_step(np.abs(x), 0.3, 1.2)
    plane = light[..., None] * np.array([146, 164, 178], np.float32)
    return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8), "RGB")


def _front(image: Image.Image, head: Head, *, is_smiling: bool) -> None:
    b = head.breadth
    if head.is_long_haired:
        _blob(image, _ring(400, 470, 205 * b, 270, 2.4), head.hair, blur=5, light=0.5)
        _blob(image, [(215, 470), (190, 800), (320, 860), (480, 860), (610, 800), (585, 470)],
              head.hair, blur=8, light=0.5)  # fmt: skip
    _blob(image, [(60, 1000), (90, 880), (210, 820), (330, 785), (470, 785), (590, 820), (710, 880),
                  (740, 1000)], head.cloth, blur=5, light=0.7)  # fmt: skip
    _blob(image, [(325, 640), (318, 800), (400, 850), (482, 800), (475, 640)],
          _dimmed(head.skin, 0.82), blur=5, light=0.6)  # fmt: skip
    for side in (-1, 1):
        _blob(image, _ring(400 + side * 176 * b, 470, 24, 52, 2), _dimmed(head.skin, 0.9), blur=3)
    face = [(400 + x * b, y) for x, y in _FACE] + [(400 - x * b, y) for x, y in reversed(_FACE)]
    _blob(image, face, head.skin, blur=3, light=1.0)
    _cast(image, _ring(400, 745, 90, 18, 2), 0.16, 14)
    hair = _ring(400, 300, 190 * b, 150, 2.3)
    hairline = [(p if p[1] < 318 else (p[0], 318 - 0.25 * abs(p[0] - 400) * -0.6)) for p in hair]
    _blob(image, hairline, head.hair, blur=4, light=0.8)
    for side in (-1, 1):
        _eye(image, 400 + side * 76 * b, 452, head)
        _cast(
            image, [(400 + side * 30, 480), (400 + side * 44, 560), (400 + side * 26, 566)], 0.16, 9
        )
        cheek = tuple(
            min(255, int(c * f)) for c, f in zip(head.skin, (1.03, 0.86, 0.86), strict=True)
        )
        _blob(image, _ring(400 + side * 112 * b, 560, 44, 34, 2), cheek, blur=26, share=0.6)  # type: ignore[arg-type]
    _cast(image, _ring(382, 573, 11, 6, 2), 0.45, 4)
    _cast(image, _ring(418, 573, 11, 6, 2), 0.45, 4)
    _glow(image, _ring(396, 530, 13, 30, 2), 0.18, 9)
    _mouth(image, head, is_smiling=is_smiling)


_FACE: Points = [(0, 212), (90, 226), (150, 282), (172, 370), (176, 460), (166, 560), (140, 640),
                 (96, 712), (44, 752), (0, 762)]  # fmt: skip


def _eye(image: Image.Image, x: float, y: float, head: Head) -> None:
    _cast(image, _ring(x, y - 6, 46, 26, 2), 0.13, 9)
    _blob(image, _ring(x, y, 33, 15, 1.7), (238, 234, 230), blur=1.5)
    _blob(image, _ring(x, y - 1, 13.5, 13.5, 2), (84, 66, 50), blur=1)
    _blob(image, _ring(x, y - 1, 6, 6, 2), (16, 14, 14), blur=1)
    _blob(image, _ring(x - 4, y - 6, 2.6, 2.6, 2), (250, 250, 250), blur=0.6)
    lid = [(x - 36, y + 2), (x - 22, y - 14), (x, y - 18), (x + 22, y - 14), (x + 36, y + 2)]
    _line(image, lid, _dimmed(head.skin, 0.42), 4, 1.2)
    brow = [(x - 42, y - 40), (x - 14, y - 54), (x + 18, y - 53), (x + 42, y - 42)]
    _line(image, brow, _dimmed(head.hair, 0.9), 11, 3)


def _mouth(image: Image.Image, head: Head, *, is_smiling: bool) -> None:
    lip = (int(head.skin[0] * 0.86), int(head.skin[1] * 0.58), int(head.skin[2] * 0.56))
    if not is_smiling:
        upper = [(338, 650), (376, 636), (400, 642), (424, 636), (462, 650), (400, 657)]
        lower = [(340, 652), (400, 656), (460, 652), (430, 678), (400, 684), (370, 678)]
        _blob(image, upper, _dimmed(lip, 0.9), blur=2.5)
        _blob(image, lower, lip, blur=3)
        _line(image, [(336, 651), (400, 655), (464, 651)], _dimmed(lip, 0.5), 3, 1)
        _cast(image, _ring(400, 700, 44, 9, 2), 0.14, 7)
        return
    outer = [(300, 628), (360, 622), (400, 628), (440, 622), (500, 628), (460, 684), (400, 706),
             (340, 684)]  # fmt: skip
    inner = [(318, 634), (400, 638), (482, 634), (446, 674), (400, 688), (354, 674)]
    _blob(image, outer, lip, blur=2.5)
    _blob(image, inner, (64, 20, 22), blur=1.5)
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(inner, fill=255)
    teeth = image.copy()
    paint = ImageDraw.Draw(teeth)
    left = 322.0
    for place, width in enumerate((14, 17, 20, 18, 23, 23, 18, 20, 17, 14)):
        far = abs(place - 4.5) / 4.5
        tone = tuple(int(c * (1 - 0.32 * far**1.5)) for c in (240, 233, 216))
        height = 668 - 10 * far
        paint.rounded_rectangle((left, 618, left + width * 0.87 - 1.2, height), 6, fill=tone)
        left += width * 0.87
    soft = mask.filter(ImageFilter.GaussianBlur(1.5))
    image.paste(teeth.filter(ImageFilter.GaussianBlur(0.8)), mask=soft)
    for side in (-1, 1):
        fold = [(400 + side * 62, 566), (400 + side * 104, 612), (400 + side * 112, 650)]
        _cast_line(image, fold, 0.22, 7, 6)


def _profile(image: Image.Image, head: Head, *, is_smiling: bool) -> None:
    del is_smiling  # a profile is taken at rest
    _blob(image, [(150, 1000), (190, 880), (330, 800), (520, 800), (640, 900), (680, 1000)],
          head.cloth, blur=5, light=0.7)  # fmt: skip
    _blob(image, [(330, 600), (310, 830), (430, 870), (520, 800), (500, 660)],
          _dimmed(head.skin, 0.84), blur=5, light=0.6)  # fmt: skip
    if head.is_long_haired:
        _blob(image, [(230, 420), (220, 760), (300, 850), (400, 800), (420, 480)], head.hair,
              blur=8, light=0.5)  # fmt: skip
    outline = [(300, 250), (400, 205), (500, 225), (562, 290), (584, 360), (580, 408), (590, 440),
               (622, 498), (648, 548), (636, 570), (602, 578), (598, 598), (618, 622), (620, 640),
               (604, 650), (616, 664), (612, 684), (592, 696), (600, 726), (590, 758), (556, 774),
               (500, 762), (420, 700), (372, 640), (300, 560), (262, 460), (258, 340)]  # fmt: skip
    _blob(image, outline, head.skin, blur=2.5, light=0.9)
    hair = [(566, 282), (500, 200), (400, 172), (300, 200), (236, 290), (226, 420), (262, 560),
            (330, 600), (380, 520), (392, 440), (430, 400), (450, 340), (520, 300)]  # fmt: skip
    _blob(image, hair, head.hair, blur=5, light=0.8)
    _blob(image, _ring(408, 500, 27, 50, 2), _dimmed(head.skin, 0.93), blur=2)
    _cast_line(image, [(404, 470), (420, 500), (408, 530)], 0.35, 5, 3)
    _blob(image, [(540, 446), (568, 436), (574, 452), (560, 462)], (236, 232, 228), blur=1.5)
    _blob(image, _ring(566, 448, 6, 10, 2), (60, 46, 36), blur=1)
    _line(image, [(532, 448), (556, 432), (578, 438)], _dimmed(head.skin, 0.42), 4, 1.2)
    _line(image, [(524, 404), (556, 388), (584, 398)], head.hair, 10, 3)
    _cast(image, _ring(612, 564, 10, 5, 2), 0.4, 3)
    lip = (int(head.skin[0] * 0.86), int(head.skin[1] * 0.58), int(head.skin[2] * 0.56))
    _blob(image, [(574, 648), (604, 624), (618, 628), (620, 640), (604, 650)], lip, blur=2)
    _blob(image, [(574, 650), (604, 652), (615, 664), (611, 682), (594, 682)], lip, blur=2)
    _cast_line(image, [(566, 650), (586, 651), (606, 650)], 0.5, 3, 1)
    _cast(image, [(430, 700), (500, 764), (556, 776), (500, 800), (440, 760)], 0.20, 16)


def _blob(
    image: Image.Image, points: Points, colour: Colour, *, blur: float, light: float = 0.0,
    share: float = 1.0,
) -> None:  # fmt: skip
    """A soft-edged shape; light: how round it is shaded."""
    mask = _mask(image, points, blur)
    if share < 1:
        mask = mask.point(lambda value: int(value * share))
    fill = Image.new("RGB", image.size, colour)
    if light:
        inside = _mask(image, points, 34)
        depth = np.asarray(inside, np.float32) / 255
        from_left = np.linspace(1.10, 0.86, image.width, dtype=np.float32)[None, :]
        shade = (1 - light * 0.42 * (1 - smooth_step(depth, 0.30, 1.0))) * from_left
        plane = shade[..., None] * np.array(colour, np.float32)
        fill = Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8), "RGB")
    image.paste(fill, mask=mask)


def _cast(image: Image.Image, points: Points, strength: float, blur: float) -> None:
    mask = _mask(image, points, blur).point(lambda value: int(value * strength))
    image.paste((40, 18, 14), mask=mask)


def _glow(image: Image.Image, points: Points, strength: float, blur: float) -> None:
    mask = _mask(image, points, blur).point(lambda value: int(value * strength))
    image.paste((255, 246, 238), mask=mask)


def _line(image: Image.Image, points: Points, colour: Colour, width: int, blur: float) -> None:
    image.paste(colour, mask=_stroke(image, points, width, blur))


def _cast_line(
    image: Image.Image, points: Points, strength: float, width: int, blur: float
) -> None:
    mask = _stroke(image, points, width, blur).point(lambda value: int(value * strength))
    image.paste((40, 18, 14), mask=mask)


def _stroke(image: Image.Image, points: Points, width: int, blur: float) -> Image.Image:
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).line(rounded(points, is_closed=False), 255, width, joint="curve")
    return mask.filter(ImageFilter.GaussianBlur(blur))


def _mask(image: Image.Image, points: Points, blur: float) -> Image.Image:
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(rounded(points, is_closed=True), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(blur))


def rounded(given: Points, *, is_closed: bool) -> list[tuple[float, float]]:
    """Cut the corners three times (Chaikin)."""
    points = list(given)
    for _ in range(3):
        pairs = list(zip(points, points[1:] + points[:1], strict=True))
        if not is_closed:
            pairs = pairs[:-1]
        cut = [
            (a[0] * (1 - t) + b[0] * t, a[1] * (1 - t) + b[1] * t)
            for a, b in pairs
            for t in (0.25, 0.75)
        ]
        points = cut if is_closed else [points[0], *cut, points[-1]]
    return points


def _ring(x: float, y: float, wide: float, high: float, power: float) -> Points:
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    cos, sin = np.cos(turns), np.sin(turns)
    return [
        (float(x + wide * np.sign(c) * abs(c) ** (2 / power)),
         float(y + high * np.sign(s) * abs(s) ** (2 / power)))
        for c, s in zip(cos, sin, strict=True)
    ]  # fmt: skip


def _dimmed(colour: Colour, share: float) -> Colour:
    return (int(colour[0] * share), int(colour[1] * share), int(colour[2] * share))
