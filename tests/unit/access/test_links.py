"""Signed links: bound to one thing, for a while, and taken back at will."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.people.practice import NOW

from medstack import access
from medstack.access import SHIPPED, Claim, Link, LinkFault, LinkId, LinkKeys, LinkRefused
from medstack.db import Database
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, Ids, RecordId

KEYS = LinkKeys(keys=(("k1", bytes(range(32))),))
ADA = Actor(account_id=AccountId(7), role=Role.DENTIST)
CLAIM = Claim(
    link_id=1,
    record_id=RecordId(2),
    version=3,
    rendition="original",
    expires_at_s=int(NOW.timestamp()) + 60,
    issuer_id=AccountId(7),
)
MINUTE = timedelta(minutes=1)


def fault_of(path: str, *, keys: LinkKeys = KEYS, now: datetime = NOW) -> LinkFault:
    with pytest.raises(LinkRefused) as refused:
        access.read(keys, path, now=now)
    return refused.value.fault


claims = st.builds(
    Claim,
    link_id=st.integers(0, 2**63 - 1),
    record_id=st.integers(0, 2**63 - 1),
    version=st.integers(1, 10_000),
    rendition=st.sampled_from(["original", "thumbnail", "preview"]),
    expires_at_s=st.integers(int(NOW.timestamp()) + 1, 4_000_000_000),
    issuer_id=st.integers(0, 2**63 - 1),
)


@given(claims)
def test_a_link_says_what_was_signed(claim: Claim) -> None:
    assert access.read(KEYS, access.sign(KEYS, claim), now=NOW) == claim


@given(st.data())
def test_a_link_with_one_letter_changed_is_refused(data: st.DataObject) -> None:
    path = access.sign(KEYS, CLAIM)
    at = data.draw(st.integers(len(access.PREFIX), len(path) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != path[at]))
    assert fault_of(path[:at] + letter + path[at + 1 :]) in (
        LinkFault.ALTERED,
        LinkFault.MALFORMED,
    )


@given(st.text(max_size=600))
def test_no_text_at_all_makes_the_reader_stumble(text: str) -> None:
    assert fault_of("/d/" + text) in (LinkFault.ALTERED, LinkFault.MALFORMED)


@pytest.mark.parametrize("cut", [".", "..", "...", "a.b.c", ".a.b", "k1..", "k1.."])
def test_a_piece_of_a_link_is_refused(cut: str) -> None:
    assert fault_of("/d/" + cut) in (LinkFault.ALTERED, LinkFault.MALFORMED)


def test_a_link_ends_to_the_second_with_no_time_to_spare() -> None:
    path = access.sign(KEYS, CLAIM)
    last = NOW + timedelta(seconds=60) - timedelta(microseconds=1)
    assert access.read(KEYS, path, now=last) == CLAIM
    assert fault_of(path, now=NOW + timedelta(seconds=60)) is LinkFault.EXPIRED


def test_the_former_key_is_believed_until_it_is_dropped() -> None:
    path = access.sign(KEYS, CLAIM)
    rotated = LinkKeys(keys=(("k2", bytes(32)), *KEYS.keys))
    assert access.read(rotated, path, now=NOW) == CLAIM
    assert access.sign(rotated, CLAIM) != path
    dropped = LinkKeys(keys=(("k2", bytes(32)),))
    assert fault_of(path, keys=dropped) is LinkFault.ALTERED


def test_a_key_under_anothers_name_is_not_believed() -> None:
    same_key = LinkKeys(keys=(("k2", KEYS.keys[0][1]),))
    path = access.sign(KEYS, CLAIM).replace("/k1.", "/k2.")
    assert fault_of(path, keys=same_key) is LinkFault.ALTERED


def test_a_mac_is_at_least_128_bits() -> None:
    assert len(access.sign(KEYS, CLAIM).rpartition(".")[2]) * 6 >= 128


@pytest.mark.parametrize(
    "keys",
    [
        (),
        (("k1", bytes(31)),),
        (("K1", bytes(32)),),
        (("k.1", bytes(32)),),
        (("k1", bytes(32)), ("k1", bytes([1]) * 32)),
        (("a", bytes(32)), ("b", bytes(32)), ("c", bytes(32))),
    ],
)
def test_keys_that_will_not_do_are_refused(keys: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(ValueError, match="link key"):
        LinkKeys(keys=keys)


def test_keys_are_in_no_representation() -> None:
    assert repr(KEYS.keys[0][1]) not in repr(KEYS)


def make(
    db: Database, ids: Ids, *, ttl: timedelta | None = MINUTE, max_uses: int | None = None
) -> tuple[Link, Claim]:
    with db.begin() as tx:
        link, path = access.create_link(
            tx,
            KEYS,
            record_id=RecordId(2),
            version=3,
            rendition=access.ORIGINAL,
            by=ADA,
            policies=SHIPPED,
            ids=ids,
            now=NOW,
            ttl=ttl,
            max_uses=max_uses,
        )
    return link, access.read(KEYS, path, now=NOW)


def use(db: Database, claim: Claim, *, at: datetime = NOW, counts: bool = True) -> str:
    try:
        with db.begin() as tx:
            access.redeem(tx, claim, now=at, counts=counts)
    except LinkRefused as refused:
        return refused.fault.value
    return "served"


def test_a_link_is_used_while_it_stands(db: Database, ids: Ids) -> None:
    link, claim = make(db, ids)
    assert use(db, claim) == "served"
    assert use(db, claim, at=NOW + MINUTE) == "expired"
    with db.read() as tx:
        assert access.get_link(tx, link.id).uses == 1
        assert access.list_links(tx, RecordId(2), now=NOW)[0].id == link.id
        assert access.list_links(tx, RecordId(2), now=NOW + MINUTE) == ()


def test_a_revoked_link_is_worth_nothing_at_once(db: Database, ids: Ids) -> None:
    link, claim = make(db, ids)
    with db.begin() as tx:
        access.revoke_link(tx, link.id, now=NOW)
        access.revoke_link(tx, link.id, now=NOW + MINUTE)
        assert access.get_link(tx, link.id).revoked_at == NOW
        assert access.list_links(tx, RecordId(2), now=NOW) == ()
    assert use(db, claim) == "revoked"


def test_every_link_of_an_issuer_is_taken_back(db: Database, ids: Ids) -> None:
    claims_made = [make(db, ids)[1] for _ in range(3)]
    with db.begin() as tx:
        assert access.revoke_links_of(tx, issuer_id=AccountId(8), now=NOW) == 0
        assert access.revoke_links_of(tx, issuer_id=ADA.account_id, now=NOW) == 3
    assert [use(db, claim) for claim in claims_made] == ["revoked"] * 3


def test_uses_are_counted_but_not_looks(db: Database, ids: Ids) -> None:
    _, claim = make(db, ids, max_uses=2)
    assert use(db, claim, counts=False) == "served"
    assert [use(db, claim) for _ in range(3)] == ["served", "served", "used-up"]


def test_a_single_use_is_a_single_use_however_many_come_at_once(db: Database, ids: Ids) -> None:
    _, claim = make(db, ids, max_uses=1)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(use(db, claim))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["served"] + ["used-up"] * 5


@pytest.mark.parametrize(
    "change",
    [
        {"link_id": 5},
        {"record_id": 9},
        {"version": 4},
        {"rendition": "preview"},
        {"issuer_id": 9},
        {"expires_at_s": 4_000_000_000},
    ],
)
def test_a_claim_that_is_not_its_rows_is_refused(
    db: Database, ids: Ids, change: dict[str, object]
) -> None:
    import msgspec

    _, claim = make(db, ids)
    assert use(db, msgspec.structs.replace(claim, **change)) == "unknown"


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-5), timedelta(days=2)])
def test_a_link_lasts_as_long_as_the_practice_allows(
    db: Database, ids: Ids, ttl: timedelta
) -> None:
    with pytest.raises(access.BadPolicy):
        make(db, ids, ttl=ttl)
    link, _ = make(db, ids, ttl=None)
    assert link.expires_at == NOW + timedelta(seconds=300)


@pytest.mark.parametrize("most", [0, -1])
def test_a_link_nobody_could_use_is_refused(db: Database, ids: Ids, most: int) -> None:
    with pytest.raises(access.BadPolicy):
        make(db, ids, max_uses=most)


def test_a_link_that_never_was_cannot_be_revoked(db: Database) -> None:
    with pytest.raises(Missing), db.begin() as tx:
        access.revoke_link(tx, LinkId(9), now=NOW)


def test_ended_links_are_swept(db: Database, ids: Ids) -> None:
    make(db, ids)
    with db.begin() as tx:
        assert access.sweep_links(tx, before=NOW + MINUTE) == 0
        assert access.sweep_links(tx, before=NOW + 2 * MINUTE) == 1


def test_every_refusal_looks_like_nothing_there(db: Database, ids: Ids) -> None:
    seen = {
        (refused.code, refused.title, refused.detail, tuple(refused.facts))
        for refused in (LinkRefused(fault) for fault in LinkFault)
    }
    assert seen == {(Missing.code, Missing.title, "", ())}
