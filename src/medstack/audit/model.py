"""Values of the audit log: what is to be written, what was written, what a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from medstack.audit.actions import Action, Outcome
from medstack.kit.actor import Actor
from medstack.kit.errors import Fact
from medstack.kit.ids import AccountId, PatientKey, RecordId


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event that waits for its transaction's commit, where it gets number and time."""

    action: Action
    actor: Actor
    outcome: Outcome
    records: tuple[RecordId, ...]
    patients: tuple[PatientKey, ...]
    facts: Mapping[str, Fact]  # codes and numbers, in the leaf for ever
    personal: Mapping[str, str]  # anything else, erasable


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the log."""

    seq: int  # 0, 1, 2 … without gaps: the leaf's index in the tree
    at: datetime  # the machine's clock when the transaction committed
    action: str  # an Action of this release or of an older one
    actor_id: AccountId
    role: str
    via: str
    address: str
    request_id: str
    outcome: str
    records: tuple[RecordId, ...] = ()
    patients: tuple[PatientKey, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    personal: Mapping[str, str] | None = None  # None once erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events to list; every condition given must hold."""

    actor_id: AccountId | None = None
    patient: PatientKey | None = None
    record: RecordId | None = None
    actions: frozenset[str] = frozenset()  # any of these; empty = every action
    since: datetime | None = None  # at or after
    until: datetime | None = None  # before


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log's size and root at one moment, as a signed note states them."""

    origin: str
    size: int
    root: bytes


class Fault(StrEnum):
    """What a verification can find."""

    EDITED = "edited"  # a body, or what stands beside it, is not what was committed to
    MISSING = "missing"  # a number is absent, before the end
    MISPLACED = "misplaced"  # an event stands at another number than it was written for
    SURPLUS = "surplus"  # rows the log's head knows nothing of
    HEAD = "head"  # size or root in the head are not those of the events
    TRUNCATED = "truncated"  # fewer events than a checkpoint vouches for
    REWRITTEN = "rewritten"  # another history than a checkpoint vouches for
    CHECKPOINT = "checkpoint"  # a checkpoint is unreadable or not signed by the log's key
    UNREADABLE = "unreadable"  # the tables themselves do not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    fault: Fault
    seq: int | None = None  # where; None where it concerns the log as a whole
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The outcome of one verification."""

    size: int  # events seen
    root: bytes  # their root; of what could be read, if something is missing
    checked_from: int  # bodies before this number were vouched for by a checkpoint
    checkpoints: int  # how many checkpoints agreed
    erased_details: int  # events whose personal details were erased, as is allowed
    findings: tuple[Finding, ...]  # the first ones only, at most MAX_FINDINGS

    @property
    def is_whole(self) -> bool:
        return not self.findings


MAX_FINDINGS = 100
