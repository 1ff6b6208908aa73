"""Every benchmark, one after another, with a short table at the end: `python -m benchmarks`.

Each is a command of its own as well, and says there what it compares with what.
"""

from __future__ import annotations

import subprocess
import sys
import time

ALL = ("vault", "upload", "audit", "listing")


def main() -> int:
    ended = [(name, *run(name)) for name in ALL]
    print()
    for name, status, seconds in ended:
        print(f"{name:10} {'ok' if status == 0 else 'SHORT':6} {seconds:5.0f} s")
    return 1 if any(status for _, status, _ in ended) else 0


def run(name: str) -> tuple[int, float]:
    """Run one benchmark in a process of its own; returns its status and how long it took."""
    print(f"\n── {name} " + "─" * 60, flush=True)
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
    return done.returncode, time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
