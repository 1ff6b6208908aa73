"""Limits and switches: what ships, what wins, and to the byte."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.people.practice import NOW

from medstack import access
from medstack.access import (
    ADMIN_CONTENT_NEEDS_REASON,
    SHIPPED,
    Context,
    Measure,
    Policies,
)
from medstack.access.policies import LIMITS
from medstack.db import Database
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId

MB = 1_048_576
ADMIN = Actor(account_id=AccountId(1), role=Role.ADMIN)


@pytest.mark.parametrize(
    ("measure", "context", "kind", "rule", "megabytes"),
    [
        (Measure.FILE, None, None, "limits.default", 50),
        (Measure.FILE, None, "jpeg", "limits.default", 50),
        (Measure.FILE, None, "never-heard-of", "limits.default", 50),
        (Measure.FILE, None, "mp4", "limits.video", 200),
        (Measure.FILE, None, "stl", "limits.mesh", 200),
        (Measure.FILE, None, "ply", "limits.mesh", 200),
        (Measure.FILE, None, "obj", "limits.mesh", 200),
        (Measure.FILE, None, "dicom", "limits.dicom-series", 500),
        (Measure.FILE, Context.QUICK_CONSULTATION, "jpeg", "limits.quick-consultation", 20),
        (Measure.FILE, Context.QUICK_CONSULTATION, "mp4", "limits.quick-consultation", 20),
        (Measure.FILE, Context.CLINICAL_CASE, None, "limits.clinical-case", 100),
        (Measure.FILE, Context.CLINICAL_CASE, "dicom", "limits.clinical-case", 100),
        (Measure.BATCH, None, None, "limits.batch", 200),
        (Measure.BATCH, Context.QUICK_CONSULTATION, "pdf", "limits.batch", 200),
        (Measure.BATCH, None, "dicom", "limits.dicom-study", 4096),
        (Measure.SERIES, None, "dicom", "limits.dicom-series", 500),
        (Measure.STUDY, None, "dicom", "limits.dicom-study", 4096),
        (Measure.QUOTA, None, None, "limits.patient-quota", 5120),
    ],
)
def test_the_shipped_limits_are_those_decided_to_the_byte(
    measure: Measure, context: Context | None, kind: str | None, rule: str, megabytes: int
) -> None:
    limit = SHIPPED.limit(measure, context=context, kind=kind)
    assert (limit.rule, limit.bytes) == (rule, megabytes * MB)
    limit.check(megabytes * MB)
    with pytest.raises(access.OverLimit) as refused:
        limit.check(megabytes * MB + 1)
    assert refused.value.facts == {
        "rule": rule,
        "limit_bytes": megabytes * MB,
        "size_bytes": megabytes * MB + 1,
    }
    for told in (rule, str(megabytes * MB), str(megabytes * MB + 1)):
        assert told in refused.value.detail


@given(
    st.sampled_from(Measure),
    st.one_of(st.none(), st.sampled_from(Context)),
    st.one_of(st.none(), st.sampled_from(["jpeg", "mp4", "stl", "dicom", "pdf"])),
    st.dictionaries(st.sampled_from([rule.name for rule in LIMITS]), st.integers(1, 1 << 40)),
)
def test_a_changed_limit_holds_wherever_its_rule_does(
    measure: Measure, context: Context | None, kind: str | None, changed: dict[str, bool | int]
) -> None:
    shipped = SHIPPED.limit(measure, context=context, kind=kind)
    now = Policies(changed=changed).limit(measure, context=context, kind=kind)
    assert now.rule == shipped.rule
    assert now.bytes == changed.get(shipped.rule, shipped.bytes)


def test_a_chart_may_have_a_quota_of_its_own() -> None:
    assert SHIPPED.quota().bytes == 5 * 1024 * MB
    assert SHIPPED.quota(7).bytes == 7
    assert SHIPPED.quota(7).rule == "limits.patient-quota"


@pytest.mark.parametrize(
    ("kind", "context"),
    [
        ("quick", Context.QUICK_CONSULTATION),
        ("clinical", Context.CLINICAL_CASE),
        ("teaching", None),
        (None, None),
    ],
)
def test_a_case_brings_its_context(kind: str | None, context: Context | None) -> None:
    assert Context.of_case(kind) is context


def test_what_ships_holds_until_it_is_changed(db: Database) -> None:
    with db.read() as tx:
        assert access.load_policies(tx) == SHIPPED
    assert not SHIPPED.is_on(ADMIN_CONTENT_NEEDS_REASON)


def test_a_changed_policy_holds_until_it_is_put_back(db: Database) -> None:
    with db.begin() as tx:
        access.set_policy(tx, ADMIN_CONTENT_NEEDS_REASON, True, by=ADMIN, now=NOW)
        access.set_policy(tx, "limits.default", 7, by=ADMIN, now=NOW)
        access.set_policy(tx, "limits.default", 8, by=ADMIN, now=NOW)
    with db.begin() as tx:
        changed = access.load_policies(tx)
        access.set_policy(tx, "limits.default", None, by=ADMIN, now=NOW)
        access.set_policy(tx, ADMIN_CONTENT_NEEDS_REASON, None, by=ADMIN, now=NOW)
    assert changed.is_on(ADMIN_CONTENT_NEEDS_REASON)
    assert changed.limit(Measure.FILE).bytes == 8
    assert changed.all()["limits.default"] == 8
    with db.read() as tx:
        assert access.load_policies(tx) == SHIPPED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(["limits.default", "link-ttl-s"], [0, -1, True, 1 << 51]),
        (ADMIN_CONTENT_NEEDS_REASON, 1),
        (ADMIN_CONTENT_NEEDS_REASON, 0),
    ],
)
def test_a_value_that_does_not_suit_is_refused(db: Database, name: str, value: bool | int) -> None:
    with pytest.raises(access.BadPolicy), db.begin() as tx:
        access.set_policy(tx, name, value, by=ADMIN, now=NOW)


def test_an_unknown_policy_is_refused(db: Database) -> None:
    with pytest.raises(access.UnknownPolicy), db.begin() as tx:
        access.set_policy(tx, "limits.nothing", 5, by=ADMIN, now=NOW)
