"""What several commands share: the --data option and the settings it leads to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medstack.kit.errors import Invalid
from medstack.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Subparsers = argparse._SubParsersAction


def add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, metavar="DIR", help="folder of the vault")


class NoVault(Invalid):
    code = "no-vault"
    title = "There is no vault in this folder"


def settings_of_vault(words: argparse.Namespace) -> Settings:
    """Settings for a command that looks at a vault and must not make one.

    Raises BadSetting, NoVault.
    """
    from medstack import wiring

    settings = settings_of(words)
    if not wiring.is_made(settings):
        raise NoVault("Name the folder of a vault with --data; `medstack serve` makes a new one.")
    return settings


def settings_of(words: argparse.Namespace, **overrides: object) -> Settings:
    """Settings with this command's options on top. Raises BadSetting."""
    return Settings.load({"data": words.data, **overrides})
