"""Sign-ins that failed, counted for the account and for the network they came from.

An attempt is entered before the password is looked at and taken back when it fits, so guesses
made side by side, in one process or in many, all count. Addresses and emails are kept as hashes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from medstack.db import Tx
from medstack.kit.ids import Ids
from medstack.people import rules
from medstack.people.problems import TooManyAttempts
from medstack.people.rules import Window
from medstack.people.tables import attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sign-in under way."""

    id: int
    account_subject: bytes


def begin_attempt(tx: Tx, *, email: str, address: str, ids: Ids, now: datetime) -> Attempt:
    """Enter a sign-in before its password is checked; commit before checking.

    address: the peer's; "" (the command line) is not counted.
    Raises TooManyAttempts, whether or not there is such an account.
    """
    mine = _subject("account", rules.email_key(email))
    counted = {mine: rules.PER_ACCOUNT}
    if address:
        counted[_subject("network", rules.network_of(address))] = rules.PER_ADDRESS
    for subject in sorted(counted):  # one order for all, or two could wait for each other
        tx.exclusive(f"sign-in.{subject.hex()}")
    waits = [_wait(tx, subject, window, now) for subject, window in counted.items()]
    longest = max(waits)
    if longest > 0:
        raise TooManyAttempts(f"Try again in {longest} s.", retry_after_s=longest)
    attempt = Attempt(id=ids.new(), account_subject=mine)
    tx.execute(insert(attempts), [{"subject": one, "at": now, "id": attempt.id} for one in counted])
    return attempt


def forgive(tx: Tx, attempt: Attempt) -> None:
    """The password fitted: this attempt and the account's failures before it are forgotten."""
    tx.execute(delete(attempts).where(attempts.c.id == attempt.id))
    tx.execute(delete(attempts).where(attempts.c.subject == attempt.account_subject))


def sweep_attempts(tx: Tx, *, now: datetime) -> int:
    """Forget attempts that no longer count. Returns how many rows."""
    longest = max(rules.PER_ACCOUNT.length, rules.PER_ADDRESS.length)
    return tx.execute(delete(attempts).where(attempts.c.at <= now - longest)).rowcount


def _wait(tx: Tx, subject: bytes, window: Window, now: datetime) -> int:
    """Whole seconds until the subject may try again, 0 for now."""
    recent = attempts.c.subject == subject, attempts.c.at > now - window.length
    asked = select(attempts.c.at).where(*recent).order_by(attempts.c.at)
    left = window.wait(list(tx.execute(asked).scalars()), now)
    return 0 if left is None else max(1, math.ceil(left.total_seconds()))


def _subject(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "surrogatepass")).digest()
