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

_CLAMD_CONFIGURATIONS = (Path("/etc/clamav/clamd.conf"), Path("/etc/clamd.conf"))


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
        *_clamd_examined(settings),
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


def _clamd_examined(settings: Settings) -> Iterator[Complaint]:
    """clamd writes what it is sent into its TemporaryDirectory, in clear: that must be memory."""
    if not settings.clamd.startswith("/"):
        return  # over TCP its configuration is not ours to read
    places = [_temporary_directory(path) for path in _CLAMD_CONFIGURATIONS if path.exists()]
    for place in places:
        is_memory = _file_system_of(place) in ("tmpfs", "ramfs")
        yield Complaint(
            about="malware engine clamd",
            says="its temporary files stay in memory"
            if is_memory
            else "it writes files in clear to a disk: set TemporaryDirectory to a tmpfs",
            is_unsafe=not is_memory,
        )
    if not places:
        yield Complaint(
            about="malware engine clamd",
            says="its configuration was not found; see that its TemporaryDirectory is a tmpfs",
            is_missing=True,
        )


def _temporary_directory(configuration: Path) -> Path:
    for line in configuration.read_text(errors="replace").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "TemporaryDirectory":
            return Path(value.strip().strip('"'))
    return Path("/tmp")  # noqa: S108 - clamd's own default


def _file_system_of(place: Path) -> str:
    """The type of the file system a folder lies on, as the kernel lists it; "" if unknown."""
    found, kind = Path(), ""
    for line in Path("/proc/mounts").read_text().splitlines():
        mount, type_of = Path(line.split()[1]), line.split()[2]
        is_closer = len(mount.parts) >= len(found.parts)
        if place.resolve().is_relative_to(mount) and is_closer:
            found, kind = mount, type_of
    return kind


def _doors_examined(settings: Settings) -> Iterator[Complaint]:
    is_tls = bool(settings.tls_cert)
    yield Complaint(
        about="web door",
        says="TLS" if is_tls else "plain HTTP on this computer only",
        is_missing=not is_tls and not settings.behind_proxy,
    )
