"""What every `OutboxStore` promises: claims within the quota, outcomes one by one, posts closed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.addresses import fold
from bot.core.deliveries import Batch, Counts, DeliveryState, Forecast, MailingKind, next_delay
from bot.core.errors import UserError
from bot.core.posts import Disposition, Post, PostState
from bot.core.stores import Page, Stores
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT, all_of, claim_all, limited
from tests.support.stores import ANNE, a_list, accepted, decision, mailing, new_post, screened

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIVE = [f"{name}@example.org" for name in "abcde"]


async def accept(stores: Stores, post: Post, at: datetime, due_at: datetime) -> None:
    """Distribute a held post to five people, from `due_at` on."""
    await stores.posts.decide(decision(post, at, mailings=[mailing(FIVE, due_at)]))


def taken(batches: list[Batch]) -> list[int]:
    """How many recipients each batch has."""
    return [len(batch.deliveries) for batch in batches]


async def test_a_batch_is_the_copy_with_the_post_s_own_body(stores: Stores, clock: ManualClock) -> None:
    """The header that was stored, then the body byte for byte."""
    mlist = await a_list(stores, clock.now())
    body = b"\r\n.\r\nlatin \xe9\n\r lone\r" + bytes(range(256))
    raw = b"Subject: x\r\nX-Other: y\r\n\r\n" + body
    post = await screened(stores, new_post(mlist.id, clock.now(), raw=raw))
    await accept(stores, post, clock.now(), clock.now())

    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())

    assert batch is not None
    assert b"Subject: [legumes] Carottes\r\n\r\n" + body == batch.content
    assert (post.id, mlist.id, MailingKind.COPY) == (batch.post_id, batch.mlist_id, batch.kind)
    assert [claimed.recipient for claimed in batch.deliveries] == FIVE
    assert {(1, clock.now())} == {(c.attempts, c.first_attempt_at) for c in batch.deliveries}


async def test_a_claim_takes_as_many_as_the_relay_takes(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    await accepted(stores, mlist, clock.now(), FIVE)

    batches = await claim_all(stores, limited(recipients=2), [mlist.id], clock.now())

    assert taken(batches) == [2, 2, 1]
    assert [claimed.recipient for batch in batches for claimed in batch.deliveries] == FIVE


async def test_claims_at_once_never_share_a_delivery(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    await accepted(stores, mlist, clock.now(), [f"m{n}@example.org" for n in range(20)])

    batches = await asyncio.gather(
        *(stores.outbox.claim(limited(recipients=3), [mlist.id], clock.now()) for _ in range(10))
    )

    ids = [claimed.id for batch in batches if batch for claimed in batch.deliveries]
    assert 20 == len(ids) == len(set(ids))


async def test_nothing_leaves_before_it_is_due(stores: Stores, clock: ManualClock) -> None:
    """The undo window is nothing but the date of the first attempt."""
    mlist = await a_list(stores, clock.now())
    due_at = clock.now() + timedelta(seconds=30)
    post = await screened(stores, new_post(mlist.id, clock.now()))
    await accept(stores, post, clock.now(), due_at)

    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is None
    assert due_at == await stores.outbox.next_due(ACCOUNT, [mlist.id], clock.now())
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], due_at) is not None


async def test_an_attempt_without_an_outcome_is_repeated_after_its_delay(
    stores: Stores, clock: ManualClock
) -> None:
    """The process was killed: the attempt counts, and the next date was stored before it."""
    mlist = await a_list(stores, clock.now())
    await accepted(stores, mlist, clock.now(), FIVE)
    first = clock.now()

    for attempts in range(1, 8):
        batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
        assert batch is not None
        assert {(attempts, first)} == {(c.attempts, c.first_attempt_at) for c in batch.deliveries}
        next_at = clock.now() + next_delay(attempts)
        assert next_at == await stores.outbox.next_due(ACCOUNT, [mlist.id], clock.now())
        assert await stores.outbox.claim(ACCOUNT, [mlist.id], next_at - MINUTE / 60) is None
        clock.advance(next_delay(attempts))


def test_retries_are_spaced_out() -> None:
    """1, 5, 15, 30, 60 minutes, then every two hours."""
    minutes = [next_delay(attempts) / MINUTE for attempts in range(1, 8)]
    assert minutes == [1, 5, 15, 30, 60, 120, 120]


async def test_a_slow_batch_is_not_claimed_again_when_prolonged(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    await accepted(stores, mlist, clock.now(), FIVE)
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None

    await stores.outbox.prolong(batch, clock.now(), clock.now() + 10 * MINUTE)

    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.advance(9 * MINUTE)) is None
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.advance(MINUTE)) is not None


async def test_each_recipient_has_an_outcome_of_its_own(stores: Stores, clock: ManualClock) -> None:
    """One bounces alone, one is tried again alone, the rest are done."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE)
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    retry_at = clock.now() + MINUTE

    await stores.outbox.record(
        batch,
        [
            *all_of(batch, DeliveryState.DELIVERED)[:3],
            *all_of(batch, DeliveryState.BOUNCED)[3:4],
            *all_of(batch, DeliveryState.DEFERRED, retry_at)[4:],
        ],
        clock.now(),
    )

    assert await stores.outbox.counts(post.id) == Counts(
        delivered=3, bounced=1, deferred=1, last_at=clock.now(), because="the relay's word"
    )
    assert PostState.ACCEPTED is (await stores.posts.get(post.id)).state
    again = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.advance(MINUTE))
    assert again is not None
    assert [(c.recipient, c.attempts) for c in again.deliveries] == [("e@example.org", 2)]


async def test_the_last_outcome_closes_the_post(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE)
    for batch in await claim_all(stores, limited(recipients=3), [mlist.id], clock.now()):
        assert PostState.ACCEPTED is (await stores.posts.get(post.id)).state
        await stores.outbox.record(batch, all_of(batch, DeliveryState.BOUNCED), clock.now())

    assert PostState.DISTRIBUTED is (await stores.posts.get(post.id)).state
    assert await stores.outbox.next_due(ACCOUNT, [mlist.id], clock.now()) is None


async def test_what_the_owners_are_owed_is_stored_with_the_outcomes_and_once(
    stores: Stores, clock: ManualClock
) -> None:
    """Of each post: not for each batch, and not once more when it is tried again."""
    mlist = await a_list(stores, clock.now())
    posts = [await accepted(stores, mlist, clock.now(), FIVE) for _ in range(2)]
    letter = mailing(["owner@example.org"], clock.now(), MailingKind.NOTICE)
    for _ in range(2):
        while (batch := await stores.outbox.claim(limited(recipients=3), [mlist.id], clock.now())) and (
            batch.kind is MailingKind.COPY
        ):
            refused = all_of(batch, DeliveryState.BOUNCED)
            await stores.outbox.record(batch, refused, clock.now(), letters=[letter])
        await stores.outbox.retry([mlist.id], None, "", clock.now())

    told = await stores.outbox.find([mlist.id], tuple(DeliveryState), "owner@example.org", Page())
    assert sorted((each.post_id, each.kind) for each in told.items) == [
        (post.id, MailingKind.NOTICE) for post in posts
    ]


async def test_the_reply_that_all_have_in_common_is_why(stores: Stores, clock: ManualClock) -> None:
    """A card has room for one; several are told elsewhere."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE)
    assert (await stores.outbox.counts(post.id)).because == ""
    for reply in ("no such user", "no such user", "mailbox full"):
        batch = await stores.outbox.claim(limited(recipients=1), [mlist.id], clock.now())
        assert batch is not None
        [refused] = all_of(batch, DeliveryState.BOUNCED)
        await stores.outbox.record(batch, [replace(refused, reply=reply)], clock.now())
        counts = await stores.outbox.counts(post.id)
        assert counts.because == ("no such user" if reply == "no such user" else "")


async def test_mail_never_tried_goes_before_retries(stores: Stores, clock: ManualClock) -> None:
    """An address that is always full must not hold up today's post."""
    mlist = await a_list(stores, clock.now())
    await accepted(stores, mlist, clock.now(), ["full@example.org"])
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DEFERRED, clock.now()), clock.now())
    clock.advance(HOUR)
    await accepted(stores, mlist, clock.now(), ["new@example.org"])

    batches = await claim_all(stores, ACCOUNT, [mlist.id], clock.now())

    recipients = [claimed.recipient for each in batches for claimed in each.deliveries]
    assert recipients == ["new@example.org", "full@example.org"]


async def test_the_lists_of_other_accounts_are_left_alone(stores: Stores, clock: ManualClock) -> None:
    one, two = await a_list(stores, clock.now(), "a@example.org"), await a_list(stores, clock.now())
    await accepted(stores, one, clock.now(), FIVE)

    assert await stores.outbox.claim(ACCOUNT, [two.id], clock.now()) is None
    assert await stores.outbox.next_due(ACCOUNT, [two.id], clock.now()) is None


async def test_paused_lists_are_passed_over(stores: Stores, clock: ManualClock) -> None:
    """What was accepted waits for the resumption; the other lists go on."""
    quiet, busy = await a_list(stores, clock.now(), "a@example.org"), await a_list(stores, clock.now())
    await accepted(stores, quiet, clock.now(), FIVE)
    await accepted(stores, busy, clock.now(), FIVE)
    paused = await stores.lists.pause(quiet, paused=True)
    both = [quiet.id, busy.id]

    assert [busy.id] == [b.mlist_id for b in await claim_all(stores, ACCOUNT, both, clock.now())]
    assert await stores.outbox.next_due(ACCOUNT, [quiet.id], clock.now()) is None
    await stores.lists.pause(paused, paused=False)
    assert [quiet.id] == [b.mlist_id for b in await claim_all(stores, ACCOUNT, both, clock.now())]


async def test_the_quota_is_any_sixty_minutes(stores: Stores, clock: ManualClock) -> None:
    """A sliding window: what left at 9:00 makes room at 10:00, not at the next full hour."""
    mlist = await a_list(stores, clock.now())
    account = limited(hour=3)
    await accepted(stores, mlist, clock.now(), FIVE)

    assert taken(await claim_all(stores, account, [mlist.id], clock.now())) == [3]
    free_at = clock.now() + HOUR
    assert free_at == await stores.outbox.next_due(account, [mlist.id], clock.now())
    batches = await claim_all(stores, account, [mlist.id], clock.advance(HOUR - MINUTE))
    assert taken(batches) == []
    batches = await claim_all(stores, account, [mlist.id], clock.advance(MINUTE))
    assert sum(taken(batches)) == 3


async def test_the_quota_is_any_twenty_four_hours(stores: Stores, clock: ManualClock) -> None:
    """Attempts count, deferred ones too."""
    mlist = await a_list(stores, clock.now())
    account = limited(hour=2, day=3)
    start = clock.now()
    await accepted(stores, mlist, start, FIVE)
    for _ in range(2):
        for batch in await claim_all(stores, account, [mlist.id], clock.now()):
            retry_at = clock.now() + 3 * DAY
            await stores.outbox.record(batch, all_of(batch, DeliveryState.DEFERRED, retry_at), clock.now())
        clock.advance(2 * HOUR)

    assert await claim_all(stores, account, [mlist.id], clock.now()) == []
    assert start + DAY == await stores.outbox.next_due(account, [mlist.id], clock.now())
    clock.advance(start + DAY - clock.now())
    assert taken(await claim_all(stores, account, [mlist.id], clock.now())) == [2]


async def test_what_was_not_offered_does_not_count_in_the_quota(stores: Stores, clock: ManualClock) -> None:
    """A relay that is away for a while must not cost a day's quota; the other attempts count."""
    mlist = await a_list(stores, clock.now())
    account = limited(hour=5)
    await accepted(stores, mlist, clock.now(), FIVE)
    two, three = [
        await stores.outbox.claim(limited(hour=5, recipients=recipients), [mlist.id], clock.now())
        for recipients in (2, 3)
    ]
    assert two is not None
    assert three is not None

    retry_at = clock.now() + MINUTE
    await stores.outbox.record(two, all_of(two, DeliveryState.DELIVERED), clock.now())
    await stores.outbox.record(
        three, all_of(three, DeliveryState.DEFERRED, retry_at), clock.now(), offered=False
    )

    assert retry_at == await stores.outbox.next_due(account, [mlist.id], clock.now())
    clock.advance(MINUTE)
    await accepted(stores, mlist, clock.now(), FIVE)
    assert sum(taken(await claim_all(stores, account, [mlist.id], clock.now()))) == 3


async def test_lists_of_one_account_share_its_quota(stores: Stores, clock: ManualClock) -> None:
    """Notices count like copies."""
    one, two = await a_list(stores, clock.now(), "a@example.org"), await a_list(stores, clock.now())
    await accepted(stores, one, clock.now(), FIVE[:2])
    notice = mailing(["anne@example.org"], clock.now(), MailingKind.NOTICE)
    await screened(stores, new_post(two.id, clock.now()), mailings=[notice])
    await accepted(stores, two, clock.now(), FIVE)

    batches = await claim_all(stores, limited(hour=4), [one.id, two.id], clock.now())

    assert sum(taken(batches)) == 4


async def test_the_forecast_is_now_without_a_limit(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    forecast = await stores.outbox.forecast(ACCOUNT, [mlist.id], clock.now(), more=5000)
    assert forecast == Forecast({}, clock.now())


async def test_the_forecast_follows_the_quota(stores: Stores, clock: ManualClock) -> None:
    """86 recipients at 20 an hour: the first now, the last four hours later; more wait behind them."""
    mlist = await a_list(stores, clock.now())
    account = limited(hour=20)
    start = clock.now()

    async def new(more: int) -> datetime | None:
        return (await stores.outbox.forecast(account, [mlist.id], start, more=more)).new

    assert await new(86) == start + 4 * HOUR
    await accepted(stores, mlist, start, [f"m{n}@example.org" for n in range(86)])
    assert await new(14) == start + 4 * HOUR
    assert await new(15) == start + 5 * HOUR


async def test_the_forecast_comes_true(stores: Stores, clock: ManualClock) -> None:
    """Simulated or really sent, the last one leaves at the same moment."""
    mlist = await a_list(stores, clock.now())
    account = limited(hour=7, day=30)
    await accepted(stores, mlist, clock.now(), [f"m{n}@example.org" for n in range(80)])
    forecast = await stores.outbox.forecast(account, [mlist.id], clock.now())

    last = None
    while due_at := await stores.outbox.next_due(account, [mlist.id], clock.now()):
        clock.advance(due_at - clock.now())
        for batch in await claim_all(stores, account, [mlist.id], clock.now()):
            last = clock.now()
            await stores.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now())

    assert forecast == Forecast({mlist.id: last}) if last else last


async def test_deliveries_are_found_by_recipient(stores: Stores, clock: ManualClock) -> None:
    """``/trace``: what one person got, newest first, with the relay's word."""
    mlist = await a_list(stores, clock.now())
    first = await accepted(stores, mlist, clock.now(), FIVE)
    second = await accepted(stores, mlist, clock.now(), FIVE)
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.BOUNCED), clock.now())

    found = await stores.outbox.find(None, set(DeliveryState), fold("B@example.org"), Page())
    bounced = await stores.outbox.find([mlist.id], {DeliveryState.BOUNCED}, "", Page(2))

    assert [second.id, first.id] == [delivery.post_id for delivery in found.items]
    assert [delivery.last_reply for delivery in found.items] == ["", "the relay's word"]
    assert [None, clock.now()] == [delivery.last_attempt_at for delivery in found.items]
    assert (bounced.total, len(bounced.items)) == (5, 2)
    assert bounced.items[-1].id == bounced.next_after
    assert (await stores.outbox.find([], set(DeliveryState), "", Page())).total == 0


@pytest.mark.parametrize("state", [DeliveryState.BOUNCED, DeliveryState.DEFERRED])
async def test_retry_makes_failed_deliveries_due(
    stores: Stores, clock: ManualClock, state: DeliveryState
) -> None:
    """With five more days from now on; one address or all."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE)
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    later = clock.now() + 2 * HOUR
    retry_at = later if state is DeliveryState.DEFERRED else None
    await stores.outbox.record(batch, all_of(batch, state, retry_at), clock.now())
    clock.advance(HOUR)

    assert await stores.outbox.retry([mlist.id], post.id, FIVE[0], clock.now()) == 1
    assert await stores.outbox.retry([mlist.id], None, "", clock.now()) == 5
    assert await stores.outbox.retry([mlist.id + 1], post.id, "", clock.now()) == 0

    again = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert again is not None
    assert {(2, clock.now())} == {(c.attempts, c.first_attempt_at) for c in again.deliveries}
    assert await stores.posts.purge(clock.now() + DAY) == 0


async def test_retry_leaves_alone_what_is_being_sent(stores: Stores, clock: ManualClock) -> None:
    """It would go out twice; but an attempt that a crash ended does not stay out of reach."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE[:1])
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DEFERRED, clock.now()), clock.now())
    again = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert again is not None

    assert await stores.outbox.retry([mlist.id], post.id, "", clock.now()) == 0
    for _ in range(40):  # a large mail over a slow line: said to be under way twice a minute
        clock.advance(MINUTE / 2)
        await stores.outbox.prolong(again, clock.now(), clock.now() + MINUTE)
        assert await stores.outbox.retry([mlist.id], post.id, "", clock.now()) == 0
    clock.advance(3 * MINUTE)
    assert await stores.outbox.retry([mlist.id], post.id, "", clock.now()) == 1


async def test_dropping_the_last_delivery_closes_the_post(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE)

    assert await stores.outbox.drop([mlist.id], post.id, FIVE[0], clock.now()) == 1
    assert PostState.ACCEPTED is (await stores.posts.get(post.id)).state
    assert await stores.outbox.drop([mlist.id], post.id, "", clock.now()) == 4
    assert await stores.outbox.drop([mlist.id], post.id, "", clock.now()) == 0

    assert PostState.DISTRIBUTED is (await stores.posts.get(post.id)).state
    assert Counts(dropped=5) == await stores.outbox.counts(post.id)


async def test_finished_deliveries_are_forgotten_and_still_counted(
    stores: Stores, clock: ManualClock
) -> None:
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), FIVE)
    start = clock.now()
    for number, state in enumerate((DeliveryState.DELIVERED, DeliveryState.BOUNCED)):
        batch = await stores.outbox.claim(limited(recipients=2), [mlist.id], clock.now())
        assert batch is not None
        await stores.outbox.record(batch, all_of(batch, state), clock.now())
        clock.advance(HOUR * number)
    before = clock.now() + HOUR

    assert await stores.outbox.forget(before) == 0
    await stores.outbox.drop([mlist.id], post.id, "", clock.now())
    counts = await stores.outbox.counts(post.id)
    assert await stores.outbox.forget(start) == 0
    assert await stores.outbox.forget(before) == 5

    assert await stores.outbox.counts(post.id) == replace(counts, because="")
    assert (await stores.outbox.find(None, set(DeliveryState), "", Page())).total == 0
    with pytest.raises(UserError):
        await stores.posts.undo(post.id, ANNE, clock.now(), None)
    assert await stores.posts.purge(before) == 1


async def test_the_log_of_a_held_post_is_kept(stores: Stores, clock: ManualClock) -> None:
    """A notice to its author, for instance."""
    mlist = await a_list(stores, clock.now())
    notice = mailing(["anne@example.org"], clock.now(), MailingKind.NOTICE)
    post = await screened(stores, new_post(mlist.id, clock.now()), mailings=[notice])
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now())
    clock.advance(100 * DAY)

    assert await stores.outbox.forget(clock.now()) == 0
    await stores.posts.decide(decision(post, clock.now(), disposition=Disposition.DISCARD))
    assert await stores.outbox.forget(clock.now()) == 1


async def test_a_mail_that_went_past_the_outbox_counts_in_the_quota(
    stores: Stores, clock: ManualClock
) -> None:
    mlist, account = await a_list(stores, clock.now()), limited(hour=1)
    await accepted(stores, mlist, clock.now(), ["anne@example.org"])
    await stores.accounts.note_attempt(account.key, 1, clock.now())
    assert await stores.outbox.claim(account, [mlist.id], clock.now()) is None
    later = clock.now() + timedelta(minutes=61)
    assert await stores.outbox.claim(account, [mlist.id], later)
