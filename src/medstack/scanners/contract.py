"""What a malware engine promises.

An engine answers with a verdict and never with an exception: an engine that cannot say is
`unavailable` or `error`, and the flow holds the file. It sees plaintext and keeps none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from medstack.kit.streams import Source


class Outcome(StrEnum):
    CLEAN = "clean"  # this engine found nothing; never "virus free"
    INFECTED = "infected"  # a signature matched
    FORBIDDEN = "forbidden"  # content we never take: a program, a script, a bomb
    ACTIVE = "active"  # macros, external targets, embedded programs: a person decides
    LIMIT = "limit"  # too large or too deep for this engine to look through
    ERROR = "error"  # the engine answered nonsense
    UNAVAILABLE = "unavailable"  # the engine did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One engine's word on one file."""

    outcome: Outcome
    engine: str  # "clamd" or "builtin"
    version: str  # engine and database version, as it tells them
    signature: str = ""  # name of what matched: "Eicar-Test-Signature", "pdf.launch"
    member: int | None = None  # position inside an archive, never its name

    @property
    def is_final(self) -> bool:
        """An answer about the file, not about the engine."""
        return self.outcome not in (Outcome.ERROR, Outcome.UNAVAILABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    engine: str
    is_ready: bool
    version: str = ""
    detail: str = ""


class Scanner(Protocol):
    name: str

    def scan(self, source: Source, *, kind: str) -> tuple[Verdict, ...]:
        """Look through the whole of `source`. kind: what the sniffer called it, or "".

        Everything it has to say, worst first, one verdict for each thing found; a single
        CLEAN verdict where it found nothing.
        """
        ...

    def health(self) -> Health:
        """Ask the engine how it is and prove it on the EICAR test file."""
        ...


@runtime_checkable
class MemberScanner(Scanner, Protocol):
    """An engine we do not trust to open archives: it is handed every member as well."""

    def scan_chunks(self, chunks: Iterable[bytes]) -> Verdict:
        """Look through one stream of unknown length. Pulls no faster than the engine reads."""
        ...


# Worst first: how verdicts of several engines are put in order.
WORST_FIRST = (
    Outcome.INFECTED,
    Outcome.FORBIDDEN,
    Outcome.UNAVAILABLE,
    Outcome.ERROR,
    Outcome.ACTIVE,
    Outcome.LIMIT,
    Outcome.CLEAN,
)


def severity(verdict: Verdict) -> int:
    """Sorting key: 0 is worst."""
    return WORST_FIRST.index(verdict.outcome)
