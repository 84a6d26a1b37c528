"""What the tests of the Bot API server share."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, TelegramError

from tests.support.bot_api import BotApi

os.environ.setdefault("PTB_TIMEDELTA", "true")  # without it every RetryAfter is a deprecation warning

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00\x25\x0b\xe6\x89"
)


def made(api: BotApi, token: str = "") -> Bot:
    """A bot on that server."""
    return Bot(token or api.token, base_url=api.base_url, base_file_url=api.base_file_url)


def keys(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    """One row of buttons: label and data."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data) for label, data in buttons]]
    )


async def refused(asked: Awaitable[Any], kind: type[TelegramError] = BadRequest) -> str:
    """The words of a refusal, which must be of exactly that kind."""
    with pytest.raises(kind) as caught:
        await asked
    assert type(caught.value) is kind
    return caught.value.message
