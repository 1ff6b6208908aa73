"""What this room decides without looking anything up: fields, passwords, lifetimes, windows."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from medstack.kit.actor import Role
from medstack.people.problems import BadField, WeakPassword

# ── fields ────────────────────────────────────────────────────────────────────────────────
_CHART_NUMBER = re.compile(r"[A-Z0-9-]{1,20}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


def check_chart_number(text: str) -> None:
    """The owner's patient id. Raises BadField."""
    if not _CHART_NUMBER.fullmatch(text):
        raise BadField("id", "1 to 20 of A-Z, 0-9 and -")


def check_text(field: str, text: str, *, most: int, least: int = 0) -> None:
    """Any script, any punctuation, line breaks; no other control character. Raises BadField."""
    if not least <= len(text) <= most:
        raise BadField(field, f"{least} to {most} characters")
    for letter in text:
        kind = unicodedata.category(letter)
        if kind == "Cs" or (kind == "Cc" and letter not in "\n\t"):
            raise BadField(field, "no control characters")


def check_line(field: str, text: str, *, most: int, least: int = 0) -> None:
    """Like check_text, on one line and with something to see where `least` asks for it."""
    check_text(field, text, most=most, least=least)
    if any(letter in text for letter in "\n\t\u2028\u2029"):
        raise BadField(field, "one line")
    if least and not text.strip():
        raise BadField(field, "not only spaces")


def check_lines(field: str, lines: Sequence[str], *, most: int, longest: int) -> None:
    if len(lines) > most:
        raise BadField(field, f"at most {most}")
    for line in lines:
        check_line(field, line, most=longest, least=1)


def check_email(text: str) -> None:
    check_line("email", text, most=254)
    if not _EMAIL.fullmatch(text) or len(email_key(text)) > 254:
        raise BadField("email", "an address with one @")


def check_span(starts_at: datetime, ends_at: datetime, *, longest: timedelta) -> None:
    if not starts_at < ends_at <= starts_at + longest:
        raise BadField("endsAt", f"after the start, within {longest // timedelta(hours=1)} hours")


def check_belonging(role: Role, *, has_patient: bool) -> None:
    """Patients, and only they, have an account that belongs to a chart."""
    if (role is Role.PATIENT) != has_patient:
        raise BadField("patientId", "given for the role patient, and for no other")


def fold(text: str) -> str:
    """Text as it is compared and sorted: no case, no accents, single spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def words_of(*texts: str) -> frozenset[str]:
    """The words a patient is found by, each folded; a hyphenated name also by its parts."""
    found: set[str] = set()
    for text in texts:
        for word in fold(text).split(" "):
            found.update({word, *re.split(r"[-'’.,]+", word)})
    return frozenset(word[:60] for word in found if word)


def email_key(email: str) -> str:
    """An address as it is compared: case does not tell two accounts apart."""
    return unicodedata.normalize("NFKC", email).casefold().strip()


# ── passwords ─────────────────────────────────────────────────────────────────────────────
PASSWORD_LEAST = 12
PASSWORD_MOST = 256
# What people type when twelve characters are asked for, folded and without digits at the ends.
_COMMON_WORDS = """
    password passwordpassword passwort motdepasse contrasena qwertyuiop qwertyuiopas qwerty
    qwertyqwerty asdfghjkl zxcvbnm letmein letmeinletmein iloveyou administrator welcome
    welcomewelcome changeme changemenow football baseball superman sunshine princess dragon
    trustno monkey master admin adminadmin secret secretsecret abcdefghijkl abcdefghijklm
    correcthorsebatterystaple medstack medstackmedstack dentist hospital practice
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def check_password(password: str, *, email: str = "") -> None:
    """Long, and not what everybody would guess first. Raises WeakPassword."""
    if len(password) < PASSWORD_LEAST:
        raise WeakPassword(f"Use at least {PASSWORD_LEAST} characters.", least=PASSWORD_LEAST)
    if len(password) > PASSWORD_MOST:
        raise WeakPassword(f"Use at most {PASSWORD_MOST} characters.", most=PASSWORD_MOST)
    if any(unicodedata.category(letter) == "Cs" for letter in password):
        raise WeakPassword("Use characters only.")
    folded = fold(password).replace(" ", "")
    if len(set(folded)) < 5 or _is_run(folded):
        raise WeakPassword("Use more than a few characters over and over.")
    if folded.strip("0123456789!?.*#$_-") in _COMMON:
        raise WeakPassword("This is one of the first that would be guessed.")
    local = email_key(email).partition("@")[0]
    if email and (folded == email_key(email) or (len(local) > 3 and folded.startswith(local))):
        raise WeakPassword("Do not begin with the address.")


def _is_run(text: str) -> bool:
    """1234567890123, abcdefghijklm: each character follows from the one before."""
    steps = {(ord(b) - ord(a)) % 10 for a, b in pairwise(text)}
    return len(steps) == 1


# ── sessions ──────────────────────────────────────────────────────────────────────────────
# Source: 45 CFR 164.312(a)(2)(iii); idle shorter where more can be seen.
IDLE = {
    Role.PATIENT: timedelta(minutes=30),
    Role.STAFF: timedelta(minutes=15),
    Role.DENTIST: timedelta(minutes=15),
    Role.ADMIN: timedelta(minutes=15),
}
ABSOLUTE = {
    Role.PATIENT: timedelta(hours=12),
    Role.STAFF: timedelta(hours=12),
    Role.DENTIST: timedelta(hours=12),
    Role.ADMIN: timedelta(hours=12),
}
TOUCH_EVERY = timedelta(minutes=1)
TOKEN_LONGEST = timedelta(days=366)


def is_session_live(role: Role, *, seen_at: datetime, expires_at: datetime, at: datetime) -> bool:
    return at < expires_at and at < seen_at + IDLE[role]


def needs_touch(seen_at: datetime, at: datetime) -> bool:
    """Is it worth a write to note that the session was used?"""
    return at >= seen_at + TOUCH_EVERY


def check_ttl(ttl: timedelta) -> None:
    if not timedelta(0) < ttl <= TOKEN_LONGEST:
        raise BadField("ttl", f"more than nothing, at most {TOKEN_LONGEST.days} days")


# ── failed sign-ins ───────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most `most` attempts in any stretch of this length."""

    most: int
    length: timedelta

    def wait(self, earlier: Sequence[datetime], at: datetime) -> timedelta | None:
        """How long until another attempt is allowed; None if it is now.

        earlier: times of former attempts, oldest first.
        """
        counted = [when for when in earlier if when > at - self.length]
        if len(counted) < self.most:
            return None
        return counted[len(counted) - self.most] + self.length - at


PER_ACCOUNT = Window(most=5, length=timedelta(minutes=15))
PER_ADDRESS = Window(most=20, length=timedelta(minutes=15))


def network_of(address: str) -> str:
    """Whom attempts are counted for: an IPv4 address, or the /64 an IPv6 address lies in."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


# ── appointments ──────────────────────────────────────────────────────────────────────────
EARLY = timedelta(minutes=30)  # a file this long before an appointment still belongs to it
LATE = timedelta(minutes=60)  # and this long after


def distance(starts_at: datetime, ends_at: datetime, at: datetime) -> timedelta | None:
    """How far `at` lies from an appointment: zero inside, None too far to belong to it."""
    if at < starts_at:
        return starts_at - at if starts_at - at <= EARLY else None
    if at < ends_at:
        return timedelta(0)
    return at - ends_at if at - ends_at <= LATE else None
