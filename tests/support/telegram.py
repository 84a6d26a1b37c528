"""The pretended Telegram as a fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.bot_api import BotApi


@pytest.fixture
async def bot_api() -> AsyncIterator[BotApi]:
    """A Bot API server with nobody in it yet, on a free port."""
    async with BotApi().listening() as api:
        yield api
