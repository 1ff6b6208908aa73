"""A short film of a jaw opening and closing, shipped ready-made as `jaw_movement.mp4`.

Made once from the frames drawn here, so that the demonstration needs no encoder:
`python -m medstack.demo.files.clip OUT.mp4` draws them again and calls ffmpeg.
"""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import sys
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from medstack.demo.files.portraits import Points, rounded

_SIZE, _RATE, _SECONDS = (480, 360), 15, 6
_MAC_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)  # QuickTime counts from here


def film(taken_at: datetime) -> bytes:
    """The film, its header saying it was made at `taken_at`."""
    ready = resources.files("medstack.demo.files").joinpath("jaw_movement.mp4").read_bytes()
    film = bytearray(ready)
    seconds = struct.pack(">I", int((taken_at - _MAC_EPOCH).total_seconds()))
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = film.index(box) + 8  # after the name, version and flags
        film[at : at + 8] = seconds * 2
    return bytes(film)


def frame(number: int) -> Image.Image:
    """One picture: skull in profile, the jaw turning about its condyle, the point's trace."""
    image = Image.new("RGB", (_SIZE[0] * 2, _SIZE[1] * 2), (14, 18, 22))
    opening = _opening(number)
    skull: Points = [(250, 330), (220, 210), (300, 90), (460, 60), (610, 120), (660, 230),
                     (648, 300), (690, 372), (664, 392), (656, 430), (520, 432), (470, 400),
                     (420, 380), (330, 372)]  # fmt: skip
    jaw: Points = [(398, 352), (424, 348), (440, 400), (462, 372), (486, 420), (500, 470),
                   (640, 478), (660, 520), (640, 566), (560, 572), (470, 540),
                   (420, 470)]  # fmt: skip
    moved = [_turned(point, opening) for point in jaw]
    for points, tone in ((skull, (196, 190, 174)), (moved, (210, 204, 188))):
        _bone(image, points, tone)
    _bone(image, [(560, 210), (640, 200), (650, 262), (606, 296), (560, 272)], (60, 62, 64))
    _bone(image, [(650, 300), (684, 366), (652, 384), (640, 340)], (70, 70, 70))
    draw = ImageDraw.Draw(image)
    _teeth(draw, [(x, 432.0) for x in range(516, 656, 20)], 34, 0.0)
    _teeth(draw, [_turned((float(x), 474.0), opening) for x in range(514, 648, 19)], -30, opening)
    trace = [_turned((640.0, 474.0), _opening(n)) for n in range(max(0, number - 30), number + 1)]
    shifted = [(x + 60, y) for x, y in trace]
    if len(shifted) > 1:
        draw.line(shifted, fill=(64, 200, 190), width=4)
    x, y = shifted[-1]
    draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=(255, 196, 80))
    return image.resize(_SIZE, Image.Resampling.LANCZOS)


def _opening(number: int) -> float:
    """Radians the jaw is open."""
    share = 0.5 - 0.5 * math.cos(2 * math.pi * number / (_RATE * 2))
    return 0.36 * math.pow(share, 1.2)


def _turned(point: tuple[float, float], angle: float) -> tuple[float, float]:
    """About the condyle, which itself slides forward and down."""
    x, y = point[0] - 408, point[1] - 356
    cos, sin = math.cos(angle), math.sin(angle)
    return (408 + x * cos - y * sin + 34 * angle, 356 + x * sin + y * cos + 30 * angle)


def _bone(image: Image.Image, points: Points, tone: tuple[int, int, int]) -> None:
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(rounded(points, is_closed=True), fill=255)
    inner = mask.filter(ImageFilter.GaussianBlur(26))
    shaded = Image.merge("RGB", [inner.point(lambda v, c=c: int(c * v / 255)) for c in tone])
    image.paste(shaded, mask=mask.filter(ImageFilter.GaussianBlur(1.5)))


def _teeth(draw: ImageDraw.ImageDraw, places: Points, length: float, angle: float) -> None:
    for x, y in places:
        dx, dy = -math.sin(angle) * length, math.cos(angle) * length
        draw.line((x, y, x + dx, y + dy), fill=(238, 232, 214), width=15)


def main() -> None:
    """Encode every frame to the file named on the command line."""
    program = shutil.which("ffmpeg")
    if program is None:
        sys.exit("ffmpeg is not installed")
    raw = b"".join(frame(number).tobytes() for number in range(_RATE * _SECONDS))
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{_SIZE[0]}x{_SIZE[1]}"]
    wanted = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-profile:v", "main", "-crf", "27",
              "-preset", "veryslow", "-movflags", "+faststart", "-map_metadata", "-1",
              "-fflags", "+bitexact", "-flags:v", "+bitexact"]  # fmt: skip
    command = [program, "-v", "error", "-y", *given, "-r", str(_RATE), "-i", "-", *wanted]
    subprocess.run([*command, str(Path(sys.argv[1]))], input=raw, check=True)  # noqa: S603


if __name__ == "__main__":
    main()
