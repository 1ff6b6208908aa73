"""The whole policy: every right, every role, everything a request can be about."""

from __future__ import annotations

from itertools import product

import pytest

from medstack import access
from medstack.access import (
    ADMIN_CONTENT_NEEDS_REASON,
    CONTENT_RIGHTS,
    LEVELS,
    TABLE,
    Policies,
    Relation,
    Resource,
    Right,
    Verdict,
    decide,
    require,
)
from medstack.kit.actor import SYSTEM, Actor, Role
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, PatientKey

# Written from the owner's rules, not from the code: for each right, what the role may reach.
# o own · a assigned · i own inbox · x anybody else's · p the practice's. Admin: everything.
EXPECTED = """
right                    patient  staff  dentist
patient.list             p        p      oaixp
patient.read             o        a      oaixp
patient.create           -        p      oaixp
patient.edit             -        a      oaixp
patient.archive          -        a      oaixp
record.list              oip      aip    oaixp
record.read              oi       ai     oaixp
record.download          oi       ai     oaixp
record.edit              -        ai     oaixp
record.file              -        a      oaixp
record.archive           -        ai     oaixp
record.add-version       -        ai     oaixp
record.restore-version   -        -      oaixp
record.annotate          -        a      oaixp
upload                   i        ai     oaixp
link.create              o        a      oaixp
link.revoke              o        oa     oaixp
batch.download           o        ai     oaixp
batch.categorise         -        ai     oaixp
batch.archive            -        ai     oaixp
access-log.read          o        -      oaixp
folder.read              o        a      oaixp
folder.manage            -        a      oaixp
case.read                op       ap     oaixp
case.manage              -        a      oaixp
appointment.read         op       ap     oaixp
appointment.manage       -        a      oaixp
provider.read            p        p      oaixp
provider.manage          -        -      -
assignment.read          -        o      oaixp
assignment.manage        -        -      -
account.read             o        o      o
account.manage           -        -      -
password.change          o        o      o
session.manage           o        o      o
token.create             o        o      o
review.read              -        aip    oaixp
review.release           -        -      oaixp
review.destroy           -        -      oaixp
malware.release          -        -      -
job.read                 o        oa     oaixp
job.retry                -        o      oaixp
audit.read               -        -      -
audit.verify             -        -      -
policy.read              p        p      p
policy.manage            -        -      -
export                   -        -      oaixp
system.read              -        -      -
"""
LETTERS = dict(zip("oaixp", Relation, strict=True))
ROWS = [line.split() for line in EXPECTED.strip().splitlines()[1:]]
CONTENT = sorted(CONTENT_RIGHTS)
NEEDS_REASON = Policies(changed={ADMIN_CONTENT_NEEDS_REASON: True})


def actor(role: Role, **more: str) -> Actor:
    key = PatientKey(5) if role is Role.PATIENT else None
    return Actor(account_id=AccountId(7), role=role, patient_key=key, **more)


def expected(right: Right, role: Role) -> set[Relation]:
    if role is Role.ADMIN:
        return {Relation.OWN} if right is Right.PASSWORD_CHANGE else set(Relation)
    (row,) = [row for row in ROWS if row[0] == right]
    column = row[1 + [Role.PATIENT, Role.STAFF, Role.DENTIST].index(role)]
    return {LETTERS[letter] for letter in column if letter != "-"}


def test_every_right_is_decided_for_every_role() -> None:
    assert set(TABLE) == set(Right)
    assert [row[0] for row in ROWS] == [right.value for right in Right]
    assert all(set(row) == set(Role) for row in TABLE.values())


@pytest.mark.parametrize(("right", "role"), list(product(Right, Role)))
def test_a_right_reaches_what_the_owner_said_and_nothing_else(right: Right, role: Role) -> None:
    allowed = {
        relation
        for relation in Relation
        if decide(actor(role), right, Resource(relation=relation)).is_allowed
    }
    assert allowed == expected(right, role)


@pytest.mark.parametrize("right", Right)
def test_no_record_is_reached_on_a_level_above_the_role(right: Right) -> None:
    for role, relation in product(Role, Relation):
        for level in LEVELS[Role.ADMIN] - LEVELS[role]:
            decision = decide(actor(role), right, Resource(relation=relation, level=level))
            assert decision.verdict is Verdict.MISSING


@pytest.mark.parametrize("right", Right)
def test_a_level_the_role_reads_changes_nothing(right: Right) -> None:
    for role, relation in product(Role, Relation):
        plain = decide(actor(role), right, Resource(relation=relation))
        for level in LEVELS[role]:
            assert decide(actor(role), right, Resource(relation=relation, level=level)) == plain


@pytest.mark.parametrize(("role", "levels"), list(zip(Role, [1, 2, 3, 4], strict=True)))
def test_each_role_reads_its_own_level_and_those_below(role: Role, levels: int) -> None:
    assert LEVELS[role] == {lower.value for lower in list(Role)[:levels]}


@pytest.mark.parametrize(("right", "role"), list(product(Right, [Role.PATIENT, Role.STAFF])))
def test_what_is_not_theirs_is_missing_and_never_denied(right: Right, role: Role) -> None:
    decision = decide(actor(role), right, Resource(relation=Relation.OTHER))
    assert decision.verdict is Verdict.MISSING
    with pytest.raises(Missing) as refused:
        require(actor(role), right, Resource(relation=Relation.OTHER))
    assert (type(refused.value), refused.value.detail, refused.value.facts) == (Missing, "", {})


@pytest.mark.parametrize("role", [Role.PATIENT, Role.STAFF, Role.DENTIST])
@pytest.mark.parametrize(
    "right",
    [
        Right.ACCOUNT_MANAGE,
        Right.ASSIGNMENT_MANAGE,
        Right.PROVIDER_MANAGE,
        Right.POLICY_MANAGE,
        Right.AUDIT_READ,
        Right.AUDIT_VERIFY,
        Right.MALWARE_RELEASE,
    ],
)
def test_running_the_house_is_the_administrators(right: Right, role: Role) -> None:
    with pytest.raises(access.RightMissing) as refused:
        require(actor(role), right, access.PRACTICE)
    assert refused.value.facts == {"right": right.value, "ask": "admin"}
    assert "administrator" in refused.value.detail


@pytest.mark.parametrize(
    ("role", "right", "relation", "ask"),
    [
        (Role.PATIENT, Right.RECORD_EDIT, Relation.OWN, "staff"),
        (Role.PATIENT, Right.UPLOAD, Relation.OWN, "staff"),
        (Role.PATIENT, Right.EXPORT, Relation.OWN, "dentist"),
        (Role.STAFF, Right.RECORD_RESTORE_VERSION, Relation.ASSIGNED, "dentist"),
        (Role.STAFF, Right.AUDIT_READ, Relation.PRACTICE, "admin"),
    ],
)
def test_a_denial_names_the_right_and_whom_to_ask(
    role: Role, right: Right, relation: Relation, ask: str
) -> None:
    with pytest.raises(access.RightMissing) as refused:
        require(actor(role), right, Resource(relation=relation))
    assert refused.value.facts == {"right": right.value, "ask": ask}
    assert right.value in refused.value.detail


@pytest.mark.parametrize("right", Right)
def test_an_administrators_look_at_content_is_marked_and_nobody_elses(right: Right) -> None:
    relation = Resource(relation=Relation.OWN)
    assert decide(actor(Role.ADMIN), right, relation).is_marked == (right in CONTENT_RIGHTS)
    assert not decide(SYSTEM, right, relation).is_marked
    for role in (Role.PATIENT, Role.STAFF, Role.DENTIST):
        assert not decide(actor(role), right, relation).is_marked


@pytest.mark.parametrize(("right", "reason"), list(product(CONTENT, ["", "  \n "])))
def test_a_practice_may_ask_administrators_for_a_reason(right: Right, reason: str) -> None:
    thing = Resource(relation=Relation.OTHER, level="dentist")
    asked = actor(Role.ADMIN, reason=reason)
    assert decide(asked, right, thing).is_allowed
    decision = decide(asked, right, thing, policies=NEEDS_REASON)
    assert decision.verdict is Verdict.REASON_NEEDED
    assert decision.rule == ADMIN_CONTENT_NEEDS_REASON
    with pytest.raises(access.ReasonNeeded):
        require(asked, right, thing, policies=NEEDS_REASON)


@pytest.mark.parametrize("right", CONTENT)
def test_a_stated_reason_opens_what_it_was_asked_for(right: Right) -> None:
    thing = Resource(relation=Relation.OTHER)
    stated = actor(Role.ADMIN, reason="asked by the patient")
    decision = decide(stated, right, thing, policies=NEEDS_REASON)
    assert decision.is_allowed
    assert decision.is_marked


@pytest.mark.parametrize(("right", "role"), list(product(Right, Role)))
def test_asking_for_reasons_changes_nothing_but_an_administrators_look_at_content(
    right: Right, role: Role
) -> None:
    for relation in Relation:
        thing = Resource(relation=relation)
        if role is not Role.ADMIN or right not in CONTENT_RIGHTS:
            assert decide(actor(role), right, thing, policies=NEEDS_REASON) == decide(
                actor(role), right, thing
            )


@pytest.mark.parametrize("who", [SYSTEM, actor(Role.ADMIN, via="link")])
def test_neither_a_job_nor_a_link_issued_with_a_reason_is_asked_again(who: Actor) -> None:
    thing = Resource(relation=Relation.OTHER)
    assert decide(who, Right.RECORD_DOWNLOAD, thing, policies=NEEDS_REASON).is_allowed


@pytest.mark.parametrize(("role", "level"), list(product(Role, Role)))
def test_nobody_sets_a_level_they_cannot_read(role: Role, level: Role) -> None:
    if level.value in LEVELS[role]:
        access.check_level(actor(role), level.value)
    else:
        with pytest.raises(access.LevelAbove):
            access.check_level(actor(role), level.value)


@pytest.mark.parametrize("right", Right)
def test_every_decision_names_its_rule(right: Right) -> None:
    for role, relation in product(Role, Relation):
        decision = decide(actor(role), right, Resource(relation=relation))
        assert decision.rule == f"{right.value}/{role.value}"
        assert decision.right is right
