"""Decisions about a record: where it may go next, and who changed it last.

Pure. The transitions are one literal table; docs/architecture.md shows the same one and a test
compares them. Entity tags and preconditions follow RFC 9110 §8.8.3 and §13.1.
"""

from __future__ import annotations

import re
from enum import StrEnum

from medstack.kit.errors import Conflict, Invalid
from medstack.records.model import Record, Status


class Step(StrEnum):
    """What can happen to a record on its way in."""

    ADVANCE = "advance"  # the stage it was in went well
    HOLD = "hold"  # an engine or a person has to answer first
    QUARANTINE = "quarantine"  # a person has to decide
    REJECT = "reject"  # refused for good
    RETRY = "retry"  # from the first check again: an engine is back, a worker died
    RELEASE = "release"  # a person accepts what stopped it; the next check goes on
    DESTROY = "destroy"  # a person decides against it


TRANSITIONS: dict[Status, dict[Step, Status]] = {
    Status.RECEIVED: {
        Step.ADVANCE: Status.SCANNING,
        Step.HOLD: Status.HELD,
        Step.REJECT: Status.REJECTED,
    },
    Status.SCANNING: {
        Step.ADVANCE: Status.VALIDATING,
        Step.HOLD: Status.HELD,
        Step.QUARANTINE: Status.QUARANTINED,
        Step.REJECT: Status.REJECTED,
        Step.RETRY: Status.SCANNING,
    },
    Status.VALIDATING: {
        Step.ADVANCE: Status.CHECKING,
        Step.HOLD: Status.HELD,
        Step.QUARANTINE: Status.QUARANTINED,
        Step.REJECT: Status.REJECTED,
        Step.RETRY: Status.SCANNING,
    },
    Status.CHECKING: {
        Step.ADVANCE: Status.STORING,
        Step.HOLD: Status.HELD,
        Step.QUARANTINE: Status.QUARANTINED,
        Step.REJECT: Status.REJECTED,
        Step.RETRY: Status.SCANNING,
    },
    Status.STORING: {
        Step.ADVANCE: Status.AVAILABLE,
        Step.HOLD: Status.HELD,
        Step.REJECT: Status.REJECTED,
        Step.RETRY: Status.SCANNING,
    },
    Status.HELD: {
        Step.RETRY: Status.SCANNING,
        Step.QUARANTINE: Status.QUARANTINED,
        Step.REJECT: Status.REJECTED,
        Step.DESTROY: Status.REJECTED,
    },
    Status.QUARANTINED: {
        Step.RETRY: Status.SCANNING,
        Step.DESTROY: Status.REJECTED,
    },
    Status.AVAILABLE: {},
    Status.REJECTED: {},
}

# Released, a record goes on with the check after the one that stopped it.
RELEASED_TO: dict[Status, Status] = {
    Status.SCANNING: Status.VALIDATING,
    Status.VALIDATING: Status.CHECKING,
    Status.CHECKING: Status.STORING,
}
STOPPED = frozenset({Status.HELD, Status.QUARANTINED})


class IllegalTransition(Conflict):
    code = "illegal-transition"
    title = "The record is not in a state that allows this"


class StaleRevision(Conflict):
    code = "stale-revision"
    title = "Somebody changed this record meanwhile"


class BadPrecondition(Invalid):
    code = "bad-precondition"
    title = "The If-Match header is not one of ours"


def next_status(status: Status, step: Step, *, stopped_at: Status | None = None) -> Status:
    """Where `step` leads from `status`. Raises IllegalTransition.

    stopped_at: for a held or quarantined record, the status it was in when it was stopped.
    """
    if step is Step.RELEASE and status in STOPPED and stopped_at in RELEASED_TO:
        return RELEASED_TO[stopped_at]
    following = TRANSITIONS[status].get(step)
    if following is None:
        raise IllegalTransition(
            f"A record that is {status} cannot take the step {step}.",
            record_status=str(status),
            step=str(step),
        )
    return following


def etag(record: Record) -> str:
    """The record's entity tag: strong, new with every change."""
    return f'"{record.revision}.{record.changes}"'


_ETAG = re.compile(r'"([1-9][0-9]{0,17})\.[1-9][0-9]{0,17}"\Z')


def expected_revision(if_match: str) -> int | None:
    """The revision an If-Match header names; None for `*`. Raises BadPrecondition.

    Only changes made by people count: a file moving through its checks spoils no edit.
    """
    if if_match.strip() == "*":
        return None
    found = _ETAG.match(if_match.strip())
    if found is None:
        raise BadPrecondition("Send the ETag of the record as you last read it.")
    return int(found.group(1))


def check_revision(actual: int, expected: int | None) -> None:
    """Raises StaleRevision unless they agree; expecting None agrees with everything."""
    if expected is not None and expected != actual:
        raise StaleRevision("Read it again, then repeat your change.", revision=actual)
