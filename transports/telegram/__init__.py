"""Rooms on Telegram: groups, topics and private chats, by the Bot API."""

import os

# python-telegram-bot's way to say that we want times as timedelta, before the version that drops seconds
os.environ.setdefault("PTB_TIMEDELTA", "true")
