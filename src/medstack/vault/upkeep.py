"""Looking after a vault: removing litter, and proving that rows and bytes agree.

Nothing here deletes what a row uses. Both may run beside live traffic and be stopped anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from medstack.db import Database, Tx
from medstack.kit.errors import Broken, Missing
from medstack.kit.ids import ContentId
from medstack.vault import rows
from medstack.vault.fs import StorageFailed
from medstack.vault.source import ContentSource
from medstack.vault.stores.contract import Store, Stored

YOUNG = timedelta(days=1)  # a part of this age may still be on its way to its content
_PAGE = 200

OpenContent = Callable[[Tx, ContentId], ContentSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One disagreement. `code` is that of the problem a reader would meet."""

    code: str
    content_id: ContentId | None = None
    object_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    contents: int
    objects: int
    findings: tuple[Finding, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.findings


def sweep(db: Database, store: Store, *, now: datetime, older_than: timedelta) -> int:
    """Remove condemned objects, and stored ones no row knows, older than `older_than`."""
    before = now - older_than
    removed = 0
    while names := _condemned(db, before):
        removed += _remove(db, store, names)
    for page in _pages(store):
        removed += _remove(db, store, _condemn_orphans(db, page, now=now, before=before))
    return removed


def check(
    db: Database, store: Store, open_content: OpenContent, *, now: datetime, deep: bool
) -> CheckReport:
    """Open every content, compare every object with its rows; `deep` decrypts every byte."""
    findings: list[Finding] = []
    contents = 0
    for page in _content_ids(db):
        contents += len(page)
        findings += [
            Finding(code=code, content_id=content_id)
            for content_id in page
            if (code := _trouble(db, open_content, content_id, deep=deep))
        ]
    findings += _miscounted(db)
    objects = 0
    for stored in _pages(store):
        objects += len(stored)
        findings += _orphans(db, stored, before=now - YOUNG)
    return CheckReport(contents=contents, objects=objects, findings=tuple(findings))


def _condemned(db: Database, before: datetime) -> list[str]:
    with db.read() as tx:
        return rows.condemned(tx, before, _PAGE)


def _condemn_orphans(
    db: Database, page: list[Stored], *, now: datetime, before: datetime
) -> list[str]:
    """Claim litter by giving it a row: from then on no append can place it."""
    old = {stored.name: stored for stored in page if stored.stored_at <= before}
    if not old:
        return []
    with db.read() as tx:
        unknown = sorted(old.keys() - rows.known_objects(tx, sorted(old)))
    if not unknown:
        return []
    with db.begin() as tx:
        return [name for name in unknown if rows.condemn_orphan(tx, name, old[name].size, now)]


def _remove(db: Database, store: Store, names: list[str]) -> int:
    for name in names:
        store.delete(name)
    if names:
        with db.begin() as tx:
            rows.drop_objects(tx, names)
    return len(names)


def _trouble(
    db: Database, open_content: OpenContent, content_id: ContentId, *, deep: bool
) -> str | None:
    """The code of what a reader would meet; None if all is well or the content is gone.

    Tried twice, lest it was shredded and swept between our reading its rows and its bytes.
    """
    code = None
    for _ in range(2):
        try:
            _read_content(db, open_content, content_id, deep=deep)
        except Missing:
            return None
        except (Broken, StorageFailed) as problem:
            code = problem.code
        else:
            return None
    return code


def _read_content(
    db: Database, open_content: OpenContent, content_id: ContentId, *, deep: bool
) -> None:
    with db.read() as tx:
        source = open_content(tx, content_id)
    try:
        if deep:
            source.verify()
    finally:
        source.close()


def _miscounted(db: Database) -> Iterator[Finding]:
    after = ""
    while True:
        with db.read() as tx:
            page = rows.objects_after(tx, after, _PAGE)
            counts = rows.counted_uses(tx, [row.name for row in page])
        for row in page:
            if counts.get(row.name, 0) != row.uses:
                yield Finding(code="object-uses-wrong", object_name=row.name)
        if len(page) < _PAGE:
            return
        after = page[-1].name


def _orphans(db: Database, page: list[Stored], *, before: datetime) -> list[Finding]:
    old = [stored.name for stored in page if stored.stored_at <= before]
    with db.read() as tx:
        known = rows.known_objects(tx, old)
    return [
        Finding(code="object-without-row", object_name=name) for name in old if name not in known
    ]


def _content_ids(db: Database) -> Iterator[list[ContentId]]:
    after = 0
    while True:
        with db.read() as tx:
            page = [row.id for row in rows.contents_after(tx, after, _PAGE)]
        yield page
        if len(page) < _PAGE:
            return
        after = page[-1]


def _pages(store: Store) -> Iterator[list[Stored]]:
    after = ""
    while True:
        page = store.page(after=after)
        if not page:
            return
        yield page
        after = page[-1].name
