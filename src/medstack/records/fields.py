"""What may stand in a field that people write. SQL and HTML are just text.

Refused are characters no text has: controls, lone surrogates, and (in names) the marks that turn
writing direction, with which one file type can pose as another. A refusal names field and rule.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date, datetime

from medstack.kit.errors import Invalid
from medstack.records.model import Said

ORIGINAL_NAME_LENGTH = 255
DESCRIPTION_LENGTH = 4000
TAG_LENGTH = 64
TAGS = 50
SAID_LENGTHS = {"equipment": 200, "body_part": 100, "procedure": 500, "notes": 10_000}

_LINES = frozenset("\n\t")
_TURNS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class BadField(Invalid):
    """`facts`: field, rule (length, characters, empty, count, format), limit where there is one."""

    code = "bad-field"
    title = "A field has a value that is not allowed"


def check_text(field: str, text: str, *, longest: int) -> str:
    """Return `text` in Unicode normal form C, its line ends as newlines. Raises BadField."""
    whole = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    if len(whole) > longest:
        raise BadField(
            f"The field {field} takes at most {longest} characters.",
            field=field,
            rule="length",
            limit=longest,
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in _LINES for c in whole):
        raise _bad_characters(field)
    return whole


def check_line(field: str, text: str, *, longest: int) -> str:
    """As check_text, for a single line without marks that turn direction."""
    line = check_text(field, text, longest=longest)
    if any(c in _LINES or c in _TURNS for c in line):
        raise _bad_characters(field)
    return line


def check_original_name(text: str) -> str:
    """A file's name as its sender gave it; never empty. Raises BadField."""
    name = check_line("originalFileName", text, longest=ORIGINAL_NAME_LENGTH).strip()
    if not name:
        raise BadField("A file needs a name.", field="originalFileName", rule="empty")
    return name


def check_description(text: str) -> str:
    return check_text("description", text, longest=DESCRIPTION_LENGTH)


def check_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Trim, drop repetitions (letter case aside), keep the order. Raises BadField.

    A tag is 1 to 64 characters on one line, without a comma.
    """
    kept: dict[str, str] = {}
    for tag in tags:
        text = " ".join(check_line("tags", tag, longest=TAG_LENGTH).split())
        if not text:
            raise BadField("A tag needs a character.", field="tags", rule="empty")
        if "," in text:
            raise _bad_characters("tags")
        kept.setdefault(fold_tag(text), text)
    if len(kept) > TAGS:
        raise BadField(
            f"A record takes at most {TAGS} tags.", field="tags", rule="count", limit=TAGS
        )
    return tuple(kept.values())


def fold_tag(tag: str) -> str:
    """The form in which two spellings of a tag are one."""
    return unicodedata.normalize("NFC", " ".join(tag.split()).casefold())


def check_said(said: Said) -> Said:
    """Check every given field; empty text becomes None. Raises BadField."""
    checked: dict[str, str | None] = {"captured_at": _capture_date(said.captured_at)}
    for field, longest in SAID_LENGTHS.items():
        text = getattr(said, field)
        checked[field] = check_text(_wire(field), text, longest=longest) or None if text else None
    return replace(said, **checked)


def _capture_date(text: str | None) -> str | None:
    """An ISO 8601 date or date and time, as given."""
    if not text:
        return None
    for reads in (date.fromisoformat, datetime.fromisoformat):
        try:
            reads(text)
        except ValueError:
            continue
        return text
    raise BadField("Give an ISO 8601 date.", field="captureDate", rule="format")


def _wire(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(part.title() for part in rest)


def _bad_characters(field: str) -> BadField:
    return BadField(
        f"The field {field} holds characters that are not text.", field=field, rule="characters"
    )
