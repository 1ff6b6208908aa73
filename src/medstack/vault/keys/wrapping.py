"""One key under another: AES-256-GCM with a random nonce, bound to its place.

A wrap is nonce (12) || ciphertext || tag (16). One wrapping key makes far fewer than 2^32.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from medstack.vault.keys.contract import KeyRefused

KEY_BYTES = 32
_NONCE_BYTES = 12


def place(level: str, own: str | int, *, parent: str | int, version: str | int) -> bytes:
    """The associated data of a wrap: a row moved elsewhere no longer opens."""
    parts = [level, str(own), str(parent), str(version)]
    if any("|" in part for part in parts):
        raise ValueError("a bar separates the parts")
    return "|".join(["medstack-key-1", *parts]).encode()


def wrap(key: bytes, secret: bytes, *, aad: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret, aad)


def unwrap(key: bytes, wrapped: bytes, *, aad: bytes) -> bytes:
    """Raises KeyRefused."""
    try:
        return AESGCM(key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], aad)
    except (InvalidTag, ValueError) as error:
        raise KeyRefused from error


def subkey(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, from which neither `key` nor another purpose's can be had."""
    info = b"medstack-derive-1|" + purpose.encode()
    return HKDF(hashes.SHA256(), KEY_BYTES, None, info).derive(key)
