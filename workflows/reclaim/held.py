"""Which mailboxes are on hold, as a person stated it: Graph v1.0 cannot say it (rules §7).

A list may name a mailbox by the mail address or by the name its owner signs in with, in any letter case: where the two
differ, either one keeps it. Without a list of the last 30 days, campaigns on products that hold a mailbox stay dry
runs. A SKU that Microsoft's table does not know may hold one. A mailbox on the newest list, however old, or named by
policy, is never taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from licensing.idle.products import gives_mail, plans_of
from licensing.words import plural
from model.events import Happened, Tag
from model.licences import Sku
from model.people import Person
from model.reclaim import CampaignState, ReclaimCampaign
from model.session import UnitOfWork
from model.usage import HeldMailboxList
from workflows.effects import enqueue
from workflows.permissions import Duty
from workflows.policy import Policy
from workflows.reclaim import rights, shown
from workflows.reclaim.campaign import locked
from workflows.refusals import FieldRefusals, Refusal
from workflows.replies import About, Said

#: Addresses in one statement.
AT_ONCE = 500
#: Addresses that a refusal writes out.
NAMED = 5
#: Why a return is called off: an event keeps these words, and they name nobody.
ON_HOLD = "the mailbox is on hold"
DRY_RUN_ONLY = "Dry run only: nobody has said which mailboxes are on hold."


class NoHeldList(Refusal):
    """A product with a mailbox, and nobody said lately which mailboxes are on hold."""

    def __init__(self) -> None:
        super().__init__(f"{DRY_RUN_ONLY} Load the list, or say that there are none; then press again.")


def state_list(work: UnitOfWork, mailboxes: Iterable[str], by: int, now: datetime) -> Said:
    """Keep the list somebody loaded: addresses, one each.

    Raises NotForYou, or FieldRefusals for what is no address, or one that the directory has not: it would keep nobody's
    seat, and whoever loaded it would think that it does.
    """
    rights.require(work.connection, Duty.STATE_HOLDS, None, by, now)
    wanted = sorted({one.strip().lower() for one in mailboxes if one.strip()})
    strange = [one for one in wanted if one.count("@") != 1 or one.startswith("@") or one.endswith("@") or " " in one]
    if strange:
        raise FieldRefusals({"mailboxes": f"{strange[0][:80]} is no mail address. Nothing was loaded."})
    if not wanted:
        raise FieldRefusals({"mailboxes": "The list is empty. If there are none, press “We have none”."})
    known = _in_directory(work.connection, wanted)
    strangers = [one for one in wanted if one not in known]
    if strangers:
        named = ", ".join(one[:80] for one in strangers[:NAMED])
        more = f" and {len(strangers) - NAMED} more" if len(strangers) > NAMED else ""
        raise FieldRefusals(
            {
                "mailboxes": f"Nobody in the staff directory has the address {named}{more}. Write each person's main "
                "mail address or the name they sign in with, and take out mailboxes that are nobody's. Nothing was "
                "loaded."
            }
        )
    _keep(work, wanted, by, now)
    return Said(About.TEXT, by=by, text=f"{plural(len(wanted), 'mailbox', 'mailboxes')} on hold: never taken back.")


def state_none(work: UnitOfWork, by: int, now: datetime) -> Said:
    """ "We have none", signed by name. Raises NotForYou."""
    rights.require(work.connection, Duty.STATE_HOLDS, None, by, now)
    _keep(work, [], by, now)
    name = work.session.get_one(Person, by).name
    return Said(About.TEXT, by=by, text=f"{name} said that no mailbox is on hold.")


def _keep(work: UnitOfWork, mailboxes: list[str], by: int, now: datetime) -> None:
    if _listed(work.connection, now) != frozenset(mailboxes):
        _change_lists(work, now)
    work.session.add(HeldMailboxList(said_by_id=by, said_at=now, mailboxes=mailboxes))
    facts = {"mailboxes": len(mailboxes)}
    work.record([Happened(Tag.MAILBOXES_HELD, f"person:{by}", "mail:holds", facts)], now)


def _change_lists(work: UnitOfWork, now: datetime) -> None:
    """Another mailbox is on hold, or one is not any more: a list in front of somebody has other rows to tick."""
    waiting = select(ReclaimCampaign.id, ReclaimCampaign.product_id).where(
        ReclaimCampaign.state == CampaignState.CONFIRMING
    )
    for row in work.connection.execute(waiting.order_by(ReclaimCampaign.id)).all():
        if wants_list(work.connection, row.product_id):
            enqueue(work, shown.list_changed(work, locked(work, row.id)), now)


def is_fresh(connection: Connection, policy: Policy, now: datetime) -> bool:
    """Whether somebody said lately which mailboxes are on hold."""
    since = now - timedelta(days=policy.mail.held_list_max_age_days)
    said = select(HeldMailboxList.id).where(HeldMailboxList.said_at > since, HeldMailboxList.said_at <= now)
    return connection.execute(said.limit(1)).first() is not None


def addresses(connection: Connection, policy: Policy, product_id: int, now: datetime) -> frozenset[str]:
    """Whose mailboxes no removal of the product may lose, lower-cased; empty where no mailbox is lost.

    Those of the newest list, however old, since no hold ends by itself, and those that policy names.
    """
    if not wants_list(connection, product_id):
        return frozenset()
    return _listed(connection, now).union(one.lower() for one in policy.reclaim.never.mailboxes)


def _listed(connection: Connection, now: datetime) -> frozenset[str]:
    """The newest list, of whatever age."""
    listed = connection.execute(
        select(HeldMailboxList.mailboxes)
        .where(HeldMailboxList.said_at <= now)
        .order_by(HeldMailboxList.said_at.desc(), HeldMailboxList.id.desc())
        .limit(1)
    ).scalar()
    return frozenset(one.lower() for one in listed or ())


def wants_list(connection: Connection, product_id: int) -> bool:
    """Whether taking a seat of the product may lose a mailbox; a SKU that Microsoft's table lacks may hold one."""
    rows = connection.execute(
        select(Sku.sku_id, Sku.part_number).where(Sku.product_id == product_id, Sku.sku_id.is_not(None))
    )
    return any(gives_mail(row.sku_id, row.part_number) or not plans_of(row.sku_id, row.part_number) for row in rows)


def check(connection: Connection, policy: Policy, product_id: int, now: datetime) -> frozenset[str]:
    """Addresses on hold that matter to a product; empty where no mailbox is lost. Raises NoHeldList."""
    if wants_list(connection, product_id) and not is_fresh(connection, policy, now):
        raise NoHeldList
    return addresses(connection, policy, product_id, now)


def held_people(
    connection: Connection, held: Collection[str], person_ids: Collection[int] | None = None
) -> frozenset[int]:
    """Whose mailboxes are on hold, of all or of these people; addresses nobody in the directory has are nobody's."""
    found = set().union(*_in_directory(connection, held).values())
    return frozenset(found if person_ids is None else found.intersection(person_ids))


def _in_directory(connection: Connection, addresses: Collection[str]) -> dict[str, set[int]]:
    """By each of these addresses that the directory has: whose mail it is, or who signs in with it.

    Those can be two people, where a name passed on; then neither loses anything.
    """
    ordered = sorted({one.lower() for one in addresses})
    found: dict[str, set[int]] = {}
    for first in range(0, len(ordered), AT_ONCE):
        for name in (Person.email, Person.upn):
            rows = connection.execute(select(name, Person.id).where(name.in_(ordered[first : first + AT_ONCE])))
            for address, person_id in rows.tuples():
                found.setdefault(str(address), set()).add(person_id)
    return found


def lacking(connection: Connection, policy: Policy, campaign: ReclaimCampaign, now: datetime) -> bool:
    """Whether the campaign cannot leave its dry run for want of a list."""
    return wants_list(connection, campaign.product_id) and not is_fresh(connection, policy, now)
