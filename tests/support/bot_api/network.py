"""The state of the pretended Telegram: one bot, its chats, the people in them, and what happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, TypeVar

from tests.support.bot_api.chats import Chat
from tests.support.bot_api.limits import Limits
from tests.support.bot_api.messages import Message, Stored
from tests.support.bot_api.people import Answered, Person, Query
from tests.support.bot_api.refusals import bad_request
from tests.support.bot_api.troubles import Troubles
from tests.support.bot_api.updates import Updates
from tests.support.patience import WAIT_S

TOKEN = "123456789:AAF-facteur_test_token_AAAAAAAAAAAAA"
QUERY_LIFE_S = 15.0
"""How long a tap can be answered. The documentation says only that it must be answered "even if there is no
notification"; bots report QUERY_ID_INVALID from about 15 s on."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came, and how it was answered: `refusal` is empty for ``ok: true``."""

    method: str
    parameters: dict[str, str]
    at: float
    files: dict[str, Stored] = field(default_factory=dict)
    status: int = 200
    refusal: str = ""

    @property
    def chat_id(self) -> int:
        return int(self.parameters.get("chat_id", "0"))


class Network:
    """Everything but HTTP; `now` gives the time in seconds since 1970, for dates and limits."""

    def __init__(self, *, token: str = TOKEN, now: Callable[[], float] = time.time) -> None:
        self.token = token
        self.now = now
        self.wait_s = WAIT_S
        self.privacy = True
        self.bot: dict[str, Any] = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "facteur",
            "username": "facteur_bot",
        }
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, Stored] = {}
        self.updates = Updates()
        self.limits = Limits()
        self.troubles = Troubles()
        self.requests: list[Request] = []
        self.queries: dict[str, Query] = {}
        self.menus: dict[tuple[str, int, int, str], list[dict[str, str]]] = {}
        self.descriptions: dict[tuple[str, str], str] = {}
        self._turned = asyncio.Event()
        self._numbers = count(1)
        self._message_ids = count(1)
        self._supergroup_ids: dict[int, Any] = {}

    # Waiting for events.

    def changed(self) -> None:
        """Wake whoever waits for something to be seen."""
        self._turned.set()
        self._turned = asyncio.Event()

    async def next_change(self) -> None:
        """Wait until anything happens."""
        await self._turned.wait()

    async def seen(self, predicate: Callable[[], T | None], *, within_s: float | None = None) -> T:
        """Wait until `predicate` gives something true, asked anew whenever anything happened."""
        limit_s = self.wait_s if within_s is None else within_s
        try:
            async with asyncio.timeout(limit_s):
                while not (found := predicate()):
                    await self.next_change()
                return found
        except TimeoutError:
            raise AssertionError(f"not seen within {limit_s} s\n{self.picture()}") from None

    async def asked(self, method: str, number: int = 1, *, within_s: float | None = None) -> list[Request]:
        """Wait until a method was called so many times in all; the calls."""

        def found() -> list[Request] | None:
            calls = self.calls(method)
            return calls if len(calls) >= number else None

        return await self.seen(found, within_s=within_s)

    def calls(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    def picture(self) -> str:
        """All chats and the last requests, for the eye of who reads a failed test."""
        chats = [chat.picture() for chat in self.chats.values()]
        asked = [f"{r.method} {r.refusal}" for r in self.requests[-10:]]
        waiting = f"== {len(self.updates.waiting)} updates wait, last requests:"
        return "\n".join([*chats, waiting, *asked])

    # Who and where.

    def person(self, name: str, user_id: int = 0, *, username: str = "", language: str = "fr") -> Person:
        """Somebody with an account, known to nobody yet."""
        person = Person(self, user_id or 1000 + next(self._numbers), name, username, language)
        self.people[person.id] = person
        return person

    def group(
        self,
        title: str,
        *members: Person,
        kind: Literal["group", "supergroup"] = "supergroup",
        forum: bool = False,
        with_bot: bool = True,
    ) -> Chat:
        """A group that the bot was taken into, unless `with_bot` is off; a forum is a supergroup."""
        chat = self.add_chat(kind, title, list(members))
        chat.forum = forum
        if with_bot:
            chat.add(members[0] if members else None)
        return chat

    def add_chat(self, kind: Literal["group", "supergroup"], title: str, members: list[Person]) -> Chat:
        """A group without the bot. Ids: core.telegram.org/api/bots/ids."""
        number = 500_000 + next(self._numbers)
        chat = Chat(self, -number if kind == "group" else -1_000_000_000_000 - number, kind, title)
        chat.members = {person.id: person for person in members}
        self.chats[chat.id] = chat
        return chat

    def private_chat(self, person: Person) -> Chat:
        if person.id not in self.chats:
            self.chats[person.id] = Chat(self, person.id, "private", person.name, person)
        return self.chats[person.id]

    def somebody(self) -> Person:
        """Who does what no test gives a name to."""
        return self.people.get(999) or self.person("Somebody", 999)

    def chat(self, chat_id: str) -> Chat:
        """The chat that a request names.

        Raises:
            Refusal: 400, none is named, or the bot never met it.
        """
        if not chat_id:
            raise bad_request("chat_id is empty")
        if not chat_id.lstrip("-").isdecimal():
            raise bad_request("chat not found")
        number = int(chat_id)
        person = self.people.get(number)
        if person is not None and self._met(person):
            return self.private_chat(person)
        chat = self.chats.get(number)
        if chat is None or (chat.bot_status == "left" and chat.person is None and not chat.every_message):
            raise bad_request("chat not found")
        return chat

    def may_read(self, message: Message) -> bool:
        """Whether the bot is shown a person's message (core.telegram.org/bots/features#privacy-mode)."""
        chat = message.chat
        if chat.kind == "private" or not self.privacy or chat.bot_status == "administrator":
            return True
        if message.reply_to is not None and message.reply_to.from_bot:
            return True
        username = self.bot["username"].lower()
        mentioned = [name.lower() for name in message.rich.marked("mention")]
        commands = [name.partition("@")[2].lower() for name in message.rich.marked("bot_command")]
        return f"@{username}" in mentioned or any(name in {"", username} for name in commands)

    def _met(self, person: Person) -> bool:
        """Whether the bot may know of somebody: they wrote to it, or are in a group with it."""
        return person.started or any(
            person.id in chat.members for chat in self.chats.values() if chat.bot_status != "left"
        )

    # Numbers, files, taps.

    def next_message_id(self, chat: Chat) -> int:
        """Supergroups count for themselves, all other chats together (core.telegram.org/api/updates)."""
        if chat.kind != "supergroup":
            return next(self._message_ids)
        number: int = next(self._supergroup_ids.setdefault(chat.id, count(1)))
        return number

    def next_number(self) -> int:
        return next(self._numbers)

    def store(self, kind: str, name: str, content_type: str, content: bytes) -> Stored:
        file = Stored(f"file{next(self._numbers)}-{kind}", kind, name, content_type, content)
        self.files[file.file_id] = file
        return file

    def ask(self) -> Query:
        """A tap begins to wait for its answer."""
        answer = asyncio.get_running_loop().create_future()
        query = Query(f"{7_000_000_000 + next(self._numbers)}", self.now(), answer)
        self.queries[query.id] = query
        return query

    def answer(self, query_id: str, answered: Answered) -> None:
        """Core.telegram.org/bots/api#answercallbackquery: once, and not too late.

        Raises:
            Refusal: 400, QUERY_ID_INVALID as Client.cpp words it.
        """
        query = self.queries.pop(query_id, None)
        if query is None or self.now() - query.asked_at > QUERY_LIFE_S:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        if not query.answer.done():
            query.answer.set_result(answered)
        self.changed()
