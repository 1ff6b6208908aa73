"""What this room refuses, each with its code."""

from __future__ import annotations

from medstack.kit.errors import Busy, Conflict, Invalid, Unauthenticated


class BadField(Invalid):
    """A field breaks its rule. `facts`: field, rule."""

    code = "bad-field"
    title = "A field cannot be taken as it is"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}.", field=field)


class WeakPassword(Invalid):
    """The password breaks a rule; `detail` says which, never the password."""

    code = "weak-password"
    title = "Choose another password"


class ChartNumberTaken(Conflict):
    code = "chart-number-taken"
    title = "Another patient has this chart number"


class EmailTaken(Conflict):
    code = "email-taken"
    title = "Another account has this address"


class AlreadyAssigned(Conflict):
    code = "already-assigned"
    title = "This account already cares for this patient"


class Stale(Conflict):
    """Somebody changed it since the caller read it. `facts`: revision, the one it has now."""

    code = "stale-revision"
    title = "Somebody changed this since you opened it"


class LastAdmin(Conflict):
    code = "last-admin"
    title = "The practice needs one administrator who can sign in"


class SignInRefused(Unauthenticated):
    """Wrong password, unknown address, disabled account: one answer for all three."""

    code = "sign-in-refused"
    title = "Address and password do not fit"


class TooManyAttempts(Busy):
    """Too many failed sign-ins from one address or for one account."""

    code = "too-many-attempts"
    title = "Too many attempts; wait a while"


class PasswordsBusy(Busy):
    """More sign-ins at once than this machine hashes passwords for."""

    code = "sign-in-busy"
    title = "Too many people sign in at once"
