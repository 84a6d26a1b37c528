"""Telegram's updates as what the core knows: somebody said or pressed something, a place changed. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telegram import CallbackQuery, Chat, ChatMemberUpdated, Document, Message, Update, User

from bot.core.chat import Place, Press
from bot.core.people import ANONYMOUS, Actor
from bot.core.text import ENGLISH, Language, Text
from transports.telegram.keyboard import Links
from transports.telegram.render import clean
from transports.telegram.spots import Spot
from transports.telegram.troubles import barred

NAME = "telegram"

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]+))?")
_TITLE_LIMIT = 128


@dataclass(frozen=True, slots=True)
class Said:
    """Words to the bot; `message` is their id, for the answer."""

    speaker: Actor
    place: Place
    text: str
    spot: Spot
    message: int
    file: Document | None = None
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Tapped:
    """A press; `query` is answered, `message` is what carried the button (0: a link led here)."""

    press: Press
    spot: Spot
    query: str = ""
    message: int = 0
    user: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """A group became a supergroup."""

    before: Spot
    after: Spot


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether the bot may write there now; `why` not, or None."""

    place: Place
    why: Text | None


Event = Said | Tapped | Moved | Membership


def understood(update: Update, me: User, links: Links, language: Language = ENGLISH) -> Event | None:
    """What an update means to facteur; None for all that is not for the bot.

    `language`: in which somebody is named who stays anonymous.
    """
    if update.callback_query:
        return _tapped(update.callback_query)
    if update.my_chat_member:
        return _membership(update.my_chat_member)
    if update.message:
        return _moved(update.message) or _said(update.message, me, links, language)
    return None


def chain_of(event: Event | None) -> str:
    """What one person says in one place is heard in order; taps wait for nothing."""
    return f"{event.spot} {event.speaker.id}" if isinstance(event, Said) else ""


def _tapped(query: CallbackQuery) -> Tapped | None:
    if query.message is None or query.data is None:
        return None
    message = query.message if isinstance(query.message, Message) else None
    chat = query.message.chat
    spot = _spot(message) if message else Spot(chat.id)
    press = Press(_actor(query.from_user), _place(chat, spot), query.data)
    return Tapped(press, spot, query.id, query.message.message_id, query.from_user.id)


def _membership(change: ChatMemberUpdated) -> Membership:
    place = _place(change.chat, Spot(change.chat.id))
    return Membership(place, barred(change.new_chat_member, private=place.private))


def _moved(message: Message) -> Moved | None:
    if message.migrate_to_chat_id:
        return Moved(Spot(message.chat.id), Spot(message.migrate_to_chat_id))
    if message.migrate_from_chat_id:
        return Moved(Spot(message.migrate_from_chat_id), Spot(message.chat.id))
    return None


def _said(message: Message, me: User, links: Links, language: Language) -> Said | Tapped | None:
    if not _is_by_somebody(message):
        return None
    spot = _spot(message)
    place = _place(message.chat, spot)
    text = _addressed(message, me, private=place.private)
    if text is None:
        return None
    speaker = _speaker(message, language)
    if text.startswith("/start "):
        data = links.pressed_by(text.removeprefix("/start "))
        if data is not None and place.private:
            return Tapped(Press(speaker, place, data), spot)
        text = "/start"  # whoever follows a link types nothing behind it
    forwarded = message.forward_origin is not None
    return Said(speaker, place, text, spot, message.message_id, _file_for(message, text), forwarded)


def _is_by_somebody(message: Message) -> bool:
    """Not by a bot, nor by a channel: what one says that is linked to a group is copied there by itself.

    A group's own name is that of an administrator of it who stays anonymous (Bot API, `sender_chat`).
    """
    if message.sender_chat:
        return message.sender_chat.id == message.chat.id and not message.is_automatic_forward
    return message.from_user is not None and not message.from_user.is_bot


def _addressed(message: Message, me: User, *, private: bool) -> str | None:
    """The words without the bot's name; None if they are for others.

    In groups only commands, replies to the bot and its name are: all that a bot in privacy mode
    gets to hear, and all that it listens to where it hears more.
    """
    text = (message.text or message.caption or "").strip()
    bot = (me.username or "").lower()
    command = _COMMAND.match(text)
    if command:
        if command[2] and command[2].lower() != bot:
            return None
        return f"/{command[1]}{text[command.end() :]}"
    if text.lower().startswith(f"@{bot} "):
        return text[len(bot) + 2 :].strip()
    replied = message.reply_to_message
    answers = replied is not None and replied.from_user is not None and replied.from_user.id == me.id
    return text if (private or answers) and (text or message.document) else None


def _file_for(message: Message, text: str) -> Document | None:
    """The file that a command came with, or that it was written in reply to."""
    replied = message.reply_to_message
    return message.document or (replied.document if replied and text.startswith("/") else None)


def _speaker(message: Message, language: Language) -> Actor:
    """A person, or the group in whose name an administrator speaks who stays anonymous."""
    if message.sender_chat:
        name = Text("Somebody anonymous of {group}", group=_title(message.sender_chat))
        return Actor(f"{ANONYMOUS}{NAME}:{message.sender_chat.id}", name.render(language))
    assert message.from_user
    return _actor(message.from_user)


def _actor(user: User) -> Actor:
    return Actor(f"{NAME}:{user.id}", _one_line(user.full_name) or str(user.id))


def _spot(message: Message) -> Spot:
    # outside of forums replies have a thread of their own, which is no place
    in_topic = message.is_topic_message and message.message_thread_id
    return Spot(message.chat.id, message.message_thread_id or 0) if in_topic else Spot(message.chat.id)


def _place(chat: Chat, spot: Spot) -> Place:
    return Place(NAME, str(spot), private=chat.type == Chat.PRIVATE, title=_title(chat))


def _title(chat: Chat) -> str:
    return _one_line(chat.title or chat.full_name or "") or str(chat.id)


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())[:_TITLE_LIMIT]
