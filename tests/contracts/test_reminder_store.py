"""`ReminderStore`: what has waited too long, told once in each room, on both engines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.core.chat import Card, CardKind, Place
from bot.core.deliveries import Delivery, DeliveryState, MailingKind
from bot.core.lists import MailingList
from bot.core.posts import Post
from bot.core.reminders import Overdue
from bot.core.stores import Page, Stores
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT, all_of
from tests.support.stores import a_list, accepted, decision, mailing, new_post, screened

OFFICE, ROOM = Place("telegram", "-9", title="Bureau"), Place("telegram", "-1", title="Légumes")
HOUR = timedelta(hours=1)
HALF_A_DAY = timedelta(hours=12)


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    """A list with a room of its own; administrators have another."""
    mlist = await a_list(stores, clock.now())
    await stores.rooms.bind(OFFICE, None, clock.now())
    await stores.rooms.bind(ROOM, mlist.id, clock.now())
    return mlist


async def held(stores: Stores, clock: ManualClock, mlist: MailingList) -> Post:
    return await screened(stores, new_post(mlist.id, clock.now()))


async def remind(stores: Stores, clock: ManualClock) -> None:
    """This is an hour of reminders."""
    ages = {mlist.id: HALF_A_DAY for mlist in await stores.lists.all()}
    await stores.reminders.remind(clock.now(), ages, clock.now())


async def decide(stores: Stores, clock: ManualClock, post: Post) -> None:
    await stores.posts.decide(decision(post, clock.now()))
    await stores.reminders.refresh(clock.now())


async def due(stores: Stores, clock: ManualClock, kind: CardKind, place: Place) -> list[Card]:
    room = await stores.rooms.at(place)
    assert room
    return [each for each in await stores.rooms.cards_due(room, clock.now(), 50) if each.kind is kind]


async def show(
    stores: Stores, clock: ManualClock, kind: CardKind = CardKind.REMINDER, place: Place = ROOM
) -> tuple[str, Sequence[Overdue]]:
    """Show the only reminder that is due: what was posted before, and what it says."""
    [card] = await due(stores, clock, kind, place)
    told = await stores.reminders.told_in(card.about, card.kind)
    await stores.rooms.shown(card, card.message_id or f"m{clock.now():%d%H}", clock.now(), None)
    return card.message_id, told


async def is_quiet(stores: Stores, clock: ManualClock, place: Place = ROOM) -> bool:
    return not [
        card
        for kind in CardKind
        if kind not in {CardKind.POST, CardKind.INCIDENT}
        for card in await due(stores, clock, kind, place)
    ]


async def test_a_room_is_told_what_is_old_and_not_what_is_new(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    began = clock.now()
    await held(stores, clock, mlist)
    clock.advance(HOUR)
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await held(stores, clock, mlist)
    await remind(stores, clock)
    assert await show(stores, clock) == ("", [Overdue(mlist.id, mlist.address, 2, began)])
    assert await is_quiet(stores, clock, OFFICE)


async def test_what_is_not_old_yet_is_not_told(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY - HOUR)
    await remind(stores, clock)
    assert await is_quiet(stores, clock)


async def test_the_next_hour_edits_the_same_reminder(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await held(stores, clock, mlist)
    await remind(stores, clock)
    await show(stores, clock)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    posted, [told] = await show(stores, clock)
    assert posted
    assert told.count == 2


async def test_the_same_hour_reminds_once(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    hour = clock.now()
    await remind(stores, clock)
    await show(stores, clock)
    for _ in range(3):
        clock.advance(HOUR)
        await stores.reminders.remind(hour, {mlist.id: HALF_A_DAY}, clock.now())
    assert await is_quiet(stores, clock)
    assert await stores.reminders.unheard(2) == []


async def test_a_decision_edits_the_reminder_and_the_last_one_closes_it(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    first, second = await held(stores, clock, mlist), await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    await show(stores, clock)
    await stores.reminders.refresh(clock.now())
    assert await is_quiet(stores, clock)
    await decide(stores, clock, first)
    posted, [told] = await show(stores, clock)
    assert (bool(posted), told.count) == (True, 1)
    await decide(stores, clock, second)
    assert await show(stores, clock) == (posted, [])
    assert await is_quiet(stores, clock)


async def test_after_one_that_was_closed_comes_a_new_one(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    for expected in ("", ""):
        post = await held(stores, clock, mlist)
        clock.advance(HALF_A_DAY)
        await remind(stores, clock)
        assert (await show(stores, clock))[0] == expected
        await decide(stores, clock, post)
        await show(stores, clock)


async def test_one_that_nobody_saw_is_not_closed_but_gone(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    post = await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    await decide(stores, clock, post)
    assert await is_quiet(stores, clock)


async def test_a_room_that_is_unbound_is_reminded_of_nothing(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    await show(stores, clock)
    await stores.rooms.unbind(ROOM, mlist.id, clock.now())
    await stores.reminders.refresh(clock.now())
    posted, told = await show(stores, clock)
    assert (bool(posted), told) == (True, [])
    assert await is_quiet(stores, clock, OFFICE)  # until the next hour
    clock.advance(HOUR)
    await remind(stores, clock)
    assert len((await show(stores, clock, place=OFFICE))[1]) == 1


async def test_a_room_that_moved_gets_its_reminder_there(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    await show(stores, clock)
    await stores.rooms.moved("telegram", ROOM.address, "-100", clock.now())
    posted, [told] = await show(stores, clock, place=Place("telegram", "-100"))
    assert (posted, told.count) == ("", 1)


async def test_a_room_of_two_lists_is_told_of_both_in_one(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    other = await a_list(stores, clock.now(), "pain@example.org")
    await stores.rooms.bind(ROOM, other.id, clock.now())
    await held(stores, clock, mlist)
    await held(stores, clock, other)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    _, told = await show(stores, clock)
    assert [each.list_address for each in told] == ["legumes@example.org", "pain@example.org"]


async def test_a_list_that_is_deleted_is_told_no_more(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    await show(stores, clock)
    await stores.lists.delete(mlist, newest_post=10**6)
    await stores.reminders.refresh(clock.now())
    assert (await show(stores, clock))[1] == []


async def test_owners_are_told_once_in_a_spell_of_the_oldest_post(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    oldest = await held(stores, clock, mlist)
    await held(stores, clock, mlist)
    for hours in (1, 2, 3):
        clock.advance(HALF_A_DAY)
        assert await stores.reminders.unheard(3) == []
        await remind(stores, clock)
        assert len(await stores.reminders.unheard(hours)) == 1
    [(told, post)] = await stores.reminders.unheard(3)
    assert (told.count, post.id) == (2, oldest.id)
    notice = mailing(["olga@example.org"], clock.now(), MailingKind.NOTICE)
    for _ in range(2):
        assert await stores.reminders.tell_owners(post, [notice])
    assert [each.recipient for each in await to_olga(stores)] == ["olga@example.org"]
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    assert await stores.reminders.unheard(3) == []


async def test_owners_are_not_told_of_a_post_that_was_decided_meanwhile(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    post = await held(stores, clock, mlist)
    clock.advance(HALF_A_DAY)
    await remind(stores, clock)
    await decide(stores, clock, post)
    notice = mailing(["olga@example.org"], clock.now(), MailingKind.NOTICE)
    assert not await stores.reminders.tell_owners(post, [notice])
    assert await to_olga(stores) == ()


async def to_olga(stores: Stores) -> Sequence[Delivery]:
    found = await stores.outbox.find(None, set(DeliveryState), "olga@example.org", Page())
    return found.items


async def test_administrators_are_told_of_deliveries_while_they_fail(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await failing(stores, clock, mlist)
    first_tried = clock.now()
    clock.advance(HOUR)
    await remind(stores, clock)
    failures = CardKind.FAILURES
    assert await show(stores, clock, failures, OFFICE) == (
        "",
        [Overdue(mlist.id, mlist.address, 1, first_tried)],
    )
    assert await is_quiet(stores, clock)
    clock.advance(HOUR)
    await remind(stores, clock)
    assert (await show(stores, clock, failures, OFFICE))[0]
    await stores.outbox.drop([mlist.id], 1, "", clock.now())
    await stores.reminders.refresh(clock.now())
    assert (await show(stores, clock, failures, OFFICE))[1] == []
    clock.advance(HOUR)
    await remind(stores, clock)
    assert await is_quiet(stores, clock, OFFICE)


async def failing(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    """A copy that was refused for now."""
    await accepted(stores, mlist, clock.now(), ["jean@example.org"])
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DEFERRED), clock.now())
