"""Builds the collaborators from the settings. Nothing else reads configuration."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from medstack import jobs
from medstack.db import Database
from medstack.flows import curate, ingest, oversight
from medstack.flows.house import Bench, House
from medstack.kit.clock import SystemClock
from medstack.kit.ids import TimeOrderedIds
from medstack.people import Passwords
from medstack.scanners import scanners_for
from medstack.settings import BadSetting, Settings
from medstack.vault import (
    DiskStore,
    FileRoot,
    Keyring,
    PassphraseRoot,
    RootProvider,
    Vault,
    open_database_key,
)
from medstack.worker.sandbox import Ffmpeg, Limits, ProcessSandbox

DATABASE = "medstack.db"
JOBS_DATABASE = "jobs.db"
_CLOCK = SystemClock()


def prepare(settings: Settings) -> None:
    """Make the folder, the keys and the schema; bring an older schema up to date."""
    with opened(settings, migrate=True) as house:
        oversight.log_signer(house)  # made now, so that every backup holds it


def is_made(settings: Settings) -> bool:
    """Has a vault been made here? Makes nothing."""
    return bool(settings.database_url) or (settings.data / DATABASE).exists()


@contextlib.contextmanager
def opened(settings: Settings, *, migrate: bool = False, is_demo: bool = False) -> Iterator[House]:
    """The house over this data folder, closed at the end. Raises what a missing key raises."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    ids = TimeOrderedIds(_CLOCK)
    provider = root_provider(settings)
    db = Database.open(database_url(settings), key=database_key(settings, provider))
    try:
        if migrate:
            db.migrate()
        keyring = Keyring(provider, clock=_CLOCK, ids=ids)
        keyring.unlock(db)
        vault = Vault(DiskStore(objects_folder(settings)), keyring, clock=_CLOCK, ids=ids)
        yield House(
            db=db,
            vault=vault,
            keyring=keyring,
            clock=_CLOCK,
            ids=ids,
            passwords=Passwords(),
            practice_name=settings.practice_name,
            upload_expiry_s=settings.upload_expiry,
            public_url=public_url(settings),
            is_demo=is_demo,
        )
        vault.close()
    finally:
        db.close()


@contextlib.contextmanager
def bench(settings: Settings) -> Iterator[Bench]:
    """The worker's tools, closed at the end."""
    limits = Limits(memory_bytes=settings.parser_memory, seconds=settings.parser_seconds)
    sandbox = ProcessSandbox(limits=limits, children=settings.job_concurrency + 1)
    try:
        yield Bench(
            sandbox=sandbox,
            scanners=scanners_for(
                clamd=settings.clamd,
                clamd_timeout_s=settings.clamd_timeout,
                sandbox=sandbox,
                clock=_CLOCK,
            ),
            poster=Ffmpeg(sandbox).poster,
        )
    finally:
        sandbox.close()


def engine(settings: Settings, house: House, tools: Bench) -> jobs.Jobs:
    """The job engine with every handler; not yet started."""
    is_embedded = not settings.database_url
    made = jobs.Jobs(
        house.db,
        system_url=jobs_url(settings),
        system_key=house.keyring.derive("jobs-database") if is_embedded else None,
        clock=house.clock,
        ids=house.ids,
        concurrency=settings.job_concurrency,
    )
    made.register(
        ingest.JOB,
        partial(ingest.run, house, tools),
        given_up=partial(ingest.given_up, house),
    )
    made.register(curate.REINDEX, partial(ingest.reindex, house, tools))
    return made


@contextlib.contextmanager
def working(settings: Settings, house: House) -> Iterator[Bench]:
    """The worker's tools, with a worker of our own running unless another one is."""
    with bench(settings) as tools:
        with house.db.read() as tx:
            is_served = jobs.is_anyone_working(tx)
        if is_served:
            yield tools
            return
        own = engine(settings, house, tools)
        own.start()
        try:
            yield tools
        finally:
            own.stop()


def root_provider(settings: Settings) -> RootProvider:
    """Raises BadSetting; the provider itself is asked only when a key is needed."""
    if settings.key_provider == "passphrase":
        return PassphraseRoot(_passphrase(settings), beside=settings.data / "root.json")
    if settings.key_provider == "file":
        return FileRoot(
            key_file(settings),
            data=settings.data,
            accept_beside_data=settings.accept_key_beside_data,
        )
    raise BadSetting("key_provider is `file` or `passphrase`.", setting="key_provider")


def key_file(settings: Settings) -> Path:
    """Where the root key lives: in the user's configuration, never beside the data."""
    if settings.key_file:
        return Path(settings.key_file).expanduser()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "medstack" / f"{_vault_name(settings)}.key"


def _vault_name(settings: Settings) -> str:
    """This vault's own random name, so that two vaults of one user have two keys."""
    path = settings.data / "vault-name"
    with contextlib.suppress(FileExistsError), path.open("x") as file:
        file.write(secrets.token_hex(8) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path.read_text().strip()


def _passphrase(settings: Settings) -> str:
    if not settings.passphrase_file:
        raise BadSetting("Name the file that holds the passphrase.", setting="passphrase_file")
    try:
        lines = Path(settings.passphrase_file).read_text().splitlines()
    except OSError as error:
        raise BadSetting(
            "The passphrase file cannot be read.", setting="passphrase_file"
        ) from error
    if not lines or not lines[0]:
        raise BadSetting("The passphrase file is empty.", setting="passphrase_file")
    return lines[0]


def database_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data.resolve() / DATABASE}"


def database_key(settings: Settings, provider: RootProvider) -> bytes | None:
    """The embedded database's key; PostgreSQL's encryption at rest is its disk's business."""
    if settings.database_url:
        return None
    is_new = not (settings.data / DATABASE).exists()
    return open_database_key(provider, settings.data / "database.key.json", create=is_new)


def jobs_url(settings: Settings) -> str:
    """Of the engine's own database: a file of its own, or a schema of its own in PostgreSQL."""
    if not settings.database_url:
        return f"sqlite:///{settings.data.resolve() / JOBS_DATABASE}"
    return settings.database_url


def objects_folder(settings: Settings) -> Path:
    if not settings.store_url:
        return settings.data / "objects"
    parts = urlsplit(settings.store_url)
    if parts.scheme != "file" or parts.netloc or not parts.path:
        raise BadSetting("store_url is file:///path.", setting="store_url")
    return Path(parts.path)


def public_url(settings: Settings) -> str:
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return f"{'https' if settings.tls_cert else 'http'}://{settings.host}:{settings.port}"
