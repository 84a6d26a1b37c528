"""Private chats, groups, supergroups and forums: who is in, what may be written, what is to be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.support.bot_api.messages import Message
from tests.support.bot_api.refusals import bad_request, forbidden, upgraded
from tests.support.bot_api.texts import formatted

if TYPE_CHECKING:
    from tests.support.bot_api.network import Network
    from tests.support.bot_api.people import Person

CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
"""Who stands under what channels say in groups, besides `sender_chat`."""

GENERAL = 1
"""The topic that every forum has; core.telegram.org/bots/api#editgeneralforumtopic."""
ADMIN_RIGHTS = ("can_delete_messages", "can_manage_topics", "can_restrict_members", "can_pin_messages")
_ADMINISTRATION = (
    "delete_messages",
    "manage_topics",
    "restrict_members",
    "pin_messages",
    "manage_video_chats",
    "promote_members",
    "change_info",
    "invite_users",
    "post_stories",
    "edit_stories",
    "delete_stories",
)
_PERMISSIONS = (
    "send_messages",
    "send_audios",
    "send_documents",
    "send_photos",
    "send_videos",
    "send_video_notes",
    "send_voice_notes",
    "send_polls",
    "send_other_messages",
    "add_web_page_previews",
    "change_info",
    "invite_users",
    "pin_messages",
    "manage_topics",
    "edit_tag",
    "react_to_messages",
)
_SENDING = {"text": "text messages", "photo": "photos", "document": "documents"}


@dataclass
class Topic:
    """A topic of a forum; its id is that of the message that opened it."""

    id: int
    name: str
    closed: bool = False


@dataclass(eq=False)
class Chat:
    """A chat as its people see it; `bot_status` is that of core.telegram.org/bots/api#chatmember."""

    network: Network
    id: int
    kind: Literal["private", "group", "supergroup"]
    title: str
    person: Person | None = None
    forum: bool = False
    bot_status: str = "left"
    muted: bool = False
    rights: set[str] = field(default_factory=set)
    members: dict[int, Person] = field(default_factory=dict)
    administrators: set[int] = field(default_factory=set)
    anonymous: set[int] = field(default_factory=set)
    topics: dict[int, Topic] = field(default_factory=dict)
    every_message: dict[int, Message] = field(default_factory=dict)
    migrated_to: Chat | None = None

    # What people see.

    @property
    def messages(self) -> list[Message]:
        """What is to be seen now, oldest first, service messages included."""
        return [message for message in self.every_message.values() if not message.deleted]

    @property
    def from_bot(self) -> list[Message]:
        """What the bot has posted here and not deleted, oldest first."""
        return [message for message in self.messages if message.from_bot]

    def in_topic(self, topic: Topic) -> list[Message]:
        return [message for message in self.messages if message.topic_id == topic.id]

    async def shows(self, *words: str, within_s: float | None = None) -> Message:
        """Wait for the bot's newest message whose text holds all of `words`."""

        def found() -> Message | None:
            fitting = [m for m in self.from_bot if all(word in m.text for word in words)]
            return fitting[-1] if fitting else None

        return await self.network.seen(found, within_s=within_s)

    async def becomes(self, message: Message, *words: str, within_s: float | None = None) -> Message:
        """Wait until a message reads all of `words`."""

        def found() -> Message | None:
            return message if all(word in message.text for word in words) else None

        return await self.network.seen(found, within_s=within_s)

    def topic(self, name: str) -> Topic:
        return next(topic for topic in self.topics.values() if topic.name == name)

    def picture(self) -> str:
        """Everything in it, for the eye of who reads a failed test."""
        head = (
            f"== {self.title} ({self.kind}{', forum' if self.forum else ''} {self.id}, bot {self.bot_status})"
        )
        return "\n".join([head, *(message.picture() for message in self.messages[-12:])])

    # What people do.

    def add(self, by: Person | None = None) -> None:
        """Somebody takes the bot in: ``my_chat_member`` and a service message tell it."""
        self._bot_becomes("member", by)
        self._told_by(by, {"new_chat_members": [self.network.bot]})

    def kick(self, by: Person | None = None) -> None:
        """The bot is thrown out; in a supergroup it hears of it by ``my_chat_member`` alone."""
        self._bot_becomes("kicked", by)

    def mute(self, by: Person | None = None) -> None:
        """The bot may stay and read, and write no more."""
        self.muted = True
        self._bot_becomes("restricted" if self.kind == "supergroup" else self.bot_status, by)

    def unmute(self, by: Person | None = None) -> None:
        self.muted = False
        self._bot_becomes("member", by)

    def promote(self, *rights: str, by: Person | None = None) -> None:
        """The bot becomes an administrator, with all of `ADMIN_RIGHTS` if none are named."""
        before = self.bot_member()
        self.rights = set(rights or ADMIN_RIGHTS)
        self._bot_becomes("administrator", by, before)

    async def migrate(self, *, announced: bool = True) -> Chat:
        """The group becomes a supergroup with another id; unannounced, only the error on sending tells.

        core.telegram.org/bots/api#message, `migrate_to_chat_id` and `migrate_from_chat_id`.
        """
        new = self.network.add_chat("supergroup", self.title, list(self.members.values()))
        new.bot_status, new.rights, new.muted = self.bot_status, set(self.rights), self.muted
        new.administrators, new.anonymous = set(self.administrators), set(self.anonymous)
        self.migrated_to = new
        self._told_by(None, {"migrate_to_chat_id": new.id}, told=announced)
        new._told_by(None, {"migrate_from_chat_id": self.id}, told=announced)
        return new

    def open_topic(self, name: str, by: Person | None = None) -> Topic:
        """A person opens a topic; the service message that opens it gives it its id."""
        told = self._told_by(by, {"forum_topic_created": {"name": name, "icon_color": 7322096}})
        topic = self.topics[told.id] = Topic(told.id, name)
        told.topic_id = topic.id
        return topic

    def delete_topic(self, topic: Topic) -> None:
        """A person deletes a topic and all that was said in it; the bot is not told."""
        del self.topics[topic.id]
        for message in self.in_topic(topic):
            message.deleted = True
        self.network.changed()

    def post(self, sender: dict[str, Any], **content: Any) -> Message:
        """Add a message; the fields are those of `Message`."""
        message_id = self.network.next_message_id(self)
        message = Message(self, message_id, sender, int(self.network.now()), **content)
        self.every_message[message_id] = message
        self.network.changed()
        return message

    async def channel_publishes(self, text: str, *, automatic: bool) -> Message:
        """A channel's words in this group: copied from one that is linked to it, or of who writes as one.

        core.telegram.org/bots/api#message: `sender_chat`, `is_automatic_forward`.
        """
        channel = {"id": -1009, "type": "channel", "title": "News"}
        sender = CHANNEL_BOT
        origin: dict[str, Any] = {"sender_chat": channel}
        if automatic:
            sender = TELEGRAM
            passed_on = {"type": "channel", "date": 1, "chat": channel, "message_id": 1}
            origin |= {"is_automatic_forward": True, "forward_origin": passed_on}
        message = self.post(sender, rich=formatted(text, ""), origin=origin)
        if self.network.may_read(message):
            self.tell("message", message.json())
        return message

    # What the bot is told and may do.

    def json(self) -> dict[str, Any]:
        """core.telegram.org/bots/api#chat."""
        if self.person is not None:
            fields = {"first_name": self.person.name, "username": self.person.username}
            return {"id": self.id, "type": "private"} | {key: value for key, value in fields.items() if value}
        made = {"id": self.id, "type": self.kind, "title": self.title}
        return made | ({"is_forum": True} if self.forum else {})

    def bot_member(self) -> dict[str, Any]:
        """core.telegram.org/bots/api#chatmember, of the bot."""
        return member(self.network.bot, self.bot_status, self.rights, muted=self.muted)

    def check_access(self) -> None:
        """Whether the bot can reach the chat (`check_chat_access` in Client.cpp).

        Raises:
            Refusal: 403, or 400 with ``migrate_to_chat_id``.
        """
        if self.migrated_to is not None:
            raise upgraded(self.migrated_to.id)
        if self.person is not None:
            if self.person.blocking:
                raise forbidden("bot was blocked by the user")
            if not self.person.started:
                raise forbidden("bot can't initiate conversation with a user")
        elif self.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {self.kind} chat")
        elif self.bot_status == "left":
            raise forbidden(f"bot is not a member of the {self.kind} chat")

    def check_writing(self, what: str, topic_id: int) -> None:
        """Whether the bot may post `what` (text, photo, document) there.

        Words of `MessagesManager::can_send_message_content` and of the MTProto error TOPIC_CLOSED. A
        forum's general topic is written to without an id; with its id the API refuses (tdlib/telegram-bot-
        api issue 447).
        """
        self.check_access()
        if self.muted and self.bot_status != "administrator":
            raise bad_request(f"not enough rights to send {_SENDING[what]} to the chat")
        if topic_id and topic_id not in self.topics:
            raise bad_request("message thread not found")
        if topic_id and self.topics[topic_id].closed and "can_manage_topics" not in self.rights:
            raise bad_request("TOPIC_CLOSED")

    def tell(self, kind: str, what: dict[str, Any]) -> None:
        if self.bot_status not in {"left", "kicked"}:
            self.network.updates.add(kind, what)
        self.network.changed()

    def _told_by(self, by: Person | None, service: dict[str, Any], *, told: bool = True) -> Message:
        """A service message, which reaches the bot whatever its privacy mode."""
        sender = (by or self.network.somebody()).json()
        message = self.post(sender, service=service)
        if told:
            self.tell("message", message.json())
        return message

    def _bot_becomes(self, status: str, by: Person | None, before: dict[str, Any] | None = None) -> None:
        """core.telegram.org/bots/api#chatmemberupdated: ``my_chat_member``, which a kicked bot gets too."""
        old = before or self.bot_member()
        if status != "administrator":
            self.rights = set()
        self.bot_status = status
        change = {
            "chat": self.json(),
            "from": (by or self.network.somebody()).json(),
            "date": int(self.network.now()),
            "old_chat_member": old,
            "new_chat_member": self.bot_member(),
        }
        self.network.updates.add("my_chat_member", change)
        self.network.changed()


def member(user: dict[str, Any], status: str, rights: set[str], *, muted: bool = False) -> dict[str, Any]:
    """core.telegram.org/bots/api#chatmember, its six forms."""
    made: dict[str, Any] = {"user": user, "status": status}
    if status == "administrator":
        made |= {f"can_{what}": f"can_{what}" in rights for what in _ADMINISTRATION}
        return made | {"can_manage_chat": True, "is_anonymous": False, "can_be_edited": False}
    if status == "restricted":
        made |= {f"can_{what}": not muted for what in _PERMISSIONS}
        return made | {"is_member": True, "until_date": 0}
    if status == "kicked":
        return made | {"until_date": 0}
    return made | ({"is_anonymous": False} if status == "creator" else {})
