"""An external program behind the walls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from medstack.kit.streams import MemorySource
from medstack.worker.sandbox import Ffmpeg
from medstack.worker.sandbox.ffmpeg import _read_all
from medstack.worker.sandbox.nursery import exit_code
from medstack.worker.sandbox.orders import Order

needs_ffmpeg = pytest.mark.skipif(  # in CI its absence is a failure, met as one
    shutil.which("ffmpeg") is None and os.environ.get("CI") != "true",
    reason="ffmpeg is missing: install the package `ffmpeg` (Debian, Ubuntu)",
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "test.mp4"
    picture = "testsrc=size=2000x1000:rate=10:duration=1"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(path)], check=True)
    return path.read_bytes()


def run(sandbox, *argv: str) -> tuple[int, bytes | None]:
    """Run any program the way ffmpeg is run."""
    reading, writing = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    order = Order(memory_bytes=1 << 30, argv=argv, cpu_s=5)
    with sandbox.nursery.order(order, nothing, writing) as status:
        os.close(writing)
        os.close(nothing)
        output = _read_all(reading)
        os.close(reading)
        return exit_code(status), output


@needs_ffmpeg
def test_a_film_gives_a_poster_no_longer_than_1600(sandbox, film):
    import io

    from PIL import Image

    poster = Ffmpeg(sandbox).poster(MemorySource(film))
    assert poster is not None
    with Image.open(io.BytesIO(poster)) as image:
        assert image.size == (1600, 800)


@needs_ffmpeg
def test_a_whole_film_plays_and_a_cut_one_does_not(sandbox, film):
    assert Ffmpeg(sandbox).plays(MemorySource(film)) is True
    assert Ffmpeg(sandbox).plays(MemorySource(film[: len(film) // 2])) is False
    assert Ffmpeg(sandbox).poster(MemorySource(film[: len(film) // 2])) is None


@needs_ffmpeg
@linux_only
def test_a_playlist_dressed_as_a_film_opens_nothing(sandbox):
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    assert Ffmpeg(sandbox).poster(MemorySource(playlist)) is None


def test_without_ffmpeg_there_is_no_poster(sandbox, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    absent = Ffmpeg(sandbox)
    assert not absent.is_there
    assert absent.poster(MemorySource(b"x")) is None
    assert absent.plays(MemorySource(b"x")) is None


@linux_only
def test_a_program_behind_the_walls_runs(sandbox):
    assert run(sandbox, shutil.which("echo"), "here") == (0, b"here\n")


@linux_only
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/1/environ", "/"])
def test_a_program_cannot_read(sandbox, path):
    code, output = run(sandbox, shutil.which("head"), "-c1", path)
    assert code != 0
    assert not output


@linux_only
def test_a_program_can_start_no_other(sandbox):
    code, output = run(sandbox, shutil.which("env"), shutil.which("echo"), "there")
    assert code != 0
    assert not output


@linux_only
def test_a_program_that_never_ends_is_stopped(sandbox):
    code, _ = run(sandbox, shutil.which("sh"), "-c", "exec >&-; while :; do :; done")
    assert code != 0
