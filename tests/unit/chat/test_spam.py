"""Probable spam in a room: a card for the first of a day, a digest of what follows; on both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.chat.rooms import RoomWorker
from bot.core.chat import Place
from tests.support.office import Office, buttons_of, text_of
from tests.support.wall import Wall

GROUP = Place("test", "-1", title="Modération")
HOUR = timedelta(hours=1)


@pytest.fixture
async def wall(office: Office) -> Wall:
    await office.desk.stores.rooms.bind(GROUP, office.mlist.id, office.clock.now())
    return Wall()


async def spam(office: Office, wall: Wall, number: int = 1) -> None:
    """So many posts that the provider takes for spam come in, and the room is brought up to date."""
    for _ in range(number):
        await office.hold(rule="spam")
    await step(office, wall)


async def step(office: Office, wall: Wall) -> None:
    desk = office.desk
    room = await desk.stores.rooms.at(GROUP)
    assert room
    await RoomWorker(desk.stores, desk.accounts, desk.languages, desk.clock, wall, room).step()
    office.clock.advance(HOUR)


async def test_what_follows_the_first_is_one_digest(office: Office, wall: Wall) -> None:
    """Not a card and a sound for each (sympa-community/sympa#861); other posts have theirs as ever."""
    await spam(office, wall)
    [first] = wall.screens
    assert "distribute:1:0" in buttons_of(first)
    assert "Bonjour" in text_of(first)

    await spam(office, wall)
    assert text_of(wall.screens[1]).startswith("🗑 1 post is probably spam\n1️⃣ #2")
    await spam(office, wall, 2)
    await office.hold()
    await step(office, wall)
    assert len(wall.screens) == 3
    assert text_of(wall.screens[1]).startswith("🗑 3 posts are probably spam")
    assert text_of(wall.screens[2]).startswith("#5")

    opened = await office.press(buttons_of(wall.screens[1])[0], place=GROUP)
    assert "comes below" in opened.text
    await office.hold()
    await step(office, wall)
    assert [text_of(each)[:2] for each in wall.screens[3:]] == ["#2", "#6"]
    assert text_of(wall.screens[1]).startswith("🗑 2 posts are probably spam")


async def test_much_at_once_is_a_digest_beside_what_is_none(office: Office, wall: Wall) -> None:
    for _ in range(5):
        await office.hold()
    await spam(office, wall, 3)
    assert len(wall.screens) == 6
    [digest] = [each for each in wall.screens if "probably spam" in text_of(each)]
    assert text_of(digest).startswith("🗑 3 posts")


async def test_a_digest_that_is_dealt_with_takes_in_no_more(office: Office, wall: Wall) -> None:
    """Nobody would look at it again; and the next day begins with a card."""
    await spam(office, wall, 2)
    asked = await office.press(buttons_of(wall.screens[0])[-1], place=GROUP)
    await office.press(buttons_of(asked.screens[0])[0], place=GROUP)
    await step(office, wall)
    assert "none waits any more" in text_of(wall.screens[0])

    await spam(office, wall, 2)
    assert len(wall.screens) == 2
    assert text_of(wall.screens[1]).startswith("🗑 2 posts are probably spam")
    office.clock.advance(25 * HOUR)
    await spam(office, wall)
    assert text_of(wall.screens[2]).startswith("#5")


async def test_what_is_new_is_on_the_page_that_is_shown(office: Office, wall: Wall) -> None:
    await spam(office, wall, 8)
    await spam(office, wall)
    [digest] = wall.screens
    assert text_of(digest).startswith("🗑 9 posts are probably spam · page 2 of 2\n1️⃣ #9")
