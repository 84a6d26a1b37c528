"""What works for nobody is told where administrators can still be reached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.app import open_app
from bot.core.chat import CardKind, Place
from bot.core.text import Text
from bot.flow.disk import Disk
from config.settings import Settings
from tests.support.clock import ManualClock
from tests.support.office import text_of
from tests.support.wall import Wall, away

OFFICE = Place("other", "-9", title="Bureau")
MINUTE = timedelta(minutes=1)


async def test_a_network_that_is_away_is_told_on_the_other_one(tmp_path: Path, clock: ManualClock) -> None:
    gone, there = Wall(name="test"), Wall(name="other")
    settings = Settings(data_dir=tmp_path, language="en")
    async with open_app(settings, clock=clock, chats=[gone, there]) as app:
        await app.stores.rooms.bind(OFFICE, None, clock.now())
        gone.trouble = away()
        for _ in range(3):
            assert "test" in await app.one_pass()
            clock.advance(MINUTE)
        [screen] = there.screens
        assert "The connection to Test does not work" in text_of(screen)
        assert "the network is away" in text_of(screen)
        gone.trouble = None
        assert await app.one_pass() == {}
        [screen] = there.screens
        assert "The connection to Test works again" in text_of(screen)


async def test_another_process_with_the_session_is_no_trouble(tmp_path: Path, clock: ManualClock) -> None:
    wall = Wall(name="other")
    settings = Settings(data_dir=tmp_path, language="en")
    async with open_app(settings, clock=clock, chats=[wall]) as app:
        await app.stores.rooms.bind(OFFICE, None, clock.now())
        async with (
            app.stores.locks.hold(["other"], Text("busy")),
            open_app(settings, clock=clock, chats=[Wall(name="other")]) as second,
        ):
            assert "other" in await second.one_pass()
        clock.advance(MINUTE)
        assert await app.one_pass() == {}
        assert wall.screens == []


async def test_a_disk_that_fills_up_is_told_before_it_is_full(tmp_path: Path, clock: ManualClock) -> None:
    wall = Wall(name="other")
    async with open_app(Settings(data_dir=tmp_path, language="en"), clock=clock, chats=[wall]) as app:
        await app.stores.rooms.bind(OFFICE, None, clock.now())
        almost_full = Disk(app.stores, clock, tmp_path, least_octets=10**18)
        await almost_full.step()
        clock.advance(await almost_full.step() - clock.now())
        room = await app.stores.rooms.at(OFFICE)
        assert room
        [card] = await app.stores.rooms.cards_due(room, clock.now(), 10)
        assert card.kind is CardKind.INCIDENT
        incident = await app.stores.rooms.incident(card.about)
        assert incident
        assert str(tmp_path) in str(incident.what)
        assert "make room" in str(incident.trouble)
        await Disk(app.stores, clock, tmp_path, least_octets=0).step()
        assert await app.stores.rooms.cards_due(room, clock.now(), 10) == []
