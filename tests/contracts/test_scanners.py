"""The promises of scanners/contract.py, kept by every engine that needs no outside server.

clamd keeps the same ones in tests/outside/test_clamd.py.
"""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medstack.kit.sandbox import InProcess
from medstack.kit.streams import CHUNK_BYTES, MemorySource
from medstack.scanners import BuiltIn
from medstack.scanners.contract import Outcome, Scanner, Verdict, severity
from medstack.scanners.eicar import eicar_file
from medstack.scanners.memory import MemoryScanner
from medstack.scanners.signatures import BLOCK_BYTES, OVERLAP_BYTES

ENGINES: list[Scanner] = [BuiltIn(InProcess()), MemoryScanner()]
every_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)


@every_engine
def test_the_eicar_file_is_infected(engine: Scanner) -> None:
    verdict = engine.scan(MemorySource(eicar_file()), kind="txt")[0]
    assert (verdict.outcome, verdict.engine) == (Outcome.INFECTED, engine.name)
    assert verdict.signature
    assert verdict.version


@every_engine
def test_plain_text_gets_one_clean_verdict(engine: Scanner) -> None:
    verdicts = engine.scan(MemorySource(b"Toothache, upper left.\n" * 1000), kind="txt")
    assert [v.outcome for v in verdicts] == [Outcome.CLEAN]


@every_engine
def test_an_empty_file_is_clean(engine: Scanner) -> None:
    assert engine.scan(MemorySource(b""), kind="")[0].outcome is Outcome.CLEAN


@every_engine
@pytest.mark.parametrize(
    "border", [CHUNK_BYTES, BLOCK_BYTES, BLOCK_BYTES - OVERLAP_BYTES, 2 * BLOCK_BYTES]
)
@pytest.mark.parametrize("shift", [-68, -67, -34, -1, 0])
def test_a_signature_across_a_border_is_found(engine: Scanner, border: int, shift: int) -> None:
    content = bytes(border + shift) + eicar_file() + bytes(1000)
    assert engine.scan(MemorySource(content), kind="")[0].outcome is Outcome.INFECTED


@every_engine
def test_an_engine_that_is_well_says_so(engine: Scanner) -> None:
    health = engine.health()
    assert health.is_ready
    assert health.engine == engine.name
    assert health.version


@every_engine
@settings(max_examples=60, deadline=None)
@given(head=st.sampled_from([b"", b"PK\3\4", b"%PDF-1.7\n", b"\xff\xd8\xff"]), rest=st.binary())
def test_no_bytes_make_an_engine_raise(engine: Scanner, head: bytes, rest: bytes) -> None:
    verdicts = engine.scan(MemorySource(head + rest), kind="")
    assert verdicts
    assert list(verdicts) == sorted(verdicts, key=severity)


def test_a_verdict_survives_the_wire() -> None:
    verdict = Verdict(outcome=Outcome.ACTIVE, engine="x", version="1", signature="a.b", member=3)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(verdict), type=Verdict) == verdict


def test_the_double_answers_what_it_was_set_to_and_recovers() -> None:
    engine = MemoryScanner()
    engine.becomes(Outcome.UNAVAILABLE)
    assert engine.scan(MemorySource(eicar_file()), kind="")[0].outcome is Outcome.UNAVAILABLE
    assert not engine.health().is_ready
    engine.becomes(None)
    assert engine.scan(MemorySource(eicar_file()), kind="")[0].outcome is Outcome.INFECTED
