"""`medstack user` and `medstack token`: accounts and bearer tokens, made on this machine."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from datetime import timedelta

from medstack.cli.words import Subparsers, add_data, settings_of, settings_of_vault
from medstack.kit.actor import SYSTEM, Role
from medstack.kit.errors import Invalid

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BadDuration(Invalid):
    code = "bad-duration"
    title = "This is not a length of time"


def register_user(commands: Subparsers) -> None:
    user = commands.add_parser("user", help="accounts")
    verbs = user.add_subparsers(dest="verb", required=True, metavar="VERB")
    add = verbs.add_parser("add", help="make an account")
    add.add_argument("email", metavar="EMAIL")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--name", default="", help="shown to colleagues")
    add.add_argument("--patient", metavar="ID", help="whose chart a patient's account is for")
    add.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    add_data(add)
    add.set_defaults(run=add_user)


def register_token(commands: Subparsers) -> None:
    token = commands.add_parser("token", help="bearer tokens for programs")
    verbs = token.add_subparsers(dest="verb", required=True, metavar="VERB")
    create = verbs.add_parser("create", help="print a bearer token, nothing else")
    create.add_argument("email", metavar="EMAIL")
    create.add_argument("--ttl", default="1h", metavar="TIME", help="90s, 15m, 1h, 7d")
    add_data(create)
    create.set_defaults(run=create_token)


def add_user(words: argparse.Namespace) -> int:
    from medstack.flows.enroll import add_account
    from medstack.wiring import opened

    password = _password(is_piped=words.password_stdin)
    with opened(settings_of(words), migrate=True) as house:
        add_account(
            house,
            SYSTEM,
            email=words.email,
            display_name=words.name or words.email.partition("@")[0],
            role=Role(words.role),
            password=password,
            patient_id=words.patient,
        )
    print(f"{words.email} may sign in as {words.role}.")
    return 0


def create_token(words: argparse.Namespace) -> int:
    from medstack.flows import signin
    from medstack.wiring import opened

    ttl = duration(words.ttl)
    with opened(settings_of_vault(words), migrate=True) as house:
        _, secret = signin.create_token(house, SYSTEM, words.email, name="command line", ttl=ttl)
    print(secret)
    return 0


def duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `1h` or `7d`. Raises BadDuration."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if found is None:
        raise BadDuration("Write it as 90s, 15m, 1h or 7d.")
    return timedelta(seconds=int(found[1]) * _UNITS_S[found[2]])


def _password(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass("Password: ")
