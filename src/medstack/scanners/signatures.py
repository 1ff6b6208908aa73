"""Our yara-x rules, run over a stream in overlapping blocks so that memory stays bounded.

A rule file in `rules/` names its sources; every rule carries `outcome` and `signature` as
metadata, so what a match means is said beside what matches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from medstack.scanners.contract import Outcome

BLOCK_BYTES = 4 * 1024 * 1024
OVERLAP_BYTES = 16 * 1024  # longer than anything a rule can match


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing seen in a file."""

    outcome: Outcome
    signature: str
    member: int | None = None


@cache
def _sources() -> dict[str, str]:
    """Rule files by name; read once a process, they do not change while it runs."""
    folder = files("medstack.scanners") / "rules"
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".yar")
    }


@cache
def version() -> str:
    """Names the rules exactly: the digest of their text."""
    digest = hashlib.sha256()
    for name, text in _sources().items():
        digest.update(f"{name}\0{text}\0".encode())
    return f"rules-{digest.hexdigest()[:12]}"


@cache
def _compiled() -> Any:  # yara_x has no types
    import yara_x

    compiler = yara_x.Compiler()
    compiler.define_global("offset", 0)
    compiler.define_global("kind", "")
    compiler.define_global("part", "")
    for text in _sources().values():
        compiler.add_source(text)
    return compiler.build()


def matches(chunks: Iterable[bytes], *, kind: str, part: str = "body") -> Iterator[Found]:
    """Every rule that matches anywhere in the stream, each once.

    kind: what the file was taken for, or "". part: "tail" for what stands behind a
    format's logical end, else "body".
    """
    import yara_x

    scanner = yara_x.Scanner(_compiled())
    scanner.set_global("kind", kind)
    scanner.set_global("part", part)
    seen: set[Found] = set()
    for offset, block in _blocks(chunks):
        scanner.set_global("offset", offset)
        for rule in scanner.scan(block).matching_rules:
            told = dict(rule.metadata)
            found = Found(outcome=Outcome(told["outcome"]), signature=told["signature"])
            if found not in seen:
                seen.add(found)
                yield found


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset, block): each block starts with the end of the one before."""
    offset, held = 0, bytearray()
    fresh = False
    for chunk in chunks:
        held += chunk
        fresh = True
        if len(held) >= BLOCK_BYTES:
            yield offset, bytes(held)
            offset += len(held) - OVERLAP_BYTES
            del held[: len(held) - OVERLAP_BYTES]
            fresh = False
    if fresh:
        yield offset, bytes(held)
