"""A request's parameters, and the table of methods."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.bot_api.chats import Chat
from tests.support.bot_api.messages import Message, Stored
from tests.support.bot_api.network import Network
from tests.support.bot_api.refusals import bad_request


@dataclass
class Call:
    """One request: all parameters are strings, as in ``application/x-www-form-urlencoded``."""

    network: Network
    method: str
    parameters: dict[str, str]
    uploads: dict[str, Stored] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.parameters.get(name, "")

    def flag(self, name: str) -> bool:
        """Booleans as Client.cpp reads them: true, yes, 1."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def number(self, name: str, default: int = 0) -> int:
        """An integer; what is none counts as 0, as `get_integer_arg` in Client.cpp has it."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            return 0

    def json(self, name: str, default: Any = None) -> Any:
        """A JSON-serialized object.

        Raises:
            Refusal: 400, it is none.
        """
        if not self.text(name):
            return default
        try:
            return json.loads(self.text(name))
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def chat(self) -> Chat:
        return self.network.chat(self.text("chat_id"))

    def message(self, words: str) -> Message:
        """The message that `chat_id` and `message_id` name; `words` is what is refused: edit, delete.

        Raises:
            Refusal: 400, no such message; or the chat cannot be reached.
        """
        chat = self.chat()
        chat.check_access()
        if not self.number("message_id"):
            raise bad_request("message identifier is not specified")
        message = chat.every_message.get(self.number("message_id"))
        if message is None or message.deleted:
            raise bad_request(f"message to {words} not found")
        return message


Method = Callable[[Call], Awaitable[Any]]
METHODS: dict[str, Method] = {}
"""By name in small letters: core.telegram.org/bots/api#making-requests, "case-insensitive"."""


def method(name: str) -> Callable[[Method], Method]:
    """Enter a coroutine function into the table under the API's name."""

    def enter(function: Method) -> Method:
        METHODS[name.lower()] = function
        return function

    return enter
