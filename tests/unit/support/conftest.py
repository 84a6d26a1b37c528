"""A bot of python-telegram-bot, a person and a group on the Bot API server of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from telegram import Bot

from tests.support.bot_api import BotApi, Chat, Person
from tests.unit.support.bots import made


@pytest.fixture
async def bot(bot_api: BotApi) -> AsyncIterator[Bot]:
    async with made(bot_api) as bot:
        yield bot


@pytest.fixture
def anne(bot_api: BotApi) -> Person:
    return bot_api.person("Anne", username="anne_martin")


@pytest.fixture
def room(bot_api: BotApi, anne: Person) -> Chat:
    return bot_api.group("Modération", anne)
