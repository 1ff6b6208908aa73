"""What crosses between the parent and a child, and what is not believed."""

from __future__ import annotations

import os
import signal
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.unit.worker import hostile_tasks as hostile

from medstack.formats.contract import Damaged
from medstack.kit.errors import Broken
from medstack.kit.sandbox import ParserDied
from medstack.kit.streams import MemorySource
from medstack.worker.sandbox import Limits, ProcessSandbox, SandboxUnavailable
from medstack.worker.sandbox.problems import problem_of
from medstack.worker.sandbox.wire import Kind, Malformed, Raised

NOTHING = MemorySource(b"")


class Unreadable(MemorySource):
    """Stored bytes that fail their integrity check."""

    def read_at(self, offset: int, length: int) -> bytes:
        raise Broken("segment 0")


def frame(kind: int, payload: bytes, length: int | None = None) -> str:
    return (struct.pack("<IB", len(payload) if length is None else length, kind) + payload).hex()


def test_a_task_reads_the_whole_source_and_returns_its_declared_value(sandbox):
    content = os.urandom(3_000_000)
    tally = sandbox.run(hostile.tally, MemorySource(content))
    assert tally == hostile.Tally(size=3_000_000, total=sum(content))


def test_a_stream_gives_its_values_in_order(sandbox):
    content = os.urandom(300_000)
    found = list(sandbox.stream(hostile.pieces, MemorySource(content), length=70_000))
    assert b"".join(found) == content
    assert [len(piece) for piece in found] == [70_000] * 4 + [20_000]


def test_a_stream_left_early_ends_its_child_and_waits_for_nothing(sandbox):
    numbers = sandbox.stream(hostile.endless, NOTHING)
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    numbers.close()
    assert sandbox.run(hostile.echo, NOTHING, text="next") == "next"


def test_a_slow_consumer_does_not_cost_the_child_its_time(hasty):
    numbers = hasty.stream(hostile.endless, NOTHING)
    next(numbers)
    threading.Event().wait(2.3)
    assert next(numbers) == 1
    numbers.close()


def test_a_task_may_run_between_two_items_of_a_stream():
    with ProcessSandbox(modules=(hostile.__name__,), preload=(), children=1) as narrow:
        numbers = narrow.stream(hostile.endless, NOTHING)
        for number in (0, 1):
            assert next(numbers) == number
            assert narrow.run(hostile.echo, NOTHING, text="inside") == "inside"
        numbers.close()


def test_a_problem_crosses_as_its_own_class_with_clean_words(sandbox):
    with pytest.raises(Damaged) as raised:
        sandbox.run(hostile.damaged, NOTHING)
    assert raised.value.detail == "Line 3 is not  [31mred."
    assert raised.value.facts == {"line": 3, "parts": ("a", "b")}


def test_a_child_cannot_say_that_our_storage_is_broken(sandbox):
    with pytest.raises(ParserDied):
        sandbox.run(hostile.broken, NOTHING)


def test_an_unexpected_error_says_nothing_of_the_content(sandbox):
    with pytest.raises(ParserDied) as died:
        sandbox.run(hostile.stumble, NOTHING)
    told = f"{died.value} {died.value.detail} {died.value.facts} {died.value.__cause__!r}"
    assert "Marlowe" not in told


def test_a_source_that_fails_raises_its_own_error(sandbox):
    with pytest.raises(Broken):
        sandbox.run(hostile.tally, Unreadable(b"x" * 10))


@pytest.mark.parametrize("task", [hostile.lie_about_type, hostile.ask_for_too_much])
def test_a_value_or_question_of_the_wrong_shape_is_a_crash(sandbox, task):
    with pytest.raises(ParserDied) as died:
        sandbox.run(task, NOTHING)
    assert died.value.facts == {"why": "crash"}


def test_a_stream_is_checked_item_by_item(sandbox):
    numbers = sandbox.stream(hostile.lie_in_a_stream, NOTHING)
    assert next(numbers) == 1
    with pytest.raises(ParserDied):
        next(numbers)


@pytest.mark.parametrize(
    "said",
    [
        frame(Kind.DONE, b"", length=0xFFFFFFFF),
        frame(99, b""),
        frame(Kind.TASK, b"\xc0"),
        frame(Kind.READY, b"\x80"),
        frame(Kind.READ, b"short"),
        frame(Kind.PROBLEM, b"\xc1"),
        frame(Kind.DONE, b"\xa3abc"),
        frame(Kind.DIED, b"\x81\xa3why\xa4anew"),
    ],
    ids=["huge", "unknown", "task", "ready twice", "short read", "bad problem", "text", "died"],
)
def test_no_frame_of_a_hostile_child_does_more_than_end_it(sandbox, said):
    with pytest.raises(ParserDied):
        sandbox.run(hostile.speak, NOTHING, frame=said)


def test_a_huge_value_is_refused_by_its_announced_length():
    with ProcessSandbox(
        modules=(hostile.__name__,), preload=(), limits=Limits(item_bytes=1 << 20)
    ) as small:
        assert len(small.run(hostile.echo, NOTHING, text="x" * 1000, times=1000)) == 1_000_000
        with pytest.raises(ParserDied):
            small.run(hostile.echo, NOTHING, text="x" * 1000, times=1100)


def test_a_stream_ends_at_its_total():
    limits = Limits(output_bytes=1 << 20)
    with ProcessSandbox(modules=(hostile.__name__,), preload=(), limits=limits) as small:
        content = MemorySource(bytes(2 << 20))
        with pytest.raises(ParserDied):
            list(small.stream(hostile.pieces, content, length=1 << 16))


def test_only_public_functions_of_listed_modules_are_tasks(sandbox):
    for task in (os.getcwd, frame, hostile._fork, lambda source: "", hostile.Tally):
        with pytest.raises(TypeError):
            sandbox.run(task, NOTHING)


def test_a_task_must_declare_what_it_returns(sandbox):
    with pytest.raises(TypeError):
        sandbox.run(hostile.undeclared, NOTHING)


def test_many_threads_use_it_at_once(sandbox):
    def ask(number: int) -> str:
        return sandbox.run(hostile.echo, NOTHING, text=str(number))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(60))) == [str(number) for number in range(60)]


def test_a_killed_zygote_is_replaced():
    with ProcessSandbox(modules=(hostile.__name__,), preload=()) as made:
        assert made.run(hostile.echo, NOTHING, text="first") == "first"
        process = made.nursery._zygote._process
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert made.run(hostile.echo, NOTHING, text="second") == "second"


def test_the_machines_trouble_is_not_the_files():
    with ProcessSandbox(modules=("medstack.no_such_module",), preload=()) as broken:
        with pytest.raises(SandboxUnavailable) as told:
            broken.layers()
        assert "no_such_module" in str(told.value.__cause__)


def test_closing_leaves_no_process_and_a_later_call_starts_anew():
    made = ProcessSandbox(modules=(hostile.__name__,), preload=())
    assert made.run(hostile.echo, NOTHING, text="a") == "a"
    process = made.nursery._zygote._process
    made.close()
    assert process.returncode is not None
    assert made.run(hostile.echo, NOTHING, text="b") == "b"
    made.close()


@given(
    some.builds(
        Raised,
        code=some.sampled_from(["damaged-file", "broken", "busy", "denied", "no-such", "problem"]),
        detail=some.text(),
        facts=some.dictionaries(some.text(), some.integers() | some.text()),
    )
)
def test_whatever_a_child_raises_is_about_its_file_or_refused(raised):
    try:
        problem = problem_of(raised)
    except Malformed:
        return
    assert raised.code == problem.code == "damaged-file"
    assert problem.detail.isprintable()
    assert len(problem.detail) <= 500


def test_a_task_module_that_starts_a_thread_is_refused():
    with ProcessSandbox(modules=("tests.unit.worker.threaded_tasks",), preload=()) as threaded:
        with pytest.raises(SandboxUnavailable) as told:
            threaded.layers()
        assert "started a thread" in str(told.value.__cause__)
