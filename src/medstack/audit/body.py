"""The bytes a leaf is made of: one encoding for one event, for ever.

JSON with fields in this order and keys of mappings sorted, no spaces, UTF-8. Personal details
are not in it: only a salted commitment to them is, so they can be erased without a trace of
their value and without breaking a hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from medstack.audit.model import Draft, Event
from medstack.kit.errors import Fact
from medstack.kit.ids import AccountId, PatientKey, RecordId

SALT_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}\Z")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: int = 1
    seq: int
    at: int  # microseconds since 1970-01-01 UTC
    action: str
    actor: int
    role: str
    via: str
    address: str
    request: str
    outcome: str
    records: list[int]
    patients: list[int]
    facts: dict[str, str | int | float | bool | list[str] | None]
    details: str  # hex of the commitment, "" where there are no details


def body_of(draft: Draft, *, seq: int, at: datetime, details: str) -> Body:
    actor = draft.actor
    return Body(
        seq=seq,
        at=(at - _EPOCH) // timedelta(microseconds=1),
        action=draft.action.value,
        actor=actor.account_id,
        role=actor.role.value,
        via=actor.via,
        address=actor.address,
        request=actor.request_id,
        outcome=draft.outcome.value,
        records=list(draft.records),
        patients=list(draft.patients),
        facts={k: list(v) if isinstance(v, tuple) else v for k, v in draft.facts.items()},
        details=details,
    )


def encode(body: Body) -> bytes:
    return msgspec.json.encode(body, order="deterministic")


def decode(raw: bytes) -> Body:
    """Read a body back. Raises ValueError for anything `encode` did not write."""
    try:
        body = msgspec.json.decode(raw, type=Body)
    except msgspec.MsgspecError as error:
        raise ValueError("not an event") from error
    if encode(body) != raw:
        raise ValueError("not the one encoding of this event")
    return body


def encode_details(personal: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(dict(personal), order="deterministic")


def decode_details(raw: bytes) -> dict[str, str]:
    """Raises ValueError for anything `encode_details` did not write."""
    try:
        return msgspec.json.decode(raw, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise ValueError("not the details of an event") from error


def commitment(salt: bytes, details: bytes) -> str:
    """What the leaf says about details it does not hold: hex of SHA-256(salt || details)."""
    return hashlib.sha256(salt + details).hexdigest()


def is_code(fact: Fact) -> bool:
    """Numbers, truths and short code words may stay in the leaf; any other text may not."""
    if isinstance(fact, str):
        return not fact or bool(_CODE.match(fact))
    if isinstance(fact, tuple):
        return all(is_code(part) for part in fact)
    return True


def event_of(body: Body, personal: Mapping[str, str] | None) -> Event:
    return Event(
        seq=body.seq,
        at=_EPOCH + timedelta(microseconds=body.at),
        action=body.action,
        actor_id=AccountId(body.actor),
        role=body.role,
        via=body.via,
        address=body.address,
        request_id=body.request,
        outcome=body.outcome,
        records=tuple(RecordId(key) for key in body.records),
        patients=tuple(PatientKey(key) for key in body.patients),
        facts={k: tuple(v) if isinstance(v, list) else v for k, v in body.facts.items()},
        personal=personal if body.details else {},
    )
