"""What administrators see of an incident, and the button that accepts a certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.chat.rooms import RoomWorker
from bot.core.chat import Place
from bot.core.lists import Certificate
from bot.core.people import Actor
from bot.core.text import Text
from tests.support.office import PAUL, Office, buttons_of, text_of
from tests.support.wall import Wall

OFFICE = Place("test", "-9", title="Bureau")
SEEN = Certificate("imap.example.org:993", "ab" * 32)
LOUISE = Actor("telegram:7", "Louise")


@pytest.fixture
async def worker(office: Office) -> tuple[RoomWorker, Wall]:
    desk, wall = office.desk, Wall()
    await desk.stores.rooms.bind(OFFICE, None, office.clock.now())
    room = await desk.stores.rooms.at(OFFICE)
    assert room
    return RoomWorker(desk.stores, desk.accounts, desk.languages, desk.clock, wall, room), wall


async def fail(office: Office, trouble: Text | None, seen: Certificate | None = None) -> None:
    await office.desk.stores.lists.polled(office.mlist.id, office.clock.now(), trouble, seen)


async def test_one_card_tells_the_beginning_and_the_end(
    office: Office, worker: tuple[RoomWorker, Wall]
) -> None:
    step, wall = worker[0].step, worker[1]
    await fail(office, Text("the password is refused"))
    await step()
    assert wall.screens == []
    office.clock.advance(timedelta(minutes=1))
    await step()
    assert "⚠️ The mailbox of adherents@amap.example does not work, since 10:00" in text_of(wall.screens[0])
    assert "the password is refused" in text_of(wall.screens[0])
    office.clock.advance(timedelta(minutes=119))
    await fail(office, None)
    await step()
    assert "works again since 12:00; it was away for 2 hours" in text_of(wall.screens[0])
    assert len(wall.screens) == 1


async def test_an_administrator_accepts_the_certificate_that_was_read(
    office: Office, worker: tuple[RoomWorker, Wall]
) -> None:
    step, wall = worker[0].step, worker[1]
    await fail(office, Text("another certificate"), SEEN)
    await step()
    [data] = buttons_of(wall.screens[0])
    refused = await office.press(data, LOUISE, OFFICE)
    assert "is for administrators" in refused.text
    await fail(office, Text("yet another"), Certificate(SEEN.server, "cd" * 32))
    assert "has changed since" in (await office.press(data, PAUL, OFFICE)).text
    assert dict((await office.desk.stores.lists.get(office.mlist.id)).pins) == {}
    await step()
    [data] = buttons_of(wall.screens[0])
    assert "CD:CD" in (await office.press(data, PAUL, OFFICE)).text
    assert dict((await office.desk.stores.lists.get(office.mlist.id)).pins) == {SEEN.server: "cd" * 32}


@pytest.mark.parametrize("data", ["trust:1:1", "trust:999999999:0", "trust::", "trust:1:1:1"])
async def test_an_invented_acceptance_is_refused(office: Office, data: str) -> None:
    assert (await office.press(data)).text
    assert dict((await office.desk.stores.lists.get(office.mlist.id)).pins) == {}
