"""What every `RoomStore` and `AdminStore` promise about which rooms a list has, and who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.addresses import Address, Mailbox
from bot.core.chat import CardKind, Place, Room
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Role
from bot.core.posts import Disposition, Post
from bot.core.stores import Stores
from bot.core.text import Text
from tests.support.clock import ManualClock
from tests.support.stores import ANNE, a_list, decision, mailing, new_post, screened

GROUP = Place("telegram", "-1", title="Légumes")
OTHER = Place("telegram", "-2", title="Bureau")
PRIVATE = Place("telegram", "1", private=True, title="Anne")


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    return await a_list(stores, clock.now())


async def held(stores: Stores, clock: ManualClock, mlist: MailingList) -> Post:
    return await screened(stores, new_post(mlist.id, clock.now()))


async def room_at(stores: Stores, place: Place) -> Room:
    room = await stores.rooms.at(place)
    assert room
    return room


async def due(stores: Stores, clock: ManualClock, place: Place) -> list[int]:
    """The posts whose cards are behind there."""
    room = await room_at(stores, place)
    return [card.about for card in await stores.rooms.cards_due(room, clock.now(), 10)]


async def show(stores: Stores, clock: ManualClock, place: Place) -> None:
    """Do what a room's worker does with every card that is due."""
    for card in await stores.rooms.cards_due(await room_at(stores, place), clock.now(), 10):
        await stores.rooms.shown(card, card.message_id or f"m{card.about}", clock.now(), None)


async def test_a_bound_room_gets_what_is_held_at_once_and_what_comes(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    other = await a_list(stores, clock.now(), "pain@example.org")
    first, foreign = await held(stores, clock, mlist), await held(stores, clock, other)

    assert await stores.rooms.bind(GROUP, mlist.id, clock.now())
    assert not await stores.rooms.bind(GROUP, mlist.id, clock.now())
    second = await held(stores, clock, mlist)
    await held(stores, clock, other)

    assert [first.id, second.id] == await due(stores, clock, GROUP)
    room = await room_at(stores, GROUP)
    assert ((mlist.id,), "Légumes", False) == (room.mlist_ids, room.title, room.for_admins)
    assert [room] == await stores.rooms.of(mlist.id) == await stores.rooms.running("telegram")
    assert await stores.rooms.of(foreign.mlist_id) == []


async def test_a_list_without_a_room_is_shown_in_the_admins_room(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Until it has one of its own: then the buttons in the other room go."""
    await stores.rooms.bind(OTHER, None, clock.now())
    post = await held(stores, clock, mlist)
    assert [post.id] == await due(stores, clock, OTHER)
    await show(stores, clock, OTHER)

    await stores.rooms.bind(GROUP, mlist.id, clock.now())

    assert [post.id] == await due(stores, clock, GROUP)
    [card] = await stores.rooms.cards_due(await room_at(stores, OTHER), clock.now(), 10)
    assert card.abandoned
    await show(stores, clock, OTHER)
    await stores.posts.decide(decision(post, clock.now(), disposition=Disposition.DISCARD))
    assert await due(stores, clock, OTHER) == []
    assert [post.id] == await due(stores, clock, GROUP)


async def test_without_an_admins_room_every_admin_who_has_come_is_told(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await stores.admins.configure([ANNE.id, "telegram:9"], clock.now())
    post = await held(stores, clock, mlist)
    assert await stores.rooms.of(None) == []

    await stores.rooms.meet(PRIVATE, ANNE.id, clock.now())
    assert [post.id] == await due(stores, clock, PRIVATE)
    assert [PRIVATE.address] == [room.address for room in await stores.rooms.of(None)]
    await show(stores, clock, PRIVATE)

    await stores.admins.configure(["telegram:9"], clock.now())
    [card] = await stores.rooms.cards_due(await room_at(stores, PRIVATE), clock.now(), 10)
    assert card.abandoned
    assert await stores.rooms.of(None) == []


async def test_unbound_and_bound_again_the_card_has_its_buttons_again(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    post = await held(stores, clock, mlist)
    await show(stores, clock, GROUP)
    assert await stores.rooms.unbind(GROUP, mlist.id, clock.now())
    assert not await stores.rooms.unbind(GROUP, mlist.id, clock.now())
    await stores.rooms.bind(GROUP, mlist.id, clock.now())

    [card] = await stores.rooms.cards_due(await room_at(stores, GROUP), clock.now(), 10)

    assert (card.about, card.message_id, card.abandoned) == (post.id, f"m{post.id}", False)


async def test_a_card_that_was_never_posted_goes_without_a_word(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    await held(stores, clock, mlist)
    await stores.rooms.unbind(GROUP, mlist.id, clock.now())
    assert await due(stores, clock, GROUP) == []


async def test_a_console_sees_every_list_while_it_is_open(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Beside the rooms of the lists, in whose place it is not."""
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    console = await stores.rooms.open("terminal", "console", "en", clock.now())
    post = await held(stores, clock, mlist)
    assert [post.id] == await due(stores, clock, GROUP)
    assert [post.id] == [card.about for card in await stores.rooms.cards_due(console, clock.now(), 10)]
    await stores.rooms.close(console)
    assert [room.address for room in await stores.rooms.of(mlist.id)] == [GROUP.address]
    assert await stores.rooms.running("terminal") == []


async def test_a_room_that_moved_keeps_its_lists_and_posts_what_waits_anew(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    post = await held(stores, clock, mlist)
    await show(stores, clock, GROUP)
    await stores.rooms.reached(GROUP, Text("gone"), clock.now())
    there = Place("telegram", "-1001")

    for _ in range(2):
        await stores.rooms.moved("telegram", GROUP.address, there.address, clock.now())

    room = await room_at(stores, there)
    assert ((mlist.id,), None) == (room.mlist_ids, room.unreachable)
    [card] = await stores.rooms.cards_due(room, clock.now(), 10)
    assert (post.id, "") == (card.about, card.message_id)
    assert await stores.rooms.at(GROUP) is None


async def test_what_was_posted_before_a_room_moved_is_never_edited(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Another message may have its number there, and would be overwritten (pyTelegramBotAPI#1682)."""
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    await stores.rooms.bind(GROUP, None, clock.now())
    rejected, running = [await held(stores, clock, mlist) for _ in range(2)]
    await stores.rooms.works("disk", Text("The disk"), Text("it is full"), clock.now())
    clock.advance(timedelta(minutes=2))
    await show(stores, clock, GROUP)
    await stores.posts.decide(decision(rejected, clock.now(), disposition=Disposition.REJECT))
    copies = [mailing(["anne@example.org"], clock.now())]
    await stores.posts.decide(decision(running, clock.now(), mailings=copies))
    await show(stores, clock, GROUP)
    there = Place("telegram", "-1001")

    await stores.rooms.moved("telegram", GROUP.address, there.address, clock.now())

    room = await room_at(stores, there)
    cards = await stores.rooms.cards_due(room, clock.now(), 10)
    assert {(card.kind, card.message_id) for card in cards} == {(CardKind.POST, ""), (CardKind.INCIDENT, "")}
    assert running.id in {card.about for card in cards}
    await show(stores, clock, there)
    await stores.posts.undo(rejected.id, ANNE, clock.now(), None)
    [again] = await stores.rooms.cards_due(room, clock.now(), 10)
    assert (again.about, again.message_id) == (rejected.id, "")


async def test_a_room_that_moved_to_a_known_address_becomes_one_with_it(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    other = await a_list(stores, clock.now(), "pain@example.org")
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    await stores.rooms.bind(GROUP, other.id, clock.now())
    await stores.rooms.bind(OTHER, mlist.id, clock.now())
    await held(stores, clock, mlist)
    second = await held(stores, clock, other)
    await show(stores, clock, GROUP)
    await show(stores, clock, OTHER)

    await stores.rooms.moved("telegram", GROUP.address, OTHER.address, clock.now())

    room = await room_at(stores, OTHER)
    assert (mlist.id, other.id) == room.mlist_ids
    assert [second.id] == await due(stores, clock, OTHER)


async def test_a_room_that_cannot_be_reached_says_why(stores: Stores, clock: ManualClock) -> None:
    why = Text("the bot was removed from {room}", room="Légumes")
    await stores.rooms.reached(GROUP, why, clock.now())  # of a room that nobody knows, nothing is noted
    assert await stores.rooms.at(GROUP) is None
    await stores.rooms.bind(GROUP, None, clock.now())
    await stores.rooms.reached(GROUP, why, clock.now())
    assert why == (await room_at(stores, GROUP)).unreachable
    await stores.rooms.reached(GROUP, None, clock.now())
    assert (await room_at(stores, GROUP)).unreachable is None


async def test_what_was_refused_before_a_room_could_be_reached_again_is_tried_at_once(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """The network tells of both at the same time, and the refusal may be noted last."""
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    post = await held(stores, clock, mlist)
    [refused] = await stores.rooms.cards_due(await room_at(stores, GROUP), clock.now(), 10)
    await stores.rooms.reached(GROUP, Text("the bot was removed"), clock.now())
    await stores.rooms.reached(GROUP, None, clock.now())
    await stores.rooms.postpone(refused, clock.now() + timedelta(hours=6))
    assert await due(stores, clock, GROUP) == [post.id]


async def test_a_deleted_list_leaves_its_room(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    await held(stores, clock, mlist)
    await stores.lists.delete(mlist, newest_post=10**6)
    assert (await room_at(stores, GROUP)).mlist_ids == ()
    assert await due(stores, clock, GROUP) == []


async def test_a_room_speaks_its_own_language(stores: Stores) -> None:
    await stores.rooms.speak(GROUP, "fr")
    assert (await room_at(stores, GROUP)).language == "fr"


async def test_posts_of_an_unbound_room_that_ended_are_left_alone(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """What has no button any more needs no word."""
    await stores.rooms.bind(GROUP, mlist.id, clock.now())
    post = await held(stores, clock, mlist)
    await stores.posts.decide(decision(post, clock.now(), disposition=Disposition.DISCARD))
    await show(stores, clock, GROUP)
    clock.advance(timedelta(minutes=5))
    await stores.rooms.unbind(GROUP, mlist.id, clock.now())
    assert await due(stores, clock, GROUP) == []


async def test_admins_of_the_configuration_are_replaced_and_the_others_kept(
    stores: Stores, clock: ManualClock
) -> None:
    await stores.admins.configure(["telegram:1", "telegram:2"], clock.now())
    assert await stores.admins.add("telegram:3", clock.now())
    assert not await stores.admins.add("telegram:2", clock.now())
    with pytest.raises(UserError, match="configuration"):
        await stores.admins.remove("telegram:1", clock.now())

    await stores.admins.configure(["telegram:2", "telegram:4"], clock.now())

    assert await stores.admins.all() == {"telegram:2": True, "telegram:3": False, "telegram:4": True}
    assert await stores.admins.remove("telegram:3", clock.now())
    assert not await stores.admins.remove("telegram:3", clock.now())


async def test_an_account_that_is_linked_to_nobody_has_no_roles(
    stores: Stores,
) -> None:
    assert await stores.admins.roles("telegram:1") == {}


async def test_a_linked_account_has_the_roles_of_its_person(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    paul, vera = Address("paul@example.org"), Address("vera@example.org")
    person, _ = await stores.people.grant(mlist, Role.MODERATOR, Mailbox("Paul", paul))
    await stores.people.grant(mlist, Role.OWNER, Mailbox("Vera", vera))
    assert await stores.admins.link("telegram:1", Address("nobody@example.org")) is None
    assert await stores.admins.link("telegram:1", paul) == person
    assert await stores.admins.roles("telegram:1") == {mlist.id: {Role.MODERATOR}}
    assert await stores.admins.linked("telegram:1") == person
    await stores.admins.link("telegram:1", vera)
    assert await stores.admins.roles("telegram:1") == {mlist.id: {Role.OWNER}}
    assert await stores.admins.unlink("telegram:1")
    assert not await stores.admins.unlink("telegram:1")
    assert await stores.admins.linked("telegram:1") is None
    assert await stores.admins.roles("telegram:1") == {}


async def test_who_is_forgotten_is_linked_no_more(stores: Stores, mlist: MailingList) -> None:
    paul = Address("paul@example.org")
    person, _ = await stores.people.grant(mlist, Role.MODERATOR, Mailbox("Paul", paul))
    await stores.admins.link("telegram:1", paul)
    await stores.people.forget(person.id)
    assert await stores.admins.linked("telegram:1") is None
