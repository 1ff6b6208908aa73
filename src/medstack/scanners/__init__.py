"""Malware engines, and the gate that makes each of them look through everything.

Knows files and engines, no record and no patient. Engines are listed by wiring: the built-in
one always, clamd where it is configured.
"""

from __future__ import annotations

from medstack.kit.clock import Clock
from medstack.kit.sandbox import Sandbox
from medstack.scanners.builtin import BuiltIn
from medstack.scanners.clamd import Clamd
from medstack.scanners.contract import Health, Outcome, Scanner, Verdict
from medstack.scanners.gate import Report, look_through
from medstack.scanners.policy import Action, Decision, Policy

__all__ = [
    "Action",
    "BuiltIn",
    "Clamd",
    "Decision",
    "Health",
    "Outcome",
    "Policy",
    "Report",
    "Scanner",
    "Verdict",
    "look_through",
    "scanners_for",
]


def scanners_for(*, clamd: str, sandbox: Sandbox, clock: Clock) -> tuple[Scanner, ...]:
    """The engines of this installation. clamd: socket path or host:port, "" for none."""
    builtin = BuiltIn(sandbox)
    return (builtin, Clamd(clamd, clock=clock)) if clamd else (builtin,)
