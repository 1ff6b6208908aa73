"""`medstack import`: files, folders and ZIPs through the real pipeline, with a report per file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from medstack.cli.words import Subparsers, add_data, settings_of_vault


def register(commands: Subparsers) -> None:
    command = commands.add_parser("import", help="files, folders and ZIPs into a chart")
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    command.add_argument("--patient", required=True, metavar="ID", help="chart number")
    command.add_argument("--category", default="", metavar="C", help="one of the six")
    add_data(command)
    command.set_defaults(run=run)


def run(words: argparse.Namespace) -> int:
    """Exit 0 if every file is available in the end; 1 otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from medstack.cli.bringing import Import
    from medstack.wiring import opened, working

    settings = settings_of_vault(words)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with (
        opened(settings, migrate=True) as house,
        working(settings, house) as tools,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        told = Import(house, tools, patient_id=words.patient, category=words.category)
        results = told.run(words.paths, progress)
    for result in results:
        print(f"{result.status:<12} {result.code:<28} {result.name}")
    good = sum(result.is_available for result in results)
    print(f"{good} of {len(results)} available", file=sys.stderr)
    return 0 if good == len(results) else 1
