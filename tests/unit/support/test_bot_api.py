"""The Bot API server of the tests, driven by python-telegram-bot: what it refuses, and what people see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
)
from telegram.error import (
    BadRequest,
    TelegramError,
)
from telegram.ext import Application, CallbackQueryHandler, CommandHandler

from tests.support.bot_api import Answered, BotApi, Chat, Person

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00\x25\x0b\xe6\x89"
)


@pytest.fixture
async def bot(bot_api: BotApi) -> AsyncIterator[Bot]:
    async with made(bot_api) as bot:
        yield bot


def made(api: BotApi, token: str = "") -> Bot:
    return Bot(token or api.token, base_url=api.base_url, base_file_url=api.base_file_url)


@pytest.fixture
def anne(bot_api: BotApi) -> Person:
    return bot_api.person("Anne", username="anne_martin")


@pytest.fixture
def room(bot_api: BotApi, anne: Person) -> Chat:
    return bot_api.group("Modération", anne)


def keys(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data) for label, data in buttons]]
    )


async def refused(asked: Awaitable[Any], kind: type[TelegramError] = BadRequest) -> str:
    """The words of a refusal."""
    with pytest.raises(kind) as caught:
        await asked
    return caught.value.message


async def test_a_tap_reaches_the_bot_and_its_answer_reaches_the_person(
    bot_api: BotApi, anne: Person, room: Chat
) -> None:
    """A whole round with the library's own polling: a command, a card, a tap, an edit."""
    app = Application.builder().bot(made(bot_api)).build()

    async def lists(update: Any, _: Any) -> None:
        await update.message.reply_html("<b>Held</b> post", reply_markup=keys(("✅ Distribute", "d:1:0")))

    async def pressed(update: Any, _: Any) -> None:
        await update.callback_query.answer("Distributed")
        await update.callback_query.edit_message_text("by Anne")

    app.add_handler(CommandHandler("lists", lists))
    app.add_handler(CallbackQueryHandler(pressed))
    async with app:
        assert app.updater
        await app.updater.start_polling(timeout=2)
        await app.start()
        await anne.says(room, "/lists")
        card = await room.shows("Held post")
        assert card.rich.marked("bold") == ["Held"]
        assert card.buttons == [["✅ Distribute"]]
        assert await anne.taps(card, "Distribute") == Answered("Distributed", alert=False, url="")
        await room.becomes(card, "by Anne")
        assert (card.buttons, card.edits) == ([], 1)
        await app.updater.stop()
        await app.stop()
