"""Matrix with a homeserver that is faulty, in ways that have been seen: frozen news, no answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.core.chat import Press, Utterance
from bot.core.errors import ServerTrouble
from tests.support.homeserver_proxy import faulty
from tests.support.matrix_bot import Bot, a_card, room_with
from tests.support.matrix_people import Member
from transports.matrix.membership import MUTED
from transports.matrix.room import Patience


def said(words: str) -> Callable[[Any], bool]:
    return lambda each: isinstance(each, Utterance) and each.text == words


def away(words: str) -> Callable[[Any], bool]:
    return lambda each: isinstance(each, tuple) and each[0] == "away" and words in (each[2] or "")


async def test_news_that_come_no_more_are_noticed_and_read_from_a_new_beginning(
    bot: Bot, anne: Member
) -> None:
    """Everybody is answered, and the position never advances: a marker of our own does not come back."""
    async with faulty(bot.synapse.url) as proxy:
        bot.url = proxy.url
        bot.patience = Patience(long_poll_s=0.5, silence_s=0.5)
        async with bot.running():
            room_id = await room_with(bot, anne)
            await anne.say(room_id, "!before")
            await bot.listener.until(said("!before"))
            proxy.freezes = True
            await proxy.stuck.wait()
            await anne.say(room_id, "!meanwhile")
            await bot.listener.until(away("tells no news any more"))
            await bot.listener.until(said("!meanwhile"))
            await anne.say(room_id, "!after")
            await bot.listener.until(said("!after"))

    assert bot.listener.words == ["!before", "!meanwhile", "!after"]


async def test_a_date_that_somebody_invents_hides_nothing(bot: Bot, anne: Member) -> None:
    """Another homeserver says that something was written in the year 9999; then news come no more."""
    async with faulty(bot.synapse.url) as proxy:
        bot.url = proxy.url
        bot.patience = Patience(long_poll_s=0.5, silence_s=0.5)
        proxy.dates["!before"] = 253_402_300_799_000
        async with bot.running() as matrix:
            room_id = await room_with(bot, anne)
            card = await matrix.post(room_id, a_card())
            await anne.say(room_id, "!before")
            await bot.listener.until(said("!before"))
            proxy.freezes = True
            await proxy.stuck.wait()
            await anne.react(room_id, card, "✅")
            await bot.listener.until(lambda each: isinstance(each, Press))

    assert bot.listener.words[:1] == ["!before"]
    assert bot.listener.presses == ["distribute:12:0"]


async def test_in_a_room_without_power_levels_everybody_may_write(bot: Bot, anne: Member) -> None:
    """It has the defaults of the specification; Synapse makes none, so they are hidden."""
    async with faulty(bot.synapse.url) as proxy:
        bot.url = proxy.url
        proxy.hides = frozenset({"m.room.power_levels"})
        async with bot.running() as matrix:
            room_id = await room_with(bot, anne)
            await matrix.post(room_id, a_card())
            await anne.message("#12 amap")
            assert await bot.transport().check(room_id) is None
        async with bot.running():
            await anne.say(room_id, "!after")
            await bot.listener.until(said("!after"))

    assert ("unreachable", room_id, str(MUTED)) not in bot.listener.told


async def test_a_homeserver_that_takes_requests_and_answers_none_is_given_up(bot: Bot, anne: Member) -> None:
    async with faulty(bot.synapse.url) as proxy:
        bot.url = proxy.url
        bot.patience = Patience(request_s=2, long_poll_s=0.5)
        async with bot.running() as matrix:
            room_id = await room_with(bot, anne)
            proxy.silent = True
            with pytest.raises(ServerTrouble, match="does not answer"):
                await matrix.post(room_id, a_card())
            await bot.listener.until(away("does not answer"))
            proxy.silent = False
            await anne.say(room_id, "!after")
            await bot.listener.until(said("!after"))
