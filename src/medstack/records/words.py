"""Which words a text is found by. One tokenizer for both databases, so both find the same.

A word is a run of letters and digits, without case and accents; an ideograph or kana is a word of
its own. No stemming, no stop words. Every query word must occur; the last one may be a beginning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

WORD_LENGTH = 48  # longer runs are cut, in texts and in queries alike
WORDS_PER_RECORD = 20_000
QUERY_WORDS = 16
SHORT_PREFIX = 3  # beginnings up to this length are indexed as tokens of their own

_SINGLE = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+")
_MARKS = re.compile(r"[\u0300-\u036f]+")


def fold(text: str) -> str:
    """Text without case, compatibility forms and Latin accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", apart))
    return unicodedata.normalize("NFC", bare)


def words_of(text: str) -> Iterator[str]:
    """The words of `text` in order, repeated where they repeat."""
    for found in _WORD.finditer(fold(text)):
        yield found.group()[:WORD_LENGTH]


def query_words(text: str) -> tuple[str, ...]:
    """The words of a query, the last of which may be a beginning; () if it has none."""
    return tuple(words_of(text))[:QUERY_WORDS]


def distinct_words(*texts: str) -> tuple[str, ...]:
    """The words a record is found by, sorted; the first WORDS_PER_RECORD of a huge text."""
    kept: set[str] = set()
    for text in texts:
        for word in words_of(text):
            kept.add(word)
            if len(kept) >= WORDS_PER_RECORD:
                return tuple(sorted(kept))
    return tuple(sorted(kept))


def spans(text: str, query: str) -> tuple[tuple[int, int], ...]:
    """Where `query` is met in `text`: (start, end) of each word, in characters of `text`."""
    *whole, last = query_words(query) or ("",)
    if not last:
        return ()
    found = []
    for start, end in _runs(text):
        for word in words_of(text[start:end]):
            if word in whole or word.startswith(last):
                found.append((start, end))
                break
    return tuple(found)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """The words of unfolded text, with the marks that belong to their letters."""
    for found in re.finditer(
        rf"[{_SINGLE}]|[^\W_{_SINGLE}](?:[^\W_{_SINGLE}]|[\u0300-\u036f])*", text
    ):
        yield found.span()
