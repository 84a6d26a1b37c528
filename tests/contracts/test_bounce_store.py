"""What every `BounceStore` promises: points by the day, suspension at the limit, another chance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.addresses import Mailbox, fold
from bot.core.bounces import Failure, Limit
from bot.core.chat import Card, CardKind, Place
from bot.core.lists import MailingList
from bot.core.people import Role
from bot.core.stores import Stores
from tests.support.clock import ManualClock
from tests.support.stores import a_list

ANNE = fold("anne@example.org")
GONE = Failure(ANNE, "550 no such user")
THREE = Limit(3, timedelta(days=7))
OFFICE = Place("telegram", "-9", title="Bureau")
ATTIC = Place("telegram", "-8", title="Grenier")


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    """With Anne, who has two addresses."""
    mlist = await a_list(stores, clock.now())
    person, _ = await stores.people.grant(mlist, Role.MEMBER, Mailbox("Anne", ANNE))
    await stores.people.add_address(person.id, fold("anne@work.example"))
    return mlist


async def points(stores: Stores, clock: ManualClock, mlist: MailingList, *days: float) -> list[int]:
    """The points after a failure on each of these days, counted from now; 0 = unknown address."""
    found, start = [], clock.now()
    for day in days:
        noted = await stores.bounces.note(mlist.id, GONE, start + timedelta(days=day), THREE)
        found.append(noted.points if noted else 0)
    return found


async def test_a_day_gives_one_point(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    assert await points(stores, clock, mlist, 0, 0.01, 1, 1.01, 2) == [1, 1, 2, 2, 3]


async def test_what_blames_the_mail_gives_no_point_and_hides_none(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Administrators are told where nothing worse is known; the same day may bring worse."""
    await stores.rooms.bind(OFFICE, None, clock.now())
    spam, found = Failure(ANNE, "550 5.7.1 blocked", blames_mail=True), []
    for failure in (spam, GONE, spam):
        noted = await stores.bounces.note(mlist.id, failure, clock.now(), THREE)
        assert noted
        found.append((noted.points, noted.reason))
        clock.advance(timedelta(hours=2))
    assert found == [(0, "550 5.7.1 blocked"), (1, "550 no such user"), (1, "550 no such user")]
    assert await told(stores, clock)


async def test_the_limit_suspends_this_address_alone(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await points(stores, clock, mlist, 0, 1)
    assert set(await stores.bounces.suspended()) == set()
    await points(stores, clock, mlist, 2)
    assert set(await stores.bounces.suspended()) == {ANNE}


async def test_points_are_forgotten_after_a_quiet_time(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    assert await points(stores, clock, mlist, 0, 1, 8.5, 15.2, 22) == [1, 2, 1, 2, 3]


async def test_a_suspended_address_stays_so_until_somebody_reactivates_it(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await points(stores, clock, mlist, 0, 1, 2, 30)
    assert set(await stores.bounces.suspended()) == {ANNE}
    assert await stores.bounces.reactivate(ANNE)
    assert set(await stores.bounces.suspended()) == set()
    assert not await stores.bounces.reactivate(ANNE)
    assert await points(stores, clock, mlist, 31) == [1]


async def test_an_address_of_nobody_has_no_points(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    unknown = Failure(fold("x@example.org"), "gone")
    assert await stores.bounces.note(mlist.id, unknown, clock.now(), THREE) is None
    assert await stores.bounces.all([mlist.id]) == []


async def test_what_names_nobody_is_counted(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    for _ in range(2):
        await stores.bounces.note_unnamed(mlist.id, clock.now())
    [unnamed] = await stores.bounces.unnamed([mlist.id])
    assert (unnamed.mlist_id, unnamed.count, unnamed.last_at) == (mlist.id, 2, clock.now())


async def test_the_last_reason_is_shown_and_suspended_ones_come_first(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await points(stores, clock, mlist, 0, 1, 2)
    other = Failure(fold("anne@work.example"), "552 mailbox full")
    await stores.bounces.note(mlist.id, other, clock.now() + timedelta(days=3), THREE)
    found = await stores.bounces.all([mlist.id])
    assert [(each.address, each.points, each.reason) for each in found] == [
        (ANNE, 3, "550 no such user"),
        ("anne@work.example", 1, "552 mailbox full"),
    ]


async def test_points_outlive_the_list_and_end_with_the_person(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await points(stores, clock, mlist, 0, 1, 2)
    await stores.bounces.note_unnamed(mlist.id, clock.now())
    await stores.lists.delete(mlist, 0)
    assert [each.mlist_id for each in await stores.bounces.all([])] == [None]
    person = await stores.people.find(ANNE)
    assert person
    await stores.people.forget(person.id)
    assert await stores.bounces.all([]) == []


async def told(stores: Stores, clock: ManualClock, place: Place = OFFICE) -> Card | None:
    """The card that is to be shown to administrators now, which is then shown; None where none is."""
    room = await stores.rooms.at(place)
    assert room
    cards = await stores.rooms.cards_due(room, clock.now(), 10)
    for card in cards:
        await stores.rooms.shown(card, card.message_id or f"m{card.wanted}", clock.now(), None)
    return cards[0] if cards else None


async def test_administrators_are_told_on_one_card_a_day(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """What comes later that day is an edit of it, which disturbs nobody."""
    await stores.rooms.bind(OFFICE, None, clock.now())
    await stores.bounces.note(mlist.id, GONE, clock.now(), THREE)
    first = await told(stores, clock)
    assert first
    assert (first.kind, first.about, first.message_id) == (CardKind.BOUNCES, mlist.id, "")

    other = Failure(fold("anne@work.example"), "552 mailbox full")
    clock.advance(timedelta(hours=2))
    await stores.bounces.note(mlist.id, other, clock.now(), THREE)
    again = await told(stores, clock)
    assert again
    assert again.message_id
    await stores.bounces.note(mlist.id, other, clock.now(), THREE)  # no second point, nothing to tell
    assert await told(stores, clock) is None

    clock.advance(timedelta(days=1))
    await stores.bounces.note(mlist.id, GONE, clock.now(), THREE)
    anew = await told(stores, clock)
    assert anew
    assert anew.message_id == ""


async def test_the_card_follows_what_people_do_about_it(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await stores.rooms.bind(OFFICE, None, clock.now())
    await stores.bounces.note(mlist.id, GONE, clock.now(), THREE)
    await told(stores, clock)
    clock.advance(timedelta(days=2))
    await stores.bounces.reactivate(ANNE)
    edited = await told(stores, clock)
    assert edited
    assert edited.message_id
    await stores.bounces.note(mlist.id, GONE, clock.now(), THREE)
    await told(stores, clock)
    await stores.people.remove_address(ANNE)
    assert await told(stores, clock)
    assert await stores.bounces.all([mlist.id]) == []
    await stores.lists.delete(mlist, 0)
    assert await told(stores, clock) is None


async def test_administrators_who_get_a_room_later_are_told_of_suspended_addresses(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await points(stores, clock, mlist, 0)
    await stores.rooms.bind(OFFICE, None, clock.now())
    assert await told(stores, clock) is None
    await points(stores, clock, mlist, 1, 2)
    await stores.rooms.bind(ATTIC, None, clock.now())
    clock.advance(timedelta(days=3))
    assert await told(stores, clock, ATTIC)
