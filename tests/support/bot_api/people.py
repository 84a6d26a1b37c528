"""The people's side: what a test does in a person's name."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.bot_api.messages import Message
from tests.support.bot_api.texts import Rich, formatted

if TYPE_CHECKING:
    from tests.support.bot_api.chats import Chat, Topic
    from tests.support.bot_api.network import Network

GROUP_ANONYMOUS_BOT = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
"""In whose name anonymous administrators write: core.telegram.org/bots/api#message, `sender_chat`."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person saw after a tap: a short notification, or an alert to be closed."""

    text: str
    alert: bool
    url: str


@dataclass(eq=False)
class Query:
    """A tap that waits for the bot; the API forgets it when it is answered or too old."""

    id: str
    asked_at: float
    answer: asyncio.Future[Answered] = field(repr=False)


@dataclass(eq=False)
class Person:
    """Somebody with an account; `started` once they wrote to the bot in private."""

    network: Network
    id: int
    name: str
    username: str = ""
    language: str = "fr"
    started: bool = False
    blocking: bool = False

    def json(self) -> dict[str, Any]:
        """core.telegram.org/bots/api#user."""
        made = {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}
        return made | ({"username": self.username} if self.username else {})

    @property
    def private(self) -> Chat:
        """The private chat with the bot."""
        return self.network.private_chat(self)

    async def starts(self, payload: str = "") -> Message:
        """Press Start, perhaps behind a deep link (core.telegram.org/bots/features#deep-linking)."""
        return await self.says(self.private, f"/start {payload}".strip())

    async def says(
        self, chat: Chat, text: str, *, reply_to: Message | None = None, topic: Topic | None = None
    ) -> Message:
        """Write a message; entities such as commands are found as clients find them."""
        return self._writes(chat, reply_to, topic, rich=formatted(text, ""))

    async def forwards(self, chat: Chat, text: str) -> Message:
        """Pass on what somebody else wrote elsewhere (core.telegram.org/bots/api#messageoriginhiddenuser)."""
        origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody else"}
        return self._writes(chat, None, None, rich=formatted(text, ""), origin={"forward_origin": origin})

    async def sends_file(
        self,
        chat: Chat,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/octet-stream",
        caption: str = "",
        reply_to: Message | None = None,
        topic: Topic | None = None,
    ) -> Message:
        """Send a document, with a caption or without."""
        file = self.network.store("document", name, content_type, content)
        rich = formatted(caption, "") if caption else Rich()
        return self._writes(chat, reply_to, topic, rich=rich, file=file)

    async def edits(self, message: Message, text: str) -> None:
        """Change one's own message: ``edited_message``."""
        message.rich = formatted(text, "")
        message.edits += 1
        message.edited_at = int(self.network.now())
        if self.network.may_read(message):
            message.chat.tell("edited_message", message.json())
        self.network.changed()

    async def deletes(self, message: Message) -> None:
        """Delete a message for all; bots are not told (core.telegram.org/bots/faq)."""
        message.deleted = True
        self.network.changed()

    async def taps(self, message: Message, label: str, *, within_s: float | None = None) -> Answered:
        """Tap the button with this label and wait for the answer."""
        if message.deleted:
            raise AssertionError(f"nobody can tap on a message that is gone:\n{message.picture()}")
        return await self.presses(message, message.button(label).data, within_s=within_s)

    async def opens(self, message: Message, label: str) -> Message:
        """Tap a button that links to the bot, and press Start there: ``https://t.me/<bot>?start=...``.

        core.telegram.org/bots/features#deep-linking: 1 to 64 of A-Z, a-z, 0-9, _ and -.
        """
        url = message.button(label).url
        link = re.fullmatch(r"https?://t\.me/(\w+)(?:\?start=([\w-]{1,64}))?", url, re.ASCII)
        if link is None or link[1] != self.network.bot["username"]:
            raise AssertionError(f"{url!r} does not lead to the bot:\n{message.picture()}")
        return await self.starts(link[2] or "")

    async def presses(self, message: Message, data: str, *, within_s: float | None = None) -> Answered:
        """Send callback data, offered by a button or invented, as changed clients can.

        core.telegram.org/bots/api#callbackquery.
        """
        query = self.network.ask()
        told = {
            "id": query.id,
            "from": self.json(),
            "message": message.json(),
            "chat_instance": str(abs(message.chat.id)),
            "data": data,
        }
        message.chat.tell("callback_query", told)
        limit_s = self.network.wait_s if within_s is None else within_s
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(query.answer)
        except TimeoutError:
            raise AssertionError(
                f"{self.name} pressed {data!r}, no answer within {limit_s} s\n{self.network.picture()}"
            ) from None

    async def blocks(self) -> None:
        """Block the bot: core.telegram.org/bots/api#update, `my_chat_member` in private chats."""
        self.blocking = True
        self.private._bot_becomes("kicked", self)

    async def unblocks(self) -> None:
        self.blocking = False
        self.private._bot_becomes("member", self)

    def _writes(self, chat: Chat, reply_to: Message | None, topic: Topic | None, **content: Any) -> Message:
        if chat.person is not None:
            if chat.person is not self:
                raise AssertionError(f"{self.name} is not in that private chat")
            self.started = True
            chat.bot_status = "member"
        chat.members.setdefault(self.id, self)
        anonymous = self.id in chat.anonymous
        sender = GROUP_ANONYMOUS_BOT if anonymous else self.json()
        thread = topic.id if topic else reply_to.topic_id if reply_to else 0
        message = chat.post(sender, reply_to=reply_to, topic_id=thread, anonymous=anonymous, **content)
        if self.network.may_read(message):
            chat.tell("message", message.json())
        return message
