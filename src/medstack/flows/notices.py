"""What a signed-in person is told as it happens.

A notice carries ids and codes; what it is about is fetched through the usual permissions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medstack import notices
from medstack.flows.house import House
from medstack.flows.standing import scope_of
from medstack.kit.actor import Actor
from medstack.kit.ids import id_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice as a door passes it on."""

    id: int
    kind: str
    facts: Mapping[str, str | int | float | bool | None]


class Notices:
    """The feed of one house. Safe to share."""

    def __init__(self, house: House) -> None:
        self._house = house

    def newest(self, actor: Actor) -> int:
        """The id of the last notice so far; 0 if there is none."""
        with self._house.db.read() as tx:
            return notices.newest(tx)

    def after(self, actor: Actor, last_seen: int, limit: int) -> Sequence[Told]:
        """At most `limit` notices this caller may know, oldest first."""
        with self._house.db.read() as tx:
            scope = scope_of(self._house, actor)
            found = notices.since(tx, scope, actor.account_id, last_seen, limit=limit)
        return [
            Told(
                id=notice.id,
                kind=notice.kind.value,
                facts={
                    "recordId": None if notice.record_id is None else id_out(notice.record_id),
                    "code": notice.code,
                    "at": notice.at.isoformat(),
                },
            )
            for notice in found
        ]
