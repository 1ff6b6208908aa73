"""`medstack doctor`: what is missing or unsafe, in words."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medstack import wiring
from medstack.cli.words import Subparsers, add_data, settings_of
from medstack.flows.house import Bench, House
from medstack.settings import Settings
from medstack.worker.sandbox import Ffmpeg, Layers, ProcessSandbox, holds


def register(commands: Subparsers) -> None:
    command = commands.add_parser("doctor", help="what is missing or unsafe")
    add_data(command)
    command.set_defaults(run=run)


def run(words: argparse.Namespace) -> int:
    """Exit 0 if nothing is unsafe; 1 otherwise."""
    settings = settings_of(words)
    with wiring.opened(settings, migrate=True) as house, wiring.bench(settings) as tools:
        complaints = examine(settings, house, tools)
    for complaint in complaints:
        print(f"{complaint.mark} {complaint.about}: {complaint.says}")
    return 1 if any(complaint.is_unsafe for complaint in complaints) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing looked at. is_unsafe: somebody should act before real patients are kept here."""

    about: str
    says: str
    is_unsafe: bool = False
    is_missing: bool = False

    @property
    def mark(self) -> str:
        return "UNSAFE " if self.is_unsafe else "missing" if self.is_missing else "ok     "


def examine(settings: Settings, house: House, tools: Bench) -> list[Complaint]:
    """Everything `medstack doctor` looks at, good and bad."""
    return [
        *_keys_examined(settings, house),
        *_parsers_examined(tools),
        *_engines_examined(settings, tools),
        *_doors_examined(settings),
    ]


def _keys_examined(settings: Settings, house: House) -> Iterator[Complaint]:
    health = wiring.root_provider(settings).health()
    yield Complaint(
        about="root key",
        says=f"{settings.key_provider}: {health.detail or 'opens'}",
        is_unsafe=not health.is_ready,
    )
    if settings.key_provider == "file" and _on_one_disk(wiring.key_file(settings), settings.data):
        yield Complaint(
            about="root key",
            says="its file is on the same disk as the data; keep a copy elsewhere, "
            "or use a passphrase",
            is_missing=True,
        )
    is_sealed = house.db.dialect == "sqlite"
    yield Complaint(
        about="database",
        says="encrypted by SQLCipher"
        if is_sealed
        else "PostgreSQL does not encrypt its files; its disk has to",
        is_missing=not is_sealed,
    )


def _on_one_disk(first: Path, second: Path) -> bool:
    return first.exists() and first.stat().st_dev == second.stat().st_dev


def _parsers_examined(tools: Bench) -> Iterator[Complaint]:
    assert isinstance(tools.sandbox, ProcessSandbox)
    yield from walls_examined(tools.sandbox.layers())
    is_there = Ffmpeg(tools.sandbox).is_there
    says = "found" if is_there else "not found: films have no poster picture"
    yield Complaint(about="ffmpeg", says=says, is_missing=not is_there)


def walls_examined(layers: Layers) -> Iterator[Complaint]:
    """One line for each wall around the parsers."""
    for layer, state in layers.items():
        is_on = holds(state)
        says = "on" if state is True else f"on, {state}" if is_on else f"off: {state}"
        yield Complaint(about=f"parser walls, {layer}", says=says, is_missing=not is_on)


def _engines_examined(settings: Settings, tools: Bench) -> Iterator[Complaint]:
    for scanner in tools.scanners:
        health = scanner.health()
        yield Complaint(
            about=f"malware engine {health.engine}",
            says=health.version if health.is_ready else health.detail,
            is_unsafe=not health.is_ready,
        )
    if not settings.clamd:
        yield Complaint(
            about="malware engine clamd",
            says="not configured; the built-in engine knows structures, not virus families",
            is_missing=True,
        )


def _doors_examined(settings: Settings) -> Iterator[Complaint]:
    is_tls = bool(settings.tls_cert)
    yield Complaint(
        about="web door",
        says="TLS" if is_tls else "plain HTTP on this computer only",
        is_missing=not is_tls and not settings.behind_proxy,
    )
