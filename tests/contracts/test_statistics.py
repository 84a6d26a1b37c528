"""What every `StatisticsStore` counts, and how `/stats` shows it."""

from __future__ import annotations

from datetime import timedelta

from bot.core.deliveries import DeliveryState, Recorded
from bot.core.lists import MailingList, SmtpAccount
from bot.core.posts import Disposition
from bot.core.settings import Security
from bot.core.stores import Stores
from tests.support.clock import ManualClock
from tests.support.stores import a_list, accepted, decision, new_post, screened

ACCOUNT = SmtpAccount("relay.example", 465, Security.SSL, "", "")


async def decided_after(
    stores: Stores, clock: ManualClock, mlist: MailingList, how: Disposition, **time: float
) -> None:
    post = await screened(stores, new_post(mlist.id, clock.now()))
    await stores.posts.decide(decision(post, clock.now() + timedelta(**time), disposition=how))


async def test_posts_are_counted_by_week_and_outcome(stores: Stores, clock: ManualClock) -> None:
    mlist, other = await a_list(stores, clock.now()), await a_list(stores, clock.now(), "b@example.org")
    first = clock.now()
    await decided_after(stores, clock, mlist, Disposition.REJECT, hours=1)
    await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)
    await screened(stores, new_post(other.id, clock.now()))
    clock.advance(timedelta(days=7))
    second = clock.now()
    await screened(stores, new_post(mlist.id, clock.now()))
    await accepted(stores, mlist, clock.now(), ["anne@example.org", "gone@example.org"])
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch
    good, bad = batch.deliveries
    outcomes = [
        Recorded(good.id, DeliveryState.DELIVERED, ""),
        Recorded(bad.id, DeliveryState.BOUNCED, "550"),
    ]
    await stores.outbox.record(batch, outcomes, clock.now())

    end = clock.now() + timedelta(seconds=1)
    one, two = await stores.statistics.weeks([mlist.id], [first, second], end)
    assert (one.posts, one.rejected, one.discarded, one.bounced) == (2, 1, 1, 0)
    assert (two.posts, two.distributed, two.waiting, two.bounced) == (2, 1, 1, 1)
    [both] = await stores.statistics.weeks([mlist.id, other.id], [first], end)
    assert both.posts == 5


async def test_the_median_is_of_persons_decisions(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    since = clock.now()
    assert await stores.statistics.median_decision([mlist.id], since) is None
    await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)  # by a rule
    for hours in (1, 5, 2):
        await decided_after(stores, clock, mlist, Disposition.REJECT, hours=hours)
    median = await stores.statistics.median_decision([mlist.id], since)
    assert median
    assert abs(median - timedelta(hours=2)) < timedelta(seconds=1)
    await decided_after(stores, clock, mlist, Disposition.REJECT, hours=4)
    median = await stores.statistics.median_decision([mlist.id], since)
    assert median
    assert abs(median - timedelta(hours=3)) < timedelta(seconds=1)
    assert await stores.statistics.median_decision([mlist.id], clock.now() + timedelta(days=1)) is None
