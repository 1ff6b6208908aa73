"""kill -9 and loss of power at every point of a file's way in, on both databases.

A child process tells the whole story and dies at its n-th point. A fresh process finds what was
acknowledged, lets the client and the worker go on, and the end is the one it always is.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from tests.flows.conftest import a_patient, an_account
from tests.flows.crash_aftermath import flaws, lose_power, losses, unsound
from tests.flows.crash_story import PART_BYTES, Memory, Said, Setting, Teller, learn, opened
from tests.places import NewPlace, Place

from medstack.flows import receive
from medstack.kit.actor import Role
from medstack.kit.errors import Problem

pytestmark = pytest.mark.slow
ROOT = bytes(range(32)).hex()
CHUNKS = 8
EVERY = {"sqlite": 1, "postgresql": 2}  # the store's points are the same on both
POINTS_AT_LEAST = {"sqlite": 100, "postgresql": 50}
PATIENTS = 12  # made at a time
NO_POINT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What came of one child."""

    was_killed: bool
    said: list[Said]
    points: int = 0  # how many it passed, if it came to its end
    memory: dict[int, Memory] = field(default_factory=dict)


class Zygote:
    """The process that forks the children."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.crash_zygote"],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, setting: Setting, fatal: int, control: str = "") -> Life:
        """Tell the story in a child that dies at point `fatal`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"setting": asdict(setting), "fatal": fatal, "control": control}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        said: list[Said] = []
        while "ended" not in (line := json.loads(self._process.stdout.readline())):
            said.append(line)
        assert line["ended"] in (0, -9), "the child failed by itself; its trace is on stderr"
        memory: dict[int, Memory] = {}
        for answer in said:
            if "chapter" in answer:
                learn(memory, answer)
        points = [answer["points"] for answer in said if "points" in answer]
        return Life(was_killed=line["ended"] == -9, said=said, points=sum(points), memory=memory)

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a place: here it is told, not tried, what power takes along."""
    memory = Path("/dev/shm")
    within = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=within, prefix="medstack-crash-") as made:
        yield Path(made)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


def settings(place: Place, folder: Path) -> Iterator[Setting]:
    """In each, a patient nobody has sent anything for yet, and a dentist."""
    while True:
        with opened(place, folder, ROOT) as house:
            dentist = an_account(house, Role.DENTIST)
            patients = [a_patient(house, "Quill", "Rosa") for _ in range(PATIENTS)]
        for patient in patients:
            yield Setting(
                url=place.url,
                folder=str(folder),
                root=ROOT,
                account=dentist.account_id,
                patient=patient.id,
            )


def go_on(setting: Setting, life: Life) -> list[str]:
    """Open everything afresh, look for losses, tell the story to its end, look for flaws."""
    with opened(setting.place, Path(setting.folder), setting.root) as house:
        faults = list(losses(house, setting, life.memory))
        if faults:
            return faults
        try:
            Teller(house, setting, memory=life.memory, say=lambda said: None).tell()
        except Problem as problem:
            return [f"the story cannot go on: {problem.code}", *unsound(house)]
        return list(flaws(house, setting, life.memory))


def dies_and_goes_on(
    zygote: Zygote, setting: Setting, fatal: int, *, control: str = "", is_power_cut: bool
) -> tuple[Life, list[str]]:
    life = zygote.live(setting, fatal, control)
    if life.was_killed and is_power_cut:
        lose_power(life.said)
    return life, go_on(setting, life)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "PART_BYTES", PART_BYTES)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whenever_the_process_dies_nothing_acknowledged_is_lost_and_nothing_happens_twice(
    zygote: Zygote, db_kind: str, db_place: Place, folder: Path, chunk: int
) -> None:
    survived = 0
    turns = zip(
        itertools.count(chunk % EVERY[db_kind], EVERY[db_kind]),
        settings(db_place, folder),
        strict=False,
    )
    for turn, setting in turns:
        fatal = chunk + turn * CHUNKS
        is_power_cut = turn // 2 % 2 == 1
        life, faults = dies_and_goes_on(zygote, setting, fatal, is_power_cut=is_power_cut)
        assert faults == [], f"killed at point {fatal}"
        if not life.was_killed:
            break
        survived += 1
    assert survived * CHUNKS >= POINTS_AT_LEAST[db_kind]


@pytest.mark.parametrize("control", ["forgets-bytes", "forgets-to-sync", "stores-in-two-steps"])
def test_a_product_that_lies_is_caught(
    zygote: Zygote, new_place: NewPlace, folder: Path, control: str
) -> None:
    """From its last point backwards, until the crash that shows it."""
    chapters = settings(new_place("sqlite"), folder)
    points = zygote.live(next(chapters), NO_POINT, control).points
    for fatal, setting in zip(range(points - 1, points // 2, -1), chapters, strict=False):
        _, faults = dies_and_goes_on(zygote, setting, fatal, control=control, is_power_cut=True)
        if faults:
            return
    pytest.fail("no crash showed it")
