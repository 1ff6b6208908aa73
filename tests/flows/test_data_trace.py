"""The rooms a file passes on its way in, and bytes on their way out, as docs/architecture.md
tells them: recorded while the real application, job engine, parsers and walls do their work.

A module is a room of the house: `medstack.<room>`. Run with -s to see the files inside as well.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.flows.conftest import a_patient
from tests.unit.docs.pages import page, rooms_listed
from tests.unit.web.browser import Browser

import medstack
from medstack import records, wiring
from medstack.flows import enroll, signin
from medstack.flows.house import Bench, House
from medstack.flows.notices import Notices
from medstack.flows.story import OVER
from medstack.kit import bridge
from medstack.kit.actor import SYSTEM, Role
from medstack.kit.ids import RecordId, id_in
from medstack.kit.sandbox import InProcess, Sandbox
from medstack.records import Status
from medstack.scanners import BuiltIn
from medstack.settings import Settings
from medstack.web import app

HOUSE = Path(medstack.__file__).parent
PHOTO = Path(__file__).parent.parent / "golden" / "jpeg" / "photo.jpg"
MOST_ON_THE_WAY_IN, MOST_ON_THE_WAY_OUT = 16, 9
PATIENCE_S = 120.0


class Recorder:
    """Notes each of our own files when a function of it is first entered: in the thread that
    watches, and in every thread begun meanwhile for as long as that one runs.
    """

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
            patch.setattr(bridge, "_pool", pool)  # whose threads begin now
            threading.setprofile(self._note)
            sys.setprofile(self._note)
            try:
                yield
            finally:
                sys.setprofile(None)
                threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # no class bodies
            self._seen.setdefault(frame.f_code.co_filename)

    @property
    def files(self) -> list[str]:
        ours = [Path(name) for name in self._seen if name.startswith(f"{HOUSE}/")]
        return [str(path.relative_to(HOUSE)) for path in ours]

    @property
    def rooms(self) -> list[str]:
        return list(dict.fromkeys(name.partition("/")[0] for name in self.files))


class Transparent:
    """The real walls, and then the same task once more here, where the recorder can see it."""

    def __init__(self, walled: Sandbox) -> None:
        self._walled = walled

    def run(self, task: Callable[..., Any], source: Any, **params: Any) -> Any:
        found = self._walled.run(task, source, **params)
        InProcess().run(task, source, **params)
        return found

    def stream(self, task: Callable[..., Iterator[Any]], source: Any, **params: Any) -> Any:
        yield from self._walled.stream(task, source, **params)
        for _ in InProcess().stream(task, source, **params):
            pass


@dataclass(frozen=True, kw_only=True)
class Trace:
    way_in: Recorder
    way_out: Recorder


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trace]:
    """One POST with everything behind it, then one ranged GET."""
    for module in pkgutil.walk_packages(medstack.__path__, "medstack."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    place = tmp_path_factory.mktemp("trace")
    settings = Settings(data=place / "data", key_file=str(place / "config" / "root.key"))
    with wiring.opened(settings, migrate=True) as house, asyncio.Runner() as runner:
        yield _traced(settings, house, runner)


def _traced(settings: Settings, house: House, runner: asyncio.Runner) -> Trace:
    way_in, way_out = Recorder(), Recorder()
    client = Browser(app.build(house, feed=Notices(house)), runner)
    client.bearer = _a_dentists_token(house)
    said = {"patientId": a_patient(house, "Quill", "Rosa").id, "category": "treatment-photos"}
    file = ("smile.jpg", PHOTO.read_bytes(), "image/jpeg")
    with way_in.watching():
        sent = client.post("/api/medical-records", data=said, files={"file": file})
    assert sent.status_code == 201, sent.text
    with wiring.bench(settings) as walled:
        engine = wiring.engine(settings, house, seen_through(walled))
        with way_in.watching():
            engine.start()
        try:
            assert _answer(house, id_in(sent.json()["id"])) is Status.AVAILABLE
        finally:
            engine.stop()
    with way_out.watching():
        read = client.get(f"/api/files/{sent.json()['id']}", headers={"Range": "bytes=100-199"})
    assert (read.status_code, read.content) == (206, PHOTO.read_bytes()[100:200])
    client.close()
    return Trace(way_in=way_in, way_out=way_out)


def seen_through(walled: Bench) -> Bench:
    sandbox = Transparent(walled.sandbox)
    return replace(walled, sandbox=sandbox, scanners=(BuiltIn(sandbox),))


def _a_dentists_token(house: House) -> str:
    email = "dentist@practice.test"
    enroll.add_account(
        house,
        SYSTEM,
        email=email,
        role=Role.DENTIST,
        password="heron-lamp-quartz",
        display_name="A dentist",
        patient_id=None,
    )
    _, secret = signin.create_token(house, SYSTEM, email, name="trace", ttl=timedelta(hours=1))
    return secret


def _answer(house: House, record_id: int) -> Status:
    """Where the record ends up, looked at from a thread nobody watches."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with house.db.read() as tx:
            status = records.get(tx, records.WHOLE_ARCHIVE, RecordId(record_id)).status
        if status in OVER:
            return status
        time.sleep(0.1)
    raise AssertionError("the record never had its answer")


def test_a_file_on_its_way_in_passes_the_rooms_the_page_tells(trace: Trace) -> None:
    print(f"\nin: {len(trace.way_in.rooms)} rooms, {len(trace.way_in.files)} files")
    print(*trace.way_in.files, sep="\n")
    assert trace.way_in.rooms == rooms_listed(page("architecture.md"), "The way in")
    assert len(trace.way_in.rooms) <= MOST_ON_THE_WAY_IN


def test_bytes_on_their_way_out_pass_the_rooms_the_page_tells(trace: Trace) -> None:
    print(f"\nout: {len(trace.way_out.rooms)} rooms, {len(trace.way_out.files)} files")
    print(*trace.way_out.files, sep="\n")
    assert trace.way_out.rooms == rooms_listed(page("architecture.md"), "The way out")
    assert len(trace.way_out.rooms) <= MOST_ON_THE_WAY_OUT
