"""What a process remembers, and what it lets go."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from medstack.vault.lru import Lru


def test_the_least_recently_used_goes_first() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1)
    lru.put("b", 2)
    assert lru.get("a") == 1
    lru.put("c", 3)
    assert (lru.get("a"), lru.get("b"), lru.get("c")) == (1, None, 3)


@settings(deadline=None)
@given(keys=st.lists(st.integers(0, 20)), most=st.integers(1, 5), picky=st.booleans())
def test_it_never_holds_more_than_it_may_and_never_the_wrong_value(
    keys: list[int], most: int, picky: bool
) -> None:
    lru: Lru[int, int] = Lru(most, picky=picky)
    for key in keys:
        assert lru.get(key) in (None, key * 7)
        lru.put(key, key * 7)
        assert len(lru) <= most


def test_what_is_unwanted_is_dropped() -> None:
    lru: Lru[tuple[str, int], int] = Lru(9)
    for name in ("a", "b"):
        for index in range(3):
            lru.put((name, index), index)
    lru.drop(lambda key: key[0] == "a")
    assert len(lru) == 3
    assert lru.get(("a", 0)) is None
    assert lru.get(("b", 0)) == 0


def test_a_picky_memory_keeps_only_what_comes_again() -> None:
    lru: Lru[str, int] = Lru(2, picky=True)
    lru.put("a", 1)
    assert lru.get("a") is None
    lru.put("a", 1)
    assert lru.get("a") == 1


def test_a_picky_memory_forgets_what_came_once_long_ago() -> None:
    lru: Lru[int, int] = Lru(2, picky=True)
    for key in (1, 2, 3, 1):
        lru.put(key, key)
    assert lru.get(1) is None


def test_a_stream_of_strangers_displaces_nothing() -> None:
    lru: Lru[int, int] = Lru(2, picky=True)
    for key in (1, 1, 2, 2, *range(100, 200)):
        lru.put(key, key)
    assert (lru.get(1), lru.get(2)) == (1, 2)
