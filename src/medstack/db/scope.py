"""The slice of the practice one caller may see, as every query must be given it.

Made by `access`, applied by the rooms' SQL: a query that forgets its Scope does not type-check.
Panels are subqueries, so an assignment withdrawn this second is gone from the next row read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, true

from medstack.kit.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Patients and access levels a caller may read.

    panel: a SELECT of patient keys, or None for every patient.
    levels: record access levels the caller's role may read.
    inbox_of: uploads without a patient are visible to this account; None = to nobody,
        and with `panel` None all inboxes are visible.
    """

    panel: Select[tuple[int]] | None
    levels: frozenset[str]
    inbox_of: AccountId | None = None

    def covers(self, patient_key: ColumnElement[Any]) -> ColumnElement[bool]:
        """The WHERE clause for a table that tells patients apart but knows no access level."""
        return true() if self.panel is None else patient_key.in_(self.panel)

    def allows(
        self,
        patient_key: ColumnElement[Any],
        level: ColumnElement[Any],
        uploader: ColumnElement[Any],
    ) -> ColumnElement[bool]:
        """The WHERE clause for a table with these three columns."""
        if self.panel is None:
            who: ColumnElement[bool] = true()
        else:
            who = patient_key.in_(self.panel)
            if self.inbox_of is not None:
                who = or_(who, and_(patient_key.is_(None), uploader == self.inbox_of))
        return and_(who, level.in_(sorted(self.levels)) if self.levels else false())
