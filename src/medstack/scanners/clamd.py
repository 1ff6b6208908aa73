"""A client for clamd: INSTREAM over a unix socket or TCP, never a path it could read itself.

clamd keeps a streamed file in its TemporaryDirectory while it scans: that must be a tmpfs, and
a clamd on another machine must be reached through a tunnel, for its protocol is neither
encrypted nor authenticated.
Source: clamd(8), "COMMANDS".
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterable

from medstack.kit.clock import Clock
from medstack.kit.streams import Source, chunks_of
from medstack.scanners.contract import Health, Outcome, Verdict
from medstack.scanners.eicar import eicar_file

CONNECT_S = 5.0
PATIENCE_S = 60.0  # without a byte taken, or a reply to what was sent
SLOWEST_BYTES_S = 2 * 1024 * 1024  # a large file may take longer, at this rate
VERSION_AGE_S = 60.0
REPLY_CAP_BYTES = 4096

_FOUND = re.compile(r"stream: (?P<name>.+?)(\([0-9a-f]{32}:\d+\))? FOUND")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._:/()+@-]")
# Alerts that speak of clamd's reach or of document features, not of malware.
_OTHERWISE = (
    ("Heuristics.Limits.", Outcome.LIMIT),
    ("Heuristics.Encrypted.", Outcome.LIMIT),
    ("Heuristics.OLE2.ContainsMacros", Outcome.ACTIVE),
)


class _Silent(Exception):
    """clamd did not take, or did not answer, in time; or is not there."""


class _HungUp(Exception):
    """clamd closed the connection while we were sending."""


class Clamd:
    """Talks to one clamd. Holds no connection: every scan opens its own; safe across threads."""

    name = "clamd"

    def __init__(
        self,
        address: str,
        *,
        clock: Clock,
        connect_s: float = CONNECT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """address: path of a unix socket, or host:port ([::1]:3310 for IPv6)."""
        self._address = _parsed(address)
        self._clock = clock
        self._connect_s = connect_s
        self._patience_s = patience_s
        self._version = ("", float("-inf"))

    def scan(self, source: Source, *, kind: str) -> tuple[Verdict, ...]:
        return (self.scan_chunks(chunks_of(source)),)

    def scan_chunks(self, chunks: Iterable[bytes]) -> Verdict:
        """Stream to clamd and return its word; UNAVAILABLE once it is silent for too long.

        Errors of whoever produces `chunks` are raised here as they are.
        """
        try:
            version = self._known_version()
            with self._connect() as connection:
                reply = self._instream(connection, chunks)
        except _Silent:
            return Verdict(outcome=Outcome.UNAVAILABLE, engine=self.name, version="")
        outcome, signature = _understood(reply)
        return Verdict(outcome=outcome, engine=self.name, version=version, signature=signature)

    def health(self) -> Health:
        """PING, VERSION, and the EICAR test file must come back as infected."""
        try:
            pong = self._ask(b"zPING\0")
            self._version = ("", float("-inf"))
            version = self._known_version()
        except _Silent:
            return Health(engine=self.name, is_ready=False, detail="clamd does not answer")
        if pong != "PONG":
            return Health(engine=self.name, is_ready=False, detail="clamd answers nonsense")
        verdict = self.scan_chunks([eicar_file()])
        is_ready = verdict.outcome is Outcome.INFECTED
        detail = "" if is_ready else f"the EICAR test file came back as {verdict.outcome}"
        return Health(engine=self.name, is_ready=is_ready, version=version, detail=detail)

    def _known_version(self) -> str:
        """clamd's version, asked again every VERSION_AGE_S: databases are reloaded under us."""
        version, asked_at = self._version
        now = self._clock.monotonic()
        if now - asked_at > VERSION_AGE_S:
            version = _printable(self._ask(b"zVERSION\0"))
            self._version = (version, now)
        return version

    def _ask(self, command: bytes) -> str:
        with self._connect() as connection:
            try:
                _send(connection, command)
            except _HungUp as error:
                raise _Silent from error
            return self._reply(connection, self._patience_s)

    def _connect(self) -> socket.socket:
        try:
            if isinstance(self._address, tuple):
                connection = socket.create_connection(self._address, timeout=self._connect_s)
            else:
                connection = _connected(self._address, self._connect_s)
        except OSError as error:
            raise _Silent from error
        connection.settimeout(self._patience_s)
        return connection

    def _instream(self, connection: socket.socket, chunks: Iterable[bytes]) -> str:
        """Send everything, or stop where clamd has already answered; return its reply."""
        sent = 0
        try:
            _send(connection, b"zINSTREAM\0")
            for chunk in chunks:
                if select.select([connection], [], [], 0)[0]:
                    break  # it has seen enough: over its size limit
                if chunk:  # an empty one would end the stream
                    _send(connection, len(chunk).to_bytes(4, "big") + chunk)
                    sent += len(chunk)
            else:
                _send(connection, bytes(4))
        except _HungUp:
            pass  # its last words are still to be read
        return self._reply(connection, self._patience_s + sent / SLOWEST_BYTES_S)

    def _reply(self, connection: socket.socket, within_s: float) -> str:
        """One NUL-terminated reply. Raises _Silent if none comes whole."""
        deadline = self._clock.monotonic() + within_s
        reply = b""
        try:
            while b"\0" not in reply and len(reply) < REPLY_CAP_BYTES:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    raise _Silent
                connection.settimeout(left)
                piece = connection.recv(REPLY_CAP_BYTES)
                if not piece:
                    break
                reply += piece
        except OSError as error:
            raise _Silent from error
        if not reply:
            raise _Silent
        return reply.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _connected(path: str, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _send(connection: socket.socket, data: bytes) -> None:
    """Raises _HungUp where clamd closed on us, _Silent where it takes nothing in time."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise _HungUp from error
    except OSError as error:
        raise _Silent from error


def _parsed(address: str) -> str | tuple[str, int]:
    """A socket path, or host and port. Raises ValueError if it is neither."""
    if "/" in address:
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("clamd's address is a socket path or host:port")
    return host.strip("[]"), int(port)


def _understood(reply: str) -> tuple[Outcome, str]:
    """Verdict class and signature of an INSTREAM reply."""
    if reply == "stream: OK":
        return Outcome.CLEAN, ""
    found = _FOUND.fullmatch(reply)
    if found is not None:
        name = _printable(found["name"], 128)
        told = (outcome for prefix, outcome in _OTHERWISE if name.startswith(prefix))
        return next(told, Outcome.INFECTED), name
    if reply.endswith("size limit exceeded. ERROR"):
        return Outcome.LIMIT, "clamd.stream-size"
    return Outcome.ERROR, "clamd.reply"


def _printable(text: str, length: int = 80) -> str:
    """A name from outside, fit for logs and screens."""
    return _NOT_A_NAME.sub("_", text)[:length]
