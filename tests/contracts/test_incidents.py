"""What every store promises of incidents: told once where administrators are, edited until they are over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.chat import Card, CardKind, Incident, Place, Room
from bot.core.lists import Certificate, MailingList
from bot.core.stores import Stores
from bot.core.text import Text
from tests.support.clock import ManualClock
from tests.support.stores import a_list

OFFICE = Place("telegram", "-9", title="Bureau")
MINUTE = timedelta(minutes=1)
REFUSED = Text("the password is refused")


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    await stores.rooms.bind(OFFICE, None, clock.now())
    return await a_list(stores, clock.now())


async def due(stores: Stores, clock: ManualClock, place: Place = OFFICE) -> list[Card]:
    room = await stores.rooms.at(place)
    assert room
    return list(await stores.rooms.cards_due(room, clock.now(), 10))


async def show(stores: Stores, clock: ManualClock) -> Incident:
    """Show the only card that is due, and what it is about."""
    [card] = await due(stores, clock)
    assert card.kind is CardKind.INCIDENT
    await stores.rooms.shown(card, card.message_id or "m1", clock.now(), None)
    incident = await stores.rooms.incident(card.about)
    assert incident
    return incident


async def polled(stores: Stores, clock: ManualClock, mlist: MailingList, trouble: Text | None) -> None:
    await stores.lists.polled(mlist.id, clock.now(), trouble)


async def test_what_does_not_work_for_a_minute_is_told_once(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Amapress had silent errors, then floods of them (its CHANGELOG: 0.95.0, 0.99.145, 0.99.149)."""
    began = clock.now()
    await polled(stores, clock, mlist, REFUSED)
    assert await due(stores, clock) == []
    clock.advance(MINUTE)
    await polled(stores, clock, mlist, REFUSED)
    incident = await show(stores, clock)
    assert (incident.opened_at, incident.closed_at, incident.trouble) == (began, None, REFUSED)
    assert mlist.address in str(incident.what)
    await polled(stores, clock, mlist, REFUSED)
    assert await due(stores, clock) == []


async def test_what_mends_itself_within_the_minute_is_never_told(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await polled(stores, clock, mlist, REFUSED)
    clock.advance(MINUTE / 2)
    await polled(stores, clock, mlist, None)
    clock.advance(MINUTE)
    assert await due(stores, clock) == []


async def test_another_reason_and_the_end_are_told_on_the_same_card(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await polled(stores, clock, mlist, REFUSED)
    clock.advance(MINUTE)
    first = await show(stores, clock)
    await polled(stores, clock, mlist, Text("nobody answers"))
    second = await show(stores, clock)
    assert (first.id, str(second.trouble), second.revision) == (second.id, "nobody answers", 2)
    clock.advance(timedelta(hours=2))
    await polled(stores, clock, mlist, None)
    [card] = await due(stores, clock)
    assert card.message_id == "m1"
    over = await show(stores, clock)
    assert over.closed_at == clock.now()
    await polled(stores, clock, mlist, None)
    assert await due(stores, clock) == []


@pytest.mark.parametrize(("hours", "message_id"), [(5, "m1"), (7, "")])
async def test_what_comes_back_soon_is_the_same_incident(
    stores: Stores, clock: ManualClock, mlist: MailingList, hours: int, message_id: str
) -> None:
    await polled(stores, clock, mlist, REFUSED)
    clock.advance(MINUTE)
    await show(stores, clock)
    await polled(stores, clock, mlist, None)
    await show(stores, clock)
    clock.advance(timedelta(hours=hours))
    await polled(stores, clock, mlist, REFUSED)
    assert await due(stores, clock) == []
    clock.advance(MINUTE)
    [card] = await due(stores, clock)
    assert card.message_id == message_id
    incident = await stores.rooms.incident(card.about)
    assert incident
    assert incident.closed_at is None


async def test_a_certificate_to_be_accepted_is_told_at_once(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    seen = Certificate("imap.example.org:993", "ab" * 32)
    await stores.lists.polled(mlist.id, clock.now(), Text("another certificate"), seen)
    assert (await show(stores, clock)).seen == seen


async def test_lists_that_share_an_account_have_one_incident(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    other = await a_list(stores, clock.now(), "pain@example.org")
    for ids in ([mlist.id, other.id], [other.id]):
        await stores.lists.connected(ids, clock.now(), REFUSED, "anne@relay:465")
    clock.advance(MINUTE)
    assert "anne@relay:465" in str((await show(stores, clock)).what)


async def test_a_room_that_cannot_be_reached_is_an_incident(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    place = Place("telegram", "-1", title="Légumes")
    await stores.rooms.bind(place, mlist.id, clock.now())
    await stores.rooms.reached(place, Text("the bot was removed"), clock.now())
    clock.advance(MINUTE)
    assert "Légumes" in str((await show(stores, clock)).what)
    await stores.rooms.reached(place, None, clock.now())
    assert (await show(stores, clock)).closed_at == clock.now()


async def test_what_is_nobody_s_own_is_an_incident_too(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Such as the connection to a chat network, or the disk."""
    what, why = Text("The connection to Matrix"), Text("nobody answers")
    for _ in range(2):
        await stores.rooms.works("chat matrix", what, why, clock.now())
    clock.advance(MINUTE)
    told = await show(stores, clock)
    assert (str(told.what), str(told.trouble)) == ("The connection to Matrix", "nobody answers")
    for _ in range(2):
        await stores.rooms.works("chat matrix", what, None, clock.now())
    assert (await show(stores, clock)).closed_at == clock.now()
    assert await due(stores, clock) == []


async def test_administrators_who_get_a_room_later_are_told_what_lasts(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """In the room that is theirs now, and no longer in the other."""
    await polled(stores, clock, mlist, REFUSED)
    clock.advance(MINUTE)
    await show(stores, clock)
    later = Place("telegram", "-10")
    await stores.rooms.bind(later, None, clock.now())
    assert len(await due(stores, clock, later)) == 1


async def test_with_the_list_its_incident_goes(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await polled(stores, clock, mlist, REFUSED)
    clock.advance(MINUTE)
    await stores.lists.delete(mlist, newest_post=10**6)
    assert await due(stores, clock) == []


async def test_a_console_sees_incidents_too(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    await polled(stores, clock, mlist, REFUSED)
    console: Room = await stores.rooms.open("terminal", "console", "en", clock.now())
    assert [card.kind for card in await stores.rooms.cards_due(console, clock.now(), 10)] == [
        CardKind.INCIDENT
    ]
