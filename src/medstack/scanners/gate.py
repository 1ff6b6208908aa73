"""Every engine looks at every file, and at everything inside it; the worst word counts.

Archives are unpacked in the sandbox and each member is streamed to the outside engines as a
file of its own: what an engine's own unpacker would miss (zip64, large members, ZIPs glued
together) cannot hide. Nothing is unpacked to disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

from medstack.kit.errors import Broken, Busy, Problem
from medstack.kit.sandbox import Sandbox
from medstack.kit.streams import Source
from medstack.scanners import policy, tasks
from medstack.scanners.contract import MemberScanner, Outcome, Scanner, Verdict, severity
from medstack.scanners.policy import SHIPPED, Decision, Policy
from medstack.scanners.tasks import MemberPiece

_ZIP_START = b"PK\x03\x04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What all engines said about one file, worst first."""

    verdicts: tuple[Verdict, ...]

    @property
    def worst(self) -> Verdict:
        return self.verdicts[0]

    @property
    def outcome(self) -> Outcome:
        return self.worst.outcome

    def decide(self, rules: Policy = SHIPPED) -> Decision:
        return policy.decide(self.verdicts, rules)


def look_through(
    scanners: Sequence[Scanner], sandbox: Sandbox, source: Source, *, kind: str
) -> Report:
    """Run every engine over the file and everything in it. Never raises for what is in it,
    only what reading it raises.

    kind: what the sniffer called it, or "". Without any scanner the report says UNAVAILABLE.
    """
    verdicts: list[Verdict] = []
    for scanner in scanners:
        whole = scanner.scan(source, kind=kind)
        if isinstance(scanner, MemberScanner):
            whole = _with_members(scanner, sandbox, source, kind, whole)
        verdicts += whole
    if not verdicts:
        verdicts.append(Verdict(outcome=Outcome.UNAVAILABLE, engine="none", version=""))
    return Report(verdicts=tuple(sorted(verdicts, key=severity)))


def _with_members(
    scanner: MemberScanner,
    sandbox: Sandbox,
    source: Source,
    kind: str,
    whole: tuple[Verdict, ...],
) -> tuple[Verdict, ...]:
    """The engine's word on the whole, and on each member where it has something to say."""
    if any(not verdict.is_final for verdict in whole):
        return whole  # it does not answer: asking again for every member helps nobody
    try:
        inside, count = _of_members(scanner, sandbox, source, kind)
    except (Busy, Broken):  # our own storage: that says nothing about the file
        raise
    except Problem as problem:  # a bomb, or a parser stopped by its limits
        return (*whole, _unfinished(whole[0], problem))
    if count and not inside and source.read_at(0, 4) == _ZIP_START:
        whole = tuple(_vouched(verdict) for verdict in whole)
    return (*whole, *inside)


def _of_members(
    scanner: MemberScanner, sandbox: Sandbox, source: Source, kind: str
) -> tuple[list[Verdict], int]:
    """Verdicts that are not clean, each kind once; and how many members were looked at."""
    found: dict[tuple[Outcome, str], Verdict] = {}
    count = 0
    with _closing(sandbox.stream(tasks.members, source, kind=kind)) as pieces:
        for index, group in groupby(pieces, key=lambda piece: piece.index):
            verdict = replace(_of_member(scanner, group), member=index)
            count += 1
            if verdict.outcome is not Outcome.CLEAN:
                found.setdefault((verdict.outcome, verdict.signature), verdict)
            if not verdict.is_final:
                break
    return list(found.values()), count


@contextmanager
def _closing(pieces: Iterator[MemberPiece]) -> Iterator[Iterator[MemberPiece]]:
    """Stops the sandboxed task when we leave early."""
    try:
        yield pieces
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def _of_member(scanner: MemberScanner, pieces: Iterable[MemberPiece]) -> Verdict:
    def chunks() -> Iterator[bytes]:
        for piece in pieces:
            yield piece.data

    return scanner.scan_chunks(chunks())


def _unfinished(like: Verdict, problem: Problem) -> Verdict:
    return replace(like, outcome=Outcome.LIMIT, signature=problem.code, member=None)


def _vouched(whole: Verdict) -> Verdict:
    """A ZIP too large as a whole is clean where every member was scanned and clean.

    Sound because the members cover the file: the built-in engine forbids a ZIP with a byte
    outside its records. The name of the limit stays on the verdict.
    """
    return replace(whole, outcome=Outcome.CLEAN) if whole.outcome is Outcome.LIMIT else whole
