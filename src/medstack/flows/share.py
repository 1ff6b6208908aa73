"""Time-limited links: made by someone who may, redeemed by whoever holds one, while the maker may.

A link is no right of its own: each redemption asks again what the one who made it may see.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from medstack import access, audit, people, records
from medstack.access import Claim, Link, LinkId, LinkRefused, Right
from medstack.audit import Action, Outcome
from medstack.flows.house import House
from medstack.flows.retrieve import Asked, NotAvailable, Opened, open_file
from medstack.flows.standing import require_on, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, RecordId
from medstack.people import SignedIn
from medstack.records import Status

_BEARER = AccountId(0)


def make_link(
    house: House,
    actor: Actor,
    record_id: RecordId,
    *,
    version: int | None = None,
    rendition: str = access.ORIGINAL,
    ttl: timedelta | None = None,
    max_uses: int | None = None,
) -> tuple[Link, str]:
    """A link to one version, and its path.

    ttl: None for the practice's default. Raises Missing, Denied, NotAvailable, BadPolicy.
    """
    with (
        refusals_recorded(house, actor, Action.LINK_CREATED, record=record_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        record = records.get(tx, scope, record_id)
        require_on(tx, house, actor, Right.LINK_CREATE, record)
        if record.status is not Status.AVAILABLE:
            raise NotAvailable("Look at its status and stages.", record_status=record.status.value)
        number = records.version(tx, scope, record_id, version).number
        if rendition != access.ORIGINAL:
            records.rendition(tx, scope, record_id, rendition, number)
        link, path = access.create_link(
            tx,
            house.link_keys,
            record_id=record_id,
            version=number,
            rendition=rendition,
            by=actor,
            policies=access.load_policies(tx),
            ids=house.ids,
            now=house.clock.now(),
            ttl=ttl,
            max_uses=max_uses,
        )
        audit.write(
            tx,
            Action.LINK_CREATED,
            actor=actor,
            record=record_id,
            patient=record.patient_key,
            link=link.id,
            version=number,
            rendition=rendition,
        )
        return link, path


def list_links(house: House, actor: Actor, record_id: RecordId) -> tuple[Link, ...]:
    """A record's links that still stand, newest first. Raises Missing, Denied."""
    with house.db.read() as tx:
        record = records.get(tx, scope_of(house, actor), record_id)
        require_on(tx, house, actor, Right.LINK_CREATE, record)
        return access.list_links(tx, record_id, now=house.clock.now())


def revoke(house: House, actor: Actor, link_id: LinkId) -> None:
    """Take a link back. Raises Missing, Denied."""
    with refusals_recorded(house, actor, Action.LINK_REVOKED), house.db.begin() as tx:
        link = access.get_link(tx, link_id)
        record = records.get(tx, scope_of(house, actor), link.record_id)
        require_on(tx, house, actor, Right.LINK_REVOKE, record)
        access.revoke_link(tx, link_id, now=house.clock.now())
        audit.write(
            tx,
            Action.LINK_REVOKED,
            actor=actor,
            record=link.record_id,
            patient=record.patient_key,
            link=link_id,
        )


def redeem(
    house: House, path: str, *, address: str, request_id: str, counts: bool = True
) -> Opened:
    """What a link leads to. Raises LinkRefused, which looks like anything that is not there.

    counts: False for a HEAD and for a later range of the same download.
    """
    bearer = Actor(
        account_id=_BEARER, role=Role.PATIENT, via="link", address=address, request_id=request_id
    )
    try:
        claim = access.read(house.link_keys, path, now=house.clock.now())
        issuer = _redeemed(house, bearer, claim, counts=counts)
        asked = Asked(version=claim.version, rendition=claim.rendition)
        return open_file(house, issuer, claim.record_id, asked)
    except Missing as refusal:
        _refused(house, bearer, refusal)
        raise


def _redeemed(house: House, bearer: Actor, claim: Claim, *, counts: bool) -> Actor:
    """Count the use; returns whoever made the link, as whom the record is then opened."""
    with house.db.begin() as tx:
        link = access.redeem(tx, claim, now=house.clock.now(), counts=counts)
        account = people.get_account(tx, link.issuer_id)
        if not account.is_enabled:
            raise Missing
        audit.write(tx, Action.LINK_REDEEMED, actor=bearer, record=link.record_id, link=link.id)
    who = people.actor_of(
        SignedIn(account=account), address=bearer.address, request_id=bearer.request_id
    )
    return replace(who, via="link")


def _refused(house: House, bearer: Actor, refusal: Missing) -> None:
    fault = refusal.fault.value if isinstance(refusal, LinkRefused) else refusal.code
    link_id = refusal.link_id if isinstance(refusal, LinkRefused) else None
    with house.db.begin() as tx:
        audit.write(
            tx,
            Action.LINK_REFUSED,
            actor=bearer,
            outcome=Outcome.REFUSED,
            code=fault,
            link=link_id,
        )
