"""A wheel built from this tree runs `medstack serve` anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from tests.outside.instance import Instance

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, as an installer lays it down."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = place.glob("medstack-*.whl")
    target = place / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_the_wheel_serves_from_another_folder(unpacked: Path, tmp_path: Path) -> None:
    instance = Instance(folder=tmp_path)
    elsewhere = instance.environment | {"PYTHONPATH": str(unpacked)}
    words = ["serve", "--port", str(instance.port), "--data", str(instance.data)]
    with instance.log.open("wb") as log:
        instance.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "medstack", *words],
            cwd="/",
            env=elsewhere,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        instance.wait_until_ready()
        page = httpx.get(instance.url)
        assert page.status_code == 200
        assert "MedStack" in page.text
    finally:
        instance.stop()


@pytest.mark.parametrize(
    "needed",
    [
        "medstack/web/static/index.html",
        "medstack/demo/files/jaw_movement.mp4",
        "medstack/db/migrations/versions/r0001_first.sqlite.sql",
        "medstack/db/migrations/versions/r0001_first.postgresql.sql",
    ],
)
def test_the_wheel_carries_what_is_not_python(unpacked: Path, needed: str) -> None:
    assert (unpacked / needed).is_file()


def test_the_wheel_carries_the_scanners_rules(unpacked: Path) -> None:
    assert list((unpacked / "medstack/scanners/rules").glob("*.yar"))


def test_what_runs_is_the_wheel_and_not_this_tree(unpacked: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import medstack; print(medstack.__file__)"],
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(unpacked))
