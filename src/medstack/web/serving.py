"""Runs the web application on granian, in this process, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar.types import ASGIApp

MAX_BUFFER_BYTES = 1 << 20


def run(app: ASGIApp, *, host: str, port: int, tls_cert: str = "", tls_key: str = "") -> None:
    """Serve `app` until SIGTERM or SIGINT. tls_cert, tls_key: PEM files; empty for plain HTTP."""
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        log_enabled=False,
        websockets=False,
        http1_settings=HTTP1Settings(max_buffer_size=MAX_BUFFER_BYTES),
        ssl_cert=Path(tls_cert) if tls_cert else None,
        ssl_key=Path(tls_key) if tls_key else None,
    )
    asyncio.run(_until_told(server))


async def _until_told(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    with contextlib.suppress(asyncio.CancelledError):
        await server.serve()
