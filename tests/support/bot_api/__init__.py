"""A Telegram Bot API server for tests, as strict as the real one, with people who write and tap.

``BotApi`` is the server and the world behind it: ``api.person()``, ``api.group()``, ``await
person.says()``, ``await person.taps()``, ``await chat.shows()``, ``await api.seen()``. Beside each rule
stands where it comes from. Not known: other parse modes than HTML, inline mode, payments, stickers,
channels, other bots.
"""

from tests.support.bot_api.chats import Chat, Topic
from tests.support.bot_api.keyboards import Button
from tests.support.bot_api.messages import Message
from tests.support.bot_api.methods.menus import menu
from tests.support.bot_api.network import TOKEN, Request
from tests.support.bot_api.people import Answered, Person
from tests.support.bot_api.server import BotApi
from tests.support.bot_api.troubles import EVERY, broken, cut, flooded, slow

__all__ = [
    "EVERY",
    "TOKEN",
    "Answered",
    "BotApi",
    "Button",
    "Chat",
    "Message",
    "Person",
    "Request",
    "Topic",
    "broken",
    "cut",
    "flooded",
    "menu",
    "slow",
]
