"""What every keeper of the root key promises, asked of each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from medstack.vault.keys import (
    PROVIDERS,
    FileRoot,
    KeyMissing,
    KeyRefused,
    MemoryRoot,
    PassphraseRoot,
    RootProvider,
)
from medstack.vault.keys.passphrase import Costs

CHEAP = Costs(iterations=1, memory_kib=8 * 1024, lanes=1)
SECRET = bytes(range(32))
Reopen = Callable[[], RootProvider]


def opener(kind: type[RootProvider], folder: Path) -> Reopen:
    """A function that opens the same root again, as after a restart."""
    (folder / "data").mkdir(parents=True)
    if kind is FileRoot:
        return lambda: FileRoot(folder / "config" / "root.key", data=folder / "data")
    if kind is PassphraseRoot:
        beside = folder / "data" / "root.json"
        return lambda: PassphraseRoot("correct horse battery", beside=beside, costs=CHEAP)
    assert kind is MemoryRoot, "teach this suite how to make the new provider"
    return lambda: MemoryRoot(b"k" * 32)


@pytest.fixture(params=PROVIDERS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> type[RootProvider]:
    found: type[RootProvider] = request.param
    return found


@pytest.fixture
def reopen(kind: type[RootProvider], tmp_path: Path) -> Reopen:
    return opener(kind, tmp_path / "one")


def test_what_is_wrapped_is_unwrapped(reopen: Reopen) -> None:
    root = reopen()
    assert root.unwrap(root.wrap(SECRET, aad=b"here"), aad=b"here") == SECRET


def test_a_restart_changes_nothing(reopen: Reopen) -> None:
    wrapped = reopen().wrap(SECRET, aad=b"here")
    assert reopen().unwrap(wrapped, aad=b"here") == SECRET
    assert reopen().id == reopen().id


def test_a_wrap_shows_nothing_of_the_secret_and_is_never_the_same(reopen: Reopen) -> None:
    root = reopen()
    wrapped = root.wrap(SECRET, aad=b"here")
    assert SECRET not in wrapped
    assert SECRET[:8] not in wrapped
    assert root.wrap(SECRET, aad=b"here") != wrapped


def test_a_wrap_opens_only_in_its_place(reopen: Reopen) -> None:
    root = reopen()
    wrapped = root.wrap(SECRET, aad=b"here")
    with pytest.raises(KeyRefused):
        root.unwrap(wrapped, aad=b"there")


def test_a_wrap_with_any_byte_changed_is_refused(reopen: Reopen) -> None:
    root = reopen()
    wrapped = root.wrap(SECRET, aad=b"here")
    for at in range(len(wrapped)):
        changed = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        with pytest.raises(KeyRefused):
            root.unwrap(changed, aad=b"here")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27])
def test_a_wrap_cut_short_is_refused(reopen: Reopen, length: int) -> None:
    root = reopen()
    wrapped = root.wrap(SECRET, aad=b"here")
    with pytest.raises(KeyRefused):
        root.unwrap(wrapped[:length], aad=b"here")


def test_another_root_does_not_open_it(kind: type[RootProvider], tmp_path: Path) -> None:
    wrapped = opener(kind, tmp_path / "one")().wrap(SECRET, aad=b"here")
    other = MemoryRoot() if kind is MemoryRoot else opener(kind, tmp_path / "two")()
    other.wrap(b"to exist", aad=b"")
    with pytest.raises(KeyRefused):
        other.unwrap(wrapped, aad=b"here")


def test_unwrapping_never_makes_a_root(kind: type[RootProvider], tmp_path: Path) -> None:
    if kind is MemoryRoot:
        return  # it is made with the object
    root = opener(kind, tmp_path / "one")()
    with pytest.raises(KeyMissing):
        root.unwrap(bytes(60), aad=b"here")
    assert not root.health().is_ready
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_health_says_ready_once_there_is_a_root(reopen: Reopen) -> None:
    root = reopen()
    root.wrap(SECRET, aad=b"here")
    assert root.health().is_ready
    assert reopen().health().is_ready


def test_threads_that_are_first_together_share_one_root(reopen: Reopen) -> None:
    roots = [reopen() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        wraps = list(pool.map(lambda n: roots[n % 4].wrap(SECRET, aad=b"here"), range(8)))
    assert all(reopen().unwrap(wrapped, aad=b"here") == SECRET for wrapped in wraps)


def test_an_id_is_a_code_and_no_secret(reopen: Reopen) -> None:
    root = reopen()
    assert root.id.islower()
    assert "|" not in root.id


def test_a_key_does_not_show_in_its_keepers_words(reopen: Reopen) -> None:
    root = reopen()
    root.wrap(SECRET, aad=b"here")
    key = vars(root)["_key"]
    for words in (repr(root), str(root)):
        assert repr(key) not in words
        assert key.hex() not in words
