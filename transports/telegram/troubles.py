"""What Telegram refuses or cannot do, in the terms of `bot.core.errors`. Its token never gets into one.

In python-telegram-bot BadRequest is a NetworkError: what is refused for good comes first here.
"""

from __future__ import annotations

from datetime import timedelta

from telegram import ChatMember, ChatMemberRestricted
from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.core.errors import (
    Busy,
    FacteurError,
    PermanentError,
    ServerTrouble,
    Trouble,
)
from bot.core.text import Text

_QUOTED_CHARACTERS = 200

_UNREADABLE = "can't parse entities"
_UNCHANGED = "message is not modified"
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_NO_TOPIC = ("message thread not found", "topic_deleted", "topic_closed", "topic_id_invalid")
_NO_ROOM = ("chat not found", "peer_id_invalid", "user is deactivated", "group chat was deactivated")
_MUTED = ("not enough rights to send", "chat_write_forbidden", "have no rights to send", "chat_restricted")
_REMOVED = ("bot was kicked", "bot is not a member")
_BLOCKED = ("bot was blocked",)
_NO_PHOTO = (
    "photo_invalid_dimensions",
    "image_process_failed",
    "photo_save_file_invalid",
    "wrong type of the",
)


REMOVED = Text("The bot was removed from that group.")
BLOCKED = Text("The bot was blocked there.")
MUTED = Text("The bot may not write in that chat. Let it send messages, or make it an administrator.")
"""Telegram tells of each twice, by ``my_chat_member`` and by refusing a message: one sentence for both."""


class Unreachable(PermanentError):
    """The bot may not write in that room: removed, blocked, muted, or there is no such room."""


def unreadable(error: TelegramError) -> bool:
    """Whether our HTML was refused."""
    return _says(error, _UNREADABLE)


def already_so(error: TelegramError) -> bool:
    """Whether an edit has nothing left to do: the message looks like that, or is gone."""
    return _says(error, _UNCHANGED, *_GONE)


def topic_gone(error: TelegramError) -> bool:
    """Whether the topic was deleted or closed."""
    return _says(error, *_NO_TOPIC)


def no_photo(error: TelegramError) -> bool:
    """Whether an image can only be sent as a file."""
    return _says(error, *_NO_PHOTO)


def barred(member: ChatMember, *, private: bool = False, silent: bool = False) -> Text | None:
    """Why the bot cannot write in a chat, by what it is there; None if it can.

    `silent`: nobody but administrators may write there.
    """
    if member.status in {ChatMember.LEFT, ChatMember.BANNED}:
        return BLOCKED if private else REMOVED
    if isinstance(member, ChatMemberRestricted):
        silent = not (member.is_member and member.can_send_messages)
    if silent and member.status != ChatMember.ADMINISTRATOR:
        return MUTED
    return None


def webhook_set(error: TelegramError) -> bool:
    """Whether updates go to a webhook instead of to us."""
    return isinstance(error, Conflict) and "webhook" in error.message.lower()


def trouble(error: TelegramError) -> FacteurError:
    """What it means for whoever called."""
    match error:
        case RetryAfter():
            return Busy(Text("Telegram asks to wait a moment."), delay_of(error))
        case InvalidToken() | EndPointNotFound():  # its words repeat the token
            return ServerTrouble(
                Trouble.LOGIN,
                Text(
                    "Telegram does not know this bot. Check the token: @BotFather shows it, with /mybots, "
                    "and it goes into [telegram] token_file."
                ),
            )
        case Conflict():
            return ServerTrouble(Trouble.IN_USE, _conflict(error))
        case Forbidden():
            return Unreachable(_shut_out(error))
        case BadRequest():
            return _refused(error)
        case _:
            return _network(error)


def _network(error: TelegramError) -> ServerTrouble:
    if isinstance(error, TimedOut):
        return ServerTrouble(
            Trouble.TIMEOUT,
            Text("Telegram does not answer. If this goes on, check this machine's network."),
        )
    return ServerTrouble(
        Trouble.LOST,
        Text(
            "Telegram cannot be reached: {words}. If this goes on, check this machine's network.",
            words=_words(error),
        ),
    )


def _refused(error: BadRequest) -> FacteurError:
    if _says(error, *_MUTED):
        return Unreachable(MUTED)
    if _says(error, *_NO_ROOM):
        return Unreachable(Text("Telegram does not find that chat: the bot must be in it."))
    return PermanentError(Text("Telegram refuses that: {words}.", words=_words(error)))


def _shut_out(error: Forbidden) -> Text:
    if _says(error, *_REMOVED):
        return REMOVED
    if _says(error, *_BLOCKED):
        return BLOCKED
    return Text("Telegram lets the bot into that chat no more: {words}.", words=_words(error))


def _conflict(error: Conflict) -> Text:
    if webhook_set(error):
        return Text("Another program has Telegram send this bot's news elsewhere (a webhook). Stop it.")
    return Text(
        "Another program listens as this bot, so each gets only half of what people say. Stop the "
        "other one, or give facteur a bot of its own (@BotFather, /newbot)."
    )


def delay_of(error: RetryAfter) -> timedelta:
    """How long Telegram asks to wait."""
    delay = error.retry_after
    return delay if isinstance(delay, timedelta) else timedelta(seconds=delay)


def _says(error: TelegramError, *words: str) -> bool:
    said = error.message.lower()
    return any(each in said for each in words)


def _words(error: TelegramError) -> str:
    said = " ".join(error.message.split()).rstrip(".")
    return said if len(said) <= _QUOTED_CHARACTERS else said[: _QUOTED_CHARACTERS - 1] + "…"
