"""Every setting there is, in one typed class; read once, by wiring.

A value comes from `MEDSTACK_<NAME>`, else from `medstack.toml` (in the data folder, or named
by MEDSTACK_CONFIG), else from the default here. `docs/operations.md` lists them all; a test
compares.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from medstack.kit.errors import Invalid


class BadSetting(Invalid):
    code = "bad-setting"
    title = "A setting cannot be used"


def _says(words: str, default: Any) -> Any:
    return field(default=default, metadata={"says": words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set. Sizes in bytes, times in seconds."""

    data: Path = _says("Folder of the vault: objects, database, configuration.", Path("data"))
    host: str = _says("Address to listen on; anything but loopback needs TLS.", "127.0.0.1")
    port: int = _says("TCP port of the web door.", 8470)
    public_url: str = _says("Address people use, for links; empty = from host and port.", "")
    practice_name: str = _says("Shown on the sign-in page.", "MedStack")
    tls_cert: str = _says("PEM certificate chain for TLS at this door.", "")
    tls_key: str = _says("PEM private key for tls_cert.", "")
    behind_proxy: bool = _says("A TLS proxy on this host stands in front of the web door.", False)
    database_url: str = _says("postgresql://… ; empty = SQLCipher file in the data folder.", "")
    store_url: str = _says("Where sealed objects live: file:///path; empty = data folder.", "")
    key_provider: str = _says("Root key: `file` or `passphrase`.", "file")
    key_file: str = _says("Root key file; empty = <user configuration>/medstack/<vault>.key.", "")
    accept_key_beside_data: bool = _says("Allow the key file inside the data folder.", False)
    passphrase_file: str = _says("File whose first line is the passphrase.", "")
    clamd: str = _says("clamd: socket path or host:port; empty = built-in engine only.", "")
    clamd_timeout: int = _says("Seconds to wait for clamd's verdict on one object.", 300)
    upload_expiry: int = _says("Seconds an unfinished upload is kept.", 24 * 3600)
    job_concurrency: int = _says("Files processed at the same time.", 2)
    parser_memory: int = _says("Address space of one parser process.", 2 * 1024**3)
    parser_seconds: int = _says("CPU seconds of one parser process.", 120)
    log_level: str = _says("debug, info, warning or error.", "info")

    @classmethod
    def load(
        cls, overrides: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> Settings:
        """Command-line overrides, then environment, then file. Raises BadSetting."""
        given = {name: value for name, value in overrides.items() if value is not None}
        data = Path(given.get("data") or environ.get("MEDSTACK_DATA") or "data")
        named = environ.get("MEDSTACK_CONFIG")
        values = _from_file(Path(named) if named else data / "medstack.toml", required=bool(named))
        for spec in fields(cls):
            if (text := environ.get(f"MEDSTACK_{spec.name.upper()}")) is not None:
                values[spec.name] = text
        values |= given
        kinds = {spec.name: type(spec.default) for spec in fields(cls)}
        return cls(**{name: _typed(name, value, kinds) for name, value in values.items()})


def _from_file(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.exists():
        if required:
            raise BadSetting("The file named by MEDSTACK_CONFIG does not exist.")
        return {}
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise BadSetting("medstack.toml is not valid TOML.") from error


def _typed(name: str, value: Any, kinds: Mapping[str, type]) -> Any:
    if name not in kinds:
        raise BadSetting("medstack.toml names a setting that does not exist.", setting=name)
    kind = kinds[name]
    if kind is bool and isinstance(value, str):
        if value.lower() not in ("1", "true", "yes", "0", "false", "no", ""):
            raise BadSetting("This setting is true or false.", setting=name)
        return value.lower() in ("1", "true", "yes")
    if issubclass(kind, Path):
        return Path(value)
    try:
        return int(value) if kind is int else str(value)
    except (TypeError, ValueError) as error:
        raise BadSetting(f"This setting is a {kind.__name__}.", setting=name) from error
