"""What the inverted index holds for a record, and what a search asks it for.

Four kinds of tokens. Words; their short beginnings (`:3pan`), so that a beginning is looked up and
never gathered; facets (`:s81`, the shelf; `:cinsurance`), so that a word and a filter meet inside
the index; on PostgreSQL also periods (`:t1843`), so that it can be read newest first. A word
holds no colon, so no text can pose as a facet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from medstack.records.fields import fold_tag
from medstack.records.model import Record
from medstack.records.rows import shelf_of
from medstack.records.words import SHORT_PREFIX, distinct_words

_ID_BITS_PER_MS = 21
_FIRST_PERIOD = 24 + _ID_BITS_PER_MS  # 4.7 hours
_GROWTH = 3  # each level is 8 times as long
LEVELS = 6  # the longest period is 17.4 years

Group = tuple[str, ...]  # tokens of which one must be there; "word*" is a beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Periods of one level, first to last: a stretch of time a search reads at once."""

    level: int
    first: int
    last: int

    @property
    def tokens(self) -> Group:
        return tuple(_period(self.level, n) for n in range(self.last, self.first - 1, -1))

    @property
    def lowest(self) -> int:
        """The lowest id that falls inside."""
        return self.first << _shift(self.level)

    @property
    def highest(self) -> int:
        return ((self.last + 1) << _shift(self.level)) - 1

    @property
    def parts(self) -> tuple[Window, ...]:
        """The same stretch in shorter windows, newest first; () if it is the shortest."""
        if self.first < self.last:
            each = range(self.last, self.first - 1, -1)
            return tuple(Window(level=self.level, first=n, last=n) for n in each)
        if self.level == 0:
            return ()
        first = self.first << _GROWTH
        return (Window(level=self.level - 1, first=first, last=first + (1 << _GROWTH) - 1),)


def text_words(record: Record, body: str) -> tuple[str, ...]:
    """The words of everything a record is found by, sorted."""
    found, said = record.found, record.said
    extra = " ".join(str(value) for value in found.extra.values() if isinstance(value, str))
    return distinct_words(
        record.original_name,
        record.description,
        " ".join(record.tags),
        *(text or "" for text in (record.captured_at, found.equipment, said.equipment)),
        *(text or "" for text in (found.body_part, said.body_part, found.procedure)),
        *(text or "" for text in (said.procedure, said.notes)),
        extra,
        record.category,
        record.subcategory or "",
        record.name.code if record.name else "",
        body,
    )


def beginnings(words: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens of the words' short beginnings."""
    starts = {word[:length] for word in words for length in range(1, SHORT_PREFIX + 1)}
    return tuple(sorted(beginning(start) for start in starts))


def beginning(start: str) -> str:
    return f":{len(start)}{start}"


def facets(record: Record) -> tuple[str, ...]:
    """Whose it is, what it is, to what it belongs."""
    kept = {
        "s": shelf_of(record.patient_key, record.uploaded_by),
        "c": record.category,
        "b": record.subcategory,
        "u": record.uploaded_by,
        "p": record.provider_id,
        "v": record.appointment_id,
        "k": record.case_id,
        "f": record.folder_id,
        "n": record.batch_id,
        "x": "1" if record.is_archived else None,
    }
    named = [facet(letter, value) for letter, value in kept.items() if value is not None]
    return (*named, *(tag_facet(tag) for tag in record.tags))


def facet(letter: str, value: object) -> str:
    return f":{letter}{value}"


def shelf_facets(shelves: Iterable[int]) -> Group:
    """The facets of a panel's shelves."""
    return tuple(facet("s", shelf) for shelf in sorted(shelves))


def tag_facet(tag: str) -> str:
    """A tag may hold any character, so a digest stands for it; the row itself decides."""
    return ":g" + hashlib.blake2b(fold_tag(tag).encode(), digest_size=8).hexdigest()


def periods(record_id: int) -> tuple[str, ...]:
    """The period a record falls into, on every level."""
    return tuple(_period(level, record_id >> _shift(level)) for level in range(LEVELS))


def windows(upper: int, lower: int) -> Iterator[Window]:
    """Cover the ids in [lower, upper), newest first, in windows that grow eightfold."""
    newest = upper - 1
    for level in range(LEVELS):
        if newest < lower:
            return
        last = newest >> _shift(level)
        first = 0 if level == LEVELS - 1 else (last >> _GROWTH) << _GROWTH
        window = Window(level=level, first=max(first, lower >> _shift(level)), last=last)
        yield window
        newest = window.lowest - 1


def _shift(level: int) -> int:
    return _FIRST_PERIOD + level * _GROWTH


def _period(level: int, number: int) -> str:
    return f":t{level}{number}"
