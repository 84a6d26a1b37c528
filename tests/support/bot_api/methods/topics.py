"""Topics of forums."""

from __future__ import annotations

from typing import Any

from tests.support.bot_api.calls import Call, method
from tests.support.bot_api.chats import Chat, Topic
from tests.support.bot_api.refusals import bad_request

NAME_LIMIT = 128
"""core.telegram.org/bots/api#createforumtopic."""


@method("createForumTopic")
async def create_forum_topic(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#createforumtopic; the opening service message gives the id."""
    chat = _forum(call, "create a topic")
    name = _name(call)
    call.network.limits.count(chat.id, call.network.now())
    opened = chat.post(
        call.network.bot, service={"forum_topic_created": {"name": name, "icon_color": 7322096}}
    )
    opened.topic_id = opened.id
    chat.topics[opened.id] = Topic(opened.id, name)
    return {"message_thread_id": opened.id, "name": name, "icon_color": 7322096}


@method("editForumTopic")
async def edit_forum_topic(call: Call) -> bool:
    """core.telegram.org/bots/api#editforumtopic."""
    topic = _topic(call)
    if call.text("name") == topic.name:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name = _name(call) if "name" in call.parameters else topic.name
    return True


@method("closeForumTopic")
async def close_forum_topic(call: Call) -> bool:
    """core.telegram.org/bots/api#closeforumtopic."""
    return _turn(call, closed=True)


@method("reopenForumTopic")
async def reopen_forum_topic(call: Call) -> bool:
    """core.telegram.org/bots/api#reopenforumtopic."""
    return _turn(call, closed=False)


def _turn(call: Call, *, closed: bool) -> bool:
    topic = _topic(call)
    if topic.closed is closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    return True


def _forum(call: Call, what: str) -> Chat:
    """The words of `ForumTopicManager` in tdlib/td."""
    chat = call.chat()
    chat.check_access()
    if not chat.forum:
        raise bad_request("the chat is not a forum")
    if "can_manage_topics" not in chat.rights:
        raise bad_request(f"not enough rights to {what}")
    return chat


def _topic(call: Call) -> Topic:
    topic = _forum(call, "manage topics").topics.get(call.number("message_thread_id"))
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    return topic


def _name(call: Call) -> str:
    name = call.text("name").strip()
    if not name:
        raise bad_request("topic name must be non-empty")
    if len(name) > NAME_LIMIT:
        raise bad_request("TOPIC_TITLE_TOO_LONG")
    return name
