"""The collaborators a flow works with, built once by wiring and handed to every flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from medstack.access import LinkKeys
from medstack.db import Database
from medstack.kit.clock import Clock
from medstack.kit.ids import Ids
from medstack.kit.sandbox import Sandbox
from medstack.kit.streams import Source
from medstack.people import Passwords
from medstack.scanners.contract import Scanner
from medstack.vault import Keyring, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything below the doors. Immutable; shared by every thread of a process."""

    db: Database
    vault: Vault
    keyring: Keyring
    clock: Clock
    ids: Ids
    passwords: Passwords = field(default_factory=Passwords)
    practice_name: str = "MedStack"
    upload_expiry_s: int = 24 * 3600
    public_url: str = "http://127.0.0.1:8470"
    is_demo: bool = False

    @property
    def link_keys(self) -> LinkKeys:
        """The key signed links hang on, derived from the vault's own."""
        return LinkKeys(keys=(("1", self.keyring.derive("links")),))


def _no_poster(source: Source) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What only the worker holds: the walls for parsers, the malware engines, the film tool."""

    sandbox: Sandbox
    scanners: tuple[Scanner, ...] = field(default=())
    poster: Callable[[Source], bytes | None] = _no_poster  # a frame of a film as PNG, if any
