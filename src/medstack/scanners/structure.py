"""The built-in engine's whole look at a file: rules, container flaws, active content, tails.

Runs in the sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator

from medstack.kit.streams import Source, chunks_of
from medstack.kit.zipwalk import ArchiveBomb, BadArchive, Window
from medstack.scanners import ends, office, pdf, signatures
from medstack.scanners.contract import Outcome, Verdict, severity
from medstack.scanners.parts import Part, flaw_found, parts_of
from medstack.scanners.signatures import Found
from medstack.scanners.tasks import ENGINE

MAX_VERDICTS = 64


def verdicts_on(source: Source, kind: str) -> tuple[Verdict, ...]:
    """One verdict for each kind of thing found, worst first; one CLEAN where nothing is."""
    found: dict[tuple[Outcome, str], Found] = {}
    for one in _look_through(source, kind):
        found.setdefault((one.outcome, one.signature), one)
    version = signatures.version()
    verdicts = [
        Verdict(
            outcome=one.outcome,
            engine=ENGINE,
            version=version,
            signature=one.signature,
            member=one.member,
        )
        for one in found.values()
    ]
    if not verdicts:
        return (Verdict(outcome=Outcome.CLEAN, engine=ENGINE, version=version),)
    return tuple(sorted(verdicts, key=severity)[:MAX_VERDICTS])


def _look_through(source: Source, kind: str) -> Iterator[Found]:
    try:
        for part in parts_of(source, kind):
            for found in _of_part(part):
                yield Found(
                    outcome=found.outcome,
                    signature=found.signature,
                    member=part.index or None,
                )
    except ArchiveBomb:
        yield Found(outcome=Outcome.FORBIDDEN, signature="zip.bomb")


def _of_part(part: Part) -> Iterator[Found]:
    yield from part.findings
    try:
        yield from signatures.matches(part.chunks(), kind=part.kind)
    except BadArchive as problem:
        yield flaw_found(str(problem.facts["rule"]), part.depth - 1)  # its archive's flaw
        return
    yield from _behind_the_end(part)
    if part.archive is not None and office.is_office(part.archive):
        yield from office.findings(part.source, part.archive)
    if part.is_pdf:
        yield from pdf.findings(part.source)


def _behind_the_end(part: Part) -> Iterator[Found]:
    end = ends.logical_end(part.source, part.kind)
    if end < part.source.size:
        tail = Window(part.source, end, part.source.size)
        yield from signatures.matches(chunks_of(tail), kind=part.kind, part="tail")
