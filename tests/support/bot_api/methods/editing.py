"""What changes or removes what is posted, and the answer to a tap."""

from __future__ import annotations

from tests.support.bot_api.calls import Call, method
from tests.support.bot_api.keyboards import Markup, read_markup
from tests.support.bot_api.messages import Message
from tests.support.bot_api.people import Answered
from tests.support.bot_api.refusals import bad_request
from tests.support.bot_api.texts import Rich, caption, message_text, units

DELETABLE_S = 48 * 3600
"""core.telegram.org/bots/api#deletemessage."""
ANSWER_LIMIT = 200
"""core.telegram.org/bots/api#answercallbackquery."""


@method("editMessageText")
async def edit_message_text(call: Call) -> dict[str, object]:
    """core.telegram.org/bots/api#editmessagetext: the buttons go unless they are given again."""
    message = _editable(call)
    if message.file is not None or message.service:
        raise bad_request("there is no text in the message to edit")
    rich = message_text(call.text("text"), call.text("parse_mode"), call.json("entities"))
    return _change(call, message, rich, _inline(call))


@method("editMessageCaption")
async def edit_message_caption(call: Call) -> dict[str, object]:
    """core.telegram.org/bots/api#editmessagecaption."""
    message = _editable(call)
    if message.file is None:
        raise bad_request("there is no caption in the message to edit")
    rich = caption(call.text("caption"), call.text("parse_mode"), call.json("caption_entities"))
    return _change(call, message, rich, _inline(call))


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(call: Call) -> dict[str, object]:
    """core.telegram.org/bots/api#editmessagereplymarkup."""
    message = _editable(call)
    return _change(call, message, message.rich, _inline(call))


@method("deleteMessage")
async def delete_message(call: Call) -> bool:
    """core.telegram.org/bots/api#deletemessage."""
    message = call.message("delete")
    if not _may_delete(call, message):
        raise bad_request("message can't be deleted")
    message.deleted = True
    return True


@method("deleteMessages")
async def delete_messages(call: Call) -> bool:
    """core.telegram.org/bots/api#deletemessages: 1 to 100, those not found are skipped."""
    chat = call.chat()
    chat.check_access()
    wanted = call.json("message_ids", [])
    if not 1 <= len(wanted) <= 100:
        raise bad_request(
            "message identifiers are not specified" if not wanted else "too many messages to delete"
        )
    found = [chat.every_message[number] for number in wanted if number in chat.every_message]
    if not all(_may_delete(call, message) for message in found):
        raise bad_request("message can't be deleted")
    for message in found:
        message.deleted = True
    return True


@method("answerCallbackQuery")
async def answer_callback_query(call: Call) -> bool:
    """core.telegram.org/bots/api#answercallbackquery."""
    text = call.text("text")
    if units(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    answered = Answered(text, call.flag("show_alert"), call.text("url"))
    call.network.answer(call.text("callback_query_id"), answered)
    return True


def _inline(call: Call) -> Markup:
    """Words of the MTProto error that a ForceReply meets in an edit."""
    markup = read_markup(call.text("reply_markup"))
    if markup.given and not markup.buttons:
        raise bad_request("inline keyboard expected")
    return markup


def _editable(call: Call) -> Message:
    """Words of `MessagesManager::can_edit_message` (tdlib/td): one's own messages alone."""
    message = call.message("edit")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return message


def _change(call: Call, message: Message, rich: Rich, markup: Markup) -> dict[str, object]:
    """An edit that changes nothing is refused: MESSAGE_NOT_MODIFIED as Client.cpp words it."""
    if rich == message.rich and markup.given == message.markup.given:
        same = "exactly the same as a current content and reply markup of the message"
        raise bad_request(
            f"message is not modified: specified new message content and reply markup are {same}"
        )
    message.history.append(message.text)
    message.rich, message.markup = rich, markup
    message.edits += 1
    message.edited_at = int(call.network.now())
    return message.json()


def _may_delete(call: Call, message: Message) -> bool:
    chat = message.chat
    if call.network.now() - message.date > DELETABLE_S and "can_delete_messages" not in chat.rights:
        return False
    return message.from_bot or chat.kind == "private" or "can_delete_messages" in chat.rights
