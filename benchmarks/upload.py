"""What encryption costs over HTTP: `python -m benchmarks.upload [FOLDER]`.

An upload (tus, encrypted, synced, in the database before it is answered) beside the same
server taking the same body and dropping it; a download and 64 KiB ranges beside the same server
sending a plain file. In turns, in one run, medians of five; `cpu` is the same ratio in
processor seconds of the server, which a busy machine disturbs less.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.server import PLAIN_FILE, Server, serving_at, worker_at
from tests.outside.instance import settle

MIB = 1 << 20
RUNS = 5
BODY = 512 * MIB
STORED = 256 * MIB
RANGE_BYTES = 64 * 1024
RANGES = 300
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison. Rates in MiB a second, then of processor seconds."""

    what: str
    ours: float
    plain: float
    ours_cpu: float
    plain_cpu: float
    target: float | None = None

    @property
    def is_met(self) -> bool:
        return self.target is None or self.ours / self.plain >= self.target

    def __str__(self) -> str:
        target = "" if self.target is None else f"{self.target:.2f}"
        return (
            f"{self.what:56} {self.ours:8.0f} {self.plain:8.0f} {self.ours / self.plain:7.2f} "
            f"{self.plain_cpu / self.ours_cpu:7.2f} {target:>7}  {'ok' if self.is_met else 'SHORT'}"
        )


class Line:
    """One kept-alive connection; sends a body without making it, reads an answer whole."""

    def __init__(self, server: Server) -> None:
        self._port = server.instance.port
        self._token = server.token
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._block = os.urandom(MIB)

    def ask(self, method: str, path: str, *, size: int = 0, **headers: str) -> bytes:
        """Send `size` bytes of body; returns the head of the answer."""
        said = {"Host": f"127.0.0.1:{self._port}", "Authorization": f"Bearer {self._token}"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        said["Content-Length"] = str(size)
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in said.items())]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        for _ in range(size // MIB):
            self._socket.sendall(self._block)
        return self._answer()

    def close(self) -> None:
        self._socket.close()

    def _answer(self) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more(65536)
        head, _, begun = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 20"):
            raise SystemExit(f"refused: {got.decode(errors='replace')}")
        left = int(_header(head, b"content-length") or 0) - len(begun)
        while left > 0:
            left -= len(self._more(min(left, MIB)))
        return head

    def _more(self, most: int) -> bytes:
        got = self._socket.recv(most)
        if not got:
            raise SystemExit("the server hung up")
        return got


def main() -> int:
    where = sys.argv[1] if len(sys.argv) > 1 else None
    with (
        tempfile.TemporaryDirectory(prefix="medstack-bench-", dir=where) as folder,
        serving_at(Path(folder)) as server,
    ):
        print(f"{'(MiB/s)':56}     ours    plain   ratio     cpu  target", flush=True)
        rows = []
        for measure in (uploading, downloading):
            for row in measure(server):
                print(row, flush=True)
                rows.append(row)
    return 0 if all(row.is_met for row in rows) else 1


def uploading(server: Server) -> list[Row]:
    line = Line(server)

    def ours() -> None:
        place = created(line, BODY)
        line.ask("PATCH", place, size=BODY, Upload_Offset="0", **TUS)

    def plain() -> None:
        line.ask("POST", "/bench/discard", size=BODY)

    what = f"upload {BODY // MIB} MiB, encrypted and synced : discard"
    row = compared(server, what, BODY, ours, plain, target=0.5)
    line.close()
    return [row]


def downloading(server: Server) -> list[Row]:
    record = stored_sound(server, STORED)
    line = Line(server)
    dice = random.Random(STORED)
    starts = [dice.randrange(STORED - RANGE_BYTES) for _ in range(RANGES)]

    def whole() -> None:
        line.ask("GET", f"/api/files/{record}")

    def plain_whole() -> None:
        line.ask("GET", f"/bench/plain/0/{STORED}")

    def ranges() -> None:
        for start in starts:
            span = f"bytes={start}-{start + RANGE_BYTES - 1}"
            line.ask("GET", f"/api/files/{record}", Range=span)

    def plain_ranges() -> None:
        for start in starts:
            line.ask("GET", f"/bench/plain/{start}/{start + RANGE_BYTES}")

    rows = [
        compared(server, "download, decrypted : a plain file", STORED, whole, plain_whole),
        compared(
            server,
            "64 KiB ranges, each one audited : of a plain file",
            RANGES * RANGE_BYTES,
            ranges,
            plain_ranges,
        ),
    ]
    line.close()
    return rows


def compared(
    server: Server,
    what: str,
    size: int,
    ours: Callable[[], None],
    plain: Callable[[], None],
    *,
    target: float | None = None,
) -> Row:
    """Both in turns, after one of each to warm up."""
    spent = [(spent_on(server, ours), spent_on(server, plain)) for _ in range(RUNS + 1)][1:]
    return Row(
        what=what,
        ours=size / MIB / median(mine[0] for mine, _ in spent),
        plain=size / MIB / median(other[0] for _, other in spent),
        ours_cpu=median(mine[1] for mine, _ in spent),
        plain_cpu=median(other[1] for _, other in spent),
        target=target,
    )


def spent_on(server: Server, work: Callable[[], None]) -> tuple[float, float]:
    """Seconds that passed, and seconds of the processor the server took."""
    begun, cpu = time.perf_counter(), server.cpu_s()
    work()
    return time.perf_counter() - begun, server.cpu_s() - cpu


def created(line: Line, size: int) -> str:
    """A new upload's path."""
    name = "filename c291bmQud2F2"  # sound.wav
    head = line.ask("POST", "/api/uploads", Upload_Length=str(size), Upload_Metadata=name, **TUS)
    place = _header(head, b"location") or ""
    return "/" + place.split("/", 3)[3]


def stored_sound(server: Server, size: int) -> str:
    """A record of `size` bytes, and a plain file of as many beside it; returns the record's id."""
    data = size - 44
    head = b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 2, 48000, 48000 * 4, 4, 16)
    sound = head + b"data" + struct.pack("<I", data) + os.urandom(MIB) * (size // MIB)
    sound = sound[:size]
    (server.instance.folder / PLAIN_FILE).write_bytes(sound)
    with server.instance.client(server.token, timeout=300) as client, worker_at(server.instance):
        name = {"Upload-Metadata": "filename c291bmQud2F2", "Upload-Length": str(size)}
        answer = client.post("/api/uploads", content=sound, headers=TUS | name)
        answer.raise_for_status()
        record = answer.headers["Medstack-Record"]
        status = settle(client, record, timeout_s=300)["status"]
        if status != "available":
            raise SystemExit(f"the sound is {status}")
        return str(record)


def _header(head: bytes, name: bytes) -> str | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip().decode()
    return None


if __name__ == "__main__":
    sys.exit(main())
