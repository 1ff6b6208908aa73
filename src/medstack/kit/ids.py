"""Ids: 63-bit, time-ordered, unique without asking anybody.

42 bits of milliseconds since 2020-01-01 UTC, then 21 bits that count up within a
millisecond from a random start. Ordering by id is ordering by creation, which
lists and the search index rely on. On the wire an id is 13 letters of lower-case
Crockford base32; a chart number like P001234 is not an id of this kind.
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime, timedelta
from typing import NewType, Protocol

from medstack.kit.clock import Clock
from medstack.kit.errors import Invalid

RecordId = NewType("RecordId", int)
VersionId = NewType("VersionId", int)
ContentId = NewType("ContentId", int)
PatientKey = NewType("PatientKey", int)  # inside; the chart number is PatientId
PatientId = NewType("PatientId", str)  # the owner's P001234
AccountId = NewType("AccountId", int)
AppointmentId = NewType("AppointmentId", int)
ProviderId = NewType("ProviderId", int)
FolderId = NewType("FolderId", int)
CaseId = NewType("CaseId", int)
UploadId = NewType("UploadId", int)
BatchId = NewType("BatchId", int)
JobId = NewType("JobId", int)

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
LAST_ID = (1 << 63) - 1
_EPOCH = datetime.fromtimestamp(EPOCH_MS / 1000, UTC)
_TAIL_BITS = 21
_TAIL_MASK = (1 << _TAIL_BITS) - 1
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_WIRE_LENGTH = 13


class BadId(Invalid):
    code = "bad-id"
    title = "This is not an id"


class Ids(Protocol):
    """Makes new ids. Time and randomness are collaborators."""

    def new(self) -> int:
        """Return an id greater than every id this maker returned before."""
        ...


class TimeOrderedIds:
    """The production maker; safe across threads, unique across processes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> int:
        with self._lock:
            now_ms = int(self._clock.now().timestamp() * 1000) - EPOCH_MS
            fresh = (now_ms << _TAIL_BITS) | secrets.randbits(_TAIL_BITS - 1)
            self._last = max(fresh, self._last + 1)
            return self._last


def time_of(value: int) -> datetime:
    """When an id was made, UTC, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=value >> _TAIL_BITS)


def first_id_at(moment: datetime) -> int:
    """The lowest id that can be made at `moment` or later; 0 for a time before all ids.

    `value >= first_id_at(t)` is `time_of(value) >= t`, so a range of time is a range of ids.
    """
    since = (moment - _EPOCH) // timedelta(microseconds=1)
    return min(max(0, -(-since // 1000)) << _TAIL_BITS, LAST_ID)


def id_out(value: int) -> str:
    """Wire form of an id: 13 letters, order kept."""
    letters = []
    for _ in range(_WIRE_LENGTH):
        letters.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(letters))


def id_in(text: str) -> int:
    """Read an id from the wire. Raises BadId."""
    if len(text) != _WIRE_LENGTH:
        raise BadId("An id has 13 letters and digits.")
    value = 0
    for letter in text:
        if letter not in _VALUES:
            raise BadId("An id has 13 letters and digits.")
        value = (value << 5) | _VALUES[letter]
    if value >= 1 << 63:
        raise BadId("An id has 13 letters and digits.")
    return value
