"""The tree of deliberate errors.

Problem
├── Invalid       the sender can fix it              400/422
├── Unauthenticated  we do not know who is asking    401
├── Denied        known caller, not allowed          403
├── Missing       nothing this caller may know       404
├── Conflict      it moved on meanwhile              409
├── TooLarge      over a limit; the rule is named    413
├── Unsupported   a kind we do not take              415
├── Busy          try again later                    503 + Retry-After
└── Broken        stored bytes or keys are not what we wrote   500

Rooms and flows raise leaves; doors translate, once, by branch. `detail` helps
the person, `facts` the machine. Neither may carry a name, a date of birth, a
file name or a key: write rules and numbers, never what the sender typed.
"""

from __future__ import annotations

from typing import ClassVar

Fact = str | int | float | bool | None | tuple[str, ...]


class Problem(Exception):
    """A refusal somebody meant. Every leaf has a stable `code` and a `title`."""

    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "The request could not be carried out"

    def __init__(self, detail: str = "", **facts: Fact) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.facts = facts


class Invalid(Problem):
    """What was sent breaks a rule the sender can follow next time."""

    code = "invalid"
    title = "The request is not valid"


class Unauthenticated(Problem):
    """Nobody we know is asking."""

    code = "unauthenticated"
    title = "Sign in first"


class Denied(Problem):
    """A known caller may not do this."""

    code = "denied"
    title = "Your role does not allow this"


class Missing(Problem):
    """Not there, or not this caller's to know: both look alike."""

    code = "not-found"
    title = "Nothing here that you may see"


class Conflict(Problem):
    """The world moved on since the caller last looked."""

    code = "conflict"
    title = "This changed meanwhile"


class TooLarge(Problem):
    """Over a limit. `facts` name the rule and the limit."""

    code = "too-large"
    title = "Over the limit"


class Unsupported(Problem):
    """A kind of content we do not take."""

    code = "unsupported"
    title = "This kind of file is not taken"


class Busy(Problem):
    """Works later. `retry_after_s` says when."""

    code = "busy"
    title = "Busy; try again shortly"

    def __init__(self, detail: str = "", *, retry_after_s: int = 5, **facts: Fact) -> None:
        super().__init__(detail, **facts)
        self.retry_after_s = retry_after_s


class Broken(Problem):
    """What we stored is not what we read back. Never silent, always audited."""

    code = "broken"
    title = "Stored data failed its integrity check"


def leaves(root: type[Problem] = Problem) -> list[type[Problem]]:
    """Every problem class that has been imported, for the docs test."""
    found = [root]
    for child in root.__subclasses__():
        found.extend(leaves(child))
    return found
