"""Matrix with a homeserver that is faulty, in ways that have been seen: frozen news, no answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.core.chat import Utterance
from bot.core.errors import ServerTrouble
from tests.support.homeserver_proxy import faulty
from tests.support.matrix_bot import Bot, a_card, room_with
from tests.support.matrix_people import Member
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
