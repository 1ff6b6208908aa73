"""The append-only, tamper-evident log: who saw or changed what, when, and how it went.

Events are written in the transaction of what they tell about. Nothing here decides, and nothing
here knows a patient by more than a number.
"""

from medstack.audit.actions import Action, Outcome
from medstack.audit.model import Checkpoint, Event, Fault, Filter, Finding, VerifyReport
from medstack.audit.notes import BadCheckpoint, Signer, Verifier, read_checkpoint
from medstack.audit.search import listing
from medstack.audit.store import (
    LogDamaged,
    checkpoint,
    edge,
    erase_details,
    latest_checkpoint,
    prove_consistency,
    prove_inclusion,
)
from medstack.audit.verify import verify
from medstack.audit.write import write

__all__ = [
    "Action",
    "BadCheckpoint",
    "Checkpoint",
    "Event",
    "Fault",
    "Filter",
    "Finding",
    "LogDamaged",
    "Outcome",
    "Signer",
    "Verifier",
    "VerifyReport",
    "checkpoint",
    "edge",
    "erase_details",
    "latest_checkpoint",
    "listing",
    "prove_consistency",
    "prove_inclusion",
    "read_checkpoint",
    "verify",
    "write",
]
