"""A server to measure: the real web door on granian, with two plain routes beside it.

The plain routes do what the real ones do without a vault: take a body and drop it, send a file
as it lies on the disk. They exist in benchmarks only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from litestar import Response, get, post
from litestar.response import Stream
from tests.outside.instance import Instance

from medstack.flows.notices import Notices
from medstack.kit import bridge
from medstack.kit.streams import CHUNK_BYTES, FileSource, chunks_of
from medstack.settings import Settings
from medstack.web import app, serving
from medstack.web.identity import Asked

PLAIN_FILE = "plain"  # in the instance's folder
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The running web door and who may knock."""

    instance: Instance
    pid: int
    token: str

    def cpu_s(self) -> float:
        """Seconds of the processor the web door has used so far, all threads."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / _TICKS_PER_S


@contextmanager
def serving_at(folder: Path) -> Iterator[Server]:
    """An administrator's server over a fresh vault, its limits raised out of the way."""
    instance = Instance(folder=folder)
    token = instance.account("admin")
    command = [sys.executable, "-m", "benchmarks.server", str(instance.port)]
    with (
        instance.log.open("ab") as log,
        subprocess.Popen(command, env=instance.environment, stdout=log, stderr=log) as process,
    ):
        try:
            instance.process = process
            instance.wait_until_ready()
            with instance.client(token) as client:
                limits = {"limits.default": 8 << 30, "limits.patient-quota": 64 << 30}
                answer = client.put("/api/policies", json={"policies": limits})
                answer.raise_for_status()
            yield Server(instance=instance, pid=process.pid, token=token)
        finally:
            process.terminate()


@contextmanager
def worker_at(instance: Instance) -> Iterator[None]:
    """A worker for as long as the block lasts."""
    command = [sys.executable, "-m", "medstack", "serve", "--only", "worker"]
    with (
        instance.log.open("ab") as log,
        subprocess.Popen(command, env=instance.environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


@post("/bench/discard")
async def discard(request: Asked) -> Response[None]:
    """Take the body as the server hands it over, and drop it."""
    more = True
    while more:
        message = await request.receive()
        more = message.get("more_body", False)
    return Response(None, status_code=204)


@get("/bench/plain/{start:int}/{end:int}")
async def plain(start: int, end: int) -> Stream:
    """Bytes of a plain file, sent the way the real route sends its own."""
    return Stream(
        _plain_bytes(start, end),
        headers={"Content-Length": str(end - start)},
        media_type="audio/wav",
    )


async def _plain_bytes(start: int, end: int) -> AsyncIterator[bytes]:
    source = FileSource(Path(os.environ["MEDSTACK_DATA"]).parent / PLAIN_FILE)
    try:
        async for piece in bridge.stream(
            chunks_of(source, start, end, chunk_bytes=2 * CHUNK_BYTES)
        ):
            yield piece
    finally:
        source.close()


def main() -> None:
    from medstack import wiring

    settings = Settings.load({"port": int(sys.argv[1])})
    with wiring.opened(settings, migrate=True) as house:
        built = app.build(house, feed=Notices(house), more_handlers=[discard, plain])
        serving.run(built, host=settings.host, port=settings.port)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
