"""How the client takes a peer that does not behave like clamd."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medstack.kit.clock import SystemClock
from medstack.kit.streams import MemorySource
from medstack.scanners.clamd import Clamd
from medstack.scanners.contract import Outcome, Verdict

Behaviour = Callable[[socket.socket], None]


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Callable[[Behaviour], Clamd]]:
    """Starts a server that answers VERSION and then behaves as told; gives a client for it."""
    server = socket.socket(socket.AF_UNIX)
    path = str(tmp_path / "s")
    server.bind(path)
    server.listen()
    threads: list[threading.Thread] = []

    def serve(behave: Behaviour) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                if connection.recv(10, socket.MSG_PEEK) == b"zVERSION\0":
                    connection.sendall(b"ClamAV 9.9\0")
                    continue
                with contextlib.suppress(OSError):  # the client has heard enough and left
                    behave(connection)

    def start(behave: Behaviour) -> Clamd:
        thread = threading.Thread(target=serve, args=(behave,))
        thread.start()
        threads.append(thread)
        return Clamd(path, clock=SystemClock(), patience_s=1)

    yield start
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    for thread in threads:
        thread.join()


def scan(clamd: Clamd, content: bytes = b"x") -> Verdict:
    return clamd.scan(MemorySource(content), kind="")[0]


def answering(reply: bytes) -> Behaviour:
    """Takes everything, then says `reply`."""

    def behave(connection: socket.socket) -> None:
        received = b""
        while not received.endswith(bytes(4)):
            received += connection.recv(65536)
        connection.sendall(reply)

    return behave


@pytest.mark.parametrize(
    ("reply", "outcome", "signature"),
    [
        (b"stream: OK\0", Outcome.CLEAN, ""),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Outcome.INFECTED, "Win.Test.EICAR_HDB-1"),
        (
            b"stream: A-1(0123456789abcdef0123456789abcdef:68) FOUND\0",
            Outcome.INFECTED,
            "A-1",
        ),
        (b"stream: Evil <b>name FOUND\0", Outcome.INFECTED, "Evil__b_name"),
        (
            b"stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\0",
            Outcome.LIMIT,
            "Heuristics.Limits.Exceeded.MaxFiles",
        ),
        (b"stream: Heuristics.Encrypted.Zip FOUND\0", Outcome.LIMIT, "Heuristics.Encrypted.Zip"),
        (b"INSTREAM size limit exceeded. ERROR\0", Outcome.LIMIT, "clamd.stream-size"),
        (b"stream: Can't allocate memory ERROR\0", Outcome.ERROR, "clamd.reply"),
        (b"UNKNOWN COMMAND\0", Outcome.ERROR, "clamd.reply"),
        (b"HTTP/1.1 200 OK\r\n\r\nstream: OK\0", Outcome.ERROR, "clamd.reply"),
        (b"\xff\xfe\x00", Outcome.ERROR, "clamd.reply"),
        (b"y" * 100_000, Outcome.ERROR, "clamd.reply"),
    ],
)
def test_a_reply_is_understood_or_called_an_error(peer, reply, outcome, signature):
    verdict = scan(peer(answering(reply)))
    assert (verdict.outcome, verdict.signature) == (outcome, signature)
    assert verdict.version == "ClamAV_9.9"


def test_a_peer_that_hangs_up_without_a_word_is_unavailable(peer):
    assert scan(peer(answering(b""))).outcome is Outcome.UNAVAILABLE


def test_a_reply_is_read_though_the_peer_stopped_taking_bytes(peer):
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")

    assert scan(peer(refuse), bytes(20_000_000)).outcome is Outcome.LIMIT


def test_a_peer_that_never_answers_is_unavailable_by_the_deadline(peer):
    def wait(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    began = time.monotonic()
    assert scan(peer(wait)).outcome is Outcome.UNAVAILABLE
    assert time.monotonic() - began < 5


def test_a_peer_that_drips_its_answer_is_unavailable_by_the_deadline(peer):
    def drip(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"s")
                time.sleep(0.2)
        except OSError:
            return

    assert scan(peer(drip)).outcome is Outcome.UNAVAILABLE


def test_an_error_of_the_file_is_not_taken_for_one_of_clamd(peer):
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise BrokenPipeError("the sandbox is gone")

    def swallow(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with pytest.raises(BrokenPipeError, match="sandbox"):
        peer(swallow).scan_chunks(broken())


@pytest.mark.parametrize("address", ["", "3310", "localhost", "localhost:clam"])
def test_an_address_that_is_none_is_refused_at_once(address):
    with pytest.raises(ValueError, match="address"):
        Clamd(address, clock=SystemClock())
