"""Blocks written behind the caller's back: in order, one at a time, no failure forgotten."""

from __future__ import annotations

import threading

import pytest

from medstack.vault.behind import WORTH_A_THREAD_BYTES, WriteBehind
from medstack.vault.fs import StorageFailed
from medstack.vault.stores.contract import Buffer

PATIENCE_S = 20
BLOCKS = [memoryview(bytes([n]) * WORTH_A_THREAD_BYTES) for n in range(4)]
SMALL = memoryview(b"the end")


class SlowDisk:
    """Keeps what it is given once `go` is set, or fails then."""

    def __init__(self, *, fails: bool = False) -> None:
        self.go = threading.Event()
        self.fails = fails
        self.kept = b""
        self.log: list[str] = []

    def write(self, data: Buffer) -> None:
        assert self.go.wait(PATIENCE_S)
        if self.fails:
            raise StorageFailed
        self.kept += data
        self.log.append("write")

    def finish(self) -> int:
        self.log.append("finish")
        return len(self.kept)

    def abort(self) -> None:
        self.log.append("abort")


def test_the_next_block_can_be_made_while_one_is_written() -> None:
    disk = SlowDisk()
    behind = WriteBehind(disk)
    behind.write(BLOCKS[0])
    assert disk.kept == b""  # and yet we are here
    disk.go.set()
    behind.finish()


def test_everything_is_written_in_order_before_the_end() -> None:
    disk = SlowDisk()
    disk.go.set()
    behind = WriteBehind(disk)
    for block in [*BLOCKS, SMALL]:
        behind.write(block)
    assert behind.finish() == len(disk.kept)
    assert disk.kept == b"".join([*BLOCKS, SMALL])
    assert disk.log[-1] == "finish"


@pytest.mark.parametrize("further", [BLOCKS[1], SMALL, None])
def test_what_failed_behind_is_raised_by_the_next_call(further: memoryview | None) -> None:
    disk = SlowDisk(fails=True)
    disk.go.set()
    behind = WriteBehind(disk)
    behind.write(BLOCKS[0])
    with pytest.raises(StorageFailed):
        behind.finish() if further is None else behind.write(further)
    assert "finish" not in disk.log
    behind.abort()


def test_an_object_is_abandoned_only_when_nothing_writes_to_it_any_more() -> None:
    disk = SlowDisk()
    behind = WriteBehind(disk)
    behind.write(BLOCKS[0])
    threading.Timer(0.05, disk.go.set).start()
    behind.abort()
    behind.abort()
    assert disk.log == ["write", "abort", "abort"]
