"""What encryption costs: `python -m benchmarks.vault [FOLDER]`.

Each figure is set against the plain way to do the same thing on the same machine in the same
run, alternating, median of five. Only the ratios travel; the absolute figures are this
machine's. `limit` is the ratio that no code around it could beat: the bare system calls and
cipher calls the format asks for, with nothing remembered.

A range of 64 KiB always touches two segments, and both must be authenticated whole. Objects up
to the size of the memory of segments (vault.source.SEGMENTS) are read from there once they are
warm, and so beat the limit; the film is larger, shows the format itself, and has no target.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from medstack.db import Database
from medstack.db.schema import metadata
from medstack.kit.clock import SystemClock
from medstack.kit.ids import ContentId, TimeOrderedIds
from medstack.kit.streams import chunks_of
from medstack.vault import DiskStore, Keyring, SealedPart, Vault
from medstack.vault.keys import MemoryRoot
from medstack.vault.sealing import ROOM_BYTES, SEGMENT_BYTES
from medstack.vault.source import ContentSource

MIB = 1024 * 1024
RUNS = 5
RANGE_BYTES = 64 * 1024
RANGES = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison. Rates in MiB a second."""

    what: str
    ours: float
    plain: float
    target: float | None
    bare: float | None = None  # what the calls alone would do

    @property
    def is_met(self) -> bool:
        return self.target is None or self.ours / self.plain >= self.target

    def __str__(self) -> str:
        limit = "" if self.bare is None else f"{self.bare / self.plain:.2f}"
        target = "" if self.target is None else f"{self.target:.2f}"
        return (
            f"{self.what:56} {self.ours:8.0f} {self.plain:8.0f} {self.ours / self.plain:7.2f} "
            f"{limit:>7} {target:>7}  {'ok' if self.is_met else 'SHORT'}"
        )


class Stand:
    """A vault in a folder, and plain files beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clock = SystemClock()
        ids = TimeOrderedIds(clock)
        self.db = Database.open(f"sqlite:///{folder / 'bench.db'}", key=bytes(32))
        with self.db.begin() as tx:
            metadata.create_all(tx.connection)
        keyring = Keyring(MemoryRoot(), clock=clock, ids=ids)
        keyring.unlock(self.db)
        self.store = DiskStore(folder / "store")
        self.vault = Vault(self.store, keyring, clock=clock, ids=ids)

    def plain(self, size: int) -> Path:
        """A file of random bytes."""
        path = self.folder / f"plain-{size}"
        if not path.exists():
            with path.open("wb") as file:
                for _ in range(size // MIB):
                    file.write(os.urandom(MIB))
                file.flush()
                os.fsync(file.fileno())
        return path

    def seal(self, path: Path) -> tuple[ContentId, SealedPart]:
        """Read a file and seal it, durable on return; the content is still empty."""
        with self.db.begin() as tx:
            content_id = self.vault.create(tx, subject=1)
            key = self.vault.data_key(tx, content_id)
        buffer = bytearray(MIB)
        view = memoryview(buffer)
        with path.open("rb", buffering=0) as file, self.vault.part_writer(key) as writer:
            while count := file.readinto(buffer):
                writer.write(view[:count])
            return content_id, writer.finish()

    def stored(self, path: Path) -> ContentSource:
        """A file as a content, open."""
        content_id, part = self.seal(path)
        with self.db.begin() as tx:
            self.vault.append(tx, content_id, part, at=0)
            return self.vault.open(tx, content_id)

    def close(self) -> None:
        self.vault.close()
        self.db.close()


def main() -> int:
    where = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="medstack-bench-", dir=where) as folder:
        stand = Stand(Path(folder))
        print(f"{'(MiB/s)':56}     ours    plain   ratio   limit  target")
        rows = [
            decrypting(stand, 256 * MIB),
            ranges(stand, 16 * MIB, "a picture stack", target=0.3),
            ranges(stand, 64 * MIB, "a volume", target=0.3),
            ranges(stand, 256 * MIB, "a film", target=None),
            sealing(stand, 256 * MIB),
        ]
        for row in rows:
            print(row)
        stand.close()
    return 0 if all(row.is_met for row in rows) else 1


def decrypting(stand: Stand, size: int) -> Row:
    source = stand.stored(stand.plain(size))

    def ours() -> None:
        for _ in chunks_of(source):
            pass

    rates = []
    speeds = []
    ours()
    for _ in range(RUNS):
        begun = time.process_time()  # openssl counts seconds of the processor, so we do too
        ours()
        rates.append(size / MIB / (time.process_time() - begun))
        speeds.append(openssl_speed())
    source.close()
    return Row(
        what="read and decrypt a stored object : openssl speed",
        ours=median(rates),
        plain=median(speeds),
        target=0.3,
    )


def openssl_speed() -> float:
    """MiB a second of AES-256-GCM in blocks of 64 KiB, as the command line tool measures it."""
    command = ["openssl", "speed", "-seconds", "1", "-evp", "aes-256-gcm", "-bytes", "65536"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"^AES-256-GCM\s+([\d.]+)k", done.stdout, re.MULTILINE | re.IGNORECASE)
    if found is None:
        raise SystemExit("openssl speed said something new; teach this benchmark to read it")
    return float(found[1]) * 1000 / MIB


def ranges(stand: Stand, size: int, kind: str, *, target: float | None) -> Row:
    path = stand.plain(size)
    source = stand.stored(path)
    dice = random.Random(size)
    offsets = [dice.randrange(size - 2 * RANGE_BYTES) for _ in range(RANGES)]
    fd = os.open(path, os.O_RDONLY)

    def ours() -> None:
        for offset in offsets:
            source.read_at(offset, RANGE_BYTES)

    def plain() -> None:
        for offset in offsets:
            os.pread(fd, RANGE_BYTES, offset)

    def bare() -> None:
        for offset in offsets:
            os.pread(fd, 2 * SEGMENT_BYTES, offset)
            cipher.decrypt(nonce, segment, None)
            cipher.decrypt(nonce, segment, None)

    nonce, cipher = bytes(12), AESGCM(bytes(32))
    segment = cipher.encrypt(nonce, bytes(ROOM_BYTES), None)
    for work in (ours, plain, bare):
        work()
    mine, theirs = alternating(ours, plain)
    least = median(seconds(bare) for _ in range(RUNS))
    os.close(fd)
    source.close()
    volume = RANGES * RANGE_BYTES / MIB
    return Row(
        what=f"random 64 KiB ranges, {kind} of {size // MIB} MiB : pread",
        ours=volume / mine,
        plain=volume / theirs,
        bare=volume / least,
        target=target,
    )


def sealing(stand: Stand, size: int) -> Row:
    path = stand.plain(size)
    copy = stand.folder / "copy"

    def ours() -> None:
        _, part = stand.seal(path)
        stand.store.delete(part.object_name)

    def plain() -> None:
        with path.open("rb") as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, MIB)
            target.flush()
            os.fsync(target.fileno())
        copy.unlink()

    mine, theirs = alternating(ours, plain)
    return Row(
        what="seal a file, synced : copy it, synced",
        ours=size / MIB / mine,
        plain=size / MIB / theirs,
        target=0.5,
    )


def alternating(ours: Callable[[], None], plain: Callable[[], None]) -> tuple[float, float]:
    pairs = [(seconds(ours), seconds(plain)) for _ in range(RUNS)]
    return median(mine for mine, _ in pairs), median(theirs for _, theirs in pairs)


def seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
