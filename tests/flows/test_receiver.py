"""Long bodies arrive in parts that end behind the sender's back; none is counted out of turn."""

from __future__ import annotations

import errno
import os

import pytest

from medstack.db import StorageFull
from medstack.flows import receive
from medstack.flows.house import House
from medstack.flows.receive import Receiver
from medstack.intake import State, Upload
from medstack.kit.actor import Actor
from medstack.kit.streams import chunks_of
from medstack.vault.fs import Fs

PART = 100_000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "PART_BYTES", PART)


def begun(house: House, actor: Actor, length: int) -> Upload:
    return receive.begin(house, actor, {"filename": "note.txt"}, length=length)


def stored(house: House, upload: Upload) -> bytes:
    assert upload.content_id is not None
    with house.db.read() as tx:
        source = house.vault.open(tx, upload.content_id)
    try:
        return b"".join(chunks_of(source))
    finally:
        source.close()


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 3 * PART, 5 * PART + 7])
def test_what_arrives_in_many_parts_is_whole_and_becomes_one_record(
    house: House, dentist: Actor, size: int
) -> None:
    data = os.urandom(size)
    upload = begun(house, dentist, size)
    with Receiver(house, dentist, upload.id, offset=0) as receiver:
        for start in range(0, size, PART // 4):
            receiver.write(data[start : start + PART // 4])
        kept = receiver.keep()
    assert kept.state is State.ACCEPTED
    assert kept.offset == size
    assert stored(house, kept) == data


def test_after_a_part_that_could_not_be_kept_no_later_one_counts(
    house: House, dentist: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begun(house, dentist, 4 * PART)
    syncs = [0]

    def fsync(self: Fs, fd: int) -> None:
        syncs[0] += 1
        if syncs[0] == 1:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Fs, "fsync", fsync)
    with (
        pytest.raises(StorageFull),
        Receiver(house, dentist, upload.id, offset=0) as receiver,
    ):
        for _ in range(4):
            receiver.write(bytes(PART))
        receiver.keep()
    assert receive.find(house, dentist, upload.id).offset == 0


def test_a_sender_that_leaves_keeps_the_parts_that_were_full(house: House, dentist: Actor) -> None:
    data = os.urandom(2 * PART + 10)
    upload = begun(house, dentist, 4 * PART)
    with Receiver(house, dentist, upload.id, offset=0) as receiver:
        for start in range(0, len(data), PART):
            receiver.write(data[start : start + PART])
    found = receive.find(house, dentist, upload.id)
    assert found.offset == 2 * PART
    assert stored(house, found) == data[: 2 * PART]
