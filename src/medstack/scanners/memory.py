"""A scanner small enough to be read at a glance: it knows the EICAR test file and nothing else.

For tests and demonstrations. Its health can be set, and then it behaves accordingly.
"""

from __future__ import annotations

from collections.abc import Iterable

from medstack.kit.streams import Source, chunks_of
from medstack.scanners.contract import Health, Outcome, Verdict
from medstack.scanners.eicar import eicar_file


class MemoryScanner:
    """Truly looks at every byte, in bounded memory. `becomes` sets what it answers instead."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self._instead: Outcome | None = None

    def becomes(self, outcome: Outcome | None) -> None:
        """From now on answer this about every file (UNAVAILABLE, ERROR, LIMIT); None: be well."""
        self._instead = outcome

    def scan(self, source: Source, *, kind: str) -> tuple[Verdict, ...]:
        return (self.scan_chunks(chunks_of(source)),)

    def scan_chunks(self, chunks: Iterable[bytes]) -> Verdict:
        if self._instead is not None:
            return self._verdict(self._instead)
        wanted = eicar_file()
        held = b""
        for chunk in chunks:
            held += chunk
            if wanted in held:
                return self._verdict(Outcome.INFECTED, "Eicar-Test-Signature")
            held = held[-len(wanted) :]
        return self._verdict(Outcome.CLEAN)

    def health(self) -> Health:
        return Health(
            engine=self.name,
            is_ready=self._instead is None,
            version="1",
            detail="" if self._instead is None else f"set to answer {self._instead}",
        )

    def _verdict(self, outcome: Outcome, signature: str = "") -> Verdict:
        return Verdict(outcome=outcome, engine=self.name, version="1", signature=signature)
