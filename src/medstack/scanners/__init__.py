"""Malware engines, and the gate that makes each of them look through everything.

Knows files and engines, no record and no patient. Engines are listed by wiring: the built-in
one always, clamd where it is configured.
"""

from __future__ import annotations

from medstack.kit.clock import Clock
from medstack.kit.sandbox import Sandbox
from medstack.scanners.builtin import BuiltIn
from medstack.scanners.clamd import PATIENCE_S, Clamd
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


def scanners_for(
    *, clamd: str, sandbox: Sandbox, clock: Clock, clamd_timeout_s: float = PATIENCE_S
) -> tuple[Scanner, ...]:
    """The engines of this installation, the built-in one first.

    clamd: socket path or host:port, "" for none. clamd_timeout_s: how long it may be silent.
    Raises ValueError for an address that is neither.
    """
    builtin = BuiltIn(sandbox)
    if not clamd:
        return (builtin,)
    return (builtin, Clamd(clamd, clock=clock, patience_s=clamd_timeout_s))
