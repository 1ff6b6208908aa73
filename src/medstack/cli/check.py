"""`medstack check`: every row has its bytes, every byte a row."""

from __future__ import annotations

import argparse

from medstack.cli.words import Subparsers, add_data, settings_of_vault


def register(commands: Subparsers) -> None:
    command = commands.add_parser("check", help="every row has its bytes, every byte a row")
    add_data(command)
    command.add_argument("--deep", action="store_true", help="decrypt and verify everything")
    command.set_defaults(run=run)


def run(words: argparse.Namespace) -> int:
    """Exit 0 if the vault is sound; 1 otherwise."""
    from medstack.flows import soundness
    from medstack.wiring import opened

    with opened(settings_of_vault(words), migrate=True) as house:
        report = soundness.check(house, deep=words.deep)
    for line in report.lines:
        print(line)
    print("sound" if report.is_sound else "NOT SOUND")
    return 0 if report.is_sound else 1
