"""Table golden files: delimiters, quotes, encodings, ragged rows."""

from __future__ import annotations

ROWS = [
    ("Datum", "Parameter", "Wert", "Einheit", "Bemerkung"),
    ("2026-03-12", "Hämoglobin", "13,9", "g/dl", "nüchtern, morgens"),
    ("2026-03-12", "CRP", "2,1", "mg/l", 'Befund "unauffällig"'),
    ("2026-03-13", "Glukose", "98", "mg/dl", "zwei\nZeilen"),
]


def table(delimiter: str, end: str) -> str:
    def cell(text: str) -> str:
        needs = any(letter in text for letter in (delimiter, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(delimiter.join(map(cell, row)) + end for row in ROWS)


def files() -> dict[str, bytes]:
    return {
        "comma.csv": table(",", "\r\n").encode(),
        "semicolon.csv": table(";", "\r\n").encode("cp1252"),
        "marked.csv": table(";", "\n").encode("utf-8-sig"),
        "tab.tsv": table("\t", "\n").encode(),
        "ragged.csv": b"a,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11,12\n13,14,15\n16,17,18\n19,20,21\n",
        "loose.csv": b'Teil,Groesse,Menge\n"Rohr" lang,"5" Zoll,2\nMutter,8 mm,4\n',
    }
