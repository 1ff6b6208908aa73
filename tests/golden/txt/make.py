"""Plain text golden files: encodings and line ends."""

from __future__ import annotations

NOTE = (
    "Befund vom 12.03.2026\n\n"
    "Zahn 26: Füllung distal insuffizient, Perkussion negativ.\n"
    "Therapie: Kompositfüllung, Kontrolle in 6 Monaten.\n"
    "Größe der Läsion: 3 mm – Röntgenkontrolle empfohlen.\n"
)


def files() -> dict[str, bytes]:
    return {
        "note.txt": NOTE.encode(),
        "marked.txt": NOTE.encode("utf-8-sig"),
        "wide.txt": NOTE.encode("utf-16"),
        "windows.txt": NOTE.replace("\n", "\r\n").encode("cp1252"),
        "device.log": b"2026-03-12 09:14:03 autoclave cycle 118 start\n"
        b"2026-03-12 09:31:47 autoclave cycle 118 passed 134C 3.5min\n",
    }
