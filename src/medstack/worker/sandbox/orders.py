"""What the parent tells the zygote, and what it hears back."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ORDER_BYTES = 64 * 1024
STATUS = struct.Struct("<i")  # as os.waitstatus_to_exitcode tells it
READY, FAILED = b"R", b"F"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Fork a child. Descriptors attached: status, then socket; or status, input, output."""

    memory_bytes: int
    argv: tuple[str, ...] = ()  # a program to become; () is a Python child
    cpu_s: int = 0  # for a program; a Python child is told with its task
