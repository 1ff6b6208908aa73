"""What several commands share: the --data option and the settings it leads to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medstack.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Subparsers = argparse._SubParsersAction


def add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, metavar="DIR", help="folder of the vault")


def settings_of(words: argparse.Namespace, **overrides: object) -> Settings:
    """Settings with this command's options on top. Raises BadSetting."""
    return Settings.load({"data": words.data, **overrides})
