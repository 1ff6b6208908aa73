"""Install the servers and tools the tests knock on, where we may; name loudly what is missing.

Debian's packages only. With CI=true a component that stays missing ends the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from glob import glob

COMPONENTS = {
    "clamd": ("clamav-daemon", lambda: shutil.which("clamd") or glob("/usr/sbin/clamd")),
    "PostgreSQL": ("postgresql", lambda: glob("/usr/lib/postgresql/*/bin/initdb")),
    "ffmpeg": ("ffmpeg", lambda: shutil.which("ffmpeg")),
    "strace": ("strace", lambda: shutil.which("strace")),
    "Chromium": ("chromium", lambda: shutil.which("chromium")),
}


def missing() -> dict[str, str]:
    return {name: package for name, (package, found) in COMPONENTS.items() if not found()}


def install(packages: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL, check=False
        )


def main() -> None:
    absent = missing()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing", ", ".join(sorted(absent)), flush=True)
        install(sorted(absent.values()))
        absent = missing()
    for name, package in sorted(absent.items()):
        print(f"MISSING: {name} (Debian package {package}); its tests cannot run", file=sys.stderr)
    if absent and os.environ.get("CI") == "true":
        sys.exit(1)


if __name__ == "__main__":
    main()
