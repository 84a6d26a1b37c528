"""The calls of the Bot API that facteur makes, within the budget; troubles come out as errors of the core."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
import telegram
from telegram import Bot, InputMediaPhoto, LinkPreviewOptions, Message, ReplyParameters, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from bot.core.chat import File
from bot.core.errors import Busy
from bot.core.text import Text
from transports.telegram.budget import Budget, Kind
from transports.telegram.keyboard import Links, Markup
from transports.telegram.render import Part, clean, cut
from transports.telegram.spots import Spot
from transports.telegram.troubles import (
    Unreachable,
    already_so,
    barred,
    delay_of,
    topic_gone,
    trouble,
    unreadable,
)

Moved = Callable[[Spot, Spot], Awaitable[None]]

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
LONG_POLL = timedelta(seconds=50)

_SLACK_S = 20.0
"""What a long poll may take beyond its own time; then the connection is given up."""
_UPLOAD_S = 300.0
_TOPIC_LIMIT = 128
_SHORT_ANSWER = 60
_LONGEST_ANSWER = 200
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

_log = structlog.get_logger(__name__)


class Api:
    """One bot's account.

    Args:
        token: of the bot.
        base_url: of a Bot API server of one's own; empty = Telegram's.
        moved: is told when a send finds that a group has become a supergroup, or that a topic is gone.
        now: the clock of the budget, in seconds.
    """

    def __init__(
        self, token: str, base_url: str, moved: Moved, now: Callable[[], float] = time.monotonic
    ) -> None:
        # its line for each request holds the whole address, token included
        logging.getLogger("httpx").setLevel(logging.WARNING)
        host = (base_url or "https://api.telegram.org").rstrip("/")
        self._listening, self._sending = _connections(1), _connections(16)
        self.bot = Bot(
            token,
            f"{host}/bot",
            f"{host}/file/bot",
            request=self._sending,
            get_updates_request=self._listening,
        )
        self._secret = hashlib.sha256(token.encode()).digest()
        self._moved = moved
        self._budget = Budget(now)
        self.me: telegram.User | None = None
        """The bot itself, known from the first `hello` on."""

    @property
    def links(self) -> Links:
        """Those that lead to the bot; none before the first `hello`."""
        return Links((self.me.username or "") if self.me else "", self._secret)

    async def hello(self) -> telegram.User:
        """Who the bot is; sees whether Telegram can be reached and knows the token."""
        async with self.meaning():
            self.me = await self.bot.get_me()
        return self.me

    async def close(self) -> None:
        """Let the connections go; the next call opens others."""
        await self.hang_up()
        await self._sending.shutdown()
        await self._sending.initialize()

    async def hang_up(self) -> None:
        """Let the connection of the long poll go, which may hang."""
        await self._listening.shutdown()
        await self._listening.initialize()

    async def updates(self, offset: int | None, *, patience: timedelta) -> Sequence[Update]:
        """What happened from `offset` on, at the latest after `patience`; all before it is confirmed."""
        try:
            async with asyncio.timeout(patience.total_seconds() + _SLACK_S), self.meaning():
                return await self.bot.get_updates(
                    offset, limit=100, timeout=patience, allowed_updates=ALLOWED_UPDATES
                )
        except TimeoutError as error:  # not even an empty answer came
            raise trouble(TimedOut()) from error

    async def send(
        self, spot: Spot, part: Part, kind: Kind, *, markup: Markup | None = None, reply_to: int = 0
    ) -> int:
        """Post a message; its id. Raises Busy rather than wait."""

        async def post(to: Spot) -> Message:
            sending: dict[str, Any] = {
                "link_preview_options": _NO_PREVIEW,
                "reply_markup": markup,
                "reply_parameters": _reply(reply_to),
                "message_thread_id": to.thread or None,
            }
            try:
                return await self.bot.send_message(to.chat, part.html, ParseMode.HTML, **sending)
            except BadRequest as error:
                if not unreadable(error):
                    raise
                _log.error("html refused", chat=to.chat, why=error.message)
                return await self.bot.send_message(to.chat, part.plain, **sending)

        return await self._placed(spot, kind, post)

    async def edit(self, spot: Spot, message: int, part: Part, markup: Markup | None) -> None:
        """Replace a message of ours; one that is gone or looks like that already is no error."""
        self._take(spot, Kind.EDIT)
        changing: dict[str, Any] = {"link_preview_options": _NO_PREVIEW, "reply_markup": markup}
        try:
            await self.bot.edit_message_text(
                part.html, spot.chat, message, parse_mode=ParseMode.HTML, **changing
            )
        except BadRequest as error:
            if already_so(error):
                return
            if not unreadable(error):
                raise trouble(error) from error
            _log.error("html refused", chat=spot.chat, why=error.message)
            async with self.meaning():
                await self.bot.edit_message_text(part.plain, spot.chat, message, **changing)
        except ChatMigrated as error:  # it can be seen for ever there, as it is, and is posted anew here
            await self._moved(spot, Spot(error.new_chat_id))
        except TelegramError as error:
            raise self._told(error, spot, Kind.EDIT) from error

    async def answer_press(self, query: str, text: str) -> None:
        """The sentence that only who tapped sees; a long one stays until it is put away."""
        shown = cut(text, _LONGEST_ANSWER)
        async with self.meaning():
            await self.bot.answer_callback_query(query, shown or None, show_alert=len(shown) > _SHORT_ANSWER)

    async def delete(self, spot: Spot, message: int) -> None:
        """Delete a message, anybody's. Raises PermanentError where the bot lacks the right."""
        async with self.meaning():
            await self.bot.delete_message(spot.chat, message)

    async def send_file(self, spot: Spot, file: File, *, reply_to: int = 0) -> None:
        """A file as a document."""

        async def post(to: Spot) -> Message:
            return await self.bot.send_document(
                to.chat,
                file.content,
                filename=file.name,
                reply_parameters=_reply(reply_to),
                message_thread_id=to.thread or None,
                disable_content_type_detection=True,
            )

        await self._placed(spot, Kind.ANSWER, post)

    async def send_photos(self, spot: Spot, photos: Sequence[File], *, reply_to: int = 0) -> None:
        """1 to 10 photos, several as an album; the limits count each."""

        async def post(to: Spot) -> Message:
            where: dict[str, Any] = {
                "reply_parameters": _reply(reply_to),
                "message_thread_id": to.thread or None,
            }
            if len(photos) == 1:
                return await self.bot.send_photo(to.chat, photos[0].content, filename=photos[0].name, **where)
            album = [InputMediaPhoto(photo.content, filename=photo.name) for photo in photos]
            return (await self.bot.send_media_group(to.chat, album, **where))[0]

        await self._placed(spot, Kind.ANSWER, post, count=len(photos))

    async def download(self, file_id: str) -> bytes:
        """A file that somebody sent; Telegram hands out at most 20 MB."""
        async with self.meaning():
            file = await self.bot.get_file(file_id)
            return bytes(await file.download_as_bytearray())

    async def look_at(self, spot: Spot) -> None:
        """Whether the bot may write there. Raises Unreachable where it may not."""
        if spot.private:
            async with self.meaning():
                await self.bot.get_chat(spot.chat)
            return
        async with self.meaning():
            chat = await self.bot.get_chat(spot.chat)
            me = await self.bot.get_chat_member(spot.chat, self.bot.id)
        silent = chat.permissions is not None and not chat.permissions.can_send_messages
        if why := barred(me, silent=silent):
            raise Unreachable(why)

    async def new_topic(self, spot: Spot, title: str) -> int:
        """A new topic of a forum; 0 where there are no topics or the bot may not make one."""
        async with self.meaning():
            chat = await self.bot.get_chat(spot.chat)
        if not chat.is_forum:
            return 0
        try:
            topic = await self.bot.create_forum_topic(spot.chat, cut(clean(title), _TOPIC_LIMIT))
        except BadRequest as error:
            _log.info("no topic made", chat=spot.chat, why=error.message)
            return 0
        except TelegramError as error:
            raise trouble(error) from error
        return topic.message_thread_id

    @asynccontextmanager
    async def meaning(self) -> AsyncIterator[None]:
        """The library's errors come out as ours."""
        try:
            yield
        except TelegramError as error:
            raise trouble(error) from error

    async def _placed(
        self, spot: Spot, kind: Kind, post: Callable[[Spot], Awaitable[Message]], count: int = 1
    ) -> int:
        """Post something new there, or where that place has gone to.

        A card is not posted there: whoever looks after it knows better what the new place needs.
        """
        self._take(spot, kind, count)
        try:
            return (await post(spot)).message_id
        except ChatMigrated as error:
            after = Spot(error.new_chat_id)
        except BadRequest as error:
            if not (spot.thread and topic_gone(error)):
                raise trouble(error) from error
            after = Spot(spot.chat)
        except TelegramError as error:
            raise self._told(error, spot, kind) from error
        await self._moved(spot, after)
        if kind is Kind.CARD:
            raise Busy(Text("This chat has moved just now."), timedelta(0))
        return await self._placed(after, kind, post, count)

    def _take(self, spot: Spot, kind: Kind, count: int = 1) -> None:
        wait_s = self._budget.take(spot.chat, kind, count)
        if wait_s > 0:
            raise Busy(Text("This chat has had enough messages for now."), timedelta(seconds=wait_s))

    def _told(self, error: TelegramError, spot: Spot, kind: Kind) -> Exception:
        if isinstance(error, RetryAfter):
            self._budget.shut(spot.chat, kind, delay_of(error).total_seconds())
        return trouble(error)


def _connections(number: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=number,
        connect_timeout=10.0,
        read_timeout=_SLACK_S,
        write_timeout=_SLACK_S,
        pool_timeout=_SLACK_S,
        media_write_timeout=_UPLOAD_S,
    )


def _reply(message: int) -> ReplyParameters | None:
    return ReplyParameters(message, allow_sending_without_reply=True) if message else None
