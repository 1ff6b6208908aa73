"""What cameras and programs write beside the pixels, whatever block it came in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medstack.formats.contract import IdentityMark

_STAMP = re.compile(
    r"(\d{4})[:\-./](\d{2})[:\-./](\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?"
    r"(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Facts of one metadata block, and the places in it where somebody is named."""

    orientation: int = 1  # EXIF 1–8
    captured_at: str | None = None
    equipment: str | None = None
    resolution_dpi: float | None = None
    marks: tuple[IdentityMark, ...] = ()


def merged(*blocks: Embedded) -> Embedded:
    """One Embedded from several: earlier blocks win, marks add up."""
    return Embedded(
        orientation=next((b.orientation for b in blocks if b.orientation != 1), 1),
        captured_at=next((b.captured_at for b in blocks if b.captured_at), None),
        equipment=next((b.equipment for b in blocks if b.equipment), None),
        resolution_dpi=next((b.resolution_dpi for b in blocks if b.resolution_dpi), None),
        marks=tuple(dict.fromkeys(mark for b in blocks for mark in b.marks)),
    )


def unreadable(block: str) -> Embedded:
    """A block that cannot be read may name anybody."""
    return Embedded(marks=(IdentityMark(kind="unreadable", place=block),))


def iso_stamp(text: str, zone: str = "") -> str | None:
    """ISO 8601 of a device's date and time, None if it is not one.

    zone: "+02:00" where the device wrote it apart.
    """
    match = _STAMP.match(text.strip())
    if match is None or not _is_date(*match.group(1, 2, 3)):
        return None
    year, month, day, hour, minute, second, own_zone = match.groups()
    stamp = f"{year}-{month}-{day}"
    if hour is None or int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
        return stamp
    return f"{stamp}T{hour}:{minute}:{second or '00'}{_zone(own_zone or zone)}"


def _is_date(year: str, month: str, day: str) -> bool:
    return int(year) > 0 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _zone(text: str) -> str:
    match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})|Z", text.strip())
    if match is None:
        return ""
    sign, hours, minutes = match.groups()
    return f"{sign}{hours}:{minutes}" if sign else "Z"


def maker_and_model(maker: str, model: str) -> str | None:
    """One name for a device: the maker is left out where the model repeats it."""
    maker, model = " ".join(maker.split()), " ".join(model.split())
    if maker and model.lower().startswith(maker.lower()):
        maker = ""
    return " ".join(part for part in (maker, model) if part)[:200] or None


def sane_dpi(value: float | None) -> float | None:
    """A resolution somebody meant: 72 is what writers put when they know none."""
    if value is None or not 10 <= value <= 100_000 or round(value) == 72:
        return None
    return round(value, 2)
