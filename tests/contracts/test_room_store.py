"""What every `RoomStore` promises: a card is behind until its room shows the latest state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.chat import Card, Room
from bot.core.deliveries import DeliveryState
from bot.core.posts import Disposition, Post
from bot.core.stores import Stores
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT, all_of, limited
from tests.support.stores import ANNE, a_list, accepted, decision, mailing, new_post, screened

SECOND = timedelta(seconds=1)


@pytest.fixture
async def room(stores: Stores, clock: ManualClock) -> Room:
    """An open room."""
    return await stores.rooms.open("terminal", "tty", "fr", clock.now())


@pytest.fixture
async def held(stores: Stores, clock: ManualClock, room: Room) -> Post:
    """A held post, whose card nobody has shown yet."""
    mlist = await a_list(stores, clock.now())
    return await screened(stores, new_post(mlist.id, clock.now()))


async def due(stores: Stores, room: Room, clock: ManualClock) -> list[Card]:
    """The cards that are behind now."""
    return list(await stores.rooms.cards_due(room, clock.now(), 10))


async def show(stores: Stores, room: Room, clock: ManualClock, name: str = "m1") -> None:
    """Do what a room's worker does with the only card that is due."""
    [card] = await due(stores, room, clock)
    await stores.rooms.shown(card, card.message_id or name, clock.now(), None)


async def test_a_held_post_has_a_card_in_every_open_room(
    stores: Stores, clock: ManualClock, room: Room
) -> None:
    closed = await stores.rooms.open("terminal", "closed", "en", clock.now())
    await stores.rooms.close(closed)
    other = await stores.rooms.open("terminal", "other", "en", clock.now())
    mlist = await a_list(stores, clock.now())

    post = await screened(stores, new_post(mlist.id, clock.now()))

    for each in (room, other):
        assert [post.id] == [card.about for card in await due(stores, each, clock)]
        assert clock.now() == await stores.rooms.next_due(each)
    assert await due(stores, closed, clock) == []
    assert await stores.rooms.next_due(closed) is None


async def test_a_room_opened_later_gets_what_is_held(stores: Stores, clock: ManualClock) -> None:
    """Oldest first, and nothing that was decided before; opened again, everything comes afresh."""
    mlist = await a_list(stores, clock.now())
    posts = [await screened(stores, new_post(mlist.id, clock.now())) for _ in range(4)]
    await stores.posts.decide(decision(posts[0], clock.now(), disposition=Disposition.DISCARD))

    room = await stores.rooms.open("terminal", "tty", "fr", clock.now())
    cards = await stores.rooms.cards_due(room, clock.now(), 2)
    assert [posts[1].id, posts[2].id] == [card.about for card in cards]
    for card in await due(stores, room, clock):
        await stores.rooms.shown(card, "m", clock.now(), None)
    again = await stores.rooms.open("terminal", "tty", "en", clock.now())

    assert (room.id, "en") == (again.id, again.language)
    assert [(post.id, "") for post in posts[1:]] == [
        (card.about, card.message_id) for card in await due(stores, again, clock)
    ]


async def test_a_card_that_was_shown_is_not_due(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    await show(stores, room, clock)

    assert await due(stores, room, clock) == []
    assert await stores.rooms.next_due(room) is None


async def test_a_decision_raises_the_cards_in_every_room(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    """To be edited in place: the network's id of what was posted is kept."""
    other = await stores.rooms.open("terminal", "other", "fr", clock.now())
    await show(stores, room, clock, "m1")
    await show(stores, other, clock, "m2")

    await stores.posts.decide(decision(held, clock.now(), disposition=Disposition.DISCARD))

    for each, message_id in ((room, "m1"), (other, "m2")):
        [card] = await due(stores, each, clock)
        assert (message_id, 2, 1) == (card.message_id, card.wanted, card.shown)


async def test_a_change_while_a_card_is_being_shown_is_not_lost(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    [card] = await due(stores, room, clock)
    await stores.posts.decide(decision(held, clock.now(), disposition=Disposition.DISCARD))

    await stores.rooms.shown(card, "m1", clock.now(), clock.now() + 30 * SECOND)

    [behind] = await due(stores, room, clock)
    assert (behind.message_id, behind.wanted, behind.shown) == ("m1", 2, 1)


async def test_a_card_can_be_wanted_again_later(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    """When the undo window ends, its button goes."""
    [card] = await due(stores, room, clock)
    again_at = clock.now() + 30 * SECOND

    await stores.rooms.shown(card, "m1", clock.now(), again_at)

    assert await due(stores, room, clock) == []
    assert again_at == await stores.rooms.next_due(room)
    clock.advance(30 * SECOND)
    assert [card.message_id for card in await due(stores, room, clock)] == ["m1"]


async def test_a_change_does_not_wait_for_the_later_date(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    [card] = await due(stores, room, clock)
    await stores.rooms.shown(card, "m1", clock.now(), clock.now() + 30 * SECOND)

    await stores.posts.decide(decision(held, clock.now(), disposition=Disposition.DISCARD))

    assert len(await due(stores, room, clock)) == 1


async def test_a_card_that_could_not_be_shown_waits(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    """Its failures are counted until it is shown."""
    [card] = await due(stores, room, clock)
    await stores.rooms.postpone(card, clock.now() + 5 * SECOND)

    assert await due(stores, room, clock) == []
    clock.advance(5 * SECOND)
    [card] = await due(stores, room, clock)
    assert card.failures == 1
    await stores.rooms.shown(card, "m1", clock.now(), None)
    await stores.posts.resend(held.id)
    [card] = await due(stores, room, clock)
    assert card.failures == 0


async def test_a_refusal_of_before_the_latest_change_puts_nothing_off(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    """What is to be shown now was not tried yet."""
    [being_shown] = await due(stores, room, clock)
    await stores.posts.decide(decision(held, clock.now(), disposition=Disposition.DISCARD))
    await stores.rooms.postpone(being_shown, clock.now() + 5 * SECOND)
    [card] = await due(stores, room, clock)
    await stores.rooms.postpone(card, clock.now() + 5 * SECOND)
    assert await due(stores, room, clock) == []


async def test_resending_posts_the_card_anew(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    """Also if the old one is being edited at that moment."""
    await show(stores, room, clock)
    await stores.posts.decide(decision(held, clock.now(), disposition=Disposition.DISCARD))
    [being_edited] = await due(stores, room, clock)

    assert await stores.posts.resend(held.id) == 1
    await stores.rooms.shown(being_edited, "m1", clock.now(), None)

    [card] = await due(stores, room, clock)
    assert card.message_id == ""


async def test_closing_abandons_the_cards(stores: Stores, clock: ManualClock, room: Room, held: Post) -> None:
    [card] = await due(stores, room, clock)
    await stores.rooms.close(room)
    await stores.rooms.shown(card, "m1", clock.now(), clock.now())

    assert await due(stores, room, clock) == []
    assert await stores.posts.resend(held.id) == 0


async def distributing(stores: Stores, clock: ManualClock, room: Room) -> None:
    """A running distribution of three copies, its card just shown."""
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    copy = mailing([f"{name}@example.org" for name in "abc"], clock.now())
    await stores.posts.decide(decision(post, clock.now(), mailings=[copy]))
    await show(stores, room, clock)


async def deliver_one(stores: Stores, clock: ManualClock) -> None:
    """One more copy leaves."""
    [mlist] = await stores.lists.all()
    batch = await stores.outbox.claim(limited(recipients=1), [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now())


async def test_progress_is_shown_at_most_every_five_seconds(
    stores: Stores, clock: ManualClock, room: Room
) -> None:
    await distributing(stores, clock, room)

    clock.advance(SECOND)
    await deliver_one(stores, clock)
    assert await due(stores, room, clock) == []
    clock.advance(4 * SECOND)
    [card] = await due(stores, room, clock)
    await deliver_one(stores, clock)  # while the card is on its way
    clock.advance(SECOND)
    await stores.rooms.shown(card, "m1", clock.now(), None)

    assert clock.now() + 5 * SECOND == await stores.rooms.next_due(room)


async def test_the_end_of_a_distribution_is_shown_at_once(
    stores: Stores, clock: ManualClock, room: Room
) -> None:
    await distributing(stores, clock, room)
    for _ in range(3):
        assert await due(stores, room, clock) == []
        await deliver_one(stores, clock)

    assert len(await due(stores, room, clock)) == 1


async def test_the_end_is_not_held_back_by_progress_on_its_way(
    stores: Stores, clock: ManualClock, room: Room
) -> None:
    await distributing(stores, clock, room)
    await deliver_one(stores, clock)
    clock.advance(5 * SECOND)
    [card] = await due(stores, room, clock)
    await deliver_one(stores, clock)
    await deliver_one(stores, clock)

    await stores.rooms.shown(card, "m1", clock.now(), clock.now() + 30 * SECOND)

    assert len(await due(stores, room, clock)) == 1


async def test_progress_does_not_shorten_a_back_off(stores: Stores, clock: ManualClock, room: Room) -> None:
    """A chat network that is away is not called at every batch."""
    await distributing(stores, clock, room)
    await deliver_one(stores, clock)
    clock.advance(5 * SECOND)
    [card] = await due(stores, room, clock)
    later = clock.now() + 60 * SECOND
    await stores.rooms.postpone(card, later)

    await deliver_one(stores, clock)

    assert later == await stores.rooms.next_due(room)


async def test_an_undone_decision_shows_the_post_held_again(
    stores: Stores, clock: ManualClock, room: Room, held: Post
) -> None:
    await show(stores, room, clock)
    await stores.posts.decide(decision(held, clock.now(), disposition=Disposition.DISCARD))
    await show(stores, room, clock)

    await stores.posts.undo(held.id, ANNE, clock.now(), None)

    [card] = await due(stores, room, clock)
    assert (card.message_id, card.wanted) == ("m1", 3)


async def test_an_accepted_post_without_card_does_not_get_one_by_progress(
    stores: Stores, clock: ManualClock, room: Room
) -> None:
    """What a rule accepts concerns no moderator."""
    mlist = await a_list(stores, clock.now())
    copy = mailing(["a@example.org"], clock.now())
    await screened(stores, new_post(mlist.id, clock.now()), Disposition.ACCEPT, [copy])
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now())

    assert await due(stores, room, clock) == []
    await accepted(stores, mlist, clock.now(), ["a@example.org"])
    assert len(await due(stores, room, clock)) == 1
