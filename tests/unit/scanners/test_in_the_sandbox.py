"""The built-in engine and the document formats behind the real walls, where they always run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.archives import nested, zipped

from medstack.formats import tasks
from medstack.kit.streams import MemorySource
from medstack.scanners import BuiltIn, gate
from medstack.scanners.contract import Outcome
from medstack.scanners.eicar import eicar_file
from medstack.scanners.memory import MemoryScanner
from medstack.worker.sandbox import ProcessSandbox

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox() as made:
        yield made


def test_the_engine_is_well_behind_its_walls(sandbox: ProcessSandbox) -> None:
    assert BuiltIn(sandbox).health().is_ready


def test_both_engines_see_every_member(sandbox: ProcessSandbox) -> None:
    content = MemorySource(nested(b"x" * 700_000 + eicar_file(), 3))
    report = gate.look_through([BuiltIn(sandbox), MemoryScanner()], sandbox, content, kind="zip")
    told = {(v.engine, v.member) for v in report.verdicts if v.outcome is Outcome.INFECTED}
    assert told == {("builtin", 3), ("memory", 3)}


def test_a_bomb_is_called_one_on_both_ways(sandbox: ProcessSandbox) -> None:
    content = MemorySource(zipped(("a", bytes(100 * 1024 * 1024))))
    report = gate.look_through([BuiltIn(sandbox), MemoryScanner()], sandbox, content, kind="zip")
    assert [v.signature for v in report.verdicts] == ["zip.bomb", "archive-bomb", ""]


@pytest.mark.parametrize("name", ["pdf/form.pdf", "docx/letter.docx", "xlsx/laboratory.xlsx"])
def test_documents_are_read_and_drawn_there(sandbox: ProcessSandbox, name: str) -> None:
    source = MemorySource((GOLDEN / name).read_bytes())
    kind = name.partition("/")[0]
    assert sandbox.run(tasks.inspect, source, kind=kind).kind == kind
    assert len(sandbox.run(tasks.render, source, kind=kind)) == 2
    assert sandbox.run(tasks.text, source, kind=kind)
