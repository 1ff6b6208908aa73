"""Regenerates the golden files: `python -m tests.golden [kind …]`, then review the diff.

Each kind has a folder with `make.py`, whose `files()` returns name → bytes, and a README.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(kinds: list[str]) -> None:
    for script in sorted(HERE.glob("*/make.py")):
        folder = script.parent
        if kinds and folder.name not in kinds:
            continue
        made = importlib.import_module(f"tests.golden.{folder.name}.make").files()
        for name, content in made.items():
            (folder / name).write_bytes(content)
            print(f"{folder.name}/{name} {len(content)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
