"""`medstack audit`: verify the log, and print a signed checkpoint to keep elsewhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from medstack.cli.words import Subparsers, add_data, settings_of
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
    from medstack import audit
    from medstack.wiring import opened, signer

    kept = _read(words.checkpoint) if words.checkpoint else None
    with opened(settings_of(words), migrate=True) as house:
        verifier = signer(house).verifier
        with house.db.read() as tx:
            report = audit.verify(tx, checkpoint=kept, verifier=verifier)
    for finding in report.findings:
        print(f"{finding.fault}: event {finding.seq}", file=sys.stderr)
    print(f"{report.size} events: {'whole' if report.is_whole else 'NOT WHOLE'}")
    return 0 if report.is_whole else 1


def run_checkpoint(words: argparse.Namespace) -> int:
    from medstack import audit
    from medstack.wiring import opened, signer

    with opened(settings_of(words), migrate=True) as house:
        key = signer(house)
        with house.db.begin() as tx:
            print(audit.checkpoint(tx, key), end="")
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NoCheckpoint("Name a file that holds one.") from error
