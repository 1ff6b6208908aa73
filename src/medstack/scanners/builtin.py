"""The engine that always runs: our own look at structure and content, inside the sandbox."""

from __future__ import annotations

from medstack.kit.errors import Broken, Busy, Problem
from medstack.kit.sandbox import ParserDied, Sandbox
from medstack.kit.streams import MemorySource, Source
from medstack.scanners import eicar, signatures, tasks
from medstack.scanners.contract import Health, Outcome, Verdict


class BuiltIn:
    """Knows EICAR, programs, scripts, polyglots and active documents; no virus by name."""

    name = tasks.ENGINE

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def scan(self, source: Source, *, kind: str) -> tuple[Verdict, ...]:
        try:
            return self._sandbox.run(tasks.structure, source, kind=kind)
        except ParserDied as problem:
            why = str(problem.facts.get("why", "crash"))
            return (self._verdict(Outcome.LIMIT, f"parser-died.{why}"),)
        except (Busy, Broken):  # our own storage: that says nothing about the file
            raise
        except Problem as problem:
            return (self._verdict(Outcome.ERROR, problem.code),)

    def health(self) -> Health:
        """Ready only if the EICAR test file is found, in a walk through the sandbox."""
        first = self.scan(MemorySource(eicar.eicar_file()), kind="txt")[0]
        is_ready = first.outcome is Outcome.INFECTED
        return Health(
            engine=self.name,
            is_ready=is_ready,
            version=first.version,
            detail="" if is_ready else f"the EICAR test file came back as {first.outcome}",
        )

    def _verdict(self, outcome: Outcome, signature: str) -> Verdict:
        return Verdict(
            outcome=outcome, engine=self.name, version=signatures.version(), signature=signature
        )
