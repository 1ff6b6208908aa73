"""MP4 golden files, encoded by ffmpeg: regenerate them where it is installed."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

CANARY = "Ptarmigan"
_PICTURE = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1")
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000:duration=1")
_EXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")
_H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryslow", "-crf", "40")


def encode(*arguments: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "film.mp4"
        command = ("ffmpeg", "-y", "-nostdin", "-loglevel", "error", *arguments, str(target))
        subprocess.run(command, check=True)
        return target.read_bytes()


def files() -> dict[str, bytes]:
    told = ("-metadata", "creation_time=2024-06-07T08:09:10Z", "-metadata", f"artist={CANARY}")
    place = ("-metadata", "location=+51.5007-000.1246/", "-metadata", f"title={CANARY}")
    film = (*_PICTURE, *_SOUND, *_H264, "-c:a", "aac", "-b:a", "16k", *_EXACT)
    return {
        "clip.mp4": encode(*film, *told, *place),
        "faststart.mp4": encode(*_PICTURE, *_H264, *_EXACT, "-movflags", "+faststart"),
        "fragmented.mp4": encode(
            *_PICTURE, *_H264, *_EXACT, "-movflags", "+frag_keyframe+empty_moov"
        ),
        "old.3gp": encode(*_PICTURE, "-c:v", "mpeg4", "-q:v", "20", *_EXACT, "-f", "3gp"),
    }
