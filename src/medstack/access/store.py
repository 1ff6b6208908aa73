"""All SQL of this room: changed policies, and the rows behind signed links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update

from medstack.access.links import Claim, LinkKeys, sign
from medstack.access.model import Link, LinkId
from medstack.access.policies import LINK_LONGEST_S, LINK_TTL_S, SHIPPED, Policies, check_policy
from medstack.access.problems import BadPolicy, LinkFault, LinkRefused
from medstack.access.tables import links, policies
from medstack.db import Tx
from medstack.kit.actor import Actor
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, Ids, RecordId


def load_policies(tx: Tx) -> Policies:
    """Every policy as it stands now."""
    rows = tx.execute(select(policies.c.name, policies.c.value))
    known = SHIPPED.all()  # a policy of another release is of no use to this one
    return Policies(changed={row.name: row.value for row in rows if row.name in known})


def set_policy(tx: Tx, name: str, value: bool | int | None, *, by: Actor, now: datetime) -> None:
    """Change one policy; None puts back what ships. Raises UnknownPolicy, BadPolicy."""
    if value is not None:
        check_policy(name, value)
    tx.exclusive("access.policies")
    tx.execute(delete(policies).where(policies.c.name == name))
    if value is not None:
        row = {"name": name, "value": value, "changed_at": now, "changed_by": by.account_id}
        tx.execute(insert(policies).values(row))


def create_link(
    tx: Tx,
    keys: LinkKeys,
    *,
    record_id: RecordId,
    version: int,
    rendition: str,
    by: Actor,
    policies: Policies,
    ids: Ids,
    now: datetime,
    ttl: timedelta | None = None,
    max_uses: int | None = None,
) -> tuple[Link, str]:
    """A new link and its path, for a version its issuer was just allowed to download.

    ttl: None for the practice's default; whole seconds. Raises BadPolicy beyond its longest.
    """
    lasts_s = policies.number(LINK_TTL_S) if ttl is None else int(ttl.total_seconds())
    if not 1 <= lasts_s <= policies.number(LINK_LONGEST_S):
        raise BadPolicy(
            f"A link lasts 1 to {policies.number(LINK_LONGEST_S)} s.", policy=LINK_LONGEST_S
        )
    if max_uses is not None and not 1 <= max_uses <= 1_000_000:
        raise BadPolicy("A link is used at least once.", policy="max-uses")
    link = Link(
        id=LinkId(ids.new()),
        record_id=record_id,
        version=version,
        rendition=rendition,
        issuer_id=by.account_id,
        created_at=now,
        expires_at=now.replace(microsecond=0) + timedelta(seconds=lasts_s),
        max_uses=max_uses,
        uses=0,
        revoked_at=None,
    )
    tx.execute(insert(links).values(_row(link)))
    return link, sign(keys, claim_of(link))


def claim_of(link: Link) -> Claim:
    return Claim(
        link_id=link.id,
        record_id=link.record_id,
        version=link.version,
        rendition=link.rendition,
        expires_at_s=int(link.expires_at.timestamp()),
        issuer_id=link.issuer_id,
    )


def redeem(tx: Tx, claim: Claim, *, now: datetime, counts: bool = True) -> Link:
    """The link behind a claim, if it still stands; counts a use.

    counts: False for a HEAD or for a later range of a download already counted.
    Raises LinkRefused. What the issuer may do now is for the flow to decide.
    """
    link = _get(tx, LinkId(claim.link_id))
    if link is None or claim_of(link) != claim:
        raise LinkRefused(LinkFault.UNKNOWN, claim.link_id)
    if link.revoked_at is not None:
        raise LinkRefused(LinkFault.REVOKED, link.id)
    if now >= link.expires_at:
        raise LinkRefused(LinkFault.EXPIRED, link.id)
    if counts and not _count(tx, link):
        raise LinkRefused(LinkFault.USED_UP, link.id)
    return link


def _count(tx: Tx, link: Link) -> bool:
    is_left = or_(links.c.max_uses.is_(None), links.c.uses < links.c.max_uses)
    counted = update(links).where(links.c.id == link.id, links.c.revoked_at.is_(None), is_left)
    return tx.execute(counted.values(uses=links.c.uses + 1)).rowcount == 1


def get_link(tx: Tx, link_id: LinkId) -> Link:
    """Raises Missing."""
    link = _get(tx, link_id)
    if link is None:
        raise Missing()
    return link


def list_links(tx: Tx, record_id: RecordId, *, now: datetime) -> tuple[Link, ...]:
    """A record's links that still stand, newest first."""
    chosen = links.c.record_id == record_id, links.c.expires_at > now, links.c.revoked_at.is_(None)
    asked = select(links).where(*chosen).order_by(links.c.id.desc())
    return tuple(_link(row) for row in tx.execute(asked))


def revoke_link(tx: Tx, link_id: LinkId, *, now: datetime) -> None:
    """Take a link back; twice is once. Raises Missing if it never was."""
    get_link(tx, link_id)
    _revoke(tx, links.c.id == link_id, now)


def revoke_links_of(tx: Tx, *, issuer_id: AccountId, now: datetime) -> int:
    """Take back every link an account issued. Returns how many stood."""
    return _revoke(tx, links.c.issuer_id == issuer_id, now)


def sweep_links(tx: Tx, *, before: datetime) -> int:
    """Forget links that ended before a moment. Returns how many."""
    return tx.execute(delete(links).where(links.c.expires_at < before)).rowcount


def _revoke(tx: Tx, chosen: ColumnElement[bool], now: datetime) -> int:
    standing = update(links).where(chosen, links.c.revoked_at.is_(None))
    return tx.execute(standing.values(revoked_at=now)).rowcount


def _get(tx: Tx, link_id: LinkId) -> Link | None:
    row = tx.execute(select(links).where(links.c.id == link_id)).one_or_none()
    return None if row is None else _link(row)


def _row(link: Link) -> dict[str, Any]:
    return {
        "id": link.id,
        "record_id": link.record_id,
        "version": link.version,
        "rendition": link.rendition,
        "issuer_id": link.issuer_id,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "max_uses": link.max_uses,
        "uses": link.uses,
        "revoked_at": link.revoked_at,
    }


def _link(row: Row[Any]) -> Link:
    return Link(
        id=LinkId(row.id),
        record_id=RecordId(row.record_id),
        version=row.version,
        rendition=row.rendition,
        issuer_id=AccountId(row.issuer_id),
        created_at=row.created_at,
        expires_at=row.expires_at,
        max_uses=row.max_uses,
        uses=row.uses,
        revoked_at=row.revoked_at,
    )
