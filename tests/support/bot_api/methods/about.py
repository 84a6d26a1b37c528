"""What the bot may ask about chats, people and files."""

from __future__ import annotations

from typing import Any

from tests.support.bot_api.calls import Call, method
from tests.support.bot_api.chats import Chat, member
from tests.support.bot_api.refusals import bad_request

DOWNLOAD_LIMIT_OCTETS = 20 * 1024 * 1024
"""core.telegram.org/bots/api#getfile."""


@method("getChat")
async def get_chat(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#chatfullinfo."""
    chat = call.chat()
    if chat.person is None:
        chat.check_access()
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    made: dict[str, Any] = chat.json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    if chat.person is None:
        made["permissions"] = {"can_send_messages": not chat.muted}
    return made


@method("getChatMember")
async def get_chat_member(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#getchatmember."""
    chat = call.chat()
    chat.check_access()
    user_id = call.number("user_id")
    if user_id == call.network.bot["id"]:
        return chat.bot_member()
    if user_id not in call.network.people:
        raise bad_request("user not found")
    return _member(chat, user_id)


@method("getChatAdministrators")
async def get_chat_administrators(call: Call) -> list[dict[str, Any]]:
    """core.telegram.org/bots/api#getchatadministrators: other bots are left out, this one is not."""
    chat = call.chat()
    chat.check_access()
    if chat.kind == "private":
        raise bad_request("there are no administrators in the private chat")
    found = [_member(chat, user_id) for user_id in sorted(chat.administrators)]
    return [*found, chat.bot_member()] if chat.bot_status == "administrator" else found


@method("getChatMemberCount")
async def get_chat_member_count(call: Call) -> int:
    """core.telegram.org/bots/api#getchatmembercount."""
    chat = call.chat()
    chat.check_access()
    return len(chat.members) + 1


@method("leaveChat")
async def leave_chat(call: Call) -> bool:
    """core.telegram.org/bots/api#leavechat."""
    chat = call.chat()
    chat.check_access()
    chat.bot_status = "left"
    return True


@method("getFile")
async def get_file(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#getfile; then ``/file/bot<token>/<file_path>``."""
    file = call.network.files.get(call.text("file_id"))
    if file is None:
        raise bad_request("invalid file_id")
    if len(file.content) > DOWNLOAD_LIMIT_OCTETS:
        raise bad_request("file is too big")
    return {
        "file_id": file.file_id,
        "file_unique_id": f"u{file.file_id}",
        "file_size": len(file.content),
        "file_path": f"{file.kind}s/{file.file_id}",
    }


def _member(chat: Chat, user_id: int) -> dict[str, Any]:
    person = chat.network.people[user_id]
    if user_id in chat.administrators:
        return member(person.json(), "administrator", set())
    return member(person.json(), "member" if user_id in chat.members else "left", set())
