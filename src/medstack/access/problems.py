"""What this room refuses, each with its code."""

from __future__ import annotations

from enum import StrEnum

from medstack.kit.actor import Role
from medstack.kit.errors import Denied, Invalid, Missing, TooLarge


class RightMissing(Denied):
    """The caller may see it and may not do this. `facts`: right, ask (a role)."""

    code = "right-missing"
    title = "You need a right that you do not have"

    def __init__(self, *, right: str, ask: Role | None) -> None:
        who = {Role.STAFF: "the staff", Role.DENTIST: "a dentist", Role.ADMIN: "an administrator"}
        help_ = f" Ask {who[ask]}." if ask in who else ""
        super().__init__(
            f"This needs the right {right}.{help_}", right=str(right), ask=str(ask or "")
        )


class ReasonNeeded(Denied):
    """This practice asks administrators why they look at content. `facts`: right."""

    code = "reason-needed"
    title = "Say why you need to see this"


class LevelAbove(Denied):
    code = "level-above-yours"
    title = "This access level is above yours"


class OverLimit(TooLarge):
    """A limit of the practice. `facts`: rule, limit_bytes, size_bytes."""

    code = "over-limit"
    title = "Too large"


class UnknownPolicy(Invalid):
    code = "unknown-policy"
    title = "There is no policy of this name"


class BadPolicy(Invalid):
    """The value does not suit the policy. `facts`: policy."""

    code = "bad-policy"
    title = "This policy cannot have this value"


class LinkFault(StrEnum):
    """Why a link was refused: for the audit log, never for whoever holds the link."""

    MALFORMED = "malformed"
    ALTERED = "altered"
    EXPIRED = "expired"
    REVOKED = "revoked"
    USED_UP = "used-up"
    UNKNOWN = "unknown"


class LinkRefused(Missing):
    """Looks like any other thing that is not there; `fault` and `link_id` are for the log."""

    def __init__(self, fault: LinkFault, link_id: int | None = None) -> None:
        super().__init__()
        self.fault = fault
        self.link_id = link_id
