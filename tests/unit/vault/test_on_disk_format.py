"""docs/on-disk-format.md, held to what is really written."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Table, select

from medstack.db import Database
from medstack.kit.clock import SetClock
from medstack.kit.ids import TimeOrderedIds
from medstack.vault import DiskStore, Keyring, Vault
from medstack.vault.keys import MemoryRoot
from medstack.vault.tables import content, data_key, master_key, part, subject_key

HERE = Path(__file__).parents[3]
DOCUMENT = (HERE / "docs" / "on-disk-format.md").read_text()
SOURCES = [path.read_text() for path in (HERE / "src" / "medstack" / "vault").rglob("*.py")]
MARK = re.compile(r"medstack-[a-z0-9-]+-1\b")
ROOT = b"r" * 32
PLAIN = bytes(range(256)) * 700


def test_every_mark_in_the_code_is_explained_and_none_is_invented() -> None:
    written = {mark for source in SOURCES for mark in MARK.findall(source)}
    assert set(MARK.findall(DOCUMENT)) == written


@pytest.mark.parametrize("number", ["65536", "65480", "65520", "40", "16"])
def test_the_sizes_are_named(number: str) -> None:
    assert re.search(rf"\b{number}\b", DOCUMENT)


def open_wrap(key: bytes, wrapped: bytes, place: str) -> bytes:
    return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], place.encode())


def derive(key: bytes, salt: bytes | None, info: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info.encode()).derive(key)


def test_a_vault_can_be_read_with_nothing_but_the_document(
    db: Database, clock: SetClock, ids: TimeOrderedIds, tmp_path: Path
) -> None:
    keyring = Keyring(MemoryRoot(ROOT), clock=clock, ids=ids)
    keyring.unlock(db)
    vault = Vault(DiskStore(tmp_path / "store"), keyring, clock=clock, ids=ids)
    with db.begin() as tx:
        content_id = vault.create(tx, subject=7)
        key = vault.data_key(tx, content_id)
    sealed = vault.seal(key, [PLAIN])
    with db.begin() as tx:
        vault.append(tx, content_id, sealed, at=0)
    vault.close()

    def only(table: Table):  # type: ignore[no-untyped-def]
        with db.read() as tx:
            return tx.execute(select(table)).one()

    master, subject, data, piece = map(only, (master_key, subject_key, data_key, part))
    opened = open_wrap(ROOT, master.wrapped, "medstack-key-1|master|1|memory|1")
    opened = open_wrap(opened, subject.wrapped, f"medstack-key-1|subject|7|1|{subject.id}")
    opened = open_wrap(
        opened, data.wrapped, f"medstack-key-1|data|{content_id}.{data.id}|{subject.id}|1"
    )
    name = piece.object_name
    file = (tmp_path / "store" / "objects" / name[:2] / name).read_bytes()
    assert len(file) == 40 + len(PLAIN) + 16 * max(1, -(-(len(PLAIN) + 40) // 65520))
    assert plaintext(file, derive(opened, file[1:33], f"medstack-part-1|{name}")) == PLAIN

    chain = derive(opened, None, "medstack-derive-1|vault-parts")
    link = hmac.digest(chain, f"content|{content_id}".encode(), sha256)
    listed = f"part|0|{name}|{data.id}|{len(PLAIN)}|{len(file)}"
    assert only(content).chain == hmac.digest(chain, link + listed.encode(), sha256)


def plaintext(file: bytes, segment_key: bytes) -> bytes:
    cipher, prefix = AESGCM(segment_key), file[33:40]
    starts = range(0, len(file), 65536)
    pieces = []
    for index, start in enumerate(starts):
        last = bytes([index == len(starts) - 1])
        nonce = prefix + index.to_bytes(4, "big") + last
        pieces.append(cipher.decrypt(nonce, file[max(start, 40) : start + 65536], None))
    return b"".join(pieces)
