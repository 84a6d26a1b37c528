"""What every `WelcomeStore` promises, and every `OutboxStore` of mail that is about no post."""

from __future__ import annotations

from datetime import timedelta

from bot.core.addresses import Address, Mailbox
from bot.core.deliveries import NO_LIST, DeliveryState, MailingKind, Recorded
from bot.core.lists import SmtpAccount
from bot.core.people import Role
from bot.core.settings import Security
from bot.core.stores import Page, Stores
from tests.support.clock import ManualClock
from tests.support.stores import a_list, mailing

ACCOUNT = SmtpAccount("relay.example", 465, Security.SSL, "", "")
ANNE, BORIS = Address("anne@example.org"), Address("boris@example.org")


async def test_newcomers_are_known_once_and_greeted_once(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, Mailbox("Anne", ANNE))
    group = await stores.groups.add("voisins", "")
    boris, _ = await stores.groups.join(group, Mailbox("Boris", BORIS))
    await stores.people.grant_group(mlist, Role.MEMBER, group)
    assert {each.id for each in await stores.welcomes.newcomers(mlist)} == {anne.id, boris.id}
    welcome = mailing([BORIS], clock.now(), MailingKind.NOTICE)
    assert await stores.welcomes.know(mlist, {anne.id: None, boris.id: welcome}) == 1
    assert await stores.welcomes.know(mlist, {boris.id: welcome}) == 0
    assert await stores.welcomes.known(mlist) == 2
    assert await stores.welcomes.newcomers(mlist) == []
    assert await stores.welcomes.not_greeted(mlist) == [anne]
    assert await stores.welcomes.know(mlist, {anne.id: mailing([ANNE], clock.now(), MailingKind.NOTICE)}) == 1
    assert await stores.welcomes.not_greeted(mlist) == []
    await stores.people.forget(boris.id)
    removed = await stores.lists.delete(mlist, 0)
    assert removed.dropped == 1  # what was on its way to Boris went with him


async def test_mail_of_no_list_leaves_ends_and_is_forgotten(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    await stores.lists.pause(mlist, paused=True)
    await stores.outbox.put(mailing([ANNE], clock.now(), MailingKind.NOTICE), NO_LIST)
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is None
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id, NO_LIST], clock.now())
    assert batch
    assert (batch.mlist_id, batch.post_id, batch.mail_from) == (NO_LIST, None, "legumes@example.org")
    done = Recorded(batch.deliveries[0].id, DeliveryState.DELIVERED, "250 OK")
    await stores.outbox.record(batch, [done], clock.now())
    assert await stores.outbox.next_due(ACCOUNT, [NO_LIST], clock.now()) is None
    found = await stores.outbox.find([NO_LIST], tuple(DeliveryState), "", Page())
    assert [(each.post_id, each.state) for each in found.items] == [(None, DeliveryState.DELIVERED)]
    assert await stores.posts.purge(clock.now() + timedelta(days=1)) == 0
    assert await stores.outbox.forget(clock.now() + timedelta(days=1)) == 1
    assert (await stores.outbox.find([NO_LIST], tuple(DeliveryState), "", Page())).total == 0
