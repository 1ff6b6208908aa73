"""Our client against a real clamd: what it finds, what it misses, how it fails."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from tests.archives import nested, package, zipped
from tests.outside.clamd import ClamdServer, clamd_server, started

from medstack.kit.clock import SystemClock
from medstack.kit.sandbox import InProcess
from medstack.kit.streams import MemorySource
from medstack.scanners import BuiltIn, Clamd, gate
from medstack.scanners.contract import Outcome, Scanner
from medstack.scanners.eicar import eicar_file
from medstack.scanners.policy import Action

__all__ = ["clamd_server"]
pytestmark = pytest.mark.outside

TESTFILES = Path("/usr/share/clamav-testfiles")
MIB = 1024 * 1024


@pytest.fixture(params=["unix", "tcp"])
def clamd(request: pytest.FixtureRequest, clamd_server: ClamdServer) -> Clamd:
    return clamd_server.client(tcp=request.param == "tcp")


def engines(clamd: Clamd) -> list[Scanner]:
    return [BuiltIn(InProcess()), clamd]


def gate_outcome(clamd: Clamd, content: bytes, kind: str = "zip") -> Outcome:
    """The gate with clamd alone, so that the built-in engine cannot cover for it."""
    return gate.look_through([clamd], InProcess(), MemorySource(content), kind=kind).outcome


def outcome(clamd: Clamd, content: bytes) -> Outcome:
    return clamd.scan(MemorySource(content), kind="")[0].outcome


def test_a_clamd_that_is_well_says_so_with_its_version(clamd: Clamd) -> None:
    health = clamd.health()
    assert (health.is_ready, health.detail) == (True, "")
    assert health.version.startswith("ClamAV")


def test_a_clean_file_is_clean(clamd: Clamd) -> None:
    verdict = clamd.scan(MemorySource(b"Toothache, upper left."), kind="txt")[0]
    assert (verdict.outcome, verdict.signature) == (Outcome.CLEAN, "")
    assert verdict.version.startswith("ClamAV")


def test_an_empty_file_is_clean(clamd: Clamd) -> None:
    assert outcome(clamd, b"") is Outcome.CLEAN


def test_eicar_is_infected(clamd: Clamd) -> None:
    verdict = clamd.scan(MemorySource(eicar_file()), kind="")[0]
    assert verdict.outcome is Outcome.INFECTED
    assert "icar" in verdict.signature


def test_eicar_sent_byte_by_byte_is_infected(clamd: Clamd) -> None:
    pieces = (bytes([letter]) for letter in eicar_file())
    assert clamd.scan_chunks(pieces).outcome is Outcome.INFECTED


def test_eicar_across_a_chunk_border_is_infected(clamd: Clamd) -> None:
    assert outcome(clamd, bytes(256 * 1024 - 30) + eicar_file()) is Outcome.INFECTED


ARCHIVES = {
    "zip": zipped(("a", eicar_file())),
    "zip64": zipped(("a", eicar_file()), zip64=True),
    "nested": nested(eicar_file(), 3),
    "nested-zip64": zipped(("in.zip", zipped(("a", eicar_file()), zip64=True)), zip64=True),
    "docx": package(("word/document.xml", b"<x>" + eicar_file() + b"</x>")),
    "concatenated-first": zipped(("a", eicar_file())) + zipped(("b", b"harmless")),
    "concatenated-second": zipped(("a", b"harmless")) + zipped(("b", eicar_file())),
    "glued-to-a-picture": b"\xff\xd8\xff\xd9" + zipped(("a", eicar_file()), zip64=True),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_eicar_in_an_archive_is_infected_by_clamd_itself(clamd: Clamd, name: str) -> None:
    assert gate_outcome(clamd, ARCHIVES[name]) is Outcome.INFECTED


def pdf_with_attachment(content: bytes) -> bytes:
    document = pikepdf.new()
    document.add_blank_page()
    document.attachments["a"] = content
    out = io.BytesIO()
    document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


WRAPPERS = {
    **ARCHIVES,
    "raw": eicar_file(),
    "xlsx": package(("xl/worksheets/sheet1.xml", b"<x>" + eicar_file() + b"</x>")),
    "pdf": pdf_with_attachment(eicar_file()),
    "zip-in-pdf": pdf_with_attachment(zipped(("a", eicar_file()), zip64=True)),
    "dicom-preamble": eicar_file().ljust(128, b"\0") + b"DICM" + bytes(100),
    "dicom-pdf": bytes(128) + b"DICM" + bytes(90) + pdf_with_attachment(eicar_file()),
    "rtf": b"{\\rtf1{\\object{\\*\\objdata " + eicar_file().hex().encode() + b"}}}",
    "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + eicar_file(),
    "late": bytes(9 * MIB) + eicar_file(),
    "late-member": zipped(("a", bytes(60 * MIB) + eicar_file())),
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_no_wrapper_carries_eicar_through_the_gate(clamd_server: ClamdServer, name: str) -> None:
    source = MemorySource(WRAPPERS[name])
    report = gate.look_through(
        engines(clamd_server.client()), InProcess(), source, kind=name.partition("-")[0]
    )
    wanted = Action.HOLD if name == "rtf" else Action.QUARANTINE
    assert report.decide().action is wanted


def test_a_member_clamd_is_too_small_for_is_never_clean(narrow: ClamdServer) -> None:
    content = zipped(("a", random.Random(1).randbytes(1_500_000) + eicar_file()))
    assert gate_outcome(narrow.client(), content) is Outcome.LIMIT
    source = MemorySource(content)
    both = gate.look_through(engines(narrow.client()), InProcess(), source, kind="zip")
    assert both.outcome is Outcome.INFECTED


def test_both_engines_name_the_same_member(clamd: Clamd) -> None:
    content = MemorySource(zipped(("a", b"x"), ("b", eicar_file()), zip64=True))
    report = gate.look_through(engines(clamd), InProcess(), content, kind="zip")
    told = {v.engine: v.member for v in report.verdicts if v.outcome is Outcome.INFECTED}
    assert told == {"builtin": 2, "clamd": 2}
    assert report.decide().action is Action.QUARANTINE


def test_every_file_of_clamav_testfiles_is_infected(clamd_server: ClamdServer) -> None:
    if not TESTFILES.is_dir():
        pytest.skip("install the package `clamav-testfiles` (Debian, Ubuntu)")
    clamd = clamd_server.client()
    missed = [
        path.name
        for path in sorted(TESTFILES.iterdir())
        if gate_outcome(clamd, path.read_bytes(), "") is not Outcome.INFECTED
    ]
    assert missed == []


# -- limits ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow() -> Iterator[ClamdServer]:
    """A clamd with the small limits a distribution ships."""
    with started(StreamMaxLength="2M", MaxFileSize="1M", MaxFiles="10", MaxScanSize="8M") as it:
        yield it


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("size", [2 * MIB + 1, 40 * MIB])
def test_more_than_clamd_takes_is_a_limit_not_a_silence(
    narrow: ClamdServer, tcp: bool, size: int
) -> None:
    verdict = narrow.client(tcp=tcp).scan(MemorySource(bytes(size)), kind="")[0]
    assert (verdict.outcome, verdict.signature) == (Outcome.LIMIT, "clamd.stream-size")


def test_a_limit_clamd_alerts_on_is_a_limit_not_a_virus(narrow: ClamdServer) -> None:
    content = zipped(*((str(n), b"x%d" % n) for n in range(30)), stored=True)
    verdict = narrow.client().scan(MemorySource(content), kind="zip")[0]
    assert verdict.outcome is Outcome.LIMIT
    assert verdict.signature.startswith("Heuristics.Limits.")


def test_a_zip_over_the_limit_is_clean_once_each_member_is(narrow: ClamdServer) -> None:
    content = zipped(*((str(n), b"x%d" % n) for n in range(30)), stored=True)
    assert gate_outcome(narrow.client(), content) is Outcome.CLEAN


def test_a_zip_over_the_limit_is_infected_where_one_member_is(narrow: ClamdServer) -> None:
    content = zipped(
        *((str(n), b"x%d" % n) for n in range(30)), ("last", eicar_file()), stored=True
    )
    assert gate_outcome(narrow.client(), content) is Outcome.INFECTED


# -- failure -----------------------------------------------------------------------------------


def test_no_clamd_at_all_is_unavailable(tmp_path: Path) -> None:
    clamd = Clamd(str(tmp_path / "nobody.sock"), clock=SystemClock())
    assert outcome(clamd, b"x") is Outcome.UNAVAILABLE
    assert not clamd.health().is_ready


@pytest.mark.parametrize("tcp", [False, True])
def test_a_clamd_that_dies_in_the_middle_is_unavailable(tcp: bool) -> None:
    with started() as server:
        clamd = server.client(patience_s=5, tcp=tcp)

        def chunks() -> Iterator[bytes]:
            yield bytes(MIB)
            server.kill()
            yield bytes(MIB)
            yield bytes(MIB)

        assert clamd.scan_chunks(chunks()).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("size", [10, 40 * MIB])
def test_a_clamd_that_hangs_is_unavailable_by_the_deadline(tcp: bool, size: int) -> None:
    with started() as server:
        clamd = server.client(patience_s=1, tcp=tcp)
        assert clamd.health().is_ready
        server.freeze()
        began = time.monotonic()
        assert outcome(clamd, bytes(size)) is Outcome.UNAVAILABLE
        assert time.monotonic() - began < 30
        server.thaw()
        assert outcome(clamd, eicar_file()) is Outcome.INFECTED


def test_the_gate_holds_a_file_while_clamd_is_silent(tmp_path: Path) -> None:
    nobody = Clamd(str(tmp_path / "nobody.sock"), clock=SystemClock())
    report = gate.look_through(engines(nobody), InProcess(), MemorySource(b"hello"), kind="txt")
    decision = report.decide()
    assert decision.action is Action.HOLD
    assert decision.is_waiting_for_engine


def test_many_scans_at_once_do_not_mix_their_answers(clamd_server: ClamdServer) -> None:
    clamd = clamd_server.client()
    told: dict[int, Outcome] = {}

    def scan(n: int) -> None:
        told[n] = outcome(clamd, eicar_file() if n % 2 else b"harmless %d" % n)

    threads = [threading.Thread(target=scan, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {n: Outcome.INFECTED if n % 2 else Outcome.CLEAN for n in range(12)}
