"""The documentation as the tests read it: pages, their sections, the tables and lists inside."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_CODE = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    """The text of a page under docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its rank or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", text, re.MULTILINE)
    assert found, f"there is no section {title!r}"
    end = re.search(rf"^#{{1,{len(found[1])}}} ", text[found.end() :], re.MULTILINE)
    return text[found.end() : found.end() + end.start()] if end else text[found.end() :]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without headings and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cut = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [
        n for n, cells in enumerate(cut) if all(re.fullmatch(":?-+:?", cell) for cell in cells)
    ]
    heads = {n - 1 for n in rules}
    return [cells for n, cells in enumerate(cut) if n not in heads and n not in rules]


def codes(text: str) -> list[str]:
    """Everything in back quotes, in order."""
    return _CODE.findall(text)


def first_codes(text: str) -> list[str]:
    """What is in back quotes in the first cell of every table row."""
    return [code for cells in rows(text) for code in codes(cells[0])]


def rooms_listed(text: str, title: str) -> list[str]:
    """The rooms of a numbered list, each line beginning with one in back quotes."""
    return re.findall(r"^\d+\. `(\w+)`", section(text, title), re.MULTILINE)
