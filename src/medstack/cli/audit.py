"""`medstack audit`: verify the log, and print a signed checkpoint to keep elsewhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from medstack.cli.words import Subparsers, add_data, settings_of_vault
from medstack.kit.actor import SYSTEM
from medstack.kit.errors import Invalid


class NoCheckpoint(Invalid):
    code = "checkpoint-unreadable"
    title = "The checkpoint cannot be read"


def register(commands: Subparsers) -> None:
    top = commands.add_parser("audit", help="the tamper-evident log")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verify = verbs.add_parser("verify", help="exit 0 only if the log is whole")
    verify.add_argument("--checkpoint", type=Path, metavar="F", help="one kept elsewhere")
    add_data(verify)
    verify.set_defaults(run=run_verify)
    checkpoint = verbs.add_parser("checkpoint", help="print a signed checkpoint")
    add_data(checkpoint)
    checkpoint.set_defaults(run=run_checkpoint)


def run_verify(words: argparse.Namespace) -> int:
    """Exit 0 only if the log is whole."""
    from medstack.flows import oversight
    from medstack.wiring import opened

    kept = _read(words.checkpoint) if words.checkpoint else None
    with opened(settings_of_vault(words), migrate=True) as house:
        report = oversight.verify_log(house, SYSTEM, checkpoint=kept)
    for finding in report.findings:
        where = "" if finding.seq is None else f" at event {finding.seq}"
        print(f"{finding.fault}{where} {finding.detail}".rstrip(), file=sys.stderr)
    print(f"{report.size} events: {'whole' if report.is_whole else 'NOT WHOLE'}")
    return 0 if report.is_whole else 1


def run_checkpoint(words: argparse.Namespace) -> int:
    from medstack.flows import oversight
    from medstack.wiring import opened

    with opened(settings_of_vault(words), migrate=True) as house:
        print(oversight.checkpoint_log(house, SYSTEM).note, end="")
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NoCheckpoint("Name a file that holds one.") from error
