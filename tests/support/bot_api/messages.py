"""Messages as a person sees them now, and as the bot is told about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.bot_api.keyboards import Button, Markup
from tests.support.bot_api.texts import Rich

if TYPE_CHECKING:
    from tests.support.bot_api.chats import Chat


@dataclass(frozen=True, slots=True)
class Stored:
    """A file on the server: `kind` is document or photo."""

    file_id: str
    kind: str
    name: str
    content_type: str
    content: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """core.telegram.org/bots/api#document; one size of #photosize."""
        size = {"file_id": self.file_id, "file_unique_id": f"u{self.file_id}", "file_size": len(self.content)}
        if self.kind == "photo":
            return size | {"width": 320, "height": 240}
        return size | {"file_name": self.name, "mime_type": self.content_type}


@dataclass(eq=False)
class Message:
    """One message: `rich` is its text or caption, `markup` its buttons; `edits` counts what changed it."""

    chat: Chat
    id: int
    sender: dict[str, Any]
    date: int
    rich: Rich = field(default_factory=Rich)
    markup: Markup = field(default_factory=Markup)
    topic_id: int = 0
    reply_to: Message | None = None
    file: Stored | None = None
    album: str = ""
    anonymous: bool = False
    origin: dict[str, Any] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    edits: int = 0
    edited_at: int = 0
    deleted: bool = False
    silent: bool = False
    history: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text or caption without markup."""
        return self.rich.text

    @property
    def from_bot(self) -> bool:
        return bool(self.sender["id"] == self.chat.network.bot["id"])

    @property
    def buttons(self) -> list[list[str]]:
        """The labels, row by row."""
        return [[button.text for button in row] for row in self.markup.buttons]

    @property
    def force_reply(self) -> bool:
        return self.markup.force_reply

    def button(self, label: str) -> Button:
        """The button with this label, or the only one whose label holds it."""
        buttons = [button for row in self.markup.buttons for button in row]
        exact = [button for button in buttons if button.text == label]
        near = exact or [button for button in buttons if label in button.text]
        if len(near) != 1:
            raise AssertionError(f"{len(near)} buttons {label!r} here:\n{self.picture()}")
        return near[0]

    def picture(self) -> str:
        """The message for the eye of who reads a failed test."""
        head = f"#{self.id} {self.sender['first_name']}"
        head += f" in topic {self.topic_id}" if self.topic_id else ""
        head += f" (edited {self.edits}x)" if self.edits else ""
        body = [self.text] if self.text else []
        body += [f"<{self.file.kind} {self.file.name}, {len(self.file.content)} octets>"] if self.file else []
        body += [f"<{', '.join(self.service)}>"] if self.service else []
        body += [" ".join(f"[{label}]" for label in row) for row in self.buttons]
        return "\n".join([head, *("    " + line for part in body for line in part.splitlines())])

    def json(self, *, nested: bool = False) -> dict[str, Any]:
        """core.telegram.org/bots/api#message; `nested` = within another, without its own reply."""
        made: dict[str, Any] = {
            "message_id": self.id,
            "date": self.date,
            "chat": self.chat.json(),
            "from": self.sender,
        } | self.service
        if self.anonymous:
            made["sender_chat"] = self.chat.json()
        made |= self.origin
        if self.file is not None:
            made[self.file.kind] = [self.file.json()] if self.file.kind == "photo" else self.file.json()
        if self.rich.text:
            text, entities = ("caption", "caption_entities") if self.file else ("text", "entities")
            made[text] = self.rich.text
            if self.rich.styles:
                made[entities] = self.rich.entities()
        if self.markup.buttons:
            made["reply_markup"] = {"inline_keyboard": self._keyboard()}
        made |= {"edit_date": self.edited_at} if self.edited_at else {}
        made |= {"media_group_id": self.album} if self.album else {}
        if self.topic_id:
            made |= {"message_thread_id": self.topic_id, "is_topic_message": True}
        if self.reply_to and not nested:
            made["reply_to_message"] = self.reply_to.json(nested=True)
        return made

    def _keyboard(self) -> list[list[dict[str, str]]]:
        def shown(button: Button) -> dict[str, str]:
            made = {
                "text": button.text,
                "callback_data": button.data,
                "url": button.url,
                "style": button.style,
            }
            return {name: value for name, value in made.items() if value}

        return [[shown(button) for button in row] for row in self.markup.buttons]
