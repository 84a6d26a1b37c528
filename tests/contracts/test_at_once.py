"""What every storage promises to those who come at the same moment: what they would get one by one.

Each race is run many times, through two openings of the same database, as from two processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.addresses import Mailbox, fold
from bot.core.deliveries import DeliveryState
from bot.core.errors import FacteurError, UserError
from bot.core.people import Ban, Role
from bot.core.posts import PostState
from bot.core.stores import Page, Removed, Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT, all_of, limited
from tests.support.stores import ANNE, BORIS, a_list, accepted, decision, mailing, new_post, screened

ROUNDS = 15
FIVE = [f"{name}@example.org" for name in "abcde"]
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def elsewhere(stores: Stores, database: Where, box: FernetBox) -> AsyncIterator[Stores]:
    """The same database, opened once more."""
    async with open_stores(database, box) as opened:
        yield opened


async def test_a_mail_is_taken_in_once(stores: Stores, elsewhere: Stores, clock: ManualClock) -> None:
    """Two processes that poll the same mailbox by mistake do no harm."""
    mlist = await a_list(stores, clock.now())
    for _ in range(ROUNDS):
        post = new_post(mlist.id, clock.now())

        numbers = await asyncio.gather(*(each.posts.take_in(post) for each in (stores, elsewhere, stores)))

        assert sum(number is not None for number in numbers) == 1


async def test_the_last_two_outcomes_close_the_post(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """Whichever connection is later sees what the other stored."""
    mlist = await a_list(stores, clock.now())
    for _ in range(ROUNDS):
        post = await accepted(stores, mlist, clock.now(), FIVE[:2])
        batches = [await stores.outbox.claim(limited(recipients=1), [mlist.id], clock.now()) for _ in "12"]

        await asyncio.gather(
            *(
                each.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now())
                for each, batch in zip((stores, elsewhere), batches, strict=True)
                if batch
            )
        )

        assert PostState.DISTRIBUTED is (await stores.posts.get(post.id)).state


async def test_the_quota_holds_for_all_together(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """Many connections claim from several lists of one account."""
    lists = [await a_list(stores, clock.now(), f"l{n}@example.org") for n in range(3)]
    for mlist in lists:
        await accepted(stores, mlist, clock.now(), FIVE)
    account = limited(hour=7, recipients=2)

    batches = await asyncio.gather(
        *(
            each.outbox.claim(account, [mlist.id], clock.now())
            for each in (stores, elsewhere) * 3
            for mlist in lists
        )
    )

    assert sum(len(batch.deliveries) for batch in batches if batch) == 7


async def test_what_is_undone_does_not_leave(stores: Stores, elsewhere: Stores, clock: ManualClock) -> None:
    """Either it is too late to undo, or nothing of it is claimed."""
    mlist = await a_list(stores, clock.now())
    for _ in range(ROUNDS):
        post = await accepted(stores, mlist, clock.now(), FIVE)

        claimed, undone = await asyncio.gather(
            elsewhere.outbox.claim(ACCOUNT, [mlist.id], clock.now()),
            stores.posts.undo(post.id, ANNE, clock.now(), None),
            return_exceptions=True,
        )

        state = (await stores.posts.get(post.id)).state
        if claimed is None:
            assert not isinstance(undone, BaseException), undone
            assert state is PostState.HELD
            await stores.posts.decide(decision(post, clock.now(), seen=2))
        else:
            assert isinstance(undone, UserError), undone
            assert state is PostState.ACCEPTED


async def test_what_is_stopped_ends_whatever_comes_back(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """Stopping, claiming and recording at once: the post is closed, and every delivery has an end."""
    mlist = await a_list(stores, clock.now())
    for _ in range(ROUNDS):
        post = await accepted(stores, mlist, clock.now(), FIVE)
        batch = await stores.outbox.claim(limited(recipients=3), [mlist.id], clock.now())
        assert batch is not None

        await asyncio.gather(
            stores.posts.stop(post.id, ANNE, clock.now(), None),
            elsewhere.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now()),
            elsewhere.outbox.claim(limited(recipients=1), [mlist.id], clock.now()),
        )

        counts = await stores.outbox.counts(post.id)
        assert (counts.delivered, counts.dropped) == (3, 2)
        assert PostState.DISTRIBUTED is (await stores.posts.get(post.id)).state


async def test_one_of_many_decides(stores: Stores, elsewhere: Stores, clock: ManualClock) -> None:
    """The others are told who was first; the mail leaves once."""
    mlist = await a_list(stores, clock.now())
    for _ in range(ROUNDS):
        post = await screened(stores, new_post(mlist.id, clock.now()))
        word = [
            decision(post, clock.now(), by=by, mailings=[mailing(FIVE, clock.now())]) for by in (ANNE, BORIS)
        ]

        answers = await asyncio.gather(
            *(each.posts.decide(said) for each in (stores, elsewhere) for said in word),
            return_exceptions=True,
        )

        assert sum(not isinstance(answer, FacteurError) for answer in answers) == 1
        assert (await stores.outbox.counts(post.id)).due == len(FIVE)


async def test_a_room_that_opens_sees_what_is_held_at_that_moment(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """Each held post has one card there, whoever came first."""
    mlist = await a_list(stores, clock.now())
    for number in range(ROUNDS):
        arriving = [screened(stores, new_post(mlist.id, clock.now())) for _ in range(3)]

        room, _ = await asyncio.gather(
            elsewhere.rooms.open("terminal", f"tty{number}", "fr", clock.now()), asyncio.gather(*arriving)
        )

        held = await stores.posts.find([mlist.id], {PostState.HELD}, "", Page())
        cards = await stores.rooms.cards_due(room, clock.now(), 1000)
        assert {post.id for post in held.items} == {card.about for card in cards}


async def test_what_is_brought_back_is_not_purged(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """It is there and held, or gone and nobody was told otherwise."""
    mlist = await a_list(stores, clock.now())
    for _ in range(ROUNDS):
        post = await screened(stores, new_post(mlist.id, clock.now()))
        await stores.posts.decide(decision(post, clock.now()))
        clock.advance(MINUTE)

        undone, _ = await asyncio.gather(
            stores.posts.undo(post.id, ANNE, clock.now(), None),
            elsewhere.posts.purge(clock.now()),
            return_exceptions=True,
        )

        found = await asyncio.gather(stores.posts.get(post.id), return_exceptions=True)
        assert isinstance(undone, UserError) is isinstance(found[0], UserError)


async def test_one_address_is_one_person_and_one_ban(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """Two owners who add the same address at once have added one person."""
    mlist = await a_list(stores, clock.now())
    for number in range(ROUNDS):
        who = Mailbox("Anne", fold(f"anne{number}@example.org"))
        ban = Ban(who.address, None, "Anne", clock.now())

        granted = await asyncio.gather(
            *(each.people.grant(mlist, Role.MEMBER, who) for each in (stores, elsewhere) * 2)
        )
        added = await asyncio.gather(*(each.bans.add(ban) for each in (stores, elsewhere)))

        assert len({person.id for person, _ in granted}) == 1
        assert sorted(fresh for _, fresh in granted) == [False, False, False, True]
        assert sorted(added) == [False, True]


async def test_a_list_that_is_deleted_takes_all_with_it(
    stores: Stores, elsewhere: Stores, clock: ManualClock
) -> None:
    """Mail that comes in at that moment comes first, and the list stays; or it is left in the mailbox."""
    for number in range(ROUNDS):
        mlist = await a_list(stores, clock.now(), f"l{number}@example.org")
        post = await accepted(stores, mlist, clock.now(), FIVE)

        deleted, *_ = await asyncio.gather(
            stores.lists.delete(mlist, post.id),
            *(elsewhere.posts.take_in(new_post(mlist.id, clock.now())) for _ in range(3)),
            elsewhere.outbox.claim(ACCOUNT, [mlist.id], clock.now()),
            return_exceptions=True,
        )

        left = (await stores.posts.find([mlist.id], set(PostState), "", Page())).total
        assert left == 0 if isinstance(deleted, Removed) else left > 1
