"""Is everything there? Every version and picture has its content, every content its bytes."""

from __future__ import annotations

from dataclasses import dataclass

from medstack import intake, records
from medstack.flows.house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundness:
    """What a check found, a line each; ids and codes only."""

    is_sound: bool
    lines: tuple[str, ...]


def check(house: House, *, deep: bool = False) -> Soundness:
    """Compare rows with bytes and bytes with rows. deep: decrypt every byte of it too."""
    report = house.vault.check(house.db, deep=deep)
    lines = [f"{report.contents} contents, {report.objects} objects"]
    for finding in report.findings:
        where = finding.content_id or finding.object_name
        lines.append(f"{finding.code}: {where}")
    lost, stray = _contents_compared(house)
    lines += [f"record-without-content: {content_id}" for content_id in lost]
    lines += [f"content-without-record: {content_id}" for content_id in stray]
    is_sound = report.is_whole and not lost and not stray
    return Soundness(is_sound=is_sound, lines=tuple(lines))


def _contents_compared(house: House) -> tuple[list[int], list[int]]:
    """Contents that rows name and the vault does not know, and those it knows and no row names."""
    with house.db.read() as tx:
        named = records.all_contents(tx) | intake.all_contents(tx)
        known = house.vault.known(tx)
    return sorted(named - known), sorted(known - named)
