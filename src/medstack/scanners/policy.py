"""What is done about a verdict, as data: signature → action, the clinic's own table over ours.

An exact signature is asked first, then its families (`pdf.*`), then the outcome itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from medstack.scanners.contract import Outcome, Verdict


class Action(StrEnum):
    """Gravest first."""

    QUARANTINE = "quarantine"  # kept, sealed, for whoever investigates
    REJECT = "reject"  # never taken; its key is destroyed
    HOLD = "hold"  # waits for a person, or for an engine to answer
    DISARM = "disarm"  # kept as it came, served only in a disarmed rendition
    PASS = "pass"  # noqa: S105  # noted on the record


GRAVEST_FIRST = tuple(Action)

BY_OUTCOME: Mapping[Outcome, Action] = {
    Outcome.INFECTED: Action.QUARANTINE,
    Outcome.FORBIDDEN: Action.REJECT,
    Outcome.UNAVAILABLE: Action.HOLD,
    Outcome.ERROR: Action.HOLD,
    Outcome.ACTIVE: Action.HOLD,
    Outcome.LIMIT: Action.HOLD,
    Outcome.CLEAN: Action.PASS,
}

BY_SIGNATURE: Mapping[str, Action] = {
    "executable.embedded": Action.HOLD,  # a person looks: an installer in a slide deck is not rare
    "pdf.javascript": Action.PASS,  # form arithmetic; our viewers run none of it
    "pdf.xfa": Action.PASS,
    "pdf.submit-form": Action.PASS,
    "pdf.embedded-file": Action.PASS,  # what is attached has been looked through itself
    "pdf.remote-goto": Action.PASS,
    "pdf.unreadable": Action.PASS,  # validation refuses it, and says better why
    "pdf.encrypted": Action.HOLD,  # a referring clinic's protected PDF is normal
    "office.embedded-package": Action.PASS,  # the workbook behind a chart; looked through itself
    "office.local-template": Action.PASS,
    "zip.damaged": Action.PASS,  # likewise
    "zip.gap": Action.HOLD,
    "zip.extra": Action.HOLD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A clinic's own rules lie over the shipped ones. Keys: "pdf.launch", "pdf.*", "active"."""

    own: Mapping[str, Action]

    def action_for(self, verdict: Verdict) -> Action:
        for key in _keys(verdict):
            if key in self.own:
                return self.own[key]
        # an infected file is quarantined whatever its signature is called
        if verdict.outcome not in (Outcome.INFECTED, Outcome.CLEAN):
            for key in _keys(verdict):
                if key in BY_SIGNATURE:
                    return BY_SIGNATURE[key]
        return BY_OUTCOME[verdict.outcome]


SHIPPED = Policy(own={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with the file, and the verdicts that led there."""

    action: Action
    because: tuple[Verdict, ...]  # those asking for this action; () for a clean file
    notes: tuple[Verdict, ...]  # other things found, for the record

    @property
    def is_waiting_for_engine(self) -> bool:
        """Held only until an engine answers: to be tried again without a person."""
        waiting = bool(self.because) and all(not v.is_final for v in self.because)
        return self.action is Action.HOLD and waiting


def decide(verdicts: tuple[Verdict, ...], policy: Policy = SHIPPED) -> Decision:
    """The gravest action any verdict asks for. No verdict at all is a hold: nobody looked."""
    if not verdicts:
        return Decision(action=Action.HOLD, because=(), notes=())
    asked = [(policy.action_for(verdict), verdict) for verdict in verdicts]
    gravest = min((action for action, _ in asked), key=GRAVEST_FIRST.index)
    found = [(action, v) for action, v in asked if v.outcome is not Outcome.CLEAN]
    return Decision(
        action=gravest,
        because=tuple(v for action, v in found if action is gravest),
        notes=tuple(v for action, v in found if action is not gravest),
    )


def _keys(verdict: Verdict) -> list[str]:
    """From the most to the least exact: "pdf.launch", "pdf.*", "active"."""
    parts = verdict.signature.split(".")
    families = [".".join([*parts[:n], "*"]) for n in range(len(parts) - 1, 0, -1)]
    return [verdict.signature, *families, str(verdict.outcome)]
