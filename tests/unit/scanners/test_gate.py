"""Several engines, one report: the worst word counts and nothing inside is skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from tests.archives import nested, zipped

from medstack.kit.errors import Busy, Invalid
from medstack.kit.sandbox import InProcess, ParserDied
from medstack.kit.streams import MemorySource, Source
from medstack.scanners import BuiltIn, gate, tasks
from medstack.scanners.contract import Outcome, Verdict
from medstack.scanners.eicar import eicar_file
from medstack.scanners.memory import MemoryScanner
from medstack.scanners.policy import Action

BUILTIN = BuiltIn(InProcess())


def look(content: bytes, *engines: MemoryScanner, kind: str = "") -> gate.Report:
    return gate.look_through([BUILTIN, *engines], InProcess(), MemorySource(content), kind=kind)


class Recorder(MemoryScanner):
    """Remembers what it was given."""

    def __init__(self, largest: int = 10**9) -> None:
        super().__init__("recorder")
        self.seen: list[bytes] = []
        self._largest = largest

    def scan_chunks(self, chunks: Iterable[bytes]) -> Verdict:
        content = b"".join(chunks)
        self.seen.append(content)
        if len(content) > self._largest:
            return Verdict(outcome=Outcome.LIMIT, engine=self.name, version="1", signature="size")
        return super().scan_chunks([content])


def test_a_clean_file_has_a_clean_verdict_of_every_engine() -> None:
    report = look(b"hello", MemoryScanner())
    assert {v.engine: v.outcome for v in report.verdicts} == {
        "builtin": Outcome.CLEAN,
        "memory": Outcome.CLEAN,
    }
    assert report.decide().action is Action.PASS


def test_an_outside_engine_gets_the_whole_and_every_member_unpacked() -> None:
    inner = zipped(("deep", b"deepest"), zip64=True)
    whole = zipped(("a", b"first"), ("in.zip", inner), ("empty", b""))
    engine = Recorder()
    look(whole, engine)
    assert engine.seen == [whole, b"first", inner, b"deepest"]


def test_bytes_between_two_archives_are_given_out_too() -> None:
    first, second = zipped(("a", b"first")), zipped(("b", b"second"))
    engine = Recorder()
    report = look(first + second, engine)
    assert engine.seen == [first + second, b"second", first, b"first"]
    assert report.outcome is Outcome.FORBIDDEN


def test_infected_is_worse_than_anything() -> None:
    sick = MemoryScanner("sick")
    sick.becomes(Outcome.UNAVAILABLE)
    report = look(nested(eicar_file(), 2), sick, MemoryScanner())
    assert report.outcome is Outcome.INFECTED
    assert Outcome.UNAVAILABLE in {v.outcome for v in report.verdicts}
    assert report.decide().action is Action.QUARANTINE


def test_an_engine_that_does_not_answer_holds_the_file() -> None:
    sick = MemoryScanner()
    sick.becomes(Outcome.UNAVAILABLE)
    decision = look(b"hello", sick).decide()
    assert decision.action is Action.HOLD
    assert decision.is_waiting_for_engine


def test_an_engine_silent_about_the_whole_is_not_asked_about_members() -> None:
    class Silent(Recorder):
        def scan(self, source: Source, *, kind: str) -> tuple[Verdict, ...]:
            return (Verdict(outcome=Outcome.UNAVAILABLE, engine=self.name, version=""),)

    engine = Silent()
    look(zipped(("a", b"x")), engine)
    assert engine.seen == []


def test_an_engine_that_goes_silent_among_the_members_holds_the_file() -> None:
    class Tiring(Recorder):
        def scan_chunks(self, chunks: Iterable[bytes]) -> Verdict:
            verdict = super().scan_chunks(chunks)
            if len(self.seen) == 2:
                return Verdict(outcome=Outcome.UNAVAILABLE, engine=self.name, version="")
            return verdict

    engine = Tiring()
    report = look(zipped(("a", b"1"), ("b", b"2"), ("c", b"3")), engine)
    assert report.outcome is Outcome.UNAVAILABLE
    assert len(engine.seen) == 2


def test_no_engine_at_all_is_unavailable() -> None:
    report = gate.look_through([], InProcess(), MemorySource(b"x"), kind="")
    assert report.outcome is Outcome.UNAVAILABLE
    assert report.decide().action is Action.HOLD


def test_a_zip_too_large_for_an_engine_is_vouched_for_by_its_members() -> None:
    report = look(zipped(("a", bytes(900)), ("b", bytes(900)), stored=True), Recorder(1000))
    assert report.outcome is Outcome.CLEAN
    assert "size" in {v.signature for v in report.verdicts}


def test_a_zip_too_large_is_not_vouched_for_where_one_member_is_too_large_as_well() -> None:
    report = look(zipped(("a", bytes(900)), ("b", bytes(2000)), stored=True), Recorder(1000))
    assert report.outcome is Outcome.LIMIT


def test_anything_but_a_zip_is_not_vouched_for() -> None:
    archive = zipped(("a", b"x"), stored=True)
    report = look(b"\xff\xd8\xff" + bytes(1000) + archive, Recorder(1000))
    assert Outcome.LIMIT in {v.outcome for v in report.verdicts}


class Breaking(InProcess):
    """A sandbox whose members task ends in a problem."""

    def __init__(self, problem: Invalid) -> None:
        self._problem = problem

    def stream(self, task, source, **params) -> Iterator[object]:  # type: ignore[no-untyped-def]
        assert task is tasks.members
        yield from ()
        raise self._problem


def test_members_that_cannot_be_walked_are_a_limit() -> None:
    report = gate.look_through(
        [MemoryScanner()], Breaking(ParserDied(why="time")), MemorySource(b"x"), kind="zip"
    )
    assert [(v.outcome, v.signature) for v in report.verdicts] == [
        (Outcome.LIMIT, "parser-died"),
        (Outcome.CLEAN, ""),
    ]


def test_a_bomb_is_not_unpacked_for_an_outside_engine() -> None:
    engine = Recorder()
    bomb = zipped(("a", bytes(100 * 1024 * 1024)))
    report = look(bomb, engine)
    assert engine.seen == [bomb]
    assert report.worst.signature == "zip.bomb"
    assert report.decide().action is Action.REJECT


class FailingSource(MemorySource):
    """A file on a disk that has died."""

    def read_at(self, offset: int, length: int) -> bytes:
        raise Busy("The disk reported an error.")


@pytest.mark.parametrize("content", [b"hello", zipped(("a", b"first"))])
def test_a_disk_that_fails_is_no_verdict_on_the_file(content: bytes) -> None:
    with pytest.raises(Busy):
        gate.look_through([BUILTIN], InProcess(), FailingSource(content), kind="")
