"""Rooms of a chat network, in a service that runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from bot.app import open_app
from bot.core.chat import Place
from bot.core.errors import PermanentError
from bot.core.text import Text
from config.settings import Settings
from tests.support.office import text_of
from tests.support.stores import a_list, new_post, screened
from tests.support.wall import Wall

GROUP = Place("test", "-1")
OTHER = Place("test", "-2")


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_room_bound_while_the_service_runs_gets_its_cards(tmp_path: Path) -> None:
    """And what comes later; after a move, at its new address."""
    wall = Wall()
    async with open_app(Settings(data_dir=tmp_path, language="en"), chats=[wall]) as app:
        app.start(["chat"])
        await wall.until_running()
        mlist = await a_list(app.stores, now())
        await screened(app.stores, new_post(mlist.id, now(), subject="Carottes"))
        await app.stores.rooms.bind(GROUP, mlist.id, now())
        await wall.until(1)
        await screened(app.stores, new_post(mlist.id, now(), subject="Poireaux"))
        await wall.until(2)
        assert [text_of(screen).split(" · ")[1].split("\n")[0] for screen in wall.screens] == [
            "Carottes",
            "Poireaux",
        ]

        await app.dispatcher.moved("test", GROUP.address, "-1001")
        await wall.until(4)
        assert wall.places == ["-1", "-1", "-1001", "-1001"]


async def test_a_chat_network_s_session_exists_once(tmp_path: Path) -> None:
    """The second process waits, and takes over when the first has left."""
    first, second = Wall(), Wall()
    settings = Settings(data_dir=tmp_path, language="en")
    async with open_app(settings, chats=[second]) as waiting:
        async with open_app(settings, chats=[first]) as app:
            app.start(["chat"])
            await first.until_running()
            waiting.start(["chat"])
            mlist = await a_list(app.stores, now())
            await app.stores.rooms.bind(GROUP, mlist.id, now())
            await screened(app.stores, new_post(mlist.id, now()))
            await first.until(1)
        assert not first.running
        await second.until_running()
        await screened(waiting.stores, new_post(mlist.id, now()))
        await second.until(1)


async def test_a_room_that_changes_while_its_cards_are_posted_gets_each_once(tmp_path: Path) -> None:
    """The worker that speaks its new language takes over from the one that is posting."""
    gate = asyncio.Event()
    wall = Wall(gate=gate)
    async with open_app(Settings(data_dir=tmp_path, language="en"), chats=[wall]) as app:
        app.start(["chat"])
        await wall.until_running()
        mlist = await a_list(app.stores, now())
        await app.stores.rooms.bind(GROUP, mlist.id, now())
        await screened(app.stores, new_post(mlist.id, now(), subject="Carottes"))
        await wall.until_tried(GROUP.address)
        await app.stores.rooms.speak(GROUP, "fr")
        await app.stores.rooms.bind(OTHER, mlist.id, now())
        await wall.until_tried(OTHER.address)  # a change later: the other worker has looked as well
        gate.set()
        await wall.until(2)
        await screened(app.stores, new_post(mlist.id, now(), subject="Poireaux"))
        await wall.until(4)
        assert sorted(wall.places) == [GROUP.address] * 2 + [OTHER.address] * 2


async def test_a_room_that_can_be_reached_again_gets_what_it_missed_at_once(tmp_path: Path) -> None:
    wall = Wall(trouble=PermanentError(Text("the bot was removed")))
    async with open_app(Settings(data_dir=tmp_path, language="en"), chats=[wall]) as app:
        mlist = await a_list(app.stores, now())
        await app.stores.rooms.bind(GROUP, mlist.id, now())
        await screened(app.stores, new_post(mlist.id, now()))
        app.start(["chat"])
        await wall.until_running()
        await wall.until_tried(GROUP.address)
        await app.dispatcher.unreachable(GROUP, Text("the bot was removed"))

        wall.trouble = None
        await app.dispatcher.unreachable(GROUP, None)
        await wall.until(1)


async def test_passes_try_a_room_that_was_mended_without_a_word(tmp_path: Path) -> None:
    """Each is a process of its own: nothing in it lasts until later."""
    wall = Wall()
    async with open_app(Settings(data_dir=tmp_path, language="en"), chats=[wall]) as app:
        mlist = await a_list(app.stores, now())
        await app.stores.rooms.bind(GROUP, mlist.id, now())
        await app.dispatcher.unreachable(GROUP, Text("the bot may not write there"))
        await screened(app.stores, new_post(mlist.id, now()))
        await app.one_pass()
        assert len(wall.screens) == 1
        room = await app.stores.rooms.at(GROUP)
        assert room
        assert room.unreachable is None
