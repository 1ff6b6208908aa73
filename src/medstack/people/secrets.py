"""Secrets that browsers and programs carry: made here, kept only as their hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets

TOKEN_PREFIX = "mst_"  # noqa: S105 - lets a scanner of source code find a token left there


def new_secret() -> str:
    """256 random bits, as 43 letters."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def csrf_of(session_secret: str) -> str:
    """What a page must show to act in a session: derived, so nothing more has to be kept."""
    key = session_secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, b"medstack/csrf/v1", hashlib.sha256).hexdigest()


def is_csrf(session_secret: str, given: str) -> bool:
    """Does `given` belong to the session? Takes as long for a wrong one."""
    expected = csrf_of(session_secret).encode()
    return hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass"))
