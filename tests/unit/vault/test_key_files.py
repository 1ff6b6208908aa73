"""Keys kept in files: what is refused, and in which words."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import msgspec
import pytest
from tests.unit.vault.faulty import FaultyFs

from medstack.db import StorageFull
from medstack.vault.fs import StorageFailed
from medstack.vault.keys import (
    FileRoot,
    KeyFileBesideData,
    KeyFileExposed,
    KeyMissing,
    KeyRefused,
    MemoryRoot,
    PassphraseRoot,
    WrongPassphrase,
    private_file,
)
from medstack.vault.keys.database_key import open_database_key
from medstack.vault.keys.passphrase import Costs, WeakPassphrase

CHEAP = Costs(iterations=1, memory_kib=8 * 1024, lanes=1)
SECRET = bytes(range(32))
PASSPHRASE = "correct horse battery"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "medstack" / "root.key"


def test_the_key_file_is_made_on_first_use_for_its_owner_only(data: Path, key_file: Path) -> None:
    before = os.umask(0)
    try:
        FileRoot(key_file, data=data).wrap(SECRET, aad=b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert list(key_file.parent.iterdir()) == [key_file]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o666])
def test_a_key_file_others_may_touch_is_refused(data: Path, key_file: Path, mode: int) -> None:
    wrapped = FileRoot(key_file, data=data).wrap(SECRET, aad=b"")
    key_file.chmod(mode)
    root = FileRoot(key_file, data=data)
    with pytest.raises(KeyFileExposed):
        root.unwrap(wrapped, aad=b"")
    assert root.health().code == "key-file-exposed"


def test_a_folder_others_may_write_to_is_refused(data: Path, key_file: Path) -> None:
    wrapped = FileRoot(key_file, data=data).wrap(SECRET, aad=b"")
    key_file.parent.chmod(0o777)
    with pytest.raises(KeyFileExposed):
        FileRoot(key_file, data=data).unwrap(wrapped, aad=b"")


@pytest.mark.parametrize("where", ["root.key", "keys/root.key", "../data/root.key"])
def test_a_key_file_inside_the_data_folder_is_refused(data: Path, where: str) -> None:
    root = FileRoot(data / where, data=data)
    with pytest.raises(KeyFileBesideData):
        root.wrap(SECRET, aad=b"")
    assert list(data.iterdir()) == []


def test_a_link_out_of_the_data_folders_name_does_not_hide_where_the_key_is(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "config").symlink_to(data)
    with pytest.raises(KeyFileBesideData):
        FileRoot(tmp_path / "config" / "root.key", data=data).wrap(SECRET, aad=b"")


def test_a_key_file_beside_the_data_is_taken_when_the_risk_is_accepted(data: Path) -> None:
    root = FileRoot(data / "root.key", data=data, accept_beside_data=True)
    assert root.unwrap(root.wrap(SECRET, aad=b""), aad=b"") == SECRET


def test_a_lost_key_file_is_named_as_such_and_not_made_anew(data: Path, key_file: Path) -> None:
    wrapped = FileRoot(key_file, data=data).wrap(SECRET, aad=b"")
    key_file.unlink()
    with pytest.raises(KeyMissing):
        FileRoot(key_file, data=data).unwrap(wrapped, aad=b"")
    assert not key_file.exists()


@pytest.mark.parametrize("content", [b"", b"medstack-root-1 !!!\n", b"medstack-root-1 AAAA\n"])
def test_a_damaged_key_file_is_refused(data: Path, key_file: Path, content: bytes) -> None:
    wrapped = FileRoot(key_file, data=data).wrap(SECRET, aad=b"")
    key_file.write_bytes(content)
    with pytest.raises(KeyRefused):
        FileRoot(key_file, data=data).unwrap(wrapped, aad=b"")


def test_a_folder_or_pipe_in_place_of_the_key_file_is_refused(data: Path, key_file: Path) -> None:
    key_file.parent.mkdir(parents=True, mode=0o700)
    os.mkfifo(key_file, 0o600)
    with pytest.raises(KeyFileExposed):
        FileRoot(key_file, data=data).unwrap(bytes(60), aad=b"")


def test_a_wrong_passphrase_is_one_clear_error(data: Path) -> None:
    beside = data / "root.json"
    wrapped = PassphraseRoot(PASSPHRASE, beside=beside, costs=CHEAP).wrap(SECRET, aad=b"")
    wrong = PassphraseRoot(PASSPHRASE + "!", beside=beside)
    with pytest.raises(WrongPassphrase) as refused:
        wrong.unwrap(wrapped, aad=b"")
    assert refused.value.code == "wrong-passphrase"
    assert wrong.health().code == "wrong-passphrase"
    with pytest.raises(WrongPassphrase):
        wrong.wrap(SECRET, aad=b"")


def test_costs_and_salt_come_from_the_file_beside_not_from_the_settings(data: Path) -> None:
    beside = data / "root.json"
    wrapped = PassphraseRoot(PASSPHRASE, beside=beside, costs=CHEAP).wrap(SECRET, aad=b"")
    assert PassphraseRoot(PASSPHRASE, beside=beside).unwrap(wrapped, aad=b"") == SECRET
    assert PASSPHRASE.encode() not in beside.read_bytes()


def test_a_passphrase_typed_on_another_keyboard_is_the_same(data: Path) -> None:
    beside = data / "root.json"
    composed = PassphraseRoot("Zähne und Brücken", beside=beside, costs=CHEAP)
    decomposed = PassphraseRoot("Za\u0308hne und Bru\u0308cken", beside=beside)
    assert decomposed.unwrap(composed.wrap(SECRET, aad=b""), aad=b"") == SECRET


def test_a_short_passphrase_is_refused_when_the_vault_is_made(data: Path) -> None:
    with pytest.raises(WeakPassphrase):
        PassphraseRoot("elevenchars", beside=data / "root.json", costs=CHEAP).wrap(b"", aad=b"")
    assert list(data.iterdir()) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_kib", 2**31),
        ("memory_kib", 8),
        ("iterations", 0),
        ("lanes", 0),
        ("salt", "AAAA"),
        ("format", "x"),
    ],
)
def test_costs_made_worthless_or_ruinous_are_refused(data: Path, field: str, value: object) -> None:
    beside = data / "root.json"
    wrapped = PassphraseRoot(PASSPHRASE, beside=beside, costs=CHEAP).wrap(SECRET, aad=b"")
    beside.write_bytes(
        msgspec.json.encode({**msgspec.json.decode(beside.read_bytes()), field: value})
    )
    with pytest.raises(KeyRefused):
        PassphraseRoot(PASSPHRASE, beside=beside).unwrap(wrapped, aad=b"")


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_private_file_is_whole_or_absent_whichever_call_fails(tmp_path: Path, error: int) -> None:
    counting = FaultyFs()
    assert private_file.create(tmp_path / "0" / "key", b"content", fs=counting)
    for number in range(1, counting.count + 1):
        path = tmp_path / f"{number}" / "key"
        fs = FaultyFs(fail_at=number, error=error, torn=True)
        with pytest.raises((StorageFull, StorageFailed)):
            private_file.create(path, b"content", fs=fs)
        assert private_file.read(path) in (None, b"content")
        assert [file.name for file in path.parent.iterdir()] in ([], ["key"])
        private_file.create(path, b"content")
        assert private_file.read(path) == b"content"


def test_the_database_key_is_made_once_and_kept_wrapped(data: Path) -> None:
    root, path = MemoryRoot(), data / "database.key.json"
    key = open_database_key(root, path)
    assert len(key) == 32
    assert open_database_key(root, path, create=False) == key
    assert key not in path.read_bytes()
    assert key.hex().encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_database_key_of_another_root_is_refused(data: Path) -> None:
    path = data / "database.key.json"
    open_database_key(MemoryRoot(), path)
    with pytest.raises(KeyRefused):
        open_database_key(MemoryRoot(), path)
    with pytest.raises(KeyRefused, match="another key provider"):
        open_database_key(PassphraseRoot(PASSPHRASE, beside=data / "root.json"), path)


def test_a_lost_database_key_is_not_made_anew_where_there_is_a_database(data: Path) -> None:
    with pytest.raises(KeyMissing):
        open_database_key(MemoryRoot(), data / "database.key.json", create=False)
    assert list(data.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format":"x","root":"memory","wrapped":""}'])
def test_a_damaged_database_key_is_refused(data: Path, content: bytes) -> None:
    path = data / "database.key.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyRefused):
        open_database_key(MemoryRoot(), path)
