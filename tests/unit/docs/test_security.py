"""docs/security.md lists every right, role and audit event as they are."""

from __future__ import annotations

from tests.unit.docs.pages import ROOT, codes, page, rows, section

from medstack.access.rules import TABLE, Relation
from medstack.audit import Action
from medstack.kit.actor import Role

SECURITY = page("security.md")
ROLES = (Role.PATIENT, Role.STAFF, Role.DENTIST, Role.ADMIN)


def reach(words: str) -> frozenset[Relation]:
    """A cell of the table of rights: `all`, `–`, or relations."""
    if words == "all":
        return frozenset(Relation)
    return frozenset() if words == "–" else frozenset(Relation(word) for word in words.split())


def test_the_table_of_rights_is_the_one_that_decides() -> None:
    table = rows(section(SECURITY, "Who is who"))
    told = {
        codes(right)[0]: {role: reach(cell) for role, cell in zip(ROLES, cells, strict=True)}
        for right, *cells in table
    }
    assert told == {right.value: dict(TABLE[right]) for right in TABLE}


def source() -> str:
    """Our own source, but for the list of events itself."""
    files = (ROOT / "src" / "medstack").rglob("*.py")
    return "\n".join(path.read_text() for path in files if path.name != "actions.py")


def test_every_event_of_the_log_is_told_under_written_or_reserved() -> None:
    text = source()
    written = {action.value for action in Action if f"Action.{action.name}" in text}
    told = [code for cells in rows(section(SECURITY, "Events")) for code in codes(cells[1])]
    assert len(told) == len(set(told)), "told twice"
    assert set(told) == written
    assert set(codes(section(SECURITY, "Reserved"))) == {a.value for a in Action} - written
