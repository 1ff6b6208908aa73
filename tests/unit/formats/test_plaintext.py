"""Text and tables: which encoding, which shape, and what is no text at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medstack.formats import csv as csv_module
from medstack.formats import plaintext
from medstack.formats.contract import TEXT_CAP, Damaged, Excessive
from medstack.formats.csv import CSV
from medstack.formats.txt import TXT
from medstack.kit.streams import CHUNK_BYTES, MemorySource


def extra(entry, content: bytes) -> dict:
    return entry.inspect(MemorySource(content)).metadata.extra


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"plain", "utf-8"),
        ("Größe".encode(), "utf-8"),
        ("Größe".encode("utf-8-sig"), "utf-8-sig"),
        ("Größe".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "Größe".encode("utf-16-be"), "utf-16"),
        ("Größe – 3 €".encode("cp1252"), "cp1252"),
    ],
)
def test_the_encoding_is_told(content: bytes, encoding: str) -> None:
    assert extra(TXT, content)["encoding"] == encoding
    assert "ö" not in content.decode("ascii", "ignore")
    assert "�" not in TXT.text(MemorySource(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a\0b",
        b"a\x1b[31mb",
        b"\x81\x8d\x90 no encoding has these",
        b"\xef\xbb\xbf\xff",
        b"\xff\xfea\0b",
        b"\xff\xfe\x00\xd8",
    ],
)
def test_what_is_no_text_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged):
        TXT.inspect(MemorySource(content))


def test_separators_of_old_systems_and_the_dos_end_are_text() -> None:
    assert extra(TXT, b"MSH|^~\\&|\r\x0b\x1c page\x0c next\x1a")["lineCount"] == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(end: str) -> None:
    assert extra(TXT, (f"one{end}two{end}three").encode())["lineCount"] == 3


@settings(deadline=None, max_examples=40)
@given(
    text=st.lists(st.sampled_from(["ä", "x", "\r\n", "\n", "\r", "\u2028", "\x85", ",", "\x0c"])),
    pad=st.integers(0, 3),
)
def test_lines_put_together_are_the_text_also_across_chunks(text: list[str], pad: int) -> None:
    content = "y" * (CHUNK_BYTES - pad) + "".join(text)
    got = list(plaintext.lines(MemorySource(content.encode()), "utf-8"))
    assert "".join(got) == content
    assert all(line.rstrip("\r\n").count("\n") == 0 for line in got)
    assert all(line == "\r\n" or not line.startswith("\n") or line == "\n" for line in got)


def test_searchable_text_stops_at_its_cap() -> None:
    assert len(TXT.text(MemorySource("ä".encode() * (TEXT_CAP + 5)))) == TEXT_CAP


def test_a_text_too_long_is_excessive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plaintext, "MAX_BYTES", 10)
    with pytest.raises(Excessive) as caught:
        TXT.inspect(MemorySource(b"x" * 11))
    assert caught.value.facts == {"rule": "text-bytes", "limit": 10, "found": 11}


# -- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "delimiter", "rows", "columns"),
    [
        (b"a,b\n1,2\n", "comma", 2, 2),
        (b"a;b;c\r\n1,5;2;3\r\n", "semicolon", 2, 3),
        (b"a\tb\n1,000\t2,000\n", "tab", 2, 2),
        (b"a|b\n1|2", "pipe", 2, 2),
        (b'"a,b",c\n"1,2",3\n', "comma", 2, 2),
        (b"only\none\ncolumn\n", "comma", 3, 1),
        (b"a,b\n\n1,2\n\n", "comma", 2, 2),
    ],
)
def test_the_shape_of_a_table_is_told(
    content: bytes, delimiter: str, rows: int, columns: int
) -> None:
    found = extra(CSV, content)
    assert (found["delimiter"], found["rowCount"], found["columnCount"]) == (
        delimiter,
        rows,
        columns,
    )
    assert found["raggedRowCount"] == 0


def test_ragged_rows_are_said() -> None:
    assert extra(CSV, b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3\n")["raggedRowCount"] == 2


def test_loose_quotes_are_said() -> None:
    assert extra(CSV, b'"a"x,b\n1,2\n')["hasLooseQuotes"] is True


def test_a_quote_never_closed_is_damaged() -> None:
    with pytest.raises(Damaged, match="never closed"):
        CSV.inspect(MemorySource(b'a,b\n1,"2\n3,4\n'))


def test_a_cell_too_long_is_excessive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_module, "MAX_CELL_CHARS", 100)
    with pytest.raises(Excessive):
        CSV.inspect(MemorySource(b'a,"' + b"x" * 101 + b'"\n'))


def test_a_table_too_wide_or_too_long_is_excessive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_module, "MAX_COLUMNS", 3)
    with pytest.raises(Excessive):
        CSV.inspect(MemorySource(b"1,2,3,4\n"))
    monkeypatch.setattr(csv_module, "MAX_ROWS", 3)
    with pytest.raises(Excessive):
        CSV.inspect(MemorySource(b"1,2\n" * 4))


@pytest.mark.parametrize("content", [b"just one line", b"A sentence, with a comma.\nNone here\n"])
def test_prose_does_not_look_like_a_table(content: bytes) -> None:
    assert not CSV.sniff(content, content, len(content))


def test_a_formula_is_kept_as_it_came() -> None:
    assert "=1+1" in CSV.text(MemorySource(b"a,b\n=1+1,2\n"))
