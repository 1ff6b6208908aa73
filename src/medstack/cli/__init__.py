"""The command line: one file a command, each parses its words and calls one thing below."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from medstack import __version__
from medstack.cli import accounts, audit, check, doctor, imports, memory, serve
from medstack.cli.words import Subparsers
from medstack.kit.errors import Problem

COMMANDS: tuple[Callable[[Subparsers], None], ...] = (
    serve.register,
    accounts.register_user,
    accounts.register_token,
    imports.register,
    doctor.register,
    check.register,
    audit.register,
)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="medstack", description="A vault for medical records.")
    top.add_argument("--version", action="version", version=f"medstack {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for register in COMMANDS:
        register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 refused or unsound, 2 misused."""
    words = parser().parse_args(argv)
    memory.keep_off_disk()
    try:
        return int(words.run(words))
    except Problem as problem:
        print(f"medstack: {problem.title}. {problem.detail}".rstrip(), file=sys.stderr)
        print(f"          code: {problem.code}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
